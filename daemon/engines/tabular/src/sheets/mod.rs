//! Workbooks: each sheet that holds a table is a dataset.
//!
//! A sheet is read twice: once for its layout and for what its cells allow, over all rows, and once for the values.

mod book;
mod guard;
mod layout;
mod value;

use std::collections::BTreeMap;
use std::path::Path;

use dropforge_shared::page::Column;
use polars::prelude::DataFrame;

use book::{Book, Flow, Row, Sheet};
use layout::{Layout, SAMPLE_ROWS};
use value::Cell;

use crate::columns::{Builder, Origin, Plan, candidates, schema};
use crate::error::Error;
use crate::ingest::{DATASET, Ingested, ReadOptions};
use crate::limits::Limits;
use crate::monitor::{Level, Monitor};
use crate::recognise::Format;
use crate::sniff;
use crate::types::lattice::Candidates;
use crate::types::{nulls, trim};
use crate::wrapping::listed;
use crate::write::{DatasetWriter, ROW_GROUP_ROWS};

/// Cells of a batch of rows that are held before they are written.
const BATCH_CELLS: usize = 4 << 20;
/// Bytes of texts of such a batch.
const BATCH_BYTES: u64 = 64 << 20;

/// Reads one sheet of a workbook: the one that `part` names, else the first visible one that holds a table.
pub(crate) fn ingest(
    source: &Path,
    out_dir: &Path,
    format: Format,
    part: Option<&str>,
    options: &ReadOptions,
    monitor: &mut dyn Monitor,
) -> Result<Ingested, Error> {
    let limits = &options.limits;
    guard::check(source, format, limits, monitor)?;
    let mut book = Book::open(source, format)?;
    let sheets = book.sheets();
    let (sheet, parts, mut notes) = choose(&mut book, source, &sheets, part, monitor)?;
    monitor.log(
        Level::Info,
        &format!("sheet {} of {}", sheet.name, listed(sheets.iter().map(|s| s.name.as_str()))),
    );

    let bytes = std::fs::metadata(source).map_err(Error::io("open", source))?.len();
    let place = format!("sheet {} of {}", sheet.name, source.display());
    let gauge = Gauge { bytes, limits, place };
    monitor.stage("type", None, "rows");
    let mut survey = Survey::new(options.header);
    gauge.rows(&mut book, &sheet.name, monitor, &mut |row, gauge| survey.row(row, gauge))?;
    let found = survey.finish();
    let columns = found.columns();
    if columns.is_empty() {
        return Err(Error::NotATable {
            path: source.to_path_buf(),
            reason: format!("sheet {} has no values", sheet.name),
        });
    }
    gauge.check_extent(&found, columns.len())?;

    monitor.stage("read", Some(found.rows), "rows");
    let names = found.names(&columns);
    let ambiguous: Vec<bool> = columns.iter().map(|at| found.seen(*at).is_ambiguous_date()).collect();
    let plans: Vec<Plan> = columns.iter().map(|at| Plan::settled(found.seen(*at))).collect();
    let mut table = Table::new(out_dir, &columns, names, plans)?;
    gauge.rows(&mut book, &sheet.name, monitor, &mut |row, _| {
        if row.number >= found.layout.first_data && !layout::is_blank(row) {
            table.row(row)?;
        }
        Ok(Flow::More)
    })?;
    let merged = book.merged(&sheet.name);
    let rows = table.rows;
    let (columns, null_tokens) = table.finish()?;

    if !found.layout.preamble.is_empty() {
        notes.push(format!("above the table, and no part of it: {}", found.layout.preamble.join(" · ")));
    }
    if merged > 0 {
        notes.push(format!(
            "{merged} merged areas: the value stands in the first cell, the others are missing"
        ));
    }
    if sheet.hidden {
        notes.push(format!("sheet {} is hidden in the workbook", sheet.name));
    }
    for (column, _) in columns.iter().zip(&ambiguous).filter(|(_, is)| **is) {
        notes.push(format!(
            "column {}: dates like 01/02/2024 could be day or month first in every row; kept as text",
            column.name
        ));
    }
    for note in &notes {
        monitor.log(Level::Warn, note);
    }
    Ok(Ingested {
        format,
        header: found.layout.header.is_some(),
        rows,
        columns,
        null_tokens,
        how: format!(
            "sheet {}, {}",
            sheet.name,
            match (&found.layout.header, options.header) {
                (_, Some(true)) => format!("header in row {} as set", found.layout.first_data),
                (_, Some(false)) => "no header, as set".to_owned(),
                (Some(_), None) => format!("header in row {} by its cells", found.layout.first_data),
                (None, None) => "no header by its cells".to_owned(),
            }
        ),
        notes,
        part: Some(sheet.name),
        parts,
        ..Ingested::empty(format)
    })
}

/// The sheet to read and, where none was named, all sheets that hold tables.
fn choose(
    book: &mut Book,
    source: &Path,
    sheets: &[Sheet],
    part: Option<&str>,
    monitor: &mut dyn Monitor,
) -> Result<(Sheet, Vec<String>, Vec<String>), Error> {
    let mut notes = Vec::new();
    if let Some(wanted) = part {
        let found = sheets.iter().find(|s| s.name == wanted);
        let found = found.or_else(|| sheets.iter().find(|s| s.name.eq_ignore_ascii_case(wanted)));
        return found.cloned().map(|s| (s.clone(), vec![s.name], notes)).ok_or_else(|| Error::Option {
            option: "the sheet",
            value: wanted.to_owned(),
            reason: format!("the workbook has {}", listed(sheets.iter().map(|s| s.name.as_str()))),
        });
    }
    monitor.stage("recognise", Some(sheets.len() as u64), "sheets");
    let mut tables: Vec<&Sheet> = Vec::new();
    for (i, sheet) in sheets.iter().enumerate() {
        if monitor.cancelled() {
            return Err(Error::Cancelled);
        }
        monitor.progress(i as u64);
        let mut rows: Vec<Row> = Vec::new();
        let looked = book.rows(&sheet.name, &mut |row| {
            if !layout::is_blank(row) {
                rows.push(row.clone());
            }
            Ok(if rows.len() < 100 { Flow::More } else { Flow::Enough })
        });
        match looked {
            Ok(()) if layout::is_table(&rows) => tables.push(sheet),
            Ok(()) => {}
            // One sheet that can't be read must not keep the others away.
            Err(error) if sheets.len() > 1 => notes.push(error.to_string()),
            Err(error) => return Err(error),
        }
    }
    let first = tables.iter().find(|s| !s.hidden).or(tables.first());
    let Some(first) = first else {
        let reason = match notes.pop() {
            Some(note) => note,
            None => {
                format!("no sheet holds a table; it has {}", listed(sheets.iter().map(|s| s.name.as_str())))
            }
        };
        return Err(Error::NotATable { path: source.to_path_buf(), reason });
    };
    Ok(((*first).clone(), tables.iter().map(|s| s.name.clone()).collect(), notes))
}

/// Watches how much comes out of a workbook.
struct Gauge<'a> {
    bytes: u64,
    limits: &'a Limits,
    place: String,
}

impl Gauge<'_> {
    /// Goes through a sheet's rows; stops where asked, or where the texts grow beyond what the file can honestly hold.
    fn rows(
        &self,
        book: &mut Book,
        sheet: &str,
        monitor: &mut dyn Monitor,
        each: &mut dyn FnMut(&Row, &Self) -> Result<Flow, Error>,
    ) -> Result<(), Error> {
        let mut given = 0u64;
        let mut count = 0u64;
        book.rows(sheet, &mut |row| {
            count += 1;
            if count.is_multiple_of(256) {
                monitor.progress(count);
                if monitor.cancelled() {
                    return Err(Error::Cancelled);
                }
            }
            given += row.cells.iter().map(|(_, cell)| cell.text().len() as u64).sum::<u64>();
            if given > Limits::EXPANSION_FREE_BYTES
                && given > self.bytes.saturating_mul(self.limits.max_expansion)
            {
                return Err(Error::Limit {
                    what: format!("{given} bytes of cells out of a file of {} bytes", self.bytes),
                    place: format!("row {} of {}", row.number + 1, self.place),
                    limit: format!("{} to 1", self.limits.max_expansion),
                    way_out: "it may be a decompression bomb; save the sheet as CSV if you trust it",
                });
            }
            each(row, self)
        })
    }

    fn check_extent(&self, found: &Found, width: usize) -> Result<(), Error> {
        let refuse = |what: String, limit: String, way_out: &'static str| {
            Err(Error::Limit { what, place: self.place.clone(), limit, way_out })
        };
        if width > self.limits.max_columns {
            let limit = format!("{} columns", self.limits.max_columns);
            return refuse(format!("{width} columns"), limit, "reshape the table to rows");
        }
        let cells = found.rows.saturating_mul(width as u64);
        if cells > Limits::SPARSE_CELLS && found.filled < cells / 100 {
            return refuse(
                format!("{} rows by {width} columns with only {} filled cells", found.rows, found.filled),
                format!("{} cells where fewer than 1 in 100 is filled", Limits::SPARSE_CELLS),
                "remove stray cells far from the table, or save the sheet as rows of name and value",
            );
        }
        Ok(())
    }
}

/// What all rows show.
struct Found {
    layout: Layout,
    /// By column of the sheet, what its cells allow; nothing where it has none.
    seen: Vec<Option<Candidates>>,
    rows: u64,
    filled: u64,
}

impl Found {
    /// The columns that have a name or a value, in order.
    fn columns(&self) -> Vec<u32> {
        let last = self.layout.header.iter().flatten().map(|(c, _)| c + 1).max().unwrap_or(0);
        let end = last.max(self.seen.len() as u32);
        let mut names: Vec<bool> = vec![false; end as usize];
        for (column, _) in self.layout.header.iter().flatten() {
            if let Some(slot) = names.get_mut(*column as usize) {
                *slot = true;
            }
        }
        let used = |at: u32| {
            names.get(at as usize) == Some(&true) || self.seen.get(at as usize).is_some_and(Option::is_some)
        };
        (0..end).filter(|at| used(*at)).collect()
    }

    fn seen(&self, column: u32) -> Candidates {
        self.seen.get(column as usize).copied().flatten().unwrap_or(Candidates::ALL)
    }

    fn names(&self, columns: &[u32]) -> Vec<String> {
        let given: BTreeMap<u32, &String> =
            self.layout.header.iter().flatten().map(|(c, n)| (*c, n)).collect();
        sniff::unique(
            columns.iter().map(|at| given.get(at).map_or_else(String::new, |n| (*n).clone())).collect(),
        )
    }
}

/// The first reading.
struct Survey {
    header: Option<bool>,
    sample: Vec<Row>,
    found: Option<Found>,
}

impl Survey {
    fn new(header: Option<bool>) -> Self {
        Self { header, sample: Vec::new(), found: None }
    }

    fn row(&mut self, row: &Row, gauge: &Gauge<'_>) -> Result<Flow, Error> {
        if layout::is_blank(row) {
            return Ok(Flow::More);
        }
        if let Some((column, _)) = row.cells.last()
            && *column as usize >= gauge.limits.max_columns
        {
            return Err(Error::Limit {
                what: format!("a cell in column {}", column + 1),
                place: format!("row {} of {}", row.number + 1, gauge.place),
                limit: format!("{} columns", gauge.limits.max_columns),
                way_out: "remove what stands so far to the right",
            });
        }
        match &mut self.found {
            Some(found) => found.look(row),
            None => {
                self.sample.push(row.clone());
                if self.sample.len() >= SAMPLE_ROWS {
                    self.settle();
                }
            }
        }
        Ok(Flow::More)
    }

    fn settle(&mut self) {
        let layout = layout::layout(&self.sample, self.header);
        let mut found = Found { layout, seen: Vec::new(), rows: 0, filled: 0 };
        for row in self.sample.drain(..) {
            found.look(&row);
        }
        self.found = Some(found);
    }

    fn finish(mut self) -> Found {
        if self.found.is_none() {
            self.settle();
        }
        self.found.unwrap_or(Found {
            layout: Layout { preamble: Vec::new(), header: None, first_data: 0 },
            seen: Vec::new(),
            rows: 0,
            filled: 0,
        })
    }
}

impl Found {
    fn look(&mut self, row: &Row) {
        if row.number < self.layout.first_data {
            return;
        }
        self.rows += 1;
        for (column, cell) in &row.cells {
            let at = *column as usize;
            if self.seen.len() <= at {
                self.seen.resize(at + 1, None);
            }
            let text = trim(cell.text());
            if text.is_empty() {
                continue;
            }
            self.filled += 1;
            if let Some(slot) = self.seen.get_mut(at) {
                let seen = slot.get_or_insert(Candidates::ALL);
                if !matches!(cell, Cell::Error(_)) && !seen.is_text() && !nulls::is_null(text) {
                    *seen = seen.and(candidates(text, Origin::Literal));
                }
            }
        }
    }
}

/// The second reading.
struct Table {
    /// Where in the builders a column of the sheet is.
    places: Vec<Option<usize>>,
    builders: Vec<Builder>,
    writer: DatasetWriter,
    columns: Vec<Column>,
    batch: usize,
    batch_rows: usize,
    bytes: u64,
    rows: u64,
}

impl Table {
    fn new(out_dir: &Path, columns: &[u32], names: Vec<String>, plans: Vec<Plan>) -> Result<Self, Error> {
        let writer = DatasetWriter::create(&out_dir.join(DATASET), &schema(&names, &plans))?;
        let batch_rows = (BATCH_CELLS / columns.len().max(1)).clamp(1, ROW_GROUP_ROWS);
        let mut places = vec![None; columns.last().map_or(0, |c| *c as usize + 1)];
        for (i, column) in columns.iter().enumerate() {
            if let Some(slot) = places.get_mut(*column as usize) {
                *slot = Some(i);
            }
        }
        let builders =
            names.iter().zip(&plans).map(|(n, p)| Builder::new(n, *p, batch_rows.min(1_024))).collect();
        let columns = names
            .into_iter()
            .zip(&plans)
            .map(|(name, plan)| Column { name, kind: plan.kind.column_type() })
            .collect();
        Ok(Self { places, builders, writer, columns, batch: 0, batch_rows, bytes: 0, rows: 0 })
    }

    fn row(&mut self, row: &Row) -> Result<(), Error> {
        let mut cells = row.cells.iter().peekable();
        for (column, place) in self.places.iter().enumerate() {
            let cell = cells.next_if(|(c, _)| *c as usize == column).map(|(_, cell)| cell);
            let Some(builder) = place.and_then(|at| self.builders.get_mut(at)) else { continue };
            match cell {
                None => builder.push_absent(),
                Some(Cell::Error(token)) => builder.push_missing(token),
                Some(Cell::Value(text) | Cell::Text(text)) => {
                    self.bytes += text.len() as u64;
                    builder.push_as(text, Origin::Literal);
                }
            }
        }
        self.rows += 1;
        self.batch += 1;
        if self.batch >= self.batch_rows || self.bytes >= BATCH_BYTES { self.cut() } else { Ok(()) }
    }

    fn cut(&mut self) -> Result<(), Error> {
        if self.batch > 0 {
            if self.builders.iter().any(|b| b.misfit) {
                return Err(Error::Internal("a sheet read differently the second time".to_owned()));
            }
            let columns = self.builders.iter_mut().map(|b| b.take(0)).collect();
            let frame = DataFrame::new(self.batch, columns).map_err(|e| Error::Internal(e.to_string()))?;
            self.writer.write(self.writer.encode(&frame)?)?;
        }
        (self.batch, self.bytes) = (0, 0);
        Ok(())
    }

    fn finish(mut self) -> Result<(Vec<Column>, Vec<BTreeMap<String, u64>>), Error> {
        self.cut()?;
        self.writer.finish()?;
        Ok((self.columns, self.builders.iter().map(|b| b.nulls.to_map()).collect()))
    }
}
