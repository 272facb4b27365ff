//! Steps that mend: what is wrong whatever the table is for.

use dropforge_shared::page::ColumnType;
use dropforge_shared::profile::{Profile, Scalar, Severity};
use dropforge_shared::steps::join_values;

use super::{Draft, Seen, Steps, evidence, names, percent};

/// The share of missing cells from which a column tells too little.
const MOSTLY_MISSING: f64 = 0.7;
pub(super) fn steps(profile: &Profile, columns: &mut [Seen<'_>], steps: &mut Steps) {
    deduplicate(profile, steps);
    drop(profile, columns, steps);
    trim(columns, steps);
    replace(columns, steps);
    spelling(columns, steps);
    dates(columns, steps);
    cast(columns, steps);
    split(columns, steps);
    target(profile, columns, steps);
}

fn deduplicate(profile: &Profile, steps: &mut Steps) {
    let found =
        profile.issues.iter().find(|i| i.column.is_none() && i.kind.contains("duplicate") && i.rows > 0);
    let Some(issue) = found else { return };
    steps.add(Draft {
        op: "deduplicate",
        about: "rows",
        columns: Vec::new(),
        settings: &[],
        confidence: 0.7,
        rationale: "equal rows are mostly the same record twice, and count it twice".to_owned(),
        evidence: vec![format!("{} of {} rows ({})", issue.rows, profile.rows, issue.detail)],
    });
}

fn drop(profile: &Profile, columns: &mut [Seen<'_>], steps: &mut Steps) {
    let rows = profile.rows;
    let mostly = |c: &Seen<'_>| c.profile.nulls as f64 >= MOSTLY_MISSING * rows as f64;
    let reasons: [(&str, f64, &str); 5] = [
        ("all_null", 0.95, "columns without any value tell nothing"),
        ("constant", 0.9, "columns with one value tell no rows apart"),
        ("near_duplicate", 0.7, "columns that repeat another one add nothing and blur what matters"),
        ("id_like", 0.8, "columns that name their rows let a model learn the rows by heart"),
        ("mostly_missing", 0.5, "columns that are mostly missing would be mostly made up by filling"),
    ];
    let mut left = columns.iter().filter(|c| !c.gone).count();
    for (kind, confidence, why) in reasons {
        let hit = |c: &Seen<'_>| match kind {
            "mostly_missing" => mostly(c),
            // What is only nearly the same is the user's to judge, and so is a mark that is set or missing.
            "near_duplicate" => {
                c.issues.iter().any(|i| i.kind.contains("duplicate") && i.severity != Severity::Low)
            }
            "constant" => c.issue(kind).is_some_and(|i| i.severity != Severity::Low),
            // Times and amounts are all different too, and are no names.
            "id_like" if c.look.as_ref().is_some_and(|l| l.dates.is_some() || l.numbers.is_some()) => false,
            kind => c.issue(kind).is_some(),
        };
        let mut found: Vec<&mut Seen<'_>> = columns.iter_mut().filter(|c| c.free() && hit(c)).collect();
        // At least one column must be left.
        if found.is_empty() || found.len() >= left {
            continue;
        }
        left -= found.len();
        let line = |c: &Seen<'_>| {
            let issue = c
                .issues
                .iter()
                .find(|i| i.kind == kind || (kind == "near_duplicate" && i.kind.contains("duplicate")));
            match issue {
                Some(issue) => issue.detail.clone(),
                None => format!(
                    "{} of {rows} values missing ({})",
                    c.profile.nulls,
                    percent(c.profile.nulls, rows)
                ),
            }
        };
        let evidence = evidence(&found, line);
        steps.add(Draft {
            op: "drop",
            about: kind,
            columns: names(&found),
            settings: &[],
            confidence,
            rationale: why.to_owned(),
            evidence,
        });
        found.iter_mut().for_each(|c| c.gone = true);
    }
}

fn trim(columns: &mut [Seen<'_>], steps: &mut Steps) {
    let found: Vec<&mut Seen<'_>> = columns
        .iter_mut()
        .filter(|c| !c.gone && c.kind == ColumnType::Text && c.issue("blanks").is_some())
        .collect();
    if found.is_empty() {
        return;
    }
    let line =
        |c: &Seen<'_>| format!("{} values with blanks around them", c.issue("blanks").map_or(0, |i| i.rows));
    steps.add(Draft {
        op: "trim",
        about: "blanks",
        columns: names(&found),
        settings: &[],
        confidence: 0.95,
        rationale: "blanks around a text make equal values differ".to_owned(),
        evidence: evidence(&found, line),
    });
}

/// The stand-ins for missing in a column, as the setting has them.
fn placeholders(c: &Seen<'_>) -> Vec<String> {
    if let Some(look) = c.look.as_ref().filter(|_| c.kind == ColumnType::Text) {
        return look.placeholders.clone();
    }
    let Some(issue) = c.issue("placeholders") else { return Vec::new() };
    // The issue names them; as values they stand at the ends of the range or among the frequent.
    let words: Vec<&str> = issue.detail.split([' ', ',', ';']).collect();
    let p = c.profile;
    let ends = p.min.iter().chain(&p.max);
    let mut found: Vec<String> = ends.chain(p.top.iter().map(|t| &t.value)).map(Scalar::display).collect();
    found.sort_unstable();
    found.dedup();
    found.retain(|v| words.contains(&v.as_str()));
    found
}

fn replace(columns: &mut [Seen<'_>], steps: &mut Steps) {
    let mut groups: Vec<(Vec<String>, Vec<&mut Seen<'_>>)> = Vec::new();
    let mut infinite: Vec<&mut Seen<'_>> = Vec::new();
    for column in columns.iter_mut().filter(|c| !c.gone) {
        let values = placeholders(column);
        if !values.is_empty() {
            match groups.iter_mut().find(|(v, _)| *v == values) {
                Some((_, group)) => group.push(column),
                None => groups.push((values, vec![column])),
            }
        } else if column.issue("non_finite").is_some() {
            infinite.push(column);
        }
    }
    for (values, mut group) in groups {
        let joined = join_values(&values);
        let numeric = group.iter().all(|c| c.kind.is_numeric());
        let line = |c: &Seen<'_>| {
            let count = c.issue("placeholders").map(|i| format!(" in {} rows", i.rows)).unwrap_or_default();
            format!("has {}{count}", values.join(", "))
        };
        steps.add(Draft {
            op: "replace",
            about: "placeholders",
            columns: names(&group),
            settings: &[("values", &joined), ("with", "")],
            confidence: if numeric { 0.85 } else { 0.6 },
            rationale: format!("{} stands for missing, and would be taken for a value", values.join(", ")),
            evidence: evidence(&group, line),
        });
        group.iter_mut().for_each(|c| c.more_missing = true);
    }
    if !infinite.is_empty() {
        let line = |c: &Seen<'_>| format!("{} values", c.issue("non_finite").map_or(0, |i| i.rows));
        steps.add(Draft {
            op: "replace",
            about: "non_finite",
            columns: names(&infinite),
            settings: &[("values", "NaN,inf,-inf"), ("with", "")],
            confidence: 0.9,
            rationale: "NaN and infinite numbers spoil every sum they enter".to_owned(),
            evidence: evidence(&infinite, line),
        });
        infinite.iter_mut().for_each(|c| c.more_missing = true);
    }
}

fn spelling(columns: &mut [Seen<'_>], steps: &mut Steps) {
    let looked = |c: &Seen<'_>| c.look.as_ref().is_some_and(|l| !l.spellings.is_empty());
    // What differs in blanks alone is one thing once they are trimmed.
    let told = |c: &Seen<'_>| c.issue("variants").is_some() && c.issue("blanks").is_none();
    let several = |c: &Seen<'_>| c.kind == ColumnType::Text && (looked(c) || told(c));
    let found: Vec<&mut Seen<'_>> = columns.iter_mut().filter(|c| !c.gone && several(c)).collect();
    if found.is_empty() {
        return;
    }
    let line = |c: &Seen<'_>| {
        let spellings = c.look.as_ref().map(|l| l.spellings.as_slice()).unwrap_or_default();
        match c.issue("variants").filter(|_| spellings.is_empty()) {
            Some(issue) => issue.detail.clone(),
            None => spellings.iter().take(3).cloned().collect::<Vec<_>>().join("; "),
        }
    };
    steps.add(Draft {
        op: "merge_spelling",
        about: "categories",
        columns: names(&found),
        settings: &[],
        confidence: 0.8,
        rationale: "values that differ only in case or blanks are mostly one category".to_owned(),
        evidence: evidence(&found, line),
    });
}

fn dates(columns: &mut [Seen<'_>], steps: &mut Steps) {
    type Group<'a, 'p> = ((&'static str, bool), Vec<&'a mut Seen<'p>>);
    let mut groups: Vec<Group<'_, '_>> = Vec::new();
    for column in columns.iter_mut().filter(|c| !c.gone) {
        let Some((fit, ambiguous)) = column.look.as_ref().and_then(|l| l.dates.clone()) else { continue };
        let key = (fit.how, ambiguous);
        match groups.iter_mut().find(|(k, _)| *k == key) {
            Some((_, group)) => group.push(column),
            None => groups.push((key, vec![column])),
        }
    }
    for ((form, ambiguous), mut group) in groups {
        let line = |c: &Seen<'_>| match c.look.as_ref().and_then(|l| l.dates.as_ref()) {
            Some((fit, _)) => format!("{} of {} cells looked at fit {form}", fit.fit, fit.cells),
            None => String::new(),
        };
        let rationale = if ambiguous {
            "these are dates, but no day is over 12, so day and month may be the other way round: check the form"
        } else {
            "these texts are dates; as dates they can be ordered and taken apart"
        };
        steps.add(Draft {
            op: "parse_dates",
            about: "dates",
            columns: names(&group),
            settings: &[("format", form)],
            confidence: if ambiguous { 0.4 } else { 0.9 },
            rationale: rationale.to_owned(),
            evidence: evidence(&group, line),
        });
        let timed = form == "datetime" || form.contains("%H") || form.contains("%I");
        for column in &mut group {
            column.kind = if timed { ColumnType::Datetime } else { ColumnType::Date };
        }
    }
}

fn cast(columns: &mut [Seen<'_>], steps: &mut Steps) {
    type Writing = (&'static str, &'static str, &'static str);
    let mut groups: Vec<(Writing, Vec<&mut Seen<'_>>)> = Vec::new();
    for column in columns.iter_mut().filter(|c| c.free() && c.kind == ColumnType::Text) {
        let Some(fit) = column.look.as_ref().and_then(|l| l.numbers.clone()) else { continue };
        match groups.iter_mut().find(|(k, _)| *k == fit.how) {
            Some((_, group)) => group.push(column),
            None => groups.push((fit.how, vec![column])),
        }
    }
    for (how, mut group) in groups {
        let share = |c: &Seen<'_>| {
            let fit = c.look.as_ref().and_then(|l| l.numbers.as_ref());
            fit.map_or((0, 0), |f| (f.fit, f.cells))
        };
        let least =
            group.iter().map(|c| share(c)).map(|(a, b)| a as f64 / b.max(1) as f64).fold(1.0, f64::min);
        let line = |c: &Seen<'_>| {
            let (fit, cells) = share(c);
            format!("{fit} of {cells} cells looked at are numbers")
        };
        let most = if least >= 0.95 { "nearly all" } else { "most" };
        steps.add(Draft {
            op: "cast",
            about: "numbers",
            columns: names(&group),
            settings: &[("to", "float"), ("decimal", how.0), ("thousands", how.1), ("strip", how.2)],
            confidence: if least >= 0.95 { 0.85 } else { 0.6 },
            rationale: format!(
                "{most} of these texts are numbers; the others become missing and are counted"
            ),
            evidence: evidence(&group, line),
        });
        for column in &mut group {
            column.kind = ColumnType::Float;
            column.more_missing |= share(column).0 < share(column).1;
        }
    }
}

fn split(columns: &mut [Seen<'_>], steps: &mut Steps) {
    for column in columns.iter_mut().filter(|c| c.free() && c.kind == ColumnType::Text) {
        let Some(lists) = column.look.as_ref().and_then(|l| l.lists.clone()) else { continue };
        let max = lists.values.clamp(1, 50).to_string();
        steps.add(Draft {
            op: "split_list",
            about: "lists",
            columns: vec![column.name().to_owned()],
            settings: &[("separator", lists.separator), ("max_values", &max)],
            confidence: 0.7,
            rationale: "its cells hold several values each; as one text every combination is another value"
                .to_owned(),
            evidence: vec![format!(
                "{} of {} cells looked at hold several values, of {} different ones",
                lists.several, lists.cells, lists.values
            )],
        });
        column.gone = true;
    }
}

fn target(profile: &Profile, columns: &mut [Seen<'_>], steps: &mut Steps) {
    for column in columns.iter().filter(|c| c.target && !c.gone && (c.profile.nulls > 0 || c.more_missing)) {
        steps.add(Draft {
            op: "impute",
            about: "target",
            columns: vec![column.name().to_owned()],
            settings: &[("strategy", "drop_rows")],
            confidence: 0.85,
            rationale: "it is the likely target; a row without it teaches nothing, and a filled one teaches the filling"
                .to_owned(),
            evidence: vec![format!(
                "{} of {} values missing ({})",
                column.profile.nulls,
                profile.rows,
                percent(column.profile.nulls, profile.rows)
            )],
        });
    }
}
