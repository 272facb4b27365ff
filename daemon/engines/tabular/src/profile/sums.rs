//! Sums that keep their digits.

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

/// Values summed plainly before they go into a [`Sum`], in four lanes: rounding can reach 64 units in the last place
/// of a block's sum, and the loop needs no comparison per value.
const BLOCK: usize = 256;

/// Adds `N` figures of each item to `sums`.
pub(crate) fn add_all<T: Copy, const N: usize>(
    sums: &mut [Sum; N],
    items: &[T],
    figures: impl Fn(T) -> [f64; N],
) {
    for block in items.chunks(BLOCK) {
        let mut lanes = [[0.0f64; N]; 4];
        let mut fours = block.chunks_exact(4);
        for four in &mut fours {
            for (lane, item) in lanes.iter_mut().zip(four) {
                for (total, figure) in lane.iter_mut().zip(figures(*item)) {
                    *total += figure;
                }
            }
        }
        for (lane, item) in lanes.iter_mut().zip(fours.remainder()) {
            for (total, figure) in lane.iter_mut().zip(figures(*item)) {
                *total += figure;
            }
        }
        let [a, b, c, d] = lanes;
        for ((((sum, a), b), c), d) in sums.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            sum.add((a + b) + (c + d));
        }
    }
}
