//! Dates whose years have two digits. Nobody knows their century, so they are read only where a user sets their type,
//! and then by the rule that POSIX.1-2017 has for `%y` of `strptime`: 69 to 99 are 1969 to 1999, 00 to 68 are 2000 to
//! 2068. Must not know who asks.

use super::dates::{DateFormat, days, digits};
use super::months::month;

/// Reads `9/3/24` (with dashes and points too) or `9-Mar-24`; month first `3/9/24`, `Mar 9, 24`.
pub(super) fn date(text: &str, format: DateFormat) -> Option<i32> {
    // The longest is `September 30, 24`.
    if !(6..=16).contains(&text.len()) {
        return None;
    }
    let day_first = format == DateFormat::ShortDayFirst;
    let (a, b, year) = if is_named(text) {
        let (a, b, year) = three(text, [' ', '-'])?;
        (a, b.strip_suffix(',').filter(|_| !day_first).unwrap_or(b), year)
    } else {
        let separator = text.chars().find(|c| matches!(c, '/' | '-' | '.'))?;
        three(text, [separator; 2])?
    };
    if year.len() != 2 {
        return None;
    }
    let year = digits(Some(year.as_bytes()))? as i32;
    let year = if year >= 69 { 1_900 + year } else { 2_000 + year };
    let (day, named) = if day_first { (a, b) } else { (b, a) };
    let number = |text: &str| digits(Some(text.as_bytes()).filter(|b| b.len() <= 2));
    days(year, month(named).or_else(|| number(named))?, number(day)?)
}

/// Whether the month stands there by its name.
pub(super) fn is_named(text: &str) -> bool {
    text.bytes().take(4).any(|b| b.is_ascii_alphabetic())
}

fn three(text: &str, separators: [char; 2]) -> Option<(&str, &str, &str)> {
    let mut parts = text.split(separators);
    let found = (parts.next()?, parts.next()?, parts.next()?);
    parts.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::dates::{datetime_as, iso_date, iso_datetime};

    #[test]
    fn years_of_two_digits_follow_posix() {
        let day_first = |text| date(text, DateFormat::ShortDayFirst).map(|d| iso_date(i64::from(d)));
        let month_first = |text| date(text, DateFormat::ShortMonthFirst).map(|d| iso_date(i64::from(d)));
        for (text, wanted) in [
            ("31/12/99", "1999-12-31"),
            ("1/2/69", "1969-02-01"),
            ("1.2.68", "2068-02-01"),
            ("09-Mar-24", "2024-03-09"),
            ("9 March 00", "2000-03-09"),
        ] {
            assert_eq!(day_first(text).as_deref(), Some(wanted), "{text}");
        }
        for (text, wanted) in
            [("12/31/99", "1999-12-31"), ("1-2-69", "1969-01-02"), ("Mar 9, 24", "2024-03-09")]
        {
            assert_eq!(month_first(text).as_deref(), Some(wanted), "{text}");
        }
        for text in ["31/12/1999", "31/13/99", "1/2-99", "29/2/23", "1.2.3.4", "123/1/99", "1/2/9", "a/b/99"]
        {
            assert_eq!(day_first(text), None, "{text}");
        }
        assert_eq!(month_first("31/12/99"), None);
        let at = |text| datetime_as(text, DateFormat::ShortDayFirst).map(iso_datetime);
        assert_eq!(at("31/12/99 23:30").as_deref(), Some("1999-12-31T23:30:00"));
        assert_eq!(at("9-Mar-24 1:05 PM").as_deref(), Some("2024-03-09T13:05:00"));
    }
}
