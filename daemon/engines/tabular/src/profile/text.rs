//! Figures of texts.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap, HashSet};

use dropforge_shared::profile::TopValue;

use super::TOP;
use super::distinct::{Caps, Counted, Counter, hash};
use crate::types::{numbers, trim};

/// Words that often stand for a value that nobody knew.
const PLACEHOLDERS: [&str; 12] = [
    "unknown",
    "unk",
    "missing",
    "?",
    "??",
    "none",
    "nil",
    "tbd",
    "n.a.",
    "not available",
    "#n/a",
    "undefined",
];

/// Bytes of a text that a profile shows; a cell may have millions.
const SHOWN: usize = 256;

/// What one pass over a column's texts gathers.
pub(crate) struct Texts {
    pub(crate) values: u64,
    /// Texts with blanks before or behind.
    pub(crate) blanks: u64,
    /// Texts that could be read as numbers.
    pub(crate) numeric: u64,
    /// Texts that stand for an unknown value.
    pub(crate) placeholders: u64,
    pub(crate) bytes: u64,
    pub(crate) shortest: usize,
    pub(crate) longest: usize,
    pub(crate) min: Option<String>,
    pub(crate) max: Option<String>,
    counter: Counter,
}

impl Texts {
    /// Before the first text.
    pub(crate) fn new(caps: Caps) -> Self {
        Self {
            values: 0,
            blanks: 0,
            numeric: 0,
            placeholders: 0,
            bytes: 0,
            shortest: usize::MAX,
            longest: 0,
            min: None,
            max: None,
            counter: Counter::new(caps),
        }
    }

    /// Adds one text.
    pub(crate) fn add(&mut self, text: &str) {
        self.values += 1;
        self.bytes += text.len() as u64;
        self.shortest = self.shortest.min(text.len());
        self.longest = self.longest.max(text.len());
        let trimmed = trim(text);
        self.blanks += u64::from(trimmed.len() != text.len());
        self.numeric += u64::from(looks_numeric(trimmed));
        self.placeholders += u64::from(is_placeholder(trimmed));
        if self.min.as_deref().is_none_or(|min| text < min) {
            self.min = Some(text.to_owned());
        }
        if self.max.as_deref().is_none_or(|max| text > max) {
            self.max = Some(text.to_owned());
        }
        self.counter.add(hash(text));
    }

    /// How many different ones, and the hashes of the frequent ones.
    pub(crate) fn counted(&mut self) -> Counted {
        let counter = std::mem::replace(&mut self.counter, Counter::new(Caps { table: 0, spill: 0 }));
        counter.finish(self.values, TOP)
    }
}

fn looks_numeric(trimmed: &str) -> bool {
    // A number with a sign, a leading zero or thousands separators is one to a reader, if not to the typing.
    let starts =
        trimmed.as_bytes().first().is_some_and(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.'));
    starts && trimmed.len() <= 32 && numbers::number(trimmed.trim_start_matches('+')).is_some()
}

fn is_placeholder(trimmed: &str) -> bool {
    trimmed.len() <= 13 && PLACEHOLDERS.iter().any(|word| trimmed.eq_ignore_ascii_case(word))
}

/// Text as a profile shows it.
pub(crate) fn shown(text: &str) -> String {
    if text.len() <= SHOWN {
        return text.to_owned();
    }
    format!("{}…", text.get(..crate::types::floor_boundary(text, SHOWN)).unwrap_or_default())
}

/// Finds the texts behind the hashes of the frequent values, in a second look at the column.
pub(crate) struct TopTexts {
    wanted: HashMap<u64, u64>,
    done: HashSet<u64>,
    singles: bool,
    /// By count, the larger first, and then by text.
    best: BTreeSet<(std::cmp::Reverse<u64>, String)>,
}

impl TopTexts {
    /// For what a first look counted.
    pub(crate) fn new(counted: &Counted) -> Self {
        let wanted: HashMap<u64, u64> = counted.top.iter().copied().collect();
        Self { wanted, done: HashSet::new(), singles: counted.singles, best: BTreeSet::new() }
    }

    /// Whether nothing more can come.
    pub(crate) fn complete(&self) -> bool {
        self.wanted.is_empty() && !self.singles
    }

    /// Looks at one text.
    pub(crate) fn add(&mut self, text: &str) {
        let hash = hash(text);
        let count = match self.wanted.remove(&hash) {
            Some(count) => {
                self.done.insert(hash);
                count
            }
            // A repeated text comes again; only what was never wanted is a single.
            None if self.singles && !self.done.contains(&hash) => 1,
            None => return,
        };
        if self.best.len() >= TOP {
            let worse = self.best.last().is_some_and(|(least, last)| match count.cmp(&least.0) {
                Ordering::Greater => true,
                Ordering::Equal => text < last.as_str(),
                Ordering::Less => false,
            });
            if !worse {
                return;
            }
            self.best.pop_last();
        }
        self.best.insert((std::cmp::Reverse(count), text.to_owned()));
    }

    /// The frequent values.
    pub(crate) fn finish(self, value: impl Fn(String) -> dropforge_shared::profile::Scalar) -> Vec<TopValue> {
        self.best.into_iter().map(|(count, text)| TopValue { value: value(text), count: count.0 }).collect()
    }
}
