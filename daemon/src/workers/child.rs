//! A running child: its process, the frames to and from it, its standard error.

use std::io;
use std::process::ExitStatus;

use dropforge_shared::identity::ProcessIdentity;
use dropforge_shared::work::{FromWorker, ToWorker};

use super::frames::{Frames, Outbox};
use super::process::{Process, Signal};
use super::stderr::StderrLines;

/// A child that somebody owns. Dropping it ends it, and all of its process group, at once.
pub struct Child {
    process: Process,
    frames: Frames,
    outbox: Outbox,
    stderr: Option<StderrLines>,
}

impl std::fmt::Debug for Child {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Child").field("process", &self.process).finish_non_exhaustive()
    }
}

impl Child {
    pub(super) fn new(process: Process, frames: Frames, outbox: Outbox, stderr: StderrLines) -> Self {
        Self { process, frames, outbox, stderr: Some(stderr) }
    }

    /// The process, for watching and signalling it from elsewhere.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Which process it is: the lease of an attempt.
    pub fn identity(&self) -> &ProcessIdentity {
        self.process.identity()
    }

    /// The next frame, or `None` once it sends no more. May be dropped and called again (`select!`).
    ///
    /// # Errors
    /// Where what it sends is not the protocol or over [`dropforge_shared::work::MAX_FRAME`]; nothing more is read then.
    pub async fn recv(&mut self) -> io::Result<Option<FromWorker>> {
        self.frames.next().await
    }

    /// Sends a frame. Dropped in the middle, the rest goes out with the next call.
    ///
    /// # Errors
    /// Where the child reads no more.
    pub async fn send(&mut self, frame: &ToWorker) -> io::Result<()> {
        self.outbox.send(frame).await
    }

    /// Ends the child's input.
    #[cfg(test)]
    pub(super) fn close_input(&mut self) {
        self.outbox = Outbox::new(tokio::io::sink());
    }

    /// The lines of its standard error, once. Somebody must read them, or a child that prints a lot comes to a halt.
    pub fn take_stderr(&mut self) -> Option<StderrLines> {
        self.stderr.take()
    }

    /// Signals its process group; see [`Process::signal_group`].
    pub fn signal_group(&self, signal: Signal) -> bool {
        self.process.signal_group(signal)
    }

    /// Waits for its end. May be dropped and called again.
    pub async fn exited(&mut self) -> ExitStatus {
        self.process.exited().await
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.process.signal_group(Signal::KILL);
    }
}
