//! How many rows are equal to an earlier one, by 128-bit hashes of the rows: exact as long as the hashes fit, then
//! taken from those rows whose hash ends in so many zeros. Two different rows of a billion share a hash with a
//! probability of about 10⁻²¹.

/// Hashes held at a time: 256 MiB.
const HELD: usize = 16 << 20;

/// Rows equal to an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Duplicates {
    pub(crate) rows: u64,
    /// Counted, not estimated.
    pub(crate) exact: bool,
}

/// Gathers the hashes of rows.
pub(crate) struct Rows {
    held: usize,
    /// Different hashes, and those that came since they were last told apart.
    kept: Vec<u128>,
    /// Zeros that a kept hash ends in. Equal rows have equal hashes, so all of them stay or go.
    zeros: u32,
    again: u64,
}

impl Rows {
    /// For a table of `rows`.
    pub(crate) fn new(rows: u64) -> Self {
        Self::holding(rows, HELD)
    }

    fn holding(rows: u64, held: usize) -> Self {
        let kept = Vec::with_capacity(usize::try_from(rows).unwrap_or(held).min(held));
        Self { held, kept, zeros: 0, again: 0 }
    }

    /// Adds the hashes of some rows.
    pub(crate) fn add(&mut self, hashes: &[u128]) {
        for hash in hashes {
            if hash.trailing_zeros() < self.zeros {
                continue;
            }
            if self.kept.len() >= self.held {
                self.tell_apart();
                if self.kept.len() > self.held / 2 {
                    self.zeros += 1;
                    let zeros = self.zeros;
                    self.kept.retain(|hash| hash.trailing_zeros() >= zeros);
                }
            }
            if hash.trailing_zeros() >= self.zeros {
                self.kept.push(*hash);
            }
        }
    }

    /// Leaves one of each hash. Each of the others stands for as many rows as hashes end in other bits.
    fn tell_apart(&mut self) {
        let before = self.kept.len();
        let middle = before / 2;
        if middle > 0 {
            self.kept.select_nth_unstable(middle);
        }
        let (left, right) = self.kept.split_at_mut(middle);
        std::thread::scope(|scope| {
            scope.spawn(|| left.sort_unstable());
            right.sort_unstable();
        });
        self.kept.dedup();
        self.again += ((before - self.kept.len()) as u64) << self.zeros.min(32);
    }

    /// The number.
    pub(crate) fn finish(mut self) -> Duplicates {
        self.tell_apart();
        Duplicates { rows: self.again, exact: self.zeros == 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(n: u64) -> u128 {
        let product = u128::from(n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        product ^ (product >> 61)
    }

    #[test]
    fn repeated_rows_are_counted_exactly_while_they_fit_and_estimated_beyond() {
        let rows: Vec<u128> = (0..40_000u64).map(|i| hash(i % 10_000)).collect();
        let mut exact = Rows::new(40_000);
        rows.chunks(999).for_each(|part| exact.add(part));
        assert_eq!(exact.finish(), Duplicates { rows: 30_000, exact: true });
        let mut bounded = Rows::holding(40_000, 5_000);
        rows.chunks(999).for_each(|part| bounded.add(part));
        let told = bounded.finish();
        assert!(!told.exact && (25_000..35_000).contains(&told.rows), "{told:?}");
        // One row over and over needs no room.
        let mut same = Rows::holding(40_000, 100);
        (0..40_000).for_each(|_| same.add(&[hash(7)]));
        assert_eq!(same.finish(), Duplicates { rows: 39_999, exact: true });
        assert_eq!(Rows::new(0).finish(), Duplicates { rows: 0, exact: true });
    }
}
