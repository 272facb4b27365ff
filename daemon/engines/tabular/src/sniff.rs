//! How a delimited file is written, found from a sample: delimiter, line ends, header, width.
//!
//! Each delimiter is tried with the real record reader. The one whose records are most alike in length wins, weighed
//! by how much its cells look like values (after van den Burg, Nazábal & Sutton, 2019, "Wrangling messy CSV files by
//! detecting row and type patterns", Data Mining and Knowledge Discovery 33:1799–1820: consistency of pattern times
//! consistency of type).

use std::collections::{BTreeMap, BTreeSet};

use memchr::{memchr, memchr2};

use crate::csv::Dialect;
use crate::csv::records::Record;
use crate::types::lattice::Candidates;
use crate::types::{nulls, trim};

/// Delimiters that are tried, the likelier first where scores are equal.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Records of the sample that are looked at.
const SAMPLE_RECORDS: usize = 1_000;

/// What the sample shows.
#[derive(Debug, Clone)]
pub(crate) struct Sniffed {
    pub(crate) dialect: Dialect,
    pub(crate) header: bool,
    /// The columns' names, unique.
    pub(crate) names: Vec<String>,
    /// Share of the sample's records that have the usual number of fields.
    pub(crate) consistency: f64,
    /// Share of cells that look like values.
    pub(crate) value_share: f64,
    /// Records in the sample.
    pub(crate) records: usize,
    /// How it was found, for people.
    pub(crate) how: String,
}

/// What the user has set.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Overrides {
    pub(crate) delimiter: Option<u8>,
    pub(crate) header: Option<bool>,
}

struct Trial {
    dialect: Dialect,
    rows: Vec<Vec<String>>,
    width: usize,
    consistency: f64,
    value_share: f64,
    score: f64,
}

/// Line ends: a line feed wherever there is one, else a carriage return (old files of the Macintosh).
fn terminator(sample: &str) -> u8 {
    match memchr2(b'\n', b'\r', sample.as_bytes()) {
        Some(_) if memchr(b'\n', sample.as_bytes()).is_some() => b'\n',
        Some(_) => b'\r',
        None => b'\n',
    }
}

/// Looks at a sample of whole records. `None` where it has no record at all.
pub(crate) fn sniff(sample: &str, overrides: Overrides) -> Option<Sniffed> {
    let terminator = terminator(sample);
    let tried: Vec<u8> = overrides.delimiter.map_or_else(|| DELIMITERS.to_vec(), |d| vec![d]);
    let mut best: Option<Trial> = None;
    let mut scores = Vec::new();
    for delimiter in tried {
        let trial = trial(sample, Dialect { delimiter, quote: b'"', terminator })?;
        scores.push(format!("{} {:.2}", delimiter_name(delimiter), trial.score));
        if best.as_ref().is_none_or(|b| trial.score > b.score + 1e-9) {
            best = Some(trial);
        }
    }
    let trial = best?;
    let header = overrides.header.unwrap_or_else(|| has_header(&trial.rows, trial.width));
    let names = names(&trial, header);
    let line_ends = match (terminator, sample.contains("\r\n")) {
        (b'\r', _) => "CR",
        (_, true) => "CRLF",
        _ => "LF",
    };
    let how = format!(
        "delimiter {} {} ({} of {} sampled records have {} fields; scores: {}); line ends {line_ends}; header {} {}",
        delimiter_name(trial.dialect.delimiter),
        if overrides.delimiter.is_some() { "as set" } else { "found" },
        (trial.consistency * trial.rows.len() as f64).round(),
        trial.rows.len(),
        trial.width,
        scores.join(", "),
        if header { "present" } else { "absent" },
        if overrides.header.is_some() { "as set" } else { "by its cells" },
    );
    Some(Sniffed {
        dialect: trial.dialect,
        header,
        names,
        consistency: trial.consistency,
        value_share: trial.value_share,
        records: trial.rows.len(),
        how,
    })
}

/// The name of a delimiter for people.
pub(crate) fn delimiter_name(delimiter: u8) -> String {
    match delimiter {
        b'\t' => "tab".to_owned(),
        b' ' => "space".to_owned(),
        other => format!("‘{}’", char::from(other)),
    }
}

fn trial(sample: &str, dialect: Dialect) -> Option<Trial> {
    let mut record = Record::default();
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut value = 0.0;
    let mut cells = 0usize;
    let mut at = 0;
    while at < sample.len() && rows.len() < SAMPLE_RECORDS {
        at = record.read(sample, at, dialect);
        if record.is_blank(sample) {
            continue;
        }
        for (i, cell) in record.texts(sample).enumerate() {
            cells += 1;
            value += likeness(cell, record.is_quoted(i), dialect);
        }
        // A field that never closes swallowed the rest: held against this delimiter.
        if record.unclosed {
            value -= record.len() as f64;
        }
        rows.push(record.texts(sample).map(str::to_owned).collect());
    }
    let width = usual_width(&rows)?;
    let fits = |row: &&Vec<String>| {
        row.len() == width || row.get(width..).is_some_and(|rest| rest.iter().all(String::is_empty))
    };
    let consistency = rows.iter().filter(fits).count() as f64 / rows.len() as f64;
    let value_share = (value / cells.max(1) as f64).clamp(0.0, 1.0);
    // One column is what every delimiter that does not occur gives; it must lose against any that does its work.
    let width_factor = if width < 2 { 0.1 } else { 1.0 - 0.2 / width as f64 };
    let score = consistency * consistency * (0.2 + 0.8 * value_share) * width_factor;
    Some(Trial { dialect, rows, width, consistency, value_share, score })
}

/// How much a cell looks like a value on its own, from 0 to 1.
fn likeness(cell: &str, quoted: bool, dialect: Dialect) -> f64 {
    let text = trim(cell);
    if quoted {
        return 1.0;
    }
    if nulls::is_null(text) || !Candidates::of(text).is_text() || is_decimal_comma(text) {
        return 1.0;
    }
    // A quote within an unquoted cell often means that the cell was cut at the wrong places.
    if memchr(dialect.quote, text.as_bytes()).is_some() {
        return 0.1;
    }
    let foreign = text.bytes().filter(|b| DELIMITERS.contains(b) && *b != dialect.delimiter).count();
    match foreign {
        0 if text.len() <= 40 => 0.9,
        0 => 0.8,
        1 => 0.5,
        _ => 0.2,
    }
}

/// `1,5` and `1.234,50`: one value, not two.
fn is_decimal_comma(text: &str) -> bool {
    let mut parts = text.splitn(2, ',');
    let (Some(whole), Some(fraction)) = (parts.next(), parts.next()) else { return false };
    let whole = whole.strip_prefix('-').unwrap_or(whole);
    !whole.is_empty()
        && !fraction.is_empty()
        && whole.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && fraction.bytes().all(|b| b.is_ascii_digit())
}

/// The number of fields that most records have. The first record counts as any other; of equal ones the larger wins.
fn usual_width(rows: &[Vec<String>]) -> Option<usize> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for row in rows {
        *counts.entry(row.len()).or_default() += 1;
    }
    let (&width, _) = counts.iter().max_by_key(|(width, count)| (**count, **width))?;
    let first = rows.first().map_or(0, Vec::len);
    // Trailing separators: where the last field is empty in every record, there is no such column.
    let trailing =
        width > 1 && rows.iter().all(|r| r.len() < width || r.get(width - 1).is_some_and(String::is_empty));
    // With too few rows to tell, the header says how many columns there are.
    let width = if trailing { width - 1 } else { width };
    Some(if rows.len() <= 2 && first > 1 && !trailing { first } else { width })
}

/// Whether the first record names the columns.
fn has_header(rows: &[Vec<String>], width: usize) -> bool {
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
fn is_cross_table(first: &[String], rest: &[Vec<String>]) -> bool {
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

fn names(trial: &Trial, header: bool) -> Vec<String> {
    let mut cells: Vec<String> = match trial.rows.first() {
        Some(first) if header => first.iter().map(|c| trim(c).to_owned()).collect(),
        _ => Vec::new(),
    };
    // R writes row names without a name for their column: every record has one field more than the header.
    if header && trial.rows.len() > 1 && cells.len() + 1 == trial.width && cells.iter().all(|c| !c.is_empty())
    {
        cells.insert(0, "row_name".to_owned());
    }
    cells.resize(trial.width, String::new());
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

    fn found(sample: &str) -> (u8, bool, Vec<String>) {
        let s = sniff(sample, Overrides::default()).unwrap();
        (s.dialect.delimiter, s.header, s.names)
    }

    #[test]
    fn delimiters_of_awkward_files() {
        assert_eq!(found("a;b\n1,5;2,5\n3,5;4,5\n").0, b';');
        assert_eq!(found("a,b\n\"x;y;z\",1\n\"u;v;w\",2\n").0, b',');
        assert_eq!(found("a\tb\nHello, world\t1\nBye, world\t2\n").0, b'\t');
        assert_eq!(found("a|b\n1|2,3\n4|5\n").0, b'|');
        assert_eq!(found("n,note\n1,\"line one\nline; two; three\"\n2,\"x; y; z\"\n").0, b',');
        assert_eq!(found("date,t\n2024-01-01 10:00:00,1\n").0, b',');
        assert_eq!(found("value\n1\n2\n").2, ["value"]);
    }

    #[test]
    fn headers_present_absent_and_mended() {
        assert!(found("a,b\n1,2\n").1);
        assert!(!found("1,2\n3,4\n").1);
        assert!(found("name,city\nAda,London\nAlan,London\n").1);
        assert!(!found("yes,no\nyes,no\nno,yes\nyes,yes\n").1);
        assert!(found("country,1990,1991,1992\nx,1,2,3\ny,4,5,6\n").1);
        assert!(found(",0.5,1,1.5\nlow,1,2,3\nhigh,4,5,6\n").1, "labels on both sides");
        assert!(!found(",1,2\n,3,4\n,5,6\n").1);
        assert_eq!(found("a,,a,a_2\n1,2,3,4\n").2, ["a", "column_2", "a_3", "a_2"]);
        assert_eq!(found("a,b,\n1,2,\n3,4,\n").2, ["a", "b"]);
        assert_eq!(found("x,y\nr1,1,2\nr2,3,4\nr3,5,6\n").2, ["row_name", "x", "y"]);
    }

    #[test]
    fn line_ends_of_old_files() {
        let s = sniff("a,b\r1,2\r3,4\r", Overrides::default()).unwrap();
        assert_eq!((s.dialect.terminator, s.records), (b'\r', 3));
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
