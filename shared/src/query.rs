//! SQL and views of rows: what is asked and what comes back.

use serde::{Deserialize, Serialize};

use crate::page::{Cell, Column};
pub use crate::sql::names_in;

/// One read-only statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueryRequest {
    /// The statement.
    pub sql: String,
    /// Rows wanted at most.
    pub max_rows: u64,
    /// Time it may take, in milliseconds.
    pub timeout_ms: u64,
    /// Only datasets of this project; `None` for all of the user's.
    #[serde(default)]
    pub project: Option<String>,
}

/// What a statement gave: the contract of `query SQL`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueryResult {
    /// The columns.
    pub columns: Vec<Column>,
    /// Rows of cells, each as long as `columns`.
    pub rows: Vec<Vec<Cell>>,
    /// Whether there were more rows than asked for, or than fit into one answer.
    pub truncated: bool,
    /// How long the engine worked, in milliseconds.
    #[serde(default)]
    pub elapsed_ms: u64,
}

/// A dataset that a statement may name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRef {
    /// The name in SQL, as the statement spells it.
    pub name: String,
    /// Its Parquet file.
    pub dataset: std::path::PathBuf,
}

/// A name in a statement that means no one dataset. It may be a column's all the same: only the engine knows what stands where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unclear {
    /// The name in SQL, as the statement spells it.
    pub name: String,
    /// What is wrong with it as a table, to be read behind the name.
    pub why: String,
    /// Whether it could mean several.
    pub several: bool,
}

/// Which rows of a dataset to show, and in which order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct View {
    /// All must hold.
    #[serde(default)]
    pub filters: Vec<Filter>,
    /// The first decides; ties keep the file's order.
    #[serde(default)]
    pub sort: Vec<SortKey>,
}

impl View {
    /// Whether it is the table as it is.
    pub fn is_plain(&self) -> bool {
        self.filters.is_empty() && self.sort.is_empty()
    }
}

/// One condition on a column.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Filter {
    /// The column's name.
    pub column: String,
    /// How to compare.
    pub op: FilterOp,
    /// With what: a number, a date in ISO 8601, `true`, or text. Not used by `IsNull` and `NotNull`.
    #[serde(default)]
    pub value: String,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilterOp {
    /// Equal.
    Eq,
    /// Not equal; missing values are not equal to anything but are shown.
    Ne,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// Contains the text, upper and lower case alike.
    Contains,
    /// Missing.
    IsNull,
    /// There.
    NotNull,
}

/// A column to sort by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SortKey {
    /// The column's name.
    pub column: String,
    /// Largest first. Missing values come last either way.
    #[serde(default)]
    pub descending: bool,
}

/// A form of file that rows are written out in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Comma-separated values (RFC 4180), UTF-8, a header; a missing value is an empty field, an empty text two quotes.
    Csv,
    /// JSON Lines: an object a row; dates in ISO 8601, NaN and the infinities as text.
    Jsonl,
    /// Parquet.
    Parquet,
}

impl Form {
    /// Every form.
    pub const ALL: [Self; 3] = [Self::Csv, Self::Jsonl, Self::Parquet];

    /// Its name, which is a file's ending as well.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Parquet => "parquet",
        }
    }

    /// The form of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.name().eq_ignore_ascii_case(name))
    }

    /// The form that a path's ending asks for.
    pub fn of_path(path: &std::path::Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "ndjson" => Some(Self::Jsonl),
            ending => Self::named(ending),
        }
    }
}

/// Settings of the kind `query`, which saves what a statement gives as a dataset.
pub mod settings {
    /// The statement.
    pub const SQL: &str = "sql";
    /// The new dataset's file name.
    pub const NAME: &str = "name";
    /// Only datasets of this project.
    pub const PROJECT: &str = "project";
    /// A form ([`super::Form`]): the result is written in it, to be taken out, and becomes no dataset. Of a job with a file and
    /// no statement it is that file's rows.
    pub const FORM: &str = "form";
    /// With a form: no more rows than these.
    pub const ROWS: &str = "rows";
    /// All of them.
    pub const ALL: [&str; 5] = [SQL, NAME, PROJECT, FORM, ROWS];
}
