//! `retry JOB`: a failed, given-up or cancelled job again, as a new job: a result that stands is final.

use dropforge_shared::client::{flat, within};
use dropforge_shared::service::CALL;

use super::{Context, Done};

/// Which job.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge retry j3k")]
pub struct Args {
    /// Job
    job: String,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let client = context.client().await?;
    let job = flat(client.rpc.retry(within(CALL), args.job).await)?;
    super::job::show(&job, context)
}
