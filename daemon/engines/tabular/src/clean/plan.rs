//! Steps in order: which can learn in the same pass, and what each block goes through.
//!
//! A step learns from what the steps before it leave. Steps whose columns no unfitted step touches learn in the same
//! pass; where one must wait, a further pass over the dataset begins. Memory holds a block and what was learned.

use std::collections::HashSet;

use dropforge_shared::page::Column;
use dropforge_shared::steps::{self, StepError};
use dropforge_shared::suggest::StepChoice;

use super::block::{Block, Cells, Source, kind};
use super::ops::{Op, bind};
use super::settings::Place;
use crate::error::Error;
use crate::monitor::Monitor;

/// Numbers that a step may keep to find quantiles, over all its columns: 32 MiB.
pub(crate) const VALUES_KEPT: usize = 4 << 20;
/// Columns that steps may make of a table.
const MAX_COLUMNS: usize = 100_000;

/// Steps that have learned all they need.
pub(crate) struct Plan {
    pub(crate) ops: Vec<Box<dyn Op>>,
    /// The columns that the last step leaves.
    pub(crate) columns: Vec<Column>,
    /// Passes over the dataset that it took.
    pub(crate) passes: usize,
}

pub(super) fn empty(schema: &[Column]) -> Block {
    let columns = schema.iter().map(|c| Cells::new(&c.name, c.kind, 0).finish()).collect();
    Block { columns, height: 0 }
}

/// The columns that a step makes of a schema.
fn output(op: &mut dyn Op, place: &Place, schema: &[Column]) -> Result<Vec<Column>, Error> {
    let mut block = empty(schema);
    op.apply(&mut block)?;
    op.restart();
    let columns: Vec<Column> =
        block.columns.iter().map(|s| Column { name: s.name().to_string(), kind: kind(s) }).collect();
    let mut seen = HashSet::new();
    if let Some(twice) = columns.iter().find(|c| !seen.insert(c.name.as_str())) {
        let reason = "it would make a column of a name that is there already; rename or drop that one first";
        return Err(place.wrong(Some(&twice.name), reason).into());
    }
    if columns.len() > MAX_COLUMNS {
        return Err(place.wrong(None, format!("it would make over {MAX_COLUMNS} columns")).into());
    }
    Ok(columns)
}

/// Binds the steps to a source and lets them learn.
///
/// # Errors
/// [`Error::Step`] where a step does not fit the table; [`Error::Cancelled`] when the monitor says so.
pub(crate) fn fit(source: &Source, choices: &[StepChoice], monitor: &mut dyn Monitor) -> Result<Plan, Error> {
    steps::check(choices)?;
    let mut plan = Plan { ops: Vec::new(), columns: source.columns().to_vec(), passes: 0 };
    while plan.ops.len() < choices.len() {
        let fitted = plan.ops.len();
        let schema = round(&mut plan, choices)?;
        if plan.ops.iter().skip(fitted).any(|op| op.needs_fit()) {
            learn(source, &mut plan, fitted, monitor)?;
        }
        // With what was learned: a mean makes floats of integers, a category a column.
        plan.columns = schema;
        for (i, op) in plan.ops.iter_mut().enumerate().skip(fitted) {
            let choice = choices.get(i).map(|c| c.op.clone()).unwrap_or_default();
            plan.columns = output(op.as_mut(), &Place { step: i + 1, op: choice }, &plan.columns)?;
        }
    }
    Ok(plan)
}

/// Adds the next steps that can learn together. Returns the schema before them.
fn round(plan: &mut Plan, choices: &[StepChoice]) -> Result<Vec<Column>, Error> {
    let before = plan.columns.clone();
    let mut schema = before.clone();
    let mut dirty: HashSet<String> = HashSet::new();
    let first = plan.ops.len();
    for (i, choice) in choices.iter().enumerate().skip(first) {
        let waits = |error: StepError| if dirty.is_empty() { Err(error) } else { Ok(()) };
        if choice.columns.iter().any(|c| dirty.contains(c)) {
            break;
        }
        let mut op = match bind(i + 1, choice, &schema) {
            Ok(op) => op,
            // It may fit once the steps before it have changed their columns.
            Err(error) => {
                waits(error)?;
                break;
            }
        };
        let touched: Vec<String> = op.touches().into_iter().map(str::to_owned).collect();
        let all_at_once = op.takes_whole_rows() && !dirty.is_empty();
        if all_at_once || touched.iter().any(|c| dirty.contains(c)) {
            break;
        }
        let late = op.settles_late();
        if op.needs_fit() {
            dirty.extend(touched);
        } else {
            schema = output(op.as_mut(), &Place { step: i + 1, op: choice.op.clone() }, &schema)?;
        }
        plan.ops.push(op);
        if late {
            break;
        }
    }
    Ok(before)
}

/// Passes over the source until the steps from `fitted` on have learned all.
fn learn(source: &Source, plan: &mut Plan, fitted: usize, monitor: &mut dyn Monitor) -> Result<(), Error> {
    let whole = plan.ops.iter().any(|op| op.takes_whole_rows());
    let touched: HashSet<String> = plan.ops.iter().flat_map(|op| op.touches()).map(str::to_owned).collect();
    let wanted = |name: &str| touched.contains(name);
    let mut open: Vec<bool> =
        plan.ops.iter().enumerate().map(|(i, op)| i >= fitted && op.needs_fit()).collect();
    let learning = open.clone();
    while open.contains(&true) {
        plan.passes += 1;
        monitor.stage(&format!("learn {}", plan.passes), Some(source.rows), "rows");
        plan.ops.iter_mut().for_each(|op| op.restart());
        let mut done = 0;
        source.each(if whole { None } else { Some(&wanted) }, |mut block| {
            if monitor.cancelled() {
                return Err(Error::Cancelled);
            }
            let height = block.height as u64;
            for (i, op) in plan.ops.iter_mut().enumerate() {
                // One that learns in this round changes nothing until all have learned, so that each pass sees the same.
                match (learning.get(i), open.get(i)) {
                    (Some(true), Some(true)) => op.fit(&block)?,
                    (Some(true), _) => {}
                    _ => op.apply(&mut block)?,
                }
            }
            done += height;
            monitor.progress(done);
            Ok(())
        })?;
        for (op, open) in plan.ops.iter_mut().zip(&mut open).filter(|(_, open)| **open) {
            *open = !op.end_pass()?;
        }
    }
    plan.ops.iter_mut().for_each(|op| op.restart());
    Ok(())
}
