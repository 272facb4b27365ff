//! Cramér's V of two columns with few values, with Bergsma's correction of its bias (2013, "A bias-correction for
//! Cramér's V and Tschuprow's T", Journal of the Korean Statistical Society 42:323–328). Rows count where both have a
//! value.

use super::column::{CATEGORIES, NO_CATEGORY};
use crate::error::Error;
use crate::monitor::Monitor;

/// The matrix of some columns' categories; `None` where a column has one value only.
pub(crate) fn matrix(columns: &[&[u8]], monitor: &dyn Monitor) -> Result<Vec<Vec<Option<f64>>>, Error> {
    let mut matrix = vec![vec![None; columns.len()]; columns.len()];
    for (i, a) in columns.iter().enumerate() {
        if monitor.cancelled() {
            return Err(Error::Cancelled);
        }
        for (j, b) in columns.iter().enumerate().skip(i) {
            let v = association(a, b).map(|v| if i == j { 1.0 } else { v });
            for (row, column) in [(i, j), (j, i)] {
                if let Some(cell) = matrix.get_mut(row).and_then(|row| row.get_mut(column)) {
                    *cell = v;
                }
            }
        }
    }
    Ok(matrix)
}

/// The corrected coefficient, 0 to 1.
fn association(a: &[u8], b: &[u8]) -> Option<f64> {
    let mut cells = vec![0u32; CATEGORIES * CATEGORIES];
    for (x, y) in a.iter().zip(b).filter(|(x, y)| **x != NO_CATEGORY && **y != NO_CATEGORY) {
        if let Some(cell) = cells.get_mut(usize::from(*x) * CATEGORIES + usize::from(*y)) {
            *cell += 1;
        }
    }
    let mut rows = [0.0f64; CATEGORIES];
    let mut columns = [0.0f64; CATEGORIES];
    for (row, line) in rows.iter_mut().zip(cells.chunks(CATEGORIES)) {
        for (column, count) in columns.iter_mut().zip(line) {
            *row += f64::from(*count);
            *column += f64::from(*count);
        }
    }
    let n: f64 = rows.iter().sum();
    let used = |totals: &[f64]| totals.iter().filter(|t| **t > 0.0).count() as f64;
    let (r, c) = (used(&rows), used(&columns));
    if r < 2.0 || c < 2.0 {
        return None;
    }
    let mut share = 0.0;
    for (row, line) in rows.iter().zip(cells.chunks(CATEGORIES)) {
        for (column, count) in columns.iter().zip(line).filter(|(_, count)| **count > 0) {
            share += f64::from(*count) * f64::from(*count) / (row * column);
        }
    }
    // χ²/n, less what it would be on average were the columns independent.
    let phi = (share - 1.0 - (r - 1.0) * (c - 1.0) / (n - 1.0)).max(0.0);
    let corrected = |k: f64| k - (k - 1.0) * (k - 1.0) / (n - 1.0);
    let most = corrected(r).min(corrected(c)) - 1.0;
    // As many values as rows: nothing can be told.
    (most > 0.0).then(|| (phi / most).sqrt().min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two columns of a contingency table.
    fn columns(table: &[&[usize]]) -> (Vec<u8>, Vec<u8>) {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for (i, line) in table.iter().enumerate() {
            for (j, count) in line.iter().enumerate() {
                a.extend(std::iter::repeat_n(i as u8, *count));
                b.extend(std::iter::repeat_n(j as u8, *count));
            }
        }
        (a, b)
    }

    #[test]
    fn the_coefficient_agrees_with_one_computed_from_scipys_chi_square() {
        // t = numpy.array([[32, 12, 5], [7, 30, 22]]); n = t.sum(); r, c = t.shape
        // p = max(0, scipy.stats.chi2_contingency(t, correction=False)[0] / n - (r - 1) * (c - 1) / (n - 1))
        // (p / min(r - (r - 1)**2 / (n - 1) - 1, c - (c - 1)**2 / (n - 1) - 1))**0.5
        let (a, b) = columns(&[&[32, 12, 5], &[7, 30, 22]]);
        assert!((association(&a, &b).unwrap() - 0.545_085_391_422_173_2).abs() < 1e-12);
        // A row without a value counts in neither.
        let mut more = (a.clone(), b.clone());
        more.0.extend([NO_CATEGORY, 0]);
        more.1.extend([1, NO_CATEGORY]);
        assert_eq!(association(&more.0, &more.1), association(&a, &b));
    }

    #[test]
    fn independent_is_0_and_the_same_is_1() {
        let (a, b) = columns(&[&[20, 20], &[20, 20]]);
        assert_eq!(association(&a, &b), Some(0.0));
        let (a, b) = columns(&[&[0, 40, 0], &[9, 0, 0], &[0, 0, 3]]);
        assert!((association(&a, &b).unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(association(&[0, 0], &[0, 1]), None);
        assert_eq!(association(&[], &[]), None);
        assert_eq!(association(&[0, 1], &[0, 1]), None);
    }
}
