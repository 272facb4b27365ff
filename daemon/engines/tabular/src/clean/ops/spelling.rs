//! One spelling for texts that differ only in case or blanks.

use std::collections::HashMap;

use dropforge_shared::page::ColumnType;
use dropforge_shared::steps::StepError;

use super::trim::collapsed;
use super::{Op, listed};
use crate::clean::block::{Block, Cells, Value, each_value};
use crate::clean::fit::counts::{Counts, too_much};
use crate::clean::key::Key;
use crate::clean::settings::{Bound, Place};
use crate::error::Error;

#[derive(Clone, Copy)]
struct Rule {
    case: bool,
    blanks: bool,
}

impl Rule {
    /// What spellings of the same text have in common.
    fn common(self, text: &str) -> String {
        let text = if self.blanks { collapsed(text) } else { text.to_owned() };
        if self.case { text.to_lowercase() } else { text }
    }
}

#[derive(Default)]
struct Spelled {
    name: String,
    counts: Counts,
    /// Only spellings that change.
    becomes: HashMap<String, String>,
    groups: usize,
    changed: u64,
}

/// The operation `merge_spelling`.
pub(super) struct MergeSpelling {
    place: Place,
    rule: Rule,
    to: String,
    columns: Vec<Spelled>,
}

impl MergeSpelling {
    pub(super) fn bind(bound: &Bound<'_>) -> Result<Self, StepError> {
        let by = bound.text("by");
        let columns = bound.columns(|k| k == ColumnType::Text, "text columns")?;
        Ok(Self {
            place: bound.place.clone(),
            rule: Rule { case: by != "blanks", blanks: by != "case" },
            to: bound.text("to").to_owned(),
            columns: columns.into_iter().map(|c| Spelled { name: c.name, ..Spelled::default() }).collect(),
        })
    }
}

/// The spelling that each of several gets: the most frequent one, of equally frequent ones the first by bytes.
fn settle(column: &mut Spelled, rule: Rule, to: &str) {
    let counted = std::mem::take(&mut column.counts).finish();
    let mut best: HashMap<String, String> = HashMap::new();
    let mut sizes: HashMap<String, usize> = HashMap::new();
    for (key, _) in &counted {
        let Key::Text(text) = key else { continue };
        let common = rule.common(text);
        *sizes.entry(common.clone()).or_default() += 1;
        // Frequent ones come first, so the first is the best.
        best.entry(common).or_insert_with(|| {
            let plain = if rule.blanks { collapsed(text) } else { text.clone() };
            match to {
                "lower" => plain.to_lowercase(),
                "upper" => plain.to_uppercase(),
                _ => plain,
            }
        });
    }
    column.groups = sizes.values().filter(|n| **n > 1).count();
    for (key, _) in counted {
        let Key::Text(text) = key else { continue };
        if let Some(new) = best.get(&rule.common(&text)).filter(|new| **new != text) {
            column.becomes.insert(text, new.clone());
        }
    }
}

impl Op for MergeSpelling {
    fn touches(&self) -> Vec<&str> {
        self.columns.iter().map(|c| c.name.as_str()).collect()
    }

    fn needs_fit(&self) -> bool {
        true
    }

    fn fit(&mut self, block: &Block) -> Result<(), Error> {
        for column in &mut self.columns {
            let counts = &mut column.counts;
            each_value(block.get(&column.name)?, |v| v.into_iter().for_each(|v| counts.add(v)))?;
        }
        match too_much(self.columns.iter().map(|c| &c.counts)) {
            Some(what) => {
                let reason = format!("there are {what}, too many to compare; leave such columns out");
                Err(self.place.wrong(None, reason).into())
            }
            None => Ok(()),
        }
    }

    fn end_pass(&mut self) -> Result<bool, Error> {
        for column in &mut self.columns {
            settle(column, self.rule, &self.to);
        }
        Ok(true)
    }

    fn restart(&mut self) {
        self.columns.iter_mut().for_each(|c| c.changed = 0);
    }

    fn apply(&mut self, block: &mut Block) -> Result<(), Error> {
        for column in &mut self.columns {
            let series = block.get(&column.name)?.clone();
            let mut cells = Cells::new(&column.name, ColumnType::Text, series.len());
            each_value(&series, |value| {
                let Some(Value::Text(text)) = value else { return cells.push(None) };
                let new = column.becomes.get(text);
                column.changed += u64::from(new.is_some());
                cells.push(Some(Value::Text(new.map_or(text, String::as_str))));
            })?;
            block.replace(&column.name, cells.finish())?;
        }
        Ok(())
    }

    fn story(&self) -> String {
        format!("merged spellings of {}", listed(self.columns.iter().map(|c| c.name.as_str())))
    }

    fn notes(&self) -> Vec<String> {
        let note = |c: &Spelled| {
            format!("{}: {} values had several spellings; {} cells changed", c.name, c.groups, c.changed)
        };
        self.columns.iter().take(50).map(note).collect()
    }
}
