//! A bounded sample of a dataset's rows, for what a profile cannot tell: how values of one row stand to each other,
//! in what order times come, how texts are built. Knows nothing of types of data.

use std::path::Path;

use dropforge_shared::page::{Column, ColumnType};
use polars::prelude::{DataType, Series};

use crate::error::Error;
use crate::parquet::Dataset;

/// Columns that are looked at. Wider tables are judged by the first ones; the evidence says so.
pub(crate) const COLUMNS: usize = 1_000;
/// Rows of a block of numbers; blocks lie at the beginning, in the middle and at the end.
const ROWS: u64 = 1_000;
/// Rows of a block of texts, which may be long.
const TEXT_ROWS: u64 = 150;
/// Bytes of a text that are looked at.
const TEXT_BYTES: usize = 2_000;

/// The sampled values of one column. Numbers and times stand row by row with those of other columns.
#[derive(Debug, Clone, Default)]
pub(crate) struct Values {
    /// Numbers; dates and times in microseconds.
    pub(crate) numbers: Vec<Option<f64>>,
    /// Texts that are not missing, cut at [`TEXT_BYTES`].
    pub(crate) texts: Vec<String>,
    /// Where the blocks of `numbers` begin: order says nothing across them.
    pub(crate) starts: Vec<usize>,
}

/// Samples the first [`COLUMNS`] columns of a dataset written by [`crate::ingest`].
///
/// # Errors
/// Where the file cannot be read.
pub(crate) fn sample(path: &Path) -> Result<Vec<Values>, Error> {
    let dataset = Dataset::open(path)?;
    let looked: Vec<(usize, &Column)> = dataset.columns.iter().enumerate().take(COLUMNS).collect();
    let mut all = vec![Values::default(); looked.len()];
    let is_text = |column: &Column| column.kind == ColumnType::Text;
    for (text, rows) in [(false, ROWS), (true, TEXT_ROWS)] {
        let wanted: Vec<usize> =
            looked.iter().filter(|(_, c)| is_text(c) == text).map(|(index, _)| *index).collect();
        if wanted.is_empty() {
            continue;
        }
        for (offset, rows) in blocks(dataset.rows, rows) {
            let frame = dataset.read(Some(wanted.clone()), offset, rows)?;
            for column in frame.columns() {
                let name = column.name().as_str();
                let Some((index, _)) = looked.iter().find(|(_, c)| c.name == name) else { continue };
                let Some(values) = all.get_mut(*index) else { continue };
                let series = column.as_materialized_series();
                add(series, values).map_err(|e| Error::Internal(e.to_string()))?;
            }
        }
    }
    Ok(all)
}

/// Offset and length of up to three blocks that do not overlap.
fn blocks(total: u64, rows: u64) -> Vec<(u64, u64)> {
    if total <= 3 * rows {
        return vec![(0, total)];
    }
    vec![(0, rows), ((total - rows) / 2, rows), (total - rows, rows)]
}

fn add(series: &Series, values: &mut Values) -> polars::prelude::PolarsResult<()> {
    if series.dtype() == &DataType::String {
        for text in series.str()?.iter().flatten() {
            let end = crate::types::floor_boundary(text, TEXT_BYTES.min(text.len()));
            values.texts.push(text.get(..end).unwrap_or_default().to_owned());
        }
        return Ok(());
    }
    values.starts.push(values.numbers.len());
    let physical = series.to_physical_repr();
    let scale = if series.dtype() == &DataType::Date { 86_400e6 } else { 1.0 };
    let floats = physical.cast(&DataType::Float64)?;
    values.numbers.extend(floats.f64()?.iter().map(|v| v.filter(|v| v.is_finite()).map(|v| v * scale)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_never_overlap_and_never_pass_the_end() {
        assert_eq!(blocks(10, 1_000), [(0, 10)]);
        assert_eq!(blocks(3_001, 1_000), [(0, 1_000), (1_000, 1_000), (2_001, 1_000)]);
        assert_eq!(blocks(0, 1_000), [(0, 0)]);
    }
}
