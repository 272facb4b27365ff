//! Columns of a dataset, read row group by row group on all processors.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use dropforge_shared::page::{Column, ColumnType};
use polars::io::parquet::metadata::FileMetadataRef;
use polars::io::parquet::read::_internal::to_deserializer;
use polars::io::parquet::read::ParquetReader;
use polars::prelude::{ArrowField, DataType, PolarsResult, SerReader as _, Series, polars_err};
use polars_arrow::array::{Array, BooleanArray, PrimitiveArray, Utf8ViewArray};
use polars_arrow::bitmap::{Bitmap, MutableBitmap};
use polars_parquet::arrow::read::Filter;

use crate::error::Error;
use crate::parquet::{column_type, guarded, guarded_work};

/// A dataset whose footer has been read.
pub(crate) struct Table {
    path: PathBuf,
    file: File,
    metadata: FileMetadataRef,
    fields: Vec<ArrowField>,
    /// The columns, in file order.
    pub(crate) columns: Vec<Column>,
    /// Rows in the whole file.
    pub(super) rows: u64,
}

/// Rows that are wanted of a row group.
pub(crate) struct Wanted<'a> {
    pub(crate) group: usize,
    /// By their numbers in the whole file, ascending.
    pub(crate) rows: &'a [u32],
    /// Which of the group's they are.
    pub(crate) mask: Bitmap,
}

/// The values of one column of one row group.
pub(crate) enum Values {
    /// Integers, and moments in microseconds.
    Integer(PrimitiveArray<i64>),
    /// Days.
    Day(PrimitiveArray<i32>),
    /// Numbers.
    Float(PrimitiveArray<f64>),
    /// Truth values.
    Boolean(BooleanArray),
    /// Texts.
    Text(Utf8ViewArray),
}

impl Values {
    fn of(array: &dyn Array) -> Option<Self> {
        let any = array.as_any();
        let integer = || any.downcast_ref::<PrimitiveArray<i64>>().cloned().map(Self::Integer);
        let day = || any.downcast_ref::<PrimitiveArray<i32>>().cloned().map(Self::Day);
        let float = || any.downcast_ref::<PrimitiveArray<f64>>().cloned().map(Self::Float);
        let boolean = || any.downcast_ref::<BooleanArray>().cloned().map(Self::Boolean);
        let text = || any.downcast_ref::<Utf8ViewArray>().cloned().map(Self::Text);
        integer().or_else(day).or_else(float).or_else(boolean).or_else(text)
    }

    pub(super) fn len(&self) -> usize {
        self.array().len()
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        self.array().is_null(row)
    }

    pub(crate) fn array(&self) -> &dyn Array {
        match self {
            Self::Integer(a) => a,
            Self::Day(a) => a,
            Self::Float(a) => a,
            Self::Boolean(a) => a,
            Self::Text(a) => a,
        }
    }
}

impl Table {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let open = || File::open(path).map_err(Error::io("open", path));
        let (file, again) = (open()?, open()?);
        guarded(path, || {
            let mut reader = ParquetReader::new(again);
            let fields: Vec<ArrowField> = reader.schema()?.iter_values().cloned().collect();
            let metadata = reader.get_metadata()?.clone();
            let kind = |field: &ArrowField| {
                column_type(&DataType::from_arrow_field(field)).unwrap_or(ColumnType::Text)
            };
            let columns = fields.iter().map(|f| Column { name: f.name.to_string(), kind: kind(f) }).collect();
            let rows = metadata.num_rows as u64;
            Ok(Self { path: path.to_path_buf(), file, metadata, fields, columns, rows })
        })
    }

    /// Rows of each row group.
    pub(super) fn groups(&self) -> Vec<usize> {
        self.metadata.row_groups.iter().map(|group| group.num_rows()).collect()
    }

    /// Some rows, in ascending order, by the row groups that have any of them.
    pub(crate) fn wanted<'a>(&self, sorted: &'a [u32]) -> Vec<Wanted<'a>> {
        let (mut start, mut left, mut all) = (0usize, sorted, Vec::new());
        for (group, height) in self.groups().into_iter().enumerate() {
            let end = start + height;
            let (rows, rest) = left.split_at(left.partition_point(|row| (*row as usize) < end));
            left = rest;
            if !rows.is_empty() {
                let mut mask = MutableBitmap::from_len_zeroed(height);
                rows.iter().for_each(|row| mask.set(*row as usize - start, true));
                all.push(Wanted { group, rows, mask: mask.freeze() });
            }
            start = end;
        }
        all
    }

    /// A column of several arrays.
    pub(crate) fn series(&self, column: usize, mut arrays: Vec<Box<dyn Array>>) -> Result<Series, Error> {
        guarded(&self.path, || {
            let field = self.fields.get(column).ok_or_else(|| polars_err!(ColumnNotFound: "{column}"))?;
            if arrays.is_empty() {
                arrays.push(polars_arrow::array::new_empty_array(field.dtype().clone()));
            }
            Series::try_from((field, arrays))
        })
    }

    /// Bytes of a column once it is decompressed.
    pub(super) fn bytes(&self, column: usize) -> u64 {
        let Some(field) = self.fields.get(column) else { return 0 };
        let chunks =
            self.metadata.row_groups.iter().flat_map(|g| g.columns_under_root_iter(&field.name)).flatten();
        chunks.map(|chunk| u64::try_from(chunk.uncompressed_size()).unwrap_or(0)).sum()
    }

    /// One column of one row group; with `mask` only the rows that it names.
    pub(crate) fn read(&self, group: usize, column: usize, mask: Option<&Bitmap>) -> Result<Values, Error> {
        let foreign = || Error::Parquet {
            path: self.path.clone(),
            reason: "a column is not of the dataset's form".into(),
        };
        let (Some(meta), Some(field)) = (self.metadata.row_groups.get(group), self.fields.get(column)) else {
            return Err(foreign());
        };
        let arrays = guarded(&self.path, || -> PolarsResult<Vec<Box<dyn Array>>> {
            let mut chunks = Vec::new();
            for chunk in meta.columns_under_root_iter(&field.name).into_iter().flatten() {
                let range = chunk.byte_range();
                let len = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(0);
                let mut bytes = vec![0u8; len];
                self.file.read_exact_at(&mut bytes, range.start)?;
                chunks.push((chunk, bytes.into()));
            }
            let filter = mask.map(|mask| Filter::Mask(mask.clone()));
            Ok(to_deserializer(chunks, field.clone(), filter)?.0)
        })?;
        let refs: Vec<&dyn Array> = arrays.iter().map(|a| &**a).collect();
        match refs.as_slice() {
            [only] => Values::of(*only).ok_or_else(foreign),
            many => {
                let whole = polars_arrow::compute::concatenate::concatenate(many);
                let whole =
                    whole.map_err(|e| Error::Parquet { path: self.path.clone(), reason: e.to_string() })?;
                Values::of(whole.as_ref()).ok_or_else(foreign)
            }
        }
    }
}

/// Does `work` for 0 to `count` on all processors; the results in order.
pub(super) fn each<T: Send>(
    count: usize,
    work: impl Fn(usize) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Error> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(8).min(count);
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Result<T, Error>)>> = Mutex::new(Vec::with_capacity(count));
    let run = || {
        loop {
            let turn = next.fetch_add(1, Ordering::Relaxed);
            if turn >= count {
                return;
            }
            let result = guarded_work(|| work(turn));
            done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((turn, result));
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            // Where no thread can be had this one does it all.
            let _ = thread::Builder::new().spawn_scoped(scope, run);
        }
        run();
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(turn, _)| *turn);
    done.into_iter().map(|(_, result)| result).collect()
}
