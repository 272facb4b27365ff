//! Statements done in passes, where what they hold would be more than there is memory for: each pass takes the rows whose keys
//! fall into its share ([`super::share`]), and rows that meet in a group, a part of a window or among different rows have one
//! share. What is left to do over the rows of all passes is a statement of its own. Must not know how much memory there is,
//! nor how a statement is run.

use std::collections::BTreeSet;

use sqlparser::ast::{
    Distinct, Expr, GroupByExpr, Query, Select, SelectItem, SetExpr, TableFactor, Value, Visit, WindowType,
};

use super::window::Window;
use super::{gather, grouping, inline, kinds, limits, names, outputs, own, parse, share, windows};
use crate::error::Error;

/// What the rows of all passes are called, as a table. Nothing that a user writes looks like it.
pub(super) const TABLE: &str = "passes\u{1f}";

/// A statement in passes.
#[derive(Debug)]
pub(super) struct Passes {
    /// The statement of one pass but for its share.
    each: Query,
    /// How many tables further in the rows are shared out.
    depth: usize,
    /// What they are shared out by.
    pub(super) keys: Vec<Expr>,
    pub(super) held: Held,
    pub(super) rest: Rest,
    /// The dataset, under its name inside.
    pub(super) dataset: String,
    /// Whether the keys are made of its columns, and not of those of a SELECT over it.
    pub(super) direct: bool,
}

/// What a pass holds in memory.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Held {
    /// One row for each group.
    Groups,
    /// Every row of its share.
    Rows,
    /// The different values of each group; the passes give their own figures of it, which are then put together. The keys
    /// are those of the groups.
    Values(Vec<Expr>),
}

/// What is left to do when all passes are done.
#[derive(Debug)]
pub(super) enum Rest {
    /// Their rows, one pass after another: so many left out, and then so many.
    Rows { skipped: u64, most: Option<u64> },
    /// A statement over [`TABLE`].
    Query(Box<Query>),
}

/// The ways in which a statement can be done in passes, the better first. No more than `most` of its rows are looked at.
/// `columns` gives those of a dataset.
pub(super) fn ways(query: &Query, most: Option<u64>, columns: &Columns<'_>) -> Vec<Passes> {
    let Some(query) = inline::inlined(query).filter(|query| query.fetch.is_none()) else { return Vec::new() };
    let by_value = by_value(&query, most, columns);
    by_value.into_iter().chain(by_key(&query, most, columns)).collect()
}

/// The columns of a dataset, by its name inside.
pub(super) type Columns<'c> = dyn Fn(&str) -> Vec<String> + 'c;

/// Shared out by the values that are counted, where the figures of the shares can be put together.
fn by_value(query: &Query, most: Option<u64>, columns: &Columns<'_>) -> Option<Passes> {
    let SetExpr::Select(select) = &*query.body else { return None };
    let dataset = dataset(select)?;
    let value = gather::counted(select)?;
    let keys = group_keys(select, &columns(&dataset))?;
    let (each, rest) = gather::apart(query, &keys, Some(&value), most)?;
    let (keys, rest) = (Held::Values(keys), Rest::Query(Box::new(rest)));
    let direct = is_direct(select);
    Some(Passes { each, depth: 0, keys: vec![value], held: keys, rest, dataset, direct })
}

/// Shared out by what brings rows together.
fn by_key(query: &Query, most: Option<u64>, columns: &Columns<'_>) -> Option<Passes> {
    let SetExpr::Select(outer) = &*query.body else { return None };
    // Rows that come together further in may be put together once more at last.
    let gathers = grouping::gathers(outer) && inner(outer).is_some_and(|inner| held(inner).is_some());
    let mut depth = 0;
    let mut select: &Select = outer;
    while (depth == 0 && gathers) || held(select).is_none() {
        if !(depth == 0 && gathers || by_row(select)) {
            return None;
        }
        select = inner(select)?;
        depth += 1;
    }
    let held = held(select)?;
    let dataset = dataset(select)?;
    let keys = match &held {
        Held::Rows if has_window(select) => common_parts(select)?,
        _ if select.distinct.is_some() => different(select, columns(&dataset))?,
        _ => group_keys(select, &columns(&dataset))?,
    };
    if keys.is_empty() {
        return None;
    }
    let (each, rest) = if gathers {
        let of_all = group_keys(outer, &[])?;
        let (each, rest) = gather::apart(query, &of_all, None, most)?;
        (each, Rest::Query(Box::new(rest)))
    } else {
        let rest = rest(query, outer, most)?;
        let (_, wanted) = limits::rows(query, most)?;
        let mut each = query.clone();
        each.limit_clause = wanted.map(limits::first);
        // Without a limit the rows of each pass need no order, for they get one at last.
        if wanted.is_none() {
            each.order_by = None;
        }
        (each, rest)
    };
    Some(Passes { each, depth, keys, held, rest, dataset, direct: is_direct(select) })
}

/// What is to be done with rows that passes gave, each pass its first ones.
fn rest(query: &Query, outer: &Select, most: Option<u64>) -> Option<Rest> {
    let (skipped, wanted) = limits::rows(query, most)?;
    let Some(order) = &query.order_by else {
        return Some(Rest::Rows { skipped, most: wanted.map(|wanted| wanted - skipped) });
    };
    let mut rest = parse::one_query(&format!("SELECT * FROM \"{TABLE}\" AS \"{TABLE}\"")).ok()?;
    rest.order_by = Some(outputs::by_names(order, outer)?);
    rest.limit_clause = query.limit_clause.clone();
    Some(Rest::Query(Box::new(rest)))
}

/// What a SELECT holds, where it brings rows together.
fn held(select: &Select) -> Option<Held> {
    let gathers = grouping::gathers(select);
    match (has_window(select), matches!(select.distinct, Some(Distinct::Distinct)), gathers) {
        (true, false, false) => Some(Held::Rows),
        (false, true, false) => Some(Held::Groups),
        (false, false, true) if gather::keeps_values(select) => Some(Held::Rows),
        (false, false, true) => Some(Held::Groups),
        _ => None,
    }
}

fn has_window(select: &Select) -> bool {
    select.projection.iter().any(|item| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => grouping::has_window(expr),
        _ => false,
    })
}

/// Whether a SELECT looks at one row after another of one table, and at nothing else.
fn by_row(select: &Select) -> bool {
    select.distinct.is_none()
        && select.having.is_none()
        && !grouping::gathers(select)
        && !has_window(select)
        && alone(select)
}

/// Whether it looks at one table, and has no subquery in an expression.
fn alone(select: &Select) -> bool {
    let items = select.projection.iter().filter_map(|item| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    });
    matches!(select.from.as_slice(), [from] if from.joins.is_empty())
        && !items.chain(&select.selection).chain(&select.having).any(super::late::nested)
}

/// The SELECT that a SELECT takes its rows from, all of them as they come.
fn inner(select: &Select) -> Option<&Select> {
    let [from] = select.from.as_slice() else { return None };
    let TableFactor::Derived { subquery, .. } = &from.relation else { return None };
    let plain = from.joins.is_empty()
        && subquery.with.is_none()
        && subquery.order_by.is_none()
        && subquery.limit_clause.is_none()
        && subquery.fetch.is_none();
    match &*subquery.body {
        SetExpr::Select(inner) if plain => Some(inner),
        _ => None,
    }
}

/// The dataset that a SELECT takes its rows from, be it through others that look at one row after another.
fn dataset(select: &Select) -> Option<String> {
    if !alone(select) {
        return None;
    }
    match &select.from.first()?.relation {
        TableFactor::Table { name, .. } => {
            let name = name.0.last()?.as_ident()?.value.clone();
            name.contains('\u{1f}').then_some(name)
        }
        _ => inner(select).filter(|inner| by_row(inner)).and_then(dataset),
    }
}

/// Whether a SELECT takes its rows from a dataset itself.
fn is_direct(select: &Select) -> bool {
    matches!(select.from.first().map(|from| &from.relation), Some(TableFactor::Table { .. }))
}

/// What a SELECT groups by; nothing where it makes one row of all. `columns` are the dataset's.
fn group_keys(select: &Select, columns: &[String]) -> Option<Vec<Expr>> {
    let aggregate = |expr: &Expr| grouping::any(expr, &grouping::is_aggregate);
    let keys = match &select.group_by {
        GroupByExpr::Expressions(keys, _) => keys.clone(),
        GroupByExpr::All(_) => {
            let items = select.projection.iter().filter_map(grouping::parts);
            return Some(items.map(|(expr, _)| expr.clone()).filter(|expr| !aggregate(expr)).collect());
        }
    };
    let direct = is_direct(select);
    let mut meant = Vec::with_capacity(keys.len());
    for key in keys {
        meant.push(match &key {
            Expr::Value(v) => {
                let Value::Number(digits, _) = &v.value else { return None };
                let at = digits.parse::<usize>().ok()?.checked_sub(1)?;
                grouping::parts(select.projection.get(at)?)?.0.clone()
            }
            Expr::Identifier(name) => {
                let alias = select.projection.iter().filter_map(grouping::parts);
                let mut alias = alias.filter(|(_, alias)| *alias == Some(name.value.as_str()));
                match alias.next() {
                    Some((expr, _)) if !grouping::same(expr, &key) => {
                        // It could be a column of the table, too.
                        (direct && !columns.contains(&name.value)).then(|| expr.clone())?
                    }
                    _ => key,
                }
            }
            _ => key,
        });
    }
    Some(meant)
}

/// What different rows are different by. `columns` are the dataset's.
fn different(select: &Select, columns: Vec<String>) -> Option<Vec<Expr>> {
    let direct = is_direct(select);
    if let [SelectItem::Wildcard(options)] = select.projection.as_slice() {
        let whole = direct && options.opt_exclude.is_none();
        return whole.then(|| columns.iter().map(|name| Expr::Identifier(names::quoted(name))).collect());
    }
    select.projection.iter().map(|item| grouping::parts(item).map(|(expr, _)| expr.clone())).collect()
}

/// What all windows of a SELECT are parted by.
fn common_parts(select: &Select) -> Option<Vec<Expr>> {
    let mut common: Option<Vec<Expr>> = None;
    for (expr, _) in select.projection.iter().filter_map(grouping::parts) {
        let _ = sqlparser::ast::visit_expressions(expr, |e| {
            if let Expr::Function(f) = e
                && windows::is_window(f)
            {
                let parts = parted_by(f);
                match &mut common {
                    Some(common) => common.retain(|key| parts.contains(key)),
                    None => common = Some(parts),
                }
            }
            std::ops::ControlFlow::<()>::Continue(())
        });
    }
    common
}

fn parted_by(function: &sqlparser::ast::Function) -> Vec<Expr> {
    if let Some(WindowType::WindowSpec(spec)) = &function.over {
        return spec.partition_by.clone();
    }
    let name = function.name.to_string();
    let window =
        name.strip_prefix(own::PREFIX).and_then(|rest| rest.strip_prefix("window_")).and_then(Window::of);
    window.map_or_else(Vec::new, |window| {
        let columns = kinds::arguments(function).into_iter().skip(usize::from(window.has_value()));
        columns.take(window.parts).cloned().collect()
    })
}

impl Passes {
    /// The statement of pass number `this` of so many.
    ///
    /// # Errors
    /// Where the keys can't be said once more.
    pub(super) fn pass(&self, of: u32, this: u32) -> Result<Query, Error> {
        let mut query = self.each.clone();
        let share = share::taken(&self.keys, of, this)?;
        let select = at(&mut query, self.depth)?;
        let before = select.selection.take().map(|filter| Expr::Nested(Box::new(filter)));
        select.selection = super::ties::all(before.into_iter().chain([share]).collect());
        Ok(query)
    }

    /// A statement that gives a number for each row that is shared out; the same where these keys are.
    ///
    /// # Errors
    /// Where the keys can't be said once more.
    pub(super) fn spread(&self, keys: &[Expr]) -> Result<Query, Error> {
        let mut each = self.each.clone();
        let mut select = at(&mut each, self.depth)?.clone();
        select.projection = vec![SelectItem::ExprWithAlias {
            expr: share::spread(keys)?,
            alias: names::quoted(share::SPREAD),
        }];
        (select.distinct, select.having) = (None, None);
        select.group_by = GroupByExpr::Expressions(Vec::new(), Vec::new());
        let mut query = parse::one_query("SELECT 1")?;
        *query.body = SetExpr::Select(Box::new(select));
        Ok(query)
    }

    /// Columns of what a pass gives.
    pub(super) fn columns(&self) -> u64 {
        match &*self.each.body {
            SetExpr::Select(select) => select.projection.len() as u64,
            _ => 1,
        }
    }

    /// The names that the statement mentions; `None` where it takes all columns.
    pub(super) fn mentioned(&self) -> Option<BTreeSet<String>> {
        let mut query = self.each.clone();
        let mut names = BTreeSet::new();
        for depth in self.depth.. {
            let Ok(select) = at(&mut query, depth) else { break };
            if select.projection.iter().any(|item| grouping::parts(item).is_none()) {
                return None;
            }
        }
        names_in(&query, &mut names);
        Some(names)
    }
}

/// Adds the names of columns that a part of a statement mentions.
pub(super) fn names_in(part: &impl Visit, names: &mut BTreeSet<String>) {
    let _ = sqlparser::ast::visit_expressions(part, |e| {
        match e {
            Expr::Identifier(name) => names.extend([name.value.clone()]),
            Expr::CompoundIdentifier(parts) => names.extend(parts.last().map(|p| p.value.clone())),
            _ => {}
        }
        std::ops::ControlFlow::<()>::Continue(())
    });
}

/// The SELECT so many tables further in.
fn at(query: &mut Query, depth: usize) -> Result<&mut Select, Error> {
    let lost = || Error::Internal("a statement in passes has lost a part".into());
    let SetExpr::Select(select) = &mut *query.body else { return Err(lost()) };
    if depth == 0 {
        return Ok(select);
    }
    match select.from.first_mut().map(|from| &mut from.relation) {
        Some(TableFactor::Derived { subquery, .. }) => at(subquery, depth - 1),
        _ => Err(lost()),
    }
}
