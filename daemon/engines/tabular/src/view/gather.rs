//! Brings the rows that are looked at, and no others: of each row group the wanted rows alone are decoded.

use std::collections::HashMap;

use dropforge_shared::page::{Cell, ColumnType, Page};
use polars_arrow::bitmap::MutableBitmap;

use super::columns::{Table, Values, each};
use crate::error::Error;
use crate::page::{CELL_OVERHEAD, cut};
use crate::types::dates;

/// The rows of `ids`, in that order, as many as fit into a page that begins at `offset` of a view of `total` rows.
pub(super) fn gather(table: &Table, ids: &[u32], offset: u64, total: u64) -> Result<Page, Error> {
    let width = table.columns.len().max(1);
    let budget = Page::MAX_BYTES - Page::MAX_BYTES / 8;
    let header: usize = table.columns.iter().map(|c| c.name.len() + 24).sum();
    let room = budget.saturating_sub(header);
    let most = (room / (width * 2)).max(1);
    let ids = ids.get(..most).unwrap_or(ids);
    let mut page = Page {
        columns: table.columns.clone(),
        rows: Vec::new(),
        offset,
        total_rows: total,
        truncated_cells: 0,
    };
    if ids.is_empty() {
        return Ok(page);
    }
    let groups = table.groups();
    let mut sorted: Vec<u32> = ids.to_vec();
    sorted.sort_unstable();
    let mut masks = Vec::new();
    // Where each row stands: which mask, and which of the rows that it lets through.
    let mut places: HashMap<u32, (usize, usize)> = HashMap::with_capacity(sorted.len());
    let mut start = 0usize;
    let mut left = sorted.as_slice();
    for (group, rows) in groups.iter().enumerate() {
        let end = start + rows;
        let here = left.partition_point(|id| (*id as usize) < end);
        let (wanted, rest) = left.split_at(here);
        left = rest;
        if !wanted.is_empty() {
            let mut mask = MutableBitmap::from_len_zeroed(*rows);
            for (at, id) in wanted.iter().enumerate() {
                mask.set(*id as usize - start, true);
                places.insert(*id, (masks.len(), at));
            }
            masks.push((group, mask.freeze()));
        }
        start = end;
    }
    let columns = table.columns.len();
    // Column by column within a group, so that all processors have work even where one group holds the page.
    let parts: Vec<Values> = each(masks.len() * columns, |turn| {
        let (part, column) = (turn / columns, turn % columns);
        match masks.get(part) {
            Some((group, mask)) => table.read(*group, column, Some(mask)),
            None => Err(Error::Internal("a page asked for rows that are not there".into())),
        }
    })?;
    let cell_bytes = Page::MAX_CELL_BYTES.min(room / width).max(16);
    let mut used = 0;
    for id in ids {
        let Some((part, row)) = places.get(id).copied() else { continue };
        let mut cells = Vec::with_capacity(width);
        let (mut size, mut cuts) = (0, 0);
        for (column, told) in table.columns.iter().enumerate() {
            let value = parts.get(part * columns + column);
            let (cell, was_cut) = value.map_or((Cell::Null, false), |v| cell(v, row, told.kind, cell_bytes));
            size += CELL_OVERHEAD + if let Cell::Text(text) = &cell { text.len() } else { 0 };
            cuts += u64::from(was_cut);
            cells.push(cell);
        }
        if used + size > room && !page.rows.is_empty() {
            break;
        }
        used += size;
        page.truncated_cells += cuts;
        page.rows.push(cells);
    }
    Ok(page)
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
