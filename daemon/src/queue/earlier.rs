//! Earlier readings of a file: what a job of the same content and the same settings made before is used again, and goes once
//! the file has been read otherwise for long enough. A cache of datasets and profiles, by content and settings, with an expiry.
//!
//! Must not know: how a file is read.

use std::fs;
use std::path::{Path, PathBuf};

use dropforge_shared::ids::JobId;
use dropforge_shared::job::JobState;
use dropforge_shared::paths::Paths;
use dropforge_shared::service::Swept;
use dropforge_shared::time::Timestamp;

use super::Queue;
use crate::store::rows::{INGEST, JobRow};
use crate::store::{ReadTx, Store, StoreError};

/// How often is looked for readings whose time is over.
const EVERY: std::time::Duration = std::time::Duration::from_secs(3600);
/// A job that began before a file was read otherwise may use the earlier data still: they stay as long as this, in ms.
const LEAST: i64 = 3_600_000;
/// Milliseconds of a day.
const DAY: i64 = 24 * 3_600_000;
/// Jobs looked at in one read of the store.
const AT_ONCE: usize = 256;

/// The outputs of the last job that read the same file with the same settings, where others are in their place by now.
pub(super) fn same(tx: &ReadTx, paths: &Paths, job: &JobRow) -> Result<Option<PathBuf>, StoreError> {
    let Some(id) = job.file.as_ref().filter(|_| job.may_reuse && job.from.is_none()) else { return Ok(None) };
    let current = tx.file(id)?.and_then(|file| file.job);
    let like = |other: &&JobRow| {
        other.kind == job.kind
            && other.state == JobState::Done
            && other.from.is_none()
            && Some(&other.id) != current.as_ref()
            && other.settings == job.settings
            && !other.outputs.is_empty()
    };
    let found = tx.jobs_of_file(id)?.iter().rev().find(like).map(|other| paths.job_outputs(&other.id));
    Ok(found.filter(|dir| dir.is_dir()))
}

/// Whether a job's outputs are an earlier reading, in whose place others have been since before a moment.
fn is_over(tx: &ReadTx, job: &JobRow, before: Timestamp) -> Result<bool, StoreError> {
    if job.kind != INGEST || job.outputs.is_empty() {
        return Ok(false);
    }
    let file = job.file.as_ref().map(|id| tx.file(id)).transpose()?.flatten();
    let Some(current) = file.and_then(|f| f.job).filter(|id| *id != job.id) else { return Ok(false) };
    if tx.job(&current)?.and_then(|j| j.finished_at).is_none_or(|t| t.0 >= before.0) {
        return Ok(false);
    }
    // One that waits or runs may be about to use it.
    let jobs = job.file.as_ref().map(|id| tx.jobs_of_file(id)).transpose()?.unwrap_or_default();
    Ok(jobs.iter().all(|j| j.state.is_terminal()))
}

/// Removes earlier readings, of one owner or all, in whose place others have been for so many days. First the rows, then the
/// disk: what a crash leaves in between goes at the next start.
pub(crate) fn sweep(
    store: &Store,
    paths: &Paths,
    owner: Option<u32>,
    days: u32,
    now: Timestamp,
) -> Result<Swept, StoreError> {
    let before = Timestamp(now.0 - LEAST.max(i64::from(days) * DAY));
    let mut swept = Swept::default();
    let mut after = None;
    loop {
        let jobs = store.read(|tx| tx.jobs(owner, Some(JobState::Done), after, AT_ONCE))?;
        let Some(last) = jobs.last() else { return Ok(swept) };
        after = Some(last.seq);
        for job in &jobs {
            if !store.read(|tx| is_over(tx, job, before))? {
                continue;
            }
            let bytes: u64 = job.outputs.iter().map(|o| o.bytes).sum();
            if forget(store, job.id.clone(), before)? {
                remove(&paths.job_outputs(&job.id));
                swept.readings += 1;
                swept.bytes += bytes;
            }
        }
    }
}

/// Takes the outputs off a job's row, if they still are an earlier reading's.
fn forget(store: &Store, id: JobId, before: Timestamp) -> Result<bool, StoreError> {
    store.write_blocking(move |tx| {
        let Some(job) = tx.job(&id)? else { return Ok(false) };
        if !is_over(tx, &job, before)? {
            return Ok(false);
        }
        tx.put_job(JobRow { outputs: Vec::new(), ..job })?;
        Ok(true)
    })
}

fn remove(dir: &Path) {
    if let Err(e) = fs::remove_dir_all(dir) {
        tracing::warn!("an earlier reading in {} goes at the next start: {e}", dir.display());
    }
}

impl Queue {
    /// Looks for earlier readings whose time is over, once an hour, until it is dropped.
    pub(crate) async fn sweep_earlier(self) {
        loop {
            tokio::time::sleep(EVERY).await;
            let queue = self.clone();
            let swept = tokio::task::spawn_blocking(move || queue.sweep_now(None, false)).await;
            match swept {
                Ok(Ok(Swept { readings: 0, .. })) => {}
                Ok(Ok(swept)) => {
                    tracing::info!("removed {} earlier readings, {} bytes", swept.readings, swept.bytes);
                }
                Ok(Err(e)) => tracing::warn!("can't look for earlier readings: {e}"),
                Err(e) => tracing::warn!("can't look for earlier readings: {e}"),
            }
        }
    }

    /// Removes earlier readings whose time is over, or all of them but those of the last hour.
    pub(crate) fn sweep_now(&self, owner: Option<u32>, all: bool) -> Result<Swept, StoreError> {
        let days = if all { 0 } else { self.0.config.queue.earlier_readings_days };
        sweep(&self.0.store, &self.0.paths, owner, days, Timestamp::now())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use dropforge_shared::file::{FileFacts, FileState};
    use dropforge_shared::ids::{FileId, ProjectId};
    use dropforge_shared::job::Output;

    use super::*;
    use crate::store::rows::{FileRow, Location, ProjectRow};

    const NOW: i64 = 100 * DAY;

    struct House {
        _dir: tempfile::TempDir,
        paths: Paths,
        store: Store,
        file: FileRow,
    }

    impl House {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let paths = Paths::under(dir.path()).unwrap();
            paths.create().unwrap();
            let store = Store::open(&paths.store).unwrap();
            let project = ProjectRow {
                id: ProjectId::random(),
                owner: 1,
                name: "p".into(),
                created_at: Timestamp(1),
                archived: false,
            };
            let project = store.write_blocking(move |tx| tx.put_project(project.clone())).unwrap();
            let file = FileRow {
                id: FileId::random(),
                seq: 0,
                owner: 1,
                project: project.id,
                name: "a.csv".into(),
                version: 1,
                sha256: "00".repeat(32),
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
                settings: BTreeMap::new(),
                detected: None,
                chosen_type: None,
            };
            let row = file.clone();
            let file = store.write_blocking(move |tx| tx.put_file(row.clone())).unwrap();
            Self { _dir: dir, paths, store, file }
        }

        /// A job that has read the file; its outputs are the file's data now.
        fn read(&mut self, delimiter: &str, finished_at: i64) -> JobRow {
            let mut job = JobRow::queued(INGEST, 1, self.file.project.clone(), Some(self.file.id.clone()));
            job.settings.insert("delimiter".into(), delimiter.into());
            job.state = JobState::Done;
            job.finished_at = Some(Timestamp(finished_at));
            job.outputs = vec![Output {
                name: "dataset.parquet".into(),
                media_type: "x".into(),
                bytes: 3,
                sha256: String::new(),
            }];
            let out = self.paths.job_outputs(&job.id);
            fs::create_dir_all(&out).unwrap();
            fs::write(out.join("dataset.parquet"), "abc").unwrap();
            self.file.job = Some(job.id.clone());
            let (file, row) = (self.file.clone(), job);
            self.store
                .write_blocking(move |tx| {
                    tx.put_file(file.clone())?;
                    tx.put_job(row.clone())
                })
                .unwrap()
        }

        fn found(&self, delimiter: &str, may_reuse: bool) -> Option<PathBuf> {
            let mut job = JobRow::queued(INGEST, 1, self.file.project.clone(), Some(self.file.id.clone()));
            job.settings.insert("delimiter".into(), delimiter.into());
            job.may_reuse = may_reuse;
            self.store.read(|tx| same(tx, &self.paths, &job)).unwrap()
        }

        fn swept(&self, days: u32) -> u64 {
            sweep(&self.store, &self.paths, None, days, Timestamp(NOW)).unwrap().readings
        }
    }

    #[test]
    fn the_last_reading_with_the_same_settings_is_used_again_unless_it_is_the_present_one() {
        let mut house = House::new();
        let first = house.read(",", NOW - 3);
        assert_eq!(house.found(",", true), None, "the present one is read anew");
        house.read(";", NOW - 2);
        assert_eq!(house.found(",", true), Some(house.paths.job_outputs(&first.id)));
        assert_eq!(house.found(",", false), None, "who wants it done again gets it done again");
        assert_eq!(house.found("|", true), None);
        assert_eq!(house.found(";", true), None);
    }

    #[test]
    fn a_reading_goes_when_another_has_been_in_its_place_for_long_enough() {
        let mut house = House::new();
        let first = house.read(",", 0);
        let second = house.read(";", NOW - 10 * DAY);
        assert_eq!(house.swept(30), 0, "it was replaced only ten days ago");
        assert_eq!(house.swept(10), 0);
        assert_eq!(house.swept(9), 1);
        assert_eq!(house.swept(9), 0);
        assert!(!house.paths.job_outputs(&first.id).exists());
        assert!(house.paths.job_outputs(&second.id).join("dataset.parquet").exists(), "the data stay");
        let row = house.store.read(|tx| tx.job(&first.id)).unwrap().unwrap();
        assert!(row.outputs.is_empty() && row.state == JobState::Done);
        assert_eq!(house.found(",", true), None);
        assert!(house.store.fsck(false).unwrap().problems.is_empty());
    }

    #[test]
    fn what_was_replaced_within_the_hour_stays_whatever_is_set() {
        let mut house = House::new();
        house.read(",", 0);
        house.read(";", NOW - 1_000);
        assert_eq!(house.swept(0), 0);
    }

    #[test]
    fn what_a_job_may_be_about_to_use_stays() {
        let mut house = House::new();
        house.read(",", 0);
        house.read(";", 0);
        let waiting = JobRow::queued(INGEST, 1, house.file.project.clone(), Some(house.file.id.clone()));
        let row = waiting.clone();
        house.store.write_blocking(move |tx| tx.put_job(row.clone())).unwrap();
        assert_eq!(house.swept(1), 0);
        house.store.write_blocking(move |tx| tx.remove_job(&waiting.id)).unwrap();
        assert_eq!(house.swept(1), 1);
    }
}
