//! What texts look like to a reader: numbers, dates, words that stand for a missing value, spellings of one category.

use std::collections::BTreeMap;

use crate::types::lattice::Candidates;
use crate::types::{floor_boundary, numbers, trim};

/// Words that often stand for a value that nobody knew. Not among them: `none` and `nil`, which are answers as often
/// as they are not (medication: none), and the spellings that reading takes for missing anyway.
const PLACEHOLDERS: [&str; 18] = [
    "?",
    "??",
    "???",
    "unknown",
    "unk",
    "unk.",
    "(unknown)",
    "missing",
    "tbd",
    "n.a.",
    "n.k.",
    "not available",
    "not applicable",
    "not specified",
    "#n/a",
    "#value!",
    "#ref!",
    "undefined",
];

/// Bytes of a text that an example shows.
const EXAMPLE: usize = 40;

/// Examples kept of each class.
const EXAMPLES: usize = 3;

/// What a text could be read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// A number, also one whose leading zeros or sign keep it text.
    Number,
    /// A date or a time.
    Date,
    /// Neither.
    Other,
}

/// The class of a trimmed text.
pub(crate) fn class(text: &str) -> Class {
    let bytes = text.as_bytes();
    let starts = bytes.first().is_some_and(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.'));
    if !starts || bytes.len() > EXAMPLE {
        return Class::Other;
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = !unsigned.is_empty() && unsigned.bytes().all(|b| b.is_ascii_digit());
    if digits || numbers::number(text.strip_prefix('+').unwrap_or(text)).is_some() {
        return Class::Number;
    }
    let separated = [1, 2, 4].iter().any(|i| matches!(bytes.get(*i), Some(b'-' | b'/' | b'.')));
    if separated && !Candidates::of_date(text).is_text() { Class::Date } else { Class::Other }
}

/// Counts what the texts of a column look like.
#[derive(Debug, Clone, Default)]
pub(crate) struct Looks {
    /// Texts with blanks before or behind.
    pub(crate) blanks: u64,
    pub(crate) numbers: u64,
    pub(crate) dates: u64,
    pub(crate) others: u64,
    /// Some of each class: numbers, dates, others.
    pub(crate) examples: [Vec<String>; 3],
    /// Stand-ins for missing with their counts.
    pub(crate) placeholders: BTreeMap<&'static str, u64>,
}

impl Looks {
    /// Counts a text that occurs so many times.
    pub(crate) fn add(&mut self, text: &str, times: u64) {
        let trimmed = trim(text);
        if trimmed.len() != text.len() {
            self.blanks += times;
        }
        let (count, examples) = match (class(trimmed), &mut self.examples) {
            (Class::Number, [examples, _, _]) => (&mut self.numbers, examples),
            (Class::Date, [_, examples, _]) => (&mut self.dates, examples),
            (Class::Other, [_, _, examples]) => (&mut self.others, examples),
        };
        *count += times;
        if examples.len() < EXAMPLES {
            let example = shortened(trimmed, EXAMPLE);
            if !examples.contains(&example) {
                examples.push(example);
            }
        }
        // Most texts begin like none of the words.
        let begins = matches!(
            trimmed.as_bytes().first(),
            Some(b'?' | b'(' | b'#' | b'M' | b'm' | b'N' | b'n' | b'T' | b't' | b'U' | b'u')
        );
        if begins
            && trimmed.len() <= 14
            && let Some(word) = PLACEHOLDERS.iter().find(|word| trimmed.eq_ignore_ascii_case(word))
        {
            *self.placeholders.entry(word).or_default() += times;
        }
    }
}

/// A text of `most` bytes or so.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    format!("{}…", text.get(..floor_boundary(text, most)).unwrap_or_default())
}

/// One category in several spellings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variants {
    /// Each with its count, the most frequent first.
    pub(crate) spellings: Vec<(String, u64)>,
}

impl Variants {
    /// Rows that are spelled otherwise than most.
    pub(crate) fn rows(&self) -> u64 {
        self.spellings.iter().skip(1).map(|(_, n)| n).sum()
    }
}

/// Texts that differ only in case and blanks.
pub(crate) fn variants(texts: &[(String, u64)]) -> Vec<Variants> {
    let mut groups: BTreeMap<String, Vec<(String, u64)>> = BTreeMap::new();
    for (text, count) in texts {
        let folded = text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
        groups.entry(folded).or_default().push((text.clone(), *count));
    }
    let mut found: Vec<Variants> = groups
        .into_values()
        .filter(|spellings| spellings.len() > 1)
        .map(|mut spellings| {
            spellings.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
            Variants { spellings }
        })
        .collect();
    found.sort_by_key(|v| std::cmp::Reverse(v.rows()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_what_a_reader_sees() {
        for text in ["1", "-2.5", "+43", "00501", "1e5", ".5", "12345678901234567890"] {
            assert_eq!(class(text), Class::Number, "{text}");
        }
        for text in ["2024-01-31", "31.12.2024", "1/2/2024", "2024-01-31 12:00:00"] {
            assert_eq!(class(text), Class::Date, "{text}");
        }
        for text in ["", "x", "?", "1,234", "5 %", "192.168.0.1", "2024-13-01", "-", "3rd street"] {
            assert_eq!(class(text), Class::Other, "{text}");
        }
    }

    #[test]
    fn spellings_of_one_category_are_found_and_others_left_alone() {
        let texts = [("Yes", 10), ("yes ", 2), ("YES", 1), ("No", 5), ("New  York", 1), ("new york", 4)];
        let found = variants(&texts.map(|(t, n)| (t.to_owned(), n)));
        let spelled: Vec<Vec<&str>> =
            found.iter().map(|v| v.spellings.iter().map(|(t, _)| t.as_str()).collect()).collect();
        assert_eq!(spelled, [vec!["Yes", "yes ", "YES"], vec!["new york", "New  York"]]);
        assert_eq!(found.iter().map(Variants::rows).collect::<Vec<_>>(), [3, 1]);
    }

    #[test]
    fn every_stand_in_is_found_in_either_case() {
        for word in PLACEHOLDERS {
            let mut looks = Looks::default();
            looks.add(word, 1);
            looks.add(&word.to_uppercase(), 1);
            assert_eq!(looks.placeholders.get(word), Some(&2), "{word}");
        }
    }

    #[test]
    fn stand_ins_are_counted_by_word_whatever_their_case() {
        let mut looks = Looks::default();
        for (text, times) in [("Unknown", 3), (" unknown", 1), ("?", 2), ("none", 9), ("unknown city", 5)] {
            looks.add(text, times);
        }
        assert_eq!(looks.placeholders, BTreeMap::from([("?", 2), ("unknown", 4)]));
        assert_eq!((looks.blanks, looks.others), (1, 20));
    }
}
