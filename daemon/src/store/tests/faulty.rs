//! A disk that fails when it is told to.

use std::fs::OpenOptions;
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use redb::backends::FileBackend;
use redb::{BackendError, Builder, Database, DatabaseError, StorageBackend};

use crate::store::disk::Disk;

/// What the test turns.
#[derive(Debug)]
pub(super) struct Switches {
    /// The disk's size: a file can't grow beyond it.
    pub(super) room: AtomicU64,
    /// Writing fails.
    pub(super) write_fails: AtomicBool,
    /// Syncing fails, after what was written got through.
    pub(super) sync_fails: AtomicBool,
    /// Opening fails.
    pub(super) open_fails: AtomicBool,
    /// How often it was synced.
    pub(super) syncs: AtomicU64,
    /// How often it was opened.
    pub(super) opened: AtomicU64,
}

impl Switches {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            room: AtomicU64::new(u64::MAX),
            write_fails: AtomicBool::new(false),
            sync_fails: AtomicBool::new(false),
            open_fails: AtomicBool::new(false),
            syncs: AtomicU64::new(0),
            opened: AtomicU64::new(0),
        })
    }

    /// A disk with these switches, and the pause after a failure.
    pub(super) fn disk(self: &Arc<Self>, pause: Duration) -> Disk {
        let switches = self.clone();
        Disk { open: Box::new(move |path| open(path, &switches)), pause }
    }

    pub(super) fn mend(&self) {
        self.room.store(u64::MAX, Ordering::SeqCst);
        for switch in [&self.write_fails, &self.sync_fails, &self.open_fails] {
            switch.store(false, Ordering::SeqCst);
        }
    }
}

fn open(path: &Path, switches: &Arc<Switches>) -> Result<Database, DatabaseError> {
    switches.opened.fetch_add(1, Ordering::SeqCst);
    if switches.open_fails.load(Ordering::SeqCst) {
        return Err(io::Error::from(io::ErrorKind::NotFound).into());
    }
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let disk = FaultyDisk { file: FileBackend::new(file)?, switches: switches.clone() };
    Builder::new().set_cache_size(1 << 20).create_with_backend(disk)
}

#[derive(Debug)]
struct FaultyDisk {
    file: FileBackend,
    switches: Arc<Switches>,
}

type Lock = Result<bool, BackendError>;

impl StorageBackend for FaultyDisk {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        if len > self.switches.room.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.switches.syncs.fetch_add(1, Ordering::SeqCst);
        if self.switches.sync_fails.load(Ordering::SeqCst) {
            return Err(io::Error::other("the sync failed"));
        }
        // Syncing for real would only take time: no test here cuts the power.
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if self.switches.write_fails.load(Ordering::SeqCst) {
            return Err(io::Error::other("the write failed"));
        }
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Lock {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Lock {
        self.file.try_lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Lock {
        self.file.query_lock_range(start, end)
    }
}
