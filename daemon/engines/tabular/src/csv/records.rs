//! One record at a time, after RFC 4180 with the leniency that real files need.
//!
//! A quote opens a field only at the field's start; within a field a quote closes only before a delimiter or the end
//! of the line. Doubled quotes are one. Quoted fields may span lines.
//!
//! Any other quote is a stray one. Where the field closes later on the same line, it is meant as it stands
//! (`"a "b" c"` is `a "b" c`). Else what follows it is text behind a closed quote, and the field is kept whole as it is
//! written, quotes and all, up to the next delimiter: `"Acme" Ltd` is `"Acme" Ltd`. A stray quote never takes a field
//! beyond its line; on a later line than the one that opened, it shows that one not to be closed.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memchr2};

use super::general::Stray;
use super::{Dialect, general};

/// A field of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    range: Range<usize>,
    /// Whether `range` lies in the scratch text, because quotes had to be undoubled.
    scratch: bool,
    quoted: bool,
}

/// A record, reused from one to the next.
#[derive(Debug, Default)]
pub(crate) struct Record {
    fields: Vec<Field>,
    scratch: String,
    /// Line ends inside the record's quoted fields.
    pub(crate) inner_lines: u64,
    /// A quoted field does not close on its line, and later at no right place.
    pub(crate) unclosed: bool,
}

/// Where a quoted field closes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Close {
    /// The closing quote's position; `doubled` where quotes inside must be undoubled.
    At { position: usize, doubled: bool },
    /// It closes, and more text follows up to here: a delimiter, a line end or the end of the bytes.
    Text { end: usize },
    /// Not in these bytes.
    Open,
}

/// Finds the closing quote of a field whose content starts at `from`. `last` says that no bytes follow; before that,
/// a quote at the very end could be the first of a doubled one.
pub(crate) fn close(bytes: &[u8], from: usize, dialect: Dialect, last: bool) -> Close {
    let mut at = from;
    let mut doubled = false;
    loop {
        let Some(found) = bytes.get(at..).and_then(|rest| memchr(dialect.quote, rest)) else {
            return Close::Open;
        };
        let position = at + found;
        match bytes.get(position + 1) {
            None if last => return Close::At { position, doubled },
            None => return Close::Open,
            Some(&b) if b == dialect.quote => {
                doubled = true;
                at = position + 2;
            }
            Some(&b) if b == dialect.delimiter || b == dialect.terminator => {
                return Close::At { position, doubled };
            }
            // The carriage return of CRLF, or of a file that ends in one.
            Some(b'\r') => match bytes.get(position + 2) {
                Some(&b) if b == dialect.terminator => return Close::At { position, doubled },
                None if last => return Close::At { position, doubled },
                None => return Close::Open,
                Some(_) => return stray(bytes, position, dialect, last, doubled),
            },
            Some(_) => return stray(bytes, position, dialect, last, doubled),
        }
    }
}

/// How a field goes on behind a stray quote. Apart, as hardly any field has one.
#[cold]
fn stray(bytes: &[u8], position: usize, dialect: Dialect, last: bool, doubled: bool) -> Close {
    match general::stray(bytes, position, &dialect, last) {
        Some(Stray::Closes { position, doubled: more }) => Close::At { position, doubled: doubled || more },
        Some(Stray::Text { end }) => Close::Text { end },
        None => Close::Open,
    }
}

/// The end of the record that starts at `from` (past its terminator), or `None` where these bytes hold no whole one.
pub(crate) fn record_end(bytes: &[u8], from: usize, dialect: Dialect, last: bool) -> Option<usize> {
    if !dialect.is_plain() {
        return general::scan(bytes, from, &dialect, last, |_, _| {}).map(|extent| extent.next);
    }
    let mut at = from;
    loop {
        // Delimiters matter only where a quote follows them.
        let Some(found) = memchr2(dialect.quote, dialect.terminator, bytes.get(at..)?) else {
            return last.then_some(bytes.len());
        };
        let hit = at + found;
        if bytes.get(hit) == Some(&dialect.terminator) {
            return Some(hit + 1);
        }
        at = hit + 1;
        if hit == from || bytes.get(hit - 1) == Some(&dialect.delimiter) {
            match close(bytes, at, dialect, last) {
                Close::At { position, .. } => at = position + 1,
                Close::Text { end } => at = end,
                Close::Open => return None,
            }
        }
    }
}

/// Every byte one.
const ONES: u64 = u64::MAX / 0xff;

/// Words of eight bytes that are looked at before the search for long ones is called.
const WORDS: usize = 4;

/// Where one of two bytes comes first, from `from` on.
///
/// Most fields are short, and to call a vectorised search takes longer than to look at eight bytes at a time here. The
/// test for a zero byte within a word is Mycroft's (1987); what it marks beyond the first may be wrong, the first is not.
#[inline]
fn either(bytes: &[u8], from: usize, a: u8, b: u8) -> Option<usize> {
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word;
    let (all_a, all_b) = (ONES * u64::from(a), ONES * u64::from(b));
    let mut rest = bytes.get(from..)?;
    let mut at = from;
    for _ in 0..WORDS {
        let Some((chunk, after)) = rest.split_first_chunk::<8>() else { break };
        let word = u64::from_le_bytes(*chunk);
        let marks = (zeros(word ^ all_a) | zeros(word ^ all_b)) & (ONES << 7);
        if marks != 0 {
            return Some(at + (marks.trailing_zeros() / 8) as usize);
        }
        rest = after;
        at += 8;
    }
    memchr2(a, b, rest).map(|found| at + found)
}

impl Record {
    /// Reads the record that starts at `from` and returns where the next one starts. `text` holds whole records only.
    pub(crate) fn read(&mut self, text: &str, from: usize, dialect: Dialect) -> usize {
        self.fields.clear();
        self.scratch.clear();
        self.inner_lines = 0;
        self.unclosed = false;
        if !dialect.is_plain() {
            return self.read_general(text, from, &dialect);
        }
        let bytes = text.as_bytes();
        let mut at = from;
        loop {
            if bytes.get(at) == Some(&dialect.quote) {
                at = self.read_quoted(text, at + 1, dialect);
            } else {
                let end = either(bytes, at, dialect.delimiter, dialect.terminator).unwrap_or(bytes.len());
                let at_line_end = bytes.get(end) != Some(&dialect.delimiter);
                // A carriage return is part of the line end, not of the last field.
                let trimmed =
                    if at_line_end && end > at && bytes.get(end - 1) == Some(&b'\r') { end - 1 } else { end };
                self.fields.push(Field { range: at..trimmed, scratch: false, quoted: false });
                at = end;
            }
            match bytes.get(at) {
                Some(b) if *b == dialect.delimiter => at += 1,
                Some(_) => return at + 1,
                None => return at,
            }
        }
    }

    fn read_general(&mut self, text: &str, from: usize, dialect: &Dialect) -> usize {
        let (fields, scratch) = (&mut self.fields, &mut self.scratch);
        let extent = general::scan(text.as_bytes(), from, dialect, true, |range, form| {
            let quoted = form.quoted;
            if form.escaped {
                let start = scratch.len();
                general::unescape(text.get(range).unwrap_or_default(), form, dialect, scratch);
                fields.push(Field { range: start..scratch.len(), scratch: true, quoted });
            } else {
                fields.push(Field { range, scratch: false, quoted });
            }
        });
        let Some(extent) = extent else { return text.len() };
        self.inner_lines = extent.inner_lines;
        self.unclosed = extent.unclosed;
        extent.next
    }

    /// Reads a quoted field whose content starts at `from`; returns the position of what ends it.
    fn read_quoted(&mut self, text: &str, from: usize, dialect: Dialect) -> usize {
        let bytes = text.as_bytes();
        let before = self.inner_lines;
        match close(bytes, from, dialect, true) {
            Close::At { position, doubled } => {
                let content = text.get(from..position).unwrap_or_default();
                self.count_lines(content, dialect.terminator);
                if doubled {
                    let start = self.scratch.len();
                    self.undouble(content, dialect.quote);
                    let range = start..self.scratch.len();
                    self.fields.push(Field { range, scratch: true, quoted: true });
                } else {
                    self.fields.push(Field { range: from..position, scratch: false, quoted: true });
                }
                let cr = usize::from(bytes.get(position + 1) == Some(&b'\r') && dialect.terminator != b'\r');
                position + 1 + cr
            }
            Close::Text { end } => {
                let range = from - 1..end;
                self.count_lines(text.get(range.clone()).unwrap_or_default(), dialect.terminator);
                self.unclosed |= self.inner_lines > before;
                self.fields.push(Field { range, scratch: false, quoted: false });
                end + usize::from(bytes.get(end) == Some(&b'\r') && dialect.terminator != b'\r')
            }
            Close::Open => {
                self.unclosed = true;
                self.fields.push(Field { range: from..bytes.len(), scratch: false, quoted: true });
                bytes.len()
            }
        }
    }

    #[inline]
    fn count_lines(&mut self, content: &str, terminator: u8) {
        // Hardly any field has one, and a search is faster than a count.
        if memchr(terminator, content.as_bytes()).is_some() {
            self.inner_lines += memchr_iter(terminator, content.as_bytes()).count() as u64;
        }
    }

    fn undouble(&mut self, content: &str, quote: u8) {
        let mut rest = content;
        while let Some(found) = memchr(quote, rest.as_bytes()) {
            self.scratch.push_str(rest.get(..=found).unwrap_or_default());
            // A lone quote is kept as it stands; of two, one.
            let skip = if rest.as_bytes().get(found + 1) == Some(&quote) { 2 } else { 1 };
            rest = rest.get(found + skip..).unwrap_or_default();
        }
        self.scratch.push_str(rest);
    }

    /// Fields of the record.
    pub(crate) fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether the record is an empty line (or one of blanks), which is no record.
    pub(crate) fn is_blank(&self, text: &str) -> bool {
        match self.fields.as_slice() {
            [only] if !only.quoted => self.field(only, text).bytes().all(|b| b == b' '),
            _ => false,
        }
    }

    fn field<'a>(&'a self, field: &Field, text: &'a str) -> &'a str {
        let of = if field.scratch { self.scratch.as_str() } else { text };
        of.get(field.range.clone()).unwrap_or_default()
    }

    /// The fields' text.
    pub(crate) fn texts<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().map(move |field| self.field(field, text))
    }

    /// Whether all fields from `width` on are empty, as trailing separators leave them.
    pub(crate) fn only_empty_from(&self, width: usize) -> bool {
        self.fields.get(width..).is_some_and(|rest| rest.iter().all(|f| !f.quoted && f.range.is_empty()))
    }

    /// Whether the field was quoted.
    pub(crate) fn is_quoted(&self, index: usize) -> bool {
        self.fields.get(index).is_some_and(|f| f.quoted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIALECT: Dialect = Dialect::plain(b',');

    fn read_all(text: &str) -> Vec<Vec<String>> {
        let mut record = Record::default();
        let mut at = 0;
        let mut rows = Vec::new();
        while at < text.len() {
            at = record.read(text, at, DIALECT);
            rows.push(record.texts(text).map(str::to_owned).collect());
        }
        rows
    }

    #[test]
    fn the_first_of_two_bytes_is_found_wherever_it_lies() {
        // Bytes next to those looked for are where a test of whole words goes wrong.
        let near = b"+-,.\n\x0b\x09\x00\xff\x80a,";
        let mut state = 7usize;
        for length in 0..80 {
            for _ in 0..200 {
                let text: Vec<u8> = (0..length)
                    .map(|_| {
                        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
                        if (state >> 40).is_multiple_of(9) { near[(state >> 33) % near.len()] } else { b'x' }
                    })
                    .collect();
                for from in [0, length / 3, length] {
                    let plain = text[from..].iter().position(|b| matches!(b, b',' | b'\n')).map(|p| from + p);
                    assert_eq!(either(&text, from, b',', b'\n'), plain, "{text:?} from {from}");
                }
            }
        }
    }

    #[test]
    fn quotes_line_ends_and_empty_fields() {
        let text = "a,b,c\r\n1,\"x, \"\"y\"\"\nz\",\r\n\"\",,3";
        assert_eq!(read_all(text), [vec!["a", "b", "c"], vec!["1", "x, \"y\"\nz", ""], vec!["", "", "3"]]);
    }

    #[test]
    fn a_quote_in_the_middle_is_meant_as_it_stands() {
        assert_eq!(read_all("5\" pipe,\"say \"hi\" now\",x\n"), [vec!["5\" pipe", "say \"hi\" now", "x"]]);
    }

    #[test]
    fn text_behind_a_closed_quote_stays_in_its_field_and_on_its_line() {
        assert_eq!(
            read_all(
                "1,\"Acme\" Ltd,5\r\n2,\"Beta, Inc\",6\n\"Gamma\" SA,\"x\",\"a\nb\"\n3,x,\"\"y\"\"_\"z;"
            ),
            [
                vec!["1", "\"Acme\" Ltd", "5"],
                vec!["2", "Beta, Inc", "6"],
                vec!["\"Gamma\" SA", "x", "a\nb"],
                vec!["3", "x", "\"\"y\"\"_\"z;"],
            ]
        );
        assert_eq!(read_all("\"a \"b\"\",1\n\"c\"\rd,2\n"), [["\"a \"b\"\"", "1"], ["\"c\"\rd", "2"]]);
    }

    #[test]
    fn a_quote_that_closes_lines_later_at_a_wrong_place_is_told() {
        let mut record = Record::default();
        let unclosed: Vec<bool> = ["1,\"a\n2,\"b\" c\n", "1,\"a\nb\",\"c\" d\n", "1,\"a\n"]
            .map(|text| {
                record.read(text, 0, DIALECT);
                record.unclosed
            })
            .to_vec();
        assert_eq!(unclosed, [true, false, true]);
    }

    #[test]
    fn splitting_agrees_with_reading_on_every_prefix() {
        let text =
            "a,b\r\n\"x\ny\",\"q\"\"\"\r\n1,2\n\"z\",\"\r\n\"\n\n,\n\"s\" t,\"u\"v\r\n\"s\"t\"\n\"last\"";
        let mut record = Record::default();
        let mut at = 0;
        while at < text.len() {
            let end = record.read(text, at, DIALECT);
            assert_eq!(record_end(text.as_bytes(), at, DIALECT, true), Some(end));
            // A prefix that holds the record whole, and something after it, gives the same end; none gives another.
            for cut in at..text.len() {
                if let Some(found) =
                    text.as_bytes().get(..cut).and_then(|b| record_end(b, at, DIALECT, false))
                {
                    assert_eq!(found, end, "cut at {cut}");
                }
            }
            at = end;
        }
    }
}
