//! How a delimited file is written, found from a sample: delimiter, quotes, line ends, comments, header, width.
//!
//! Each delimiter that occurs is tried with the real record reader; the best score wins (see [`trial`]). Then what is
//! rarer (backslashes, mixed line ends, blanks before quotes) is taken on where the sample speaks for it.

mod candidates;
mod header;
mod quotes;
mod trial;

use dropforge_shared::reading::Decision;
use memchr::memchr;

use crate::csv::{Dialect, NO_QUOTE};
use trial::{Trial, trial};

pub(crate) use header::{is_year_row, unique};
pub(crate) use trial::is_note;

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
    /// Lines before the table, comments among them.
    pub(crate) preamble_lines: u64,
    /// Records that end early have their last fields missing: they are many, and the header is longer.
    pub(crate) short_records: bool,
    /// A line of dashes under the header, as Markdown draws tables.
    pub(crate) markdown: bool,
    /// How it was found, for people.
    pub(crate) how: String,
    /// The same, decision by decision.
    pub(crate) decisions: Vec<Decision>,
}

/// What the user has set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Overrides {
    /// The delimiter as it stands in the file.
    pub(crate) delimiter: Option<String>,
    pub(crate) header: Option<bool>,
}

/// Share of records that end early from which on that is how the file is written, and no damage.
const SHORT_SHARE: f64 = 0.05;

/// Line ends: a line feed wherever there is one, else a carriage return (old files of the Macintosh).
fn terminator(sample: &str) -> u8 {
    if memchr(b'\n', sample.as_bytes()).is_none() && memchr(b'\r', sample.as_bytes()).is_some() {
        b'\r'
    } else {
        b'\n'
    }
}

/// Looks at a sample of whole records. `None` where it has no record at all.
pub(crate) fn sniff(sample: &str, overrides: Overrides) -> Option<Sniffed> {
    let terminator = terminator(sample);
    let excel = candidates::named_by_excel(sample).filter(|_| overrides.delimiter.is_none());
    let set = overrides.delimiter.as_deref().or(excel);
    // The line that names the delimiter is no part of the table.
    let named_above = u64::from(excel.is_some());
    let sample = match (excel, memchr(b'\n', sample.as_bytes())) {
        (Some(_), Some(end)) => sample.get(end + 1..).unwrap_or_default(),
        _ => sample,
    };
    let tried = match set {
        Some(delimiter) => vec![Dialect::delimited(delimiter)?],
        None => candidates::delimiters(sample),
    };
    let marked = sample.split(['\n', '\r']).any(|l| l.starts_with('#'));
    let comment = marked.then_some(b'#');
    // `10:30:00` and `2024-01-01 10:30` are one value a line, not columns.
    let values = set.is_none() && candidates::lines_are_values(sample);
    let mut best: Option<Trial> = None;
    let mut scores = Vec::new();
    for dialect in tried {
        let dialect = Dialect { terminator, comment, ..dialect };
        let trial = of_delimiter(sample, dialect)?;
        if set.is_none() && (!trial.is_convincing() || (values && dialect.delimiter != b',')) {
            continue;
        }
        scores.push(format!("{} {:.2}", shown(&dialect.delimiter_text()), trial.score));
        if best.as_ref().is_none_or(|b| trial.score > b.score + 1e-9) {
            best = Some(trial);
        }
    }
    let best = match best {
        Some(best) => best,
        None => trial(sample, Dialect { terminator, comment, ..Dialect::plain(b',') })?,
    };
    let trial = refined(sample, best, comment);
    let why = match (excel, set) {
        (Some(_), _) => "the first line names it".to_owned(),
        (None, Some(_)) => "set by the user".to_owned(),
        _ => format!("scores: {}", scores.join(", ")),
    };
    let mut found = told(sample, &trial, &overrides, &why);
    found.preamble_lines += named_above;
    Some(found)
}

/// The best of the ways to write records with a delimiter.
fn of_delimiter(sample: &str, dialect: Dialect) -> Option<Trial> {
    let mut best = trial(sample, dialect)?;
    let mut ways = Vec::new();
    if dialect.delimiter == b' ' && dialect.tail().is_empty() && sample.contains("  ") {
        ways.push(Dialect { runs: true, ..dialect });
    }
    if candidates::has_single_quotes(sample, &dialect) {
        ways.push(Dialect { quote: b'\'', ..dialect });
    }
    if candidates::has_lone_returns(sample) {
        ways.push(Dialect { any_end: true, ..dialect });
    }
    if candidates::has_padded_quotes(sample, &dialect) {
        ways.push(Dialect { padded_quotes: true, ..dialect });
    }
    if sample.contains("\\\"") {
        ways.push(Dialect { backslash: true, ..dialect });
    }
    for way in ways {
        let other = trial(sample, way)?;
        // One pair of single quotes may be an accident, where it mends no record.
        let single = way.quote == b'\'';
        let meant = other.quoted > best.quoted && (other.quoted > 1 || other.consistency > best.consistency);
        if other.score > best.score + 1e-9 && (!single || meant) {
            best = other;
        }
    }
    Some(best)
}

/// The same delimiter with what is rarer, where the sample speaks for it.
fn refined(sample: &str, best: Trial, comment: Option<u8>) -> Trial {
    let mut best = best;
    let again = |change: &dyn Fn(&mut Dialect), best: &Trial| {
        let mut dialect = Dialect { comment, ..best.dialect };
        change(&mut dialect);
        trial(sample, dialect).filter(|t| t.width >= best.width.min(2))
    };
    if candidates::has_lone_returns(sample)
        && let Some(other) = again(&|d| d.any_end = true, &best)
        && other.consistency >= best.consistency
        && other.rows.len() > best.rows.len()
        && other.score >= best.score - 1e-9
    {
        best = other;
    }
    if candidates::has_padded_quotes(sample, &best.dialect)
        && let Some(other) = again(&|d| d.padded_quotes = true, &best)
        && (other.consistency > best.consistency
            || (other.consistency >= best.consistency && other.quoted > best.quoted))
    {
        best = other;
    }
    if memchr(b'\\', sample.as_bytes()).is_some()
        && let Some(other) = again(&|d| d.backslash = true, &best)
    {
        let (backslashed, doubled) = candidates::escapes(sample, &best.dialect);
        if other.consistency > best.consistency
            || (backslashed > doubled && best.quoted > 0 && other.consistency >= best.consistency)
        {
            best = other;
        }
    }
    // Quotes that never close enclose nothing: inches, ditto marks.
    if best.quoted == 0
        && memchr(best.dialect.quote, sample.as_bytes()).is_some()
        && let Some(other) = again(&|d| d.quote = NO_QUOTE, &best)
        && other.consistency > best.consistency
    {
        best = other;
    }
    quotes::without(sample, &best, comment).unwrap_or(best)
}

fn told(sample: &str, trial: &Trial, overrides: &Overrides, why: &str) -> Sniffed {
    let table: Vec<&[String]> = trial.table().map(|r| r.cells.as_slice()).collect();
    let header = overrides.header.unwrap_or_else(|| header::has_header(&table, trial.width));
    let first = table.first().copied().filter(|_| header);
    let (width, short_records) = ragged(&table, trial.width, header);
    let names = header::names(first, width, table.len() > 1);
    let dialect = trial.dialect;
    let preamble_lines = trial.rows.get(trial.start).map_or(0, |r| r.line);
    let line_ends = match (dialect.any_end, dialect.terminator, sample.contains("\r\n")) {
        (true, ..) => "mixed",
        (_, b'\r', _) => "CR",
        (.., true) => "CRLF",
        _ => "LF",
    };
    let delimiter = shown(&dialect.delimiter_text());
    let fitting = (trial.consistency * table.len() as f64).round();
    let how = format!(
        "delimiter {delimiter} {} ({fitting} of {} sampled records have {} fields; {why}); line ends {line_ends}; \
         header {} {}",
        if overrides.delimiter.is_some() { "as set" } else { "found" },
        table.len(),
        trial.width,
        if header { "present" } else { "absent" },
        if overrides.header.is_some() { "as set" } else { "by its cells" },
    );
    let mut decisions = Vec::new();
    let mut decide = |what: &str, value: String, why: String| {
        decisions.push(Decision { what: what.to_owned(), value, why });
    };
    let fields = format!("{fitting} of {} sampled records have {} fields; {why}", table.len(), trial.width);
    decide("delimiter", delimiter, fields);
    decide("line ends", line_ends.to_owned(), "seen in the sample".to_owned());
    if dialect.quote == NO_QUOTE {
        decide(
            "quote",
            "none".to_owned(),
            "quotes enclose no fields: read as any other character, more records are alike".to_owned(),
        );
    } else if trial.quoted > 0 {
        let why = format!("{} sampled fields stand in it", trial.quoted);
        decide("quote", char::from(dialect.quote).to_string(), why);
    }
    if dialect.backslash {
        decide(
            "escape",
            "\\".to_owned(),
            "backslashes stand before quotes or delimiters within fields".to_owned(),
        );
    }
    if let Some(mark) = dialect.comment {
        let why = "lines that start with it are no records like the others".to_owned();
        decide("comment", char::from(mark).to_string(), why);
    }
    if preamble_lines > 0 {
        let why = "the table starts at the first record with as many fields as most".to_owned();
        decide("lines before the table", preamble_lines.to_string(), why);
    }
    let why = match (overrides.header, header) {
        (Some(_), _) => "set by the user",
        (None, true) => "the first record differs from what is below it as names differ from values",
        (None, false) => "the first record looks like those below it",
    };
    decide("header", header.to_string(), why.to_owned());
    if short_records {
        let why = format!("many records end before the {width} fields of the header");
        decide("short records", "their last fields are missing".to_owned(), why);
    }
    Sniffed {
        dialect,
        header,
        names,
        consistency: if short_records { share_within(&table, width) } else { trial.consistency },
        value_share: trial.value_share,
        records: table.len(),
        preamble_lines,
        short_records,
        markdown: dialect.delimiter == b'|' && table.iter().take(3).any(|r| is_rule(r)),
        how,
        decisions,
    }
}

/// The columns of a table whose records may end early: as many as the header names, where nothing is longer and enough
/// records are shorter for that to be how the file is written. Else the usual number.
fn ragged(table: &[&[String]], width: usize, header: bool) -> (usize, bool) {
    let (Some(first), true) = (table.first(), header) else { return (width, false) };
    let named = first.iter().filter(|c| !c.trim().is_empty()).count();
    let short = table.iter().skip(1).filter(|r| r.len() < named).count();
    let longer = table.iter().skip(1).any(|r| !trial::fits(r, named) && r.len() > named);
    let many = short as f64 >= SHORT_SHARE * (table.len() - 1) as f64 && short > 1;
    let whole = first.len() == named || trial::fits(first, named);
    if named >= width.max(2) && whole && !longer && many { (named, true) } else { (width, false) }
}

fn share_within(table: &[&[String]], width: usize) -> f64 {
    table.iter().filter(|r| r.len() <= width).count() as f64 / table.len().max(1) as f64
}

/// Whether a record is Markdown's line between header and rows: `|---|:--:|`.
fn is_rule(cells: &[String]) -> bool {
    let mut dashes = 0;
    let only = cells.iter().map(|c| c.trim()).all(|c| {
        dashes += usize::from(c.contains("--"));
        c.bytes().all(|b| matches!(b, b'-' | b':'))
    });
    only && dashes > 0
}

/// A delimiter for people.
pub(crate) fn shown(delimiter: &str) -> String {
    match delimiter {
        "\t" => "tab".to_owned(),
        " " => "space".to_owned(),
        other if other.chars().any(char::is_control) => other.escape_unicode().to_string(),
        other => format!("‘{other}’"),
    }
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
    fn delimiters_of_other_kinds() {
        for (sample, delimiter) in [
            ("a||b||c\n1||2|x||3\n4||||6\n", "||"),
            ("id::name\n1::Ada: a\n2::Bob\n", "::"),
            ("a^b^c\n1^2^3\n", "^"),
            ("name~n\nx~1\ny~2\n", "~"),
            ("time:n\nx:1\ny:2\n", ":"),
            ("a b c\n1 2 3\n4 5 6\n", " "),
            ("a§b\n1§2\n", "§"),
        ] {
            let s = sniff(sample, Overrides::default()).unwrap();
            assert_eq!(s.dialect.delimiter_text(), delimiter, "{sample}: {}", s.how);
        }
        let aligned = sniff("  x      y\n 1.5   2.5\n10.5  20.5\n", Overrides::default()).unwrap();
        assert!(aligned.dialect.runs && aligned.names == ["x", "y"], "{}", aligned.how);
    }

    #[test]
    fn titles_comments_and_headers_that_are_marked() {
        let s = sniff("Sales of 2024\n\nregion,n,x\nN,1,2\nS,3,4\n", Overrides::default()).unwrap();
        assert_eq!((s.preamble_lines, s.names), (2, vec!["region".into(), "n".into(), "x".into()]));
        let s = sniff("# made today, by hand, in a hurry\na,b\n1,2\n# half-way\n3,4\n", Overrides::default())
            .unwrap();
        assert_eq!((s.preamble_lines, s.dialect.comment, s.records), (1, Some(b'#'), 3));
        let s = sniff("##v=1\n#CHROM\tPOS\nx\t1\ny\t2\n", Overrides::default()).unwrap();
        assert_eq!((s.preamble_lines, s.names), (1, vec!["#CHROM".into(), "POS".into()]));
        let s = sniff("code,name\n#ff0000,red\n#00ff00,green\n", Overrides::default()).unwrap();
        assert_eq!((s.dialect.comment, s.records), (None, 3));
        let s = sniff("Title,,\na,b,c\n1,2,3\n4,5,6\n", Overrides::default()).unwrap();
        assert_eq!((s.preamble_lines, s.names), (1, vec!["a".into(), "b".into(), "c".into()]));
        let s = sniff("key,value\nby,Ada\n\na,b,c\n1,2,3\n4,5,6\n", Overrides::default()).unwrap();
        assert_eq!((s.preamble_lines, s.names.len()), (3, 3));
        let s = sniff("\nOne,two,three\n1,2,3,4\n1,2,3\n\n1,2,3,4,5\n1,2,3,4,5\n", Overrides::default());
        assert_eq!(s.unwrap().preamble_lines, 1, "ragged records are no preamble");
    }

    #[test]
    fn quotes_of_other_kinds() {
        let s = sniff("'a','b'\n'1, 2','3'\n'4','5'\n", Overrides::default()).unwrap();
        assert_eq!((s.dialect.quote, s.names.len()), (b'\'', 2));
        let s = sniff("n,t\n1,\"say \\\"hi\\\", now\"\n2,\"x\"\n", Overrides::default()).unwrap();
        assert!(s.dialect.backslash, "{}", s.how);
        let s = sniff("n, t\n1, \"a, b\"\n2, \"c, d\"\n", Overrides::default()).unwrap();
        assert!(s.dialect.padded_quotes && s.names.len() == 2, "{}", s.how);
        let s = sniff("who,what\nO'Neil,it's\nAda,'tis\n", Overrides::default()).unwrap();
        assert_eq!(s.dialect.quote, b'"');
    }

    #[test]
    fn records_that_end_early_and_lines_that_end_in_every_way() {
        let s = sniff("a,b,c\n1,2,3\n4\n5,6\n7,8,9\n", Overrides::default()).unwrap();
        assert!(s.short_records && s.names.len() == 3);
        let s = sniff("a,b\r1,2\n3,4\r\n5,6\r", Overrides::default()).unwrap();
        assert!(s.dialect.any_end && s.records == 4, "{}", s.how);
    }
}
