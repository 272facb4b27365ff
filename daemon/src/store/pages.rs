//! The checksum of every page of the store's file, looked at without holding anybody up: on a copy.
//!
//! The database checks its own file only when nobody else uses it, not even to read, and every call would wait for that. So
//! the file is copied while the writer thread, which does this, writes nothing; readers go on. The copy looks like a file
//! whose owner was killed, so opening it makes the database look at every page, which is what is wanted.
//!
//! Must not know: tables and rows.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};

use redb::{Builder, DatabaseError, StorageError};

use super::disk::CACHE_BYTES;
use super::error::StoreError;
use super::guard::guarded;
use super::writer::Shared;

/// What is left free beside the copy: the store goes on being used.
const SPARE: u64 = 64 << 20;

/// What is known of the pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pages {
    /// Each has its checksum.
    Sound,
    /// What is wrong.
    Wrong(String),
    /// Why they were not looked at.
    NotLooked(String),
}

/// Looks at every page. For the writer thread.
pub(super) fn check(shared: &Shared) -> Result<Pages, StoreError> {
    let copy = shared.path.with_extension("check");
    let bytes = fs::metadata(&shared.path)
        .map_err(|e| StoreError::io("looking at the store", &shared.path, &e))?
        .len();
    let free = rustix::fs::statvfs(&shared.path).map(|v| v.f_bavail.saturating_mul(v.f_frsize));
    if free.is_ok_and(|free| free < bytes.saturating_add(SPARE)) {
        let mb = bytes.div_ceil(1_000_000);
        return Ok(Pages::NotLooked(format!("its disk has no room for a copy of {mb} MB to look at")));
    }
    // Of an earlier check that was cut off.
    let _ = fs::remove_file(&copy);
    let looked = {
        // Held only so that the file isn't closed meanwhile; readers hold it too.
        let guard = shared.db.read().unwrap_or_else(PoisonError::into_inner);
        if guard.is_none() {
            return Err(StoreError::Unavailable("it is being reopened".to_owned()));
        }
        fs::copy(&shared.path, &copy)
    };
    let looked = match looked {
        // The database panics on some damage.
        Ok(_) => match guarded(|| look(&copy)) {
            Err(StoreError::Corrupt(why)) => Ok(Pages::Wrong(why)),
            looked => looked,
        },
        Err(e) => Ok(Pages::NotLooked(format!("it could not be copied to look at: {e}"))),
    };
    let _ = fs::remove_file(&copy);
    looked
}

/// Opens a file that nobody else has, and says how its pages are.
fn look(copy: &Path) -> Result<Pages, StoreError> {
    let (began, rolled_back) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (begins, rolls_back) = (began.clone(), rolled_back.clone());
    let opened = Builder::new()
        .set_cache_size(CACHE_BYTES)
        .set_repair_callback(move |session| {
            // It begins at 0; says 0.3 only where pages of the newest commit are wrong and it falls back to the one before;
            // and goes on with the allocation tables from 0.6 (redb 4.4, `Database::do_repair`).
            begins.store(true, Ordering::Relaxed);
            if (0.2..0.5).contains(&session.progress()) {
                rolls_back.store(true, Ordering::Relaxed);
            }
        })
        .open(copy);
    let mut db = match opened {
        Ok(db) => db,
        Err(DatabaseError::Storage(StorageError::Corrupted(why))) => return Ok(Pages::Wrong(why)),
        Err(e) => return Err(e.into()),
    };
    if rolled_back.load(Ordering::Relaxed) {
        return Ok(Pages::Wrong(
            "pages of the newest commit are damaged; the one before is whole".to_owned(),
        ));
    }
    if began.load(Ordering::Relaxed) {
        return Ok(Pages::Sound);
    }
    match db.check_integrity() {
        Ok(true) => Ok(Pages::Sound),
        Ok(false) => Ok(Pages::Wrong("its allocation tables are wrong".to_owned())),
        Err(DatabaseError::Storage(StorageError::Corrupted(why))) => Ok(Pages::Wrong(why)),
        Err(e) => Err(e.into()),
    }
}
