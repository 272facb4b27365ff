//! What kind of data a dataset holds: the scores of every type, as the Type tab and `type FILE` show them.
//!
//! Formula and levels: a type's score is Σ(w·s)/Σw over the strategies that could look at the table; a strategy that
//! could not (names, in a table without a header) is left out of both sums.

use serde::{Deserialize, Serialize};

use crate::file::{Evidence, TypeGuess};

/// The output of an `ingest` job that holds a [`Detection`] as JSON.
pub const DETECTION: &str = "detection.json";

/// Every type's score for one dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// What the detector decided, before any choice of the user.
    pub decided: TypeGuess,
    /// All types, best first.
    pub candidates: Vec<TypeCandidate>,
    /// Names the header whatever the case of its columns; a user's choice is remembered under it. `None` where the
    /// file has no header.
    pub fingerprint: Option<String>,
    /// Whether the detector is so unsure that the user should be asked.
    pub ask: bool,
    /// Rules of the user that were not used, each with file, line and reason.
    #[serde(default)]
    pub bad_rules: Vec<String>,
}

/// One type's score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TypeCandidate {
    /// The type's name.
    pub name: String,
    /// What it is, in words, from its rule.
    pub title: String,
    /// 0 to 100.
    pub score: f64,
    /// What each strategy found.
    pub evidence: Vec<Evidence>,
}
