//! `fsck`: checks every row and index of the store; exit 1 where something is wrong and was not mended.

use std::process::ExitCode;

use dropforge_shared::client::{flat, within};
use dropforge_shared::service::LONG_CALL;

use super::{Context, Done};
use crate::output as print;

/// What to do about problems.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge fsck --repair")]
pub struct Args {
    /// Build the indices anew from the rows
    #[arg(long)]
    repair: bool,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let client = context.client().await?;
    print::progress("checking; what is to be written waits meanwhile, reading goes on");
    let report = flat(client.rpc.fsck(within(LONG_CALL), args.repair).await);
    print::progress("");
    let report = report?;
    if context.json {
        print::json(&report)?;
    } else {
        let rows: Vec<String> = report.rows.iter().map(|(table, n)| format!("{n} {table}")).collect();
        let seconds = report.took_ms as f64 / 1000.0;
        print::line(&format!("checked {} in {seconds:.1} s", rows.join(", ")))?;
        if let Some(why) = &report.pages_skipped {
            print::note(&format!("the pages of its file were not looked at: {why}"));
        }
        for problem in &report.problems {
            print::line(&format!("! {}", dropforge_shared::clean::line(problem)))?;
        }
        if report.repaired > 0 {
            print::line(&format!("mended {}", report.repaired))?;
        }
        if report.problems.is_empty() {
            print::line("the store is sound")?;
        }
        for advice in advice(&report.problems, args.repair) {
            print::note(advice);
        }
    }
    Ok(if report.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// What to do about what is wrong. A problem begins with the place that it is in.
fn advice(problems: &[String], repaired: bool) -> Vec<&'static str> {
    let (mut pages, mut audit, mut rest) = (false, false, false);
    for problem in problems {
        match problem.split_once(':').map(|(place, _)| place) {
            Some("pages") => pages = true,
            Some("audit") => audit = true,
            _ => rest = true,
        }
    }
    let mut all = Vec::new();
    if pages {
        all.push(
            "a damaged page is not mended: bring a backup back into an empty home with `dropforge restore`; what can still be \
             read goes out with `dropforge export`",
        );
    }
    if audit {
        all.push("the audit log is never mended, so that what was done to it stays visible");
    }
    if rest && !repaired {
        all.push("`dropforge fsck --repair` builds the indices anew");
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_helps_is_advised() {
        let problems = |all: &[&str]| all.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>();
        assert!(advice(&[], false).is_empty());
        assert!(advice(&problems(&["jobs_by_state: job x is not in it"]), false)[0].contains("--repair"));
        assert!(advice(&problems(&["jobs: job x can't be read"]), true).is_empty());
        let audit = advice(&problems(&["audit: entry 12 was changed after it was written"]), false);
        assert!(audit.len() == 1 && audit[0].contains("never mended"), "{audit:?}");
        assert!(advice(&problems(&["pages: wrong"]), true)[0].contains("restore"));
    }
}
