//! Reads a column as another type.

use dropforge_shared::page::{Column, ColumnType};
use dropforge_shared::steps::StepError;

use super::{Misfits, Op, listed, short};
use crate::clean::block::{Block, Cells, Value, each_value};
use crate::clean::settings::{Bound, Place};
use crate::error::Error;
use crate::types::dates::{self, DAY_US};
use crate::types::{numbers, trim};

/// How numbers are written.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub(crate) decimal: char,
    pub(crate) thousands: Option<char>,
    /// Characters that are left out.
    pub(crate) strip: String,
}

impl Written {
    /// A number's text with a decimal point and nothing else; `None` where marks stand where they cannot.
    pub(crate) fn plain(&self, text: &str) -> Option<String> {
        let text: String = text.chars().filter(|c| !self.strip.contains(*c)).collect();
        let text = text.trim();
        let text = text.strip_prefix('+').unwrap_or(text);
        let (whole, fraction) = match text.split_once(self.decimal) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text, None),
        };
        let mut plain = match self.thousands {
            Some(mark) if whole.contains(mark) => ungrouped(whole, mark)?,
            _ => whole.to_owned(),
        };
        if self.decimal != '.' && plain.contains('.') {
            return None;
        }
        if let Some(fraction) = fraction {
            if self.decimal != '.' && fraction.contains('.') {
                return None;
            }
            plain.push('.');
            plain.push_str(fraction);
        }
        Some(plain)
    }
}

/// Groups of three digits but for the first, put together.
fn ungrouped(whole: &str, mark: char) -> Option<String> {
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |rest| ("-", rest));
    let mut groups = digits.split(mark);
    let first = groups.next()?;
    let all_digits = |g: &str| !g.is_empty() && g.bytes().all(|b| b.is_ascii_digit());
    if first.len() > 3 || !all_digits(first) || !groups.clone().all(|g| g.len() == 3 && all_digits(g)) {
        return None;
    }
    Some(format!("{sign}{first}{}", groups.collect::<String>()))
}

/// The operation `cast`.
pub(super) struct Cast {
    place: Place,
    columns: Vec<Column>,
    to: ColumnType,
    written: Written,
    fail: bool,
    misfits: Misfits,
}

impl Cast {
    pub(super) fn bind(bound: &Bound<'_>) -> Result<Self, StepError> {
        let to = match bound.text("to") {
            "integer" => ColumnType::Integer,
            "boolean" => ColumnType::Boolean,
            "text" => ColumnType::Text,
            "date" => ColumnType::Date,
            "datetime" => ColumnType::Datetime,
            _ => ColumnType::Float,
        };
        let written = Written {
            decimal: if bound.text("decimal") == "comma" { ',' } else { '.' },
            thousands: match bound.text("thousands") {
                "comma" => Some(','),
                "point" => Some('.'),
                "blank" => Some(' '),
                "apostrophe" => Some('\''),
                _ => None,
            },
            strip: bound.text("strip").to_owned(),
        };
        if written.thousands == Some(written.decimal) {
            return Err(bound.wrong(None, "decimal and thousands cannot be the same mark"));
        }
        let columns = bound.columns(|_| true, "any columns")?;
        for column in &columns {
            use ColumnType as T;
            let never = match (column.kind, to) {
                (T::Date | T::Datetime, T::Integer | T::Float | T::Boolean) => {
                    "date_parts makes numbers of dates"
                }
                (T::Integer | T::Float | T::Boolean, T::Date | T::Datetime) => {
                    "cast it to text first and use parse_dates"
                }
                _ => continue,
            };
            let reason =
                format!("a column of type {} cannot become {}; {never}", column.kind.name(), to.name());
            return Err(bound.wrong(Some(&column.name), reason));
        }
        let fail = bound.text("on_misfit") == "fail";
        Ok(Self { place: bound.place.clone(), columns, to, written, fail, misfits: Misfits::default() })
    }
}

/// 2^63, the first float above all 64-bit integers.
const INTEGER_END: f64 = 9_223_372_036_854_775_808.0;

fn whole(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && (-INTEGER_END..INTEGER_END).contains(&value)).then_some(value as i64)
}

fn truth(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "yes" | "y" | "t" | "1" | "on" => Some(true),
        "false" | "no" | "n" | "f" | "0" | "off" => Some(false),
        _ => None,
    }
}

/// A value of another type; `None` where it does not fit. Texts are made by the caller.
fn cast<'a>(value: Value<'_>, to: ColumnType, written: &Written) -> Option<Value<'a>> {
    let text = match value {
        Value::Text(text) => trim(text),
        _ => "",
    };
    match (value, to) {
        (Value::Int(v), ColumnType::Integer) => Some(Value::Int(v)),
        (Value::Int(v), ColumnType::Float) => Some(Value::Float(v as f64)),
        (Value::Int(0), ColumnType::Boolean) => Some(Value::Bool(false)),
        (Value::Int(1), ColumnType::Boolean) => Some(Value::Bool(true)),
        (Value::Float(v), ColumnType::Integer) => whole(v).map(Value::Int),
        (Value::Float(v), ColumnType::Float) => Some(Value::Float(v)),
        (Value::Float(v), ColumnType::Boolean) => {
            if v == 0.0 {
                Some(Value::Bool(false))
            } else {
                (v == 1.0).then_some(Value::Bool(true))
            }
        }
        (Value::Bool(v), ColumnType::Boolean) => Some(Value::Bool(v)),
        (Value::Bool(v), ColumnType::Integer) => Some(Value::Int(i64::from(v))),
        (Value::Bool(v), ColumnType::Float) => Some(Value::Float(f64::from(u8::from(v)))),
        (Value::Date(v), ColumnType::Date) => Some(Value::Date(v)),
        (Value::Date(v), ColumnType::Datetime) => Some(Value::Datetime(i64::from(v) * DAY_US)),
        (Value::Datetime(v), ColumnType::Datetime) => Some(Value::Datetime(v)),
        // Only a midnight loses nothing.
        (Value::Datetime(v), ColumnType::Date) if v.rem_euclid(DAY_US) == 0 => {
            i32::try_from(v.div_euclid(DAY_US)).ok().map(Value::Date)
        }
        (Value::Text(_), ColumnType::Integer) => {
            let plain = written.plain(text)?;
            numbers::integer(&plain).or_else(|| whole(numbers::float(&plain)?)).map(Value::Int)
        }
        (Value::Text(_), ColumnType::Float) => numbers::float(&written.plain(text)?).map(Value::Float),
        (Value::Text(_), ColumnType::Boolean) => truth(text).map(Value::Bool),
        (Value::Text(_), ColumnType::Date) => dates::date(text, dates::DateFormat::Iso).map(Value::Date),
        (Value::Text(_), ColumnType::Datetime) => dates::datetime(text).map(|(us, _)| Value::Datetime(us)),
        _ => None,
    }
}

impl Op for Cast {
    fn touches(&self) -> Vec<&str> {
        self.columns.iter().map(|c| c.name.as_str()).collect()
    }

    fn restart(&mut self) {
        self.misfits = Misfits::default();
    }

    fn apply(&mut self, block: &mut Block) -> Result<(), Error> {
        for column in &self.columns {
            let series = block.get(&column.name)?.clone();
            let mut cells = Cells::new(&column.name, self.to, series.len());
            let mut refused = None;
            each_value(&series, |value| {
                let Some(value) = value else { return cells.push(None) };
                if self.to == ColumnType::Text {
                    return cells.push(Some(Value::Text(&value.display())));
                }
                let new = cast(value, self.to, &self.written);
                if new.is_none() {
                    let shown = value.display();
                    self.misfits.add(&column.name, &shown);
                    refused.get_or_insert(shown);
                }
                cells.push(new);
            })?;
            if let Some(text) = refused.filter(|_| self.fail) {
                let reason = format!(
                    "'{}' does not fit {}; on_misfit missing would let it pass",
                    short(&text),
                    self.to.name()
                );
                return Err(self.place.wrong(Some(&column.name), reason).into());
            }
            block.replace(&column.name, cells.finish())?;
        }
        Ok(())
    }

    fn story(&self) -> String {
        format!("read {} as {}", listed(self.columns.iter().map(|c| c.name.as_str())), self.to.name())
    }

    fn notes(&self) -> Vec<String> {
        self.misfits.notes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_written_and_not_otherwise() {
        let german = Written { decimal: ',', thousands: Some('.'), strip: "€ ".into() };
        let english = Written { decimal: '.', thousands: Some(','), strip: "$".into() };
        let read = |w: &Written, t: &str| w.plain(t).and_then(|p| numbers::float(&p));
        assert_eq!(read(&german, "1.234.567,89 €"), Some(1_234_567.89));
        assert_eq!(read(&german, "-0,5"), Some(-0.5));
        assert_eq!(read(&german, "1.5"), None);
        assert_eq!(read(&german, "12.34,5"), None);
        assert_eq!(read(&english, "$1,234.50"), Some(1234.5));
        assert_eq!(read(&english, "+7"), Some(7.0));
        for text in ["1,23", "1,2345", ",123", "1,234,", "1.2.3", ""] {
            assert_eq!(read(&english, text), None, "{text}");
        }
    }

    #[test]
    fn what_would_lose_something_does_not_fit() {
        let plain = Written { decimal: '.', thousands: None, strip: String::new() };
        let to = |v, t| cast(v, t, &plain);
        assert_eq!(to(Value::Float(2.0), ColumnType::Integer), Some(Value::Int(2)));
        assert_eq!(to(Value::Float(2.5), ColumnType::Integer), None);
        assert_eq!(to(Value::Float(1e19), ColumnType::Integer), None);
        assert_eq!(to(Value::Text("3.0"), ColumnType::Integer), Some(Value::Int(3)));
        assert_eq!(to(Value::Text(" yes "), ColumnType::Boolean), Some(Value::Bool(true)));
        assert_eq!(to(Value::Int(2), ColumnType::Boolean), None);
        assert_eq!(to(Value::Datetime(DAY_US), ColumnType::Date), Some(Value::Date(1)));
        assert_eq!(to(Value::Datetime(DAY_US + 1), ColumnType::Date), None);
    }
}
