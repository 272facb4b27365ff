//! Rows out of delimited text: each record is placed or rejected, so that rows + rejected = records.

use super::Dialect;
use super::records::Record;
use crate::columns::{Origin, candidates, misfit_reason};
use crate::error::Error;
use crate::limits::Limits;
use crate::pass::{RowReader, Sink};
use crate::rejects::Reject;
use crate::sniff::{Sniffed, is_note};
use crate::types::lattice::{Candidates, Kind};
use crate::types::{nulls, trim};

/// Reads the rows of one delimited file.
///
/// Blank lines are no records, in a table of one column too: a missing value is written `""` there. Neither are comments.
pub(crate) struct CsvRows {
    pub(crate) dialect: Dialect,
    /// Whether the first record names the columns.
    pub(crate) header: bool,
    /// The columns' names; there are as many columns.
    pub(crate) names: Vec<String>,
    /// Lines before the table.
    pub(crate) preamble_lines: u64,
    /// Whether records may end early, with their last fields missing.
    pub(crate) short_records: bool,
    /// The columns whose type the user set. A record with a cell that cannot be read so is rejected.
    pub(crate) forced: Vec<(usize, Kind)>,
    pub(crate) limits: Limits,
}

impl RowReader for CsvRows {
    fn read(&self, text: &str, first: bool, single_lines: bool, sink: &mut Sink) -> Result<(), Error> {
        let mut record = Record::default();
        let mut skip_header = first && self.header;
        let mut after_blank = false;
        let mut at = 0;
        while at < text.len() {
            let start = at;
            let line = sink.lines;
            let line_end = || self.dialect.line_end(text.as_bytes(), start, true).unwrap_or(text.len());
            if !skip_header && self.dialect.is_comment(text.as_bytes(), at) {
                at = line_end();
                sink.lines += 1;
                sink.comments += 1;
                continue;
            }
            at = if single_lines {
                record.read(text.get(..line_end()).unwrap_or_default(), at, self.dialect)
            } else {
                record.read(text, at, self.dialect)
            };
            sink.lines += 1 + record.inner_lines;
            if record.is_blank(text) {
                after_blank = true;
                continue;
            }
            if std::mem::take(&mut skip_header) {
                continue;
            }
            match self.objection(&record, text) {
                None => self.place(&record, text, sink, line)?,
                Some((reason, aside)) => {
                    let whole = text.get(start..at).unwrap_or_default();
                    sink.rejects.push(Reject { aside, after_blank, ..Reject::new(line, reason, whole) });
                }
            }
            after_blank = false;
        }
        Ok(())
    }

    fn lines_before(&self) -> u64 {
        self.preamble_lines
    }

    fn forced(&self) -> &[(usize, Kind)] {
        &self.forced
    }
}

impl CsvRows {
    /// Why a record cannot be placed, and whether it may be a note below the table.
    #[inline]
    fn objection(&self, record: &Record, text: &str) -> Option<(String, bool)> {
        let width = self.names.len();
        if record.unclosed {
            return Some(("a quote is opened and never closed".to_owned(), false));
        }
        let short = record.len() < width;
        if record.len() != width && !(short && self.short_records) && !record.only_empty_from(width) {
            let cells: Vec<String> = record.texts(text).take(width).map(str::to_owned).collect();
            let aside = short && is_note(&cells, width);
            let fields = if record.len() == 1 { "field" } else { "fields" };
            return Some((format!("{} {fields} where {width} are expected", record.len()), aside));
        }
        self.misfit(record, text).map(|reason| (reason, false))
    }

    /// The first cell that cannot be read as the type that the user set.
    #[inline]
    fn misfit(&self, record: &Record, text: &str) -> Option<String> {
        if self.forced.is_empty() {
            return None;
        }
        self.forced.iter().find_map(|(index, kind)| {
            let name = self.names.get(*index).map_or("", String::as_str);
            misfit_reason(record.texts(text).nth(*index)?, *kind, name)
        })
    }

    fn place(&self, record: &Record, text: &str, sink: &mut Sink, line: u64) -> Result<(), Error> {
        let mut filled = 0;
        for (builder, cell) in sink.builders.iter_mut().zip(record.texts(text)) {
            if cell.len() > self.limits.max_cell_bytes {
                let name = self.names.get(filled).map_or("", String::as_str);
                let what = format!("a cell of {} bytes in column {name}", cell.len());
                sink.fault_line = Some(line);
                return Err(Error::Limit {
                    what,
                    place: String::new(),
                    limit: format!("{} bytes a cell", self.limits.max_cell_bytes),
                    way_out: "a quote that is opened there may never close: see that it is closed",
                });
            }
            builder.push(cell);
            filled += 1;
        }
        // A record that ends early.
        for builder in sink.builders.iter_mut().skip(filled) {
            builder.push_absent();
        }
        sink.last_row = Some(line);
        sink.end_row()
    }
}

/// What the sample's cells allow, by column, and some of them.
pub(crate) struct Sampled {
    pub(crate) seen: Vec<Candidates>,
    /// The first cells of each column.
    pub(crate) cells: Vec<Vec<String>>,
}

/// Cells of a column that are kept, to choose how a type that the user set is written there.
pub(crate) const SAMPLED_CELLS: usize = 1_000;

/// Reads a sample of whole records.
pub(crate) fn sampled(sample: &str, sniffed: &Sniffed) -> Sampled {
    let width = sniffed.names.len();
    let mut found = Sampled { seen: vec![Candidates::ALL; width], cells: vec![Vec::new(); width] };
    let mut record = Record::default();
    let dialect = sniffed.dialect;
    let mut at = 0;
    for _ in 0..sniffed.preamble_lines {
        at = dialect.line_end(sample.as_bytes(), at, true).unwrap_or(sample.len());
    }
    let mut skip = sniffed.header;
    while at < sample.len() {
        if !skip && dialect.is_comment(sample.as_bytes(), at) {
            at = dialect.line_end(sample.as_bytes(), at, true).unwrap_or(sample.len());
            continue;
        }
        at = record.read(sample, at, dialect);
        if record.is_blank(sample) || std::mem::take(&mut skip) {
            continue;
        }
        // Only rows that will be placed have a say, or the plan would differ from what all rows allow.
        let short = record.len() < width && sniffed.short_records;
        if record.unclosed || !(record.len() == width || short || record.only_empty_from(width)) {
            continue;
        }
        let columns = found.seen.iter_mut().zip(&mut found.cells);
        for ((seen, cells), cell) in columns.zip(record.texts(sample)) {
            let text = trim(cell);
            if nulls::is_null(text) {
                continue;
            }
            if !seen.is_text() {
                *seen = seen.and(candidates(text, Origin::Literal));
            }
            if cells.len() < SAMPLED_CELLS && text.len() <= 80 {
                cells.push(text.to_owned());
            }
        }
    }
    found
}
