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

/// Records at the end of a file that are kept back, as they may be notes below the table.
const MAX_FOOTER_RECORDS: usize = 50;

/// Takes rejected records in the file's order. Those since the last record that was placed wait: where the file ends
/// with them, they may be a footer and no damage.
pub(crate) struct Rejects {
    file: RejectFile,
    count: u64,
    waiting: Vec<Reject>,
    /// There were more than a footer has.
    overflowed: bool,
}

impl Rejects {
    /// Writes to `file`.
    pub(crate) fn new(file: RejectFile) -> Self {
        Self { file, count: 0, waiting: Vec::new(), overflowed: false }
    }

    /// Takes over what a block rejected, which starts after `lines` lines and placed `rows`, the last one on `last_row`.
    pub(crate) fn take(
        &mut self,
        lines: u64,
        rows: u64,
        last_row: Option<u64>,
        rejects: Vec<Reject>,
    ) -> Result<(), Error> {
        if rows > 0 {
            self.flush()?;
            self.overflowed = false;
        }
        for mut reject in rejects {
            // Formats without footers tell no last row.
            let inside = last_row.map_or(rows > 0, |row| reject.line < row);
            reject.line += lines + 1;
            if inside || self.overflowed {
                self.write(&reject)?;
                continue;
            }
            self.waiting.push(reject);
            if self.waiting.len() > MAX_FOOTER_RECORDS {
                self.flush()?;
                self.overflowed = true;
            }
        }
        Ok(())
    }

    /// At the end of the file: what stands below a table of `width` columns is a footer where an empty line parts it
    /// from the table, or where it is one text in a wider table. Its records are rejected no more.
    pub(crate) fn footer(&mut self, width: usize) -> Vec<Reject> {
        let starts = |r: &Reject| r.aside && (r.after_blank || width >= 3);
        // All below must be notes too.
        let notes = self.waiting.iter().rev().take_while(|r| r.aside).count();
        let first = self.waiting.len() - notes;
        let from = (first..self.waiting.len()).find(|at| self.waiting.get(*at).is_some_and(starts));
        match from.filter(|_| width > 0) {
            Some(from) => self.waiting.split_off(from),
            None => Vec::new(),
        }
    }

    /// Puts the rest on disk and tells how many were rejected.
    pub(crate) fn finish(mut self) -> Result<u64, Error> {
        self.flush()?;
        self.file.finish()?;
        Ok(self.count)
    }

    fn write(&mut self, reject: &Reject) -> Result<(), Error> {
        self.count += 1;
        self.file.write(reject)
    }

    fn flush(&mut self) -> Result<(), Error> {
        for reject in std::mem::take(&mut self.waiting) {
            self.write(&reject)?;
        }
        Ok(())
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}
