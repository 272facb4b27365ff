//! The reader for dialects that the fast one does not know: delimiters of several bytes, backslashes, mixed line ends,
//! columns aligned by blanks, blanks before quotes.
//!
//! It keeps the rules of the fast reader: a quote opens only at a field's start and closes only before a delimiter or
//! the end of the record; what a stray quote means is told here for both.

use std::ops::Range;

use super::{Dialect, NO_QUOTE};

/// What must be taken out of a field's bytes to get its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    /// It stood in quotes.
    pub(crate) quoted: bool,
    /// It has doubled quotes or backslashes that escape something.
    pub(crate) escaped: bool,
}

/// A record's extent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Where the next record starts.
    pub(crate) next: usize,
    /// Line ends inside it.
    pub(crate) inner_lines: u64,
    /// A quote was opened and not closed on its line, nor later at a right place.
    pub(crate) unclosed: bool,
}

/// What a quote within a quoted field means that neither closes it nor is doubled.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stray {
    /// It is meant as it stands, and the field closes at another; `doubled` where doubled ones lie between.
    Closes { position: usize, doubled: bool },
    /// It closed, and more text follows up to here.
    Text { end: usize },
}

/// What the stray quote at `at` means: the rest of its line tells. `None` where that does not end in these bytes.
pub(crate) fn stray(bytes: &[u8], at: usize, dialect: &Dialect, last: bool) -> Option<Stray> {
    let mut next = at + 1;
    let mut doubled = false;
    // Where the text ends if the quote closed.
    let mut end = None;
    loop {
        let Some(byte) = bytes.get(next).copied() else {
            return last.then_some(Stray::Text { end: end.unwrap_or(bytes.len()) });
        };
        if byte == b'\\' && dialect.backslash {
            next += 2;
            continue;
        }
        if byte != dialect.quote {
            if end_length(bytes, next, dialect, last)? > 0 {
                return Some(Stray::Text { end: end.unwrap_or(next) });
            }
            if end.is_none() && delimiter_length(bytes, next, dialect) > 0 {
                end = Some(next);
            }
            next += 1;
            continue;
        }
        let after = next + 1 + blanks(bytes, next + 1, dialect);
        if after >= bytes.len() && !last {
            return None;
        }
        let is_doubled = bytes.get(next + 1) == Some(&dialect.quote);
        if !is_doubled
            && (after >= bytes.len()
                || delimiter_length(bytes, after, dialect) > 0
                || end_length(bytes, after, dialect, last)? > 0)
        {
            return Some(Stray::Closes { position: next, doubled });
        }
        if end.is_some() && opens(bytes, next, dialect) {
            return end.map(|end| Stray::Text { end });
        }
        doubled |= is_doubled;
        next += if is_doubled { 2 } else { 1 };
    }
}

/// Whether a delimiter stands before the quote at `at`.
fn opens(bytes: &[u8], at: usize, dialect: &Dialect) -> bool {
    let before = bytes.get(..at).unwrap_or_default();
    let padding = before.iter().rev().take_while(|b| dialect.padded_quotes && **b == b' ').count();
    let before = before.get(..at - padding).unwrap_or_default();
    before.strip_suffix(dialect.tail()).and_then(|b| b.last()) == Some(&dialect.delimiter)
}

/// Blanks from `at` on that are no part of a field.
fn blanks(bytes: &[u8], at: usize, dialect: &Dialect) -> usize {
    let rest = bytes.get(at..).unwrap_or_default().iter();
    if dialect.padded_quotes { rest.take_while(|b| **b == b' ').count() } else { 0 }
}

/// The length of the line end at `at`; 0 where there is none, `None` where more bytes are needed to tell.
pub(crate) fn end_length(bytes: &[u8], at: usize, dialect: &Dialect, last: bool) -> Option<usize> {
    match bytes.get(at) {
        Some(b'\n') if dialect.any_end || dialect.terminator == b'\n' => Some(1),
        Some(b'\r') => match bytes.get(at + 1) {
            Some(b'\n') if dialect.any_end || dialect.terminator == b'\n' => Some(2),
            None if !last => None,
            None => Some(1),
            _ => Some(usize::from(dialect.any_end || dialect.terminator == b'\r')),
        },
        _ => Some(0),
    }
}

/// The length of the delimiter at `at`; 0 where there is none.
fn delimiter_length(bytes: &[u8], at: usize, dialect: &Dialect) -> usize {
    if bytes.get(at) != Some(&dialect.delimiter) {
        return 0;
    }
    let tail = dialect.tail();
    if !bytes.get(at + 1..).is_some_and(|rest| rest.starts_with(tail)) {
        return 0;
    }
    let one = 1 + tail.len();
    if !dialect.runs {
        return one;
    }
    let mut length = one;
    while bytes.get(at + length) == Some(&dialect.delimiter)
        && bytes.get(at + length + 1..).is_some_and(|rest| rest.starts_with(tail))
    {
        length += one;
    }
    length
}

/// Reads the record at `from` and hands over each field. `None` where it does not end in these bytes for sure; with
/// `last`, their end is the record's.
pub(crate) fn scan(
    bytes: &[u8],
    from: usize,
    dialect: &Dialect,
    last: bool,
    mut field: impl FnMut(Range<usize>, Form),
) -> Option<Extent> {
    let mut extent = Extent { next: from, inner_lines: 0, unclosed: false };
    let mut at = from;
    if dialect.runs {
        at += delimiter_length(bytes, at, dialect);
    }
    loop {
        let start = content_start(bytes, at, dialect);
        if dialect.quote != NO_QUOTE && bytes.get(start) == Some(&dialect.quote) {
            let (range, form, after) = quoted(bytes, start + 1, dialect, last, &mut extent)?;
            field(range, form);
            at = after;
        } else {
            let (range, form) = bare(bytes, at, dialect, last, &mut extent)?;
            at = range.end;
            field(range, form);
        }
        let delimiter = delimiter_length(bytes, at, dialect);
        if delimiter > 0 {
            at += delimiter;
            // Blanks at the end of an aligned line are no field.
            if !(dialect.runs && (at >= bytes.len() || end_length(bytes, at, dialect, last)? > 0)) {
                if at >= bytes.len() && !last {
                    return None;
                }
                continue;
            }
        }
        if at >= bytes.len() {
            extent.next = bytes.len();
            return last.then_some(extent);
        }
        extent.next = at + end_length(bytes, at, dialect, last)?.max(1);
        return Some(extent);
    }
}

/// Where a field's quote may stand: past the blanks, if those are no part of fields.
fn content_start(bytes: &[u8], at: usize, dialect: &Dialect) -> usize {
    if !dialect.padded_quotes {
        return at;
    }
    let start = at + blanks(bytes, at, dialect);
    if bytes.get(start) == Some(&dialect.quote) { start } else { at }
}

fn bare(
    bytes: &[u8],
    from: usize,
    dialect: &Dialect,
    last: bool,
    extent: &mut Extent,
) -> Option<(Range<usize>, Form)> {
    let mut at = from;
    let mut escaped = false;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let stop = |b: &u8| {
            *b == dialect.delimiter || *b == b'\r' || *b == b'\n' || (dialect.backslash && *b == b'\\')
        };
        let Some(found) = rest.iter().position(stop) else {
            return last.then_some((from..bytes.len(), Form { quoted: false, escaped }));
        };
        at += found;
        if dialect.backslash && bytes.get(at) == Some(&b'\\') {
            escaped = true;
            if matches!(bytes.get(at + 1), Some(b'\n' | b'\r')) {
                extent.inner_lines += 1;
                at += usize::from(bytes.get(at + 1..at + 3) == Some(b"\r\n"));
            }
            at = (at + 2).min(bytes.len());
            continue;
        }
        if delimiter_length(bytes, at, dialect) > 0 || end_length(bytes, at, dialect, last)? > 0 {
            return Some((from..at, Form { quoted: false, escaped }));
        }
        at += 1;
    }
}

/// A quoted field whose content starts at `from`: its content, its form and the position of what ends it.
fn quoted(
    bytes: &[u8],
    from: usize,
    dialect: &Dialect,
    last: bool,
    extent: &mut Extent,
) -> Option<(Range<usize>, Form, usize)> {
    let mut at = from;
    let mut escaped = false;
    let mut lines = 0;
    loop {
        let Some(byte) = bytes.get(at).copied() else {
            if !last {
                return None;
            }
            extent.unclosed = true;
            return Some((from..bytes.len(), Form { quoted: true, escaped }, bytes.len()));
        };
        if byte == b'\\' && dialect.backslash {
            escaped = true;
            lines += u64::from(bytes.get(at + 1) == Some(&b'\n'));
            at += 2;
            continue;
        }
        if byte != dialect.quote {
            lines += u64::from(byte == b'\n' || (byte == b'\r' && bytes.get(at + 1) != Some(&b'\n')));
            at += 1;
            continue;
        }
        if bytes.get(at + 1) == Some(&dialect.quote) {
            escaped = true;
            at += 2;
            continue;
        }
        let after = at + 1 + blanks(bytes, at + 1, dialect);
        let ended = after >= bytes.len();
        if ended && !last {
            return None;
        }
        if ended
            || delimiter_length(bytes, after, dialect) > 0
            || end_length(bytes, after, dialect, last)? > 0
        {
            extent.inner_lines += lines;
            return Some((from..at, Form { quoted: true, escaped }, after));
        }
        return Some(match stray(bytes, at, dialect, last)? {
            Stray::Closes { position, doubled } => {
                extent.inner_lines += lines;
                escaped |= doubled || dialect.backslash;
                let after = position + 1 + blanks(bytes, position + 1, dialect);
                (from..position, Form { quoted: true, escaped }, after)
            }
            Stray::Text { end } => {
                let behind = bytes.get(at..end).unwrap_or_default();
                // Only a backslash takes a text beyond its line.
                extent.inner_lines += lines + memchr::memchr_iter(b'\n', behind).count() as u64;
                extent.unclosed |= lines > 0;
                (from - 1..end, Form { quoted: false, escaped: dialect.backslash }, end)
            }
        });
    }
}

/// Appends the text of an escaped field.
pub(crate) fn unescape(content: &str, form: Form, dialect: &Dialect, out: &mut String) {
    // The way that MySQL and PostgreSQL write a missing value; it must not become the letter.
    if content == "\\N" && !form.quoted {
        out.push_str(content);
        return;
    }
    let quote = char::from(dialect.quote);
    let mut chars = content.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if dialect.backslash => match chars.next() {
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some('t') => out.push('\t'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            c if form.quoted && c == quote => {
                out.push(c);
                let _ = chars.next_if_eq(&quote);
            }
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv::records::{Record, record_end};

    fn read_all(text: &str, dialect: Dialect) -> Vec<Vec<String>> {
        let mut record = Record::default();
        let mut at = 0;
        let mut rows = Vec::new();
        while at < text.len() {
            let end = record.read(text, at, dialect);
            assert_eq!(record_end(text.as_bytes(), at, dialect, true), Some(end));
            for cut in at..text.len() {
                let found = text.as_bytes().get(..cut).and_then(|b| record_end(b, at, dialect, false));
                assert!(found.is_none_or(|found| found == end), "cut at {cut}");
            }
            at = end;
            rows.push(record.texts(text).map(str::to_owned).collect());
        }
        rows
    }

    #[test]
    fn delimiters_of_several_characters() {
        let dialect = Dialect::delimited("||").unwrap();
        assert_eq!(read_all("a||b|c||\n\"x||y\"||2||3\n", dialect), [["a", "b|c", ""], ["x||y", "2", "3"]]);
        let dialect = Dialect::delimited("§").unwrap();
        assert_eq!(read_all("a§b\n1§\"2§3\"", dialect), [["a", "b"], ["1", "2§3"]]);
    }

    #[test]
    fn backslashes_escape_quotes_delimiters_and_themselves() {
        let dialect = Dialect { backslash: true, ..Dialect::plain(b',') };
        let text = "\"say \\\"hi\\\", now\",2\na\\,b,c\\\\\n\\N,\"x\"\"y\"\n";
        assert_eq!(read_all(text, dialect), [["say \"hi\", now", "2"], ["a,b", "c\\"], ["\\N", "x\"y"]]);
    }

    #[test]
    fn line_ends_of_all_kinds_in_one_file() {
        let dialect = Dialect { any_end: true, ..Dialect::plain(b',') };
        assert_eq!(
            read_all("a,b\r1,2\n3,4\r\n\"5\r\n6\",7\r", dialect),
            [["a", "b"], ["1", "2"], ["3", "4"], ["5\r\n6", "7"]]
        );
    }

    #[test]
    fn columns_aligned_by_blanks() {
        let dialect = Dialect { runs: true, ..Dialect::plain(b' ') };
        assert_eq!(read_all("  a    b \n 1  2\r\n10 20  ", dialect), [["a", "b"], ["1", "2"], ["10", "20"]]);
    }

    #[test]
    fn blanks_before_a_quote() {
        let dialect = Dialect { padded_quotes: true, ..Dialect::plain(b',') };
        assert_eq!(read_all("a, \"b, c\" ,  d\n", dialect), [["a", "b, c", "  d"]]);
    }

    #[test]
    fn text_behind_a_closed_quote_stays_in_its_field_and_on_its_line() {
        let dialect = Dialect::delimited("||").unwrap();
        let text = "1||\"Acme\" Ltd||\"a|\"\n2||\"b \"x\" y\"||\"c\"d\n";
        assert_eq!(read_all(text, dialect), [["1", "\"Acme\" Ltd", "a|"], ["2", "b \"x\" y", "\"c\"d"]]);
        let dialect = Dialect { backslash: true, ..Dialect::plain(b',') };
        let text = "\"a\\\"b\" c,1\n\"d\",\"e \"f\\\"\" g\"\n";
        assert_eq!(read_all(text, dialect), [["\"a\"b\" c", "1"], ["d", "e \"f\"\" g"]]);
    }

    #[test]
    fn agrees_with_the_fast_reader_on_what_both_know() {
        let text = "a,b\r\n\"x\ny\",\"q\"\"\"\r\n1,2\n\"z\",\"\r\n\"\n\n,\n\"la\"st\",5\"\n\"s\" t,\"u\"v\r\n\
                    \"w\"x,\"y\nz\"\n\"a\nb\"c,\"d \"e\" f\"\n\"\"g,\"h\"\"\"i\n\"j\" k";
        let plain = Dialect::plain(b',');
        // A flag that changes nothing in this text sends it to the general reader.
        let general = Dialect { padded_quotes: true, ..plain };
        assert_eq!(read_all(text, plain), read_all(text, general));
    }
}
