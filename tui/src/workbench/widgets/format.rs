//! Figures as people read them.

use dropforge_shared::config::ByteSize;
use dropforge_shared::job::Progress;
use dropforge_shared::time::Timestamp;

/// A count with its thousands apart: `12,345`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A number in few characters: six significant digits, and an exponent where it is very large or small.
pub fn figure(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return x.to_string();
    }
    let magnitude = x.abs().log10().floor() as i32;
    if !(-4..=8).contains(&magnitude) {
        return format!("{x:.3e}");
    }
    let decimals = usize::try_from(5 - magnitude).unwrap_or(0);
    let text = format!("{x:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A number of bytes.
pub fn size(bytes: u64) -> String {
    ByteSize(bytes).to_string()
}

/// A count of things by the name of one: `1 record`, `2 records`.
pub fn counted(n: u64, one: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{} {one}{s}", count(n))
}

/// How long ago something was, rounded so that it seldom changes. What lies ahead, as after a clock was set back, says so,
/// in no more than eight columns.
pub fn age(then: Timestamp, now: Timestamp) -> String {
    let minutes = now.0.saturating_sub(then.0) / 60_000;
    let ahead = minutes.saturating_neg();
    match (minutes, ahead) {
        (60..2_880, _) => format!("{} h", minutes / 60),
        (1..60, _) => format!("{minutes} min"),
        (2_880.., _) => format!("{} d", minutes / 1_440),
        (_, 1..10) => format!("in {ahead} min"),
        (_, 10..60) => "in <1 h".into(),
        (_, 60..2_880) => format!("in {} h", ahead / 60),
        (_, 2_880..1_051_200) => format!("in {} d", ahead / 1_440),
        (_, 1_051_200..) => format!("in {} y", ahead / 525_600),
        _ => "just now".into(),
    }
}

/// The time of day where the user is.
pub fn clock(at: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(at.0) {
        Ok(t) => t.to_zoned(jiff::tz::TimeZone::system()).strftime("%H:%M:%S").to_string(),
        Err(_) => "--:--:--".into(),
    }
}

/// The time of day where the user is, with the date where that is another day than today.
pub fn moment(at: Timestamp, now: Timestamp) -> String {
    let zoned = |t: Timestamp| {
        jiff::Timestamp::from_millisecond(t.0).ok().map(|t| t.to_zoned(jiff::tz::TimeZone::system()))
    };
    match (zoned(at), zoned(now)) {
        (Some(at), Some(now)) if at.date() == now.date() => at.strftime("%H:%M:%S").to_string(),
        (Some(at), Some(now)) if at.year() == now.year() => at.strftime("%m-%d %H:%M:%S").to_string(),
        (Some(at), _) => at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        (None, _) => "--:--:--".into(),
    }
}

/// A stage and how far it is: `hash  1,024 of 4,096 rows`.
pub fn stage(progress: &Progress) -> String {
    let bytes = progress.unit == "bytes";
    let show = |n: u64| if bytes { size(n) } else { count(n) };
    let unit = if bytes { "" } else { progress.unit.as_str() };
    let amount = match progress.total {
        Some(total) => format!("{} of {} {unit}", show(progress.done), show(total)),
        None => format!("{} {unit}", show(progress.done)),
    };
    format!("{}  {}", progress.stage, amount.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_and_true() {
        assert_eq!(count(0), "0");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(figure(0.1 + 0.2), "0.3");
        assert_eq!(figure(1234.5678), "1234.57");
        assert_eq!(figure(100.0), "100");
        assert_eq!(figure(-2.5e-9), "-2.500e-9");
        assert_eq!(figure(6.02e23), "6.020e23");
        assert_eq!(figure(123_456_789.0), "123456789");
    }

    #[test]
    fn ages_are_rounded() {
        let at = |s: i64| Timestamp(s * 1_000);
        assert_eq!(age(at(0), at(59)), "just now");
        assert_eq!(age(at(0), at(60)), "1 min");
        assert_eq!(age(at(0), at(7_200)), "2 h");
        assert_eq!(age(at(0), at(86_400 * 3)), "3 d");
    }

    #[test]
    fn what_lies_in_the_future_is_not_called_new() {
        let at = |s: i64| Timestamp(s * 1_000);
        assert_eq!(age(at(59), at(0)), "just now", "what came after the last key is not in the future");
        assert_eq!(age(at(60), at(0)), "in 1 min");
        assert_eq!(age(at(3_540), at(0)), "in <1 h");
        assert_eq!(age(at(7_200), at(0)), "in 2 h");
        assert_eq!(age(at(86_400 * 3), at(0)), "in 3 d");
        assert_eq!(age(at(86_400 * 365 * 12), at(0)), "in 12 y");
        for seconds in [1, 100, 3_599, 86_399, 172_799, 9_999_999, 99_999_999, 9_999_999_999] {
            assert!(age(at(seconds), at(0)).len() <= 8, "there is room for eight columns");
        }
    }

    #[test]
    fn times_of_another_day_have_their_date() {
        const DAY: i64 = 86_400_000;
        let now = Timestamp(1_795_262_400_000);
        let zoned = |at: Timestamp, format: &str| {
            let at = jiff::Timestamp::from_millisecond(at.0).unwrap();
            at.to_zoned(jiff::tz::TimeZone::system()).strftime(format).to_string()
        };
        assert_eq!(moment(now, now), clock(now));
        for (days, format) in [(1, "%m-%d %H:%M:%S"), (-1, "%m-%d %H:%M:%S"), (400, "%Y-%m-%d %H:%M:%S")] {
            let at = Timestamp(now.0 - days * DAY);
            assert_eq!(moment(at, now), zoned(at, format));
        }
    }
}
