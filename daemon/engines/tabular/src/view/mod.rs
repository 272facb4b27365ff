//! Pages of a dataset that is filtered and sorted. The dataset is not rewritten: what is kept is the numbers of the rows,
//! four bytes each, and of a page's rows nothing but those is decoded.
//!
//! Numbers sort as numbers, dates by time, `false` before `true`, texts by Unicode code point (so `Z` before `a`, and
//! `é` after `z`). Missing values come last either way up; ties keep the file's order.

pub(crate) mod columns;
mod filter;
mod gather;
mod sort;

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dropforge_shared::page::{Cell, Column, ColumnType, Page};
use dropforge_shared::query::View;
use dropforge_shared::sql;

use crate::error::Error;
use columns::{Table, Values};

/// Bytes of row numbers that are kept, over all views.
const KEPT_BYTES: usize = 128 << 20;
/// Rows that are decoded at once: no page holds more, as a cell costs a byte at least.
const MOST_ROWS: usize = Page::MAX_BYTES;
/// Rows that are brought before a page, and after it.
const AROUND: (usize, usize) = (200, 600);
/// Bytes that rows around a page may have.
const WINDOW_BYTES: usize = 4 << 20;
/// Views that are kept.
const KEPT_VIEWS: usize = 8;

/// What of views is worth keeping between two pages: which rows they show, in which order.
#[derive(Debug, Default)]
pub struct Views {
    /// The one that was used last comes last.
    kept: Vec<(Key, Arc<Vec<u32>>)>,
    /// Rows around the page that was shown last: a hundred scattered rows cost no less than a thousand.
    window: Option<Window>,
}

#[derive(Debug)]
struct Window {
    key: Key,
    /// Where in the view it begins.
    start: usize,
    rows: Vec<gather::Row>,
}

/// A file as it is, and a view of it. Datasets are not changed in place, but a path can come to mean another.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    path: PathBuf,
    file: (u64, u64, u64, i64, i64),
    view: View,
}

impl Views {
    /// Rows `offset..offset + rows` of what the view lets through, in its order; fewer where it ends or
    /// [`Page::MAX_BYTES`] is reached. `total_rows` counts the rows of the view.
    ///
    /// # Errors
    /// [`Error::Usage`] for a column that is not there or a value that does not fit its column, [`Error::Limit`] where
    /// there is more to sort than memory is for, and where the file cannot be read.
    pub fn page(&mut self, dataset: &Path, view: &View, offset: u64, rows: u64) -> Result<Page, Error> {
        if view.is_plain() {
            return crate::page(dataset, offset, rows);
        }
        let meta = std::fs::metadata(dataset).map_err(Error::io("open", dataset))?;
        let file = (meta.dev(), meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec());
        let key = Key { path: dataset.to_path_buf(), file, view: view.clone() };
        let table = Table::open(dataset)?;
        let ids = match self.kept.iter().position(|(kept, _)| *kept == key) {
            Some(at) => {
                let entry = self.kept.remove(at);
                let ids = entry.1.clone();
                self.kept.push(entry);
                ids
            }
            None => {
                let ids = Arc::new(ids(&table, view)?);
                self.keep(key.clone(), ids.clone());
                ids
            }
        };
        let total = ids.len();
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(total);
        let to = from.saturating_add(usize::try_from(rows).unwrap_or(usize::MAX)).min(total);
        let known = |w: &&Window| w.key == key && w.start <= from && to <= w.start + w.rows.len();
        if let Some(window) = self.window.as_ref().filter(known) {
            let rows = window.rows.get(from - window.start..to - window.start).unwrap_or_default();
            return Ok(gather::page(&table, rows, offset, total as u64));
        }
        // What a row takes on average tells whether there is room for more than was asked for.
        let all: u64 = (0..table.columns.len()).map(|column| table.bytes(column)).sum();
        let small = all / table.rows.max(1) * (AROUND.0 + AROUND.1) as u64 <= WINDOW_BYTES as u64;
        let (before, after) = if small { AROUND } else { (0, 0) };
        let start = from.saturating_sub(before);
        let end = to.saturating_add(after).min(total);
        let most = ids.get(start..end.min(start + MOST_ROWS)).unwrap_or_default();
        let rows = if from < to { gather::rows(&table, most, WINDOW_BYTES)? } else { Vec::new() };
        if start + rows.len() >= to {
            let shown = rows.get(from - start..to - start).unwrap_or_default();
            let page = gather::page(&table, shown, offset, total as u64);
            self.window = Some(Window { key, start, rows });
            return Ok(page);
        }
        // Rows so large, or so many, that the page is all there is room for.
        let these = ids.get(from..to.min(from + MOST_ROWS)).unwrap_or_default();
        let rows = gather::rows(&table, these, Page::MAX_BYTES)?;
        Ok(gather::page(&table, &rows, offset, total as u64))
    }

    fn keep(&mut self, key: Key, ids: Arc<Vec<u32>>) {
        self.kept.push((key, ids));
        let bytes = |kept: &[(Key, Arc<Vec<u32>>)]| kept.iter().map(|(_, ids)| ids.len() * 4).sum::<usize>();
        while self.kept.len() > KEPT_VIEWS || (self.kept.len() > 1 && bytes(&self.kept) > KEPT_BYTES) {
            self.kept.remove(0);
        }
    }
}

/// The rows of a view.
fn ids(table: &Table, view: &View) -> Result<Vec<u32>, Error> {
    let Ok(rows) = u32::try_from(table.rows) else {
        return Err(Error::Limit {
            what: format!("{} rows", table.rows),
            place: "the view".into(),
            limit: format!("{} rows", u32::MAX),
            way_out: "filter and sort with a query",
        });
    };
    let conditions: Vec<filter::Condition> =
        view.filters.iter().map(|f| filter::Condition::of(f, &table.columns)).collect::<Result<_, _>>()?;
    for key in &view.sort {
        find(&key.column, &table.columns)?;
    }
    let chosen =
        if conditions.is_empty() { (0..rows).collect() } else { filter::select(table, &conditions)? };
    sort::sort(table, chosen, &view.sort)
}

/// The number of a column.
fn find(name: &str, columns: &[Column]) -> Result<usize, Error> {
    columns.iter().position(|c| c.name == name).ok_or_else(|| {
        let near = sql::nearest(name, columns.iter().map(|c| c.name.as_str()));
        let hint = near.first().map_or_else(String::new, |n| format!("; did you mean \"{n}\"?"));
        Error::Usage(format!("there is no column \"{}\"{hint}", dropforge_shared::clean::line(name)))
    })
}

/// A value as it is shown, in lower case.
fn shown(values: &Values, row: usize, moment: bool) -> String {
    let kind = if moment { ColumnType::Datetime } else { ColumnType::Text };
    match gather::cell(values, row, kind, usize::MAX).0 {
        Cell::Null => String::new(),
        Cell::Bool(b) => b.to_string(),
        Cell::Int(i) => i.to_string(),
        Cell::Float(f) => f.to_string(),
        Cell::Text(text) => text.to_lowercase(),
    }
}
