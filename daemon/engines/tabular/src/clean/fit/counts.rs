//! How often each value of a column occurs, up to a limit that is told and never passed over in silence.

use std::collections::HashMap;

use crate::clean::block::Value;
use crate::clean::key::Key;

/// Different values that are counted at most, over all columns of a step.
pub(crate) const MAX_VALUES: usize = 1 << 20;
/// Bytes of text that are kept at most, over all columns of a step.
pub(crate) const MAX_BYTES: usize = 128 << 20;

/// Counts of one column.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    table: HashMap<Key, u64>,
    /// Texts apart, so that a text that is known needs no copy to be looked up.
    texts: HashMap<String, u64>,
    bytes: usize,
}

impl Counts {
    /// Counts one value.
    pub(crate) fn add(&mut self, value: Value<'_>) {
        let Value::Text(text) = value else {
            *self.table.entry(Key::from(value)).or_default() += 1;
            return;
        };
        if let Some(count) = self.texts.get_mut(text) {
            *count += 1;
        } else {
            self.bytes += text.len();
            self.texts.insert(text.to_owned(), 1);
        }
    }

    /// Different values and the bytes of their texts.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.table.len() + self.texts.len(), self.bytes)
    }

    /// The values by count, the frequent first, and then by themselves.
    pub(crate) fn finish(self) -> Vec<(Key, u64)> {
        let texts = self.texts.into_iter().map(|(text, n)| (Key::Text(text), n));
        let mut all: Vec<(Key, u64)> = self.table.into_iter().chain(texts).collect();
        all.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        all
    }
}

/// What is too much, in words, where the counts of a step are.
pub(crate) fn too_much<'a>(counts: impl Iterator<Item = &'a Counts>) -> Option<String> {
    let (values, bytes) = counts.map(Counts::size).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    if values > MAX_VALUES {
        Some(format!("over {MAX_VALUES} different values"))
    } else if bytes > MAX_BYTES {
        Some(format!("different texts of over {} MiB", MAX_BYTES >> 20))
    } else {
        None
    }
}
