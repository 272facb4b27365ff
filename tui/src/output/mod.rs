//! The only place that writes to standard output and standard error. A reader that goes away (`| head`) ends the program
//! quietly; what else goes wrong with the output is an error like any other.

pub(crate) mod table;

use std::io::{self, IsTerminal, Write};

use dropforge_shared::fault::Fault;
use serde::Serialize;

/// Writes text to standard output.
pub(crate) fn out(text: &str) -> Result<(), Fault> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(e) => Err(Fault::failed(format!("can't write to standard output: {e}"))),
    }
}

/// Writes a line to standard output.
pub(crate) fn line(text: &str) -> Result<(), Fault> {
    out(&format!("{text}\n"))
}

/// Writes one JSON document: indented on a terminal, else in one line.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<(), Fault> {
    let text = if io::stdout().is_terminal() {
        serde_json::to_string_pretty(value)
    } else {
        serde_json::to_string(value)
    };
    line(&text.map_err(not_json)?)
}

/// Writes one JSON object as a line of a stream.
pub(crate) fn json_line<T: Serialize>(value: &T) -> Result<(), Fault> {
    line(&serde_json::to_string(value).map_err(not_json)?)
}

fn not_json(error: serde_json::Error) -> Fault {
    Fault::failed(format!("the answer can't be written as JSON: {error}"))
}

/// Tells a person something, on standard error. Where that is closed, nobody listens.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Shows how far something is, in one line of a terminal that the next call overwrites. Nothing where it is no terminal.
pub(crate) fn progress(text: &str) {
    let mut stderr = io::stderr();
    if stderr.is_terminal() {
        let _ = write!(stderr, "\r\x1b[K{text}");
        let _ = stderr.flush();
    }
}

/// Columns of the terminal that standard output is, or `None` where it is none: then nothing is cut to fit.
pub(crate) fn width() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    crossterm::terminal::size().ok().map(|(columns, _)| usize::from(columns.max(20)))
}
