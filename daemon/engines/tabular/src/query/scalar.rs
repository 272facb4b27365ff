//! Subqueries that stand for one value: the engine has none, so they are run first and their value takes their place.

use std::ops::ControlFlow;

use dropforge_shared::page::Cell;
use polars::prelude::DataType;
use sqlparser::ast::{Expr, Query, Value, VisitMut as _, VisitorMut, With};

use super::parse;
use crate::error::Error;

/// What a subquery gave: its only value with its type.
pub(super) type Answer = (DataType, Cell);

/// Puts values in the place of the subqueries of a statement, innermost first. `run` runs one.
pub(super) fn settle(
    query: &mut Query,
    run: &mut dyn FnMut(Query) -> Result<Answer, Error>,
) -> Result<(), Error> {
    let mut with = query.with.take();
    if let Some(with) = &mut with {
        for at in 0..with.cte_tables.len() {
            // A WITH table sees those before it.
            let (before, rest) = with.cte_tables.split_at_mut(at);
            let seen = (!before.is_empty()).then(|| With {
                with_token: with.with_token.clone(),
                recursive: false,
                cte_tables: before.to_vec(),
            });
            if let Some(cte) = rest.first_mut() {
                replace(&mut cte.query, seen.as_ref(), run)?;
            }
        }
    }
    let done = replace(query, with.as_ref(), run);
    query.with = with;
    done
}

fn replace(
    query: &mut Query,
    with: Option<&With>,
    run: &mut dyn FnMut(Query) -> Result<Answer, Error>,
) -> Result<(), Error> {
    match query.visit(&mut Values { with, run }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Values<'a> {
    with: Option<&'a With>,
    run: &'a mut dyn FnMut(Query) -> Result<Answer, Error>,
}

impl VisitorMut for Values<'_> {
    type Break = Error;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        let Expr::Subquery(query) = expr else { return ControlFlow::Continue(()) };
        let mut alone = (**query).clone();
        alone.with = self.with.cloned();
        match (self.run)(alone).and_then(|answer| literal(&answer)) {
            Ok(literal) => {
                *expr = literal;
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(error),
        }
    }
}

/// The value as it would be written.
fn literal((dtype, cell): &Answer) -> Result<Expr, Error> {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let text = match cell {
        Cell::Null => "NULL".to_owned(),
        Cell::Bool(b) => b.to_string(),
        Cell::Int(i) => i.to_string(),
        Cell::Float(f) => {
            let digits = f.to_string();
            if digits.contains('.') { digits } else { format!("{digits}.0") }
        }
        Cell::Text(text) => match dtype {
            DataType::Date => format!("CAST({} AS DATE)", quoted(text)),
            DataType::Datetime(..) => format!("CAST({} AS TIMESTAMP)", quoted(text)),
            // Not finite.
            DataType::Float64 => format!("CAST({} AS DOUBLE)", quoted(text)),
            _ => quoted(text),
        },
    };
    let select = parse::one_query(&format!("SELECT ({text})"))?;
    let sqlparser::ast::SetExpr::Select(select) = *select.body else { return Ok(Expr::value(Value::Null)) };
    match select.projection.into_iter().next() {
        Some(sqlparser::ast::SelectItem::UnnamedExpr(expr)) => Ok(expr),
        _ => Err(Error::Internal(format!("the value {text} can't be written as SQL"))),
    }
}
