//! `rm SELECTOR`: shows everything that goes, asks, removes. What was exported stays.

use std::io::{BufRead, IsTerminal};
use std::process::ExitCode;

use dropforge_shared::clean;
use dropforge_shared::client::{flat, within};
use dropforge_shared::config::ByteSize;
use dropforge_shared::fault::Fault;
use dropforge_shared::service::CALL;

use super::{Context, Done};
use crate::output as print;

/// What to remove.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge rm sales.csv")]
pub struct Args {
    /// File or job
    what: String,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let client = context.client().await?;
    let plan = flat(client.rpc.removal_plan(within(CALL), args.what).await)?;
    if !args.yes {
        if !std::io::stdin().is_terminal() {
            return Err(Fault::usage("removing needs a confirmation, and there is no terminal to ask on")
                .hint("Add --yes where it is meant."));
        }
        for item in &plan.items {
            print::note(&format!("  {:<8} {} {} ({})", item.kind, item.id, clean::line(&item.name), ByteSize(item.bytes)));
        }
        print::note(&format!("Remove all of this, {} in all? Outputs that were exported stay. [y/N]", ByteSize(plan.bytes)));
        let mut answer = String::new();
        std::io::stdin()
            .lock()
            .read_line(&mut answer)
            .map_err(|e| Fault::usage(format!("the answer can't be read: {e}")))?;
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            print::note("nothing was removed");
            return Ok(ExitCode::from(1));
        }
    }
    let done = flat(client.rpc.remove(within(CALL * 3), plan.id, plan.token).await)?;
    if context.json {
        print::json(&done)?;
    } else {
        print::line(&format!("removed {} ({})", done.id, ByteSize(done.bytes)))?;
    }
    Ok(ExitCode::SUCCESS)
}
