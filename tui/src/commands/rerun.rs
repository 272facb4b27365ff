//! `rerun JOB`: a job that has ended once more, as a new job.

use dropforge_shared::client::{flat, within};
use dropforge_shared::service::CALL;

use super::{Context, Done};

/// Which job, and from where on.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge rerun j3k")]
pub struct Args {
    /// Job
    job: String,
    /// Begin at this stage, with the file's data for what comes before it; `ingest` can begin at `profile`
    #[arg(long, value_name = "STAGE")]
    from: Option<String>,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let client = context.client().await?;
    let job = flat(client.rpc.rerun(within(CALL), args.job, args.from).await)?;
    super::job::show(&job, context)
}
