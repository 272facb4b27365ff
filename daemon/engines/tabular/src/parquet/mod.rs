//! Parquet: what users bring is rewritten to the dataset's own form; what was written is read back.

mod decimal;
pub(crate) mod foreign;
mod print;
mod wide;

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use dropforge_shared::page::{Column, ColumnType};
use polars::io::parquet::metadata::FileMetadataRef;
use polars::io::parquet::read::{ParallelStrategy, ParquetReader};
use polars::prelude::{DataFrame, DataType, SerReader, TimeUnit};

use crate::error::Error;
use crate::pass::panic_text;

/// A Parquet file whose footer has been read; parts are read on demand.
pub(crate) struct Dataset {
    path: PathBuf,
    /// The footer, read once: a file of many columns and row groups has a long one.
    metadata: FileMetadataRef,
    /// Rows in the whole file.
    pub(crate) rows: u64,
    /// The columns, in file order.
    pub(crate) columns: Vec<Column>,
    kept: wide::Kept,
}

/// Runs Polars on bytes that it did not write; its panics become errors.
pub(crate) fn guarded<T>(
    path: &Path,
    work: impl FnOnce() -> polars::prelude::PolarsResult<T>,
) -> Result<T, Error> {
    let fault = |reason: String| Error::Parquet { path: path.to_path_buf(), reason };
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(fault(error.to_string())),
        Err(cause) => Err(fault(panic_text(cause.as_ref()))),
    }
}

/// The same for work of this crate around it.
pub(crate) fn guarded_work<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|cause| Err(Error::Internal(panic_text(cause.as_ref()))))
}

/// The type a stored column has for a user; `None` where it is nothing that the dataset's form holds.
pub(crate) fn column_type(dtype: &DataType) -> Option<ColumnType> {
    match dtype {
        DataType::Int64 => Some(ColumnType::Integer),
        DataType::Float64 => Some(ColumnType::Float),
        DataType::Boolean => Some(ColumnType::Boolean),
        DataType::Date => Some(ColumnType::Date),
        DataType::Datetime(TimeUnit::Microseconds, None) => Some(ColumnType::Datetime),
        DataType::String => Some(ColumnType::Text),
        _ => None,
    }
}

impl Dataset {
    /// Opens a dataset that this crate wrote.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(Error::io("open", path))?;
        guarded(path, || {
            let mut reader = ParquetReader::new(file);
            let schema = reader.schema()?;
            let metadata = reader.get_metadata()?.clone();
            let rows = metadata.num_rows as u64;
            let columns = schema
                .iter_values()
                .map(|field| {
                    let kind = column_type(&DataType::from_arrow_field(field)).unwrap_or(ColumnType::Text);
                    Column { name: field.name.to_string(), kind }
                })
                .collect();
            Ok(Self { path: path.to_path_buf(), metadata, rows, columns, kept: wide::Kept::default() })
        })
    }

    /// The rows of each row group, in order.
    pub(crate) fn group_rows(&self) -> Vec<u64> {
        self.metadata.row_groups.iter().map(|g| g.num_rows() as u64).collect()
    }

    /// Bytes of the encoded values of each column.
    pub(crate) fn column_bytes(&self) -> Vec<u64> {
        let mut bytes = vec![0u64; self.columns.len()];
        for group in &self.metadata.row_groups {
            for (sum, chunk) in bytes.iter_mut().zip(group.parquet_columns()) {
                *sum = sum.saturating_add(u64::try_from(chunk.uncompressed_size()).unwrap_or(0));
            }
        }
        bytes
    }

    /// Ranges (first row, rows) of `about` rows or fewer that cover the file in order. They end where row groups end,
    /// because reading across a border decodes groups twice, and hold 64 MiB of encoded values at most.
    pub(crate) fn parts(&self, about: u64) -> Vec<(u64, u64)> {
        const PART_BYTES: u64 = 64 << 20;
        let mut parts: Vec<(u64, u64)> = Vec::new();
        let mut at = 0;
        let mut bytes = 0;
        for group in &self.metadata.row_groups {
            let rows = group.num_rows() as u64;
            let size = group.total_byte_size() as u64;
            let room = |last: &&mut (u64, u64)| last.1 + rows <= about && bytes + size <= PART_BYTES;
            if let Some(last) = parts.last_mut().filter(room) {
                last.1 += rows;
                bytes += size;
            } else {
                let most = (rows * PART_BYTES / size.max(PART_BYTES)).clamp(1, about.max(1));
                let mut done = 0;
                while done < rows {
                    parts.push((at + done, most.min(rows - done)));
                    done += most;
                }
                // What was cut is not added to.
                bytes = if most < rows { PART_BYTES } else { size };
            }
            at += rows;
        }
        parts
    }

    /// Some rows of some columns (all where `columns` is `None`), on the calling thread.
    pub(crate) fn read(
        &self,
        columns: Option<Vec<usize>>,
        offset: u64,
        rows: u64,
    ) -> Result<DataFrame, Error> {
        let file = File::open(&self.path).map_err(Error::io("open", &self.path))?;
        guarded(&self.path, || {
            let mut reader = ParquetReader::new(file);
            reader.set_metadata(self.metadata.clone());
            reader
                .with_projection(columns)
                .with_slice(Some((offset as usize, rows as usize)))
                .read_parallel(ParallelStrategy::None)
                .finish()
        })
    }
}
