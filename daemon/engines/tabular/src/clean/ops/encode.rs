//! Categories as numbers: a column of 0 and 1 each, or whole numbers from 0.

use std::collections::{BTreeSet, HashMap};

use dropforge_shared::page::{Column, ColumnType};
use dropforge_shared::steps::StepError;
use polars::prelude::Series;

use super::{Misfits, Op, listed, short};
use crate::clean::block::{Block, Cells, Value, each_value};
use crate::clean::fit::counts::{Counts, too_much};
use crate::clean::key::{Key, shape};
use crate::clean::settings::{Bound, Place};
use crate::error::Error;

struct Encoded {
    column: Column,
    counts: Counts,
    /// Each category with its place in `made`, or its code; of one hot, `None` where it has no column.
    codes: HashMap<Key, Option<usize>>,
    /// Names of the columns made.
    made: Vec<String>,
    /// Where the rare and the missing go.
    others: Option<usize>,
    missing: Option<usize>,
    /// Categories that have no column of their own.
    rare: usize,
    categories: usize,
}

/// The operation `encode`.
pub(super) struct Encode {
    place: Place,
    one_hot: bool,
    max: usize,
    others: bool,
    missing: bool,
    drop_first: bool,
    order: String,
    given: Vec<String>,
    columns: Vec<Encoded>,
    misfits: Misfits,
}

impl Encode {
    pub(super) fn bind(bound: &Bound<'_>) -> Result<Self, StepError> {
        let order = bound.text("order").to_owned();
        let given = bound.list("values");
        if order == "given" && given.is_empty() {
            return Err(bound.wrong(None, "order given needs values: the categories in their order"));
        }
        if order == "given"
            && let Some(twice) =
                given.iter().enumerate().find(|(i, v)| given.iter().take(*i).any(|w| w == *v))
        {
            return Err(bound.wrong(None, format!("values names '{}' twice", twice.1)));
        }
        let columns = bound.columns(|_| true, "any columns")?;
        for column in columns.iter().filter(|_| order == "given") {
            if let Some(odd) = given.iter().find(|v| Key::parse(v, column.kind).is_none()) {
                let (kind, want) = (column.kind.name(), shape(column.kind));
                let reason =
                    format!("values cannot have '{odd}': the column is {kind}, so it must be {want}");
                return Err(bound.wrong(Some(&column.name), reason));
            }
        }
        let encoded = |column| Encoded {
            column,
            counts: Counts::default(),
            codes: HashMap::new(),
            made: Vec::new(),
            others: None,
            missing: None,
            rare: 0,
            categories: 0,
        };
        Ok(Self {
            place: bound.place.clone(),
            one_hot: bound.text("method") == "one_hot",
            max: bound.count("max_categories", 1..=1_000)?,
            others: bound.text("others") == "own_column",
            missing: bound.text("missing") == "own_column",
            drop_first: bound.switch("drop_first"),
            order,
            given,
            columns: columns.into_iter().map(encoded).collect(),
            misfits: Misfits::default(),
        })
    }

    /// The categories in their order.
    fn ordered(&self, kind: ColumnType, counted: Vec<(Key, u64)>) -> Vec<Key> {
        let mut keys: Vec<Key> = match self.order.as_str() {
            "given" => self.given.iter().filter_map(|v| Key::parse(v, kind)).collect(),
            _ => counted.into_iter().map(|(key, _)| key).collect(),
        };
        // Of too many, the frequent ones get columns, in whatever order those stand.
        if self.order == "alphabetical" {
            if self.one_hot && keys.len() > self.max {
                let rest = keys.split_off(self.max);
                keys.sort_unstable();
                keys.extend(rest);
            } else {
                keys.sort_unstable();
            }
        }
        keys
    }
}

/// A column's name that is not taken yet.
pub(super) fn made_name(column: &str, value: &str, taken: &mut BTreeSet<String>) -> String {
    let cleaned: String = short(value).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let name = format!("{column}_{cleaned}");
    let unique = (1usize..).map(|n| if n == 1 { name.clone() } else { format!("{name}_{n}") });
    let name = unique.into_iter().find(|n| !taken.contains(n)).unwrap_or(name);
    taken.insert(name.clone());
    name
}

/// Columns of 0 and 1, as many as names, with 1 where `hits` says.
pub(super) fn indicators(names: &[String], hits: &[Vec<usize>]) -> Vec<Series> {
    let mut columns = vec![vec![0i64; hits.len()]; names.len()];
    for (row, hit) in hits.iter().enumerate() {
        for column in hit {
            if let Some(cell) = columns.get_mut(*column).and_then(|c| c.get_mut(row)) {
                *cell = 1;
            }
        }
    }
    let named = names.iter().zip(columns);
    named
        .map(|(name, values)| {
            let mut cells = Cells::new(name, ColumnType::Integer, values.len());
            values.into_iter().for_each(|v| cells.push(Some(Value::Int(v))));
            cells.finish()
        })
        .collect()
}

impl Op for Encode {
    fn touches(&self) -> Vec<&str> {
        self.columns.iter().map(|c| c.column.name.as_str()).collect()
    }

    fn needs_fit(&self) -> bool {
        true
    }

    fn settles_late(&self) -> bool {
        self.one_hot
    }

    fn fit(&mut self, block: &Block) -> Result<(), Error> {
        for c in &mut self.columns {
            let counts = &mut c.counts;
            each_value(block.get(&c.column.name)?, |v| v.into_iter().for_each(|v| counts.add(v)))?;
        }
        match too_much(self.columns.iter().map(|c| &c.counts)) {
            Some(what) => {
                let reason = format!("there are {what}, so these are no categories; leave such columns out");
                Err(self.place.wrong(None, reason).into())
            }
            None => Ok(()),
        }
    }

    fn end_pass(&mut self) -> Result<bool, Error> {
        let mut columns = std::mem::take(&mut self.columns);
        for c in &mut columns {
            let counted = std::mem::take(&mut c.counts).finish();
            let present: BTreeSet<Key> = counted.iter().map(|(key, _)| key.clone()).collect();
            let keys = self.ordered(c.column.kind, counted);
            c.categories = present.len();
            if !self.one_hot {
                c.codes = keys.into_iter().enumerate().map(|(i, key)| (key, Some(i))).collect();
                continue;
            }
            let mut taken = BTreeSet::new();
            let first = usize::from(self.drop_first);
            let mut rare = present;
            for (i, key) in keys.into_iter().take(self.max.saturating_add(first)).enumerate() {
                rare.remove(&key);
                // The first has no column: it is known by zeros in all others.
                let at = (i >= first).then(|| {
                    c.made.push(made_name(&c.column.name, &key.value().display(), &mut taken));
                    c.made.len() - 1
                });
                c.codes.insert(key, at);
            }
            c.rare = rare.len();
            let mut extra = |wanted: bool, name: &str| {
                wanted.then(|| {
                    c.made.push(made_name(&c.column.name, name, &mut taken));
                    c.made.len() - 1
                })
            };
            c.others = extra(self.others && !rare.is_empty(), "other");
            c.missing = extra(self.missing, "missing");
        }
        self.columns = columns;
        Ok(true)
    }

    fn restart(&mut self) {
        self.misfits = Misfits::default();
    }

    fn apply(&mut self, block: &mut Block) -> Result<(), Error> {
        for c in &self.columns {
            let name = &c.column.name;
            let series = block.get(name)?.clone();
            if self.one_hot {
                let mut hits: Vec<Vec<usize>> = Vec::with_capacity(series.len());
                each_value(&series, |value| {
                    let at = match value {
                        None => c.missing,
                        Some(value) => match c.codes.get(&Key::from(value)) {
                            Some(at) => *at,
                            None => c.others,
                        },
                    };
                    hits.push(at.into_iter().collect());
                })?;
                block.expand(name, false, indicators(&c.made, &hits))?;
                continue;
            }
            let mut cells = Cells::new(name, ColumnType::Integer, series.len());
            let misfits = &mut self.misfits;
            each_value(&series, |value| {
                let code = value.and_then(|v| match c.codes.get(&Key::from(v)) {
                    Some(code) => *code,
                    None => {
                        misfits.add(name, &v.display());
                        None
                    }
                });
                cells.push(code.map(|code| Value::Int(code as i64)));
            })?;
            block.replace(name, cells.finish())?;
        }
        Ok(())
    }

    fn story(&self) -> String {
        let one = |c: &Encoded| match self.one_hot {
            true => format!("{} to {} columns", c.column.name, c.made.len()),
            false => format!("{} to 0–{}", c.column.name, c.codes.len().saturating_sub(1)),
        };
        let all: Vec<String> = self.columns.iter().map(one).collect();
        let method = if self.one_hot { "one hot" } else { "by order" };
        format!("encoded {method}: {}", listed(all.iter().map(String::as_str)))
    }

    fn notes(&self) -> Vec<String> {
        let rare = self.columns.iter().filter(|c| c.rare > 0);
        let note = |c: &Encoded| {
            let to = if c.others.is_some() { "share one column" } else { "have no column" };
            format!("{}: {} of {} categories {to}", c.column.name, c.rare, c.categories)
        };
        rare.map(note).chain(self.misfits.notes()).take(50).collect()
    }
}
