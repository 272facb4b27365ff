//! `gc`: removes the data of earlier readings whose time is over.

use std::process::ExitCode;

use dropforge_shared::client::{flat, within};
use dropforge_shared::config::ByteSize;
use dropforge_shared::service::LONG_CALL;

use super::{Context, Done};
use crate::output as print;

/// What to remove.
#[derive(Debug, clap::Args)]
#[command(after_help = "After a file was read with other settings, what was there before stays for
`earlier_readings_days` of the configuration, so that setting it back takes no
time. The daemon looks once an hour for what is past that; this looks now.

Example:  dropforge gc --all")]
pub struct Args {
    /// Remove all earlier readings but those of the last hour
    #[arg(long)]
    all: bool,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let client = context.client().await?;
    let swept = flat(client.rpc.gc(within(LONG_CALL), args.all).await)?;
    if context.json {
        print::json(&swept)?;
    } else if swept.readings == 0 {
        print::line("nothing to remove")?;
    } else {
        let size = ByteSize(swept.bytes);
        print::line(&format!("removed the data of {} earlier readings, {size}", swept.readings))?;
    }
    Ok(ExitCode::SUCCESS)
}
