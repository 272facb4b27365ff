//! `files`: the list, newest first.

use std::process::ExitCode;

use dropforge_shared::client::{flat, within};
use dropforge_shared::config::ByteSize;
use dropforge_shared::file::{FileKind, FileView};
use dropforge_shared::service::{CALL, FileQuery};

use super::{Context, Done};
use crate::output as print;
use crate::output::table::Table;

/// Which files.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge files --project sales --limit 20")]
pub struct Args {
    /// Only this project
    #[arg(long)]
    project: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 1000)]
    limit: usize,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let client = context.client().await?;
    let mut files: Vec<FileView> = Vec::new();
    let mut after = None;
    while files.len() < args.limit {
        let limit = u32::try_from(args.limit - files.len()).unwrap_or(u32::MAX);
        let query = FileQuery { project: args.project.clone(), after, limit };
        let piece = flat(client.rpc.files(within(CALL), query).await)?;
        files.extend(piece.items);
        after = piece.next;
        if after.is_none() {
            break;
        }
    }
    if context.json {
        print::json(&files)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(["id", "name", ">v", "state", "format", ">rows", ">columns", ">size", "project"]);
    for f in &files {
        let number = |n: Option<u64>| n.map_or_else(String::new, |n| n.to_string());
        let format = match (f.kind, &f.format) {
            (_, Some(format)) => format.clone(),
            (FileKind::Unknown, None) => "unknown".into(),
            (_, None) => String::new(),
        };
        table.row([
            f.id.as_str(),
            &f.name,
            &f.version.to_string(),
            f.state.name(),
            &format,
            &number(f.rows),
            &number(f.columns),
            &ByteSize(f.bytes).to_string(),
            &f.project,
        ]);
    }
    print::out(&table.render(print::width()))?;
    if files.is_empty() {
        print::note(&format!("no files yet: drop one into {}, or `dropforge add FILE`", client.peer.inbox));
    }
    Ok(ExitCode::SUCCESS)
}
