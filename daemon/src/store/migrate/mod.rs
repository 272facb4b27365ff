//! Brings a store to the schema of this build, one step after the other, each in one transaction. The file is copied before
//! the first step; a store of a later build is refused untouched.
//!
//! A new step: a file `vNNN.rs` with `up`, a line in [`STEPS`], and a golden file of the version before under `tests/golden`.
//!
//! Must not know: rows as the present build reads them (a step keeps its own copy of what it needs), threads.

mod v001;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase, TableError, WriteTransaction};

use super::disk;
use super::error::StoreError;
use super::tables::{META, SCHEMA_VERSION};

/// One step up.
#[derive(Clone, Copy)]
pub(super) struct Step {
    /// The version that it leads to.
    pub(super) to: u32,
    /// What it does; the version is written by the caller in the same transaction.
    pub(super) up: fn(&WriteTransaction) -> Result<(), StoreError>,
}

/// Every step, in order. The first makes an empty store.
pub(super) const STEPS: &[Step] = &[Step { to: 1, up: v001::up }];

/// The schema that a list of steps leads to.
pub(super) fn known(steps: &[Step]) -> u32 {
    steps.last().map_or(0, |step| step.to)
}

/// The schema of an open store; `None` where it is an empty file or none of ours.
pub(super) fn version(db: &Database) -> Result<Option<u32>, StoreError> {
    let tx = db.begin_read()?;
    let table = match tx.open_table(META) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(e) => return Err(e.into()),
    };
    let Some(text) = table.get(SCHEMA_VERSION)? else { return Ok(None) };
    let text = text.value();
    text.parse().map(Some).map_err(|_| StoreError::Corrupt(format!("its schema version is '{text}'")))
}

/// Where the copy from before a migration lies.
pub(super) fn backup_path(path: &Path, version: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".v{version}-backup"));
    PathBuf::from(name)
}

/// Takes the steps that `db` lacks.
pub(super) fn run(db: &Database, steps: &[Step]) -> Result<(), StoreError> {
    let from = version(db)?.unwrap_or(0);
    for step in steps.iter().filter(|step| step.to > from) {
        let tx = db.begin_write()?;
        (step.up)(&tx)?;
        tx.open_table(META)?.insert(SCHEMA_VERSION, step.to.to_string().as_str())?;
        tx.commit()?;
    }
    Ok(())
}

/// The schema of a store that this build can use.
pub(super) fn usable(db: &Database, path: &Path, steps: &[Step]) -> Result<u32, StoreError> {
    let known = known(steps);
    match version(db)? {
        None => Err(StoreError::Corrupt(format!("{} is not a store of dropforge", path.display()))),
        Some(found) if found > known => Err(StoreError::Newer { found, known }),
        Some(found) => Ok(found),
    }
}

/// Opens the store at `path` and brings it up to date. `open` opens the file as it is.
pub(super) fn open(
    path: &Path,
    steps: &[Step],
    open: impl Fn(&Path) -> Result<Database, StoreError>,
) -> Result<Database, StoreError> {
    let db = open(path)?;
    let (found, known) = (usable(&db, path, steps)?, known(steps));
    if found == known {
        return Ok(db);
    }
    // Copying a file that is open is not safe; the caller's lock keeps others out meanwhile.
    drop(db);
    copy_aside(path, found)?;
    tracing::info!(found, known, "migrating the store; the file as it was is kept beside it");
    let db = open(path)?;
    run(&db, steps)?;
    Ok(db)
}

fn copy_aside(path: &Path, version: u32) -> Result<(), StoreError> {
    let backup = backup_path(path, version);
    let partial = backup.with_extension("partial");
    let copy = || {
        fs::copy(path, &partial)?;
        File::open(&partial)?.sync_all()?;
        fs::rename(&partial, &backup)?;
        disk::sync_parent(&backup)
    };
    copy().map_err(|e| {
        // What was copied so far is of no use, and the disk may be full.
        let _ = fs::remove_file(&partial);
        StoreError::io("copying the store before its migration to", &backup, &e)
    })
}
