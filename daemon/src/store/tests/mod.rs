//! Tests of the store as a whole, and what they share.

mod backups;
mod damage;
mod faulty;
mod group;
mod model;
mod opening;
mod recovery;

use std::path::Path;
use std::time::{Duration, Instant};

use dropforge_shared::file::{FileFacts, FileState};
use dropforge_shared::ids::{FileId, ProjectId};
use dropforge_shared::time::Timestamp;

use super::Store;
use super::rows::{FileRow, JobRow, Location, ProjectRow};

/// A small generator of numbers that look random: splitmix64 (Steele, Lea, Flood 2014).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}

fn project(owner: u32, name: &str) -> ProjectRow {
    ProjectRow {
        id: ProjectId::random(),
        owner,
        name: name.to_owned(),
        created_at: Timestamp(1),
        archived: false,
    }
}

fn file(owner: u32, project: &ProjectId, name: &str, sha256: &str) -> FileRow {
    FileRow {
        id: FileId::random(),
        seq: 0,
        owner,
        project: project.clone(),
        name: name.to_owned(),
        version: 1,
        sha256: sha256.to_owned(),
        bytes: 10,
        facts: FileFacts::default(),
        type_guess: None,
        state: FileState::Ready,
        error: None,
        added_at: Timestamp(2),
        job: None,
        location: Location::Blob,
        part: None,
        origin: None,
        settings: Default::default(),
        detected: None,
        chosen_type: None,
    }
}

fn job(owner: u32, project: &ProjectId) -> JobRow {
    JobRow::queued("ingest", owner, project.clone(), None)
}

/// A store with one project.
fn store_in(dir: &Path) -> (Store, ProjectId) {
    let store = Store::open(dir).unwrap();
    let row = project(1, "default");
    let id = row.id.clone();
    store.write_blocking(move |tx| tx.put_project(row.clone())).unwrap();
    (store, id)
}

/// Waits until something holds; fails the test when it takes longer than ten seconds.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < deadline, "it never came to this: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
