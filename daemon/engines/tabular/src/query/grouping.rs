//! `GROUP BY` and aggregates: columns beside an aggregate must be keys. The engine would give them the first value, a
//! list, or the aggregate on each row. Sorting by an aggregate becomes sorting by the column that has it.

use sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, OrderBy, OrderByKind, Select,
    SelectItem, Value, VisitMut as _, VisitorMut, WindowType,
};
use std::ops::ControlFlow;

use dropforge_shared::sql::{self, FunctionKind};

use super::allow::unable;
use super::expressions::{self, Where};
use super::names::Names;
use crate::error::Error;

/// An aggregate that is no window.
pub(super) fn is_aggregate(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Function(f) if f.over.is_none()
            && sql::function(&f.name.to_string()).is_some_and(|k| k.kind == FunctionKind::Aggregate)
    )
}

fn is_window(expr: &Expr) -> bool {
    matches!(expr, Expr::Function(f) if super::windows::is_window(f))
}

/// An aggregate over the whole table: the engine gives one row for it where nothing else has a row for each.
fn is_whole(expr: &Expr) -> bool {
    let Expr::Function(f) = expr else { return false };
    let Some(WindowType::WindowSpec(spec)) = &f.over else { return false };
    spec.partition_by.is_empty()
        && spec.order_by.is_empty()
        && !f.name.to_string().eq_ignore_ascii_case("row_number")
}

/// Whether `test` holds anywhere in the expression, subqueries left out.
pub(super) fn any(expr: &Expr, test: &dyn Fn(&Expr) -> bool) -> bool {
    if test(expr) {
        return true;
    }
    let mut found = false;
    each_part(expr, &mut |part| found |= any(part, test));
    found
}

/// The direct parts of an expression that passed the list.
fn each_part(expr: &Expr, visit: &mut dyn FnMut(&Expr)) {
    match expr {
        Expr::Function(f) => {
            if let FunctionArguments::List(list) = &f.args {
                for arg in &list.args {
                    if let FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) = arg {
                        visit(e);
                    }
                }
            }
            if let Some(WindowType::WindowSpec(spec)) = &f.over {
                spec.partition_by.iter().for_each(&mut *visit);
                spec.order_by.iter().for_each(|key| visit(&key.expr));
            }
        }
        Expr::Subquery(_) | Expr::Exists { .. } => {}
        Expr::InSubquery { expr, .. } => visit(expr),
        _ => {
            // The visitor of the parser's tree goes all the way down; only what lies directly below is wanted.
            let mut direct = Direct { depth: 0, visit };
            let _ = sqlparser::ast::Visit::visit(expr, &mut direct);
        }
    }
}

struct Direct<'a> {
    depth: usize,
    visit: &'a mut dyn FnMut(&Expr),
}

impl sqlparser::ast::Visitor for Direct<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if self.depth == 1 {
            (self.visit)(expr);
        }
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }
}

/// Makes the keys of HAVING aggregates of their own: beside others the engine takes them for lists.
struct Firsts<'a> {
    keys: &'a [Expr],
    within: usize,
}

impl VisitorMut for Firsts<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        self.within += usize::from(is_aggregate(expr));
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if is_aggregate(expr) {
            self.within -= 1;
        } else if self.within == 0
            && matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_))
            && self.keys.iter().any(|key| same(key, expr))
            && let Ok(first) = super::rewrite::said("first(K)", &[("K", expr)])
        {
            *expr = first;
        }
        ControlFlow::Continue(())
    }
}

/// The same, whether a column is written with its table or without.
pub(super) fn same(a: &Expr, b: &Expr) -> bool {
    match (a, b) {
        (Expr::Nested(a), b) | (b, Expr::Nested(a)) => same(a, b),
        (Expr::CompoundIdentifier(p), Expr::Identifier(i))
        | (Expr::Identifier(i), Expr::CompoundIdentifier(p)) => p.last().is_some_and(|l| l.value == i.value),
        (Expr::Identifier(a), Expr::Identifier(b)) => a.value == b.value,
        _ => a == b,
    }
}

/// The first column in the expression that is neither a key nor within an aggregate.
fn loose(expr: &Expr, keys: &[Expr]) -> Option<Expr> {
    if is_aggregate(expr) || keys.iter().any(|key| same(key, expr)) {
        return None;
    }
    if matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) {
        return Some(expr.clone());
    }
    let mut found = None;
    each_part(expr, &mut |part| {
        if found.is_none() {
            found = loose(part, keys);
        }
    });
    found
}

pub(super) fn parts(item: &SelectItem) -> Option<(&Expr, Option<&str>)> {
    match item {
        SelectItem::UnnamedExpr(expr) => Some((expr, None)),
        SelectItem::ExprWithAlias { expr, alias } => Some((expr, Some(alias.value.as_str()))),
        _ => None,
    }
}

fn is_grouped(select: &Select) -> bool {
    match &select.group_by {
        GroupByExpr::All(_) => true,
        GroupByExpr::Expressions(keys, _) => !keys.is_empty(),
    }
}

/// Whether a select gathers rows: by GROUP BY, or by an aggregate over all.
pub(super) fn gathers(select: &Select) -> bool {
    is_grouped(select) || has_aggregate(select)
}

/// Whether there is a window function in an expression.
pub(super) fn has_window(expr: &Expr) -> bool {
    any(expr, &is_window)
}

fn has_aggregate(select: &Select) -> bool {
    select.projection.iter().filter_map(parts).any(|(expr, _)| any(expr, &is_aggregate))
}

/// Checks a select whose expressions passed the list.
pub(super) fn select(select: &mut Select) -> Result<(), Error> {
    checked(select)?;
    tell_apart(select)?;
    if let (GroupByExpr::Expressions(keys, _), Some(having)) = (&select.group_by, &mut select.having) {
        let _ = having.visit(&mut Firsts { keys, within: 0 });
    }
    Ok(())
}

fn checked(select: &Select) -> Result<(), Error> {
    let grouped = is_grouped(select);
    let items: Vec<(&Expr, Option<&str>)> = select.projection.iter().filter_map(parts).collect();
    let wildcard = items.len() < select.projection.len();
    let windows = items.iter().any(|(expr, _)| any(expr, &is_window));
    if !grouped && !has_aggregate(select) {
        let column = |e: &Expr| {
            matches!(e, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) || (is_window(e) && !is_whole(e))
        };
        let by_row = wildcard
            || items.iter().any(|(expr, _)| {
                // Columns within OVER () count for nothing.
                fn outside(expr: &Expr, column: &dyn Fn(&Expr) -> bool) -> bool {
                    if is_whole(expr) {
                        return false;
                    }
                    let mut found = column(expr);
                    each_part(expr, &mut |part| found |= outside(part, column));
                    found
                }
                outside(expr, &column)
            });
        if !by_row && items.iter().any(|(expr, _)| any(expr, &is_whole)) {
            return Err(unable(
                select,
                "select a column beside OVER (), so that there is a row for each; or leave OVER () out",
            ));
        }
        return Ok(());
    }
    if windows {
        let text =
            "a window function beside aggregates or GROUP BY: group in WITH first, then use OVER on that";
        return Err(unable(select, text));
    }
    if wildcard {
        return Err(unable(select, "* can't stand beside aggregates or GROUP BY; name the columns"));
    }
    let keys = match &select.group_by {
        // They are whatever has no aggregate.
        GroupByExpr::All(_) => return Ok(()),
        GroupByExpr::Expressions(keys, _) => resolved(keys, &items)?,
    };
    for (expr, alias) in &items {
        let is_key = alias.is_some_and(|alias| {
            keys.iter().any(|key| matches!(key, Expr::Identifier(i) if i.value == alias && same(key, expr)))
        });
        if !is_key && let Some(column) = loose(expr, &keys) {
            return Err(beside(&column));
        }
    }
    if let Some(having) = &select.having {
        let mut keys = keys;
        keys.extend(
            items.iter().filter_map(|(_, alias)| alias.map(|a| Expr::Identifier(super::names::quoted(a)))),
        );
        if let Some(column) = loose(having, &keys) {
            return Err(beside(&column));
        }
    }
    Ok(())
}

fn beside(column: &Expr) -> Error {
    unable(
        column,
        &format!(
            "{column} stands beside aggregates: put it into GROUP BY, or into min({column}) or the like"
        ),
    )
}

/// Keys with what their numbers and aliases stand for.
fn resolved(keys: &[Expr], items: &[(&Expr, Option<&str>)]) -> Result<Vec<Expr>, Error> {
    let mut all = Vec::new();
    for key in keys {
        match key {
            Expr::Value(v) => {
                let Value::Number(digits, _) = &v.value else {
                    return Err(unable(
                        key,
                        "GROUP BY takes columns, expressions, or the number of a column",
                    ));
                };
                let item = digits.parse::<usize>().ok().and_then(|n| items.get(n.checked_sub(1)?));
                let Some((expr, _)) = item else {
                    return Err(unable(key, &format!("there is no column {digits} after SELECT")));
                };
                all.push((*expr).clone());
            }
            Expr::Identifier(ident) => {
                all.push(key.clone());
                let named = items.iter().find(|(_, alias)| *alias == Some(ident.value.as_str()));
                all.extend(named.map(|(expr, _)| (*expr).clone()));
            }
            _ => all.push(key.clone()),
        }
        if all.last().is_some_and(|expr| any(expr, &is_aggregate)) {
            return Err(unable(key, "GROUP BY can't go by an aggregate"));
        }
    }
    Ok(all)
}

/// What the engine calls a key of the order, where that is a column or the number of one.
fn key_name(key: &Expr, select: &Select) -> Option<String> {
    match key {
        Expr::Identifier(ident) => Some(ident.value.clone()),
        Expr::CompoundIdentifier(parts) => parts.last().map(|p| p.value.clone()),
        Expr::Value(v) => match &v.value {
            Value::Number(digits, _) => {
                let item = select.projection.get(digits.parse::<usize>().ok()?.checked_sub(1)?)?;
                match parts(item)? {
                    (_, Some(alias)) => Some(alias.to_owned()),
                    (expr, None) => key_name(expr, select),
                }
            }
            _ => None,
        },
        _ => None,
    }
}

/// Two keys of one name, as in `GROUP BY a.id, b.id`: the second goes by what it is called in SELECT.
fn tell_apart(select: &mut Select) -> Result<(), Error> {
    let GroupByExpr::Expressions(keys, _) = &mut select.group_by else { return Ok(()) };
    let mut seen: Vec<String> = Vec::new();
    for key in keys {
        let name = match &*key {
            Expr::Identifier(ident) => ident.value.clone(),
            Expr::CompoundIdentifier(parts) => parts.last().map_or_else(String::new, |p| p.value.clone()),
            _ => continue,
        };
        if !seen.contains(&name) {
            seen.push(name);
            continue;
        }
        let called = select.projection.iter().filter_map(parts).find(|(expr, _)| **expr == *key);
        match called.and_then(|(_, alias)| alias).filter(|alias| !seen.iter().any(|s| s == alias)) {
            Some(alias) => {
                let alias = alias.to_owned();
                *key = Expr::Identifier(super::names::quoted(&alias));
                seen.push(alias);
            }
            None => {
                let text =
                    format!("two keys of GROUP BY are called {name}; select one with another name (AS)");
                return Err(unable(key, &text));
            }
        }
    }
    Ok(())
}

/// Checks what a select is sorted by.
pub(super) fn order_by(
    select: &Select,
    order: &mut Option<OrderBy>,
    names: &mut Names<'_>,
) -> Result<(), Error> {
    let Some(by) = order else { return Ok(()) };
    let OrderByKind::Expressions(keys) = &mut by.kind else { return Ok(()) };
    if by.interpolate.is_some() || keys.iter().any(|key| key.with_fill.is_some()) {
        return Err(unable(select, "ORDER BY has ASC, DESC and NULLS FIRST or LAST, nothing else"));
    }
    let gathers = is_grouped(select) || has_aggregate(select);
    let wildcard = select.projection.iter().any(|item| parts(item).is_none());
    let mut sorted: Vec<String> = Vec::new();
    for key in keys.iter_mut() {
        expressions::check(&mut key.expr, Where::Item, names)?;
        if !gathers && any(&key.expr, &is_aggregate) {
            return Err(unable(&key.expr, "ORDER BY goes by an aggregate only where SELECT has one"));
        }
        // A name alone is that of a column of the result first, which the engine knows.
        let by_number = gathers || !matches!(key.expr, Expr::Identifier(_));
        let number =
            select.projection.iter().position(|item| parts(item).is_some_and(|(e, _)| same(e, &key.expr)));
        match number.filter(|_| by_number && !wildcard) {
            Some(number) => key.expr = Expr::value(Value::Number((number + 1).to_string(), false)),
            // The engine would gather the groups themselves.
            None if gathers && any(&key.expr, &|e| is_aggregate(e) || is_window(e)) => {
                return Err(unable(&key.expr, "name the aggregate in SELECT with AS, and sort by that name"));
            }
            None => {}
        }
        if let Some(name) = key_name(&key.expr, select) {
            // They would have one name inside.
            if sorted.contains(&name) {
                let text = format!(
                    "two keys of ORDER BY are called {name}; select one with another name (AS) and sort by that"
                );
                return Err(unable(&key.expr, &text));
            }
            sorted.push(name);
        }
    }
    if gathers && !is_grouped(select) {
        // One row has no order.
        *order = None;
    }
    Ok(())
}
