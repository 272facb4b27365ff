//! `cancel JOB`: one that waits ends at once, one that runs within 16 s.

use std::process::ExitCode;

use dropforge_shared::client::{flat, within};
use dropforge_shared::job::JobState;
use dropforge_shared::service::{CALL, JobQuery};
use futures::StreamExt;

use super::{Context, Done};
use crate::output as print;

/// Which jobs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge cancel j3k\n          dropforge cancel --queued")]
pub struct Args {
    /// Jobs
    #[arg(required_unless_present = "queued")]
    jobs: Vec<String>,
    /// Every job that waits
    #[arg(long)]
    queued: bool,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let client = context.client().await?;
    if let ([job], false) = (args.jobs.as_slice(), args.queued) {
        let job = flat(client.rpc.cancel(within(CALL), job.clone()).await)?;
        return super::job::show(&job, context);
    }
    let mut cancelled = Vec::new();
    for job in args.jobs {
        cancelled.push(flat(client.rpc.cancel(within(CALL), job).await)?);
    }
    // Piece by piece from the front: what is cancelled leaves the list.
    loop {
        if !args.queued {
            break;
        }
        let query = JobQuery { state: Some(JobState::Queued), after: None, limit: 0 };
        let waiting = flat(client.rpc.jobs(within(CALL), query).await)?.items;
        if waiting.is_empty() {
            break;
        }
        let answers = futures::stream::iter(waiting)
            .map(|job| {
                let rpc = client.rpc.clone();
                async move { flat(rpc.cancel(within(CALL), job.id.to_string()).await) }
            })
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        // One that has ended since it was listed is no reason to stop; that nothing can be cancelled is.
        let before = cancelled.len();
        let mut refused = None;
        for answer in answers {
            match answer {
                Ok(job) => cancelled.push(job),
                Err(fault) => refused = Some(fault),
            }
        }
        if cancelled.len() == before
            && let Some(fault) = refused
        {
            return Err(fault);
        }
        print::progress(&format!("{} cancelled", cancelled.len()));
    }
    print::progress("");
    if context.json {
        print::json(&cancelled)?;
    } else {
        print::line(&format!("{} jobs cancelled", cancelled.len()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Calls under way at once: they share commits.
const AT_ONCE: usize = 64;
