//! The least and the greatest integer of each column of a dataset, as its footer has them. Must not know of statements.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use polars::io::parquet::read::ParquetReader;
use polars::prelude::SerReader as _;
use polars_parquet::parquet::statistics::Statistics;

use super::ranges::Range;
use crate::parquet::guarded;

/// The columns' bounds by name; columns that are not of integers, or whose bounds are not told, are left out.
pub(super) fn of(path: &Path) -> BTreeMap<String, Range> {
    let Ok(file) = File::open(path) else { return BTreeMap::new() };
    let read = guarded(path, || {
        let mut reader = ParquetReader::new(file);
        let metadata = reader.get_metadata()?.clone();
        let mut found: BTreeMap<String, Option<(i64, i64)>> = BTreeMap::new();
        for group in &metadata.row_groups {
            for chunk in group.parquet_columns() {
                let Some(Ok(Statistics::Int64(told))) = chunk.statistics(&metadata.footer_buf) else {
                    continue;
                };
                let bounds = told.min_value.zip(told.max_value);
                // A group in which all are missing has no bounds, and needs none.
                let none = told.null_count.is_some_and(|n| n == chunk.num_values());
                let Some(name) = chunk.descriptor().path_in_schema.first() else { continue };
                let known = found.entry(name.to_string()).or_insert(Some((i64::MAX, i64::MIN)));
                *known = match (*known, bounds) {
                    (Some(known), Some(new)) => Some((known.0.min(new.0), known.1.max(new.1))),
                    (known, None) if none => known,
                    _ => None,
                };
            }
        }
        Ok(found)
    });
    let bounds = |(least, greatest)| {
        if least > greatest { Range::column(0, 0) } else { Range::column(least, greatest) }
    };
    read.unwrap_or_default().into_iter().filter_map(|(name, found)| Some((name, bounds(found?)))).collect()
}
