//! The store's folder and file: permissions, the lock, opening, and small things that the standard library leaves out.
//!
//! Must not know: tables and rows.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use redb::{Builder, Database, DatabaseError};

use super::error::StoreError;
use super::guard::guarded;
use super::migrate::{self, Step};

/// The store's file in its folder.
pub(super) const FILE: &str = "dropforge.redb";
const LOCK: &str = "dropforge.lock";

/// redb's cache. The daemon reads pages of a hundred rows, and must stay small while idle.
pub(super) const CACHE_BYTES: usize = 8 << 20;

/// What the store lies on; tests put a failing one here.
pub(super) struct Disk {
    /// Opens a store file that is there.
    pub(super) open: Opener,
    /// Pause between attempts to get going again after a failure.
    pub(super) pause: Duration,
}

/// How a file is opened.
pub(super) type Opener = Box<dyn Fn(&Path) -> Result<Database, DatabaseError> + Send + Sync>;

impl Disk {
    /// The real one.
    pub(super) fn real() -> Self {
        Self { open: Box::new(open_file), pause: Duration::from_secs(1) }
    }
}

/// Opens a file on a real disk. Never makes one: a store that was deleted must not come back empty.
fn open_file(path: &Path) -> Result<Database, DatabaseError> {
    Builder::new().set_cache_size(CACHE_BYTES).open(path)
}

/// Makes an empty store file, which appears whole or not at all.
pub(super) fn create(path: &Path, steps: &[Step]) -> Result<(), StoreError> {
    let partial = path.with_extension("new");
    let made = || -> Result<(), StoreError> {
        let io = |e: &io::Error| StoreError::io("making the store", path, e);
        if let Err(e) = fs::remove_file(&partial)
            && e.kind() != io::ErrorKind::NotFound
        {
            return Err(io(&e));
        }
        let file = new_file(&partial).map_err(|e| io(&e))?;
        let db = Builder::new().set_cache_size(CACHE_BYTES).create_file(file)?;
        migrate::run(&db, steps)?;
        drop(db);
        fs::rename(&partial, path).and_then(|()| sync_parent(path)).map_err(|e| io(&e))
    };
    made().inspect_err(|_| {
        let _ = fs::remove_file(&partial);
    })
}

/// Opens or makes the store in `dir`, which the caller has locked.
pub(super) fn open_store(dir: &Path, steps: &[Step], disk: &Disk) -> Result<Database, StoreError> {
    let path = dir.join(FILE);
    match fs::symlink_metadata(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => create(&path, steps)?,
        Err(e) => return Err(StoreError::io("looking for the store", &path, &e)),
        Ok(_) => {}
    }
    fs::set_permissions(&path, Permissions::from_mode(0o600))
        .map_err(|e| StoreError::io("setting the permissions of", &path, &e))?;
    migrate::open(&path, steps, |path| open_with(disk, path))
}

/// Opens the file, with a second opener told apart from damage.
pub(super) fn open_with(disk: &Disk, path: &Path) -> Result<Database, StoreError> {
    guarded(|| {
        (disk.open)(path).map_err(|e| match e {
            DatabaseError::DatabaseAlreadyOpen => StoreError::Locked(path.to_owned()),
            // No disk's fault: the file is not what it was.
            DatabaseError::Storage(redb::StorageError::Io(e))
                if matches!(e.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) =>
            {
                StoreError::Corrupt(format!("{}: {e}", path.display()))
            }
            DatabaseError::Storage(redb::StorageError::Io(e)) => {
                StoreError::io("opening the store", path, &e)
            }
            other => other.into(),
        })
    })
}

/// Makes the folder (0700) and locks it as long as the file that is returned lives. redb locks its file too; this lock
/// also covers making and migrating it.
pub(super) fn lock_dir(dir: &Path) -> Result<File, StoreError> {
    private_dir(dir)?;
    let path = dir.join(LOCK);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|e| StoreError::io("opening", &path, &e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked(dir.join(FILE))),
        Err(TryLockError::Error(e)) => Err(StoreError::io("locking", &path, &e)),
    }
}

/// Makes a folder that only its owner may enter, or closes one that is there to others.
pub(super) fn private_dir(dir: &Path) -> Result<(), StoreError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .and_then(|()| fs::set_permissions(dir, Permissions::from_mode(0o700)))
        .map_err(|e| StoreError::io("making the folder", dir, &e))
}

/// A new file that only its owner may read; one that is there is an error.
pub(super) fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

/// Makes a rename or a new name in a folder last through a power cut.
pub(super) fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// The store's file in a folder.
pub fn store_file(dir: &Path) -> PathBuf {
    dir.join(FILE)
}

/// Which file lies there: device and inode. `None` where there is none.
pub(super) fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))
}
