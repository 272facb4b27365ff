//! Cells that hold several values: a column of 0 and 1 for each value, or their number.

use std::collections::{BTreeSet, HashMap};

use dropforge_shared::page::ColumnType;
use dropforge_shared::steps::StepError;

use super::encode::{indicators, made_name};
use super::{Op, listed, short};
use crate::clean::block::{Block, Cells, Value, each_value};
use crate::clean::fit::counts::{Counts, too_much};
use crate::clean::key::Key;
use crate::clean::settings::{Bound, Place};
use crate::error::Error;

#[derive(Default)]
struct Split {
    name: String,
    counts: Counts,
    places: HashMap<String, usize>,
    made: Vec<String>,
    others: Option<usize>,
    values: usize,
}

/// The operation `split_list`. A missing cell has 0 in every column made, and no count.
pub(super) struct SplitList {
    place: Place,
    separator: String,
    count: bool,
    max: usize,
    others: bool,
    keep: bool,
    columns: Vec<Split>,
}

impl SplitList {
    pub(super) fn bind(bound: &Bound<'_>) -> Result<Self, StepError> {
        let separator = bound.text("separator").to_owned();
        if separator.is_empty() {
            return Err(bound.wrong(None, "separator cannot be empty; it is the text between two values"));
        }
        let columns = bound.columns(|k| k == ColumnType::Text, "text columns")?;
        Ok(Self {
            place: bound.place.clone(),
            separator,
            count: bound.text("to") == "count",
            max: bound.count("max_values", 1..=1_000)?,
            others: bound.text("others") == "own_column",
            keep: bound.switch("keep"),
            columns: columns.into_iter().map(|c| Split { name: c.name, ..Split::default() }).collect(),
        })
    }
}

/// The values in a cell, without blanks around them; each once.
pub(crate) fn items<'a>(text: &'a str, separator: &str) -> BTreeSet<&'a str> {
    text.split(separator).map(str::trim).filter(|v| !v.is_empty()).collect()
}

impl Op for SplitList {
    fn touches(&self) -> Vec<&str> {
        self.columns.iter().map(|c| c.name.as_str()).collect()
    }

    fn needs_fit(&self) -> bool {
        !self.count
    }

    fn settles_late(&self) -> bool {
        !self.count
    }

    fn fit(&mut self, block: &Block) -> Result<(), Error> {
        for c in &mut self.columns {
            let counts = &mut c.counts;
            each_value(block.get(&c.name)?, |value| {
                if let Some(Value::Text(text)) = value {
                    items(text, &self.separator).into_iter().for_each(|v| counts.add(Value::Text(v)));
                }
            })?;
        }
        match too_much(self.columns.iter().map(|c| &c.counts)) {
            Some(what) => {
                let reason = format!("there are {what} in the lists; use the count, or leave the column out");
                Err(self.place.wrong(None, reason).into())
            }
            None => Ok(()),
        }
    }

    fn end_pass(&mut self) -> Result<bool, Error> {
        for c in &mut self.columns {
            let counted = std::mem::take(&mut c.counts).finish();
            c.values = counted.len();
            let mut taken = BTreeSet::new();
            for (key, _) in counted.into_iter().take(self.max) {
                let Key::Text(text) = key else { continue };
                c.made.push(made_name(&c.name, &text, &mut taken));
                c.places.insert(text, c.made.len() - 1);
            }
            if self.others && c.values > self.max {
                c.made.push(made_name(&c.name, "other", &mut taken));
                c.others = Some(c.made.len() - 1);
            }
        }
        Ok(true)
    }

    fn apply(&mut self, block: &mut Block) -> Result<(), Error> {
        for c in &self.columns {
            let series = block.get(&c.name)?.clone();
            let made = if self.count {
                let mut cells = Cells::new(&format!("{}_count", c.name), ColumnType::Integer, series.len());
                each_value(&series, |value| {
                    let Some(Value::Text(text)) = value else { return cells.push(None) };
                    // Every value, also one that is there twice.
                    let n = text.split(&self.separator).filter(|v| !v.trim().is_empty()).count();
                    cells.push(Some(Value::Int(n as i64)));
                })?;
                vec![cells.finish()]
            } else {
                let mut hits: Vec<Vec<usize>> = Vec::with_capacity(series.len());
                each_value(&series, |value| {
                    let Some(Value::Text(text)) = value else { return hits.push(Vec::new()) };
                    let found = items(text, &self.separator).into_iter();
                    hits.push(found.filter_map(|v| c.places.get(v).copied().or(c.others)).collect());
                })?;
                indicators(&c.made, &hits)
            };
            block.expand(&c.name, self.keep, made)?;
        }
        Ok(())
    }

    fn story(&self) -> String {
        let one = |c: &Split| match self.count {
            true => format!("{} to its number of values", c.name),
            false => format!("{} to {} columns", c.name, c.made.len()),
        };
        let all: Vec<String> = self.columns.iter().map(one).collect();
        format!("split at '{}': {}", short(&self.separator), listed(all.iter().map(String::as_str)))
    }

    fn notes(&self) -> Vec<String> {
        let rare = self.columns.iter().filter(|c| c.values > c.places.len());
        let note = |c: &Split| {
            let to = if c.others.is_some() { "share one column" } else { "have no column" };
            format!("{}: {} of {} values {to}", c.name, c.values - c.places.len(), c.values)
        };
        rare.map(note).take(50).collect()
    }
}
