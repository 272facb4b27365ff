//! The share that a row falls into by its keys: two functions of this crate's own, one that tells whether a row is in a share,
//! and one that gives a number by which different keys are told apart. Rows whose keys are the same are always in one share.
//! Must not know what the shares are for.

use std::ops::ControlFlow;

use polars::lazy::dsl::{BaseColumnUdf, UserDefinedFunction};
use polars::prelude::{
    BooleanChunked, Column, DataFrame, DataType, Field, Int64Chunked, IntoColumn as _, IntoSeries as _,
    NewChunkedArray as _, PolarsResult, Schema,
};
use polars::sql::FunctionOptions;
use sqlparser::ast::Expr;

use super::{own, rewrite, values};
use crate::error::Error;
use crate::profile::hash;

/// What the column of numbers is called.
pub(super) const SPREAD: &str = "spread\u{1f}";

/// Whether a row is in share `this` of so many.
pub(super) fn taken(keys: &[Expr], of: u32, this: u32) -> Result<Expr, Error> {
    // The engine's reader leaves rows out as early as they are read, and takes no errors. What may end with one is asked when rows
    // have been read, for which the engine holds them.
    let verb = if keys.iter().any(may_fail) { "sharing" } else { "share" };
    called(&format!("{}{verb}_{of}_{this}", own::PREFIX), keys)
}

/// Whether working out an expression may end with an error: a cast, or arithmetic that stays exact.
fn may_fail(expr: &Expr) -> bool {
    let found = sqlparser::ast::visit_expressions(expr, |e| match e {
        Expr::Cast { .. } => ControlFlow::Break(()),
        Expr::Function(f) if f.name.to_string().starts_with(own::PREFIX) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// The number of a row's keys.
pub(super) fn spread(keys: &[Expr]) -> Result<Expr, Error> {
    called(&format!("{}spread_0_0", own::PREFIX), keys)
}

fn called(name: &str, keys: &[Expr]) -> Result<Expr, Error> {
    let words: Vec<String> = (0..keys.len()).map(|at| format!("K{at}")).collect();
    let parts: Vec<(&str, &Expr)> = words.iter().map(String::as_str).zip(keys).collect();
    rewrite::said(&format!("{name}({})", words.join(", ")), &parts)
}

/// The function of a name; `rest` is what stands behind the prefix.
pub(super) fn function(name: &str, rest: &str) -> Option<UserDefinedFunction> {
    let [verb, of, this] = rest.split('_').collect::<Vec<_>>().try_into().ok()?;
    let (of, this): (u32, u32) = (of.parse().ok()?, this.parse().ok()?);
    let dtype = match verb {
        "share" | "sharing" => DataType::Boolean,
        "spread" => DataType::Int64,
        _ => return None,
    };
    let given = dtype.clone();
    let typed = move |_: &Schema, fields: &[Field]| {
        let name = fields.first().map(|f| f.name().clone()).unwrap_or_default();
        Ok(Field::new(name, given.clone()))
    };
    let udf = BaseColumnUdf::new(
        move |columns: &mut [Column]| {
            let name = columns.first().map(|c| c.name().clone()).unwrap_or_default();
            let hashes = rough(columns)?;
            Ok(if dtype == DataType::Boolean {
                let taken = hashes.iter().map(|hash| part(*hash, of) == this);
                BooleanChunked::from_iter_values(name, taken).into_series().into_column()
            } else {
                let numbers = hashes.iter().map(|hash| hash.cast_signed());
                Int64Chunked::from_iter_values(name, numbers).into_series().into_column()
            })
        },
        typed,
    );
    let mut function = UserDefinedFunction::new(name.into(), udf);
    function.options = match verb {
        "share" => FunctionOptions::elementwise(),
        _ => FunctionOptions::length_preserving(),
    };
    Some(function)
}

/// The keys of each row in the types of a dataset, whatever they come from: those have a hash.
fn stored(keys: &[Column]) -> PolarsResult<DataFrame> {
    let rows = keys.iter().map(Column::len).find(|len| *len != 1).unwrap_or(1);
    let mut columns = Vec::with_capacity(keys.len());
    for (at, key) in keys.iter().enumerate() {
        let key = if key.len() == rows { key.clone() } else { key.new_from_index(0, rows) };
        columns.push(key.with_name(at.to_string().into()));
    }
    values::frame(&DataFrame::new(rows, columns)?)
}

/// A hash of the keys of each row by which they are told apart.
pub(super) fn hashes(keys: &[Column]) -> PolarsResult<Vec<u128>> {
    let keys = stored(keys)?;
    let mut hashes = vec![0; keys.height()];
    keys.columns().iter().try_for_each(|key| hash::add_to_rows(&mut hashes, key.as_materialized_series()))?;
    Ok(hashes)
}

/// One by which they are shared out.
fn rough(keys: &[Column]) -> PolarsResult<Vec<u64>> {
    let keys = stored(keys)?;
    let mut hashes = vec![0; keys.height()];
    keys.columns()
        .iter()
        .try_for_each(|key| hash::add_to_rough(&mut hashes, key.as_materialized_series()))?;
    Ok(hashes)
}

/// The share of a hash: its upper bits, cut into equal parts.
fn part(hash: u64, of: u32) -> u32 {
    ((u128::from(hash) * u128::from(of)) >> 64) as u32
}

#[cfg(test)]
mod tests {
    use polars::prelude::{NamedFrom as _, Series};

    use super::super::need::Different;
    use super::*;

    #[test]
    fn shares_are_about_equal_and_different_keys_are_counted_by_their_numbers() {
        let rows = 200_000i64;
        let texts: Vec<String> = (0..rows).map(|n| format!("user-{n:08}")).collect();
        let fractions: Vec<f64> = (0..rows).map(|n| n as f64 / 8.0).collect();
        for keys in [
            vec![Series::new("n".into(), (0..rows).collect::<Vec<_>>()).into_column()],
            vec![Series::new("n".into(), (0..rows).map(|n| n << 20).collect::<Vec<_>>()).into_column()],
            vec![Series::new("x".into(), fractions).into_column()],
            vec![Series::new("t".into(), texts).into_column()],
            vec![
                Series::new("a".into(), (0..rows).map(|n| n % 400).collect::<Vec<_>>()).into_column(),
                Series::new("b".into(), (0..rows).map(|n| n / 400).collect::<Vec<_>>()).into_column(),
            ],
        ] {
            let mut counts = [0i64; 7];
            let mut different = Different::default();
            for hash in rough(&keys).unwrap() {
                counts[part(hash, 7) as usize] += 1;
                different.add(hash);
            }
            assert!(
                counts.iter().all(|count| (count - rows / 7).abs() < rows / 70),
                "{counts:?} of {keys:?}"
            );
            let off = different.estimate() / rows as f64 - 1.0;
            assert!(off.abs() < 0.07, "{off} of {keys:?}");
        }
    }
}
