//! Suggestions as a user would read them: what is found, in which order, and that it runs as it stands.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should fail there")]

mod common;

use std::collections::BTreeSet;
use std::path::PathBuf;

use common::*;
use dropforge_shared::page::Cell;
use dropforge_shared::profile::Profile;
use dropforge_shared::suggest::{Step, StepChoice, Suggestions};
use dropforge_tabular::{Silent, page, prepare, suggest};
use tempfile::TempDir;

struct Taken {
    dir: TempDir,
    dataset: PathBuf,
    profile: Profile,
    told: Suggestions,
}

fn take(text: &str) -> Taken {
    let Profiled { dir, dataset, profile } = profiled(text);
    let told = suggest(&profile, &dataset).unwrap();
    Taken { dir, dataset, profile, told }
}

fn find<'a>(told: &'a Suggestions, id: &str) -> &'a Step {
    told.steps
        .iter()
        .find(|s| s.id == id)
        .unwrap_or_else(|| panic!("no {id} among {:?}", told.steps.iter().map(|s| &s.id).collect::<Vec<_>>()))
}

/// A table with one trouble a column.
fn troubles() -> String {
    let mut text =
        String::from("customer_id;plan, monthly;price;reading;joined;seen;tags;city;note;flat;gap;churn\n");
    for i in 0..200u32 {
        let plan = ["basic", "Basic", "plus", "pro"][(i % 4) as usize];
        let price = format!("{},{:02} €", i * 3 % 50 + 1, i % 100);
        let reading = if i % 20 == 0 { -999 } else { (i * 37 % 101) as i32 };
        let joined = format!("{}/{}/2024", i % 12 + 1, i % 11 + 1);
        let seen = format!("{:02}.{:02}.24 10:{:02}", i % 28 + 1, i % 12 + 1, i % 60);
        let tags = ["red|green", "green", "blue|red", "red|blue|green"][(i % 4) as usize];
        let city = if i % 9 == 0 { " Graz " } else { ["Graz", "Linz", "Wien"][(i % 3) as usize] };
        let gap = if i % 8 == 0 { "NA".to_owned() } else { format!("{}.5", i * 13 % 40) };
        let churn = if i % 3 == 0 { "yes" } else { "no" };
        text.push_str(&format!(
            "{i};{plan};{price};{reading};{joined};{seen};{tags};{city};n{i}x{};1;{gap};{churn}\n",
            i * 7
        ));
    }
    text
}

#[test]
fn each_trouble_has_its_step_and_all_of_them_run_in_order() {
    let taken = take(&troubles());
    let told = &taken.told;
    assert_eq!(taken.profile.target.as_ref().map(|t| t.column.as_str()), Some("churn"));
    assert_eq!(find(told, "drop:flat").columns, ["flat"]);
    assert!(find(told, "drop:id_like").columns.contains(&"customer_id".to_owned()));
    assert_eq!(find(told, "trim:city").evidence.len(), 1);
    let placeholder = find(told, "replace:reading");
    assert_eq!(placeholder.settings["values"], "-999");
    assert!(placeholder.evidence[0].contains("10 rows"), "{:?}", placeholder.evidence);
    let spelling = find(told, "merge_spelling:plan__monthly");
    assert!(spelling.evidence[0].contains("'Basic' 50×, 'basic' 50×"), "{:?}", spelling.evidence);
    let cast = find(told, "cast:price");
    assert_eq!((cast.settings["decimal"].as_str(), cast.settings["strip"].as_str()), ("comma", "€%"));
    let joined = find(told, "parse_dates:joined");
    assert!(joined.confidence < 0.5 && joined.rationale.contains("other way round"), "{joined:?}");
    assert_eq!(find(told, "parse_dates:seen").settings["format"], "%d.%m.%y %H:%M");
    assert_eq!(find(told, "split_list:tags").settings["separator"], "|");
    let fills_gap = |s: &&Step| s.op == "impute" && s.columns.contains(&"gap".to_owned());
    let filled = told.steps.iter().find(fills_gap).unwrap();
    assert!(filled.evidence.contains(&"gap: 25 of 200 values missing (12.5 %)".to_owned()), "{filled:?}");
    // Nothing touches the target, and what is left out is in no other step.
    let dropped: BTreeSet<&String> =
        told.steps.iter().filter(|s| s.op == "drop").flat_map(|s| &s.columns).collect();
    for step in &told.steps {
        assert!(!step.columns.contains(&"churn".to_owned()), "{step:?}");
        assert!(step.op == "drop" || !step.columns.iter().any(|c| dropped.contains(c)), "{step:?}");
        assert!(
            !step.id.contains(',') && !step.rationale.is_empty() && !step.evidence.is_empty(),
            "{step:?}"
        );
        assert!((0.0..=1.0).contains(&step.confidence));
        assert_eq!(step.settings.keys().collect::<Vec<_>>(), step.choices.keys().collect::<Vec<_>>());
    }
    let ids: BTreeSet<&String> = told.steps.iter().map(|s| &s.id).collect();
    assert_eq!(ids.len(), told.steps.len());
    assert_eq!(&suggest(&taken.profile, &taken.dataset).unwrap(), told);
    let choices: Vec<StepChoice> = told.steps.iter().map(StepChoice::from).collect();
    let out = taken.dir.path().join("out.parquet");
    let done = prepare(&taken.dataset, &taken.profile, &choices, &out, &mut Silent).unwrap();
    assert_eq!(done.rows, 200);
    let page = page(&out, 0, 300).unwrap();
    for (i, column) in page.columns.iter().enumerate() {
        let missing = page.rows.iter().filter(|r| r[i] == Cell::Null).count();
        assert_eq!(missing, 0, "{}", column.name);
    }
}

#[test]
fn a_clean_table_is_left_alone() {
    let mut text = String::from("a,b\n");
    (0..100).for_each(|i| text.push_str(&format!("{},{}\n", i * 17 % 100, i * 31 % 100)));
    let told = take(&text).told;
    assert!(told.steps.is_empty() && told.models.is_empty(), "{told:?}");
    let told = take("a,b\n").told;
    assert!(told.steps.is_empty() && told.models.is_empty(), "{told:?}");
}

#[test]
fn a_hundred_columns_of_one_kind_share_a_step() {
    let names: Vec<String> = (0..100).map(|i| format!("m{i}")).collect();
    let mut text = names.join(",") + "\n";
    for row in 0..60 {
        // Knuth's multiplicative hash: no column follows another one.
        let value = |c: u64| (((row * 100 + c) * 2_654_435_761 % (1 << 32)) >> 16) % 53;
        let cells: Vec<String> = (0..100)
            .map(|c| if (row + c) % 30 == 0 { "NA".to_owned() } else { value(c).to_string() })
            .collect();
        text.push_str(&(cells.join(",") + "\n"));
    }
    let told = take(&text).told;
    assert!(told.steps.len() <= 4, "{:?}", told.steps.iter().map(|s| &s.id).collect::<Vec<_>>());
    let step = find(&told, "impute:median");
    assert_eq!((step.columns.len(), step.evidence.len()), (100, 7));
}

#[test]
fn models_fit_the_target() {
    let named =
        |text: &str| -> Vec<String> { take(text).told.models.into_iter().map(|m| m.algorithm).collect() };
    let mut text = String::from("x,z,price\n");
    (0..300).for_each(|i| text.push_str(&format!("{},{},{}.5\n", i * 7 % 83, i * 3 % 59, i * 11 % 307)));
    let regression = named(&text);
    assert_eq!(regression[0], "gradient_boosting");
    assert!(regression.contains(&"ridge".to_owned()) && !regression.contains(&"logistic".to_owned()));
    assert_eq!(regression.last().map(String::as_str), Some("dummy"));
    let renamed = text.replace("price", "target");
    let text = renamed.lines().enumerate().map(|(i, l)| {
        if i == 0 {
            format!("{l}\n")
        } else {
            format!("{},{}\n", l.rsplit_once(',').unwrap().0, ["a", "b", "c"][i % 3])
        }
    });
    let classes = named(&text.collect::<String>());
    assert!(
        classes.contains(&"naive_bayes".to_owned()) && !classes.contains(&"lasso".to_owned()),
        "{classes:?}"
    );
}
