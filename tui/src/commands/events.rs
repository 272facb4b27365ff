//! `events`: what happens from now on, one JSON object a line, until interrupted.

use std::process::ExitCode;

use dropforge_shared::client::{FeedItem, follow};

use super::{Context, Done};
use crate::output as print;

/// How long to follow.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge events --count 10")]
pub struct Args {
    /// End after so many events
    #[arg(long)]
    count: Option<u64>,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    context.client().await?;
    if args.count == Some(0) {
        return Ok(ExitCode::SUCCESS);
    }
    let (send, mut items) = tokio::sync::mpsc::channel(64);
    tokio::spawn(follow(context.paths.clone(), send));
    let mut seen = 0;
    while let Some(item) = items.recv().await {
        match item {
            FeedItem::Connected(client) => print::note(&format!("following daemon {}", client.peer.pid)),
            FeedItem::Lost(why) => print::note(&format!("{why}; waiting for it")),
            FeedItem::Events(batch) => {
                if batch.gap {
                    print::note("some events were missed");
                }
                for event in batch.events {
                    print::json_line(&event)?;
                    seen += 1;
                    if args.count.is_some_and(|n| seen >= n) {
                        return Ok(ExitCode::SUCCESS);
                    }
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
