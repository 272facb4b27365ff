//! Many writes at once: each gets its own answer, and those that fail take nothing along.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use dropforge_shared::job::JobState;

use super::faulty::Switches;
use super::{job, project, store_in};
use crate::store::{Store, StoreError, migrate};

/// Keeps the writer busy until the sender that it returns is dropped, so that what is sent meanwhile is one group.
fn hold(store: &Store) -> mpsc::Sender<()> {
    let (release, wait) = mpsc::channel::<()>();
    let (started, running) = mpsc::channel();
    let wait = std::sync::Mutex::new(wait);
    store.send(
        move |_| {
            let _ = started.send(());
            let _ = wait.lock().unwrap().recv();
            Ok(())
        },
        |_| {},
    );
    running.recv().unwrap();
    release
}

#[test]
fn a_write_that_fails_takes_nothing_along() {
    let dir = tempfile::tempdir().unwrap();
    let (store, project) = store_in(dir.path());
    let release = hold(&store);
    let (tell, told) = mpsc::channel();
    let mut wanted = BTreeSet::new();
    let runs = Arc::new(AtomicUsize::new(0));
    for n in 0..60_usize {
        let row = job(1, &project);
        if n % 4 == 0 {
            wanted.insert(row.id.clone());
        }
        let (tell, runs) = (tell.clone(), runs.clone());
        store.send(
            move |tx| {
                runs.fetch_add(1, Ordering::SeqCst);
                match n % 4 {
                    1 => return Err(StoreError::NotFound("nothing was written yet".into())),
                    2 => {
                        tx.put_job(row.clone())?;
                        return Err(StoreError::Conflict("after writing".into()));
                    }
                    3 => {
                        tx.put_job(row.clone())?;
                        panic!("in the middle of it");
                    }
                    _ => {}
                }
                tx.put_job(row.clone()).map(|row| row.seq)
            },
            move |outcome| tell.send((n, outcome)).unwrap(),
        );
    }
    drop((release, tell));
    let mut answers: Vec<_> = told.iter().collect();
    answers.sort_by_key(|(n, _)| *n);
    assert_eq!(answers.len(), 60, "each is answered once");
    let mut seqs = Vec::new();
    for (n, outcome) in answers {
        match (n % 4, outcome) {
            (0, Ok(seq)) => seqs.push(seq),
            (1, Err(StoreError::NotFound(_))) => {}
            (2, Err(StoreError::Conflict(m))) if m == "after writing" => {}
            (3, Err(StoreError::Panicked(m))) if m.contains("in the middle of it") => {}
            (_, other) => panic!("write {n} got {other:?}"),
        }
    }
    assert_eq!(seqs, (1..=15).collect::<Vec<u64>>(), "numbers without gaps, in the order of asking");
    assert!(runs.load(Ordering::SeqCst) > 60, "it was one group, and it was done again");
    let there: BTreeSet<_> =
        store.read(|tx| tx.jobs(None, None, None, 1000)).unwrap().into_iter().map(|row| row.id).collect();
    assert_eq!(there, wanted);
    assert_eq!(store.read(|tx| tx.job_count(JobState::Queued)).unwrap(), 15);
    let report = store.fsck(false).unwrap();
    assert!(report.is_clean(), "{:?}", report.problems);
}

#[test]
fn writes_that_wait_share_a_sync() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Switches::new();
    let store = Store::open_with(dir.path(), migrate::STEPS, disk.disk(std::time::Duration::ZERO)).unwrap();
    let home = project(1, "default");
    let release = hold(&store);
    let before = disk.syncs.load(Ordering::SeqCst);
    let done = Arc::new(AtomicU64::new(0));
    for _ in 0..1000 {
        let (row, done) = (job(1, &home.id), done.clone());
        store.send(
            move |tx| tx.put_job(row.clone()),
            move |outcome| {
                outcome.unwrap();
                done.fetch_add(1, Ordering::SeqCst);
            },
        );
    }
    drop(release);
    store.write_blocking(|_| Ok(())).unwrap();
    assert_eq!(done.load(Ordering::SeqCst), 1000);
    let syncs = disk.syncs.load(Ordering::SeqCst) - before;
    assert!(syncs <= 10, "{syncs} syncs for 1,000 writes");
}

#[test]
fn a_write_that_only_looks_does_not_sync() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Switches::new();
    let store = Store::open_with(dir.path(), migrate::STEPS, disk.disk(std::time::Duration::ZERO)).unwrap();
    let before = disk.syncs.load(Ordering::SeqCst);
    assert_eq!(store.write_blocking(|tx| tx.job_count(JobState::Queued)), Ok(0));
    assert_eq!(disk.syncs.load(Ordering::SeqCst), before);
}

#[test]
fn what_waits_is_written_before_closing_and_later_calls_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let (store, project) = store_in(dir.path());
    let other = store.clone();
    let release = hold(&store);
    let row = job(1, &project);
    let id = row.id.clone();
    let (tell, told) = mpsc::channel();
    store.send(move |tx| tx.put_job(row.clone()), move |outcome| tell.send(outcome.map(drop)).unwrap());
    let closing = std::thread::spawn(move || store.close());
    drop(release);
    assert_eq!(told.recv(), Ok(Ok(())));
    closing.join().unwrap();
    assert_eq!(other.write_blocking(|_| Ok(())), Err(StoreError::Closed));
    assert_eq!(other.read(|tx| tx.job_count(JobState::Queued)), Err(StoreError::Closed));
    assert_eq!(other.fsck(false), Err(StoreError::Closed));
    let again = Store::open(dir.path()).unwrap();
    assert!(again.read(|tx| tx.job(&id)).unwrap().is_some());
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_stop_its_write() {
    let dir = tempfile::tempdir().unwrap();
    let (store, project) = store_in(dir.path());
    let release = hold(&store);
    let row = job(1, &project);
    let id = row.id.clone();
    let mut call = Box::pin(store.write(move |tx| tx.put_job(row.clone())));
    assert!(futures::poll!(&mut call).is_pending());
    drop(call);
    drop(release);
    store.write(|_| Ok(())).await.unwrap();
    assert!(store.read(|tx| tx.job(&id)).unwrap().is_some());
}
