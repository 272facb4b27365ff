//! The one place that writes to standard output and standard error on the command line: documents, lines, tables,
//! notices. Text that came from files or names is made safe here, once, on its way to whoever reads it.
//!
//! Must not know: the daemon, any verb.

mod progress;
mod table;
mod words;

use std::io::{self, IsTerminal, Write};

use dropforge_shared::clean;
use dropforge_shared::fault::Fault;
use serde::Serialize;

pub(crate) use progress::Progress;
pub(crate) use table::{Cell, Column, Table};
pub(crate) use words::{age, count, number, percent, spark, span};

/// Why writing ended early.
#[derive(Debug)]
pub(crate) enum WriteEnd {
    /// Whoever read standard output went away (`… | head`): no fault of anybody's.
    PipeClosed,
    /// Standard output can't be written.
    Fault(Fault),
}

impl From<io::Error> for WriteEnd {
    fn from(e: io::Error) -> Self {
        if e.kind() == io::ErrorKind::BrokenPipe {
            Self::PipeClosed
        } else {
            Self::Fault(Fault::failed(format!("can't write to standard output: {e}")))
        }
    }
}

/// What standard output and standard error are connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Screen {
    /// Standard output is a terminal.
    pub out_tty: bool,
    /// Standard error is a terminal that can rewrite its line.
    pub err_tty: bool,
    /// Columns to fit tables into; `None` where nothing limits them.
    pub width: Option<usize>,
    /// Whether to use colours.
    pub colour: bool,
}

impl Screen {
    /// Looks at the process' streams and environment.
    pub(crate) fn detect(colour_wanted: bool) -> Self {
        let out_tty = io::stdout().is_terminal();
        let dumb = std::env::var_os("TERM").is_none_or(|t| t == "dumb" || t.is_empty());
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok()).filter(|c| *c > 0);
        let width = if out_tty { terminal_width().or(columns).or(Some(80)) } else { columns };
        Self {
            out_tty,
            err_tty: io::stderr().is_terminal() && !dumb,
            width,
            colour: colour_wanted && out_tty && !no_colour && !dumb,
        }
    }
}

fn terminal_width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|w| *w > 0)
}

/// How a piece of text is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Tone {
    /// As it is.
    #[default]
    Plain,
    /// A heading.
    Bold,
    /// Of less weight.
    Dim,
    /// All is well.
    Good,
    /// Under way, or worth a look.
    Warn,
    /// Something failed.
    Bad,
}

impl Tone {
    /// The text in this tone: select graphic rendition of ECMA-48, where colours are on.
    pub(crate) fn paint(self, text: &str, colour: bool) -> String {
        let code = match self {
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Good => "32",
            Self::Warn => "33",
            Self::Bad => "31",
            Self::Plain => "",
        };
        if colour && !code.is_empty() && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// The tone of a state's name, of a job, a file, a check or an inbox item.
    pub(crate) fn of_state(state: &str) -> Self {
        match state {
            "done" | "ready" | "ok" => Self::Good,
            "running" | "ingesting" | "needs_input" | "warning" | "taking" | "cancelled" => Self::Warn,
            "failed" | "dead" | "error" | "refused" => Self::Bad,
            _ => Self::Plain,
        }
    }
}

/// Writes bytes to standard output and flushes, so that a reader behind a pipe sees them at once.
pub(crate) fn bytes(data: &[u8]) -> Result<(), WriteEnd> {
    let mut out = io::stdout().lock();
    out.write_all(data)?;
    out.flush()?;
    Ok(())
}

/// Writes text that is safe already to standard output.
pub(crate) fn text(text: &str) -> Result<(), WriteEnd> {
    bytes(text.as_bytes())
}

/// One JSON document: indented for a person at a terminal, compact for a program.
pub(crate) fn json<T: Serialize>(screen: &Screen, value: &T) -> Result<(), WriteEnd> {
    let text = if screen.out_tty { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    raw_json(&text.map_err(|e| WriteEnd::Fault(Fault::failed(format!("can't write JSON: {e}"))))?)
}

/// One JSON object on a line of its own.
pub(crate) fn json_line<T: Serialize>(value: &T) -> Result<(), WriteEnd> {
    let text = serde_json::to_string(value);
    raw_json(&text.map_err(|e| WriteEnd::Fault(Fault::failed(format!("can't write JSON: {e}"))))?)
}

/// A JSON document that is text already.
pub(crate) fn raw_json(document: &str) -> Result<(), WriteEnd> {
    text(&format!("{}\n", safe_json(document.trim_end())))
}

/// Escapes what could drive or confuse a terminal. In valid JSON such characters stand in strings alone (below U+0020 they
/// are escaped already), so the escaped form means the same.
fn safe_json(document: &str) -> std::borrow::Cow<'_, str> {
    use std::fmt::Write;
    let hostile = |c: char| {
        c >= '\u{7f}' && matches!(clean::line(c.encode_utf8(&mut [0; 4])), std::borrow::Cow::Owned(_))
    };
    if document.is_ascii() && !document.contains('\u{7f}') || !document.chars().any(hostile) {
        return document.into();
    }
    let mut out = String::with_capacity(document.len() + 64);
    for c in document.chars() {
        if hostile(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out.into()
}

/// A notice on standard error. Nobody may be there to read it; that is no fault.
pub(crate) fn note(text: &str) {
    let mut err = io::stderr().lock();
    for line in text.lines() {
        let _ = writeln!(err, "{}", clean::line(line));
    }
}

/// A fault on standard error, in the contract's form.
pub(crate) fn fault(fault: &Fault) {
    note(&fault_text(fault));
}

fn fault_text(fault: &Fault) -> String {
    format!("dropforge: {fault}")
}

/// `name: value` lines, aligned, with empty values left out.
pub(crate) fn facts(screen: &Screen, facts: &[(&str, String)]) -> String {
    let widest = facts.iter().filter(|(_, v)| !v.is_empty()).map(|(n, _)| n.len()).max().unwrap_or(0);
    let mut out = String::new();
    for (name, value) in facts.iter().filter(|(_, v)| !v.is_empty()) {
        let label = Tone::Dim.paint(&format!("{name:<widest$}"), screen.colour);
        out.push_str(&format!("{label}  {}\n", clean::line(value)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stays_the_same_value_and_cannot_drive_a_terminal() {
        let value = serde_json::json!({"name": "a\u{1b}[31m\u{9b}31m\u{202e}fdp\u{200b}\u{7f}\u{e0001} 数据 naïve"});
        let text = serde_json::to_string(&value).unwrap();
        let safe = safe_json(&text);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
        assert!(!safe.chars().any(|c| c.is_control() || "\u{202e}\u{200b}\u{e0001}".contains(c)), "{safe:?}");
        assert!(safe.contains("数据 naïve"), "readable text stays readable: {safe}");
    }

    #[test]
    fn a_fault_is_told_with_its_hint_on_the_next_line() {
        let fault = Fault::not_found("no file 'x'").hint("`dropforge files` lists them.");
        assert_eq!(fault_text(&fault), "dropforge: no file 'x'\n  `dropforge files` lists them.");
    }

    #[test]
    fn a_closed_pipe_is_no_fault() {
        assert!(matches!(WriteEnd::from(io::Error::from(io::ErrorKind::BrokenPipe)), WriteEnd::PipeClosed));
        assert!(matches!(WriteEnd::from(io::Error::from(io::ErrorKind::StorageFull)), WriteEnd::Fault(_)));
    }

    #[test]
    fn colours_only_where_they_are_on() {
        assert_eq!(Tone::Bad.paint("x", false), "x");
        assert_eq!(Tone::Bad.paint("x", true), "\x1b[31mx\x1b[0m");
    }
}
