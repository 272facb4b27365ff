//! Cells of workbooks as the spellings that the types are told from: one lattice for all formats.

use calamine::{CellErrorType, Data, DataRef, ExcelDateTime};

use crate::types::dates::{self, DAY_US};

/// A cell that holds something.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    /// A value, spelled as a text format would: `1.5`, `true`, `2024-01-31`.
    Value(String),
    /// A text.
    Text(String),
    /// An error, by its token: `#N/A`.
    Error(&'static str),
}

impl Cell {
    /// What a person reads there.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Value(text) | Self::Text(text) => text,
            Self::Error(token) => token,
        }
    }
}

/// Errors as spreadsheets show them. ODS has them as texts.
const ERRORS: [&str; 10] = [
    "#DIV/0!",
    "#N/A",
    "#NAME?",
    "#NULL!",
    "#NUM!",
    "#REF!",
    "#VALUE!",
    "#DATA!",
    "#GETTING_DATA",
    "#SPILL!",
];

fn error(error: &CellErrorType) -> Cell {
    Cell::Error(match error {
        CellErrorType::Div0 => "#DIV/0!",
        CellErrorType::NA => "#N/A",
        CellErrorType::Name => "#NAME?",
        CellErrorType::Null => "#NULL!",
        CellErrorType::Num => "#NUM!",
        CellErrorType::Ref => "#REF!",
        CellErrorType::Value => "#VALUE!",
        CellErrorType::GettingData => "#GETTING_DATA",
    })
}

/// A cell that was read from a stream.
pub(super) fn of_ref(value: &DataRef<'_>, last_day: f64) -> Option<Cell> {
    match value {
        DataRef::Empty => None,
        DataRef::Int(i) => Some(Cell::Value(i.to_string())),
        DataRef::Float(f) => Some(Cell::Value(number(*f))),
        DataRef::String(text) => of_text(text),
        DataRef::SharedString(text) => of_text(text),
        DataRef::Bool(b) => Some(Cell::Value(b.to_string())),
        DataRef::DateTime(moment) => Some(Cell::Value(serial(*moment, last_day))),
        DataRef::DateTimeIso(text) => Some(Cell::Value(iso(text))),
        DataRef::DurationIso(text) => Some(Cell::Value(duration(text))),
        DataRef::Error(e) => Some(error(e)),
    }
}

/// A cell of a sheet that is held in memory. `errors_are_text` is so in ODS.
pub(super) fn of_data(value: &Data, last_day: f64, errors_are_text: bool) -> Option<Cell> {
    match value {
        Data::Empty => None,
        Data::Int(i) => Some(Cell::Value(i.to_string())),
        Data::Float(f) => Some(Cell::Value(number(*f))),
        Data::String(text) if errors_are_text => {
            let known = ERRORS.iter().find(|e| **e == text);
            known.map_or_else(|| of_text(text), |token| Some(Cell::Error(token)))
        }
        Data::String(text) => of_text(text),
        Data::Bool(b) => Some(Cell::Value(b.to_string())),
        Data::DateTime(moment) => Some(Cell::Value(serial(*moment, last_day))),
        Data::DateTimeIso(text) => Some(Cell::Value(iso(text))),
        Data::DurationIso(text) => Some(Cell::Value(duration(text))),
        Data::Error(e) => Some(error(e)),
        // Text with fonts and the like; what it says is its text.
        #[allow(unreachable_patterns, reason = "the library may add kinds of cells")]
        other => of_text(&other.to_string()),
    }
}

fn of_text(text: &str) -> Option<Cell> {
    (!text.is_empty()).then(|| Cell::Text(text.to_owned()))
}

/// A number so that reading it gives the same: spreadsheets have only floats, and those without a fraction are
/// integers as far as floats hold each of them (2^53).
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        "0".to_owned()
    } else if size < 9_007_199_254_740_992.0 && value.fract() == 0.0 {
        (value as i64).to_string()
    } else if (1e-5..1e15).contains(&size) {
        value.to_string()
    } else {
        format!("{value:e}")
    }
}

/// The last day that spreadsheets know, 9999-12-31, as a serial number of the 1900 system (ECMA-376 part 1, 18.17.4.1).
pub(super) const LAST_DAY_1900: f64 = 2_958_465.0;
/// The same in the 1904 system.
pub(super) const LAST_DAY_1904: f64 = LAST_DAY_1900 - 1_462.0;

/// A serial number with a date format: a date, a date and time, or a time of day where there is no day. A number that
/// no date has stays a number.
fn serial(moment: ExcelDateTime, last_day: f64) -> String {
    let value = moment.as_f64();
    if !value.is_finite() || value < 0.0 || value >= last_day + 1.0 {
        return number(value);
    }
    // Milliseconds are what spreadsheets keep; further digits are the float's.
    let ms = (value * 86_400_000.0).round() as i64;
    let is_1904 = last_day < LAST_DAY_1900;
    let (day, rest) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    if moment.is_duration() {
        return clock(ms);
    }
    if day == 0 && !is_1904 {
        return clock(rest);
    }
    // Days since 1970. The 1900 system counts a 29 February 1900 that never was as its day 60.
    let since = match (is_1904, day) {
        (true, day) => day - 24_107,
        (false, day @ ..60) => day - 25_568,
        (false, day) => day - 25_569,
    };
    if rest == 0 { dates::iso_date(since) } else { dates::iso_datetime(since * DAY_US + rest * 1_000) }
}

/// `10:30:00`, `26:00:00.5`
fn clock(ms: i64) -> String {
    let seconds = ms / 1_000;
    let text = format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match ms % 1_000 {
        0 => text,
        fraction => format!("{text}.{fraction:03}").trim_end_matches('0').to_owned(),
    }
}

/// An ISO date and time with no more digits than microseconds, a midnight as its date.
fn iso(text: &str) -> String {
    let text = text.split_once('.').map_or(text, |(whole, fraction)| {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count().min(6);
        text.get(..whole.len() + 1 + digits).unwrap_or(text)
    });
    let text = text.strip_suffix("T00:00:00").unwrap_or(text);
    text.to_owned()
}

/// `PT10H30M00S` as `10:30:00`; what is written otherwise stays so.
fn duration(text: &str) -> String {
    let read = || {
        let rest = text.strip_prefix("PT")?;
        let (hours, rest) = rest.split_once('H')?;
        let (minutes, rest) = rest.split_once('M')?;
        let seconds: f64 = rest.strip_suffix('S')?.replace(',', ".").parse().ok()?;
        let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
        let whole = hours.checked_mul(3_600)?.checked_add(minutes.checked_mul(60)?)?;
        Some(clock(whole.checked_mul(1_000)?.checked_add((seconds * 1_000.0).round() as i64)?))
    };
    read().unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType::{DateTime, TimeDelta};

    use super::*;

    #[test]
    fn serial_numbers_are_the_days_that_excel_shows() {
        let day = |value| serial(ExcelDateTime::new(value, DateTime, false), LAST_DAY_1900);
        // The figures are those that Excel shows for these numbers.
        assert_eq!(day(1.0), "1900-01-01");
        assert_eq!(day(59.0), "1900-02-28");
        assert_eq!(day(61.0), "1900-03-01");
        assert_eq!(day(45_322.0), "2024-01-31");
        assert_eq!(day(45_322.5), "2024-01-31T12:00:00");
        assert_eq!(day(45_943.541), "2025-10-13T12:59:02.4");
        assert_eq!(day(LAST_DAY_1900), "9999-12-31");
        assert_eq!(day(2_958_466.0), "2958466");
        assert_eq!(day(-1.0), "-1");
        assert_eq!(day(0.4375), "10:30:00");
        let old = |value| serial(ExcelDateTime::new(value, DateTime, true), LAST_DAY_1904);
        assert_eq!(old(0.0), "1904-01-01");
        assert_eq!(old(43_860.0), "2024-01-31");
        let long = |value| serial(ExcelDateTime::new(value, TimeDelta, false), LAST_DAY_1900);
        assert_eq!(long(1.0 + 2.0 / 24.0), "26:00:00");
        assert_eq!(duration("PT10H30M00.5S"), "10:30:00.5");
        assert_eq!(iso("2024-01-31T10:00:00.123000000"), "2024-01-31T10:00:00.123000");
    }

    #[test]
    fn numbers_keep_their_value_and_integers_their_look() {
        for value in [0.1 + 0.2, 1e300, -5e-324, 1.5, 123_456_789.25, 9_007_199_254_740_993.0, 1e15 + 0.5] {
            assert_eq!(number(value).parse::<f64>().unwrap(), value);
            assert!(crate::types::numbers::float(&number(value)).is_some_and(|v| v == value), "{value}");
        }
        assert_eq!(number(501.0), "501");
        assert_eq!(number(-0.0), "0");
        assert_eq!(number(4_111_111_111_111_111.0), "4111111111111111");
    }
}
