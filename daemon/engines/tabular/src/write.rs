//! Writes the dataset: one Parquet file, row group by row group, so that memory does not grow with rows.

use std::fs::File;
use std::path::{Path, PathBuf};

use polars::io::parquet::write::{BatchedWriter, ParquetCompression, ParquetWriter, RowGroupIterColumns};
use polars::prelude::{DataFrame, PolarsError, Schema};

use crate::error::Error;

/// Rows a row group may have: a page of rows reads one or two groups, so they must not be large.
pub(crate) const ROW_GROUP_ROWS: usize = 1 << 17;

/// A row group that is encoded and compressed already.
pub(crate) type Encoded = Vec<RowGroupIterColumns<'static, PolarsError>>;

/// The file being written. Encoding needs no order and runs on many threads; [`Self::write`] is called in order.
pub(crate) struct DatasetWriter {
    path: PathBuf,
    writer: BatchedWriter<File>,
}

impl DatasetWriter {
    /// Starts the file anew.
    pub(crate) fn create(path: &Path, schema: &Schema) -> Result<Self, Error> {
        let file = File::create(path).map_err(Error::io("write", path))?;
        let writer = ParquetWriter::new(file)
            // The fastest to write; zstd takes several times as long and the file is read back at once.
            .with_compression(ParquetCompression::Lz4Raw)
            .batched(schema)
            .map_err(|e| Error::Write { path: path.to_path_buf(), reason: e.to_string() })?;
        Ok(Self { path: path.to_path_buf(), writer })
    }

    fn fault(&self, error: PolarsError) -> Error {
        Error::Write { path: self.path.clone(), reason: error.to_string() }
    }

    /// Encodes and compresses some rows.
    pub(crate) fn encode(&self, frame: &DataFrame) -> Result<Encoded, Error> {
        self.writer.encode_and_compress(frame).collect::<Result<_, _>>().map_err(|e| self.fault(e))
    }

    /// Appends encoded rows.
    pub(crate) fn write(&self, groups: Encoded) -> Result<(), Error> {
        self.writer.write_row_groups(groups).map_err(|e| self.fault(e))
    }

    /// Writes the footer and puts the file on disk.
    pub(crate) fn finish(self) -> Result<(), Error> {
        self.writer.finish().map_err(|e| self.fault(e))?;
        let file = File::open(&self.path).map_err(Error::io("open", &self.path))?;
        file.sync_all().map_err(Error::io("write", &self.path))
    }
}
