//! Workbooks: each sheet that holds a table is a dataset.
//!
//! A sheet is read twice: once for its layout and for what its cells allow, over all rows, and once for the values.

mod book;
mod guard;
mod layout;
mod survey;
mod table;
mod value;

use std::path::Path;

use book::{Book, Flow, Row, Sheet};
use dropforge_shared::reading::Decision;
use survey::{Found, Survey};
use table::Table;

use crate::columns::Plan;
use crate::csv::rows::Sampled;
use crate::error::Error;
use crate::limits::Limits;
use crate::monitor::{Level, Monitor};
use crate::options::ReadOptions;
use crate::recognise::Format;
use crate::told::{self, Ingested};
use crate::wrapping::listed;

/// Rows that a sheet may have (Microsoft, "Excel specifications and limits"; LibreOffice has the same).
const MAX_ROWS: u32 = 1 << 20;

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
    let mut survey = Survey::new(options.header, !options.types.is_empty());
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
    let mut open: Vec<Option<String>> =
        columns.iter().zip(&names).map(|(at, name)| told::order_open(name, found.seen(*at))).collect();
    let mut plans: Vec<Plan> = columns.iter().map(|at| Plan::settled(found.seen(*at))).collect();
    let sampled = Sampled { seen: Vec::new(), cells: found.cells(&columns) };
    let forced = options.forced(&names, &sampled)?;
    for (at, kind) in &forced {
        if let (Some(plan), Some(open)) = (plans.get_mut(*at), open.get_mut(*at)) {
            *plan = Plan::forced(*kind);
            *open = None;
        }
    }
    let set = |(at, kind): &(usize, _)| names.get(*at).map(|name| told::set_type(name, *kind));
    let mut decisions: Vec<Decision> = forced.iter().filter_map(set).take(told::MAX_COLUMNS).collect();
    let mut table = Table::new(out_dir, &columns, names, plans, forced)?;
    gauge.rows(&mut book, &sheet.name, monitor, &mut |row, _| {
        if row.number >= found.layout.first_data && !layout::is_blank(row) {
            table.row(row)?;
        }
        Ok(Flow::More)
    })?;
    let merged = book.merged(&sheet.name);
    let (rows, rejected_rows) = (table.rows, table.rejected);
    let (columns, null_tokens) = table.finish()?;

    if !found.layout.preamble.is_empty() {
        notes.push(format!("above the table, and no part of it: {}", found.layout.preamble.join(" · ")));
    }
    if rejected_rows > 0 {
        notes.push(format!(
            "{rejected_rows} rows do not fit the types that are set; see rejected.csv for rows and reasons"
        ));
    }
    if merged > 0 {
        notes.push(format!(
            "{merged} merged areas: the value stands in the first cell, the others are missing"
        ));
    }
    if sheet.hidden {
        notes.push(format!("sheet {} is hidden in the workbook", sheet.name));
    }
    for (column, why) in columns.iter().zip(open).take(told::MAX_COLUMNS) {
        let Some(why) = why else { continue };
        notes.push(format!("column {}: {why}", column.name));
        let (what, value) = (format!("type of {}", column.name), column.kind.name().to_owned());
        decisions.push(Decision { what, value, why });
    }
    for note in &notes {
        monitor.log(Level::Warn, note);
    }
    Ok(Ingested {
        format,
        header: found.layout.header.is_some(),
        rows,
        rejected_rows,
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
        decisions,
        notes,
        part: Some(sheet.name),
        parts,
        ..Ingested::bare(format)
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
            if row.number >= MAX_ROWS {
                return Err(Error::Limit {
                    what: format!("row {}", row.number + 1),
                    place: self.place.clone(),
                    limit: format!("{MAX_ROWS} rows a sheet, the most that spreadsheet programs know"),
                    way_out: "it may be a decompression bomb; split the sheet, or save it as CSV",
                });
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
