//! The pass that looks at rows across columns: Pearson correlation of the numeric columns, over the rows where both
//! values are there, and rows that are equal to an earlier one.

use std::collections::BTreeMap;

use dropforge_shared::page::ColumnType;
use dropforge_shared::profile::{Correlations, Scalar};
use polars::prelude::{DataFrame, PolarsResult};

use super::column::Described;
use super::crew;
use super::duplicates::{Duplicates, Rows};
use super::hash::add_to_rows;
use crate::error::Error;
use crate::monitor::Monitor;
use crate::parquet::Dataset;

/// Columns that a matrix is made of: the first of the file. One of more would be slow to compute and unreadable.
pub(crate) const MAX_COLUMNS: usize = 50;

/// Rows looked at together at most, and cells. Fixed, so that rounding is the same on any machine.
const PART_ROWS: u64 = 1 << 16;
const PART_CELLS: u64 = 1 << 21;

/// Sums of one pair of columns.
#[derive(Debug, Clone, Copy, Default)]
struct Pair {
    n: f64,
    x: f64,
    y: f64,
    xx: f64,
    yy: f64,
    xy: f64,
}

/// One column's part: values shifted to mean 0 and scaled to spread 1, so that sums lose no digits; missing ones are 0.
struct Part {
    values: Vec<f64>,
    present: Vec<f64>,
    complete: bool,
    /// Σ x and Σ x².
    x: f64,
    xx: f64,
}

/// What the pass found.
#[derive(Debug, Default)]
pub(crate) struct Across {
    /// `None` where fewer than two columns are numeric.
    pub(crate) correlations: Option<Correlations>,
    /// `None` where no two rows can be equal.
    pub(crate) duplicates: Option<Duplicates>,
}

/// The indices of the first numeric columns, if a matrix is to be made of them.
pub(crate) fn numeric(dataset: &Dataset) -> Vec<usize> {
    let numeric = dataset.columns.iter().enumerate().filter(|(_, c)| c.kind.is_numeric());
    let numeric: Vec<usize> = numeric.map(|(i, _)| i).take(MAX_COLUMNS).collect();
    if numeric.len() >= 2 { numeric } else { Vec::new() }
}

/// One part's results.
struct Found {
    sums: Vec<Pair>,
    hashes: Vec<u128>,
    rows: u64,
}

/// Goes through the rows once.
pub(crate) fn across(
    dataset: &Dataset,
    described: &[Described],
    monitor: &mut dyn Monitor,
) -> Result<Across, Error> {
    let numeric: Vec<(usize, &Described)> =
        numeric(dataset).into_iter().filter_map(|i| Some((i, described.get(i)?))).collect();
    let k = numeric.len();
    // Where a column tells all rows apart, no two are equal.
    let unique = |d: &Described| {
        d.profile.nulls == 0 && d.profile.distinct_exact && d.profile.distinct == dataset.rows
    };
    let hashed = dataset.rows > 1 && !described.is_empty() && !described.iter().any(unique);
    if k == 0 && !hashed {
        return Ok(Across::default());
    }
    let wanted: Vec<usize> =
        if hashed { (0..dataset.columns.len()).collect() } else { numeric.iter().map(|(i, _)| *i).collect() };
    let parts = dataset.parts(PART_ROWS.min(PART_CELLS / wanted.len().max(1) as u64).max(256));
    monitor.stage("compare", Some(dataset.rows), "rows");
    let work = |piece: usize, _: &dyn Fn() -> bool| {
        let Some((at, rows)) = parts.get(piece) else {
            return Err(Error::Internal(format!("there is no part {piece}")));
        };
        let frame = dataset.read(Some(wanted.clone()), *at, *rows)?;
        look(&frame, &numeric, hashed).map_err(|e| Error::Internal(e.to_string()))
    };
    let mut sums = vec![Pair::default(); k * k];
    let mut rows = Rows::new(if hashed { dataset.rows } else { 0 });
    let (mut early, mut next, mut done) = (BTreeMap::new(), 0usize, 0u64);
    crew::share(parts.len(), monitor, work, |piece, found: Found, monitor| {
        rows.add(&found.hashes);
        done += found.rows;
        monitor.progress(done);
        // Added up in the order of the rows, so that rounding does not depend on which thread was faster.
        early.insert(piece, found.sums);
        while let Some(part) = early.remove(&next) {
            sums.iter_mut().zip(&part).for_each(|(sum, part)| sum.add(part));
            next += 1;
        }
    })?;
    let r = |i: usize, j: usize| {
        if i == j {
            let described = numeric.get(i)?.1;
            return (described.profile.std.is_some_and(|s| s > 0.0)).then_some(1.0);
        }
        coefficient(sums.get(i.min(j) * k + i.max(j))?)
    };
    let correlations = (k > 0).then(|| Correlations {
        columns: numeric.iter().map(|(_, d)| d.profile.name.clone()).collect(),
        matrix: (0..k).map(|i| (0..k).map(|j| r(i, j)).collect()).collect(),
    });
    Ok(Across { correlations, duplicates: hashed.then(|| rows.finish()) })
}

fn look(frame: &DataFrame, numeric: &[(usize, &Described)], hashed: bool) -> PolarsResult<Found> {
    let rows = frame.height();
    let mut hashes = vec![0u128; if hashed { rows } else { 0 }];
    if hashed {
        for column in frame.columns() {
            add_to_rows(&mut hashes, column.as_materialized_series())?;
        }
    }
    // By name: the reader is free to give projected columns in file order.
    let parts = numeric.iter().map(|(_, d)| part(frame, d)).collect::<PolarsResult<Vec<Part>>>()?;
    let mut sums = vec![Pair::default(); parts.len() * parts.len()];
    for (i, a) in parts.iter().enumerate() {
        for (j, b) in parts.iter().enumerate().skip(i + 1) {
            if let Some(pair) = sums.get_mut(i * parts.len() + j) {
                *pair = together(a, b);
            }
        }
    }
    Ok(Found { sums, hashes, rows: rows as u64 })
}

fn part(frame: &DataFrame, described: &Described) -> PolarsResult<Part> {
    let profile = &described.profile;
    let column = frame.column(&profile.name)?;
    let series = column.as_materialized_series();
    let scale = profile.std.filter(|s| *s > 0.0 && s.is_finite()).unwrap_or(1.0);
    let mean = profile.mean.unwrap_or(0.0);
    let mut part = Part {
        values: Vec::with_capacity(series.len()),
        present: Vec::with_capacity(series.len()),
        complete: true,
        x: 0.0,
        xx: 0.0,
    };
    let mut push = |value: Option<f64>| match value.filter(|v| v.is_finite()) {
        Some(value) => {
            part.values.push(value);
            part.present.push(1.0);
        }
        None => {
            part.values.push(0.0);
            part.present.push(0.0);
            part.complete = false;
        }
    };
    if profile.kind == ColumnType::Integer {
        // From the smallest value on, so that large ids differ exactly.
        let least = match profile.min {
            Some(Scalar::Int(least)) => least,
            _ => 0,
        };
        let centre = mean - least as f64;
        series.i64()?.iter().for_each(|v| push(v.map(|v| (v.abs_diff(least) as f64 - centre) / scale)));
    } else {
        let shifted = |v: f64| {
            let distance = (v - mean) / scale;
            // −1e308 is further from 1e308 than a float can tell.
            if distance.is_finite() { distance } else { v / scale - mean / scale }
        };
        series.f64()?.iter().for_each(|v| push(v.filter(|v| v.is_finite()).map(shifted)));
    }
    part.x = part.values.iter().sum();
    part.xx = dot(&part.values, &part.values);
    Ok(part)
}

/// Σ a·b, in eight lanes.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0f64; 8];
    let (mut left, mut right) = (a.chunks_exact(8), b.chunks_exact(8));
    for (a, b) in (&mut left).zip(&mut right) {
        for ((lane, x), y) in lanes.iter_mut().zip(a).zip(b) {
            *lane += x * y;
        }
    }
    let rest: f64 = left.remainder().iter().zip(right.remainder()).map(|(x, y)| x * y).sum();
    lanes.iter().sum::<f64>() + rest
}

fn together(a: &Part, b: &Part) -> Pair {
    if a.complete && b.complete {
        let n = a.values.len() as f64;
        return Pair { n, x: a.x, y: b.x, xx: a.xx, yy: b.xx, xy: dot(&a.values, &b.values) };
    }
    let mut s = Pair::default();
    let present = a.present.iter().zip(&b.present);
    for ((x, y), (p, q)) in a.values.iter().zip(&b.values).zip(present) {
        let both = p * q;
        s.n += both;
        s.x += x * both;
        s.y += y * both;
        s.xx += x * x * both;
        s.yy += y * y * both;
        s.xy += x * y;
    }
    s
}

impl Pair {
    fn add(&mut self, other: &Self) {
        self.n += other.n;
        self.x += other.x;
        self.y += other.y;
        self.xx += other.xx;
        self.yy += other.yy;
        self.xy += other.xy;
    }
}

fn coefficient(pair: &Pair) -> Option<f64> {
    if pair.n < 2.0 {
        return None;
    }
    let xx = pair.xx - pair.x * pair.x / pair.n;
    let yy = pair.yy - pair.y * pair.y / pair.n;
    let xy = pair.xy - pair.x * pair.y / pair.n;
    // What is left of a constant after rounding is not a spread.
    let least = |squares: f64| 1e-13 * squares + 1e-20 * pair.n;
    if xx <= least(pair.xx) || yy <= least(pair.yy) {
        return None;
    }
    let r = xy / (xx * yy).sqrt();
    r.is_finite().then(|| r.clamp(-1.0, 1.0))
}
