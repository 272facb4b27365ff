//! `show FILE`: what it is and how it was read.

use std::collections::BTreeMap;
use std::process::ExitCode;

use dropforge_shared::clean;
use dropforge_shared::client::{flat, within};
use dropforge_shared::config::ByteSize;
use dropforge_shared::fault::Fault;
use dropforge_shared::file::{FileState, FileView, Origin, TypeGuess};
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
    print(flat(client.rpc.file(within(CALL), args.file).await)?, context)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints a file, as every verb that answers with one does.
pub(super) fn print(file: FileView, context: &Context) -> Result<(), Fault> {
    if context.json {
        return print::json(&file);
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
    add("part", file.part);
    add("type", file.type_guess.map(|t| type_line(&t, file.state)));
    add("format", file.format);
    add("encoding", file.encoding);
    add("delimiter", file.delimiter.map(|d| format!("'{}'", d.escape_default())));
    add("rows", file.rows.map(|n| n.to_string()));
    add("columns", file.columns.map(|n| n.to_string()));
    add("rejected", file.rejected_rows.map(|n| n.to_string()));
    add("reading", file.reading);
    add("set", set(&file.settings));
    add("made", file.origin.map(|o| made(&o)));
    add("job", file.job.map(|j| j.to_string()));
    add("error", file.error);
    add("kept", file.referenced.then(|| "where it was, not copied".to_owned()));
    for (name, value) in lines {
        print::line(&format!("{name:<10}{}", clean::line(&value)))?;
    }
    Ok(())
}

/// What kind of data it is, in words.
pub(super) fn type_line(guess: &TypeGuess, state: FileState) -> String {
    if guess.decided_by == "user" {
        return format!("{} (chosen)", guess.name);
    }
    let sure = match guess.level.as_str() {
        "high" => "",
        "medium" => ", likely",
        "low" => ", worth a look",
        _ => ", unsure",
    };
    let asks =
        if state == FileState::NeedsInput { "; `dropforge type FILE NAME` says what it is" } else { "" };
    format!("{} ({:.0} of 100{sure}){asks}", guess.name, guess.confidence)
}

/// What the user set for its reading.
pub(super) fn set(settings: &BTreeMap<String, String>) -> Option<String> {
    let all: Vec<String> = settings
        .iter()
        .map(|(name, value)| format!("{name} {}", value.replace('\n', ", ").escape_default()))
        .collect();
    (!all.is_empty()).then(|| all.join("; "))
}

fn made(origin: &Origin) -> String {
    let from = origin.file.as_ref().map_or_else(String::new, |f| format!(", from {f}"));
    let by = origin.job.as_ref().map_or_else(String::new, |j| format!(", by job {j}"));
    format!("{}{from}{by}", origin.how)
}
