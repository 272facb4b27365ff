//! Exact quantiles in bounded memory: values are kept as long as they fit; then they are counted by their leading bits,
//! and the next pass looks closer at the buckets that hold the wanted ranks.

use std::collections::BTreeMap;

use crate::clean::key::{from_order_bits, order_bits};

/// Bits by which a bucket is divided in one pass: 4,096 counters are 32 KiB.
const STEP: u32 = 12;

#[derive(Debug)]
enum Content {
    Kept(Vec<u64>),
    Counted(Vec<u64>),
}

/// The values whose first `bits` bits are `prefix`.
#[derive(Debug)]
struct Bucket {
    bits: u32,
    /// Values below all of the bucket.
    below: u64,
    content: Content,
}

/// Quantiles of one column's finite values, by linear interpolation between order statistics (type 7 of Hyndman & Fan,
/// 1996).
#[derive(Debug)]
pub(crate) struct Quantiles {
    wanted: Vec<f64>,
    /// Values that may be kept.
    cap: usize,
    n: u64,
    first: bool,
    buckets: BTreeMap<u64, Bucket>,
    /// Order statistics that are known, by rank from 0.
    known: BTreeMap<u64, f64>,
}

fn width(bits: u32) -> u32 {
    STEP.min(64 - bits)
}

/// The first `bits` bits.
fn prefix(key: u64, bits: u32) -> u64 {
    if bits == 0 { 0 } else { key >> (64 - bits) }
}

/// The bits that tell a bucket's children apart.
fn child(key: u64, bits: u32) -> usize {
    let width = width(bits);
    ((key >> (64 - bits - width)) & ((1 << width) - 1)) as usize
}

impl Bucket {
    fn new(bits: u32, below: u64) -> Self {
        Self { bits, below, content: Content::Kept(Vec::new()) }
    }

    fn add(&mut self, key: u64, cap: usize) {
        match &mut self.content {
            Content::Kept(kept) if kept.len() < cap => kept.push(key),
            Content::Kept(kept) => {
                let mut counts = vec![0u64; 1 << width(self.bits)];
                for key in kept.iter().chain([&key]) {
                    if let Some(count) = counts.get_mut(child(*key, self.bits)) {
                        *count += 1;
                    }
                }
                self.content = Content::Counted(counts);
            }
            Content::Counted(counts) => {
                if let Some(count) = counts.get_mut(child(key, self.bits)) {
                    *count += 1;
                }
            }
        }
    }
}

impl Quantiles {
    /// For some probabilities from 0 to 1; `cap` values may be kept in memory.
    pub(crate) fn new(wanted: &[f64], cap: usize) -> Self {
        let buckets = BTreeMap::from([(0, Bucket::new(0, 0))]);
        Self { wanted: wanted.to_vec(), cap, n: 0, first: true, buckets, known: BTreeMap::new() }
    }

    /// Adds a block. What is missing, NaN or infinite is left out.
    pub(crate) fn add(&mut self, values: &[Option<f64>]) {
        // All buckets of a pass are divided at the same bit.
        let Some(bits) = self.buckets.values().next().map(|b| b.bits) else { return };
        let cap = self.cap / self.buckets.len().max(1);
        for value in values.iter().flatten().filter(|v| v.is_finite()) {
            let key = order_bits(*value);
            self.n += u64::from(self.first);
            if let Some(bucket) = self.buckets.get_mut(&prefix(key, bits)) {
                bucket.add(key, cap);
            }
        }
    }

    fn ranks(&self) -> Vec<u64> {
        let last = self.n.saturating_sub(1);
        let mut ranks: Vec<u64> = self
            .wanted
            .iter()
            .flat_map(|p| {
                let at = p * last as f64;
                [at.floor() as u64, (at.ceil() as u64).min(last)]
            })
            .collect();
        ranks.sort_unstable();
        ranks.dedup();
        ranks
    }

    /// Ends a pass over all values; `true` where none more is needed.
    pub(crate) fn end_pass(&mut self) -> bool {
        self.first = false;
        let buckets = std::mem::take(&mut self.buckets);
        if self.n == 0 {
            return true;
        }
        let open: Vec<u64> = self.ranks().into_iter().filter(|r| !self.known.contains_key(r)).collect();
        for (name, mut bucket) in buckets {
            match &mut bucket.content {
                Content::Kept(kept) => {
                    kept.sort_unstable();
                    for rank in &open {
                        let at = rank.checked_sub(bucket.below).and_then(|at| kept.get(at as usize));
                        if let Some(key) = at {
                            self.known.insert(*rank, from_order_bits(*key));
                        }
                    }
                }
                Content::Counted(counts) => {
                    let mut below = bucket.below;
                    let width = width(bucket.bits);
                    for (i, count) in counts.iter().enumerate() {
                        let inside = open.iter().filter(|r| (below..below + count).contains(r));
                        let next = if bucket.bits == 0 { i as u64 } else { name << width | i as u64 };
                        for rank in inside {
                            if bucket.bits + width == 64 {
                                self.known.insert(*rank, from_order_bits(next));
                            } else {
                                let make = || Bucket::new(bucket.bits + width, below);
                                self.buckets.entry(next).or_insert_with(make);
                            }
                        }
                        below += count;
                    }
                }
            }
        }
        self.buckets.is_empty()
    }

    /// The wanted quantiles in their order; `None` where there were no values.
    pub(crate) fn finish(&self) -> Option<Vec<f64>> {
        let last = self.n.checked_sub(1)?;
        self.wanted
            .iter()
            .map(|p| {
                let at = p * last as f64;
                let (low, high) = (at.floor(), at.ceil().min(last as f64));
                let (a, b) = (self.known.get(&(low as u64))?, self.known.get(&(high as u64))?);
                // Halves of both ends, so that their difference does not overflow.
                let share = at - low;
                Some(if a == b { *a } else { a * (1.0 - share) + b * share })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_sorting(values: &[f64], p: f64) -> f64 {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = p * (sorted.len() - 1) as f64;
        let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
        low + (high - low) * (at - at.floor())
    }

    #[test]
    fn passes_over_few_bits_give_what_sorting_gives() {
        let mut seed = 7u64;
        let mut random = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) as f64 / 2f64.powi(31)
        };
        let smooth: Vec<f64> = (0..5_000).map(|_| (random() - 0.3) * 1e6).collect();
        let close: Vec<f64> = (0..5_000).map(|_| 100.0 + random() * 1e-9).collect();
        let tied: Vec<f64> = (0..5_000).map(|i| if i % 3 == 0 { 1.5 } else { -2.0 }).collect();
        let wanted = [0.0, 0.01, 0.25, 0.5, 0.75, 0.99, 1.0];
        for values in [smooth, close, tied, vec![4.0], vec![1.0, 2.0]] {
            for cap in [10_000, 100, 0] {
                let mut quantiles = Quantiles::new(&wanted, cap);
                let mut passes = 0;
                loop {
                    for block in values.chunks(999) {
                        let mut block: Vec<_> = block.iter().copied().map(Some).collect();
                        block.extend([None, Some(f64::NAN)]);
                        quantiles.add(&block);
                    }
                    passes += 1;
                    if quantiles.end_pass() {
                        break;
                    }
                }
                assert!(passes <= 6);
                for (got, p) in quantiles.finish().unwrap().into_iter().zip(wanted) {
                    let want = by_sorting(&values, p);
                    assert!((got - want).abs() <= 1e-12 * want.abs(), "{p}: {got} is not {want}, cap {cap}");
                }
            }
        }
        let mut none = Quantiles::new(&wanted, 10);
        assert!(none.end_pass() && none.finish().is_none());
    }
}
