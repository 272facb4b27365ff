//! Records that could not be placed: kept with line number and reason, so that nothing is lost silently. The file is CSV
//! after RFC 4180 with the columns `line`, `reason`, `record`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// How much of a rejected record's text is kept; a hostile record may have millions of bytes.
const MAX_TEXT: usize = 64 << 10;

/// A record that could not be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reject {
    /// The line it starts on, from 1; within a block, from 0.
    pub(crate) line: u64,
    /// Why.
    pub(crate) reason: String,
    /// The record as it stands in the file.
    pub(crate) text: String,
    /// It may be a note below the table, where nothing but its like follows.
    pub(crate) aside: bool,
    /// An empty line stands before it.
    pub(crate) after_blank: bool,
}

impl Reject {
    /// A reject whose text is cut where it is too long.
    pub(crate) fn new(line: u64, reason: String, text: &str) -> Self {
        let text = text.trim_end_matches(['\r', '\n']);
        let text = match text.get(..crate::types::floor_boundary(text, MAX_TEXT)) {
            Some(cut) if cut.len() < text.len() => format!("{cut}…"),
            _ => text.to_owned(),
        };
        Self { line, reason, text, aside: false, after_blank: false }
    }
}

/// Writes `rejected.csv` once there is something to write.
pub(crate) struct RejectFile {
    path: PathBuf,
    writer: Option<BufWriter<File>>,
}

impl RejectFile {
    /// For a folder; removes what an earlier try left there.
    pub(crate) fn new(folder: &Path) -> Self {
        let path = folder.join(dropforge_shared::reading::REJECTED);
        let _ = std::fs::remove_file(&path);
        Self { path, writer: None }
    }

    /// Adds one record.
    pub(crate) fn write(&mut self, reject: &Reject) -> Result<(), Error> {
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => {
                let file = File::create(&self.path).map_err(Error::io("write", &self.path))?;
                let mut writer = BufWriter::new(file);
                writer.write_all(b"line,reason,record\n").map_err(Error::io("write", &self.path))?;
                writer
            }
        };
        writeln!(writer, "{},{},{}", reject.line, quoted(&reject.reason), quoted(&reject.text))
            .map_err(Error::io("write", &self.path))?;
        self.writer = Some(writer);
        Ok(())
    }

    /// Puts the rest on disk.
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        match self.writer.take() {
            Some(mut writer) => writer.flush().map_err(Error::io("write", &self.path)),
            None => Ok(()),
        }
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}
