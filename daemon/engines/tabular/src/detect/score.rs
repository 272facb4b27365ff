//! The four strategies: how well one rule fits one table, each from 0 to 100 and in words. Knows neither levels nor
//! other types.

use std::collections::{BTreeMap, HashMap};

use dropforge_shared::file::Evidence;

use super::names::Name;
use super::rules::{Role, Rule, Test};
use super::shapes::Look;
use super::tables::{Table, percent};

/// Points that each column of another type takes from both name strategies.
const ANTI_POINTS: f64 = 25.0;
/// What is left of the names' score where no core column is there; it grows in a straight line to 1.
const WITHOUT_CORE: f64 = 0.3;
/// A narrow table cannot have the columns of a wide one: as many columns as it has suffice, but no less than this share of
/// a rule's `enough`.
const NARROWEST: f64 = 0.7;
/// From this width on names fit by chance, so more of them are needed: as the root of the width.
const WIDE: f64 = 30.0;
/// Columns that a sentence of evidence lists.
const LISTED: usize = 8;

/// The strategies with their weights.
pub(crate) const COLUMN_MATCH: (&str, f64) = ("column_match", 1.0);
/// See [`COLUMN_MATCH`].
pub(crate) const NAME_PATTERNS: (&str, f64) = ("name_patterns", 0.8);
/// See [`COLUMN_MATCH`].
pub(crate) const VALUE_SHAPES: (&str, f64) = ("value_shapes", 0.6);
/// See [`COLUMN_MATCH`].
pub(crate) const HEURISTICS: (&str, f64) = ("heuristics", 0.4);

/// A table, ready to be held against any rule.
pub(crate) struct Seen<'a> {
    pub(crate) looks: Vec<Look<'a>>,
    pub(crate) rows: u64,
    pub(crate) width: usize,
    /// One a column; `None` where names say nothing.
    pub(crate) names: Option<Vec<Name>>,
    /// Columns that nobody named and that count the rows.
    pub(crate) counters: usize,
}

/// The columns that play a role.
type Claims<'r> = BTreeMap<&'r str, Vec<usize>>;

/// Which columns play which role of a rule: by canonical names, and by canonical names and patterns.
struct Claimed<'r> {
    exact: Claims<'r>,
    any: Claims<'r>,
    /// In words, for the columns found by a pattern.
    by_pattern: Vec<String>,
    /// Names of columns that speak against the type.
    anti: Vec<String>,
}

/// How well a rule fits a table.
pub(crate) struct Scored {
    /// Σ(w·s)/Σw over the strategies that could look at the table.
    pub(crate) score: f64,
    pub(crate) evidence: Vec<Evidence>,
    /// Whether as many core columns as the rule needs were found by name or pattern.
    pub(crate) has_core: bool,
}

/// Scores a rule.
pub(crate) fn score(rule: &Rule, seen: &Seen<'_>) -> Scored {
    let claimed = seen.names.as_ref().map(|names| claim(rule, names, seen));
    let table = Table {
        looks: &seen.looks,
        rows: seen.rows,
        width: seen.width,
        roles: claimed.as_ref().map(|c| c.any.clone()),
        counters: seen.counters,
    };
    let mut evidence = Vec::new();
    if let Some(claimed) = &claimed {
        evidence.push(column_match(rule, claimed, seen));
        evidence.push(name_patterns(rule, claimed, seen));
    }
    evidence.extend(value_shapes(rule, claimed.as_ref(), &table, seen));
    evidence.extend(heuristics(rule, &table));
    let weights: f64 = evidence.iter().map(|e| e.weight).sum();
    let sum: f64 = evidence.iter().map(|e| e.weight * e.score).sum();
    let has_core = claimed.is_some_and(|c| core_columns(rule, &c.any) >= rule.core_needed);
    Scored { score: if weights > 0.0 { sum / weights } else { 0.0 }, evidence, has_core }
}

/// Core roles that a column plays.
fn core_columns(rule: &Rule, claims: &Claims<'_>) -> usize {
    rule.columns.iter().filter(|r| r.core && claims.contains_key(r.role.as_str())).count()
}

fn evidence((strategy, weight): (&str, f64), score: f64, detail: String) -> Evidence {
    // The sum of nothing is -0.0, which adding 0 mends.
    Evidence { strategy: strategy.to_owned(), score: score.clamp(0.0, 100.0) + 0.0, weight, detail }
}

fn claim<'r>(rule: &'r Rule, names: &[Name], seen: &Seen<'_>) -> Claimed<'r> {
    let mut by_key: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, name) in names.iter().enumerate() {
        for key in &name.keys {
            by_key.entry(key).or_default().push(index);
        }
    }
    let shown = |index: usize| seen.looks.get(index).map_or("", |l| l.profile.name.as_str());
    let mut taken = vec![false; names.len()];
    let mut exact = Claims::new();
    for role in &rule.columns {
        let found = role.names.iter().filter_map(|key| by_key.get(key.as_str())).flatten();
        let mine: &mut Vec<usize> = exact.entry(&role.role).or_default();
        for index in found {
            if let Some(taken @ false) = taken.get_mut(*index)
                && mine.len() < role.most
                && may_play(role, seen.looks.get(*index))
            {
                *taken = true;
                mine.push(*index);
            }
        }
    }
    let mut any = exact.clone();
    let mut by_pattern = Vec::new();
    for role in &rule.columns {
        let mine = any.entry(&role.role).or_default();
        for pattern in &role.patterns {
            for (index, name) in names.iter().enumerate() {
                if mine.len() < role.most
                    && taken.get(index) == Some(&false)
                    && pattern.matches(&name.words)
                    && may_play(role, seen.looks.get(index))
                {
                    if let Some(taken) = taken.get_mut(index) {
                        *taken = true;
                    }
                    mine.push(index);
                    by_pattern.push(format!("{} follows {} ({})", shown(index), pattern.text(), role.role));
                }
            }
        }
    }
    let is_anti = |name: &Name| rule.anti.iter().any(|p| p.matches(&name.words));
    let anti =
        names.iter().enumerate().filter(|(_, n)| is_anti(n)).map(|(i, _)| shown(i).to_owned()).collect();
    exact.retain(|_, columns| !columns.is_empty());
    any.retain(|_, columns| !columns.is_empty());
    Claimed { exact, any, by_pattern, anti }
}

/// Whether a column's values allow the role. Where there are none, the name decides.
fn may_play(role: &Role, look: Option<&Look<'_>>) -> bool {
    let Some(look) = look else { return false };
    role.needs.is_empty() || look.filled() == 0 || role.needs.iter().any(|shape| look.is(*shape))
}

/// 100 where columns of enough weight and enough core columns were found, less the columns that speak against it.
fn names_score(rule: &Rule, claims: &Claims<'_>, anti: usize, seen: &Seen<'_>) -> f64 {
    let columns = |role: &Role| claims.get(role.role.as_str()).map_or(0, Vec::len);
    let weight: f64 = rule.columns.iter().map(|role| role.weight * columns(role) as f64).sum();
    let core = core_columns(rule, claims);
    let core_share =
        if rule.core_needed == 0 { 1.0 } else { (core as f64 / rule.core_needed as f64).min(1.0) };
    let factor = WITHOUT_CORE + (1.0 - WITHOUT_CORE) * core_share;
    (100.0 * (weight / enough(rule, seen)).min(1.0) * factor - ANTI_POINTS * anti as f64).max(0.0)
}

/// The weight of columns that suffices in a table of this width.
fn enough(rule: &Rule, seen: &Seen<'_>) -> f64 {
    let named = seen.width.saturating_sub(seen.counters) as f64;
    let least = rule.enough() * NARROWEST;
    rule.enough().min(named.max(least)) * (named / WIDE).sqrt().max(1.0)
}

fn core_detail(rule: &Rule, claims: &Claims<'_>) -> String {
    if rule.core_needed == 0 {
        return String::new();
    }
    let core = core_columns(rule, claims);
    format!(", {core} of them telling ({} needed)", rule.core_needed)
}

fn listed(items: &[String]) -> String {
    let more = items.len().saturating_sub(LISTED);
    let shown = items.iter().take(LISTED).cloned().collect::<Vec<_>>().join("; ");
    if more > 0 { format!("{shown}; and {more} more") } else { shown }
}

fn against(claimed: &Claimed<'_>) -> String {
    if claimed.anti.is_empty() { String::new() } else { format!("; against it: {}", listed(&claimed.anti)) }
}

fn of_columns(seen: &Seen<'_>) -> String {
    if seen.width > seen.looks.len() {
        format!("the first {} of {} columns", seen.looks.len(), seen.width)
    } else {
        format!("{} columns", seen.width)
    }
}

fn column_match(rule: &Rule, claimed: &Claimed<'_>, seen: &Seen<'_>) -> Evidence {
    let mut pairs = Vec::new();
    for role in &rule.columns {
        for index in claimed.exact.get(role.role.as_str()).into_iter().flatten() {
            let name = seen.looks.get(*index).map_or("", |l| l.profile.name.as_str());
            pairs.push(format!("{name} = {}", role.role));
        }
    }
    let mut detail = format!("{} of {} have canonical names", pairs.len(), of_columns(seen));
    if !pairs.is_empty() {
        detail += &format!("{}: {}", core_detail(rule, &claimed.exact), listed(&pairs));
    }
    detail += &against(claimed);
    evidence(COLUMN_MATCH, names_score(rule, &claimed.exact, claimed.anti.len(), seen), detail)
}

fn name_patterns(rule: &Rule, claimed: &Claimed<'_>, seen: &Seen<'_>) -> Evidence {
    let known: usize = claimed.any.values().map(Vec::len).sum();
    let mut detail = format!("{known} of {} are known by name or pattern", of_columns(seen));
    if known > 0 {
        detail += &core_detail(rule, &claimed.any);
    }
    if !claimed.by_pattern.is_empty() {
        detail += &format!(": {}", listed(&claimed.by_pattern));
    }
    detail += &against(claimed);
    evidence(NAME_PATTERNS, names_score(rule, &claimed.any, claimed.anti.len(), seen), detail)
}

/// The better of two: how well the values of the columns found by name fit (counted only as far as the names were
/// convincing), and which telling shapes there are whatever the names.
fn value_shapes(
    rule: &Rule,
    claimed: Option<&Claimed<'_>>,
    table: &Table<'_>,
    seen: &Seen<'_>,
) -> Option<Evidence> {
    let measured: Vec<_> = rule.shapes.iter().filter_map(|t| Some((t, table.measure(t)?))).collect();
    let mut details = Vec::new();
    let mut best: f64 = 0.0;
    // Without names, a type without telling shapes has nothing in its favour; with them, a rule that says nothing of
    // values was not asked.
    let mut looks = claimed.is_none() || rule.columns.iter().any(|r| !r.values.is_empty());
    if let Some(claimed) = claimed {
        let (mut fit, mut all) = (0.0, 0.0);
        let (mut fitting, mut checked, mut unfit) = (0, 0, Vec::new());
        for role in rule.columns.iter().filter(|r| !r.values.is_empty()) {
            for look in claimed.any.get(role.role.as_str()).into_iter().flatten() {
                let Some(look) = seen.looks.get(*look) else { continue };
                all += role.weight;
                checked += 1;
                if role.values.iter().any(|shape| look.is(*shape)) {
                    fit += role.weight;
                    fitting += 1;
                } else {
                    unfit.push(format!("{} as {}", look.profile.name, role.role));
                }
            }
        }
        for (test, found) in measured.iter().filter(|(t, _)| table.is_about_named(t.measure)) {
            all += test.weight;
            fit += if test.holds(found.value) { test.weight } else { 0.0 };
        }
        if all > 0.0 {
            best = names_score(rule, &claimed.any, claimed.anti.len(), seen) * fit / all;
            details.push(format!("values fit in {fitting} of {checked} columns known by name"));
            if !unfit.is_empty() {
                details.push(format!("not in {}", listed(&unfit)));
            }
        }
    }
    let all: f64 = measured.iter().map(|(t, _)| t.weight).sum();
    if all > 0.0 {
        looks = true;
        let met: f64 = measured.iter().filter(|(t, f)| t.holds(f.value)).map(|(t, _)| t.weight).sum();
        best = best.max(100.0 * met / all);
        details.extend(measured.iter().map(|(test, found)| told(test, found.value, &found.detail)));
    }
    looks.then(|| {
        if details.is_empty() {
            details.push("no columns whose values could be checked".to_owned());
        }
        evidence(VALUE_SHAPES, best, details.join("; "))
    })
}

fn told(test: &Test, value: f64, detail: &str) -> String {
    let share = if matches!(test.measure, super::rules::Measure::Ohlc) && value > 0.0 {
        format!(" ({})", percent(value))
    } else {
        String::new()
    };
    format!("{} {detail}{share}", if test.holds(value) { "yes:" } else { "no:" })
}

fn heuristics(rule: &Rule, table: &Table<'_>) -> Option<Evidence> {
    let measured: Vec<_> = rule.hints.iter().filter_map(|t| Some((t, table.measure(t)?))).collect();
    // What needs names and has none speaks for nothing: the few that are left must not decide alone.
    let all: f64 = rule.hints.iter().map(|t| t.weight).sum();
    if all <= 0.0 {
        return None;
    }
    let met: f64 = measured.iter().filter(|(t, f)| t.holds(f.value)).map(|(t, _)| t.weight).sum();
    let details: Vec<String> = measured.iter().map(|(t, f)| told(t, f.value, &f.detail)).collect();
    Some(evidence(HEURISTICS, 100.0 * met / all, details.join("; ")))
}
