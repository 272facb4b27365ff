//! The one thread that writes. It takes the writes that wait, runs them in one transaction, commits it durably and answers
//! them all: a hundred callers pay for one fsync.
//!
//! After a failed write or commit redb refuses everything until it is closed and opened anew, so this thread does that: at
//! once after a first failure, then once a second, until a commit succeeds. A commit that failed may have been done all the same
//! (its last fsync failed), which is why callers' writes must bear being done twice.
//!
//! Must not know: what is written.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use dropforge_shared::failpoint;
use dropforge_shared::time::Timestamp;
use redb::{Database, Durability, ReadableDatabase};

use super::disk::{self, Disk};
use super::error::StoreError;
use super::guard::{guarded, panic_text};
use super::tables::META;
use super::tx::{ReadTx, WriteTx};

/// Most writes in one transaction: enough to share an fsync, few enough to be done again when one of them fails.
const GROUP: usize = 512;

/// A write that waits for its turn.
pub(super) trait Request: Send {
    /// Does it. May be called again when the transaction was given up.
    fn run(&mut self, tx: &mut WriteTx) -> Result<(), StoreError>;
    /// Tells the caller. `Ok` means that what `run` did last is on disk.
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

/// Work on the writer thread outside of a group.
pub(super) type Work = Box<dyn FnOnce(&Shared) -> Result<(), StoreError> + Send>;

/// What the thread is asked to do.
pub(super) enum Command {
    Write(Box<dyn Request>),
    /// Something that needs the database for itself. An error that says unavailable makes the thread reopen it.
    Alone(Work),
    /// A read failed: look whether the store is well.
    Probe,
    Close,
}

/// What the writer and the readers share.
pub(super) struct Shared {
    pub(super) path: PathBuf,
    /// Which file lay there when it was opened.
    pub(super) identity: Option<(u64, u64)>,
    /// `None` while it can't be opened. Held for reading as long as a transaction lives.
    pub(super) db: RwLock<Option<Database>>,
    pub(super) trouble: Mutex<Option<String>>,
    pub(super) disk: Disk,
    /// Keeps other processes out. Given up when the writer ends: the store is closed then.
    pub(super) lock: Mutex<Option<File>>,
}

impl Shared {
    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    fn unavailable(&self) -> StoreError {
        if self.lock.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            return StoreError::Closed;
        }
        StoreError::Unavailable(self.trouble().unwrap_or_else(|| "it is being reopened".to_owned()))
    }

    /// Runs `f` on the rows as they are now.
    pub(super) fn read<T>(&self, f: impl FnOnce(&ReadTx) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let guard = self.db.read().unwrap_or_else(PoisonError::into_inner);
        let db = guard.as_ref().ok_or_else(|| self.unavailable())?;
        guarded(|| f(&ReadTx::new(db.begin_read()?)))
    }

    /// Runs `f` in a transaction of its own and commits it. For the writer thread.
    pub(super) fn write_alone<T>(
        &self,
        f: impl FnOnce(&mut WriteTx) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let guard = self.db.read().unwrap_or_else(PoisonError::into_inner);
        let db = guard.as_ref().ok_or_else(|| self.unavailable())?;
        guarded(|| {
            let mut tx = begin(db)?;
            match f(&mut tx) {
                Ok(value) => commit(tx).map(|()| value),
                Err(e) => {
                    tx.abort()?;
                    Err(e)
                }
            }
        })
    }
}

fn place(name: &str) -> Result<(), StoreError> {
    failpoint::pass(name).map_err(|e| StoreError::from(redb::Error::Io(e)))
}

fn begin(db: &Database) -> Result<WriteTx, StoreError> {
    place("store.begin")?;
    let mut tx = db.begin_write()?;
    tx.set_durability(Durability::Immediate)?;
    Ok(WriteTx::new(tx))
}

fn commit(tx: WriteTx) -> Result<(), StoreError> {
    place("store.commit.before")?;
    tx.commit()?;
    place("store.commit.after")
}

/// The thread's state.
pub(super) struct Writer {
    shared: Arc<Shared>,
    commands: Receiver<Command>,
    last_failure: Option<Instant>,
    /// While there is trouble: nothing is tried before this moment.
    next_try: Instant,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, commands: Receiver<Command>) -> Self {
        Self { shared, commands, last_failure: None, next_try: Instant::now() }
    }

    /// Works until it is told to close or nobody can ask any more; then closes the database.
    pub(super) fn run(mut self) {
        loop {
            let first = if self.shared.trouble().is_none() {
                self.commands.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                self.commands.recv_timeout(self.next_try.saturating_duration_since(Instant::now()))
            };
            let mut command = match first {
                Ok(command) => Some(command),
                Err(RecvTimeoutError::Timeout) => Some(Command::Probe),
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let mut group = Vec::new();
            while let Some(Command::Write(_)) = command {
                if let Some(Command::Write(request)) = command {
                    group.push(request);
                }
                command = if group.len() < GROUP { self.commands.try_recv().ok() } else { None };
            }
            if !group.is_empty() {
                self.write(group);
            }
            match command {
                Some(Command::Alone(work)) => {
                    // Not ready: the work is dropped, and who asked for it sees that.
                    if self.ready().is_ok() {
                        match guarded(|| work(&self.shared)) {
                            Ok(()) | Err(StoreError::NotFound(_) | StoreError::Conflict(_)) => {}
                            // After a check that failed, too, the database has to be opened anew.
                            Err(e) => self.fail(&e),
                        }
                    }
                }
                Some(Command::Probe) => self.probe(),
                Some(Command::Close) => break,
                Some(Command::Write(_)) | None => {}
            }
        }
        let mut db = self.shared.db.write().unwrap_or_else(PoisonError::into_inner);
        close(db.take());
        *self.shared.lock.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether something may be tried now; opens the database where that failed before.
    fn ready(&mut self) -> Result<(), StoreError> {
        if self.shared.trouble().is_none() {
            return Ok(());
        }
        if Instant::now() < self.next_try {
            return Err(self.shared.unavailable());
        }
        let mut db = self.shared.db.write().unwrap_or_else(PoisonError::into_inner);
        if db.is_none() {
            match disk::open_with(&self.shared.disk, &self.shared.path) {
                Ok(opened) => *db = Some(opened),
                Err(e) => {
                    drop(db);
                    self.next_try = Instant::now() + self.shared.disk.pause;
                    self.shared.set_trouble(Some(e.to_string()));
                    return Err(self.shared.unavailable());
                }
            }
        }
        Ok(())
    }

    /// Commits something small, so that the end of trouble is noticed without a caller.
    fn probe(&mut self) {
        if self.ready().is_err() {
            return;
        }
        let done = self
            .shared
            .write_alone(|tx| tx.set(META, "probed_at", Some(Timestamp::now().to_string().as_str())));
        match done {
            Ok(()) => self.recovered(),
            Err(e) => self.fail(&e),
        }
    }

    fn recovered(&mut self) {
        if self.shared.trouble().is_some() {
            tracing::info!("the store is well again");
            self.shared.set_trouble(None);
        }
    }

    /// After a failure: closes the database and opens it again, so that reading goes on; writing may wait for a moment.
    fn fail(&mut self, error: &StoreError) {
        let now = Instant::now();
        let again =
            self.last_failure.is_some_and(|last| now.duration_since(last) < 2 * self.shared.disk.pause);
        self.last_failure = Some(now);
        self.next_try = if again { now + self.shared.disk.pause } else { now };
        let why = match error {
            StoreError::Unavailable(why) => why.clone(),
            other => other.to_string(),
        };
        if !again {
            tracing::error!(why, "the store failed; it is closed and opened again until it works");
        }
        self.shared.set_trouble(Some(why));
        let mut db = self.shared.db.write().unwrap_or_else(PoisonError::into_inner);
        // The old one must be gone before the file is opened again: it holds the lock.
        close(db.take());
        match disk::open_with(&self.shared.disk, &self.shared.path) {
            Ok(opened) => *db = Some(opened),
            Err(e) => {
                self.next_try = now + self.shared.disk.pause;
                tracing::warn!(error = %e, "the store can't be opened again yet");
            }
        }
    }

    /// Does a group of writes and answers each.
    fn write(&mut self, mut group: Vec<Box<dyn Request>>) {
        if let Err(e) = self.ready() {
            return answer_all(group, &Err(e));
        }
        let outcome = guarded(|| self.commit_group(&mut group));
        match &outcome {
            Ok(true) => self.recovered(),
            Ok(false) => {}
            Err(e) => self.fail(e),
        }
        // Whatever it was, the group's rows are not known to be on disk, and the callers may try again.
        let outcome = outcome.map(|_| ()).map_err(|e| match e {
            StoreError::Corrupt(_) => e,
            other if other.is_unavailable() => other,
            other => StoreError::Unavailable(other.to_string()),
        });
        answer_all(group, &outcome);
    }

    /// Commits those of a group that succeed; the others are answered and taken out. Says whether something was written.
    fn commit_group(&self, group: &mut Vec<Box<dyn Request>>) -> Result<bool, StoreError> {
        let guard = self.shared.db.read().unwrap_or_else(PoisonError::into_inner);
        let db = guard.as_ref().ok_or_else(|| self.shared.unavailable())?;
        'again: loop {
            let mut tx = begin(db)?;
            let mut written = false;
            let mut at = 0;
            while at < group.len() {
                let outcome = catch_unwind(AssertUnwindSafe(|| group[at].run(&mut tx)));
                let dirty = tx.take_dirty();
                let (error, spoiled) = match outcome {
                    Ok(Ok(())) => {
                        written |= dirty;
                        at += 1;
                        continue;
                    }
                    Ok(Err(e)) if e.is_unavailable() => return Err(e),
                    Ok(Err(e)) => (e, dirty),
                    // A table may have been left half changed.
                    Err(panic) => (StoreError::Panicked(panic_text(&*panic).to_owned()), true),
                };
                group.remove(at).answer(Err(error));
                if spoiled {
                    tx.abort()?;
                    continue 'again;
                }
            }
            if written {
                commit(tx)?;
            } else {
                tx.abort()?;
            }
            return Ok(written);
        }
    }
}

/// Closes a database; one that is damaged may panic.
fn close(db: Option<Database>) {
    let _ = guarded(|| {
        drop(db);
        Ok(())
    });
}

fn answer_all(group: Vec<Box<dyn Request>>, outcome: &Result<(), StoreError>) {
    for request in group {
        request.answer(outcome.clone());
    }
}
