//! Full and failing disks: callers are told, reading goes on, nothing acknowledged is lost, and it ends by itself.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use dropforge_shared::ids::{JobId, ProjectId};

use super::faulty::Switches;
use super::{Numbers, job, project, until};
use crate::store::{Store, StoreError, migrate};

fn store(dir: &std::path::Path, disk: &Arc<Switches>, pause: u64) -> (Store, ProjectId) {
    let store = Store::open_with(dir, migrate::STEPS, disk.disk(Duration::from_millis(pause))).unwrap();
    let home = project(1, "default");
    let id = home.id.clone();
    store.write_blocking(move |tx| tx.put_project(home.clone())).unwrap();
    (store, id)
}

fn add(store: &Store, project: &ProjectId) -> Result<JobId, StoreError> {
    let mut row = job(1, project);
    // Enough that the file must grow soon.
    row.error = Some("x".repeat(2000));
    store.write_blocking(move |tx| tx.put_job(row.clone())).map(|row| row.id)
}

fn ids(store: &Store) -> Result<BTreeSet<JobId>, StoreError> {
    Ok(store.read(|tx| tx.jobs(None, None, None, usize::MAX))?.into_iter().map(|row| row.id).collect())
}

#[test]
fn a_full_disk_passes_without_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Switches::new();
    let (store, project) = store(dir.path(), &disk, 20);
    let mut acknowledged: BTreeSet<_> = (0..20).map(|_| add(&store, &project).unwrap()).collect();

    disk.room.store(0, Ordering::SeqCst);
    let error = loop {
        match add(&store, &project) {
            Ok(id) => acknowledged.insert(id),
            Err(e) => break e,
        };
    };
    assert!(error.is_unavailable(), "{error:?}");
    assert!(error.to_string().contains("disk is full"), "{error}");
    until("the rows can be read while the disk is full", || {
        ids(&store).is_ok_and(|now| now.is_superset(&acknowledged))
    });
    // Small commits may still fit; rows that need room do not.
    while let Ok(id) = add(&store, &project) {
        acknowledged.insert(id);
    }

    disk.mend();
    until("it is well again by itself", || store.health().is_none());
    until("it can be written", || add(&store, &project).map(|id| acknowledged.insert(id)).is_ok());
    assert!(ids(&store).unwrap().is_superset(&acknowledged));
    assert!(store.fsck(false).unwrap().is_clean());
    store.close();
    let again = Store::open(dir.path()).unwrap();
    assert!(ids(&again).unwrap().is_superset(&acknowledged));
}

#[test]
fn health_says_why_and_reopening_is_paced() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Switches::new();
    let (store, project) = store(dir.path(), &disk, 1000);
    assert_eq!(store.health(), None);
    disk.open_fails.store(true, Ordering::SeqCst);
    disk.sync_fails.store(true, Ordering::SeqCst);
    assert!(add(&store, &project).unwrap_err().is_unavailable());
    assert!(store.health().is_some_and(|why| why.contains("sync failed")), "{:?}", store.health());
    let before = disk.opened.load(Ordering::SeqCst);
    for _ in 0..200 {
        assert!(add(&store, &project).unwrap_err().is_unavailable());
        assert!(ids(&store).unwrap_err().is_unavailable());
    }
    let tries = disk.opened.load(Ordering::SeqCst) - before;
    assert!(tries <= 2, "200 calls led to {tries} tries to open");
    disk.mend();
    until("it is well again by itself", || store.health().is_none());
    add(&store, &project).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn persist_waits_for_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Switches::new();
    let (store, project) = store(dir.path(), &disk, 20);
    disk.write_fails.store(true, Ordering::SeqCst);
    let row = job(1, &project);
    let id = row.id.clone();
    let waiting = {
        let store = store.clone();
        tokio::spawn(async move { store.persist(move |tx| tx.put_job(row.clone())).await })
    };
    tokio::task::spawn_blocking({
        let store = store.clone();
        move || until("the failure is noticed", || store.health().is_some())
    })
    .await
    .unwrap();
    assert!(!waiting.is_finished());
    disk.mend();
    waiting.await.unwrap().unwrap();
    assert!(store.read(|tx| tx.job(&id)).unwrap().is_some());
    let lost = store
        .persist(|tx| tx.remove_job(&JobId::random()).and(Err::<(), _>(StoreError::NotFound("x".into()))))
        .await;
    assert_eq!(lost, Err(StoreError::NotFound("x".into())), "other errors are not retried");
}

#[test]
fn whatever_fails_nothing_acknowledged_is_lost() {
    for seed in 0..6 {
        let dir = tempfile::tempdir().unwrap();
        let disk = Switches::new();
        let (store, project) = store(dir.path(), &disk, 20);
        let mut numbers = Numbers(seed);
        let (mut acknowledged, mut refused) = (BTreeSet::new(), 0);
        for round in 0..12 {
            match numbers.below(3) {
                0 => disk.room.store(0, Ordering::SeqCst),
                1 => disk.write_fails.store(true, Ordering::SeqCst),
                _ => disk.sync_fails.store(true, Ordering::SeqCst),
            }
            for _ in 0..20 {
                match add(&store, &project) {
                    Ok(id) => drop(acknowledged.insert(id)),
                    Err(e) => {
                        assert!(e.is_unavailable(), "{e:?}");
                        refused += 1;
                    }
                }
            }
            disk.mend();
            until("it works again", || add(&store, &project).map(|id| acknowledged.insert(id)).is_ok());
            let there = ids(&store).unwrap();
            assert!(there.is_superset(&acknowledged), "seed {seed}, round {round}");
        }
        assert!(refused > 0);
        let report = store.fsck(false).unwrap();
        assert!(report.is_clean(), "seed {seed}: {:?}", report.problems);
        store.close();
        // A child that another test is just starting has the lock too, from fork to exec.
        let mut again = None;
        until("it opens", || {
            again = Store::open(dir.path()).ok();
            again.is_some()
        });
        assert!(ids(&again.unwrap()).unwrap().is_superset(&acknowledged));
    }
}

#[test]
fn a_commit_that_was_done_but_not_confirmed_can_be_done_again() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Switches::new();
    let (store, project) = store(dir.path(), &disk, 20);
    let row = job(1, &project);
    let first = store.write_blocking({
        let row = row.clone();
        move |tx| tx.put_job(row.clone())
    });
    let second = store.write_blocking(move |tx| tx.put_job(row.clone()));
    assert_eq!(first, second, "the same row with the same number");
    assert_eq!(ids(&store).unwrap().len(), 1);
    assert_eq!(store.read(|tx| tx.job_count(dropforge_shared::job::JobState::Queued)), Ok(1));
}
