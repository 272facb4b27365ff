//! Columns of a result by their names, and an order by them. Must not know what the result is of.

use sqlparser::ast::{
    ExcludeSelectItem, Expr, Ident, ObjectName, OrderBy, OrderByExpr, OrderByKind, Query, Select, SelectItem,
    SetExpr, Value, WildcardAdditionalOptions,
};

use super::names;
use super::spill::By;

/// The order by names of columns of the result, where it goes by such.
pub(super) fn by_names(order: &OrderBy, select: &Select) -> Option<OrderBy> {
    let mut order = order.clone();
    let OrderByKind::Expressions(keys) = &mut order.kind else { return None };
    for key in keys {
        key.expr = Expr::Identifier(names::quoted(&output(&key.expr, select)?));
    }
    Some(order)
}

/// What a query is sorted by, where all of that are columns of its result.
pub(super) fn sorted_by(query: &Query) -> Option<Vec<By>> {
    let SetExpr::Select(select) = &*query.body else { return None };
    let OrderByKind::Expressions(keys) = &query.order_by.as_ref()?.kind else { return None };
    let by = |key: &OrderByExpr| {
        let descending = key.options.asc == Some(false);
        Some(By {
            column: output(&key.expr, select)?.into(),
            descending,
            missing_last: !key.options.nulls_first.unwrap_or(descending),
        })
    };
    keys.iter().map(by).collect()
}

/// The column of the result that a key of the order is.
fn output(key: &Expr, select: &Select) -> Option<String> {
    match key {
        Expr::Identifier(name) => {
            let has = |item: &SelectItem| match item {
                // All columns of what is further in, which has no other than its own names.
                SelectItem::Wildcard(options) => {
                    select.projection.len() == 1 && !left_out(options).any(|other| other.value == name.value)
                }
                item => item_name(item) == Some(&name.value),
            };
            select.projection.iter().any(has).then(|| name.value.clone())
        }
        Expr::Value(v) => {
            let Value::Number(digits, _) = &v.value else { return None };
            let at = digits.parse::<usize>().ok()?.checked_sub(1)?;
            let named = select.projection.iter().all(|item| item_name(item).is_some());
            item_name(select.projection.get(at).filter(|_| named)?).cloned()
        }
        _ => None,
    }
}

/// The columns that `*` leaves out.
fn left_out(options: &WildcardAdditionalOptions) -> impl Iterator<Item = &Ident> {
    let names = match &options.opt_exclude {
        None => &[][..],
        Some(ExcludeSelectItem::Single(one)) => std::slice::from_ref(one),
        Some(ExcludeSelectItem::Multiple(several)) => several.as_slice(),
    };
    names.iter().filter_map(|name| name.0.last()?.as_ident())
}

/// Has `*` leave out more columns.
pub(super) fn leave_out(options: &mut WildcardAdditionalOptions, more: impl IntoIterator<Item = ObjectName>) {
    let mut names = match options.opt_exclude.take() {
        None => Vec::new(),
        Some(ExcludeSelectItem::Single(one)) => vec![one],
        Some(ExcludeSelectItem::Multiple(several)) => several,
    };
    names.extend(more);
    options.opt_exclude = Some(ExcludeSelectItem::Multiple(names));
}

/// What a column of the result is called; `None` for all columns of a table.
pub(super) fn item_name(item: &SelectItem) -> Option<&String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(&alias.value),
        SelectItem::UnnamedExpr(Expr::Identifier(ident)) => Some(&ident.value),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => parts.last().map(|p| &p.value),
        _ => None,
    }
}
