//! Arrow IPC that others wrote, a file or a stream, record batch by record batch. Its types become the dataset's six as
//! those of foreign Parquet do.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use dropforge_shared::page::{Column as TableColumn, ColumnType};
use polars::prelude::{ArrowDataType, ArrowSchema, Column, DataFrame, Field, IntoColumn, PlSmallStr, Schema};
use polars_arrow::array::{Array, PrimitiveArray};
use polars_arrow::io::ipc::read::{
    FileReader, StreamReader, StreamState, read_file_metadata, read_stream_metadata,
};
use polars_arrow::record_batch::RecordBatchT;

use crate::error::Error;
use crate::ingest::DATASET;
use crate::limits::Limits;
use crate::monitor::{Level, Monitor};
use crate::parquet::foreign::{Target, series};
use crate::parquet::{column_type, guarded};
use crate::recognise::Format;
use crate::sniff;
use crate::told::Ingested;
use crate::types::nulls::null_map;
use crate::write::{DatasetWriter, ROW_GROUP_ROWS};

type Batch = RecordBatchT<Box<dyn Array>>;

/// Bytes that one record batch may have in the file: it is in memory whole.
const BATCH_BYTES: i64 = 1 << 30;

enum Batches {
    File(Box<FileReader<BufReader<File>>>),
    Stream(Box<StreamReader<BufReader<File>>>),
}

impl Batches {
    fn open(path: &Path) -> Result<Self, Error> {
        let mut magic = [0u8; 6];
        let mut file = BufReader::new(File::open(path).map_err(Error::io("open", path))?);
        file.read_exact(&mut magic).map_err(Error::io("read", path))?;
        let mut file = BufReader::new(File::open(path).map_err(Error::io("open", path))?);
        if &magic != b"ARROW1" {
            return read(path, || {
                let metadata = read_stream_metadata(&mut file)?;
                Ok(Self::Stream(Box::new(StreamReader::new(file, metadata, None))))
            });
        }
        let metadata = read(path, || read_file_metadata(&mut file))?;
        if let Some(block) = metadata.blocks.iter().find(|b| b.body_length > BATCH_BYTES) {
            return Err(Error::Limit {
                what: format!("a record batch of {} bytes", block.body_length),
                place: format!("byte {} of {}", block.offset, path.display()),
                limit: format!("{BATCH_BYTES} bytes, as a batch is held in memory"),
                way_out: "write the file again in smaller batches, or as Parquet",
            });
        }
        Ok(Self::File(Box::new(FileReader::new(file, metadata, None, None))))
    }

    fn schema(&self) -> &ArrowSchema {
        match self {
            Self::File(reader) => reader.schema(),
            Self::Stream(reader) => reader.schema(),
        }
    }

    fn next(&mut self, path: &Path) -> Result<Option<Batch>, Error> {
        read(path, || match self {
            Self::File(reader) => reader.next().transpose(),
            // A stream that waits has ended: a file does not grow.
            Self::Stream(reader) => match reader.next().transpose()? {
                Some(StreamState::Some(batch)) => Ok(Some(batch)),
                Some(StreamState::Waiting) | None => Ok(None),
            },
        })
    }
}

/// Runs the library on bytes that it did not write.
fn read<T>(path: &Path, work: impl FnOnce() -> polars::prelude::PolarsResult<T>) -> Result<T, Error> {
    guarded(path, work).map_err(|error| match error {
        Error::Parquet { path, reason } => {
            // What the library says of broken flatbuffers is the inside of its error type.
            let known = !reason.contains("ErrorLocation");
            let reason = if known { reason } else { "a message of it is damaged".to_owned() };
            Error::Damaged { path, form: "Arrow", place: "its messages".to_owned(), reason }
        }
        other => other,
    })
}

/// Takes in an Arrow file or stream of a user.
pub(crate) fn ingest(
    source: &Path,
    out_dir: &Path,
    limits: &Limits,
    monitor: &mut dyn Monitor,
) -> Result<Ingested, Error> {
    let mut batches = Batches::open(source)?;
    let fields: Vec<_> = batches.schema().iter_values().cloned().collect();
    if fields.len() > limits.max_columns {
        return Err(Error::Limit {
            what: format!("{} columns", fields.len()),
            place: source.display().to_string(),
            limit: format!("{} columns", limits.max_columns),
            way_out: "reshape the table to rows",
        });
    }
    if fields.is_empty() {
        return Err(Error::NotATable {
            path: source.to_path_buf(),
            reason: "it is Arrow without columns".to_owned(),
        });
    }
    let names = sniff::unique(fields.iter().map(|f| f.name.to_string()).collect());
    let mut targets: Vec<Target> = fields.iter().map(|f| Target::of(&f.dtype)).collect();
    let mut notes = Vec::new();
    for at in beyond_signed(source, &fields.iter().map(|f| f.dtype.clone()).collect::<Vec<_>>(), monitor)? {
        if let (Some(target), Some(name)) = (targets.get_mut(at), names.get(at)) {
            *target = Target::Printed;
            let note = format!("column {name}: integers beyond 64 signed bits; kept as text");
            monitor.log(Level::Warn, &note);
            notes.push(note);
        }
    }
    let stored = |(name, target): (&String, &Target)| Field::new(PlSmallStr::from_str(name), target.stored());
    let schema: Schema = names.iter().zip(&targets).map(stored).collect();
    let columns = schema
        .iter()
        .map(|(name, dtype)| TableColumn {
            name: name.to_string(),
            kind: column_type(dtype).unwrap_or(ColumnType::Text),
        })
        .collect();
    let writer = DatasetWriter::create(&out_dir.join(DATASET), &schema)?;
    let mut nulls = vec![0u64; names.len()];
    let (mut rows, mut count) = (0u64, 0u64);
    monitor.stage("read", None, "rows");
    while let Some(batch) = batches.next(source)? {
        count += 1;
        let height = batch.len();
        let arrays = batch.into_arrays();
        let mut at = 0;
        // A batch may have millions of rows; a page should not have to read so many.
        while at < height {
            if monitor.cancelled() {
                return Err(Error::Cancelled);
            }
            let length = ROW_GROUP_ROWS.min(height - at);
            let frame = read(source, || {
                let columns = names.iter().zip(&targets).zip(&arrays).map(|((name, target), array)| {
                    series(name, array.sliced(at, length).as_ref(), *target).map(IntoColumn::into_column)
                });
                DataFrame::new(length, columns.collect::<Result<Vec<Column>, _>>()?)
            })?;
            for (total, column) in nulls.iter_mut().zip(frame.columns()) {
                *total += column.null_count() as u64;
            }
            writer.write(writer.encode(&frame)?)?;
            at += length;
            rows += length as u64;
            monitor.progress(rows);
        }
    }
    writer.finish()?;
    let form = if matches!(batches, Batches::File(_)) { "file" } else { "stream" };
    Ok(Ingested {
        header: true,
        rows,
        columns,
        null_tokens: nulls.into_iter().map(null_map).collect(),
        how: format!("Arrow {form} with {count} record batches"),
        notes,
        ..Ingested::bare(Format::Arrow)
    })
}

/// The columns of unsigned integers that have values beyond the signed range; they keep their digits as text.
fn beyond_signed(
    source: &Path,
    types: &[ArrowDataType],
    monitor: &mut dyn Monitor,
) -> Result<Vec<usize>, Error> {
    let unsigned: Vec<usize> =
        (0..types.len()).filter(|at| types.get(*at) == Some(&ArrowDataType::UInt64)).collect();
    if unsigned.is_empty() {
        return Ok(unsigned);
    }
    let mut beyond = vec![false; types.len()];
    let mut batches = Batches::open(source)?;
    while let Some(batch) = batches.next(source)? {
        if monitor.cancelled() {
            return Err(Error::Cancelled);
        }
        for at in &unsigned {
            let array =
                batch.arrays().get(*at).and_then(|a| a.as_any().downcast_ref::<PrimitiveArray<u64>>());
            let large = array.is_some_and(|a| a.iter().flatten().any(|v| i64::try_from(*v).is_err()));
            if let Some(slot) = beyond.get_mut(*at) {
                *slot |= large;
            }
        }
    }
    Ok(unsigned.into_iter().filter(|at| beyond.get(*at) == Some(&true)).collect())
}
