//! Recipes as text: TOML that a user can read and write.
//!
//! ```toml
//! name = "passengers"
//! description = "What every passenger list needs"
//!
//! [[steps]]
//! op = "impute"
//! columns = ["age"]
//! settings = { strategy = "median" }
//! ```
//!
//! Must not know: where recipes lie, nor any data.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;
use toml::Spanned;

use crate::steps;
use crate::suggest::{Recipe, StepChoice};

/// Bytes that a recipe may have.
pub const MAX_BYTES: usize = 1 << 20;
/// Characters that a name may have.
const MAX_NAME: usize = 64;

/// What is wrong with a recipe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct RecipeError {
    /// The line in the text, from 1.
    pub line: usize,
    /// What is wrong and what would be right.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRecipe {
    name: Option<Spanned<String>>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    steps: Vec<Spanned<RawStep>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStep {
    op: String,
    #[serde(default)]
    columns: Vec<String>,
    #[serde(default)]
    settings: BTreeMap<String, Spanned<toml::Value>>,
}

/// Whether a recipe may be called so: letters, digits, `-` and `_`, 64 characters at most.
pub fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !name.is_empty() && name.len() <= MAX_NAME && name.chars().all(fits)
}

/// Reads a recipe and checks its steps as far as that goes without data. A text that names no recipe is called `usual`, as
/// its file is.
///
/// # Errors
/// The first thing that is wrong, with its line.
pub fn recipe_from_toml(text: &str, usual: &str) -> Result<Recipe, RecipeError> {
    let at = |offset: usize, reason: String| {
        let before = text.as_bytes().get(..offset.min(text.len())).unwrap_or_default();
        RecipeError { line: before.iter().filter(|b| **b == b'\n').count() + 1, reason }
    };
    if text.len() > MAX_BYTES {
        return Err(at(0, format!("a recipe may have {MAX_BYTES} bytes, and this has {}", text.len())));
    }
    let raw: RawRecipe = toml::from_str(text)
        .map_err(|e| at(e.span().map_or(0, |s| s.start), e.message().trim().replace('\n', "; ")))?;
    let (name, place) = match &raw.name {
        Some(name) => (name.get_ref().as_str(), name.span().start),
        None => (usual, 0),
    };
    if !is_name(name) {
        let reason =
            format!("the name '{name}' cannot be: it must be letters, digits, - and _, {MAX_NAME} at most");
        return Err(at(place, reason));
    }
    let name = name.to_owned();
    let mut choices = Vec::with_capacity(raw.steps.len());
    let mut places = Vec::with_capacity(raw.steps.len());
    for step in raw.steps {
        places.push(step.span().start);
        let step = step.into_inner();
        let mut settings = BTreeMap::new();
        for (name, value) in step.settings {
            let place = value.span().start;
            let value = plain(value.get_ref()).ok_or_else(|| {
                at(place, format!("the setting {name} must be a text, number, truth value or list"))
            })?;
            settings.insert(name, value);
        }
        choices.push(StepChoice { op: step.op, columns: step.columns, settings });
    }
    steps::check(&choices).map_err(|e| {
        let place = places.get(e.step.saturating_sub(1)).copied().unwrap_or(0);
        at(place, e.to_string())
    })?;
    Ok(Recipe { name, description: raw.description, steps: choices })
}

/// A setting as text; `None` for what no setting can be.
fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(n) => Some(n.to_string()),
        toml::Value::Float(n) => Some(n.to_string()),
        toml::Value::Boolean(b) => Some(b.to_string()),
        toml::Value::Datetime(d) => Some(d.to_string()),
        toml::Value::Array(values) => {
            Some(steps::join_values(values.iter().map(plain).collect::<Option<Vec<_>>>()?))
        }
        toml::Value::Table(_) => None,
    }
}

/// The recipe as text, which [`recipe_from_toml`] reads back as it was.
pub fn recipe_to_toml(recipe: &Recipe) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut text = format!("name = {}\n", quoted(&recipe.name));
    if !recipe.description.is_empty() {
        let _ = writeln!(text, "description = {}", quoted(&recipe.description));
    }
    for step in &recipe.steps {
        let _ = write!(text, "\n[[steps]]\nop = {}\n", quoted(&step.op));
        if !step.columns.is_empty() {
            let columns: Vec<_> = step.columns.iter().map(|c| quoted(c)).collect();
            let _ = writeln!(text, "columns = [{}]", columns.join(", "));
        }
        if !step.settings.is_empty() {
            text.push_str("[steps.settings]\n");
            for (name, value) in &step.settings {
                let bare = !name.is_empty()
                    && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
                let name = if bare { name.clone() } else { quoted(name) };
                let _ = writeln!(text, "{name} = {}", quoted(value));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"name = "passengers"

[[steps]]
op = "impute"
columns = ["age", "fare"]
settings = { strategy = "median", indicator = true }

[[steps]]
op = "encode"
columns = ["embarked"]
[steps.settings]
max_categories = 5
values = ["S", "C,Q"]
"#;

    #[test]
    fn what_a_user_writes_is_read_and_written_back_the_same() {
        let recipe = recipe_from_toml(TEXT, "").unwrap();
        assert_eq!(recipe.name, "passengers");
        assert_eq!(recipe.steps.len(), 2);
        assert_eq!(recipe.steps[0].columns, ["age", "fare"]);
        assert_eq!(recipe.steps[0].settings["indicator"], "true");
        assert_eq!(recipe.steps[1].settings["max_categories"], "5");
        assert_eq!(steps::split_values(&recipe.steps[1].settings["values"]), ["S", "C,Q"]);
        let mut odd = recipe.clone();
        odd.description = "quotes \" and \\, two\nlines and a \u{1b}".into();
        odd.steps[0].columns.push("a \"b\"\t='c'".into());
        for recipe in [recipe, odd] {
            let text = recipe_to_toml(&recipe);
            assert_eq!(recipe_from_toml(&text, "").unwrap(), recipe, "{text}");
        }
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        let told = |from: &str, to: &str| recipe_from_toml(&TEXT.replace(from, to), "").unwrap_err();
        let cases = [
            ("passengers", "pass/../engers", 1, "letters, digits"),
            ("[\"age\", \"fare\"]", "[\"age\"", 6, ""),
            ("strategy = \"median\"", "strategy = \"middle\"", 3, "mean | median"),
            ("op = \"encode\"", "op = \"encod\"", 8, "no such operation"),
            ("max_categories = 5", "max_categories = { a = 1 }", 12, "max_categories"),
            ("columns = [\"embarked\"]", "colums = [\"embarked\"]", 10, "colums"),
        ];
        for (from, to, line, words) in cases {
            let error = told(from, to);
            assert!(error.line == line && error.reason.contains(words), "{to}: {error}");
        }
        assert_eq!(recipe_from_toml("steps = []", "").unwrap_err().line, 1);
        assert!(recipe_from_toml(&"#".repeat(MAX_BYTES + 1), "").is_err());
    }
}
