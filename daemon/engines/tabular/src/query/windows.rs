//! `OVER`: what the engine does as SQL asks, and no more.
//!
//! With an order SQL's default frame is `RANGE`, in which rows that tie have one value; the engine has `ROWS` alone. Where
//! the two differ the statement must say `ROWS`, so that nobody gets the one who meant the other.

use dropforge_shared::sql::{FunctionKind, SqlFunction};
use sqlparser::ast::{
    DuplicateTreatment, Function, FunctionArguments, OrderByExpr, WindowFrame, WindowFrameBound,
    WindowFrameUnits, WindowSpec, WindowType,
};

use super::allow::unable;
use super::expressions::{Walk, Where};
use crate::error::Error;

const ROWS: &str = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW";

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
        // The first of the frame is the same in both.
        "first_value" => ordered(spec) && (spec.window_frame.is_none() || running(spec)),
        "last_value" => ordered(spec) && running(spec),
        "sum" | "min" | "max" | "count" | "total" if ordered(spec) => {
            if !running(spec) {
                let text = format!(
                    "a running {} says {ROWS} after ORDER BY; without, rows that tie would share a value, which is not \
                     supported",
                    known.name
                );
                return Err(unable(&at, &text));
            }
            !distinct
        }
        _ if ordered(spec) => {
            let text = format!(
                "{} has no running form; leave ORDER BY out of OVER for the whole partition. sum, count, min and max have one",
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
    let (first, last) = (Some(true), Some(false));
    let one = spec.order_by.len() == 1;
    if spec
        .order_by
        .iter()
        .any(|key| key.options.nulls_first == last || (!one && key.options.nulls_first == first))
    {
        let text = "in OVER missing values come first (last where several keys go down), and NULLS can't change that; \
                    coalesce(x, …) gives them a place";
        return Err(unable(&at, text));
    }
    if spec.order_by.iter().any(|key| key.options.asc != spec.order_by.first().and_then(|k| k.options.asc)) {
        let down = |key: &OrderByExpr| key.options.asc == Some(false);
        if spec.order_by.iter().any(down) && !spec.order_by.iter().all(down) {
            return Err(unable(
                &at,
                "in OVER all keys go up, or all go down; negate a number to turn it round",
            ));
        }
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

fn running(spec: &WindowSpec) -> bool {
    matches!(
        &spec.window_frame,
        Some(WindowFrame {
            units: WindowFrameUnits::Rows,
            start_bound: WindowFrameBound::Preceding(None),
            end_bound: None | Some(WindowFrameBound::CurrentRow),
        })
    )
}
