//! Copies folders file by file, hashing on the way. What vanishes meanwhile is passed over: the folders are in use.
//!
//! Must not know: what the files are.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::audit::hex;
use super::{disk, error::StoreError};

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Listed {
    /// Its path below the backup's folder.
    pub(super) path: String,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// Regular files below a folder, as paths relative to it, in order. Links are not followed and not listed.
pub(super) fn files_below(root: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut found, mut folders) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(root.join(&folder)) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => return Err(e),
        };
        for entry in entries {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(path),
                Ok(kind) if kind.is_file() => found.push(path),
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(e),
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)
}

fn pass(from: &mut impl Read, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<(u64, String)> {
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let mut buffer = vec![0; 256 << 10];
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => return Ok((bytes, hex(&hash.finalize()))),
            Ok(read) => read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        hash.update(&buffer[..read]);
        each(&buffer[..read])?;
        bytes += read as u64;
    }
}

/// Size and SHA-256 of a file.
pub(super) fn hash_file(path: &Path) -> io::Result<(u64, String)> {
    pass(&mut open(path)?, |_| Ok(()))
}

/// Copies a file to a new one and syncs it; returns size and SHA-256 of the bytes that were copied. `None` where there was
/// nothing to copy any more.
pub(super) fn copy_file(from: &Path, to: &Path) -> Result<Option<(u64, String)>, StoreError> {
    let mut source = match open(from) {
        Ok(source) => source,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(StoreError::io("reading", from, &e)),
    };
    if let Some(parent) = to.parent() {
        disk::private_dir(parent)?;
    }
    let write = |e: &io::Error| StoreError::io("writing", to, e);
    let mut target = disk::new_file(to).map_err(|e| write(&e))?;
    let mut write_error = None;
    let copied =
        pass(&mut source, |bytes| target.write_all(bytes).inspect_err(|e| write_error = Some(write(e))));
    let copied = copied.map_err(|e| write_error.unwrap_or_else(|| StoreError::io("reading", from, &e)))?;
    target.sync_all().map_err(|e| write(&e))?;
    Ok(Some(copied))
}

/// Syncs every folder below and including `root`, so that the names in them last.
pub(super) fn sync_folders(root: &Path) -> io::Result<()> {
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
        File::open(&folder)?.sync_all()?;
    }
    Ok(())
}
