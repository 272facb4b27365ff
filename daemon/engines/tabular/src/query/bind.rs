//! Which column each name of a statement means, looked up before the engine is asked: so that a name that means none, or
//! two, is told with its place in the text and what could be meant. Where a table is not known here nothing is said of its
//! columns; whether it may be asked for at all is decided elsewhere. This walks the statement with the tables that each part of
//! it sees; what a name means among them is [`super::meaning`]'s.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::rc::Rc;

use dropforge_shared::page::ColumnType;
use sqlparser::ast::{
    Expr, GroupByExpr, JoinConstraint, JoinOperator, OrderByKind, Query, Select, SelectItem, SetExpr,
    Spanned as _, TableFactor, Visit as _, Visitor,
};
use sqlparser::tokenizer::Span;

use super::meaning::Meaning;
use super::names::{Names, Relation as Known};
use super::ranges::Range;
use super::scope::{Named, Relation, Scope, open, renamed};
use super::{bounds, kinds};
use crate::error::Error;
use crate::parquet::Dataset;

/// Looks names up.
pub(super) struct Binder<'n, 't> {
    names: &'n mut Names<'t>,
    with: BTreeMap<String, Relation>,
    /// Of the SELECT being looked at, last, and of those around it.
    pub(super) scopes: Vec<Scope>,
    /// The SELECTs, by their place in `scopes`, whose columns were meant since it was last asked.
    reached: BTreeSet<usize>,
    kinds: Kinds,
    /// Tables of FROM and WITH being looked at.
    pub(super) inner: usize,
    /// Bounds of the columns of datasets that were asked for.
    pub(super) figures: RefCell<BTreeMap<PathBuf, Rc<BTreeMap<String, Range>>>>,
}

/// Looks up every column of a statement.
///
/// # Errors
/// [`Error::Sql`] with the place, where a name means no column, or several, or is compared with what it can't be.
pub(super) fn statement(query: &Query, names: &mut Names<'_>) -> Result<Kinds, Error> {
    let mut binder = Binder::new(names);
    binder.query(query)?;
    Ok(binder.kinds)
}

/// What is told of expressions by their place.
#[derive(Debug, Default)]
pub(super) struct Kinds {
    /// Types of what `date_trunc` is given, by the beginning of the call.
    pub(super) cut: BTreeMap<(u64, u64), ColumnType>,
    /// Arithmetic that could go beyond what an integer holds.
    pub(super) beyond: BTreeSet<[u64; 4]>,
}

/// A place from its beginning to its end.
pub(super) fn whole_place(span: Span) -> [u64; 4] {
    [span.start.line, span.start.column, span.end.line, span.end.column]
}

impl<'n, 't> Binder<'n, 't> {
    pub(super) fn new(names: &'n mut Names<'t>) -> Self {
        Self {
            names,
            with: BTreeMap::new(),
            scopes: Vec::new(),
            reached: BTreeSet::new(),
            kinds: Kinds::default(),
            inner: 0,
            figures: RefCell::default(),
        }
    }

    /// The `WITH` tables known now, for [`Self::forget`].
    pub(super) fn with_tables(&self) -> BTreeMap<String, Relation> {
        self.with.clone()
    }

    /// Knows the `WITH` tables of then again, and no others.
    pub(super) fn forget(&mut self, before: BTreeMap<String, Relation>) {
        self.with = before;
    }

    /// A `WITH` table begins to be known.
    pub(super) fn define(&mut self, cte: &sqlparser::ast::Cte) -> Result<(), Error> {
        let around = (std::mem::take(&mut self.scopes), self.reached.clone());
        self.inner += 1;
        let found = self.query(&cte.query);
        self.inner -= 1;
        (self.scopes, self.reached) = around;
        let name = &cte.alias.name.value;
        self.with.insert(name.clone(), renamed(found?, name, &cte.alias.columns));
        Ok(())
    }

    /// The SELECTs, by their place in [`Self::scopes`], whose columns `look` meets; `usize::MAX` for what can't be told.
    pub(super) fn reached(
        &mut self,
        look: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<BTreeSet<usize>, Error> {
        let before = std::mem::take(&mut self.reached);
        let done = look(self);
        let reached = std::mem::replace(&mut self.reached, before);
        done.map(|()| reached)
    }

    /// Looks into a query; gives its columns, named as its result's are.
    pub(super) fn query(&mut self, query: &Query) -> Result<Relation, Error> {
        let before = self.with.clone();
        if let Some(with) = &query.with {
            for cte in &with.cte_tables {
                // One that names itself is told of elsewhere.
                if with.recursive {
                    self.with.insert(cte.alias.name.value.clone(), open(""));
                } else {
                    self.define(cte)?;
                }
            }
        }
        let order: Vec<&Expr> = match query.order_by.as_ref().map(|o| &o.kind) {
            Some(OrderByKind::Expressions(keys)) => keys.iter().map(|key| &key.expr).collect(),
            _ => Vec::new(),
        };
        let found = match &*query.body {
            SetExpr::Select(select) => self.select(select, &order),
            other => {
                let of_set = self.body(other)?;
                self.scopes.push(Scope { relations: vec![of_set.clone()], merged: BTreeSet::new() });
                let done = order.iter().try_for_each(|key| self.expr(key, &[]));
                self.scopes.pop();
                done.map(|()| of_set)
            }
        };
        self.with = before;
        found.and_then(|found| bounds::numbered(&order, &found).map(|()| found))
    }

    /// A set's columns are called as those of its first side.
    fn body(&mut self, body: &SetExpr) -> Result<Relation, Error> {
        match body {
            SetExpr::Select(select) => self.select(select, &[]),
            SetExpr::Query(query) => self.query(query),
            SetExpr::SetOperation { left, right, .. } => {
                let mut first = self.body(left)?;
                let second = self.body(right)?;
                bounds::as_wide(&first, &second, &**right)?;
                first.ranges = bounds::of_both(&first, &second);
                first.rows = first.rows.zip(second.rows).map(|(a, b)| a.saturating_add(b));
                for (column, other) in first.columns.iter_mut().zip(&second.columns) {
                    column.1 = column.1.filter(|kind| other.1 == Some(*kind));
                }
                Ok(first)
            }
            _ => Ok(open("")),
        }
    }

    fn select(&mut self, select: &Select, order: &[&Expr]) -> Result<Relation, Error> {
        self.scopes.push(Scope::default());
        let done = self.select_within(select, order);
        self.scopes.pop();
        done
    }

    fn select_within(&mut self, select: &Select, order: &[&Expr]) -> Result<Relation, Error> {
        for table in &select.from {
            self.tables(table)?;
        }
        let mut aliases: Vec<Named> = Vec::new();
        for item in &select.projection {
            if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
                self.expr(expr, &[]).map_err(|e| self.explained(e, select))?;
            }
            if let SelectItem::ExprWithAlias { expr, alias } = item {
                aliases.push((alias.value.clone(), self.kind(expr)));
            }
        }
        if let Some(filter) = &select.selection {
            self.expr(filter, &[]).map_err(|e| self.explained(e, select))?;
        }
        if let GroupByExpr::Expressions(keys, _) = &select.group_by {
            keys.iter().try_for_each(|key| self.expr(key, &aliases))?;
        }
        let after = [&select.having, &select.qualify];
        after.into_iter().flatten().try_for_each(|expr| self.expr(expr, &aliases))?;
        order.iter().try_for_each(|key| self.expr(key, &aliases))?;
        Ok(self.output(select))
    }

    pub(super) fn tables(&mut self, table: &sqlparser::ast::TableWithJoins) -> Result<(), Error> {
        let first = self.relation(&table.relation)?;
        self.add(first);
        for join in &table.joins {
            use JoinOperator as J;
            let right = self.relation(&join.relation)?;
            let constraint = match &join.join_operator {
                J::Join(c)
                | J::Inner(c)
                | J::Left(c)
                | J::LeftOuter(c)
                | J::Right(c)
                | J::RightOuter(c)
                | J::FullOuter(c)
                | J::Semi(c)
                | J::LeftSemi(c)
                | J::Anti(c)
                | J::LeftAnti(c) => Some(c),
                _ => None,
            };
            if let Some(JoinConstraint::Using(columns)) = constraint {
                for name in columns.iter().filter_map(|c| c.0.last()?.as_ident()) {
                    self.has(&right, name)?;
                    self.expr(&Expr::Identifier(name.clone()), &[])?;
                    if let Some(scope) = self.scopes.last_mut() {
                        scope.merged.insert(name.value.clone());
                    }
                }
            }
            self.add(right);
            if let Some(JoinConstraint::On(on)) = constraint {
                self.expr(on, &[])?;
            }
            let half =
                matches!(join.join_operator, J::Semi(_) | J::LeftSemi(_) | J::Anti(_) | J::LeftAnti(_));
            if half && let Some(right) = self.scopes.last_mut().and_then(|s| s.relations.last_mut()) {
                right.gone = true;
            }
        }
        Ok(())
    }

    fn add(&mut self, relation: Relation) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.relations.push(relation);
        }
    }

    fn relation(&mut self, factor: &TableFactor) -> Result<Relation, Error> {
        match factor {
            TableFactor::Table { name, alias, args: None, .. } => {
                let written = name.0.iter().filter_map(|p| p.as_ident()).next_back();
                let written = written.map_or_else(String::new, |i| i.value.clone());
                let called = alias.as_ref().map_or(written.clone(), |a| a.name.value.clone());
                if let Some(with) = self.with.get(&written).filter(|_| name.0.len() == 1) {
                    return Ok(Relation { name: called, ..with.clone() });
                }
                // What is wrong with a name of a table is told when it is checked.
                let path = match self.names.relation(name) {
                    Ok(Known::Dataset(inside)) => self.names.file(&inside),
                    _ => None,
                };
                let found = path.as_ref().and_then(|path| Dataset::open(path).ok());
                let Some(dataset) = found else { return Ok(open(&called)) };
                let columns = dataset.columns.into_iter().map(|c| (c.name, Some(c.kind))).collect();
                Ok(Relation {
                    name: called,
                    columns,
                    rows: Some(dataset.rows),
                    source: path,
                    ..Relation::default()
                })
            }
            TableFactor::Derived { lateral: false, subquery, alias, .. } => {
                // A table of FROM is run on its own: it sees nothing of what is around it.
                let around = (std::mem::take(&mut self.scopes), self.reached.clone());
                self.inner += 1;
                let found = self.query(subquery);
                self.inner -= 1;
                (self.scopes, self.reached) = around;
                let none = Vec::new();
                let (name, columns) = alias.as_ref().map_or(("", &none), |a| (&a.name.value, &a.columns));
                Ok(renamed(found?, name, columns))
            }
            TableFactor::Table { alias, .. } => Ok(open(alias.as_ref().map_or("", |a| &a.name.value))),
            _ => Ok(open("")),
        }
    }

    /// Checks every column of an expression, and of the subqueries in it. `aliases` are names that SELECT gives and that may
    /// be used here.
    pub(super) fn expr(&mut self, expr: &Expr, aliases: &[Named]) -> Result<(), Error> {
        match expr.visit(&mut Walk { binder: self, aliases, depth: 0 }) {
            ControlFlow::Break(error) => Err(error),
            ControlFlow::Continue(()) => Ok(()),
        }
    }
}

struct Walk<'b, 'n, 't> {
    binder: &'b mut Binder<'n, 't>,
    aliases: &'b [Named],
    /// Subqueries around; what is in them is looked up with their own tables.
    depth: usize,
}

impl Visitor for Walk<'_, '_, '_> {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Error> {
        self.depth += 1;
        if self.depth == 1
            && let Err(error) = self.binder.query(query)
        {
            return ControlFlow::Break(error);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<Error> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Error> {
        if self.depth > 0 {
            return ControlFlow::Continue(());
        }
        if let Expr::Identifier(name) = expr
            && self.aliases.iter().any(|(alias, _)| *alias == name.value)
        {
            return ControlFlow::Continue(());
        }
        let found = match self.binder.meaning(expr) {
            Ok(meaning) => {
                if matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) {
                    let here = self.binder.scopes.len();
                    self.binder.reached.insert(match meaning {
                        Meaning::Column(out, _) => here.saturating_sub(out + 1),
                        Meaning::Unknown => usize::MAX,
                    });
                }
                Ok(())
            }
            Err(error) => Err(error),
        };
        if let Expr::Function(f) = expr
            && f.name.to_string().eq_ignore_ascii_case("date_trunc")
            && let Some(kind) = kinds::arguments(f).get(1).and_then(|e| self.binder.kind(e))
        {
            let start = f.name.span().start;
            self.binder.kinds.cut.insert((start.line, start.column), kind);
        }
        if self.binder.could_go_beyond(expr, self.aliases) {
            self.binder.kinds.beyond.insert(whole_place(expr.span()));
        }
        let binder = &*self.binder;
        let aliases = self.aliases;
        let column = |column: &Expr| match column {
            Expr::Identifier(name) if aliases.iter().any(|(alias, _)| *alias == name.value) => {
                aliases.iter().find(|(alias, _)| *alias == name.value).and_then(|(_, kind)| *kind)
            }
            _ => match binder.meaning(column) {
                Ok(Meaning::Column(_, kind)) => kind,
                _ => None,
            },
        };
        match found.and_then(|()| kinds::fits(expr, &column)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}
