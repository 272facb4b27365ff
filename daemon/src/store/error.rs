//! What can go wrong in the store. Callers look at one question above all: may it be tried again ([`StoreError::is_unavailable`])?
//!
//! Must not know: what the rows mean, who asks.

use std::io;
use std::path::{Path, PathBuf};

use dropforge_shared::fault::Fault;

/// A store call that was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// No such row. The transaction is untouched.
    #[error("{0}")]
    NotFound(String),
    /// The rows do not allow it. The transaction is untouched.
    #[error("{0}")]
    Conflict(String),
    /// A write's own code failed. The transaction is untouched.
    #[error("a write panicked: {0}")]
    Panicked(String),
    /// The disk is full or failed. The store is reopened by itself; try again later.
    #[error("the store can't be used at the moment: {0}")]
    Unavailable(String),
    /// A later version of the program wrote this store.
    #[error("the store has schema {found}, this build knows up to {known}")]
    Newer {
        /// The schema of the store.
        found: u32,
        /// The last schema that this build knows.
        known: u32,
    },
    /// What is stored can't be right.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
    /// A call to the system failed, outside of a transaction.
    #[error("{context}: {detail}")]
    Io {
        /// What was done to which path.
        context: String,
        /// The kind of failure.
        kind: io::ErrorKind,
        /// The system's words.
        detail: String,
    },
    /// Another process has the store open.
    #[error("the store {} is in use by another process", .0.display())]
    Locked(PathBuf),
    /// The store was closed: the daemon is stopping.
    #[error("the store is closed: the daemon is stopping")]
    Closed,
}

impl StoreError {
    /// Whether the same call may succeed later without anything else being changed.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    pub(super) fn io(context: &str, path: &Path, error: &io::Error) -> Self {
        Self::Io {
            context: format!("{context} {}", path.display()),
            kind: error.kind(),
            detail: words(error),
        }
    }
}

/// An I/O error in a user's words.
fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::QuotaExceeded => "the disk quota is used up".to_owned(),
        _ => error.to_string(),
    }
}

impl From<redb::Error> for StoreError {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Io(e) => Self::Unavailable(words(&e)),
            // The database refuses work until it is closed and opened anew, which the writer thread does.
            redb::Error::PreviousIo
            | redb::Error::DatabaseClosed
            | redb::Error::LockPoisoned(_)
            | redb::Error::TransactionPoisoned => Self::Unavailable(error.to_string()),
            redb::Error::ValueTooLarge(bytes) => {
                Self::Conflict(format!("a row of {bytes} bytes is too large to keep"))
            }
            other => Self::Corrupt(other.to_string()),
        }
    }
}

/// The database's error types each tell a part of [`redb::Error`].
macro_rules! by_way_of_redb_error {
    ($($kind:ty),*) => {$(
        impl From<$kind> for StoreError {
            fn from(error: $kind) -> Self {
                redb::Error::from(error).into()
            }
        }
    )*};
}
by_way_of_redb_error!(
    redb::StorageError,
    redb::TableError,
    redb::TransactionError,
    redb::CommitError,
    redb::DatabaseError,
    redb::SetDurabilityError,
    redb::CompactionError
);

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::NotFound(_) => Self::not_found(message),
            StoreError::Conflict(_) => Self::refused(message),
            StoreError::Panicked(_) => Self::failed(message).hint("Please report it, with the daemon's log."),
            StoreError::Unavailable(_) => Self::failed(message)
                .hint("Free space or mend the disk; the daemon goes on by itself. `dropforge doctor` shows the state."),
            StoreError::Newer { .. } => {
                Self::refused(message).hint("Update dropforge, or restore a backup made by this version.")
            }
            StoreError::Corrupt(_) => {
                Self::failed(message).hint("Run `dropforge fsck`; a backup can be brought back with `dropforge restore`.")
            }
            StoreError::Io { .. } => Self::failed(message).hint("Check the path, its permissions and the space on its disk."),
            StoreError::Locked(_) => {
                Self::refused(message).hint("One daemon serves a home: `dropforge daemon status` shows which.")
            }
            StoreError::Closed => Self::unreachable(message).hint("Try again: the next call starts the daemon."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_in_words_and_may_be_tried_again() {
        let error = StoreError::from(redb::StorageError::Io(io::Error::from(io::ErrorKind::StorageFull)));
        assert!(error.is_unavailable());
        let fault = Fault::from(error);
        assert!(fault.message.contains("disk is full"), "{}", fault.message);
        assert!(fault.hint.is_some_and(|h| h.contains("Free space")));
    }

    #[test]
    fn a_newer_store_says_to_update() {
        let fault = Fault::from(StoreError::Newer { found: 9, known: 1 });
        assert!(fault.message.contains('9') && fault.message.contains('1'));
        assert!(fault.hint.is_some_and(|h| h.contains("Update")));
        assert_eq!(fault.code.exit_code(), 5);
    }
}
