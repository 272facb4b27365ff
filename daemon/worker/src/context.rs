//! What a kind of job is given: its spec, a place for outputs, and ways to say how it goes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use dropforge_shared::fault::Fault;
use dropforge_shared::file::FileFacts;
use dropforge_shared::job::LogLevel;
use dropforge_shared::work::{Derived, FromWorker, Input, JobSpec};

use crate::outputs::Early;
use crate::throttle::{Stage, Throttle};
use crate::wire::Sender;

/// A log line's text is cut to this, as [`dropforge_shared::job::LogEntry`] says.
const MAX_LOG_TEXT: usize = 8 * 1024;

/// What a finished kind hands over, besides the files that it left in the output folder.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Delivery {
    /// What it learned about the input.
    pub facts: Option<FileFacts>,
    /// Outputs that become files of their own.
    pub derived: Vec<Derived>,
}

/// Why a kind did not finish.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorkError {
    /// It was asked to stop, and did.
    #[error("cancelled")]
    Cancelled,
    /// It can't be done.
    #[error("{fault}")]
    Failed {
        /// As the user is told.
        fault: Fault,
        /// Whether trying again may help: a full disk, say, but never the content of the input.
        transient: bool,
    },
}

impl WorkError {
    /// A failure that a retry would meet again.
    pub fn failed(fault: Fault) -> Self {
        Self::Failed { fault, transient: false }
    }

    /// A failure to read or write, named by what was being done. Those that may pass are marked so.
    pub fn io(doing: &str, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        if error.kind() == ErrorKind::WouldBlock {
            // Only of starting a thread: the files that are read and written here wait.
            let mut fault = dropforge_shared::threads::too_few(error);
            fault.message = format!("{doing}: {}", fault.message);
            return Self::Failed { fault, transient: true };
        }
        let (transient, hint) = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => (true, "Make room on the disk."),
            ErrorKind::OutOfMemory | ErrorKind::ResourceBusy | ErrorKind::Interrupted => {
                (true, "It may pass.")
            }
            ErrorKind::PermissionDenied => (false, "Check the permissions of the data folder."),
            _ => (false, "The job's log may say more; try it again with `dropforge retry`."),
        };
        // EIO has no kind of its own.
        let transient = transient || error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error());
        Self::Failed { fault: Fault::failed(format!("{doing}: {error}")).hint(hint), transient }
    }
}

/// One attempt, as its kind sees it.
#[derive(Debug)]
pub struct Context {
    spec: JobSpec,
    out: Sender,
    cancel: Arc<AtomicBool>,
    throttle: Throttle,
    /// Outputs that are sealed while the work goes on.
    pub(crate) early: Early,
}

impl Context {
    pub(crate) fn new(spec: JobSpec, out: Sender, cancel: Arc<AtomicBool>) -> Self {
        Self { spec, out, cancel, throttle: Throttle::default(), early: Early::default() }
    }

    /// What is to be done.
    pub fn spec(&self) -> &JobSpec {
        &self.spec
    }

    /// The input of a kind that can't do without.
    ///
    /// # Errors
    /// Where the job names none.
    pub fn input(&self) -> Result<&Input, WorkError> {
        self.spec.input.as_ref().ok_or_else(|| {
            WorkError::failed(Fault::usage(format!(
                "a job of kind '{}' needs a file to work on",
                self.spec.kind
            )))
        })
    }

    /// The folder for outputs, the only place that can be written. Modes, owners and extended attributes can't be
    /// changed even there (so `std::fs::copy` fails): make files anew and write them.
    pub fn out_dir(&self) -> &Path {
        &self.spec.out_dir
    }

    /// Whether the user, or a daemon that shuts down, wants it to stop. Ask often: after five seconds it is ended.
    pub fn cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    /// A stage begins, of `total` units where that is known.
    pub fn stage(&mut self, name: &str, total: Option<u64>, unit: &str) {
        let stage = Stage { name: name.into(), done: 0, total, unit: unit.into() };
        for due in self.throttle.begin(stage, Instant::now()) {
            self.report(due);
        }
    }

    /// The stage is at `done` units. Cheap enough to be called for every row.
    pub fn progress(&mut self, done: u64) {
        if let Some(due) = self.throttle.advance(done, Instant::now()) {
            self.report(due);
        }
    }

    /// A line for the job's log.
    pub fn log(&mut self, level: LogLevel, text: &str) {
        let text = cut(text);
        self.send(&FromWorker::Log { attempt: self.spec.attempt.clone(), level, text });
    }

    /// An output, named below the output folder, is complete: it can be hashed and put on disk while the work goes on. Saves
    /// time where it is large and there is more to do; every output is sealed in the end, told of or not.
    pub fn complete(&mut self, name: &str) {
        self.early.begin(self.spec.out_dir.join(name), self.cancel.clone());
    }

    /// Leaves bytes from which a later attempt can go on; it finds them in its spec.
    ///
    /// # Errors
    /// Where they are too many to be sent ([`dropforge_shared::work::MAX_FRAME`]).
    pub fn checkpoint(&mut self, bytes: Vec<u8>) -> std::io::Result<()> {
        self.out.send(&FromWorker::Checkpoint {
            attempt: self.spec.attempt.clone(),
            bytes: serde_bytes::ByteBuf::from(bytes),
        })
    }

    /// Sends the progress that was held back.
    pub(crate) fn flush(&mut self) {
        if let Some(due) = self.throttle.flush(Instant::now()) {
            self.report(due);
        }
    }

    fn report(&self, stage: Stage) {
        self.send(&FromWorker::Progress {
            attempt: self.spec.attempt.clone(),
            stage: stage.name,
            done: stage.done,
            total: stage.total,
            unit: stage.unit,
        });
    }

    fn send(&self, frame: &FromWorker) {
        // Log lines and progress are far below the limit, the only way in which sending fails.
        let _ = self.out.send(frame);
    }
}

fn cut(text: &str) -> String {
    if text.len() <= MAX_LOG_TEXT {
        return text.to_owned();
    }
    let mark = '…';
    let room = MAX_LOG_TEXT - mark.len_utf8();
    let end = (0..=room).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}{mark}", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut_between_characters_and_says_so() {
        let line = cut(&"ü".repeat(100_000));
        assert!(line.len() <= MAX_LOG_TEXT && line.len() > MAX_LOG_TEXT - 8);
        assert!(line.ends_with('…'));
        assert_eq!(cut("short"), "short");
    }

    #[test]
    fn a_full_disk_may_pass_and_a_refused_folder_may_not() {
        let full = WorkError::io("writing x", &std::io::Error::from_raw_os_error(28));
        assert!(matches!(full, WorkError::Failed { transient: true, .. }), "{full:?}");
        let broken = WorkError::io("writing x", &std::io::Error::from_raw_os_error(5));
        assert!(matches!(broken, WorkError::Failed { transient: true, .. }), "{broken:?}");
        let refused = WorkError::io("writing x", &std::io::Error::from_raw_os_error(13));
        assert!(matches!(refused, WorkError::Failed { transient: false, .. }), "{refused:?}");
    }
}
