//! Models worth training on the likely target. How confident is a rule of thumb: how well models of this kind do on tables of
//! this size and make, by common experience. No target, no models.

use dropforge_shared::page::ColumnType;
use dropforge_shared::profile::Profile;
use dropforge_shared::suggest::ModelSuggestion;

/// What matters of a table.
struct Table {
    /// Rows with a target.
    rows: u64,
    features: u64,
    /// Share of features that are texts or truth values.
    categories: f64,
    missing: bool,
    /// Some pair of numbers is correlated by over 0.8.
    tied: bool,
}

pub(super) fn models(profile: &Profile) -> Vec<ModelSuggestion> {
    let Some(target) = &profile.target else { return Vec::new() };
    let features: Vec<_> = profile
        .columns
        .iter()
        .filter(|c| c.name != target.column && c.distinct > 1)
        .filter(|c| {
            let id = |i: &&dropforge_shared::profile::Issue| {
                i.kind == "id_like" && i.column.as_deref() == Some(&c.name)
            };
            !profile.issues.iter().any(|i| id(&i))
        })
        .collect();
    if features.is_empty() {
        return Vec::new();
    }
    let nulls = profile.columns.iter().find(|c| c.name == target.column).map_or(0, |c| c.nulls);
    let texts = features.iter().filter(|c| matches!(c.kind, ColumnType::Text | ColumnType::Boolean)).count();
    let off_diagonal = |m: &Vec<Vec<Option<f64>>>| {
        m.iter().enumerate().any(|(i, row)| {
            row.iter().enumerate().any(|(j, r)| i != j && r.is_some_and(|r| r.abs() > 0.8 && r.abs() < 1.0))
        })
    };
    let table = Table {
        rows: profile.rows.saturating_sub(nulls),
        features: features.len() as u64,
        categories: texts as f64 / features.len() as f64,
        missing: features.iter().any(|c| c.nulls > 0),
        tied: profile.correlations.as_ref().is_some_and(|c| off_diagonal(&c.matrix)),
    };
    let mut all = trees(&table);
    if target.problem == "regression" {
        all.extend(regression(&table));
    } else {
        all.extend(classification(&table));
    }
    all.extend(others(&table));
    all.sort_by(|a, b| b.confidence.total_cmp(&a.confidence).then_with(|| a.algorithm.cmp(&b.algorithm)));
    all
}

fn model(algorithm: &str, confidence: f64, rationale: String) -> ModelSuggestion {
    let confidence = (confidence.clamp(0.05, 0.95) * 100.0).round() / 100.0;
    ModelSuggestion { algorithm: algorithm.to_owned(), confidence, rationale }
}

fn trees(t: &Table) -> Vec<ModelSuggestion> {
    let (rows, mixed) = (t.rows, if t.categories > 0.0 && t.categories < 1.0 { 0.03 } else { 0.0 });
    let size = match rows {
        ..200 => -0.25,
        200..1_000 => -0.05,
        _ => 0.05,
    };
    let few = if rows < 200 { format!("; {rows} rows are few for it") } else { String::new() };
    let missing = if t.missing { ", and no scaling or filling" } else { ", and no scaling" };
    vec![
        model(
            "gradient_boosting",
            0.8 + size + mixed,
            format!("mostly the best on tables: it finds bends and interactions by itself{missing}{few}"),
        ),
        model(
            "random_forest",
            0.74 + size / 2.0 + mixed,
            format!("nearly as good without tuning, and hard to overfit, on {rows} rows"),
        ),
        model(
            "extra_trees",
            0.6 + size / 2.0,
            "as a random forest, with less variance where columns are noisy".to_owned(),
        ),
    ]
}

/// How well a straight model does: it needs few rows for each column.
fn straight(t: &Table) -> f64 {
    if t.rows < t.features * 10 {
        -0.05
    } else if t.rows < 1_000 {
        0.1
    } else {
        0.0
    }
}

fn classification(t: &Table) -> Vec<ModelSuggestion> {
    let (rows, features) = (t.rows, t.features);
    let bayes = if t.categories > 0.5 { 0.1 } else { 0.0 } + if rows < 500 { 0.1 } else { 0.0 };
    vec![
        model(
            "logistic",
            0.6 + straight(t),
            format!("a straight model whose weights can be read; {rows} rows for {features} columns, scaled"),
        ),
        model(
            "naive_bayes",
            0.3 + bayes,
            "learns from very few rows in one pass; takes columns for independent, which they seldom are"
                .to_owned(),
        ),
    ]
}

fn regression(t: &Table) -> Vec<ModelSuggestion> {
    let (rows, features) = (t.rows, t.features);
    let tied = if t.tied { 0.08 } else { 0.0 };
    let wide = if features > 20 || rows < features * 10 { 0.1 } else { 0.0 };
    let why = if t.tied {
        "some columns are correlated by over 0.8, which it holds in check"
    } else {
        "steadier than plain least squares"
    };
    vec![
        model("ridge", 0.6 + straight(t) / 2.0 + tied, format!("a straight model; {why}")),
        model(
            "linear",
            0.55 + straight(t) - tied,
            format!("least squares: weights can be read; {rows} rows for {features} columns"),
        ),
        model("lasso", 0.42 + wide, format!("leaves out columns that do not help, of {features}")),
        model(
            "elastic_net",
            0.4 + wide + tied,
            "between ridge and lasso, for many or correlated columns".to_owned(),
        ),
    ]
}

fn others(t: &Table) -> Vec<ModelSuggestion> {
    let (rows, features) = (t.rows, t.features);
    let mut found = Vec::new();
    // Every prediction looks at every row.
    if rows <= 50_000 && features <= 30 {
        found.push(model(
            "knn",
            if t.categories > 0.5 { 0.25 } else { 0.38 },
            format!(
                "looks at the nearest of {rows} rows; needs scaled numbers and few columns ({features} here)"
            ),
        ));
    }
    // Training grows with the square of the rows.
    if rows <= 10_000 {
        let confidence = if rows < 2_000 { 0.45 } else { 0.35 };
        found.push(model(
            "svm",
            confidence,
            format!("strong on small tables of scaled numbers; {rows} rows are few enough"),
        ));
    }
    if rows >= 500 {
        found.push(model(
            "ensemble",
            0.5,
            "the best of the others put together: often a little better, slower to explain".to_owned(),
        ));
    }
    found.push(model("dummy", 0.1, "says the same for every row: what any model must beat".to_owned()));
    found
}
