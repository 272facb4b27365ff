//! What was read, and what was decided and left out, in words for people.

use std::collections::BTreeMap;

use dropforge_shared::page::Column;
use dropforge_shared::reading::{Decision, Reading};
use serde::Serialize;

use crate::columns::Plan;
use crate::pass::Outcome;
use crate::recognise::Format;
use crate::types::lattice::{Candidates, Kind};

/// What was taken in, and how it was read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ingested {
    /// The form of the file.
    pub format: Format,
    /// `gzip`, `zstd`, `zip`, or nothing.
    pub compression: Option<&'static str>,
    /// How the text is encoded; nothing for binary forms.
    pub encoding: Option<String>,
    /// The delimiter of delimited text.
    pub delimiter: Option<String>,
    /// The quote character, where fields stand in one.
    pub quote: Option<String>,
    /// What escapes a quote within quotes: the quote itself or a backslash.
    pub escape: Option<String>,
    /// What begins a line that is left out.
    pub comment: Option<String>,
    /// Whether the first record named the columns.
    pub header: bool,
    /// Lines before the table that are no part of it.
    pub preamble_lines: u64,
    /// Lines after the table that are no part of it.
    pub footer_lines: u64,
    /// Rows in the dataset.
    pub rows: u64,
    /// Records that could not be placed; they lie in `rejected.csv`. `rows + rejected_rows` are all records.
    pub rejected_rows: u64,
    /// The columns, in file order.
    pub columns: Vec<Column>,
    /// For each column, each spelling of missing with its count.
    pub null_tokens: Vec<BTreeMap<String, u64>>,
    /// How the dialect was found, for people.
    pub how: String,
    /// The same, decision by decision.
    pub decisions: Vec<Decision>,
    /// What a user should know: ambiguous dates, damaged text, rejected records.
    pub notes: Vec<String>,
    /// The sheet, member or key that was read, where the form has such.
    pub part: Option<String>,
    /// All that hold a table, in their order; only the one that was read where the options named it.
    pub parts: Vec<String>,
}

/// What is said about types.
pub(crate) struct Types {
    pub(crate) decisions: Vec<Decision>,
    pub(crate) notes: Vec<String>,
}

/// Columns of which each kind of thing is said; a table may have thousands.
pub(crate) const MAX_COLUMNS: usize = 100;

/// What to say about columns whose type is not plain from their cells.
pub(crate) fn types(names: &[String], plans: &[Plan], seen: &[Candidates]) -> Types {
    let mut told = Types { decisions: Vec::new(), notes: Vec::new() };
    for (name, (plan, seen)) in names.iter().zip(plans.iter().zip(seen)) {
        let kind = plan.kind;
        let (why, note) = match kind {
            _ if plan.forced => (set_type(name, kind).why, false),
            Kind::Text if seen.orders().is_some() => (order_open(name, *seen).unwrap_or_default(), true),
            Kind::Text if seen.is_ambiguous_number() => (
                "in every row a comma like that of 1,234 could part thousands or decimals; kept as text, set the type \
                 integer for thousands or float for decimals"
                    .to_owned(),
                true,
            ),
            Kind::StyledInteger(_) | Kind::StyledFloat(_) => (format!("all rows fit{}", written(kind)), true),
            Kind::DatetimeUtc => ("its times carry a zone; they are kept in UTC".to_owned(), true),
            Kind::Date(format) | Kind::Datetime(format) if format != crate::types::dates::DateFormat::Iso => {
                (format!("all rows fit{}", written(kind)), false)
            }
            Kind::Float if seen.may_have_points_between_thousands() => (
                "all sampled numbers have three digits after the point; read as decimals, set the type integer if the \
                 point parts thousands"
                    .to_owned(),
                true,
            ),
            _ => continue,
        };
        if note && told.notes.len() < MAX_COLUMNS {
            told.notes.push(format!("column {name}: {why}"));
        }
        if told.decisions.len() < MAX_COLUMNS {
            let value = kind.column_type().name().to_owned();
            told.decisions.push(Decision { what: format!("type of {name}"), value, why });
        }
    }
    told
}

/// What to say of a column whose dates leave open what their parts are, with the way out; nothing of others.
pub(crate) fn order_open(name: &str, seen: Candidates) -> Option<String> {
    let [day_first, month_first] = seen.orders()?;
    let why = if seen.has_short_years() {
        "dates like 01/02/99 do not say their century"
    } else {
        "dates like 01/02/2024 could be day or month first in every row"
    };
    Some(format!(
        "{why}; kept as text. `--type {name}={day_first}` reads them with the day first, \
         `--type {name}={month_first}` with the month"
    ))
}

/// How a set type is read, as a decision.
pub(crate) fn set_type(name: &str, kind: Kind) -> Decision {
    let why = format!("set by the user{}", written(kind));
    Decision { what: format!("type of {name}"), value: kind.column_type().name().to_owned(), why }
}

fn written(kind: Kind) -> String {
    match kind {
        Kind::StyledInteger(style) | Kind::StyledFloat(style) => {
            format!(", numbers written as in {}", style.example())
        }
        Kind::Date(format) => format!(", dates written {}", format.pattern()),
        Kind::Datetime(format) => format!(", times after dates written {}", format.pattern()),
        Kind::DatetimeUtc => ", times with a zone, kept in UTC".to_owned(),
        _ => String::new(),
    }
}

/// What is not in the dataset, and why.
pub(crate) fn left_out(outcome: &Outcome) -> Vec<String> {
    let mut notes = Vec::new();
    if outcome.rejected > 0 {
        let records = if outcome.rejected == 1 { "record" } else { "records" };
        notes.push(format!(
            "{} {records} could not be placed; see rejected.csv for lines and reasons",
            outcome.rejected
        ));
    }
    let footer: Vec<&str> = outcome.footer.iter().map(String::as_str).collect();
    notes.extend(outside("after", &footer, outcome.footer_lines));
    if outcome.comments > 0 {
        notes.push(format!("{} lines were left out as comments", outcome.comments));
    }
    if outcome.zeros > 0 {
        notes.push(format!("{} zero bytes were left out", outcome.zeros));
    }
    if outcome.damaged {
        notes.push("some bytes mean nothing in the encoding; they are shown as \u{fffd}".to_owned());
    }
    notes
}

/// Lines around the table, the first of them quoted.
pub(crate) fn outside(where_: &str, texts: &[&str], lines: u64) -> Vec<String> {
    if lines == 0 {
        return Vec::new();
    }
    let shown: Vec<String> =
        texts.iter().take(3).map(|t| format!("“{}”", t.chars().take(80).collect::<String>())).collect();
    let more = if texts.len() > 3 { ", …" } else { "" };
    let count = if lines == 1 { "1 line".to_owned() } else { format!("{lines} lines") };
    vec![format!("{count} {where_} the table left out: {}{more}", shown.join(", "))]
}

impl Ingested {
    /// How the file was read, as it is kept beside the dataset and shown.
    pub fn reading(&self) -> Reading {
        Reading {
            format: self.format.name().to_owned(),
            compression: self.compression.map(str::to_owned),
            encoding: self.encoding.clone(),
            delimiter: self.delimiter.clone(),
            quote: self.quote.clone(),
            escape: self.escape.clone(),
            comment: self.comment.clone(),
            header: (self.format == Format::Csv).then_some(self.header),
            preamble_lines: self.preamble_lines,
            footer_lines: self.footer_lines,
            part: self.part.clone(),
            parts: self.parts.clone(),
            decisions: self.decisions.clone(),
            columns: self.columns.clone(),
            rows: self.rows,
            rejected_rows: self.rejected_rows,
            notes: self.notes.clone(),
            summary: match self.compression {
                Some(compression) => format!("{compression}; {}", self.how),
                None => self.how.clone(),
            },
            version: dropforge_shared::VERSION.to_owned(),
        }
    }
}
