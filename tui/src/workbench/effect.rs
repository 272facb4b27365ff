//! What `update` wants done in the world. Plain data; `effects` does it.

use dropforge_shared::ids::{FileId, JobId};

use super::action::Source;

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Read a list or a status anew.
    Load(Source),
    /// Read files after the given place.
    MoreFiles(u64),
    /// Read jobs after the given place.
    MoreJobs(u64),
    /// Read one file.
    File(FileId),
    /// Read one job.
    Job(JobId),
    /// Read rows.
    Page {
        /// The file.
        file: FileId,
        /// The first row.
        offset: u64,
        /// How many.
        rows: u64,
    },
    /// Read a profile from a job's outputs.
    Profile {
        /// The file.
        file: FileId,
        /// The job whose output it is.
        job: JobId,
    },
    /// Follow a job's log, in place of any other.
    FollowLog {
        /// The job.
        job: JobId,
        /// To tell this opening from earlier ones.
        ticket: u64,
    },
    /// Stop following.
    StopLog,
    /// What would removing this take along?
    Plan(String),
    /// Remove what a plan listed.
    Remove {
        /// The id.
        id: String,
        /// The plan's token.
        token: String,
    },
    /// Cancel a job.
    Cancel(JobId),
    /// Queue a failed job again.
    Retry(JobId),
    /// Queue a new job like a finished one.
    Rerun(JobId),
    /// Write a sample into the inbox, by its place in the table.
    Sample(usize),
    /// Start the daemon.
    StartDaemon,
    /// Draw every cell again.
    Redraw,
    /// Give the terminal to the shell for a while.
    Suspend,
}
