//! The first reading of a sheet: where its table is, and what its cells allow, over all rows.

use std::collections::BTreeMap;

use super::Gauge;
use super::book::{Flow, Row};
use super::layout::{self, Layout, SAMPLE_ROWS};
use super::value::Cell;
use crate::columns::{Origin, candidates};
use crate::error::Error;
use crate::sniff;
use crate::types::lattice::Candidates;
use crate::types::{nulls, trim};

/// Bytes of cells that are kept where the user set types.
const KEPT_BYTES: usize = 16 << 20;

/// What all rows show.
pub(super) struct Found {
    pub(super) layout: Layout,
    /// By column of the sheet, what its cells allow; nothing where it has none.
    seen: Vec<Option<Candidates>>,
    /// Cells of each column of the sheet, to choose how a type that the user set is written; the bytes still to keep.
    cells: Vec<Vec<String>>,
    keep_bytes: usize,
    pub(super) rows: u64,
    pub(super) filled: u64,
}

impl Found {
    /// The columns that have a name or a value, in order.
    pub(super) fn columns(&self) -> Vec<u32> {
        let last = self.layout.header.iter().flatten().map(|(c, _)| c + 1).max().unwrap_or(0);
        let end = last.max(self.seen.len() as u32);
        let mut names: Vec<bool> = vec![false; end as usize];
        for (column, _) in self.layout.header.iter().flatten() {
            if let Some(slot) = names.get_mut(*column as usize) {
                *slot = true;
            }
        }
        let used = |at: u32| {
            names.get(at as usize) == Some(&true) || self.seen.get(at as usize).is_some_and(Option::is_some)
        };
        (0..end).filter(|at| used(*at)).collect()
    }

    pub(super) fn seen(&self, column: u32) -> Candidates {
        self.seen.get(column as usize).copied().flatten().unwrap_or(Candidates::ALL)
    }

    /// The kept cells of these columns.
    pub(super) fn cells(&self, columns: &[u32]) -> Vec<Vec<String>> {
        columns.iter().map(|at| self.cells.get(*at as usize).cloned().unwrap_or_default()).collect()
    }

    pub(super) fn names(&self, columns: &[u32]) -> Vec<String> {
        let given: BTreeMap<u32, &String> =
            self.layout.header.iter().flatten().map(|(c, n)| (*c, n)).collect();
        sniff::unique(
            columns.iter().map(|at| given.get(at).map_or_else(String::new, |n| (*n).clone())).collect(),
        )
    }
}

/// The first reading.
pub(super) struct Survey {
    header: Option<bool>,
    keep_bytes: usize,
    sample: Vec<Row>,
    found: Option<Found>,
}

impl Survey {
    /// `keep` says whether the user set types.
    pub(super) fn new(header: Option<bool>, keep: bool) -> Self {
        let keep_bytes = if keep { KEPT_BYTES } else { 0 };
        Self { header, keep_bytes, sample: Vec::new(), found: None }
    }

    pub(super) fn row(&mut self, row: &Row, gauge: &Gauge<'_>) -> Result<Flow, Error> {
        if layout::is_blank(row) {
            return Ok(Flow::More);
        }
        if let Some((column, _)) = row.cells.last()
            && *column as usize >= gauge.limits.max_columns
        {
            return Err(Error::Limit {
                what: format!("a cell in column {}", column + 1),
                place: format!("row {} of {}", row.number + 1, gauge.place),
                limit: format!("{} columns", gauge.limits.max_columns),
                way_out: "remove what stands so far to the right",
            });
        }
        match &mut self.found {
            Some(found) => found.look(row),
            None => {
                self.sample.push(row.clone());
                if self.sample.len() >= SAMPLE_ROWS {
                    self.settle();
                }
            }
        }
        Ok(Flow::More)
    }

    pub(super) fn settle(&mut self) {
        let layout = layout::layout(&self.sample, self.header);
        let mut found = Found { layout, keep_bytes: self.keep_bytes, ..Found::nothing() };
        for row in self.sample.drain(..) {
            found.look(&row);
        }
        self.found = Some(found);
    }

    pub(super) fn finish(mut self) -> Found {
        if self.found.is_none() {
            self.settle();
        }
        self.found.unwrap_or(Found::nothing())
    }
}

impl Found {
    fn nothing() -> Self {
        Self {
            layout: Layout { preamble: Vec::new(), header: None, first_data: 0 },
            seen: Vec::new(),
            cells: Vec::new(),
            keep_bytes: 0,
            rows: 0,
            filled: 0,
        }
    }

    /// Keeps a cell that is not missing.
    fn keep(&mut self, at: usize, text: &str) {
        if text.len() > 80 || text.len() + 48 > self.keep_bytes {
            return;
        }
        if self.cells.len() <= at {
            self.cells.resize(at + 1, Vec::new());
        }
        if let Some(cells) = self.cells.get_mut(at).filter(|cells| cells.len() < 1_000) {
            self.keep_bytes -= text.len() + 48;
            cells.push(text.to_owned());
        }
    }

    pub(super) fn look(&mut self, row: &Row) {
        if row.number < self.layout.first_data {
            return;
        }
        self.rows += 1;
        for (column, cell) in &row.cells {
            let at = *column as usize;
            if self.seen.len() <= at {
                self.seen.resize(at + 1, None);
            }
            let text = trim(cell.text());
            if text.is_empty() {
                continue;
            }
            self.filled += 1;
            if self.keep_bytes > 0 && !matches!(cell, Cell::Error(_)) && !nulls::is_null(text) {
                self.keep(at, text);
            }
            if let Some(slot) = self.seen.get_mut(at) {
                let seen = slot.get_or_insert(Candidates::ALL);
                if !matches!(cell, Cell::Error(_)) && !seen.is_text() && !nulls::is_null(text) {
                    *seen = seen.and(candidates(text, Origin::Literal));
                }
            }
        }
    }
}
