//! Steps that give columns the shape that analysis and models take best.

use dropforge_shared::page::ColumnType;
use dropforge_shared::profile::Profile;

use super::{Draft, Seen, Steps, evidence, names, percent};

/// Skewness from which a long tail is worth a logarithm.
const SKEWED: f64 = 2.0;
/// One in so many values may be an outlier.
const MOST_OUTLIERS: u64 = 20;
/// Different values up to which a category gets a column each, and up to which it gets a number.
const ONE_HOT: u64 = 15;
const ORDINAL: u64 = 200;
/// Characters from which a text is prose and no category.
const PROSE: f64 = 60.0;
/// Different numbers below which an integer column rather holds classes or counts.
const FEW_NUMBERS: u64 = 10;

pub(super) fn steps(profile: &Profile, columns: &mut [Seen<'_>], steps: &mut Steps) {
    date_parts(columns, steps);
    tails(profile, columns, steps);
    impute(profile, columns, steps);
    scale(columns, steps);
    encode(profile, columns, steps);
}

fn date_parts(columns: &mut [Seen<'_>], steps: &mut Steps) {
    for kind in [ColumnType::Date, ColumnType::Datetime] {
        let found: Vec<&mut Seen<'_>> = columns.iter_mut().filter(|c| c.free() && c.kind == kind).collect();
        if found.is_empty() {
            continue;
        }
        let timed = kind == ColumnType::Datetime;
        let parts = if timed { "year,month,day,weekday,hour" } else { "year,month,day,weekday" };
        let line = |c: &Seen<'_>| match (&c.profile.min, &c.profile.max) {
            (Some(min), Some(max)) if c.profile.kind == kind => {
                format!("{} to {}", min.display(), max.display())
            }
            _ => "dates after the step before".to_owned(),
        };
        steps.add(Draft {
            op: "date_parts",
            about: if timed { "times" } else { "dates" },
            columns: names(&found),
            // The date itself stays, for order and for splits by time.
            settings: &[("parts", parts), ("keep", "true")],
            confidence: 0.5,
            rationale: "models see months and weekdays only as columns of their own".to_owned(),
            evidence: evidence(&found, line),
        });
    }
}

/// Numbers with many different values and some spread in the middle: not classes, and not mostly one value.
fn measures(c: &Seen<'_>) -> bool {
    let spread = c.profile.quantiles.is_some_and(|q| q.p75 > q.p25);
    c.free()
        && c.profile.kind.is_numeric()
        && c.profile.distinct > FEW_NUMBERS
        && spread
        && c.issue("id_like").is_none()
}

fn skew(c: &Seen<'_>) -> f64 {
    c.profile.skewness.unwrap_or(0.0)
}

/// Long tails get a logarithm, lone outliers are clipped; both on one column would be too much.
fn tails(profile: &Profile, columns: &mut [Seen<'_>], steps: &mut Steps) {
    let least = |c: &Seen<'_>| c.profile.min.as_ref().and_then(|m| m.display().parse::<f64>().ok());
    let (logs, others): (Vec<&mut Seen<'_>>, Vec<&mut Seen<'_>>) = columns
        .iter_mut()
        .filter(|c| measures(c) && !c.more_missing)
        .partition(|c| skew(c) > SKEWED && least(c).is_some_and(|m| m >= 0.0));
    if !logs.is_empty() {
        let line = |c: &Seen<'_>| {
            let min = c.profile.min.as_ref().map(|m| m.display()).unwrap_or_default();
            let max = c.profile.max.as_ref().map(|m| m.display()).unwrap_or_default();
            format!("skewness {:.1}, from {min} to {max}", skew(c))
        };
        steps.add(Draft {
            op: "log_transform",
            about: "tails",
            columns: names(&logs),
            settings: &[],
            confidence: 0.55,
            rationale:
                "a long tail of large values outweighs all others in linear models; a logarithm evens it out"
                    .to_owned(),
            evidence: evidence(&logs, line),
        });
    }
    // So many beyond the bounds are no outliers, but how the column is spread.
    let few =
        |c: &Seen<'_>| c.profile.outliers * MOST_OUTLIERS <= profile.rows.saturating_sub(c.profile.nulls);
    let clips: Vec<&mut Seen<'_>> =
        others.into_iter().filter(|c| c.issue("outliers").is_some_and(|i| i.rows > 0) && few(c)).collect();
    if !clips.is_empty() {
        let line = |c: &Seen<'_>| {
            let q = c.profile.quantiles;
            let (low, high) = q.map_or((0.0, 0.0), |q| {
                let reach = 1.5 * (q.p75 - q.p25);
                (q.p25 - reach, q.p75 + reach)
            });
            format!("{} values beyond {low:.4} to {high:.4}", c.profile.outliers)
        };
        steps.add(Draft {
            op: "clip",
            about: "outliers",
            columns: names(&clips),
            settings: &[],
            confidence: 0.4,
            rationale:
                "a few far values pull means and lines towards them; look at them first, they may be right"
                    .to_owned(),
            evidence: evidence(&clips, line),
        });
    }
}

fn missing(c: &Seen<'_>) -> bool {
    c.free() && (c.profile.nulls > 0 || c.more_missing)
}

fn impute(profile: &Profile, columns: &mut [Seen<'_>], steps: &mut Steps) {
    let rows = profile.rows;
    let line = |c: &Seen<'_>| {
        let more = if c.more_missing { ", and those that a step before makes missing" } else { "" };
        format!("{} of {rows} values missing ({}){more}", c.profile.nulls, percent(c.profile.nulls, rows))
    };
    let category = |c: &Seen<'_>| {
        matches!(c.kind, ColumnType::Text | ColumnType::Boolean) && c.profile.distinct <= ORDINAL
    };
    let often = |c: &Seen<'_>| c.profile.nulls * 5 > rows;
    type Takes<'f> = &'f dyn Fn(&Seen<'_>) -> bool;
    let even =
        |c: &Seen<'_>| c.profile.skewness.is_some_and(|s| s.abs() < 0.5) && c.kind == ColumnType::Float;
    let groups: [(&str, &str, &str, Takes<'_>); 4] = [
        ("median", "", "the median is a value in the middle that outliers do not move", &|c| {
            c.kind.is_numeric() && !even(c)
        }),
        ("mean", "", "these numbers lie evenly around their mean", &|c| c.kind.is_numeric() && even(c)),
        ("mode", "", "few are missing, so the most frequent category is likely right", &|c| {
            category(c) && !often(c)
        }),
        (
            "constant",
            "missing",
            "so many are missing that being missing may tell something: they become a category of their own",
            &|c| category(c) && often(c) && c.kind == ColumnType::Text,
        ),
    ];
    for (strategy, value, why, takes) in groups {
        let found: Vec<&mut Seen<'_>> = columns.iter_mut().filter(|c| missing(c) && takes(c)).collect();
        if found.is_empty() {
            continue;
        }
        let worst = found.iter().map(|c| c.profile.nulls).max().unwrap_or(0) as f64 / rows.max(1) as f64;
        // The more is filled, the more is made up. That something was missing may matter by itself.
        let indicator = if worst > 0.1 && strategy != "constant" { "true" } else { "false" };
        let confidence = if worst > 0.3 { 0.55 } else { 0.8 };
        steps.add(Draft {
            op: "impute",
            about: strategy,
            columns: names(&found),
            settings: &[("strategy", strategy), ("value", value), ("indicator", indicator)],
            confidence,
            rationale: format!("most models take no missing values; {why}"),
            evidence: evidence(&found, line),
        });
    }
}

fn scale(columns: &mut [Seen<'_>], steps: &mut Steps) {
    let all: Vec<&mut Seen<'_>> = columns
        .iter_mut()
        .filter(|c| c.free() && c.profile.kind.is_numeric() && c.profile.distinct > 2)
        .collect();
    let stds = || all.iter().filter_map(|c| c.profile.std).filter(|s| *s > 0.0);
    let (least, most) = (stds().fold(f64::INFINITY, f64::min), stds().fold(0.0, f64::max));
    // Alike already, or nothing to be alike with.
    if all.len() < 2 || most < least * 3.0 {
        return;
    }
    let line = |c: &Seen<'_>| format!("standard deviation {:.4}", c.profile.std.unwrap_or(0.0));
    let mut told = vec![format!("standard deviations from {least:.4} to {most:.4}")];
    told.extend(evidence(&all, line));
    steps.add(Draft {
        op: "scale",
        about: "numbers",
        columns: names(&all),
        settings: &[],
        confidence: if most > least * 10.0 { 0.55 } else { 0.35 },
        rationale: "linear models with penalties, neighbours and support vectors weigh columns by their spread; trees do not care"
            .to_owned(),
        evidence: told,
    });
}

fn encode(profile: &Profile, columns: &mut [Seen<'_>], steps: &mut Steps) {
    let prose = |c: &Seen<'_>| c.look.as_ref().is_some_and(|l| l.length > PROSE);
    let repeats = |c: &Seen<'_>| c.profile.distinct * 2 <= profile.rows;
    let category = |c: &Seen<'_>| {
        c.free() && c.kind == ColumnType::Text && c.profile.distinct >= 2 && !prose(c) && repeats(c)
    };
    let line = |c: &Seen<'_>| {
        let top: Vec<String> =
            c.profile.top.iter().take(3).map(|t| format!("{} {}×", t.value.display(), t.count)).collect();
        format!("{} categories, such as {}", c.profile.distinct, top.join(", "))
    };
    let few: Vec<&mut Seen<'_>> =
        columns.iter_mut().filter(|c| category(c) && c.profile.distinct <= ONE_HOT).collect();
    if !few.is_empty() {
        steps.add(Draft {
            op: "encode",
            about: "one_hot",
            columns: names(&few),
            settings: &[("method", "one_hot")],
            confidence: 0.8,
            rationale: "most models take numbers only; few categories fit into a column each".to_owned(),
            evidence: evidence(&few, line),
        });
    }
    let many: Vec<&mut Seen<'_>> = columns
        .iter_mut()
        .filter(|c| category(c) && (ONE_HOT + 1..=ORDINAL).contains(&c.profile.distinct))
        .collect();
    if !many.is_empty() {
        steps.add(Draft {
            op: "encode",
            about: "ordinal",
            columns: names(&many),
            settings: &[("method", "ordinal"), ("order", "frequency")],
            confidence: 0.5,
            rationale: "so many categories would make as many columns; by frequency each becomes a number, which trees can use"
                .to_owned(),
            evidence: evidence(&many, line),
        });
    }
}
