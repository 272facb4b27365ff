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
    if is_year_row(first, rest) || is_cross_table(first, rest) || is_grid(first, rest) {
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
            match (nulls::is_null(cell), typed(cell)) {
                // What is missing is as much of a value as of a name.
                (true, _) => {}
                (false, true) if is_foreign(cell, &values) => votes += 1,
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

/// Whether a value is of another type than those of its column, which are all of one: a number above truths.
fn is_foreign(cell: &str, values: &[&str]) -> bool {
    let column = values.iter().fold(Candidates::ALL, |seen, v| seen.and(Candidates::of(v)));
    !column.is_text() && column.and(Candidates::of(cell)).is_text()
}

/// Measurements over a grid: a name, then numbers that rise (`type,0.0,0.5,1.0`), above labels with values that do not.
fn is_grid(first: &[String], rest: &[&[String]]) -> bool {
    fn numbers(cells: &[String]) -> Option<Vec<f64>> {
        cells.iter().skip(1).map(|c| trim(c).parse().ok()).collect()
    }
    let rises = |n: &Vec<f64>| n.windows(2).all(|w| matches!(w, [a, b] if a < b));
    let is_label = |row: &[String]| row.first().is_some_and(|c| Candidates::of(trim(c)).is_text());
    let sampled = rest.get(..rest.len().min(100)).unwrap_or_default();
    let rising = sampled.iter().filter(|r| numbers(r).is_some_and(|n| rises(&n))).count();
    is_label(first)
        && first.len() >= 4
        && numbers(first).is_some_and(|n| rises(&n))
        && rest.len() > 1
        && rising * 10 <= sampled.len()
        && sampled.iter().all(|r| is_label(r))
}

/// Rows below a header that are looked at to tell whether it is one.
const BODY: usize = 100;

/// How many records stand above the one that names the columns: groups of columns, or facts about the file. The names are
/// texts above values; what is above them is less of a header: it has values, gaps, repeats or another length.
pub(super) fn above_names(rows: &[&[String]], width: usize) -> usize {
    let typed = |cell: &&String| !nulls::is_null(trim(cell)) && !Candidates::of(trim(cell)).is_text();
    let filled = |row: &[String]| row.iter().filter(|c| !trim(c).is_empty()).count();
    let different = |row: &[String]| row.iter().map(|c| trim(c)).collect::<BTreeSet<_>>().len();
    let values = |row: &[String]| row.iter().any(|c| typed(&c));
    (1..=3)
        .find(|at| {
            let rest = rows.get(at + 1..).unwrap_or_default();
            let is_names = |row: &&&[String]| row.len() == width && (!values(row) || is_year_row(row, rest));
            let Some(names) = rows.get(*at).filter(is_names) else { return false };
            if filled(names) * 10 < width * 8 {
                return false;
            }
            let above = rows.get(..*at).unwrap_or_default();
            let lesser = |row: &&[String]| {
                // Above years stand titles; values could be records.
                if values(names) {
                    return !values(row) && filled(row) < filled(names);
                }
                values(row)
                    || row.len() != width
                    || filled(row) < filled(names)
                    || different(row) < different(names)
            };
            let body: Vec<&&[String]> =
                rows.iter().skip(at + 1).filter(|r| r.len() == width).take(BODY).collect();
            let columns = (0..width).filter(|column| {
                let cells = body.iter().filter_map(|r| r.get(*column));
                let cells: Vec<&String> = cells.filter(|c| !nulls::is_null(trim(c))).collect();
                !cells.is_empty() && cells.iter().filter(|c| typed(c)).count() * 10 >= cells.len() * 8
            });
            body.len() >= 3 && above.iter().all(lesser) && columns.count() * 2 >= width
        })
        .unwrap_or(0)
}

/// A header of years among labels: `country,code,1990,2000,2010`. What is below must not be the same again, as rows of
/// years are: a progression, nothing but years in those columns, or a label that its column holds again.
pub(crate) fn is_year_row(first: &[String], rest: &[&[String]]) -> bool {
    let Some(years) = year_columns(first) else { return false };
    let body: Vec<&&[String]> = rest.iter().take(BODY).collect();
    let all_years =
        |row: &[String]| years.iter().all(|at| row.get(*at).and_then(|c| year(trim(c))).is_some());
    let comes_back = |(at, label): (usize, &String)| {
        let again = body.iter().filter(|r| r.get(at).is_some_and(|c| trim(c) == trim(label)));
        !years.contains(&at) && !trim(label).is_empty() && again.count() * 50 > body.len()
    };
    !(body.first().is_some_and(|second| year_columns(second).is_some())
        || body.len() >= 3 && body.iter().all(|r| all_years(r))
        || first.iter().enumerate().any(comes_back))
}

/// Where a record has its years, if it is of at least three of them in equal steps, up or down, and of different labels.
/// The corner may be empty, as may be the end.
fn year_columns(row: &[String]) -> Option<Vec<usize>> {
    let filled = row.iter().rposition(|c| !trim(c).is_empty()).map_or(0, |last| last + 1);
    let (mut columns, mut years, mut labels) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (at, cell) in row.iter().take(filled).map(|c| trim(c)).enumerate() {
        if let Some(year) = year(cell) {
            columns.push(at);
            years.push(year);
        } else if !(at == 0 && cell.is_empty() || is_label(cell) && labels.insert(cell)) {
            return None;
        }
    }
    let step = |w: &[i64]| w.last().zip(w.first()).map_or(0, |(b, a)| b - a);
    let steps: BTreeSet<i64> = years.windows(2).map(step).collect();
    (years.len() >= 3 && steps.len() == 1 && !steps.contains(&0)).then_some(columns)
}

/// A text; letters alone are one too, though `No` may be a truth.
fn is_label(cell: &str) -> bool {
    let letters = !cell.is_empty() && cell.chars().all(char::is_alphabetic);
    letters || !cell.is_empty() && Candidates::of(cell).is_text()
}

fn year(cell: &str) -> Option<i64> {
    let digits = cell.len() == 4 && cell.bytes().all(|b| b.is_ascii_digit());
    cell.parse().ok().filter(|year| digits && (1500..=2200).contains(year))
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

    fn rows(text: &str) -> Vec<Vec<String>> {
        text.lines().map(|l| l.split(',').map(str::to_owned).collect()).collect()
    }

    fn is_header(text: &str) -> bool {
        let rows = rows(text);
        let rows: Vec<&[String]> = rows.iter().map(Vec::as_slice).collect();
        has_header(&rows, rows[0].len())
    }

    #[test]
    fn names_that_are_numbers_are_told_by_what_is_below_them() {
        assert!(is_header("type,0.0,0.5,1.0\nA/1,0.1,0.5,0.2\nB/2,0.3,0.1,0.1\nC,9,,1"));
        assert!(is_header("id,100,205,117\nx1,TRUE,FALSE,TRUE\nx2,FALSE,TRUE,TRUE"));
        assert!(!is_header("a,1,2,3\nb,2,3,4\nc,1,5,9"));
        assert!(!is_header("4.5,0,nan,nan\n4.4,0.9,-0.1,-72\n4.3,1.8,-0.2,-71"));
    }

    #[test]
    fn years_in_equal_steps_name_columns_whatever_stands_before_them() {
        let years: Vec<String> = (1960..=2020).map(|y| y.to_string()).collect();
        let values = |n: u64| (0..61).map(|i| format!("{}.5", i * n)).collect::<Vec<_>>().join(",");
        let bank = "Country Name,Country Code,Indicator Name,Indicator Code";
        let bank = format!("{bank},{}\n", years.join(","))
            + &format!(
                "Aruba,ABW,Population,SP.POP,{}\nAngola,AGO,Population,SP.POP,{}\n",
                values(3),
                values(7)
            );
        for text in [
            bank.as_str(),
            &bank.replace('\n', ",\n"),
            "geo,2021,2020,2019,2018\nAT,1,2,3,4\nBE,5,6,7,8\nDE,9,8,7,6",
            "Region,1990,2000,2010,2020\nNorth,4,5,6,7\nSouth,1,2,3,4",
            "Country,Code,2000,2005,2010,2015\nChile,CL,1.5,2,3,4\nPeru,PE,1,2,3,4",
            "country,1990,1991,1992,total\nx,1,2,3,6\ny,4,5,6,15",
            ",1990,1991,1992\nx,1,2,3\nx,4,5,6",
            "No,1990,1991,1992\n1,1,2,3\n2,4,5,6",
            // Of some values one could think that they were years.
            "Region,1990,2000,2010\nNorth,1800,1700,1650\nSouth,12,2,3\nEast,1900,1910,1900",
        ] {
            assert!(is_header(text), "{text}");
        }
    }

    #[test]
    fn rows_of_years_are_values() {
        for text in [
            "Ada,1990,2000,2010\nBob,1980,1990,2000\nCleo,1985,1995,2005",
            "2001,2002,2003\n2004,2005,2006\n2007,2008,2009",
            // Born, wed, died: one in equal steps by chance.
            "Smith,1900,1925,1950\nJones,1880,1901,1950\nLee,1875,1899,1920\nDoe,1901,1930,1966",
            "a,b,1990,1995,2000\nc,b,12,14,17\nd,b,3,4,5",
            "a,1990,1995,2001\nb,12,14,17\nc,3,4,5",
        ] {
            assert!(!is_header(text), "{text}");
        }
    }

    #[test]
    fn names_may_stand_below_groups_and_facts() {
        let above = |text: &str, width| {
            let rows = rows(text);
            above_names(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>(), width)
        };
        assert_eq!(above(",Jan,Jan,Feb\nkWh,SA,FT,SU\n0:00,1,2,3\n0:15,4,5,6\n0:30,7,8,9", 4), 1);
        let facts = "Source,Place,City,Zone\nX,30,-,-9\nYear,Day\n2023,1\n2023,2\n2023,3";
        assert_eq!(above(facts, 2), 2);
        // A line of units is the first of the values.
        assert_eq!(above("time,way\n(s),(m)\n1,2\n3,4\n5,6", 2), 0);
        assert_eq!(above("a,b\n1,2\n3,4\n5,6\n7,8", 2), 0);
        assert_eq!(above("a,\nx,y\nz,w\nu,v\nt,s", 2), 0);
        assert_eq!(above("People,,,\nland,1990,2000,2010\nx,1,2,3\ny,4,5,6\nz,7,8,9", 4), 1);
        assert_eq!(above("a,1,2,3\nb,1990,2000,2010\nx,1,2,3\ny,4,5,6\nz,7,8,9", 4), 0);
    }

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
