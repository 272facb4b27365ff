//! `SELECT DISTINCT … ORDER BY …`: the rows are made different first, then sorted, so that only what is left is sorted. The
//! engine would sort them all.

use sqlparser::ast::{
    Distinct, Expr, OrderByKind, Query, Select, SelectItem, SetExpr, Value, WildcardAdditionalOptions,
};

use super::{allow, names};
use crate::error::Error;

/// Puts the DISTINCT of a checked query within it, where it is sorted by columns that it gives.
pub(super) fn first(query: &mut Query) -> Result<(), Error> {
    let SetExpr::Select(select) = &*query.body else { return Ok(()) };
    let Some(OrderByKind::Expressions(keys)) = query.order_by.as_mut().map(|order| &mut order.kind) else {
        return Ok(());
    };
    if !matches!(select.distinct, Some(Distinct::Distinct)) {
        return Ok(());
    }
    let Some(given) = keys.iter().map(|key| given(&key.expr, select)).collect::<Option<Vec<String>>>() else {
        return Ok(());
    };
    for (key, name) in keys.iter_mut().zip(given) {
        key.expr = Expr::Identifier(names::quoted(&name));
    }
    let body = std::mem::replace(&mut query.body, Box::new(SetExpr::Values(allow::no_values())));
    *query.body = allow::wrapped(body, "different rows")?;
    Ok(())
}

/// The name of the column of the result that a key is.
fn given(key: &Expr, select: &Select) -> Option<String> {
    let called = |item: &SelectItem| match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
        SelectItem::UnnamedExpr(Expr::Identifier(ident)) => Some(ident.value.clone()),
        _ => None,
    };
    match key {
        Expr::Identifier(name) => {
            let names = |item: &SelectItem| called(item).as_ref() == Some(&name.value);
            // All columns of the only table.
            let all = match (select.projection.as_slice(), select.from.as_slice()) {
                ([SelectItem::Wildcard(options)], [table]) => {
                    let plain = WildcardAdditionalOptions {
                        wildcard_token: options.wildcard_token.clone(),
                        ..WildcardAdditionalOptions::default()
                    };
                    table.joins.is_empty() && *options == plain
                }
                _ => false,
            };
            (all || select.projection.iter().any(names)).then(|| name.value.clone())
        }
        Expr::Value(v) => match &v.value {
            Value::Number(digits, _) if !select.projection.iter().any(|item| called(item).is_none()) => {
                called(select.projection.get(digits.parse::<usize>().ok()?.checked_sub(1)?)?)
            }
            _ => None,
        },
        _ => None,
    }
}
