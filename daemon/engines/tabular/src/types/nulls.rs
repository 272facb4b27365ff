//! The spellings of missing, and how often each occurs.

use std::collections::BTreeMap;

/// The spellings that count as missing, in any column. Longer or other spellings are values.
/// `\N` is how MySQL and PostgreSQL write one.
const TOKENS: [&str; 11] = ["", "NA", "N/A", "NaN", "null", "NULL", "None", "nan", "n/a", "-", "\\N"];

/// Different spellings (blanks around a token make another one) that are told apart in a column. A hostile file
/// could have millions; further ones are counted under the token itself.
const MAX_SPELLINGS: usize = 64;

/// Whether trimmed text is a spelling of missing.
pub(crate) fn is_null(trimmed: &str) -> bool {
    match trimmed.as_bytes() {
        [] | b"-" => true,
        // Few values begin as these do, so the first byte tells nearly all of them.
        [b'N' | b'n' | b'\\', ..] => {
            matches!(trimmed, "NA" | "\\N" | "N/A" | "NaN" | "null" | "NULL" | "None" | "nan" | "n/a")
        }
        _ => false,
    }
}

/// Missing cells of one column by spelling.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NullCounts {
    known: [u64; TOKENS.len()],
    other: BTreeMap<String, u64>,
}

impl NullCounts {
    /// Counts one missing cell. `raw` is the cell as it stands, `trimmed` the token in it.
    pub(crate) fn count(&mut self, raw: &str, trimmed: &str) {
        if raw.len() != trimmed.len() {
            if let Some(n) = self.other.get_mut(raw) {
                *n += 1;
                return;
            }
            if self.other.len() < MAX_SPELLINGS && raw.len() <= 64 {
                self.other.insert(raw.to_owned(), 1);
                return;
            }
        }
        self.add_known(trimmed, 1);
    }

    fn add_known(&mut self, token: &str, n: u64) {
        if let Some(slot) =
            TOKENS.iter().position(|t| *t == token).and_then(|position| self.known.get_mut(position))
        {
            *slot += n;
        }
    }

    /// Adds the counts of another part of the same column.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (a, b) in self.known.iter_mut().zip(other.known) {
            *a += b;
        }
        for (spelling, n) in &other.other {
            if self.other.len() < MAX_SPELLINGS || self.other.contains_key(spelling) {
                *self.other.entry(spelling.clone()).or_default() += n;
            } else {
                self.add_known(super::trim(spelling), *n);
            }
        }
    }

    /// Each spelling that occurs with its count.
    pub(crate) fn to_map(&self) -> BTreeMap<String, u64> {
        let known = TOKENS.iter().zip(self.known).filter(|(_, n)| *n > 0).map(|(t, n)| ((*t).to_owned(), n));
        let mut map: BTreeMap<String, u64> = known.collect();
        for (spelling, n) in &self.other {
            *map.entry(spelling.clone()).or_default() += n;
        }
        map
    }
}

/// What a form that knows its own missing cells says of `count` of them in a column.
pub(crate) fn null_map(count: u64) -> BTreeMap<String, u64> {
    if count == 0 { BTreeMap::new() } else { BTreeMap::from([("null".to_owned(), count)]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::trim;

    #[test]
    fn each_spelling_is_counted_apart_and_the_counts_add_up() {
        let cells = ["", "NA", "NA", " NA", "None", "-", "nan", "NaN", "   "];
        let mut counts = NullCounts::default();
        for cell in cells {
            assert!(is_null(trim(cell)), "{cell:?}");
            counts.count(cell, trim(cell));
        }
        let map = counts.to_map();
        assert_eq!(map.get("NA"), Some(&2));
        assert_eq!(map.get(" NA"), Some(&1));
        assert_eq!(map.get("   "), Some(&1));
        assert_eq!(map.values().sum::<u64>(), cells.len() as u64);
    }

    #[test]
    fn a_flood_of_spellings_stays_bounded_and_loses_no_count() {
        let mut counts = NullCounts::default();
        for i in 0..10_000 {
            let cell = " ".repeat(i % 1000);
            counts.count(&cell, "");
        }
        let map = counts.to_map();
        assert!(map.len() <= MAX_SPELLINGS + 1);
        assert_eq!(map.values().sum::<u64>(), 10_000);
    }

    #[test]
    fn words_that_only_resemble_missing_are_values() {
        for word in ["none", "nil", "N.A.", "--", "Null", "0", "nano", "NAN"] {
            assert!(!is_null(word), "{word}");
        }
    }
}
