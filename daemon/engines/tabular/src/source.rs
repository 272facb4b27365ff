//! The bytes of a file, decompressed and decoded to UTF-8, under limits.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use flate2::read::MultiGzDecoder;

use crate::decode::{Decoder, Encoding};
use crate::error::Error;
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
    gzip: bool,
    consumed: Rc<Cell<u64>>,
    raw_bytes: u64,
    produced: u64,
    decoder: Decoder,
    limits: Limits,
}

/// The compression whose magic the bytes start with.
pub(crate) fn compression(head: &[u8]) -> Option<&'static str> {
    head.starts_with(&[0x1f, 0x8b]).then_some("gzip")
}

impl Source {
    /// Opens a file. What the bytes are is found from their first ones.
    pub(crate) fn open(path: &Path, encoding: Encoding, limits: Limits) -> Result<Self, Error> {
        let mut probe = File::open(path).map_err(Error::io("open", path))?;
        let mut magic = Vec::with_capacity(2);
        Read::by_ref(&mut probe).take(2).read_to_end(&mut magic).map_err(Error::io("read", path))?;
        let gzip = compression(&magic).is_some();
        let file = File::open(path).map_err(Error::io("open", path))?;
        let consumed = Rc::new(Cell::new(0));
        let counted = Counted { inner: file, count: Rc::clone(&consumed) };
        let reader: Box<dyn Read> = if gzip {
            Box::new(MultiGzDecoder::new(BufReader::with_capacity(256 << 10, counted)))
        } else {
            Box::new(counted)
        };
        let path = path.to_path_buf();
        Ok(Self {
            path,
            reader,
            gzip,
            consumed,
            raw_bytes: 0,
            produced: 0,
            decoder: Decoder::new(encoding),
            limits,
        })
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
        if self.gzip {
            Error::Gzip { path: self.path.clone(), offset: self.consumed.get(), reason: error.to_string() }
        } else {
            Error::io("read", &self.path)(error)
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
        if self.gzip && self.raw_bytes > Limits::EXPANSION_FREE_BYTES && self.raw_bytes > allowed {
            return Err(refuse(
                format!("{} bytes out of {} compressed ones", self.raw_bytes, self.consumed.get()),
                format!("{} to 1", self.limits.max_expansion),
            ));
        }
        Ok(())
    }
}
