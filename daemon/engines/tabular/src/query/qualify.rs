//! `QUALIFY`: the query becomes one around it, in which what the windows gave are columns that WHERE can look at. The
//! engine's own form filters what was selected, and knows no other columns.

use std::ops::ControlFlow;

use sqlparser::ast::{
    ExcludeSelectItem, Expr, Function, Ident, OrderByKind, Query, Select, SelectItem, SetExpr, TableFactor,
    Value, VisitMut, VisitorMut,
};

use super::allow::{of, unable};
use super::{names, parse};
use crate::error::Error;

/// What the query inside is called.
const INSIDE: &str = "qualified";

/// Takes QUALIFY out of a statement, wherever there is one.
///
/// # Errors
/// [`Error::Sql`] with the place where it stands in a form that can't be said otherwise.
pub(super) fn statement(query: &mut Query) -> Result<(), Error> {
    match VisitMut::visit(query, &mut All) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct All;

impl VisitorMut for All {
    type Break = Error;

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        match taken_out(query) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

fn taken_out(query: &mut Query) -> Result<(), Error> {
    let SetExpr::Select(select) = &mut *query.body else { return Ok(()) };
    let Some(mut condition) = select.qualify.take() else { return Ok(()) };
    let mut hidden = Hidden { select, columns: Vec::new(), failed: None };
    hidden.columns_of(&mut condition);
    if let Some(order) = &mut query.order_by
        && let OrderByKind::Expressions(keys) = &mut order.kind
    {
        for key in keys {
            if !hidden.is_output(&key.expr) {
                hidden.columns_of(&mut key.expr);
            }
        }
    }
    let Hidden { columns, failed, .. } = hidden;
    if let Some(error) = failed {
        return Err(error);
    }
    let distinct = select.distinct.take();
    let excluded: Vec<_> = columns.iter().map(|(_, alias)| of(alias)).collect();
    let hide = |(expr, alias)| SelectItem::ExprWithAlias { expr, alias };
    select.projection.extend(columns.into_iter().map(hide));
    let mut outer = parse::one_query(&format!("SELECT * FROM (SELECT 1) AS {INSIDE}"))?;
    let SetExpr::Select(around) = &mut *outer.body else {
        return Err(Error::Internal("a query can't be put around another".into()));
    };
    around.distinct = distinct;
    around.selection = Some(condition);
    if let Some(SelectItem::Wildcard(options)) = around.projection.first_mut()
        && !excluded.is_empty()
    {
        options.opt_exclude = Some(ExcludeSelectItem::Multiple(excluded));
    }
    if let Some(TableFactor::Derived { subquery, .. }) = around.from.first_mut().map(|t| &mut t.relation) {
        std::mem::swap(&mut subquery.body, &mut query.body);
    }
    query.body = outer.body;
    Ok(())
}

/// Whether an item goes by the name of a column that it is not itself.
fn computes_with(item: &SelectItem, name: &str) -> bool {
    let SelectItem::ExprWithAlias { expr, .. } = item else { return false };
    if matches!(expr, Expr::Identifier(_)) {
        return false;
    }
    let found = sqlparser::ast::visit_expressions(expr, |e| match e {
        Expr::Identifier(ident) if ident.value == name => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// Columns that are selected to be looked at, and not shown.
struct Hidden<'s> {
    select: &'s Select,
    columns: Vec<(Expr, Ident)>,
    failed: Option<Error>,
}

impl Hidden<'_> {
    /// Puts names of columns of the query inside in the place of what only that can know.
    fn columns_of(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Subquery(query)
            | Expr::Exists { subquery: query, .. }
            | Expr::InSubquery { subquery: query, .. } => {
                self.failed = Some(unable(
                    &**query,
                    "a subquery can't stand in QUALIFY; filter around the query with WITH",
                ));
            }
            Expr::Function(Function { over: Some(_), .. }) | Expr::CompoundIdentifier(_) => self.hide(expr),
            Expr::Identifier(name) => {
                let alias = |item: &SelectItem| matches!(item, SelectItem::ExprWithAlias { alias, .. } if alias.value == name.value);
                if !self.select.projection.iter().any(alias) {
                    self.hide(expr);
                } else if self.select.projection.iter().any(|item| computes_with(item, &name.value)) {
                    let text = format!(
                        "{name} is a column, and what SELECT calls another one; give that another name with AS"
                    );
                    self.failed = Some(unable(&of(name), &text));
                }
            }
            _ => {
                let mut parts = Parts { hidden: self, depth: 0 };
                let _ = VisitMut::visit(expr, &mut parts);
            }
        }
    }

    fn hide(&mut self, expr: &mut Expr) {
        let known = self.columns.iter().find(|(other, _)| other == expr).map(|(_, alias)| alias.clone());
        let alias = known.unwrap_or_else(|| {
            let alias = names::quoted(&format!("{INSIDE} {}", self.columns.len() + 1));
            self.columns.push((expr.clone(), alias.clone()));
            alias
        });
        *expr = Expr::Identifier(alias);
    }

    /// A key of the order that is a column of the result.
    fn is_output(&self, key: &Expr) -> bool {
        match key {
            Expr::Value(v) => matches!(v.value, Value::Number(..)),
            Expr::Identifier(name) => self.select.projection.iter().any(|item| match item {
                SelectItem::ExprWithAlias { alias, .. } => alias.value == name.value,
                SelectItem::UnnamedExpr(Expr::Identifier(column)) => column.value == name.value,
                _ => false,
            }),
            _ => false,
        }
    }
}

struct Parts<'p, 's> {
    hidden: &'p mut Hidden<'s>,
    depth: usize,
}

impl VisitorMut for Parts<'_, '_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        self.depth += 1;
        // The whole is at depth 1; what lies directly below is looked at, and looks at its own parts.
        if self.depth == 2 {
            self.hidden.columns_of(expr);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, _: &mut Expr) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }
}
