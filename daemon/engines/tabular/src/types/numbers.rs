//! Numbers out of text, and what must not become one.
//!
//! A text is a number only where nothing is lost by reading it so: leading zeros (`00501`), a plus before as many digits
//! as a telephone number has (`+4312345`) and digits that no `i64` or `f64` can hold keep a column text. Signs of
//! currencies and percent keep it text too. Numbers with separators are in [`super::separated`].

/// What a text is as a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    /// Fits a 64-bit integer.
    Integer(i64),
    /// A decimal number, or an integer beyond 64 bits that a float holds exactly.
    Float(f64),
}

/// Powers of ten that a float holds exactly.
const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// Digits up to here make a mantissa below 2^53, so that one division by an exact power rounds once, correctly
/// (Clinger, 1990, "How to read floating point numbers accurately").
const FAST_DIGITS: usize = 15;

/// Digits before the point that a number with a plus may have; more make a telephone number.
const PLUS_DIGITS: usize = 6;

/// The text after its sign, and whether that is a minus; `None` for a plus that no number has.
fn signed(bytes: &[u8]) -> Option<(bool, &[u8])> {
    match bytes.split_first() {
        Some((b'-', rest)) => Some((true, rest)),
        Some((b'+', rest)) => {
            let whole = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            (whole <= PLUS_DIGITS && rest.first().is_some_and(|b| b.is_ascii_digit() || *b == b'.'))
                .then_some((false, rest))
        }
        _ => Some((false, bytes)),
    }
}

/// Reads trimmed text as an integer.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let (negative, digits) = signed(bytes)?;
    match digits {
        [] => return None,
        [b'0'] => return (!negative).then_some(0),
        [b'0', ..] => return None,
        _ => {}
    }
    if digits.len() > 19 {
        return None;
    }
    let mut value: i64 = 0;
    if digits.len() <= 18 {
        for b in digits {
            let digit = b.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            value = value.wrapping_mul(10).wrapping_add(i64::from(digit));
        }
        return Some(if negative { -value } else { value });
    }
    // Nineteen digits may overflow; negative numbers reach one further.
    for b in digits {
        let digit = b.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?;
        value = if negative { value.checked_sub(digit.into())? } else { value.checked_add(digit.into())? };
    }
    Some(value)
}

/// Reads trimmed text as a float. Integers are floats too, where no digit is lost.
pub(crate) fn float(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let (negative, rest) = signed(bytes)?;
    let mut mantissa: u64 = 0;
    let mut whole = 0usize;
    let mut fraction = 0usize;
    let mut point = false;
    for (i, &b) in rest.iter().enumerate() {
        match b {
            b'0'..=b'9' => {
                if point {
                    fraction += 1;
                } else {
                    whole += 1;
                }
                mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(b - b'0'));
            }
            b'.' if !point => point = true,
            b'e' | b'E' if i > 0 => return slow_float(text),
            _ => return special(rest, negative),
        }
    }
    if whole + fraction == 0 || (whole > 1 && rest.first() == Some(&b'0')) {
        return None;
    }
    if whole + fraction > FAST_DIGITS {
        return slow_float(text);
    }
    let power = EXACT_POWERS.get(fraction)?;
    let value = mantissa as f64 / power;
    Some(if negative { -value } else { value })
}

/// Either, the narrower first.
pub(crate) fn number(text: &str) -> Option<Number> {
    integer(text).map(Number::Integer).or_else(|| float(text).map(Number::Float))
}

fn special(rest: &[u8], negative: bool) -> Option<f64> {
    let infinite = rest.eq_ignore_ascii_case(b"inf") || rest.eq_ignore_ascii_case(b"infinity");
    infinite.then_some(if negative { f64::NEG_INFINITY } else { f64::INFINITY })
}

/// What the fast way leaves: exponents and many digits.
fn slow_float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let bytes = unsigned.as_bytes();
    let leading_zero = bytes.first() == Some(&b'0') && bytes.get(1).is_some_and(u8::is_ascii_digit);
    if leading_zero || !bytes.iter().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')) {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    if !value.is_finite() {
        return None;
    }
    if bytes.iter().all(u8::is_ascii_digit)
        && integer(text).is_none()
        && format!("{:.0}", value.abs()) != unsigned
    {
        return None;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_to_the_ends_of_their_range_and_not_beyond() {
        assert_eq!(integer("9223372036854775807"), Some(i64::MAX));
        assert_eq!(integer("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(integer("9223372036854775808"), None);
        assert_eq!(integer("-9223372036854775809"), None);
        assert_eq!(integer("0"), Some(0));
        assert_eq!(integer("-12"), Some(-12));
        assert_eq!(integer("+5"), Some(5));
        for text in [
            "",
            "-",
            "00501",
            "007",
            "+",
            "+05",
            "+4312345",
            "+-5",
            "1 2",
            "1_000",
            "0x10",
            "٣",
            "-0",
            "99999999999999999999999",
        ] {
            assert_eq!(integer(text), None, "{text:?}");
        }
    }

    #[test]
    fn floats_agree_with_the_standard_library_to_the_bit() {
        for text in [
            "0.1",
            "-0.0",
            "2.5",
            "123456.789",
            "1e10",
            "1.5E-7",
            ".5",
            "5.",
            "0.1234567890123456789",
            "1e308",
            "-1e308",
            "4.9e-324",
            "123456789012345.6",
            "99999999999999.9",
            "0.000001",
            "1E+5",
            "+1.5",
            "+.5",
        ] {
            let expected: f64 = text.parse().unwrap();
            assert_eq!(float(text).map(f64::to_bits), Some(expected.to_bits()), "{text}");
        }
    }

    #[test]
    fn what_would_lose_something_is_not_a_number() {
        for text in [
            "",
            ".",
            "-",
            "-.",
            "00.5",
            "01.5",
            "1e400",
            "+01.5",
            "+4312345.5",
            "+e5",
            "1,5",
            "1.2.3",
            "e5",
            "1e",
            "0x1p3",
            "nan",
            "infx",
            "12345678901234567891",
            "00012345678901234567890",
            "5 %",
        ] {
            assert_eq!(float(text), None, "{text:?}");
        }
        // Held exactly, so nothing is lost.
        assert_eq!(float("10000000000000000000000"), Some(1e22));
        assert_eq!(float("-Infinity"), Some(f64::NEG_INFINITY));
        assert_eq!(float("INF"), Some(f64::INFINITY));
    }
}
