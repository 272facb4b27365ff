//! A dialect tried on the sample: what table it gives, and how much that looks like one.
//!
//! The score is the product of a consistency of pattern and a consistency of type, after van den Burg, Nazábal &
//! Sutton (2019), "Wrangling messy CSV files by detecting row and type patterns", Data Mining and Knowledge Discovery
//! 33:1799–1820.

use std::collections::BTreeMap;

use memchr::memchr;

use super::header::above_names;
use crate::csv::records::Record;
use crate::csv::{Dialect, NO_QUOTE};
use crate::types::lattice::Candidates;
use crate::types::{nulls, trim};

/// Records of the sample that are looked at.
const SAMPLE_RECORDS: usize = 1_000;

/// Delimiters that rarely stand in the cells of a table that another one separates.
const STRONG: [u8; 4] = [b',', b';', b'\t', b'|'];

/// A record of the sample.
pub(super) struct Row {
    pub(super) cells: Vec<String>,
    /// The line it starts on, from 0.
    pub(super) line: u64,
    /// Line ends inside its quotes.
    inner_lines: u64,
    /// It starts with the mark of a comment.
    pub(super) marked: bool,
}

/// What a dialect makes of the sample.
pub(super) struct Trial {
    pub(super) dialect: Dialect,
    /// All records, those before the table included.
    pub(super) rows: Vec<Row>,
    /// The first record of the table.
    pub(super) start: usize,
    /// Columns.
    pub(super) width: usize,
    /// Share of the table's records that have the usual number of fields.
    pub(super) consistency: f64,
    /// Share of cells that look like values.
    pub(super) value_share: f64,
    pub(super) score: f64,
    /// Fields that stood in quotes.
    pub(super) quoted: usize,
    /// Share of cells that are numbers, dates or in quotes: no words that could be prose.
    typed_share: f64,
}

impl Trial {
    /// Whether a delimiter that also stands in prose has done what only a delimiter does: equal records of values.
    pub(super) fn is_convincing(&self) -> bool {
        !matches!(self.dialect.delimiter, b' ' | b':')
            || !self.dialect.tail().is_empty()
            || (self.width >= 2 && self.consistency >= 0.95 && self.typed_share >= 0.3)
    }

    /// The table's records: from its start, without comments.
    pub(super) fn table(&self) -> impl Iterator<Item = &Row> {
        let start = self.start;
        let comments = self.dialect.comment.is_some();
        // A header may be marked as comments are.
        self.rows
            .iter()
            .enumerate()
            .skip(start)
            .filter(move |(i, r)| !comments || !r.marked || *i == start)
            .map(|(_, r)| r)
    }
}

/// How likely a delimiter is before anything was seen: blanks and colons stand in dates, times and prose.
fn prior(dialect: &Dialect) -> f64 {
    match dialect.delimiter {
        _ if !dialect.tail().is_empty() => 1.0,
        b',' | b';' | b'\t' | b'|' | 0x01 | 0x1f => 1.0,
        b':' => 0.75,
        b' ' => 0.7,
        _ => 0.95,
    }
}

/// Reads the sample in a dialect. `None` where it has no record at all.
pub(super) fn trial(sample: &str, mut dialect: Dialect) -> Option<Trial> {
    let mark = dialect.comment.take();
    let mut record = Record::default();
    let mut rows: Vec<Row> = Vec::new();
    let (mut value, mut cells, mut quoted, mut unclosed, mut typed) = (0.0, 0usize, 0usize, 0usize, 0usize);
    let mut values: Vec<f64> = Vec::new();
    let (mut at, mut line) = (0, 0);
    while at < sample.len() && rows.len() < SAMPLE_RECORDS {
        let marked = mark.is_some() && sample.as_bytes().get(at).copied() == mark;
        let here = line;
        if marked {
            // A comment is one line, whatever quotes it holds.
            let end = dialect.line_end(sample.as_bytes(), at, true).unwrap_or(sample.len());
            let whole = sample.get(..end).unwrap_or_default();
            at = record.read(whole, at, dialect).max(end);
            line += 1;
        } else {
            at = record.read(sample, at, dialect);
            line += 1 + record.inner_lines;
        }
        if record.is_blank(sample) {
            continue;
        }
        let before = value;
        if !marked {
            for (i, cell) in record.texts(sample).enumerate() {
                cells += 1;
                quoted += usize::from(record.is_quoted(i));
                let likeness = likeness(cell, record.is_quoted(i), &dialect);
                typed += usize::from(likeness == 1.0 && !trim(cell).is_empty());
                value += likeness;
            }
        }
        // A field that never closes swallowed the rest: held against this dialect.
        if record.unclosed {
            unclosed += 1;
            value -= record.len() as f64;
        }
        values.push(value - before);
        rows.push(Row {
            cells: record.texts(sample).map(str::to_owned).collect(),
            line: here,
            inner_lines: record.inner_lines,
            marked,
        });
    }
    if unclosed > 0 {
        quoted = quoted.saturating_sub(unclosed);
    }
    let width = usual_width(&rows)?;
    dialect.comment = mark.filter(|_| marks_are_comments(&rows, width));
    let start = table_start(&rows, width, dialect.comment.is_some());
    let table: Vec<&[String]> = rows.iter().skip(start).map(|r| r.cells.as_slice()).collect();
    let start = start + if dialect.comment.is_none() && width > 1 { above_names(&table, width) } else { 0 };
    let notes = rows.iter().rev().take_while(|r| r.cells.len() < width && is_note(&r.cells, width)).count();
    let end = (rows.len() - notes).max(start + 1);
    let inside: Vec<(usize, &Row)> = rows
        .iter()
        .enumerate()
        .take(end)
        .skip(start)
        .filter(|(i, r)| *i == start || dialect.comment.is_none() || !r.marked)
        .collect();
    let fits = inside.iter().filter(|(_, r)| fits(&r.cells, width)).count();
    let consistency = fits as f64 / inside.len().max(1) as f64;
    let typed_share = typed as f64 / cells.max(1) as f64;
    let (value, cells) = if start == 0 {
        (value, cells)
    } else {
        let value = inside.iter().filter_map(|(i, _)| values.get(*i)).sum();
        (value, inside.iter().map(|(_, r)| r.cells.len()).sum())
    };
    let value_share = (value / cells.max(1) as f64).clamp(0.0, 1.0);
    // One column is what every delimiter that does not occur gives; it must lose against any that does its work.
    let width_factor = if width < 2 { 0.1 } else { 1.0 - 0.2 / width as f64 };
    let unmarked = rows.iter().filter(|r| dialect.comment.is_none() || !r.marked).count();
    let outside = unmarked.saturating_sub(inside.len()) as f64 / unmarked.max(1) as f64;
    let score = consistency
        * consistency
        * (0.2 + 0.8 * value_share)
        * width_factor
        * prior(&dialect)
        * (1.0 - 0.5 * outside);
    Some(Trial { dialect, rows, start, width, consistency, value_share, score, quoted, typed_share })
}

/// Whether a record has as many fields as the table, or more that are all empty.
pub(super) fn fits(cells: &[String], width: usize) -> bool {
    cells.len() == width || cells.get(width..).is_some_and(|rest| rest.iter().all(String::is_empty))
}

/// How much a cell looks like a value on its own, from 0 to 1.
fn likeness(cell: &str, quoted: bool, dialect: &Dialect) -> f64 {
    let text = trim(cell);
    if quoted || nulls::is_null(text) || !Candidates::of(text).is_text() {
        return 1.0;
    }
    // A quote within an unquoted cell often means that the cell was cut at the wrong places.
    if dialect.quote != NO_QUOTE && memchr(dialect.quote, text.as_bytes()).is_some() {
        return 0.1;
    }
    let foreign = text.bytes().filter(|b| STRONG.contains(b) && *b != dialect.delimiter).count();
    match foreign {
        0 if text.len() <= 40 => 0.9,
        0 => 0.8,
        1 => 0.5,
        _ => 0.2,
    }
}

/// The number of fields that most records have. The first record counts as any other; of equal ones the larger wins.
/// Wide records weigh more: titles and notes around a table are short.
fn usual_width(rows: &[Row]) -> Option<usize> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    let mut all = rows.iter().filter(|r| !r.marked).peekable();
    if all.peek().is_none() {
        return rows.first().map(|r| r.cells.len());
    }
    for row in all {
        *counts.entry(row.cells.len()).or_default() += 1;
    }
    // Records of many fields that agree are less of a chance than lines of one or two.
    let weight = |(width, count): &(&usize, &usize)| **count as f64 * (1.0 + (**width as f64).ln());
    let (&width, _) =
        counts.iter().max_by(|a, b| weight(a).total_cmp(&weight(b)).then_with(|| a.0.cmp(b.0)))?;
    let body = || rows.iter().filter(|r| !r.marked).map(|r| &r.cells);
    let first = body().next().map_or(0, Vec::len);
    // Trailing separators: where the last field is empty in every record, there is no such column.
    let trailing =
        width > 1 && body().all(|r| r.len() < width || r.get(width - 1).is_some_and(String::is_empty));
    let width = if trailing { width - 1 } else { width };
    // With too few rows to tell, the header says how many columns there are.
    Some(if body().count() <= 2 && first > 1 && !trailing { first } else { width })
}

/// Whether lines with the mark are comments, and not records that happen to start with it (`#ff0000,red`).
fn marks_are_comments(rows: &[Row], width: usize) -> bool {
    let marked = rows.iter().filter(|r| r.marked).count();
    if width < 2 {
        return rows.first().is_some_and(|r| r.marked) && marked * 2 < rows.len();
    }
    let fitting = rows.iter().filter(|r| r.marked && r.cells.len() == width).count();
    // One that fits may be the header.
    marked > 0
        && marked < rows.len()
        && (fitting == 0 || fitting * 2 < marked || (fitting == 1 && marked == 2))
}

/// The first record of the table: what comes before it is a title, a note or a comment.
fn table_start(rows: &[Row], width: usize, comments: bool) -> usize {
    if width < 2 {
        return if comments { rows.iter().position(|r| !r.marked).unwrap_or(0) } else { 0 };
    }
    let filled = |r: &Row| r.cells.iter().filter(|c| !trim(c).is_empty()).count();
    // A marked line counts only as a header right above the first record.
    let is_data = |r: &Row| (!comments || !r.marked) && fits(&r.cells, width);
    let Some(first) = rows.iter().position(is_data) else { return 0 };
    // Only notes are left out; a record that is short or long is the table's, and will be rejected by name. What an
    // empty line parts from the table is a note whatever its fields.
    let parted = |i: &usize| {
        let i = *i;
        let line = |i: usize| rows.get(i).map_or(0, |r| r.line);
        line(i + 1) > line(i) + 1 + rows.get(i).map_or(0, |r| r.inner_lines)
    };
    let other = |i: &usize| rows.get(*i).is_some_and(|r| !(comments && r.marked || is_note(&r.cells, width)));
    let after_gap = (0..first).rev().find(|i| parted(i)).map_or(0, |i| i + 1);
    // Unless it has most of the delimiters of a record, and more lines than the table: then it is the table's.
    let alike = rows.iter().take(after_gap).filter(|r| !r.marked && r.cells.len() * 2 > width).count();
    let fitting = rows.iter().skip(first).filter(|r| is_data(r)).count();
    let after_gap = if alike > fitting { 0 } else { after_gap };
    let mut start = (after_gap..first).find(other).unwrap_or(first);
    // A title padded with separators: `Sales 2024,,,` above a record that is full.
    if width >= 3 && start == first {
        let full = |r: &Row| is_data(r) && filled(r) * 10 >= width * 8;
        while rows.get(start).is_some_and(|r| filled(r) <= 1)
            && rows.get(start + 1..).is_some_and(|rest| rest.iter().take(5).any(full))
        {
            start += 1;
            while rows.get(start).is_some_and(|r| !is_data(r)) {
                start += 1;
            }
        }
    }
    let above = start.checked_sub(1).and_then(|i| rows.get(i));
    let Some(above) = above else { return start };
    let marked_header = comments && above.marked && above.cells.len() == width;
    // R leaves the names of rows without a name of their own; ragged tables have headers of another length.
    let names = above.cells.len() > 1 && above.cells.iter().all(|c| !trim(c).is_empty()) && !above.marked;
    let near = above.cells.len() + 1 == width;
    if marked_header || (names && near && start == 1) { start - 1 } else { start }
}

/// Whether a record may be a title or a note around a table: one text, or few fields of many.
pub(crate) fn is_note(cells: &[String], width: usize) -> bool {
    let filled: Vec<&str> = cells.iter().map(|c| trim(c)).filter(|c| !c.is_empty()).collect();
    let words = filled.iter().any(|c| c.chars().filter(|c| c.is_alphabetic()).count() >= 3);
    words && cells.len() < width && filled.len() * 2 <= width && (filled.len() <= 1 || width > 3)
}
