//! Whether quotes enclose fields at all. In a list of titles they are part of the text: `"Heroes"`, `""`, `"`; taken for
//! more than that they merge records.

use memchr::memchr;

use super::trial::{Trial, trial};
use crate::csv::records::Record;
use crate::csv::{Dialect, NO_QUOTE};
use crate::types::lattice::Candidates;
use crate::types::{nulls, trim};

/// Share of a column's cells in quotes from which on a program wrote them, whatever they hold.
const ALWAYS: f64 = 0.9;

/// Share of lines lost to quotes up to which the quotes of such a program are kept.
const FEW: f64 = 0.05;

/// Records of which nobody can tell how the file is written.
const TOO_FEW: usize = 2;

/// The same table read without quotes, where each record then has the width of the header and with them some have not,
/// and no column loses its type by it: lines of an address are no records, though each may have its comma.
pub(super) fn without(sample: &str, best: &Trial, comment: Option<u8>) -> Option<Trial> {
    let dialect = best.dialect;
    if best.width < 2 || dialect.quote == NO_QUOTE || memchr(dialect.quote, sample.as_bytes()).is_none() {
        return None;
    }
    if shape(sample, best, false).misfits == 0 {
        return None;
    }
    let other = trial(sample, Dialect { quote: NO_QUOTE, padded_quotes: false, comment, ..dialect })?;
    let start = |t: &Trial| t.rows.get(t.start).map_or(0, |r| r.line);
    if other.width != best.width || start(&other) > start(best) {
        return None;
    }
    let (with, plain) = (shape(sample, best, true), shape(sample, &other, true));
    let lost = plain.records.saturating_sub(with.records - with.misfits);
    let written = with.always_quoted && lost as f64 <= FEW * plain.records as f64;
    let better = plain.misfits == 0 && plain.records > TOO_FEW && lost > 0 && !written;
    let worse =
        |(with, plain): (&Candidates, &Candidates)| !with.is_text() && !with.is_all() && plain.is_text();
    (better && !with.types.iter().zip(&plain.types).any(worse)).then_some(other)
}

/// What a dialect makes of the whole sample, of which a trial sees the start only.
#[derive(Default)]
struct Shape {
    records: usize,
    /// Records of another width.
    misfits: usize,
    /// What the columns may be, by the records that fit.
    types: Vec<Candidates>,
    /// Some column is in quotes nearly everywhere.
    always_quoted: bool,
}

fn shape(sample: &str, trial: &Trial, typed: bool) -> Shape {
    let (dialect, width) = (trial.dialect, trial.width);
    let bytes = sample.as_bytes();
    let line_end = |at| dialect.line_end(bytes, at, true).unwrap_or(bytes.len());
    let above = trial.rows.get(trial.start).map_or(0, |r| r.line);
    let mut at = (0..above).fold(0, |at, _| line_end(at));
    let mut record = Record::default();
    let mut shape = Shape { types: vec![Candidates::ALL; width], ..Shape::default() };
    let mut quoted = vec![0usize; width];
    while at < bytes.len() {
        if dialect.is_comment(bytes, at) {
            at = line_end(at);
            continue;
        }
        at = record.read(sample, at, dialect);
        if record.is_blank(sample) {
            continue;
        }
        shape.records += 1;
        if record.unclosed || !(record.len() == width || record.only_empty_from(width)) {
            shape.misfits += 1;
            continue;
        }
        for (column, quoted) in quoted.iter_mut().enumerate() {
            *quoted += usize::from(record.is_quoted(column));
        }
        // The first may be names.
        if !typed || shape.records == 1 {
            continue;
        }
        for (seen, cell) in shape.types.iter_mut().zip(record.texts(sample).map(trim)) {
            if !seen.is_text() && !nulls::is_null(cell) {
                *seen = seen.and(Candidates::of(cell));
            }
        }
    }
    // Names are quoted or not, whatever the values are.
    let values = shape.records.saturating_sub(shape.misfits + 1).max(1);
    shape.always_quoted = quoted.iter().any(|count| *count as f64 >= ALWAYS * values as f64);
    shape
}

#[cfg(test)]
mod tests {
    use super::super::{Overrides, sniff};
    use crate::csv::NO_QUOTE;

    fn quote(sample: &str) -> u8 {
        sniff(sample, Overrides::default()).unwrap().dialect.quote
    }

    #[test]
    fn titles_with_quotes_of_their_own_are_read_as_they_stand() {
        let titles = "n\ttitle\n0\tPlain\n241\t\"\n242\t\"!\"\n243\t\"\"\n244\t\"\"\"\n245\t\"\"A\"_\"B\":_C\n6\tOther\n";
        assert_eq!(quote(titles), NO_QUOTE);
        // Beyond the records of a trial.
        let long: String = std::iter::once("n\ttitle\n".to_owned())
            .chain((0..2_000).map(|n| format!("{n}\tTitle {n}\n")))
            .chain([String::from("7\t\"\"\"\n8\tA\n9\t\"B\n10\tC\n")])
            .collect();
        assert_eq!(quote(&long), NO_QUOTE);
    }

    #[test]
    fn quotes_that_enclose_lines_or_delimiters_stay_quotes() {
        assert_eq!(quote("a,b\n1,\"x\ny\"\n2,z\n"), b'"');
        let home = |n: usize| format!("{n},\"{n} Main St\nSpringfield, IL\"\n");
        let homes: String = (0..9).map(home).collect();
        assert_eq!(quote(&format!("id,address\n{homes}9,\"9 Main St\n")), b'"', "one quote is lost");
        assert_eq!(quote("a,b\n1,\"x, y\"\n2,\"Acme\" Ltd\n3\n"), b'"');
        let mut written: String = (0..100).map(|n| format!("{n},\"name {n}\"\n")).collect();
        written.push_str("100,\"\"\"\n101,\"x\"\n");
        assert_eq!(quote(&format!("n,name\n{written}")), b'"', "one damaged cell of a hundred");
    }
}
