//! A guess at the column that one would predict: by its name, by its place and by what it holds. No reason, no guess;
//! and never a column that names its rows, is constant, or holds dates.

use dropforge_shared::page::ColumnType;
use dropforge_shared::profile::{Scalar, TargetGuess};

use super::column::Described;
use super::issues::is_id_like;

/// Names that say so themselves.
const CERTAIN: [&str; 22] = [
    "target",
    "label",
    "labels",
    "class",
    "classes",
    "outcome",
    "response",
    "y",
    "churn",
    "churned",
    "survived",
    "exited",
    "defaulted",
    "attrition",
    "diagnosis",
    "is_fraud",
    "isfraud",
    "fraud",
    "dependent",
    "ground_truth",
    "y_true",
    "class_label",
];

/// Names of what is often predicted.
const LIKELY: [&str; 27] = [
    "species",
    "default",
    "price",
    "prices",
    "saleprice",
    "selling_price",
    "sale_price",
    "median_house_value",
    "medhousevalue",
    "medhouseval",
    "medv",
    "quality",
    "rating",
    "income",
    "salary",
    "sentiment",
    "category",
    "status",
    "result",
    "score",
    "mpg",
    "charges",
    "demand",
    "sales",
    "revenue",
    "yield",
    "subscribed",
];

/// Words of a longer name that hint at one.
const HINTS: [&str; 8] = ["target", "label", "churn", "outcome", "survived", "fraud", "default", "response"];

/// Words of names that tell rows apart rather than being told: a place at the end alone makes none of them a target.
const GIVEN: [&str; 33] = [
    "sex",
    "gender",
    "age",
    "race",
    "ethnicity",
    "id",
    "year",
    "month",
    "day",
    "weekday",
    "hour",
    "date",
    "time",
    "region",
    "state",
    "country",
    "county",
    "city",
    "continent",
    "zip",
    "education",
    "occupation",
    "marital",
    "name",
    "alter",
    "geschlecht",
    "jahr",
    "monat",
    "sexe",
    "sexo",
    "currency",
    "unit",
    "notes",
];

/// Classes that a column at the end may have.
const CLASSES: u64 = 20;

/// The guess, if there is a reason for one.
pub(crate) fn guess(described: &[Described], rows: u64) -> Option<TargetGuess> {
    if described.len() < 2 {
        return None;
    }
    let end = described.len() - 1;
    let candidates = described.iter().enumerate().filter_map(|(i, d)| {
        let problem = problem(d, rows)?;
        let last = i == end && could_be_told(d, described);
        let (confidence, reason) = reasons(d, problem, last)?;
        Some((d, problem, confidence, reason))
    });
    // The last of equals: targets stand at the end more often than at the start.
    let (d, problem, confidence, rationale) = candidates.max_by(|a, b| a.2.total_cmp(&b.2))?;
    Some(TargetGuess {
        column: d.profile.name.clone(),
        problem: problem.to_owned(),
        confidence: (confidence * 100.0).round() / 100.0,
        rationale,
    })
}

/// Whether a place at the end may speak for a column: not for what is given of a row, not for the last of a battery such
/// as `q1`, `q2`, `q3`, and not for amounts that happen to be few.
fn could_be_told(d: &Described, described: &[Described]) -> bool {
    let folded = snake(&d.profile.name);
    if folded.split('_').any(|word| GIVEN.contains(&word)) {
        return false;
    }
    let stem = |name: &str| {
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
        (stem.len() < name.len()).then(|| stem.to_owned())
    };
    let mine = stem(&folded);
    if mine.is_some() && described.iter().filter(|o| stem(&snake(&o.profile.name)) == mine).count() > 2 {
        return false;
    }
    match (d.profile.kind, &d.profile.min, &d.profile.max) {
        // Classes are numbered without wide gaps.
        (ColumnType::Integer, Some(Scalar::Int(min)), Some(Scalar::Int(max))) => {
            d.profile.distinct <= 2 || max.abs_diff(*min) < d.profile.distinct.saturating_mul(3)
        }
        _ => true,
    }
}

/// How sure one may be, and why; `None` where nothing speaks for the column.
fn reasons(d: &Described, problem: &str, last: bool) -> Option<(f64, String)> {
    let name = &d.profile.name;
    let folded = snake(name);
    let classes = d.profile.distinct;
    let (mut confidence, mut reason) = if CERTAIN.contains(&folded.as_str()) {
        (0.85, format!("its name, {name}, says that it is one"))
    } else if LIKELY.contains(&folded.as_str()) {
        (0.5, format!("{name} is a name of what is often predicted"))
    } else if let Some(word) = folded.split('_').find(|word| HINTS.contains(word)) {
        (0.5, format!("its name has the word {word} in it"))
    } else if last && problem != "regression" {
        return Some((0.35, format!("it is the last column and holds {classes} classes")));
    } else {
        return None;
    };
    if last {
        confidence += 0.1;
        reason.push_str(", and it is the last column");
    }
    if problem == "binary" {
        reason.push_str("; it has two values");
    }
    Some((confidence, reason))
}

/// `SalePrice`, `sale price` and `sale-price?` as `sale_price`.
fn snake(name: &str) -> String {
    let mut folded = String::with_capacity(name.len() + 4);
    let mut lower = false;
    for c in name.trim().chars() {
        if c.is_alphanumeric() {
            if c.is_uppercase() && lower {
                folded.push('_');
            }
            folded.extend(c.to_lowercase());
        } else if !folded.ends_with('_') {
            folded.push('_');
        }
        lower = c.is_lowercase();
    }
    folded.trim_matches('_').to_owned()
}

/// What predicting the column would be; `None` where it makes no target.
fn problem(d: &Described, rows: u64) -> Option<&'static str> {
    let p = &d.profile;
    let present = rows.saturating_sub(p.nulls);
    if is_id_like(d, rows) || p.distinct < 2 || p.nulls * 2 > rows || present < 10 {
        return None;
    }
    let classes = p.distinct <= CLASSES && p.distinct * 5 <= present;
    match p.kind {
        ColumnType::Date | ColumnType::Datetime => None,
        _ if p.distinct == 2 => Some("binary"),
        ColumnType::Text | ColumnType::Boolean | ColumnType::Integer if classes => Some("multiclass"),
        // Every value another: a name or a number of the row, whatever it is called.
        ColumnType::Integer if p.distinct == present && d.facts.counts_up => None,
        ColumnType::Integer | ColumnType::Float => Some("regression"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::snake;

    #[test]
    fn names_are_told_whatever_their_style() {
        for name in ["SalePrice", "sale price", "Sale-Price?", "SALE_PRICE", " salePrice "] {
            assert_eq!(snake(name), "sale_price", "{name}");
        }
        assert_eq!(snake("Churn?"), "churn");
    }
}
