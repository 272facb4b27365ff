//! Pearson correlation of the numeric columns, over the rows where both values are there.

use dropforge_shared::page::ColumnType;
use dropforge_shared::profile::{Correlations, Scalar};
use polars::prelude::PolarsResult;

use super::column::Described;
use crate::error::Error;
use crate::monitor::Monitor;
use crate::parquet::Dataset;

/// Columns beyond which no matrix is made: it would be slow to compute and unreadable.
const MAX_COLUMNS: usize = 50;

/// Rows added up at a time. Fixed, so that rounding is the same on any machine.
const PART_ROWS: u64 = 1 << 16;

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
}

/// The matrix; `None` where fewer than two or too many columns are numeric.
pub(crate) fn correlations(
    dataset: &Dataset,
    described: &[Described],
    monitor: &mut dyn Monitor,
) -> Result<Option<Correlations>, Error> {
    let numeric: Vec<(usize, &Described)> =
        described.iter().enumerate().filter(|(_, d)| d.profile.kind.is_numeric()).collect();
    let k = numeric.len();
    if !(2..=MAX_COLUMNS).contains(&k) {
        return Ok(None);
    }
    let mut sums = vec![Pair::default(); k * k];
    let mut at = 0;
    while at < dataset.rows {
        if monitor.cancelled() {
            return Err(Error::Cancelled);
        }
        let frame = dataset.read(Some(numeric.iter().map(|(i, _)| *i).collect()), at, PART_ROWS)?;
        if frame.height() == 0 {
            break;
        }
        at += frame.height() as u64;
        // By name: the reader is free to give projected columns in file order.
        let parts = numeric
            .iter()
            .map(|(_, d)| part(&frame, d))
            .collect::<PolarsResult<Vec<Part>>>()
            .map_err(|e| Error::Internal(e.to_string()))?;
        for (i, a) in parts.iter().enumerate() {
            for (j, b) in parts.iter().enumerate().skip(i + 1) {
                if let Some(pair) = sums.get_mut(i * k + j) {
                    add(pair, a, b);
                }
            }
        }
    }
    let r = |i: usize, j: usize| {
        if i == j {
            let described = numeric.get(i)?.1;
            return (described.profile.std.is_some_and(|s| s > 0.0)).then_some(1.0);
        }
        coefficient(sums.get(i.min(j) * k + i.max(j))?)
    };
    let matrix = (0..k).map(|i| (0..k).map(|j| r(i, j)).collect()).collect();
    let columns = numeric.iter().map(|(_, d)| d.profile.name.clone()).collect();
    Ok(Some(Correlations { columns, matrix }))
}

fn part(frame: &polars::prelude::DataFrame, described: &Described) -> PolarsResult<Part> {
    let profile = &described.profile;
    let column = frame.column(&profile.name)?;
    let series = column.as_materialized_series();
    let scale = profile.std.filter(|s| *s > 0.0 && s.is_finite()).unwrap_or(1.0);
    let mean = profile.mean.unwrap_or(0.0);
    let mut part = Part {
        values: Vec::with_capacity(series.len()),
        present: Vec::with_capacity(series.len()),
        complete: true,
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
        series.f64()?.iter().for_each(|v| push(v.map(|v| v / scale - mean / scale)));
    }
    Ok(part)
}

fn add(pair: &mut Pair, a: &Part, b: &Part) {
    let mut s = Pair::default();
    if a.complete && b.complete {
        s.n = a.values.len() as f64;
        for (x, y) in a.values.iter().zip(&b.values) {
            s.x += x;
            s.y += y;
            s.xx += x * x;
            s.yy += y * y;
            s.xy += x * y;
        }
    } else {
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
    }
    pair.n += s.n;
    pair.x += s.x;
    pair.y += s.y;
    pair.xx += s.xx;
    pair.yy += s.yy;
    pair.xy += s.xy;
}

fn coefficient(pair: &Pair) -> Option<f64> {
    if pair.n < 2.0 {
        return None;
    }
    let xx = pair.xx - pair.x * pair.x / pair.n;
    let yy = pair.yy - pair.y * pair.y / pair.n;
    let xy = pair.xy - pair.x * pair.y / pair.n;
    // What is left of a constant after rounding is not a spread.
    let least = 1e-20 * pair.n;
    if xx <= least || yy <= least {
        return None;
    }
    let r = xy / (xx.sqrt() * yy.sqrt());
    r.is_finite().then(|| r.clamp(-1.0, 1.0))
}
