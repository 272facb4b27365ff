//! `logs JOB`: what it said, and with `--follow` what it says.

use std::collections::VecDeque;
use std::process::ExitCode;

use dropforge_shared::clean;
use dropforge_shared::client::{flat, within};
use dropforge_shared::fault::Fault;
use dropforge_shared::job::{LogChunk, LogEntry};
use dropforge_shared::service::{CALL, DropforgeClient, MAX_WAIT_MS};

use super::waiting::Line;
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
    let mut line = Line::new(context, context.client().await?);
    // A log outlives its daemon, so following it does too.
    let mut read = async |offset: u64, limit: u32, wait_ms: u32| {
        let call = async |rpc: &DropforgeClient| {
            flat(rpc.log_read(within(CALL * 3), args.job.clone(), offset, limit, wait_ms).await)
        };
        line.call(call).await
    };
    let mut all = Vec::new();
    let mut chunk = match args.tail {
        None => read(0, PIECE, 0).await?,
        Some(lines) if (1..=PIECE).contains(&lines) => read(u64::MAX, lines, 0).await?,
        Some(lines) => {
            tail(async |at| read(at, PIECE, 0).await, usize::try_from(lines).unwrap_or(usize::MAX)).await?
        }
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

/// The last lines, where they are more than come in one call: the log is bounded, so all of it is read.
async fn tail(
    mut read: impl AsyncFnMut(u64) -> Result<LogChunk, Fault>,
    lines: usize,
) -> Result<LogChunk, Fault> {
    let mut kept: VecDeque<LogEntry> = VecDeque::new();
    let mut at = 0;
    loop {
        let chunk = read(at).await?;
        let end = chunk.entries.is_empty() || chunk.finished;
        kept.extend(chunk.entries);
        kept.drain(..kept.len().saturating_sub(lines));
        if end {
            return Ok(LogChunk { entries: kept.into(), ..chunk });
        }
        at = chunk.next;
    }
}

fn say(entry: &LogEntry, context: &Context) -> Result<(), Fault> {
    if context.json {
        return print::json_line(entry);
    }
    let level = format!("{:?}", entry.level).to_lowercase();
    print::line(&format!(
        "{} {:>2} {level:<5} {:<6} {}",
        entry.at,
        entry.attempt,
        entry.source,
        clean::line(&entry.text)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dropforge_shared::job::LogLevel;
    use dropforge_shared::time::Timestamp;

    /// A log of 1,200 lines as a daemon hands it out: 500 at most in a call.
    async fn read(at: u64) -> Result<LogChunk, Fault> {
        let entry = |i: u64| LogEntry {
            at: Timestamp(0),
            attempt: 1,
            level: LogLevel::Info,
            source: "stderr".into(),
            text: i.to_string(),
        };
        let entries: Vec<LogEntry> = (at..1200).take(500).map(entry).collect();
        let next = at + entries.len() as u64;
        Ok(LogChunk { finished: entries.is_empty(), entries, next, oldest: 0 })
    }

    #[tokio::test]
    async fn a_long_tail_is_as_long_as_asked_for() {
        for (lines, first) in [(700, Some("500")), (1200, Some("0")), (5000, Some("0")), (0, None)] {
            let chunk = tail(read, lines).await.unwrap();
            assert_eq!(chunk.entries.len(), lines.min(1200));
            assert_eq!(chunk.entries.first().map(|e| e.text.as_str()), first);
            assert_eq!((chunk.next, chunk.finished), (1200, true), "following goes on from the end");
        }
    }
}
