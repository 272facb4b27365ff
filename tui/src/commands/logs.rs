//! `logs JOB`: what it said, and with `--follow` what it says.

use std::process::ExitCode;

use dropforge_shared::clean;
use dropforge_shared::client::{flat, within};
use dropforge_shared::fault::Fault;
use dropforge_shared::job::LogEntry;
use dropforge_shared::service::{CALL, MAX_WAIT_MS};

use super::{Context, Done};
use crate::output as print;

/// Which job's log.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge logs j3k --follow --tail 20")]
pub struct Args {
    /// Job
    job: String,
    /// Go on until the job has ended; with --json one object a line
    #[arg(long, short)]
    follow: bool,
    /// Only the last so many lines to begin with
    #[arg(long)]
    tail: Option<u32>,
}

/// Lines in one call.
const PIECE: u32 = 500;

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let client = context.client().await?;
    let read = async |offset: u64, limit: u32, wait_ms: u32| {
        flat(client.rpc.log_read(within(CALL * 3), args.job.clone(), offset, limit, wait_ms).await)
    };
    let mut all = Vec::new();
    let mut chunk = match args.tail {
        Some(lines) => read(u64::MAX, lines.clamp(1, PIECE), 0).await?,
        None => read(0, PIECE, 0).await?,
    };
    if chunk.oldest > 0 && args.tail.is_none() {
        print::note("the log was long: its first lines are not kept");
    }
    loop {
        let nothing = chunk.entries.is_empty();
        for entry in chunk.entries {
            if context.json && !args.follow {
                all.push(entry);
            } else {
                say(&entry, context)?;
            }
        }
        if chunk.finished || (nothing && !args.follow) {
            break;
        }
        chunk = read(chunk.next, PIECE, if args.follow { MAX_WAIT_MS } else { 0 }).await?;
    }
    if context.json && !args.follow {
        print::json(&all)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn say(entry: &LogEntry, context: &Context) -> Result<(), Fault> {
    if context.json {
        return print::json_line(entry);
    }
    let level = format!("{:?}", entry.level).to_lowercase();
    print::line(&format!("{} {:>2} {level:<5} {:<6} {}", entry.at, entry.attempt, entry.source, clean::line(&entry.text)))
}
