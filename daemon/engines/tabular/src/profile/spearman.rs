//! Spearman's rank correlation: Pearson's of the ranks, where equal values have the mean of theirs (Spearman, 1904,
//! "The proof and measurement of association between two things", American Journal of Psychology 15:72–101). Of two
//! columns the rows count where both have a value, and ranks are taken among those rows.

use super::crew;
use super::reading::MISSING;
use crate::error::Error;
use crate::monitor::Monitor;

/// A column's sampled keys with what all its pairs need.
struct Ranked<'a> {
    keys: &'a [u64],
    /// Rows with a value, in ascending order of it.
    order: Vec<u32>,
    /// Ranks less their mean, where no value is missing; else empty.
    ranks: Vec<f64>,
}

/// The matrix of some columns' keys; `None` where a coefficient is not defined.
pub(crate) fn matrix(columns: &[&[u64]], monitor: &mut dyn Monitor) -> Result<Vec<Vec<Option<f64>>>, Error> {
    let width = columns.len();
    let mut ranked: Vec<Option<Ranked<'_>>> = Vec::new();
    ranked.resize_with(width, || None);
    let rank = |i: usize, _: &dyn Fn() -> bool| {
        columns.get(i).map(|keys| Ranked::new(keys)).ok_or_else(|| absent(i))
    };
    crew::share(width, monitor, rank, |i, column, _| {
        if let Some(slot) = ranked.get_mut(i) {
            *slot = Some(column);
        }
    })?;
    let ranked: Vec<Ranked<'_>> = ranked.into_iter().flatten().collect();
    let mut matrix = vec![vec![None; width]; width];
    // Each row from its diagonal on: the longest come first.
    let compare = |i: usize, stopped: &dyn Fn() -> bool| {
        let a = ranked.get(i).ok_or_else(|| absent(i))?;
        let others = ranked.iter().enumerate().skip(i);
        let row =
            others.map_while(|(j, b)| (!stopped()).then(|| if i == j { a.with_itself() } else { a.with(b) }));
        Ok(row.collect::<Vec<_>>())
    };
    crew::share(width, monitor, compare, |i, row: Vec<Option<f64>>, _| {
        for (r, j) in row.into_iter().zip(i..) {
            for (row, column) in [(i, j), (j, i)] {
                if let Some(cell) = matrix.get_mut(row).and_then(|row| row.get_mut(column)) {
                    *cell = r;
                }
            }
        }
    })?;
    Ok(matrix)
}

fn absent(i: usize) -> Error {
    Error::Internal(format!("there is no numeric column {i}"))
}

impl<'a> Ranked<'a> {
    fn new(keys: &'a [u64]) -> Self {
        let mut pairs: Vec<(u64, u32)> = keys
            .iter()
            .zip(0u32..)
            .filter(|(key, _)| **key != MISSING)
            .map(|(key, row)| (*key, row))
            .collect();
        pairs.sort_unstable();
        let order: Vec<u32> = pairs.into_iter().map(|(_, row)| row).collect();
        let mut ranks = Vec::new();
        if order.len() == keys.len() {
            ranks = ranks_of(keys, &order, order.len());
        }
        Self { keys, order, ranks }
    }

    fn with_itself(&self) -> Option<f64> {
        let at = |row: Option<&u32>| row.and_then(|row| self.keys.get(*row as usize));
        (at(self.order.first()) != at(self.order.last())).then_some(1.0)
    }

    fn with(&self, other: &Self) -> Option<f64> {
        if !self.ranks.is_empty() && !other.ranks.is_empty() {
            return pearson(&self.ranks, &other.ranks);
        }
        let both = |a: &Self, b: &Self| -> Vec<u32> {
            let present = |row: &&u32| b.keys.get(**row as usize).is_some_and(|key| *key != MISSING);
            a.order.iter().filter(present).copied().collect()
        };
        let (mine, others) = (both(self, other), both(other, self));
        let a = ranks_of(self.keys, &mine, mine.len());
        let b = ranks_of(other.keys, &others, others.len());
        pearson(&a, &b)
    }
}

/// Ranks by row, less their mean; 0 for rows that are not among `order`, so that they add nothing to any product.
fn ranks_of(keys: &[u64], order: &[u32], n: usize) -> Vec<f64> {
    let mut ranks = vec![0.0; keys.len()];
    let middle = (n as f64 + 1.0) / 2.0;
    let mut before = 0;
    for ties in order.chunk_by(|a, b| keys.get(*a as usize) == keys.get(*b as usize)) {
        let rank = before as f64 + (ties.len() as f64 + 1.0) / 2.0 - middle;
        for row in ties {
            if let Some(slot) = ranks.get_mut(*row as usize) {
                *slot = rank;
            }
        }
        before += ties.len();
    }
    ranks
}

/// Of values whose means are 0.
fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    // Halves of whole numbers, and sums below 2^53: exact.
    for (x, y) in a.iter().zip(b) {
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    (aa > 0.0 && bb > 0.0).then(|| (ab / (aa * bb).sqrt()).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::Silent;
    use crate::profile::keys::Number;

    fn keys(values: &[f64]) -> Vec<u64> {
        values.iter().map(|v| if v.is_nan() { MISSING } else { v.key() }).collect()
    }

    fn rho(a: &[f64], b: &[f64]) -> Option<f64> {
        let (a, b) = (keys(a), keys(b));
        let matrix = matrix(&[&a, &b], &mut Silent).unwrap();
        assert_eq!(matrix[0][1], matrix[1][0]);
        matrix[0][1]
    }

    #[test]
    fn coefficients_agree_with_published_and_computed_ones() {
        // IQ and hours of television a week, the worked example of Wikipedia's "Spearman's rank correlation
        // coefficient" (read in 2026): ρ = −29/165.
        let iq = [106.0, 100.0, 86.0, 101.0, 99.0, 103.0, 97.0, 113.0, 112.0, 110.0];
        let hours = [7.0, 27.0, 2.0, 50.0, 28.0, 29.0, 20.0, 12.0, 6.0, 17.0];
        assert!((rho(&iq, &hours).unwrap() + 29.0 / 165.0).abs() < 1e-12);
        // Ties and missing values, by pandas:
        // pandas.DataFrame({'a':[1,2,2,3,None,5,5,5,9,-4],'b':[2,1,4,4,4,None,7,8,7,0]}).corr('spearman')
        let nan = f64::NAN;
        let a = [1.0, 2.0, 2.0, 3.0, nan, 5.0, 5.0, 5.0, 9.0, -4.0];
        let b = [2.0, 1.0, 4.0, 4.0, 4.0, nan, 7.0, 8.0, 7.0, 0.0];
        assert!((rho(&a, &b).unwrap() - 0.890_243_902_439_024_4).abs() < 1e-12);
    }

    #[test]
    fn what_is_not_defined_is_none() {
        let nan = f64::NAN;
        assert_eq!(rho(&[1.0, 1.0, 1.0], &[1.0, 2.0, 3.0]), None);
        assert_eq!(rho(&[nan, nan, 1.0], &[1.0, 2.0, nan]), None);
        assert_eq!(rho(&[nan, 2.0, nan], &[1.0, 2.0, nan]), None);
        assert_eq!(rho(&[], &[]), None);
        assert_eq!(rho(&[-1e308, 0.0, 1e308], &[3.0, 2.0, f64::from_bits(1)]), Some(-1.0));
    }
}
