//! The operations of preparation: what each is called, which settings it has, and what those may be. One table for the
//! engine that runs them, the screen that edits them and recipes that keep them.
//!
//! Must not know: how an operation works, nor any data.

use std::collections::BTreeMap;

use crate::suggest::StepChoice;

/// Steps that one preparation may have.
pub const MAX_STEPS: usize = 1_000;

/// An operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpSpec {
    /// Its name.
    pub op: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
    /// Which columns it takes.
    pub columns: &'static str,
    /// Its settings.
    pub settings: &'static [SettingSpec],
}

/// A setting of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingSpec {
    /// Its name.
    pub name: &'static str,
    /// Its value where nothing else is said; empty where there is none.
    pub default: &'static str,
    /// What it may be: values with ` | ` between, or a description.
    pub choices: &'static str,
}

impl SettingSpec {
    /// The values it may have, where they can be listed.
    pub fn values(&self) -> Option<Vec<&'static str>> {
        self.choices.contains(" | ").then(|| self.choices.split(" | ").collect())
    }
}

const fn set(name: &'static str, default: &'static str, choices: &'static str) -> SettingSpec {
    SettingSpec { name, default, choices }
}

const SWITCH: &str = "true | false";
const LIST: &str = "values with commas between; \\, is a comma in a value";
const MISFIT: SettingSpec = set("on_misfit", "missing", "missing | fail");

/// Every operation, by name.
pub const OPS: &[OpSpec] = &[
    OpSpec {
        op: "cast",
        about: "Reads the cells of a column as another type. Cells that do not fit become missing and are counted.",
        columns: "any columns",
        settings: &[
            set("to", "float", "integer | float | boolean | text | date | datetime"),
            set("decimal", "point", "point | comma"),
            set("thousands", "none", "none | comma | point | blank | apostrophe"),
            set("strip", "", "characters to leave out before a number is read, such as $€%"),
            MISFIT,
        ],
    },
    OpSpec {
        op: "clip",
        about: "Draws numbers beyond two bounds to the bound, makes them missing, or drops their rows.",
        columns: "numeric columns",
        settings: &[
            set("method", "iqr", "iqr | quantiles"),
            set(
                "factor",
                "1.5",
                "interquartile ranges beyond the quartiles, for iqr: a number of at least 0",
            ),
            set("low", "0.01", "the lower quantile, for quantiles: a number from 0 to 1"),
            set("high", "0.99", "the upper quantile, for quantiles: a number from 0 to 1"),
            set("action", "clip", "clip | missing | drop_rows"),
        ],
    },
    OpSpec {
        op: "date_parts",
        about: "Makes columns of a date's parts. Weekdays are 1 for Monday to 7 for Sunday (ISO 8601).",
        columns: "date and datetime columns",
        settings: &[
            set(
                "parts",
                "year,month,day,weekday",
                "some of year, quarter, month, day, weekday, day_of_year, hour, minute",
            ),
            set("keep", "false", SWITCH),
        ],
    },
    OpSpec {
        op: "deduplicate",
        about: "Keeps the first of the rows that are equal in the columns.",
        columns: "any columns; none for the whole row",
        settings: &[],
    },
    OpSpec { op: "drop", about: "Leaves columns out.", columns: "any columns", settings: &[] },
    OpSpec {
        op: "encode",
        about: "Turns categories into numbers: a column of 0 and 1 for each, or a whole number each from 0.",
        columns: "any columns",
        settings: &[
            set("method", "one_hot", "one_hot | ordinal"),
            set("max_categories", "20", "columns made at most, for one_hot: a whole number from 1 to 1000"),
            set("others", "own_column", "own_column | none"),
            set("missing", "zeros", "zeros | own_column"),
            set("drop_first", "false", SWITCH),
            set("order", "frequency", "frequency | alphabetical | given"),
            set("values", "", LIST),
        ],
    },
    OpSpec {
        op: "filter_rows",
        about: "Keeps the rows that meet a condition. Missing values meet none but is_missing and is_not.",
        columns: "one column",
        settings: &[
            set(
                "keep",
                "not_missing",
                "is | is_not | below | at_most | above | at_least | contains | is_missing | not_missing",
            ),
            set("value", "", "what to compare with: a number, a date in ISO 8601, true or false, or text"),
        ],
    },
    OpSpec {
        op: "impute",
        about: "Fills missing cells, or drops the rows that have them.",
        columns: "any columns; mean and median take numeric ones",
        settings: &[
            set("strategy", "median", "mean | median | mode | constant | forward | drop_rows"),
            set("value", "", "what to fill in, for constant: it must fit the column's type"),
            set("indicator", "false", SWITCH),
        ],
    },
    OpSpec {
        op: "log_transform",
        about: "Takes the natural logarithm of 1 + x; signed_log1p does it for the size of x and keeps the sign.",
        columns: "numeric columns",
        settings: &[set("method", "log1p", "log1p | signed_log1p")],
    },
    OpSpec {
        op: "merge_spelling",
        about: "Gives texts that differ only in case or blanks one spelling.",
        columns: "text columns",
        settings: &[
            set("by", "case_and_blanks", "case_and_blanks | case | blanks"),
            set("to", "most_frequent", "most_frequent | lower | upper"),
        ],
    },
    OpSpec {
        op: "parse_dates",
        about: "Reads text as dates in one form. Cells that do not fit become missing and are counted.",
        columns: "text columns",
        settings: &[
            set(
                "format",
                "iso",
                "iso, iso_slashed, dotted, day_first, month_first, datetime, or a pattern of %Y %y %m %b %B %d %H %I %M %S %p",
            ),
            MISFIT,
        ],
    },
    OpSpec {
        op: "rename",
        about: "Gives a column another name.",
        columns: "one column",
        settings: &[set("to", "", "a name that no other column has")],
    },
    OpSpec {
        op: "replace",
        about: "Replaces whole cells by another value or by missing.",
        columns: "any columns",
        settings: &[
            set("values", "", LIST),
            set("with", "", "a value that fits the column's type; empty for missing"),
            set("case", "exact", "exact | ignore"),
        ],
    },
    OpSpec {
        op: "scale",
        about: "Brings numbers to a common scale: by mean and standard deviation, range, or median and quartiles.",
        columns: "numeric columns",
        settings: &[
            set("method", "standard", "standard | min_max | robust"),
            set("low", "0", "the smallest value, for min_max: a number"),
            set("high", "1", "the largest value, for min_max: a number"),
        ],
    },
    OpSpec {
        op: "split_list",
        about: "Splits cells that hold several values into a column of 0 and 1 for each, or counts them.",
        columns: "text columns",
        settings: &[
            set("separator", ";", "the text between two values"),
            set("to", "indicators", "indicators | count"),
            set("max_values", "20", "columns made at most, for indicators: a whole number from 1 to 1000"),
            set("others", "own_column", "own_column | none"),
            set("keep", "false", SWITCH),
        ],
    },
    OpSpec {
        op: "trim",
        about: "Takes away blanks around texts.",
        columns: "text columns; none for all of them",
        settings: &[set("inner", "keep", "keep | collapse"), set("empty", "missing", "missing | keep")],
    },
];

/// What is wrong with a step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("step {step} ({op}){}: {reason}", column.as_ref().map(|c| format!(", column {c}")).unwrap_or_default())]
pub struct StepError {
    /// Which step, from 1.
    pub step: usize,
    /// Its operation.
    pub op: String,
    /// The column, where it is one.
    pub column: Option<String>,
    /// What is wrong and what would be right.
    pub reason: String,
}

/// The operation of a name.
pub fn op(name: &str) -> Option<&'static OpSpec> {
    OPS.iter().find(|o| o.op == name)
}

/// Checks what can be told without data: that operations and settings exist, and that a setting with listed values has
/// one of them.
///
/// # Errors
/// The first thing that is wrong, with the step's number.
pub fn check(steps: &[StepChoice]) -> Result<(), StepError> {
    if steps.len() > MAX_STEPS {
        let reason = format!("there may be {MAX_STEPS} steps, and there are {}", steps.len());
        let op = steps.get(MAX_STEPS).map(|s| s.op.clone()).unwrap_or_default();
        return Err(StepError { step: MAX_STEPS + 1, op, column: None, reason });
    }
    steps.iter().enumerate().try_for_each(|(i, step)| check_one(i + 1, step))
}

fn check_one(number: usize, step: &StepChoice) -> Result<(), StepError> {
    let wrong = |reason| StepError { step: number, op: step.op.clone(), column: None, reason };
    let Some(spec) = op(&step.op) else {
        let known: Vec<_> = OPS.iter().map(|o| o.op).collect();
        return Err(wrong(format!("there is no such operation; there are {}", known.join(", "))));
    };
    for (name, value) in &step.settings {
        let Some(setting) = spec.settings.iter().find(|s| s.name == name) else {
            let known: Vec<_> = spec.settings.iter().map(|s| s.name).collect();
            let has = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(wrong(format!("there is no setting '{name}'; it has {has}")));
        };
        if setting.values().is_some_and(|values| !values.contains(&value.as_str())) {
            return Err(wrong(format!("{name} cannot be '{value}'; it may be {}", setting.choices)));
        }
    }
    Ok(())
}

/// The settings of a step with the defaults of those that it does not name.
pub fn with_defaults(step: &StepChoice) -> BTreeMap<String, String> {
    let defaults = op(&step.op).map(|o| o.settings).unwrap_or_default();
    let mut all: BTreeMap<String, String> =
        defaults.iter().map(|s| (s.name.to_owned(), s.default.to_owned())).collect();
    all.extend(step.settings.clone());
    all
}

/// Takes a list apart: values with commas between, blanks around them left out; `\,` is a comma and `\\` a backslash.
pub fn split_values(text: &str) -> Vec<String> {
    let mut values = vec![String::new()];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, values.last_mut()) {
            (',', _) => values.push(String::new()),
            ('\\', Some(last)) => last.extend(chars.next()),
            (c, Some(last)) => last.push(c),
            (_, None) => {}
        }
    }
    values.iter().map(|v| v.trim().to_owned()).filter(|v| !v.is_empty()).collect()
}

/// The inverse of [`split_values`].
pub fn join_values<S: AsRef<str>>(values: impl IntoIterator<Item = S>) -> String {
    let escaped = values.into_iter().map(|v| v.as_ref().replace('\\', "\\\\").replace(',', "\\,"));
    escaped.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(op: &str, settings: &[(&str, &str)]) -> StepChoice {
        let settings = settings.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        StepChoice { op: op.into(), columns: vec!["a".into()], settings }
    }

    #[test]
    fn every_default_is_one_of_its_own_choices() {
        for spec in OPS {
            for setting in spec.settings {
                if let Some(values) = setting.values() {
                    assert!(values.contains(&setting.default), "{} {}", spec.op, setting.name);
                }
            }
        }
        assert!(OPS.windows(2).all(|w| w[0].op < w[1].op));
    }

    #[test]
    fn a_mistake_is_named_with_its_step_and_what_would_be_right() {
        let told = |steps: &[StepChoice]| check(steps).unwrap_err().to_string();
        let fine = step("trim", &[]);
        assert!(check(std::slice::from_ref(&fine)).is_ok());
        let text = told(&[fine.clone(), step("imput", &[])]);
        assert!(text.starts_with("step 2 (imput): ") && text.contains("impute"), "{text}");
        let text = told(&[step("impute", &[("stratgy", "mean")])]);
        assert!(text.contains("'stratgy'") && text.contains("strategy, value"), "{text}");
        let text = told(&[step("impute", &[("strategy", "average")])]);
        assert!(text.contains("'average'") && text.contains("mean | median"), "{text}");
        assert!(check(&vec![fine; MAX_STEPS + 1]).is_err());
    }

    #[test]
    fn lists_keep_commas_that_are_meant() {
        assert_eq!(split_values("a, b\\,c ,,d\\\\"), ["a", "b,c", "d\\"]);
        let values = ["x", "y,z", "\\", "1"];
        assert_eq!(split_values(&join_values(values)), values);
    }
}
