//! A page of rows, read from the row groups it touches and no others.

use std::path::Path;

use dropforge_shared::page::{Cell, Column, Page};
use polars::prelude::{AnyValue, TimeUnit};

use crate::error::Error;
use crate::parquet::Dataset;
use crate::types::dates;

/// What a page may hold of names and numbers besides text, so that text is cut first. A cell costs its text and about
/// this much around it on the wire.
pub(crate) const CELL_OVERHEAD: usize = 12;

/// What a column's name and type need around the name on the wire.
const NAME_OVERHEAD: usize = 24;

/// The least that is left of a long name, and of a cell, in a very wide table.
const LEAST_BYTES: usize = 16;

/// The columns that a page can hold, and the bytes that one of their names may have. Where names alone would fill the
/// page they are cut, as they would leave no room for rows; where even that is too much, the first columns are given.
fn fitting(columns: &[Column], budget: usize) -> (usize, usize) {
    let header: usize = columns.iter().map(|c| c.name.len() + NAME_OVERHEAD).sum();
    let width = columns.len().max(1);
    let least = NAME_OVERHEAD + CELL_OVERHEAD + 2 * LEAST_BYTES;
    let most = (budget / least).min(columns.len());
    if most == columns.len() && header <= budget / 2 {
        return (most, usize::MAX);
    }
    (most, (budget / 2 / width.min(most.max(1))).saturating_sub(NAME_OVERHEAD).max(LEAST_BYTES))
}

/// Rows `offset..offset + rows` of a dataset written by [`crate::ingest`]. The page holds fewer rows where the table
/// ends or [`Page::MAX_BYTES`] is reached (one row is always given; its texts are then cut shorter). Of a very wide table
/// long names are cut, ending in `…`, and of one of more than some 3,300 columns only the first are given; the file's
/// own count of columns tells that there are more.
///
/// # Errors
/// Where the file cannot be read.
pub fn page(parquet: &Path, offset: u64, rows: u64) -> Result<Page, Error> {
    let dataset = Dataset::open(parquet)?;
    let budget = Page::MAX_BYTES - Page::MAX_BYTES / 8;
    let (most_columns, name_bytes) = fitting(&dataset.columns, budget);
    let columns: Vec<Column> = dataset
        .columns
        .iter()
        .take(most_columns)
        .map(|c| Column { name: shortened(&c.name, name_bytes).0, kind: c.kind })
        .collect();
    let width = columns.len().max(1);
    let header: usize = columns.iter().map(|c| c.name.len() + NAME_OVERHEAD).sum();
    let room = budget.saturating_sub(header);
    // No row is smaller than its overhead, so more rows than this cannot fit.
    let most = (room / (width * 2)).max(1) as u64;
    let wanted = rows.min(most).min(dataset.rows.saturating_sub(offset));
    let mut page = Page { columns, rows: Vec::new(), offset, total_rows: dataset.rows, truncated_cells: 0 };
    if wanted == 0 {
        return Ok(page);
    }
    let projection = (most_columns < dataset.columns.len()).then(|| (0..most_columns).collect());
    let frame = dataset.read(projection, offset, wanted)?;
    // One row alone must fit whatever it holds.
    let cell_bytes = Page::MAX_CELL_BYTES.min((room / width).saturating_sub(CELL_OVERHEAD)).max(LEAST_BYTES);
    let mut used = 0;
    for row in 0..frame.height() {
        let mut cells = Vec::with_capacity(width);
        let mut size = 0;
        let mut cut = 0;
        for column in frame.columns() {
            let value = column.get(row).unwrap_or(AnyValue::Null);
            let (cell, was_cut) = cell(&value, cell_bytes);
            size += CELL_OVERHEAD + if let Cell::Text(text) = &cell { text.len() } else { 0 };
            cut += u64::from(was_cut);
            cells.push(cell);
        }
        if used + size > room && !page.rows.is_empty() {
            break;
        }
        used += size;
        page.truncated_cells += cut;
        page.rows.push(cells);
    }
    Ok(page)
}

/// A value as a cell, and whether its text was cut.
pub(crate) fn cell(value: &AnyValue<'_>, max_bytes: usize) -> (Cell, bool) {
    let whole = match value {
        AnyValue::Null => Cell::Null,
        AnyValue::Boolean(b) => Cell::Bool(*b),
        AnyValue::Int64(i) => Cell::Int(*i),
        AnyValue::Float64(f) if f.is_finite() => Cell::Float(*f),
        AnyValue::Float64(f) => Cell::Text(f.to_string()),
        AnyValue::Date(day) => Cell::Text(dates::iso_date(i64::from(*day))),
        AnyValue::Datetime(us, TimeUnit::Microseconds, _)
        | AnyValue::DatetimeOwned(us, TimeUnit::Microseconds, _) => Cell::Text(dates::iso_datetime(*us)),
        AnyValue::String(text) => return cut(text, max_bytes),
        // A column that repeats one value is held as that value.
        AnyValue::StringOwned(text) => return cut(text.as_str(), max_bytes),
        other => return cut(&other.to_string(), max_bytes),
    };
    (whole, false)
}

pub(crate) fn cut(text: &str, max_bytes: usize) -> (Cell, bool) {
    let (text, was_cut) = shortened(text, max_bytes);
    (Cell::Text(text), was_cut)
}

fn shortened(text: &str, max_bytes: usize) -> (String, bool) {
    if text.len() <= max_bytes {
        return (text.to_owned(), false);
    }
    let keep = crate::types::floor_boundary(text, max_bytes.saturating_sub('…'.len_utf8()));
    (format!("{}…", text.get(..keep).unwrap_or_default()), true)
}
