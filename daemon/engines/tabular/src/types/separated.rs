//! Numbers with separators of thousands and decimal commas: `1,234.5`, `1.234,5`, `1 234,5`, `1'234.5`.
//!
//! Each style is read on its own; which one a column follows is decided over all its rows by the lattice. Groups must be
//! whole (one to three digits, then three each); a number without separators is fine in every style.

use super::numbers::{self, Number};

/// How separators are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
pub(crate) enum Style {
    /// `1,234.5`
    English,
    /// `1.234,5`
    European,
    /// `1 234,5`
    SpacedComma,
    /// `1 234.5`
    SpacedPoint,
    /// `1'234.5`
    Swiss,
}

/// All styles.
pub(crate) const STYLES: [Style; 5] =
    [Style::English, Style::European, Style::SpacedComma, Style::SpacedPoint, Style::Swiss];

impl Style {
    /// An example, for people.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Self::English => "1,234.5",
            Self::European => "1.234,5",
            Self::SpacedComma => "1 234,5",
            Self::SpacedPoint => "1 234.5",
            Self::Swiss => "1'234.5",
        }
    }

    fn decimal(self) -> char {
        if matches!(self, Self::European | Self::SpacedComma) { ',' } else { '.' }
    }

    fn groups(self, c: char) -> bool {
        match self {
            Self::English => c == ',',
            Self::European => c == '.',
            // No-break, thin and narrow no-break spaces are what good typography puts between groups.
            Self::SpacedComma | Self::SpacedPoint => matches!(c, ' ' | '\u{a0}' | '\u{2009}' | '\u{202f}'),
            Self::Swiss => matches!(c, '\'' | '\u{2019}'),
        }
    }
}

/// Bytes that the longest number worth reading has once its separators are gone.
const MAX_BYTES: usize = 40;

/// Reads trimmed text as a number of a style; integers the narrower first.
pub(crate) fn number(text: &str, style: Style) -> Option<Number> {
    if text.len() > 2 * MAX_BYTES {
        return None;
    }
    let mut plain = [0u8; MAX_BYTES];
    let mut length = 0usize;
    let mut put = |byte: u8| {
        *plain.get_mut(length)? = byte;
        length += 1;
        Some(())
    };
    // Digits since the last separator; `None` in the fraction.
    let mut group = Some(0usize);
    let mut groups = 0usize;
    let (mut whole, mut fraction) = (0usize, 0usize);
    for (i, c) in text.char_indices() {
        match (c, &mut group) {
            ('-' | '+', _) if i == 0 => put(c as u8)?,
            ('0'..='9', Some(digits)) => {
                *digits += 1;
                whole += 1;
                put(c as u8)?;
            }
            ('0'..='9', None) => {
                fraction += 1;
                put(c as u8)?;
            }
            (c, Some(digits)) if c == style.decimal() => {
                if whole == 0 || (groups > 0 && *digits != 3) {
                    return None;
                }
                group = None;
                put(b'.')?;
            }
            (c, Some(digits)) if style.groups(c) => {
                let first = groups == 0;
                // `0,234` has no group of thousands.
                let zero = plain_starts_with_zero(text);
                if !(if first { (1..=3).contains(digits) && !zero } else { *digits == 3 }) {
                    return None;
                }
                groups += 1;
                *digits = 0;
            }
            _ => return None,
        }
    }
    let whole_groups = group.is_none_or(|digits| groups == 0 || digits == 3);
    if whole == 0 || !whole_groups || (group.is_none() && fraction == 0) {
        return None;
    }
    let plain = std::str::from_utf8(plain.get(..length)?).ok()?;
    numbers::number(plain)
}

fn plain_starts_with_zero(text: &str) -> bool {
    text.trim_start_matches(['-', '+']).starts_with('0')
}

/// Reads trimmed text as an integer of a style.
pub(crate) fn integer(text: &str, style: Style) -> Option<i64> {
    match number(text, style)? {
        Number::Integer(value) => Some(value),
        Number::Float(_) => None,
    }
}

/// Reads trimmed text as a float of a style.
pub(crate) fn float(text: &str, style: Style) -> Option<f64> {
    match number(text, style)? {
        Number::Integer(value) => Some(value as f64),
        Number::Float(value) => Some(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_style_reads_its_numbers_and_no_others() {
        use Style::{English, European, SpacedComma, SpacedPoint, Swiss};
        for (text, style, value) in [
            ("1,234,567.89", English, 1_234_567.89),
            ("1.234.567,89", European, 1_234_567.89),
            ("1 234 567,89", SpacedComma, 1_234_567.89),
            ("1\u{a0}234,5", SpacedComma, 1_234.5),
            ("-1 234.5", SpacedPoint, -1_234.5),
            ("1'234.5", Swiss, 1_234.5),
            ("1,5", European, 1.5),
            ("1234,5", European, 1_234.5),
            ("0,234", European, 0.234),
            ("+1,234", English, 1_234.0),
        ] {
            assert_eq!(float(text, style), Some(value), "{text}");
        }
        assert_eq!(integer("12,345", English), Some(12_345));
        assert_eq!(integer("1.234.567", European), Some(1_234_567));
        assert_eq!(integer("1,5", European), None);
        for (text, style) in [
            ("1,23", English),
            ("12,34,567", English),
            ("1234,567", English),
            ("0,234", English),
            ("001,234", English),
            ("1,,234", English),
            (",234", English),
            ("1,234,", English),
            ("1.234,", European),
            ("1.23", European),
            ("1.234.5", European),
            ("1 23", SpacedPoint),
            ("1  234", SpacedPoint),
            ("(1,234)", English),
            ("$1,234", English),
            ("1,234%", English),
            ("", English),
            ("-", European),
        ] {
            assert_eq!(number(text, style), None, "{text:?}");
        }
    }
}
