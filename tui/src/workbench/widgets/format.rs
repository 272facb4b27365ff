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

/// How long ago something was, rounded so that it seldom changes.
pub fn age(then: Timestamp, now: Timestamp) -> String {
    let minutes = now.0.saturating_sub(then.0) / 60_000;
    match minutes {
        i64::MIN..1 => "just now".into(),
        1..60 => format!("{minutes} min"),
        60..2_880 => format!("{} h", minutes / 60),
        _ => format!("{} d", minutes / 1_440),
    }
}

/// The time of day where the user is.
pub fn clock(at: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(at.0) {
        Ok(t) => t.to_zoned(jiff::tz::TimeZone::system()).strftime("%H:%M:%S").to_string(),
        Err(_) => "--:--:--".into(),
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
        assert_eq!(age(at(100), at(0)), "just now", "a clock set back is no reason for nonsense");
    }
}
