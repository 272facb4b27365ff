//! Figures of numbers. They depend on no order of the rows, apart from the last digits of sums.

use dropforge_shared::profile::{Histogram, Quantiles};

use super::TOP;
use super::keys::Number;
use super::ordered::{Chunk, HELD, Pass, ascending};
use super::sums::{Sum, add_all};
use crate::error::Error;

/// Intervals of a histogram.
const BINS: usize = 20;

/// Values at either end of the range that are looked at for stand-ins.
const ENDS: usize = 4;

/// The keys of a column: held where they are few enough, else read again for each pass.
pub(crate) struct Keys<'a> {
    pub(crate) held: Option<Vec<u64>>,
    pub(crate) pass: &'a Pass<'a>,
    pub(crate) count: u64,
    pub(crate) low: u64,
    pub(crate) high: u64,
}

impl Keys<'_> {
    fn each(&self, mut take: impl FnMut(&[u64])) -> Result<(), Error> {
        match &self.held {
            Some(held) => take(held),
            None => (self.pass)(&mut take)?,
        }
        Ok(())
    }

    fn ascending(&mut self, take: &mut dyn FnMut(Chunk<'_>)) -> Result<(), Error> {
        match &mut self.held {
            Some(held) => {
                held.sort_unstable();
                take(Chunk::Sorted(held));
                Ok(())
            }
            None => ascending(self.pass, (self.low, self.high), self.count, HELD, take),
        }
    }
}

/// What the ascending order tells. Values are keys.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Order {
    pub(crate) distinct: u64,
    /// By count, then the smaller first; [`TOP`] at most.
    pub(crate) top: Vec<(u64, u64)>,
    /// The smallest different values with their counts, the outermost first.
    pub(crate) lowest: Vec<(u64, u64)>,
    /// The largest ones, the outermost first.
    pub(crate) highest: Vec<(u64, u64)>,
}

impl Order {
    fn run(&mut self, key: u64, count: u64) {
        self.distinct += 1;
        if self.top.len() < TOP || self.top.last().is_some_and(|(_, least)| count > *least) {
            // Values come in ascending order, so among equal counts a later one goes behind.
            let at = self.top.partition_point(|(_, c)| *c >= count);
            self.top.insert(at, (key, count));
            self.top.truncate(TOP);
        }
        if self.lowest.len() < ENDS {
            self.lowest.push((key, count));
        }
    }
}

/// Walks along the ascending keys and picks up what was asked for.
#[derive(Default)]
struct Walk {
    order: Order,
    open: Option<(u64, u64)>,
    /// The last values, each in the place of its number.
    latest: [(u64, u64); ENDS],
    at: u64,
    /// Ranks wanted, ascending, and the keys found there.
    ranks: Vec<u64>,
    found: Vec<u64>,
}

impl Walk {
    fn take(&mut self, chunk: Chunk<'_>) {
        match chunk {
            Chunk::Sorted(keys) => {
                for run in keys.chunk_by(|a, b| a == b) {
                    if let Some(key) = run.first() {
                        self.run(*key, run.len() as u64);
                    }
                }
            }
            Chunk::Same(key, count) => self.run(key, count),
        }
    }

    fn run(&mut self, key: u64, count: u64) {
        self.at += count;
        while self.ranks.get(self.found.len()).is_some_and(|rank| *rank < self.at) {
            self.found.push(key);
        }
        match &mut self.open {
            // A value may go on in the next chunk.
            Some((open, sum)) if *open == key => *sum += count,
            _ => {
                if let Some((key, count)) = self.open.replace((key, count)) {
                    self.close(key, count);
                }
            }
        }
    }

    fn close(&mut self, key: u64, count: u64) {
        if let Some(place) = self.latest.get_mut(self.order.distinct as usize % ENDS) {
            *place = (key, count);
        }
        self.order.run(key, count);
    }

    fn finish(mut self) -> (Order, Vec<u64>) {
        if let Some((key, count)) = self.open.take() {
            self.close(key, count);
        }
        let distinct = self.order.distinct as usize;
        let last = (distinct.saturating_sub(ENDS)..distinct).rev();
        self.order.highest = last.filter_map(|i| self.latest.get(i % ENDS).copied()).collect();
        (self.order, self.found)
    }
}

/// Only the order: for dates.
pub(crate) fn order(keys: &mut Keys<'_>) -> Result<Order, Error> {
    let mut walk = Walk::default();
    keys.ascending(&mut |chunk| walk.take(chunk))?;
    Ok(walk.finish().0)
}

/// Figures of a column's finite values. Each is finite; `None` where there is no such finite number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Figures {
    pub(crate) mean: Option<f64>,
    pub(crate) std: Option<f64>,
    /// Fisher–Pearson coefficient of skewness (g₁).
    pub(crate) skewness: Option<f64>,
    pub(crate) quantiles: Quantiles,
    pub(crate) zeros: u64,
    pub(crate) outliers: u64,
    pub(crate) histogram: Histogram,
}

/// Figures and order; `None` where there are no values.
pub(crate) fn figures<T: Number>(keys: &mut Keys<'_>) -> Result<Option<(Figures, Order)>, Error> {
    if keys.count == 0 {
        return Ok(None);
    }
    let moments = moments::<T>(keys)?;
    let edges = edges(T::of(keys.low).float(), T::of(keys.high).float());
    let shares = [0.05, 0.25, 0.50, 0.75, 0.95];
    let last = (keys.count - 1) as f64;
    let rank = |share: f64| (last * share).floor() as u64;
    let mut ranks: Vec<u64> =
        shares.iter().flat_map(|s| [rank(*s), (rank(*s) + 1).min(keys.count - 1)]).collect();
    ranks.sort_unstable();
    ranks.dedup();
    let mut walk = Walk { ranks: ranks.clone(), ..Walk::default() };
    let mut below = vec![0u64; edges.len()];
    keys.ascending(&mut |chunk| {
        for (below, edge) in below.iter_mut().zip(&edges) {
            *below += match chunk {
                Chunk::Sorted(keys) => keys.partition_point(|k| T::of(*k).float() < *edge) as u64,
                Chunk::Same(key, count) => count * u64::from(T::of(key).float() < *edge),
            };
        }
        walk.take(chunk);
    })?;
    let (order, found) = walk.finish();
    let value = |rank: u64| {
        let at = ranks.partition_point(|r| *r < rank);
        T::of(found.get(at).or(found.last()).copied().unwrap_or(keys.low))
    };
    let quantile = |share: f64| {
        let (low, part) = (rank(share), last * share - rank(share) as f64);
        between(value(low), value((low + 1).min(keys.count - 1)), part)
    };
    let [p05, p25, p50, p75, p95] = shares.map(quantile);
    let fence = 1.5 * (p75 - p25);
    let (least, most) = (p25 - fence, p75 + fence);
    let (mut zeros, mut outliers) = (0u64, 0u64);
    keys.each(|part| {
        for key in part {
            let value = T::of(*key).float();
            zeros += u64::from(value == 0.0);
            outliers += u64::from(value < least) + u64::from(value > most);
        }
    })?;
    let histogram = histogram(edges, &below, keys.count);
    let quantiles = Quantiles { p05, p25, p50, p75, p95 };
    let Moments { mean, std, skewness } = moments;
    Ok(Some((Figures { mean, std, skewness, quantiles, zeros, outliers, histogram }, order)))
}

struct Moments {
    mean: Option<f64>,
    std: Option<f64>,
    skewness: Option<f64>,
}

fn moments<T: Number>(keys: &Keys<'_>) -> Result<Moments, Error> {
    let (first, last) = (T::of(keys.low).float(), T::of(keys.high).float());
    let n = keys.count as f64;
    // Scaled to about 1, so that neither the sum of ±1e308 nor the squares of 1e-200 leave the range of floats.
    let largest = first.abs().max(last.abs());
    let scale = if largest > 1e100 || (largest < 1e-100 && largest > 0.0) { largest } else { 1.0 };
    let (mut exact, mut sum) = (Some(0i128), [Sum::default()]);
    keys.each(|part| {
        exact = exact.zip(T::exact_sum(part)).map(|(sum, more)| sum + more);
        if exact.is_none() {
            add_all(&mut sum, part, |key| [T::of(key).float() / scale]);
        }
    })?;
    let [sum] = sum;
    let mean = exact.map_or(sum.total() / n * scale, |sum| sum as f64 / n).clamp(first, last);
    // Of the column's type: differences from it are exact, or nearly so.
    let centre = T::centre(exact.unwrap_or(0), keys.count, mean);
    if keys.low == keys.high {
        let std = (keys.count > 1).then_some(0.0);
        return Ok(Moments { mean: Some(first), std, skewness: None });
    }
    let mut sums = [Sum::default(); 3];
    let scaled_mean = mean / scale;
    keys.each(|part| {
        let powers = |d: f64| [d, d * d, d * d * d];
        if scale == 1.0 {
            add_all(&mut sums, part, |key| powers(T::of(key).minus(centre)));
        } else {
            add_all(&mut sums, part, |key| powers(T::of(key).float() / scale - scaled_mean));
        }
    })?;
    let [one, two, three] = sums.map(Sum::total);
    // What the centre is off the mean is taken out again (Chan, Golub & LeVeque, 1983, "Algorithms for computing the
    // sample variance", The American Statistician 37:242–247).
    let off = one / n;
    let squares = (two - one * off).max(0.0);
    let cubes = three - 3.0 * off * two + 2.0 * n * off * off * off;
    let variance = squares / n;
    let finite = |v: f64| v.is_finite().then_some(v);
    // The second pass also tells what the first mean lost to rounding.
    let mean = if exact.is_some() { mean } else { (mean + off * scale).clamp(first, last) };
    Ok(Moments {
        mean: finite(mean),
        std: (keys.count > 1).then(|| (squares / (n - 1.0)).sqrt() * scale).and_then(finite),
        skewness: finite(cubes / n / variance.powf(1.5)),
    })
}

/// Linear between two values.
fn between<T: Number>(low: T, high: T, part: f64) -> f64 {
    let distance = high.minus(low);
    if part <= 0.0 || distance == 0.0 {
        low.float()
    } else if distance.is_finite() {
        low.float() + part * distance
    } else {
        low.float() * (1.0 - part) + high.float() * part
    }
}

/// Edges of equal intervals from the smallest to the largest value, rounded as those of `numpy.histogram` are, so that
/// a value at an edge is counted where users expect it.
fn edges(min: f64, max: f64) -> Vec<f64> {
    if min >= max {
        return vec![min, max];
    }
    let bins = BINS as f64;
    let step = (max - min) / bins;
    let edge = |i: usize| match i {
        BINS => max,
        i if step.is_finite() => min + i as f64 * step,
        // The width of −1e308 to 1e308 is no float, and neither are most multiples of its twentieth: in two halves.
        i => {
            let half = i as f64 / 2.0 * (max / bins - min / bins);
            (min + half) + half
        }
    };
    let mut edges: Vec<f64> = (0..=BINS).map(|i| edge(i).clamp(min, max)).collect();
    // Where the range holds fewer floats than intervals.
    edges.dedup();
    edges
}

fn histogram(edges: Vec<f64>, below: &[u64], count: u64) -> Histogram {
    let upto = |i: usize| if i + 1 == edges.len() { count } else { below.get(i).copied().unwrap_or(0) };
    let counts = (1..edges.len()).map(|i| upto(i) - if i == 1 { 0 } else { upto(i - 1) }).collect();
    Histogram { edges, counts }
}

#[cfg(test)]
#[path = "numeric_tests.rs"]
mod tests;
