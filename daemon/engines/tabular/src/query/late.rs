//! `SELECT … FROM one dataset ORDER BY … LIMIT n`: the numbers of the rows that are wanted are found with the keys alone, then
//! these rows are brought. The engine would carry every column of every row through the sort, which for a wide and long
//! dataset is more than there is memory for. Rows that tie come in the order of the file.

use std::collections::BTreeSet;

use sqlparser::ast::{
    Expr, GroupByExpr, Ident, OrderByExpr, OrderByKind, OrderByOptions, Query, Select, SelectItem, SetExpr,
    TableFactor, Value, Visit,
};

use super::plan::Datasets;
use super::{grouping, limits, names};
use crate::parquet::Dataset;

/// As many rows, or more, are sorted with all their columns.
const MOST: u64 = 10_000;

/// What the column is called that numbers the rows. Nothing that a user writes looks like it.
pub(super) const ROW: &str = "row\u{1f}";

/// A query in two steps.
pub(super) struct Steps {
    /// Gives the numbers of the rows, in their order.
    pub(super) rows: Query,
    /// Gives the result from those rows.
    pub(super) rest: Query,
    /// The columns that it needs; all of them where there are none.
    pub(super) columns: Option<BTreeSet<String>>,
}

/// A query in two steps, where it is one that can be done so. No more than `most` rows of it are looked at.
pub(super) fn steps(query: &Query, datasets: &Datasets, most: Option<u64>) -> Option<Steps> {
    let SetExpr::Select(select) = &*query.body else { return None };
    let [(inside, path)] = datasets.as_slice() else { return None };
    let wanted = limits::rows(query, most)?.1.filter(|rows| *rows <= MOST)?;
    if query.with.is_some() || query.fetch.is_some() || !plain(select, inside) || nested(&select.selection) {
        return None;
    }
    let Some(OrderByKind::Expressions(keys)) = query.order_by.as_ref().map(|order| &order.kind) else {
        return None;
    };
    let dataset = Dataset::open(path).ok()?;
    let known = |name: &String| dataset.columns.iter().any(|c| c.name == *name);
    let mut by: Vec<OrderByExpr> = Vec::with_capacity(keys.len() + 1);
    for key in keys {
        let name = column(&key.expr, select).filter(known)?;
        by.push(OrderByExpr { expr: Expr::Identifier(names::quoted(&name)), ..key.clone() });
    }
    let needed = columns(select);
    let sorted: BTreeSet<String> = by.iter().map(|key| key.expr.to_string()).collect();
    let more = |name: &String| !sorted.contains(&names::quoted(name).to_string());
    if needed.as_ref().is_some_and(|needed| !needed.iter().any(more)) {
        return None;
    }
    let row = || Expr::Identifier(names::quoted(ROW));
    by.push(OrderByExpr {
        expr: row(),
        options: OrderByOptions { asc: None, nulls_first: None },
        with_fill: None,
    });
    let mut rows = query.clone();
    if let SetExpr::Select(select) = &mut *rows.body {
        select.projection = vec![SelectItem::UnnamedExpr(row())];
    }
    if let Some(order) = &mut rows.order_by {
        order.kind = OrderByKind::Expressions(by);
    }
    rows.limit_clause = Some(limits::first(wanted));
    let mut rest = query.clone();
    rest.order_by = None;
    if let SetExpr::Select(select) = &mut *rest.body {
        select.selection = None;
    }
    Some(Steps { rows, rest, columns: needed })
}

/// Whether every row of the result is one of the dataset's.
fn plain(select: &Select, inside: &str) -> bool {
    let [from] = select.from.as_slice() else { return false };
    let of_dataset = matches!(&from.relation, TableFactor::Table { name, .. }
        if name.0.last().and_then(|p| p.as_ident()).is_some_and(|i| i.value == inside));
    let window = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(e) | SelectItem::ExprWithAlias { expr: e, .. } => {
            grouping::has_window(e) || nested(e)
        }
        _ => false,
    };
    of_dataset
        && from.joins.is_empty()
        && select.distinct.is_none()
        && select.having.is_none()
        && matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty())
        && !grouping::gathers(select)
        && !select.projection.iter().any(window)
}

/// Whether there is a query in it.
pub(super) fn nested(part: &impl Visit) -> bool {
    let found = sqlparser::ast::visit_expressions(part, |e| match e {
        Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => std::ops::ControlFlow::Break(()),
        _ => std::ops::ControlFlow::Continue(()),
    });
    found.is_break()
}

fn bare(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(name) => Some(name.value.clone()),
        Expr::CompoundIdentifier(parts) => parts.last().map(|p: &Ident| p.value.clone()),
        _ => None,
    }
}

/// The column that a key of the order is. A name is that of a column of the result first.
fn column(key: &Expr, select: &Select) -> Option<String> {
    let called = |name: &str| {
        select.projection.iter().find_map(|item| match item {
            SelectItem::ExprWithAlias { expr, alias } if alias.value == name => Some(expr),
            _ => None,
        })
    };
    match key {
        Expr::Identifier(name) => called(&name.value).map_or(Some(name.value.clone()), bare),
        Expr::CompoundIdentifier(_) => bare(key),
        Expr::Value(v) => {
            let Value::Number(digits, _) = &v.value else { return None };
            let items = &select.projection;
            let whole = |item: &SelectItem| {
                matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..))
            };
            match items.get(digits.parse::<usize>().ok()?.checked_sub(1)?)? {
                _ if items.iter().any(whole) => None,
                SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => bare(expr),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The columns that the result is made of; `None` for all.
fn columns(select: &Select) -> Option<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for item in &select.projection {
        match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                let _ = sqlparser::ast::visit_expressions(expr, |e| {
                    found.extend(bare(e));
                    std::ops::ControlFlow::<()>::Continue(())
                });
            }
            _ => return None,
        }
    }
    Some(found)
}
