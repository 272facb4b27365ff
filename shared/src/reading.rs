//! How a file was read: dialect, types and what was decided why, as the Reading tab and `reading FILE` show it; and the
//! names of the settings that overrule it.

use serde::{Deserialize, Serialize};

use crate::page::Column;

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
    /// Types by column, one `COLUMN=TYPE` a line, with the type's name of the contract.
    pub const TYPES: &str = "types";
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
