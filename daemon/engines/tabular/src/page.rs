//! A page of rows, read from the row groups it touches and no others.

use std::path::Path;

use dropforge_shared::page::{Cell, Page};
use polars::prelude::{AnyValue, TimeUnit};

use crate::error::Error;
use crate::parquet::Dataset;
use crate::types::dates;

/// What a page may hold of names and numbers besides text, so that text is cut first. A cell costs its text and about
/// this much around it on the wire.
pub(crate) const CELL_OVERHEAD: usize = 12;

/// Rows `offset..offset + rows` of a dataset written by [`crate::ingest`]. The page holds fewer rows where the table
/// ends or [`Page::MAX_BYTES`] is reached (one row is always given; its texts are then cut shorter).
///
/// # Errors
/// Where the file cannot be read.
pub fn page(parquet: &Path, offset: u64, rows: u64) -> Result<Page, Error> {
    let dataset = Dataset::open(parquet)?;
    let width = dataset.columns.len().max(1);
    let budget = Page::MAX_BYTES - Page::MAX_BYTES / 8;
    let header: usize = dataset.columns.iter().map(|c| c.name.len() + 24).sum();
    let room = budget.saturating_sub(header);
    // No row is smaller than its overhead, so more rows than this cannot fit.
    let most = (room / (width * 2)).max(1) as u64;
    let wanted = rows.min(most).min(dataset.rows.saturating_sub(offset));
    let mut page = Page {
        columns: dataset.columns.clone(),
        rows: Vec::new(),
        offset,
        total_rows: dataset.rows,
        truncated_cells: 0,
    };
    if wanted == 0 {
        return Ok(page);
    }
    let frame = dataset.read(None, offset, wanted)?;
    // One row alone must fit whatever it holds.
    let cell_bytes = Page::MAX_CELL_BYTES.min(room / width).max(16);
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
    if text.len() <= max_bytes {
        return (Cell::Text(text.to_owned()), false);
    }
    let keep = crate::types::floor_boundary(text, max_bytes.saturating_sub('…'.len_utf8()));
    (Cell::Text(format!("{}…", text.get(..keep).unwrap_or_default())), true)
}
