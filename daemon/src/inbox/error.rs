//! Why a file was not taken.
//!
//! Must not know: who asked, and what is done about it.

use std::io;
use std::path::{Path, PathBuf};

use dropforge_shared::clean;
use dropforge_shared::config::ByteSize;
use dropforge_shared::fault::Fault;

use crate::store::StoreError;

/// A file that was not taken. The source is untouched.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IntakeError {
    /// It is not there, or not any more.
    #[error("{} is not there", shown(.0))]
    Vanished(PathBuf),
    /// It was written to, replaced or cut while it was read.
    #[error("{} changed while it was being read", shown(.0))]
    Changed(PathBuf),
    /// Somebody has it open for writing.
    #[error("{} is still open for writing", shown(.0))]
    Written(PathBuf),
    /// A rule refuses it.
    #[error("{} is not taken: {why}", shown(.path))]
    Refused {
        /// Which.
        path: PathBuf,
        /// Why, and what to do.
        why: String,
    },
    /// The daemon may not read it.
    #[error("{} can't be read: permission denied", shown(.0))]
    Denied(PathBuf),
    /// There is no room for a copy.
    #[error("disk full: {} needs {}, {} has {}", shown(.path), ByteSize(*.needs), .place.display(), ByteSize(*.has))]
    DiskFull {
        /// Which file.
        path: PathBuf,
        /// What a copy takes.
        needs: u64,
        /// What is free.
        has: u64,
        /// Where.
        place: PathBuf,
    },
    /// A call to the system failed.
    #[error("can't {doing} {}: {detail}", shown(.path))]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// The system's words.
        detail: String,
    },
    /// The store did not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The daemon is stopping.
    #[error("the daemon is stopping: {} was not taken", shown(.0))]
    Stopped(PathBuf),
}

impl IntakeError {
    /// The error of a system call on a source, told apart by what can be done about it.
    pub(super) fn from_io(doing: &'static str, path: &Path, error: &io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::NotFound => Self::Vanished(path),
            io::ErrorKind::PermissionDenied => Self::Denied(path),
            _ => Self::Io { doing, path, detail: error.to_string() },
        }
    }

    /// What a user can do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Vanished(_) => "Check the path.",
            Self::Changed(_) | Self::Written(_) => {
                "Wait until it is complete; in the inbox it is taken by itself then."
            }
            Self::Refused { .. } => "The rules are under [inbox] in the configuration.",
            Self::Denied(_) => {
                "Make it readable for the daemon's user (chmod u+r); it is tried again after that."
            }
            Self::DiskFull { .. } => {
                "Free some space; the file is where it was and is tried again by itself."
            }
            Self::Io { .. } => "The file is where it was and is tried again by itself.",
            Self::Store(_) => "The file is where it was; `dropforge doctor` shows the store's state.",
            Self::Stopped(_) => "It is taken when the daemon runs again.",
        }
    }
}

impl From<IntakeError> for Fault {
    fn from(error: IntakeError) -> Self {
        let message = error.to_string();
        // What a user named is not looked at again, other than what lies in the inbox.
        let hint = match &error {
            IntakeError::Denied(_) => {
                "Make it readable for the daemon's user (chmod u+r), then add it again."
            }
            IntakeError::DiskFull { .. } => "Free some space, then add it again; the file is where it was.",
            IntakeError::Io { .. } => "The file is where it was; add it again.",
            other => other.advice(),
        };
        let fault = match error {
            IntakeError::Store(inner) => return inner.into(),
            IntakeError::Vanished(_) => Self::not_found(message),
            IntakeError::Refused { .. } => Self::refused(message),
            // The next daemon takes it.
            IntakeError::Stopped(_) => Self::unreachable(message),
            _ => Self::failed(message),
        };
        fault.hint(hint)
    }
}

fn shown(path: &Path) -> String {
    clean::line(&path.to_string_lossy()).into_owned()
}
