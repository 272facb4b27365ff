//! Cuts a stream of bytes into blocks of whole records, in bounded memory.

use memchr::memrchr;

use super::Dialect;
use super::records::record_end;
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
        }
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
                self.ended = self.source.fill(&mut buffer, want)?;
            }
            if buffer.is_empty() {
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
                    way_out: "a quote that is opened there may never close: correct that line, or raise the limit",
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
        if self.single_lines || memchr::memchr(dialect.quote, buffer).is_none() {
            return self.last_line_end(buffer, dialect.terminator);
        }
        let mut at = 0;
        while at < buffer.len() {
            match record_end(buffer, at, dialect, self.ended) {
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
