//! Figures as a person reads them.

use dropforge_shared::time::Timestamp;

/// A count with its thousands apart: `1,234,567`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number to six significant digits, in scientific form where it is very large or very small.
pub(crate) fn number(x: f64) -> String {
    let size = x.abs();
    if x == 0.0 {
        return "0".into();
    }
    if !x.is_finite() {
        return x.to_string();
    }
    if !(1e-4..1e15).contains(&size) {
        return trim_zeros(&format!("{x:.5e}"));
    }
    if x.fract() == 0.0 {
        return format!("{x:.0}");
    }
    let magnitude = size.log10().floor() as i32;
    let decimals = usize::try_from(5 - magnitude).unwrap_or(0);
    trim_zeros(&format!("{x:.decimals$}"))
}

/// Takes closing zeros off the fraction, also before an exponent.
fn trim_zeros(text: &str) -> String {
    let (mantissa, exponent) = text.find('e').map_or((text, ""), |at| text.split_at(at));
    if !mantissa.contains('.') {
        return text.to_owned();
    }
    format!("{}{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.'))
}

/// A share in per cent: `0 %` and `100 %` only where they are exact.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 || part == 0 {
        return "0 %".into();
    }
    let share = part as f64 / whole as f64 * 100.0;
    if part < whole && share > 99.9 {
        ">99.9 %".into()
    } else if share < 0.1 {
        "<0.1 %".into()
    } else if share < 10.0 || (share > 90.0 && part < whole) {
        format!("{share:.1} %")
    } else {
        format!("{share:.0} %")
    }
}

/// How long ago a moment was.
pub(crate) fn age(then: Timestamp, now: Timestamp) -> String {
    let ms = now.0.saturating_sub(then.0);
    if ms < 0 { format!("in {}", span(ms.saturating_neg())) } else { format!("{} ago", span(ms)) }
}

/// A time span in its two largest units at most.
pub(crate) fn span(ms: i64) -> String {
    let s = ms / 1000;
    match s {
        _ if ms < 1000 => format!("{ms} ms"),
        0..60 => format!("{s} s"),
        60..3600 => format!("{} min", s / 60),
        3600..172_800 => format!("{} h", s / 3600),
        _ => format!("{} d", s / 86_400),
    }
}

/// A histogram in at most `width` blocks. A class with any value stands above one with none.
pub(crate) fn spark(counts: &[u64], width: usize) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let bars = counts.len().min(width);
    if bars == 0 {
        return String::new();
    }
    let sums: Vec<u64> = (0..bars)
        .map(|i| counts[i * counts.len() / bars..(i + 1) * counts.len() / bars].iter().sum())
        .collect();
    let most = sums.iter().copied().max().unwrap_or(0).max(1);
    sums.iter()
        .map(|n| match n {
            0 => BLOCKS[0],
            n => BLOCKS[((*n as f64 / most as f64 * 7.0).ceil() as usize).clamp(1, 7)],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_people_write_them() {
        assert_eq!((count(0), count(999), count(1_000)), ("0".into(), "999".into(), "1,000".into()));
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(number(5.843_333_333), "5.84333");
        assert_eq!(number(-1_234_567.5), "-1234568");
        assert_eq!(number(150.0), "150");
        assert_eq!(number(0.000_012_5), "1.25e-5");
        assert_eq!(number(1e300), "1e300");
        assert_eq!(number(0.5), "0.5");
    }

    #[test]
    fn a_share_is_never_rounded_to_none_or_all() {
        assert_eq!(percent(0, 10), "0 %");
        assert_eq!(percent(10, 10), "100 %");
        assert_eq!(percent(1, 100_000), "<0.1 %");
        assert_eq!(percent(99_999, 100_000), ">99.9 %");
        assert_eq!(percent(177, 891), "20 %");
        assert_eq!(percent(5, 100), "5.0 %");
    }

    #[test]
    fn spans_and_ages() {
        assert_eq!(span(999), "999 ms");
        assert_eq!(span(59_999), "59 s");
        assert_eq!(span(7_200_000), "2 h");
        assert_eq!(age(Timestamp(0), Timestamp(120_000)), "2 min ago");
        assert_eq!(age(Timestamp(5_000), Timestamp(0)), "in 5 s");
    }

    #[test]
    fn a_spark_keeps_every_value_and_shows_a_lone_one() {
        assert_eq!(spark(&[], 8), "");
        assert_eq!(spark(&[0, 1, 1_000_000], 8), "▁▂█");
        assert_eq!(spark(&[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], 8), "████████");
        assert_eq!(spark(&[0; 20], 8), "▁▁▁▁▁▁▁▁");
        assert_eq!(spark(&[1; 20], 7).chars().count(), 7);
    }
}
