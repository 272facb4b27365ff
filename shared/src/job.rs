//! A job as every client sees it: the contract of `jobs` and `job`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::fault::FaultCode;
use crate::ids::{FileId, JobId};
use crate::time::Timestamp;

/// Where a job stands. The last four are terminal: a job never leaves them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Waits for its turn, or for the pause before a retry.
    Queued,
    /// An attempt is alive.
    Running,
    /// Finished.
    Done,
    /// Failed for a reason that a retry would meet again.
    Failed,
    /// Cancelled by a user.
    Cancelled,
    /// Failed too often; kept with its log.
    Dead,
}

impl JobState {
    /// All states, in order.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Running, Self::Done, Self::Failed, Self::Cancelled, Self::Dead];

    /// Whether it is final.
    pub fn is_terminal(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }

    /// The name used in JSON and on the screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Dead => "dead",
        }
    }
}

/// How far a stage is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// The stage's name.
    pub stage: String,
    /// Units done.
    pub done: u64,
    /// Units in all, where known.
    pub total: Option<u64>,
    /// What is counted: `bytes`, `rows`, `columns`, …
    pub unit: String,
}

impl Progress {
    /// 0 to 1, where the total is known and not 0.
    pub fn fraction(&self) -> Option<f64> {
        let total = self.total.filter(|t| *t > 0)?;
        Some((self.done as f64 / total as f64).clamp(0.0, 1.0))
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptEnd {
    /// It delivered.
    Done,
    /// It failed, and trying again would not help.
    Failed,
    /// It failed in a way that may pass.
    Transient,
    /// Its process ended without a word: killed, aborted, out of memory.
    Crashed,
    /// It was cancelled.
    Cancelled,
    /// The daemon went away while it ran.
    Lost,
    /// The daemon stopped in good order and will take it up again; does not count against the job.
    Requeued,
}

/// One try at a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptView {
    /// From 1.
    pub number: u32,
    /// The child's process id.
    pub pid: Option<u32>,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How it ended; null while it runs.
    pub end: Option<AttemptEnd>,
    /// Why it ended so.
    pub error: Option<String>,
    /// Largest resident memory seen, in bytes.
    #[serde(default)]
    pub peak_rss_bytes: u64,
}

/// A file that a job made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Its name, unique in the job.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobView {
    /// Its id.
    pub id: JobId,
    /// What it does: `ingest`, …
    pub kind: String,
    /// The file it works on.
    pub file: Option<FileId>,
    /// That file's name, for display.
    #[serde(default)]
    pub file_name: Option<String>,
    /// Where it stands.
    pub state: JobState,
    /// The stage that runs, or that it ended in.
    pub stage: Option<String>,
    /// How far that stage is; null where nothing runs.
    pub progress: Option<Progress>,
    /// Its attempts, oldest first.
    pub attempts: Vec<AttemptView>,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// When its first attempt started.
    pub started_at: Option<Timestamp>,
    /// When it reached a terminal state.
    pub finished_at: Option<Timestamp>,
    /// Not before this moment: the pause before a retry.
    #[serde(default)]
    pub not_before: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<String>,
    /// Which kind of fault that was: its exit code is that of verbs which wait for the job.
    #[serde(default)]
    pub error_code: Option<FaultCode>,
    /// What it made.
    pub outputs: Vec<Output>,
    /// Higher goes first.
    #[serde(default)]
    pub priority: i32,
    /// The project's name.
    #[serde(default)]
    pub project: String,
    /// A cancel was asked for and is under way.
    #[serde(default)]
    pub cancelling: bool,
    /// The kind's own settings.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// Files that were made of its outputs.
    #[serde(default)]
    pub produced: Vec<FileId>,
}

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// As it should be.
    Info,
    /// Worth a look.
    Warn,
    /// Something failed.
    Error,
}

/// A line of a job's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// When.
    pub at: Timestamp,
    /// The attempt that wrote it; 0 for the daemon's own lines.
    pub attempt: u32,
    /// How much it matters.
    pub level: LogLevel,
    /// Where it comes from: `daemon`, `worker` or `stderr`.
    pub source: String,
    /// The text, cut to 8 KiB.
    pub text: String,
}

/// A piece of a job's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogChunk {
    /// Entries in order.
    pub entries: Vec<LogEntry>,
    /// Where to go on reading: a logical byte offset that survives rotation.
    pub next: u64,
    /// The oldest offset that is still kept; above the asked one where rotation dropped lines in between.
    pub oldest: u64,
    /// Nothing more will come: the job is terminal and the end was reached.
    pub finished: bool,
}
