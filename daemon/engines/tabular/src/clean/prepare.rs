//! Runs steps over a dataset and writes the new one.

use std::path::Path;

use dropforge_shared::page::Column;
use dropforge_shared::profile::Profile;
use dropforge_shared::suggest::StepChoice;

use super::beside::behind;
use super::block::{Block, Source, schema};
use super::plan::{Plan, fit};
use crate::error::Error;
use crate::monitor::{Level, Monitor};
use crate::write::{DatasetWriter, ROW_GROUP_ROWS};

/// What a step did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepReport {
    /// What it did, in words, with what it learned.
    pub story: String,
    /// What a user should know: cells that did not fit, and the like.
    pub notes: Vec<String>,
    /// Rows before it.
    pub rows_before: u64,
    /// Rows after it.
    pub rows_after: u64,
    /// Missing cells of all columns before it.
    pub nulls_before: u64,
    /// Missing cells of all columns after it.
    pub nulls_after: u64,
}

impl StepReport {
    /// The line of the log.
    pub fn line(&self) -> String {
        let notes =
            if self.notes.is_empty() { String::new() } else { format!(" ({})", self.notes.join("; ")) };
        format!(
            "{}{notes}; rows {} → {}, missing cells {} → {}",
            self.story, self.rows_before, self.rows_after, self.nulls_before, self.nulls_after
        )
    }
}

/// A dataset that was prepared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// Its rows.
    pub rows: u64,
    /// Its columns.
    pub columns: Vec<Column>,
    /// What each step did, in order.
    pub steps: Vec<StepReport>,
    /// Passes over the dataset in which steps learned; the one that writes comes on top.
    pub passes: usize,
}

/// Runs blocks through the steps and counts.
pub(super) struct Run {
    pub(super) plan: Plan,
    steps: Vec<StepReport>,
}

impl Run {
    pub(super) fn new(plan: Plan) -> Self {
        let none = StepReport {
            story: String::new(),
            notes: Vec::new(),
            rows_before: 0,
            rows_after: 0,
            nulls_before: 0,
            nulls_after: 0,
        };
        let steps = vec![none; plan.ops.len()];
        Self { plan, steps }
    }

    pub(super) fn block(&mut self, block: &mut Block) -> Result<(), Error> {
        let (mut rows, mut nulls) = (block.height as u64, block.nulls());
        for (op, report) in self.plan.ops.iter_mut().zip(&mut self.steps) {
            report.rows_before += rows;
            report.nulls_before += nulls;
            op.apply(block)?;
            (rows, nulls) = (block.height as u64, block.nulls());
            report.rows_after += rows;
            report.nulls_after += nulls;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> (Plan, Vec<StepReport>) {
        let mut steps = self.steps;
        for (op, report) in self.plan.ops.iter().zip(&mut steps) {
            report.story = op.story();
            report.notes = op.notes();
        }
        (self.plan, steps)
    }
}

/// Runs `steps` in order over a dataset written by [`crate::ingest`], and writes the result to `out`, a Parquet file of the
/// same form. Memory does not grow with the rows, but for `deduplicate`, which keeps 16 bytes a row and refuses more than
/// 28 million different ones. The same dataset and steps give the same table.
///
/// # Errors
/// [`Error::Step`] where a step does not fit the table, before anything is written; [`Error::Limit`] where it would take too
/// much; [`Error::Cancelled`] when the monitor says so.
pub fn prepare(
    dataset: &Path,
    profile: &Profile,
    steps: &[StepChoice],
    out: &Path,
    monitor: &mut dyn Monitor,
) -> Result<Prepared, Error> {
    let source = Source::open(dataset, u64::MAX)?;
    if source.rows != profile.rows {
        let text = format!("the profile tells of {} rows, and the dataset has {}", profile.rows, source.rows);
        monitor.log(Level::Warn, &text);
    }
    let plan = fit(&source, steps, monitor)?;
    let columns = plan.columns.clone();
    let mut run = Run::new(plan);
    let writer = DatasetWriter::create(out, &schema(&columns))?;
    monitor.stage("prepare", Some(source.rows), "rows");
    let (mut done, mut rows) = (0, 0);
    behind(
        |block: Block| write(&writer, &block),
        |hand| {
            source.each(None, |mut block| {
                if monitor.cancelled() {
                    return Err(Error::Cancelled);
                }
                done += block.height as u64;
                run.block(&mut block)?;
                rows += block.height as u64;
                if block.height > 0 {
                    hand(block)?;
                }
                monitor.progress(done);
                Ok(())
            })
        },
    )?;
    if rows == 0 {
        write(&writer, &super::plan::empty(&columns))?;
    }
    writer.finish()?;
    let (plan, reports) = run.finish();
    for (i, report) in reports.iter().enumerate() {
        monitor.log(Level::Info, &format!("step {} of {}: {}", i + 1, reports.len(), report.line()));
    }
    Ok(Prepared { rows, columns, steps: reports, passes: plan.passes })
}

fn write(writer: &DatasetWriter, block: &Block) -> Result<(), Error> {
    let mut at = 0;
    loop {
        let mut frame = block.slice(at, ROW_GROUP_ROWS).into_frame()?;
        frame.rechunk_mut();
        writer.write(writer.encode(&frame)?)?;
        at += ROW_GROUP_ROWS;
        if at >= block.height {
            return Ok(());
        }
    }
}
