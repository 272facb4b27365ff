//! Where the rows of a checked statement come from: a plan of the engine; the first rows of a sorted dataset, found by their keys
//! and fetched then ([`late`], [`fetch`]); passes over shares of the rows, where all at once would be more than there is memory
//! for ([`passes`], [`need`]); or either of them, sorted on disk ([`spill`]). Blocks of rows are handed on as they come.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use polars::lazy::frame::LazyFrame;
use polars::prelude::{DataFrame, Engine, IdxSize, IntoLazy as _, PlanCallback, SchemaRef};
use sqlparser::ast::{Expr, Query};

use super::passes::{self, Passes, Rest};
use super::plan::{self, Datasets};
use super::spill::{By, Sorter};
use super::watch::{News, Stop, Tell};
use super::{fetch, late, limits, need, outputs};
use crate::error::Error;
use crate::write::ROW_GROUP_ROWS;

/// Rows of a block that is looked at at once.
pub(super) const BLOCK: usize = 1_024;

/// What a statement is run with.
pub(super) struct Means<'a> {
    pub(super) datasets: &'a Datasets,
    /// Bytes of memory that it may take; none where nobody counts.
    pub(super) memory: Option<u64>,
    /// A folder that may be made, to set rows aside in.
    pub(super) folder: Option<PathBuf>,
    pub(super) stop: &'a Stop,
    pub(super) tell: &'a Tell,
}

/// Where rows come from.
pub(super) enum Source {
    /// A plan.
    Plan(Box<LazyFrame>),
    /// One plan after another: so many rows are left out, and then so many given.
    Passes { passes: Box<Passes>, of: u32, skipped: u64, most: Option<u64> },
    /// Rows of another source in an order, on disk as far as they do not fit: so many left out, and then so many given.
    Sorted { rows: Box<Source>, by: Vec<By>, skipped: u64, most: Option<u64> },
}

/// As many sorted rows are held in memory, whatever they are.
const FEW: u64 = 10_000;

/// What is taken while a run is sorted is several times what it holds.
const PART_OF_MEMORY: u64 = 10;

impl Means<'_> {
    /// The names of all columns that could be meant.
    fn columns(&self) -> Vec<String> {
        self.datasets.iter().flat_map(|(name, _)| self.columns_of(name)).collect()
    }

    fn columns_of(&self, dataset: &str) -> Vec<String> {
        let path = self.datasets.iter().find(|(name, _)| name == dataset).map(|(_, path)| path);
        let opened = path.and_then(|path| crate::parquet::Dataset::open(path).ok());
        opened.map_or_else(Vec::new, |dataset| dataset.columns.into_iter().map(|c| c.name).collect())
    }

    fn plan(&self, query: &Query) -> Result<LazyFrame, Error> {
        plan::plan(query, self.datasets, &|| self.columns())
    }

    /// Where the rows of a query come from, of which no more than `most` are looked at; and their schema.
    pub(super) fn source(&self, query: &Query, most: Option<u64>) -> Result<(Source, SchemaRef), Error> {
        if self.folder.is_some()
            && let Some(by) = outputs::sorted_by(query)
            && let Some((skipped, wanted)) = limits::rows(query, most)
            && wanted.is_none_or(|wanted| wanted > FEW)
        {
            let mut unsorted = query.clone();
            (unsorted.order_by, unsorted.limit_clause) = (None, None);
            let (rows, schema) = self.source(&unsorted, None)?;
            let most = wanted.map(|wanted| wanted - skipped);
            return Ok((Source::Sorted { rows: Box::new(rows), by, skipped, most }, schema));
        }
        if let Some((passes, of)) = self.in_passes(query, most)? {
            return self.passed(passes, of);
        }
        let lazy = match (late::steps(query, self.datasets, most), self.datasets.first()) {
            (Some(steps), Some((name, path))) => {
                let numbered = vec![(name.clone(), plan::scan(path, Some(late::ROW))?)];
                let rows = self.numbers(plan::over(&steps.rows, numbered, &|| self.columns())?)?;
                let brought = fetch::rows(path, &rows, steps.columns.as_ref(), self.stop)?;
                plan::over(&steps.rest, vec![(name.clone(), brought.lazy())], &|| self.columns())?
            }
            _ => self.plan(query)?,
        };
        self.planned(lazy)
    }

    fn planned(&self, mut lazy: LazyFrame) -> Result<(Source, SchemaRef), Error> {
        let schema = lazy.collect_schema().map_err(|e| plan::explain(&e, &self.columns()))?;
        Ok((Source::Plan(Box::new(lazy)), schema))
    }

    /// The first way to do a query in passes that is one, and how many there are, where it does not fit as it is.
    fn in_passes(&self, query: &Query, most: Option<u64>) -> Result<Option<(Passes, u32)>, Error> {
        let Some(memory) = self.memory else { return Ok(None) };
        for passes in passes::ways(query, most, &|dataset| self.columns_of(dataset)) {
            let Some((_, path)) = self.datasets.iter().find(|(name, _)| *name == passes.dataset) else {
                continue;
            };
            let mut different = |passes: &Passes, keys: &[Expr]| self.different(&passes.spread(keys)?);
            match need::passes(&passes, path, memory, &mut different)? {
                Some(1) => return Ok(None),
                Some(of) => return Ok(Some((passes, of))),
                None => {}
            }
        }
        Ok(None)
    }

    /// Runs passes as far as what is left to do is done with the rows of all.
    fn passed(&self, mut passes: Passes, of: u32) -> Result<(Source, SchemaRef), Error> {
        let schema = self.plan(&passes.pass(of, 0)?)?.collect_schema();
        let schema = schema.map_err(|e| plan::explain(&e, &self.columns()))?;
        let rest = match std::mem::replace(&mut passes.rest, Rest::Rows { skipped: 0, most: None }) {
            Rest::Rows { skipped, most } => {
                return Ok((Source::Passes { passes: Box::new(passes), of, skipped, most }, schema));
            }
            Rest::Query(rest) => rest,
        };
        let all: Arc<Mutex<Option<DataFrame>>> = Arc::default();
        let into = all.clone();
        (self.tell)(News::Stage("passes", Some(of.into()), "passes"));
        for this in 0..of {
            let into = into.clone();
            each_block(self.plan(&passes.pass(of, this)?)?, BLOCK * 64, self.stop, move |block| {
                let mut into = into.lock().unwrap_or_else(PoisonError::into_inner);
                match into.as_mut() {
                    None => *into = Some(block),
                    Some(all) => drop(all.vstack_mut_owned(block).map_err(|e| plan::explain(&e, &[]))?),
                }
                Ok(false)
            })?;
            (self.tell)(News::Done(u64::from(this) + 1));
        }
        let all = all.lock().unwrap_or_else(PoisonError::into_inner).take();
        let all = all.unwrap_or_else(|| DataFrame::empty_with_schema(&schema));
        let tables = vec![(passes::TABLE.to_owned(), all.lazy())];
        self.planned(plan::over(&rest, tables, &|| self.columns())?)
    }

    /// How many different numbers a query gives, about.
    fn different(&self, query: &Query) -> Result<f64, Error> {
        let counted = Arc::new(Mutex::new(need::Different::default()));
        let into = counted.clone();
        each_block(self.plan(query)?, BLOCK * 64, self.stop, move |block| {
            let mut into = into.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(Ok(numbers)) = block.columns().first().map(|column| column.i64()) {
                numbers.into_no_null_iter().for_each(|number| into.add(number.cast_unsigned()));
            }
            Ok(false)
        })?;
        let counted = counted.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(counted.estimate())
    }

    /// The numbers of rows that a plan gives.
    fn numbers(&self, lazy: LazyFrame) -> Result<Vec<IdxSize>, Error> {
        let found: Arc<Mutex<Vec<IdxSize>>> = Arc::default();
        let into = found.clone();
        each_block(lazy, BLOCK, self.stop, move |block| {
            let Some(Ok(rows)) = block.columns().first().map(|column| column.idx()) else {
                return Err(Error::Internal("rows of a dataset have no numbers".into()));
            };
            into.lock().unwrap_or_else(PoisonError::into_inner).extend(rows.into_no_null_iter());
            Ok(false)
        })?;
        Ok(std::mem::take(&mut *found.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Source {
    /// The first rows of it. A high number is better left to whoever takes them: behind ORDER BY the engine takes memory for as
    /// many rows as are asked for before it has seen one.
    pub(super) fn first(mut self, rows: u64) -> Self {
        match &mut self {
            Self::Plan(lazy) => **lazy = lazy.clone().limit(IdxSize::try_from(rows).unwrap_or(IdxSize::MAX)),
            Self::Passes { most, .. } | Self::Sorted { most, .. } => {
                *most = Some(most.map_or(rows, |most| most.min(rows)));
            }
        }
        self
    }

    /// Hands every block in the result's order to `take`, until that says stop.
    pub(super) fn each(
        self,
        rows: usize,
        means: &Means<'_>,
        take: impl FnMut(DataFrame) -> Result<bool, Error> + Send + Sync + 'static,
    ) -> Result<(), Error> {
        self.handed(rows, means, Box::new(take))
    }

    fn handed(self, rows: usize, means: &Means<'_>, take: Box<Take>) -> Result<(), Error> {
        match self {
            Self::Plan(lazy) => each_block(*lazy, rows, means.stop, take),
            Self::Passes { passes, of, skipped, most } => {
                let cut = Arc::new(Mutex::new(Cut::of(skipped, most, take)));
                for this in 0..of {
                    if cut.lock().unwrap_or_else(PoisonError::into_inner).ended {
                        break;
                    }
                    let into = cut.clone();
                    each_block(means.plan(&passes.pass(of, this)?)?, rows, means.stop, move |block| {
                        into.lock().unwrap_or_else(PoisonError::into_inner).take(block)
                    })?;
                }
                Ok(())
            }
            Self::Sorted { rows: unsorted, by, skipped, most } => {
                let room = means.memory.unwrap_or(u64::MAX) / PART_OF_MEMORY;
                let folder = means.folder.clone().unwrap_or_default();
                let sorter = Arc::new(Mutex::new(Some(Sorter::new(by, folder, room))));
                let (into, tell, mut read) = (sorter.clone(), means.tell.clone(), 0);
                tell(News::Stage("sort", None, "rows"));
                unsorted.each(ROW_GROUP_ROWS, means, move |block| {
                    let mut into = into.lock().unwrap_or_else(PoisonError::into_inner);
                    read += block.height() as u64;
                    tell(News::Done(read));
                    into.as_mut().map_or(Ok(()), |sorter| sorter.add(block)).map(|()| false)
                })?;
                let sorter = sorter.lock().unwrap_or_else(PoisonError::into_inner).take();
                let mut cut = Cut::of(skipped, most, take);
                (means.tell)(News::Stage("write", None, "rows"));
                let mut given = |block| {
                    if means.stop.load(Ordering::Relaxed) { Err(Error::Cancelled) } else { cut.take(block) }
                };
                sorter.map_or(Ok(()), |sorter| sorter.finish(rows, &mut given))
            }
        }
    }
}

/// What takes blocks; true when it wants no more.
type Take = dyn FnMut(DataFrame) -> Result<bool, Error> + Send + Sync;

/// What is given of rows that come in blocks.
struct Cut {
    skip: u64,
    left: Option<u64>,
    ended: bool,
    take: Box<Take>,
}

impl Cut {
    fn of(skip: u64, left: Option<u64>, take: Box<Take>) -> Self {
        Self { skip, left, ended: left == Some(0), take }
    }

    fn take(&mut self, block: DataFrame) -> Result<bool, Error> {
        let height = block.height() as u64;
        let skipped = self.skip.min(height);
        self.skip -= skipped;
        let given = self.left.map_or(height - skipped, |left| left.min(height - skipped));
        self.left = self.left.map(|left| left - given);
        if given > 0 {
            let block = block.slice(skipped.cast_signed(), given as usize);
            self.ended = (self.take)(block)?;
        }
        self.ended |= self.left == Some(0);
        Ok(self.ended)
    }
}

/// Hands every block of a plan in the result's order to `take`, until that says stop.
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
