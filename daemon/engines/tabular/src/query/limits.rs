//! `LIMIT` and `OFFSET`: how many rows are looked at. Must not know what is done with them.

use sqlparser::ast::{Expr, LimitClause, Query, Value};

use super::rewrite;

/// Rows left out at the beginning, and the number of rows up to the last that is looked at where there is a limit, be it that
/// of the statement or `most`. `None` where they are not told by numbers.
pub(super) fn rows(query: &Query, most: Option<u64>) -> Option<(u64, Option<u64>)> {
    let number = |e: &Expr| match e {
        Expr::Value(v) => match &v.value {
            Value::Number(digits, _) => digits.parse::<u64>().ok(),
            _ => None,
        },
        _ => None,
    };
    let (limit, skipped) = match &query.limit_clause {
        None => (None, 0),
        Some(LimitClause::LimitOffset { limit, offset, .. }) => {
            let skipped = offset.as_ref().map_or(Some(0), |o| number(&o.value))?;
            (limit.as_ref().map(number), skipped)
        }
        Some(LimitClause::OffsetCommaLimit { .. }) => return None,
    };
    let limit = match limit {
        Some(limit) => Some(limit?),
        None => None,
    };
    match limit.into_iter().chain(most).min() {
        Some(rows) => Some((skipped, Some(rows.checked_add(skipped)?))),
        None => Some((skipped, None)),
    }
}

/// `LIMIT n`.
pub(super) fn first(n: u64) -> LimitClause {
    LimitClause::LimitOffset {
        limit: Some(rewrite::number(&n.to_string())),
        offset: None,
        limit_by: Vec::new(),
    }
}
