//! Takes a file in: copied and hashed, checked, synced, committed with its job in one transaction. Shared by the inbox and
//! by `add`.
//!
//! Must not know: how files are found, what becomes of the source, how the job is run.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

use dropforge_shared::clean;
use dropforge_shared::config;
use dropforge_shared::event::Change;
use dropforge_shared::file::{FileState, OnDuplicate};
use dropforge_shared::ids::{FileId, JobId, ProjectId};
use dropforge_shared::job::JobState;
use dropforge_shared::time::Timestamp;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::blobs::{Blobs, Pin};
use super::commit::{Again, Commit, commit, set};
use super::copy::{Content, Reading};
use super::error::IntakeError;
use super::faults::Faults;
use super::policy::Policy;
use super::stamp::Stamp;
use crate::store::rows::{FileRow, INGEST, JobRow, Location, ProjectRow};
use crate::store::{Store, StoreError};

/// The project that is used when none is named.
pub const DEFAULT_PROJECT: &str = "default";
/// Files read at once; a large one counts for [`LARGE_WEIGHT`], so that the disk is not torn between many streams.
const AT_ONCE: usize = 8;
/// What a large file counts for: two at once.
const LARGE_WEIGHT: u32 = 4;
/// From this size on a file is large.
const LARGE: u64 = 1 << 20;

type Bus = Arc<dyn Fn(Change) + Send + Sync>;

/// A file to be taken.
#[derive(Debug, Clone)]
pub struct Source {
    /// Where it lies, byte for byte.
    pub path: PathBuf,
    /// What it is to be called, with escapes where the path is not UTF-8.
    pub name: String,
    /// Whose it is.
    pub owner: u32,
    /// The project it goes to.
    pub project: ProjectId,
    /// What to do with content that is there already.
    pub on_duplicate: OnDuplicate,
    /// How it is to be read; with any, content that is there already is read again.
    pub settings: BTreeMap<String, String>,
    /// Whether it may stay where it is if it is large enough for that.
    pub may_reference: bool,
    /// What it looked like when it had settled, if that was waited for.
    pub settled: Option<Stamp>,
    /// Whether a writer that has it open is reason to wait: [`IntakeError::Written`].
    pub heed_writers: bool,
    /// The same content under the same name in the same project is the same thing seen again, and is never processed
    /// again: for files that stay where they were dropped.
    pub once: bool,
    /// What this one taking is known by: a second one of the same key gives the file and job of the first.
    pub key: Option<String>,
    /// The job's priority.
    pub priority: i32,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The file to use: new, or the one that had this content already.
    pub file: FileId,
    /// The file that had this content already.
    pub duplicate_of: Option<FileId>,
    /// That file has the same name in the same project: this is the same thing seen again.
    pub already_here: bool,
    /// Jobs that were queued for it.
    pub jobs: Vec<JobId>,
    /// What the source looked like while it was read.
    pub stamp: Stamp,
}

/// Takes files in. Clones share their limits.
#[derive(Clone)]
pub struct Intake {
    inner: Arc<Inner>,
}

struct Inner {
    blobs: Blobs,
    policy: Policy,
    store: Store,
    bus: Bus,
    wake: Box<dyn Fn() + Send + Sync>,
    turns: Semaphore,
    halt: CancellationToken,
    faults: Faults,
}

impl Intake {
    /// `bus` publishes what changes; `wake` tells the queue that there is work.
    pub fn new(
        blobs: Blobs,
        config: &config::Inbox,
        store: Store,
        bus: impl Fn(Change) + Send + Sync + 'static,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self::with_faults(blobs, config, store, bus, wake, Faults::default())
    }

    pub(super) fn with_faults(
        blobs: Blobs,
        config: &config::Inbox,
        store: Store,
        bus: impl Fn(Change) + Send + Sync + 'static,
        wake: impl Fn() + Send + Sync + 'static,
        faults: Faults,
    ) -> Self {
        let inner = Inner {
            blobs,
            policy: Policy::new(config),
            store,
            bus: Arc::new(bus),
            wake: Box::new(wake),
            turns: Semaphore::new(AT_ONCE),
            halt: CancellationToken::new(),
            faults,
        };
        Self { inner: Arc::new(inner) }
    }

    /// The contents. Whoever removes one does it through [`Blobs::remove_unused`] of these, so that none goes which is
    /// about to be used.
    pub fn blobs(&self) -> &Blobs {
        &self.inner.blobs
    }

    pub(super) fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(super) fn policy(&self) -> &Policy {
        &self.inner.policy
    }

    pub(super) fn faults(&self) -> &Faults {
        &self.inner.faults
    }

    pub(super) fn publish(&self, change: Change) {
        (self.inner.bus)(change);
    }

    /// Ends copies under way and refuses new ones; commits under way are finished.
    pub fn halt(&self) {
        self.inner.halt.cancel();
    }

    /// Takes a file. `progress` hears of bytes done and in all. Dropping the future abandons the copy and leaves nothing;
    /// a commit that was begun is finished all the same.
    pub async fn take(
        &self,
        source: Source,
        progress: &(dyn Fn(u64, u64) + Send + Sync),
    ) -> Result<Taken, IntakeError> {
        let inner = &self.inner;
        let weight = match tokio::fs::symlink_metadata(&source.path).await {
            Ok(meta) if meta.len() < LARGE => 1,
            _ => LARGE_WEIGHT,
        };
        // Never closed, so this only fails where the daemon ends.
        let _turn =
            inner.turns.acquire_many(weight).await.map_err(|_| IntakeError::Stopped(source.path.clone()))?;
        loop {
            if let Some(taken) = self.take_once(&source, progress).await? {
                return Ok(taken);
            }
        }
    }

    async fn take_once(
        &self,
        source: &Source,
        progress: &(dyn Fn(u64, u64) + Send + Sync),
    ) -> Result<Option<Taken>, IntakeError> {
        let inner = &self.inner;
        let (tell, mut told) = watch::channel((0, 0));
        let reading = Reading {
            path: source.path.clone(),
            settled: source.settled,
            heed_writers: source.heed_writers,
            may_stay: source.may_reference,
            policy: inner.policy.clone(),
            blobs: inner.blobs.clone(),
            faults: inner.faults.clone(),
            // A child, cancelled with this future too: nobody is left to want the copy.
            halt: inner.halt.child_token(),
            progress: tell,
        };
        let _abandon = reading.halt.clone().drop_guard();
        let (store, owner) = (inner.store.clone(), source.owner);
        let mut work = tokio::task::spawn_blocking(move || {
            let content = reading.run()?;
            settle_content(&reading, content, &store, owner)
        });
        let prepared = loop {
            tokio::select! {
                biased;
                Ok(()) = told.changed() => {
                    let (done, total) = *told.borrow_and_update();
                    progress(done, total);
                }
                done = &mut work => break done,
            }
        };
        let prepared = prepared.map_err(|e| IntakeError::Io {
            doing: "finish reading",
            path: source.path.clone(),
            detail: e.to_string(),
        })??;
        let path = source.path.clone();
        let failed = |e: std::io::Error| IntakeError::from_io("commit", &path, &e);
        inner.faults.pass("intake.commit.before", &source.path).map_err(failed)?;
        let stamp = prepared.stamp;
        let row = new_row(source, &prepared);
        let mut job = JobRow::queued(INGEST, source.owner, source.project.clone(), Some(row.id.clone()));
        job.settings = set(&BTreeMap::new(), &source.settings);
        job.priority = source.priority;
        // With the content: what was changed in between is another thing.
        job.idempotency = source.key.as_ref().map(|key| format!("{key} {}", row.sha256));
        let (file, job_id) = (row.id.clone(), job.id.clone());
        let again = Again {
            wanted: source.on_duplicate == OnDuplicate::Reprocess || !source.settings.is_empty(),
            not_same: source.once,
            settings: source.settings.clone(),
        };
        let commit = inner
            .store
            .write(move |tx| {
                // The pin goes along: the commit is done even if nobody waits for it any more.
                let _pin = &prepared.pin;
                commit(tx, &row, &job, prepared.available.clone(), prepared.intact, &again)
            })
            .await?;
        let taken = match commit {
            Commit::Again => return Ok(None),
            Commit::Before { file, duplicate_of, job } => {
                Taken { file, duplicate_of, already_here: false, jobs: vec![job], stamp }
            }
            Commit::New => {
                self.announce_file(&file, &source.name, FileState::Ingesting);
                self.announce_job(&job_id, &file);
                Taken { file, duplicate_of: None, already_here: false, jobs: vec![job_id], stamp }
            }
            Commit::Duplicate { first, same, job } => {
                if let Some(job) = &job {
                    self.announce_file(&first.id, &first.name, first.state);
                    self.announce_job(job, &first.id);
                }
                Taken {
                    file: first.id.clone(),
                    duplicate_of: Some(first.id.clone()),
                    already_here: same,
                    jobs: job.into_iter().collect(),
                    stamp,
                }
            }
        };
        inner.faults.pass("intake.commit.after", &source.path).map_err(failed)?;
        Ok(Some(taken))
    }

    fn announce_file(&self, file: &FileId, name: &str, state: FileState) {
        self.publish(Change::File { file: file.clone(), name: clean::line(name).into_owned(), state });
    }

    fn announce_job(&self, job: &JobId, file: &FileId) {
        self.publish(Change::Job {
            job: job.clone(),
            job_kind: INGEST.into(),
            state: JobState::Queued,
            file: Some(file.clone()),
            error: None,
        });
        (self.inner.wake)();
    }
}

/// A content that is where it has to be, ready for the commit.
struct Prepared {
    stamp: Stamp,
    sha256: String,
    location: Location,
    /// Where the content is now for certain. `None`: a row that shares the content must be there.
    available: Option<Location>,
    /// A row had this content, and its bytes were where they should be.
    intact: bool,
    pin: Pin,
}

/// Sees to it that the content is somewhere once, and only once. Blocks.
fn settle_content(
    reading: &Reading,
    content: Content,
    store: &Store,
    owner: u32,
) -> Result<Prepared, IntakeError> {
    let Content { stamp, sha256, copy } = content;
    // Pinned before looking: what is seen to be there stays until the commit.
    let pin = reading.blobs.pin(&sha256);
    let rows = store.read(|tx| tx.files_with_sha(owner, &sha256))?;
    let there = rows.iter().find(|row| bytes_are_there(row, &reading.blobs));
    let intact = there.is_some();
    let (location, available) = match (copy, there) {
        (None, _) => {
            let path = reading.path.as_os_str().as_bytes().to_vec();
            let location = Location::Referenced { path, mtime_ns: stamp.mtime_i64() };
            (location.clone(), Some(location))
        }
        (Some(_), _) if reading.blobs.has(&sha256, stamp.size) => (Location::Blob, Some(Location::Blob)),
        // It is referenced in place: no second copy.
        (Some(_), Some(row)) => (row.location.clone(), None),
        (Some(copy), None) => {
            reading.keep(copy, &sha256, stamp.size)?;
            (Location::Blob, Some(Location::Blob))
        }
    };
    Ok(Prepared { stamp, sha256, location, available, intact, pin })
}

/// Whether a row's bytes are where it says, as far as size and mtime tell.
fn bytes_are_there(row: &FileRow, blobs: &Blobs) -> bool {
    match &row.location {
        Location::Blob => blobs.has(&row.sha256, row.bytes),
        Location::Referenced { path, mtime_ns } => std::fs::symlink_metadata(OsStr::from_bytes(path))
            .is_ok_and(|meta| {
                let stamp = Stamp::of(&meta);
                meta.is_file() && stamp.size == row.bytes && stamp.mtime_i64() == *mtime_ns
            }),
    }
}

fn new_row(source: &Source, prepared: &Prepared) -> FileRow {
    FileRow {
        settings: set(&BTreeMap::new(), &source.settings),
        ..FileRow::taken(
            source.owner,
            source.project.clone(),
            source.name.clone(),
            prepared.sha256.clone(),
            prepared.stamp.size,
            prepared.location.clone(),
        )
    }
}

/// The project that is used when none is named, made if it is missing.
pub async fn ensure_default_project(store: &Store, owner: u32) -> Result<ProjectRow, StoreError> {
    if let Some(project) = store.read(|tx| tx.project_named(owner, DEFAULT_PROJECT))? {
        return Ok(project);
    }
    let row = ProjectRow {
        id: ProjectId::random(),
        owner,
        name: DEFAULT_PROJECT.into(),
        created_at: Timestamp::now(),
        archived: false,
    };
    store
        .write(move |tx| match tx.project_named(owner, DEFAULT_PROJECT)? {
            Some(project) => Ok(project),
            None => tx.put_project(row.clone()),
        })
        .await
}
