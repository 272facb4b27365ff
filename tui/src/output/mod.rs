//! The only place that writes to standard output and standard error. Text for people is made safe to show here, once; JSON
//! is escaped so that it means the same and drives no terminal. A reader that goes away (`| head`) ends the program
//! quietly; what else goes wrong with the output is an error like any other. Must not know the daemon or any verb.

pub(crate) mod table;

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use dropforge_shared::clean;
use dropforge_shared::fault::Fault;
use serde::Serialize;

/// Writes bytes to standard output as they are.
pub(crate) fn bytes(data: &[u8]) -> Result<(), Fault> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(data).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(e) => Err(Fault::failed(format!("can't write to standard output: {e}"))),
    }
}

/// Writes text that is safe already, or meant for a program, to standard output.
pub(crate) fn out(text: &str) -> Result<(), Fault> {
    bytes(text.as_bytes())
}

/// Writes a line, or several, to standard output, made safe to show.
pub(crate) fn line(text: &str) -> Result<(), Fault> {
    out(&format!("{}\n", clean_lines(text)))
}

/// Writes one JSON document: indented on a terminal, else in one line.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<(), Fault> {
    let text = if is_terminal() { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    out(&format!("{}\n", safe_json(&text.map_err(not_json)?)))
}

/// Writes one JSON object as a line of a stream.
pub(crate) fn json_line<T: Serialize>(value: &T) -> Result<(), Fault> {
    out(&format!("{}\n", safe_json(&serde_json::to_string(value).map_err(not_json)?)))
}

/// Writes a JSON document that is text already: to a program byte for byte, to a terminal with what could drive it escaped.
pub(crate) fn raw_json(document: &str) -> Result<(), Fault> {
    if is_terminal() { out(&format!("{}\n", safe_json(document.trim_end()))) } else { out(document) }
}

fn not_json(error: serde_json::Error) -> Fault {
    Fault::failed(format!("the answer can't be written as JSON: {error}"))
}

/// Escapes what could drive or confuse a terminal. Valid JSON has such characters in strings only (those below U+0020 are
/// escaped already), so the escaped form is the same value.
fn safe_json(document: &str) -> Cow<'_, str> {
    use std::fmt::Write;
    let escaped = |c: char| c >= '\u{7f}' && clean::is_hostile(c);
    if !document.chars().any(escaped) {
        return document.into();
    }
    let mut out = String::with_capacity(document.len() + 64);
    for c in document.chars() {
        if escaped(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out.into()
}

/// Every line of a text made safe; its line ends stay, as they are the program's own.
fn clean_lines(text: &str) -> String {
    text.split('\n').map(clean::line).collect::<Vec<_>>().join("\n")
}

/// Tells a person something, on standard error. Where that is closed, nobody listens.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{}", clean_lines(text));
}

/// Whether [`progress`] reaches anybody: standard error is a terminal that can rewrite its line.
pub(crate) fn shows_progress() -> bool {
    io::stderr().is_terminal() && std::env::var_os("TERM").is_some_and(|t| !t.is_empty() && t != "dumb")
}

/// Shows how far something is, in one line of a terminal that the next call overwrites. Nothing where it is no terminal.
pub(crate) fn progress(text: &str) {
    if shows_progress() {
        let columns = crossterm::terminal::size().map_or(80, |(columns, _)| usize::from(columns));
        let mut stderr = io::stderr();
        let _ = write!(stderr, "\r\x1b[K{}", progress_line(text, columns));
        let _ = stderr.flush();
    }
}

/// A text in one line that leaves the last column free: a full line would wrap and could not be overwritten.
fn progress_line(text: &str, columns: usize) -> String {
    clean::fit(text, columns.saturating_sub(1))
}

/// Whether standard output is a terminal: then a person reads it.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Columns of the terminal that standard output is, or `None` where it is none: then nothing is cut to fit.
fn width() -> Option<usize> {
    if !is_terminal() {
        return None;
    }
    // A terminal that tells no size (a serial line, `script`) is taken for one of the usual width.
    crossterm::terminal::size()
        .ok()
        .map(|(columns, _)| if columns == 0 { 80 } else { usize::from(columns.max(20)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stays_the_same_value_and_cannot_drive_a_terminal() {
        let hostile = "a\u{1b}[31m\u{9b}31m\u{202e}fdp\u{200b}\u{2028}\u{2066}\u{7f}\u{e0001}\u{feff}";
        let value = serde_json::json!({ hostile: format!("{hostile} 数据 naïve") });
        for text in [serde_json::to_string(&value).unwrap(), serde_json::to_string_pretty(&value).unwrap()] {
            let safe = safe_json(&text);
            assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
            let raw = |c: char| {
                (c.is_control() && c != '\n')
                    || "\u{202e}\u{200b}\u{2028}\u{2066}\u{e0001}\u{feff}".contains(c)
            };
            assert!(!safe.chars().any(raw), "{safe:?}");
            assert!(
                safe.contains("数据 naïve") && safe.contains("\\u009b31m"),
                "readable text stays readable: {safe}"
            );
        }
        assert!(matches!(safe_json("{\"a\":\"数据\"}"), Cow::Borrowed(_)));
    }

    #[test]
    fn notes_keep_their_lines_and_lose_what_drives_a_terminal() {
        assert_eq!(
            clean_lines("no file 'a\u{1b}[2J\r'\n  the next step"),
            "no file 'a␛[2J␍'\n  the next step"
        );
    }

    #[test]
    fn progress_is_one_line_within_the_terminal() {
        use unicode_width::UnicodeWidthStr;
        let text = format!("{}\n\u{1b}[2J: 5 of 9", "数据".repeat(40));
        for columns in [0, 1, 20, 80] {
            let shown = progress_line(&text, columns);
            assert!(shown.width() < columns.max(1), "{columns}: {shown}");
            assert!(!shown.chars().any(char::is_control), "{shown:?}");
        }
    }
}
