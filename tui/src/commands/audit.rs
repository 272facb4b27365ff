//! `audit`: who did what, in order, chained by hash.

use std::process::ExitCode;

use dropforge_shared::clean;
use dropforge_shared::client::{flat, within};
use dropforge_shared::service::{AuditView, CALL};

use super::{Context, Done};
use crate::output as print;

/// Which entries.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge audit --limit 20")]
pub struct Args {
    /// Only the newest so many
    #[arg(long, default_value_t = 1000)]
    limit: usize,
}

/// Entries in one call.
const PIECE: u32 = 500;

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let client = context.client().await?;
    let mut all: Vec<AuditView> = Vec::new();
    let mut before = 0;
    while all.len() < args.limit {
        let piece = flat(client.rpc.audit(within(CALL), before, PIECE).await)?;
        let Some(last) = piece.last() else { break };
        before = last.seq;
        all.extend(piece);
        if before <= 1 {
            break;
        }
    }
    all.truncate(args.limit);
    all.reverse();
    if context.json {
        print::json(&all)?;
    } else {
        for entry in &all {
            print::line(&format!(
                "{} {} uid {} {} {} {}",
                entry.seq,
                entry.at,
                entry.uid,
                entry.action,
                entry.what,
                clean::line(&entry.detail)
            ))?;
        }
    }
    let broken: Vec<&AuditView> = all.iter().filter(|entry| entry.broken.is_some()).collect();
    for entry in &broken {
        let why = entry.broken.as_deref().unwrap_or_default();
        print::note(&format!("entry {} {why}; `dropforge fsck` follows the whole chain", entry.seq));
    }
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
