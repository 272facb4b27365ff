//! A guess at the column that one would predict: by its name, else by a last column that holds classes. No reason, no
//! guess; and never a column that names its rows.

use dropforge_shared::page::ColumnType;
use dropforge_shared::profile::TargetGuess;

use super::column::Described;
use super::issues::is_id_like;

/// Names that say so themselves.
const CERTAIN: [&str; 10] =
    ["target", "label", "class", "outcome", "response", "y", "churn", "churned", "survived", "diagnosis"];

/// Names of what is often predicted.
const LIKELY: [&str; 22] = [
    "species",
    "default",
    "defaulted",
    "fraud",
    "is_fraud",
    "price",
    "saleprice",
    "sale_price",
    "medv",
    "quality",
    "rating",
    "income",
    "salary",
    "sentiment",
    "category",
    "status",
    "attrition",
    "result",
    "score",
    "mpg",
    "medhousevalue",
    "charges",
];

/// The guess, if there is a reason for one.
pub(crate) fn guess(described: &[Described], rows: u64) -> Option<TargetGuess> {
    let usable: Vec<(usize, &Described, &'static str)> = described
        .iter()
        .enumerate()
        .filter_map(|(i, d)| problem(d, rows).map(|problem| (i, d, problem)))
        .collect();
    let by_name = |names: &[&str]| {
        // The last of several: targets stand at the end more often than at the start.
        usable.iter().rev().find(|(_, d, _)| names.contains(&d.profile.name.to_lowercase().as_str()))
    };
    let told = |(_, d, problem): &(usize, &Described, &'static str), confidence, rationale: String| {
        TargetGuess { column: d.profile.name.clone(), problem: (*problem).to_owned(), confidence, rationale }
    };
    if described.len() < 2 {
        return None;
    }
    if let Some(found) = by_name(&CERTAIN) {
        return Some(told(found, 0.9, format!("its name, {}, says that it is one", found.1.profile.name)));
    }
    if let Some(found) = by_name(&LIKELY) {
        return Some(told(
            found,
            0.6,
            format!("{} is a name of what is often predicted", found.1.profile.name),
        ));
    }
    let last =
        usable.last().filter(|(i, _, problem)| i + 1 == described.len() && *problem != "regression")?;
    let classes = last.1.profile.distinct;
    Some(told(last, 0.4, format!("it is the last column and holds {classes} classes")))
}

/// What predicting the column would be; `None` where it makes no target.
fn problem(d: &Described, rows: u64) -> Option<&'static str> {
    let p = &d.profile;
    let present = rows.saturating_sub(p.nulls);
    if is_id_like(d, rows) || p.distinct < 2 || p.nulls * 2 > rows || present < 10 {
        return None;
    }
    let classes = p.distinct <= 20 && p.distinct * 5 <= present;
    match p.kind {
        ColumnType::Date | ColumnType::Datetime => None,
        _ if p.distinct == 2 => Some("binary"),
        ColumnType::Text | ColumnType::Boolean | ColumnType::Integer if classes => Some("multiclass"),
        ColumnType::Integer | ColumnType::Float => Some("regression"),
        _ => None,
    }
}
