//! The profile of a dataset, from Parquet, on two threads, in bounded memory: first a column at a time, then the rows
//! across columns.

mod column;
mod correlate;
mod cramer;
mod crew;
mod distinct;
mod duplicates;
pub(crate) mod hash;
mod issues;
mod keys;
mod numeric;
mod ordered;
mod reading;
mod spearman;
mod standins;
mod sums;
mod target;
mod text;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use dropforge_shared::profile::{Correlations, Profile};

use crate::error::Error;
use crate::monitor::Monitor;
use crate::parquet::Dataset;
use column::Described;
use reading::{Parts, SAMPLE_ROWS};

/// Frequent values that a profile lists.
const TOP: usize = 10;

/// Rows of a column read at a time.
const PART_ROWS: u64 = 1 << 17;

/// Profiles a dataset written by [`crate::ingest`]. `null_tokens` are those of [`crate::Ingested`], by column; where
/// they are not known, an empty slice. Holds less than 1 GB, however many rows there are.
///
/// # Errors
/// [`Error::Cancelled`] when the monitor says so; else what failed while reading.
pub fn profile(
    parquet: &Path,
    file_id: &str,
    null_tokens: &[BTreeMap<String, u64>],
    monitor: &mut dyn Monitor,
) -> Result<Profile, Error> {
    let dataset = Dataset::open(parquet)?;
    let described = describe_all(&dataset, null_tokens, monitor)?;
    let across = correlate::across(&dataset, &described, monitor)?;
    let (spearman, cramers_v) = associations(&dataset, &described, monitor)?;
    let associated = spearman.is_some() || cramers_v.is_some();
    let issues = issues::issues(&described, dataset.rows, &across);
    let target = target::guess(&described, dataset.rows);
    Ok(Profile {
        file: file_id.to_owned(),
        rows: dataset.rows,
        columns: described.into_iter().map(|d| d.profile).collect(),
        correlations: across.correlations,
        spearman,
        cramers_v,
        association_rows: (associated && dataset.rows > SAMPLE_ROWS).then_some(SAMPLE_ROWS),
        association_error: (associated && dataset.rows > SAMPLE_ROWS)
            .then(|| 1.0 / ((SAMPLE_ROWS - 1) as f64).sqrt()),
        issues,
        target,
    })
}

fn describe_all(
    dataset: &Dataset,
    null_tokens: &[BTreeMap<String, u64>],
    monitor: &mut dyn Monitor,
) -> Result<Vec<Described>, Error> {
    let width = dataset.columns.len();
    monitor.stage("profile", Some(width as u64), "columns");
    let ranges = dataset.parts(PART_ROWS);
    let sampled = correlate::numeric(dataset);
    // The largest first, so that no thread is left alone with one at the end.
    let bytes = dataset.column_bytes();
    let mut order: Vec<usize> = (0..width).collect();
    order.sort_by_key(|i| std::cmp::Reverse(bytes.get(*i).copied()));
    let index_of = |piece: usize| order.get(piece).copied().unwrap_or(piece);
    let work = |piece: usize, stopped: &dyn Fn() -> bool| {
        let index = index_of(piece);
        let parts = Parts { dataset, index, ranges: &ranges, stopped };
        column::describe(&parts, null_tokens.get(index), sampled.binary_search(&index).is_ok())
    };
    let mut found: Vec<Option<Described>> = Vec::new();
    found.resize_with(width, || None);
    let (mut done, mut categorical) = (0, BTreeSet::new());
    crew::share(width, monitor, work, |piece, described: Described, monitor| {
        let index = index_of(piece);
        if !described.facts.categories.is_empty() {
            categorical.insert(index);
        }
        if let Some(slot) = found.get_mut(index) {
            *slot = Some(described);
        }
        // A matrix is of the first columns: what later ones have need not be kept.
        if categorical.len() > correlate::MAX_COLUMNS
            && let Some(Some(last)) = categorical.pop_last().and_then(|last| found.get_mut(last))
        {
            last.facts.categories = Vec::new();
        }
        done += 1;
        monitor.progress(done);
    })?;
    found
        .into_iter()
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| Error::Internal("a column was not described".to_owned()))
}

/// Spearman's coefficients and Cramér's V, each of the first columns that it is defined for.
fn associations(
    dataset: &Dataset,
    described: &[Described],
    monitor: &mut dyn Monitor,
) -> Result<(Option<Correlations>, Option<Correlations>), Error> {
    let named = |columns: Vec<usize>, matrix| {
        let name = |i: usize| described.get(i).map(|d| d.profile.name.clone()).unwrap_or_default();
        Correlations { columns: columns.into_iter().map(name).collect(), matrix }
    };
    let numeric = correlate::numeric(dataset);
    let keys: Vec<&[u64]> =
        numeric.iter().filter_map(|i| described.get(*i)).map(|d| d.facts.numbers.as_slice()).collect();
    let spearman = match keys.len() {
        0 => None,
        _ => Some(named(numeric, spearman::matrix(&keys, monitor)?)),
    };
    let categorical: Vec<usize> = (0..described.len())
        .filter(|i| described.get(*i).is_some_and(|d| !d.facts.categories.is_empty()))
        .collect();
    let codes: Vec<&[u8]> =
        categorical.iter().filter_map(|i| described.get(*i)).map(|d| d.facts.categories.as_slice()).collect();
    let cramers_v = match codes.len() {
        0 | 1 => None,
        _ => Some(named(categorical, cramer::matrix(&codes, monitor)?)),
    };
    Ok((spearman, cramers_v))
}
