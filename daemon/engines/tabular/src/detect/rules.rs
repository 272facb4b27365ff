//! The rules: one TOML file a type, the built-in ones in `assets/detection/`, the user's in a folder of theirs. Knows
//! how rules are written, not how tables are scored by them.
//!
//! A rule's parts, by example:
//!
//! ```toml
//! name = "market_prices"                # what `show` prints; small letters, digits, '_' and '-'
//! title = "Market prices"               # what people read
//! enough = 5                            # weight of columns found from which on the names convince fully
//! core_needed = 2                       # how many core columns there must be
//! anti = ["*_review", "passenger*"]     # patterns of columns that speak against the type
//!
//! [[column]]                            # a column that tables of this type have
//! role = "open"                         # what the rest of the rule calls it
//! core = true                           # telling for the type (default false)
//! weight = 1.0                          # the default
//! most = 1                              # how many columns may play the role (the default)
//! names = ["open", "opening price"]     # compared without case, accents, separators, brackets and a counting suffix
//! patterns = ["*_open", "open_#"]       # '*' any text, '#' digits; on small words joined by '_'
//! values = ["numeric"]                  # the column fits if its values have any of these shapes
//!
//! [[shape]]                             # telling values, whatever the names
//! measure = "ohlc"                      # see `Measure`; `of` names a shape or a role where one is needed
//! at_least = 0.99                       # default 1; `at_most` may stand beside it
//! weight = 3.0
//!
//! [[hint]]                              # what else is usual for such tables
//! measure = "time_ordered"
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::names::{self, Pattern};
use super::shapes::Shape;

/// The type of a table that is of no other type.
pub(crate) const GENERIC: &str = "generic";

/// A user's rule may have this many bytes; honest ones have a few thousand.
const MAX_RULE_BYTES: u64 = 1 << 20;
/// Files of a user's folder that are read.
const MAX_RULES: usize = 500;

/// The built-in rules, in the order in which ties are settled.
const BUILT_IN: [(&str, &str); 18] = [
    ("transactions.toml", include_str!("../../../../../assets/detection/transactions.toml")),
    ("market_prices.toml", include_str!("../../../../../assets/detection/market_prices.toml")),
    ("sensors.toml", include_str!("../../../../../assets/detection/sensors.toml")),
    ("orders.toml", include_str!("../../../../../assets/detection/orders.toml")),
    ("customers.toml", include_str!("../../../../../assets/detection/customers.toml")),
    ("credit.toml", include_str!("../../../../../assets/detection/credit.toml")),
    ("logs.toml", include_str!("../../../../../assets/detection/logs.toml")),
    ("survey.toml", include_str!("../../../../../assets/detection/survey.toml")),
    ("medical.toml", include_str!("../../../../../assets/detection/medical.toml")),
    ("insurance.toml", include_str!("../../../../../assets/detection/insurance.toml")),
    ("survival.toml", include_str!("../../../../../assets/detection/survival.toml")),
    ("labelled_text.toml", include_str!("../../../../../assets/detection/labelled_text.toml")),
    ("geospatial.toml", include_str!("../../../../../assets/detection/geospatial.toml")),
    ("hr.toml", include_str!("../../../../../assets/detection/hr.toml")),
    ("vehicles.toml", include_str!("../../../../../assets/detection/vehicles.toml")),
    ("ratings.toml", include_str!("../../../../../assets/detection/ratings.toml")),
    ("images.toml", include_str!("../../../../../assets/detection/images.toml")),
    ("generic.toml", include_str!("../../../../../assets/detection/generic.toml")),
];

/// One type of data.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    name: Spanned<String>,
    pub(crate) title: String,
    #[serde(default = "enough")]
    enough: Spanned<f64>,
    #[serde(default)]
    pub(crate) core_needed: usize,
    #[serde(default)]
    pub(crate) anti: Vec<Pattern>,
    #[serde(default, rename = "column")]
    pub(crate) columns: Vec<Role>,
    #[serde(default, rename = "shape")]
    pub(crate) shapes: Vec<Test>,
    #[serde(default, rename = "hint")]
    pub(crate) hints: Vec<Test>,
}

fn enough() -> Spanned<f64> {
    Spanned::new(0..0, 4.0)
}

/// A column that tables of a type have.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Role {
    pub(crate) role: String,
    #[serde(default)]
    pub(crate) core: bool,
    #[serde(default = "one")]
    pub(crate) weight: f64,
    #[serde(default = "once")]
    pub(crate) most: usize,
    /// As written; [`Rule::check`] leaves them as keys.
    #[serde(default)]
    pub(crate) names: Vec<String>,
    #[serde(default)]
    pub(crate) patterns: Vec<Pattern>,
    #[serde(default)]
    pub(crate) values: Vec<Shape>,
}

fn one() -> f64 {
    1.0
}

fn once() -> usize {
    1
}

/// Something to be measured on a table, and what it should be.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Test {
    pub(crate) measure: Measure,
    #[serde(default)]
    of: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) at_least: Option<f64>,
    #[serde(default)]
    pub(crate) at_most: Option<f64>,
    #[serde(default = "one")]
    pub(crate) weight: f64,
    /// `of`, where it is a shape.
    #[serde(skip)]
    pub(crate) shape: Option<Shape>,
}

impl Test {
    /// The role or shape that is measured, as written.
    pub(crate) fn of(&self) -> &str {
        self.of.as_ref().map_or("", |of| of.get_ref())
    }

    /// Whether a measured value is as it should be.
    pub(crate) fn holds(&self, value: f64) -> bool {
        let least = self.at_least.or(if self.at_most.is_none() { Some(1.0) } else { None });
        least.is_none_or(|least| value >= least) && self.at_most.is_none_or(|most| value <= most)
    }
}

/// What can be measured on a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Measure {
    /// The share of columns that play a role of the type; not without names.
    Explained,
    /// Rows.
    Rows,
    /// Columns.
    Columns,
    /// The share of columns that are numeric.
    Numeric,
    /// How many columns have the shape `of`.
    Count,
    /// The share of columns that have the shape `of`.
    Share,
    /// 1 where the column of the role `of` has a different value in each row, else 0; not without names.
    Unique,
    /// 1 where values of the column of the role `of` repeat, else 0; not without names.
    Repeats,
    /// The share of rows with low ≤ open, close ≤ high, in the columns of these roles, else in four side by side.
    Ohlc,
    /// 1 where there are degrees north and east, in the columns of these roles, else in two side by side.
    Coordinates,
    /// 1 where a column of times goes only up or only down, else 0.
    TimeOrdered,
    /// 1 where the times of a column come at regular intervals, else 0.
    RegularTime,
    /// The share of numeric columns that change little from row to row: a correlation of 0.7 with the row before.
    Smooth,
    /// 1 where two columns of repeated codes stand beside a column of stars, else 0.
    UserItem,
    /// 1 where a column of sentences stands beside one of categories, else 0.
    TextAndLabel,
    /// The share of columns with the most frequent scale of answers.
    SameScale,
}

impl Rule {
    /// The type's name.
    pub(crate) fn name(&self) -> &str {
        self.name.get_ref()
    }

    /// The weight of columns from which on names convince fully.
    pub(crate) fn enough(&self) -> f64 {
        *self.enough.get_ref()
    }

    /// Reads a rule. An error says line and reason.
    fn parse(text: &str) -> Result<Self, String> {
        let at = |offset: usize| {
            let before = text.as_bytes().get(..offset).unwrap_or_default();
            1 + before.iter().filter(|b| **b == b'\n').count()
        };
        let mut rule: Self = toml::from_str(text).map_err(|e: toml::de::Error| {
            format!("line {}: {}", e.span().map_or(1, |s| at(s.start)), e.message().replace('\n', " "))
        })?;
        rule.check().map_err(|(offset, reason)| format!("line {}: {reason}", at(offset)))?;
        Ok(rule)
    }

    /// What the form of the file does not say. An error has the offset of what is wrong.
    fn check(&mut self) -> Result<(), (usize, String)> {
        let start = self.name.span().start;
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
        if self.name().is_empty() || self.name().len() > 60 || !self.name().chars().all(good) {
            return Err((
                start,
                format!(
                    "the name '{}' must be of small letters, digits, '_' and '-', 60 at most",
                    self.name()
                ),
            ));
        }
        if self.name() == GENERIC {
            let empty = self.columns.is_empty() && self.shapes.is_empty() && self.hints.is_empty();
            return if empty {
                Ok(())
            } else {
                Err((
                    start,
                    "'generic' is what no other type fits: it can have a title, nothing more".to_owned(),
                ))
            };
        }
        if !(self.enough() > 0.0 && self.enough().is_finite()) {
            return Err((self.enough.span().start, "'enough' must be above 0".to_owned()));
        }
        if self.columns.is_empty() && self.shapes.is_empty() {
            return Err((
                start,
                "the rule has no [[column]] and no [[shape]], so nothing could match it".to_owned(),
            ));
        }
        let weights = self.columns.iter().map(|c| c.weight);
        let weights = weights.chain(self.shapes.iter().chain(&self.hints).map(|t| t.weight));
        if let Some(bad) = weights.into_iter().find(|w| !(w.is_finite() && *w > 0.0)) {
            return Err((start, format!("a weight is {bad}: weights must be above 0")));
        }
        let core = self.columns.iter().filter(|c| c.core).count();
        if self.core_needed > core {
            return Err((
                start,
                format!("'core_needed' is {}, but {core} columns are core", self.core_needed),
            ));
        }
        for role in &mut self.columns {
            for name in &mut role.names {
                *name = names::key(name);
            }
        }
        let roles: Vec<&str> = self.columns.iter().map(|c| c.role.as_str()).collect();
        for test in self.shapes.iter_mut().chain(&mut self.hints) {
            test.shape = resolve(test, &roles)
                .map_err(|reason| (test.of.as_ref().map_or(start, |of| of.span().start), reason))?;
        }
        Ok(())
    }
}

fn resolve(test: &Test, roles: &[&str]) -> Result<Option<Shape>, String> {
    let of = test.of();
    match test.measure {
        Measure::Count | Measure::Share => {
            let shape = toml::Value::String(of.to_owned());
            let shape = shape
                .try_into::<Shape>()
                .map_err(|e| format!("'of' must be a shape: {}", e.message().replace('\n', " ")))?;
            Ok(Some(shape))
        }
        Measure::Unique | Measure::Repeats if roles.contains(&of) => Ok(None),
        Measure::Unique | Measure::Repeats => {
            Err(format!("'of' must be a role of the rule's columns ({}), not '{of}'", roles.join(", ")))
        }
        _ if of.is_empty() => Ok(None),
        _ => Err("this measure has no 'of'".to_owned()),
    }
}

/// All types that a table may be of.
#[derive(Debug, Clone)]
pub struct Rules {
    pub(crate) rules: Vec<Rule>,
}

impl Rules {
    /// The rules that come with the program.
    pub fn builtin() -> Self {
        // A test holds that every one is good.
        let rules = BUILT_IN.iter().filter_map(|(_, text)| Rule::parse(text).ok()).collect();
        Self { rules }
    }

    /// The built-in rules with those of a user's folder: each `*.toml` in it adds a type, or replaces the one of its
    /// name. A rule that is not good is left out; each is told by file, line and reason. A folder that is not there
    /// adds nothing.
    pub fn with_user_folder(folder: &Path) -> (Self, Vec<String>) {
        let mut rules = Self::builtin();
        let mut bad = Vec::new();
        let mut from: BTreeMap<String, String> = BTreeMap::new();
        for file in files(folder, &mut bad) {
            let shown = file.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
            match read(&file).and_then(|text| Rule::parse(&text)) {
                Ok(rule) => {
                    if let Some(first) = from.insert(rule.name().to_owned(), shown.clone()) {
                        bad.push(format!(
                            "{shown}: line 1: '{}' was defined by {first}; this one is used",
                            rule.name()
                        ));
                    }
                    match rules.rules.iter_mut().find(|r| r.name() == rule.name()) {
                        Some(old) => *old = rule,
                        None => rules.rules.push(rule),
                    }
                }
                Err(reason) => bad.push(format!("{shown}: {reason}; the rule is not used")),
            }
        }
        (rules, bad)
    }

    /// Name and title of every type, `generic` among them.
    pub fn types(&self) -> impl Iterator<Item = (&str, &str)> {
        self.rules.iter().map(|rule| (rule.name(), rule.title.as_str()))
    }

    /// The title of `generic`.
    pub(crate) fn generic_title(&self) -> &str {
        self.rules
            .iter()
            .find(|r| r.name() == GENERIC)
            .map_or("Table of no special type", |r| r.title.as_str())
    }
}

/// The rule files of a folder, by name.
fn files(folder: &Path, bad: &mut Vec<String>) -> Vec<std::path::PathBuf> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(e) => {
            bad.push(format!("the folder of detection rules cannot be read: {e}"));
            return Vec::new();
        }
    };
    let paths = entries.flatten().map(|entry| entry.path());
    let mut files: Vec<_> = paths.filter(|p| p.extension().is_some_and(|e| e == "toml")).collect();
    files.sort_unstable();
    if files.len() > MAX_RULES {
        bad.push(format!(
            "{} rule files lie in the folder; the first {MAX_RULES} by name are used",
            files.len()
        ));
        files.truncate(MAX_RULES);
    }
    files
}

fn read(path: &Path) -> Result<String, String> {
    let told = |e: std::io::Error| format!("line 1: cannot be read: {e}");
    let metadata = fs::metadata(path).map_err(told)?;
    if !metadata.is_file() {
        return Err("line 1: it is no file".to_owned());
    }
    if metadata.len() > MAX_RULE_BYTES {
        return Err(format!(
            "line 1: {} bytes are over the limit of {MAX_RULE_BYTES} for a rule",
            metadata.len()
        ));
    }
    fs::read_to_string(path).map_err(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_rule_is_good_and_named_as_its_file() {
        for (file, text) in BUILT_IN {
            let rule = Rule::parse(text).unwrap_or_else(|e| panic!("{file}: {e}"));
            assert_eq!(format!("{}.toml", rule.name()), file);
            assert!(rule.name() == GENERIC || rule.core_needed > 0, "{file}");
        }
        assert_eq!(Rules::builtin().rules.len(), BUILT_IN.len());
    }

    const GOOD: &str = "name = 'wine'\ntitle = 'Wine'\n[[column]]\nrole = 'vintage'\nnames = ['Vintage']\n";

    #[test]
    fn a_users_rules_add_and_override_and_bad_ones_are_named_by_file_and_line() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        write("wine.toml", GOOD);
        write("mine.toml", &GOOD.replace("'wine'", "'orders'").replace("'Wine'", "'My orders'"));
        write("a.toml", &GOOD.replace("names", "nmes"));
        write("b.toml", &GOOD.replace("['Vintage']", "['Vintage'"));
        write("c.toml", &format!("{GOOD}values = ['lattitude']\n"));
        write("d.toml", &format!("{GOOD}[[hint]]\nmeasure = 'unique'\nof = 'year'\n"));
        write("e.toml", &GOOD.replace("'wine'", "'Wine!'"));
        write("f.toml", &format!("{GOOD}patterns = ['*']\n"));
        write("readme.txt", "not a rule");
        let (rules, bad) = Rules::with_user_folder(dir.path());
        let types: Vec<_> = rules.types().collect();
        assert_eq!(types.len(), BUILT_IN.len() + 1);
        assert!(types.contains(&("wine", "Wine")) && types.contains(&("orders", "My orders")), "{types:?}");
        let told = [
            "a.toml: line 5",
            "b.toml: line",
            "c.toml: line 6",
            "d.toml: line 8",
            "e.toml: line 1",
            "f.toml: line 6",
        ];
        assert_eq!(bad.len(), told.len(), "{bad:?}");
        for (bad, told) in bad.iter().zip(told) {
            assert!(bad.starts_with(told), "{bad:?} should begin with {told:?}");
        }
        assert!(bad[2].contains("lattitude") && bad[2].contains("latitude"), "{}", bad[2]);
    }

    #[test]
    fn a_folder_that_is_not_there_adds_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (rules, bad) = Rules::with_user_folder(&dir.path().join("none"));
        assert_eq!((rules.rules.len(), bad.len()), (BUILT_IN.len(), 0));
    }
}
