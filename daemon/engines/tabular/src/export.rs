//! Rows out of a dataset or a statement, as files for other programs: CSV, JSON Lines and Parquet, block by block. Must not
//! know where a file goes in the end.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use dropforge_shared::page::Cell;
use dropforge_shared::query::Form;
use polars::prelude::{AnyValue, DataFrame, DataType, Field, Schema, TimeUnit};

use crate::error::Error;
use crate::monitor::Monitor;
use crate::page::cell;
use crate::parquet::Dataset;
use crate::write::{DatasetWriter, ROW_GROUP_ROWS};

/// Writes all rows of a dataset to `out`, in their order. Gives their number.
///
/// # Errors
/// Where the dataset can't be read or the file can't be written; [`Error::Cancelled`] when the monitor says so.
pub fn export(dataset: &Path, form: Form, out: &Path, monitor: &mut dyn Monitor) -> Result<u64, Error> {
    let dataset = Dataset::open(dataset)?;
    monitor.stage("export", Some(dataset.rows), "rows");
    let kind = |kind| match kind {
        dropforge_shared::page::ColumnType::Integer => DataType::Int64,
        dropforge_shared::page::ColumnType::Float => DataType::Float64,
        dropforge_shared::page::ColumnType::Boolean => DataType::Boolean,
        dropforge_shared::page::ColumnType::Date => DataType::Date,
        dropforge_shared::page::ColumnType::Datetime => DataType::Datetime(TimeUnit::Microseconds, None),
        dropforge_shared::page::ColumnType::Text => DataType::String,
    };
    let schema: Schema =
        dataset.columns.iter().map(|c| Field::new(c.name.as_str().into(), kind(c.kind))).collect();
    let mut sink = Sink::create(form, out, &schema)?;
    let mut done = 0;
    for (first, rows) in dataset.parts(ROW_GROUP_ROWS as u64) {
        if monitor.cancelled() {
            return Err(Error::Cancelled);
        }
        let mut frame = dataset.read(None, first, rows)?;
        frame.rechunk_mut();
        sink.write(&frame)?;
        done += rows;
        monitor.progress(done);
    }
    sink.finish()?;
    Ok(done)
}

/// A file being written, block by block.
pub(crate) enum Sink {
    Parquet(Box<DatasetWriter>),
    Text(Text),
}

impl Sink {
    /// Starts the file anew.
    pub(crate) fn create(form: Form, path: &Path, schema: &Schema) -> Result<Self, Error> {
        if form == Form::Parquet {
            return DatasetWriter::create(path, schema).map(|writer| Self::Parquet(Box::new(writer)));
        }
        let file = BufWriter::with_capacity(1 << 20, File::create(path).map_err(Error::io("write", path))?);
        let mut text = Text { path: path.to_path_buf(), file, form, names: Vec::new(), line: Vec::new() };
        let names = schema.iter_names().map(|name| name.as_str());
        match form {
            Form::Csv => {
                for (at, name) in names.enumerate() {
                    text.separate(at);
                    quoted(name, &mut text.line);
                }
                text.end_line()?;
            }
            _ => text.names = names.map(|name| serde_json::to_string(name).unwrap_or_default()).collect(),
        }
        Ok(Self::Text(text))
    }

    /// Appends a block in the dataset's types.
    pub(crate) fn write(&mut self, block: &DataFrame) -> Result<(), Error> {
        match self {
            Self::Parquet(writer) => writer.write(writer.encode(block)?),
            Self::Text(text) => text.write(block),
        }
    }

    /// Writes what is left and puts the file on disk.
    pub(crate) fn finish(self) -> Result<(), Error> {
        match self {
            Self::Parquet(writer) => writer.finish(),
            Self::Text(mut text) => {
                let path = text.path;
                text.file.flush().map_err(Error::io("write", &path))?;
                text.file.get_ref().sync_all().map_err(Error::io("write", &path))
            }
        }
    }
}

/// A text of lines.
pub(crate) struct Text {
    path: PathBuf,
    file: BufWriter<File>,
    form: Form,
    /// Columns' names as JSON.
    names: Vec<String>,
    line: Vec<u8>,
}

impl Text {
    fn separate(&mut self, at: usize) {
        if at > 0 {
            self.line.push(b',');
        }
    }

    fn end_line(&mut self) -> Result<(), Error> {
        self.line.push(b'\n');
        self.file.write_all(&self.line).map_err(Error::io("write", &self.path))?;
        self.line.clear();
        Ok(())
    }

    fn write(&mut self, block: &DataFrame) -> Result<(), Error> {
        let columns: Vec<_> = block.columns().iter().map(|c| c.as_materialized_series()).collect();
        for row in 0..block.height() {
            if self.form == Form::Jsonl {
                self.line.push(b'{');
            }
            for (at, column) in columns.iter().enumerate() {
                self.separate(at);
                let value = column.get(row).unwrap_or(AnyValue::Null);
                if self.form == Form::Csv {
                    csv(&value, &mut self.line);
                } else {
                    self.line.extend_from_slice(self.names.get(at).map_or("", String::as_str).as_bytes());
                    self.line.push(b':');
                    // A vector takes all that is written to it.
                    let _ = match &value {
                        AnyValue::String(text) => serde_json::to_writer(&mut self.line, text),
                        value => serde_json::to_writer(&mut self.line, &cell(value, usize::MAX).0),
                    };
                }
            }
            if self.form == Form::Jsonl {
                self.line.push(b'}');
            }
            self.end_line()?;
        }
        Ok(())
    }
}

fn csv(value: &AnyValue<'_>, out: &mut Vec<u8>) {
    match value {
        AnyValue::Null => {}
        AnyValue::String(text) => quoted(text, out),
        value => match cell(value, usize::MAX).0 {
            Cell::Text(text) => quoted(&text, out),
            cell => out.extend_from_slice(cell.display().as_bytes()),
        },
    }
}

/// A field; in quotes where it needs them, and where it is empty, to be told from a missing one.
fn quoted(text: &str, out: &mut Vec<u8>) {
    if !text.is_empty() && !text.contains(['"', ',', '\n', '\r']) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ReadOptions, Silent, ingest};

    #[test]
    fn an_empty_text_is_told_from_a_missing_one() {
        let mut line = Vec::new();
        csv(&AnyValue::String(""), &mut line);
        csv(&AnyValue::Null, &mut line);
        assert_eq!(line, b"\"\"");
    }

    #[test]
    fn rows_come_out_as_they_went_in() {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("a.jsonl");
        let lines = "{\"n\":1,\"x\":0.5,\"t\":\"a, \\\"b\\\"\\nc\",\"d\":\"2024-01-31\",\"f\":true}\n\
                     {\"n\":null,\"x\":null,\"t\":null,\"d\":null,\"f\":null}\n\
                     {\"n\":-3,\"x\":2.0,\"t\":null,\"d\":\"1969-12-31\",\"f\":false}\n";
        std::fs::write(&source, lines).unwrap();
        ingest(&source, dir.path(), &ReadOptions::default(), &mut Silent).unwrap();
        let dataset = dir.path().join("dataset.parquet");
        let written = |form: Form| {
            let out = dir.path().join(form.name());
            assert_eq!(export(&dataset, form, &out, &mut Silent).unwrap(), 3);
            std::fs::read(out).unwrap()
        };
        let csv = String::from_utf8(written(Form::Csv)).unwrap();
        assert_eq!(
            csv,
            "n,x,t,d,f\n1,0.5,\"a, \"\"b\"\"\nc\",2024-01-31,true\n,,,,\n-3,2,,1969-12-31,false\n"
        );
        assert_eq!(String::from_utf8(written(Form::Jsonl)).unwrap(), lines);
        let parquet = written(Form::Parquet);
        assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
    }
}
