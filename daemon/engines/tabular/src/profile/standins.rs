//! Numbers and dates that stand for a value that nobody knew, such as -999 or 1900-01-01. A value is taken for one
//! only where it comes more than once, lies at the very end of the range, and far from all the others: 9999 among
//! prices up to 9500 is a price.

use dropforge_shared::page::ColumnType;

use super::column::Described;
use crate::types::dates::{self, DAY_US};

/// A stand-in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StandIn {
    /// As a reader writes it.
    pub(crate) shown: String,
    pub(crate) rows: u64,
}

/// Days on which nothing happened in most tables: where the calendars of programs begin and end.
const DAYS: [(i32, u32, u32); 9] = [
    (1, 1, 1),
    (1753, 1, 1),
    (1899, 12, 30),
    (1899, 12, 31),
    (1900, 1, 1),
    (1970, 1, 1),
    (2099, 12, 31),
    (2999, 12, 31),
    (9999, 12, 31),
];

/// Different values that must be left for a range to be one.
const LEFT: u64 = 3;

/// The stand-ins of a column.
pub(crate) fn stand_ins(d: &Described) -> Vec<StandIn> {
    match d.profile.kind {
        ColumnType::Integer | ColumnType::Float => {
            let far = |value: f64, gap: f64, rest: (f64, f64)| {
                let range = rest.1 - rest.0;
                // Short ones are numbers in their own right more often.
                let times = if value.abs() < 999.0 { 2.0 } else { 1.0 };
                gap > times * range || (value <= -99.0 && rest.0 >= 0.0)
            };
            found(d, is_nines, far, |v| v.to_string())
        }
        ColumnType::Date => dated(d, 1.0, |v| dates::iso_date(v as i64)),
        ColumnType::Datetime => dated(d, DAY_US as f64, |v| dates::iso_datetime(v as i64)),
        _ => Vec::new(),
    }
}

/// 99, -999, 9999.9, …, and the ends of 32-bit integers.
fn is_nines(value: f64) -> bool {
    if value == f64::from(i32::MAX) || value == f64::from(i32::MIN) {
        return true;
    }
    let size = value.abs();
    (99.0..1e12).contains(&size) && size.to_string().bytes().all(|b| matches!(b, b'9' | b'.'))
}

fn dated(d: &Described, day: f64, shown: impl Fn(f64) -> String) -> Vec<StandIn> {
    let days: Vec<f64> = DAYS
        .iter()
        .filter_map(|(year, month, date)| dates::days(*year, *month, *date))
        .map(|days| f64::from(days) * day)
        .collect();
    let far = |_, gap: f64, rest: (f64, f64)| gap > rest.1 - rest.0 || gap > 3_653.0 * day;
    found(d, |value| days.contains(&value), far, shown)
}

fn found(
    d: &Described,
    known: impl Fn(f64) -> bool,
    far: impl Fn(f64, f64, (f64, f64)) -> bool,
    shown: impl Fn(f64) -> String,
) -> Vec<StandIn> {
    let outer = |ends: &[(f64, u64)]| ends.iter().take_while(|(v, n)| *n > 1 && known(*v)).count();
    let (low, high) = (outer(&d.facts.lowest), outer(&d.facts.highest));
    let rest = (d.facts.lowest.get(low), d.facts.highest.get(high));
    let (Some((least, _)), Some((most, _))) = rest else { return Vec::new() };
    if least >= most || d.profile.distinct < (low + high) as u64 + LEFT {
        return Vec::new();
    }
    let below = d.facts.lowest.iter().take(low).map(|(v, n)| (*v, *n, least - v));
    let above = d.facts.highest.iter().take(high).map(|(v, n)| (*v, *n, v - most));
    below
        .chain(above)
        .filter(|(value, _, gap)| far(*value, *gap, (*least, *most)))
        .map(|(value, rows, _)| StandIn { shown: shown(value), rows })
        .collect()
}
