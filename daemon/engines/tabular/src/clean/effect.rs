//! What steps would do: the first rows before and after.

use std::path::Path;

use dropforge_shared::page::{Cell, Column, Page};
use dropforge_shared::profile::Profile;
use dropforge_shared::suggest::{Effect, StepChoice};
use polars::prelude::AnyValue;

use super::block::{Block, Source, kind};
use super::plan::fit;
use super::prepare::Run;
use crate::error::Error;
use crate::monitor::Silent;
use crate::page::cell;

/// Cells that are looked at: an answer should come while one waits.
const CELLS: u64 = 1 << 20;
/// Rows that are looked at in any case.
const LEAST_ROWS: u64 = 10_000;
/// Rows that a page may have.
const MAX_ROWS: u64 = 200;
/// What a page of the two may take, in bytes: both and the notes go into one answer.
const PAGE_BYTES: usize = Page::MAX_BYTES / 2;

/// The first `rows` rows (200 at most) as they are and as the steps make them, and a line for each step. Figures are
/// learned and counted over the whole table where it has up to 1 Mi cells or 10,000 rows; else over its first rows, and a
/// note says over how many.
///
/// # Errors
/// [`Error::Step`] where a step does not fit the table; else what failed while reading.
pub fn effect(dataset: &Path, profile: &Profile, steps: &[StepChoice], rows: u64) -> Result<Effect, Error> {
    let rows = rows.clamp(1, MAX_ROWS);
    let width = profile.columns.len().max(1) as u64;
    let source = Source::open(dataset, (CELLS / width).max(LEAST_ROWS))?;
    let plan = fit(&source, steps, &mut Silent)?;
    let columns = plan.columns.clone();
    let mut run = Run::new(plan);
    let mut before = None;
    let mut after: Option<Block> = None;
    source.each(None, |mut block| {
        if before.is_none() {
            // The rows shown go first, so that they are what the others would have them be.
            let mut head = block.slice(0, rows as usize);
            before = Some(head.clone());
            block = block.slice(rows as usize, block.height);
            run.block(&mut head)?;
            after = Some(head);
        }
        run.block(&mut block)
    })?;
    let (_, reports) = run.finish();
    let mut notes: Vec<String> =
        reports.iter().enumerate().map(|(i, r)| format!("step {}: {}", i + 1, r.line())).collect();
    if source.rows < source.total_rows() {
        notes.push(format!(
            "figures are of the first {} of {} rows; a run learns from all",
            source.rows,
            source.total_rows()
        ));
    }
    let kept = reports.last().map_or(source.rows, |r| r.rows_after);
    let total_after = if source.rows < source.total_rows() { source.total_rows() } else { kept };
    Ok(Effect {
        before: page(before, source.columns(), source.total_rows()),
        after: page(after, &columns, total_after),
        notes,
    })
}

/// A block as a page that stays within its bytes: cells are cut where rows are wide, and then rows left out.
fn page(block: Option<Block>, schema: &[Column], total_rows: u64) -> Page {
    let columns: Vec<Column> = match &block {
        Some(block) => {
            block.columns.iter().map(|s| Column { name: s.name().to_string(), kind: kind(s) }).collect()
        }
        None => schema.to_vec(),
    };
    let header: usize = columns.iter().map(|c| c.name.len() + 24).sum();
    let room = PAGE_BYTES.saturating_sub(header);
    let width = columns.len().max(1);
    let height = block.as_ref().map_or(0, |b| b.height);
    let most = (room / width / height.max(1)).clamp(16, 4_096);
    let mut page = Page { columns, rows: Vec::new(), offset: 0, total_rows, truncated_cells: 0 };
    let mut used = 0;
    for row in 0..height {
        let mut cells: Vec<Cell> = Vec::with_capacity(width);
        for series in block.iter().flat_map(|b| &b.columns) {
            let (cell, cut) = cell(&series.get(row).unwrap_or(AnyValue::Null), most);
            page.truncated_cells += u64::from(cut);
            used += 12 + if let Cell::Text(text) = &cell { text.len() } else { 0 };
            cells.push(cell);
        }
        if used > room && !page.rows.is_empty() {
            break;
        }
        page.rows.push(cells);
    }
    page
}
