//! Cuts a stream of bytes into blocks of whole records, in bounded memory.

use memchr::memrchr;

use super::records::record_end;
use super::{Dialect, NO_QUOTE};
use crate::error::Error;
use crate::limits::Limits;
use crate::source::Source;

/// Some whole records.
#[derive(Debug)]
pub(crate) struct Block {
    /// Position in the file's order, from 0.
    pub(crate) index: u64,
    /// The records.
    pub(crate) bytes: Vec<u8>,
    /// Quotes do not span lines here: one was opened that never closes, and its line alone is to blame.
    pub(crate) single_lines: bool,
}

/// Gives blocks one after the other.
pub(crate) struct Splitter {
    source: Source,
    /// `None` where quotes mean nothing and every line is a record (JSON Lines).
    dialect: Option<Dialect>,
    block_bytes: usize,
    limits: Limits,
    rest: Vec<u8>,
    next_index: u64,
    ended: bool,
    single_lines: bool,
    /// Lines before the table that are still to be left out.
    skip_lines: u64,
    /// Zero bytes that were left out.
    zeros: u64,
}

impl Splitter {
    /// Blocks of about `block_bytes`.
    pub(crate) fn new(source: Source, dialect: Option<Dialect>, block_bytes: usize, limits: Limits) -> Self {
        Self {
            source,
            dialect,
            block_bytes,
            limits,
            rest: Vec::new(),
            next_index: 0,
            ended: false,
            single_lines: false,
            skip_lines: 0,
            zeros: 0,
        }
    }

    /// Leaves out the first lines. They must lie within a block.
    pub(crate) fn skipping(mut self, lines: u64) -> Self {
        self.skip_lines = lines;
        self
    }

    /// Zero bytes that were left out so far: no text holds them, but damaged and padded files do.
    pub(crate) fn zeros(&self) -> u64 {
        self.zeros
    }

    /// Whether bytes meant nothing in the file's encoding.
    pub(crate) fn is_damaged(&self) -> bool {
        self.source.is_damaged()
    }

    /// Reads on, without the zero bytes and the lines before the table.
    fn fill(&mut self, buffer: &mut Vec<u8>, want: usize) -> Result<(), Error> {
        let before = buffer.len();
        self.ended = self.source.fill(buffer, want)?;
        if let Some(first) = buffer.get(before..).and_then(|new| memchr::memchr(0, new)) {
            let start = before + first;
            let mut kept = start;
            for at in start..buffer.len() {
                match buffer.get(at).copied() {
                    Some(byte) if byte != 0 => {
                        buffer.swap(kept, at);
                        kept += 1;
                    }
                    _ => {}
                }
            }
            self.zeros += (buffer.len() - kept) as u64;
            buffer.truncate(kept);
        }
        if let Some(dialect) = self.dialect.filter(|_| self.skip_lines > 0) {
            let mut at = 0;
            for _ in 0..std::mem::take(&mut self.skip_lines) {
                at = dialect.line_end(buffer, at, self.ended).unwrap_or(buffer.len());
            }
            buffer.drain(..at);
        }
        Ok(())
    }

    /// Bytes of the file (compressed, where it is) taken so far.
    pub(crate) fn consumed(&self) -> u64 {
        self.source.consumed()
    }

    /// The next block; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Block>, Error> {
        let mut buffer = std::mem::take(&mut self.rest);
        let mut want = self.block_bytes;
        loop {
            if !self.ended {
                self.fill(&mut buffer, want)?;
            }
            if buffer.is_empty() {
                if !self.ended {
                    continue;
                }
                return Ok(None);
            }
            let end = self.last_record_end(&buffer);
            if end > 0 {
                self.rest = buffer.split_off(end);
                return Ok(Some(self.block(buffer)));
            }
            if self.ended {
                // A quote was opened and never closed. Its line is to blame, not the rest of the file.
                self.single_lines = true;
                return Ok(Some(self.block(buffer)));
            }
            if buffer.len() > self.limits.max_cell_bytes {
                return Err(Error::Limit {
                    what: format!("one record of more than {} bytes", buffer.len()),
                    place: format!("byte {}", self.source.produced().saturating_sub(buffer.len() as u64)),
                    limit: format!("{} bytes a cell", self.limits.max_cell_bytes),
                    way_out: "a quote that is opened there may never close: see that it is closed",
                });
            }
            // Doubling keeps the repeated search over a long record linear in the end.
            want = buffer.len().max(self.block_bytes);
        }
    }

    fn block(&mut self, bytes: Vec<u8>) -> Block {
        let index = self.next_index;
        self.next_index += 1;
        Block { index, bytes, single_lines: self.single_lines }
    }

    /// Where the last whole record of `buffer` ends; 0 where there is none.
    fn last_record_end(&self, buffer: &[u8]) -> usize {
        let Some(dialect) = self.dialect else {
            return self.last_line_end(buffer, b'\n');
        };
        let quoted = dialect.quote != NO_QUOTE && memchr::memchr(dialect.quote, buffer).is_some();
        if self.single_lines || !(quoted || dialect.backslash) {
            if dialect.any_end && !self.ended {
                // A carriage return at the very end may be the first half of a line end.
                let whole = buffer.strip_suffix(b"\r").unwrap_or(buffer);
                return memchr::memrchr2(b'\n', b'\r', whole).map_or(0, |at| at + 1);
            }
            return self.last_line_end(buffer, dialect.terminator);
        }
        let mut at = 0;
        while at < buffer.len() {
            let end = if dialect.is_comment(buffer, at) {
                dialect.line_end(buffer, at, self.ended)
            } else {
                record_end(buffer, at, dialect, self.ended)
            };
            match end {
                Some(end) => at = end,
                None => break,
            }
        }
        at
    }

    fn last_line_end(&self, buffer: &[u8], terminator: u8) -> usize {
        if self.ended { buffer.len() } else { memrchr(terminator, buffer).map_or(0, |at| at + 1) }
    }
}
