//! What the tabs Profile, Prepare, Reading and Type of an open file know beside the file itself. Plain data.

use std::collections::BTreeMap;

use dropforge_shared::detection::Detection;
use dropforge_shared::ids::JobId;
use dropforge_shared::profile::{Correlations, Profile};
use dropforge_shared::reading::{Reading, settings};
use dropforge_shared::steps;
use dropforge_shared::suggest::{Effect, ModelSuggestion, Recipe, Step, StepChoice};

use super::data::Loaded;
use super::list::Cursor;

/// Rows that the preview of steps shows.
pub const PREVIEWED: u64 = 20;

/// A measure of how two columns go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Linear, of numbers.
    Pearson,
    /// By rank, of numbers.
    Spearman,
    /// Of categories.
    CramersV,
}

impl Measure {
    /// All, in their order.
    pub const ALL: [Self; 3] = [Self::Pearson, Self::Spearman, Self::CramersV];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pearson => "Pearson",
            Self::Spearman => "Spearman",
            Self::CramersV => "Cramér's V",
        }
    }

    /// Whether a profile has it.
    pub fn known(self, profile: &Profile) -> bool {
        self.of(profile).is_some_and(|c| !c.columns.is_empty())
    }

    /// Its matrix in a profile.
    pub fn of(self, profile: &Profile) -> Option<&Correlations> {
        match self {
            Self::Pearson => profile.correlations.as_ref(),
            Self::Spearman => profile.spearman.as_ref(),
            Self::CramersV => profile.cramers_v.as_ref(),
        }
    }
}

/// How many columns of numbers a profile has.
pub fn numbers(profile: &Profile) -> usize {
    profile.columns.iter().filter(|c| c.kind.is_numeric()).count()
}

/// The matrix of correlations on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heat {
    /// Which measure.
    pub measure: Measure,
    /// The selected line.
    pub row: usize,
    /// The selected column.
    pub column: usize,
}

/// A step on the screen.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// The step with the settings as they are now.
    pub step: Step,
    /// Whether it will be run.
    pub accepted: bool,
    /// Whether the user wrote it or changed it.
    pub changed: bool,
}

/// Steps of preparation.
#[derive(Debug, Default)]
pub struct Prepare {
    /// Whether the suggestions were read, are on their way, or why they can't be.
    pub state: Loaded<()>,
    /// The steps, in the order in which they are run.
    pub cards: Vec<Card>,
    /// Models worth training.
    pub models: Vec<ModelSuggestion>,
    /// The selected step.
    pub at: Cursor,
    /// What the accepted steps do to the first rows, while that is shown.
    pub preview: Option<Loaded<Box<Effect>>>,
    /// Counts requests for it.
    pub ticket: u64,
    /// Lines that the preview is scrolled down.
    pub preview_top: usize,
    /// The first column of the preview in sight.
    pub preview_column: usize,
    /// Recipes, once they were read.
    pub recipes: Vec<Recipe>,
}

impl Prepare {
    /// The accepted steps in order.
    pub fn accepted(&self) -> Vec<StepChoice> {
        self.cards.iter().filter(|c| c.accepted).map(|c| StepChoice::from(&c.step)).collect()
    }

    /// What the user made of the steps, where the suggestions are to be read anew.
    pub fn kept(mut self) -> Self {
        self.cards.retain(|c| c.accepted || c.changed);
        Self { cards: self.cards, ticket: self.ticket, recipes: self.recipes, ..Self::default() }
    }

    /// What the previewed steps say of what they did, where they say anything.
    pub fn notes(&self) -> Option<&[String]> {
        let effect = self.preview.as_ref().and_then(Loaded::get)?;
        Some(effect.notes.as_slice()).filter(|n| !n.is_empty())
    }

    /// What tells the cards apart.
    pub fn keys(&self) -> Vec<String> {
        self.cards.iter().map(|c| c.step.id.clone()).collect()
    }

    /// A step that the user wrote, with all settings that its operation has.
    pub fn card(&self, op: &str, columns: Vec<String>, settings: BTreeMap<String, String>) -> Card {
        let choice = StepChoice { op: op.to_owned(), columns, settings };
        let known = steps::op(op).map(|o| o.settings).unwrap_or_default();
        let mut n = self.cards.len();
        let mut id = format!("{op} {n}");
        while self.cards.iter().any(|c| c.step.id == id) {
            n += 1;
            id = format!("{op} {n}");
        }
        let step = Step {
            id,
            op: op.to_owned(),
            confidence: 1.0,
            rationale: "You added it.".into(),
            evidence: Vec::new(),
            settings: steps::with_defaults(&choice),
            choices: known.iter().map(|s| (s.name.to_owned(), s.choices.to_owned())).collect(),
            columns: choice.columns,
        };
        Card { step, accepted: true, changed: true }
    }
}

/// A record that could not be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Its line in the file, as the output has it.
    pub line: String,
    /// Why.
    pub reason: String,
    /// The record.
    pub record: String,
}

/// Records that could not be placed, as far as they are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RejectedRows {
    /// The first ones.
    pub rows: Vec<Rejected>,
    /// Whether there are more in the output.
    pub more: bool,
}

/// How a file was read.
#[derive(Debug, Default)]
pub struct ReadingTab {
    /// What the reader wrote down.
    pub reading: Loaded<Box<Reading>>,
    /// What it could not place.
    pub rejected: Loaded<RejectedRows>,
    /// The selected line.
    pub at: usize,
    /// What the user set but has not read with yet: the whole set, in place of the file's own.
    pub wanted: Option<BTreeMap<String, String>>,
    /// The reading with what the user set before, until it is done.
    pub again: Option<Again>,
}

/// A reading that the user asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Again {
    /// Its job.
    pub job: JobId,
    /// What was set for it.
    pub with: BTreeMap<String, String>,
    /// Why there is nothing of it, once it ended so.
    pub failed: Option<String>,
}

impl ReadingTab {
    /// What is set, by the user now, for the reading under way, or for the one that is shown.
    pub fn set<'a>(&'a self, file: &'a BTreeMap<String, String>) -> &'a BTreeMap<String, String> {
        self.wanted.as_ref().unwrap_or_else(|| self.read_with(file))
    }

    /// What the newest reading was given, be it under way or the one that is shown.
    pub fn read_with<'a>(&'a self, file: &'a BTreeMap<String, String>) -> &'a BTreeMap<String, String> {
        self.under_way().map_or(file, |a| &a.with)
    }

    /// The reading that has not ended.
    pub fn under_way(&self) -> Option<&Again> {
        self.again.as_ref().filter(|a| a.failed.is_none())
    }

    /// Lets go of what was read; what the user set and asked for stays.
    pub fn kept(self) -> Self {
        Self { wanted: self.wanted, again: self.again, ..Self::default() }
    }
}

/// The types that settings ask for, by column.
pub fn types_set(set: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let lines = set.get(settings::TYPES).map(String::as_str).unwrap_or_default().lines();
    // A column's name may have the sign in it; a type's name has not.
    lines.filter_map(|l| l.rsplit_once('=')).map(|(c, t)| (c.to_owned(), t.to_owned())).collect()
}

/// Sets one setting; an empty value leaves it to what is found.
pub fn set_one(set: &mut BTreeMap<String, String>, name: &str, value: &str) {
    if value.is_empty() {
        set.remove(name);
    } else {
        set.insert(name.to_owned(), value.to_owned());
    }
}

/// What kind of data a file holds.
#[derive(Debug, Default)]
pub struct TypeTab {
    /// The scores.
    pub detection: Loaded<Box<Detection>>,
    /// The selected type.
    pub at: Cursor,
}
