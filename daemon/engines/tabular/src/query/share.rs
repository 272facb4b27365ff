//! The share that a row falls into by its keys: two functions of this crate's own, one that tells whether a row is in a share,
//! and one that gives a number by which different keys are told apart. Rows whose keys are the same are always in one share.
//! Must not know what the shares are for.

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
    called(&format!("{}share_{of}_{this}", own::PREFIX), keys)
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
        "share" => DataType::Boolean,
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
            let hashes = hashes(columns)?;
            Ok(if dtype == DataType::Boolean {
                // The upper bits, cut into equal parts.
                let part = |hash: u128| ((hash >> 64) * u128::from(of)) >> 64;
                let taken = hashes.iter().map(|hash| part(*hash) == u128::from(this));
                BooleanChunked::from_iter_values(name, taken).into_series().into_column()
            } else {
                let numbers = hashes.iter().map(|hash| (*hash as u64).cast_signed());
                Int64Chunked::from_iter_values(name, numbers).into_series().into_column()
            })
        },
        typed,
    );
    let mut function = UserDefinedFunction::new(name.into(), udf);
    function.options = FunctionOptions::elementwise();
    Some(function)
}

/// A hash of the keys of each row.
pub(super) fn hashes(keys: &[Column]) -> PolarsResult<Vec<u128>> {
    let rows = keys.iter().map(Column::len).find(|len| *len != 1).unwrap_or(1);
    let mut columns = Vec::with_capacity(keys.len());
    for (at, key) in keys.iter().enumerate() {
        let key = if key.len() == rows { key.clone() } else { key.new_from_index(0, rows) };
        columns.push(key.with_name(at.to_string().into()));
    }
    // In the types of a dataset, whatever they come from: those have a hash.
    let keys = values::frame(&DataFrame::new(rows, columns)?)?;
    let mut hashes = vec![0u128; rows];
    for key in keys.columns() {
        hash::add_to_rows(&mut hashes, key.as_materialized_series())?;
    }
    Ok(hashes)
}
