//! One line on standard error that is rewritten in place. Only on a terminal; elsewhere it writes nothing.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use dropforge_shared::clean;

use super::Screen;

/// The shortest time between two rewrites.
const PAUSE: Duration = Duration::from_millis(100);

/// The line. It is wiped when this is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    on: bool,
    shown: Option<Instant>,
}

impl Progress {
    /// A line that is not shown yet.
    pub(crate) fn new(screen: &Screen) -> Self {
        Self { on: screen.err_tty, shown: None }
    }

    /// Whether anybody sees it.
    pub(crate) fn is_on(&self) -> bool {
        self.on
    }

    /// Shows a text, unless the last one is very young.
    pub(crate) fn show(&mut self, text: &str) {
        if !self.on || self.shown.is_some_and(|t| t.elapsed() < PAUSE) {
            return;
        }
        let width = rustix::termios::tcgetwinsize(io::stderr()).map_or(80, |s| usize::from(s.ws_col).max(20));
        // One column less: a full line would wrap and could not be wiped.
        let _ = write!(io::stderr().lock(), "\r\x1b[K{}", clean::fit(text, width - 1));
        self.shown = Some(Instant::now());
    }

    /// Wipes the line, before something else is written.
    pub(crate) fn clear(&mut self) {
        if self.shown.take().is_some() {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
