//! What a statement may consist of: everything is refused that is not named here. Queries and their columns; tables and
//! expressions are next door. On the way names become those that the engine knows the datasets by.
//!
//! Some forms are refused although the engine behind would run them, because it would answer them otherwise than SQL
//! does, without a word. The reasons stand where that is done.

use std::collections::BTreeSet;

use sqlparser::ast::{
    Distinct, Expr, GroupByExpr, Ident, LimitClause, ObjectName, Query, Select, SelectFlavor, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, SetOperator, SetQuantifier, Spanned, TableFactor,
    TableWithJoins, WildcardAdditionalOptions,
};

use super::expressions::{self, Where};
use super::names::{self, Names};
use super::parse::{self, place};
use super::{distinct, grouping, tables, ties};
use crate::error::Error;

/// How deep queries and expressions may go.
pub(super) const MAX_DEPTH: usize = 300;

/// Something that is not on the list.
pub(super) fn refused(at: &impl Spanned, what: &str) -> Error {
    Error::Refused(format!("{}{what}", place(at.span())))
}

/// Something that the engine can't do, or would do wrong.
pub(super) fn unable(at: &impl Spanned, what: &str) -> Error {
    Error::Sql(format!("{}{what}", place(at.span())))
}

/// A name with its place.
pub(super) fn of(ident: &Ident) -> ObjectName {
    vec![ident.clone()].into()
}

/// Checks a query, puts inside names in and makes the rewrites.
pub(super) fn query(query: &mut Query, names: &mut Names<'_>, top: bool, alone: bool) -> Result<(), Error> {
    names.enter(alone);
    let done = within(query, names, top);
    names.leave();
    done
}

fn within(query: &mut Query, names: &mut Names<'_>, top: bool) -> Result<(), Error> {
    if !query.locks.is_empty()
        || query.for_clause.is_some()
        || query.settings.is_some()
        || query.format_clause.is_some()
        || !query.pipe_operators.is_empty()
    {
        return Err(refused(
            query,
            "a query has WITH, SELECT, ORDER BY, LIMIT and OFFSET, and nothing else after them",
        ));
    }
    if let Some(with) = &mut query.with {
        if !top {
            let at = place(with.with_token.0.span);
            return Err(Error::Sql(format!("{at}WITH may stand at the beginning of the statement only")));
        }
        if with.recursive {
            let at = place(with.with_token.0.span);
            return Err(Error::Sql(format!("{at}WITH RECURSIVE is not supported")));
        }
        for cte in &mut with.cte_tables {
            if cte.from.is_some() || cte.materialized.is_some() {
                return Err(refused(
                    &of(&cte.alias.name),
                    "a WITH table is NAME AS (SELECT …), nothing else",
                ));
            }
            tables::plain_alias(&cte.alias)?;
            self::query(&mut cte.query, names, false, true)?;
            names.define(&cte.alias.name)?;
        }
    }
    limits(query)?;
    if matches!(*query.body, SetExpr::SetOperation { .. }) && query.order_by.is_some() {
        // The engine would sort each side by names that only the whole has.
        *query.body =
            wrapped(std::mem::replace(&mut query.body, Box::new(SetExpr::Values(no_values()))), "of both")?;
    }
    match &mut *query.body {
        SetExpr::Select(select) => {
            self::select(select, names)?;
            grouping::order_by(select, &mut query.order_by, names)?;
            distinct::first(query)
        }
        other => set(other, None, names),
    }
}

pub(super) fn no_values() -> sqlparser::ast::Values {
    sqlparser::ast::Values { explicit_row: false, value_keyword: false, rows: Vec::new() }
}

/// `body` as `SELECT * FROM (body) AS "name"`.
pub(super) fn wrapped(body: Box<SetExpr>, name: &str) -> Result<SetExpr, Error> {
    let mut outer = parse::one_query(&format!("SELECT * FROM (SELECT 1) AS \"{name}\""))?;
    if let SetExpr::Select(select) = &mut *outer.body
        && let Some(TableWithJoins { relation: TableFactor::Derived { subquery, .. }, .. }) =
            select.from.first_mut()
    {
        subquery.body = body;
    }
    Ok(*outer.body)
}

fn limits(query: &Query) -> Result<(), Error> {
    let number = |e: &Expr| match e {
        Expr::Value(v) => matches!(v.value, sqlparser::ast::Value::Number(..)),
        _ => false,
    };
    let numbers: Vec<&Expr> = match &query.limit_clause {
        None => Vec::new(),
        Some(LimitClause::LimitOffset { limit, offset, limit_by }) => {
            limit.iter().chain(offset.as_ref().map(|o| &o.value)).chain(limit_by).collect()
        }
        Some(LimitClause::OffsetCommaLimit { offset, limit }) => vec![offset, limit],
    };
    let by = matches!(&query.limit_clause, Some(LimitClause::LimitOffset { limit_by, .. }) if !limit_by.is_empty());
    let wrong = numbers.iter().find(|e| by || !number(e)).map(|e| e.span());
    let fetch = query.fetch.as_ref().is_none_or(|f| {
        !f.with_ties && !f.percent && f.quantity.as_ref().is_some_and(number) && query.limit_clause.is_none()
    });
    if wrong.is_none() && fetch {
        return Ok(());
    }
    let at = wrong.map_or_else(String::new, place);
    Err(Error::Sql(format!("{at}LIMIT, OFFSET and FETCH take a number as it stands")))
}

/// A side of UNION, INTERSECT or EXCEPT, or a body in parentheses.
fn set(body: &mut SetExpr, around: Option<SetOperator>, names: &mut Names<'_>) -> Result<(), Error> {
    match body {
        SetExpr::Select(select) => {
            names.enter(false);
            let done = self::select(select, names);
            names.leave();
            done
        }
        SetExpr::Query(query) => self::query(query, names, false, false),
        SetExpr::SetOperation { left, op, set_quantifier, right } => {
            let all_may = *op == SetOperator::Union && *set_quantifier == SetQuantifier::All;
            if !(all_may || matches!(set_quantifier, SetQuantifier::None | SetQuantifier::Distinct)) {
                let text =
                    format!("{op} {set_quantifier} is not supported; {op} alone compares different rows");
                return Err(unable(&**right, &text));
            }
            // The engine goes by the outermost operator alone when it tells INTERSECT from EXCEPT.
            let outermost = around.unwrap_or(*op);
            if *op != SetOperator::Union && outermost != *op || *op == SetOperator::Minus {
                let text = format!(
                    "{op} beside {outermost} needs parentheses: (SELECT … {op} SELECT …) {outermost} SELECT …"
                );
                return Err(unable(&**right, &text));
            }
            set(left, Some(outermost), names)?;
            set(right, Some(outermost), names)
        }
        other => {
            Err(refused(other, "only SELECT reads; VALUES, TABLE and statements that change are not allowed"))
        }
    }
}

fn select(select: &mut Select, names: &mut Names<'_>) -> Result<(), Error> {
    if select.projection.is_empty() {
        return Err(Error::Usage(format!("{}SELECT names no columns; * takes all", place(select.span()))));
    }
    if select.into.is_some() {
        return Err(refused(select, "SELECT INTO would write; save the result with --save instead"));
    }
    if !select.optimizer_hints.is_empty()
        || select.select_modifiers.is_some()
        || select.top.is_some()
        || select.exclude.is_some()
        || !select.lateral_views.is_empty()
        || select.prewhere.is_some()
        || !select.connect_by.is_empty()
        || !select.cluster_by.is_empty()
        || !select.distribute_by.is_empty()
        || !select.sort_by.is_empty()
        || select.value_table_mode.is_some()
        || select.flavor != SelectFlavor::Standard
    {
        let text = "SELECT has DISTINCT, FROM, WHERE, GROUP BY, HAVING, ORDER BY and LIMIT, and nothing else";
        return Err(refused(select, text));
    }
    if !select.named_window.is_empty() || select.qualify.is_some() {
        // The engine takes a named window's order for nothing. QUALIFY is gone by now, but for one in a set.
        let text = "WINDOW is not supported, write the window into OVER; and a SELECT with QUALIFY beside UNION, INTERSECT \
                    or EXCEPT stands in parentheses";
        return Err(unable(select, text));
    }
    if let Some(Distinct::On(_)) = &select.distinct {
        return Err(unable(
            select,
            "DISTINCT ON is not supported; number the rows with ROW_NUMBER() OVER (PARTITION BY …)",
        ));
    }
    let mut further = Vec::new();
    for table in &mut select.from {
        further.extend(tables::from(table, names)?);
    }
    for item in &mut select.projection {
        self::item(item, names)?;
    }
    if let Some(filter) = &mut select.selection {
        expressions::check(filter, Where::Filter, names)?;
        // The engine compares two constants by how they are written, unless something is around them.
        let constants = matches!(&*filter, Expr::BinaryOp { left, right, .. }
            if matches!((&**left, &**right), (Expr::Value(_), Expr::Value(_))));
        if constants {
            let inside = std::mem::replace(filter, Expr::Identifier(names::quoted("")));
            *filter = Expr::Nested(Box::new(inside));
        }
    }
    let further = select.selection.take().into_iter().chain(further);
    select.selection = ties::all(further.map(|part| Expr::Nested(Box::new(part))).collect());
    if let GroupByExpr::Expressions(keys, modifiers) = &mut select.group_by {
        if !modifiers.is_empty() {
            let text = "GROUP BY has no WITH ROLLUP, CUBE or TOTALS here; join with UNION ALL";
            return Err(match keys.first() {
                Some(key) => unable(key, text),
                None => Error::Sql(text.into()),
            });
        }
        for key in keys {
            expressions::check(key, Where::Key, names)?;
        }
    }
    if let Some(having) = &mut select.having {
        expressions::check(having, Where::Having, names)?;
        if matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty()) {
            let text = "HAVING needs GROUP BY; filter around the whole instead: WITH w AS (SELECT …) SELECT … FROM w WHERE …";
            return Err(unable(having, text));
        }
    }
    tables::keys_once(select);
    name_columns(select);
    grouping::select(select)
}

fn item(item: &mut SelectItem, names: &mut Names<'_>) -> Result<(), Error> {
    match item {
        SelectItem::UnnamedExpr(expr) => {
            // The name is what was written, not what became of it.
            let written = expr.to_string();
            expressions::check(expr, Where::Item, names)?;
            if !matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) {
                let name: String = written.chars().take(100).collect();
                let expr = std::mem::replace(expr, Expr::Identifier(names::quoted("")));
                *item = SelectItem::ExprWithAlias { expr, alias: names::quoted(&name) };
            }
            Ok(())
        }
        SelectItem::ExprWithAlias { expr, .. } => expressions::check(expr, Where::Item, names),
        SelectItem::Wildcard(options) => wildcard(options),
        SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
            wildcard(options)?;
            match name.0.as_slice() {
                [only] => only.as_ident().map_or(Ok(()), |ident| names.qualifier(ident)),
                _ => Err(refused(name, "one table's columns are TABLE.*")),
            }
        }
        other => Err(refused(other, "a column is an expression with a name after AS, or *")),
    }
}

fn wildcard(options: &WildcardAdditionalOptions) -> Result<(), Error> {
    if options.opt_ilike.is_some()
        || options.opt_except.is_some()
        || options.opt_replace.is_some()
        || options.opt_rename.is_some()
        || options.opt_alias.is_some()
    {
        return Err(refused(options, "after * there may be EXCLUDE (a, b), nothing else"));
    }
    Ok(())
}

/// Gives every column a name of its own: SQL lets two be called alike, the engine does not.
fn name_columns(select: &mut Select) {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for item in &select.projection {
        if let SelectItem::ExprWithAlias { alias, .. } = item {
            taken.insert(alias.value.clone());
        }
    }
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for item in &mut select.projection {
        let (name, qualified) = match item {
            SelectItem::ExprWithAlias { alias, .. } => (alias.value.clone(), None),
            SelectItem::UnnamedExpr(Expr::Identifier(ident)) => (ident.value.clone(), None),
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => {
                let whole: Vec<&str> = parts.iter().map(|p| p.value.as_str()).collect();
                (whole.last().copied().unwrap_or_default().to_owned(), Some(whole.join(".")))
            }
            _ => continue,
        };
        let is_alias = matches!(item, SelectItem::ExprWithAlias { .. });
        let free = |n: &String| !seen.contains(n) && (is_alias || !taken.contains(n));
        let mut wanted = name.clone();
        if !free(&wanted) {
            wanted = qualified.clone().filter(&free).unwrap_or_else(|| {
                (2..)
                    .map(|k| format!("{name}_{k}"))
                    .find(|n| free(n) && !taken.contains(n))
                    .unwrap_or_default()
            });
        }
        seen.insert(wanted.clone());
        match item {
            SelectItem::ExprWithAlias { alias, .. } if alias.value != wanted => {
                *alias = names::quoted(&wanted)
            }
            SelectItem::UnnamedExpr(expr) if wanted != name || qualified.is_some() => {
                let expr = std::mem::replace(expr, Expr::Identifier(names::quoted("")));
                *item = SelectItem::ExprWithAlias { expr, alias: names::quoted(&wanted) };
            }
            _ => {}
        }
    }
}
