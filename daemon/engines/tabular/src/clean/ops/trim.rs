//! Takes blanks away around texts, and makes one of several within them.

use dropforge_shared::page::ColumnType;
use dropforge_shared::steps::StepError;

use super::{Op, listed};
use crate::clean::block::{Block, Cells, Value, each_value};
use crate::clean::settings::Bound;
use crate::error::Error;

/// The operation `trim`.
pub(super) struct Trim {
    columns: Vec<String>,
    collapse: bool,
    empty_is_missing: bool,
    changed: u64,
}

impl Trim {
    pub(super) fn bind(bound: &Bound<'_>) -> Result<Self, StepError> {
        let columns = if bound.names_none() {
            bound.schema.iter().filter(|c| c.kind == ColumnType::Text).cloned().collect()
        } else {
            bound.columns(|k| k == ColumnType::Text, "text columns")?
        };
        Ok(Self {
            columns: columns.into_iter().map(|c| c.name).collect(),
            collapse: bound.text("inner") == "collapse",
            empty_is_missing: bound.text("empty") == "missing",
            changed: 0,
        })
    }
}

/// A text with single blanks within.
pub(super) fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Op for Trim {
    fn touches(&self) -> Vec<&str> {
        self.columns.iter().map(String::as_str).collect()
    }

    fn restart(&mut self) {
        self.changed = 0;
    }

    fn apply(&mut self, block: &mut Block) -> Result<(), Error> {
        for name in &self.columns {
            let series = block.get(name)?.clone();
            let mut cells = Cells::new(name, ColumnType::Text, series.len());
            each_value(&series, |value| {
                let Some(Value::Text(text)) = value else { return cells.push(None) };
                let trimmed = text.trim();
                let inner = self.collapse.then(|| collapsed(trimmed));
                let new = inner.as_deref().unwrap_or(trimmed);
                self.changed += u64::from(new != text);
                cells.push((!new.is_empty() || !self.empty_is_missing).then_some(Value::Text(new)));
            })?;
            block.replace(name, cells.finish())?;
        }
        Ok(())
    }

    fn story(&self) -> String {
        format!("trimmed {}", listed(self.columns.iter().map(String::as_str)))
    }

    fn notes(&self) -> Vec<String> {
        vec![format!("{} cells changed", self.changed)]
    }
}
