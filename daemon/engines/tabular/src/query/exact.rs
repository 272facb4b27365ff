//! Arithmetic on integers that says so where it goes beyond 64 bits; the engine's wraps round. It is put in the place of the
//! engine's where [`super::ranges`] finds that what the columns hold could go so far, so that it costs nothing elsewhere.
//! A sum is that of the upper and of the lower halves, which the engine adds up as it adds up anything.

use polars::lazy::dsl::{BaseColumnUdf, UserDefinedFunction};
use polars::prelude::{
    Column, DataType, Field, Int64Chunked, IntoColumn as _, NamedFrom as _, PolarsError, PolarsResult,
    Schema, Series,
};
use polars::sql::FunctionOptions;
use sqlparser::ast::{
    BinaryOperator, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    UnaryOperator,
};

use super::allow::unable;
use super::{own, parse, rewrite, windows};
use crate::error::Error;

/// What an error of these begins with, before the number of the text and the figure.
const MARK: &str = "beyond 64 bits";

/// An exact form of an expression that could go beyond 64 bits; `None` where it is none that has one. `written` is the number
/// of its text; `filters` says that it stands in WHERE.
///
/// # Errors
/// [`Error::Refused`] for a sum of different values.
pub(super) fn instead(expr: &Expr, written: u64, filters: bool) -> Result<Option<Expr>, Error> {
    let one = |verb: &str, a: &Expr, b: Option<&Expr>| -> Result<Option<Expr>, Error> {
        let name = format!("{}{verb}_{written:x}{}", own::PREFIX, if filters { "_f" } else { "" });
        let said = match b {
            Some(b) => rewrite::said(&format!("{name}(A, B)"), &[("A", a), ("B", b)]),
            None => rewrite::said(&format!("{name}(A)"), &[("A", a)]),
        };
        said.map(Some)
    };
    match expr {
        Expr::BinaryOp { left, op: BinaryOperator::Plus, right } => one("plus", left, Some(right)),
        Expr::BinaryOp { left, op: BinaryOperator::Minus, right } => one("minus", left, Some(right)),
        Expr::BinaryOp { left, op: BinaryOperator::Multiply, right } => one("times", left, Some(right)),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => one("minus", &rewrite::number("0"), Some(expr)),
        Expr::Function(f) if f.name.to_string().eq_ignore_ascii_case("abs") => {
            super::kinds::arguments(f).first().map_or(Ok(None), |x| one("abs", x, None))
        }
        Expr::Function(f) => sum(f, written),
        _ => Ok(None),
    }
}

fn sum(function: &Function, written: u64) -> Result<Option<Expr>, Error> {
    let FunctionArguments::List(list) = &function.args else { return Ok(None) };
    if list.duplicate_treatment == Some(DuplicateTreatment::Distinct) {
        let text = format!("{function} could go beyond 64 bits; sum them up as fractions: CAST(… AS DOUBLE)");
        return Err(unable(&function.name, &text));
    }
    let half = |which: &str| {
        let mut half = function.clone();
        if let FunctionArguments::List(list) = &mut half.args {
            for arg in &mut list.args {
                if let FunctionArg::Unnamed(FunctionArgExpr::Expr(x)) = arg {
                    *x = windows::called(function, which, vec![x.clone()]);
                }
            }
        }
        Expr::Function(half)
    };
    let halves = vec![half("high_0"), half("low_0")];
    Ok(Some(windows::called(function, &format!("sum_{written:x}"), halves)))
}

/// The error of a figure that is too large.
pub(super) fn beyond(written: u64, figure: &str) -> PolarsError {
    PolarsError::ComputeError(format!("{MARK} {written:x} {figure}").into())
}

/// An error of these in the user's words, with the place in `sql`; any other as it is.
pub(super) fn placed(error: Error, sql: &str) -> Error {
    let Error::Sql(text) = &error else { return error };
    let Some((_, told)) = text.split_once(MARK) else { return error };
    let mut words = told.split_whitespace();
    let written = words.next().and_then(|n| u64::from_str_radix(n, 16).ok());
    let digits = |c: &char| c.is_ascii_digit() || *c == '-';
    let figure: String = words.next().unwrap_or_default().chars().take_while(digits).collect();
    let mut found = None;
    if let Ok(query) = parse::one_query(sql) {
        let _ = sqlparser::ast::visit_expressions(&query, |e| {
            if found.is_none() && written == Some(own::number_of(&e.to_string())) {
                found = Some((parse::place(sqlparser::ast::Spanned::span(e)), e.to_string(), way_out(e)));
            }
            std::ops::ControlFlow::<()>::Continue(())
        });
    }
    let (place, what, way) =
        found.unwrap_or_else(|| (String::new(), "an integer".into(), "CAST(… AS DOUBLE)".into()));
    Error::Sql(format!(
        "{place}{what} comes to {figure}, and integers have 64 bits; compute with fractions: {way}"
    ))
}

/// The expression with what it goes wrong by as a fraction.
fn way_out(expr: &Expr) -> String {
    let fraction = |e: &Expr| format!("CAST({e} AS DOUBLE)");
    match expr {
        Expr::BinaryOp { left, op, right } => format!("{} {op} {right}", fraction(left)),
        Expr::UnaryOp { expr, .. } => format!("-{}", fraction(expr)),
        Expr::Function(f) => match super::kinds::arguments(f).first() {
            Some(x) => format!("{}({})", f.name, fraction(x)),
            None => fraction(expr),
        },
        _ => fraction(expr),
    }
}

/// The function of a name; `rest` is what stands behind the prefix.
pub(super) fn function(name: &str, rest: &str) -> Option<UserDefinedFunction> {
    let (verb, written) = rest.split_once('_')?;
    let filter = written.strip_suffix("_f");
    let written = u64::from_str_radix(filter.unwrap_or(written), 16).ok()?;
    let work: fn(i64, i64) -> i128 = match verb {
        "plus" => |a, b| i128::from(a) + i128::from(b),
        "minus" => |a, b| i128::from(a) - i128::from(b),
        "times" => |a, b| i128::from(a) * i128::from(b),
        "abs" => |a, _| i128::from(a).abs(),
        "high" => |a, _| i128::from(a >> 32),
        "low" => |a, _| i128::from(a & 0xffff_ffff),
        "sum" => |high, low| (i128::from(high) << 32) + i128::from(low),
        _ => return None,
    };
    let typed = |_: &Schema, fields: &[Field]| {
        Ok(Field::new(fields.first().map(|f| f.name().clone()).unwrap_or_default(), DataType::Int64))
    };
    let udf = BaseColumnUdf::new(move |columns: &mut [Column]| each(columns, written, work), typed);
    let mut function = UserDefinedFunction::new(name.into(), udf);
    function.options = match filter {
        None => FunctionOptions::elementwise(),
        // The engine's reader, which filters what goes by row alone, takes no errors.
        Some(_) => FunctionOptions::length_preserving(),
    };
    Some(function)
}

fn each(columns: &[Column], written: u64, work: fn(i64, i64) -> i128) -> PolarsResult<Column> {
    let rows = columns.iter().map(Column::len).find(|len| *len != 1).unwrap_or(1);
    let name = columns.first().map(|c| c.name().clone()).unwrap_or_default();
    let mut whole: Vec<Int64Chunked> = Vec::with_capacity(2);
    for column in columns.iter().chain(columns.first()).take(2) {
        let column = if column.len() == rows { column.clone() } else { column.new_from_index(0, rows) };
        whole.push(column.as_materialized_series().strict_cast(&DataType::Int64)?.i64()?.clone());
    }
    let [a, b] = whole.as_slice() else { return Ok(Series::new(name, Vec::<i64>::new()).into_column()) };
    let mut out: Vec<Option<i64>> = Vec::with_capacity(rows);
    for (a, b) in a.iter().zip(b.iter()) {
        out.push(match a.zip(b) {
            None => None,
            Some((a, b)) => {
                let exact = work(a, b);
                Some(i64::try_from(exact).map_err(|_| beyond(written, &exact.to_string()))?)
            }
        });
    }
    Ok(Series::new(name, out).into_column())
}
