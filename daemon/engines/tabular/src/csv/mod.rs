//! Delimited text: dialect, records, blocks of whole records.

pub(crate) mod records;
pub(crate) mod rows;
pub(crate) mod split;

/// How a delimited file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// Separates fields; always ASCII.
    pub(crate) delimiter: u8,
    /// Encloses fields; always ASCII.
    pub(crate) quote: u8,
    /// Ends records: a line feed (with or without a carriage return before it) or, in old files, a carriage return.
    pub(crate) terminator: u8,
}
