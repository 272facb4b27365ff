//! Figures of texts. As long as a column has few different texts, they are kept and looked at once each; with more,
//! each cell is looked at as it comes.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use dropforge_shared::profile::{Scalar, TopValue};

use super::TOP;
use super::distinct::{Caps, Counter};
use super::hash::{Through, hash};
use super::words::{Looks, Variants, shortened, variants};
use crate::error::Error;

/// Different texts that are kept whole.
const FEW: usize = 512;

/// Bytes that each of them may have.
const FEW_BYTES: usize = 4 << 10;

/// Bytes of a text that a profile shows; a cell may have millions.
const SHOWN: usize = 256;

/// Bytes by which the first and last texts are told apart.
const COMPARED: usize = 1 << 10;

/// The first texts in byte order that are kept: of twice [`TOP`], at least [`TOP`] occur once if fewer than that repeat.
const FIRSTS: usize = 2 * TOP;

/// What one pass over a column's texts gathers.
pub(crate) struct Texts {
    values: u64,
    bytes: u64,
    shortest: usize,
    longest: usize,
    few: Option<Few>,
    many: Many,
}

/// The different texts, in the order in which they came, with their counts.
#[derive(Default)]
struct Few {
    places: HashMap<u64, usize, Through>,
    entries: Vec<(String, u64)>,
}

struct Many {
    looks: Looks,
    counter: Counter,
    firsts: BTreeSet<String>,
    /// The last of them, at hand.
    bound: String,
    last: Option<String>,
}

/// The figures of a column's texts.
#[derive(Debug, Default)]
pub(crate) struct TextFigures {
    pub(crate) values: u64,
    pub(crate) distinct: u64,
    pub(crate) exact: bool,
    pub(crate) error: f64,
    pub(crate) min: Option<Scalar>,
    pub(crate) max: Option<Scalar>,
    pub(crate) top: Vec<TopValue>,
    /// Hashes whose texts must be looked for to complete `top`, with their counts.
    pub(crate) wanted: HashMap<u64, u64, Through>,
    pub(crate) looks: Looks,
    pub(crate) variants: Vec<Variants>,
    pub(crate) mean_length: f64,
    pub(crate) same_length: bool,
}

impl Texts {
    /// Before the first text.
    pub(crate) fn new(caps: Caps) -> Self {
        Self {
            values: 0,
            bytes: 0,
            shortest: usize::MAX,
            longest: 0,
            few: Some(Few::default()),
            many: Many {
                looks: Looks::default(),
                counter: Counter::new(caps),
                firsts: BTreeSet::new(),
                bound: String::new(),
                last: None,
            },
        }
    }

    /// Adds one text with its hash.
    pub(crate) fn add(&mut self, text: &str, hash: u64) -> Result<(), Error> {
        self.values += 1;
        self.bytes += text.len() as u64;
        self.shortest = self.shortest.min(text.len());
        self.longest = self.longest.max(text.len());
        let Some(few) = &mut self.few else { return self.many.add(text, hash, 1) };
        if let Some(entry) = few.places.get(&hash).and_then(|place| few.entries.get_mut(*place)) {
            entry.1 += 1;
            return Ok(());
        }
        if few.entries.len() < FEW && text.len() <= FEW_BYTES {
            few.places.insert(hash, few.entries.len());
            few.entries.push((text.to_owned(), 1));
            return Ok(());
        }
        if let Some(few) = self.few.take() {
            for (text, times) in &few.entries {
                self.many.add(text, super::hash::hash(text), *times)?;
            }
        }
        self.many.add(text, hash, 1)
    }

    /// The place of a text among the different ones; `None` once there were too many of them.
    pub(crate) fn place(&self, hash: u64) -> Option<usize> {
        self.few.as_ref()?.places.get(&hash).copied()
    }

    /// Whether all different texts are kept.
    pub(crate) fn is_few(&self) -> bool {
        self.few.is_some()
    }

    /// The figures.
    pub(crate) fn finish(mut self) -> Result<TextFigures, Error> {
        let mut told = TextFigures {
            values: self.values,
            mean_length: self.bytes as f64 / self.values.max(1) as f64,
            same_length: self.values > 0 && self.shortest == self.longest,
            exact: true,
            ..TextFigures::default()
        };
        match self.few.take() {
            Some(few) => few.finish(&mut told),
            None => self.many.finish(&mut told)?,
        }
        Ok(told)
    }
}

impl Few {
    fn finish(mut self, told: &mut TextFigures) {
        told.distinct = self.entries.len() as u64;
        self.entries.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        self.entries.iter().for_each(|(text, times)| told.looks.add(text, *times));
        told.min = self.entries.iter().map(|(text, _)| text).min().map(|t| shown(t));
        told.max = self.entries.iter().map(|(text, _)| text).max().map(|t| shown(t));
        // Names that hardly repeat are no categories.
        if told.distinct * 2 <= told.values {
            told.variants = variants(&self.entries);
        }
        let top = self.entries.iter().take(TOP);
        told.top = top.map(|(text, count)| TopValue { value: shown(text), count: *count }).collect();
    }
}

impl Many {
    fn add(&mut self, text: &str, hash: u64, times: u64) -> Result<(), Error> {
        self.looks.add(text, times);
        let compared = text.get(..crate::types::floor_boundary(text, COMPARED)).unwrap_or(text);
        if self.firsts.len() < FIRSTS || compared < self.bound.as_str() {
            self.firsts.insert(compared.to_owned());
            if self.firsts.len() > FIRSTS {
                self.firsts.pop_last();
            }
            self.bound = self.firsts.last().cloned().unwrap_or_default();
        }
        if self.last.as_deref().is_none_or(|last| compared > last) {
            self.last = Some(compared.to_owned());
        }
        if times == 1 { self.counter.add(hash) } else { self.counter.add_times(hash, times) }
    }

    fn finish(self, told: &mut TextFigures) -> Result<(), Error> {
        let counted = self.counter.finish(told.values, TOP)?;
        told.looks = self.looks;
        told.distinct = counted.distinct;
        told.exact = counted.exact;
        told.error = counted.error;
        told.min = self.firsts.first().map(|t| shown(t));
        told.max = self.last.as_deref().map(shown);
        told.wanted = counted.top.into_iter().collect();
        if counted.singles {
            // Texts that occur once fill the list, the first ones first.
            let singles = self.firsts.iter().filter(|text| !told.wanted.contains_key(&hash(text)));
            let top = singles.take(TOP - told.wanted.len().min(TOP));
            told.top = top.map(|text| TopValue { value: shown(text), count: 1 }).collect();
        }
        Ok(())
    }
}

/// Text as a profile shows it.
pub(crate) fn shown(text: &str) -> Scalar {
    Scalar::Text(shortened(text, SHOWN))
}

/// Finds the texts behind the hashes of the frequent values, in a second look at the column.
pub(crate) struct TopTexts {
    wanted: HashMap<u64, u64, Through>,
    /// By count, the larger first, and then by text.
    best: BTreeSet<(Reverse<u64>, String)>,
}

impl TopTexts {
    /// For the hashes that a first look counted.
    pub(crate) fn new(wanted: HashMap<u64, u64, Through>) -> Self {
        Self { wanted, best: BTreeSet::new() }
    }

    /// Whether nothing more can come.
    pub(crate) fn complete(&self) -> bool {
        self.wanted.is_empty()
    }

    /// Looks at one text.
    pub(crate) fn add(&mut self, text: &str) {
        let Some(count) = self.wanted.remove(&hash(text)) else { return };
        let compared = text.get(..crate::types::floor_boundary(text, COMPARED)).unwrap_or(text);
        self.best.insert((Reverse(count), compared.to_owned()));
        if self.best.len() > TOP {
            self.best.pop_last();
        }
    }

    /// The frequent values, the most frequent first.
    pub(crate) fn finish(self) -> impl Iterator<Item = TopValue> {
        self.best.into_iter().map(|(count, text)| TopValue { value: shown(&text), count: count.0 })
    }
}
