//! How many different texts there are and which are frequent: exact in bounded memory as long as that goes, then
//! estimated, and said so.
//!
//! Texts are counted by a 64-bit hash. Two of a million different texts share one with a probability of about 3·10⁻⁸.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};

use foldhash::quality::FixedState;

/// Registers of the estimate: 2^14, for a standard error of 1.04/√2^14 = 0.81 %.
const PRECISION: u32 = 14;

/// HyperLogLog (Flajolet, Fusy, Gandouet & Meunier, 2007, "HyperLogLog: the analysis of a near-optimal cardinality
/// estimation algorithm", AofA '07) over 64-bit hashes, with linear counting for small counts.
struct HyperLogLog {
    registers: Vec<u8>,
}

impl HyperLogLog {
    fn new() -> Self {
        Self { registers: vec![0; 1 << PRECISION] }
    }

    fn add(&mut self, hash: u64) {
        let index = (hash >> (64 - PRECISION)) as usize;
        // A bit set behind the rest bounds the rank where all of it is zero.
        let rank = ((hash << PRECISION) | (1 << (PRECISION - 1))).leading_zeros() as u8 + 1;
        if let Some(register) = self.registers.get_mut(index) {
            *register = (*register).max(rank);
        }
    }

    fn estimate(&self) -> f64 {
        let m = self.registers.len() as f64;
        let alpha = 0.7213 / (1.0 + 1.079 / m);
        let harmonic: f64 = self.registers.iter().map(|r| 2f64.powi(-i32::from(*r))).sum();
        let raw = alpha * m * m / harmonic;
        let empty = self.registers.iter().filter(|r| **r == 0).count();
        if raw <= 2.5 * m && empty > 0 { m * (m / empty as f64).ln() } else { raw }
    }
}

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

/// A hasher for keys that are hashes.
#[derive(Default, Clone)]
struct Through;

struct Kept(u64);

impl Hasher for Kept {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|b| self.0 = self.0.rotate_left(8) ^ u64::from(*b));
    }
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl BuildHasher for Through {
    type Hasher = Kept;
    fn build_hasher(&self) -> Kept {
        Kept(0)
    }
}

/// Counts texts.
pub(crate) struct Counter {
    caps: Caps,
    table: HashMap<u64, u64, Through>,
    spill: Vec<u64>,
    sketch: Option<HyperLogLog>,
}

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

/// The hash of a text: the same in every run, so that estimates are.
pub(crate) fn hash(text: &str) -> u64 {
    FixedState::with_seed(0x6472_6f70).hash_one(text.as_bytes())
}

impl Counter {
    /// An empty one.
    pub(crate) fn new(caps: Caps) -> Self {
        Self { caps, table: HashMap::with_hasher(Through), spill: Vec::new(), sketch: None }
    }

    /// Counts one text.
    pub(crate) fn add(&mut self, hash: u64) {
        if let Some(sketch) = &mut self.sketch {
            sketch.add(hash);
        }
        if let Some(count) = self.table.get_mut(&hash) {
            *count += 1;
        } else if self.table.len() < self.caps.table {
            self.table.insert(hash, 1);
        } else {
            self.spill.push(hash);
            if self.spill.len() >= self.caps.spill {
                self.overflow();
            }
        }
    }

    /// Too many: from here on the number of different texts is estimated, and of the kept hashes only those that came
    /// often go on being counted.
    fn overflow(&mut self) {
        let sketch = self.sketch.get_or_insert_with(|| {
            let mut sketch = HyperLogLog::new();
            self.table.keys().for_each(|hash| sketch.add(*hash));
            sketch
        });
        self.spill.iter().for_each(|hash| sketch.add(*hash));
        self.spill.sort_unstable();
        let (_, frequent) = super::numeric::runs(&self.spill, 256);
        self.table.extend(frequent.into_iter().filter(|(_, count)| *count > 1));
        self.spill.clear();
    }

    /// The figures; `values` is how many texts there were, which no estimate may exceed.
    pub(crate) fn finish(mut self, values: u64, top: usize) -> Counted {
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
        let (exact, error) = (self.sketch.is_none(), 1.04 / f64::from(1u32 << PRECISION).sqrt());
        if let Some(sketch) = &self.sketch {
            distinct = (sketch.estimate().round() as u64).clamp(self.table.len() as u64, values);
        }
        repeated.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        let least = repeated.get(top.saturating_sub(1)).map_or(0, |(_, c)| *c);
        let keep = repeated.partition_point(|(_, c)| *c >= least);
        repeated.truncate(keep);
        let singles = exact && repeated.len() < top;
        Counted { distinct, exact, error: if exact { 0.0 } else { error }, top: repeated, singles }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(n: u64, repeats: u64, caps: Caps) -> Counted {
        let mut counter = Counter::new(caps);
        for _ in 0..repeats {
            for i in 0..n {
                counter.add(hash(&format!("value {i}")));
            }
        }
        counter.finish(n * repeats, 10)
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
            counter.add(hash(&format!("value {i}")));
            counter.add(hash("often"));
        }
        let counted = counter.finish(2 * n, 10);
        assert!(!counted.exact);
        // Four standard errors.
        let off = (counted.distinct as f64 - (n + 1) as f64).abs() / n as f64;
        assert!(off < 4.0 * counted.error, "{off}");
        assert_eq!(counted.top.first(), Some(&(hash("often"), n)));
        // Never more than there are values.
        assert!(count(2_000, 1, caps).distinct <= 2_000);
    }

    #[test]
    fn the_sketch_holds_its_error_over_orders_of_magnitude() {
        for n in [10u64, 1_000, 30_000, 300_000] {
            let mut sketch = HyperLogLog::new();
            (0..n).for_each(|i| sketch.add(hash(&i.to_string())));
            let off = (sketch.estimate() - n as f64).abs() / n as f64;
            assert!(off < 0.033, "{n}: {off}");
        }
    }
}
