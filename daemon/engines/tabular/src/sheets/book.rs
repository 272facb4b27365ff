//! Workbooks, whatever their form: which sheets there are, and their cells row by row.
//!
//! xlsx and xlsb are read as streams; of them only the table of texts is in memory. xls and ODS are held whole by the
//! library, so [`super::guard`] looks at their size first.

use std::fs::File;
use std::io::BufReader;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use calamine::{
    Data, Dimensions, Ods, Range, Reader, SheetType, SheetVisible, Xls, Xlsb, Xlsx, open_workbook,
};

use super::value::{self, Cell, LAST_DAY_1900, LAST_DAY_1904};
use crate::error::Error;
use crate::pass::panic_text;
use crate::recognise::Format;

type Bytes = BufReader<File>;

enum Form {
    Xlsx(Box<Xlsx<Bytes>>),
    Xlsb(Box<Xlsb<Bytes>>),
    Xls(Box<Xls<Bytes>>),
    Ods(Box<Ods<Bytes>>),
}

/// A sheet that may hold a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sheet {
    pub(super) name: String,
    pub(super) hidden: bool,
}

/// A row of a sheet that has at least one cell.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Row {
    /// Its number, from 0.
    pub(super) number: u32,
    /// Its cells by column, from 0, in order.
    pub(super) cells: Vec<(u32, Cell)>,
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    More,
    Enough,
}

/// An open workbook.
pub(super) struct Book {
    path: PathBuf,
    form: Form,
    name: &'static str,
    last_day: f64,
    /// The sheet of a held form that was asked for last.
    held: Option<(String, Range<Data>)>,
}

impl Book {
    /// Opens a workbook of a form that was recognised.
    pub(super) fn open(path: &Path, format: Format) -> Result<Self, Error> {
        let damaged = |reason: String| {
            // The library's words for it; it is no damage, and the other forms of workbooks are told apart before.
            if reason.contains("password protected") {
                let reason = "it is a workbook or document with a password; save it without one".to_owned();
                return Error::NotATable { path: path.to_path_buf(), reason };
            }
            Error::Damaged {
                path: path.to_path_buf(),
                form: format.name(),
                place: "the workbook itself".to_owned(),
                reason,
            }
        };
        let (form, is_1904) = guarded(damaged, || {
            Ok(match format {
                Format::Xlsb => {
                    let book: Xlsb<Bytes> = open_workbook(path).map_err(told)?;
                    let is_1904 = book.has_1904_epoch();
                    (Form::Xlsb(Box::new(book)), is_1904)
                }
                Format::Xls => {
                    let book: Xls<Bytes> = open_workbook(path).map_err(told)?;
                    let is_1904 = book.has_1904_epoch();
                    (Form::Xls(Box::new(book)), is_1904)
                }
                Format::Ods => (Form::Ods(Box::new(open_workbook(path).map_err(told)?)), false),
                _ => {
                    let book: Xlsx<Bytes> = open_workbook(path).map_err(told)?;
                    let is_1904 = book.has_1904_epoch();
                    (Form::Xlsx(Box::new(book)), is_1904)
                }
            })
        })?;
        let last_day = if is_1904 { LAST_DAY_1904 } else { LAST_DAY_1900 };
        Ok(Self { path: path.to_path_buf(), form, name: format.name(), last_day, held: None })
    }

    /// The sheets of cells, in order. Charts, macros and dialogs are none; of equal names only the first can be read.
    pub(super) fn sheets(&self) -> Vec<Sheet> {
        let all = match &self.form {
            Form::Xlsx(book) => book.sheets_metadata(),
            Form::Xlsb(book) => book.sheets_metadata(),
            Form::Xls(book) => book.sheets_metadata(),
            Form::Ods(book) => book.sheets_metadata(),
        };
        let mut sheets: Vec<Sheet> = Vec::new();
        for sheet in all.iter().filter(|s| s.typ == SheetType::WorkSheet) {
            if !sheets.iter().any(|s| s.name == sheet.name) {
                let hidden = sheet.visible != SheetVisible::Visible;
                sheets.push(Sheet { name: sheet.name.clone(), hidden });
            }
        }
        sheets
    }

    /// The areas of a sheet that are merged to one cell; none where the form does not tell.
    pub(super) fn merged(&mut self, sheet: &str) -> usize {
        let areas: Option<Vec<Dimensions>> = match &mut self.form {
            Form::Xlsx(book) => {
                catch_unwind(AssertUnwindSafe(|| book.merge_cells_by_sheet_name(sheet).ok())).ok().flatten()
            }
            Form::Xls(book) => book.merge_cells_by_sheet_name(sheet).ok(),
            Form::Xlsb(_) | Form::Ods(_) => None,
        };
        areas.map_or(0, |areas| areas.len())
    }

    /// Gives each row of a sheet that has cells, in order.
    pub(super) fn rows(
        &mut self,
        sheet: &str,
        each: &mut dyn FnMut(&Row) -> Result<Flow, Error>,
    ) -> Result<(), Error> {
        let (path, form, last_day) = (self.path.clone(), self.name, self.last_day);
        let damaged = |reason: String| Error::Damaged {
            path: path.clone(),
            form,
            place: format!("sheet {sheet}"),
            reason,
        };
        let errors_are_text = matches!(self.form, Form::Ods(_));
        if matches!(self.form, Form::Xls(_) | Form::Ods(_)) {
            if self.held.as_ref().is_none_or(|(name, _)| name != sheet) {
                self.held = None;
                let range = guarded(damaged, || match &mut self.form {
                    Form::Xls(book) => book.worksheet_range(sheet).map_err(told),
                    Form::Ods(book) => book.worksheet_range(sheet).map_err(told),
                    Form::Xlsx(_) | Form::Xlsb(_) => Ok(Range::empty()),
                })?;
                self.held = Some((sheet.to_owned(), range));
            }
            let Some((_, range)) = &self.held else { return Ok(()) };
            let (top, left) = range.start().unwrap_or_default();
            for (i, cells) in range.rows().enumerate() {
                let mut row = Row { number: top + i as u32, cells: Vec::new() };
                for (column, cell) in cells.iter().enumerate() {
                    if let Some(cell) = value::of_data(cell, last_day, errors_are_text) {
                        row.cells.push((left + column as u32, cell));
                    }
                }
                if !row.cells.is_empty() && each(&row)? == Flow::Enough {
                    return Ok(());
                }
            }
            return Ok(());
        }
        // What a closure returns and what the library fails with are kept apart.
        let mut stopped = Ok(());
        let mut rows = Rows { row: Row::default(), each, stopped: &mut stopped };
        guarded(damaged, || {
            match &mut self.form {
                Form::Xlsx(book) => {
                    let mut cells = book.worksheet_cells_reader(sheet).map_err(told)?;
                    while let Some(cell) = cells.next_cell().map_err(told)? {
                        let (row, column) = cell.get_position();
                        let Some(cell) = value::of_ref(cell.get_value(), last_day) else { continue };
                        if rows.cell(row, column, cell)? == Flow::Enough {
                            return Ok(());
                        }
                    }
                }
                Form::Xlsb(book) => {
                    let mut cells = book.worksheet_cells_reader(sheet).map_err(told)?;
                    while let Some(cell) = cells.next_cell().map_err(told)? {
                        let (row, column) = cell.get_position();
                        let Some(cell) = value::of_ref(cell.get_value(), last_day) else { continue };
                        if rows.cell(row, column, cell)? == Flow::Enough {
                            return Ok(());
                        }
                    }
                }
                Form::Xls(_) | Form::Ods(_) => {}
            }
            rows.flush();
            Ok(())
        })?;
        stopped
    }
}

/// Puts cells together to rows.
struct Rows<'a> {
    row: Row,
    each: &'a mut dyn FnMut(&Row) -> Result<Flow, Error>,
    stopped: &'a mut Result<(), Error>,
}

impl Rows<'_> {
    fn cell(&mut self, row: u32, column: u32, cell: Cell) -> Result<Flow, String> {
        if row != self.row.number && !self.row.cells.is_empty() {
            if row < self.row.number {
                return Err(format!("row {} comes after row {}", row + 1, self.row.number + 1));
            }
            if self.flush() == Flow::Enough {
                return Ok(Flow::Enough);
            }
        }
        self.row.number = row;
        match self.row.cells.last() {
            Some((last, _)) if *last >= column => {
                match self.row.cells.binary_search_by_key(&column, |(c, _)| *c) {
                    // Of a cell that is there twice, the last counts, as in Excel.
                    Ok(at) => {
                        if let Some(slot) = self.row.cells.get_mut(at) {
                            slot.1 = cell;
                        }
                    }
                    Err(at) => self.row.cells.insert(at, (column, cell)),
                }
            }
            _ => self.row.cells.push((column, cell)),
        }
        Ok(Flow::More)
    }

    fn flush(&mut self) -> Flow {
        if self.row.cells.is_empty() {
            return Flow::More;
        }
        let flow = match (self.each)(&self.row) {
            Ok(flow) => flow,
            Err(error) => {
                *self.stopped = Err(error);
                Flow::Enough
            }
        };
        self.row.cells.clear();
        flow
    }
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Runs the library on bytes that may be anything; its panics become errors.
fn guarded<T>(
    damaged: impl Fn(String) -> Error,
    work: impl FnOnce() -> Result<T, String>,
) -> Result<T, Error> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(damaged),
        Err(cause) => Err(damaged(panic_text(cause.as_ref()))),
    }
}
