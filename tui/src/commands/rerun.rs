//! `rerun JOB`: a job that has ended once more, as a new job.

use std::process::ExitCode;

use dropforge_shared::client::{flat, within};
use dropforge_shared::service::CALL;

use super::waiting::{self, Line};
use super::{Context, Done};
use crate::output as print;

/// Which job, and from where on.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge rerun j3k")]
pub struct Args {
    /// Job
    job: String,
    /// Begin at this stage, with the file's data for what comes before it; `ingest` can begin at `profile`
    #[arg(long, value_name = "STAGE")]
    from: Option<String>,
    /// Wait until it has ended; exit 1 where it did not end well
    #[arg(long)]
    wait: bool,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let client = context.client().await?;
    let job = flat(client.rpc.rerun(within(CALL), args.job, args.from).await)?;
    if !args.wait {
        return super::job::show(&job, context);
    }
    let mut line = Line::new(context, client);
    let ended = waiting::watch(&mut line, &[job.id.to_string()]).await?;
    let Some(views) = ended else { return Ok(ExitCode::from(waiting::INTERRUPTED)) };
    for view in &views {
        super::job::show(view, context)?;
        waiting::shortfall(view).iter().for_each(|note| print::note(note));
    }
    Ok(waiting::exit_code(&views).map_or(ExitCode::SUCCESS, ExitCode::from))
}
