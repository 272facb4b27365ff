//! What is worth a look in a column, with how many rows it concerns and what to do.
//!
//! Kinds, which stay as they are: `empty`, `duplicate_rows`, `near_duplicate_columns`, `all_null`, `constant`,
//! `missing`, `non_finite`, `id_like`, `outliers`, `skew`, `placeholders`, `blanks`, `variants`, `mixed_types`,
//! `imbalance`.

use dropforge_shared::page::ColumnType;
use dropforge_shared::profile::{Issue, Severity};

use super::column::Described;
use super::correlate::Across;
use super::standins;
use super::words::shortened;

/// Rows below which shares say little.
const FEW_ROWS: u64 = 20;

/// Pearson's coefficient from which on two columns say nearly the same, as prices of one day do, and from which on one
/// is the other in another unit.
const NEAR: f64 = 0.999;
/// See [`NEAR`].
const SAME: f64 = 0.999_99;

/// Bytes of a value that a sentence shows.
const SHOWN: usize = 40;

/// Issues of the table and of all columns, the most severe first, then in file order.
pub(crate) fn issues(described: &[Described], rows: u64, across: &Across) -> Vec<Issue> {
    let mut found = Vec::new();
    if rows == 0 {
        found.push(issue(None, "empty", Severity::High, "the table has no rows".to_owned(), 0));
    }
    if let Some(again) = across.duplicates.filter(|d| d.rows > 0) {
        let about = if again.exact { "" } else { "about " };
        let detail = format!(
            "{about}{} rows ({}) are equal to an earlier one{}; drop them, unless a row may come twice",
            again.rows,
            percent(again.rows, rows),
            if again.exact { "" } else { " (estimated from a part of the rows: too many to hold)" },
        );
        // A list of values repeats; a table of many columns should not.
        let severity = if described.len() > 1 { Severity::Medium } else { Severity::Low };
        found.push(issue(None, "duplicate_rows", severity, detail, again.rows.min(rows)));
    }
    found.extend(described.iter().flat_map(|d| of_column(d, rows)));
    found.extend(alike(described, across));
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
    // Days and amounts that reading left as text are measured, however different they are; codes have one length.
    let looks = &d.facts.looks;
    let measured =
        looks.dates * 5 >= present * 4 || (looks.numbers * 5 >= present * 4 && !d.facts.same_length);
    match p.kind {
        ColumnType::Integer => unique && (d.facts.counts_up || named),
        ColumnType::Text if measured && !named => false,
        // Short texts without gaps in their uniqueness: codes. Long ones are prose, which is unique too.
        ColumnType::Text => unique && (named || d.facts.same_length || d.facts.mean_length <= 40.0),
        _ => false,
    }
}

/// Columns that say the same as an earlier one.
fn alike(described: &[Described], across: &Across) -> Vec<Issue> {
    let mut found = Vec::new();
    let matrix = across.correlations.as_ref();
    for (i, d) in described.iter().enumerate() {
        if d.facts.values == 0 || d.profile.distinct < 2 {
            continue;
        }
        let name = &d.profile.name;
        let mut add = |other: &Described, how: String, same: bool| {
            let (severity, what) = if same {
                (Severity::Medium, "keep one of both")
            } else {
                (Severity::Low, "a straight model needs only one of both")
            };
            let detail = format!("{how} {}; {what}", shortened(&other.profile.name, SHOWN));
            found.push(issue(Some(name), "near_duplicate_columns", severity, detail, d.facts.values));
        };
        let earlier = described.iter().take(i);
        let same = |e: &&Described| e.profile.kind == d.profile.kind && e.facts.print == d.facts.print;
        if let Some(other) = earlier.clone().find(same) {
            add(other, "equal in every row to".to_owned(), true);
            continue;
        }
        let Some((matrix, place)) = matrix.and_then(|m| Some((m, m.columns.iter().position(|c| c == name)?)))
        else {
            continue;
        };
        let r = |e: &Described| {
            let other = matrix.columns.iter().position(|c| *c == e.profile.name)?;
            matrix.matrix.get(place)?.get(other).copied().flatten()
        };
        // What rises row by row goes along with the number of the row, and says something else; and few points may lie
        // on a line by chance.
        if d.facts.counts_up || d.facts.values < FEW_ROWS || d.profile.distinct <= 2 {
            continue;
        }
        let mut others = earlier.filter(|e| !e.facts.counts_up).filter_map(|e| Some((e, r(e)?)));
        let near = others.clone().find(|(_, r)| r.abs() > SAME);
        if let Some((other, r)) = near.or_else(|| others.find(|(_, r)| r.abs() > NEAR)) {
            let how = if r.abs() > SAME {
                "on a straight line with".to_owned()
            } else {
                format!("correlation {r:.4} with")
            };
            add(other, how, r.abs() > SAME);
        }
    }
    found
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
        let value = p.top.first().map(|t| shortened(&t.value.display(), SHOWN)).unwrap_or_default();
        // A mark that is set or not: what is missing says no.
        let (severity, detail) = if p.nulls * 20 > rows {
            let share = percent(present, rows);
            (
                Severity::Low,
                format!(
                    "every value is {value}, in {share} of the rows; if missing means no, make it yes or no"
                ),
            )
        } else {
            (Severity::Medium, format!("every value is {value}; it tells nothing apart, drop it"))
        };
        add("constant", severity, detail, present);
    }
    if p.nulls > 0 {
        let severity = match p.nulls * 100 / rows {
            50.. => Severity::High,
            5.. => Severity::Medium,
            _ => Severity::Low,
        };
        let share = percent(p.nulls, rows);
        let detail =
            format!("{share} of the values are missing; fill them in, or drop the rows or the column");
        add("missing", severity, detail, p.nulls);
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
    let stand_ins = standins::stand_ins(d);
    if !stand_ins.is_empty() {
        let shown: Vec<String> =
            stand_ins.iter().map(|s| format!("{} ({} times)", s.shown, s.rows)).collect();
        let detail = format!(
            "{} lies far from all other values and looks like a stand-in for missing; replace it by missing",
            shown.join(", ")
        );
        add("placeholders", Severity::High, detail, stand_ins.iter().map(|s| s.rows).sum());
    }
    if p.kind.is_numeric() && !id_like {
        numeric(d, &mut add);
    }
    if p.kind == ColumnType::Text {
        textual(d, present, &mut add);
    }
    imbalance(d, present, &mut add);
    found
}

fn numeric(d: &Described, add: &mut impl FnMut(&str, Severity, String, u64)) {
    let (p, f) = (&d.profile, &d.facts);
    if p.outliers > 0 && p.distinct > 2 {
        let severity = if p.outliers * 20 > f.values { Severity::Medium } else { Severity::Low };
        let share = percent(p.outliers, f.values);
        let detail =
            format!("{share} of the values lie beyond 1.5 interquartile ranges; check them, or clip them");
        add("outliers", severity, detail, p.outliers);
    }
    if let Some(skewness) = p.skewness.filter(|s| s.abs() > 2.0 && p.distinct > 2) {
        let side = if skewness > 0.0 { "large" } else { "small" };
        let detail =
            format!("skewness {skewness:.1}: a long tail of {side} values; a log transform may help");
        add("skew", Severity::Low, detail, f.values);
    }
}

fn textual(d: &Described, present: u64, add: &mut impl FnMut(&str, Severity, String, u64)) {
    let looks = &d.facts.looks;
    if looks.blanks > 0 {
        let detail = "blanks before or behind the text make equal values differ; trim them".to_owned();
        add("blanks", Severity::Low, detail, looks.blanks);
    }
    let rows: u64 = looks.placeholders.values().sum();
    // Where every value is another one, a word among them is a code like the rest.
    let code = rows == 1 && d.profile.distinct_exact && d.profile.distinct == present && present >= FEW_ROWS;
    if rows > 0 && !code {
        let words: Vec<String> =
            looks.placeholders.iter().map(|(word, n)| format!("‘{word}’ ({n} times)")).collect();
        let severity = if rows * 20 > present { Severity::Medium } else { Severity::Low };
        let detail = format!("{} stand for missing; replace them by missing", words.join(", "));
        add("placeholders", severity, detail, rows);
    }
    if let Some(most) = d.facts.variants.first() {
        let spelled: Vec<String> = most
            .spellings
            .iter()
            .take(4)
            .map(|(text, n)| format!("‘{}’ ({n})", shortened(text, SHOWN)))
            .collect();
        let others = d.facts.variants.len() - 1;
        let more = if others > 0 { format!(", and {others} more") } else { String::new() };
        let detail =
            format!("one value in several spellings: {}{more}; write each in one way", spelled.join(", "));
        let rows = d.facts.variants.iter().map(super::words::Variants::rows).sum();
        add("variants", Severity::Medium, detail, rows);
    }
    mixed(d, present, add);
}

/// A column that is text only because a few cells are not what the others are.
fn mixed(d: &Described, present: u64, add: &mut impl FnMut(&str, Severity, String, u64)) {
    let looks = &d.facts.looks;
    let [numbers, dates, others] = &looks.examples;
    let (most, what, misfits) = if looks.numbers >= looks.dates {
        (looks.numbers, "numbers", [others, dates])
    } else {
        (looks.dates, "dates", [others, numbers])
    };
    let rest = present.saturating_sub(most);
    if rest == 0 || most < 3 || most * 5 < present * 4 {
        return;
    }
    let examples: Vec<String> = misfits.into_iter().flatten().take(3).map(|e| format!("‘{e}’")).collect();
    let detail = format!(
        "{} of the values are {what} and {rest} are not ({}), so the column is text; correct those or make them missing",
        percent(most, present),
        examples.join(", ")
    );
    add("mixed_types", Severity::Medium, detail, rest);
}

fn imbalance(d: &Described, present: u64, add: &mut impl FnMut(&str, Severity, String, u64)) {
    let p = &d.profile;
    let categorical = match p.kind {
        ColumnType::Text | ColumnType::Boolean => (2..=20).contains(&p.distinct),
        // A flag; of more values it would be a count.
        ColumnType::Integer => p.distinct == 2,
        _ => false,
    };
    let Some(first) =
        p.top.first().filter(|t| categorical && present >= FEW_ROWS && t.count * 20 >= present * 19)
    else {
        return;
    };
    let detail = format!(
        "{} of the values are {}; the others are rare: compare models by more than accuracy",
        percent(first.count, present),
        shortened(&first.value.display(), SHOWN)
    );
    add("imbalance", Severity::Low, detail, first.count);
}
