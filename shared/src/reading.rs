//! How a file was read: dialect, types and what was decided why, as the Reading tab and `reading FILE` show it; and the
//! names of the settings that overrule it.

use serde::{Deserialize, Serialize};

use crate::page::{Column, ColumnType};

/// The output of an `ingest` job that holds a [`Reading`] as JSON.
pub const READING: &str = "reading.json";

/// The output of an `ingest` job with the records that could not be placed: CSV of `line`, `reason`, `record`.
pub const REJECTED: &str = "rejected.csv";

/// Names of settings of the kind `ingest`. What is not set is found.
pub mod settings {
    /// The delimiter: one or more characters, `tab` or `space`.
    pub const DELIMITER: &str = "delimiter";
    /// The encoding, by any label of the WHATWG Encoding Standard (`utf-8`, `windows-1252`, `shift_jis`, …).
    pub const ENCODING: &str = "encoding";
    /// `true` or `false`: whether the first record names the columns.
    pub const HEADER: &str = "header";
    /// The sheet of a workbook or the member of an archive, by name.
    pub const SHEET: &str = "sheet";
    /// Types by column, one `COLUMN=TYPE` a line, with the type as [`super::WantedType`] reads it.
    pub const TYPES: &str = "types";
    /// All of them.
    pub const ALL: [&str; 5] = [DELIMITER, ENCODING, HEADER, SHEET, TYPES];
}

/// How day, month and year follow each other in dates such as `01/02/2024`, which tell it in no other way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrder {
    /// `dmy`: `31/12/2024`, `31-12-2024`, `31.12.2024`.
    DayFirst,
    /// `mdy`: `12/31/2024`, `12-31-2024`.
    MonthFirst,
    /// `dmy2`: `31/12/99` and `31-Dec-99`; 69 to 99 are 1969 to 1999, and 00 to 68 are 2000 to 2068 (POSIX.1-2017,
    /// `strptime`, `%y`).
    DayFirstShort,
    /// `mdy2`: `12/31/99`, with the same years.
    MonthFirstShort,
}

/// The orders by their names.
const ORDERS: [(&str, DateOrder); 4] = [
    ("dmy", DateOrder::DayFirst),
    ("mdy", DateOrder::MonthFirst),
    ("dmy2", DateOrder::DayFirstShort),
    ("mdy2", DateOrder::MonthFirstShort),
];

/// The types that can be set.
const WANTED: [ColumnType; 6] = [
    ColumnType::Integer,
    ColumnType::Float,
    ColumnType::Boolean,
    ColumnType::Date,
    ColumnType::Datetime,
    ColumnType::Text,
];

/// A type that a user sets: its name of the contract, and for dates also `date:dmy`, `datetime:mdy`, ….
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WantedType {
    /// The type.
    pub kind: ColumnType,
    /// The order of a date's parts; found from the cells where it is not set.
    pub order: Option<DateOrder>,
}

impl WantedType {
    /// All that [`Self::parse`] takes, for people.
    pub const NAMES: &str = "integer, float, boolean, date, datetime, text; date and datetime also with the order of day \
                             and month, as in date:dmy or date:mdy (date:dmy2 or date:mdy2 for years of two digits)";

    /// Reads one; `None` where there is no such type.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, order) = match text.split_once(':') {
            Some((name, order)) => (name, Some(ORDERS.iter().find(|(n, _)| *n == order)?.1)),
            None => (text, None),
        };
        let kind = WANTED.into_iter().find(|kind| kind.name() == name)?;
        let dated = matches!(kind, ColumnType::Date | ColumnType::Datetime);
        (order.is_none() || dated).then_some(Self { kind, order })
    }
}

/// How a file was read.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Reading {
    /// `csv`, `jsonl`, `json`, `parquet`, `arrow`, `xlsx`, …
    pub format: String,
    /// `gzip`, `zstd`, `zip`.
    pub compression: Option<String>,
    /// Character encoding of a text format.
    pub encoding: Option<String>,
    /// Delimiter of a delimited format.
    pub delimiter: Option<String>,
    /// The quote character, where there is one.
    pub quote: Option<String>,
    /// What escapes a quote within quotes: the quote doubled, or a backslash.
    pub escape: Option<String>,
    /// What begins a line that is left out.
    pub comment: Option<String>,
    /// Whether the first record named the columns.
    pub header: Option<bool>,
    /// Lines before the table that are no part of it.
    #[serde(default)]
    pub preamble_lines: u64,
    /// Lines after the table that are no part of it.
    #[serde(default)]
    pub footer_lines: u64,
    /// The sheet or member that was read.
    pub part: Option<String>,
    /// All sheets or members that hold a table, in their order.
    #[serde(default)]
    pub parts: Vec<String>,
    /// Each decision and how it was found, for people.
    #[serde(default)]
    pub decisions: Vec<Decision>,
    /// Columns and their types.
    #[serde(default)]
    pub columns: Vec<Column>,
    /// Rows in the dataset.
    pub rows: u64,
    /// Records that could not be placed.
    pub rejected_rows: u64,
    /// What a user should know.
    #[serde(default)]
    pub notes: Vec<String>,
    /// All of it in a line.
    #[serde(default)]
    pub summary: String,
    /// The version of Dropforge that read it; empty where that was not kept.
    #[serde(default)]
    pub version: String,
}

/// One decision about how to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What was decided: `encoding`, `delimiter`, `header`, `type of COLUMN`, …
    pub what: String,
    /// What it was decided to be.
    pub value: String,
    /// Why: what was seen, or that the user set it.
    pub why: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_dates_have_an_order() {
        let of = |text| WantedType::parse(text).map(|w| (w.kind, w.order));
        assert_eq!(of("date:dmy"), Some((ColumnType::Date, Some(DateOrder::DayFirst))));
        assert_eq!(of("datetime:mdy2"), Some((ColumnType::Datetime, Some(DateOrder::MonthFirstShort))));
        assert_eq!(of("text"), Some((ColumnType::Text, None)));
        for bad in ["text:dmy", "date:", "date:ymd", "date:dmy:", "Date", "", ":dmy"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
