//! Numbers as 64-bit keys of the same order, so that integers, floats and dates are sorted, counted and divided into
//! ranges by one piece of code.

use dropforge_shared::profile::Scalar;

const SIGN: u64 = 1 << 63;

/// A number that columns hold.
pub(crate) trait Number: Copy + PartialOrd {
    /// The key; keys are ordered as the numbers are.
    fn key(self) -> u64;
    /// The number of a key.
    fn of(key: u64) -> Self;
    /// As a float.
    fn float(self) -> f64;
    /// The difference, without the digits that both share.
    fn minus(self, other: Self) -> f64;
    /// The sum of keys, where the type allows an exact one.
    fn exact_sum(keys: &[u64]) -> Option<i128>;
    /// The number next to `sum / count`; `mean` is the same for a type that has no exact sum.
    fn centre(sum: i128, count: u64, mean: f64) -> Self;
    /// As a profile shows it.
    fn scalar(self) -> Scalar;
}

impl Number for i64 {
    fn key(self) -> u64 {
        self.cast_unsigned() ^ SIGN
    }
    fn of(key: u64) -> Self {
        (key ^ SIGN).cast_signed()
    }
    fn float(self) -> f64 {
        self as f64
    }
    fn minus(self, other: Self) -> f64 {
        match self.checked_sub(other) {
            Some(difference) => difference as f64,
            None => (i128::from(self) - i128::from(other)) as f64,
        }
    }
    fn exact_sum(keys: &[u64]) -> Option<i128> {
        Some(keys.iter().map(|key| i128::from(Self::of(*key))).sum())
    }
    fn centre(sum: i128, count: u64, _: f64) -> Self {
        // No mean lies outside of what it is taken from.
        Self::try_from(sum.div_euclid(i128::from(count.max(1)))).unwrap_or_default()
    }
    fn scalar(self) -> Scalar {
        Scalar::Int(self)
    }
}

impl Number for f64 {
    /// Minus zero is zero to a reader, and has its key.
    fn key(self) -> u64 {
        let bits = (self + 0.0).to_bits();
        if bits & SIGN == 0 { bits | SIGN } else { !bits }
    }
    fn of(key: u64) -> Self {
        Self::from_bits(if key & SIGN == 0 { !key } else { key ^ SIGN })
    }
    fn float(self) -> f64 {
        self
    }
    fn minus(self, other: Self) -> f64 {
        self - other
    }
    fn exact_sum(_: &[u64]) -> Option<i128> {
        None
    }
    fn centre(_: i128, _: u64, mean: f64) -> Self {
        mean
    }
    fn scalar(self) -> Scalar {
        Scalar::Float(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_ordered_as_the_numbers_are_and_lead_back_to_them() {
        let floats = [f64::MIN, -1e308, -1.5, -f64::from_bits(1), 0.0, f64::from_bits(1), 2.5, f64::MAX];
        assert!(floats.map(Number::key).is_sorted_by(|a, b| a < b));
        assert_eq!(floats.map(|v| f64::of(v.key())), floats);
        assert_eq!((-0.0f64).key(), 0.0f64.key());
        let integers = [i64::MIN, -7, -1, 0, 1, 9_007_199_254_740_993, i64::MAX];
        assert!(integers.map(Number::key).is_sorted_by(|a, b| a < b));
        assert_eq!(integers.map(|v| i64::of(v.key())), integers);
        assert_eq!(i64::MAX.minus(i64::MIN), 2f64.powi(64));
    }
}
