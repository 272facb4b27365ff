//! What one might do with a dataset: steps of preparation in the order in which they are best run, and models.
//!
//! Everything is told from the profile, but for texts, of which some rows are read: whether they hold dates, numbers with
//! signs, lists, or one value in several spellings. Columns with the same treatment share a step. No column is in two steps
//! that exclude each other, and the likely target is left as it is. The thresholds are common practice, not learned.

mod look;
mod mend;
mod models;
mod shape;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use dropforge_shared::page::ColumnType;
use dropforge_shared::profile::{ColumnProfile, Issue, Profile};
use dropforge_shared::steps;
use dropforge_shared::suggest::{Step, StepChoice, Suggestions};

use crate::error::Error;
use look::Look;

/// Columns that evidence names one by one.
const SHOWN: usize = 6;

/// A column as the steps so far would leave it.
pub(super) struct Seen<'a> {
    profile: &'a ColumnProfile,
    /// What the rows say of a text column.
    look: Option<Look>,
    issues: Vec<&'a Issue>,
    /// Its type after the steps so far.
    kind: ColumnType,
    /// A step so far leaves it out, or makes other columns of it.
    gone: bool,
    /// What one would predict.
    target: bool,
    /// A step so far makes some of its values missing.
    more_missing: bool,
}

impl Seen<'_> {
    fn name(&self) -> &str {
        &self.profile.name
    }

    fn issue(&self, kind: &str) -> Option<&Issue> {
        self.issues.iter().find(|i| i.kind == kind).copied()
    }

    /// Whether steps that change values may take it.
    fn free(&self) -> bool {
        !self.gone && !self.target
    }
}

/// Suggests steps and models for a dataset and its profile. The same data give the same answer, ids included.
///
/// # Errors
/// Where the dataset cannot be read.
pub fn suggest(profile: &Profile, dataset: &Path) -> Result<Suggestions, Error> {
    let mut looks = look::look(dataset, profile)?;
    let target = profile.target.as_ref().map(|t| t.column.as_str());
    let mut columns: Vec<Seen<'_>> = profile
        .columns
        .iter()
        .map(|c| Seen {
            profile: c,
            look: looks.remove(&c.name),
            issues: profile.issues.iter().filter(|i| i.column.as_deref() == Some(&c.name)).collect(),
            kind: c.kind,
            gone: false,
            target: target == Some(c.name.as_str()),
            more_missing: false,
        })
        .collect();
    let mut steps = Steps::default();
    if profile.rows > 0 {
        mend::steps(profile, &mut columns, &mut steps);
        shape::steps(profile, &mut columns, &mut steps);
    }
    Ok(Suggestions { steps: steps.0, models: models::models(profile) })
}

/// The steps so far.
#[derive(Default)]
pub(super) struct Steps(Vec<Step>);

/// A step before its settings are filled up.
struct Draft<'s> {
    op: &'s str,
    /// What the id says of a step of several columns.
    about: &'s str,
    columns: Vec<String>,
    settings: &'s [(&'s str, &'s str)],
    confidence: f64,
    rationale: String,
    evidence: Vec<String>,
}

impl Steps {
    fn add(&mut self, draft: Draft<'_>) {
        let settings = draft.settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let choice = StepChoice { op: draft.op.to_owned(), columns: draft.columns, settings };
        let settings = steps::with_defaults(&choice);
        let specs = steps::op(draft.op).map(|o| o.settings).unwrap_or_default();
        let choices: BTreeMap<String, String> =
            specs.iter().map(|s| (s.name.to_owned(), s.choices.to_owned())).collect();
        let about = match choice.columns.as_slice() {
            [one] => plain(one),
            _ => draft.about.to_owned(),
        };
        let id = format!("{}:{about}", draft.op);
        let taken: BTreeSet<&str> = self.0.iter().map(|s| s.id.as_str()).collect();
        let numbered = (2usize..).map(|n| format!("{id}-{n}"));
        let id =
            std::iter::once(id.clone()).chain(numbered).find(|i| !taken.contains(i.as_str())).unwrap_or(id);
        self.0.push(Step {
            id,
            op: choice.op,
            columns: choice.columns,
            confidence: (draft.confidence * 100.0).round() / 100.0,
            rationale: draft.rationale,
            evidence: draft.evidence,
            settings,
            choices,
        });
    }
}

/// A column's name in an id, which stands in a list with commas on a command line.
fn plain(name: &str) -> String {
    let ok = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    name.chars().map(|c| if ok(c) { c } else { '_' }).take(40).collect()
}

fn percent(part: u64, whole: u64) -> String {
    let share = part as f64 / whole.max(1) as f64 * 100.0;
    if share > 0.0 && share < 0.1 { "under 0.1 %".to_owned() } else { format!("{share:.1} %") }
}

fn names(columns: &[&mut Seen<'_>]) -> Vec<String> {
    columns.iter().map(|c| c.name().to_owned()).collect()
}

/// A line for each of the first columns, and how many more there are.
fn evidence(columns: &[&mut Seen<'_>], line: impl Fn(&Seen<'_>) -> String) -> Vec<String> {
    let mut lines: Vec<String> =
        columns.iter().take(SHOWN).map(|c| format!("{}: {}", c.name(), line(c))).collect();
    if columns.len() > SHOWN {
        lines.push(format!("and {} more columns", columns.len() - SHOWN));
    }
    lines
}
