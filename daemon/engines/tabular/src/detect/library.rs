//! All rules: the built-in ones of `assets/detection/`, and the user's in a folder of theirs. Knows neither what a rule
//! says nor how tables are scored.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::rules::{GENERIC, Rule};

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
fn files(folder: &Path, bad: &mut Vec<String>) -> Vec<PathBuf> {
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
