//! Aggregates of a whole put together from those of its shares: counts and sums are added up, the least of the least is the least,
//! and a mean is a sum over a count. Must not know how rows are shared out.

use dropforge_shared::sql::{self, FunctionKind};
use sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArguments, OrderByKind, Query, Select, SelectItem, SetExpr,
};

use super::{grouping, kinds, limits, names, outputs, parse, passes, rewrite};

fn is_distinct(function: &Function) -> bool {
    matches!(&function.args, FunctionArguments::List(list)
        if list.duplicate_treatment == Some(DuplicateTreatment::Distinct))
}

/// Each aggregate of a SELECT that is no window.
fn each(select: &Select, mut visit: impl FnMut(&Function)) {
    let items = select.projection.iter().filter_map(grouping::parts).map(|(expr, _)| expr);
    for expr in items.chain(&select.having) {
        let _ = sqlparser::ast::visit_expressions(expr, |e| {
            if let Expr::Function(f) = e
                && grouping::is_aggregate(e)
            {
                visit(f);
            }
            std::ops::ControlFlow::<()>::Continue(())
        });
    }
}

/// The only value of which a SELECT counts the different ones.
pub(super) fn counted(select: &Select) -> Option<Expr> {
    let mut values: Vec<Expr> = Vec::new();
    each(select, |f| {
        if is_distinct(f) && f.name.to_string().eq_ignore_ascii_case("count") {
            values.extend(kinds::arguments(f).first().map(|value| (*value).clone()));
        }
    });
    values.dedup_by(|a, b| grouping::same(a, b));
    match values.len() {
        1 => values.pop(),
        _ => None,
    }
}

/// Whether the values of a group are held until it is whole, and not a figure of them alone.
pub(super) fn keeps_values(select: &Select) -> bool {
    let mut keeps = false;
    each(select, |f| {
        let name = f.name.to_string().to_lowercase();
        let known = sql::function(&name).is_some_and(|f| f.kind == FunctionKind::Aggregate);
        keeps |= known && (is_distinct(f) || !matches!(name.as_str(), "count" | "sum" | "total" | "avg"));
    });
    keeps
}

/// A query whose outermost SELECT gathers rows, as one over a share of them and one that puts together what the shares
/// gave. `value` is what the rows were shared out by, where that is no key: different ones are in one share each.
pub(super) fn apart(
    query: &Query,
    keys: &[Expr],
    value: Option<&Expr>,
    most: Option<u64>,
) -> Option<(Query, Query)> {
    let SetExpr::Select(select) = &*query.body else { return None };
    if select.having.is_some() || select.distinct.is_some() {
        return None;
    }
    limits::rows(query, most)?;
    let mut shares: Vec<SelectItem> = Vec::new();
    let mut whole: Vec<String> = Vec::new();
    let mut groups: Vec<String> = Vec::new();
    let mut outputs: Vec<String> = Vec::new();
    for item in &select.projection {
        let (expr, _) = grouping::parts(item)?;
        let output = outputs::item_name(item)?;
        let mut part = |expr: Expr| {
            let name = names::quoted(&format!("p{}", shares.len()));
            shares.push(SelectItem::ExprWithAlias { expr, alias: name.clone() });
            name
        };
        let said = if keys.iter().any(|key| grouping::same(key, expr)) {
            let name = part(expr.clone());
            groups.push(name.to_string());
            name.to_string()
        } else {
            let Expr::Function(f) = expr else { return None };
            let by_value = match kinds::arguments(f).as_slice() {
                [x] => value.is_some_and(|value| grouping::same(value, x)),
                _ => false,
            };
            if !grouping::is_aggregate(expr) || f.filter.is_some() {
                return None;
            }
            match (f.name.to_string().to_lowercase().as_str(), is_distinct(f)) {
                ("count", distinct) if !distinct || by_value => {
                    format!("CAST(SUM({}) AS BIGINT)", part(expr.clone()))
                }
                ("sum", false) => format!("SUM({})", part(expr.clone())),
                ("min", _) => format!("MIN({})", part(expr.clone())),
                ("max", _) => format!("MAX({})", part(expr.clone())),
                ("avg", false) => {
                    let [x] = kinds::arguments(f).try_into().ok()?;
                    let sum = part(rewrite::said("SUM(CAST(X AS DOUBLE))", &[("X", x)]).ok()?);
                    let count = part(rewrite::said("COUNT(X)", &[("X", x)]).ok()?);
                    format!("CASE WHEN SUM({count}) > 0 THEN SUM({sum}) / SUM({count}) ELSE NULL END")
                }
                _ => return None,
            }
        };
        whole.push(format!("{said} AS {}", names::quoted(output)));
        outputs.push(output.clone());
    }
    // A group that is not named in the result would not be known any more.
    if groups.len() < keys.len() {
        return None;
    }
    let by = if groups.is_empty() { String::new() } else { format!(" GROUP BY {}", groups.join(", ")) };
    let table = passes::TABLE;
    let text = format!("SELECT {} FROM \"{table}\" AS \"{table}\"{by}", whole.join(", "));
    let mut rest = parse::one_query(&text).ok()?;
    if let Some(order) = &query.order_by {
        let mut order = outputs::by_names(order, select)?;
        if let OrderByKind::Expressions(keys) = &mut order.kind {
            for key in keys {
                let Expr::Identifier(name) = &key.expr else { return None };
                let at = outputs.iter().position(|output| *output == name.value)?;
                key.expr = rewrite::number(&(at + 1).to_string());
            }
        }
        rest.order_by = Some(order);
    }
    rest.limit_clause = query.limit_clause.clone();
    let mut share = query.clone();
    (share.order_by, share.limit_clause) = (None, None);
    let SetExpr::Select(select) = &mut *share.body else { return None };
    select.projection = shares;
    // By their columns in the result: an alias that a key went by is gone.
    if let sqlparser::ast::GroupByExpr::Expressions(by, _) = &mut select.group_by {
        *by = keys.to_vec();
    }
    Some((share, rest))
}
