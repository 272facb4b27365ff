//! One rule, a TOML file: how it is written and checked. Knows nothing of where rules lie or of how tables are scored
//! by them.
//!
//! A rule's parts, by example:
//!
//! ```toml
//! name = "market_prices"                # what `show` prints; small letters, digits, '_' and '-'
//! title = "Market prices"               # what people read
//! enough = 5                            # weight of columns found from which on the names convince fully
//! core_needed = 2                       # how many core columns there must be
//! anti = ["*_review", "passenger*"]     # patterns of columns that speak against the type
//!
//! [[column]]                            # a column that tables of this type have
//! role = "open"                         # what the rest of the rule calls it
//! core = true                           # telling for the type (default false)
//! weight = 1.0                          # the default
//! most = 1                              # how many columns may play the role (the default)
//! names = ["open", "opening price"]     # compared without case, accents, separators, brackets and a counting suffix
//! patterns = ["*_open", "open_#"]       # '*' any text, '#' digits; on small words joined by '_'
//! values = ["numeric"]                  # the column fits if its values have any of these shapes
//! needs = ["numeric"]                   # it does not play the role, whatever its name, unless they have any of these
//!
//! [[shape]]                             # telling values, whatever the names
//! measure = "ohlc"                      # see `Measure`; `of` names a shape or a role where one is needed
//! at_least = 0.99                       # default 1; `at_most` may stand beside it
//! weight = 3.0
//!
//! [[hint]]                              # what else is usual for such tables
//! measure = "time_ordered"
//! ```

use serde::Deserialize;
use toml::Spanned;

use super::names::{self, Pattern};
use super::shapes::Shape;

/// The type of a table that is of no other type.
pub(crate) const GENERIC: &str = "generic";

/// One type of data.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    name: Spanned<String>,
    pub(crate) title: String,
    #[serde(default = "enough")]
    enough: Spanned<f64>,
    #[serde(default)]
    pub(crate) core_needed: usize,
    #[serde(default)]
    pub(crate) anti: Vec<Pattern>,
    #[serde(default, rename = "column")]
    pub(crate) columns: Vec<Role>,
    #[serde(default, rename = "shape")]
    pub(crate) shapes: Vec<Test>,
    #[serde(default, rename = "hint")]
    pub(crate) hints: Vec<Test>,
}

fn enough() -> Spanned<f64> {
    Spanned::new(0..0, 4.0)
}

/// A column that tables of a type have.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Role {
    pub(crate) role: String,
    #[serde(default)]
    pub(crate) core: bool,
    #[serde(default = "one")]
    pub(crate) weight: f64,
    #[serde(default = "once")]
    pub(crate) most: usize,
    /// As written; [`Rule::check`] leaves them as keys.
    #[serde(default)]
    pub(crate) names: Vec<String>,
    #[serde(default)]
    pub(crate) patterns: Vec<Pattern>,
    #[serde(default)]
    pub(crate) values: Vec<Shape>,
    #[serde(default)]
    pub(crate) needs: Vec<Shape>,
}

fn one() -> f64 {
    1.0
}

fn once() -> usize {
    1
}

/// Something to be measured on a table, and what it should be.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Test {
    pub(crate) measure: Measure,
    #[serde(default)]
    of: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) at_least: Option<f64>,
    #[serde(default)]
    pub(crate) at_most: Option<f64>,
    #[serde(default = "one")]
    pub(crate) weight: f64,
    /// `of`, where it is a shape.
    #[serde(skip)]
    pub(crate) shape: Option<Shape>,
}

impl Test {
    /// The role or shape that is measured, as written.
    pub(crate) fn of(&self) -> &str {
        self.of.as_ref().map_or("", |of| of.get_ref())
    }

    /// Whether a measured value is as it should be.
    pub(crate) fn holds(&self, value: f64) -> bool {
        let least = self.at_least.or(if self.at_most.is_none() { Some(1.0) } else { None });
        least.is_none_or(|least| value >= least) && self.at_most.is_none_or(|most| value <= most)
    }
}

/// What can be measured on a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Measure {
    /// The share of columns that play a role of the type; not without names.
    Explained,
    /// Rows.
    Rows,
    /// Columns.
    Columns,
    /// The share of columns that are numeric.
    Numeric,
    /// How many columns have the shape `of`.
    Count,
    /// The share of columns that have the shape `of`.
    Share,
    /// 1 where the column of the role `of` has a different value in each row, else 0; not without names.
    Unique,
    /// 1 where values of the column of the role `of` repeat, else 0; not without names.
    Repeats,
    /// The share of rows with low ≤ open, close ≤ high, in the columns of these roles, else in four side by side.
    Ohlc,
    /// 1 where there are degrees north and east, in the columns of these roles, else in two side by side.
    Coordinates,
    /// 1 where a column of times goes only up or only down, else 0.
    TimeOrdered,
    /// 1 where the times of a column come at regular intervals, else 0.
    RegularTime,
    /// 1 where they do and the intervals are shorter than a day, else 0.
    Intraday,
    /// The share of numeric columns that change little from row to row: a correlation of 0.7 with the row before.
    Smooth,
    /// 1 where two columns of repeated codes stand beside a column of stars, else 0.
    UserItem,
    /// 1 where a column of sentences stands beside one of categories, else 0.
    TextAndLabel,
    /// The share of columns with the most frequent scale of answers.
    SameScale,
}

impl Rule {
    /// The type's name.
    pub(crate) fn name(&self) -> &str {
        self.name.get_ref()
    }

    /// The weight of columns from which on names convince fully.
    pub(crate) fn enough(&self) -> f64 {
        *self.enough.get_ref()
    }

    /// Reads a rule. An error says line and reason.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let at = |offset: usize| {
            let before = text.as_bytes().get(..offset).unwrap_or_default();
            1 + before.iter().filter(|b| **b == b'\n').count()
        };
        let mut rule: Self = toml::from_str(text).map_err(|e: toml::de::Error| {
            format!("line {}: {}", e.span().map_or(1, |s| at(s.start)), e.message().replace('\n', " "))
        })?;
        rule.check().map_err(|(offset, reason)| format!("line {}: {reason}", at(offset)))?;
        Ok(rule)
    }

    /// What the form of the file does not say. An error has the offset of what is wrong.
    fn check(&mut self) -> Result<(), (usize, String)> {
        let start = self.name.span().start;
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
        if self.name().is_empty() || self.name().len() > 60 || !self.name().chars().all(good) {
            return Err((
                start,
                format!(
                    "the name '{}' must be of small letters, digits, '_' and '-', 60 at most",
                    self.name()
                ),
            ));
        }
        if self.name() == GENERIC {
            let empty = self.columns.is_empty() && self.shapes.is_empty() && self.hints.is_empty();
            return if empty {
                Ok(())
            } else {
                Err((
                    start,
                    "'generic' is what no other type fits: it can have a title, nothing more".to_owned(),
                ))
            };
        }
        if !(self.enough() > 0.0 && self.enough().is_finite()) {
            return Err((self.enough.span().start, "'enough' must be above 0".to_owned()));
        }
        if self.columns.is_empty() && self.shapes.is_empty() {
            return Err((
                start,
                "the rule has no [[column]] and no [[shape]], so nothing could match it".to_owned(),
            ));
        }
        let weights = self.columns.iter().map(|c| c.weight);
        let weights = weights.chain(self.shapes.iter().chain(&self.hints).map(|t| t.weight));
        if let Some(bad) = weights.into_iter().find(|w| !(w.is_finite() && *w > 0.0)) {
            return Err((start, format!("a weight is {bad}: weights must be above 0")));
        }
        let core = self.columns.iter().filter(|c| c.core).count();
        if self.core_needed > core {
            return Err((
                start,
                format!("'core_needed' is {}, but {core} columns are core", self.core_needed),
            ));
        }
        for role in &mut self.columns {
            for name in &mut role.names {
                *name = names::key(name);
            }
        }
        let roles: Vec<&str> = self.columns.iter().map(|c| c.role.as_str()).collect();
        for test in self.shapes.iter_mut().chain(&mut self.hints) {
            test.shape = resolve(test, &roles)
                .map_err(|reason| (test.of.as_ref().map_or(start, |of| of.span().start), reason))?;
        }
        Ok(())
    }
}

fn resolve(test: &Test, roles: &[&str]) -> Result<Option<Shape>, String> {
    let of = test.of();
    match test.measure {
        Measure::Count | Measure::Share => {
            let shape = toml::Value::String(of.to_owned());
            let shape = shape
                .try_into::<Shape>()
                .map_err(|e| format!("'of' must be a shape: {}", e.message().replace('\n', " ")))?;
            Ok(Some(shape))
        }
        Measure::Unique | Measure::Repeats if roles.contains(&of) => Ok(None),
        Measure::Unique | Measure::Repeats => {
            Err(format!("'of' must be a role of the rule's columns ({}), not '{of}'", roles.join(", ")))
        }
        _ if of.is_empty() => Ok(None),
        _ => Err("this measure has no 'of'".to_owned()),
    }
}
