//! The contents by hash: `blobs/ab/cdef…`, complete or not there. A content without a file row is harmless: it is used
//! again when the same bytes come, or removed when asked.
//!
//! Must not know: names, the inbox, what the bytes mean.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use dropforge_shared::ids::FileId;
use dropforge_shared::paths::Paths;

use crate::store::{Store, StoreError};

/// Why a content could not be removed.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// The store could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system refused.
    #[error("can't remove {}: {source}", .path.display())]
    Io {
        /// The content's path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The folder of contents.
#[derive(Debug, Clone)]
pub struct Blobs {
    paths: Paths,
    /// Contents that a commit under way is about to use, with how often. Removing looks here under the same lock.
    pins: Arc<Mutex<HashMap<String, usize>>>,
}

/// Keeps a content from being removed.
#[derive(Debug)]
pub(crate) struct Pin {
    blobs: Blobs,
    sha256: String,
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut pins = self.blobs.pins.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = pins.get_mut(&self.sha256) {
            *count -= 1;
            if *count == 0 {
                pins.remove(&self.sha256);
            }
        }
    }
}

/// A content that is being written; removed when dropped before it was kept.
#[derive(Debug)]
pub(super) struct Temp {
    /// For writing.
    pub(super) file: File,
    path: PathBuf,
    kept: bool,
}

impl Drop for Temp {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Tells this process's unfinished contents from those of one that ended.
fn tag() -> &'static str {
    static TAG: OnceLock<String> = OnceLock::new();
    TAG.get_or_init(|| FileId::random().as_str().to_owned())
}

impl Blobs {
    /// The contents of a home.
    pub fn new(paths: &Paths) -> Self {
        Self { paths: paths.clone(), pins: Arc::default() }
    }

    /// The folder, for what is free on its disk.
    pub(super) fn folder(&self) -> &Path {
        &self.paths.blobs
    }

    fn unfinished(&self) -> PathBuf {
        self.paths.blobs.join("tmp")
    }

    /// Removes what an earlier process left unfinished. Returns how many.
    pub(super) fn sweep(&self) -> io::Result<usize> {
        let entries = match fs::read_dir(self.unfinished()) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(0),
            Err(e) => return Err(e),
        };
        let mut removed = 0;
        for entry in entries {
            let entry = entry?;
            if !entry.file_name().to_string_lossy().starts_with(tag()) {
                fs::remove_file(entry.path())?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Begins a content.
    pub(super) fn begin(&self) -> io::Result<Temp> {
        let dir = self.unfinished();
        DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        let path = dir.join(format!("{}.{}", tag(), FileId::random()));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Temp { file, path, kept: false })
    }

    /// Whether a content is there, whole.
    pub fn has(&self, sha256: &str, bytes: u64) -> bool {
        fs::symlink_metadata(self.paths.blob(sha256)).is_ok_and(|m| m.is_file() && m.len() == bytes)
    }

    /// Puts a synced content in its place. It is there after a power cut when this returns.
    pub(super) fn keep(&self, mut temp: Temp, sha256: &str) -> io::Result<()> {
        let target = self.paths.blob(sha256);
        let dir = target.parent().unwrap_or(&self.paths.blobs);
        if !dir.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
            File::open(&self.paths.blobs)?.sync_all()?;
        }
        fs::rename(&temp.path, &target)?;
        temp.kept = true;
        File::open(dir)?.sync_all()
    }

    /// Makes a file that lies on this disk a content, without a second copy where the file system can share bytes. It is
    /// there after a power cut when this returns. The file must not change any more; `sha256` is its hash.
    pub(crate) fn adopt(&self, from: &Path, sha256: &str) -> io::Result<()> {
        let mut temp = self.begin()?;
        let mut source = File::open(from)?;
        // Shared blocks first, as the two files are then apart; else one file with two names; else a copy.
        if rustix::fs::ioctl_ficlone(&temp.file, &source).is_err() {
            fs::remove_file(&temp.path)?;
            temp.file = match fs::hard_link(from, &temp.path) {
                Ok(()) => File::open(&temp.path)?,
                Err(_) => {
                    let mut copy =
                        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temp.path)?;
                    io::copy(&mut source, &mut copy)?;
                    copy
                }
            };
        }
        temp.file.sync_all()?;
        let name = temp.path.clone();
        self.keep(temp, sha256)?;
        // Where the content has this very file already, the rename did nothing (rename(2)).
        match fs::remove_file(name) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }

    /// Keeps a content from being removed until the pin is dropped. Taken before looking whether it is there.
    pub(crate) fn pin(&self, sha256: &str) -> Pin {
        let mut pins = self.pins.lock().unwrap_or_else(PoisonError::into_inner);
        *pins.entry(sha256.to_owned()).or_default() += 1;
        Pin { blobs: self.clone(), sha256: sha256.to_owned() }
    }

    /// Removes a content that no file uses and that no intake is about to use. Returns the bytes that became free. To be
    /// called after the commit that removed the file's row.
    pub fn remove_unused(&self, sha256: &str, store: &Store) -> Result<u64, RemoveError> {
        // Held while the store is asked: an intake that pins now finds the content gone and puts its own in place.
        let pins = self.pins.lock().unwrap_or_else(PoisonError::into_inner);
        if pins.contains_key(sha256) || store.read(|tx| tx.blob_uses(sha256))? > 0 {
            return Ok(0);
        }
        let path = self.paths.blob(sha256);
        let bytes = fs::symlink_metadata(&path).map_or(0, |m| m.len());
        match fs::remove_file(&path) {
            Ok(()) => Ok(bytes),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(source) => Err(RemoveError::Io { path, source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const SHA: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn home() -> (tempfile::TempDir, Blobs, Store) {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::under(dir.path()).unwrap();
        paths.create().unwrap();
        let store = Store::open(&paths.store).unwrap();
        (dir, Blobs::new(&paths), store)
    }

    #[test]
    fn a_content_appears_whole_and_one_that_was_not_kept_leaves_nothing() {
        let (_dir, blobs, _store) = home();
        let mut temp = blobs.begin().unwrap();
        temp.file.write_all(b"abc").unwrap();
        assert!(!blobs.has(SHA, 3));
        blobs.keep(temp, SHA).unwrap();
        assert!(blobs.has(SHA, 3) && !blobs.has(SHA, 4));
        drop(blobs.begin().unwrap());
        assert_eq!(fs::read_dir(blobs.unfinished()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_that_was_adopted_is_a_content_of_its_own() {
        let (dir, blobs, store) = home();
        let from = dir.path().join("made.csv");
        fs::write(&from, "abc").unwrap();
        blobs.adopt(&from, SHA).unwrap();
        assert!(blobs.has(SHA, 3) && from.exists());
        assert_eq!(fs::read_dir(blobs.unfinished()).unwrap().count(), 0);
        // Twice is once, and either may go without the other.
        blobs.adopt(&from, SHA).unwrap();
        fs::remove_file(&from).unwrap();
        assert!(blobs.has(SHA, 3));
        assert_eq!(blobs.remove_unused(SHA, &store).unwrap(), 3);
    }

    #[test]
    fn a_sweep_removes_only_what_an_earlier_process_left() {
        let (_dir, blobs, _store) = home();
        let live = blobs.begin().unwrap();
        fs::write(blobs.unfinished().join("f0000000000.f1111111111"), "stale").unwrap();
        assert_eq!(blobs.sweep().unwrap(), 1);
        assert!(live.path.exists());
    }

    #[test]
    fn a_pinned_content_is_not_removed() {
        let (_dir, blobs, store) = home();
        let mut temp = blobs.begin().unwrap();
        temp.file.write_all(b"abc").unwrap();
        blobs.keep(temp, SHA).unwrap();
        let pin = blobs.pin(SHA);
        assert_eq!(blobs.remove_unused(SHA, &store).unwrap(), 0);
        drop(pin);
        assert_eq!(blobs.remove_unused(SHA, &store).unwrap(), 3);
        assert!(!blobs.has(SHA, 3));
        assert_eq!(blobs.remove_unused(SHA, &store).unwrap(), 0, "asking twice is no fault");
    }
}
