//! Takes what a statement gives, block by block: as an answer within its limits, as one value, or as a file.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use dropforge_shared::page::{Cell, Page};
use dropforge_shared::query::{Form, QueryResult};
use polars::prelude::{AnyValue, DataFrame};
use sqlparser::ast::Query;

use super::plan;
use super::scalar::Answer;
use super::source::{BLOCK, Means};
use super::watch::News;
use super::{QueryLimits, Saved, values};
use crate::error::Error;
use crate::export::Sink;
use crate::page::{CELL_OVERHEAD, cell};
use crate::write::ROW_GROUP_ROWS;

/// As many rows, or more, are not told to the engine.
const MOST_TOLD: usize = 1 << 16;

/// The rows of a statement, as many as the limits let through.
pub(super) fn answer(query: &Query, means: &Means<'_>, limits: QueryLimits) -> Result<QueryResult, Error> {
    let (source, schema) = means.source(query, limits.max_rows.checked_add(1))?;
    let columns = values::columns(&schema);
    let width = columns.len().max(1);
    let header: usize = columns.iter().map(|c| c.name.len() + 24).sum();
    let room = (limits.max_answer_bytes - limits.max_answer_bytes / 8).saturating_sub(header);
    if room < width * 16 {
        return Err(Error::Refused(format!(
            "{width} columns are more than fit into one answer; select fewer"
        )));
    }
    let most = usize::try_from(limits.max_rows).unwrap_or(usize::MAX);
    let rows =
        Rows { cell_bytes: Page::MAX_CELL_BYTES.min(room / width).max(16), room, most, ..Rows::default() };
    let rows = Arc::new(Mutex::new(rows));
    let into = rows.clone();
    // One more than wanted tells whether there are more. Behind ORDER BY the engine takes memory for as many rows as are
    // asked for before it has seen one, so a high number is left to `Rows`, which stops by itself.
    let source = if most < MOST_TOLD { source.first(most as u64 + 1) } else { source };
    source.each(BLOCK, means, move |block| {
        let block = values::frame(&block).map_err(|e| plan::explain(&e, &[]))?;
        Ok(into.lock().unwrap_or_else(PoisonError::into_inner).add(&block))
    })?;
    let mut rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(QueryResult {
        columns,
        rows: std::mem::take(&mut rows.rows),
        truncated: rows.truncated,
        elapsed_ms: 0,
    })
}

#[derive(Default)]
struct Rows {
    rows: Vec<Vec<Cell>>,
    truncated: bool,
    used: usize,
    room: usize,
    most: usize,
    cell_bytes: usize,
}

impl Rows {
    /// Adds a block; true when nothing more is wanted.
    fn add(&mut self, block: &DataFrame) -> bool {
        for row in 0..block.height() {
            if self.rows.len() >= self.most {
                self.truncated = true;
                return true;
            }
            let mut cells = Vec::with_capacity(block.width());
            let mut size = 0;
            for column in block.columns() {
                let (cell, was_cut) = cell(&column.get(row).unwrap_or(AnyValue::Null), self.cell_bytes);
                size += CELL_OVERHEAD + if let Cell::Text(text) = &cell { text.len() } else { 0 };
                self.truncated |= was_cut;
                cells.push(cell);
            }
            if self.used + size > self.room && !self.rows.is_empty() {
                self.truncated = true;
                return true;
            }
            self.used += size;
            self.rows.push(cells);
        }
        false
    }
}

/// The value of a subquery that stands for one.
pub(super) fn one_value(query: &Query, means: &Means<'_>) -> Result<Answer, Error> {
    let (source, schema) = means.source(query, Some(2))?;
    let Some((_, dtype)) = schema.get_at_index(0).filter(|_| schema.len() == 1) else {
        return Err(Error::Sql("a subquery in an expression gives one column".into()));
    };
    let dtype = values::stored(dtype);
    let found: Arc<Mutex<Vec<Cell>>> = Arc::default();
    let into = found.clone();
    source.first(2).each(BLOCK, means, move |block| {
        let block = values::frame(&block).map_err(|e| plan::explain(&e, &[]))?;
        let mut into = into.lock().unwrap_or_else(PoisonError::into_inner);
        for row in 0..block.height() {
            let value = block.columns().first().and_then(|c| c.get(row).ok()).unwrap_or(AnyValue::Null);
            into.push(cell(&value, usize::MAX).0);
        }
        Ok(false)
    })?;
    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
    if found.len() > 1 {
        let text = "a subquery in an expression gives one row at most, and this one gives more; gather them, or add LIMIT 1";
        return Err(Error::Sql(text.into()));
    }
    Ok((dtype, found.pop().unwrap_or(Cell::Null)))
}

/// Writes the whole result.
pub(super) fn save(
    query: &Query,
    means: &Means<'_>,
    (form, rows): (Form, Option<u64>),
    out: &Path,
) -> Result<Saved, Error> {
    let (mut source, schema) = means.source(query, rows)?;
    if let Some(rows) = rows {
        source = source.first(rows);
    }
    if schema.is_empty() {
        return Err(Error::Sql("the statement gives no columns; there is nothing to save".into()));
    }
    let writer = Arc::new(Mutex::new(Some(Sink::create(form, out, &values::schema(&schema))?)));
    let written = Arc::new(Mutex::new(0u64));
    let (into, count, tell) = (writer.clone(), written.clone(), means.tell.clone());
    tell(News::Stage("write", None, "rows"));
    source.each(ROW_GROUP_ROWS, means, move |block| {
        let mut block = values::frame(&block).map_err(|e| plan::explain(&e, &[]))?;
        block.rechunk_mut();
        let mut into = into.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = into.as_mut().filter(|_| block.height() > 0) {
            writer.write(&block)?;
        }
        let mut count = count.lock().unwrap_or_else(PoisonError::into_inner);
        *count += block.height() as u64;
        tell(News::Done(*count));
        Ok(false)
    })?;
    let writer = writer.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(writer) = writer {
        writer.finish()?;
    }
    let rows = *written.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(Saved { rows, columns: values::columns(&schema) })
}
