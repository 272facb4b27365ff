//! Figures of numbers against a plain two-pass formula and against numbers of another tool.

use super::*;

/// Figures of values, held (`None`) or read again for each pass in small pieces.
fn told<T: Number>(values: &[T]) -> Option<(Figures, Order)> {
    let keys: Vec<u64> = values.iter().map(|v| v.key()).collect();
    let pass = |take: &mut dyn FnMut(&[u64])| {
        keys.chunks(1_000).for_each(take);
        Ok(())
    };
    let low = keys.iter().min().copied().unwrap_or(0);
    let high = keys.iter().max().copied().unwrap_or(0);
    let count = keys.len() as u64;
    let mut held = Keys { held: Some(keys.clone()), pass: &pass, count, low, high };
    let mut again = Keys { held: None, pass: &pass, count, low, high };
    let figures = figures::<T>(&mut held).unwrap();
    let (a, b) = (figures.as_ref(), super::figures::<T>(&mut again).unwrap());
    assert_eq!(a.map(|f| &f.1), b.as_ref().map(|f| &f.1));
    assert_eq!(a.map(|f| f.0.quantiles), b.as_ref().map(|f| f.0.quantiles));
    figures
}

fn of<T: Number>(values: &[T]) -> Figures {
    told(values).unwrap().0
}

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
    for (offset, factor) in [(0.0, 1.0), (1e9, 1.0), (1e9, 1e-5), (-4e15, 1.0), (0.0, 1e-310), (0.0, 1e300)] {
        let base: Vec<f64> = numbers(10_001).into_iter().map(|v| v * factor).collect();
        // The oracle sees the values as they are stored, without what the offset swallowed.
        let mut values: Vec<f64> = base.iter().map(|v| v + offset).collect();
        let near: Vec<f64> = values.iter().map(|v| (v - offset) / factor).collect();
        let n = values.len() as f64;
        let mean = near.iter().sum::<f64>() / n;
        let power = |k: i32| near.iter().map(|v| (v - mean).powi(k)).sum::<f64>();
        let f = of(&values);
        let digits = if factor < 1e-300 { 1e-4 } else { 1e-9 };
        let near = |a: f64, b: f64| assert!((a - b).abs() <= digits * b.abs(), "{offset} {factor}: {a} {b}");
        near(f.mean.unwrap(), mean * factor + offset);
        near(f.std.unwrap(), (power(2) / (n - 1.0)).sqrt() * factor);
        let skewness = power(3) / n / (power(2) / n).powf(1.5);
        assert!((f.skewness.unwrap() - skewness).abs() < digits.max(1e-9));
        values.sort_by(f64::total_cmp);
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
fn integers_keep_every_digit() {
    let values: Vec<i64> =
        numbers(5_001).iter().map(|v| 9_007_199_254_000_000_000 + (*v * 1e6) as i64).collect();
    let n = values.len() as f64;
    let sum: i128 = values.iter().map(|v| i128::from(*v)).sum();
    let low = *values.iter().min().unwrap();
    let near: Vec<f64> = values.iter().map(|v| (v - low) as f64).collect();
    let mean = near.iter().sum::<f64>() / n;
    let std = (near.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    let f = of(&values);
    close(f.mean.unwrap(), sum as f64 / n);
    close(f.std.unwrap(), std);
    // Neighbours far from zero: their spread is exact.
    let f = of(&[9_007_199_254_740_993i64, 9_007_199_254_740_994, 9_007_199_254_740_995]);
    close(f.std.unwrap(), 1.0);
    close(of(&[i64::MIN, i64::MAX]).mean.unwrap(), -0.5);
}

#[test]
fn a_hand_computed_column() {
    // 2 4 4 4 5 5 7 9: mean 5, squares 32, so s = √(32/7); skewness g1 = (42/8) / 4^1.5 = 0.65625.
    let f = of(&[2i64, 4, 4, 4, 5, 5, 7, 9]);
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
    // x = [3.1, -2, 8, 44, 0.5, 7, 7, 1e3]; scipy.stats.skew(x), pandas.Series(x).std()
    let f = of(&[3.1, -2.0, 8.0, 44.0, 0.5, 7.0, 7.0, 1e3]);
    close(f.skewness.unwrap(), 2.260_227_100_669_176_5);
    close(f.std.unwrap(), 350.436_593_001_957);
}

#[test]
fn figures_stay_finite_at_the_ends_of_the_range() {
    let f = of(&[-1e308, -1e308, 0.0, 1e308, 1e308]);
    assert_eq!((f.mean, f.zeros), (Some(0.0), 1));
    close(f.std.unwrap(), 1e308);
    assert_eq!(f.skewness, Some(0.0));
    assert!(f.histogram.edges.iter().all(|e| e.is_finite()));
    assert!(f.histogram.edges.windows(2).all(|w| w[0] < w[1]));
    assert_eq!(f.histogram.counts.iter().sum::<u64>(), 5);
    // The deviation is beyond the floats: none rather than infinity.
    assert_eq!(of(&[f64::MIN, f64::MAX]).std, None);
    let f = of(&[7.5; 3]);
    assert_eq!((f.std, f.outliers, f.skewness), (Some(0.0), 0, None));
    assert_eq!(f.histogram, Histogram { edges: vec![7.5, 7.5], counts: vec![3] });
    let f = of(&[f64::from_bits(1), f64::from_bits(2)]);
    assert_eq!(f.histogram.counts.iter().sum::<u64>(), 2);
    assert!(f.std.is_some_and(|s| s > 0.0));
    assert!(told::<f64>(&[]).is_none());
    assert_eq!((of(&[3i64]).std, of(&[3i64]).mean), (None, Some(3.0)));
}

#[test]
fn the_order_tells_runs_and_ends_and_ties_go_to_the_smaller() {
    let order = told(&[3i64, 1, 4, 1, 3, 2, 9, 9, 9, -5]).unwrap().1;
    assert_eq!(order.distinct, 6);
    let top: Vec<(i64, u64)> = order.top.iter().map(|(k, n)| (i64::of(*k), *n)).collect();
    assert_eq!(top, [(9, 3), (1, 2), (3, 2), (-5, 1), (2, 1), (4, 1)]);
    let ends = |keys: &[(u64, u64)]| keys.iter().map(|(k, n)| (i64::of(*k), *n)).collect::<Vec<_>>();
    assert_eq!(ends(&order.lowest), [(-5, 1), (1, 2), (2, 1), (3, 2)]);
    assert_eq!(ends(&order.highest), [(9, 3), (4, 1), (3, 2), (2, 1)]);
}

#[test]
fn values_at_edges_are_counted_as_numpy_does() {
    // numpy.histogram(numpy.arange(low, high + 1) / 10, 20), numpy 2.
    for (low, high, counts) in [
        (0, 40, [2, 2, 3, 1, 2, 3, 2, 1, 2, 2, 2, 3, 1, 3, 1, 2, 3, 1, 3, 2]),
        (7, 47, [2, 2, 2, 2, 2, 3, 1, 2, 2, 2, 3, 2, 1, 2, 2, 3, 2, 1, 2, 3]),
        (43, 79, [2, 2, 2, 2, 1, 2, 2, 2, 2, 1, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2]),
    ] {
        let values: Vec<f64> = (low..=high).map(|n| f64::from(n) / 10.0).collect();
        assert_eq!(of(&values).histogram.counts, counts, "{low} to {high}");
    }
}

#[test]
fn the_widest_range_has_twenty_equal_intervals() {
    for end in [1e308, 1.7e308, f64::MAX] {
        let histogram = of(&[-end, -end, -0.999 * end, 0.0, 0.3 * end, end]).histogram;
        assert_eq!(histogram.edges.len(), BINS + 1);
        for (i, edge) in histogram.edges.iter().enumerate() {
            assert!((edge / end - (i as f64 / 10.0 - 1.0)).abs() < 1e-12, "{i}: {edge}");
        }
        assert_eq!((histogram.counts[0], histogram.counts[10], histogram.counts[19]), (3, 1, 1));
    }
}
