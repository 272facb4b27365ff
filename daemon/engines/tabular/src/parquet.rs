//! Parquet: what users bring is rewritten to the dataset's own form; what was written is read back.

use std::collections::BTreeMap;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use dropforge_shared::page::{Column, ColumnType};
use polars::io::parquet::metadata::FileMetadataRef;
use polars::io::parquet::read::{ParallelStrategy, ParquetReader};
use polars::prelude::{DataFrame, DataType, Field, Schema, SerReader, TimeUnit};

use crate::error::Error;
use crate::ingest::{DATASET, Ingested};
use crate::limits::Limits;
use crate::monitor::Monitor;
use crate::pass::panic_text;
use crate::recognise::Format;
use crate::write::{DatasetWriter, ROW_GROUP_ROWS};

/// A Parquet file whose footer has been read; parts are read on demand.
pub(crate) struct Dataset {
    path: PathBuf,
    /// The footer, read once: a file of many columns and row groups has a long one.
    metadata: FileMetadataRef,
    /// Rows in the whole file.
    pub(crate) rows: u64,
    /// Rows of each row group, in order.
    pub(crate) groups: Vec<u64>,
    /// The columns, in file order.
    pub(crate) columns: Vec<Column>,
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
            let groups: Vec<u64> = metadata.row_groups.iter().map(|g| g.num_rows() as u64).collect();
            let rows = metadata.num_rows as u64;
            let columns = schema
                .iter_values()
                .map(|field| {
                    let kind = column_type(&DataType::from_arrow_field(field)).unwrap_or(ColumnType::Text);
                    Column { name: field.name.to_string(), kind }
                })
                .collect();
            Ok(Self { path: path.to_path_buf(), metadata, rows, groups, columns })
        })
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

/// Takes in a Parquet file of a user.
pub(crate) fn ingest(
    source: &Path,
    out_dir: &Path,
    limits: &Limits,
    monitor: &mut dyn Monitor,
) -> Result<Ingested, Error> {
    let dataset = Dataset::open(source)?;
    if dataset.columns.len() > limits.max_columns {
        return Err(Error::Limit {
            what: format!("{} columns", dataset.columns.len()),
            place: source.display().to_string(),
            limit: format!("{} columns", limits.max_columns),
            way_out: "reshape the table to rows",
        });
    }
    monitor.stage("read", Some(dataset.rows), "rows");
    let empty = dataset.read(None, 0, 0)?;
    let fields: Vec<Field> =
        empty.schema().iter().map(|(name, dtype)| Field::new(name.clone(), stored_type(dtype))).collect();
    let columns: Vec<Column> = fields
        .iter()
        .map(|f| Column { name: f.name.to_string(), kind: column_type(&f.dtype).unwrap_or(ColumnType::Text) })
        .collect();
    let schema: Schema = fields.iter().cloned().collect();
    let writer = DatasetWriter::create(&out_dir.join(DATASET), &schema)?;
    let mut nulls = vec![0u64; columns.len()];
    let mut done = 0;
    while done < dataset.rows {
        if monitor.cancelled() {
            return Err(Error::Cancelled);
        }
        let frame = dataset.read(None, done, ROW_GROUP_ROWS as u64)?;
        let height = frame.height() as u64;
        if height == 0 {
            break;
        }
        let cast = guarded(source, || {
            let columns = frame
                .columns()
                .iter()
                .zip(&fields)
                .map(|(column, field)| column.cast(&field.dtype))
                .collect::<polars::prelude::PolarsResult<Vec<_>>>()?;
            let mut frame = DataFrame::new(frame.height(), columns)?;
            frame.rechunk_mut();
            Ok(frame)
        })?;
        for (total, column) in nulls.iter_mut().zip(cast.columns()) {
            *total += column.null_count() as u64;
        }
        writer.write(writer.encode(&cast)?)?;
        done += height;
        monitor.progress(done);
    }
    writer.finish()?;
    let null_tokens = nulls
        .iter()
        .map(|n| if *n == 0 { BTreeMap::new() } else { BTreeMap::from([("null".to_owned(), *n)]) })
        .collect();
    Ok(Ingested {
        format: Format::Parquet,
        compression: None,
        encoding: None,
        delimiter: None,
        header: true,
        rows: done,
        rejected_rows: 0,
        columns,
        null_tokens,
        how: format!("Parquet with {} row groups", dataset.groups.len()),
        notes: Vec::new(),
    })
}

/// What a type of Polars is stored as.
fn stored_type(dtype: &DataType) -> DataType {
    match dtype {
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => DataType::Int64,
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => DataType::Int64,
        DataType::UInt64 | DataType::Float32 | DataType::Float64 => DataType::Float64,
        DataType::Boolean => DataType::Boolean,
        DataType::Date => DataType::Date,
        DataType::Datetime(_, _) => DataType::Datetime(TimeUnit::Microseconds, None),
        _ => DataType::String,
    }
}
