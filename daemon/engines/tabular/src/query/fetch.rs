//! Brings rows of a dataset by their numbers, and decodes no others. Must not know of statements.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::Ordering;

use polars::io::parquet::read::_internal::to_deserializer;
use polars::io::parquet::read::ParquetReader;
use polars::prelude::{
    ArrowField, Column, DataFrame, IdxCa, IdxSize, IntoColumn as _, SerReader as _, Series,
};
use polars_arrow::array::Array;
use polars_arrow::bitmap::{Bitmap, MutableBitmap};
use polars_parquet::arrow::read::Filter;

use super::watch::Stop;
use crate::error::Error;
use crate::parquet::guarded;

/// The rows of these numbers, in this order, with these columns, or all.
pub(super) fn rows(
    path: &Path,
    numbers: &[IdxSize],
    columns: Option<&BTreeSet<String>>,
    stop: &Stop,
) -> Result<DataFrame, Error> {
    let open = || File::open(path).map_err(Error::io("open", path));
    let (file, again) = (open()?, open()?);
    let (fields, metadata) = guarded(path, || {
        let mut reader = ParquetReader::new(again);
        let fields: Vec<ArrowField> = reader.schema()?.iter_values().cloned().collect();
        Ok((fields, reader.get_metadata()?.clone()))
    })?;
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    // Of each group that has any: which of its rows.
    let mut masks: Vec<(usize, Bitmap)> = Vec::new();
    let (mut start, mut left) = (0usize, sorted.as_slice());
    for (at, group) in metadata.row_groups.iter().enumerate() {
        let end = start + group.num_rows();
        let (here, rest) = left.split_at(left.partition_point(|row| (*row as usize) < end));
        left = rest;
        if !here.is_empty() {
            let mut mask = MutableBitmap::from_len_zeroed(group.num_rows());
            here.iter().for_each(|row| mask.set(*row as usize - start, true));
            masks.push((at, mask.freeze()));
        }
        start = end;
    }
    let order: Vec<IdxSize> =
        numbers.iter().map(|row| sorted.partition_point(|other| other < row) as IdxSize).collect();
    let order = IdxCa::from_vec("row".into(), order);
    let mut found: Vec<Column> = Vec::new();
    for field in fields.iter().filter(|f| columns.is_none_or(|wanted| wanted.contains(f.name.as_str()))) {
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Cancelled);
        }
        found.push(guarded(path, || {
            let mut arrays: Vec<Box<dyn Array>> = Vec::new();
            for (at, mask) in &masks {
                let Some(group) = metadata.row_groups.get(*at) else { continue };
                let mut chunks = Vec::new();
                for chunk in group.columns_under_root_iter(&field.name).into_iter().flatten() {
                    let range = chunk.byte_range();
                    let mut bytes =
                        vec![0u8; usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(0)];
                    file.read_exact_at(&mut bytes, range.start)?;
                    chunks.push((chunk, bytes.into()));
                }
                arrays.extend(to_deserializer(chunks, field.clone(), Some(Filter::Mask(mask.clone())))?.0);
            }
            if arrays.is_empty() {
                let none = polars_arrow::array::new_empty_array(field.dtype().clone());
                return Ok(Series::try_from((field, vec![none]))?.into_column());
            }
            Series::try_from((field, arrays))?.take(&order).map(Series::into_column)
        })?);
    }
    guarded(path, || DataFrame::new(numbers.len(), found))
}
