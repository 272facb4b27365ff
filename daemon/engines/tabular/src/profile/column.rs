//! One column: read part by part, in memory that does not grow with the rows.

use std::collections::BTreeMap;
use std::collections::hash_map::HashMap;

use dropforge_shared::page::{Column, ColumnType};
use dropforge_shared::profile::{ColumnProfile, Scalar, TopValue};
use polars::prelude::{PolarsError, PolarsResult, Series};

use super::TOP;
use super::distinct::Caps;
use super::hash::{Print, hash};
use super::keys::Number;
use super::numeric::{Figures, Keys, Order, figures, order};
use super::ordered::HELD;
use super::reading::{MISSING, Parts, Sample, keys_of};
use super::text::{Texts, TopTexts};
use super::words::{Looks, Variants};
use crate::error::Error;
use crate::types::dates;

/// Different values that a column of categories may have to be compared with others.
pub(crate) const CATEGORIES: usize = 50;

/// Different integers that still look like categories.
const INTEGER_CATEGORIES: u64 = 20;

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
    pub(crate) looks: Looks,
    pub(crate) variants: Vec<Variants>,
    pub(crate) mean_length: f64,
    pub(crate) same_length: bool,
    /// Each integer is one more than the one before.
    pub(crate) counts_up: bool,
    /// The outermost different values of numbers and dates with their counts, from outside in.
    pub(crate) lowest: Vec<(f64, u64)>,
    pub(crate) highest: Vec<(f64, u64)>,
    /// Equal columns have equal ones.
    pub(crate) print: Print,
    /// Keys of the sampled rows of a numeric column, [`MISSING`] where there is no finite value.
    pub(crate) numbers: Vec<u64>,
    /// Categories of the sampled rows, [`NO_CATEGORY`] where the value is missing.
    pub(crate) categories: Vec<u8>,
}

/// A sampled row without a category.
pub(crate) const NO_CATEGORY: u8 = u8::MAX;

/// Describes the column behind `parts`. `sampled` says whether its numbers are wanted for comparisons.
pub(crate) fn describe(
    parts: &Parts<'_>,
    tokens: Option<&BTreeMap<String, u64>>,
    sampled: bool,
) -> Result<Described, Error> {
    let column = parts
        .dataset
        .columns
        .get(parts.index)
        .ok_or_else(|| Error::Internal(format!("there is no column {}", parts.index)))?;
    let mut described = match column.kind {
        ColumnType::Integer => numbers::<i64>(column, parts, sampled)?,
        ColumnType::Float => numbers::<f64>(column, parts, sampled)?,
        ColumnType::Boolean => booleans(column, parts)?,
        ColumnType::Date => days(column, parts, dates::iso_date)?,
        ColumnType::Datetime => days(column, parts, dates::iso_datetime)?,
        ColumnType::Text => texts(column, parts)?,
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

/// What the first pass over numbers or dates finds.
#[derive(Default)]
struct First {
    nulls: u64,
    /// NaN, −∞ and ∞ are values that count among the different and the frequent, but not in the figures.
    odd: BTreeMap<&'static str, u64>,
    held: Option<Vec<u64>>,
    count: u64,
    low: u64,
    high: u64,
    counts_up: bool,
    last: Option<u64>,
    print: Print,
    numbers: Vec<u64>,
}

fn first(column: &Column, parts: &Parts<'_>, sampled: bool) -> Result<First, Error> {
    let kind = column.kind;
    let mut sample = Sample::new(parts.dataset.rows);
    let size = if sampled { sample.size() } else { 0 };
    let mut found = First {
        held: Some(Vec::new()),
        low: u64::MAX,
        counts_up: kind == ColumnType::Integer,
        numbers: Vec::with_capacity(size),
        ..First::default()
    };
    let mut keys = Vec::new();
    parts.each(|at, series| {
        keys.clear();
        keys_of(kind, series, &mut keys)?;
        let nulls = series.null_count() as u64;
        if keys.len() as u64 + nulls < series.len() as u64 {
            count_odd(series, &mut found.odd)?;
        }
        found.nulls += nulls;
        found.take(&keys, parts.dataset.rows);
        if keys.len() == series.len() {
            keys.iter().for_each(|key| found.print.add(Some(*key)));
        } else {
            print(kind, series, &mut found.print)?;
        }
        if sampled {
            sample.keys(kind, at, series, &mut found.numbers)?;
        }
        Ok(true)
    })?;
    found.counts_up &= found.nulls == 0;
    Ok(found)
}

impl First {
    fn take(&mut self, keys: &[u64], rows: u64) {
        self.count += keys.len() as u64;
        self.low = keys.iter().fold(self.low, |low, key| low.min(*key));
        self.high = keys.iter().fold(self.high, |high, key| high.max(*key));
        if self.counts_up {
            let follows = self.last.zip(keys.first()).is_none_or(|(a, b)| a.checked_add(1) == Some(*b));
            self.counts_up =
                follows && keys.windows(2).all(|w| matches!(w, [a, b] if a.checked_add(1) == Some(*b)));
            self.last = keys.last().copied().or(self.last);
        }
        if let Some(held) = &mut self.held {
            if held.len() + keys.len() > HELD {
                self.held = None;
            } else {
                if held.capacity() == 0 {
                    held.reserve_exact(usize::try_from(rows).unwrap_or(HELD).min(HELD));
                }
                held.extend_from_slice(keys);
            }
        }
    }

    fn keys<'a>(&mut self, pass: &'a super::ordered::Pass<'a>) -> Keys<'a> {
        Keys { held: self.held.take(), pass, count: self.count, low: self.low, high: self.high }
    }
}

/// Adds a part with values that have no key to the print.
fn print(kind: ColumnType, series: &Series, print: &mut Print) -> PolarsResult<()> {
    if kind == ColumnType::Float {
        series.f64()?.iter().for_each(|v| print.add(v.map(Number::key)));
    } else {
        let whole = series.to_physical_repr().cast(&polars::prelude::DataType::Int64)?;
        whole.i64()?.iter().for_each(|v| print.add(v.map(Number::key)));
    }
    Ok(())
}

fn count_odd(series: &Series, odd: &mut BTreeMap<&'static str, u64>) -> PolarsResult<()> {
    for value in series.f64()?.iter().flatten().filter(|v| !v.is_finite()) {
        let name = match (value.is_nan(), value > 0.0) {
            (true, _) => "NaN",
            (_, true) => "inf",
            _ => "-inf",
        };
        *odd.entry(name).or_default() += 1;
    }
    Ok(())
}

/// Fills in what all ordered columns have.
fn ordered(profile: &mut ColumnProfile, order: &Order, first: &First, scalar: impl Fn(u64) -> Scalar) {
    profile.distinct = order.distinct;
    profile.top =
        order.top.iter().map(|(key, count)| TopValue { value: scalar(*key), count: *count }).collect();
    profile.min = (first.count > 0).then(|| scalar(first.low));
    profile.max = (first.count > 0).then(|| scalar(first.high));
}

fn numbers<T: Number>(column: &Column, parts: &Parts<'_>, sampled: bool) -> Result<Described, Error> {
    let mut first = first(column, parts, sampled)?;
    let pass = |take: &mut dyn FnMut(&[u64])| parts.keys(column.kind, take);
    let mut profile = empty(column, first.nulls);
    let mut facts = Facts {
        values: first.count,
        non_finite: first.odd.values().sum(),
        counts_up: first.counts_up,
        print: first.print,
        ..Facts::default()
    };
    let mut keys = first.keys(&pass);
    if let Some((figures, order)) = figures::<T>(&mut keys)? {
        ordered(&mut profile, &order, &first, |key| T::of(key).scalar());
        let ends = |ends: &[(u64, u64)]| ends.iter().map(|(k, n)| (T::of(*k).float(), *n)).collect();
        facts.lowest = ends(&order.lowest);
        facts.highest = ends(&order.highest);
        fill(&mut profile, figures);
    }
    profile.distinct += first.odd.len() as u64;
    for (name, count) in std::mem::take(&mut first.odd) {
        profile.top.push(TopValue { value: Scalar::Text(name.to_owned()), count });
    }
    // Stable, so that numbers stay before the others and in their order where counts are equal.
    profile.top.sort_by_key(|t| std::cmp::Reverse(t.count));
    profile.top.truncate(TOP);
    if column.kind == ColumnType::Integer && (2..=INTEGER_CATEGORIES).contains(&profile.distinct) {
        facts.categories = categories(&first.numbers);
    }
    facts.numbers = first.numbers;
    Ok(Described { profile, facts })
}

fn fill(profile: &mut ColumnProfile, figures: Figures) {
    profile.mean = figures.mean;
    profile.std = figures.std;
    profile.skewness = figures.skewness;
    profile.quantiles = Some(figures.quantiles);
    profile.zeros = figures.zeros;
    profile.outliers = figures.outliers;
    profile.histogram = Some(figures.histogram);
}

/// Few different keys as categories.
fn categories(keys: &[u64]) -> Vec<u8> {
    let mut codes: HashMap<u64, u8> = HashMap::new();
    let code = |key: &u64| {
        if *key == MISSING {
            return NO_CATEGORY;
        }
        let next = u8::try_from(codes.len()).unwrap_or(NO_CATEGORY);
        *codes.entry(*key).or_insert(next)
    };
    keys.iter().map(code).collect()
}

fn days(column: &Column, parts: &Parts<'_>, iso: impl Fn(i64) -> String) -> Result<Described, Error> {
    let mut first = first(column, parts, false)?;
    let pass = |take: &mut dyn FnMut(&[u64])| parts.keys(column.kind, take);
    let order = order(&mut first.keys(&pass))?;
    let mut profile = empty(column, first.nulls);
    ordered(&mut profile, &order, &first, |key| Scalar::Text(iso(i64::of(key))));
    let ends = |ends: &[(u64, u64)]| ends.iter().map(|(k, n)| (i64::of(*k) as f64, *n)).collect();
    let facts = Facts {
        values: first.count,
        print: first.print,
        lowest: ends(&order.lowest),
        highest: ends(&order.highest),
        ..Facts::default()
    };
    Ok(Described { profile, facts })
}

fn booleans(column: &Column, parts: &Parts<'_>) -> Result<Described, Error> {
    let mut counts = [(false, 0u64), (true, 0u64)];
    let mut facts = Facts::default();
    let mut sample = Sample::new(parts.dataset.rows);
    let mut nulls = 0;
    parts.each(|mut at, series| {
        nulls += series.null_count() as u64;
        for array in series.bool()?.downcast_iter() {
            for value in array.iter() {
                facts.print.add(value.map(u64::from));
                if let Some((_, count)) = value.and_then(|v| counts.get_mut(usize::from(v))) {
                    *count += 1;
                }
            }
            let to = at + array.len() as u64;
            while let Some(row) = sample.within(at, to) {
                facts.categories.push(array.get(row).map_or(NO_CATEGORY, u8::from));
            }
            at = to;
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
    facts.values = present.iter().map(|(_, n)| n).sum();
    Ok(Described { profile, facts })
}

fn texts(column: &Column, parts: &Parts<'_>) -> Result<Described, Error> {
    let mut texts = Texts::new(Caps::default());
    let mut facts = Facts::default();
    let mut sample = Sample::new(parts.dataset.rows);
    let mut nulls = 0;
    let failed = |e: Error| PolarsError::ComputeError(e.to_string().into());
    parts.each(|mut at, series| {
        nulls += series.null_count() as u64;
        for array in series.str()?.downcast_iter() {
            for text in array.iter() {
                let hash = text.map(hash);
                facts.print.add(hash);
                if let Some((text, hash)) = text.zip(hash) {
                    texts.add(text, hash).map_err(failed)?;
                }
            }
            let to = at + array.len() as u64;
            while let Some(row) = sample.within(at, to).filter(|_| texts.is_few()) {
                let place = array.get(row).and_then(|text| texts.place(hash(text)));
                // Too many to be compared: seen below, by the number of different ones.
                facts.categories.push(place.and_then(|p| u8::try_from(p).ok()).unwrap_or(NO_CATEGORY));
            }
            at = to;
        }
        Ok(true)
    })?;
    if !texts.is_few() {
        facts.categories = Vec::new();
    }
    let mut told = texts.finish()?;
    if !(2..=CATEGORIES as u64).contains(&told.distinct) {
        facts.categories = Vec::new();
    }
    let mut profile = empty(column, nulls);
    if !told.wanted.is_empty() {
        let mut top = TopTexts::new(std::mem::take(&mut told.wanted));
        parts.each(|_, series| {
            series.str()?.iter().flatten().for_each(|text| top.add(text));
            Ok(!top.complete())
        })?;
        profile.top.extend(top.finish());
    }
    // Behind those that repeat come those that do not.
    profile.top.append(&mut told.top);
    profile.top.truncate(TOP);
    profile.distinct = told.distinct;
    profile.distinct_exact = told.exact;
    profile.distinct_error = told.error;
    profile.min = told.min;
    profile.max = told.max;
    facts.values = told.values;
    facts.looks = told.looks;
    facts.variants = told.variants;
    facts.mean_length = told.mean_length;
    facts.same_length = told.same_length;
    Ok(Described { profile, facts })
}
