//! `rm SELECTOR…`: shows everything that goes, asks, removes. What was exported stays.

use std::io::{BufRead, IsTerminal};
use std::process::ExitCode;

use dropforge_shared::clean;
use dropforge_shared::client::{Client, flat, within};
use dropforge_shared::config::ByteSize;
use dropforge_shared::fault::Fault;
use dropforge_shared::service::{CALL, RemovalItem, RemovalPlan};

use super::{Context, Done};
use crate::output as print;

/// What to remove.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge rm sales.csv")]
pub struct Args {
    /// Files or jobs
    #[arg(required = true)]
    what: Vec<String>,
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
    let plans = plans(&client, args.what).await?;
    let bytes = plans.iter().map(|p| p.bytes).sum();
    if !args.yes {
        // What goes is shown on the one and answered on the other: both have to be a person's.
        if !may_ask(std::io::stdin().is_terminal(), std::io::stderr().is_terminal()) {
            return Err(Fault::usage("removing needs a confirmation, and there is no terminal to ask on")
                .hint("Add --yes where it is meant."));
        }
        for item in plans.iter().flat_map(|p| &p.items) {
            print::note(&format!(
                "  {:<8} {} {} ({})",
                item.kind,
                item.id,
                clean::line(&item.name),
                ByteSize(item.bytes)
            ));
        }
        for item in staying(&plans) {
            print::note(&format!("  stays    {} {}, which was made of it", item.id, clean::line(&item.name)));
        }
        print::note(&format!(
            "Remove all of this, {} in all? Outputs that were exported stay. [y/N]",
            ByteSize(bytes)
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
    let mut done = Vec::with_capacity(plans.len());
    for plan in plans {
        let plan = as_it_is(&client, plan, !done.is_empty()).await?;
        let gone = flat(client.rpc.remove(within(CALL * 3), plan.id, plan.token).await)?;
        if !context.json {
            print::line(&format!("removed {} ({})", gone.id, ByteSize(gone.bytes)))?;
        }
        done.push(gone);
    }
    if context.json {
        match done.as_slice() {
            [one] => print::json(one)?,
            several => print::json(&several)?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What was made of what goes, and does not go itself.
fn staying(plans: &[RemovalPlan]) -> impl Iterator<Item = &RemovalItem> {
    let goes = |id: &str| plans.iter().flat_map(|p| &p.items).any(|i| i.id == id);
    plans.iter().flat_map(|p| &p.stays).filter(move |item| !goes(&item.id))
}

/// What goes, each thing once: what goes with another is not removed again.
async fn plans(client: &Client, what: Vec<String>) -> Result<Vec<RemovalPlan>, Fault> {
    let mut plans: Vec<RemovalPlan> = Vec::with_capacity(what.len());
    for selector in what {
        plans.push(flat(client.rpc.removal_plan(within(CALL), selector).await)?);
    }
    Ok(each_once(plans))
}

fn each_once(plans: Vec<RemovalPlan>) -> Vec<RemovalPlan> {
    let mut kept: Vec<RemovalPlan> = Vec::new();
    for (at, plan) in plans.iter().enumerate() {
        let covers = |other: &RemovalPlan| other.id != plan.id && other.items.iter().any(|i| i.id == plan.id);
        let again = plans[..at].iter().any(|other| other.id == plan.id);
        if !again && !plans.iter().any(covers) {
            kept.push(plan.clone());
        }
    }
    kept
}

/// The plan as it is after others were carried out: a content that two of them shared is free now. What was not shown as
/// going must not go.
async fn as_it_is(client: &Client, shown: RemovalPlan, others_went: bool) -> Result<RemovalPlan, Fault> {
    if !others_went {
        return Ok(shown);
    }
    let now = flat(client.rpc.removal_plan(within(CALL), shown.id.clone()).await)?;
    let is_new = |item: &RemovalItem| item.kind != "content" && !shown.items.iter().any(|s| s.id == item.id);
    if now.items.iter().any(is_new) {
        return Err(Fault::refused(format!("what goes with {} has changed since it was shown", shown.id))
            .hint("Look at the list again and confirm once more."));
    }
    Ok(now)
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
    fn what_goes_with_another_is_not_removed_again() {
        let plan = |id: &str, items: &[&str]| RemovalPlan {
            id: id.into(),
            items: items
                .iter()
                .map(|i| RemovalItem { kind: "file".into(), id: (*i).into(), name: String::new(), bytes: 0 })
                .collect(),
            bytes: 0,
            stays: Vec::new(),
            token: String::new(),
        };
        let plans =
            vec![plan("f2", &["f2"]), plan("f1", &["f1", "f2"]), plan("f3", &["f3"]), plan("f3", &["f3"])];
        let ids: Vec<String> = each_once(plans).into_iter().map(|p| p.id).collect();
        assert_eq!(ids, ["f1", "f3"]);
    }

    #[test]
    fn it_asks_only_where_the_question_is_seen_and_can_be_answered() {
        assert_eq!([may_ask(true, true), may_ask(true, false), may_ask(false, true)], [true, false, false]);
    }
}
