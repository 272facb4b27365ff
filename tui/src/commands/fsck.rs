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
        } else if !args.repair {
            print::note("`dropforge fsck --repair` builds the indices anew");
        }
    }
    Ok(if report.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
