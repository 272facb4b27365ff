//! Stores of every released schema still open, with all that is in them.
//!
//! A golden file is written once, by the last build of its schema, and never again:
//! `cargo test -p dropforge-daemon --test store_golden -- --ignored write_golden`
#![allow(clippy::unwrap_used, reason = "helpers of tests are outside of test functions")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use dropforge_daemon::store::rows::{AttemptRow, FileRow, JobRow, Location, ProjectRow};
use dropforge_daemon::store::{Store, StoreError, WriteTx};
use dropforge_shared::file::{Evidence, FileFacts, FileKind, FileState, TypeGuess};
use dropforge_shared::identity::ProcessIdentity;
use dropforge_shared::ids::{FileId, JobId, ProjectId};
use dropforge_shared::job::{AttemptEnd, JobState, Output};
use dropforge_shared::time::Timestamp;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn project_id() -> ProjectId {
    "p0000000001".parse().unwrap()
}

fn file_id(n: u32) -> FileId {
    format!("f{n:010}").parse().unwrap()
}

fn job_id(n: u32) -> JobId {
    format!("j{n:010}").parse().unwrap()
}

/// The project, every field set.
fn project() -> ProjectRow {
    ProjectRow {
        id: project_id(),
        owner: 1000,
        name: "default".into(),
        created_at: Timestamp(1_700_000_000_000),
        archived: true,
    }
}

/// The first file, every field set.
fn dataset() -> FileRow {
    FileRow {
        id: file_id(1),
        seq: 1,
        owner: 1000,
        project: project_id(),
        name: "sales/2024 \u{fffd}.csv".into(),
        version: 2,
        sha256: "ab".repeat(32),
        bytes: 123_456,
        facts: FileFacts {
            kind: Some(FileKind::Dataset),
            format: Some("csv".into()),
            encoding: Some("utf-8".into()),
            delimiter: Some(";".into()),
            rows: Some(1000),
            columns: Some(7),
            rejected_rows: Some(3),
            pages: None,
            reading: Some("semicolons, a header".into()),
            ..FileFacts::default()
        },
        type_guess: Some(TypeGuess {
            name: "generic".into(),
            confidence: 41.5,
            level: "low".into(),
            decided_by: "detector".into(),
            evidence: vec![Evidence {
                strategy: "names".into(),
                score: 10.0,
                weight: 0.5,
                detail: "few".into(),
            }],
        }),
        state: FileState::NeedsInput,
        error: Some("which sheet?".into()),
        added_at: Timestamp(1_700_000_001_000),
        job: Some(job_id(1)),
        location: Location::Referenced { path: vec![b'/', 0xff, b'x'], mtime_ns: -5 },
        part: None,
        origin: None,
        settings: BTreeMap::new(),
        detected: None,
        chosen_type: None,
    }
}

fn plain_file() -> FileRow {
    FileRow {
        id: file_id(2),
        seq: 2,
        facts: FileFacts::default(),
        type_guess: None,
        state: FileState::Ready,
        error: None,
        job: None,
        location: Location::Blob,
        ..dataset()
    }
}

/// The first job, every field set.
fn job() -> JobRow {
    JobRow {
        id: job_id(1),
        seq: 1,
        owner: 1000,
        project: project_id(),
        kind: "ingest".into(),
        file: Some(file_id(1)),
        state: JobState::Queued,
        stage: Some("profile".into()),
        attempts: vec![AttemptRow {
            number: 1,
            lease: Some(ProcessIdentity { boot_id: "boot".into(), pid: 42, start_ticks: 99 }),
            started_at: Timestamp(1_700_000_002_000),
            ended_at: Some(Timestamp(1_700_000_003_000)),
            end: Some(AttemptEnd::Crashed),
            error: Some("killed".into()),
            peak_rss_bytes: 1 << 30,
        }],
        strikes: 1,
        queued_at: Timestamp(1_700_000_001_500),
        started_at: Some(Timestamp(1_700_000_002_000)),
        finished_at: None,
        not_before: Some(Timestamp(1_700_000_004_000)),
        error: Some("crashed".into()),
        outputs: vec![Output {
            name: "data.parquet".into(),
            media_type: "x/y".into(),
            bytes: 5,
            sha256: "cd".repeat(32),
        }],
        error_code: None,
        priority: -3,
        settings: BTreeMap::from([("delimiter".to_owned(), ";".to_owned())]),
        cancel_requested: true,
        idempotency: Some("once".into()),
        from: None,
        produced: Vec::new(),
        may_reuse: false,
    }
}

fn ended(n: u32, state: JobState) -> JobRow {
    JobRow { id: job_id(n), seq: u64::from(n), state, idempotency: None, ..job() }
}

fn fill(tx: &mut WriteTx) -> Result<(), StoreError> {
    tx.put_project(project())?;
    tx.put_file(dataset())?;
    tx.put_file(plain_file())?;
    tx.put_job(job())?;
    for (n, state) in
        (2..).zip([JobState::Running, JobState::Done, JobState::Failed, JobState::Cancelled, JobState::Dead])
    {
        tx.put_job(ended(n, state))?;
    }
    tx.append_audit(1000, "add", file_id(1).as_str(), "sales")?;
    tx.append_audit(1000, "remove", file_id(9).as_str(), "")
}

#[test]
#[ignore = "writes the golden file of the present schema; run once, when a schema is released"]
fn write_golden() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    store.write_blocking(fill).unwrap();
    store.close();
    let made = dir.path().join("dropforge.redb");
    let mut db = redb::Database::open(&made).unwrap();
    while db.compact().unwrap() {}
    drop(db);
    std::fs::copy(made, golden("store-v1.redb")).unwrap();
}

#[test]
fn a_store_of_schema_1_opens_with_all_that_is_in_it() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(golden("store-v1.redb"), dir.path().join("dropforge.redb")).unwrap();
    let store = Store::open(dir.path()).unwrap();
    let report = store.fsck(false).unwrap();
    assert!(report.is_clean(), "{:?}", report.problems);
    assert_eq!((report.files, report.jobs, report.projects, report.audit), (2, 6, 1, 2));
    store
        .read(|tx| {
            assert_eq!(tx.project(&project_id())?, Some(project()));
            assert_eq!(tx.file(&file_id(1))?, Some(dataset()));
            assert_eq!(tx.files(1000, None, 10)?, [plain_file(), dataset()]);
            assert_eq!(tx.job(&job_id(1))?, Some(job()));
            assert_eq!(tx.jobs_queued(10)?, [job()]);
            assert_eq!(tx.job_by_idempotency(1000, "once")?, Some(job_id(1)));
            assert_eq!(tx.jobs(Some(1000), Some(JobState::Dead), None, 10)?, [ended(6, JobState::Dead)]);
            let audit = tx.audit(None, 10)?;
            assert_eq!(audit.iter().map(|row| row.action.as_str()).collect::<Vec<_>>(), ["remove", "add"]);
            assert_eq!(audit[0].previous, audit[1].hash);
            Ok(())
        })
        .unwrap();
    // It can be written, and numbers go on where they were.
    let mut next = job();
    (next.id, next.seq, next.idempotency) = (job_id(77), 0, None);
    assert_eq!(store.write_blocking(move |tx| tx.put_job(next.clone())).unwrap().seq, 7);
}
