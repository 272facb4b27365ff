//! Count, mean, spread and ends of a column's finite numbers, block by block.

/// Figures so far. Blocks are summed in two passes each and merged (Chan, Golub & LeVeque, 1983, "Algorithms for
/// computing the sample variance: analysis and recommendations", The American Statistician 37:242–247).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moments {
    pub(crate) n: u64,
    pub(crate) mean: f64,
    m2: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Default for Moments {
    fn default() -> Self {
        Self { n: 0, mean: 0.0, m2: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY }
    }
}

impl Moments {
    /// Adds a block. What is missing, NaN or infinite is left out.
    pub(crate) fn add(&mut self, values: &[Option<f64>]) {
        let finite = || values.iter().flatten().copied().filter(|v| v.is_finite());
        let n = finite().count();
        if n == 0 {
            return;
        }
        // Divided first, so that values near the largest number do not overflow.
        let count = n as f64;
        let rough: f64 = finite().map(|v| v / count).sum();
        let mean = rough + finite().map(|v| (v - rough) / count).sum::<f64>();
        let m2: f64 = finite().map(|v| (v - mean) * (v - mean)).sum();
        finite().for_each(|v| {
            self.min = self.min.min(v);
            self.max = self.max.max(v);
        });
        let whole = self.n as f64 + count;
        let apart = mean - self.mean;
        self.m2 += m2 + apart * apart * (self.n as f64 * count / whole);
        self.mean += apart * (count / whole);
        self.n += n as u64;
    }

    /// The standard deviation over all values (divided by n, not n − 1), as scikit-learn's `StandardScaler` has it.
    pub(crate) fn std(&self) -> f64 {
        if self.n == 0 { 0.0 } else { (self.m2 / self.n as f64).sqrt() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_give_what_two_passes_over_all_give() {
        let values: Vec<f64> = (0..10_000).map(|i| 1e9 + f64::from(i * 7919 % 1000) / 10.0).collect();
        let mut moments = Moments::default();
        for block in values.chunks(777) {
            let mut block: Vec<_> = block.iter().copied().map(Some).collect();
            block.extend([None, Some(f64::NAN), Some(f64::INFINITY)]);
            moments.add(&block);
        }
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let std = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
        assert!((moments.mean - mean).abs() < 1e-9 * mean && (moments.std() - std).abs() < 1e-9 * std);
        assert_eq!((moments.n, moments.min, moments.max), (10_000, 1e9, 1e9 + 99.9));
    }
}
