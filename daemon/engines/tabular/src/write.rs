//! Writes the dataset: one Parquet file, row group by row group, so that memory does not grow with rows.

use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use polars::prelude::{ArrowSchema, CompatLevel, DataFrame, PolarsError, PolarsResult, Schema, SchemaExt};
use polars_arrow::array::ArrayRef;
use polars_parquet::parquet::compression;
use polars_parquet::parquet::error::ParquetResult;
use polars_parquet::write::{
    CompressedPage, CompressionOptions, DynIter, DynStreamingIterator, Encoding, FileWriter, Page,
    ParquetType, StatisticsOptions, Version, WriteOptions, array_to_columns, compress,
    fallible_streaming_iterator, get_dtype_encoding, to_parquet_schema,
};

use crate::error::Error;
use crate::witness::{Told, Witness};

/// Rows a row group may have: a page of rows reads one or two groups, so they must not be large.
pub(crate) const ROW_GROUP_ROWS: usize = 1 << 17;

/// Bytes gathered before they are written: headers and footers come a few bytes at a time.
const BUFFER: usize = 64 << 10;

/// The first bytes of a column's values that tell whether compressing them is worth the time.
const SAMPLE: usize = 16 << 10;

/// The fastest to write; zstd takes several times as long and the file is read back at once.
const CODEC: CompressionOptions = CompressionOptions::Lz4Raw;

/// One row group, encoded and compressed.
struct Group {
    rows: u64,
    columns: Vec<Vec<CompressedPage>>,
}

/// Rows that are encoded and compressed already.
pub(crate) struct Encoded(Vec<Group>);

/// The file being written. Encoding needs no order and runs on many threads; [`Self::write`] is called in order.
pub(crate) struct DatasetWriter {
    path: PathBuf,
    types: Vec<ParquetType>,
    encodings: Vec<Vec<Encoding>>,
    writer: Mutex<FileWriter<BufWriter<Witness>>>,
    told: Told,
}

fn options() -> WriteOptions {
    WriteOptions {
        statistics: StatisticsOptions::default(),
        compression: CODEC,
        version: Version::V1,
        data_page_size: None,
    }
}

impl DatasetWriter {
    /// Starts the file anew.
    pub(crate) fn create(path: &Path, schema: &Schema) -> Result<Self, Error> {
        let (file, told) = Witness::create(path)?;
        let file = BufWriter::with_capacity(BUFFER, file);
        let begin = || -> PolarsResult<_> {
            let schema: ArrowSchema =
                schema.iter_fields().map(|field| field.to_arrow(CompatLevel::newest())).collect();
            let types = to_parquet_schema(&schema)?.fields().to_vec();
            let encodings = schema.iter_values().map(|field| get_dtype_encoding(&field.dtype)).collect();
            Ok((types, encodings, FileWriter::try_new(file, schema, options())?))
        };
        let (types, encodings, writer) = begin().map_err(|e| told.error(path, &e))?;
        Ok(Self { path: path.to_path_buf(), types, encodings, writer: Mutex::new(writer), told })
    }

    fn fault(&self, error: PolarsError) -> Error {
        self.told.error(&self.path, &error)
    }

    /// Encodes and compresses some rows, all of it here: what is left for [`Self::write`] is to copy bytes.
    pub(crate) fn encode(&self, frame: &DataFrame) -> Result<Encoded, Error> {
        let mut groups = Vec::new();
        for batch in frame.iter_chunks(CompatLevel::newest(), false).filter(|batch| !batch.is_empty()) {
            let mut columns = Vec::new();
            for ((array, kind), encoding) in batch.columns().iter().zip(&self.types).zip(&self.encodings) {
                encode_column(array, kind, encoding, &mut columns).map_err(|e| self.fault(e))?;
            }
            groups.push(Group { rows: batch.len() as u64, columns });
        }
        Ok(Encoded(groups))
    }

    /// Appends encoded rows.
    pub(crate) fn write(&self, Encoded(groups): Encoded) -> Result<(), Error> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        for group in groups {
            let pages = |pages| fallible_streaming_iterator::convert(<[CompressedPage]>::iter(pages).map(Ok));
            let columns = group.columns.iter().map(|column| Ok(DynStreamingIterator::new(pages(column))));
            writer.write(group.rows, DynIter::new(columns)).map_err(|e| self.fault(e))?;
        }
        Ok(())
    }

    /// Writes the footer. That the file lasts is seen to by whoever asked for it, with all that lies beside it.
    pub(crate) fn finish(self) -> Result<(), Error> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // Flushes as well.
        writer.end(None).map(|_| ()).map_err(|e| self.fault(e))
    }
}

/// Adds the pages of a column.
fn encode_column(
    array: &ArrayRef,
    kind: &ParquetType,
    encoding: &[Encoding],
    columns: &mut Vec<Vec<CompressedPage>>,
) -> PolarsResult<()> {
    for pages in array_to_columns(array, kind.clone(), options(), encoding)? {
        let pages = pages.collect::<PolarsResult<Vec<Page>>>()?;
        // All pages of a column and row group have one codec.
        let codec = if is_worth_it(&pages)? { CODEC } else { CompressionOptions::Uncompressed };
        let pages = pages.into_iter().map(|page| compress(page, Vec::new(), codec));
        columns.push(pages.collect::<ParquetResult<Vec<_>>>()?);
    }
    Ok(())
}

/// Whether compression takes a quarter off the values, by the first of them. Measured floats and hashes hardly shrink,
/// and would have to be unpacked for each reading.
fn is_worth_it(pages: &[Page]) -> PolarsResult<bool> {
    let first = pages.iter().find_map(|page| match page {
        Page::Data(page) => Some(page.buffer()),
        Page::Dict(_) => None,
    });
    let Some(sample) = first.map(|bytes| bytes.get(..SAMPLE).unwrap_or(bytes)) else { return Ok(true) };
    let mut small = Vec::new();
    compression::compress(CODEC, sample, &mut small)?;
    Ok(small.len() < sample.len() / 4 * 3)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io;

    use polars::io::parquet::read::ParquetReader;
    use polars::prelude::{Column, SerReader as _};
    use polars_parquet::parquet::compression::Compression;

    use super::*;

    #[test]
    fn a_full_disk_is_told_by_the_system_s_own_error() {
        // Takes nothing, and says so as a full disk does.
        let full = Path::new("/dev/full");
        let frame = DataFrame::new(3, vec![Column::new("n".into(), [1i64, 2, 3])]).unwrap();
        let written = DatasetWriter::create(full, frame.schema()).and_then(|writer| {
            writer.write(writer.encode(&frame)?)?;
            writer.finish()
        });
        let Err(Error::Io { source, .. }) = written else { panic!("{written:?}") };
        assert_eq!(source.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn what_does_not_shrink_is_stored_as_it_is_and_all_is_read_back_as_it_was() {
        let mut state = 88_172_645_463_325_252u64;
        let noise = (0..50_000).map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64
        });
        let noise: Vec<f64> = noise.collect();
        let words: Vec<String> =
            (0..50_000).map(|i| format!("line {i} of a text that repeats itself")).collect();
        let gaps: Vec<Option<i64>> = (0..50_000).map(|i| (i % 3 > 0).then_some(i)).collect();
        let columns = vec![
            Column::new("noise".into(), &noise),
            Column::new("words".into(), &words),
            Column::new("gaps".into(), &gaps),
        ];
        let frame = DataFrame::new(50_000, columns).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.parquet");
        let writer = DatasetWriter::create(&path, frame.schema()).unwrap();
        writer.write(writer.encode(&frame.slice(0, 30_000)).unwrap()).unwrap();
        writer.write(writer.encode(&frame.slice(30_000, 20_000)).unwrap()).unwrap();
        writer.finish().unwrap();
        let mut reader = ParquetReader::new(File::open(&path).unwrap());
        let metadata = reader.get_metadata().unwrap().clone();
        assert_eq!(metadata.row_groups.iter().map(|g| g.num_rows()).collect::<Vec<_>>(), [30_000, 20_000]);
        for group in &metadata.row_groups {
            let codecs: Vec<Compression> = group.parquet_columns().iter().map(|c| c.compression()).collect();
            assert_eq!(codecs[..2], [Compression::Uncompressed, Compression::Lz4Raw]);
        }
        assert!(reader.finish().unwrap().equals_missing(&frame));
    }
}
