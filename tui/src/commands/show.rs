//! `show FILE`: what it is and how it was read.

use std::process::ExitCode;

use dropforge_shared::clean;
use dropforge_shared::client::{flat, within};
use dropforge_shared::config::ByteSize;
use dropforge_shared::service::CALL;

use super::{Context, Done};
use crate::output as print;

/// Which file.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge show sales.csv")]
pub struct Args {
    /// File
    file: String,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let client = context.client().await?;
    let file = flat(client.rpc.file(within(CALL), args.file).await)?;
    if context.json {
        print::json(&file)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut lines = vec![
        ("id", file.id.to_string()),
        ("name", format!("{} (version {})", file.name, file.version)),
        ("project", file.project),
        ("state", file.state.name().to_owned()),
        ("size", format!("{} ({} bytes)", ByteSize(file.bytes), file.bytes)),
        ("sha256", file.sha256),
        ("added", file.added_at.to_string()),
    ];
    let mut add = |name, value: Option<String>| lines.extend(value.map(|v| (name, v)));
    add("format", file.format);
    add("encoding", file.encoding);
    add("delimiter", file.delimiter.map(|d| format!("'{}'", d.escape_default())));
    add("rows", file.rows.map(|n| n.to_string()));
    add("columns", file.columns.map(|n| n.to_string()));
    add("rejected", file.rejected_rows.map(|n| n.to_string()));
    add("reading", file.reading);
    add("job", file.job.map(|j| j.to_string()));
    add("error", file.error);
    add("kept", file.referenced.then(|| "where it was, not copied".to_owned()));
    for (name, value) in lines {
        print::line(&format!("{name:<10}{}", clean::line(&value)))?;
    }
    Ok(ExitCode::SUCCESS)
}
