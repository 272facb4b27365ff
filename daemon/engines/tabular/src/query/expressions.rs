//! Expressions: which there may be, and what becomes of those that the engine would take otherwise than SQL does.

use dropforge_shared::sql::{self, FunctionKind};
use sqlparser::ast::{
    BinaryOperator, CastKind, CeilFloorKind, DataType, DateTimeField, Expr, Function, FunctionArg,
    FunctionArgExpr, FunctionArgumentClause, FunctionArgumentList, FunctionArguments, Ident, Spanned as _,
    TimezoneInfo, UnaryOperator, Value,
};
use sqlparser::tokenizer::Span;

use super::allow::{self, MAX_DEPTH, refused, unable};
use super::names::Names;
use super::parse::place;
use super::{arity, exact, kinds, own, rewrite, truncate, windows};
use crate::error::Error;

/// Where an expression stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    /// In the list after SELECT, or in ORDER BY.
    Item,
    /// After WHERE.
    Filter,
    /// After HAVING.
    Having,
    /// After GROUP BY.
    Key,
    /// After ON.
    On,
}

/// Checks an expression and rewrites what is in it.
pub(super) fn check(expr: &mut Expr, at: Where, names: &mut Names<'_>) -> Result<(), Error> {
    Walk { at, names, depth: 0, in_aggregate: false, in_over: false }.expr(expr)
}

/// A walk down one expression.
pub(super) struct Walk<'a, 'b> {
    pub(super) at: Where,
    names: &'a mut Names<'b>,
    depth: usize,
    /// Whether an aggregate is around, within which there is no other.
    pub(super) in_aggregate: bool,
    /// Whether a window function is around.
    pub(super) in_over: bool,
}

impl Walk<'_, '_> {
    pub(super) fn expr(&mut self, expr: &mut Expr) -> Result<(), Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(refused(
                expr,
                "the expression is too long or too deep; join a table of values instead",
            ));
        }
        // The engine that takes a join's condition apart would not know it again.
        let beyond = self.at != Where::On && self.names.any_beyond() && self.names.goes_beyond(expr.span());
        let windowed = matches!(expr, Expr::Function(f) if f.over.is_some());
        let written = if beyond || windowed { own::number_of(&expr.to_string()) } else { 0 };
        self.within(expr)?;
        self.depth -= 1;
        if let Expr::Function(function) = expr
            && let Some(own) = windows::own(function, written)?
        {
            *expr = own;
            return Ok(());
        }
        if beyond && let Some(exact) = exact::instead(expr, written, self.at == Where::Filter)? {
            *expr = exact;
            return Ok(());
        }
        if let Expr::Function(function) = expr
            && function.name.to_string().eq_ignore_ascii_case("date_trunc")
        {
            let kind = self.names.kind_at(function.name.span());
            *expr = truncate::moment(function, kind)?;
        }
        rewrite::apply(expr)
    }

    fn all<'e>(&mut self, exprs: impl IntoIterator<Item = &'e mut Expr>) -> Result<(), Error> {
        exprs.into_iter().try_for_each(|e| self.expr(e))
    }

    fn within(&mut self, expr: &mut Expr) -> Result<(), Error> {
        match expr {
            Expr::Identifier(ident) => column(ident),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [table, ident] => {
                    self.names.qualifier(table)?;
                    column(ident)
                }
                _ => Err(unable(expr, "a column is written column, or table.column")),
            },
            Expr::Value(value) => match value.value.clone() {
                // The engine reads no powers of ten.
                Value::Number(digits, false) if digits.contains(['e', 'E']) => match digits.parse::<f64>() {
                    Ok(number) if number.is_finite() => {
                        value.value = Value::Number(format!("{number:.1}"), false);
                        let whole = format!("{number}");
                        if whole.contains('.') {
                            value.value = Value::Number(whole, false);
                        }
                        Ok(())
                    }
                    _ => Err(unable(expr, "a number is 1, 1.5 or 1e3, up to 1.8e308")),
                },
                Value::Number(digits, false) if digits.parse::<i128>().is_ok_and(|n| n > 1 << 63) => {
                    Err(unable(expr, &format!("a whole number has 64 bits; write {digits}.0, as a fraction")))
                }
                Value::Number(..) | Value::SingleQuotedString(_) | Value::Boolean(_) | Value::Null => Ok(()),
                other => {
                    let text = format!("{other} is no value here; there are 1, 1.5, 'text', TRUE and NULL");
                    Err(refused(expr, &text))
                }
            },
            Expr::TypedString(typed) => match (&typed.data_type, &typed.value.value) {
                (
                    DataType::Date | DataType::Datetime(None) | DataType::Timestamp(None, TimezoneInfo::None),
                    Value::SingleQuotedString(_),
                ) => Ok(()),
                _ => Err(refused(expr, "there are DATE '2024-01-31' and TIMESTAMP '2024-01-31 12:00:00'")),
            },
            Expr::Interval(interval) => match &*interval.value {
                Expr::Value(v) if matches!(v.value, Value::SingleQuotedString(_)) => Ok(()),
                _ => Err(unable(expr, "an interval is written INTERVAL '1 day'")),
            },
            Expr::BinaryOp { op, .. } if !operator(op) => {
                let text = format!(
                    "the operator {op} is not supported; there are + - * / % || = <> < <= > >= AND OR"
                );
                Err(unable(expr, &text))
            }
            Expr::BinaryOp { left, right, .. } => self.all([&mut **left, &mut **right]),
            Expr::UnaryOp { op: UnaryOperator::Plus | UnaryOperator::Minus | UnaryOperator::Not, expr } => {
                self.expr(expr)
            }
            Expr::Nested(e)
            | Expr::IsNull(e)
            | Expr::IsNotNull(e)
            | Expr::IsTrue(e)
            | Expr::IsNotTrue(e)
            | Expr::IsFalse(e)
            | Expr::IsNotFalse(e) => self.expr(e),
            Expr::IsDistinctFrom(a, b) | Expr::IsNotDistinctFrom(a, b) => self.all([&mut **a, &mut **b]),
            Expr::Between { expr, low, high, .. } => self.all([&mut **expr, &mut **low, &mut **high]),
            Expr::InList { expr: e, list, .. } => {
                let constants = list.iter().all(constant);
                self.expr(e)?;
                self.all(list)?;
                if constants {
                    Ok(())
                } else {
                    Err(unable(expr, "IN (…) lists constants; use OR, or IN (SELECT …)"))
                }
            }
            Expr::InSubquery { expr: e, subquery, .. } => {
                let at = e.span();
                self.expr(e)?;
                self.subquery_may_stand(at, |names| allow::query(subquery, names, false, false))
            }
            Expr::Exists { subquery, .. } => {
                let at = subquery.span();
                self.subquery_may_stand(at, |names| allow::query(subquery, names, false, false))
            }
            Expr::Subquery(query) => allow::query(query, self.names, false, true),
            Expr::Like { any: false, expr: e, pattern, .. }
            | Expr::ILike { any: false, expr: e, pattern, .. } => {
                let literal =
                    matches!(&**pattern, Expr::Value(v) if matches!(v.value, Value::SingleQuotedString(_)));
                self.expr(e)?;
                if literal {
                    Ok(())
                } else {
                    Err(unable(expr, "the pattern of LIKE is a text in single quotes"))
                }
            }
            Expr::Like { .. } | Expr::ILike { .. } => {
                Err(unable(expr, "LIKE has no ANY here; say it with OR, or use regexp_like"))
            }
            Expr::Case { operand, conditions, else_result, .. } => {
                self.all(operand.as_deref_mut())?;
                for when in conditions {
                    self.all([&mut when.condition, &mut when.result])?;
                }
                self.all(else_result.as_deref_mut())
            }
            Expr::Cast { kind, expr: e, data_type, array: false, format: None } => {
                if !matches!(
                    kind,
                    CastKind::Cast | CastKind::TryCast | CastKind::DoubleColon | CastKind::SafeCast
                ) {
                    return Err(unable(expr, "there are CAST(x AS type), TRY_CAST(x AS type) and x::type"));
                }
                match kinds::storable(data_type) {
                    Some(instead) => *data_type = instead,
                    None => {
                        let text = format!(
                            "there is no type {data_type}; there are BIGINT, DOUBLE, BOOLEAN, VARCHAR, DATE and TIMESTAMP"
                        );
                        return Err(unable(expr, &text));
                    }
                }
                self.expr(e)
            }
            Expr::Extract { field, expr: e, .. } => {
                use DateTimeField as F;
                let known = matches!(
                    field,
                    F::Year
                        | F::Month
                        | F::Day
                        | F::Hour
                        | F::Minute
                        | F::Second
                        | F::Quarter
                        | F::Week(None)
                        | F::DayOfYear
                        | F::Doy
                        | F::Isoyear
                        | F::IsoWeek
                        | F::Isodow
                );
                if known {
                    return self.expr(e);
                }
                // DOW counts from Monday or Sunday, by engine; parts below the second differ as well.
                let text =
                    "EXTRACT takes YEAR, QUARTER, MONTH, WEEK, DAY, DOY, ISODOW, HOUR, MINUTE or SECOND";
                Err(unable(expr, text))
            }
            Expr::Ceil { expr: e, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) }
            | Expr::Floor { expr: e, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
                self.expr(e)
            }
            Expr::Position { expr, r#in } => self.all([&mut **expr, &mut **r#in]),
            Expr::Substring { expr, substring_from, substring_for, .. } => {
                self.expr(expr)?;
                self.all(substring_from.as_deref_mut())?;
                self.all(substring_for.as_deref_mut())
            }
            Expr::Trim { trim_what, expr, trim_characters: None, .. } => {
                self.all(trim_what.as_deref_mut())?;
                self.expr(expr)
            }
            Expr::Function(function) => self.function(function),
            other => {
                let mut text = other.to_string();
                if text.chars().count() > 60 {
                    text = text.chars().take(60).chain(['…']).collect();
                }
                Err(refused(other, &format!("{text} is not one of the expressions that are allowed")))
            }
        }
    }

    fn subquery_may_stand(
        &mut self,
        at: Span,
        check: impl FnOnce(&mut Names<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if self.at != Where::Filter {
            let text = "IN (SELECT …) and EXISTS (SELECT …) stand in WHERE only";
            return Err(Error::Sql(format!("{}{text}", place(at))));
        }
        check(self.names)
    }

    fn function(&mut self, function: &mut Function) -> Result<(), Error> {
        let name = function.name.to_string();
        let Some(known) = sql::function(&name) else {
            let near = sql::nearest(&name, sql::FUNCTIONS.iter().map(|f| f.name));
            let hint = if near.is_empty() {
                String::new()
            } else {
                format!("; did you mean {}?", near.join(" or "))
            };
            return Err(refused(
                &function.name,
                &format!("{name}() is not one of the functions that are allowed{hint}"),
            ));
        };
        let odd = function.uses_odbc_syntax
            || !matches!(function.parameters, FunctionArguments::None)
            || function.null_treatment.is_some()
            || !function.within_group.is_empty();
        if odd {
            return Err(unable(&function.name, &format!("{name} is called as {}", known.usage)));
        }
        windows::check(function, known, self)?;
        let aggregate = known.kind == FunctionKind::Aggregate && function.over.is_none();
        if aggregate {
            if !matches!(self.at, Where::Item | Where::Having) {
                return Err(unable(
                    &function.name,
                    &format!("{name} gathers many rows: it stands in SELECT or HAVING"),
                ));
            }
            if self.in_aggregate {
                return Err(unable(
                    &function.name,
                    "an aggregate can't stand in another; take the inner one into WITH",
                ));
            }
        } else if function.filter.is_some() {
            return Err(unable(&function.name, "FILTER stands after an aggregate without OVER"));
        }
        let around = (self.in_aggregate, self.in_over);
        self.in_aggregate |= aggregate;
        self.in_over |= function.over.is_some();
        self.arguments(function, known)?;
        (self.in_aggregate, self.in_over) = around;
        Ok(())
    }

    fn arguments(&mut self, function: &mut Function, known: &sql::SqlFunction) -> Result<(), Error> {
        if let Some(filter) = &mut function.filter {
            self.expr(filter)?;
        }
        let at = function.name.clone();
        let wrong = || unable(&at, &format!("{} is called as {}", known.name, known.usage));
        let list = match &mut function.args {
            FunctionArguments::List(list) => list,
            FunctionArguments::None => return Err(wrong()),
            FunctionArguments::Subquery(_) => return Err(wrong()),
        };
        let FunctionArgumentList { duplicate_treatment, args, clauses } = list;
        let few = |least| known.kind == FunctionKind::Scalar && args.len() < least;
        if arity::of(known.usage).is_some_and(|(least, most)| few(least) || args.len() > most) {
            return Err(wrong());
        }
        if duplicate_treatment.is_some() && known.kind != FunctionKind::Aggregate {
            return Err(wrong());
        }
        for arg in args.iter_mut() {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => self.expr(e)?,
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if known.name == "count" => {}
                _ => return Err(wrong()),
            }
        }
        for clause in clauses {
            match clause {
                FunctionArgumentClause::OrderBy(keys) => self.all(keys.iter_mut().map(|k| &mut k.expr))?,
                _ => return Err(wrong()),
            }
        }
        if known.name == "substr" && args.len() == 2 {
            // Without a length the engine would give the start where that is not a constant.
            args.push(FunctionArg::Unnamed(FunctionArgExpr::Expr(rewrite::number("2147483647"))));
        }
        Ok(())
    }

    pub(super) fn keys<'e>(&mut self, keys: impl IntoIterator<Item = &'e mut Expr>) -> Result<(), Error> {
        self.all(keys)
    }
}

/// The engine takes some names for patterns.
fn column(ident: &Ident) -> Result<(), Error> {
    let name = &ident.value;
    if name == "*" || (name.starts_with('^') && name.ends_with('$')) {
        return Err(unable(&allow::of(ident), "a column of this name can't be asked for"));
    }
    Ok(())
}

fn constant(expr: &Expr) -> bool {
    match expr {
        Expr::Value(_) => true,
        Expr::TypedString(_) => true,
        Expr::UnaryOp { expr, .. } | Expr::Nested(expr) => matches!(&**expr, Expr::Value(_)),
        _ => false,
    }
}

fn operator(op: &BinaryOperator) -> bool {
    use BinaryOperator as B;
    matches!(
        op,
        B::Plus
            | B::Minus
            | B::Multiply
            | B::Divide
            | B::Modulo
            | B::StringConcat
            | B::Eq
            | B::NotEq
            | B::Lt
            | B::LtEq
            | B::Gt
            | B::GtEq
            | B::And
            | B::Or
    )
}
