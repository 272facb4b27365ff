//! A look at some rows of the text columns: four stretches of the table, spread evenly.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use dropforge_shared::page::ColumnType;
use dropforge_shared::profile::Profile;

use crate::clean::block::{Value, each_value};
use crate::clean::ops::{Form, Written, items};
use crate::error::Error;
use crate::parquet::Dataset;
use crate::types::{numbers, trim};

/// Stretches that are read, and rows of each.
const STRETCHES: u64 = 4;
const STRETCH_ROWS: u64 = 5_000;
/// Text columns that are looked at.
const MAX_COLUMNS: usize = 500;
/// Longer texts are prose.
const MAX_LENGTH: usize = 200;
/// Different values that are kept of a column.
const MAX_VALUES: usize = 2_000;
/// Cells that detection needs to see, and the share of them that must fit a form.
const LEAST_CELLS: u64 = 5;
const FIT: f64 = 0.95;

/// Words that stand for missing in practice. `none` is not among them: it is as often a category.
const PLACEHOLDERS: [&str; 18] = [
    "?",
    "??",
    "unknown",
    "missing",
    "not available",
    "not applicable",
    "undefined",
    "n.a.",
    "tbd",
    "#n/a",
    "--",
    "unspecified",
    "???",
    "unk",
    "unk.",
    "(unknown)",
    "n.k.",
    "not specified",
];

/// Ways to write dates that are tried, in order; the first that fits best is taken.
const FORMS: [&str; 29] = [
    "iso",
    "datetime",
    "iso_slashed",
    "dotted",
    "day_first",
    "month_first",
    "%d.%m.%y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M %p",
    "%Y/%m/%d %H:%M:%S",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d %b %Y",
    "%d %B %Y",
    "%d-%b-%y",
    "%d-%b-%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d.%m.%y %H:%M",
    "%d/%m/%y %H:%M",
    "%m/%d/%y %H:%M",
    "%Y-%m-%d %I:%M:%S %p",
];

/// Ways to write numbers that are tried: decimal, thousands, characters to leave out.
const WRITINGS: [(&str, &str, &str); 5] = [
    ("point", "none", ""),
    ("point", "comma", "$€£%"),
    ("comma", "none", "€%"),
    ("comma", "point", "€%"),
    ("comma", "blank", "€%"),
];

/// A way to read a column and how many of the cells looked at fit it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fit<T> {
    pub(super) how: T,
    pub(super) cells: u64,
    pub(super) fit: u64,
}

/// Lists in cells.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lists {
    pub(super) separator: &'static str,
    pub(super) several: u64,
    pub(super) cells: u64,
    pub(super) values: usize,
}

/// What the rows of a text column show.
#[derive(Debug, Clone, Default)]
pub(super) struct Look {
    /// Date form; the flag says that day first and month first both fit.
    pub(super) dates: Option<(Fit<&'static str>, bool)>,
    /// Decimal, thousands, strip.
    pub(super) numbers: Option<Fit<(&'static str, &'static str, &'static str)>>,
    pub(super) lists: Option<Lists>,
    /// Values in several spellings, as `'a' 3×, 'A' 1×`, some of them.
    pub(super) spellings: Vec<String>,
    /// Words for missing that occur, as they are spelled.
    pub(super) placeholders: Vec<String>,
    /// Mean length in characters.
    pub(super) length: f64,
}

/// Looks at the text columns; those of long prose only for their length.
pub(super) fn look(path: &Path, profile: &Profile) -> Result<BTreeMap<String, Look>, Error> {
    let dataset = Dataset::open(path)?;
    let texts: Vec<usize> = dataset
        .columns
        .iter()
        .enumerate()
        .filter(|(_, c)| c.kind == ColumnType::Text && profile.columns.iter().any(|p| p.name == c.name))
        .map(|(i, _)| i)
        .take(MAX_COLUMNS)
        .collect();
    let mut counts: BTreeMap<String, Counted> = BTreeMap::new();
    let mut next = 0;
    for i in 0..STRETCHES {
        let at = (dataset.rows / STRETCHES * i).max(next);
        let rows = STRETCH_ROWS.min(dataset.rows.saturating_sub(at));
        if rows == 0 || texts.is_empty() {
            break;
        }
        next = at + rows;
        let frame = dataset.read(Some(texts.clone()), at, rows)?;
        for column in frame.columns() {
            let counted = counts.entry(column.name().to_string()).or_default();
            each_value(column.as_materialized_series(), |value| {
                if let Some(Value::Text(text)) = value {
                    counted.add(text);
                }
            })?;
        }
    }
    Ok(counts.into_iter().map(|(name, counted)| (name, counted.look())).collect())
}

/// Values of a column in the rows that were read, by count.
#[derive(Default)]
struct Counted {
    values: HashMap<String, u64>,
    cells: u64,
    chars: u64,
    long: u64,
    /// There were more different values than are kept.
    over: bool,
}

impl Counted {
    fn add(&mut self, text: &str) {
        let trimmed = trim(text);
        self.cells += 1;
        self.chars += text.chars().count() as u64;
        if trimmed.len() > MAX_LENGTH {
            self.long += 1;
        } else if let Some(count) = self.values.get_mut(trimmed) {
            *count += 1;
        } else if self.values.len() < MAX_VALUES {
            self.values.insert(trimmed.to_owned(), 1);
        } else {
            self.over = true;
        }
    }

    fn look(&self) -> Look {
        let mut look = Look { length: self.chars as f64 / self.cells.max(1) as f64, ..Look::default() };
        if self.long * 2 > self.cells {
            return look;
        }
        let mut values: Vec<(&str, u64)> = self.values.iter().map(|(v, n)| (v.as_str(), *n)).collect();
        values.sort_unstable();
        let is_placeholder = |v: &str| PLACEHOLDERS.contains(&v.to_lowercase().as_str());
        look.placeholders =
            values.iter().filter(|(v, _)| is_placeholder(v)).map(|(v, _)| (*v).to_owned()).collect();
        values.retain(|(v, _)| !is_placeholder(v));
        look.dates = dates(&values);
        if look.dates.is_none() {
            look.numbers = as_numbers(&values);
        }
        if look.dates.is_none() && look.numbers.is_none() {
            look.lists = lists(&values);
            // Where nearly every value is another one, spellings do not matter.
            if !self.over && values.len() as u64 * 2 <= self.cells {
                look.spellings = spellings(&values);
            }
        }
        look
    }
}

fn total(values: &[(&str, u64)]) -> u64 {
    values.iter().map(|(_, n)| n).sum()
}

fn fitting(values: &[(&str, u64)], fits: impl Fn(&str) -> bool) -> u64 {
    values.iter().filter(|(v, _)| fits(v)).map(|(_, n)| n).sum()
}

fn dates(values: &[(&str, u64)]) -> Option<(Fit<&'static str>, bool)> {
    let cells = total(values);
    let tried = FORMS.iter().filter_map(|name| {
        let form = Form::parse(name).ok()?;
        Some((*name, fitting(values, |v| form.read(v).is_some())))
    });
    let tried: Vec<(&'static str, u64)> = tried.collect();
    let (how, fit) = tried.iter().copied().reduce(|best, next| if next.1 > best.1 { next } else { best })?;
    if cells < LEAST_CELLS || (fit as f64) < FIT * cells as f64 {
        return None;
    }
    // Both ends of a slashed date below 13, in every row.
    let swapped = if how.starts_with("day_first") {
        Some("month_first".to_owned())
    } else {
        how.strip_prefix("%d/%m")
            .map(|rest| format!("%m/%d{rest}"))
            .or_else(|| how.strip_prefix("%d-%m").map(|rest| format!("%m-%d{rest}")))
    };
    let ambiguous = swapped.is_some_and(|s| tried.iter().any(|(name, n)| *name == s && *n == fit));
    Some((Fit { how, cells, fit }, ambiguous))
}

fn as_numbers(values: &[(&str, u64)]) -> Option<Fit<(&'static str, &'static str, &'static str)>> {
    let cells = total(values);
    // Codes are no numbers, however few of them begin with a zero.
    let code = |v: &str| v.len() > 1 && v.starts_with('0') && v.bytes().all(|b| b.is_ascii_digit());
    if values.iter().any(|(v, _)| code(v)) {
        return None;
    }
    let tried = WRITINGS.iter().map(|how| {
        let written = Written {
            decimal: if how.0 == "comma" { ',' } else { '.' },
            thousands: match how.1 {
                "comma" => Some(','),
                "point" => Some('.'),
                "blank" => Some(' '),
                _ => None,
            },
            strip: how.2.to_owned(),
        };
        let fit = fitting(values, |v| written.plain(v).is_some_and(|p| numbers::float(&p).is_some()));
        Fit { how: *how, cells, fit }
    });
    let best = tried.reduce(|best, next| if next.fit > best.fit { next } else { best })?;
    (cells >= LEAST_CELLS && best.fit as f64 >= 0.8 * cells as f64).then_some(best)
}

fn lists(values: &[(&str, u64)]) -> Option<Lists> {
    let cells = total(values);
    [";", "|", ","].into_iter().find_map(|separator| {
        let several = fitting(values, |v| items(v, separator).len() > 1);
        // Of each item: the cells that have it, and the different cells.
        let mut counts: HashMap<&str, (u64, u64)> = HashMap::new();
        let mut long = false;
        for (value, n) in values {
            for item in items(value, separator) {
                let count = counts.entry(item).or_default();
                *count = (count.0 + n, count.1 + 1);
                long |= item.chars().count() > 40;
            }
        }
        // Lists draw from few values again and again; sentences and names with a comma do not.
        let drawn =
            counts.values().map(|c| c.0).sum::<u64>() >= counts.len() as u64 * 5 && counts.len() <= 200;
        let enough = cells >= LEAST_CELLS && several * 10 >= cells * 3 && counts.len() >= 2;
        // Their values are combined anew; those of a category with a comma in its name always stand together.
        let combined = counts.values().filter(|c| c.1 > 1).count() * 2 > counts.len();
        (enough && drawn && combined && !long).then_some(Lists {
            separator,
            several,
            cells,
            values: counts.len(),
        })
    })
}

fn spellings(values: &[(&str, u64)]) -> Vec<String> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (value, n) in values {
        let common = value.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        groups.entry(common).or_default().push(format!("'{value}' {n}×"));
    }
    groups.into_values().filter(|g| g.len() > 1).map(|g| g.join(", ")).take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(values: &[&str]) -> Look {
        let mut counted = Counted::default();
        (0..10).for_each(|_| values.iter().for_each(|v| counted.add(v)));
        counted.look()
    }

    #[test]
    fn texts_are_seen_for_what_they_hold() {
        let seen = look(&["3/9/2024", "4/11/2024"]);
        assert!(matches!(seen.dates, Some((Fit { how: "day_first", .. }, true))), "{seen:?}");
        let seen = look(&["3/9/24", "4/13/24"]);
        assert!(matches!(seen.dates, Some((Fit { how: "%m/%d/%y", .. }, false))), "{seen:?}");
        let seen = look(&["$1,234.50", "$7", "12 %", "n/a x", "3", "5", "6", "8", "9", "10"]);
        let numbers = seen.numbers.unwrap();
        assert_eq!((numbers.how.1, numbers.fit, numbers.cells), ("comma", 90, 100));
        let seen = look(&["red;green", "green", "blue;red", "red;blue;green"]);
        assert_eq!(seen.lists.map(|l| (l.separator, l.values)), Some((";", 3)));
        let seen = look(&["Male", "male ", "MALE", "female", "unknown"]);
        assert_eq!(seen.spellings.len(), 1);
        assert_eq!(seen.placeholders, ["unknown"]);
    }

    #[test]
    fn names_with_commas_and_codes_are_left_alone() {
        let people: Vec<String> = (0..100).map(|i| format!("Surname{i}, First{}", i * 7)).collect();
        let seen = look(&people.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(seen.lists.is_none() && seen.dates.is_none() && seen.numbers.is_none(), "{seen:?}");
        let seen = look(&["Paris, France", "Rome, Italy", "Craftsmen, Foremen", "Farmers"]);
        assert!(seen.lists.is_none(), "{seen:?}");
        let mostly_without: Vec<String> = (0..20).map(|i| format!("{:05}", 9_500 + i * 50)).collect();
        let seen = look(&mostly_without.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(seen.numbers.is_none(), "{seen:?}");
        let seen = look(&["00501", "10001", "90210"]);
        assert!(seen.numbers.is_none(), "{seen:?}");
    }
}
