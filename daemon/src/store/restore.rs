//! Brings a backup back. Everything is verified before anything is written, and the store's file comes last: where there is a
//! store, everything that it names is there too. A restore that was cut off can be run again.
//!
//! Must not know: a running daemon; the caller sees to it that there is none, and the lock makes sure.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use dropforge_shared::paths::Paths;

use super::backup::{CONFIG, FORMAT, Folder, MANIFEST, Manifest, TREES, verify};
use super::error::StoreError;
use super::tree::{self, Listed};
use super::{disk, migrate};

/// Ending of files that are being written.
const PARTIAL: &str = "restoring";

/// Whether a folder holds a backup that this version can restore, as far as its list tells.
pub fn check_backup(from: &Path) -> Result<(), StoreError> {
    read_manifest(from).map(drop)
}

/// Restores the backup in `from`. Refuses where there is a store already, or files that are not the backup's.
pub fn restore(from: &Path, paths: &Paths) -> Result<(), StoreError> {
    let manifest = read_manifest(from)?;
    verify(from, &manifest.files)?;
    let lock = disk::lock_dir(&paths.store)?;
    let store = disk::store_file(&paths.store);
    if fs::symlink_metadata(&store).is_ok() {
        return Err(StoreError::Conflict(format!(
            "there is a store at {} already; move it away, with its blobs and runs, before a restore",
            store.display()
        )));
    }
    let known: BTreeMap<&str, &Listed> = manifest.files.iter().map(|l| (l.path.as_str(), l)).collect();
    for (under, target) in TREES {
        refuse_strangers(&target(paths), under, &known)?;
    }
    // The store sorts last.
    for listed in known.values() {
        let target = match below(&listed.path) {
            Some((folder, rest)) => folder(paths).join(rest),
            // One that is there stays: it may be made for this machine.
            None if listed.path == CONFIG => paths.config.clone(),
            None => store.clone(),
        };
        place(&from.join(&listed.path), &target, listed)?;
    }
    drop(lock);
    Ok(())
}

fn read_manifest(from: &Path) -> Result<Manifest, StoreError> {
    let path = from.join(MANIFEST);
    let bytes = fs::read(&path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            StoreError::NotFound(format!("{} is no backup: it has no {MANIFEST}", from.display()))
        }
        _ => StoreError::io("reading the backup's list", &path, &e),
    })?;
    let damaged = |what: String| StoreError::Corrupt(format!("{}: {what}", path.display()));
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|e| damaged(e.to_string()))?;
    if manifest.format > FORMAT {
        return Err(StoreError::Newer { found: manifest.format, known: FORMAT });
    }
    let known = migrate::known(migrate::STEPS);
    if manifest.schema > known {
        return Err(StoreError::Newer { found: manifest.schema, known });
    }
    // The list may come from anywhere: it must not lead out of the folders.
    let store = format!("store/{}", disk::FILE);
    let sane = |path: &str| {
        let plain = Path::new(path).components().all(|c| matches!(c, Component::Normal(_)));
        plain && (path == store || path == CONFIG || below(path).is_some())
    };
    if let Some(listed) = manifest.files.iter().find(|l| !sane(&l.path)) {
        return Err(damaged(format!("it lists '{}', which has no place in a backup", listed.path)));
    }
    if !manifest.files.iter().any(|l| l.path == store) {
        return Err(damaged("it lists no store".to_owned()));
    }
    Ok(manifest)
}

/// The folder that a path of a backup belongs in, and the path below it.
fn below(path: &str) -> Option<(Folder, &str)> {
    let (under, rest) = path.split_once('/')?;
    TREES.iter().find(|(name, _)| *name == under).map(|(_, folder)| (*folder, rest))
}

/// Files that are there must be the backup's own, from a restore that was cut off.
fn refuse_strangers(target: &Path, under: &str, known: &BTreeMap<&str, &Listed>) -> Result<(), StoreError> {
    let paths = tree::files_below(target).map_err(|e| StoreError::io("listing", target, &e))?;
    for path in paths {
        if path.extension().is_some_and(|e| e == PARTIAL) {
            continue;
        }
        let same = match path.to_str().and_then(|p| known.get(format!("{under}/{p}").as_str())) {
            Some(listed) => tree::hash_file(&target.join(&path)).is_ok_and(|(_, sha)| sha == listed.sha256),
            None => false,
        };
        if !same {
            return Err(StoreError::Conflict(format!(
                "{} is in the way; move {} away before a restore",
                target.join(&path).display(),
                target.display()
            )));
        }
    }
    Ok(())
}

/// Puts one file where it belongs, whole or not at all.
fn place(from: &Path, to: &Path, listed: &Listed) -> Result<(), StoreError> {
    if to.exists() {
        return Ok(());
    }
    let mut partial = to.as_os_str().to_owned();
    partial.push(format!(".{PARTIAL}"));
    let partial = PathBuf::from(partial);
    let io = |e: &io::Error| StoreError::io("writing", to, e);
    if let Err(e) = fs::remove_file(&partial)
        && e.kind() != io::ErrorKind::NotFound
    {
        return Err(io(&e));
    }
    let copied = tree::copy_file(from, &partial)?;
    if copied.as_ref() != Some(&(listed.bytes, listed.sha256.clone())) {
        return Err(StoreError::Corrupt(format!("{} changed while it was restored", from.display())));
    }
    fs::rename(&partial, to).and_then(|()| disk::sync_parent(to)).map_err(|e| io(&e))
}
