//! A page of a table: what `preview` prints and the Rows tab draws.

use serde::{Deserialize, Serialize};

/// The logical type of a column, after typing over all rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// 64-bit signed integer.
    Integer,
    /// 64-bit IEEE 754 number.
    Float,
    /// `true` or `false`.
    Boolean,
    /// A calendar date without time.
    Date,
    /// A date with a time of day, microseconds.
    Datetime,
    /// Unicode text; what is left when nothing narrower holds for every value.
    Text,
}

impl ColumnType {
    /// The name used in JSON and on the screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Datetime => "datetime",
            Self::Text => "text",
        }
    }

    /// Whether mean, quantiles and a histogram make sense.
    pub fn is_numeric(self) -> bool {
        matches!(self, Self::Integer | Self::Float)
    }
}

/// A column's name and type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// The name as read, made unique where the file repeats it.
    pub name: String,
    /// The logical type.
    #[serde(rename = "type")]
    pub kind: ColumnType,
}

/// One value of a page. Numbers stay numbers in JSON; dates are ISO 8601 text; missing is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// Missing.
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A finite number. NaN and the infinities travel as text (`NaN`, `inf`, `-inf`), as JSON has no such numbers.
    Float(f64),
    /// Text, a date or a date and time in ISO 8601.
    Text(String),
}

impl Cell {
    /// The value as a person reads it; an empty string where it is missing.
    pub fn display(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Bool(b) => b.to_string(),
            Self::Int(i) => i.to_string(),
            Self::Float(f) => f.to_string(),
            Self::Text(t) => t.clone(),
        }
    }
}

/// Some rows of a table, in file order. A page stays under [`Page::MAX_BYTES`]; it then holds fewer rows than asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// The columns, in file order. Names that would fill the page alone are cut (ending in `…`), and of some thousands
    /// of columns only the first are given: the file's own count tells.
    pub columns: Vec<Column>,
    /// Rows of cells, each as long as `columns`.
    pub rows: Vec<Vec<Cell>>,
    /// The index of the first row of the page, from 0.
    pub offset: u64,
    /// Rows in the whole table.
    pub total_rows: u64,
    /// Cells whose text was cut to [`Page::MAX_CELL_BYTES`] (a cut text ends in `…`).
    #[serde(default)]
    pub truncated_cells: u64,
}

impl Page {
    /// The size a page may have on the wire, in bytes.
    pub const MAX_BYTES: usize = 256 * 1024;
    /// The size one cell's text may have in a page, in bytes.
    pub const MAX_CELL_BYTES: usize = 32 * 1024;
}
