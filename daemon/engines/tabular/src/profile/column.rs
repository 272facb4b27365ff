//! One column: read part by part, so that memory holds one column's numbers at most.

use std::collections::BTreeMap;

use dropforge_shared::page::{Column, ColumnType};
use dropforge_shared::profile::{ColumnProfile, Scalar, TopValue};
use polars::prelude::{DataType, PolarsResult, Series};

use super::TOP;
use super::distinct::Caps;
use super::numeric::{Figures, figures, runs};
use super::text::{Texts, TopTexts, shown};
use crate::error::Error;
use crate::parquet::Dataset;
use crate::types::dates;

/// Rows read at a time.
const PART_ROWS: u64 = 1 << 17;

/// A column's profile and what else its issues are told from.
#[derive(Debug, Clone)]
pub(crate) struct Described {
    pub(crate) profile: ColumnProfile,
    pub(crate) facts: Facts,
}

/// What does not show in the profile.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// Values that are neither missing nor infinite nor NaN.
    pub(crate) values: u64,
    pub(crate) non_finite: u64,
    pub(crate) skewness: Option<f64>,
    pub(crate) blanks: u64,
    pub(crate) numeric_texts: u64,
    pub(crate) placeholders: u64,
    pub(crate) mean_length: f64,
    pub(crate) same_length: bool,
    /// Each integer is one more than the one before.
    pub(crate) counts_up: bool,
}

/// Describes the column at `index`. `stopped` is asked at every part.
pub(crate) fn describe(
    dataset: &Dataset,
    index: usize,
    tokens: Option<&BTreeMap<String, u64>>,
    stopped: &dyn Fn() -> bool,
) -> Result<Described, Error> {
    let column =
        dataset.columns.get(index).ok_or_else(|| Error::Internal(format!("there is no column {index}")))?;
    let parts = Parts { dataset, index, stopped };
    let mut described = match column.kind {
        ColumnType::Integer => integers(column, &parts)?,
        ColumnType::Float => floats(column, &parts)?,
        ColumnType::Boolean => booleans(column, &parts)?,
        ColumnType::Date => days(column, &parts, dates::iso_date)?,
        ColumnType::Datetime => days(column, &parts, dates::iso_datetime)?,
        ColumnType::Text => texts(column, &parts)?,
    };
    let nulls = described.profile.nulls;
    described.profile.null_tokens = match tokens {
        Some(tokens) if tokens.values().sum::<u64>() == nulls => tokens.clone(),
        // Not the dataset that was taken in: how a value came to be missing is not known.
        _ if nulls > 0 => BTreeMap::from([("null".to_owned(), nulls)]),
        _ => BTreeMap::new(),
    };
    Ok(described)
}

struct Parts<'a> {
    dataset: &'a Dataset,
    index: usize,
    stopped: &'a dyn Fn() -> bool,
}

impl Parts<'_> {
    /// Hands each part of the column to `take` until it says that it has enough. Returns the missing values seen.
    fn each(&self, mut take: impl FnMut(&Series) -> PolarsResult<bool>) -> Result<u64, Error> {
        let mut at = 0;
        let mut nulls = 0;
        while at < self.dataset.rows {
            if (self.stopped)() {
                return Err(Error::Cancelled);
            }
            let frame = self.dataset.read(Some(vec![self.index]), at, PART_ROWS)?;
            let Some(column) = frame.columns().first().filter(|c| !c.is_empty()) else { break };
            let series = column.as_materialized_series();
            nulls += series.null_count() as u64;
            at += series.len() as u64;
            if !take(series).map_err(|e| Error::Internal(e.to_string()))? {
                break;
            }
        }
        Ok(nulls)
    }
}

fn empty(column: &Column, nulls: u64) -> ColumnProfile {
    ColumnProfile {
        name: column.name.clone(),
        kind: column.kind,
        nulls,
        null_tokens: BTreeMap::new(),
        distinct: 0,
        distinct_exact: true,
        distinct_error: 0.0,
        min: None,
        max: None,
        mean: None,
        std: None,
        quantiles: None,
        zeros: 0,
        outliers: 0,
        skewness: None,
        histogram: None,
        top: Vec::new(),
    }
}

/// Fills in what all sorted columns have.
fn ordered<T: Copy + PartialEq>(profile: &mut ColumnProfile, sorted: &[T], scalar: impl Fn(T) -> Scalar) {
    let (distinct, top) = runs(sorted, TOP);
    profile.distinct = distinct;
    profile.top = top.into_iter().map(|(value, count)| TopValue { value: scalar(value), count }).collect();
    profile.min = sorted.first().map(|v| scalar(*v));
    profile.max = sorted.last().map(|v| scalar(*v));
}

fn numeric(profile: &mut ColumnProfile, facts: &mut Facts, figures: Option<Figures>) {
    let Some(figures) = figures else { return };
    profile.mean = figures.mean;
    profile.std = figures.std;
    profile.quantiles = Some(figures.quantiles);
    profile.zeros = figures.zeros;
    profile.outliers = figures.outliers;
    profile.histogram = Some(figures.histogram);
    facts.skewness = figures.skewness;
}

fn integers(column: &Column, parts: &Parts<'_>) -> Result<Described, Error> {
    let mut values: Vec<i64> = Vec::with_capacity(capacity(parts));
    let nulls = parts.each(|part| {
        values.extend(part.i64()?.iter().flatten());
        Ok(true)
    })?;
    let counts_up =
        nulls == 0 && values.windows(2).all(|w| matches!(w, [a, b] if a.checked_add(1) == Some(*b)));
    values.sort_unstable();
    let mut profile = empty(column, nulls);
    let mut facts = Facts { values: values.len() as u64, counts_up, ..Facts::default() };
    ordered(&mut profile, &values, Scalar::Int);
    numeric(&mut profile, &mut facts, figures(&values));
    Ok(Described { profile, facts })
}

fn floats(column: &Column, parts: &Parts<'_>) -> Result<Described, Error> {
    let mut values: Vec<f64> = Vec::with_capacity(capacity(parts));
    // NaN, −∞ and ∞ are values that count among the different and the frequent, but not in the figures.
    let mut odd: BTreeMap<&'static str, u64> = BTreeMap::new();
    let nulls = parts.each(|part| {
        for value in part.f64()?.iter().flatten() {
            if value.is_finite() {
                // Minus zero is zero to a reader.
                values.push(value + 0.0);
            } else {
                let name = if value.is_nan() {
                    "NaN"
                } else if value > 0.0 {
                    "inf"
                } else {
                    "-inf"
                };
                *odd.entry(name).or_default() += 1;
            }
        }
        Ok(true)
    })?;
    values.sort_unstable_by(f64::total_cmp);
    let mut profile = empty(column, nulls);
    let mut facts = Facts { values: values.len() as u64, non_finite: odd.values().sum(), ..Facts::default() };
    ordered(&mut profile, &values, Scalar::Float);
    numeric(&mut profile, &mut facts, figures(&values));
    profile.distinct += odd.len() as u64;
    for (name, count) in odd {
        profile.top.push(TopValue { value: Scalar::Text(name.to_owned()), count });
    }
    // Stable, so that numbers stay before the others and in their order where counts are equal.
    profile.top.sort_by_key(|t| std::cmp::Reverse(t.count));
    profile.top.truncate(TOP);
    Ok(Described { profile, facts })
}

fn booleans(column: &Column, parts: &Parts<'_>) -> Result<Described, Error> {
    let mut counts = [(false, 0u64), (true, 0u64)];
    let nulls = parts.each(|part| {
        for value in part.bool()?.iter().flatten() {
            if let Some((_, count)) = counts.get_mut(usize::from(value)) {
                *count += 1;
            }
        }
        Ok(true)
    })?;
    let mut profile = empty(column, nulls);
    let present: Vec<(bool, u64)> = counts.into_iter().filter(|(_, n)| *n > 0).collect();
    profile.distinct = present.len() as u64;
    profile.min = present.first().map(|(b, _)| Scalar::Bool(*b));
    profile.max = present.last().map(|(b, _)| Scalar::Bool(*b));
    profile.top = present.iter().map(|(b, n)| TopValue { value: Scalar::Bool(*b), count: *n }).collect();
    profile.top.sort_by_key(|t| std::cmp::Reverse(t.count));
    let values = present.iter().map(|(_, n)| n).sum();
    Ok(Described { profile, facts: Facts { values, ..Facts::default() } })
}

fn days(column: &Column, parts: &Parts<'_>, iso: impl Fn(i64) -> String) -> Result<Described, Error> {
    let mut values: Vec<i64> = Vec::with_capacity(capacity(parts));
    let nulls = parts.each(|part| {
        let physical = part.to_physical_repr().cast(&DataType::Int64)?;
        values.extend(physical.i64()?.iter().flatten());
        Ok(true)
    })?;
    values.sort_unstable();
    let mut profile = empty(column, nulls);
    ordered(&mut profile, &values, |v| Scalar::Text(iso(v)));
    Ok(Described { profile, facts: Facts { values: values.len() as u64, ..Facts::default() } })
}

fn texts(column: &Column, parts: &Parts<'_>) -> Result<Described, Error> {
    let mut texts = Texts::new(Caps::default());
    let nulls = parts.each(|part| {
        for text in part.str()?.iter().flatten() {
            texts.add(text);
        }
        Ok(true)
    })?;
    let counted = texts.counted();
    let mut top = TopTexts::new(&counted);
    if !top.complete() {
        parts.each(|part| {
            for text in part.str()?.iter().flatten() {
                top.add(text);
            }
            Ok(!top.complete())
        })?;
    }
    let mut profile = empty(column, nulls);
    profile.distinct = counted.distinct;
    profile.distinct_exact = counted.exact;
    profile.distinct_error = counted.error;
    profile.min = texts.min.as_deref().map(|t| Scalar::Text(shown(t)));
    profile.max = texts.max.as_deref().map(|t| Scalar::Text(shown(t)));
    profile.top = top.finish(|text| Scalar::Text(shown(&text)));
    let facts = Facts {
        values: texts.values,
        blanks: texts.blanks,
        numeric_texts: texts.numeric,
        placeholders: texts.placeholders,
        mean_length: texts.bytes as f64 / texts.values.max(1) as f64,
        same_length: texts.values > 0 && texts.shortest == texts.longest,
        ..Facts::default()
    };
    Ok(Described { profile, facts })
}

fn capacity(parts: &Parts<'_>) -> usize {
    usize::try_from(parts.dataset.rows).unwrap_or(0)
}
