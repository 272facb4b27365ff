//! Pieces of tied subqueries: what may be taken apart, and what it becomes. Must not know of scopes.

use std::ops::ControlFlow;

use dropforge_shared::sql::{self, FunctionKind};
use sqlparser::ast::{
    BinaryOperator, Expr, Ident, LimitClause, Query, Select, SelectItem, SetExpr, Value, VisitorMut,
};

use super::allow::unable;
use super::names;
use crate::error::Error;

pub(super) fn not_joined(query: &Query) -> Error {
    let text = "a subquery that gives a value and is tied to the query around it gathers one value, is tied by inner.key = \
                outer.key [AND …] alone, and stands in SELECT without GROUP BY or in WHERE; join it instead: \
                LEFT JOIN (SELECT key, … GROUP BY key) AS t ON …";
    unable(query, text)
}

/// The SELECT of a query that has nothing around it that changes its rows.
pub(super) fn plain(query: &Query) -> Option<&Select> {
    let SetExpr::Select(select) = &*query.body else { return None };
    let simple = query.with.is_none()
        && query.fetch.is_none()
        && query.pipe_operators.is_empty()
        && select.qualify.is_none()
        && select.named_window.is_empty()
        && select.top.is_none()
        && select.into.is_none()
        && !matches!(select.distinct, Some(sqlparser::ast::Distinct::On(_)))
        && !select.from.is_empty();
    let windows = select.projection.iter().any(|item| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
            super::grouping::has_window(expr)
        }
        _ => false,
    });
    (simple && !windows).then_some(&**select)
}

/// `LIMIT 1` on what gives one row, or of which only that there is any is asked, changes nothing.
pub(super) fn limit_changes_nothing(query: &Query, never: bool) -> bool {
    match &query.limit_clause {
        None => true,
        Some(LimitClause::LimitOffset { limit: Some(Expr::Value(v)), offset: None, limit_by })
            if limit_by.is_empty() =>
        {
            !never && matches!(&v.value, Value::Number(n, _) if n.parse::<u64>().is_ok_and(|n| n > 0))
        }
        Some(_) => false,
    }
}

/// The parts of an AND.
pub(super) fn conjuncts(expr: Expr) -> Vec<Expr> {
    match expr {
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            let mut parts = conjuncts(*left);
            parts.extend(conjuncts(*right));
            parts
        }
        Expr::Nested(inside)
            if matches!(
                bare(&inside),
                Expr::BinaryOp { op: BinaryOperator::And, .. } | Expr::Exists { .. }
            ) =>
        {
            conjuncts(*inside)
        }
        other => vec![other],
    }
}

pub(super) fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Nested(inside) => bare(inside),
        other => other,
    }
}

pub(super) fn all(parts: Vec<Expr>) -> Option<Expr> {
    let and = |left: Expr, right: Expr| Expr::BinaryOp {
        left: Box::new(left),
        op: BinaryOperator::And,
        right: Box::new(right),
    };
    parts.into_iter().reduce(and)
}

pub(super) fn table(number: usize) -> Ident {
    names::quoted(&format!("subquery {number}"))
}

pub(super) fn value_name(table: usize, at: usize) -> Ident {
    names::quoted(&format!("value {} of {table}", at + 1))
}

/// Takes the aggregates out of an expression and puts columns of the joined table there.
pub(super) struct Aggregates {
    pub(super) found: Vec<Expr>,
    pub(super) table: usize,
    /// Whether a column stands outside of all of them.
    pub(super) loose: bool,
}

impl VisitorMut for Aggregates {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let Expr::Function(function) = &*expr else {
            // The columns that were just put there have the joined table's name.
            self.loose |= matches!(
                expr,
                Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } | Expr::Identifier(_)
            ) || matches!(&*expr, Expr::CompoundIdentifier(parts) if parts.first() != Some(&table(self.table)));
            return ControlFlow::Continue(());
        };
        let name = function.name.to_string().to_lowercase();
        if sql::function(&name).is_none_or(|f| f.kind != FunctionKind::Aggregate) {
            return ControlFlow::Continue(());
        }
        let column =
            Expr::CompoundIdentifier(vec![table(self.table), value_name(self.table, self.found.len())]);
        let empty = match name.as_str() {
            "count" => Some("0"),
            "total" => Some("0.0"),
            _ => None,
        };
        let instead = match empty {
            None => Ok(column),
            Some(zero) => super::rewrite::said(
                "coalesce(V, Z)",
                &[("V", &column), ("Z", &super::rewrite::number(zero))],
            ),
        };
        match instead {
            Ok(instead) => self.found.push(std::mem::replace(expr, instead)),
            Err(_) => self.loose = true,
        }
        ControlFlow::Continue(())
    }
}
