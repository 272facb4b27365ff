//! Rows out of delimited text: each record is placed or rejected, so that rows + rejected = records.

use super::Dialect;
use super::records::Record;
use crate::error::Error;
use crate::limits::Limits;
use crate::pass::{RowReader, Sink};
use crate::rejects::Reject;

/// Reads the rows of one delimited file.
///
/// Blank lines are no records, in a table of one column too: a missing value is written `""` there.
pub(crate) struct CsvRows {
    pub(crate) dialect: Dialect,
    /// Whether the first record names the columns.
    pub(crate) header: bool,
    /// Columns of the table.
    pub(crate) width: usize,
    pub(crate) limits: Limits,
}

impl RowReader for CsvRows {
    fn read(&self, text: &str, first: bool, single_lines: bool, sink: &mut Sink) -> Result<(), Error> {
        let mut record = Record::default();
        let mut skip_header = first && self.header;
        let mut at = 0;
        while at < text.len() {
            let start = at;
            let line = sink.lines;
            at = if single_lines {
                let end =
                    memchr::memchr(self.dialect.terminator, text.as_bytes().get(at..).unwrap_or_default())
                        .map_or(text.len(), |found| at + found + 1);
                record.read(text.get(..end).unwrap_or_default(), at, self.dialect)
            } else {
                record.read(text, at, self.dialect)
            };
            sink.lines += 1 + record.inner_lines;
            if record.is_blank(text) {
                continue;
            }
            if std::mem::take(&mut skip_header) {
                continue;
            }
            if record.unclosed {
                let reason = "a quote is opened and never closed".to_owned();
                sink.rejects.push(Reject::new(line, reason, text.get(start..at).unwrap_or_default()));
            } else if record.len() != self.width && !record.only_empty_from(self.width) {
                let reason = format!("{} fields where {} are expected", record.len(), self.width);
                sink.rejects.push(Reject::new(line, reason, text.get(start..at).unwrap_or_default()));
            } else {
                self.place(&record, text, sink, line)?;
            }
        }
        Ok(())
    }
}

impl CsvRows {
    fn place(&self, record: &Record, text: &str, sink: &mut Sink, line: u64) -> Result<(), Error> {
        for (builder, cell) in sink.builders.iter_mut().zip(record.texts(text)) {
            if cell.len() > self.limits.max_cell_bytes {
                return Err(Error::Limit {
                    what: format!("a cell of {} bytes", cell.len()),
                    place: format!("line {} of its block", line + 1),
                    limit: format!("{} bytes a cell", self.limits.max_cell_bytes),
                    way_out: "raise the limit if the file is meant to be so",
                });
            }
            builder.push(cell);
        }
        sink.end_row()
    }
}
