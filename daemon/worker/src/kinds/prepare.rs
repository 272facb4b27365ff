//! Runs steps of preparation over a dataset: the new one becomes a file of its own, and the steps are kept beside it so
//! that they can be applied again.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use dropforge_shared::fault::Fault;
use dropforge_shared::kind::{JobClass, KindSpec};
use dropforge_shared::profile::Profile;
use dropforge_shared::suggest::{Recipe, StepChoice, settings};
use dropforge_shared::work::Derived;
use dropforge_shared::{recipe, steps};
use dropforge_tabular::{self as tabular, Prepared};

use crate::Kind;
use crate::context::{Context, Delivery, WorkError};

/// The kind `prepare`. Settings: `steps` (JSON of a list of steps) and `name` (the new dataset's file name; made of the
/// file's where it is not said). The dataset and its profile are what it is given as `data`.
pub(super) const KIND: Kind = Kind {
    spec: KindSpec {
        settings: &settings::ALL,
        check,
        ..KindSpec::new("prepare", JobClass::Compute, 2 << 30)
    },
    run: prepare,
};

/// The new dataset, in the output folder.
const PREPARED: &str = "prepared.parquet";
/// The steps as JSON, as the job was given them.
const STEPS: &str = "steps.json";
/// The steps as a recipe.
const RECIPE: &str = "recipe.toml";
/// What each step did, line by line.
const REPORT: &str = "report.txt";
/// Characters of the story that a file remembers of itself.
const MAX_HOW: usize = 4_000;

fn prepare(ctx: &mut Context) -> Result<Delivery, WorkError> {
    let input = ctx.input()?.clone();
    let out_dir = ctx.out_dir().to_owned();
    let steps = choices(&ctx.spec().settings).map_err(WorkError::failed)?;
    let name = name(ctx.spec().settings.get(settings::NAME), &input.name)?;
    let data = ctx.spec().given.data.clone().ok_or_else(|| {
        let fault = Fault::failed(format!("{} has no dataset to prepare", input.name));
        WorkError::failed(fault.hint("Only tables that were read can be prepared; see `dropforge show`."))
    })?;
    let profile = profile(&data)?;
    let dataset = data.join("dataset.parquet");
    let prepared = tabular::prepare(&dataset, &profile, &steps, &out_dir.join(PREPARED), ctx)?;
    let write = |name: &str, text: &[u8]| {
        fs::write(out_dir.join(name), text).map_err(|e| WorkError::io("writing the steps", &e))
    };
    let json =
        serde_json::to_vec_pretty(&steps).map_err(|e| WorkError::io("writing the steps", &e.into()))?;
    write(STEPS, &json)?;
    let recipe =
        Recipe { name: recipe_name(&input.name), description: format!("Steps run on {}", input.name), steps };
    write(RECIPE, recipe::recipe_to_toml(&recipe).as_bytes())?;
    let report: String =
        prepared.steps.iter().enumerate().map(|(i, s)| format!("{}. {}\n", i + 1, s.line())).collect();
    write(REPORT, report.as_bytes())?;
    let derived = Derived { output: PREPARED.to_owned(), name, how: how(&input.name, &prepared) };
    Ok(Delivery { facts: None, derived: vec![derived] })
}

/// The steps that the settings hold.
fn choices(given: &BTreeMap<String, String>) -> Result<Vec<StepChoice>, Fault> {
    let usage = |text: String| Fault::usage(text).hint("`dropforge suggest FILE` lists steps.");
    let text = given.get(settings::STEPS);
    let text = text.ok_or_else(|| usage("no steps were given to prepare the dataset with".to_owned()))?;
    let steps: Vec<StepChoice> = serde_json::from_str(text)
        .map_err(|e| usage(format!("the steps are no JSON of a list of steps: {e}")))?;
    if steps.is_empty() {
        return Err(usage("the list of steps is empty".to_owned()));
    }
    Ok(steps)
}

fn check(given: &BTreeMap<String, String>) -> Result<(), Fault> {
    steps::check(&choices(given)?).map_err(|e| Fault::usage(e.to_string()))
}

/// The new dataset's file name: as was said, else the file's with `-prepared`.
fn name(said: Option<&String>, input: &str) -> Result<String, WorkError> {
    let Some(said) = said.map(|s| s.trim()).filter(|s| !s.is_empty()) else {
        return Ok(format!("{}-prepared.parquet", stem(input)));
    };
    if said.contains(['/', '\\'])
        || said.chars().any(char::is_control)
        || said.len() > 255
        || said.starts_with('.')
    {
        let fault = Fault::usage(format!("the setting 'name' can't be '{said}'"));
        return Err(WorkError::failed(
            fault.hint("It must be a file name of 255 bytes at most, without folders and not hidden."),
        ));
    }
    Ok(said.to_owned())
}

/// A name without folders, sheet and ending.
fn stem(name: &str) -> String {
    let name = name.rsplit('/').next().unwrap_or(name);
    // A sheet is `BOOK.xlsx#SHEET`; each of a book's has a name of its own.
    let (name, part) = name.split_once('#').map_or((name, None), |(book, part)| (book, Some(part)));
    let packed = [".gz", ".zst", ".zip"].into_iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    let stem = packed.rsplit_once('.').map_or(packed, |(stem, _)| stem);
    let stem = if stem.is_empty() { "dataset" } else { stem };
    let name = part.map_or_else(|| stem.to_owned(), |part| format!("{stem}-{part}"));
    // A file name may have 255 bytes; what is added needs some.
    let end = (0..=name.len().min(200)).rev().find(|i| name.is_char_boundary(*i)).unwrap_or(0);
    name.get(..end).unwrap_or_default().to_owned()
}

/// A recipe's name may have fewer characters than a file's.
fn recipe_name(input: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
    stem(input).chars().map(plain).take(48).collect()
}

fn profile(data: &Path) -> Result<Profile, WorkError> {
    crate::reader::profile_in(data).map_err(WorkError::failed)
}

/// How the new dataset came to be, in words.
fn how(input: &str, prepared: &Prepared) -> String {
    let stories: Vec<&str> = prepared.steps.iter().map(|s| s.story.as_str()).collect();
    let mut how = format!("prepared from {input}: {}", stories.join("; "));
    if how.chars().count() > MAX_HOW {
        how = how.chars().take(MAX_HOW).chain(['…']).collect();
    }
    how
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use dropforge_shared::fault::FaultCode;
    use dropforge_shared::ids::{AttemptId, FileId, JobId};
    use dropforge_shared::work::{Given, Input, JobSpec};
    use dropforge_tabular::{ReadOptions, Silent};

    use super::*;
    use crate::wire::Sender;

    fn run(text: &str, steps: &str, cancelled: bool) -> (tempfile::TempDir, Result<Delivery, WorkError>) {
        let dir = tempfile::tempdir().unwrap();
        let (path, data, out_dir) =
            (dir.path().join("input"), dir.path().join("data"), dir.path().join("out"));
        fs::write(&path, text).unwrap();
        fs::create_dir(&data).unwrap();
        fs::create_dir(&out_dir).unwrap();
        let told = tabular::ingest(&path, &data, &ReadOptions::default(), &mut Silent).unwrap();
        let profile =
            tabular::profile(&data.join("dataset.parquet"), "f", &told.null_tokens, &mut Silent).unwrap();
        fs::write(data.join("profile.json"), serde_json::to_vec(&profile).unwrap()).unwrap();
        let spec = JobSpec {
            attempt: AttemptId { job: JobId::random(), number: 1 },
            kind: "prepare".into(),
            input: Some(Input {
                file: FileId::random(),
                name: "people.csv".into(),
                path,
                bytes: 1,
                sha256: None,
            }),
            out_dir,
            settings: BTreeMap::from([(settings::STEPS.to_owned(), steps.to_owned())]),
            memory_bytes: 1 << 30,
            cpu_seconds: 0,
            checkpoint: None,
            given: Given { data: Some(data), ..Given::default() },
        };
        let out = Sender::new(File::options().write(true).open("/dev/null").unwrap());
        let result = prepare(&mut Context::new(spec, out, Arc::new(AtomicBool::new(cancelled))));
        (dir, result)
    }

    const PEOPLE: &str = "name,age\nAda,36\nGrace,\nAlan,41\n";

    #[test]
    fn a_new_dataset_says_where_it_came_from_and_its_steps_can_be_run_again() {
        let steps = r#"[{"op":"impute","columns":["age"]},{"op":"drop","columns":["name"]}]"#;
        let (dir, result) = run(PEOPLE, steps, false);
        let derived = result.unwrap().derived.remove(0);
        assert_eq!(
            (derived.output.as_str(), derived.name.as_str()),
            ("prepared.parquet", "people-prepared.parquet")
        );
        assert_eq!(derived.how, "prepared from people.csv: filled age with the median 38.5; left out name");
        let out = dir.path().join("out");
        let page = tabular::page(&out.join("prepared.parquet"), 0, 10).unwrap();
        let cells: Vec<_> = page.rows.iter().map(|r| r[0].display()).collect();
        assert_eq!(cells, ["36", "38.5", "41"]);
        let text = fs::read_to_string(out.join("recipe.toml")).unwrap();
        let recipe = recipe::recipe_from_toml(&text, "").unwrap();
        assert_eq!(recipe.name, "people");
        assert_eq!(recipe.steps, serde_json::from_str::<Vec<StepChoice>>(steps).unwrap());
        let report = fs::read_to_string(out.join("report.txt")).unwrap();
        assert!(report.contains("rows 3 → 3, missing cells 1 → 0"), "{report}");
    }

    #[test]
    fn a_step_that_does_not_fit_is_a_mistake_of_the_call_and_leaves_nothing() {
        let cases = [
            (r#"[{"op":"impute","columns":["height"]}]"#, "step 1 (impute), column height"),
            (r#"[{"op":"impute","columns":["name"]}]"#, "this one is text"),
            ("[]", "empty"),
            ("nonsense", "no JSON"),
        ];
        for (steps, words) in cases {
            let (dir, result) = run(PEOPLE, steps, false);
            let Err(WorkError::Failed { fault, transient: false }) = result else { panic!("{result:?}") };
            assert!(fault.code == FaultCode::Usage && fault.message.contains(words), "{fault}");
            assert_eq!(fs::read_dir(dir.path().join("out")).unwrap().count(), 0);
        }
    }

    #[test]
    fn it_stops_when_it_is_asked_to() {
        let (_dir, result) = run(PEOPLE, r#"[{"op":"trim"}]"#, true);
        assert_eq!(result, Err(WorkError::Cancelled));
    }

    #[test]
    fn names_stay_in_their_folder() {
        assert_eq!(name(None, "a/b/sales.2024.csv.gz").ok().as_deref(), Some("sales.2024-prepared.parquet"));
        assert_eq!(name(None, "b.xlsx#May").ok().as_deref(), Some("b-May-prepared.parquet"));
        assert_eq!(name(None, ".csv").ok().as_deref(), Some("dataset-prepared.parquet"));
        for bad in ["../x", "a/b", ".hidden", "a\nb"] {
            assert!(name(Some(&bad.to_owned()), "x").is_err(), "{bad}");
        }
        assert!(recipe::is_name(&recipe_name("Größe & Gewicht.csv")));
    }
}
