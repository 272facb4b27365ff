//! Figures of numbers. Everything is taken from the sorted values, so it depends on no order and on no chunking.

use dropforge_shared::profile::{Histogram, Quantiles};

/// Intervals of a histogram.
const BINS: usize = 20;

/// A number that columns hold.
pub(crate) trait Num: Copy + PartialOrd {
    /// As a float.
    fn float(self) -> f64;
    /// The distance from a smaller number, without the digits that both share.
    fn above(self, smaller: Self) -> f64;
    /// The exact mean, where the type allows one.
    fn exact_mean(sorted: &[Self]) -> Option<f64>;
}

impl Num for i64 {
    fn float(self) -> f64 {
        self as f64
    }
    fn above(self, smaller: Self) -> f64 {
        self.abs_diff(smaller) as f64
    }
    fn exact_mean(sorted: &[Self]) -> Option<f64> {
        let sum: i128 = sorted.iter().map(|v| i128::from(*v)).sum();
        Some(sum as f64 / sorted.len() as f64)
    }
}

impl Num for f64 {
    fn float(self) -> f64 {
        self
    }
    fn above(self, smaller: Self) -> f64 {
        self - smaller
    }
    fn exact_mean(_: &[Self]) -> Option<f64> {
        None
    }
}

/// Figures of a column's finite values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Figures {
    pub(crate) mean: Option<f64>,
    pub(crate) std: Option<f64>,
    /// Fisher–Pearson coefficient of skewness (g1).
    pub(crate) skewness: Option<f64>,
    pub(crate) quantiles: Quantiles,
    pub(crate) zeros: u64,
    pub(crate) outliers: u64,
    pub(crate) histogram: Histogram,
}

/// A sum that keeps what rounding drops (Neumaier, 1974, "Rundungsfehleranalyse einiger Verfahren zur Summation
/// endlicher Summen", ZAMM 54:39–51).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    /// Adds one number.
    pub(crate) fn add(&mut self, value: f64) {
        let next = self.sum + value;
        self.lost +=
            if self.sum.abs() >= value.abs() { (self.sum - next) + value } else { (value - next) + self.sum };
        self.sum = next;
    }

    /// What they are together.
    pub(crate) fn total(self) -> f64 {
        self.sum + self.lost
    }
}

fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let mut sum = Sum::default();
    values.for_each(|v| sum.add(v));
    sum.total()
}

/// Figures of sorted finite values; `None` where there are none.
pub(crate) fn figures<T: Num>(sorted: &[T]) -> Option<Figures> {
    let (first, last) = (*sorted.first()?, *sorted.last()?);
    let n = sorted.len() as f64;
    // Scaled to about 1, so that neither the sum of ±1e308 nor the squares of 1e-200 leave the range of floats.
    let largest = first.float().abs().max(last.float().abs());
    let scale = if largest > 1e100 || (largest < 1e-100 && largest > 0.0) { largest } else { 1.0 };
    // Distances from the smallest value keep the digits in which large numbers (ids, times) differ.
    let distance = |v: &T| {
        if scale == 1.0 { v.above(first) } else { v.float() / scale - first.float() / scale }
    };
    let mean_distance = sum(sorted.iter().map(distance)) / n;
    let mean = T::exact_mean(sorted).unwrap_or_else(|| {
        if scale == 1.0 {
            sum(sorted.iter().map(|v| v.float())) / n
        } else {
            sum(sorted.iter().map(|v| v.float() / scale)) / n * scale
        }
    });
    let (mut rest, mut squares, mut cubes) = (Sum::default(), Sum::default(), Sum::default());
    for value in sorted {
        let d = distance(value) - mean_distance;
        rest.add(d);
        squares.add(d * d);
        cubes.add(d * d * d);
    }
    // The second pass corrects for the rounding of the mean (Chan, Golub & LeVeque, 1983, "Algorithms for computing
    // the sample variance", The American Statistician 37:242–247).
    let squares = (squares.total() - rest.total() * rest.total() / n).max(0.0);
    let constant = first.float() == last.float();
    let std = match sorted.len() {
        0 | 1 => None,
        _ if constant => Some(0.0),
        _ => Some((squares / (n - 1.0)).sqrt() * scale),
    };
    let variance = squares / n;
    let skewness = (!constant && variance > 0.0).then(|| cubes.total() / n / variance.powf(1.5));
    let quantiles = Quantiles {
        p05: quantile(sorted, 0.05),
        p25: quantile(sorted, 0.25),
        p50: quantile(sorted, 0.50),
        p75: quantile(sorted, 0.75),
        p95: quantile(sorted, 0.95),
    };
    let below = |x: f64| sorted.partition_point(|v| v.float() < x) as u64;
    let up_to = |x: f64| sorted.partition_point(|v| v.float() <= x) as u64;
    let spread = quantiles.p75 - quantiles.p25;
    let (low, high) = (quantiles.p25 - 1.5 * spread, quantiles.p75 + 1.5 * spread);
    let outliers = below(low) + (sorted.len() as u64 - up_to(high));
    let finite = |x: f64| x.is_finite().then_some(x);
    Some(Figures {
        mean: finite(mean.clamp(first.float(), last.float())),
        std: std.and_then(finite),
        skewness: skewness.and_then(finite),
        quantiles,
        zeros: up_to(0.0) - below(0.0),
        outliers,
        histogram: histogram(sorted),
    })
}

/// Type 7 of Hyndman & Fan.
pub(crate) fn quantile<T: Num>(sorted: &[T], p: f64) -> f64 {
    let h = (sorted.len().saturating_sub(1)) as f64 * p;
    let at = |i: usize| sorted.get(i).or(sorted.last()).map_or(f64::NAN, |v| v.float());
    let (low, high, fraction) = (at(h.floor() as usize), at(h.ceil() as usize), h - h.floor());
    let difference = high - low;
    if difference.is_finite() {
        low + difference * fraction
    } else {
        low * (1.0 - fraction) + high * fraction
    }
}

/// Intervals of equal width from the smallest to the largest value; one where all are equal.
fn histogram<T: Num>(sorted: &[T]) -> Histogram {
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else {
        return Histogram { edges: Vec::new(), counts: Vec::new() };
    };
    let (min, max) = (first.float(), last.float());
    if min >= max {
        return Histogram { edges: vec![min, max], counts: vec![sorted.len() as u64] };
    }
    let mut edges: Vec<f64> = (0..=BINS)
        .map(|i| {
            let part = i as f64 / BINS as f64;
            // Halves first: the width of −1e308 to 1e308 is no float.
            if i == BINS { max } else { min + 2.0 * ((max / 2.0 - min / 2.0) * part) }
        })
        .map(|edge| edge.clamp(min, max))
        .collect();
    if edges.iter().any(|e| !e.is_finite()) {
        edges = (0..=BINS)
            .map(|i| i as f64 / BINS as f64)
            .map(|part| (min * (1.0 - part) + max * part).clamp(min, max))
            .collect();
    }
    // Where the range holds fewer floats than intervals.
    edges.dedup();
    let mut counts = Vec::with_capacity(edges.len());
    let mut before = 0u64;
    for edge in edges.iter().skip(1) {
        let upto = if *edge >= max {
            sorted.len() as u64
        } else {
            sorted.partition_point(|v| v.float() < *edge) as u64
        };
        counts.push(upto - before);
        before = upto;
    }
    Histogram { edges, counts }
}

/// Different values and the most frequent ones (by count, then the smaller first), out of sorted values.
pub(crate) fn runs<T: Copy + PartialEq>(sorted: &[T], top: usize) -> (u64, Vec<(T, u64)>) {
    let mut distinct = 0;
    let mut best: Vec<(T, u64)> = Vec::with_capacity(top + 1);
    let mut rest = sorted;
    while let Some(&value) = rest.first() {
        let length = rest.iter().take_while(|v| **v == value).count();
        distinct += 1;
        let count = length as u64;
        if best.len() < top || best.last().is_some_and(|(_, least)| count > *least) {
            // Values come in ascending order, so among equal counts a later one goes behind.
            let at = best.partition_point(|(_, c)| *c >= count);
            best.insert(at, (value, count));
            best.truncate(top);
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    (distinct, best)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-9 * b.abs().max(1e-300), "{a} is not {b}");
    }

    /// A generator of test numbers (xorshift), so that the oracle sees no special case only.
    fn numbers(n: usize) -> Vec<f64> {
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        (0..n)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 11) as f64 / (1u64 << 53) as f64 * 2000.0 - 700.0
            })
            .collect()
    }

    #[test]
    fn figures_agree_with_a_plain_two_pass_oracle() {
        for offset in [0.0, 1e9] {
            let mut values: Vec<f64> = numbers(10_001).into_iter().map(|v| v + offset).collect();
            let n = values.len() as f64;
            let mean = values.iter().map(|v| v - offset).sum::<f64>() / n + offset;
            let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
            values.sort_by(f64::total_cmp);
            let f = figures(&values).unwrap();
            close(f.mean.unwrap(), mean);
            close(f.std.unwrap(), variance.sqrt());
            // 10,001 values: the quartiles are order statistics themselves.
            close(f.quantiles.p25, values[2_500]);
            close(f.quantiles.p50, values[5_000]);
            close(f.quantiles.p95, values[9_500]);
            let fence = 1.5 * (values[7_500] - values[2_500]);
            let outside =
                values.iter().filter(|v| **v < values[2_500] - fence || **v > values[7_500] + fence).count();
            assert_eq!(f.outliers, outside as u64);
            assert_eq!(f.histogram.counts.iter().sum::<u64>(), 10_001);
            for (i, count) in f.histogram.counts.iter().enumerate() {
                let last = i + 1 == f.histogram.counts.len();
                let (low, high) = (f.histogram.edges[i], f.histogram.edges[i + 1]);
                let inside =
                    values.iter().filter(|v| **v >= low && (**v < high || (last && **v <= high))).count();
                assert_eq!(*count, inside as u64);
            }
        }
    }

    #[test]
    fn a_hand_computed_column() {
        // 2 4 4 4 5 5 7 9: mean 5, squares 32, so s = √(32/7); skewness g1 = (42/8) / 4^1.5 = 0.65625.
        let f = figures(&[2i64, 4, 4, 4, 5, 5, 7, 9]).unwrap();
        assert_eq!(f.mean, Some(5.0));
        close(f.std.unwrap(), (32.0f64 / 7.0).sqrt());
        close(f.skewness.unwrap(), 0.65625);
        // R: quantile(x, c(.05,.25,.5,.75,.95)) = 2.7 4.0 4.5 5.5 8.3
        for (got, expected) in [
            (f.quantiles.p05, 2.7),
            (f.quantiles.p25, 4.0),
            (f.quantiles.p50, 4.5),
            (f.quantiles.p75, 5.5),
            (f.quantiles.p95, 8.3),
        ] {
            close(got, expected);
        }
        // Fences 1.75 and 7.75: the 9 lies outside.
        assert_eq!(f.outliers, 1);
    }

    #[test]
    fn figures_stay_finite_at_the_ends_of_the_range() {
        let f = figures(&[-1e308, -1e308, 0.0, 1e308, 1e308]).unwrap();
        assert_eq!((f.mean, f.zeros), (Some(0.0), 1));
        close(f.std.unwrap(), 1e308);
        assert!(f.histogram.edges.iter().all(|e| e.is_finite()));
        assert!(f.histogram.edges.windows(2).all(|w| w[0] < w[1]));
        assert_eq!(f.histogram.counts.iter().sum::<u64>(), 5);
        let f = figures(&[7.5; 3]).unwrap();
        assert_eq!((f.std, f.outliers, f.skewness), (Some(0.0), 0, None));
        assert_eq!(f.histogram, Histogram { edges: vec![7.5, 7.5], counts: vec![3] });
        let f = figures(&[f64::from_bits(1), f64::from_bits(2)]).unwrap();
        assert_eq!(f.histogram.counts.iter().sum::<u64>(), 2);
        let f = figures(&[i64::MIN, i64::MAX]).unwrap();
        close(f.mean.unwrap(), -0.5);
        // Neighbours far from zero: their spread is exact.
        let f = figures(&[9_007_199_254_740_993i64, 9_007_199_254_740_994, 9_007_199_254_740_995]).unwrap();
        close(f.std.unwrap(), 1.0);
        assert_eq!(figures::<f64>(&[]), None);
        assert_eq!(figures(&[3i64]).unwrap().std, None);
    }

    #[test]
    fn runs_are_counted_and_ties_go_to_the_smaller() {
        let (distinct, top) = runs(&[1, 1, 2, 3, 3, 4], 3);
        assert_eq!((distinct, top), (4, vec![(1, 2), (3, 2), (2, 1)]));
        assert_eq!(runs::<i64>(&[], 10), (0, vec![]));
    }
}
