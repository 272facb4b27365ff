//! A step with its columns found and its settings read: what is wrong is told with step, column and what would be right.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use dropforge_shared::page::{Column, ColumnType};
use dropforge_shared::steps::{self, StepError};
use dropforge_shared::suggest::StepChoice;

/// Names that a message lists.
const LISTED: usize = 12;

/// Where an error arose.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) step: usize,
    pub(crate) op: String,
}

impl Place {
    pub(crate) fn wrong(&self, column: Option<&str>, reason: impl Into<String>) -> StepError {
        StepError {
            step: self.step,
            op: self.op.clone(),
            column: column.map(str::to_owned),
            reason: reason.into(),
        }
    }
}

/// A step and the columns that the steps before it leave.
pub(crate) struct Bound<'a> {
    pub(crate) place: Place,
    pub(crate) schema: &'a [Column],
    named: &'a [String],
    settings: BTreeMap<String, String>,
}

impl<'a> Bound<'a> {
    /// `number` counts from 1.
    pub(crate) fn new(number: usize, choice: &'a StepChoice, schema: &'a [Column]) -> Self {
        let place = Place { step: number, op: choice.op.clone() };
        Self { place, schema, named: &choice.columns, settings: steps::with_defaults(choice) }
    }

    pub(crate) fn wrong(&self, column: Option<&str>, reason: impl Into<String>) -> StepError {
        self.place.wrong(column, reason)
    }

    /// Whether the step names no column.
    pub(crate) fn names_none(&self) -> bool {
        self.named.is_empty()
    }

    /// The columns that it names, of types that it takes (`what` says them); at least one.
    pub(crate) fn columns(
        &self,
        takes: impl Fn(ColumnType) -> bool,
        what: &str,
    ) -> Result<Vec<Column>, StepError> {
        if self.named.is_empty() {
            return Err(self.wrong(None, "it must name the columns to work on, and names none"));
        }
        let mut seen = BTreeSet::new();
        let mut found = Vec::with_capacity(self.named.len());
        let by_name: BTreeMap<&str, &Column> = self.schema.iter().map(|c| (c.name.as_str(), c)).collect();
        for name in self.named {
            let Some(column) = by_name.get(name.as_str()) else {
                return Err(
                    self.wrong(Some(name), format!("there is no such column here; {}", self.listed()))
                );
            };
            if !seen.insert(name) {
                return Err(self.wrong(Some(name), "it is named twice"));
            }
            if !takes(column.kind) {
                let is = column.kind.name();
                return Err(self.wrong(Some(name), format!("it takes {what}, and this one is {is}")));
            }
            found.push((*column).clone());
        }
        Ok(found)
    }

    /// The one column that it names.
    pub(crate) fn column(&self) -> Result<Column, StepError> {
        let mut columns = self.columns(|_| true, "one column")?;
        match (columns.pop(), columns.is_empty()) {
            (Some(column), true) => Ok(column),
            _ => Err(self.wrong(None, format!("it takes one column, and {} are named", self.named.len()))),
        }
    }

    fn listed(&self) -> String {
        let mut names: Vec<&str> = self.schema.iter().take(LISTED).map(|c| c.name.as_str()).collect();
        let more = self.schema.len().saturating_sub(LISTED);
        let rest = format!("and {more} more");
        if more > 0 {
            names.push(&rest);
        }
        format!("there are {}", names.join(", "))
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.settings.get(name).map(String::as_str).unwrap_or_default()
    }

    pub(crate) fn switch(&self, name: &str) -> bool {
        self.text(name) == "true"
    }

    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        steps::split_values(self.text(name))
    }

    /// A finite number within a range.
    pub(crate) fn number(&self, name: &str, range: RangeInclusive<f64>) -> Result<f64, StepError> {
        let text = self.text(name);
        text.trim().parse::<f64>().ok().filter(|v| v.is_finite() && range.contains(v)).ok_or_else(|| {
            let (low, high) = (*range.start(), *range.end());
            let within = match (low > f64::MIN, high < f64::MAX) {
                (true, true) => format!("a number from {low} to {high}"),
                (true, false) => format!("a number of at least {low}"),
                _ => "a number".to_owned(),
            };
            self.wrong(None, format!("{name} cannot be '{text}'; it must be {within}"))
        })
    }

    /// A whole number within a range.
    pub(crate) fn count(&self, name: &str, range: RangeInclusive<usize>) -> Result<usize, StepError> {
        let text = self.text(name);
        text.trim().parse().ok().filter(|v| range.contains(v)).ok_or_else(|| {
            let reason = format!(
                "{name} cannot be '{text}'; it must be a whole number from {} to {}",
                range.start(),
                range.end()
            );
            self.wrong(None, reason)
        })
    }
}
