//! `profile FILE`: the figures of every column, and what is worth a look.

use std::process::ExitCode;

use dropforge_shared::clean;
use dropforge_shared::client::{Client, flat, within};
use dropforge_shared::fault::Fault;
use dropforge_shared::file::FileView;
use dropforge_shared::page::ColumnType;
use dropforge_shared::profile::{ColumnProfile, Histogram, Profile, Scalar};
use dropforge_shared::service::CALL;

use super::{Context, Done};
use crate::output as print;
use crate::output::table::{Column, Table};

/// Which file.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge profile sales.csv --json | jq '.columns[].nulls'")]
pub struct Args {
    /// File
    file: String,
}

/// The output that holds the profile.
const PROFILE: &str = "profile.json";

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let client = context.client().await?;
    let file = flat(client.rpc.file(within(CALL), args.file).await)?;
    let bytes = read_output(&client, &file, PROFILE).await?;
    let unreadable = |e: &dyn std::fmt::Display| {
        Fault::failed(format!("the profile of {} can't be read: {e}", clean::line(&file.name)))
            .hint("`dropforge rerun JOB` makes it anew.")
    };
    let document = std::str::from_utf8(&bytes).map_err(|e| unreadable(&e))?;
    let profile: Profile = serde_json::from_str(document).map_err(|e| unreadable(&e))?;
    if context.json {
        // As it was written: a figure that is read and written once more may differ in its last digit.
        print::raw_json(document)?;
    } else {
        text(&profile)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// All bytes of an output of a file's job.
pub(crate) async fn read_output(client: &Client, file: &FileView, name: &str) -> Result<Vec<u8>, Fault> {
    let Some(job) = &file.job else {
        let shown = clean::line(&file.name);
        let why = match &file.error {
            Some(error) => format!("{shown} could not be read: {error}"),
            None => format!("{shown} is {} still", file.state.name()),
        };
        return Err(
            Fault::failed(why).hint("`dropforge jobs` shows its job, `dropforge logs JOB` what it says.")
        );
    };
    let mut bytes = Vec::new();
    loop {
        let at = bytes.len() as u64;
        let call = client.rpc.output_read(within(CALL), job.to_string(), name.to_owned(), at);
        let chunk = flat(call.await).map_err(|fault| match file.reading.as_deref() {
            Some(reading) if fault.code == dropforge_shared::fault::FaultCode::NotFound => {
                Fault::failed(format!("{} has no {name}: {reading}", clean::line(&file.name)))
            }
            _ => fault,
        })?;
        if chunk.bytes.is_empty() {
            return Ok(bytes);
        }
        bytes.extend_from_slice(&chunk.bytes);
        if bytes.len() as u64 >= chunk.total {
            return Ok(bytes);
        }
    }
}

fn text(profile: &Profile) -> Result<(), Fault> {
    print::line(&format!("{} rows, {} columns", profile.rows, profile.columns.len()))?;
    for issue in &profile.issues {
        let column = issue.column.as_deref().map_or_else(String::new, |c| format!("{}: ", clean::line(c)));
        print::line(&format!("! {column}{} ({} rows)", clean::line(&issue.detail), issue.rows))?;
    }
    // The smallest and the largest value may be text; what `row` gives of them is short, and cutting it again would not tell.
    let mut table = Table::new([
        Column::text("column"),
        Column::whole("type"),
        Column::number("missing"),
        Column::number("distinct").drops(1),
        Column::number("min").drops(2),
        Column::number("median").drops(4),
        Column::number("max").drops(2),
        Column::number("mean").drops(3),
        Column::number("std").drops(5),
        Column::whole("histogram").drops(6),
    ]);
    for c in &profile.columns {
        table.row(row(c, profile.rows));
    }
    table.print()?;
    if let Some(target) = &profile.target {
        print::line(&format!(
            "target? {} ({}): {}",
            clean::line(&target.column),
            target.problem,
            clean::line(&target.rationale)
        ))?;
    }
    Ok(())
}

fn row(c: &ColumnProfile, rows: u64) -> Vec<String> {
    let number = |x: Option<f64>| x.map_or_else(String::new, short);
    let missing = if rows == 0 { 0.0 } else { 100.0 * c.nulls as f64 / rows as f64 };
    vec![
        c.name.clone(),
        c.kind.name().into(),
        if c.nulls == 0 { "0".into() } else { format!("{missing:.1} %") },
        format!("{}{}", if c.distinct_exact { "" } else { "≈" }, c.distinct),
        bound(c.min.as_ref(), c.kind),
        number(c.quantiles.map(|q| q.p50)),
        bound(c.max.as_ref(), c.kind),
        number(c.mean),
        number(c.std),
        c.histogram.as_ref().map_or_else(String::new, spark),
    ]
}

/// The smallest or the largest value. Only text is cut: half a number or a date would be another one.
fn bound(value: Option<&Scalar>, kind: ColumnType) -> String {
    match value {
        None => String::new(),
        Some(Scalar::Float(x)) => short(*x),
        Some(value) if kind == ColumnType::Text => clean::fit(&value.display(), 16),
        Some(value) => value.display(),
    }
}

/// A number in few characters; the exact one is in `--json`.
fn short(x: f64) -> String {
    if x != 0.0 && (x.abs() >= 1e7 || x.abs() < 1e-3) {
        return format!("{x:.3e}");
    }
    let text = format!("{x:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A histogram in a line of block characters.
fn spark(histogram: &Histogram) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = histogram.counts.iter().copied().max().unwrap_or(0).max(1);
    let bar = |n: &u64| if *n == 0 { ' ' } else { BARS[((n * 8).div_ceil(most) as usize).clamp(1, 8) - 1] };
    histogram.counts.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spark_shows_empty_small_and_full() {
        let histogram = Histogram { edges: vec![0.0, 1.0, 2.0, 3.0], counts: vec![0, 1, 100] };
        assert_eq!(spark(&histogram), " ▁█");
    }

    #[test]
    fn bounds_of_numbers_and_moments_are_whole() {
        let text = |s: &str| Scalar::Text(s.into());
        assert_eq!(bound(Some(&Scalar::Float(1e300)), ColumnType::Float), "1.000e300");
        let moment = "2026-01-02T03:04:05.678901";
        assert_eq!(bound(Some(&text(moment)), ColumnType::Datetime), moment);
        assert_eq!(bound(Some(&text("0123456789abcdef0")), ColumnType::Text), "0123456789abcde…");
        assert_eq!(bound(None, ColumnType::Text), "");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([short(0.0), short(1.5), short(1e308), short(12.0)], ["0", "1.5", "1.000e308", "12"]);
    }
}
