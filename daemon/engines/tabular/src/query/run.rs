//! Runs plans on the streaming engine and takes what comes out block by block.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use dropforge_shared::page::{Cell, Page};
use dropforge_shared::query::{Form, QueryResult};
use polars::lazy::frame::LazyFrame;
use polars::prelude::{AnyValue, DataFrame, Engine, IdxSize, IntoLazy as _, PlanCallback, SchemaRef};
use sqlparser::ast::Query;

use super::plan::{self, Datasets};
use super::scalar::Answer;
use super::watch::{Stop, Voice, Word};
use super::{QueryLimits, Saved, fetch, late, values};
use crate::error::Error;
use crate::export::Sink;
use crate::page::{CELL_OVERHEAD, cell};
use crate::write::ROW_GROUP_ROWS;

/// Rows of a block that goes into an answer.
const BLOCK: usize = 1_024;

/// As many rows, or more, are not told to the engine.
const MOST_TOLD: usize = 1 << 16;

/// Plans the query, of which no more than `most` rows are looked at. Gives the plan and its schema.
fn prepare(
    query: &Query,
    datasets: &Datasets,
    most: Option<u64>,
    stop: &Stop,
) -> Result<(LazyFrame, SchemaRef), Error> {
    let columns = || {
        let mut names = Vec::new();
        for (_, path) in datasets {
            if let Ok(dataset) = crate::parquet::Dataset::open(path) {
                names.extend(dataset.columns.into_iter().map(|c| c.name));
            }
        }
        names
    };
    let mut lazy = match (late::steps(query, datasets, most), datasets.first()) {
        (Some(steps), Some((name, path))) => {
            let numbered = vec![(name.clone(), plan::scan(path, Some(late::ROW))?)];
            let rows = numbers(plan::over(&steps.rows, numbered, &columns)?, stop)?;
            let brought = fetch::rows(path, &rows, steps.columns.as_ref(), stop)?;
            plan::over(&steps.rest, vec![(name.clone(), brought.lazy())], &columns)?
        }
        _ => plan::plan(query, datasets, &columns)?,
    };
    let schema = lazy.collect_schema().map_err(|e| plan::explain(&e, &columns()))?;
    Ok((lazy, schema))
}

/// The numbers of rows that a plan gives.
fn numbers(lazy: LazyFrame, stop: &Stop) -> Result<Vec<IdxSize>, Error> {
    let found: Arc<Mutex<Vec<IdxSize>>> = Arc::default();
    let into = found.clone();
    each_block(lazy, BLOCK, stop, move |block| {
        let Some(Ok(rows)) = block.columns().first().map(|column| column.idx()) else {
            return Err(Error::Internal("rows of a dataset have no numbers".into()));
        };
        into.lock().unwrap_or_else(PoisonError::into_inner).extend(rows.into_no_null_iter());
        Ok(false)
    })?;
    Ok(std::mem::take(&mut *found.lock().unwrap_or_else(PoisonError::into_inner)))
}

/// Hands every block in the result's order to `take`, until that says stop.
fn each_block(
    lazy: LazyFrame,
    rows: usize,
    stop: &Stop,
    take: impl FnMut(DataFrame) -> Result<bool, Error> + Send + Sync + 'static,
) -> Result<(), Error> {
    let fault: Arc<Mutex<Option<Error>>> = Arc::default();
    let (theirs, ended, take) = (fault.clone(), stop.clone(), Mutex::new(take));
    let callback = PlanCallback::new(move |block: DataFrame| {
        if ended.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let mut take = take.lock().unwrap_or_else(PoisonError::into_inner);
        Ok((*take)(block).unwrap_or_else(|e| {
            *theirs.lock().unwrap_or_else(PoisonError::into_inner) = Some(e);
            true
        }))
    });
    let done = lazy
        .sink_batches(callback, true, NonZeroUsize::new(rows))
        .and_then(|lazy| lazy.collect_with_engine(Engine::Streaming));
    if let Some(error) = fault.lock().unwrap_or_else(PoisonError::into_inner).take() {
        return Err(error);
    }
    if stop.load(Ordering::Relaxed) {
        return Err(Error::Cancelled);
    }
    done.map(|_| ()).map_err(|e| plan::explain(&e, &[]))
}

/// The rows of a statement, as many as the limits let through.
pub(super) fn answer(
    query: &Query,
    datasets: &Datasets,
    limits: QueryLimits,
    stop: &Stop,
) -> Result<QueryResult, Error> {
    let (lazy, schema) = prepare(query, datasets, limits.max_rows.checked_add(1), stop)?;
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
    let lazy =
        if most < MOST_TOLD { lazy.limit(IdxSize::try_from(most + 1).unwrap_or(IdxSize::MAX)) } else { lazy };
    each_block(lazy, BLOCK, stop, move |block| {
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
pub(super) fn one_value(query: &Query, datasets: &Datasets, stop: &Stop) -> Result<Answer, Error> {
    let (lazy, schema) = prepare(query, datasets, Some(2), stop)?;
    let Some((_, dtype)) = schema.get_at_index(0).filter(|_| schema.len() == 1) else {
        return Err(Error::Sql("a subquery in an expression gives one column".into()));
    };
    let dtype = values::stored(dtype);
    let found: Arc<Mutex<Vec<Cell>>> = Arc::default();
    let into = found.clone();
    each_block(lazy.limit(2), BLOCK, stop, move |block| {
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
    datasets: &Datasets,
    (form, rows): (Form, Option<u64>),
    out: &Path,
    stop: &Stop,
    voice: &Voice<Saved>,
) -> Result<Saved, Error> {
    let (mut lazy, schema) = prepare(query, datasets, rows, stop)?;
    if let Some(rows) = rows {
        lazy = lazy.limit(IdxSize::try_from(rows).unwrap_or(IdxSize::MAX));
    }
    if schema.is_empty() {
        return Err(Error::Sql("the statement gives no columns; there is nothing to save".into()));
    }
    let writer = Arc::new(Mutex::new(Some(Sink::create(form, out, &values::schema(&schema))?)));
    let written = Arc::new(Mutex::new(0u64));
    let (into, count, voice) = (writer.clone(), written.clone(), Mutex::new(voice.clone()));
    each_block(lazy, ROW_GROUP_ROWS, stop, move |block| {
        let mut block = values::frame(&block).map_err(|e| plan::explain(&e, &[]))?;
        block.rechunk_mut();
        let mut into = into.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = into.as_mut().filter(|_| block.height() > 0) {
            writer.write(&block)?;
        }
        let mut count = count.lock().unwrap_or_else(PoisonError::into_inner);
        *count += block.height() as u64;
        let _ = voice.lock().unwrap_or_else(PoisonError::into_inner).send(Word::Rows(*count));
        Ok(false)
    })?;
    let writer = writer.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(writer) = writer {
        writer.finish()?;
    }
    let rows = *written.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(Saved { rows, columns: values::columns(&schema) })
}
