//! Dates and times by an explicit list of formats: nothing is guessed.
//!
//! Dates: `YYYY-MM-DD`, `YYYY/MM/DD`, `DD.MM.YYYY`, `D/M/YYYY` or `M/D/YYYY` (with dashes too), and with an English name of
//! the month `9 Mar 2024`, `09-Mar-2024`, `Mar 9, 2024`. Years have four digits: of two nobody knows the century, so that
//! they are read only where the user says so.
//!
//! Times: a date, then `T` or a space, `HH:MM`, `HH:MM:SS` or `HH:MM:SS.fraction` (to the microsecond, further digits must be
//! zeros). After `YYYY-MM-DD` a zone may follow (`Z`, `+02:00`, `+0200`, `+02`, ` UTC`), after the others `AM` or `PM`.

use super::months::month;
use super::short_years;

/// A written form of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub(crate) enum DateFormat {
    /// `2024-03-09`
    Iso,
    /// `2024/03/09`
    IsoSlashed,
    /// `09.03.2024`
    Dotted,
    /// `9/3/2024`, day first
    DayFirst,
    /// `3/9/2024`, month first
    MonthFirst,
    /// `9-3-2024`, day first
    DashedDayFirst,
    /// `3-9-2024`, month first
    DashedMonthFirst,
    /// `9 Mar 2024`, `09-Mar-2024`, `Mar 9, 2024`
    Named,
    /// `9/3/24`, `9-Mar-24`
    ShortDayFirst,
    /// `3/9/24`, `Mar 9, 24`
    ShortMonthFirst,
}

impl DateFormat {
    /// How the format is written, for people.
    pub(crate) fn pattern(self) -> &'static str {
        match self {
            Self::Iso => "YYYY-MM-DD",
            Self::IsoSlashed => "YYYY/MM/DD",
            Self::Dotted => "DD.MM.YYYY",
            Self::DayFirst => "DD/MM/YYYY",
            Self::MonthFirst => "MM/DD/YYYY",
            Self::DashedDayFirst => "DD-MM-YYYY",
            Self::DashedMonthFirst => "MM-DD-YYYY",
            Self::Named => "day, month's name, year",
            Self::ShortDayFirst => "DD/MM/YY (69 to 99 as 1969 to 1999, 00 to 68 as 2000 to 2068)",
            Self::ShortMonthFirst => "MM/DD/YY (69 to 99 as 1969 to 1999, 00 to 68 as 2000 to 2068)",
        }
    }
}

/// All formats that are found; of two that read the same text the day comes first.
pub(crate) const FORMATS: [DateFormat; 8] = [
    DateFormat::Iso,
    DateFormat::IsoSlashed,
    DateFormat::Dotted,
    DateFormat::DayFirst,
    DateFormat::MonthFirst,
    DateFormat::DashedDayFirst,
    DateFormat::DashedMonthFirst,
    DateFormat::Named,
];

/// Microseconds in a day.
pub(crate) const DAY_US: i64 = 86_400_000_000;

/// Days since 1970-01-01 of a date of the proleptic Gregorian calendar (Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms", days_from_civil); `None` where there is no such day.
pub(crate) fn days(year: i32, month: u32, day: u32) -> Option<i32> {
    if !(1..=12).contains(&month) || day == 0 || day > days_in_month(year, month) {
        return None;
    }
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let shifted = (month as i32 + 9) % 12;
    let day_of_year = (153 * shifted + 2) / 5 + day as i32 - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// Year, month and day of a day number; the inverse of [`days`].
pub(crate) fn civil(day: i64) -> (i64, u32, u32) {
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * shifted + 2) / 5 + 1) as u32;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 } as u32;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// A date as ISO 8601 text.
pub(crate) fn iso_date(day: i64) -> String {
    let (year, month, day) = civil(day);
    format!("{year:04}-{month:02}-{day:02}")
}

/// A date and time as ISO 8601 text, with a fraction only where there is one.
pub(crate) fn iso_datetime(us: i64) -> String {
    let date = iso_date(us.div_euclid(DAY_US));
    let time = us.rem_euclid(DAY_US);
    let seconds = time / 1_000_000;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match time % 1_000_000 {
        0 => format!("{date}T{hour:02}:{minute:02}:{second:02}"),
        fraction => {
            let fraction = format!("{fraction:06}");
            format!("{date}T{hour:02}:{minute:02}:{second:02}.{}", fraction.trim_end_matches('0'))
        }
    }
}

pub(super) fn digits(bytes: Option<&[u8]>) -> Option<u32> {
    let bytes = bytes?;
    if bytes.is_empty() || bytes.len() > 4 {
        return None;
    }
    bytes.iter().try_fold(0u32, |n, b| b.is_ascii_digit().then(|| n * 10 + u32::from(b - b'0')))
}

/// Reads a date in one format.
pub(crate) fn date(text: &str, format: DateFormat) -> Option<i32> {
    let bytes = text.as_bytes();
    match format {
        DateFormat::Iso => fixed(bytes, b'-'),
        DateFormat::IsoSlashed => fixed(bytes, b'/'),
        DateFormat::Dotted => {
            let (day, month, year) = three(bytes, b'.')?;
            days(year, month, day)
        }
        DateFormat::DayFirst | DateFormat::DashedDayFirst => {
            let (day, month, year) = three(bytes, separator(format))?;
            days(year, month, day)
        }
        DateFormat::MonthFirst | DateFormat::DashedMonthFirst => {
            let (month, day, year) = three(bytes, separator(format))?;
            days(year, month, day)
        }
        DateFormat::Named => named(text),
        DateFormat::ShortDayFirst | DateFormat::ShortMonthFirst => short_years::date(text, format),
    }
}

fn separator(format: DateFormat) -> u8 {
    if matches!(format, DateFormat::DashedDayFirst | DateFormat::DashedMonthFirst) { b'-' } else { b'/' }
}

/// `9 Mar 2024`, `09-Mar-2024`, `Mar 9, 2024`, with the month's name whole or cut to three letters.
fn named(text: &str) -> Option<i32> {
    if !(9..=18).contains(&text.len()) {
        return None;
    }
    let mut parts = text.split([' ', '-']);
    let (first, second, year) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    let (day, name) = if first.bytes().next()?.is_ascii_digit() {
        (first, second)
    } else {
        (second.strip_suffix(',').unwrap_or(second), first)
    };
    if day.len() > 2 {
        return None;
    }
    let year = digits(Some(year.as_bytes()))? as i32;
    days(year, month(name)?, digits(Some(day.as_bytes()))?)
}

/// `YYYY?MM?DD`
fn fixed(bytes: &[u8], separator: u8) -> Option<i32> {
    if bytes.len() != 10 || bytes.get(4) != Some(&separator) || bytes.get(7) != Some(&separator) {
        return None;
    }
    days(digits(bytes.get(..4))? as i32, digits(bytes.get(5..7))?, digits(bytes.get(8..))?)
}

/// One or two digits, one or two digits, four digits.
fn three(bytes: &[u8], separator: u8) -> Option<(u32, u32, i32)> {
    if !(8..=10).contains(&bytes.len()) {
        return None;
    }
    let mut parts = bytes.split(|b| *b == separator);
    let (first, second, year) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || first.len() > 2 || second.len() > 2 || year.len() != 4 {
        return None;
    }
    Some((digits(Some(first))?, digits(Some(second))?, digits(Some(year))? as i32))
}

/// Reads an ISO date and time as microseconds since 1970; the flag says whether it has a zone, and then they are UTC. A
/// bare date is its midnight.
pub(crate) fn datetime(text: &str) -> Option<(i64, bool)> {
    let bytes = text.as_bytes();
    let day = i64::from(fixed(bytes.get(..10)?, b'-')?);
    if bytes.len() == 10 {
        return Some((day * DAY_US, false));
    }
    if !matches!(bytes.get(10), Some(b'T' | b't' | b' ')) {
        return None;
    }
    let (clock, offset) = zone(bytes.get(11..)?)?;
    let local = day * DAY_US + time_of_day(clock)?;
    Some((local - offset.unwrap_or(0), offset.is_some()))
}

/// Reads a date of a format with a time as microseconds since 1970. A bare date is its midnight.
pub(crate) fn datetime_as(text: &str, format: DateFormat) -> Option<i64> {
    if format == DateFormat::Iso {
        return datetime(text).filter(|(_, zoned)| !zoned).map(|(us, _)| us);
    }
    let at = match format {
        DateFormat::Named => named_end(text)?,
        DateFormat::ShortDayFirst | DateFormat::ShortMonthFirst if short_years::is_named(text) => {
            named_end(text)?
        }
        _ => memchr::memchr2(b' ', b'T', text.as_bytes()).unwrap_or(text.len()),
    };
    let day = i64::from(date(text.get(..at)?, format)?) * DAY_US;
    let Some(clock) = text.get(at + 1..).map(str::trim_start) else { return Some(day) };
    let noon = |suffix: &str| {
        let start = clock.len().checked_sub(2)?;
        let (clock, end) = (clock.get(..start)?, clock.get(start..)?);
        end.eq_ignore_ascii_case(suffix).then(|| clock.trim_end())
    };
    let (clock, half) = match (noon("AM"), noon("PM")) {
        (Some(clock), _) => (clock, Some(0)),
        (_, Some(clock)) => (clock, Some(12)),
        _ => (clock, None),
    };
    // One digit of an hour is enough here: `9:05`.
    let long = if clock.as_bytes().get(1) == Some(&b':') { format!("0{clock}") } else { clock.to_owned() };
    let us = time_of_day(long.as_bytes())?;
    let Some(half) = half else { return Some(day + us) };
    let hour = us / HOUR_US;
    (1..=12).contains(&hour).then(|| day + us - hour * HOUR_US + (hour % 12 + half) * HOUR_US)
}

/// Where a date with a month's name ends: after its year.
fn named_end(text: &str) -> Option<usize> {
    let mut spaces = memchr::memchr2_iter(b' ', b'-', text.as_bytes()).skip(2);
    Some(spaces.next().unwrap_or(text.len()))
}

const HOUR_US: i64 = 3_600_000_000;

/// A time without its zone, and the zone's offset from UTC in microseconds where there is one.
fn zone(time: &[u8]) -> Option<(&[u8], Option<i64>)> {
    if let [time @ .., b'Z' | b'z'] | [time @ .., b' ', b'U', b'T', b'C'] = time {
        return Some((time, Some(0)));
    }
    let Some(at) = time.iter().rposition(|b| matches!(b, b'+' | b'-')) else { return Some((time, None)) };
    let (clock, offset) = time.split_at_checked(at)?;
    let (hours, minutes) = match offset.get(1..)? {
        [h, i] => ([*h, *i], [b'0'; 2]),
        [h, i, m, n] | [h, i, b':', m, n] => ([*h, *i], [*m, *n]),
        _ => return None,
    };
    let (hours, minutes) = (digits(Some(&hours))?, digits(Some(&minutes))?);
    // The widest offsets in use are +14:00 and -12:00.
    if hours > 15 || minutes > 59 {
        return None;
    }
    let us = i64::from(hours * 60 + minutes) * 60_000_000;
    let us = if offset.first() == Some(&b'-') { -us } else { us };
    Some((clock.strip_suffix(b" ").unwrap_or(clock), Some(us)))
}

/// `HH:MM`, `HH:MM:SS` or `HH:MM:SS.fraction` as microseconds since midnight.
fn time_of_day(time: &[u8]) -> Option<i64> {
    let (clock, fraction) = match memchr::memchr(b'.', time) {
        Some(at) => (time.get(..at)?, Some(time.get(at + 1..)?)),
        None => (time, None),
    };
    let second = match clock.len() {
        5 if fraction.is_none() => 0,
        8 if clock.get(5) == Some(&b':') => digits(clock.get(6..8))?,
        _ => return None,
    };
    if clock.get(2) != Some(&b':') {
        return None;
    }
    let (hour, minute) = (digits(clock.get(..2))?, digits(clock.get(3..5))?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut us = 0i64;
    if let Some(fraction) = fraction {
        if fraction.is_empty() || fraction.len() > 9 {
            return None;
        }
        for (i, b) in fraction.iter().enumerate() {
            if !b.is_ascii_digit() || (i >= 6 && *b != b'0') {
                return None;
            }
            if i < 6 {
                us = us * 10 + i64::from(b - b'0');
            }
        }
        us *= 10i64.pow(6u32.saturating_sub(fraction.len() as u32));
    }
    Some(i64::from(hour * 3600 + minute * 60 + second) * 1_000_000 + us)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_agree_with_known_dates() {
        assert_eq!(days(1970, 1, 1), Some(0));
        assert_eq!(days(2000, 3, 1), Some(11_017));
        assert_eq!(days(1969, 12, 31), Some(-1));
        assert_eq!(days(2024, 2, 29), Some(19_782));
        assert_eq!(days(2023, 2, 29), None);
        assert_eq!(days(1900, 2, 29), None);
        assert_eq!(days(2024, 13, 1), None);
        for day in (-800_000..800_000).step_by(37) {
            let (y, m, d) = civil(day);
            assert_eq!(days(y as i32, m, d), Some(day as i32));
        }
    }

    #[test]
    fn formats_do_not_leak_into_each_other() {
        assert_eq!(date("2024-03-09", DateFormat::Iso), days(2024, 3, 9));
        assert_eq!(date("2024/03/09", DateFormat::IsoSlashed), days(2024, 3, 9));
        assert_eq!(date("09.03.2024", DateFormat::Dotted), days(2024, 3, 9));
        assert_eq!(date("9/3/2024", DateFormat::DayFirst), days(2024, 3, 9));
        assert_eq!(date("9/3/2024", DateFormat::MonthFirst), days(2024, 9, 3));
        assert_eq!(date("13/3/2024", DateFormat::MonthFirst), None);
        assert_eq!(date("2024-3-9", DateFormat::Iso), None);
        assert_eq!(date("1.2.24", DateFormat::Dotted), None);
        assert_eq!(date("192.168.1.1", DateFormat::Dotted), None);
        for text in ["9 Mar 2024", "09-Mar-2024", "Mar 9, 2024", "March 9, 2024", "9 march 2024"] {
            assert_eq!(date(text, DateFormat::Named), days(2024, 3, 9), "{text}");
        }
        for text in ["9 Mrz 2024", "Mar 2024", "May be 2024", "31 Feb 2024", "9 Mar 24"] {
            assert_eq!(date(text, DateFormat::Named), None, "{text}");
        }
        assert_eq!(date("09-03-2024", DateFormat::DashedDayFirst), days(2024, 3, 9));
    }

    #[test]
    fn datetimes_round_to_nothing() {
        assert_eq!(datetime("1970-01-01T00:00:01Z"), Some((1_000_000, true)));
        assert_eq!(datetime("1970-01-01 00:00:00.25"), Some((250_000, false)));
        assert_eq!(datetime("1970-01-01 00:01"), Some((60_000_000, false)));
        assert_eq!(datetime("1970-01-02"), Some((DAY_US, false)));
        for text in
            ["1970-01-01T24:00:00", "1970-01-01T00:60", "1970-01-01T00:00:00.1234567", "1970-01-01T", "x"]
        {
            assert_eq!(datetime(text), None, "{text}");
        }
        // The same instant in the zones of RFC 3339, section 5.8, and as PostgreSQL writes them.
        for text in [
            "1990-12-31T15:59:59-08:00",
            "1990-12-31T23:59:59Z",
            "1990-12-31 23:59:59+00",
            "1991-01-01T05:29:59+0530",
            "1990-12-31 23:59:59 UTC",
        ] {
            assert_eq!(datetime(text), Some((662_687_999_000_000, true)), "{text}");
        }
        assert_eq!(datetime("1990-12-31T15:59:59-99:00"), None);
        let at = |text, format| datetime_as(text, format).map(iso_datetime);
        let half_past = Some("2024-03-09T14:30:00".to_owned());
        assert_eq!(at("9/3/2024 14:30", DateFormat::DayFirst), half_past);
        assert_eq!(at("3/9/2024 2:30:00 PM", DateFormat::MonthFirst), half_past);
        assert_eq!(at("09.03.2024 14:30:00", DateFormat::Dotted), half_past);
        assert_eq!(at("2024/03/09 14:30", DateFormat::IsoSlashed), half_past);
        assert_eq!(at("9 Mar 2024 14:30", DateFormat::Named), half_past);
        assert_eq!(at("3/9/2024 12:00 AM", DateFormat::MonthFirst), Some("2024-03-09T00:00:00".to_owned()));
        assert_eq!(at("3/9/2024 13:00 AM", DateFormat::MonthFirst), None);
        assert_eq!(iso_datetime(-1), "1969-12-31T23:59:59.999999");
        assert_eq!(iso_datetime(250_000), "1970-01-01T00:00:00.25");
        assert_eq!(iso_date(19_782), "2024-02-29");
    }
}
