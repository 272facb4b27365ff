//! Brings rows of a dataset by their numbers, and decodes no others. Must not know of statements.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::Ordering;

use polars::prelude::{Column, DataFrame, IdxCa, IdxSize, IntoColumn as _};

use super::watch::Stop;
use crate::error::Error;
use crate::parquet::guarded;
use crate::view::columns::Table;

/// The rows of these numbers, in this order, with these columns, or all.
pub(super) fn rows(
    path: &Path,
    numbers: &[IdxSize],
    columns: Option<&BTreeSet<String>>,
    stop: &Stop,
) -> Result<DataFrame, Error> {
    let table = Table::open(path)?;
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    let parts = table.wanted(&sorted);
    let order: Vec<IdxSize> =
        numbers.iter().map(|row| sorted.partition_point(|other| other < row) as IdxSize).collect();
    let order = IdxCa::from_vec("row".into(), order);
    let mut found: Vec<Column> = Vec::new();
    let wanted = |name: &String| columns.is_none_or(|columns| columns.contains(name));
    for (at, _) in table.columns.iter().enumerate().filter(|(_, column)| wanted(&column.name)) {
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Cancelled);
        }
        let read = parts.iter().map(|part| table.read(part.group, at, Some(&part.mask)));
        let arrays = read.map(|values| values.map(|v| v.array().to_boxed())).collect::<Result<_, _>>()?;
        let series = table.series(at, arrays)?;
        found.push(guarded(path, || series.take(&order))?.into_column());
    }
    guarded(path, || DataFrame::new(numbers.len(), found))
}
