//! The durable state: files, jobs, projects and the audit log, in one redb file that the daemon owns alone.
//!
//! Reading is a short function on a consistent view; writing is a function that the writer thread runs, together with others,
//! in one durable transaction. Blobs, logs and outputs are files and lie elsewhere.
//!
//! Must not know: RPC, who may see what, how jobs are run, where blobs come from.

mod audit;
mod backup;
mod choice;
mod disk;
mod envelope;
mod error;
mod file;
mod fsck;
mod guard;
mod job;
mod key;
mod migrate;
mod pages;
mod project;
mod repair;
mod restore;
pub mod rows;
mod snapshot;
mod tables;
mod tree;
mod tx;
mod writer;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

pub use audit::broken as broken_entry;
pub use backup::BackupReport;
pub use disk::store_file as file_in;
use dropforge_shared::paths::Paths;
pub use error::StoreError;
pub use fsck::{FsckReport, Problem};
pub use restore::{check_backup, restore};
use tokio::sync::oneshot;
pub use tx::{ReadTx, WriteTx};

use disk::Disk;
use guard::guarded;
use migrate::Step;
use writer::{Command, Request, Shared, Writer};

/// Longest pause of [`Store::persist`] between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Whether a store lies in a folder, and can be opened by this build. Changes nothing but what a kill left open.
///
/// # Errors
/// Why it can't be opened.
pub fn look(dir: &Path) -> Result<bool, StoreError> {
    let path = disk::store_file(dir);
    if path.symlink_metadata().is_err() {
        return Ok(false);
    }
    let _lock = disk::lock_dir(dir)?;
    guarded(|| {
        let db = disk::open_with(&Disk::real(), &path)?;
        migrate::usable(&db, &path, migrate::STEPS).map(|_| true)
    })
}

/// The store. Clones share it.
#[derive(Clone)]
pub struct Store {
    handle: Arc<Handle>,
}

struct Handle {
    shared: Arc<Shared>,
    commands: Sender<Command>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Handle {
    fn close(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // It may have ended already; then there is nobody to tell.
            let _ = self.commands.send(Command::Close);
            // The last handle may be dropped by a write on that very thread, which can't wait for itself.
            if thread.thread().id() != thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}

/// A write with a way to tell its caller.
struct Call<T, F, A> {
    f: F,
    value: Option<T>,
    answer: A,
}

impl<T, F, A> Request for Call<T, F, A>
where
    T: Send,
    F: FnMut(&mut WriteTx) -> Result<T, StoreError> + Send,
    A: FnOnce(Result<T, StoreError>) + Send,
{
    fn run(&mut self, tx: &mut WriteTx) -> Result<(), StoreError> {
        self.value = None;
        self.value = Some((self.f)(tx)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Self { value, answer, .. } = *self;
        answer(outcome.and_then(|()| value.ok_or(StoreError::Closed)));
    }
}

impl Store {
    /// Opens the store in a folder, made where it is missing; brings it to this build's schema and starts the writer.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        Self::open_with(dir, migrate::STEPS, Disk::real())
    }

    fn open_with(dir: &Path, steps: &[Step], disk: Disk) -> Result<Self, StoreError> {
        let lock = disk::lock_dir(dir)?;
        let db = guarded(|| disk::open_store(dir, steps, &disk))?;
        let shared = Arc::new(Shared {
            identity: disk::identity(&disk::store_file(dir)),
            path: disk::store_file(dir),
            db: RwLock::new(Some(db)),
            trouble: Mutex::new(None),
            disk,
            lock: Mutex::new(Some(lock)),
        });
        let (commands, queue) = mpsc::channel();
        let writer = Writer::new(shared.clone(), queue);
        let thread = thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || writer.run())
            .map_err(|e| StoreError::io("starting the writer thread of", &shared.path, &e))?;
        Ok(Self { handle: Arc::new(Handle { shared, commands, thread: Mutex::new(Some(thread)) }) })
    }

    /// Reads. `f` must be short, must not wait for anything, and must not read from the store again inside.
    pub fn read<T>(&self, f: impl FnOnce(&ReadTx) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let outcome = self.handle.shared.read(f);
        if matches!(&outcome, Err(e) if e.is_unavailable()) {
            let _ = self.handle.commands.send(Command::Probe);
        }
        outcome
    }

    fn send<T: Send + 'static>(
        &self,
        f: impl FnMut(&mut WriteTx) -> Result<T, StoreError> + Send + 'static,
        answer: impl FnOnce(Result<T, StoreError>) + Send + 'static,
    ) {
        // Where the writer has ended, the request is dropped, and the caller sees its answer go missing.
        let _ = self.handle.commands.send(Command::Write(Box::new(Call { f, value: None, answer })));
    }

    /// Writes, together with whatever else waits. When it returns `Ok` the rows are on disk. `f` may be run more than once
    /// (when another write of its group fails), so it must have no effect outside; it is run to its end even where the caller
    /// goes away. After `Unavailable` the rows may be there all the same.
    pub async fn write<T: Send + 'static>(
        &self,
        f: impl FnMut(&mut WriteTx) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (tell, told) = oneshot::channel();
        self.send(f, move |outcome| drop(tell.send(outcome)));
        told.await.unwrap_or(Err(StoreError::Closed))
    }

    /// As [`Store::write`], but nobody waits: for what must not hold up the caller. A failure is told to the log.
    pub fn post(&self, mut f: impl FnMut(&mut WriteTx) -> Result<(), StoreError> + Send + 'static) {
        self.send(
            move |tx| f(tx),
            |outcome| {
                if let Err(e) = outcome {
                    tracing::error!("an entry of the audit log could not be written: {e}");
                }
            },
        );
    }

    /// As [`Store::write`], for threads that may block.
    pub fn write_blocking<T: Send + 'static>(
        &self,
        f: impl FnMut(&mut WriteTx) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (tell, told) = mpsc::sync_channel(1);
        self.send(f, move |outcome| drop(tell.send(outcome)));
        told.recv().unwrap_or(Err(StoreError::Closed))
    }

    /// As [`Store::write`], but waits and tries again as long as the store is unavailable: for facts that must not be lost.
    /// `f` must bear being committed twice.
    pub async fn persist<T: Send + 'static>(
        &self,
        f: impl FnMut(&mut WriteTx) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let f = Arc::new(Mutex::new(f));
        let mut pause = Duration::from_millis(50);
        loop {
            let f = f.clone();
            let outcome = self.write(move |tx| (f.lock().unwrap_or_else(PoisonError::into_inner))(tx)).await;
            match outcome {
                Err(e) if e.is_unavailable() => {}
                other => return other,
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Whether the store's file still is where it was opened. Once it was removed, what is written goes nowhere; and where
    /// another lies in its place, a home was made anew and is somebody else's to serve.
    pub fn is_on_disk(&self) -> bool {
        let shared = &self.handle.shared;
        disk::identity(&shared.path).is_some_and(|now| shared.identity.is_none_or(|then| then == now))
    }

    /// Why the store can't be written; `None` while it is well.
    pub fn health(&self) -> Option<String> {
        let thread = self.handle.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = thread.as_ref().is_some_and(JoinHandle::is_finished);
        self.handle.shared.trouble().or_else(|| ended.then(|| "the thread that writes has ended".to_owned()))
    }

    /// Checks the file's pages, every row, every index both ways, the counters, the audit chain and what rows say of each other.
    /// With `repair`, indices and counters are made anew from the rows, and rows that can't be read are set aside. Blocks, and so do
    /// others' writes meanwhile; reading goes on.
    pub fn fsck(&self, repair: bool) -> Result<FsckReport, StoreError> {
        let (tell, told) = mpsc::sync_channel(1);
        let work = move |shared: &Shared| {
            let outcome = guarded(|| fsck::run(shared, repair));
            let io = outcome.as_ref().map(|_| ()).map_err(Clone::clone);
            let _ = tell.send(outcome);
            io
        };
        let _ = self.handle.commands.send(Command::Alone(Box::new(work)));
        told.recv().unwrap_or_else(|_| Err(self.health().map_or(StoreError::Closed, StoreError::Unavailable)))
    }

    /// Copies the store as it is now with contents, outputs, jobs' logs, recipes, a user's rules and the configuration to a new
    /// folder, and verifies the copy. Work goes on meanwhile. Blocks.
    pub fn backup(&self, paths: &Paths, to: &Path) -> Result<BackupReport, StoreError> {
        backup::run(self, paths, to)
    }

    /// Every table in order, as text: what tests compare.
    pub fn snapshot_text(&self) -> Result<String, StoreError> {
        self.read(snapshot::text)
    }

    /// Finishes the writes that wait and closes the file. Other clones get [`StoreError::Closed`] from then on.
    pub fn close(self) {
        self.handle.close();
    }
}
