//! Backup of a live store and its way back.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dropforge_shared::paths::Paths;
use sha2::{Digest, Sha256};

use super::{file, job, store_in, until};
use crate::store::audit::hex;
use crate::store::{Store, StoreError, restore};

struct Home {
    dir: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let home = Self { dir: tempfile::tempdir().unwrap() };
        for name in ["blobs", "runs"] {
            fs::create_dir(home.at(name)).unwrap();
        }
        home
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn paths(&self) -> Paths {
        Paths::under(self.dir.path()).unwrap()
    }

    fn blob(&self, content: &str) -> String {
        let sha = hex(&Sha256::digest(content.as_bytes()));
        let folder = self.at("blobs").join(&sha[..2]);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(&sha), content).unwrap();
        sha
    }

    fn backup(&self, store: &Store) -> crate::store::BackupReport {
        store.backup(&self.paths(), &self.at("backup")).unwrap()
    }

    fn restore_to(&self, to: &Home) -> Result<(), StoreError> {
        restore(&self.at("backup"), &to.paths())
    }
}

#[test]
fn a_backup_taken_while_writes_go_on_comes_back_whole() {
    let home = Home::new();
    let (store, project) = store_in(&home.at("store"));
    let shas: Vec<_> = (0..5).map(|n| home.blob(&format!("content {n}"))).collect();
    let rows: Vec<_> = shas.iter().map(|sha| file(1, &project, "a.csv", sha)).collect();
    let files: Vec<_> = rows.iter().map(|row| row.id.clone()).collect();
    store
        .write_blocking(move |tx| {
            tx.append_audit(1, "add", "f", "")?;
            rows.iter().try_for_each(|row| tx.put_file(row.clone()).map(drop))
        })
        .unwrap();
    fs::create_dir_all(home.at("runs/j1/out")).unwrap();
    fs::write(home.at("runs/j1/out/data.parquet"), [7; 100_000]).unwrap();
    fs::write(home.at("blobs").join(".incoming-1"), "half").unwrap();

    let stop = Arc::new(AtomicBool::new(false));
    let writer = std::thread::spawn({
        let (store, stop, project) = (store.clone(), stop.clone(), project.clone());
        move || {
            let mut written = 0;
            while !stop.load(Ordering::SeqCst) {
                let row = job(1, &project);
                store.write_blocking(move |tx| tx.put_job(row.clone())).unwrap();
                written += 1;
            }
            written
        }
    });
    until("some jobs are there", || store.read(|tx| tx.jobs_queued(20)).unwrap().len() == 20);
    let report = home.backup(&store);
    stop.store(true, Ordering::SeqCst);
    let written: usize = writer.join().unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    assert_eq!(report.files, 5 + 1 + 1, "five blobs, one output, the store; not what is half there");

    let other = Home::new();
    home.restore_to(&other).unwrap();
    let back = Store::open(&other.at("store")).unwrap();
    assert!(back.fsck(false).unwrap().is_clean());
    let jobs = back.read(|tx| tx.jobs(None, None, None, usize::MAX)).unwrap();
    assert!((20..=written).contains(&jobs.len()), "{} of {written}", jobs.len());
    // A backup is one moment: the first so many, without gaps.
    assert_eq!(
        jobs.iter().rev().map(|j| j.seq).collect::<Vec<_>>(),
        (1..=jobs.len() as u64).collect::<Vec<_>>()
    );
    for (id, sha) in files.iter().zip(&shas) {
        assert_eq!(&back.read(|tx| tx.file(id)).unwrap().unwrap().sha256, sha);
        let bytes = fs::read(other.at("blobs").join(&sha[..2]).join(sha)).unwrap();
        assert_eq!(&hex(&Sha256::digest(&bytes)), sha);
    }
    assert_eq!(fs::read(other.at("runs/j1/out/data.parquet")).unwrap(), [7; 100_000]);
    assert_eq!(report.rows, 5 + jobs.len() as u64 + 1 + 1);
}

#[test]
fn a_target_that_is_there_is_not_touched() {
    let home = Home::new();
    let (store, _) = store_in(&home.at("store"));
    fs::create_dir(home.at("backup")).unwrap();
    fs::write(home.at("backup/precious"), "x").unwrap();
    let error = store.backup(&home.paths(), &home.at("backup")).unwrap_err();
    assert!(matches!(&error, StoreError::Conflict(m) if m.contains("backup")), "{error}");
    assert_eq!(fs::read_dir(home.at("backup")).unwrap().count(), 1);
    fs::remove_dir_all(home.at("backup")).unwrap();

    // What a killed backup left is cleared away.
    fs::create_dir(home.at(".backup.partial")).unwrap();
    fs::write(home.at(".backup.partial/manifest.json"), "x").unwrap();
    home.backup(&store);
    assert!(!home.at(".backup.partial").exists());

    let error = home.restore_to(&home).unwrap_err();
    assert!(matches!(&error, StoreError::Locked(_)), "{error}");
    store.close();
    let error = home.restore_to(&home).unwrap_err();
    assert!(matches!(&error, StoreError::Conflict(m) if m.contains("there is a store")), "{error}");
}

#[test]
fn damaged_and_missing_blobs_are_told_and_the_rest_is_kept() {
    let home = Home::new();
    let (store, project) = store_in(&home.at("store"));
    let (good, bad, gone) = (home.blob("good"), home.blob("bad"), home.blob("gone"));
    fs::write(home.at("blobs").join(&bad[..2]).join(&bad), "BAD").unwrap();
    fs::remove_file(home.at("blobs").join(&gone[..2]).join(&gone)).unwrap();
    for sha in [&good, &bad, &gone] {
        let row = file(1, &project, "x", sha);
        store.write_blocking(move |tx| tx.put_file(row.clone())).unwrap();
    }
    let report = home.backup(&store);
    assert!(
        report.problems.iter().any(|p| p.contains(&bad) && p.contains("damaged")),
        "{:?}",
        report.problems
    );
    assert!(report.problems.iter().any(|p| p.contains("missing")), "{:?}", report.problems);
    let other = Home::new();
    home.restore_to(&other).unwrap();
    assert!(other.at("blobs").join(&good[..2]).join(&good).exists());
}

#[test]
fn what_a_user_made_and_set_and_what_jobs_said_comes_along() {
    let home = Home::new();
    let (store, _) = store_in(&home.at("store"));
    let paths = home.paths();
    let made = |paths: &Paths| {
        [
            paths.recipes.join("clean.toml"),
            paths.detection.join("wine.toml"),
            paths.logs.join("jobs/j1/0.jsonl"),
            paths.config.clone(),
        ]
    };
    for path in made(&paths) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, path.display().to_string()).unwrap();
    }
    home.backup(&store);
    let other = Home::new();
    let theirs = other.paths();
    // A configuration that is there stays.
    fs::create_dir_all(theirs.config.parent().unwrap()).unwrap();
    fs::write(&theirs.config, "mine").unwrap();
    home.restore_to(&other).unwrap();
    let read = |path: &PathBuf| fs::read_to_string(path).unwrap();
    for (from, to) in made(&paths).iter().zip(made(&theirs).iter()).take(3) {
        assert_eq!(read(to), read(from));
    }
    assert_eq!(read(&theirs.config), "mine");
}

#[test]
fn a_backup_that_was_changed_is_not_restored() {
    let home = Home::new();
    let (store, project) = store_in(&home.at("store"));
    let sha = home.blob("content");
    let row = file(1, &project, "x", &sha);
    store.write_blocking(move |tx| tx.put_file(row.clone())).unwrap();
    home.backup(&store);
    let blob = home.at("backup/blobs").join(&sha[..2]).join(&sha);
    fs::write(&blob, "Content").unwrap();
    let other = Home::new();
    assert!(matches!(home.restore_to(&other), Err(StoreError::Corrupt(m)) if m.contains(&sha)));
    assert!(!other.at("store").exists() && fs::read_dir(other.at("blobs")).unwrap().count() == 0);
    fs::write(&blob, "content").unwrap();

    // A list that leads out of the folder.
    let list = home.at("backup/manifest.json");
    let text = fs::read_to_string(&list).unwrap();
    fs::write(&list, text.replace("\"blobs/", "\"blobs/../../")).unwrap();
    assert!(matches!(home.restore_to(&other), Err(StoreError::Corrupt(m)) if m.contains("no place")));
    fs::write(&list, text.replace("\"schema\": 1", "\"schema\": 9")).unwrap();
    assert_eq!(home.restore_to(&other), Err(StoreError::Newer { found: 9, known: 1 }));
    fs::write(&list, &text).unwrap();

    // Somebody else's file is in the way; a restore that was cut off is not.
    fs::write(other.at("blobs/stranger"), "x").unwrap();
    assert!(matches!(home.restore_to(&other), Err(StoreError::Conflict(m)) if m.contains("stranger")));
    fs::remove_file(other.at("blobs/stranger")).unwrap();
    fs::create_dir_all(other.at("blobs").join(&sha[..2])).unwrap();
    fs::write(other.at("blobs").join(&sha[..2]).join(format!("{sha}.restoring")), "con").unwrap();
    home.restore_to(&other).unwrap();
    assert!(Store::open(&other.at("store")).unwrap().fsck(false).unwrap().is_clean());
}

#[test]
fn a_file_removed_during_the_copy_leaves_the_copy_too() {
    let home = Home::new();
    let (store, project) = store_in(&home.at("store"));
    let row = file(1, &project, "x", &home.blob("kept"));
    let kept = row.id.clone();
    store.write_blocking(move |tx| tx.put_file(row.clone())).unwrap();
    // Rows of the moment before, with a file that the live store no longer has.
    let copy = super::super::backup::new_database(&home.at("copy.redb")).unwrap();
    let gone = file(1, &project, "y", &"0".repeat(64));
    let id = gone.id.clone();
    store.write_blocking(move |tx| tx.put_file(gone.clone())).unwrap();
    store.read(|tx| super::super::backup::copy_rows(tx, &copy)).unwrap();
    store
        .write_blocking({
            let id = id.clone();
            move |tx| tx.remove_file(&id)
        })
        .unwrap();
    let sha = store.read(|tx| tx.file(&kept)).unwrap().unwrap().sha256;
    let mut report = crate::store::BackupReport::default();
    let held = std::iter::once(sha.as_str()).collect();
    super::super::backup::drop_removed(&store, &copy, &held, &mut report).unwrap();
    assert!(report.problems.is_empty());
    let tx = crate::store::ReadTx::new(redb::ReadableDatabase::begin_read(&copy).unwrap());
    assert!(tx.file(&id).unwrap().is_none() && tx.file(&kept).unwrap().is_some());
}
