//! What a SELECT gives, and between which bounds the integers of a statement stay. Must not know how a statement is walked.

use std::collections::BTreeMap;
use std::rc::Rc;

use dropforge_shared::page::ColumnType;
use sqlparser::ast::{
    BinaryOperator, Expr, Select, SelectItem, SelectItemQualifiedWildcardKind, Spanned, UnaryOperator, Value,
};

use super::allow::unable;
use super::bind::Binder;
use super::figures;
use super::ranges::{Known, MOST_ROWS, Range};
use super::scope::{Named, Relation, open};
use crate::error::Error;

/// The bounds of what a set's two sides give, by the names of the first.
pub(super) fn of_both(first: &Relation, second: &Relation) -> BTreeMap<String, Range> {
    let both = first.columns.iter().zip(&second.columns);
    both.filter_map(|(one, other)| {
        let (a, b) = (first.ranges.get(&one.0)?, second.ranges.get(&other.0)?);
        Some((one.0.clone(), a.joined(*b)))
    })
    .collect()
}

/// Whether the sides of a set have as many columns.
pub(super) fn as_wide(first: &Relation, second: &Relation, at: &impl Spanned) -> Result<(), Error> {
    let (a, b) = (first.columns.len(), second.columns.len());
    if a == b || first.open || second.open {
        return Ok(());
    }
    Err(unable(at, &format!("this side gives {b} columns, and the one before it {a}; both give as many")))
}

/// Whether the columns are there that an order goes by by number.
pub(super) fn numbered(order: &[&Expr], given: &Relation) -> Result<(), Error> {
    let columns = given.columns.len();
    let there = |digits: &str| digits.parse::<usize>().is_ok_and(|n| (1..=columns).contains(&n));
    let wrong = order.iter().find(|key| match key {
        Expr::Value(v) => matches!(&v.value, Value::Number(digits, _) if !there(digits)),
        _ => false,
    });
    match wrong.filter(|_| !given.open) {
        Some(key) => {
            Err(unable(*key, &format!("there is no column {key} to sort by; the result has {columns}")))
        }
        None => Ok(()),
    }
}

impl Binder<'_, '_> {
    /// Whether an operator or a function, looked at from the outside alone, could give more than an integer holds.
    pub(super) fn could_go_beyond(&self, expr: &Expr, aliases: &[Named]) -> bool {
        let arithmetic = match expr {
            Expr::BinaryOp { op, .. } => {
                matches!(op, BinaryOperator::Plus | BinaryOperator::Minus | BinaryOperator::Multiply)
            }
            Expr::UnaryOp { op: UnaryOperator::Minus, expr } => !matches!(**expr, Expr::Value(_)),
            Expr::Function(f) => {
                matches!(f.name.to_string().to_lowercase().as_str(), "sum" | "total" | "abs")
            }
            _ => false,
        };
        arithmetic && self.known(aliases, &|known| known.unkept(expr)).is_some_and(Range::goes_beyond)
    }

    /// Between which bounds an expression stays, where that is known.
    fn range(&self, expr: &Expr, aliases: &[Named]) -> Option<Range> {
        self.known(aliases, &|known| known.of(expr))
    }

    fn known(&self, aliases: &[Named], ask: &dyn Fn(&Known<'_>) -> Option<Range>) -> Option<Range> {
        let column = |column: &Expr| match column {
            Expr::Identifier(name) => match aliases.iter().find(|(alias, _)| *alias == name.value) {
                Some((_, kind)) => kind.filter(|k| *k == ColumnType::Integer).map(|_| Range::any()),
                None => self.named(None, &name.value),
            },
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [table, name] => self.named(Some(&table.value), &name.value),
                _ => None,
            },
            _ => None,
        };
        ask(&Known { columns: &column, rows: self.rows() })
    }

    /// Rows that the SELECT being looked at can have at most.
    fn rows(&self) -> u64 {
        let relations = self.scopes.last().map(|s| s.relations.as_slice()).unwrap_or_default();
        let all = relations.iter().map(|r| r.rows.unwrap_or(MOST_ROWS).max(1));
        all.fold(1, u64::saturating_mul).min(MOST_ROWS)
    }

    fn named(&self, table: Option<&str>, name: &str) -> Option<Range> {
        for scope in self.scopes.iter().rev() {
            let there = |r: &&Relation| {
                table.map_or(!r.gone, |t| t == r.name) && r.columns.iter().any(|(n, _)| n == name)
            };
            if let Some(relation) = scope.relations.iter().find(there) {
                return self.column_range(relation, name);
            }
        }
        None
    }

    fn column_range(&self, relation: &Relation, name: &str) -> Option<Range> {
        if relation.kind(name) != Some(ColumnType::Integer) {
            return None;
        }
        let Some(path) = &relation.source else {
            return Some(relation.ranges.get(name).copied().unwrap_or(Range::any()));
        };
        let mut figures = self.figures.borrow_mut();
        let known = figures.entry(path.clone()).or_insert_with(|| Rc::new(figures::of(path)));
        Some(known.get(name).copied().unwrap_or(Range::any()))
    }

    /// The columns that a select gives.
    pub(super) fn output(&self, select: &Select) -> Relation {
        let mut out = Relation::default();
        let Some(scope) = self.scopes.last() else { return open("") };
        out.rows = Some(self.rows());
        let mut add = |name: String, kind: Option<ColumnType>, from: Option<&str>, range: Option<Range>| {
            if out.columns.iter().any(|(n, _)| *n == name) {
                // What the second of a name is called depends on how it is asked for.
                out.open = true;
                if let Some(table) = from {
                    out.columns.push((format!("{table}.{name}"), kind));
                }
            } else {
                out.ranges.extend(range.map(|range| (name.clone(), range)));
                out.columns.push((name, kind));
            }
        };
        // Nobody asks for the bounds of what the statement itself gives.
        let inner = self.inner > 0;
        let range = |expr: &Expr| if inner { self.range(expr, &[]) } else { None };
        let mut unclear = false;
        for item in &select.projection {
            match item {
                SelectItem::ExprWithAlias { expr, alias } => {
                    add(alias.value.clone(), self.kind(expr), None, range(expr))
                }
                SelectItem::UnnamedExpr(expr) => match expr {
                    Expr::Identifier(name) => add(name.value.clone(), self.kind(expr), None, range(expr)),
                    Expr::CompoundIdentifier(parts) => {
                        let name = parts.last().map_or_else(String::new, |p| p.value.clone());
                        add(name, self.kind(expr), parts.first().map(|p| p.value.as_str()), range(expr));
                    }
                    other => {
                        add(
                            other.to_string().chars().take(100).collect(),
                            self.kind(other),
                            None,
                            range(other),
                        );
                    }
                },
                SelectItem::Wildcard(options) | SelectItem::QualifiedWildcard(_, options) => {
                    let only = match item {
                        SelectItem::QualifiedWildcard(
                            SelectItemQualifiedWildcardKind::ObjectName(table),
                            _,
                        ) => table.0.last().and_then(|p| p.as_ident()).map(|i| i.value.clone()),
                        _ => None,
                    };
                    // What is left out stays known: no harm, as the engine then says that it is not there.
                    unclear |= options.opt_exclude.is_some();
                    let wanted = |r: &&Relation| !r.gone && only.as_ref().is_none_or(|o| *o == r.name);
                    for relation in scope.relations.iter().filter(wanted) {
                        unclear |= relation.open;
                        for (name, kind) in &relation.columns {
                            let range = if inner { self.column_range(relation, name) } else { None };
                            add(name.clone(), *kind, Some(&relation.name), range);
                        }
                    }
                }
                _ => unclear = true,
            }
        }
        out.open |= unclear;
        out
    }
}
