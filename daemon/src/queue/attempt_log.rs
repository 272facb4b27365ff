//! The log of one attempt as it runs. A log that can't be written (a full disk) never ends the work: the result matters
//! more.

use dropforge_shared::job::{LogEntry, LogLevel};
use dropforge_shared::time::Timestamp;

use super::Queue;
use crate::joblog;
use crate::store::rows::JobRow;
use crate::workers::StderrLines;

/// How much of the end of standard error is kept to tell the cause of a crash.
const TAIL: usize = 2048;

/// An open log, or none where it could not be opened.
pub(super) struct AttemptLog {
    writer: Option<joblog::Writer>,
    attempt: u32,
}

impl AttemptLog {
    /// Opens a job's log for an attempt.
    pub(super) fn open(queue: &Queue, job: &JobRow, attempt: u32) -> Self {
        let writer =
            joblog::Writer::open(&queue.0.paths.job_log(&job.id), queue.0.config.queue.job_log_bytes.0)
                .inspect_err(|e| tracing::warn!("can't open the log of job {}: {e}", job.id))
                .ok();
        Self { writer, attempt }
    }

    /// Adds a line. Once a write fails, the rest of the attempt goes without a log, and the daemon's own log says so.
    pub(super) fn append(&mut self, level: LogLevel, source: &str, text: &str) {
        let Some(writer) = &mut self.writer else { return };
        let entry = LogEntry {
            at: Timestamp::now(),
            attempt: self.attempt,
            level,
            source: source.into(),
            text: joblog::cut(text),
        };
        if let Err(e) = writer.append(&entry) {
            tracing::warn!("can't write a job's log: {e}");
            self.writer = None;
        }
    }

    /// Hands what was added to readers.
    pub(super) fn flush(&mut self) {
        if let Some(writer) = &mut self.writer
            && let Err(e) = writer.flush()
        {
            tracing::warn!("can't write a job's log: {e}");
            self.writer = None;
        }
    }
}

/// The next line of standard error; waits for ever once there is none, and says so once with `None`.
pub(super) async fn next_line(stderr: &mut Option<StderrLines>) -> Option<String> {
    match stderr {
        Some(lines) => lines.next().await,
        None => std::future::pending().await,
    }
}

/// Keeps the end of what standard error said.
pub(super) fn keep_tail(tail: &mut String, line: &str) {
    tail.push_str(line);
    tail.push('\n');
    if tail.len() > 2 * TAIL {
        let cut = tail.ceil_char_boundary(tail.len() - TAIL);
        tail.drain(..cut);
    }
}
