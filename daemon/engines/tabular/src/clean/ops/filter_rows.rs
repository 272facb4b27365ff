//! Keeps the rows that meet a condition.

use std::cmp::Ordering;

use dropforge_shared::page::{Column, ColumnType};
use dropforge_shared::steps::StepError;

use super::{Op, short};
use crate::clean::block::{Block, Value, each_value};
use crate::clean::key::{Key, order_bits, shape};
use crate::clean::settings::Bound;
use crate::error::Error;

/// The operation `filter_rows`.
pub(super) struct FilterRows {
    column: Column,
    keep: String,
    value: Option<Key>,
    /// In lower case, for `contains`.
    part: String,
    shown: String,
}

impl FilterRows {
    pub(super) fn bind(bound: &Bound<'_>) -> Result<Self, StepError> {
        let column = bound.column()?;
        let keep = bound.text("keep").to_owned();
        let text = bound.text("value");
        let wrong = |reason| bound.wrong(Some(&column.name), reason);
        let value = match keep.as_str() {
            "is_missing" | "not_missing" => None,
            "contains" if column.kind != ColumnType::Text => {
                return Err(wrong(format!(
                    "contains takes a text column, and this one is {}",
                    column.kind.name()
                )));
            }
            "contains" if text.is_empty() => {
                return Err(wrong("contains needs a value to look for".to_owned()));
            }
            "contains" => None,
            _ => {
                // A number column may be compared with a number of the other kind.
                let read = match column.kind {
                    ColumnType::Integer => {
                        Key::parse(text, ColumnType::Integer).or_else(|| Key::parse(text, ColumnType::Float))
                    }
                    kind => Key::parse(text, kind),
                };
                Some(read.ok_or_else(|| {
                    let (kind, want) = (column.kind.name(), shape(column.kind));
                    let shown = short(text);
                    wrong(format!("value cannot be '{shown}': the column is {kind}, so it must be {want}"))
                })?)
            }
        };
        Ok(Self { value, part: text.to_lowercase(), shown: short(text), column, keep })
    }

    fn meets(&self, cell: Option<Value<'_>>) -> bool {
        let Some(cell) = cell else { return matches!(self.keep.as_str(), "is_missing" | "is_not") };
        let order = self.value.as_ref().and_then(|v| compare(cell, v.value()));
        match self.keep.as_str() {
            "not_missing" => true,
            "contains" => matches!(cell, Value::Text(t) if t.to_lowercase().contains(&self.part)),
            "is" => order == Some(Ordering::Equal),
            "is_not" => order != Some(Ordering::Equal),
            "below" => order == Some(Ordering::Less),
            "at_most" => order.is_some_and(Ordering::is_le),
            "above" => order == Some(Ordering::Greater),
            "at_least" => order.is_some_and(Ordering::is_ge),
            _ => false,
        }
    }
}

/// The order of a cell and a value; NaN is equal to NaN and neither above nor below anything.
fn compare(cell: Value<'_>, value: Value<'_>) -> Option<Ordering> {
    match (cell, value) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(&b)),
        (Value::Float(a), Value::Float(b)) if a.is_nan() || b.is_nan() => {
            (order_bits(a) == order_bits(b)).then_some(Ordering::Equal)
        }
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(&b),
        (Value::Int(a), Value::Float(b)) => (a as f64).partial_cmp(&b),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(&b)),
        (Value::Date(a), Value::Date(b)) => Some(a.cmp(&b)),
        (Value::Datetime(a), Value::Datetime(b)) => Some(a.cmp(&b)),
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

impl Op for FilterRows {
    fn touches(&self) -> Vec<&str> {
        vec![&self.column.name]
    }

    fn apply(&mut self, block: &mut Block) -> Result<(), Error> {
        let mut mask = Vec::with_capacity(block.height);
        each_value(block.get(&self.column.name)?, |cell| mask.push(self.meets(cell)))?;
        block.keep(&mask)
    }

    fn story(&self) -> String {
        format!("kept rows where {} {} {}", self.column.name, self.keep.replace('_', " "), self.shown)
            .trim_end()
            .to_owned()
    }
}
