//! Scales numbers, and takes their logarithm.

use dropforge_shared::page::{Column, ColumnType};
use dropforge_shared::steps::StepError;

use super::{Op, figure, listed};
use crate::clean::block::{Block, float_series, floats};
use crate::clean::fit::moments::Moments;
use crate::clean::fit::quantiles::Quantiles;
use crate::clean::plan::VALUES_KEPT;
use crate::clean::settings::{Bound, Place};
use crate::error::Error;

/// `(x − centre) / spread · stretch + shift`
struct Scaled {
    name: String,
    moments: Moments,
    quantiles: Quantiles,
    centre: f64,
    spread: f64,
}

/// The operation `scale`. What has no spread is only shifted, as in scikit-learn. NaN and infinite numbers are left out of
/// what is learned.
pub(super) struct Scale {
    method: String,
    low: f64,
    high: f64,
    columns: Vec<Scaled>,
}

impl Scale {
    pub(super) fn bind(bound: &Bound<'_>) -> Result<Self, StepError> {
        let method = bound.text("method").to_owned();
        let any = f64::MIN..=f64::MAX;
        let (low, high) = (bound.number("low", any.clone())?, bound.number("high", any)?);
        if low >= high {
            return Err(
                bound.wrong(None, format!("low must be less than high, and {low} is not less than {high}"))
            );
        }
        let columns = bound.columns(ColumnType::is_numeric, "numeric columns")?;
        let cap = VALUES_KEPT / columns.len();
        let scaled = |c: Column| Scaled {
            name: c.name,
            moments: Moments::default(),
            quantiles: Quantiles::new(&[0.25, 0.5, 0.75], cap),
            centre: 0.0,
            spread: 1.0,
        };
        Ok(Self { method, low, high, columns: columns.into_iter().map(scaled).collect() })
    }
}

impl Op for Scale {
    fn touches(&self) -> Vec<&str> {
        self.columns.iter().map(|c| c.name.as_str()).collect()
    }

    fn needs_fit(&self) -> bool {
        true
    }

    fn fit(&mut self, block: &Block) -> Result<(), Error> {
        for column in &mut self.columns {
            let values = floats(block.get(&column.name)?)?;
            if self.method == "robust" {
                column.quantiles.add(&values);
            } else {
                column.moments.add(&values);
            }
        }
        Ok(())
    }

    fn end_pass(&mut self) -> Result<bool, Error> {
        let mut done = true;
        for column in &mut self.columns {
            let moments = &column.moments;
            let (centre, spread) = match self.method.as_str() {
                "robust" => {
                    if !column.quantiles.end_pass() {
                        done = false;
                        continue;
                    }
                    match column.quantiles.finish().as_deref() {
                        Some([q25, q50, q75]) => (*q50, q75 - q25),
                        _ => (0.0, 1.0),
                    }
                }
                "min_max" if moments.n > 0 => (moments.min, moments.max - moments.min),
                "standard" if moments.n > 0 => {
                    // What rounding leaves of a constant is no spread.
                    let spread = moments.std();
                    let least = 10.0 * f64::EPSILON * moments.mean.abs();
                    (moments.mean, if spread > least { spread } else { 0.0 })
                }
                _ => (0.0, 1.0),
            };
            column.centre = centre;
            column.spread = if spread > 0.0 && spread.is_finite() { spread } else { 1.0 };
        }
        Ok(done)
    }

    fn apply(&mut self, block: &mut Block) -> Result<(), Error> {
        let (stretch, shift) =
            if self.method == "min_max" { (self.high - self.low, self.low) } else { (1.0, 0.0) };
        for c in &self.columns {
            let values = floats(block.get(&c.name)?)?;
            let scaled = values.into_iter().map(|v| v.map(|v| (v - c.centre) / c.spread * stretch + shift));
            block.replace(&c.name, float_series(&c.name, scaled))?;
        }
        Ok(())
    }

    fn story(&self) -> String {
        let one = |c: &Scaled| format!("{} (− {}, ÷ {})", c.name, figure(c.centre), figure(c.spread));
        let all: Vec<String> = self.columns.iter().map(one).collect();
        format!("scaled by {}: {}", self.method, listed(all.iter().map(String::as_str)))
    }
}

/// The operation `log_transform`.
pub(super) struct LogTransform {
    place: Place,
    signed: bool,
    columns: Vec<String>,
}

impl LogTransform {
    pub(super) fn bind(bound: &Bound<'_>) -> Result<Self, StepError> {
        let columns = bound.columns(ColumnType::is_numeric, "numeric columns")?;
        Ok(Self {
            place: bound.place.clone(),
            signed: bound.text("method") == "signed_log1p",
            columns: columns.into_iter().map(|c| c.name).collect(),
        })
    }
}

impl Op for LogTransform {
    fn touches(&self) -> Vec<&str> {
        self.columns.iter().map(String::as_str).collect()
    }

    fn apply(&mut self, block: &mut Block) -> Result<(), Error> {
        for name in &self.columns {
            let values = floats(block.get(name)?)?;
            if !self.signed
                && let Some(value) = values.iter().flatten().find(|v| **v <= -1.0)
            {
                let reason = format!(
                    "log1p takes numbers above −1, and there is {}; use signed_log1p, or clip the column first",
                    figure(*value)
                );
                return Err(self.place.wrong(Some(name), reason).into());
            }
            let log = |v: f64| if self.signed { v.abs().ln_1p().copysign(v) } else { v.ln_1p() };
            let series = float_series(name, values.into_iter().map(|v| v.map(log)));
            block.replace(name, series)?;
        }
        Ok(())
    }

    fn story(&self) -> String {
        let method = if self.signed { "signed log1p" } else { "log1p" };
        format!("{method} of {}", listed(self.columns.iter().map(String::as_str)))
    }
}
