//! Dates by a pattern as of strptime(3): `%Y %y %m %b %B %d %H %I %M %S %p`, `%%`, and other characters as they are. A blank
//! stands for one or more blanks. Two-digit years below 69 are of the 2000s (POSIX).

use crate::types::dates::{self, DAY_US};
use crate::types::months::MONTHS;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    Year,
    ShortYear,
    Month,
    ShortMonthName,
    MonthName,
    Day,
    Hour,
    Hour12,
    Minute,
    Second,
    Half,
    Blank,
    Char(char),
}

/// A pattern that was understood.
#[derive(Debug, Clone)]
pub(crate) struct Pattern(Vec<Part>);

impl Pattern {
    /// From its text; `Err` says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        const NAMED: &str = "it must be iso, iso_slashed, dotted, day_first, month_first, datetime, or a pattern such as \
                             %d.%m.%y %H:%M with %Y %y %m %b %B %d %H %I %M %S %p";
        let mut parts = Vec::new();
        let mut chars = text.trim().chars();
        while let Some(c) = chars.next() {
            let part = match c {
                '%' => match chars.next() {
                    Some('Y') => Part::Year,
                    Some('y') => Part::ShortYear,
                    Some('m') => Part::Month,
                    Some('b') => Part::ShortMonthName,
                    Some('B') => Part::MonthName,
                    Some('d') => Part::Day,
                    Some('H') => Part::Hour,
                    Some('I') => Part::Hour12,
                    Some('M') => Part::Minute,
                    Some('S') => Part::Second,
                    Some('p') => Part::Half,
                    Some('%') => Part::Char('%'),
                    Some(other) => return Err(format!("%{other} is not known; {NAMED}")),
                    None => return Err(format!("it ends in %; {NAMED}")),
                },
                c if c.is_whitespace() => Part::Blank,
                c => Part::Char(c),
            };
            if part != Part::Blank || parts.last() != Some(&Part::Blank) {
                parts.push(part);
            }
        }
        let pattern = Self(parts);
        let (year, month) = (
            pattern.count(&[Part::Year, Part::ShortYear]),
            pattern.count(&[Part::Month, Part::ShortMonthName, Part::MonthName]),
        );
        if year != 1 || month != 1 || pattern.count(&[Part::Day]) != 1 {
            return Err(format!("it needs one year, one month and one day; {NAMED}"));
        }
        let (hour, half) = (pattern.count(&[Part::Hour, Part::Hour12]), pattern.count(&[Part::Half]));
        let by_twelve = pattern.count(&[Part::Hour12]);
        if hour > 1 || half != by_twelve || (hour == 0 && pattern.count(&[Part::Minute, Part::Second]) > 0) {
            return Err("a time needs one hour: %H, or %I with %p".to_owned());
        }
        Ok(pattern)
    }

    fn count(&self, parts: &[Part]) -> usize {
        self.0.iter().filter(|p| parts.contains(p)).count()
    }

    pub(crate) fn has_time(&self) -> bool {
        self.count(&[Part::Hour, Part::Hour12]) > 0
    }

    /// Microseconds since 1970-01-01; `None` where the text does not fit to its end.
    pub(crate) fn read(&self, text: &str) -> Option<i64> {
        let (mut year, mut month, mut day) = (0, 0, 0);
        let (mut hour, mut minute, mut second) = (0i64, 0i64, 0i64);
        let mut afternoon = None;
        let mut rest = text.trim();
        for part in &self.0 {
            let mut number = |least: usize, most: usize| {
                let digits = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
                if digits < least {
                    return None;
                }
                let (digits, after) = rest.split_at_checked(digits)?;
                rest = after;
                digits.parse::<i64>().ok()
            };
            match part {
                Part::Year => year = number(4, 4)?,
                Part::ShortYear => {
                    let short = number(2, 2)?;
                    year = short + if short < 69 { 2000 } else { 1900 };
                }
                Part::Month => month = number(1, 2)?,
                Part::Day => day = number(1, 2)?,
                Part::Hour => hour = number(1, 2).filter(|h| *h < 24)?,
                Part::Hour12 => hour = number(1, 2).filter(|h| (1..=12).contains(h))?,
                Part::Minute => minute = number(1, 2).filter(|m| *m < 60)?,
                Part::Second => second = number(1, 2).filter(|s| *s < 60)?,
                Part::ShortMonthName | Part::MonthName => {
                    let short = *part == Part::ShortMonthName;
                    let found = MONTHS.iter().position(|m| starts(rest, if short { &m[..3] } else { m }))?;
                    rest = rest.get(if short { 3 } else { MONTHS.get(found)?.len() }..)?;
                    month = found as i64 + 1;
                }
                Part::Half => {
                    afternoon =
                        Some(if starts(rest, "pm") { true } else { starts(rest, "am").then_some(false)? });
                    rest = rest.get(2..)?;
                }
                Part::Blank => {
                    let after = rest.trim_start();
                    if after.len() == rest.len() {
                        return None;
                    }
                    rest = after;
                }
                Part::Char(c) => rest = rest.strip_prefix(*c)?,
            }
        }
        if !rest.is_empty() {
            return None;
        }
        if let Some(afternoon) = afternoon {
            hour = hour % 12 + if afternoon { 12 } else { 0 };
        }
        let days = dates::days(year as i32, month as u32, day as u32)?;
        Some(i64::from(days) * DAY_US + (hour * 3600 + minute * 60 + second) * 1_000_000)
    }
}

fn starts(text: &str, word: &str) -> bool {
    text.get(..word.len()).is_some_and(|t| t.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pattern: &str, text: &str) -> Option<String> {
        Pattern::parse(pattern).unwrap().read(text).map(dates::iso_datetime)
    }

    #[test]
    fn patterns_read_what_strptime_reads() {
        // As Python's datetime.strptime gives it.
        let cases = [
            ("%d.%m.%y", "09.03.24", "2024-03-09T00:00:00"),
            ("%d.%m.%y", "9.3.68", "2068-03-09T00:00:00"),
            ("%d.%m.%y", "9.3.69", "1969-03-09T00:00:00"),
            ("%b %d, %Y", "Mar 9, 2024", "2024-03-09T00:00:00"),
            ("%d %B %Y", "29 February 2024", "2024-02-29T00:00:00"),
            ("%m/%d/%Y %I:%M %p", "3/9/2024 12:05 AM", "2024-03-09T00:05:00"),
            ("%m/%d/%Y %I:%M:%S %p", "12/31/1999 11:59:59 pm", "1999-12-31T23:59:59"),
            ("%Y%m%d", "20240309", "2024-03-09T00:00:00"),
            ("%d-%b-%y", "01-JAN-99", "1999-01-01T00:00:00"),
        ];
        for (pattern, text, want) in cases {
            assert_eq!(read(pattern, text).as_deref(), Some(want), "{pattern} {text}");
        }
        let misfits = [
            ("%d.%m.%y", "09.03.2024"),
            ("%d %B %Y", "30 February 2024"),
            ("%b %d", "x"),
            ("%Y-%m-%d", "2024-03-09x"),
        ];
        for (pattern, text) in misfits {
            assert_eq!(Pattern::parse(pattern).ok().and_then(|p| p.read(text)), None, "{pattern} {text}");
        }
        for pattern in ["", "%Y-%m", "%Q", "%Y-%m-%d %M", "%Y-%m-%d %I:%M", "%Y %y %m %d", "%", "dmy"] {
            assert!(Pattern::parse(pattern).is_err(), "{pattern}");
        }
    }
}
