//! The bytes of a file, decompressed and decoded to UTF-8, under limits.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use flate2::read::MultiGzDecoder;

use crate::decode::{Decoder, Encoding};
use crate::error::Error;
use crate::json::Lines;
use crate::limits::Limits;

/// Counts what is read through it, so that progress and expansion can be told while a decompressor owns the file.
struct Counted<R> {
    inner: R,
    count: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.count.set(self.count.get() + n as u64);
        Ok(n)
    }
}

/// A file being read from its start.
pub(crate) struct Source {
    path: PathBuf,
    reader: Box<dyn Read>,
    compression: Option<&'static str>,
    consumed: Rc<Cell<u64>>,
    raw_bytes: u64,
    produced: u64,
    decoder: Decoder,
    /// Turns a JSON document into one record a line.
    lines: Option<Lines>,
    limits: Limits,
}

/// The compression whose magic the bytes start with: `gzip` or `zstd` (RFC 8878, skippable frames included).
pub(crate) fn compression(head: &[u8]) -> Option<&'static str> {
    match head {
        [0x1f, 0x8b, ..] => Some("gzip"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some("zstd"),
        _ => None,
    }
}

impl Source {
    /// Opens a file. What the bytes are is found from their first ones.
    pub(crate) fn open(path: &Path, encoding: Encoding, limits: Limits) -> Result<Self, Error> {
        let mut probe = File::open(path).map_err(Error::io("open", path))?;
        let mut magic = Vec::with_capacity(4);
        Read::by_ref(&mut probe).take(4).read_to_end(&mut magic).map_err(Error::io("read", path))?;
        let compression = compression(&magic);
        let file = File::open(path).map_err(Error::io("open", path))?;
        let consumed = Rc::new(Cell::new(0));
        let counted = Counted { inner: file, count: Rc::clone(&consumed) };
        // Small pieces, so that a bomb's expansion shows before much of it came out.
        let buffered = |inner| BufReader::with_capacity(64 << 10, inner);
        let reader: Box<dyn Read> = match compression {
            Some("gzip") => Box::new(MultiGzDecoder::new(buffered(counted))),
            Some(_) => {
                // Frames that ask for a window of more than 128 MiB are refused by the library.
                let decoder = zstd::stream::read::Decoder::with_buffer(buffered(counted));
                Box::new(decoder.map_err(Error::io("read", path))?)
            }
            None => Box::new(counted),
        };
        let path = path.to_path_buf();
        Ok(Self {
            path,
            reader,
            compression,
            consumed,
            raw_bytes: 0,
            produced: 0,
            decoder: Decoder::new(encoding),
            lines: None,
            limits,
        })
    }

    /// The same, with the records of a JSON document one a line.
    pub(crate) fn with_lines(mut self, lines: Option<Lines>) -> Self {
        self.lines = lines;
        self
    }

    /// Bytes taken from the file itself.
    pub(crate) fn consumed(&self) -> u64 {
        self.consumed.get()
    }

    /// Bytes given so far.
    pub(crate) fn produced(&self) -> u64 {
        self.produced
    }

    /// Whether bytes meant nothing in the encoding and became U+FFFD.
    pub(crate) fn is_damaged(&self) -> bool {
        self.decoder.is_damaged()
    }

    /// Appends about `want` bytes. Returns whether the content has ended.
    pub(crate) fn fill(&mut self, buffer: &mut Vec<u8>, want: usize) -> Result<bool, Error> {
        let Some(mut lines) = self.lines.take() else { return self.fill_text(buffer, want) };
        let before = buffer.len();
        let mut text = Vec::new();
        // What lies between records gives nothing, and a caller takes nothing for the end.
        let ended = loop {
            text.clear();
            let ended = self.fill_text(&mut text, want)?;
            lines
                .feed(&text, buffer)
                .and_then(|()| if ended { lines.finish(buffer) } else { Ok(()) })
                .map_err(|fault| Error::Damaged {
                    path: self.path.clone(),
                    form: "JSON",
                    place: fault.place,
                    reason: fault.reason,
                })?;
            if ended || buffer.len() > before {
                break ended;
            }
        };
        self.lines = Some(lines);
        Ok(ended)
    }

    fn fill_text(&mut self, buffer: &mut Vec<u8>, want: usize) -> Result<bool, Error> {
        let before = buffer.len();
        let ended = if self.decoder.is_identity() {
            self.fill_raw(buffer, want)?
        } else {
            let mut raw = Vec::new();
            let ended = self.fill_raw(&mut raw, want)?;
            self.decoder.decode(&raw, ended, buffer);
            ended
        };
        if self.produced == 0 && buffer.get(before..).is_some_and(|b| b.starts_with(b"\xef\xbb\xbf")) {
            buffer.drain(before..before + 3);
        }
        self.produced += (buffer.len() - before) as u64;
        Ok(ended)
    }

    /// Bytes as they are, until the end or a limit. For content whose first bytes say nothing: whether it is a bomb.
    pub(crate) fn drain(&mut self, most: u64, cancelled: &dyn Fn() -> bool) -> Result<(), Error> {
        let mut buffer = Vec::new();
        let mut blank = true;
        while self.raw_bytes < most {
            if cancelled() {
                return Err(Error::Cancelled);
            }
            buffer.clear();
            if self.fill_raw(&mut buffer, 1 << 20)? {
                return Ok(());
            }
            blank &= buffer.iter().all(|byte| *byte == 0 || byte.is_ascii_whitespace());
        }
        if !blank {
            return Ok(());
        }
        Err(Error::Limit {
            what: format!("{} bytes that are all zero or blank", self.raw_bytes),
            place: self.path.display().to_string(),
            limit: format!("{most} bytes of nothing at the start of compressed data"),
            way_out: "it may be a decompression bomb; unpack it yourself if you trust it",
        })
    }

    /// Appends the first bytes as they are, a byte order mark included. Returns whether they are all.
    pub(crate) fn fill_keeping_mark(&mut self, buffer: &mut Vec<u8>, want: usize) -> Result<bool, Error> {
        self.fill_raw(buffer, want)
    }

    fn fill_raw(&mut self, buffer: &mut Vec<u8>, want: usize) -> Result<bool, Error> {
        buffer.reserve(want);
        let got = Read::by_ref(&mut self.reader)
            .take(want as u64)
            .read_to_end(buffer)
            .map_err(|error| self.fault(error))?;
        self.raw_bytes += got as u64;
        self.check_limits()?;
        Ok(got < want)
    }

    fn fault(&self, error: io::Error) -> Error {
        match self.compression {
            Some("gzip") => Error::Gzip {
                path: self.path.clone(),
                offset: self.consumed.get(),
                reason: error.to_string(),
            },
            Some(form) => Error::Damaged {
                path: self.path.clone(),
                form,
                place: format!("after {} compressed bytes", self.consumed.get()),
                reason: error.to_string(),
            },
            None => Error::io("read", &self.path)(error),
        }
    }

    fn check_limits(&self) -> Result<(), Error> {
        let refuse = |what: String, limit: String| Error::Limit {
            what,
            place: format!("byte {} of {}", self.consumed.get(), self.path.display()),
            limit,
            way_out: "it may be a decompression bomb; decompress it yourself if you trust it, or raise the limit",
        };
        if self.raw_bytes > self.limits.max_uncompressed_bytes {
            return Err(refuse(
                "uncompressed content".to_owned(),
                format!("{} bytes", self.limits.max_uncompressed_bytes),
            ));
        }
        let allowed = self.consumed.get().saturating_mul(self.limits.max_expansion);
        if self.compression.is_some()
            && self.raw_bytes > Limits::EXPANSION_FREE_BYTES
            && self.raw_bytes > allowed
        {
            return Err(refuse(
                format!("{} bytes out of {} compressed ones", self.raw_bytes, self.consumed.get()),
                format!("{} to 1", self.limits.max_expansion),
            ));
        }
        Ok(())
    }
}
