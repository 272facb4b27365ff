//! Subqueries that are tied to the query around them by equal columns become joins, which the engine has: `EXISTS` and `IN`
//! semi joins, `NOT EXISTS` anti joins, and one that gathers a value a left join with what it gathers for each key. Only
//! where both mean the same; what is tied otherwise is an error with its place.
//!
//! Why they mean the same: a missing key equals nothing, in the subquery as in the join. The gathered table has one row for
//! each key, so that no row of the query is doubled; where a key has none, the value of an aggregate over no rows takes
//! its place, which is missing, or 0 for counts.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, GroupByExpr, Ident, Join, Query, Select, SelectItem, SetExpr, TableFactor,
    UnaryOperator, Value, Visit, VisitMut, Visitor, VisitorMut,
};

use super::allow::unable;
use super::bind::Binder;
use super::keys::{Tie, Tied, tied};
use super::names::{self, Names};
use super::parse;
use super::scope::Scope;
use super::ties::{Aggregates, all, conjuncts, limit_changes_nothing, not_joined, plain, table, value_name};
use crate::error::Error;

/// Makes joins of the tied subqueries of a statement whose names were looked up.
///
/// # Errors
/// [`Error::Sql`] with the place, for a subquery that gives a value and is tied in a way that no join stands for.
pub(super) fn statement(query: &mut Query, names: &mut Names<'_>) -> Result<(), Error> {
    if !has_subquery(query) {
        return Ok(());
    }
    Joins { binder: Binder::new(names), made: 0 }.query(query)
}

fn has_subquery(query: &Query) -> bool {
    struct Look;
    impl Visitor for Look {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    Visit::visit(query, &mut Look).is_break()
}

struct Joins<'n, 't> {
    binder: Binder<'n, 't>,
    /// Joins made so far; their tables are called by it.
    made: usize,
}

impl Joins<'_, '_> {
    fn query(&mut self, query: &mut Query) -> Result<(), Error> {
        let before = self.binder.with_tables();
        if let Some(with) = &mut query.with {
            for cte in &mut with.cte_tables {
                self.query(&mut cte.query)?;
                self.binder.define(cte)?;
            }
        }
        let done = self.body(&mut query.body);
        self.binder.forget(before);
        done
    }

    fn body(&mut self, body: &mut SetExpr) -> Result<(), Error> {
        match body {
            SetExpr::Select(select) => self.select(select),
            SetExpr::Query(query) => self.query(query),
            SetExpr::SetOperation { left, right, .. } => {
                self.body(left)?;
                self.body(right)
            }
            _ => Ok(()),
        }
    }

    fn select(&mut self, select: &mut Select) -> Result<(), Error> {
        for table in &mut select.from {
            self.derived(&mut table.relation)?;
            table.joins.iter_mut().try_for_each(|join| self.derived(&mut join.relation))?;
        }
        self.binder.scopes.push(Scope::default());
        let done = self.select_within(select);
        self.binder.scopes.pop();
        done
    }

    fn derived(&mut self, factor: &mut TableFactor) -> Result<(), Error> {
        let TableFactor::Derived { subquery, .. } = factor else { return Ok(()) };
        let around = std::mem::take(&mut self.binder.scopes);
        let done = self.query(subquery);
        self.binder.scopes = around;
        done
    }

    fn select_within(&mut self, select: &mut Select) -> Result<(), Error> {
        let from = select.from.clone();
        from.iter().try_for_each(|table| self.binder.tables(table))?;
        let (mut joins, mut values) = (Vec::new(), Vec::new());
        if let Some(filter) = select.selection.take() {
            let mut kept = Vec::new();
            for mut part in conjuncts(filter) {
                if !self.semi(&mut part, select.from.len() == 1, &mut joins)? {
                    self.values(&mut part, true, &mut values)?;
                    kept.push(part);
                }
            }
            select.selection = all(kept);
        }
        let grouped = super::grouping::gathers(select);
        for item in &mut select.projection {
            match item {
                SelectItem::UnnamedExpr(expr) => {
                    let (written, before) = (expr.to_string(), values.len());
                    self.values(expr, !grouped, &mut values)?;
                    if values.len() > before {
                        let expr = std::mem::replace(expr, Expr::value(Value::Null));
                        let alias = names::quoted(&written.chars().take(100).collect::<String>());
                        *item = SelectItem::ExprWithAlias { expr, alias };
                    }
                }
                SelectItem::ExprWithAlias { expr, .. } => self.values(expr, !grouped, &mut values)?,
                _ => {}
            }
        }
        if let Some(having) = &mut select.having {
            self.values(having, false, &mut values)?;
        }
        if !values.is_empty() && from.len() != 1 {
            let text = "a subquery tied to the query around it needs one table in FROM, and joins: FROM a CROSS JOIN b";
            return Err(unable(select, text));
        }
        let added: Vec<Ident> =
            values.iter().flat_map(|(_, columns): &(Join, Vec<Ident>)| columns.clone()).collect();
        for item in &mut select.projection {
            if let SelectItem::Wildcard(options) = item
                && !added.is_empty()
            {
                super::outputs::leave_out(options, added.iter().map(super::allow::of));
            }
        }
        if let Some(first) = select.from.first_mut() {
            first.joins.extend(joins);
            first.joins.extend(values.into_iter().map(|(join, _)| join));
        }
        Ok(())
    }

    /// Takes a condition that a semi or an anti join stands for; false where it is none.
    fn semi(&mut self, part: &mut Expr, may: bool, joins: &mut Vec<Join>) -> Result<bool, Error> {
        let (subquery, value, anti) = match part {
            Expr::Exists { subquery, negated } => (subquery, None, *negated),
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => match &mut **expr {
                Expr::Exists { subquery, negated } => (subquery, None, !*negated),
                _ => return Ok(false),
            },
            Expr::InSubquery { expr, subquery, negated } => {
                self.query(subquery)?;
                if *negated {
                    if !matches!(tied(&mut self.binder, subquery)?, Tied::Not) {
                        let text = "NOT IN with a subquery that is tied to the query around it: write NOT EXISTS (SELECT 1 FROM … \
                                    WHERE …), and say there what missing values shall mean";
                        return Err(unable(&**subquery, text));
                    }
                    return Ok(false);
                }
                (subquery, Some((**expr).clone()), false)
            }
            _ => return Ok(false),
        };
        if value.is_none() {
            self.query(subquery)?;
        }
        let mut tie = match tied(&mut self.binder, subquery)? {
            Tied::Not => return Ok(false),
            Tied::Otherwise => {
                let text = "a subquery in WHERE is tied to the query around it by inner.key = outer.key alone; join it instead";
                return Err(unable(&**subquery, text));
            }
            Tied::ByKeys(tie) => tie,
        };
        let Some(select) = plain(subquery) else { return Ok(false) };
        let gathers = super::grouping::gathers(select) || select.having.is_some();
        if !may || gathers || !limit_changes_nothing(subquery, value.is_some()) {
            return Ok(false);
        }
        if let Some(value) = value {
            let [SelectItem::UnnamedExpr(inside) | SelectItem::ExprWithAlias { expr: inside, .. }] =
                select.projection.as_slice()
            else {
                return Ok(false);
            };
            let here = self.binder.scopes.len().saturating_sub(1);
            let reached = self.binder.reached(|binder| binder.expr(&value, &[]))?;
            if !reached.iter().eq([&here]) {
                return Ok(false);
            }
            tie.keys.insert(0, (value, inside.clone()));
        }
        let (join, _) = self.join(select, &tie, &[], if anti { "LEFT ANTI" } else { "LEFT SEMI" })?;
        joins.push(join);
        Ok(true)
    }

    /// Makes columns of joined tables of the subqueries in an expression that give a value and are tied.
    fn values(
        &mut self,
        expr: &mut Expr,
        may: bool,
        made: &mut Vec<(Join, Vec<Ident>)>,
    ) -> Result<(), Error> {
        let mut found = Values { joins: self, may, made, depth: 0 };
        match VisitMut::visit(expr, &mut found) {
            ControlFlow::Break(error) => Err(error),
            ControlFlow::Continue(()) => Ok(()),
        }
    }

    fn value(
        &mut self,
        query: &mut Query,
        may: bool,
        made: &mut Vec<(Join, Vec<Ident>)>,
    ) -> Result<Option<Expr>, Error> {
        self.query(query)?;
        let tie = match tied(&mut self.binder, query)? {
            Tied::Not => return Ok(None),
            Tied::Otherwise => return Err(not_joined(query)),
            Tied::ByKeys(tie) => tie,
        };
        let fits = may && limit_changes_nothing(query, false);
        let Some(select) = plain(query).filter(|_| fits) else { return Err(not_joined(query)) };
        let keys = match &select.group_by {
            GroupByExpr::Expressions(keys, _) => keys.is_empty(),
            GroupByExpr::All(_) => false,
        };
        let [SelectItem::UnnamedExpr(item) | SelectItem::ExprWithAlias { expr: item, .. }] =
            select.projection.as_slice()
        else {
            return Err(not_joined(query));
        };
        if !keys || select.having.is_some() || select.distinct.is_some() {
            return Err(not_joined(query));
        }
        // The aggregates are gathered inside; what is done with them is done outside, where there may be none.
        let mut outside = item.clone();
        let mut parts = Aggregates { found: Vec::new(), table: self.made + 1, loose: false };
        let _ = VisitMut::visit(&mut outside, &mut parts);
        if parts.found.is_empty() || parts.loose {
            return Err(not_joined(query));
        }
        let gathered = parts.found;
        made.push(self.join(select, &tie, &gathered, "LEFT")?);
        Ok(Some(Expr::Nested(Box::new(outside))))
    }

    /// `kind JOIN (SELECT keys, values FROM … WHERE rest [GROUP BY keys]) AS table ON outside = inside …`, and its columns.
    fn join(
        &mut self,
        of: &Select,
        tie: &Tie,
        values: &[Expr],
        kind: &str,
    ) -> Result<(Join, Vec<Ident>), Error> {
        self.made += 1;
        let table = table(self.made);
        let skeleton = format!("SELECT * FROM a {kind} JOIN (SELECT 1) AS {table} ON TRUE");
        let mut outer = parse::one_query(&skeleton)?;
        let broken = || Error::Internal("a join can't be put together".into());
        let SetExpr::Select(outer) = &mut *outer.body else { return Err(broken()) };
        let mut join = outer.from.first_mut().and_then(|t| t.joins.pop()).ok_or_else(broken)?;
        let TableFactor::Derived { subquery, .. } = &mut join.relation else { return Err(broken()) };
        let SetExpr::Select(inner) = &mut *subquery.body else { return Err(broken()) };
        inner.from.clone_from(&of.from);
        inner.selection.clone_from(&tie.rest);
        inner.projection.clear();
        let mut columns = Vec::new();
        let mut equal = Vec::new();
        for (at, (outside, inside)) in tie.keys.iter().enumerate() {
            let alias = names::quoted(&format!("key {} of {}", at + 1, self.made));
            columns.push(alias.clone());
            inner.projection.push(SelectItem::ExprWithAlias { expr: inside.clone(), alias: alias.clone() });
            equal.push(Expr::BinaryOp {
                left: Box::new(outside.clone()),
                op: BinaryOperator::Eq,
                right: Box::new(Expr::CompoundIdentifier(vec![table.clone(), alias])),
            });
        }
        for (at, value) in values.iter().enumerate() {
            let alias = value_name(self.made, at);
            columns.push(alias.clone());
            inner.projection.push(SelectItem::ExprWithAlias { expr: value.clone(), alias });
        }
        if !values.is_empty()
            && let GroupByExpr::Expressions(keys, _) = &mut inner.group_by
        {
            keys.extend(tie.keys.iter().map(|(_, inside)| inside.clone()));
        }
        use sqlparser::ast::{JoinConstraint as C, JoinOperator as J};
        let on = C::On(all(equal).ok_or_else(broken)?);
        join.join_operator = match kind {
            "LEFT SEMI" => J::LeftSemi(on),
            "LEFT ANTI" => J::LeftAnti(on),
            _ => J::LeftOuter(on),
        };
        Ok((join, columns))
    }
}

struct Values<'a, 'n, 't> {
    joins: &'a mut Joins<'n, 't>,
    may: bool,
    made: &'a mut Vec<(Join, Vec<Ident>)>,
    /// Queries around, within the expression.
    depth: usize,
}

impl VisitorMut for Values<'_, '_, '_> {
    type Break = Error;

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<Error> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<Error> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        if self.depth > 0 {
            return ControlFlow::Continue(());
        }
        if let Expr::Subquery(query) = expr {
            match self.joins.value(query, self.may, self.made) {
                Ok(Some(column)) => *expr = column,
                Ok(None) => {}
                Err(error) => return ControlFlow::Break(error),
            }
        }
        ControlFlow::Continue(())
    }
}
