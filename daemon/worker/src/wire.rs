//! The two ends of the child's pipes: frames in, frames out, and nothing else on either.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use dropforge_shared::work::{self, FromWorker};

use crate::EXIT_ABANDONED;

/// Writes frames to the daemon; clones share one lock, so that frames never mix.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    out: Arc<Mutex<File>>,
}

impl Sender {
    /// Over any file, for tests.
    pub(crate) fn new(out: File) -> Self {
        Self { out: Arc::new(Mutex::new(out)) }
    }

    /// Sends a frame.
    ///
    /// # Errors
    /// Only where the frame is too large to be sent at all. Where nobody reads any more the process ends: there is
    /// no one left to work for.
    pub(crate) fn send(&self, frame: &FromWorker) -> io::Result<()> {
        let bytes = work::encode(frame)?;
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if out.write_all(&bytes).is_err() {
            std::process::exit(i32::from(EXIT_ABANDONED));
        }
        Ok(())
    }
}

/// Takes standard input and output for the protocol. What an engine, or a library below it, prints from here on
/// goes to standard error, and what it tries to read is empty.
pub(crate) fn claim() -> io::Result<(File, Sender)> {
    use rustix::io::fcntl_dupfd_cloexec;
    let input = fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    let output = fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?;
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    Ok((File::from(input), Sender::new(File::from(output))))
}
