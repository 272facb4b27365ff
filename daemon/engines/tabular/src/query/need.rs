//! How many passes a statement takes, by what it would hold in memory: an estimate, from the widths of some rows and the number
//! of different keys, which is counted where that matters. Must not know how a statement is put into passes.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use polars::prelude::DataFrame;
use sqlparser::ast::Expr;

use super::passes::{self, Held, Passes};
use crate::error::Error;
use crate::parquet::Dataset;
use crate::profile::hash;

/// Rows that are looked at in each of so many places.
const LOOKED_AT: u64 = 2_000;
const PLACES: u64 = 4;

/// What a group takes beside its keys, in bytes, and what each column of the result adds to it: measured on 20 million rows.
const GROUP: u64 = 120;
const FIGURE: u64 = 24;

/// What a row takes beside its values where rows are held.
const ROW: u64 = 60;

/// No more passes than these.
const MOST: u64 = 64;

/// As many groups can be put together from the figures of all passes.
const FEW_GROUPS: f64 = 100_000.0;

/// Numbers that are kept to count different ones by, for a standard error of about 1.2/√4096, or 2 %.
const KEPT: usize = 4_096;

/// Counts different numbers that are hashes, by those of them that are small enough to be few: adaptive sampling (Wegman's; Flajolet,
/// On adaptive sampling, Computing 43, 1990). A number costs a comparison, mostly.
#[derive(Default)]
pub(super) struct Different {
    kept: HashSet<u64, hash::Through>,
    /// Those that are kept begin with so many zeros.
    zeros: u32,
}

impl Different {
    /// Adds one.
    pub(super) fn add(&mut self, number: u64) {
        if number.leading_zeros() < self.zeros || !self.kept.insert(number) {
            return;
        }
        while self.kept.len() > KEPT {
            self.zeros += 1;
            self.kept.retain(|kept| kept.leading_zeros() >= self.zeros);
        }
    }

    /// How many there were, about.
    pub(super) fn estimate(&self) -> f64 {
        self.kept.len() as f64 * f64::from(self.zeros).exp2()
    }
}

/// Counts the different keys of all rows.
pub(super) type Counted<'c> = dyn FnMut(&Passes, &[Expr]) -> Result<f64, Error> + 'c;

/// How many passes a statement takes where there is so much memory; one where it fits as it is, none where this is no way to do
/// it. `different` counts the different keys of all rows.
///
/// # Errors
/// Where the dataset can't be read, and those of `different`.
pub(super) fn passes(
    passes: &Passes,
    path: &Path,
    memory: u64,
    different: &mut Counted<'_>,
) -> Result<Option<u32>, Error> {
    let mut counted = |keys: &[Expr]| different(passes, keys);
    // The rest is for blocks that are being read, and for what the engine holds twice for a while.
    let room = (memory / 4).max(1);
    let dataset = Dataset::open(path)?;
    let figures = FIGURE * passes.columns();
    let sample = Sample::of(&dataset, passes)?;
    let rows = dataset.rows;
    let held = match &passes.held {
        Held::Rows => rows.saturating_mul(ROW + figures + 2 * sample.width(|_| true)),
        Held::Groups => {
            let group = GROUP + figures + sample.key_width(&passes.keys);
            groups(&sample, &passes.keys, rows, room / group, &mut counted)?.saturating_mul(group)
        }
        Held::Values(by) => {
            let mut pairs = by.clone();
            pairs.extend(passes.keys.iter().cloned());
            let group = GROUP + sample.key_width(&pairs);
            let held = groups(&sample, &pairs, rows, room / group, &mut counted)?.saturating_mul(group);
            if held > room && !by.is_empty() && counted(by)? > FEW_GROUPS {
                return Ok(None);
            }
            held
        }
    };
    Ok(Some(u32::try_from(held.div_ceil(room).clamp(1, MOST)).unwrap_or(1)))
}

/// Different keys, at most so many as there are rows. They are counted where more than `fit` could be.
fn groups(
    sample: &Sample,
    keys: &[Expr],
    rows: u64,
    fit: u64,
    different: &mut dyn FnMut(&[Expr]) -> Result<f64, Error>,
) -> Result<u64, Error> {
    let likely = (rows as f64 * sample.different(keys)?).ceil() as u64;
    if likely <= fit {
        return Ok(likely);
    }
    Ok((different(keys)?.ceil() as u64).min(rows))
}

/// Some rows of a dataset.
struct Sample {
    parts: Vec<DataFrame>,
    /// Whether the keys are made of its columns.
    direct: bool,
}

impl Sample {
    fn of(dataset: &Dataset, passes: &Passes) -> Result<Self, Error> {
        let names = passes.mentioned();
        let wanted = |name: &String| names.as_ref().is_none_or(|names| names.contains(name));
        let columns: Vec<usize> = (0..dataset.columns.len())
            .filter(|at| dataset.columns.get(*at).is_some_and(|c| wanted(&c.name)))
            .collect();
        let mut parts = Vec::new();
        for place in 0..PLACES {
            let first = dataset.rows / PLACES * place;
            let rows = LOOKED_AT.min(dataset.rows - first);
            if rows > 0 && !columns.is_empty() {
                parts.push(dataset.read(Some(columns.clone()), first, rows)?);
            }
        }
        Ok(Self { parts, direct: passes.direct })
    }

    fn rows(&self) -> usize {
        self.parts.iter().map(DataFrame::height).sum()
    }

    /// Bytes of a row in the columns that are wanted.
    fn width(&self, wanted: impl Fn(&str) -> bool) -> u64 {
        let columns = self.parts.iter().flat_map(DataFrame::columns).filter(|c| wanted(c.name()));
        let bytes: usize = columns.map(|c| c.as_materialized_series().estimated_size()).sum();
        (bytes / self.rows().max(1)) as u64
    }

    fn key_width(&self, keys: &[Expr]) -> u64 {
        let names = mentioned(keys);
        self.width(|name| !self.direct || names.contains(name))
    }

    /// The part of the rows that differ from others in the columns of the keys; all of them where that can't be seen here.
    fn different(&self, keys: &[Expr]) -> Result<f64, Error> {
        let names = mentioned(keys);
        if !self.direct {
            return Ok(1.0);
        }
        let mut seen = HashSet::new();
        for part in &self.parts {
            let mut hashes = vec![0u128; part.height()];
            for column in part.columns().iter().filter(|c| names.contains(c.name().as_str())) {
                hash::add_to_rows(&mut hashes, column.as_materialized_series())
                    .map_err(|e| Error::Internal(format!("rows can't be told apart: {e}")))?;
            }
            seen.extend(hashes);
        }
        Ok(seen.len() as f64 / self.rows().max(1) as f64)
    }
}

/// The columns that keys are made of.
fn mentioned(keys: &[Expr]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for key in keys {
        passes::names_in(key, &mut names);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_numbers_are_counted_within_the_error_that_is_told() {
        for different in [0u64, 1, 4_096, 50_000, 3_000_000] {
            let mut counted = Different::default();
            for n in 0..different {
                // SplitMix64, twice each.
                let z =
                    (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (n >> 3)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                counted.add(z ^ (z >> 31));
                counted.add(z ^ (z >> 31));
            }
            let off = (counted.estimate() - different as f64).abs() / (different.max(1) as f64);
            let bound = if different <= KEPT as u64 { 0.0 } else { 0.06 };
            assert!(off <= bound, "{different}: {}", counted.estimate());
        }
    }
}
