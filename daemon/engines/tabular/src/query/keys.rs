//! How a subquery is tied to the query around it: by which equal columns, and what of its WHERE is its own. Must not know what is
//! made of it.

use std::collections::BTreeSet;

use sqlparser::ast::{BinaryOperator, Expr, Query, Select, SelectItem};

use super::bind::Binder;
use super::scope::Scope;
use super::ties::{all, bare, conjuncts, plain};
use crate::error::Error;

/// How a subquery is tied to the query around it.
pub(super) struct Tie {
    /// Pairs of equal expressions: outside, inside.
    pub(super) keys: Vec<(Expr, Expr)>,
    /// What remains of its WHERE.
    pub(super) rest: Option<Expr>,
}

/// Whether it is tied at all.
pub(super) enum Tied {
    Not,
    /// In a way that no join stands for.
    Otherwise,
    ByKeys(Box<Tie>),
}

/// Finds out how a subquery is tied to the SELECT being looked at.
pub(super) fn tied(binder: &mut Binder<'_, '_>, query: &Query) -> Result<Tied, Error> {
    let outside = binder.scopes.len().saturating_sub(1);
    let reached = binder.reached(|binder| binder.query(query).map(drop))?;
    if !reached.iter().any(|at| *at <= outside) {
        return Ok(Tied::Not);
    }
    let Some(select) = plain(query) else { return Ok(Tied::Otherwise) };
    binder.scopes.push(Scope::default());
    let tie = tie(binder, select, outside);
    binder.scopes.pop();
    tie
}

fn tie(binder: &mut Binder<'_, '_>, select: &Select, outside: usize) -> Result<Tied, Error> {
    let inside = outside + 1;
    let reached = binder.reached(|binder| select.from.iter().try_for_each(|table| binder.tables(table)))?;
    if reached.iter().any(|at| *at != inside) {
        return Ok(Tied::Otherwise);
    }
    let (mut keys, mut rest) = (Vec::new(), Vec::new());
    for part in select.selection.clone().map(conjuncts).unwrap_or_default() {
        let reached = binder.reached(|binder| binder.expr(&part, &[]))?;
        if reached.iter().all(|at| *at >= inside && *at != usize::MAX) {
            rest.push(part);
            continue;
        }
        let Expr::BinaryOp { left, op: BinaryOperator::Eq, right } = bare(&part) else {
            return Ok(Tied::Otherwise);
        };
        let of_left = binder.reached(|binder| binder.expr(left, &[]))?;
        let of_right = binder.reached(|binder| binder.expr(right, &[]))?;
        let only = |set: &BTreeSet<usize>, at: usize| set.len() == 1 && set.contains(&at);
        if only(&of_left, outside) && only(&of_right, inside) {
            keys.push(((**left).clone(), (**right).clone()));
        } else if only(&of_left, inside) && only(&of_right, outside) {
            keys.push(((**right).clone(), (**left).clone()));
        } else {
            return Ok(Tied::Otherwise);
        }
    }
    // What it selects must not look outside.
    for item in &select.projection {
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
            let reached = binder.reached(|binder| binder.expr(expr, &[]))?;
            if reached.iter().any(|at| *at < inside || *at == usize::MAX) {
                return Ok(Tied::Otherwise);
            }
        }
    }
    Ok(if keys.is_empty() { Tied::Otherwise } else { Tied::ByKeys(Box::new(Tie { keys, rest: all(rest) })) })
}
