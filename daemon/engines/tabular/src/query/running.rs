//! Windows with an order, as SQL has them: missing keys last going up and first going down unless the statement says
//! otherwise, each key in its own direction, rows that tie sharing a value where the frame is `RANGE`. The engine has one
//! direction for all keys, missing ones first, and `ROWS` alone. Must not know of SQL's text.

use polars::lazy::dsl::{BaseColumnUdf, UserDefinedFunction};
use polars::prelude::{
    BooleanChunked, ChunkedBuilder as _, Column, DataType, Field, Float64Type, IdxCa, IdxSize, IdxType,
    Int64Chunked, Int64Type, IntoColumn as _, IntoSeries as _, PolarsResult, PrimitiveChunkedBuilder, Schema,
    Series, SortOptions, polars_bail,
};
use polars::sql::FunctionOptions;

use super::arrange::{self, Order};
use super::fold::{Frame, folded};
use super::window::{What, Window};

/// The column that a window gives.
fn field(window: &Window, fields: &[Field]) -> PolarsResult<Field> {
    let Some(first) = fields.first() else { polars_bail!(ComputeError: "a window without columns") };
    let dtype = match window.what {
        What::RowNumber | What::Rank | What::DenseRank | What::CountAll | What::Count => DataType::Int64,
        What::Avg => DataType::Float64,
        What::Sum | What::Total => summed(first.dtype())?,
        _ => first.dtype().clone().materialize_unknown(true)?,
    };
    Ok(Field::new(first.name().clone(), dtype))
}

/// The type of a sum.
fn summed(of: &DataType) -> PolarsResult<DataType> {
    Ok(match of.clone().materialize_unknown(true)? {
        d if d.is_float() || d.is_decimal() => DataType::Float64,
        d if d.is_integer() || matches!(d, DataType::Boolean | DataType::Null) => DataType::Int64,
        d => polars_bail!(ComputeError: "values of type {d} can't be added up"),
    })
}

/// The function of a name; `rest` is what stands behind the prefix of windows.
pub(super) fn function(name: &str, rest: &str) -> Option<UserDefinedFunction> {
    let window = Window::of(rest)?;
    let typed = window.clone();
    let udf = BaseColumnUdf::new(
        move |columns: &mut [Column]| compute(&window, columns),
        move |_: &Schema, fields: &[Field]| field(&typed, fields),
    );
    let mut function = UserDefinedFunction::new(name.into(), udf);
    function.options = FunctionOptions::length_preserving();
    Some(function)
}

fn compute(window: &Window, columns: &[Column]) -> PolarsResult<Column> {
    let rows = columns.iter().map(Column::len).find(|len| *len != 1).unwrap_or(1);
    // What stands there as one value is that of every row.
    let whole = |column: &Column| {
        let column = if column.len() == rows { column.clone() } else { column.new_from_index(0, rows) };
        column.take_materialized_series().rechunk()
    };
    let all: Vec<Series> = columns.iter().map(whole).collect();
    let (value, by) = all.split_at(usize::from(window.has_value()).min(all.len()));
    let order = arrange::order(window, by, rows)?;
    let name = columns.first().map(|c| c.name().clone()).unwrap_or_default();
    let sorted = match value.first() {
        Some(value) => Some(value.take(&IdxCa::from_vec("row".into(), order.rows.clone()))?),
        None => None,
    };
    let given = places(window, &order, sorted.as_ref())?;
    // Back to the rows as they stood.
    let mut back = vec![0 as IdxSize; rows];
    for (place, row) in order.rows.iter().enumerate() {
        if let Some(to) = back.get_mut(*row as usize) {
            *to = place as IdxSize;
        }
    }
    Ok(given.take(&IdxCa::from_vec("row".into(), back))?.with_name(name).into_column())
}

/// The values by place.
fn places(window: &Window, order: &Order, value: Option<&Series>) -> PolarsResult<Series> {
    let Some(value) = value else { return Ok(counted(window, order)) };
    let there = value.is_not_null();
    match window.what {
        What::Count => {
            let mut out: Vec<i64> = Vec::with_capacity(order.rows.len());
            let one = |at: usize| i64::from(there.get(at) == Some(true));
            by_part(window, order, one, |a, b| a + b, |n| out.push(n));
            Ok(Int64Chunked::from_vec("".into(), out).into_series())
        }
        What::Sum | What::Total | What::Avg if summed(value.dtype())? == DataType::Int64 => {
            integers(window, order, value)
        }
        What::Sum | What::Total | What::Avg => {
            let numbers = value.cast(&DataType::Float64)?;
            let numbers = numbers.f64()?;
            let mut out = PrimitiveChunkedBuilder::<Float64Type>::new("".into(), order.rows.len());
            let one = |at: usize| numbers.get(at).map_or((0.0, 0u64), |n| (n, 1));
            by_part(
                window,
                order,
                one,
                |a, b| (a.0 + b.0, a.1 + b.1),
                |(sum, n)| {
                    out.append_option(match window.what {
                        What::Avg => (n > 0).then(|| sum / n as f64),
                        What::Total => Some(sum),
                        _ => (n > 0).then_some(sum),
                    });
                },
            );
            Ok(out.finish().into_series())
        }
        What::Min | What::Max => extreme(window, order, value, &there),
        _ => value.take(&taken(window, order)),
    }
}

/// Sums and means of integers, added up in 128 bits.
fn integers(window: &Window, order: &Order, value: &Series) -> PolarsResult<Series> {
    let numbers = value.cast(&DataType::Int64)?;
    let numbers = numbers.i64()?;
    let one = |at: usize| numbers.get(at).map_or((0, 0u64), |n| (i128::from(n), 1));
    let both = |a: (i128, u64), b: (i128, u64)| (a.0 + b.0, a.1 + b.1);
    if window.what == What::Avg {
        let mut out = PrimitiveChunkedBuilder::<Float64Type>::new("".into(), order.rows.len());
        by_part(window, order, one, both, |(sum, n)| {
            out.append_option((n > 0).then(|| sum as f64 / n as f64));
        });
        return Ok(out.finish().into_series());
    }
    let mut out = PrimitiveChunkedBuilder::<Int64Type>::new("".into(), order.rows.len());
    let mut wrong = None;
    by_part(window, order, one, both, |(sum, n)| {
        let fits = i64::try_from(sum);
        if fits.is_err() && wrong.is_none() {
            wrong = Some(sum);
        }
        out.append_option(fits.ok().filter(|_| n > 0 || window.what == What::Total));
    });
    match wrong {
        Some(sum) => Err(super::exact::beyond(window.written, &sum.to_string())),
        None => Ok(out.finish().into_series()),
    }
}

/// Row numbers and ranks.
fn counted(window: &Window, order: &Order) -> Series {
    let mut out: Vec<i64> = Vec::with_capacity(order.rows.len());
    if window.what == What::CountAll {
        by_part(window, order, |_| 1i64, |a, b| a + b, |n| out.push(n));
        return Int64Chunked::from_vec("".into(), out).into_series();
    }
    for (start, end) in pairs(&order.parts) {
        let (mut rank, mut dense) = (1, 1);
        for place in start..end {
            if place > start && order.begins.get(place) == Some(&true) {
                rank = (place - start + 1) as i64;
                dense += 1;
            }
            out.push(match window.what {
                What::Rank => rank,
                What::DenseRank => dense,
                _ => (place - start + 1) as i64,
            });
        }
    }
    Int64Chunked::from_vec("".into(), out).into_series()
}

fn pairs(parts: &[usize]) -> impl Iterator<Item = (usize, usize)> {
    parts.iter().copied().zip(parts.iter().copied().skip(1))
}

/// Folds each frame.
fn by_part<T: Copy>(
    window: &Window,
    order: &Order,
    value: impl Fn(usize) -> T,
    add: impl Fn(T, T) -> T,
    mut give: impl FnMut(T),
) {
    for (start, end) in pairs(&order.parts) {
        let begins = order.begins.get(start..end).unwrap_or_default();
        folded(|at| value(start + at), begins, window.frame, &add, &mut give);
    }
}

/// The places whose values are given.
fn taken(window: &Window, order: &Order) -> IdxCa {
    let mut out = PrimitiveChunkedBuilder::<IdxType>::new("row".into(), order.rows.len());
    for (start, end) in pairs(&order.parts) {
        for place in start..end {
            let at = match window.what {
                What::Lag(n) => place.checked_sub(n).filter(|at| *at >= start),
                What::Lead(n) => place.checked_add(n).filter(|at| *at < end),
                What::First => Some(match window.frame {
                    Frame::Rows(Some(n)) => place.saturating_sub(n).max(start),
                    _ => start,
                }),
                _ => Some(place),
            };
            out.append_option(at.and_then(|at| IdxSize::try_from(at).ok()));
        }
    }
    out.finish()
}

/// The least or the greatest value of each frame, of any type that can be sorted: by their ranks.
fn extreme(window: &Window, order: &Order, value: &Series, there: &BooleanChunked) -> PolarsResult<Series> {
    let least = window.what == What::Min;
    let options = SortOptions::default().with_order_descending(!least).with_nulls_last(true);
    let places: Vec<IdxSize> = value.arg_sort(options).into_no_null_iter().collect();
    let is_nan = |at: usize| value.f64().ok().and_then(|v| v.get(at)).is_some_and(f64::is_nan);
    let fractions = matches!(value.dtype(), DataType::Float64);
    let mut ranks = vec![u64::MAX; places.len()];
    for (rank, place) in places.iter().enumerate() {
        let at = *place as usize;
        if there.get(at) == Some(true)
            && let Some(to) = ranks.get_mut(at)
        {
            // Not-a-number is passed over, unless there is nothing else; so it is without OVER.
            *to = rank as u64 + if fractions && is_nan(at) { 1 << 40 } else { 0 };
        }
    }
    let mut out = PrimitiveChunkedBuilder::<IdxType>::new("row".into(), order.rows.len());
    let rank = |at: usize| ranks.get(at).copied().unwrap_or(u64::MAX);
    by_part(window, order, rank, u64::min, |rank| {
        out.append_option(match rank {
            u64::MAX => None,
            rank => places.get((rank & ((1 << 40) - 1)) as usize).copied(),
        });
    });
    value.take(&out.finish())
}
