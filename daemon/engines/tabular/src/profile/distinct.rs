//! How many different texts there are and which are frequent: exact in bounded memory as long as that goes, then
//! estimated, and said so.
//!
//! Texts are counted by a 64-bit hash. Two of a million different texts share one with a probability of about 3·10⁻⁸.

use std::collections::HashMap;

use datasketches::common::NumStdDev;
use datasketches::hll::{HllSketch, HllType};

use super::hash::Through;
use crate::error::Error;

/// The estimate keeps 2^14 registers of a byte, for a relative standard error of about 0.65 %.
const PRECISION: u8 = 14;

/// How much is counted exactly.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caps {
    /// Different texts counted in a table as they come.
    pub(crate) table: usize,
    /// Hashes of further texts kept until the end.
    pub(crate) spill: usize,
}

impl Default for Caps {
    /// 64 Ki counters (they stay in the cache) and 64 MiB of hashes.
    fn default() -> Self {
        Self { table: 1 << 16, spill: 8 << 20 }
    }
}

/// Frequent hashes that go on being counted after each overflow.
const FREQUENT: usize = 256;

/// Counts texts.
pub(crate) struct Counter {
    caps: Caps,
    table: HashMap<u64, u64, Through>,
    spill: Vec<u64>,
    sketch: Option<HllSketch>,
    /// Hashes that wait to be counted together: the processor then fetches their counters side by side.
    waiting: Vec<u64>,
}

/// Hashes counted together.
const TOGETHER: usize = 64;

/// What was counted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Counted {
    pub(crate) distinct: u64,
    pub(crate) exact: bool,
    /// Relative standard error of an estimate.
    pub(crate) error: f64,
    /// Hashes with their counts, the frequent first: a few more than are asked for where counts are equal, so that
    /// ties can be told by the texts themselves.
    pub(crate) top: Vec<(u64, u64)>,
    /// Every other text occurs once, and some of them are needed to fill the list.
    pub(crate) singles: bool,
}

impl Counter {
    /// An empty one.
    pub(crate) fn new(caps: Caps) -> Self {
        Self {
            caps,
            table: HashMap::with_hasher(Through),
            spill: Vec::new(),
            sketch: None,
            waiting: Vec::with_capacity(TOGETHER),
        }
    }

    /// Counts a text once.
    pub(crate) fn add(&mut self, hash: u64) -> Result<(), Error> {
        self.waiting.push(hash);
        if self.waiting.len() < TOGETHER { Ok(()) } else { self.count_waiting() }
    }

    fn count_waiting(&mut self) -> Result<(), Error> {
        let mut waiting = std::mem::take(&mut self.waiting);
        for hash in &waiting {
            self.add_times(*hash, 1)?;
        }
        waiting.clear();
        self.waiting = waiting;
        Ok(())
    }

    /// Counts a text `times` times.
    pub(crate) fn add_times(&mut self, hash: u64, times: u64) -> Result<(), Error> {
        if let Some(sketch) = &mut self.sketch {
            sketch.update(hash);
        }
        if let Some(count) = self.table.get_mut(&hash) {
            *count += times;
        } else if self.table.len() < self.caps.table || times > 1 {
            self.table.insert(hash, times);
        } else {
            self.spill.extend(std::iter::repeat_n(hash, times as usize));
            if self.spill.len() >= self.caps.spill {
                self.overflow()?;
            }
        }
        Ok(())
    }

    /// Too many: from here on the number of different texts is estimated, and of the kept hashes only those that came
    /// often go on being counted.
    fn overflow(&mut self) -> Result<(), Error> {
        if self.sketch.is_none() {
            let mut sketch = HllSketch::new(PRECISION, HllType::Hll8)
                .map_err(|e| Error::Internal(format!("counting different values: {e}")))?;
            self.table.keys().for_each(|hash| sketch.update(*hash));
            self.sketch = Some(sketch);
        }
        self.spill.sort_unstable();
        let mut frequent: Vec<(u64, u64)> = Vec::new();
        for run in self.spill.chunk_by(|a, b| a == b) {
            let Some(hash) = run.first() else { continue };
            if let Some(sketch) = &mut self.sketch {
                sketch.update(*hash);
            }
            if run.len() > 1 {
                frequent.push((*hash, run.len() as u64));
            }
        }
        frequent.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        self.table.extend(frequent.into_iter().take(FREQUENT));
        self.spill.clear();
        Ok(())
    }

    /// The figures; `values` is how many texts there were, which no estimate may exceed.
    pub(crate) fn finish(mut self, values: u64, top: usize) -> Result<Counted, Error> {
        self.count_waiting()?;
        let mut repeated: Vec<(u64, u64)> =
            self.table.iter().filter(|(_, c)| **c > 1).map(|(h, c)| (*h, *c)).collect();
        self.spill.sort_unstable();
        let mut distinct = self.table.len() as u64;
        for run in self.spill.chunk_by(|a, b| a == b) {
            distinct += 1;
            if let (Some(hash), 2..) = (run.first(), run.len()) {
                repeated.push((*hash, run.len() as u64));
            }
        }
        let exact = self.sketch.is_none();
        let mut error = 0.0;
        if let Some(sketch) = &self.sketch {
            let estimate = sketch.estimate();
            error = (sketch.upper_bound(NumStdDev::One) - estimate) / estimate.max(1.0);
            distinct = (estimate.round() as u64).clamp(self.table.len() as u64, values);
        }
        repeated.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        let least = repeated.get(top.saturating_sub(1)).map_or(0, |(_, c)| *c);
        let keep = repeated.partition_point(|(_, c)| *c >= least);
        repeated.truncate(keep);
        let singles = exact && repeated.len() < top;
        Ok(Counted { distinct, exact, error, top: repeated, singles })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::hash::hash;

    fn count(n: u64, repeats: u64, caps: Caps) -> Counted {
        let mut counter = Counter::new(caps);
        for _ in 0..repeats {
            for i in 0..n {
                counter.add(hash(&format!("value {i}"))).unwrap();
            }
        }
        counter.finish(n * repeats, 10).unwrap()
    }

    #[test]
    fn counts_are_exact_below_the_caps() {
        let counted = count(50, 7, Caps::default());
        assert_eq!((counted.distinct, counted.exact, counted.error), (50, true, 0.0));
        assert!(counted.top.iter().all(|(_, c)| *c == 7));
        let counted = count(1_000, 3, Caps { table: 100, spill: 10_000 });
        assert_eq!((counted.distinct, counted.exact), (1_000, true));
    }

    #[test]
    fn beyond_the_caps_the_estimate_keeps_its_bound_and_frequent_values_their_counts() {
        let caps = Caps { table: 100, spill: 1_000 };
        let mut counter = Counter::new(caps);
        let n = 200_000u64;
        for i in 0..n {
            counter.add(hash(&format!("value {i}"))).unwrap();
            counter.add(hash("often")).unwrap();
        }
        let counted = counter.finish(2 * n, 10).unwrap();
        assert!(!counted.exact);
        // Four standard errors.
        let off = (counted.distinct as f64 - (n + 1) as f64).abs() / n as f64;
        assert!(off < 4.0 * counted.error, "{off}");
        assert_eq!(counted.top.first(), Some(&(hash("often"), n)));
        // Never more than there are values.
        assert!(count(2_000, 1, caps).distinct <= 2_000);
    }
}
