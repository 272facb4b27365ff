//! Random changes, and after them every question answered by the store and by plain loops over plain maps.

use std::collections::BTreeMap;

use dropforge_shared::file::FileState;
use dropforge_shared::ids::{FileId, JobId, ProjectId};
use dropforge_shared::job::JobState;

use super::{Numbers, file, job, project};
use crate::store::rows::{FileRow, JobRow, Location, ProjectRow};
use crate::store::{ReadTx, Store, StoreError};

const OWNERS: [u32; 3] = [0, 1000, u32::MAX];
const NAMES: [&str; 6] = ["a.csv", "a.csv\0", "b/ü.csv", "a.csv2", "", "\u{202e}x"];
const KEYS: [&str; 4] = ["k", "k\0", "", "kk"];

#[derive(Default)]
struct Model {
    files: BTreeMap<FileId, FileRow>,
    jobs: BTreeMap<JobId, JobRow>,
    projects: BTreeMap<ProjectId, ProjectRow>,
    file_seq: u64,
    job_seq: u64,
}

impl Model {
    fn put_file(&mut self, mut row: FileRow) -> FileRow {
        if row.seq == 0 {
            self.file_seq += 1;
            row.seq = self.file_seq;
        }
        self.files.insert(row.id.clone(), row.clone());
        row
    }

    fn put_job(&mut self, mut row: JobRow) -> Option<JobRow> {
        let clash = |other: &JobRow| {
            other.id != row.id
                && other.owner == row.owner
                && row.idempotency.is_some()
                && other.idempotency == row.idempotency
        };
        if self.jobs.values().any(clash) {
            return None;
        }
        if row.seq == 0 {
            self.job_seq += 1;
            row.seq = self.job_seq;
        }
        self.jobs.insert(row.id.clone(), row.clone());
        Some(row)
    }

    fn put_project(&mut self, row: &ProjectRow) -> bool {
        let taken =
            self.projects.values().any(|p| p.id != row.id && p.owner == row.owner && p.name == row.name);
        if !taken {
            self.projects.insert(row.id.clone(), row.clone());
        }
        !taken
    }

    fn files_by(&self, wanted: impl Fn(&FileRow) -> bool) -> Vec<FileRow> {
        let mut rows: Vec<_> = self.files.values().filter(|r| wanted(r)).cloned().collect();
        rows.sort_by_key(|r| r.seq);
        rows
    }

    fn jobs_by(&self, wanted: impl Fn(&JobRow) -> bool) -> Vec<JobRow> {
        let mut rows: Vec<_> = self.jobs.values().filter(|r| wanted(r)).cloned().collect();
        rows.sort_by_key(|r| r.seq);
        rows
    }
}

fn page<T>(mut rows: Vec<T>, limit: usize) -> Vec<T> {
    rows.reverse();
    rows.truncate(limit);
    rows
}

fn compare(tx: &ReadTx, model: &Model, numbers: &mut Numbers) -> Result<(), StoreError> {
    let limit = *numbers.one_of(&[0, 1, 3, 1000]);
    let after = match numbers.below(3) {
        0 => None,
        _ => Some(numbers.next() % (model.file_seq.max(model.job_seq) + 2)),
    };
    let older = |seq: u64| after.is_none_or(|after| seq < after);
    for owner in OWNERS {
        assert_eq!(
            tx.files(owner, after, limit)?,
            page(model.files_by(|f| f.owner == owner && older(f.seq)), limit)
        );
        for sha in ["aa", "bb"] {
            assert_eq!(
                tx.files_with_sha(owner, sha)?,
                model.files_by(|f| f.owner == owner && f.sha256 == sha)
            );
        }
        for name in NAMES {
            assert_eq!(tx.files_named(owner, name)?, model.files_by(|f| f.owner == owner && f.name == name));
            for project in model.projects.keys() {
                let mut versions =
                    model.files_by(|f| f.owner == owner && f.name == name && f.project == *project);
                versions.sort_by_key(|f| (f.version, f.seq));
                assert_eq!(tx.versions_of(owner, project, name)?, versions);
            }
        }
        for key in KEYS {
            let found =
                model.jobs.values().find(|j| j.owner == owner && j.idempotency.as_deref() == Some(key));
            assert_eq!(tx.job_by_idempotency(owner, key)?, found.map(|j| j.id.clone()));
        }
        let mut projects: Vec<_> = model.projects.values().filter(|p| p.owner == owner).cloned().collect();
        projects.sort_by(|a, b| a.name.cmp(&b.name));
        assert_eq!(tx.projects(owner)?, projects);
        for name in NAMES {
            assert_eq!(tx.project_named(owner, name)?.as_ref(), projects.iter().find(|p| p.name == name));
        }
    }
    for owner in [None, Some(0), Some(1000), Some(u32::MAX), Some(7)] {
        for state in std::iter::once(None).chain(JobState::ALL.map(Some)) {
            let wanted = |j: &JobRow| {
                owner.is_none_or(|o| j.owner == o) && state.is_none_or(|s| j.state == s) && older(j.seq)
            };
            assert_eq!(tx.jobs(owner, state, after, limit)?, page(model.jobs_by(wanted), limit));
        }
    }
    for state in JobState::ALL {
        let there = model.jobs_by(|j| j.state == state);
        assert_eq!(tx.job_count(state)?, there.len() as u64);
        assert_eq!(tx.jobs_in(state)?, there);
    }
    let queued: Vec<_> = model.jobs_by(|j| j.state == JobState::Queued).into_iter().take(limit).collect();
    assert_eq!(tx.jobs_queued(limit)?, queued);
    for sha in ["aa", "bb", "a"] {
        let uses = model.files.values().filter(|f| f.sha256 == sha && f.location == Location::Blob).count();
        assert_eq!(tx.blob_uses(sha)?, uses as u64);
    }
    for (id, row) in &model.files {
        assert_eq!(tx.file(id)?.as_ref(), Some(row));
        assert_eq!(tx.jobs_of_file(id)?, model.jobs_by(|j| j.file.as_ref() == Some(id)));
        let prefix = &id.as_str()[..2];
        let with: Vec<_> =
            model.files.keys().filter(|i| i.as_str().starts_with(prefix)).take(2).cloned().collect();
        assert_eq!(tx.file_ids_with_prefix(prefix, 2)?, with);
    }
    assert_eq!(tx.job_ids_with_prefix("j", usize::MAX)?, model.jobs.keys().cloned().collect::<Vec<_>>());
    assert_eq!(tx.job_ids_with_prefix("f", 5)?, []);
    Ok(())
}

fn change(store: &Store, model: &mut Model, numbers: &mut Numbers) {
    let projects: Vec<_> = model.projects.keys().cloned().collect();
    let files: Vec<_> = model.files.keys().cloned().collect();
    let jobs: Vec<_> = model.jobs.keys().cloned().collect();
    let owner = *numbers.one_of(&OWNERS);
    match numbers.below(10) {
        0 | 1 => {
            let mut row = file(
                owner,
                numbers.one_of(&projects),
                numbers.one_of::<&str>(&NAMES),
                numbers.one_of::<&str>(&["aa", "bb"]),
            );
            row.version = numbers.below(4) as u32;
            if numbers.below(3) == 0 {
                row.location = Location::Referenced { path: vec![b'/', 255, 0], mtime_ns: -1 };
            }
            let put = row.clone();
            assert_eq!(store.write_blocking(move |tx| tx.put_file(put.clone())), Ok(model.put_file(row)));
        }
        2 if !files.is_empty() => {
            let mut row = model.files[numbers.one_of(&files)].clone();
            row.name = numbers.one_of(&NAMES).to_string();
            row.state = *numbers.one_of(&[FileState::Ready, FileState::Failed]);
            row.sha256 = numbers.one_of(&["aa", "bb"]).to_string();
            let put = row.clone();
            assert_eq!(store.write_blocking(move |tx| tx.put_file(put.clone())), Ok(model.put_file(row)));
        }
        3 if !files.is_empty() => {
            let id = numbers.one_of(&files).clone();
            let gone = model.files.remove(&id);
            assert_eq!(store.write_blocking(move |tx| tx.remove_file(&id)), Ok(gone));
        }
        4 | 5 => {
            let mut row = job(owner, numbers.one_of(&projects));
            row.file = (!files.is_empty()).then(|| numbers.one_of(&files).clone());
            row.idempotency = (numbers.below(4) == 0).then(|| numbers.one_of(&KEYS).to_string());
            put_job(store, model, row);
        }
        6 | 7 if !jobs.is_empty() => {
            let mut row = model.jobs[numbers.one_of(&jobs)].clone();
            row.state = *numbers.one_of(&JobState::ALL);
            row.idempotency = (numbers.below(4) == 0).then(|| numbers.one_of(&KEYS).to_string());
            put_job(store, model, row);
        }
        8 if !jobs.is_empty() => {
            let id = numbers.one_of(&jobs).clone();
            let gone = model.jobs.remove(&id);
            assert_eq!(store.write_blocking(move |tx| tx.remove_job(&id)), Ok(gone));
        }
        _ => {
            let mut row = match numbers.below(2) {
                0 => model.projects[numbers.one_of(&projects)].clone(),
                _ => project(owner, ""),
            };
            row.name = numbers.one_of(&NAMES).to_string();
            let fits = model.put_project(&row);
            let outcome = store.write_blocking(move |tx| tx.put_project(row.clone()));
            assert_eq!(outcome.is_ok(), fits, "{outcome:?}");
        }
    }
}

fn put_job(store: &Store, model: &mut Model, row: JobRow) {
    let put = row.clone();
    let outcome = store.write_blocking(move |tx| tx.put_job(put.clone()));
    match model.put_job(row) {
        Some(row) => assert_eq!(outcome, Ok(row)),
        None => assert!(matches!(outcome, Err(StoreError::Conflict(_))), "{outcome:?}"),
    }
}

#[test]
fn the_store_answers_as_plain_maps_do() {
    for seed in 1..=3 {
        let dir = tempfile::tempdir().unwrap();
        let disk = super::faulty::Switches::new();
        let open = || {
            Store::open_with(dir.path(), crate::store::migrate::STEPS, disk.disk(std::time::Duration::ZERO))
                .unwrap()
        };
        let mut store = open();
        let (mut model, mut numbers) = (Model::default(), Numbers(seed));
        let first = project(OWNERS[0], "first");
        model.put_project(&first);
        store.write_blocking(move |tx| tx.put_project(first.clone())).unwrap();
        for step in 0..400 {
            change(&store, &mut model, &mut numbers);
            if step % 40 == 39 {
                store.read(|tx| compare(tx, &model, &mut numbers)).unwrap();
            }
        }
        // Within a write, its own changes are seen.
        let row = job(OWNERS[0], model.projects.keys().next().unwrap());
        let seen = store.write_blocking(move |tx| {
            let row = tx.put_job(row.clone())?;
            let found = tx.jobs(None, None, None, 1)?;
            tx.remove_job(&row.id)?;
            Ok(found.first() == Some(&row))
        });
        assert_eq!(seen, Ok(true));
        model.job_seq += 1;

        // Jobs may name files that were removed, as long as they are done; the generator does not care which.
        let problems = store.fsck(false).unwrap().problems;
        assert!(problems.iter().all(|p| p.place == "jobs"), "{problems:?}");
        let before = store.snapshot_text().unwrap();
        store.close();
        store = open();
        assert_eq!(store.snapshot_text().unwrap(), before);
        store.read(|tx| compare(tx, &model, &mut numbers)).unwrap();
    }
}

#[test]
fn a_listing_goes_through_all_pages_once() {
    let dir = tempfile::tempdir().unwrap();
    let (store, project) = super::store_in(dir.path());
    let owner = 5;
    store
        .write_blocking(move |tx| {
            for n in 0..95 {
                let mut row = job(owner, &project);
                row.state = JobState::ALL[n % 6];
                tx.put_job(row)?;
            }
            Ok(())
        })
        .unwrap();
    let (mut seqs, mut after) = (Vec::new(), None);
    loop {
        let page = store.read(|tx| tx.jobs(Some(owner), None, after, 10)).unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.seq);
        seqs.extend(page.iter().map(|row| row.seq));
    }
    assert_eq!(seqs, (1..=95).rev().collect::<Vec<u64>>());
}
