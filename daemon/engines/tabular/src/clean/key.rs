//! Values that are counted, compared and filled in: owned, ordered, read from the text of a setting.

use dropforge_shared::page::ColumnType;

use super::block::Value;
use crate::types::{dates, numbers, trim};

/// A value that can be counted and put in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Key {
    Bool(bool),
    Int(i64),
    /// The float's bits, mapped so that they order as the numbers do.
    Float(u64),
    Date(i32),
    Datetime(i64),
    Text(String),
}

/// Bits that order as the floats do; minus zero is zero, and every NaN is the same, above all numbers.
pub(crate) fn order_bits(value: f64) -> u64 {
    let value = if value.is_nan() { f64::NAN.copysign(1.0) } else { value + 0.0 };
    let bits = value.to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// The inverse of [`order_bits`].
pub(crate) fn from_order_bits(bits: u64) -> f64 {
    f64::from_bits(if bits >> 63 == 1 { bits & !(1 << 63) } else { !bits })
}

impl From<Value<'_>> for Key {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Int(v) => Self::Int(v),
            Value::Float(v) => Self::Float(order_bits(v)),
            Value::Bool(v) => Self::Bool(v),
            Value::Date(v) => Self::Date(v),
            Value::Datetime(v) => Self::Datetime(v),
            Value::Text(v) => Self::Text(v.to_owned()),
        }
    }
}

impl Key {
    pub(crate) fn value(&self) -> Value<'_> {
        match self {
            Self::Bool(v) => Value::Bool(*v),
            Self::Int(v) => Value::Int(*v),
            Self::Float(v) => Value::Float(from_order_bits(*v)),
            Self::Date(v) => Value::Date(*v),
            Self::Datetime(v) => Value::Datetime(*v),
            Self::Text(v) => Value::Text(v),
        }
    }

    /// Reads a setting's text as a value of a column's type; `None` where it does not fit.
    pub(crate) fn parse(text: &str, kind: ColumnType) -> Option<Self> {
        let plain = trim(text);
        match kind {
            ColumnType::Integer => numbers::integer(plain).map(Self::Int),
            ColumnType::Float if plain.eq_ignore_ascii_case("nan") => Some(Self::Float(order_bits(f64::NAN))),
            ColumnType::Float => numbers::float(plain).map(|v| Self::Float(order_bits(v))),
            ColumnType::Boolean if plain.eq_ignore_ascii_case("true") => Some(Self::Bool(true)),
            ColumnType::Boolean if plain.eq_ignore_ascii_case("false") => Some(Self::Bool(false)),
            ColumnType::Boolean => None,
            ColumnType::Date => dates::date(plain, dates::DateFormat::Iso).map(Self::Date),
            ColumnType::Datetime => dates::datetime(plain).map(|(us, _)| Self::Datetime(us)),
            ColumnType::Text => Some(Self::Text(text.to_owned())),
        }
    }
}

/// What a value of a type looks like in a setting, for messages.
pub(crate) fn shape(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Integer => "a whole number",
        ColumnType::Float => "a number",
        ColumnType::Boolean => "true or false",
        ColumnType::Date => "a date such as 2024-03-09",
        ColumnType::Datetime => "a date and time such as 2024-03-09T12:30:00",
        ColumnType::Text => "a text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_order_as_floats_do() {
        let floats = [f64::NEG_INFINITY, -1e308, -1.5, -5e-324, 0.0, 5e-324, 1.0, 1e308, f64::INFINITY];
        assert!(floats.windows(2).all(|w| order_bits(w[0]) < order_bits(w[1])));
        for value in floats {
            assert_eq!(from_order_bits(order_bits(value)), value);
        }
        assert_eq!(order_bits(-0.0), order_bits(0.0));
        assert!(order_bits(-f64::NAN) > order_bits(f64::INFINITY));
    }
}
