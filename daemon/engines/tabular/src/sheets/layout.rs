//! Where in a sheet the table is: lines above it, its header, its columns.

use std::collections::BTreeSet;

use super::book::Row;
use super::value::Cell;
use crate::sniff::is_year_row;
use crate::types::lattice::Candidates;
use crate::types::{nulls, trim};

/// Rows that the layout is told from.
pub(super) const SAMPLE_ROWS: usize = 500;

/// Rows below a header of years that are looked at.
const YEAR_ROWS: usize = 100;

/// Rows that may stand above a table.
const MAX_PREAMBLE: usize = 50;

/// Where the table is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    /// Filled rows above the table, as text.
    pub(super) preamble: Vec<String>,
    /// The names by column, where a row gives them.
    pub(super) header: Option<Vec<(u32, String)>>,
    /// The number of the first row of data.
    pub(super) first_data: u32,
}

fn filled(row: &Row) -> usize {
    row.cells.iter().filter(|(_, cell)| !trim(cell.text()).is_empty()).count()
}

/// Whether a row holds nothing but blanks.
pub(super) fn is_blank(row: &Row) -> bool {
    filled(row) == 0
}

/// Whether a cell has a type of its own: a number, a date, a truth value.
fn typed(cell: &Cell) -> bool {
    match cell {
        Cell::Error(_) => false,
        Cell::Value(_) => true,
        Cell::Text(text) => {
            let text = trim(text);
            !nulls::is_null(text) && !Candidates::of(text).is_text()
        }
    }
}

/// Looks at the first filled rows of a sheet. `header` is what the user has set.
pub(super) fn layout(rows: &[Row], header: Option<bool>) -> Layout {
    let skip = preamble(rows);
    let table = rows.get(skip..).unwrap_or_default();
    let text = |row: &Row| {
        let cells: Vec<&str> =
            row.cells.iter().map(|(_, c)| trim(c.text())).filter(|t| !t.is_empty()).collect();
        cells.join(" ")
    };
    let preamble = rows.iter().take(skip).map(text).collect();
    let named = header.unwrap_or_else(|| has_header(table));
    let first = table.first().map_or(0, |r| r.number);
    match table.first().filter(|_| named) {
        Some(row) => {
            let name = |(column, cell): &(u32, Cell)| match cell {
                Cell::Error(_) => (*column, String::new()),
                cell => (*column, trim(cell.text()).to_owned()),
            };
            let names = row.cells.iter().map(name).filter(|(_, n)| !n.is_empty()).collect();
            Layout { preamble, header: Some(names), first_data: first + 1 }
        }
        None => Layout { preamble, header: None, first_data: first },
    }
}

/// How many rows stand above the table: titles, dates of print, blanks with a note. Such a row has one or two filled
/// cells where the table has at least three times as many (at least two of one).
fn preamble(rows: &[Row]) -> usize {
    let mut counts: Vec<usize> = rows.iter().map(filled).collect();
    counts.sort_unstable();
    let usual = counts.get(counts.len() / 2).copied().unwrap_or(0);
    if usual < 2 {
        return 0;
    }
    let above = |row: &&Row| {
        let n = filled(row);
        n == 1 || (n == 2 && usual >= 6)
    };
    let count = rows.iter().take_while(above).count();
    // A first column that alone is filled over many rows is data.
    if count > MAX_PREAMBLE || count >= rows.len() { 0 } else { count }
}

/// Whether the first row names the columns: its cells have no type where the cells below have one, or, where all are
/// texts, they are different, short and do not come back below.
fn has_header(rows: &[Row]) -> bool {
    let Some((first, rest)) = rows.split_first() else { return false };
    if first.cells.is_empty() || rest.is_empty() {
        return !first.cells.iter().any(|(_, c)| typed(c));
    }
    if names_years(first, rest) {
        return true;
    }
    let columns: BTreeSet<u32> = rows.iter().flat_map(|r| r.cells.iter().map(|(c, _)| *c)).collect();
    let mut votes = 0i64;
    let mut texts = 0usize;
    let mut repeats = 0usize;
    for column in columns {
        let find = |row: &Row| {
            row.cells
                .binary_search_by_key(&column, |(c, _)| *c)
                .ok()
                .and_then(|at| row.cells.get(at))
                .cloned()
        };
        let values: Vec<Cell> = rest
            .iter()
            .filter_map(find)
            .map(|(_, cell)| cell)
            .filter(|cell| !nulls::is_null(trim(cell.text())))
            .collect();
        let Some((_, name)) = find(first) else { continue };
        if values.is_empty() {
            continue;
        }
        let share = values.iter().filter(|c| typed(c)).count() as f64 / values.len() as f64;
        if share >= 0.8 {
            votes += if typed(&name) { -1 } else { 1 };
        } else {
            texts += 1;
            if typed(&name) {
                votes -= 1;
            } else if values.iter().filter(|v| trim(v.text()) == trim(name.text())).count() * 50
                > values.len()
            {
                repeats += 1;
            }
        }
    }
    if votes != 0 {
        return votes > 0;
    }
    let names: Vec<&str> =
        first.cells.iter().map(|(_, c)| trim(c.text())).filter(|t| !t.is_empty()).collect();
    let different: BTreeSet<&&str> = names.iter().collect();
    repeats * 2 <= texts && different.len() == names.len() && names.iter().all(|n| n.len() <= 120)
}

/// A header of years, as delimited files have them too.
fn names_years(first: &Row, rest: &[Row]) -> bool {
    let start = first.cells.first().map_or(0, |(c, _)| *c);
    let width = first.cells.last().map_or(0, |(c, _)| (c - start) as usize + 1);
    // A row has the cells that are filled; a record has all.
    let record = |row: &Row| {
        let mut cells = vec![String::new(); width];
        for (column, cell) in &row.cells {
            if let Some(slot) = column.checked_sub(start).and_then(|at| cells.get_mut(at as usize)) {
                *slot = trim(cell.text()).to_owned();
            }
        }
        cells
    };
    let below: Vec<Vec<String>> = rest.iter().take(YEAR_ROWS).map(record).collect();
    let below: Vec<&[String]> = below.iter().map(Vec::as_slice).collect();
    is_year_row(&record(first), &below)
}

/// Whether rows make a table at all, rather than a cover sheet or notes: at least two of them, of at least two cells,
/// or one column of short values.
pub(super) fn is_table(rows: &[Row]) -> bool {
    let table = rows.get(preamble(rows)..).unwrap_or_default();
    if table.len() < 2 {
        return false;
    }
    let wide = table.iter().filter(|r| filled(r) >= 2).count();
    if wide * 2 >= table.len() {
        return true;
    }
    let cells = || table.iter().flat_map(|r| r.cells.iter().map(|(_, c)| c));
    let short = cells().filter(|c| c.text().split_whitespace().count() <= 4 && c.text().len() <= 64).count();
    short * 10 >= cells().count() * 8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(texts: &[&[&str]]) -> Vec<Row> {
        let cell = |text: &str| match text.parse::<f64>() {
            Ok(_) => Cell::Value(text.to_owned()),
            Err(_) => Cell::Text(text.to_owned()),
        };
        texts
            .iter()
            .enumerate()
            .map(|(i, row)| Row {
                number: i as u32,
                cells: row
                    .iter()
                    .enumerate()
                    .filter(|(_, t)| !t.is_empty())
                    .map(|(c, t)| (c as u32, cell(t)))
                    .collect(),
            })
            .collect()
    }

    #[test]
    fn titles_above_a_table_are_no_part_of_it() {
        let rows = rows(&[
            &["Sales 2024"],
            &["", "printed today"],
            &["city", "n", "x"],
            &["Bonn", "1", "2"],
            &["Köln", "3", "4"],
        ]);
        let found = layout(&rows, None);
        assert_eq!(found.preamble, ["Sales 2024", "printed today"]);
        assert_eq!(found.first_data, 3);
        assert_eq!(found.header.unwrap().len(), 3);
    }

    #[test]
    fn headers_are_told_from_data() {
        assert!(layout(&rows(&[&["a", "b"], &["1", "2"]]), None).header.is_some());
        assert!(layout(&rows(&[&["1", "2"], &["3", "4"]]), None).header.is_none());
        assert!(
            layout(&rows(&[&["name", "city"], &["Ada", "London"], &["Alan", "London"]]), None)
                .header
                .is_some()
        );
        assert!(
            layout(&rows(&[&["land", "1990", "1991", "1992"], &["x", "1", "2", "3"]]), None).header.is_some()
        );
        let steps: [&[&str]; 3] = [
            &["land", "code", "2020", "2010", "2000"],
            &["x", "X", "1", "2", "3"],
            &["y", "Y", "4", "", "6"],
        ];
        assert!(layout(&rows(&steps), None).header.is_some());
        let born: [&[&str]; 2] = [&["Ada", "1990", "2000", "2010"], &["Bob", "1980", "1990", "2000"]];
        assert!(layout(&rows(&born), None).header.is_none());
        assert!(layout(&rows(&[&["1", "2"], &["3", "4"]]), Some(true)).header.is_some());
    }

    #[test]
    fn notes_are_no_table() {
        assert!(!is_table(&rows(&[
            &["This workbook was made by the statistics office for the public"],
            &["Please cite it when you use it, and write to us about errors"]
        ])));
        assert!(!is_table(&rows(&[&["alone"]])));
        assert!(is_table(&rows(&[&["n"], &["1"], &["2"]])));
    }
}
