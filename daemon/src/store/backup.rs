//! Copies a live store, its blobs and its runs into a new folder that can be restored from.
//!
//! The rows are copied first, through one read transaction into a new database (copying the live file itself is not safe), and the
//! transaction ends there: held longer, it would make the store's file grow with every write. Files that rows name can only have
//! been removed since, never changed, so copying them after the rows loses nothing that is still there.
//!
//! Must not know: who asked, how blobs come to be.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use dropforge_shared::paths::Paths;
use dropforge_shared::time::Timestamp;
use redb::{Builder, Database, Key, ReadableDatabase, TableDefinition, Value, WriteTransaction};
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::rows::{FileRow, Location};
use super::tables::{AUDIT, COUNTERS, FILES, INDICES, META, ROW_TABLES};
use super::tree::{self, Listed};
use super::tx::{Entity, ReadTx, WriteTx};
use super::{Store, disk, envelope, fsck, migrate};

/// The list of a backup's files.
pub(super) const MANIFEST: &str = "manifest.json";
/// Where contents lie in a backup.
const BLOBS: &str = "blobs";
/// Where the configuration lies in a backup.
pub(super) const CONFIG: &str = "config.toml";

/// Where a folder of a home lies.
pub(super) type Folder = fn(&Paths) -> PathBuf;

/// The folders that a backup holds besides the store: where in it, and where they come from.
pub(super) const TREES: [(&str, Folder); 5] = [
    (BLOBS, |paths| paths.blobs.clone()),
    ("runs", |paths| paths.runs.clone()),
    ("logs", |paths| paths.logs.join("jobs")),
    ("recipes", |paths| paths.recipes.clone()),
    ("detection", |paths| paths.detection.clone()),
];

/// How a backup is laid out.
pub(super) const FORMAT: u32 = 1;

/// What a backup holds: in `manifest.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) format: u32,
    /// The store's schema.
    pub(super) schema: u32,
    /// The build that made it.
    pub(super) dropforge: String,
    pub(super) created_at: Timestamp,
    pub(super) files: Vec<Listed>,
}

/// What was backed up.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BackupReport {
    /// Where it lies.
    pub path: PathBuf,
    /// Rows of files, jobs, projects and the audit log.
    pub rows: u64,
    /// Files copied: the store, blobs and those of runs.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What was found wrong while copying: it is wrong in the live store too.
    pub problems: Vec<String>,
}

/// Makes a backup at `to`, which must not be there.
pub(super) fn run(store: &Store, paths: &Paths, to: &Path) -> Result<BackupReport, StoreError> {
    if fs::symlink_metadata(to).is_ok() {
        return Err(StoreError::Conflict(format!(
            "{} is there already; name a folder that is not",
            to.display()
        )));
    }
    let Some(name) = to.file_name() else {
        return Err(StoreError::Conflict(format!("{} does not name a folder", to.display())));
    };
    let partial = to.with_file_name(format!(".{}.partial", name.to_string_lossy()));
    let _lock = claim(&partial)?;
    let outcome = fill(store, paths, &partial).and_then(|report| {
        fs::rename(&partial, to)
            .and_then(|()| disk::sync_parent(to))
            .map_err(|e| StoreError::io("renaming the backup to", to, &e))?;
        Ok(BackupReport { path: to.to_owned(), ..report })
    });
    if outcome.is_err() {
        // It is of no use, and may have filled the disk. If it stays, the next backup clears it away.
        let _ = fs::remove_dir_all(&partial);
    }
    outcome
}

/// Takes the temporary folder for this backup; one that a killed process left is cleared away.
fn claim(partial: &Path) -> Result<File, StoreError> {
    let busy = || StoreError::Conflict(format!("another backup is writing to {}", partial.display()));
    if let Ok(old) = File::open(partial) {
        old.try_lock().map_err(|_| busy())?;
        fs::remove_dir_all(partial).map_err(|e| StoreError::io("removing", partial, &e))?;
    }
    if let Some(parent) = partial.parent().filter(|p| !p.as_os_str().is_empty() && !p.exists()) {
        disk::private_dir(parent)?;
    }
    disk::private_dir(partial)?;
    let folder = File::open(partial).map_err(|e| StoreError::io("opening", partial, &e))?;
    folder.try_lock().map_err(|_| busy())?;
    Ok(folder)
}

fn fill(store: &Store, paths: &Paths, to: &Path) -> Result<BackupReport, StoreError> {
    let mut report = BackupReport::default();
    let folder = to.join("store");
    disk::private_dir(&folder)?;
    let file = folder.join(disk::FILE);
    let copy = new_database(&file)?;
    store.read(|tx| copy_rows(tx, &copy).map_err(|e| target_error("copying the rows to", &file, e)))?;

    let mut listed = Vec::new();
    copy_tree(&paths.blobs, to, BLOBS, is_blob, &mut listed, &mut report)?;
    let held: BTreeSet<&str> = listed.iter().map(|l| l.sha256.as_str()).collect();
    for blob in &listed {
        if hash_in_name(Path::new(&blob.path)).is_some_and(|hash| hash != blob.sha256) {
            report.problems.push(format!("{} is damaged: its bytes hash to {}", blob.path, blob.sha256));
        }
    }
    drop_removed(store, &copy, &held, &mut report)?;
    for (under, from) in TREES.iter().filter(|(under, _)| *under != BLOBS) {
        copy_tree(&from(paths), to, under, |_| true, &mut listed, &mut report)?;
    }
    if let Some((bytes, sha256)) = tree::copy_file(&paths.config, &to.join(CONFIG))? {
        listed.push(Listed { path: CONFIG.to_owned(), bytes, sha256 });
    }

    let found = fsck::check(&ReadTx::new(copy.begin_read()?))?;
    report.rows = found.files + found.jobs + found.projects + found.audit;
    report.problems.extend(found.problems.iter().map(ToString::to_string));
    let schema = migrate::version(&copy)?.unwrap_or(0);
    drop(copy);
    let (bytes, sha256) = tree::hash_file(&file).map_err(|e| StoreError::io("reading", &file, &e))?;
    listed.push(Listed { path: format!("store/{}", disk::FILE), bytes, sha256 });

    verify(to, &listed)?;
    report.files = listed.len() as u64;
    report.bytes = listed.iter().map(|l| l.bytes).sum();
    write_manifest(to, schema, listed)?;
    tree::sync_folders(to).map_err(|e| StoreError::io("syncing", to, &e))?;
    Ok(report)
}

pub(super) fn new_database(path: &Path) -> Result<Database, StoreError> {
    let file = disk::new_file(path).map_err(|e| StoreError::io("making", path, &e))?;
    Builder::new()
        .set_cache_size(disk::CACHE_BYTES)
        .create_file(file)
        .map_err(|e| target_error("writing", path, StoreError::from(e)))
}

/// A disk that is full is the target's, not the store's: say so, and don't have callers wait for the store.
fn target_error(doing: &str, path: &Path, error: StoreError) -> StoreError {
    match error {
        StoreError::Unavailable(why) => StoreError::Io {
            context: format!("{doing} {}", path.display()),
            kind: io::ErrorKind::Other,
            detail: why,
        },
        other => other,
    }
}

pub(super) fn copy_rows(from: &ReadTx, to: &Database) -> Result<(), StoreError> {
    let tx = to.begin_write()?;
    copy_table(from, &tx, META)?;
    copy_table(from, &tx, COUNTERS)?;
    copy_table(from, &tx, AUDIT)?;
    for table in ROW_TABLES {
        copy_table(from, &tx, table)?;
    }
    for index in INDICES {
        copy_table(from, &tx, index.table())?;
    }
    Ok(tx.commit()?)
}

fn copy_table<K: Key + 'static, V: Value + 'static>(
    from: &ReadTx,
    to: &WriteTransaction,
    table: TableDefinition<'_, K, V>,
) -> Result<(), StoreError> {
    let mut copy = to.open_table(table)?;
    from.each(table, |key, value| {
        copy.insert(key, value)?;
        Ok(())
    })
}

/// A blob lies under its hash, in one piece or with the first letters as a folder. Anything else is still being written.
fn hash_in_name(path: &Path) -> Option<String> {
    let is_hash = |text: &str| {
        text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let name = path.file_name()?.to_str()?;
    if is_hash(name) {
        return Some(name.to_owned());
    }
    let parts: Vec<&str> = path.iter().filter_map(|p| p.to_str()).filter(|p| *p != "blobs").collect();
    Some(parts.concat()).filter(|joined| is_hash(joined))
}

fn is_blob(path: &Path) -> bool {
    hash_in_name(path).is_some()
}

fn copy_tree(
    from: &Path,
    backup: &Path,
    under: &str,
    wanted: impl Fn(&Path) -> bool,
    listed: &mut Vec<Listed>,
    report: &mut BackupReport,
) -> Result<(), StoreError> {
    disk::private_dir(&backup.join(under))?;
    let paths = tree::files_below(from).map_err(|e| StoreError::io("listing", from, &e))?;
    for path in paths.into_iter().filter(|path| wanted(path)) {
        let Some(text) = path.to_str() else {
            report
                .problems
                .push(format!("{} is not copied: its name is not UTF-8", from.join(&path).display()));
            continue;
        };
        let text = format!("{under}/{text}");
        if let Some((bytes, sha256)) = tree::copy_file(&from.join(&path), &backup.join(&text))? {
            listed.push(Listed { path: text, bytes, sha256 });
        }
    }
    Ok(())
}

/// Files whose blob was not found: those that were removed while the copy was made leave the copy too, the others are told.
pub(super) fn drop_removed(
    store: &Store,
    copy: &Database,
    held: &BTreeSet<&str>,
    report: &mut BackupReport,
) -> Result<(), StoreError> {
    let mut without = Vec::new();
    ReadTx::new(copy.begin_read()?).each(FILES, |id, bytes| {
        // Rows that can't be read are told by the check of the copy.
        if let Ok(row) = envelope::decode::<FileRow>(FileRow::WHAT, id, bytes)
            && row.location == Location::Blob
            && !held.contains(row.sha256.as_str())
        {
            without.push(row);
        }
        Ok(())
    })?;
    let mut tx = WriteTx::new(copy.begin_write()?);
    for row in without {
        if store.read(|live| live.file(&row.id))?.is_some() {
            report.problems.push(format!("the content of file {} ({}) is missing", row.id, row.name));
        } else {
            tx.remove_file(&row.id)?;
        }
    }
    tx.commit()
}

/// Reads every copy again and compares.
pub(super) fn verify(backup: &Path, listed: &[Listed]) -> Result<(), StoreError> {
    for file in listed {
        let path = backup.join(&file.path);
        let (bytes, sha256) = tree::hash_file(&path).map_err(|e| StoreError::io("reading", &path, &e))?;
        if (bytes, &sha256) != (file.bytes, &file.sha256) {
            return Err(StoreError::Corrupt(format!("{} is not what {MANIFEST} says", path.display())));
        }
    }
    Ok(())
}

fn write_manifest(to: &Path, schema: u32, files: Vec<Listed>) -> Result<(), StoreError> {
    let path = to.join(MANIFEST);
    let manifest = Manifest {
        format: FORMAT,
        schema,
        dropforge: dropforge_shared::VERSION.to_owned(),
        created_at: Timestamp::now(),
        files,
    };
    let write = || {
        let text = serde_json::to_vec_pretty(&manifest)?;
        let mut file = disk::new_file(&path)?;
        file.write_all(&text)?;
        file.sync_all()
    };
    write().map_err(|e: io::Error| StoreError::io("writing", &path, &e))
}
