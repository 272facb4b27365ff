//! What lies in a wrapper: the members of a zip archive, and content that must be a plain file to be read (a workbook,
//! Parquet or Arrow within gzip, zstd or zip). Nothing is unpacked before its size was looked at, and no promise of the
//! archive about sizes is believed while it is unpacked.
//!
//! It knows where bytes lie, not what a table is; [`crate::recognise`] tells that.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::error::Error;
use crate::limits::Limits;
use crate::monitor::Monitor;

const BOMB: &str =
    "it may be a decompression bomb; unpack it yourself if you trust it, and add what is in it";

/// A file for the time of a reading; removed at its end.
#[derive(Debug)]
pub(crate) struct Temporary(PathBuf);

impl Temporary {
    /// In a folder, under a name that nothing else has there.
    pub(crate) fn within(folder: &Path, number: usize) -> Self {
        Self(folder.join(format!(".unpacked-{number}")))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// One member of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    /// Its place in the archive.
    pub(crate) index: usize,
    /// Its name with folders.
    pub(crate) name: String,
    pub(crate) encrypted: bool,
    /// Sizes as the archive tells them.
    pub(crate) compressed: u64,
    pub(crate) bytes: u64,
}

/// A zip archive.
pub(crate) struct Zip {
    path: PathBuf,
    archive: ZipArchive<BufReader<File>>,
    /// Its files, without folders and what systems put beside them.
    pub(crate) members: Vec<Member>,
}

impl Zip {
    /// Reads the directory of an archive.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(Error::io("open", path))?;
        let mut archive =
            ZipArchive::new(BufReader::new(file)).map_err(|e| fault(path, "its directory", &e))?;
        let mut members = Vec::new();
        for index in 0..archive.len() {
            let member = archive.by_index_raw(index).map_err(|e| fault(path, "its directory", &e))?;
            let name = member.name().map_or_else(
                |_| String::from_utf8_lossy(member.name_raw()).into_owned(),
                std::borrow::Cow::into_owned,
            );
            let last = name.rsplit('/').next().unwrap_or_default();
            let litter = name.starts_with("__MACOSX/")
                || last.starts_with("._")
                || matches!(last, ".DS_Store" | "Thumbs.db" | "desktop.ini");
            if member.is_dir() || litter {
                continue;
            }
            members.push(Member {
                index,
                name,
                encrypted: member.encrypted(),
                compressed: member.compressed_size(),
                bytes: member.size(),
            });
        }
        Ok(Self { path: path.to_path_buf(), archive, members })
    }

    /// Whether it has a member of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.iter().any(|m| m.name == name)
    }

    /// Refuses what says itself that it is too big.
    pub(crate) fn check_declared(&self, members: &[Member], limits: &Limits) -> Result<(), Error> {
        let bytes: u64 = members.iter().fold(0, |sum, m| sum.saturating_add(m.bytes));
        let compressed: u64 = members.iter().fold(0, |sum, m| sum.saturating_add(m.compressed));
        check(bytes, compressed, limits, &|| format!("the directory of {}", self.path.display()))
    }

    /// The first bytes of a member; nothing where it can't be read.
    pub(crate) fn head(&mut self, member: &Member, most: usize) -> Result<Vec<u8>, Error> {
        let path = self.path.clone();
        let opened = self.archive.by_index(member.index).map_err(|e| fault(&path, &member.name, &e))?;
        let mut head = Vec::new();
        opened.take(most as u64).read_to_end(&mut head).map_err(|e| broken(&path, &member.name, &e))?;
        Ok(head)
    }

    /// Reads a member to its end, a piece at a time, under the limits.
    pub(crate) fn read(
        &mut self,
        member: &Member,
        limits: &Limits,
        cancelled: &dyn Fn() -> bool,
        mut each: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let path = self.path.clone();
        let mut opened = self.archive.by_index(member.index).map_err(|e| fault(&path, &member.name, &e))?;
        let mut buffer = vec![0u8; 256 << 10];
        let mut bytes = 0u64;
        loop {
            if cancelled() {
                return Err(Error::Cancelled);
            }
            let n = match opened.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(n) => n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(broken(&path, &member.name, &e)),
            };
            bytes += n as u64;
            check(bytes, member.compressed, limits, &|| format!("{} in {}", member.name, path.display()))?;
            each(buffer.get(..n).unwrap_or_default())?;
        }
    }

    /// Unpacks a member into a file.
    pub(crate) fn unpack(
        &mut self,
        member: &Member,
        to: &Path,
        limits: &Limits,
        monitor: &mut dyn Monitor,
    ) -> Result<(), Error> {
        monitor.stage("unpack", Some(member.bytes), "bytes");
        let mut out = File::create(to).map_err(Error::io("write", to))?;
        let mut done = 0;
        let stop = std::cell::Cell::new(false);
        self.read(member, limits, &|| stop.get(), |bytes| {
            out.write_all(bytes).map_err(Error::io("write", to))?;
            done += bytes.len() as u64;
            monitor.progress(done);
            stop.set(monitor.cancelled());
            Ok(())
        })
    }
}

/// Refuses sizes that no honest table has.
fn check(bytes: u64, compressed: u64, limits: &Limits, place: &dyn Fn() -> String) -> Result<(), Error> {
    let refuse =
        |what: String, limit: String| Err(Error::Limit { what, place: place(), limit, way_out: BOMB });
    if bytes > limits.max_uncompressed_bytes {
        return refuse("uncompressed content".to_owned(), format!("{} bytes", limits.max_uncompressed_bytes));
    }
    if bytes > Limits::EXPANSION_FREE_BYTES && bytes > compressed.saturating_mul(limits.max_expansion) {
        return refuse(
            format!("{bytes} bytes out of {compressed} compressed ones"),
            format!("{} to 1", limits.max_expansion),
        );
    }
    Ok(())
}

fn broken(path: &Path, member: &str, error: &std::io::Error) -> Error {
    Error::Damaged {
        path: path.to_path_buf(),
        form: "zip",
        place: member.to_owned(),
        reason: error.to_string(),
    }
}

fn fault(path: &Path, place: &str, error: &ZipError) -> Error {
    let reason = match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) | ZipError::InvalidPassword => {
            "it is encrypted; unpack it with its password first".to_owned()
        }
        ZipError::CompressionMethodNotSupported(_) | ZipError::UnsupportedArchive(_) => {
            format!("{error}; only deflated and stored members are read, so unpack it first")
        }
        other => other.to_string(),
    };
    Error::Damaged { path: path.to_path_buf(), form: "zip", place: place.to_owned(), reason }
}
