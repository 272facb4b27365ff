//! `OVER`: what may stand there, and what becomes of it. With an order a window is run by this crate ([`super::running`]);
//! without one the engine does as SQL asks.

use dropforge_shared::sql::{FunctionKind, SqlFunction};
use sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, Ident, Value, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowSpec, WindowType,
};

use super::allow::{self, unable};
use super::expressions::{Walk, Where};
use super::fold::Frame;
use super::window::{Key, What, Window};
use super::{kinds, own};
use crate::error::Error;

pub(super) fn check(
    function: &mut Function,
    known: &SqlFunction,
    walk: &mut Walk<'_, '_>,
) -> Result<(), Error> {
    let at = function.name.clone();
    let distinct = matches!(
        &function.args,
        FunctionArguments::List(list) if list.duplicate_treatment == Some(DuplicateTreatment::Distinct)
    );
    let spec = match &mut function.over {
        None if known.kind == FunctionKind::Window => {
            return Err(unable(&at, &format!("{} needs OVER: {}", known.name, known.usage)));
        }
        None => return Ok(()),
        Some(WindowType::WindowSpec(spec)) if spec.window_name.is_none() => spec,
        Some(_) => {
            return Err(unable(&at, "named windows are not supported; write the window into OVER (…)"));
        }
    };
    if known.kind == FunctionKind::Scalar {
        return Err(unable(&at, &format!("{} is a function of one row and takes no OVER", known.name)));
    }
    if walk.at != Where::Item {
        return Err(unable(
            &at,
            "a window function stands in SELECT or ORDER BY; filter around it with WITH",
        ));
    }
    if walk.in_over || walk.in_aggregate {
        return Err(unable(&at, "a window function can't stand in another or in an aggregate; use WITH"));
    }
    let fits = match known.name {
        "row_number" => spec.window_frame.is_none(),
        "rank" | "dense_rank" | "lag" | "lead" => ordered(spec) && spec.window_frame.is_none(),
        "first_value" => ordered(spec) && frame(spec).is_some(),
        // Without ROWS it would be the last of those that tie, which hardly anybody means.
        "last_value" => ordered(spec) && matches!(frame(spec), Some(Frame::Rows(_))),
        "sum" | "min" | "max" | "count" | "total" | "avg" if ordered(spec) => {
            if frame(spec).is_none() {
                let text = format!(
                    "this frame is not supported; {} has ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW, ROWS BETWEEN 6 \
                     PRECEDING AND CURRENT ROW, and without either all rows up to those that tie",
                    known.name
                );
                return Err(unable(&at, &text));
            }
            !distinct
        }
        _ if ordered(spec) => {
            let text = format!(
                "{} has no running form; leave ORDER BY out of OVER for the whole partition. sum, count, avg, min and max \
                 have one",
                known.name
            );
            return Err(unable(&at, &text));
        }
        _ => spec.window_frame.is_none(),
    };
    if !fits {
        let text = format!("this window is not supported: {} is called as {}", known.name, known.usage);
        return Err(unable(&at, &text));
    }
    let around = walk.in_over;
    walk.in_over = true;
    walk.keys(spec.partition_by.iter_mut())?;
    walk.keys(spec.order_by.iter_mut().map(|key| &mut key.expr))?;
    walk.in_over = around;
    Ok(())
}

fn ordered(spec: &WindowSpec) -> bool {
    !spec.order_by.is_empty()
}

/// The frame of a window with an order, where it is one that there is.
fn frame(spec: &WindowSpec) -> Option<Frame> {
    use WindowFrameBound as B;
    let Some(WindowFrame { units, start_bound, end_bound: None | Some(B::CurrentRow) }) = &spec.window_frame
    else {
        return spec.window_frame.is_none().then_some(Frame::Peers);
    };
    match (units, start_bound) {
        (WindowFrameUnits::Range, B::Preceding(None)) => Some(Frame::Peers),
        (WindowFrameUnits::Rows, B::Preceding(None)) => Some(Frame::Rows(None)),
        (WindowFrameUnits::Rows, B::Preceding(Some(n))) => number(n).map(|n| Frame::Rows(Some(n))),
        (WindowFrameUnits::Rows, B::CurrentRow) => Some(Frame::Rows(Some(0))),
        _ => None,
    }
}

fn number(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Value(v) => match &v.value {
            Value::Number(digits, _) => digits.parse::<u32>().ok().map(|n| n as usize),
            _ => None,
        },
        _ => None,
    }
}

/// A window with an order as a call of this crate's own; `None` where it is none. `written` is the number of its text.
///
/// # Errors
/// [`Error::Sql`] with the place, where its arguments are not those that it takes.
pub(super) fn own(function: &Function, written: u64) -> Result<Option<Expr>, Error> {
    let Some(WindowType::WindowSpec(spec)) = &function.over else { return Ok(None) };
    if !ordered(spec) {
        return Ok(None);
    }
    let name = function.name.to_string().to_lowercase();
    let arguments = kinds::arguments(function);
    let all = matches!(&function.args, FunctionArguments::List(list)
        if matches!(list.args.as_slice(), [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)]));
    let (what, value) = match (name.as_str(), arguments.as_slice()) {
        ("row_number", []) => (What::RowNumber, None),
        ("rank", []) => (What::Rank, None),
        ("dense_rank", []) => (What::DenseRank, None),
        ("count", []) if all => (What::CountAll, None),
        ("count", [x]) => (What::Count, Some(*x)),
        ("sum", [x]) => (What::Sum, Some(*x)),
        ("total", [x]) => (What::Total, Some(*x)),
        ("avg", [x]) => (What::Avg, Some(*x)),
        ("min", [x]) => (What::Min, Some(*x)),
        ("max", [x]) => (What::Max, Some(*x)),
        ("first_value", [x]) => (What::First, Some(*x)),
        ("last_value", [x]) => (What::Last, Some(*x)),
        ("lag", [x]) => (What::Lag(1), Some(*x)),
        ("lead", [x]) => (What::Lead(1), Some(*x)),
        ("lag", [x, n]) if number(n).is_some() => (What::Lag(number(n).unwrap_or(1)), Some(*x)),
        ("lead", [x, n]) if number(n).is_some() => (What::Lead(number(n).unwrap_or(1)), Some(*x)),
        _ => {
            let usage = dropforge_shared::sql::function(&name).map_or("", |known| known.usage);
            return Err(unable(&function.name, &format!("{name} is called as {usage}")));
        }
    };
    if !spec.order_by.iter().any(|key| names_column(&key.expr)) {
        return Err(unable(
            &function.name,
            "ORDER BY in OVER goes by columns, not by a value that stands there",
        ));
    }
    let key = |key: &sqlparser::ast::OrderByExpr| {
        let descending = key.options.asc == Some(false);
        Key { descending, missing_last: !key.options.nulls_first.unwrap_or(descending) }
    };
    let window = Window {
        what,
        frame: frame(spec).unwrap_or(Frame::Peers),
        parts: spec.partition_by.len(),
        keys: spec.order_by.iter().map(key).collect(),
        written,
    };
    let columns =
        value.into_iter().chain(&spec.partition_by).chain(spec.order_by.iter().map(|key| &key.expr)).cloned();
    Ok(Some(called(function, &window.name(), columns.collect())))
}

/// A function of this crate's own with these arguments, where `instead` stood.
pub(super) fn called(instead: &Function, name: &str, arguments: Vec<Expr>) -> Expr {
    let arg = |expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr));
    let name = Ident::with_span(
        instead.name.0.first().map_or_else(sqlparser::tokenizer::Span::empty, sqlparser::ast::Spanned::span),
        format!("{}{name}", own::PREFIX),
    );
    Expr::Function(Function {
        name: allow::of(&name),
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: arguments.into_iter().map(arg).collect(),
            clauses: Vec::new(),
        }),
        over: None,
        filter: None,
        ..instead.clone()
    })
}

fn names_column(expr: &Expr) -> bool {
    let found = sqlparser::ast::visit_expressions(expr, |e| match e {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => std::ops::ControlFlow::Break(()),
        _ => std::ops::ControlFlow::Continue(()),
    });
    found.is_break()
}

/// Whether a call is that of a window, in whatever form.
pub(super) fn is_window(function: &Function) -> bool {
    function.over.is_some() || function.name.to_string().starts_with("own_window_")
}
