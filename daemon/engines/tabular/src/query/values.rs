//! What a statement gives, in the six types of a dataset: integers of any width as 64 bits, `FLOAT` and `DECIMAL` as
//! double, moments in microseconds; lists and structs as JSON, spans of time and times of day as text.

use std::fmt::Write as _;

use dropforge_shared::page::{Column, ColumnType};
use polars::prelude::{
    AnyValue, Column as Series, DataFrame, DataType, Field, IntoColumn, NamedFrom as _, PolarsResult, Schema,
    TimeUnit,
};

use crate::parquet::column_type;

/// The type that a column of the engine is stored as.
pub(super) fn stored(dtype: &DataType) -> DataType {
    match dtype {
        DataType::Boolean | DataType::Date | DataType::String | DataType::Int64 | DataType::Float64 => {
            dtype.clone()
        }
        DataType::Datetime(..) => DataType::Datetime(TimeUnit::Microseconds, None),
        DataType::Float32 | DataType::Decimal(..) => DataType::Float64,
        other if other.is_integer() => DataType::Int64,
        _ => DataType::String,
    }
}

/// The stored schema of a result.
pub(super) fn schema(of: &Schema) -> Schema {
    of.iter().map(|(name, dtype)| Field::new(name.clone(), stored(dtype))).collect()
}

/// The columns as a user is told.
pub(super) fn columns(of: &Schema) -> Vec<Column> {
    let kind = |dtype| column_type(&stored(dtype)).unwrap_or(ColumnType::Text);
    of.iter().map(|(name, dtype)| Column { name: name.to_string(), kind: kind(dtype) }).collect()
}

/// The frame in stored types. A number that does not fit is an error.
pub(super) fn frame(frame: &DataFrame) -> PolarsResult<DataFrame> {
    let columns = frame.columns().iter().map(column).collect::<PolarsResult<Vec<_>>>()?;
    DataFrame::new(frame.height(), columns)
}

fn column(column: &Series) -> PolarsResult<Series> {
    let target = stored(column.dtype());
    if *column.dtype() == target {
        return Ok(column.clone());
    }
    if target != DataType::String {
        return column.strict_cast(&target);
    }
    let mut texts: Vec<Option<String>> = Vec::with_capacity(column.len());
    for row in 0..column.len() {
        texts.push(match column.get(row)? {
            AnyValue::Null => None,
            value => Some(text(&value)),
        });
    }
    Ok(polars::prelude::Series::new(column.name().clone(), texts).into_column())
}

/// A value that is no plain text, as text.
fn text(value: &AnyValue<'_>) -> String {
    match value {
        AnyValue::String(s) => (*s).to_owned(),
        AnyValue::Duration(..) => span(value),
        _ => {
            let mut out = String::new();
            json(value, &mut out);
            out
        }
    }
}

/// `[-]D days HH:MM:SS[.ffffff]`, the days left out where there are none.
fn span(value: &AnyValue<'_>) -> String {
    let AnyValue::Duration(n, unit) = value else { return String::new() };
    let micros = match unit {
        TimeUnit::Nanoseconds => i128::from(*n) / 1_000,
        TimeUnit::Microseconds => i128::from(*n),
        TimeUnit::Milliseconds => i128::from(*n) * 1_000,
    };
    let (sign, left) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
    let (seconds, fraction) = (left / 1_000_000, left % 1_000_000);
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let mut out = sign.to_owned();
    if days > 0 {
        let _ = write!(out, "{days} day{}", if days == 1 { "" } else { "s" });
    }
    if rest > 0 || fraction > 0 || days == 0 {
        let gap = if days > 0 { " " } else { "" };
        let _ = write!(out, "{gap}{:02}:{:02}:{:02}", rest / 3_600, rest / 60 % 60, rest % 60);
    }
    if fraction > 0 {
        let _ = write!(out, ".{fraction:06}");
    }
    out
}

fn json(value: &AnyValue<'_>, out: &mut String) {
    let quote = |text: &str| serde_json::to_string(text).unwrap_or_default();
    match value {
        AnyValue::Null => out.push_str("null"),
        AnyValue::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                json(&item, out);
            }
            out.push(']');
        }
        AnyValue::String(s) => out.push_str(&quote(s)),
        AnyValue::StringOwned(s) => out.push_str(&quote(s)),
        AnyValue::Float64(f) if !f.is_finite() => out.push_str(&quote(&f.to_string())),
        AnyValue::Boolean(_) => out.push_str(&value.to_string()),
        AnyValue::Date(day) => out.push_str(&quote(&crate::types::dates::iso_date(i64::from(*day)))),
        AnyValue::Datetime(us, TimeUnit::Microseconds, _) => {
            out.push_str(&quote(&crate::types::dates::iso_datetime(*us)));
        }
        AnyValue::Duration(..) => out.push_str(&quote(&span(value))),
        number if number.is_primitive_numeric() => out.push_str(&number.to_string()),
        other => out.push_str(&quote(&other.to_string())),
    }
}
