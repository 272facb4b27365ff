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

/// What all rows show.
pub(super) struct Found {
    pub(super) layout: Layout,
    /// By column of the sheet, what its cells allow; nothing where it has none.
    seen: Vec<Option<Candidates>>,
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
    sample: Vec<Row>,
    found: Option<Found>,
}

impl Survey {
    pub(super) fn new(header: Option<bool>) -> Self {
        Self { header, sample: Vec::new(), found: None }
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
        let mut found = Found { layout, seen: Vec::new(), rows: 0, filled: 0 };
        for row in self.sample.drain(..) {
            found.look(&row);
        }
        self.found = Some(found);
    }

    pub(super) fn finish(mut self) -> Found {
        if self.found.is_none() {
            self.settle();
        }
        self.found.unwrap_or(Found {
            layout: Layout { preamble: Vec::new(), header: None, first_data: 0 },
            seen: Vec::new(),
            rows: 0,
            filled: 0,
        })
    }
}

impl Found {
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
            if let Some(slot) = self.seen.get_mut(at) {
                let seen = slot.get_or_insert(Candidates::ALL);
                if !matches!(cell, Cell::Error(_)) && !seen.is_text() && !nulls::is_null(text) {
                    *seen = seen.and(candidates(text, Origin::Literal));
                }
            }
        }
    }
}
