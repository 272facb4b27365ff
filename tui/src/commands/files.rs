//! `files`: the list, newest first.

use std::process::ExitCode;

use dropforge_shared::client::{flat, within};
use dropforge_shared::config::ByteSize;
use dropforge_shared::file::FileKind;
use dropforge_shared::service::{CALL, FileQuery};

use super::{Context, Done, listing};
use crate::output as print;
use crate::output::table::{Column, Table};

/// Which files.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge files --project sales --limit 20")]
pub struct Args {
    /// Only this project
    #[arg(long)]
    project: Option<String>,
    /// At most so many; without it all with --json, and 1000 in the table
    #[arg(long)]
    limit: Option<usize>,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let client = context.client().await?;
    let pieces = async |after, limit| {
        let query = FileQuery { project: args.project.clone(), after, limit };
        flat(client.rpc.files(within(CALL), query).await)
    };
    let listing::Gathered { items: files, more } = listing::gather(args.limit, !context.json, pieces).await?;
    if context.json {
        print::json(&files)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new([
        Column::whole("id"),
        Column::text("name"),
        Column::number("v").drops(4),
        Column::whole("state"),
        Column::whole("format").drops(2),
        Column::number("rows"),
        Column::number("columns").drops(3),
        Column::number("size").drops(1),
        Column::text("project").drops(5),
    ]);
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
    table.print()?;
    if more > 0 {
        print::note(&format!("({more} more files; --limit N shows more)"));
    }
    if files.is_empty() {
        print::note(&format!("no files yet: drop one into {}, or `dropforge add FILE`", client.peer.inbox));
    }
    Ok(ExitCode::SUCCESS)
}
