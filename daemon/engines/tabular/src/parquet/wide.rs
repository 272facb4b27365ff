//! Columns of a wide table, one by one. Each reading goes through the schema of all columns first, so that reading each of
//! ten thousand by itself would take the square of that: a few hundred are read at a time, and the last of them are kept.

use std::sync::{Mutex, PoisonError};

use polars::prelude::Series;

use super::Dataset;
use crate::error::Error;

/// From so many columns on.
const WIDE: usize = 256;
/// Cells that are kept: 1 Mi numbers are 8 MiB.
const CELLS: u64 = 1 << 20;

/// The columns that were read last.
#[derive(Default)]
pub(super) struct Kept(Mutex<Option<(usize, Vec<Series>)>>);

impl Dataset {
    /// Some rows of a column; fewer where the table ends.
    pub(crate) fn column(&self, index: usize, offset: u64, rows: u64) -> Result<Series, Error> {
        let batch = (CELLS / self.rows.max(1)).min(self.columns.len() as u64) as usize;
        if self.columns.len() < WIDE || batch < 2 {
            return first(self.read(Some(vec![index]), offset, rows)?.columns());
        }
        let begin = index / batch * batch;
        let mut kept = self.kept.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.as_ref().is_none_or(|(at, _)| *at != begin) {
            let all = (begin..(begin + batch).min(self.columns.len())).collect();
            let frame = self.read(Some(all), 0, self.rows)?;
            let columns = frame.columns().iter().map(|c| c.as_materialized_series().clone()).collect();
            *kept = Some((begin, columns));
        }
        let column = kept.as_ref().and_then(|(at, columns)| columns.get(index - at));
        let column = column.ok_or_else(|| Error::Internal(format!("there is no column {index}")))?;
        Ok(column.slice(offset as i64, rows as usize))
    }
}

fn first(columns: &[polars::prelude::Column]) -> Result<Series, Error> {
    let column = columns.first().ok_or_else(|| Error::Internal("a column came without its rows".into()))?;
    Ok(column.as_materialized_series().clone())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::parquet::Dataset;
    use crate::{ReadOptions, Silent, ingest};

    fn dataset(dir: &Path, width: usize, rows: usize) -> Dataset {
        let line = |row: usize| (0..width).map(|c| (c * 10 + row).to_string()).collect::<Vec<_>>().join(",");
        let names = (0..width).map(|c| format!("c{c}")).collect::<Vec<_>>().join(",");
        let text = std::iter::once(names).chain((0..rows).map(line)).collect::<Vec<_>>().join("\n");
        std::fs::write(dir.join("in"), text).unwrap();
        ingest(&dir.join("in"), dir, &ReadOptions::default(), &mut Silent).unwrap();
        Dataset::open(&dir.join("dataset.parquet")).unwrap()
    }

    #[test]
    fn a_column_of_a_wide_table_is_the_same_however_it_is_read() {
        for width in [3, 600, 3_000] {
            let dir = tempfile::tempdir().unwrap();
            let dataset = dataset(dir.path(), width, 500);
            // To and fro, as two threads do.
            for index in [0, width - 1, 1, width / 2, 0] {
                for (offset, rows) in [(0, 500), (100, 7), (499, 10)] {
                    let column = dataset.column(index, offset, rows).unwrap();
                    let alone = dataset.read(Some(vec![index]), offset, rows).unwrap();
                    assert!(
                        column.equals(alone.columns()[0].as_materialized_series()),
                        "{width} {index} {offset}"
                    );
                }
            }
        }
    }
}
