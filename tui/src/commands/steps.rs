//! Steps of preparation as options: chosen among the suggestions or taken from a recipe, with settings changed. Must not know
//! what is done with them.

use dropforge_shared::clean;
use dropforge_shared::client::{Client, flat, within};
use dropforge_shared::fault::Fault;
use dropforge_shared::service::CALL;
use dropforge_shared::suggest::{Recipe, Step, StepChoice};

/// Which of the suggested steps.
#[derive(Debug, Clone, clap::Args)]
pub struct Chosen {
    /// These suggested steps, in this order; `dropforge suggest FILE` lists them
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
    pub(super) steps: Vec<String>,
    /// All suggested steps
    #[arg(long, conflicts_with = "steps")]
    pub(super) all: bool,
    /// Change a step's setting; in a recipe the ID is the step's number, from 1
    #[arg(long = "set", value_name = "ID.KEY=VALUE")]
    pub(super) set: Vec<String>,
}

/// A recipe by name.
pub(super) async fn recipe(client: &Client, name: &str) -> Result<Recipe, Fault> {
    let all = flat(client.rpc.recipes(within(CALL)).await)?;
    let names: Vec<String> = all.iter().map(|r| r.name.clone()).collect();
    if !names.iter().any(|n| n == name) {
        let bad = flat(client.rpc.recipe_faults(within(CALL)).await)?;
        if let Some((_, fault)) = bad.into_iter().find(|(n, _)| n == name) {
            return Err(fault);
        }
    }
    all.into_iter().find(|r| r.name == name).ok_or_else(|| {
        let fault = Fault::not_found(format!("no recipe '{}'", clean::fit(name, 60)));
        fault.hint(if names.is_empty() {
            "There is none yet; `dropforge recipe save` makes one.".to_owned()
        } else {
            format!("There are: {}.", names.join(", "))
        })
    })
}

/// The steps that were chosen among a file's suggestions.
pub(super) async fn of_file(client: &Client, file: &str, chosen: &Chosen) -> Result<Vec<StepChoice>, Fault> {
    let suggested = flat(client.rpc.suggest(within(CALL * 3), file.to_owned()).await)?.steps;
    pick(&suggested, chosen)
}

fn pick(suggested: &[Step], chosen: &Chosen) -> Result<Vec<StepChoice>, Fault> {
    let known = || suggested.iter().map(|s| clean::fit(&s.id, 60)).collect::<Vec<_>>().join(", ");
    let mut named: Vec<(String, StepChoice)> = Vec::new();
    if chosen.all {
        named.extend(suggested.iter().map(|s| (s.id.clone(), s.into())));
    }
    for id in &chosen.steps {
        let Some(step) = suggested.iter().find(|s| s.id == *id) else {
            return Err(Fault::usage(format!("no step '{}' is suggested", clean::fit(id, 60)))
                .hint(format!("There are: {}.", known())));
        };
        named.push((step.id.clone(), step.into()));
    }
    if named.is_empty() {
        return Err(Fault::failed("there is nothing that one should do with these data"));
    }
    change(&mut named, &chosen.set)?;
    Ok(named.into_iter().map(|(_, step)| step).collect())
}

/// The steps of a recipe, with settings changed; a step's id is its number.
pub(super) fn of_recipe(recipe: Recipe, set: &[String]) -> Result<Vec<StepChoice>, Fault> {
    let mut named: Vec<(String, StepChoice)> =
        recipe.steps.into_iter().enumerate().map(|(at, step)| ((at + 1).to_string(), step)).collect();
    change(&mut named, set)?;
    Ok(named.into_iter().map(|(_, step)| step).collect())
}

fn change(named: &mut [(String, StepChoice)], set: &[String]) -> Result<(), Fault> {
    for text in set {
        let shown = clean::fit(text, 60);
        // An id may have dots in it: the longest that fits is meant.
        let step = named
            .iter_mut()
            .filter_map(|(id, step)| {
                let rest = text.strip_prefix(id.as_str())?.strip_prefix('.')?;
                Some((id.len(), step, rest))
            })
            .max_by_key(|(length, ..)| *length);
        let Some((_, step, rest)) = step else {
            return Err(Fault::usage(format!("--set '{shown}' names none of the chosen steps"))
                .hint("Write it as ID.KEY=VALUE, with the id of a step that is run."));
        };
        let Some((key, value)) = rest.split_once('=') else {
            return Err(Fault::usage(format!("--set '{shown}' has no '='")).hint("Write it as ID.KEY=VALUE."));
        };
        // A step as it is suggested has all its settings; one of a recipe may leave out what has its default.
        if !step.settings.contains_key(key) && !step.settings.is_empty() {
            let known: Vec<&str> = step.settings.keys().map(String::as_str).collect();
            return Err(Fault::usage(format!("--set '{shown}': '{}' has no such setting", step.op))
                .hint(format!("It has: {}.", known.join(", "))));
        }
        step.settings.insert(key.to_owned(), value.to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn step(id: &str, settings: &[(&str, &str)]) -> Step {
        Step {
            id: id.into(),
            op: "impute".into(),
            columns: vec!["a".into()],
            confidence: 0.5,
            rationale: String::new(),
            evidence: vec![],
            settings: settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            choices: BTreeMap::new(),
        }
    }

    fn chosen(steps: &[&str], set: &[&str]) -> Chosen {
        let own = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect();
        Chosen { steps: own(steps), all: false, set: own(set) }
    }

    #[test]
    fn steps_are_run_in_the_order_named_with_settings_changed() {
        let suggested =
            [step("impute:a", &[("with", "mean")]), step("impute:a.b", &[("with", "mean"), ("x", "1")])];
        let picked = pick(
            &suggested,
            &chosen(&["impute:a.b", "impute:a"], &["impute:a.b.with=a=b", "impute:a.with=0"]),
        )
        .unwrap();
        let with: Vec<&str> = picked.iter().map(|s| s.settings["with"].as_str()).collect();
        assert_eq!(with, ["a=b", "0"]);
        assert_eq!(pick(&suggested, &Chosen { all: true, ..chosen(&[], &[]) }).unwrap().len(), 2);
        for bad in [
            chosen(&["other"], &[]),
            chosen(&["impute:a"], &["impute:a.b.x=2"]),
            chosen(&["impute:a"], &["impute:a.how=2"]),
        ] {
            assert_eq!(pick(&suggested, &bad).unwrap_err().code.exit_code(), 2, "{bad:?}");
        }
    }

    #[test]
    fn a_recipes_steps_are_named_by_number() {
        let choice = StepChoice { op: "clip".into(), columns: vec![], settings: BTreeMap::new() };
        let recipe =
            Recipe { name: "r".into(), description: String::new(), steps: vec![choice.clone(), choice] };
        let steps = of_recipe(recipe, &["2.at=3".into()]).unwrap();
        assert!(steps[0].settings.is_empty() && steps[1].settings["at"] == "3");
    }
}
