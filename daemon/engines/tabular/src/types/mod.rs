//! What a cell can be, and what a column therefore is.

pub(crate) mod dates;
pub(crate) mod lattice;
pub(crate) mod months;
pub(crate) mod nulls;
pub(crate) mod numbers;
pub(crate) mod separated;
mod short_years;

/// A cell without the blanks around it. Only ASCII blanks: a no-break space may be meant.
pub(crate) fn trim(text: &str) -> &str {
    let is_blank = |b: Option<&u8>| matches!(b, Some(b' ' | b'\t' | b'\r' | b'\n'));
    // Nearly every cell has none, so the common case is two comparisons.
    if is_blank(text.as_bytes().first()) || is_blank(text.as_bytes().last()) {
        text.trim_matches([' ', '\t', '\r', '\n'])
    } else {
        text
    }
}

/// The largest position up to `at` that does not cut a character.
pub(crate) fn floor_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0)
}
