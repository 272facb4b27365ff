//! The drop folder: what is put there is found, waited for until it is complete, taken in and moved away.
//!
//! The rooms: [`watch`] hears hints, [`scan`] knows the truth, [`settle`] decides what has held still, [`policy`] what may
//! be taken, [`intake`] takes it, [`blobs`] keeps the bytes; `service` is the loop that joins them, `take` a file's way through it, `add` the way in for
//! paths that are named.
//!
//! Must not know: engines, how jobs are run, connections.

mod add;
pub mod blobs;
pub(crate) mod commit;
mod copy;
pub mod error;
mod faults;
pub mod intake;
pub mod policy;
pub mod scan;
mod service;
pub mod settle;
mod shelf;
mod stamp;
mod take;
pub mod watch;
mod writers;

#[cfg(test)]
mod tests;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use dropforge_shared::clean;
use dropforge_shared::config;
use dropforge_shared::event::Change;
use dropforge_shared::file::InboxItem;
use dropforge_shared::paths::Paths;
use dropforge_shared::service::InboxStatus;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::store::Store;
use blobs::Blobs;
use intake::Intake;
use settle::{Settler, State};

/// The most items that a status lists.
const LISTED: usize = 200;

/// Where files are dropped and where they go, with the configuration applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// The drop folder.
    pub inbox: PathBuf,
    /// Where taken files go.
    pub processed: PathBuf,
}

impl Folders {
    /// The folders of a home. A configured path that is relative counts from the home, `~/` from the user's folder.
    pub fn of(paths: &Paths, config: &config::Inbox) -> Self {
        let resolve = |configured: &Path, usual: &Path| {
            if configured.as_os_str().is_empty() {
                return usual.to_owned();
            }
            let user = std::env::var_os("HOME").filter(|h| !h.is_empty());
            match (configured.strip_prefix("~"), user) {
                (Ok(rest), Some(user)) => Path::new(&user).join(rest),
                _ => paths.home.join(configured),
            }
        };
        let inbox = resolve(&config.path, &paths.inbox);
        // Beside the inbox that is used, so that moving stays on one file system.
        let usual = if config.path.as_os_str().is_empty() {
            paths.processed.clone()
        } else {
            inbox.parent().map_or_else(|| paths.processed.clone(), |p| p.join("processed"))
        };
        Self { processed: resolve(&config.processed, &usual), inbox }
    }
}

/// The drop folder's service. Clones are the same one.
#[derive(Clone)]
pub struct Inbox {
    inner: Arc<Inner>,
}

struct Inner {
    intake: Intake,
    folders: Folders,
    view: Arc<View>,
    stop: CancellationToken,
    task: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

/// What the loop shows to others.
struct View {
    settler: Mutex<Settler>,
    mode: Mutex<String>,
    /// Scans so far.
    looks: AtomicU64,
}

impl View {
    fn settler<T>(&self, f: impl FnOnce(&mut Settler) -> T) -> T {
        f(&mut self.settler.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A figure that changes when what a user sees of the inbox does: the list, or how the folder is followed.
    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.settler(|s| s.fingerprint()).hash(&mut hasher);
        self.mode.lock().unwrap_or_else(PoisonError::into_inner).hash(&mut hasher);
        hasher.finish()
    }

    fn set_mode(&self, mode: String) {
        *self.mode.lock().unwrap_or_else(PoisonError::into_inner) = mode;
    }
}

impl Inbox {
    /// Starts to follow the drop folder, on the runtime that this is called in. `bus` publishes what changes,
    /// `wake_queue` is called for each job that was queued.
    pub fn start(
        paths: &Paths,
        config: &config::Inbox,
        store: Store,
        blobs: Blobs,
        bus: impl Fn(Change) + Send + Sync + 'static,
        wake_queue: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let intake = Intake::new(blobs, config, store, bus, wake_queue);
        Self::start_with(paths, config, intake, service::Watching::Notify)
    }

    fn start_with(
        paths: &Paths,
        config: &config::Inbox,
        intake: Intake,
        watching: service::Watching,
    ) -> Self {
        let folders = Folders::of(paths, config);
        let window = seconds(config.settle_seconds);
        let view = Arc::new(View {
            settler: Mutex::new(Settler::new(window)),
            mode: Mutex::new("starting".to_owned()),
            looks: AtomicU64::new(0),
        });
        let stop = CancellationToken::new();
        let service = service::Service::new(
            paths,
            folders.clone(),
            config,
            intake.clone(),
            Arc::clone(&view),
            stop.clone(),
            watching,
        );
        let task = tokio::spawn(service.run());
        let inner = Inner { intake, folders, view, stop, task: tokio::sync::Mutex::new(Some(task)) };
        Self { inner: Arc::new(inner) }
    }

    /// The intake, for `add` and for whoever removes contents.
    pub fn intake(&self) -> &Intake {
        &self.inner.intake
    }

    /// The folders in use.
    pub fn folders(&self) -> &Folders {
        &self.inner.folders
    }

    /// How often the folder was looked through: does not move while nothing happens.
    #[cfg(test)]
    fn looks(&self) -> u64 {
        self.inner.view.looks.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// What waits, and how the folder is followed.
    pub fn status(&self) -> InboxStatus {
        let (items, total) = self.inner.view.settler(|settler| {
            let items =
                settler.waiting_entries().take(LISTED).map(|(path, entry)| item(path, entry)).collect();
            (items, settler.waiting())
        });
        let mode = self.inner.view.mode.lock().unwrap_or_else(PoisonError::into_inner).clone();
        InboxStatus { path: shown(&self.inner.folders.inbox), mode, items, total }
    }

    /// Stops following the folder and taking files. Commits under way are finished; copies are abandoned and leave
    /// nothing. The intake takes nothing more either.
    pub async fn stop(&self) {
        self.inner.stop.cancel();
        self.inner.intake.halt();
        if let Some(task) = self.inner.task.lock().await.take() {
            let _ = task.await;
        }
    }
}

fn item(path: &Path, entry: &settle::Tracked) -> InboxItem {
    let (state, detail) = match &entry.state {
        State::Settling { window, .. } if window.is_some() => {
            ("settling", "is still open for writing: waits until it is closed".to_owned())
        }
        State::Settling { .. } => ("settling", "waits until it has held still".to_owned()),
        State::Taking => ("taking", "is being taken in".to_owned()),
        State::Refused { why } => ("refused", why.clone()),
        State::Failed { why, .. } => ("error", why.clone()),
        State::Left => ("left", String::new()),
    };
    InboxItem { path: shown(path), state: state.to_owned(), detail, bytes: entry.stamp.size }
}

/// A path as a name: what is not UTF-8 is escaped (`\xff`), so that two names never become one.
fn name_of(path: &Path) -> String {
    let mut name = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        name.push_str(chunk.valid());
        name.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    name
}

fn shown(path: &Path) -> String {
    clean::line(&path.to_string_lossy()).into_owned()
}

/// A configured number of seconds; the configuration makes sure that it is above 0 and not absurd.
fn seconds(value: f64) -> std::time::Duration {
    std::time::Duration::try_from_secs_f64(value).unwrap_or(std::time::Duration::from_secs(1))
}
