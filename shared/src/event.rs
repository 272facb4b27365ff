//! What happens in the daemon, as clients follow it: a cursor long-poll over a ring in memory. Events say that something
//! changed and what it is now; they are never the only record of it.

use serde::{Deserialize, Serialize};

use crate::file::FileState;
use crate::ids::{FileId, JobId};
use crate::job::{JobState, Progress};
use crate::time::Timestamp;

/// A place in the stream of events: which run of the daemon, and how far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cursor {
    /// The daemon's boot epoch; a cursor of another epoch means: read all anew.
    pub epoch: u64,
    /// The number of the last event seen.
    pub seq: u64,
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Change {
    /// A job was queued, started or ended.
    Job {
        /// Which.
        job: JobId,
        /// What it does.
        job_kind: String,
        /// Its state now.
        state: JobState,
        /// Its file.
        file: Option<FileId>,
        /// Why it failed.
        error: Option<String>,
    },
    /// A running job moved on. Of many in a row, only the last is kept.
    Progress {
        /// Which.
        job: JobId,
        /// How far.
        progress: Progress,
    },
    /// A file was taken in or changed its state.
    File {
        /// Which.
        file: FileId,
        /// Its name, cleaned.
        name: String,
        /// Its state now.
        state: FileState,
    },
    /// A file, job or model was removed.
    Removed {
        /// Its id.
        id: String,
    },
    /// What waits in the inbox changed.
    Inbox {
        /// Items that wait or were refused.
        waiting: u64,
    },
    /// Something a user should know: a watch that failed, a full disk, a store that came back.
    Notice {
        /// In words, with the way out.
        text: String,
    },
}

/// A change with its place in the stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its number in this run of the daemon.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub change: Change,
}

/// The answer of a long-poll.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventBatch {
    /// Events after the cursor, oldest first.
    pub events: Vec<Event>,
    /// The cursor for the next call.
    pub cursor: Cursor,
    /// Events were missed (the ring was too small, or the daemon started anew): read all anew.
    pub gap: bool,
}

impl Cursor {
    /// The newest place, whatever it is: only what happens from now on is wanted.
    pub const NEWEST: u64 = u64::MAX;
}
