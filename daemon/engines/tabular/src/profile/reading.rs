//! A column read part by part, and the evenly spaced sample that associations are taken from.

use dropforge_shared::page::ColumnType;
use polars::prelude::{DataType, PolarsResult, Series};
use polars_arrow::array::{Array as _, StaticArray as _};

use super::keys::Number;
use crate::error::Error;
use crate::parquet::Dataset;

/// Rows in the sample; all rows of a smaller table. A prime, so that the step is no round number and no week, month or
/// other cycle in the rows goes along with it. The standard error of a correlation is then below 0.003.
pub(crate) const SAMPLE_ROWS: u64 = 131_071;

/// One column of a dataset.
pub(crate) struct Parts<'a> {
    pub(crate) dataset: &'a Dataset,
    pub(crate) index: usize,
    /// Row ranges that a part is read by.
    pub(crate) ranges: &'a [(u64, u64)],
    pub(crate) stopped: &'a dyn Fn() -> bool,
}

impl Parts<'_> {
    /// Hands each part of the column, with its first row's number, to `take` until it says that it has enough.
    pub(crate) fn each(&self, mut take: impl FnMut(u64, &Series) -> PolarsResult<bool>) -> Result<(), Error> {
        for (at, rows) in self.ranges {
            if (self.stopped)() {
                return Err(Error::Cancelled);
            }
            let column = self.dataset.column(self.index, *at, *rows)?;
            if column.is_empty() || !take(*at, &column).map_err(|e| Error::Internal(e.to_string()))? {
                break;
            }
        }
        Ok(())
    }

    /// Hands the keys of all values that are neither missing nor infinite nor NaN to `take`, part by part.
    pub(crate) fn keys(&self, kind: ColumnType, take: &mut dyn FnMut(&[u64])) -> Result<(), Error> {
        let mut keys = Vec::new();
        self.each(|_, series| {
            keys.clear();
            keys_of(kind, series, &mut keys)?;
            take(&keys);
            Ok(true)
        })
    }
}

/// Adds the keys of a part's finite values.
pub(crate) fn keys_of(kind: ColumnType, series: &Series, keys: &mut Vec<u64>) -> PolarsResult<()> {
    if kind == ColumnType::Float {
        for array in series.f64()?.downcast_iter() {
            if array.null_count() == 0 {
                keys.extend(array.values().iter().filter(|v| v.is_finite()).map(|v| v.key()));
            } else {
                keys.extend(array.iter().flatten().filter(|v| v.is_finite()).map(|v| v.key()));
            }
        }
        return Ok(());
    }
    let whole = whole(series)?;
    for array in whole.i64()?.downcast_iter() {
        if array.null_count() == 0 {
            keys.extend(array.values().iter().map(|v| v.key()));
        } else {
            keys.extend(array.iter().flatten().map(|v| v.key()));
        }
    }
    Ok(())
}

/// Integers as they are; days and microseconds as integers.
fn whole(series: &Series) -> PolarsResult<Series> {
    match series.dtype() {
        DataType::Int64 => Ok(series.clone()),
        _ => series.to_physical_repr().cast(&DataType::Int64),
    }
}

/// The rows of the sample, in order.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    rows: u64,
    size: u64,
    next: u64,
}

impl Sample {
    /// Of a table of `rows`.
    pub(crate) fn new(rows: u64) -> Self {
        Self { rows, size: rows.min(SAMPLE_ROWS), next: 0 }
    }

    /// How many rows it has.
    pub(crate) fn size(&self) -> usize {
        self.size as usize
    }

    /// The next row of the sample, if it is one of `from..to`, by its distance from `from`.
    pub(crate) fn within(&mut self, from: u64, to: u64) -> Option<usize> {
        if self.next >= self.size {
            return None;
        }
        let row = (u128::from(self.next) * u128::from(self.rows) / u128::from(self.size)) as u64;
        if row >= to {
            return None;
        }
        self.next += 1;
        Some(row.saturating_sub(from) as usize)
    }

    /// Adds the keys of a part's sampled values; [`MISSING`] where there is no finite one.
    pub(crate) fn keys(
        &mut self,
        kind: ColumnType,
        mut at: u64,
        series: &Series,
        keys: &mut Vec<u64>,
    ) -> PolarsResult<()> {
        // The largest integer is not told from the one before: a tie more.
        let kept = |key: Option<u64>| key.map_or(MISSING, |key| key.min(MISSING - 1));
        if kind == ColumnType::Float {
            for array in series.f64()?.downcast_iter() {
                let to = at + array.len() as u64;
                while let Some(row) = self.within(at, to) {
                    keys.push(kept(array.get(row).filter(|v| v.is_finite()).map(Number::key)));
                }
                at = to;
            }
            return Ok(());
        }
        for array in whole(series)?.i64()?.downcast_iter() {
            let to = at + array.len() as u64;
            while let Some(row) = self.within(at, to) {
                keys.push(kept(array.get(row).map(Number::key)));
            }
            at = to;
        }
        Ok(())
    }
}

/// A sampled value that is not there.
pub(crate) const MISSING: u64 = u64::MAX;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_takes_every_row_of_a_small_table_and_evenly_spaced_ones_of_a_large_one() {
        let mut all = Sample::new(10);
        let first: Vec<usize> = std::iter::from_fn(|| all.within(0, 4)).collect();
        let second: Vec<usize> = std::iter::from_fn(|| all.within(4, 10)).collect();
        assert_eq!((first, second), (vec![0, 1, 2, 3], vec![0, 1, 2, 3, 4, 5]));
        let mut sample = Sample::new(1_000_000);
        let rows: Vec<usize> = std::iter::from_fn(|| sample.within(0, 1_000_000)).collect();
        assert_eq!(rows.len() as u64, SAMPLE_ROWS);
        assert!(rows.windows(2).all(|w| matches!(w[1] - w[0], 7 | 8)));
        // A cycle of eight rows is seen in all its places alike.
        let mut places = [0; 8];
        rows.iter().for_each(|r| places[r % 8] += 1);
        assert!(places.iter().all(|n| *n > 16_000));
    }
}
