//! `jobs`: the list, newest first.

use std::process::ExitCode;

use dropforge_shared::client::{flat, within};
use dropforge_shared::job::{JobState, JobView};
use dropforge_shared::service::{CALL, JobQuery};

use super::{Context, Done};
use crate::output as print;
use crate::output::table::Table;

/// Which jobs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge jobs --state failed --limit 10")]
pub struct Args {
    /// Only those that are queued, running, done, failed, cancelled or dead
    #[arg(long, value_parser = state)]
    state: Option<JobState>,
    /// At most so many
    #[arg(long, default_value_t = 1000)]
    limit: usize,
}

fn state(text: &str) -> Result<JobState, String> {
    let names = || JobState::ALL.map(JobState::name).join(", ");
    JobState::ALL.into_iter().find(|s| s.name() == text).ok_or_else(|| format!("one of {}", names()))
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let client = context.client().await?;
    let mut jobs: Vec<JobView> = Vec::new();
    let mut after = None;
    while jobs.len() < args.limit {
        let limit = u32::try_from(args.limit - jobs.len()).unwrap_or(u32::MAX);
        let piece = flat(client.rpc.jobs(within(CALL), JobQuery { state: args.state, after, limit }).await)?;
        jobs.extend(piece.items);
        after = piece.next;
        if after.is_none() {
            break;
        }
    }
    if context.json {
        print::json(&jobs)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(["id", "kind", "file", "state", "stage", ">done", ">tries", "queued", "error"]);
    for job in &jobs {
        let percent = job.progress.as_ref().and_then(|p| p.fraction()).map(|f| format!("{:.0} %", f * 100.0));
        table.row([
            job.id.as_str(),
            &job.kind,
            job.file_name.as_deref().unwrap_or_default(),
            job.state.name(),
            job.stage.as_deref().unwrap_or_default(),
            &percent.unwrap_or_default(),
            &job.attempts.len().to_string(),
            &job.queued_at.to_string(),
            job.error.as_deref().unwrap_or_default(),
        ]);
    }
    print::out(&table.render(print::width()))?;
    Ok(ExitCode::SUCCESS)
}
