//! Which dialects are worth a trial, from a look at the sample's characters.

use crate::csv::Dialect;
use crate::types::lattice::Candidates;

/// Single delimiters that are tried, the likelier first where scores are equal.
const DELIMITERS: [&str; 12] = [",", ";", "\t", "|", ":", "^", "~", " ", "\u{1}", "\u{1f}", "§", "¦"];

/// Characters that delimiters of several characters are made of. Commas and semicolons in a row are empty fields.
const MARKS: &[u8] = b"|:^~#$&*+=!@%/";

/// Lines that are looked at for delimiters of several characters.
const LINES: usize = 50;

/// The delimiters worth a trial. Always at least one.
pub(super) fn delimiters(sample: &str) -> Vec<Dialect> {
    let several = several(sample);
    // A character that only ever stands in a longer delimiter is none itself.
    let alone = |d: &&&str| !several.iter().any(|s| s.starts_with(**d));
    let mut found: Vec<Dialect> = DELIMITERS
        .iter()
        .filter(alone)
        .filter(|d| sample.contains(**d))
        .filter_map(|d| Dialect::delimited(d))
        .collect();
    found.extend(several.iter().filter_map(|d| Dialect::delimited(d)));
    if found.is_empty() {
        found.push(Dialect::plain(b','));
    }
    found
}

/// Sequences such as `||` and `::` that stand in nearly every line, and whose first character hardly stands elsewhere.
fn several(sample: &str) -> Vec<String> {
    let lines: Vec<&str> = sample.lines().filter(|l| !l.trim().is_empty()).take(LINES).collect();
    let mut found: Vec<String> = Vec::new();
    // Of one line nobody can tell `||` from an empty field.
    if lines.len() < 2 {
        return found;
    }
    for line in lines.iter().take(3) {
        for run in line.as_bytes().split(|b| !MARKS.contains(b)).filter(|r| (2..=8).contains(&r.len())) {
            let Ok(run) = std::str::from_utf8(run) else { continue };
            // Of `||||` between fields, an empty one among them, the half is the delimiter.
            let half = run.get(..run.len() / 2).filter(|h| h.len() > 1 && h.repeat(2) == run);
            for sequence in std::iter::once(run).chain(half) {
                if !found.iter().any(|f| f == sequence) {
                    found.push(sequence.to_owned());
                }
            }
        }
    }
    found.retain(|sequence| {
        let with = lines.iter().filter(|l| l.contains(sequence.as_str())).count();
        let Some(first) = sequence.chars().next() else { return false };
        let inside = sequence.matches(first).count();
        let explained = sample.matches(sequence.as_str()).count() * inside;
        with * 10 >= lines.len() * 9 && (sample.matches(first).count() - explained) * 4 <= explained
    });
    // `||||` holds `||`: the shorter one explains all of the longer.
    let all = found.clone();
    found.retain(|s| !all.iter().any(|o| o.len() < s.len() && s.contains(o.as_str())));
    found
}

/// Whether nearly every line is one value as it stands: a time, a date with a time, a number. The first may be a name.
pub(super) fn lines_are_values(sample: &str) -> bool {
    let mut lines = sample.lines().map(str::trim).filter(|l| !l.is_empty()).skip(1).take(LINES).peekable();
    if lines.peek().is_none() {
        return false;
    }
    let two = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
    let is_clock = |l: &str| {
        let parts: Vec<&str> = l.split('.').next().unwrap_or_default().split(':').collect();
        let hour = parts.first().is_some_and(|h| two(h) || matches!(h.as_bytes(), [b'0'..=b'9']));
        (2..=3).contains(&parts.len()) && hour && parts.iter().skip(1).all(|p| two(p))
    };
    // A comma may part columns as well as decimals.
    lines.all(|l| !l.contains(',') && (is_clock(l) || !Candidates::of(l).is_text()))
}

/// Whether single quotes may enclose fields in this dialect: they open and close some.
pub(super) fn has_single_quotes(sample: &str, dialect: &Dialect) -> bool {
    let delimiter = dialect.delimiter_text();
    let opened = format!("{delimiter}'");
    let closed = format!("'{delimiter}");
    let (mut opens, mut closes) = (0, 0);
    for line in sample.lines().take(1_000) {
        opens += usize::from(line.starts_with('\'')) + line.matches(&opened).count();
        closes += usize::from(line.trim_end().ends_with('\'')) + line.matches(&closed).count();
    }
    opens > 0 && closes > 0
}

/// What speaks for backslashes before quotes, and for doubled quotes: how often each stands within a field.
pub(super) fn escapes(sample: &str, dialect: &Dialect) -> (usize, usize) {
    let bytes = sample.as_bytes();
    let ends = |b: Option<&u8>| match b {
        None => true,
        Some(b) => *b == dialect.delimiter || matches!(b, b'\n' | b'\r'),
    };
    let (mut backslashed, mut doubled) = (0, 0);
    for at in memchr::memchr_iter(dialect.quote, bytes) {
        let before = at.checked_sub(1).and_then(|i| bytes.get(i));
        let after = bytes.get(at + 1);
        if before == Some(&b'\\') && !ends(after) {
            backslashed += 1;
        }
        let outer = at.checked_sub(1).and_then(|i| bytes.get(i));
        if after == Some(&dialect.quote) && !ends(outer) && at > 0 && !ends(bytes.get(at + 2)) {
            doubled += 1;
        }
    }
    (backslashed, doubled)
}

/// Whether carriage returns stand alone in a sample whose lines end in line feeds.
pub(super) fn has_lone_returns(sample: &str) -> bool {
    let bytes = sample.as_bytes();
    memchr::memchr(b'\n', bytes).is_some()
        && memchr::memchr_iter(b'\r', bytes).any(|at| !matches!(bytes.get(at + 1), Some(b'\n') | None))
}

/// Whether blanks stand between a delimiter and a quote.
pub(super) fn has_padded_quotes(sample: &str, dialect: &Dialect) -> bool {
    if dialect.delimiter == b' ' {
        return false;
    }
    let bytes = sample.as_bytes();
    let delimiter = dialect.delimiter_text();
    memchr::memchr_iter(dialect.quote, bytes).any(|at| {
        let after = sample.get(at + 1..).unwrap_or_default();
        let before = sample.get(..at).unwrap_or_default();
        let (next, last) = (after.trim_start_matches(' '), before.trim_end_matches(' '));
        (next.len() < after.len() && next.starts_with(&delimiter))
            || (last.len() < before.len() && last.ends_with(&delimiter))
    })
}

/// The delimiter that a first line such as `sep=;` names, as Excel writes and reads it.
pub(super) fn named_by_excel(sample: &str) -> Option<&str> {
    let line = sample.lines().next()?.trim_end_matches('\r').trim_matches('"');
    let name = line.strip_prefix("sep=").or_else(|| line.strip_prefix("SEP="))?;
    (name.chars().count() == 1).then_some(name)
}
