//! `fsck`: what it finds, what it mends, and what it must not touch.

use std::time::Duration;

use dropforge_shared::file::FileState;
use dropforge_shared::ids::{FileId, JobId, ProjectId};
use dropforge_shared::job::JobState;

use super::{file, job, store_in};
use crate::store::disk::Disk;
use crate::store::key::Key;
use crate::store::rows::{AuditRow, JobRow};
use crate::store::tables::{AUDIT, COUNTERS, INDICES, JOBS, JOBS_BY_STATE};
use crate::store::{FsckReport, ReadTx, Store, StoreError, WriteTx, envelope, migrate};

struct Filled {
    store: Store,
    file: FileId,
    jobs: Vec<JobId>,
    _dir: tempfile::TempDir,
}

fn filled() -> Filled {
    let dir = tempfile::tempdir().unwrap();
    let (store, project) = store_in(dir.path());
    let row = file(1, &project, "a.csv", "aa");
    let file = row.id.clone();
    let jobs = store
        .write_blocking(move |tx| {
            tx.put_file(row.clone())?;
            let mut ids = Vec::new();
            for n in 0..4 {
                let mut job = job(1, &project);
                job.file = Some(row.id.clone());
                job.idempotency = Some(format!("key {n}"));
                ids.push(tx.put_job(job)?.id);
                tx.append_audit(1, "add", row.id.as_str(), "a.csv")?;
            }
            Ok(ids)
        })
        .unwrap();
    let report = store.fsck(false).unwrap();
    assert!(report.is_clean(), "{:?}", report.problems);
    assert_eq!((report.files, report.jobs, report.projects, report.audit), (1, 4, 1, 4));
    Filled { store, file, jobs, _dir: dir }
}

/// Damages, checks that it is found under these places, repairs, checks that it is mended.
fn mended(
    filled: &Filled,
    places: &[&str],
    damage: impl FnMut(&mut WriteTx) -> Result<(), StoreError> + Send + 'static,
) -> FsckReport {
    filled.store.write_blocking(damage).unwrap();
    let found = filled.store.fsck(false).unwrap();
    let mut there: Vec<_> = found.problems.iter().map(|p| p.place.as_str()).collect();
    there.dedup();
    assert_eq!(there, places, "{:?}", found.problems);
    assert!(!found.is_sound());
    let report = filled.store.fsck(true).unwrap();
    assert!(report.is_sound() && report.repaired, "{:?}", report.remaining);
    assert!(filled.store.fsck(false).unwrap().is_clean());
    report
}

#[test]
fn lost_and_invented_index_entries_are_made_right() {
    for index in INDICES {
        let filled = filled();
        let before = filled.store.snapshot_text().unwrap();
        mended(&filled, &[index.name], |tx| tx.clear(index.table()));
        assert_eq!(filled.store.snapshot_text().unwrap(), before, "{} is as it was", index.name);
        mended(&filled, &[index.name], |tx| {
            tx.set(index.table(), b"nonsense".as_slice(), Some("j0000000000"))
        });
        assert_eq!(filled.store.snapshot_text().unwrap(), before);
    }
}

#[test]
fn one_bad_entry_does_not_hide_a_page() {
    let filled = filled();
    let gone = Key::new().u8(1).u64(99).bytes();
    filled
        .store
        .write_blocking(move |tx| tx.set(JOBS_BY_STATE.table(), gone.as_slice(), Some("j0000000000")))
        .unwrap();
    assert_eq!(filled.store.read(|tx| tx.jobs_queued(10)).unwrap().len(), 4);
}

#[test]
fn wrong_counters_are_counted_anew() {
    let filled = filled();
    mended(&filled, &["counters"], |tx| {
        tx.set(COUNTERS, "jobs.state.queued", Some(77))?;
        tx.set(COUNTERS, "jobs.seq", Some(1))
    });
    assert_eq!(filled.store.read(|tx| tx.job_count(JobState::Queued)), Ok(4));
    let project = filled.store.read(|tx| tx.projects(1)).unwrap()[0].id.clone();
    let next = filled.store.write_blocking(move |tx| tx.put_job(job(1, &project))).unwrap();
    assert_eq!(next.seq, 5, "no number is given out twice");
}

#[test]
fn a_row_that_cannot_be_read_is_set_aside_not_deleted() {
    let filled = filled();
    let id = filled.jobs[0].clone();
    filled.store.write_blocking(move |tx| tx.set(JOBS, id.as_str(), Some([1, 0xc1].as_slice()))).unwrap();
    // Named by itself it is an error; in a list it does not hide the others.
    let bad = filled.jobs[0].clone();
    assert!(
        matches!(filled.store.read(|tx| tx.job(&bad)), Err(StoreError::Corrupt(m)) if m.contains("job j"))
    );
    assert_eq!(filled.store.read(|tx| tx.jobs_queued(9)).unwrap().len(), 3);
    let report = filled.store.fsck(true).unwrap();
    assert!(report.is_sound(), "{:?}", report.remaining);
    assert_eq!(filled.store.read(|tx| tx.jobs_queued(9)).unwrap().len(), 3);
    assert_eq!(filled.store.read(|tx| tx.anything_set_aside()), Ok(true));
    let text = filled.store.snapshot_text().unwrap();
    assert!(text.contains(&format!("jobs/{} 2 bytes", filled.jobs[0])), "{text}");
}

#[test]
fn what_waits_for_something_lost_fails_with_the_reason() {
    let filled = filled();
    let file = filled.file.clone();
    filled
        .store
        .write_blocking(|tx| {
            // Jobs that are done may go on naming a file that was removed.
            for mut job in tx.jobs_queued(2)? {
                job.state = JobState::Done;
                tx.put_job(job)?;
            }
            Ok(())
        })
        .unwrap();
    mended(&filled, &["jobs"], move |tx| tx.remove_file(&file).map(drop));
    let states: Vec<_> = filled
        .store
        .read(|tx| tx.jobs(None, None, None, 9))
        .unwrap()
        .into_iter()
        .map(|j| (j.state, j.error))
        .collect();
    assert_eq!(states.iter().filter(|(s, _)| *s == JobState::Done).count(), 2);
    let failed: Vec<_> = states.iter().filter(|(s, _)| *s == JobState::Failed).collect();
    assert_eq!(failed.len(), 2);
    assert!(failed.iter().all(|(_, e)| e.as_ref().is_some_and(|e| e.contains("lost"))));
}

#[test]
fn a_file_whose_job_is_gone_does_not_wait_for_ever() {
    let filled = filled();
    let id = filled.file.clone();
    mended(&filled, &["files"], move |tx| {
        let mut row = tx.file(&id)?.unwrap();
        row.state = FileState::Ingesting;
        row.job = Some(JobId::random());
        tx.put_file(row).map(drop)
    });
    let row = filled.store.read(|tx| tx.file(&filled.file)).unwrap().unwrap();
    assert_eq!(row.state, FileState::Failed);
}

#[test]
fn a_lost_project_comes_back_under_its_id() {
    let filled = filled();
    let id: ProjectId = filled.store.read(|tx| tx.projects(1)).unwrap()[0].id.clone();
    let gone = id.clone();
    mended(&filled, &["files", "jobs"], move |tx| tx.remove_project(&gone).map(drop));
    assert!(filled.store.read(|tx| tx.project(&id)).unwrap().is_some());
}

#[test]
fn a_changed_audit_log_stays_visibly_so() {
    let change = |seq: u64, bytes: Option<AuditRow>| {
        let filled = filled();
        let bytes = bytes.map(|row| envelope::encode("audit entry", "", &row).unwrap());
        filled.store.write_blocking(move |tx| tx.set(AUDIT, seq, bytes.as_deref())).unwrap();
        let report = filled.store.fsck(true).unwrap();
        assert!(!report.is_sound());
        assert!(report.remaining.iter().all(|p| p.place == "audit"), "{:?}", report.remaining);
        report.remaining
    };
    let filled = filled();
    let rows = filled.store.read(|tx| tx.audit(None, 9)).unwrap();
    assert_eq!(rows.iter().map(|r| r.seq).collect::<Vec<_>>(), [4, 3, 2, 1], "newest first");
    assert_eq!(filled.store.read(|tx| tx.audit(Some(3), 1)).unwrap()[0].seq, 2);
    let mut row = rows[2].clone();
    row.detail = "something else".into();
    let told = change(2, Some(row));
    assert!(told.iter().any(|p| p.detail.contains("entry 2 was changed")), "{told:?}");
    assert!(!change(2, None).is_empty(), "one taken out of the middle");
    assert!(!change(4, None).is_empty(), "the last taken away");
}

#[test]
fn a_row_under_another_id_is_found() {
    let filled = filled();
    let from = filled.jobs[1].clone();
    let copy = move |tx: &mut WriteTx| {
        let row: JobRow = tx.job(&from)?.unwrap();
        tx.set(JOBS, "jzzzzzzzzzz", Some(envelope::encode("job", "", &row)?.as_slice()))
    };
    mended(&filled, &["jobs"], copy);
    assert_eq!(filled.store.read(|tx: &ReadTx| tx.jobs(None, None, None, 9)).unwrap().len(), 4);
}

#[test]
fn a_damaged_page_is_found_while_others_read() {
    let filled = filled();
    let store_file = filled._dir.path().join("dropforge.redb");
    // A reader that stays: the check must not wait for it, nor it for the check.
    let store = filled.store.clone();
    let report = filled.store.read(|_| Ok(store.fsck(false))).unwrap().unwrap();
    assert!(report.is_clean() && report.pages_skipped.is_none(), "{report:?}");
    let mut bytes = std::fs::read(&store_file).unwrap();
    let name = b"a.csv";
    let places: Vec<usize> =
        bytes.windows(name.len()).enumerate().filter(|(_, w)| w == name).map(|(at, _)| at).collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at] = b'z';
    }
    std::fs::write(&store_file, bytes).unwrap();
    let report = filled.store.fsck(false).unwrap();
    assert!(report.problems.iter().any(|p| p.place == "pages"), "{report:?}");
    assert!(!store_file.with_extension("check").exists(), "the copy is gone");
}

/// Pages from all over the file lose a sector in turn, and what the store says of it is asked: an error or a report, never a
/// panic or a writer that has gone.
#[test]
fn whichever_page_is_damaged_the_store_says_so_and_lives_on() {
    const PAGE: usize = 4096;
    let filled = filled();
    let row = filled.store.read(|tx| tx.file(&filled.file)).unwrap().unwrap();
    let many = move |tx: &mut WriteTx| {
        for _ in 0..150 {
            tx.put_job(job(1, &row.project))?;
            tx.append_audit(1, "add", row.id.as_str(), "a.csv")?;
        }
        Ok(())
    };
    filled.store.write_blocking(many).unwrap();
    let file_of = filled._dir.path().join("dropforge.redb");
    filled.store.close();
    let sound = std::fs::read(&file_of).unwrap();
    let used = |page: usize| sound[page * PAGE..].iter().take(PAGE).any(|b| *b != 0);
    let mut told = 0;
    let pages: Vec<usize> = (0..sound.len() / PAGE).filter(|page| used(*page)).collect();
    for page in pages.iter().copied().step_by((pages.len() / 12).max(1)) {
        // A sector that a disk lost: the page's head, or what follows it. (Noise can look like a page of gigabytes, which an
        // unoptimised database fills with zeros for minutes.)
        let sector = page * PAGE + 512 * (page % 2);
        let mut bytes = sound.clone();
        bytes[sector..sector + 512].fill(0);
        // Damaged while it is closed, and while it is open.
        for while_open in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("dropforge.redb");
            std::fs::write(&path, if while_open { &sound } else { &bytes }).unwrap();
            let disk = Disk { pause: Duration::from_millis(1), ..Disk::real() };
            let store = match Store::open_with(dir.path(), migrate::STEPS, disk) {
                Ok(store) => store,
                Err(error) => {
                    assert!(
                        matches!(error, StoreError::Corrupt(_) | StoreError::Io { .. }),
                        "page {page}: {error}"
                    );
                    told += 1;
                    continue;
                }
            };
            if while_open {
                std::fs::write(&path, &bytes).unwrap();
            }
            for repair in [false, true] {
                match store.fsck(repair) {
                    Ok(report) => told += usize::from(!report.is_clean()),
                    Err(error) => assert_ne!(error, StoreError::Closed, "page {page}: {error}"),
                }
            }
            let read = store.read(|tx| tx.jobs(None, None, None, 500).map(|jobs| jobs.len()));
            let wrote = store.write_blocking(|tx| tx.append_audit(1, "add", "x", "y").map(drop));
            assert_ne!(wrote, Err(StoreError::Closed), "page {page}: the writer has gone");
            assert!(
                !matches!(read, Err(StoreError::Closed | StoreError::Panicked(_))),
                "page {page}: {read:?}"
            );
            assert!(!store.health().is_some_and(|why| why.contains("ended")), "page {page}");
        }
    }
    assert!(told > 0, "no damage was noticed");
}
