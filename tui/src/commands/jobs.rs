//! `jobs`: the list, newest first.

use std::process::ExitCode;

use dropforge_shared::client::{flat, within};
use dropforge_shared::job::JobState;
use dropforge_shared::service::{CALL, JobQuery};

use super::{Context, Done, listing};
use crate::output as print;
use crate::output::table::{Column, Table};

/// Which jobs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge jobs --state failed --limit 10")]
pub struct Args {
    /// Only those that are queued, running, done, failed, cancelled or dead
    #[arg(long, value_parser = state)]
    state: Option<JobState>,
    /// At most so many; without it all with --json, and 1000 in the table
    #[arg(long)]
    limit: Option<usize>,
}

fn state(text: &str) -> Result<JobState, String> {
    let names = || JobState::ALL.map(JobState::name).join(", ");
    JobState::ALL.into_iter().find(|s| s.name() == text).ok_or_else(|| format!("one of {}", names()))
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let client = context.client().await?;
    let pieces = async |after, limit| {
        let query = JobQuery { state: args.state, after, limit };
        flat(client.rpc.jobs(within(CALL), query).await)
    };
    let listing::Gathered { items: jobs, more } = listing::gather(args.limit, !context.json, pieces).await?;
    if context.json {
        print::json(&jobs)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new([
        Column::whole("id"),
        Column::whole("kind").drops(3),
        Column::text("file"),
        Column::whole("state"),
        Column::whole("stage").drops(2),
        Column::number("done").drops(4),
        Column::number("tries").drops(5),
        Column::whole("queued").drops(6),
        Column::text("error").drops(1),
    ]);
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
            job.error.as_deref().and_then(|e| e.lines().next()).unwrap_or_default(),
        ]);
    }
    table.print()?;
    if more > 0 {
        print::note(&format!("({more} more jobs; --limit N shows more)"));
    }
    Ok(ExitCode::SUCCESS)
}
