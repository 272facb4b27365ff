//! Brings the rows that are looked at, and no others: of each row group the wanted rows alone are decoded.

use std::collections::HashMap;

use dropforge_shared::page::{Cell, ColumnType, Page};

use super::columns::{Table, Values, each};
use crate::error::Error;
use crate::page::{CELL_OVERHEAD, cut};
use crate::types::dates;

/// A row that was brought, and how many of its texts were cut.
pub(super) type Row = (Vec<Cell>, u64);

/// Bytes that a page may have besides its header.
fn room(table: &Table) -> usize {
    let header: usize = table.columns.iter().map(|c| c.name.len() + 24).sum();
    (Page::MAX_BYTES - Page::MAX_BYTES / 8).saturating_sub(header)
}

fn size(row: &Row) -> usize {
    let text = |cell: &Cell| if let Cell::Text(text) = cell { text.len() } else { 0 };
    row.0.iter().map(|cell| CELL_OVERHEAD + text(cell)).sum()
}

/// A page of as many of `rows` as fit; it begins at `offset` of a view of `total` rows.
pub(super) fn page(table: &Table, rows: &[Row], offset: u64, total: u64) -> Page {
    let room = room(table);
    let mut page = Page {
        columns: table.columns.clone(),
        rows: Vec::new(),
        offset,
        total_rows: total,
        truncated_cells: 0,
    };
    let mut used = 0;
    for row in rows {
        used += size(row);
        if used > room && !page.rows.is_empty() {
            break;
        }
        page.truncated_cells += row.1;
        page.rows.push(row.0.clone());
    }
    page
}

/// The rows of `ids`, in that order: fewer where they come to more than `max_bytes`.
pub(super) fn rows(table: &Table, ids: &[u32], max_bytes: usize) -> Result<Vec<Row>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut sorted: Vec<u32> = ids.to_vec();
    sorted.sort_unstable();
    let wanted = table.wanted(&sorted);
    // Where each row stands: in which row group, and which of the rows that it gives.
    let mut places: HashMap<u32, (usize, usize)> = HashMap::with_capacity(sorted.len());
    for (part, of) in wanted.iter().enumerate() {
        places.extend(of.rows.iter().enumerate().map(|(at, row)| (*row, (part, at))));
    }
    let columns = table.columns.len();
    // Column by column within a group, so that all processors have work even where one group holds the page.
    let parts: Vec<Values> = each(wanted.len() * columns, |turn| {
        let (part, column) = (turn / columns, turn % columns);
        match wanted.get(part) {
            Some(of) => table.read(of.group, column, Some(&of.mask)),
            None => Err(Error::Internal("a page asked for rows that are not there".into())),
        }
    })?;
    // One row alone must fit into a page whatever it holds.
    let cell_bytes = Page::MAX_CELL_BYTES.min(room(table) / columns.max(1)).max(16);
    let mut brought: Vec<Row> = Vec::with_capacity(ids.len());
    let mut used = 0;
    for id in ids {
        let Some((part, at)) = places.get(id).copied() else { continue };
        let mut row: Row = (Vec::with_capacity(columns), 0);
        for (column, told) in table.columns.iter().enumerate() {
            let value = parts.get(part * columns + column);
            let (cell, was_cut) = value.map_or((Cell::Null, false), |v| cell(v, at, told.kind, cell_bytes));
            row.1 += u64::from(was_cut);
            row.0.push(cell);
        }
        used += size(&row);
        if used > max_bytes && !brought.is_empty() {
            break;
        }
        brought.push(row);
    }
    Ok(brought)
}

/// A value as a cell, and whether its text was cut.
pub(super) fn cell(values: &Values, row: usize, kind: ColumnType, max_bytes: usize) -> (Cell, bool) {
    if row >= values.len() || values.is_null(row) {
        return (Cell::Null, false);
    }
    let whole = match values {
        Values::Integer(a) if kind == ColumnType::Datetime => Cell::Text(dates::iso_datetime(a.value(row))),
        Values::Integer(a) => Cell::Int(a.value(row)),
        Values::Day(a) => Cell::Text(dates::iso_date(i64::from(a.value(row)))),
        Values::Boolean(a) => Cell::Bool(a.value(row)),
        Values::Float(a) if a.value(row).is_finite() => Cell::Float(a.value(row)),
        Values::Float(a) => Cell::Text(a.value(row).to_string()),
        Values::Text(a) => return cut(a.value(row), max_bytes),
    };
    (whole, false)
}
