//! Which rows a view lets through.

use std::cmp::Ordering;

use dropforge_shared::page::{Column, ColumnType};
use dropforge_shared::query::{Filter, FilterOp};

use super::columns::{Table, Values, each};
use super::find;
use crate::error::Error;
use crate::types::dates::{self, DateFormat};

/// A filter whose value has been read.
pub(super) struct Condition {
    column: usize,
    op: FilterOp,
    value: Wanted,
}

enum Wanted {
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Text(String),
    /// In lower case, to be found in what is shown.
    Part(String),
    Nothing,
}

impl Condition {
    /// Reads the value by the column's type.
    pub(super) fn of(filter: &Filter, columns: &[Column]) -> Result<Self, Error> {
        let column = find(&filter.column, columns)?;
        let kind = columns.get(column).map_or(ColumnType::Text, |c| c.kind);
        let value = match filter.op {
            FilterOp::IsNull | FilterOp::NotNull => Wanted::Nothing,
            FilterOp::Contains => Wanted::Part(filter.value.to_lowercase()),
            _ => wanted(&filter.value, kind).ok_or_else(|| {
                let want = match kind {
                    ColumnType::Integer | ColumnType::Float => "a number such as -1.5",
                    ColumnType::Boolean => "true or false",
                    ColumnType::Date => "a date such as 2024-01-31",
                    ColumnType::Datetime => "a moment such as 2024-01-31T12:30:00, or a date",
                    ColumnType::Text => "text",
                };
                let value = dropforge_shared::clean::line(&filter.value);
                Error::Usage(format!(
                    "the column \"{}\" can't be compared with '{value}': it takes {want}",
                    filter.column
                ))
            })?,
        };
        Ok(Self { column, op: filter.op, value })
    }

    fn holds(&self, values: &Values, row: usize) -> bool {
        if values.is_null(row) {
            return matches!(self.op, FilterOp::IsNull | FilterOp::Ne);
        }
        match self.op {
            FilterOp::IsNull => return false,
            FilterOp::NotNull => return true,
            _ => {}
        }
        let order = match (&self.value, values) {
            (Wanted::Part(part), Values::Text(a)) => return contains(a.value(row), part),
            (Wanted::Part(part), other) => {
                return super::shown(other, row, self.column_kind(other)).contains(part);
            }
            (Wanted::Integer(v), Values::Integer(a)) => Some(a.value(row).cmp(v)),
            (Wanted::Integer(v), Values::Day(a)) => Some(i64::from(a.value(row)).cmp(v)),
            (Wanted::Float(v), Values::Integer(a)) => Some(compare(a.value(row), *v)),
            (Wanted::Float(v), Values::Float(a)) => a.value(row).partial_cmp(v),
            (Wanted::Boolean(v), Values::Boolean(a)) => Some(a.value(row).cmp(v)),
            (Wanted::Text(v), Values::Text(a)) => Some(a.value(row).cmp(v.as_str())),
            _ => None,
        };
        match self.op {
            FilterOp::Eq => order == Some(Ordering::Equal),
            FilterOp::Ne => order != Some(Ordering::Equal),
            FilterOp::Lt => order == Some(Ordering::Less),
            FilterOp::Le => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            FilterOp::Gt => order == Some(Ordering::Greater),
            FilterOp::Ge => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
            FilterOp::Contains | FilterOp::IsNull | FilterOp::NotNull => false,
        }
    }

    fn column_kind(&self, values: &Values) -> bool {
        // Whether integers are moments: only the array's type tells.
        matches!(values.array().dtype(), polars_arrow::datatypes::ArrowDataType::Timestamp(..))
    }
}

/// Without building a lower-case copy of plain text.
fn contains(text: &str, part: &str) -> bool {
    if part.is_empty() {
        return true;
    }
    if text.is_ascii() {
        let (text, part) = (text.as_bytes(), part.as_bytes());
        return text.len() >= part.len() && text.windows(part.len()).any(|w| w.eq_ignore_ascii_case(part));
    }
    text.to_lowercase().contains(part)
}

/// An integer against a number, exactly.
fn compare(x: i64, v: f64) -> Ordering {
    let floor = v.floor();
    if floor >= 9_223_372_036_854_775_808.0 {
        return Ordering::Less;
    }
    if floor < -9_223_372_036_854_775_808.0 {
        return Ordering::Greater;
    }
    match x.cmp(&(floor as i64)) {
        Ordering::Equal if v > floor => Ordering::Less,
        order => order,
    }
}

fn wanted(text: &str, kind: ColumnType) -> Option<Wanted> {
    let trimmed = text.trim();
    let number = || trimmed.parse::<f64>().ok().filter(|v| v.is_finite()).map(Wanted::Float);
    match kind {
        ColumnType::Integer => trimmed.parse::<i64>().ok().map(Wanted::Integer).or_else(number),
        ColumnType::Float => number(),
        ColumnType::Boolean => match trimmed.to_ascii_lowercase().as_str() {
            "true" => Some(Wanted::Boolean(true)),
            "false" => Some(Wanted::Boolean(false)),
            _ => None,
        },
        ColumnType::Date => dates::date(trimmed, DateFormat::Iso).map(|day| Wanted::Integer(i64::from(day))),
        ColumnType::Datetime => dates::datetime(trimmed)
            .map(|(micros, _)| micros)
            .or_else(|| dates::date(trimmed, DateFormat::Iso).map(|day| i64::from(day) * 86_400_000_000))
            .map(Wanted::Integer),
        ColumnType::Text => Some(Wanted::Text(text.to_owned())),
    }
}

/// The rows for which all conditions hold, in file order.
pub(super) fn select(table: &Table, conditions: &[Condition]) -> Result<Vec<u32>, Error> {
    let groups = table.groups();
    let mut starts = Vec::with_capacity(groups.len());
    let mut start = 0usize;
    for rows in &groups {
        starts.push(start);
        start += rows;
    }
    let parts = each(groups.len(), |group| {
        let rows = groups.get(group).copied().unwrap_or(0);
        let mut keep = vec![true; rows];
        for condition in conditions {
            let values = table.read(group, condition.column, None)?;
            for (row, keep) in keep.iter_mut().enumerate().take(values.len()) {
                *keep = *keep && condition.holds(&values, row);
            }
        }
        let first = starts.get(group).copied().unwrap_or(0);
        let ids = keep.iter().enumerate().filter(|(_, keep)| **keep);
        Ok(ids.map(|(row, _)| (first + row) as u32).collect::<Vec<u32>>())
    })?;
    Ok(parts.concat())
}
