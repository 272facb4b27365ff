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

/// Whether there is somebody to ask.
fn may_ask(stdin: bool, stderr: bool) -> bool {
    stdin && stderr
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let client = context.client().await?;
    let plan = flat(client.rpc.removal_plan(within(CALL), args.what).await)?;
    if !args.yes {
        // What goes is shown on the one and answered on the other: both have to be a person's.
        if !may_ask(std::io::stdin().is_terminal(), std::io::stderr().is_terminal()) {
            return Err(Fault::usage("removing needs a confirmation, and there is no terminal to ask on")
                .hint("Add --yes where it is meant."));
        }
        for item in &plan.items {
            print::note(&format!(
                "  {:<8} {} {} ({})",
                item.kind,
                item.id,
                clean::line(&item.name),
                ByteSize(item.bytes)
            ));
        }
        print::note(&format!(
            "Remove all of this, {} in all? Outputs that were exported stay. [y/N]",
            ByteSize(plan.bytes)
        ));
        let mut answer = String::new();
        std::io::stdin()
            .lock()
            .read_line(&mut answer)
            .map_err(|e| Fault::usage(format!("the answer can't be read: {e}")))?;
        if !is_yes(&answer) {
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

/// No is the default, and the answer at the end of input.
fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        assert!(is_yes("y\n") && is_yes("YES\n"));
        for answer in ["", "\n", "n\n", "yeah\n", "1\n"] {
            assert!(!is_yes(answer), "{answer:?}");
        }
    }

    #[test]
    fn it_asks_only_where_the_question_is_seen_and_can_be_answered() {
        assert_eq!([may_ask(true, true), may_ask(true, false), may_ask(false, true)], [true, false, false]);
    }
}
