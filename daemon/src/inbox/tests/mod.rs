//! The drop folder with a real store in a temporary home. Nothing here sleeps for a fixed time: what is waited for is
//! asked for, with a deadline.

mod adding;
mod arrivals;
mod contents;
mod trouble;

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dropforge_shared::config;
use dropforge_shared::event::Change;
use dropforge_shared::file::{AddOutcome, OnDuplicate};
use dropforge_shared::ids::ProjectId;
use dropforge_shared::paths::Paths;
use dropforge_shared::service::{AddRequest, InboxStatus};
use dropforge_shared::time::Timestamp;

use super::Inbox;
use super::faults::Faults;
use super::intake::Intake;
use super::service::Watching;
use crate::store::Store;
use crate::store::rows::{FileRow, JobRow, ProjectRow};

const DEADLINE: Duration = Duration::from_secs(30);

/// A home with a store, in which an inbox may run.
pub(super) struct Home {
    pub(super) paths: Paths,
    pub(super) config: config::Inbox,
    pub(super) store: Store,
    pub(super) faults: Faults,
    changes: Arc<Mutex<Vec<Change>>>,
    wakes: Arc<AtomicUsize>,
    _dir: tempfile::TempDir,
}

impl Home {
    pub(super) fn new(change: impl FnOnce(&mut config::Inbox)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::under(dir.path()).unwrap();
        paths.create().unwrap();
        let mut config = config::Inbox { settle_seconds: 0.05, ..config::Inbox::default() };
        change(&mut config);
        let store = Store::open(&paths.store).unwrap();
        let (changes, wakes) = Default::default();
        Self { paths, config, store, faults: Faults::default(), changes, wakes, _dir: dir }
    }

    pub(super) fn intake(&self) -> Intake {
        let (changes, wakes) = (Arc::clone(&self.changes), Arc::clone(&self.wakes));
        Intake::with_faults(
            super::blobs::Blobs::new(&self.paths),
            &self.config,
            self.store.clone(),
            move |change| changes.lock().unwrap().push(change),
            move || {
                wakes.fetch_add(1, Ordering::SeqCst);
            },
            self.faults.clone(),
        )
    }

    pub(super) fn start(&self) -> Inbox {
        self.start_with(Watching::Notify)
    }

    pub(super) fn start_with(&self, watching: Watching) -> Inbox {
        Inbox::start_with(&self.paths, &self.config, self.intake(), watching)
    }

    pub(super) fn drop_file(&self, rel: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.paths.inbox.join(rel);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Files, oldest first.
    pub(super) fn files(&self) -> Vec<FileRow> {
        let mut files = self.store.read(|tx| tx.files(owner(), None, 100_000)).unwrap();
        files.reverse();
        files
    }

    /// Names and versions, in order.
    pub(super) fn names(&self) -> Vec<(String, u32)> {
        let mut names: Vec<_> = self.files().into_iter().map(|f| (f.name, f.version)).collect();
        names.sort();
        names
    }

    pub(super) fn jobs(&self) -> Vec<JobRow> {
        self.store.read(|tx| tx.jobs(None, None, None, 100_000)).unwrap()
    }

    pub(super) fn wakes(&self) -> usize {
        self.wakes.load(Ordering::SeqCst)
    }

    pub(super) fn changes(&self) -> Vec<Change> {
        self.changes.lock().unwrap().clone()
    }

    pub(super) fn notices(&self) -> Vec<String> {
        let text = |c| if let Change::Notice { text } = c { Some(text) } else { None };
        self.changes().into_iter().filter_map(text).collect()
    }

    /// The content of a file as it was taken.
    pub(super) fn content(&self, file: &FileRow) -> Vec<u8> {
        fs::read(self.paths.blob(&file.sha256)).unwrap()
    }

    /// Contents kept and contents left unfinished.
    pub(super) fn blobs(&self) -> (usize, usize) {
        let count = |dir: &Path| fs::read_dir(dir).map_or(0, Iterator::count);
        let kept = fs::read_dir(&self.paths.blobs).unwrap().map(|e| e.unwrap().path());
        let kept = kept.filter(|p| !p.ends_with("tmp")).map(|p| count(&p)).sum();
        (kept, count(&self.paths.blobs.join("tmp")))
    }

    pub(super) fn in_inbox(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(&self.paths.inbox)
            .map(|entries| entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect())
            .unwrap_or_default();
        names.sort();
        names
    }

    pub(super) async fn project(&self, name: &str) -> ProjectId {
        let row = ProjectRow {
            id: ProjectId::random(),
            owner: owner(),
            name: name.into(),
            created_at: Timestamp::now(),
            archived: false,
        };
        self.store.write(move |tx| tx.put_project(row.clone())).await.unwrap().id
    }

    pub(super) async fn add(&self, paths: &[&Path], change: impl FnOnce(&mut AddRequest)) -> Vec<AddOutcome> {
        let paths = paths.iter().map(|p| p.as_os_str().as_bytes().to_vec().into()).collect();
        let mut request = AddRequest {
            paths,
            project: None,
            on_duplicate: OnDuplicate::Use,
            settings: Default::default(),
            idempotency: None,
            priority: 0,
        };
        change(&mut request);
        let (intake, outcomes) = (self.intake(), Arc::new(Mutex::new(Vec::new())));
        let sink = Arc::clone(&outcomes);
        // On a task of its own, as the daemon does it.
        tokio::spawn(async move {
            intake.add(request, owner(), |o| sink.lock().unwrap().push(o), |_, _, _| {}).await;
        })
        .await
        .unwrap();
        std::mem::take(&mut *outcomes.lock().unwrap())
    }
}

pub(super) fn owner() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The state and detail of an item of a status.
pub(super) fn item(status: &InboxStatus, path: &str) -> Option<(String, String)> {
    status.items.iter().find(|i| i.path == path).map(|i| (i.state.clone(), i.detail.clone()))
}

/// Waits until something holds.
pub(super) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < end, "waited in vain for: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until nothing in the inbox waits and as many files as expected are there.
pub(super) async fn until_taken(home: &Home, inbox: &Inbox, files: usize) {
    until(&format!("{files} files and an empty list"), || {
        home.files().len() >= files && inbox.status().total == 0
    })
    .await;
    assert_eq!(home.files().len(), files);
}
