//! Suggested steps of preparation and models: the contract of `suggest FILE`, what `prepare` runs, and recipes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::page::Page;

/// What one might do with a dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Suggestions {
    /// Steps of preparation, in the order in which they are best run.
    pub steps: Vec<Step>,
    /// Models worth training, best first.
    pub models: Vec<ModelSuggestion>,
}

/// A suggested step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Stable for the same data: `prepare --steps` takes it.
    pub id: String,
    /// The operation: `impute`, `encode`, `scale`, `parse_dates`, `drop`, `clip`, `deduplicate`, `split_list`, …
    pub op: String,
    /// The columns it works on; empty for the whole table.
    pub columns: Vec<String>,
    /// 0 to 1.
    pub confidence: f64,
    /// Why, in a sentence.
    pub rationale: String,
    /// What in the profile speaks for it, with figures.
    #[serde(default)]
    pub evidence: Vec<String>,
    /// The operation's settings with their values, all of them; the user may change each.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// What each setting may be: values with ` | ` between, or a description such as `a number`.
    #[serde(default)]
    pub choices: BTreeMap<String, String>,
}

/// A step as it is run or kept in a recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepChoice {
    /// The operation.
    pub op: String,
    /// The columns.
    #[serde(default)]
    pub columns: Vec<String>,
    /// Settings; what is not there has its default.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
}

impl From<&Step> for StepChoice {
    fn from(step: &Step) -> Self {
        Self { op: step.op.clone(), columns: step.columns.clone(), settings: step.settings.clone() }
    }
}

/// A model worth training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelSuggestion {
    /// The algorithm, by the contract's name.
    pub algorithm: String,
    /// 0 to 1.
    pub confidence: f64,
    /// Why, in a sentence.
    pub rationale: String,
}

/// Steps under a name, to be applied to the next file. Kept as TOML that a user can read and write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    /// Its name: letters, digits, `-` and `_`.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The steps in order.
    pub steps: Vec<StepChoice>,
}

/// The effect of steps on a table's first rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// The rows as they are.
    pub before: Page,
    /// The same rows after the steps. Rows that a step drops are not there.
    pub after: Page,
    /// A line a step: what it does to the whole table as far as the profile tells.
    pub notes: Vec<String>,
}

/// Settings of the kind `prepare`.
pub mod settings {
    /// The steps, as JSON of a list of [`super::StepChoice`].
    pub const STEPS: &str = "steps";
    /// The new dataset's file name.
    pub const NAME: &str = "name";
    /// All of them.
    pub const ALL: [&str; 2] = [STEPS, NAME];
}
