//! Expressions that the engine would take otherwise than SQL does, said in other words. What is put together here is not
//! looked at again.

use sqlparser::ast::{
    BinaryOperator, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, UnaryOperator,
    Value,
};

use super::allow::unable;
use super::parse;
use crate::error::Error;

/// Parts of an expression that is said several times over. Within each other such would grow without end.
const MAX_PARTS: usize = 2_000;

/// A number as a literal.
pub(super) fn number(digits: &str) -> Expr {
    Expr::value(Value::Number(digits.into(), false))
}

/// Puts the other words in the place of `expr`, where there are any.
pub(super) fn apply(expr: &mut Expr) -> Result<(), Error> {
    let truth = |b: bool| Box::new(Expr::value(Value::Boolean(b)));
    let new = match expr {
        // The engine's IS TRUE and its kin answer missing for missing.
        Expr::IsTrue(e) => Expr::IsNotDistinctFrom(taken(e), truth(true)),
        Expr::IsNotTrue(e) => Expr::IsDistinctFrom(taken(e), truth(true)),
        Expr::IsFalse(e) => Expr::IsNotDistinctFrom(taken(e), truth(false)),
        Expr::IsNotFalse(e) => Expr::IsDistinctFrom(taken(e), truth(false)),
        // Its remainder has the sign of the divisor.
        Expr::BinaryOp { left, op: BinaryOperator::Modulo, right } => {
            said("(sign(A) * (abs(A) % abs(B)))", &[("A", left), ("B", right)])?
        }
        // It counts bytes.
        Expr::Position { expr, r#in } => strpos(r#in, expr)?,
        // The engine knows no ESCAPE.
        Expr::Like { escape_char: Some(_), .. } | Expr::ILike { escape_char: Some(_), .. } => escaped(expr)?,
        Expr::Cast { expr: text, data_type: DataType::Timestamp(..), .. } => match &**text {
            // A text that stands there is read in more ways than one in a column.
            Expr::Value(v) if matches!(v.value, Value::SingleQuotedString(_)) => said("TIMESTAMP '' ", &[])
                .map(|mut typed| {
                if let Expr::TypedString(typed) = &mut typed {
                    typed.value = v.clone();
                }
                typed
            })?,
            _ => return Ok(()),
        },
        Expr::Function(function) => {
            let name = function.name.to_string().to_lowercase();
            match (name.as_str(), arguments(function).as_slice()) {
                ("mod", [a, b]) => said("(sign(A) * (abs(A) % abs(B)))", &[("A", a), ("B", b)])?,
                ("strpos", [text, part]) => strpos(text, part)?,
                ("round", [x]) => round(x, None)?,
                ("round", [x, digits]) => round(x, Some(digits))?,
                // It reads from the wrong end where the text is shorter, and gives texts for missing ones.
                ("left", [text, n]) => {
                    positive(function, n)?;
                    said("substr(A, 1, B)", &[("A", text), ("B", n)])?
                }
                ("right", [text, n]) => {
                    positive(function, n)?;
                    said("CASE WHEN length(A) <= B THEN A ELSE right(A, B) END", &[("A", text), ("B", n)])?
                }
                ("left" | "right" | "strpos" | "mod" | "round", _) => {
                    return Err(unable(&function.name, &format!("{name} takes other arguments")));
                }
                _ => return Ok(()),
            }
        }
        _ => return Ok(()),
    };
    *expr = new;
    Ok(())
}

fn taken(expr: &mut Box<Expr>) -> Box<Expr> {
    std::mem::replace(expr, Box::new(Expr::value(Value::Null)))
}

fn arguments(function: &Function) -> Vec<Expr> {
    let FunctionArguments::List(list) = &function.args else { return Vec::new() };
    let expr = |arg: &FunctionArg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => Some(e.clone()),
        _ => None,
    };
    list.args.iter().filter_map(expr).collect()
}

fn positive(function: &Function, n: &Expr) -> Result<(), Error> {
    let digits = matches!(n, Expr::Value(v) if matches!(&v.value, Value::Number(d, _) if d.parse::<u32>().is_ok_and(|d| d > 0)));
    if digits {
        return Ok(());
    }
    Err(unable(&function.name, &format!("{} takes a text and a number from 1, as it stands", function.name)))
}

/// `LIKE … ESCAPE` as a regular expression.
fn escaped(like: &Expr) -> Result<Expr, Error> {
    let (Expr::Like { negated, expr, pattern, escape_char, .. }
    | Expr::ILike { negated, expr, pattern, escape_char, .. }) = like
    else {
        return Err(Error::Internal("this is no LIKE".into()));
    };
    let text = |v: &Value| match v {
        Value::SingleQuotedString(text) => Some(text.clone()),
        _ => None,
    };
    let pattern = match &**pattern {
        Expr::Value(v) => text(&v.value),
        _ => None,
    };
    let escape = escape_char.as_ref().and_then(|v| text(&v.value)).filter(|e| e.chars().count() <= 1);
    let (Some(pattern), Some(escape)) = (pattern, escape) else {
        return Err(unable(like, "LIKE 'pattern' ESCAPE 'c' takes one character, in single quotes"));
    };
    let escape = escape.chars().next();
    let mut regex = if matches!(like, Expr::ILike { .. }) { "(?is)^".to_owned() } else { "(?s)^".to_owned() };
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        let literal = if Some(c) == escape {
            match chars.next().filter(|next| matches!(next, '%' | '_') || Some(*next) == escape) {
                Some(next) => next,
                None => {
                    return Err(unable(
                        like,
                        "in the pattern %, _ or the character itself follows that of ESCAPE",
                    ));
                }
            }
        } else if c == '%' {
            regex.push_str(".*");
            continue;
        } else if c == '_' {
            regex.push('.');
            continue;
        } else {
            c
        };
        // Every character that means something to the expression is punctuation.
        if literal.is_ascii_punctuation() {
            regex.push('\\');
        }
        regex.push(literal);
    }
    regex.push('$');
    let regex = Expr::value(Value::SingleQuotedString(regex));
    let words = if *negated { "NOT regexp_like(A, P)" } else { "regexp_like(A, P)" };
    said(words, &[("A", expr), ("P", &regex)])
}

/// Characters, from 1; 0 where it is not there.
fn strpos(text: &Expr, part: &Expr) -> Result<Expr, Error> {
    let words = "CASE WHEN A IS NULL OR B IS NULL THEN NULL WHEN strpos(A, B) = 0 THEN 0 WHEN B = '' THEN 1 \
                 ELSE length(split_part(A, B, 1)) + 1 END";
    said(words, &[("A", text), ("B", part)])
}

/// Halves go away from zero, as SQL has it; the engine has them go to the even neighbour.
fn round(x: &Expr, digits: Option<&Expr>) -> Result<Expr, Error> {
    let Some(digits) = digits else {
        return said(
            "(sign(A) * (CASE WHEN abs(A) - floor(abs(A)) >= 0.5 THEN ceil(abs(A)) ELSE floor(abs(A)) END))",
            &[("A", x)],
        );
    };
    let power = match digits {
        Expr::Value(v) => match &v.value {
            Value::Number(n, _) => {
                n.parse::<u32>().ok().filter(|n| *n <= 15).map(|n| format!("1{}.0", "0".repeat(n as usize)))
            }
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, .. } => None,
        _ => None,
    };
    let Some(power) = power else {
        return Err(unable(digits, "round takes a number of digits from 0 to 15, as it stands"));
    };
    let words = "(sign(A) * (CASE WHEN abs(A) * P - floor(abs(A) * P) >= 0.5 THEN ceil(abs(A) * P) ELSE floor(abs(A) * P) END) / P)";
    said(words, &[("A", x), ("P", &number(&power))])
}

/// `words` with expressions in the place of bare names.
pub(super) fn said(words: &str, parts: &[(&str, &Expr)]) -> Result<Expr, Error> {
    let mut size = 0;
    for (_, part) in parts {
        let _ = sqlparser::ast::visit_expressions(*part, |_| {
            size += 1;
            std::ops::ControlFlow::<()>::Continue(())
        });
        if size > MAX_PARTS {
            return Err(unable(*part, "the expression is too long; take parts of it into WITH"));
        }
    }
    let mut expr = parse::expression(words)?;
    let _ = sqlparser::ast::visit_expressions_mut(&mut expr, |e| {
        if let Expr::Identifier(name) = e
            && let Some((_, part)) = parts.iter().find(|(n, _)| *n == name.value)
        {
            *e = match part {
                Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Value(_) | Expr::Nested(_) => {
                    (*part).clone()
                }
                other => Expr::Nested(Box::new((*other).clone())),
            };
        }
        std::ops::ControlFlow::<()>::Continue(())
    });
    Ok(expr)
}
