//! Replaces whole cells: placeholders by missing, or one value by another.

use std::collections::HashSet;

use dropforge_shared::page::Column;
use dropforge_shared::steps::StepError;

use super::{Op, listed, short};
use crate::clean::block::{Block, Cells, Value, each_value};
use crate::clean::key::{Key, shape};
use crate::clean::settings::Bound;
use crate::error::Error;

struct Target {
    column: Column,
    with: Option<Key>,
    count: u64,
}

/// The operation `replace`.
pub(super) struct Replace {
    columns: Vec<Target>,
    /// Texts to find: trimmed, and in lower case where case does not matter.
    texts: HashSet<String>,
    /// The same as numbers, dates and truth values, for columns of those types.
    keys: HashSet<Key>,
    ignore_case: bool,
    shown: String,
    with: String,
}

impl Replace {
    pub(super) fn bind(bound: &Bound<'_>) -> Result<Self, StepError> {
        let values = bound.list("values");
        if values.is_empty() {
            return Err(
                bound.wrong(None, "values must name what is to be replaced, such as -999 or unknown,?")
            );
        }
        let ignore_case = bound.text("case") == "ignore";
        let with = bound.text("with");
        let mut keys = HashSet::new();
        let mut columns = Vec::new();
        for column in bound.columns(|_| true, "any columns")? {
            let with = match with {
                "" => None,
                text => Some(Key::parse(text, column.kind).ok_or_else(|| {
                    let (kind, want) = (column.kind.name(), shape(column.kind));
                    let reason = format!(
                        "with cannot be '{}': the column is {kind}, so it must be {want}",
                        short(text)
                    );
                    bound.wrong(Some(&column.name), reason)
                })?),
            };
            keys.extend(values.iter().filter_map(|v| Key::parse(v, column.kind)));
            columns.push(Target { column, with, count: 0 });
        }
        let texts = values.iter().map(|v| if ignore_case { v.to_lowercase() } else { v.clone() }).collect();
        let shown = listed(values.iter().map(String::as_str));
        Ok(Self { columns, texts, keys, ignore_case, shown, with: short(with) })
    }
}

impl Op for Replace {
    fn touches(&self) -> Vec<&str> {
        self.columns.iter().map(|c| c.column.name.as_str()).collect()
    }

    fn restart(&mut self) {
        self.columns.iter_mut().for_each(|c| c.count = 0);
    }

    fn apply(&mut self, block: &mut Block) -> Result<(), Error> {
        for target in &mut self.columns {
            let name = &target.column.name;
            let series = block.get(name)?.clone();
            let mut cells = Cells::new(name, target.column.kind, series.len());
            each_value(&series, |value| {
                let hit = match value {
                    None => false,
                    Some(Value::Text(text)) if self.ignore_case => {
                        self.texts.contains(&text.trim().to_lowercase())
                    }
                    Some(Value::Text(text)) => self.texts.contains(text.trim()),
                    Some(value) => self.keys.contains(&Key::from(value)),
                };
                target.count += u64::from(hit);
                cells.push(if hit { target.with.as_ref().map(Key::value) } else { value });
            })?;
            block.replace(name, cells.finish())?;
        }
        Ok(())
    }

    fn story(&self) -> String {
        let with = if self.with.is_empty() { "missing" } else { &self.with };
        let columns = listed(self.columns.iter().map(|c| c.column.name.as_str()));
        format!("replaced {} by {with} in {columns}", self.shown)
    }

    fn notes(&self) -> Vec<String> {
        let note = |c: &Target| format!("{}: {} cells replaced", c.column.name, c.count);
        self.columns.iter().take(50).map(note).collect()
    }
}
