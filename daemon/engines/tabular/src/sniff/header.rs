//! Whether the first record names the columns, and which names they get.

use std::collections::{BTreeMap, BTreeSet};

use crate::types::lattice::Candidates;
use crate::types::{nulls, trim};

/// Whether the first record names the columns.
pub(super) fn has_header(rows: &[&[String]], width: usize) -> bool {
    let Some((first, rest)) = rows.split_first() else { return false };
    let typed = |cell: &str| !nulls::is_null(trim(cell)) && !Candidates::of(trim(cell)).is_text();
    if rest.is_empty() {
        return !first.iter().any(|c| typed(c));
    }
    if is_year_row(first) || is_cross_table(first, rest) {
        return true;
    }
    let mut votes = 0i64;
    let mut text_columns = 0usize;
    let mut repeats = 0usize;
    for column in 0..width {
        let cell = first.get(column).map_or("", |c| trim(c));
        let values: Vec<&str> = rest
            .iter()
            .filter_map(|r| r.get(column))
            .map(|c| trim(c))
            .filter(|c| !nulls::is_null(c))
            .collect();
        if values.is_empty() {
            continue;
        }
        let typed_share = values.iter().filter(|v| typed(v)).count() as f64 / values.len() as f64;
        if typed_share >= 0.8 {
            match (cell.is_empty(), typed(cell)) {
                (true, _) => {}
                (false, true) => votes -= 1,
                (false, false) => votes += 1,
            }
        } else {
            text_columns += 1;
            if typed(cell) {
                votes -= 1;
            } else if !cell.is_empty() && values.iter().filter(|v| **v == cell).count() * 50 > values.len() {
                repeats += 1;
            }
        }
    }
    if votes != 0 {
        return votes > 0;
    }
    // Only text: a header has different, filled cells, and its names do not come back as values.
    let filled: Vec<&str> = first.iter().map(|c| trim(c)).filter(|c| !c.is_empty()).collect();
    let different: BTreeSet<&&str> = filled.iter().collect();
    text_columns == 0
        || (repeats * 2 <= text_columns
            && different.len() == filled.len()
            && filled.iter().all(|c| c.len() <= 120))
}

/// A header of years: `country,1990,1991,1992`.
fn is_year_row(first: &[String]) -> bool {
    let years: Vec<i64> = first.iter().filter_map(|c| trim(c).parse().ok()).collect();
    years.len() >= 3
        && years.len() + 3 >= first.len()
        && years.iter().all(|y| (1500..=2200).contains(y))
        && years.windows(2).all(|w| matches!(w, [a, b] if b - a == 1))
}

/// A table with labels on both sides and an empty corner: `,0.5,1.0,1.5` above `low,1,2,3`. Its header may be numbers.
fn is_cross_table(first: &[String], rest: &[&[String]]) -> bool {
    fn are_labels<'a>(cells: impl Iterator<Item = &'a str>) -> bool {
        let mut seen = BTreeSet::new();
        let mut cells = cells.peekable();
        cells.peek().is_some() && cells.all(|c| !c.is_empty() && seen.insert(c))
    }
    let corner_is_empty = first.first().is_some_and(|c| trim(c).is_empty());
    corner_is_empty
        && rest.len() > 1
        && are_labels(first.iter().skip(1).map(|c| trim(c)))
        && are_labels(rest.iter().map(|r| r.first().map_or("", |c| trim(c))))
}

/// The columns' names: the header's, made unique, or `column_1`, `column_2`, … `longer` says that records have one field
/// more than the header.
pub(super) fn names(first: Option<&[String]>, width: usize, longer: bool) -> Vec<String> {
    let mut cells: Vec<String> =
        first.map(|cells| cells.iter().map(|c| trim(c).to_owned()).collect()).unwrap_or_default();
    // R writes row names without a name for their column.
    if longer && !cells.is_empty() && cells.len() + 1 == width && cells.iter().all(|c| !c.is_empty()) {
        cells.insert(0, "row_name".to_owned());
    }
    cells.resize(width, String::new());
    unique(cells)
}

/// Names without repeats and gaps: the second `name` becomes `name_2`, an empty third one `column_3`.
pub(crate) fn unique(cells: Vec<String>) -> Vec<String> {
    // Names that the file has itself are not given to others.
    let mut taken: BTreeSet<String> = cells.iter().cloned().collect();
    let mut used: BTreeSet<String> = BTreeSet::new();
    let mut tries: BTreeMap<String, usize> = BTreeMap::new();
    cells
        .into_iter()
        .enumerate()
        .map(|(i, cell)| {
            let base = if cell.is_empty() { format!("column_{}", i + 1) } else { cell.clone() };
            if !cell.is_empty() && used.insert(cell.clone()) {
                return cell;
            }
            if cell.is_empty() && taken.insert(base.clone()) {
                used.insert(base.clone());
                return base;
            }
            let next = tries.entry(base.clone()).or_insert(2);
            loop {
                let name = format!("{base}_{next}");
                *next += 1;
                if taken.insert(name.clone()) {
                    used.insert(name.clone());
                    return name;
                }
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_whatever_the_header() {
        let cells: Vec<String> = ["a", "a", "a_2", "", "column_4", "a", ""].map(str::to_owned).to_vec();
        let names = unique(cells);
        let set: BTreeSet<&String> = names.iter().collect();
        assert_eq!(set.len(), names.len(), "{names:?}");
        assert_eq!(names.first().map(String::as_str), Some("a"));
        assert_eq!(names.get(2).map(String::as_str), Some("a_2"));
    }
}
