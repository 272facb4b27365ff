//! `cancel JOB`: one that waits ends at once, one that runs within 16 s.

use dropforge_shared::client::{flat, within};
use dropforge_shared::service::CALL;

use super::{Context, Done};

/// Which job.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge cancel j3k")]
pub struct Args {
    /// Job
    job: String,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let client = context.client().await?;
    let job = flat(client.rpc.cancel(within(CALL), args.job).await)?;
    super::job::show(&job, context)
}
