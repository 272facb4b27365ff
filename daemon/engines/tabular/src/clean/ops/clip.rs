//! Outliers: drawn to a bound, made missing, or their rows dropped.

use dropforge_shared::page::{Column, ColumnType};
use dropforge_shared::steps::StepError;

use super::{Op, figure, listed};
use crate::clean::block::{Block, Cells, Value, each_value, floats};
use crate::clean::fit::quantiles::Quantiles;
use crate::clean::plan::VALUES_KEPT;
use crate::clean::settings::Bound;
use crate::error::Error;

#[derive(Clone, Copy, PartialEq)]
enum Action {
    Clip,
    Missing,
    DropRows,
}

struct Clipped {
    column: Column,
    quantiles: Quantiles,
    low: f64,
    high: f64,
    count: u64,
}

/// The operation `clip`. Infinite numbers are beyond any bound; NaN is beyond none. Of an integer column the bounds are
/// drawn to whole numbers inwards, so that it stays one.
pub(super) struct Clip {
    /// Interquartile ranges, where it is by them.
    factor: Option<f64>,
    action: Action,
    columns: Vec<Clipped>,
}

impl Clip {
    pub(super) fn bind(bound: &Bound<'_>) -> Result<Self, StepError> {
        let factor = bound.number("factor", 0.0..=f64::MAX)?;
        let (low, high) = (bound.number("low", 0.0..=1.0)?, bound.number("high", 0.0..=1.0)?);
        if low >= high {
            return Err(
                bound.wrong(None, format!("low must be less than high, and {low} is not less than {high}"))
            );
        }
        let by_iqr = bound.text("method") == "iqr";
        let wanted = if by_iqr { [0.25, 0.75] } else { [low, high] };
        let columns = bound.columns(ColumnType::is_numeric, "numeric columns")?;
        let cap = VALUES_KEPT / columns.len();
        let clipped = |column| Clipped {
            column,
            quantiles: Quantiles::new(&wanted, cap),
            low: f64::NEG_INFINITY,
            high: f64::INFINITY,
            count: 0,
        };
        Ok(Self {
            factor: by_iqr.then_some(factor),
            action: match bound.text("action") {
                "missing" => Action::Missing,
                "drop_rows" => Action::DropRows,
                _ => Action::Clip,
            },
            columns: columns.into_iter().map(clipped).collect(),
        })
    }
}

impl Op for Clip {
    fn touches(&self) -> Vec<&str> {
        self.columns.iter().map(|c| c.column.name.as_str()).collect()
    }

    fn needs_fit(&self) -> bool {
        true
    }

    fn settles_late(&self) -> bool {
        self.action == Action::DropRows
    }

    fn fit(&mut self, block: &Block) -> Result<(), Error> {
        for c in &mut self.columns {
            c.quantiles.add(&floats(block.get(&c.column.name)?)?);
        }
        Ok(())
    }

    fn end_pass(&mut self) -> Result<bool, Error> {
        let mut done = true;
        for c in &mut self.columns {
            if !c.quantiles.end_pass() {
                done = false;
                continue;
            }
            if let Some([low, high]) = c.quantiles.finish().as_deref() {
                let reach = self.factor.map_or(0.0, |f| f * (high - low));
                (c.low, c.high) = (low - reach, high + reach);
                if c.column.kind == ColumnType::Integer {
                    let inwards = (c.low.ceil(), c.high.floor());
                    // No whole number may lie between bounds that are close.
                    let outwards = (c.low.floor(), c.high.ceil());
                    (c.low, c.high) = if inwards.0 <= inwards.1 { inwards } else { outwards };
                }
            }
        }
        Ok(done)
    }

    fn restart(&mut self) {
        self.columns.iter_mut().for_each(|c| c.count = 0);
    }

    fn apply(&mut self, block: &mut Block) -> Result<(), Error> {
        let mut mask = vec![true; block.height];
        for c in &mut self.columns {
            let name = &c.column.name;
            let series = block.get(name)?.clone();
            let mut cells = Cells::new(name, c.column.kind, series.len());
            let mut keep = mask.iter_mut();
            each_value(&series, |value| {
                let keep = keep.next();
                let number = match value {
                    Some(Value::Int(v)) => v as f64,
                    Some(Value::Float(v)) => v,
                    _ => return cells.push(value),
                };
                let bound = if number < c.low {
                    c.low
                } else if number > c.high {
                    c.high
                } else {
                    return cells.push(value);
                };
                c.count += 1;
                match self.action {
                    Action::Clip if matches!(value, Some(Value::Int(_))) => {
                        cells.push(Some(Value::Int(bound as i64)));
                    }
                    Action::Clip => cells.push(Some(Value::Float(bound))),
                    Action::Missing => cells.push(None),
                    Action::DropRows => {
                        cells.push(value);
                        keep.into_iter().for_each(|k| *k = false);
                    }
                }
            })?;
            block.replace(name, cells.finish())?;
        }
        if self.action == Action::DropRows { block.keep(&mask) } else { Ok(()) }
    }

    fn story(&self) -> String {
        let one = |c: &Clipped| format!("{} to [{}, {}]", c.column.name, figure(c.low), figure(c.high));
        let all: Vec<String> = self.columns.iter().map(one).collect();
        let did = match self.action {
            Action::Clip => "clipped",
            Action::Missing => "made missing what is beyond the bounds:",
            Action::DropRows => "dropped rows beyond the bounds:",
        };
        format!("{did} {}", listed(all.iter().map(String::as_str)))
    }

    fn notes(&self) -> Vec<String> {
        let note = |c: &Clipped| format!("{}: {} values were beyond the bounds", c.column.name, c.count);
        self.columns.iter().take(50).map(note).collect()
    }
}
