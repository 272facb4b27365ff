//! `backup PATH`: everything, from a daemon that goes on working, verified, into a folder that is not there yet.

use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::process::ExitCode;

use dropforge_shared::client::{flat, within};
use dropforge_shared::config::ByteSize;
use dropforge_shared::fault::Fault;
use dropforge_shared::service::LONG_CALL;

use super::{Context, Done};
use crate::output as print;

/// Where to.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge backup /mnt/backup/monday")]
pub struct Args {
    /// The folder to make
    path: PathBuf,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let path = std::path::absolute(&args.path)
        .map_err(|e| Fault::usage(format!("'{}' is not a usable path: {e}", args.path.display())))?;
    let client = context.client().await?;
    let bytes = serde_bytes::ByteBuf::from(path.into_os_string().into_vec());
    let made = flat(client.rpc.backup(within(LONG_CALL), bytes).await)?;
    for problem in &made.problems {
        print::note(&format!("wrong in the live store too: {}", dropforge_shared::clean::line(problem)));
    }
    if context.json {
        print::json(&made)?;
    } else {
        print::line(&format!("{}: {} files, {}, verified", made.path, made.files, ByteSize(made.bytes)))?;
    }
    Ok(if made.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
