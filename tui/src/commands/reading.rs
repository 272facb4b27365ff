//! `reading FILE`: how a file was read, why so, and the records that could not be placed.

use std::collections::BTreeMap;
use std::process::ExitCode;

use dropforge_shared::clean;
use dropforge_shared::client::{Client, flat, within};
use dropforge_shared::fault::{Fault, FaultCode};
use dropforge_shared::file::FileView;
use dropforge_shared::reading::{READING, REJECTED, Reading};
use dropforge_shared::service::CALL;
use serde::Serialize;

use super::profile::read_output;
use super::{Context, Done, show};
use crate::output as print;
use crate::output::table::{Column, Table};

/// Which file.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge reading sales.csv --rejected 100")]
pub struct Args {
    /// File
    file: String,
    /// Show so many of the rejected records
    #[arg(long, default_value_t = 20, value_name = "N")]
    rejected: usize,
}

/// The answer in JSON.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    reading: Reading,
    settings: &'a BTreeMap<String, String>,
    rejected: Vec<Rejected>,
}

/// A record that could not be placed.
#[derive(Debug, PartialEq, Serialize)]
struct Rejected {
    line: Option<u64>,
    reason: String,
    record: String,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let client = context.client().await?;
    let file = flat(client.rpc.file(within(CALL), args.file).await)?;
    let bytes = read_output(&client, &file, READING).await?;
    let reading: Reading = serde_json::from_slice(&bytes).map_err(|e| {
        Fault::failed(format!("how {} was read can't be shown: {e}", clean::line(&file.name)))
            .hint("`dropforge reread FILE` makes it anew.")
    })?;
    let rejected = if reading.rejected_rows > 0 && args.rejected > 0 {
        rejected(&client, &file, args.rejected).await?
    } else {
        Vec::new()
    };
    if context.json {
        print::json(&Answer { reading, settings: &file.settings, rejected })?;
    } else {
        text(&file, &reading, &rejected)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The first records that could not be placed. Read piece by piece, as there may be very many.
async fn rejected(client: &Client, file: &FileView, wanted: usize) -> Result<Vec<Rejected>, Fault> {
    let Some(job) = &file.job else { return Ok(Vec::new()) };
    let mut bytes = Vec::new();
    loop {
        let at = bytes.len() as u64;
        let call = client.rpc.output_read(within(CALL), job.to_string(), REJECTED.to_owned(), at);
        let chunk = match flat(call.await) {
            Err(fault) if fault.code == FaultCode::NotFound => return Ok(Vec::new()),
            answer => answer?,
        };
        bytes.extend_from_slice(&chunk.bytes);
        let found = parse(&String::from_utf8_lossy(&bytes));
        let end = chunk.bytes.is_empty() || bytes.len() as u64 >= chunk.total;
        if end || found.len() >= wanted || bytes.len() > MAX_REJECTED {
            return Ok(found.into_iter().take(wanted).collect());
        }
    }
}

/// The most of the rejected records that is read, in bytes.
const MAX_REJECTED: usize = 8 << 20;

fn parse(text: &str) -> Vec<Rejected> {
    let mut records = crate::csv::records(text).into_iter();
    let heading = records.next().unwrap_or_default();
    let place = |name: &str| heading.iter().position(|h| h == name);
    let (line, reason, record) = (place("line"), place("reason"), place("record"));
    let field =
        |row: &[String], at: Option<usize>| at.and_then(|at| row.get(at)).cloned().unwrap_or_default();
    let one = |row: Vec<String>| Rejected {
        line: field(&row, line).parse().ok(),
        reason: field(&row, reason),
        record: field(&row, record),
    };
    records.map(one).collect()
}

fn text(file: &FileView, reading: &Reading, rejected: &[Rejected]) -> Result<(), Fault> {
    let quoted = |t: &String| format!("'{}'", t.escape_default());
    let some = |n: u64| (n > 0).then(|| n.to_string());
    let lines = [
        ("format", Some(reading.format.clone())),
        ("packed", reading.compression.clone()),
        ("encoding", reading.encoding.clone()),
        ("delimiter", reading.delimiter.as_ref().map(quoted)),
        ("quote", reading.quote.as_ref().map(quoted)),
        ("escape", reading.escape.clone()),
        ("comment", reading.comment.as_ref().map(quoted)),
        ("header", reading.header.map(|h| if h { "yes".into() } else { "none".into() })),
        ("before it", some(reading.preamble_lines).map(|n| format!("{n} lines"))),
        ("after it", some(reading.footer_lines).map(|n| format!("{n} lines"))),
        ("part", reading.part.clone()),
        ("parts", (reading.parts.len() > 1).then(|| reading.parts.join(", "))),
        ("rows", Some(reading.rows.to_string())),
        ("rejected", some(reading.rejected_rows)),
        ("set", show::set(&file.settings)),
    ];
    for (name, value) in lines {
        if let Some(value) = value {
            print::line(&format!("{name:<10}{}", clean::line(&value)))?;
        }
    }
    if !reading.columns.is_empty() {
        print::line("")?;
        let mut table = Table::new([Column::text("column"), Column::whole("type")]);
        reading.columns.iter().for_each(|c| table.row([c.name.as_str(), c.kind.name()]));
        table.print()?;
    }
    if !reading.decisions.is_empty() {
        print::line("")?;
        let mut table = Table::new([Column::text("decided"), Column::text("value"), Column::text("why")]);
        reading.decisions.iter().for_each(|d| table.row([&d.what, &d.value, &d.why]));
        table.print()?;
    }
    for note in &reading.notes {
        print::line(&format!("- {}", clean::line(note)))?;
    }
    if !rejected.is_empty() {
        print::line("")?;
        let mut table = Table::new([Column::number("line"), Column::text("reason"), Column::text("record")]);
        for one in rejected {
            let line = one.line.map_or_else(String::new, |n| n.to_string());
            table.row([&line, &one.reason, &one.record]);
        }
        table.print()?;
        let more = reading.rejected_rows.saturating_sub(rejected.len() as u64);
        if more > 0 {
            print::note(&format!(
                "({more} more rejected; `dropforge export FILE --to DIR --only {REJECTED}` has all)"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejected_records_are_taken_by_the_names_of_their_columns() {
        let found = parse("line,reason,record\n7,\"too many, by 2\",\"a,b\"\n,x,y\n9,cut");
        assert_eq!(
            found,
            [
                Rejected { line: Some(7), reason: "too many, by 2".into(), record: "a,b".into() },
                Rejected { line: None, reason: "x".into(), record: "y".into() },
            ]
        );
    }
}
