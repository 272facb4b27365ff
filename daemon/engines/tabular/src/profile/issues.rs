//! What is worth a look in a column, with how many rows it concerns and what to do.

use dropforge_shared::page::ColumnType;
use dropforge_shared::profile::{Issue, Scalar, Severity};

use super::column::Described;

/// Numbers that often stand for a value that nobody knew.
const SENTINELS: [i64; 6] = [-999, -9999, -99999, 9999, 99999, 999_999];

/// Rows below which shares say little.
const FEW_ROWS: u64 = 20;

/// Issues of all columns, the most severe first, then in file order.
pub(crate) fn issues(described: &[Described], rows: u64) -> Vec<Issue> {
    let mut found: Vec<Issue> = described.iter().flat_map(|d| of_column(d, rows)).collect();
    if rows == 0 {
        found.push(issue(None, "empty", Severity::High, "the table has no rows".to_owned(), 0));
    }
    found.sort_by_key(|i| i.severity);
    found
}

fn issue(column: Option<&str>, kind: &str, severity: Severity, detail: String, rows: u64) -> Issue {
    Issue { column: column.map(str::to_owned), kind: kind.to_owned(), severity, detail, rows }
}

fn percent(part: u64, whole: u64) -> String {
    let share = part as f64 / whole.max(1) as f64 * 100.0;
    if share > 0.0 && share < 0.1 { "under 0.1 %".to_owned() } else { format!("{share:.1} %") }
}

/// Whether a column names its rows: no model learns anything from it.
pub(crate) fn is_id_like(d: &Described, rows: u64) -> bool {
    let p = &d.profile;
    let present = rows.saturating_sub(p.nulls);
    if rows < FEW_ROWS || present < rows * 9 / 10 || !p.distinct_exact && p.distinct < present / 10 * 9 {
        return false;
    }
    let unique =
        if p.distinct_exact { p.distinct == present } else { p.distinct as f64 > present as f64 * 0.95 };
    let name = p.name.to_lowercase();
    let named = ["id", "uuid", "guid", "key", "index", "row_name", "rownames", "nr", "no", "unnamed: 0"]
        .iter()
        .any(|n| name == *n)
        || ["_id", " id", "-id", ".id", "_key", "_uuid", "_no", "_nr"].iter().any(|n| name.ends_with(n))
        || p.name.ends_with("Id")
        || p.name.ends_with("ID");
    match p.kind {
        ColumnType::Integer => unique && (d.facts.counts_up || named),
        // Short texts without gaps in their uniqueness: codes. Long ones are prose, which is unique too.
        ColumnType::Text => unique && (named || d.facts.same_length || d.facts.mean_length <= 40.0),
        _ => false,
    }
}

fn of_column(d: &Described, rows: u64) -> Vec<Issue> {
    let (p, f) = (&d.profile, &d.facts);
    let mut found = Vec::new();
    let mut add = |kind: &str, severity, detail: String, rows| {
        found.push(issue(Some(&p.name), kind, severity, detail, rows));
    };
    let present = rows.saturating_sub(p.nulls);
    if rows == 0 {
        return found;
    }
    if present == 0 {
        add("all_null", Severity::High, "every value is missing; drop the column".to_owned(), rows);
        return found;
    }
    if p.distinct == 1 && p.distinct_exact && rows > 1 {
        let value = p.top.first().map(|t| t.value.display()).unwrap_or_default();
        add(
            "constant",
            Severity::Medium,
            format!("every value is {value}; it tells nothing apart, drop it"),
            present,
        );
    }
    if p.nulls > 0 {
        let severity = match p.nulls * 100 / rows {
            50.. => Severity::High,
            5.. => Severity::Medium,
            _ => Severity::Low,
        };
        let share = percent(p.nulls, rows);
        add(
            "missing",
            severity,
            format!("{share} of the values are missing; fill them in, or drop the rows or the column"),
            p.nulls,
        );
    }
    if f.non_finite > 0 {
        let detail = "NaN or infinite values are left out of the figures; replace them by missing".to_owned();
        add("non_finite", Severity::Medium, detail, f.non_finite);
    }
    let id_like = is_id_like(d, rows);
    if id_like {
        let detail = "every value is different, as in an identifier; keep it out of models".to_owned();
        add("id_like", Severity::Medium, detail, present);
    }
    numeric(d, id_like, &mut add);
    textual(d, present, &mut add);
    imbalance(d, present, &mut add);
    found
}

fn numeric(d: &Described, id_like: bool, add: &mut impl FnMut(&str, Severity, String, u64)) {
    let (p, f) = (&d.profile, &d.facts);
    if !p.kind.is_numeric() || id_like {
        return;
    }
    if p.outliers > 0 && p.distinct > 2 {
        let severity = if p.outliers * 20 > f.values { Severity::Medium } else { Severity::Low };
        let share = percent(p.outliers, f.values);
        let detail =
            format!("{share} of the values lie beyond 1.5 interquartile ranges; check them, or clip them");
        add("outliers", severity, detail, p.outliers);
    }
    if let Some(skewness) = f.skewness.filter(|s| s.abs() > 2.0 && p.distinct > 2) {
        let side = if skewness > 0.0 { "large" } else { "small" };
        let detail =
            format!("skewness {skewness:.1}: a long tail of {side} values; a log transform may help");
        add("skew", Severity::Low, detail, f.values);
    }
    // A sentinel is a frequent value at the very end of the range, far from the others.
    let quantiles = p.quantiles;
    for top in &p.top {
        let (value, whole) = match top.value {
            Scalar::Int(v) => (v as f64, v),
            Scalar::Float(v) if v.fract() == 0.0 && v.abs() < 1e7 => (v, v as i64),
            _ => continue,
        };
        let end = Some(&top.value) == p.min.as_ref() || Some(&top.value) == p.max.as_ref();
        let far = quantiles.is_some_and(|q| {
            let spread = (q.p75 - q.p25).max(f64::MIN_POSITIVE);
            value < q.p25 - 3.0 * spread || value > q.p75 + 3.0 * spread
        });
        if top.count > 1 && SENTINELS.contains(&whole) && end && far {
            let detail = format!("{whole} looks like a stand-in for missing; replace it by missing");
            add("placeholders", Severity::High, detail, top.count);
        }
    }
}

fn textual(d: &Described, present: u64, add: &mut impl FnMut(&str, Severity, String, u64)) {
    let (p, f) = (&d.profile, &d.facts);
    if p.kind != ColumnType::Text {
        return;
    }
    if f.blanks > 0 {
        let detail = "blanks before or behind the text make equal values differ; trim them".to_owned();
        add("blanks", Severity::Low, detail, f.blanks);
    }
    if f.placeholders > 0 {
        let detail = "words such as ‘unknown’ or ‘?’ stand for missing; replace them by missing".to_owned();
        add("placeholders", Severity::Low, detail, f.placeholders);
    }
    if f.numeric_texts < present && f.numeric_texts * 5 >= present * 4 {
        let others = present - f.numeric_texts;
        let share = percent(f.numeric_texts, present);
        let detail = format!(
            "{share} of the values are numbers and {others} are not, so the column is text; look at those"
        );
        add("mixed_types", Severity::Medium, detail, others);
    }
}

fn imbalance(d: &Described, present: u64, add: &mut impl FnMut(&str, Severity, String, u64)) {
    let p = &d.profile;
    let categorical =
        matches!(p.kind, ColumnType::Text | ColumnType::Boolean) && (2..=20).contains(&p.distinct);
    let Some(first) =
        p.top.first().filter(|t| categorical && present >= FEW_ROWS && t.count * 20 >= present * 19)
    else {
        return;
    };
    let detail = format!(
        "{} of the values are {}; the others are rare",
        percent(first.count, present),
        first.value.display()
    );
    add("imbalance", Severity::Low, detail, first.count);
}
