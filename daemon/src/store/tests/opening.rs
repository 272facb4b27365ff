//! Opening: permissions, the lock, new and newer stores, migrations.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use redb::{Database, ReadableDatabase, TableDefinition, WriteTransaction};

use super::{job, store_in};
use crate::store::migrate::{self, STEPS, Step};
use crate::store::{Store, StoreError, disk};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn only_the_owner_can_look_inside() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("state/store");
    drop(Store::open(&folder).unwrap());
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join(disk::FILE)), 0o600);
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(folder.join(disk::FILE), fs::Permissions::from_mode(0o644)).unwrap();
    drop(Store::open(&folder).unwrap());
    assert_eq!((mode(&folder), mode(&folder.join(disk::FILE))), (0o700, 0o600));
}

#[test]
fn a_second_opener_is_told_and_gets_in_when_the_first_has_gone() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    assert!(matches!(Store::open(dir.path()), Err(StoreError::Locked(path)) if path.starts_with(dir.path())));
    drop(store);
    Store::open(dir.path()).unwrap();
}

#[test]
fn what_a_cut_off_first_start_left_does_not_matter() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("dropforge.new"), "half a store").unwrap();
    let store = Store::open(dir.path()).unwrap();
    assert!(store.fsck(false).unwrap().is_clean());
    assert!(!dir.path().join("dropforge.new").exists());
}

#[test]
fn a_file_that_is_no_store_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(disk::FILE);
    fs::write(&path, b"a letter to a friend").unwrap();
    assert!(Store::open(dir.path()).is_err());
    assert_eq!(fs::read(&path).unwrap(), b"a letter to a friend");
    fs::write(&path, b"").unwrap();
    assert!(Store::open(dir.path()).is_err(), "an empty file is no empty store: rows may have been lost");
}

const NOTES: TableDefinition<&str, &str> = TableDefinition::new("notes");

fn second(tx: &WriteTransaction) -> Result<(), StoreError> {
    tx.open_table(NOTES)?.insert("hello", "from schema 2")?;
    Ok(())
}

fn broken(tx: &WriteTransaction) -> Result<(), StoreError> {
    second(tx)?;
    Err(StoreError::Corrupt("the step failed".into()))
}

fn open(dir: &Path, steps: &[Step]) -> Result<Store, StoreError> {
    Store::open_with(dir, steps, disk::Disk::real())
}

#[test]
fn a_migration_copies_first_and_a_newer_store_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (store, project) = store_in(dir.path());
    let id = store.write_blocking(move |tx| tx.put_job(job(1, &project))).unwrap().id;
    let before = store.snapshot_text().unwrap();
    store.close();
    let later = [STEPS[0], Step { to: 2, up: second }];
    let store = open(dir.path(), &later).unwrap();
    assert!(store.read(|tx| tx.job(&id)).unwrap().is_some());
    assert_eq!(
        store.read(|tx| tx.get(NOTES, "hello", str::to_owned)).unwrap().as_deref(),
        Some("from schema 2")
    );
    store.close();

    // The copy is the store as it was.
    let backup = migrate::backup_path(&dir.path().join(disk::FILE), 1);
    assert!(backup.ends_with("dropforge.redb.v1-backup"), "{}", backup.display());
    assert_eq!(mode(&backup), 0o600);
    let old = tempfile::tempdir().unwrap();
    fs::copy(&backup, old.path().join(disk::FILE)).unwrap();
    assert_eq!(open(old.path(), STEPS).unwrap().snapshot_text().unwrap(), before);

    // This build knows schema 1 only.
    let found = open(dir.path(), STEPS).err();
    assert_eq!(found, Some(StoreError::Newer { found: 2, known: 1 }));
    assert!(open(dir.path(), &later).is_ok(), "and it was left as it is");
}

#[test]
fn a_step_that_fails_leaves_the_store_at_the_version_before() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = store_in(dir.path());
    let before = store.snapshot_text().unwrap();
    store.close();
    let error = open(dir.path(), &[STEPS[0], Step { to: 2, up: broken }]).err();
    assert_eq!(error, Some(StoreError::Corrupt("the step failed".into())));
    let db = Database::open(dir.path().join(disk::FILE)).unwrap();
    assert!(db.begin_read().unwrap().open_table(NOTES).is_err());
    drop(db);
    assert_eq!(Store::open(dir.path()).unwrap().snapshot_text().unwrap(), before);
}

#[test]
fn a_store_whose_file_was_removed_is_not_on_disk_even_where_another_lies_in_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    assert!(store.is_on_disk());
    let file = dir.path().join("dropforge.redb");
    let bytes = std::fs::read(&file).unwrap();
    std::fs::rename(&file, dir.path().join("elsewhere")).unwrap();
    assert!(!store.is_on_disk());
    std::fs::write(&file, bytes).unwrap();
    assert!(!store.is_on_disk());
}
