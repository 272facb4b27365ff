//! `inbox`: the drop folder, how it is followed, and what waits in it and why.

use std::process::ExitCode;

use dropforge_shared::client::{flat, within};
use dropforge_shared::config::ByteSize;
use dropforge_shared::service::CALL;

use super::{Context, Done};
use crate::output as print;
use crate::output::table::{Column, Table};

/// Nothing to choose.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge inbox")]
pub struct Args {}

/// Runs the verb.
pub async fn run(_: Args, context: &Context) -> Done {
    let client = context.client().await?;
    let inbox = flat(client.rpc.inbox(within(CALL)).await)?;
    if context.json {
        print::json(&inbox)?;
        return Ok(ExitCode::SUCCESS);
    }
    print::line(&format!("{} ({}), {} waiting", inbox.path, inbox.mode, inbox.total))?;
    if !inbox.items.is_empty() {
        let mut table = Table::new([
            Column::text("path"),
            Column::whole("state"),
            Column::number("size"),
            Column::text("why"),
        ]);
        for item in &inbox.items {
            table.row([item.path.as_str(), &item.state, &ByteSize(item.bytes).to_string(), &item.detail]);
        }
        table.print()?;
    }
    Ok(ExitCode::SUCCESS)
}
