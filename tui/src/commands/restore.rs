//! `restore PATH`: a backup into an empty home. The daemon must not run.

use std::path::PathBuf;
use std::process::ExitCode;

use dropforge_shared::fault::Fault;

use super::{Context, Done};
use crate::output as print;

/// From where.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge restore /mnt/backup/monday")]
pub struct Args {
    /// The backup's folder
    path: PathBuf,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let paths = context.paths.clone();
    let from = args.path.clone();
    tokio::task::spawn_blocking(move || restore(&paths, &from))
        .await
        .map_err(|e| Fault::failed(format!("restoring broke off: {e}")))??;
    let what = format!("restored {} into {}", args.path.display(), context.paths.home.display());
    if context.json {
        print::json(&serde_json::json!({ "restored": context.paths.home, "from": args.path }))?;
    } else {
        print::line(&what)?;
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(feature = "local")]
fn restore(paths: &dropforge_shared::paths::Paths, from: &std::path::Path) -> Result<(), Fault> {
    dropforge_daemon::restore(paths, from)
}

#[cfg(not(feature = "local"))]
fn restore(_: &dropforge_shared::paths::Paths, _: &std::path::Path) -> Result<(), Fault> {
    Err(Fault::usage("this build is a thin client, without a store")
        .hint("Use the full build on the server."))
}
