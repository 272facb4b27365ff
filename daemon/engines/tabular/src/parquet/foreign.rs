//! Parquet that others wrote: any type of theirs becomes one of the dataset's six.
//!
//! Columns are decoded to Arrow arrays and turned here, because Polars with few features refuses most types (small and
//! unsigned integers, decimals, categories, times, nested ones).

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use dropforge_shared::page::Column as TableColumn;
use polars::io::parquet::metadata::FileMetadataRef;
use polars::io::parquet::read::{_internal::to_deserializer, ParquetReader};
use polars::polars_compute::cast::{CastOptionsImpl, cast};
use polars::prelude::{
    ArrowDataType, ArrowField, ArrowTimeUnit, Column, DataFrame, DataType, Field, Float64Chunked,
    Int64Chunked, IntoColumn, IntoSeries, NewChunkedArray, PlSmallStr, PolarsResult, Schema, SerReader,
    Series, StringChunked, TimeUnit,
};
use polars_arrow::array::{Array, BinaryViewArray, PrimitiveArray};

use super::print::print;
use super::{column_type, guarded};
use crate::error::Error;
use crate::ingest::DATASET;
use crate::limits::Limits;
use crate::monitor::{Level, Monitor};
use crate::recognise::Format;
use crate::sniff;
use crate::told::Ingested;
use crate::types::nulls::null_map;
use crate::write::{DatasetWriter, ROW_GROUP_ROWS};

/// What a foreign column becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Integer,
    Float,
    /// A decimal: read through its digits.
    Decimal,
    Boolean,
    Date,
    /// A moment, in units of so many nanoseconds.
    Datetime(i64),
    /// Text as it is.
    Text,
    /// Bytes, shown as text where they are UTF-8.
    Bytes,
    /// Anything else, as it prints: categories, `[1,2]`, `{"a":1}`, `10:30:00`.
    Printed,
}

impl Target {
    /// By the type of a foreign column.
    pub(crate) fn of(dtype: &ArrowDataType) -> Self {
        use ArrowDataType as A;
        match dtype {
            A::Int8 | A::Int16 | A::Int32 | A::Int64 | A::UInt8 | A::UInt16 | A::UInt32 | A::UInt64 => {
                Self::Integer
            }
            A::Float16 | A::Float32 | A::Float64 => Self::Float,
            A::Decimal(..) | A::Decimal32(..) | A::Decimal64(..) | A::Decimal256(..) => Self::Decimal,
            A::Boolean => Self::Boolean,
            A::Date32 => Self::Date,
            A::Date64 => Self::Datetime(1_000_000),
            A::Timestamp(unit, _) => Self::Datetime(match unit {
                ArrowTimeUnit::Second => 1_000_000_000,
                ArrowTimeUnit::Millisecond => 1_000_000,
                ArrowTimeUnit::Microsecond => 1_000,
                ArrowTimeUnit::Nanosecond => 1,
            }),
            A::Utf8 | A::LargeUtf8 | A::Utf8View => Self::Text,
            A::Binary | A::LargeBinary | A::BinaryView => Self::Bytes,
            _ => Self::Printed,
        }
    }

    /// The type that is stored.
    pub(crate) fn stored(self) -> DataType {
        match self {
            Self::Integer => DataType::Int64,
            Self::Float | Self::Decimal => DataType::Float64,
            Self::Boolean => DataType::Boolean,
            Self::Date => DataType::Date,
            Self::Datetime(_) => DataType::Datetime(TimeUnit::Microseconds, None),
            Self::Text | Self::Bytes | Self::Printed => DataType::String,
        }
    }
}

struct Foreign {
    file: File,
    metadata: FileMetadataRef,
    fields: Vec<ArrowField>,
    targets: Vec<Target>,
    names: Vec<String>,
}

/// Takes in a Parquet file of a user.
pub(crate) fn ingest(
    source: &Path,
    out_dir: &Path,
    limits: &Limits,
    monitor: &mut dyn Monitor,
) -> Result<Ingested, Error> {
    let mut foreign = open(source)?;
    if foreign.names.len() > limits.max_columns {
        return Err(Error::Limit {
            what: format!("{} columns", foreign.names.len()),
            place: source.display().to_string(),
            limit: format!("{} columns", limits.max_columns),
            way_out: "reshape the table to rows",
        });
    }
    let mut notes = Vec::new();
    foreign.settle_unsigned(source, monitor, &mut notes)?;
    let total = foreign.metadata.num_rows as u64;
    monitor.stage("read", Some(total), "rows");
    let stored = |(name, target): (&String, &Target)| Field::new(PlSmallStr::from_str(name), target.stored());
    let schema: Schema = foreign.names.iter().zip(&foreign.targets).map(stored).collect();
    let columns = schema
        .iter()
        .map(|(name, dtype)| TableColumn {
            name: name.to_string(),
            kind: column_type(dtype).unwrap_or(dropforge_shared::page::ColumnType::Text),
        })
        .collect();
    let writer = DatasetWriter::create(&out_dir.join(DATASET), &schema)?;
    let mut nulls = vec![0u64; foreign.names.len()];
    let mut rows = 0u64;
    for group in 0..foreign.metadata.row_groups.len() {
        if monitor.cancelled() {
            return Err(Error::Cancelled);
        }
        let frame = guarded(source, || foreign.group(group))?;
        for (total, column) in nulls.iter_mut().zip(frame.columns()) {
            *total += column.null_count() as u64;
        }
        // Others write groups of millions of rows; a page should not have to read so many.
        let mut at = 0;
        while at < frame.height() {
            let mut part = frame.slice(at as i64, ROW_GROUP_ROWS);
            part.rechunk_mut();
            writer.write(writer.encode(&part)?)?;
            at += ROW_GROUP_ROWS;
        }
        rows += frame.height() as u64;
        monitor.progress(rows);
    }
    writer.finish()?;
    Ok(Ingested {
        header: true,
        rows,
        columns,
        null_tokens: nulls.into_iter().map(null_map).collect(),
        how: format!("Parquet with {} row groups", foreign.metadata.row_groups.len()),
        notes,
        ..Ingested::bare(Format::Parquet)
    })
}

fn open(source: &Path) -> Result<Foreign, Error> {
    let file = File::open(source).map_err(Error::io("open", source))?;
    let again = File::open(source).map_err(Error::io("open", source))?;
    guarded(source, || {
        let mut reader = ParquetReader::new(again);
        let fields: Vec<ArrowField> = reader.schema()?.iter_values().cloned().collect();
        let metadata = reader.get_metadata()?.clone();
        let targets = fields.iter().map(|f| Target::of(&f.dtype)).collect();
        let names = sniff::unique(fields.iter().map(|f| f.name.to_string()).collect());
        Ok(Foreign { file, metadata, fields, targets, names })
    })
}

impl Foreign {
    /// Unsigned 64-bit integers beyond the signed range keep their digits as text: they are mostly ids.
    fn settle_unsigned(
        &mut self,
        source: &Path,
        monitor: &mut dyn Monitor,
        notes: &mut Vec<String>,
    ) -> Result<(), Error> {
        let unsigned: Vec<usize> = (0..self.fields.len())
            .filter(|i| self.fields.get(*i).is_some_and(|f| f.dtype == ArrowDataType::UInt64))
            .collect();
        for index in unsigned {
            for group in 0..self.metadata.row_groups.len() {
                let arrays = guarded(source, || self.arrays(group, index))?;
                let beyond = arrays.iter().any(|array| {
                    array
                        .as_any()
                        .downcast_ref::<PrimitiveArray<u64>>()
                        .is_some_and(|a| a.iter().flatten().any(|v| i64::try_from(*v).is_err()))
                });
                if beyond {
                    if let (Some(target), Some(name)) = (self.targets.get_mut(index), self.names.get(index)) {
                        *target = Target::Printed;
                        let note = format!("column {name}: integers beyond 64 signed bits; kept as text");
                        monitor.log(Level::Warn, &note);
                        notes.push(note);
                    }
                    break;
                }
            }
        }
        Ok(())
    }

    /// The arrays of one column of one row group.
    fn arrays(&self, group: usize, index: usize) -> PolarsResult<Vec<Box<dyn Array>>> {
        let (Some(group), Some(field)) = (self.metadata.row_groups.get(group), self.fields.get(index)) else {
            return Ok(Vec::new());
        };
        let mut chunks = Vec::new();
        for chunk in group.columns_under_root_iter(&field.name).into_iter().flatten() {
            let range = chunk.byte_range();
            let mut bytes = Vec::new();
            let mut file = &self.file;
            file.seek(SeekFrom::Start(range.start))?;
            file.take(range.end.saturating_sub(range.start)).read_to_end(&mut bytes)?;
            chunks.push((chunk, bytes.into()));
        }
        Ok(to_deserializer(chunks, field.clone(), None)?.0)
    }

    fn group(&self, group: usize) -> PolarsResult<DataFrame> {
        let mut columns: Vec<Column> = Vec::with_capacity(self.names.len());
        for (index, (name, target)) in self.names.iter().zip(&self.targets).enumerate() {
            let mut whole: Option<Series> = None;
            for array in self.arrays(group, index)? {
                let part = series(name, array.as_ref(), *target)?;
                match &mut whole {
                    Some(whole) => {
                        whole.append(&part)?;
                    }
                    None => whole = Some(part),
                }
            }
            let empty = || Series::new_empty(PlSmallStr::from_str(name), &target.stored());
            columns.push(whole.unwrap_or_else(empty).into_column());
        }
        let height = columns.first().map_or(0, Column::len);
        DataFrame::new(height, columns)
    }
}

/// Turns one array into what its column becomes.
pub(crate) fn series(name: &str, array: &dyn Array, target: Target) -> PolarsResult<Series> {
    let name = PlSmallStr::from_str(name);
    let to = |dtype: ArrowDataType| cast(array, &dtype, CastOptionsImpl::default());
    let series = match target {
        Target::Integer => Series::from_arrow(name, to(ArrowDataType::Int64)?)?,
        Target::Float => Series::from_arrow(name, to(ArrowDataType::Float64)?)?,
        Target::Boolean | Target::Date => Series::from_arrow(name, array.to_boxed())?,
        Target::Text => Series::from_arrow(name, to(ArrowDataType::Utf8View)?)?,
        Target::Datetime(nanoseconds) => {
            let units = to(ArrowDataType::Int64)?;
            let micros =
                units.as_any().downcast_ref::<PrimitiveArray<i64>>().into_iter().flat_map(|a| a.iter()).map(
                    |unit| {
                        unit.and_then(|u| {
                            if nanoseconds >= 1_000 {
                                u.checked_mul(nanoseconds / 1_000)
                            } else {
                                Some(u.div_euclid(1_000))
                            }
                        })
                    },
                );
            let micros = Int64Chunked::from_iter_options(name, micros);
            micros.into_datetime(TimeUnit::Microseconds, None).into_series()
        }
        Target::Decimal => {
            let numbers = printed(array).map(|text| text.and_then(|t| t.parse::<f64>().ok()));
            Float64Chunked::from_iter_options(name, numbers).into_series()
        }
        Target::Bytes => {
            let plain = to(ArrowDataType::BinaryView)?;
            let texts = plain.as_any().downcast_ref::<BinaryViewArray>().into_iter().flat_map(|a| a.iter());
            let texts = texts.map(|b| b.map(|b| String::from_utf8_lossy(b).into_owned()));
            StringChunked::from_iter_options(name, texts).into_series()
        }
        Target::Printed => StringChunked::from_iter_options(name, printed(array)).into_series(),
    };
    Ok(series)
}

/// Each value as text.
fn printed(array: &dyn Array) -> impl Iterator<Item = Option<String>> {
    (0..array.len()).map(move |i| print(array, i, false))
}
