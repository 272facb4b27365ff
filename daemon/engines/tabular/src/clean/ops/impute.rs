//! Fills missing cells. NaN and infinite numbers are values here: `replace` makes them missing first.

use dropforge_shared::page::{Column, ColumnType};
use dropforge_shared::steps::StepError;
use polars::prelude::Series;

use super::{Op, figure, listed, short};
use crate::clean::block::{Block, Cells, Value, each_value, floats};
use crate::clean::fit::counts::{Counts, too_much};
use crate::clean::fit::moments::Moments;
use crate::clean::fit::quantiles::Quantiles;
use crate::clean::key::{Key, order_bits, shape};
use crate::clean::plan::VALUES_KEPT;
use crate::clean::settings::{Bound, Place};
use crate::error::Error;

enum Learner {
    Mean(Moments),
    Median(Quantiles),
    Mode(Counts),
    /// Fills with the value before it.
    Forward,
    /// Nothing more to learn.
    Done,
}

struct Filled {
    name: String,
    /// The column's type once it is filled.
    kind: ColumnType,
    learner: Learner,
    /// What is filled in; of `forward`, the last value seen.
    with: Option<Key>,
    count: u64,
}

/// The operation `impute`.
pub(super) struct Impute {
    place: Place,
    strategy: String,
    indicator: bool,
    /// Drop the rows instead; no columns for any column.
    drop_rows: bool,
    columns: Vec<Filled>,
    fits: bool,
}

impl Impute {
    pub(super) fn bind(bound: &Bound<'_>) -> Result<Self, StepError> {
        let strategy = bound.text("strategy").to_owned();
        let (indicator, drop_rows) = (bound.switch("indicator"), strategy == "drop_rows");
        if indicator && drop_rows {
            return Err(
                bound.wrong(None, "indicator cannot be true with drop_rows: no missing cell is left to mark")
            );
        }
        let columns = match (strategy.as_str(), bound.names_none()) {
            ("drop_rows", true) => Vec::new(),
            ("mean" | "median", _) => bound.columns(
                ColumnType::is_numeric,
                &format!("numeric columns for {strategy} (mode, constant and forward take any)"),
            )?,
            _ => bound.columns(|_| true, "any columns")?,
        };
        let cap = VALUES_KEPT / columns.len().max(1);
        let filled = |column: Column| -> Result<Filled, StepError> {
            let mut with = None;
            let learner = match strategy.as_str() {
                "mean" => Learner::Mean(Moments::default()),
                "median" => Learner::Median(Quantiles::new(&[0.5], cap)),
                "mode" => Learner::Mode(Counts::default()),
                "forward" => Learner::Forward,
                "constant" => {
                    with = Some(constant(bound, &column)?);
                    Learner::Done
                }
                _ => Learner::Done,
            };
            Ok(Filled { name: column.name, kind: column.kind, learner, with, count: 0 })
        };
        let columns = columns.into_iter().map(filled).collect::<Result<_, _>>()?;
        let fits = matches!(strategy.as_str(), "mean" | "median" | "mode");
        Ok(Self { place: bound.place.clone(), strategy, indicator, drop_rows, columns, fits })
    }

    fn drop(&self, block: &mut Block) -> Result<(), Error> {
        let mut mask = vec![true; block.height];
        let mut mark = |series: &Series| {
            if series.null_count() > 0 {
                let missing = series.is_null();
                mask.iter_mut().zip(missing.iter()).for_each(|(keep, m)| *keep &= m != Some(true));
            }
        };
        if self.columns.is_empty() {
            block.columns.iter().for_each(&mut mark);
        }
        for column in &self.columns {
            mark(block.get(&column.name)?);
        }
        block.keep(&mask)
    }
}

fn constant(bound: &Bound<'_>, column: &Column) -> Result<Key, StepError> {
    let text = bound.text("value");
    let wrong = |reason| bound.wrong(Some(&column.name), reason);
    if text.is_empty() {
        return Err(wrong(format!("constant needs a value: {}", shape(column.kind))));
    }
    Key::parse(text, column.kind).ok_or_else(|| {
        let (kind, want) = (column.kind.name(), shape(column.kind));
        wrong(format!("value cannot be '{}': the column is {kind}, so it must be {want}", short(text)))
    })
}

impl Op for Impute {
    fn touches(&self) -> Vec<&str> {
        self.columns.iter().map(|c| c.name.as_str()).collect()
    }

    fn takes_whole_rows(&self) -> bool {
        self.drop_rows && self.columns.is_empty()
    }

    fn needs_fit(&self) -> bool {
        self.fits
    }

    fn settles_late(&self) -> bool {
        self.indicator && self.fits
    }

    fn fit(&mut self, block: &Block) -> Result<(), Error> {
        for column in &mut self.columns {
            let series = block.get(&column.name)?;
            match &mut column.learner {
                Learner::Mean(moments) => moments.add(&floats(series)?),
                Learner::Median(quantiles) => quantiles.add(&floats(series)?),
                Learner::Mode(counts) => {
                    each_value(series, |v| v.into_iter().for_each(|v| counts.add(v)))?;
                }
                Learner::Forward | Learner::Done => {}
            }
        }
        let counts = self.columns.iter().filter_map(|c| match &c.learner {
            Learner::Mode(counts) => Some(counts),
            _ => None,
        });
        match too_much(counts) {
            Some(what) => {
                let reason =
                    format!("there are {what}, too many to find the most frequent; use another strategy");
                Err(self.place.wrong(None, reason).into())
            }
            None => Ok(()),
        }
    }

    fn end_pass(&mut self) -> Result<bool, Error> {
        let mut done = true;
        for column in &mut self.columns {
            if let Learner::Median(quantiles) = &mut column.learner
                && !quantiles.end_pass()
            {
                done = false;
                continue;
            }
            match std::mem::replace(&mut column.learner, Learner::Done) {
                Learner::Mean(moments) => {
                    column.kind = ColumnType::Float;
                    column.with = (moments.n > 0).then(|| Key::Float(order_bits(moments.mean)));
                }
                Learner::Median(quantiles) => {
                    let median = quantiles.finish().and_then(|q| q.first().copied());
                    // An integer column stays one where its median is whole.
                    let whole = median.is_none_or(|m| m.fract() == 0.0 && m.abs() < 2f64.powi(53));
                    if column.kind == ColumnType::Integer && whole {
                        column.with = median.map(|m| Key::Int(m as i64));
                    } else {
                        column.kind = ColumnType::Float;
                        column.with = median.map(|m| Key::Float(order_bits(m)));
                    }
                }
                Learner::Mode(counts) => column.with = counts.finish().into_iter().next().map(|(k, _)| k),
                other => column.learner = other,
            }
        }
        Ok(done)
    }

    fn restart(&mut self) {
        for column in &mut self.columns {
            column.count = 0;
            if matches!(column.learner, Learner::Forward) {
                column.with = None;
            }
        }
    }

    fn apply(&mut self, block: &mut Block) -> Result<(), Error> {
        if self.drop_rows {
            return self.drop(block);
        }
        for column in &mut self.columns {
            let series = block.get(&column.name)?.clone();
            let forward = matches!(column.learner, Learner::Forward);
            let mut cells = Cells::new(&column.name, column.kind, series.len());
            let (with, count) = (&mut column.with, &mut column.count);
            each_value(&series, |value| match value {
                Some(value) => {
                    cells.push(Some(value));
                    if forward && !with.as_ref().is_some_and(|w| w.value() == value) {
                        *with = Some(Key::from(value));
                    }
                }
                None => {
                    *count += u64::from(with.is_some());
                    cells.push(with.as_ref().map(Key::value));
                }
            })?;
            block.replace(&column.name, cells.finish())?;
            if self.indicator {
                let name = format!("{}_missing", column.name);
                let mut marks = Cells::new(&name, ColumnType::Integer, series.len());
                for missing in series.is_null().iter() {
                    marks.push(Some(Value::Int(i64::from(missing == Some(true)))));
                }
                block.expand(&column.name, true, vec![marks.finish()])?;
            }
        }
        Ok(())
    }

    fn story(&self) -> String {
        if self.drop_rows {
            let which = match self.columns.len() {
                0 => "any column".to_owned(),
                _ => listed(self.columns.iter().map(|c| c.name.as_str())),
            };
            return format!("dropped rows with a missing value in {which}");
        }
        let one = |c: &Filled| match &c.with {
            _ if self.strategy == "forward" => format!("{} with the value before it", c.name),
            Some(Key::Float(_)) => {
                let value = c.with.as_ref().map(Key::value);
                let number = if let Some(Value::Float(v)) = value { figure(v) } else { String::new() };
                format!("{} with the {} {number}", c.name, self.strategy)
            }
            Some(key) => format!("{} with the {} {}", c.name, self.strategy, short(&key.value().display())),
            None => format!("{} with nothing, as it has no value", c.name),
        };
        let all: Vec<String> = self.columns.iter().map(one).collect();
        format!("filled {}", listed_whole(&all))
    }

    fn notes(&self) -> Vec<String> {
        let filled = self.columns.iter().filter(|_| !self.drop_rows);
        filled.map(|c| format!("{}: {} cells filled", c.name, c.count)).take(50).collect()
    }
}

/// Phrases for a sentence, some of many.
fn listed_whole(all: &[String]) -> String {
    let some: Vec<&str> = all.iter().take(8).map(String::as_str).collect();
    let more = all.len().saturating_sub(8);
    if more > 0 { format!("{}, and {more} more", some.join(", ")) } else { some.join(", ") }
}
