//! A process that is killed in the middle of a commit loses nothing that it acknowledged.
//!
//! `cargo test -p dropforge-daemon --features failpoints --test store_crash`; `DROPFORGE_CRASH_ROUNDS` takes the count.
#![cfg(feature = "failpoints")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are outside of test functions")]

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use dropforge_daemon::store::Store;
use dropforge_daemon::store::rows::{JobRow, ProjectRow};
use dropforge_shared::ids::{JobId, ProjectId};
use dropforge_shared::job::JobState;
use dropforge_shared::time::Timestamp;

/// The process that is killed: it queues and ends jobs, and notes each that was acknowledged.
#[test]
#[ignore = "run by the other test, in a process of its own"]
fn writes_until_it_is_killed() {
    let Ok(dir) = std::env::var("DROPFORGE_CRASH_DIR") else { return };
    let dir = Path::new(&dir);
    let store = Store::open(&dir.join("store")).unwrap();
    let home: ProjectId = "p0000000001".parse().unwrap();
    let row = ProjectRow {
        id: home.clone(),
        owner: 1,
        name: "default".into(),
        created_at: Timestamp(1),
        archived: false,
    };
    store.write_blocking(move |tx| tx.put_project(row.clone())).unwrap();
    let mut notes = OpenOptions::new().create(true).append(true).open(dir.join("acknowledged")).unwrap();
    for _ in 0..50 {
        let row = JobRow::queued("ingest", 1, home.clone(), None);
        let row = store.write_blocking(move |tx| tx.put_job(row.clone())).unwrap();
        writeln!(notes, "queued {}", row.id).unwrap();
        let id = row.id.clone();
        store.write_blocking(move |tx| tx.put_job(JobRow { state: JobState::Done, ..row.clone() })).unwrap();
        writeln!(notes, "done {id}").unwrap();
    }
}

fn check(dir: &Path) -> usize {
    let store = Store::open(&dir.join("store")).unwrap();
    let report = store.fsck(false).unwrap();
    assert!(report.is_clean(), "{:?}", report.problems);
    let notes = std::fs::read_to_string(dir.join("acknowledged")).unwrap_or_default();
    for line in notes.lines() {
        let (state, id) = line.split_once(' ').unwrap();
        let id: JobId = id.parse().unwrap();
        let row = store
            .read(|tx| tx.job(&id))
            .unwrap()
            .unwrap_or_else(|| panic!("{id} was acknowledged and is lost"));
        assert!(state == "queued" || row.state == JobState::Done, "{id} was acknowledged as done");
    }
    notes.lines().count()
}

#[test]
fn a_kill_at_any_place_loses_nothing_acknowledged() {
    let rounds =
        std::env::var("DROPFORGE_CRASH_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(12_usize);
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    for round in 0..rounds {
        let place = ["store.begin", "store.commit.before", "store.commit.after"][round % 3];
        // The first commits, and later ones: 2, 9, 16, …
        let nth = 2 + (round / 3) * 7 % 60;
        let ended = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "writes_until_it_is_killed"])
            .env("DROPFORGE_CRASH_DIR", dir.path())
            .env("DROPFORGE_FAILPOINTS", format!("{place}=kill@{nth}"))
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert_eq!(ended.signal(), Some(9), "round {round}: it was to be killed at {place}");
        let now = check(dir.path());
        assert!(now >= acknowledged);
        acknowledged = now;
    }
    assert!(acknowledged > 0);
}
