//! The profile of a dataset: the contract of `profile FILE --json`.
//!
//! All figures are exact over all rows unless a field says otherwise. `std` is the sample standard deviation (n − 1).
//! Quantiles interpolate linearly between order statistics (type 7 of Hyndman & Fan, 1996, "Sample Quantiles in
//! Statistical Packages", The American Statistician 50:361–365, the default of R and NumPy).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::page::ColumnType;

/// The profile of one dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// The file's id.
    pub file: String,
    /// Rows read.
    pub rows: u64,
    /// One entry a column, in file order.
    pub columns: Vec<ColumnProfile>,
    /// Pairwise Pearson correlation of the numeric columns, of the first fifty where there are more; `None` of fewer than two.
    pub correlations: Option<Correlations>,
    /// Pairwise Spearman rank correlation of the same columns; ties have their mean rank.
    #[serde(default)]
    pub spearman: Option<Correlations>,
    /// Pairwise Cramér's V of the columns with few values, with Bergsma's correction of its bias (2013, "A bias-correction
    /// for Cramér's V and Tschuprow's T", Journal of the Korean Statistical Society 42:323–328).
    #[serde(default)]
    pub cramers_v: Option<Correlations>,
    /// Rows that spearman and cramers_v were taken from, where not all: a fixed-stride sample. `None` for all rows.
    #[serde(default)]
    pub association_rows: Option<u64>,
    /// The standard error that the sample leaves in them, 1/√(rows − 1), which is that of a correlation near 0 and an upper bound
    /// of that of others between normal variables (Fisher, 1915, Biometrika 10:507–521). `None` where all rows were taken.
    #[serde(default)]
    pub association_error: Option<f64>,
    /// What is worth a look, most severe first.
    pub issues: Vec<Issue>,
    /// A guess at what one would predict.
    pub target: Option<TargetGuess>,
}

/// Figures of one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// The column's name.
    pub name: String,
    /// The logical type.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// Missing values (empty cells and null tokens).
    pub nulls: u64,
    /// Each spelling of missing (`""`, `NA`, `null`, …) with its count. The counts add up to `nulls`.
    pub null_tokens: BTreeMap<String, u64>,
    /// Different values, missing not counted.
    pub distinct: u64,
    /// Whether `distinct` is exact.
    pub distinct_exact: bool,
    /// The relative standard error of `distinct` where it is an estimate, else 0.
    pub distinct_error: f64,
    /// Smallest value: a number, or ISO text of a date, or the first text in byte order.
    pub min: Option<Scalar>,
    /// Largest value.
    pub max: Option<Scalar>,
    /// Arithmetic mean of the finite values of a numeric column.
    pub mean: Option<f64>,
    /// Sample standard deviation of the finite values of a numeric column.
    pub std: Option<f64>,
    /// Quantiles of a numeric column.
    pub quantiles: Option<Quantiles>,
    /// Values equal to zero, for a numeric column.
    pub zeros: u64,
    /// Values outside [q25 − 1.5·IQR, q75 + 1.5·IQR] (Tukey, 1977, "Exploratory Data Analysis").
    pub outliers: u64,
    /// Sample skewness of the finite values of a numeric column: m₃ / m₂^1.5 (g₁ of Joanes & Gill, 1998, "Comparing
    /// measures of sample skewness and kurtosis", The Statistician 47:183–189).
    #[serde(default)]
    pub skewness: Option<f64>,
    /// Equal-width histogram of a numeric column.
    pub histogram: Option<Histogram>,
    /// The most frequent values, by count and then by value, ten at most.
    pub top: Vec<TopValue>,
}

/// A value in a profile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text, or a date in ISO 8601.
    Text(String),
}

impl Scalar {
    /// The value as a person reads it.
    pub fn display(&self) -> String {
        match self {
            Self::Bool(b) => b.to_string(),
            Self::Int(i) => i.to_string(),
            Self::Float(f) => f.to_string(),
            Self::Text(t) => t.clone(),
        }
    }
}

/// Five quantiles.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    /// 5 %.
    pub p05: f64,
    /// 25 %.
    pub p25: f64,
    /// The median.
    pub p50: f64,
    /// 75 %.
    pub p75: f64,
    /// 95 %.
    pub p95: f64,
}

/// Counts between edges: `counts[i]` values lie in `[edges[i], edges[i+1])`, the last interval closed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Ascending, one more than `counts`.
    pub edges: Vec<f64>,
    /// Values in each interval.
    pub counts: Vec<u64>,
}

/// A frequent value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopValue {
    /// The value.
    pub value: Scalar,
    /// How often it occurs.
    pub count: u64,
}

/// A symmetric matrix of correlations; `None` where a column is constant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Correlations {
    /// The columns, in the matrix' order.
    pub columns: Vec<String>,
    /// Rows of the matrix.
    pub matrix: Vec<Vec<Option<f64>>>,
}

/// How much an issue matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Likely to spoil results.
    High,
    /// Worth a look.
    Medium,
    /// Good to know.
    Low,
}

/// Something about the data that is worth a look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Issue {
    /// The column, or `None` for the whole table.
    pub column: Option<String>,
    /// A stable name: `constant`, `missing`, `id_like`, `outliers`, `mixed_types`, `blanks`, `all_null`, `non_finite`, …
    pub kind: String,
    /// How much it matters.
    pub severity: Severity,
    /// What was found, in a sentence, and what to do.
    pub detail: String,
    /// Rows affected.
    pub rows: u64,
}

/// A guess at the column one would predict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetGuess {
    /// The column.
    pub column: String,
    /// `regression`, `binary` or `multiclass`.
    pub problem: String,
    /// 0 to 1.
    pub confidence: f64,
    /// Why.
    pub rationale: String,
}
