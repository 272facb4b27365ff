//! Delimited text: dialect, records, blocks of whole records.

pub(crate) mod general;
pub(crate) mod records;
pub(crate) mod rows;
pub(crate) mod split;

/// How a delimited file is written.
///
/// Nearly all files are plain: one ASCII delimiter, quotes doubled, one kind of line end. Those are read by the fast
/// reader of [`records`]; the others by [`general`], which knows all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// Separates fields; the first byte where there are several.
    pub(crate) delimiter: u8,
    /// Encloses fields; [`NO_QUOTE`] where nothing does.
    pub(crate) quote: u8,
    /// Ends records: a line feed (with or without a carriage return before it) or, in old files, a carriage return.
    pub(crate) terminator: u8,
    /// What begins a line that is left out.
    pub(crate) comment: Option<u8>,
    /// The bytes of the delimiter after its first; the rest is zero.
    pub(crate) tail: [u8; MAX_TAIL],
    pub(crate) tail_len: u8,
    /// A backslash escapes quotes within quotes, and delimiters and itself outside of them.
    pub(crate) backslash: bool,
    /// Line feeds, carriage returns and both together end records, mixed.
    pub(crate) any_end: bool,
    /// Several delimiters in a row are one, and those around a line are none: columns aligned by blanks.
    pub(crate) runs: bool,
    /// Blanks between a delimiter and a quote are no part of the field.
    pub(crate) padded_quotes: bool,
}

/// Stands for no quote character: the reader takes zero bytes out of the text, so that this one never occurs.
pub(crate) const NO_QUOTE: u8 = 0;

/// Bytes a delimiter may have beyond the first.
pub(crate) const MAX_TAIL: usize = 15;

impl Dialect {
    /// One character between fields, double quotes, line feeds.
    pub(crate) const fn plain(delimiter: u8) -> Self {
        Self {
            delimiter,
            quote: b'"',
            terminator: b'\n',
            comment: None,
            tail: [0; MAX_TAIL],
            tail_len: 0,
            backslash: false,
            any_end: false,
            runs: false,
            padded_quotes: false,
        }
    }

    /// The same with a delimiter of any length up to 16 bytes; `None` for one that is empty or longer.
    pub(crate) fn delimited(delimiter: &str) -> Option<Self> {
        let (first, rest) = delimiter.as_bytes().split_first()?;
        let mut dialect = Self::plain(*first);
        dialect.tail.get_mut(..rest.len())?.copy_from_slice(rest);
        dialect.tail_len = u8::try_from(rest.len()).ok()?;
        Some(dialect)
    }

    /// Whether the fast reader knows all of the dialect. Comments are left out before it.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.tail_len == 0 && !self.backslash && !self.any_end && !self.runs && !self.padded_quotes
    }

    /// The bytes of the delimiter after its first.
    pub(crate) fn tail(&self) -> &[u8] {
        self.tail.get(..usize::from(self.tail_len)).unwrap_or_default()
    }

    /// The delimiter as text.
    pub(crate) fn delimiter_text(&self) -> String {
        let bytes: Vec<u8> = std::iter::once(self.delimiter).chain(self.tail().iter().copied()).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Whether the record at `from` is a comment.
    #[inline]
    pub(crate) fn is_comment(&self, bytes: &[u8], from: usize) -> bool {
        self.comment.is_some() && bytes.get(from).copied() == self.comment
    }

    /// Where the line at `from` ends, past its line end; quotes mean nothing. `None` where it does not end in these
    /// bytes (with `last`, their end is the line's).
    pub(crate) fn line_end(&self, bytes: &[u8], from: usize, last: bool) -> Option<usize> {
        let rest = bytes.get(from..)?;
        let found = if self.any_end {
            memchr::memchr2(b'\n', b'\r', rest)
        } else {
            memchr::memchr(self.terminator, rest)
        };
        match found {
            None => last.then_some(bytes.len()),
            Some(found) => general::end_length(bytes, from + found, self, last).map(|n| from + found + n),
        }
    }
}
