//! Between which bounds an integer expression stays, from the least and the greatest value of the columns that it names: to
//! tell where arithmetic could leave the 64 bits of an integer, or the fewer of a count, and must say so. Must not know where
//! the bounds of columns come from.

use sqlparser::ast::{BinaryOperator as B, DataType, DateTimeField as F, Expr, UnaryOperator, Value};

use super::kinds;

/// Rows that a table can have: the engine numbers them with 32 bits.
pub(super) const MOST_ROWS: u64 = 1 << 32;

const INTEGER: (i128, i128) = (i64::MIN as i128, i64::MAX as i128);

/// What an integer expression can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    /// The least and the greatest value.
    pub(super) of: (i128, i128),
    /// What the engine's type for it holds.
    holds: (i128, i128),
}

impl Range {
    /// Of a column.
    pub(super) fn column(least: i64, greatest: i64) -> Self {
        Self { of: (i128::from(least), i128::from(greatest)), holds: INTEGER }
    }

    /// Of an integer that nothing is known about.
    pub(super) fn any() -> Self {
        Self { of: INTEGER, holds: INTEGER }
    }

    /// Of a count, which the engine keeps in 32 bits.
    fn count(most: i128) -> Self {
        Self { of: (0, most), holds: (0, (1 << 32) - 1) }
    }

    pub(super) fn joined(self, other: Self) -> Self {
        let narrower = |a: (i128, i128), b: (i128, i128)| (a.0.max(b.0), a.1.min(b.1));
        Self {
            of: (self.of.0.min(other.of.0), self.of.1.max(other.of.1)),
            holds: narrower(self.holds, other.holds),
        }
    }

    fn with(self, of: (i128, i128)) -> Self {
        Self { of, ..self }
    }

    /// Whether the engine's type does not hold it.
    pub(super) fn goes_beyond(self) -> bool {
        self.of.0 < self.holds.0 || self.of.1 > self.holds.1
    }

    /// As it is once it was made sure that it does not go beyond an integer.
    fn kept(self) -> Self {
        if !self.goes_beyond() {
            return self;
        }
        Self { of: (self.of.0.max(INTEGER.0), self.of.1.min(INTEGER.1)), holds: INTEGER }
    }
}

/// Bounds of the columns, and the rows that there may be.
pub(super) struct Known<'k> {
    pub(super) columns: &'k dyn Fn(&Expr) -> Option<Range>,
    pub(super) rows: u64,
}

impl Known<'_> {
    /// Between which bounds the value of an expression is; `None` where it is not known to be an integer.
    pub(super) fn of(&self, expr: &Expr) -> Option<Range> {
        self.unkept(expr).map(Range::kept)
    }

    /// The same, before it is made sure that it does not go beyond.
    pub(super) fn unkept(&self, expr: &Expr) -> Option<Range> {
        match expr {
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => (self.columns)(expr),
            Expr::Nested(e) | Expr::UnaryOp { op: UnaryOperator::Plus, expr: e } => self.of(e),
            Expr::Value(v) => match &v.value {
                Value::Number(digits, _) => digits.parse().ok().map(|n| Range::column(n, n)),
                _ => None,
            },
            Expr::UnaryOp { op: UnaryOperator::Minus, expr: e } => {
                let inside = self.of(e)?;
                Some(inside.with((-inside.of.1, -inside.of.0)))
            }
            Expr::BinaryOp { left, op, right } => {
                let (a, b) = (self.of(left)?, self.of(right)?);
                let of = match op {
                    B::Plus => (a.of.0 + b.of.0, a.of.1 + b.of.1),
                    B::Minus => (a.of.0 - b.of.1, a.of.1 - b.of.0),
                    B::Multiply => {
                        let corners = [a.of.0 * b.of.0, a.of.0 * b.of.1, a.of.1 * b.of.0, a.of.1 * b.of.1];
                        corners.iter().fold((corners[0], corners[0]), |r, c| (r.0.min(*c), r.1.max(*c)))
                    }
                    B::Modulo => {
                        let most = a.of.0.abs().max(a.of.1.abs());
                        return Some(a.with((-most, most)).kept());
                    }
                    _ => return None,
                };
                Some(a.joined(b).with(of))
            }
            Expr::Cast { expr: e, data_type, .. } => match kinds::storable(data_type)? {
                DataType::BigInt(_) => {
                    Some(self.of(e).map_or(Range::any(), |r| Range { holds: INTEGER, ..r }))
                }
                _ => None,
            },
            Expr::Case { conditions, else_result, .. } => {
                let results = conditions.iter().map(|when| &when.result);
                self.all(results.chain(else_result.as_deref()))
            }
            Expr::Extract { field, .. } => Some(match field {
                F::Year | F::Isoyear => Range { of: (-300_000, 300_000), holds: (-(1 << 31), (1 << 31) - 1) },
                F::DayOfYear | F::Doy => Range { of: (1, 366), holds: (-(1 << 15), (1 << 15) - 1) },
                _ => Range { of: (0, 60), holds: (-128, 127) },
            }),
            Expr::Function(f) => self.function(&f.name.to_string().to_lowercase(), &kinds::arguments(f)),
            _ => None,
        }
    }

    fn all<'e>(&self, mut exprs: impl Iterator<Item = &'e Expr>) -> Option<Range> {
        let missing = |e: &&Expr| !matches!(e, Expr::Value(v) if v.value == Value::Null);
        let mut all = None;
        for expr in exprs.by_ref().filter(missing) {
            let one = self.of(expr)?;
            all = Some(all.map_or(one, |all: Range| all.joined(one)));
        }
        all
    }

    fn function(&self, name: &str, arguments: &[&Expr]) -> Option<Range> {
        let first = || arguments.first().and_then(|e| self.of(e));
        let rows = i128::from(self.rows.min(MOST_ROWS - 1));
        match name {
            "abs" => first().map(|r| r.with((0, r.of.0.abs().max(r.of.1.abs())))),
            "sum" | "total" => {
                let one = first()?;
                Some(Range { of: ((one.of.0 * rows).min(0), (one.of.1 * rows).max(0)), holds: INTEGER })
            }
            "min" | "max" | "first" | "last" | "first_value" | "last_value" | "lag" | "lead" | "nullif" => {
                first()
            }
            "coalesce" | "ifnull" | "greatest" | "least" => self.all(arguments.iter().copied()),
            "if" => self.all(arguments.iter().copied().skip(1)),
            "count" | "row_number" | "rank" | "dense_rank" => Some(Range::count(rows)),
            "length" | "char_length" | "character_length" | "octet_length" | "strpos" => {
                Some(Range::count(i128::from(u32::MAX)))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Known, Range};
    use crate::query::parse;

    #[test]
    fn what_stays_within_an_integer_is_left_as_it_is() {
        let columns = |_: &sqlparser::ast::Expr| Some(Range::column(-1_000, 1_000_000));
        let known = Known { columns: &columns, rows: 10_000_000 };
        let beyond =
            |words: &str| known.unkept(&parse::expression(words).unwrap()).is_some_and(Range::goes_beyond);
        for words in [
            "a + 1",
            "a * a",
            "sum(a)",
            "sum(a * 1000)",
            "-a",
            "abs(a) - 1",
            "sum(CASE WHEN a > 1 THEN a END)",
        ] {
            assert!(!beyond(words), "{words}");
        }
        for words in [
            "a * a * a * a",
            "sum(a * a)",
            "a + 9223372036854775807",
            "count(*) - 1",
            "sum(CAST(1.5 AS BIGINT))",
        ] {
            assert!(beyond(words), "{words}");
        }
    }
}
