//! What kind of data a table holds: every rule is scored by four strategies, and the best score decides. Knows tables
//! and rules, nothing of files, jobs or users' choices.
//!
//! | strategy | weight | looks at |
//! |---|---|---|
//! | `column_match` | 1.0 | canonical column names, less columns that speak against the type |
//! | `name_patterns` | 0.8 | canonical names and patterns of names, less the same |
//! | `value_shapes` | 0.6 | whether values are what names promise, or telling whatever the names |
//! | `heuristics` | 0.4 | what else is usual: ids that repeat, times in order, the share of columns explained |
//!
//! A type's score is Σ(w·s)/Σw over the strategies that could look. **Levels**: high from 90 with a lead of 10 points over
//! the next type; medium from 70; low from 50; below, very low. In a table without a header, or with one that says nothing
//! (`col_1`, `V2`), the name strategies can't look, and the level is medium at most.
//!
//! **Generic** is the answer where no type reaches 50: its confidence is 100 less the best type's score, with the same
//! levels. A plain unknown table is generic and ready; nobody is asked about it.
//!
//! **Asking.** The user is asked only where the level is very low, evidence is real (the best name strategy of a type has 40
//! points or more; without names, the shapes have 60) and yet does not decide:
//! - it is too thin: the best type has from 40 to just under 50 points, or
//! - it contradicts itself: two types have from 35 to just under 50 points each, less than 10 apart.
//!
//! Then the best type is named all the same. From 50 points on a type is taken and a rival is left to the user's review. A
//! table without rows is not asked about.

mod library;
mod names;
mod rules;
mod sample;
mod score;
mod shapes;
mod tables;
#[cfg(test)]
mod tests;
mod texts;

use std::path::Path;

use dropforge_shared::detection::{Detection, TypeCandidate};
use dropforge_shared::file::{Evidence, TypeGuess};
use dropforge_shared::profile::Profile;

pub use library::Rules;
use rules::GENERIC;
use sample::Values;
use score::{COLUMN_MATCH, HEURISTICS, NAME_PATTERNS, Seen, VALUE_SHAPES};
use shapes::{Look, Shape};

/// The score from which a type is taken without a word, given the lead.
const HIGH: f64 = 90.0;
/// Points that a high type must be ahead of the next one.
const LEAD: f64 = 10.0;
/// The score from which a type is likely.
const MEDIUM: f64 = 70.0;
/// The score from which a type is the answer.
const LOW: f64 = 50.0;
/// Below [`LOW`], but from here on worth a question.
const THIN: f64 = 40.0;
/// From here on a type counts as a rival, where the better one is under [`LOW`].
const RIVAL: f64 = 35.0;
/// Points of the best name strategy from which evidence is real.
const REAL_NAMES: f64 = 40.0;
/// The same of the shapes, where names say nothing.
const REAL_SHAPES: f64 = 60.0;

/// Says what kind of data a dataset holds. `profile` is of `dataset`, which [`crate::ingest`] wrote; `header` is whether
/// the file named its columns. At most 3,000 rows of the first 1,000 columns are read besides the profile; where they
/// cannot be read, the profile alone decides.
pub fn detect(profile: &Profile, dataset: &Path, header: bool, rules: &Rules) -> Detection {
    let mut values = sample::sample(dataset).unwrap_or_default();
    values.resize_with(profile.columns.len().min(sample::COLUMNS), Values::default);
    let seen = seen(profile, &values, header);
    let mut scored: Vec<(TypeCandidate, bool)> = rules
        .rules
        .iter()
        .filter(|rule| rule.name() != GENERIC)
        .map(|rule| {
            let score::Scored { score, evidence, has_core } = score::score(rule, &seen);
            let (name, title) = (rule.name().to_owned(), rule.title.clone());
            (TypeCandidate { name, title, score, evidence }, has_core)
        })
        .collect();
    // Stable: equal scores stay in the rules' order.
    scored.sort_by(|(a, _), (b, _)| b.score.total_cmp(&a.score));
    // A table without rows has only names to go by: the next file with that header is asked about, if need be.
    let ask = profile.rows > 0 && should_ask(&scored, seen.names.is_some());
    let mut candidates: Vec<TypeCandidate> = scored.into_iter().map(|(candidate, _)| candidate).collect();
    let best = candidates.first();
    let generic = generic(best, rules.generic_title());
    let specific = best.filter(|best| best.score >= LOW || ask);
    let decided = match specific {
        Some(best) => {
            let next = candidates.get(1).map_or(0.0, |c| c.score);
            guess(best, level(best.score, best.score - next, seen.names.is_some()))
        }
        None => guess(&generic, level(generic.score, LEAD, seen.names.is_some())),
    };
    if decided.name == GENERIC {
        candidates.insert(0, generic)
    } else {
        candidates.push(generic)
    }
    let names = profile.columns.iter().map(|c| c.name.as_str());
    let fingerprint = seen.names.is_some().then(|| names::fingerprint(names));
    Detection { decided, candidates, fingerprint, ask, bad_rules: Vec::new() }
}

/// What the strategies look at.
fn seen<'a>(profile: &'a Profile, values: &'a [Values], header: bool) -> Seen<'a> {
    let looks: Vec<Look<'a>> = profile
        .columns
        .iter()
        .zip(values)
        .map(|(profile_of, values)| Look { profile: profile_of, values, rows: profile.rows })
        .collect();
    let nameless = |look: &&Look<'_>| names::is_placeholder(&look.profile.name);
    let counts = |look: &Look<'_>| {
        let key = names::key(&look.profile.name);
        let named = ["rownames", "rowname", "index", "row", "rownum", "rownumber"].contains(&key.as_str());
        (named || nameless(&look)) && look.is(Shape::Unique)
    };
    let counters = looks.first().map_or(0, |first| usize::from(header && counts(first)));
    let told = looks.iter().skip(counters).filter(|l| !nameless(l)).count();
    // A name or two among many that a tool made up say little about the table.
    let speaks = header && told * 5 > looks.len().saturating_sub(counters);
    let names = speaks.then(|| looks.iter().map(|l| names::Name::new(&l.profile.name)).collect());
    Seen { looks, rows: profile.rows, width: profile.columns.len(), names, counters }
}

/// The level of a score; see the module's page.
fn level(score: f64, lead: f64, named: bool) -> &'static str {
    match score {
        s if s >= HIGH && lead >= LEAD && named => "high",
        s if s >= MEDIUM => "medium",
        s if s >= LOW => "low",
        _ => "very_low",
    }
}

/// Whether the user should be asked; see the module's page.
fn should_ask(scored: &[(TypeCandidate, bool)], named: bool) -> bool {
    let score_of = |c: &TypeCandidate, strategy: &str| {
        c.evidence.iter().find(|e| e.strategy == strategy).map_or(0.0, |e| e.score)
    };
    let real = |(c, has_core): &(TypeCandidate, bool)| {
        if named {
            let names = score_of(c, COLUMN_MATCH.0).max(score_of(c, NAME_PATTERNS.0));
            *has_core && names >= REAL_NAMES
        } else {
            score_of(c, VALUE_SHAPES.0) >= REAL_SHAPES
        }
    };
    let Some(first) = scored.first().filter(|first| real(first)) else { return false };
    let best = &first.0;
    let contradictory = scored
        .get(1)
        .filter(|next| real(next))
        .is_some_and(|(next, _)| next.score >= RIVAL && best.score - next.score < LEAD);
    best.score < LOW && (best.score >= THIN || contradictory)
}

/// `generic` as a candidate: as sure as the best type is unlikely, strategy by strategy.
fn generic(best: Option<&TypeCandidate>, title: &str) -> TypeCandidate {
    let strategies = [COLUMN_MATCH, NAME_PATTERNS, VALUE_SHAPES, HEURISTICS];
    let evidence = match best {
        Some(best) => best
            .evidence
            .iter()
            .map(|e| Evidence {
                score: 100.0 - e.score,
                detail: format!("the nearest type, {}, has {:.0}: {}", best.name, e.score, e.detail),
                ..e.clone()
            })
            .collect(),
        None => strategies
            .map(|(strategy, weight)| Evidence {
                strategy: strategy.to_owned(),
                score: 100.0,
                weight,
                detail: "there is no other type".to_owned(),
            })
            .to_vec(),
    };
    let score = 100.0 - best.map_or(0.0, |best| best.score);
    TypeCandidate { name: GENERIC.to_owned(), title: title.to_owned(), score, evidence }
}

fn guess(candidate: &TypeCandidate, level: &str) -> TypeGuess {
    TypeGuess {
        name: candidate.name.clone(),
        confidence: candidate.score,
        level: level.to_owned(),
        decided_by: "detector".to_owned(),
        evidence: candidate.evidence.clone(),
    }
}
