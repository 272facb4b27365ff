//! Types of expressions, as far as they can be told from the text and the types of columns: for errors with a place, and
//! for what is rewritten by type. What is not known for certain has none.

use dropforge_shared::page::ColumnType::{self, Boolean, Date, Datetime, Float, Integer, Text};
use sqlparser::ast::{
    BinaryOperator as B, DataType, ExactNumberInfo, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, TimezoneInfo, UnaryOperator, Value,
};

use super::allow::unable;
use crate::error::Error;

/// The type of a column in a statement.
type Columns<'c> = dyn Fn(&Expr) -> Option<ColumnType> + 'c;

/// The type of an expression.
pub(super) fn of(expr: &Expr, columns: &Columns<'_>) -> Option<ColumnType> {
    let of = |e: &Expr| of(e, columns);
    match expr {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => columns(expr),
        Expr::Nested(e) => of(e),
        Expr::Value(v) => match &v.value {
            Value::Number(digits, _) if digits.parse::<i64>().is_ok() => Some(Integer),
            Value::Number(..) => Some(Float),
            Value::SingleQuotedString(_) => Some(Text),
            Value::Boolean(_) => Some(Boolean),
            _ => None,
        },
        Expr::TypedString(typed) => of_type(&typed.data_type),
        Expr::Cast { data_type, .. } => of_type(data_type),
        Expr::UnaryOp { op: UnaryOperator::Minus | UnaryOperator::Plus, expr } => of(expr),
        Expr::UnaryOp { op: UnaryOperator::Not, .. }
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsTrue(_)
        | Expr::IsNotTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsNotFalse(_)
        | Expr::Between { .. }
        | Expr::InList { .. }
        | Expr::InSubquery { .. }
        | Expr::Exists { .. }
        | Expr::Like { .. }
        | Expr::ILike { .. }
        | Expr::IsDistinctFrom(..)
        | Expr::IsNotDistinctFrom(..) => Some(Boolean),
        Expr::BinaryOp { left, op, right } => match op {
            B::Eq | B::NotEq | B::Lt | B::LtEq | B::Gt | B::GtEq | B::And | B::Or => Some(Boolean),
            B::StringConcat => Some(Text),
            B::Divide => [of(left), of(right)].iter().all(|k| numeric(*k)).then_some(Float),
            B::Plus | B::Minus | B::Multiply => match (of(left)?, of(right)?) {
                (Integer, Integer) => Some(Integer),
                (Integer | Float, Integer | Float) => Some(Float),
                _ => None,
            },
            _ => None,
        },
        Expr::Extract { .. } => Some(Integer),
        Expr::Substring { .. } | Expr::Trim { .. } => Some(Text),
        Expr::Function(f) => {
            let name = f.name.to_string().to_lowercase();
            let first = || arguments(f).first().and_then(|e| of(e));
            match name.as_str() {
                "count" | "row_number" | "rank" | "dense_rank" | "length" | "char_length"
                | "character_length" | "octet_length" | "strpos" => Some(Integer),
                "lower" | "upper" | "replace" | "reverse" | "left" | "right" | "lpad" | "rpad" | "ltrim"
                | "rtrim" | "concat" | "concat_ws" | "substr" | "split_part" | "strftime" | "string_agg" => {
                    Some(Text)
                }
                "avg" | "stddev" | "stddev_samp" | "variance" | "var_samp" | "sqrt" | "ln" | "exp"
                | "log10" => Some(Float),
                "min" | "max" | "first" | "last" | "lag" | "lead" | "first_value" | "last_value" | "abs"
                | "nullif" => first(),
                "sum" => first().filter(|k| numeric(Some(*k))),
                "starts_with" | "ends_with" | "regexp_like" => Some(Boolean),
                "date" => Some(Date),
                "strptime" => Some(Datetime),
                _ => None,
            }
        }
        _ => None,
    }
}

fn numeric(kind: Option<ColumnType>) -> bool {
    kind.is_some_and(ColumnType::is_numeric)
}

fn of_type(data_type: &DataType) -> Option<ColumnType> {
    Some(match storable(data_type)? {
        DataType::BigInt(_) => Integer,
        DataType::Double(_) => Float,
        DataType::Boolean => Boolean,
        DataType::Date => Date,
        DataType::Timestamp(..) => Datetime,
        DataType::Varchar(_) => Text,
        _ => return None,
    })
}

/// The plain arguments of a function.
pub(super) fn arguments(function: &Function) -> Vec<&Expr> {
    let FunctionArguments::List(list) = &function.args else { return Vec::new() };
    let expr = |arg| match arg {
        &FunctionArg::Unnamed(FunctionArgExpr::Expr(ref e)) => Some(e),
        _ => None,
    };
    list.args.iter().filter_map(expr).collect()
}

/// Whether an operator or a function can take what it is given, looked at from the outside alone.
pub(super) fn fits(expr: &Expr, columns: &Columns<'_>) -> Result<(), Error> {
    let kind = |e: &Expr| of(e, columns);
    match expr {
        Expr::BinaryOp { left, op: B::Eq | B::NotEq | B::Lt | B::LtEq | B::Gt | B::GtEq, right } => {
            compared(left, kind(left), right, kind(right))
        }
        Expr::BinaryOp {
            left,
            op: op @ (B::Plus | B::Minus | B::Multiply | B::Divide | B::Modulo),
            right,
        } => {
            for side in [left, right] {
                if let Some(found @ (Text | Boolean)) = kind(side)
                    // A text that stands there may be a date to the engine.
                    && !matches!(**side, Expr::Value(_))
                {
                    return Err(unable(
                        &**side,
                        &format!("{op} takes numbers, and {side} is {}; {}", found.name(), cast(side)),
                    ));
                }
            }
            Ok(())
        }
        Expr::Between { expr: e, low, high, .. } => {
            compared(e, kind(e), low, kind(low)).and_then(|()| compared(e, kind(e), high, kind(high)))
        }
        Expr::InList { expr: e, list, .. } => {
            list.iter().try_for_each(|item| compared(e, kind(e), item, kind(item)))
        }
        Expr::Like { expr: e, .. } | Expr::ILike { expr: e, .. } => match kind(e) {
            Some(Text) | None => Ok(()),
            Some(other) => Err(unable(
                &**e,
                &format!("LIKE takes a text, and {e} is {}; CAST({e} AS VARCHAR) makes it one", other.name()),
            )),
        },
        Expr::Function(f) => {
            let name = f.name.to_string().to_lowercase();
            let numbers = matches!(
                name.as_str(),
                "sum"
                    | "avg"
                    | "total"
                    | "median"
                    | "stddev"
                    | "stddev_samp"
                    | "variance"
                    | "var_samp"
                    | "abs"
                    | "sqrt"
                    | "round"
                    | "ceil"
                    | "ceiling"
                    | "floor"
                    | "trunc"
                    | "ln"
                    | "exp"
                    | "log10"
                    | "log2"
                    | "sign"
            );
            let texts = matches!(
                name.as_str(),
                "lower"
                    | "upper"
                    | "length"
                    | "char_length"
                    | "replace"
                    | "reverse"
                    | "strpos"
                    | "split_part"
                    | "starts_with"
                    | "ends_with"
                    | "regexp_like"
                    | "left"
                    | "right"
                    | "substr"
                    | "lpad"
                    | "rpad"
                    | "ltrim"
                    | "rtrim"
                    | "strptime"
            );
            let Some(first) = arguments(f).first().copied() else { return Ok(()) };
            match kind(first) {
                Some(found @ (Text | Date | Datetime)) if numbers => {
                    let way = if found == Text { format!("; {}", cast(first)) } else { String::new() };
                    Err(unable(first, &format!("{name} takes numbers, and {first} is {}{way}", found.name())))
                }
                Some(found) if texts && found != Text => Err(unable(
                    first,
                    &format!(
                        "{name} takes a text, and {first} is {}; CAST({first} AS VARCHAR) makes it one",
                        found.name()
                    ),
                )),
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// A text and a number, or a truth value and anything else, can't be compared.
fn compared(a: &Expr, of_a: Option<ColumnType>, b: &Expr, of_b: Option<ColumnType>) -> Result<(), Error> {
    let (Some(x), Some(y)) = (of_a, of_b) else { return Ok(()) };
    let apart = |x: ColumnType, y: ColumnType| match x {
        Text => y.is_numeric() || y == Boolean,
        Boolean => y.is_numeric() || matches!(y, Date | Datetime),
        _ => x.is_numeric() && matches!(y, Date | Datetime),
    };
    if !apart(x, y) && !apart(y, x) {
        return Ok(());
    }
    let way = match (a, x, b, y) {
        (Expr::Value(v), Text, other, k) | (other, k, Expr::Value(v), Text) if k.is_numeric() => {
            let _ = other;
            format!("write the number without quotes: {}", v.value.to_string().trim_matches('\''))
        }
        (Expr::Value(v), k, _, Text) | (_, Text, Expr::Value(v), k) if k.is_numeric() => {
            format!("write it in quotes: '{v}'")
        }
        (text, Text, _, _) | (_, _, text, Text) => cast(text),
        _ => "cast one of them: CAST(x AS type)".to_owned(),
    };
    Err(unable(a, &format!("{a} is {} and {b} is {}, so they can't be compared; {way}", x.name(), y.name())))
}

fn cast(text: &Expr) -> String {
    format!("TRY_CAST({text} AS DOUBLE) makes numbers of it, and what is none is missing then")
}

/// The types that a dataset can hold, each under one name.
pub(super) fn storable(data_type: &DataType) -> Option<DataType> {
    use DataType as T;
    Some(match data_type {
        T::TinyInt(_)
        | T::SmallInt(_)
        | T::Int2(_)
        | T::Int4(_)
        | T::Int8(_)
        | T::Int(_)
        | T::Integer(_)
        | T::BigInt(_) => T::BigInt(None),
        T::Float(_) | T::Float4 | T::Float8 | T::Real | T::Double(_) | T::DoublePrecision => {
            T::Double(ExactNumberInfo::None)
        }
        T::Bool | T::Boolean => T::Boolean,
        T::Char(_) | T::Character(_) | T::Varchar(_) | T::CharacterVarying(_) | T::Text | T::String(_) => {
            T::Varchar(None)
        }
        T::Date => T::Date,
        T::Datetime(_) | T::Timestamp(_, TimezoneInfo::None) => T::Timestamp(None, TimezoneInfo::None),
        _ => return None,
    })
}
