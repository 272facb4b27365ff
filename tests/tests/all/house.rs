//! The house's own rules, so that they can't be broken by oversight: which room may know which, and what is let in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn metadata() -> Value {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform"])
        .arg("x86_64-unknown-linux-gnu")
        .current_dir(top)
        .output()
        .expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The names of all packages that a package of the workspace needs, at any depth, built on its own and without what only
/// tests need.
fn needs(package: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--offline",
            "--prefix",
            "none",
            "--edges",
            "normal,build",
            "--package",
            package,
        ])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .output()
        .expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let names = lines.lines().filter_map(|l| l.split(' ').next()).filter(|n| !n.is_empty() && *n != package);
    names.map(str::to_owned).collect()
}

#[test]
fn arrows_point_one_way() {
    let has_polars = |needed: &BTreeSet<String>| needed.iter().any(|n| n.starts_with("polars"));

    let shared = needs("dropforge-shared");
    assert!(!shared.iter().any(|n| n.starts_with("dropforge")), "shared knows nobody: {shared:?}");
    assert!(!has_polars(&shared), "no Polars in shared");

    let daemon = needs("dropforge-daemon");
    let ours: Vec<&String> = daemon.iter().filter(|n| n.starts_with("dropforge")).collect();
    assert_eq!(ours, ["dropforge-shared"], "the daemon knows no engine and no worker, only the protocol");
    assert!(!has_polars(&daemon), "no engine in the daemon");

    let tabular = needs("dropforge-tabular");
    let ours: Vec<&String> = tabular.iter().filter(|n| n.starts_with("dropforge")).collect();
    assert_eq!(ours, ["dropforge-shared"], "an engine knows only the plain types");
    for (name, why) in [("tarpc", "RPC"), ("redb", "the store"), ("ratatui", "the screen")] {
        assert!(!tabular.contains(name), "an engine must not know {why}");
        assert!(!needs("dropforge-worker").contains(name), "the worker must not know {why}");
    }
}

#[test]
fn polars_is_named_by_one_crate_only() {
    for package in metadata()["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let deps = package["dependencies"].as_array().unwrap();
        if name.starts_with("dropforge") && name != "dropforge-tabular" {
            assert!(
                deps.iter().all(|d| !d["name"].as_str().unwrap().starts_with("polars")),
                "{name} names Polars"
            );
        }
    }
}

/// The lists of `deny.toml` that this test reads: strings in `allow`, names in `skip`.
fn deny() -> (BTreeSet<String>, BTreeSet<String>) {
    let text = String::from_utf8(dropforge_tests::bytes_of("deny.toml")).unwrap();
    let list = |key: &str| -> Vec<String> {
        let from = text.find(&format!("{key} = [")).unwrap_or_else(|| panic!("{key} in deny.toml"));
        text[from..].split('\n').skip(1).take_while(|l| !l.starts_with(']')).map(str::to_owned).collect()
    };
    let quoted = |line: &String| line.split('"').nth(1).map(str::to_owned);
    (list("allow").iter().filter_map(quoted).collect(), list("skip").iter().filter_map(quoted).collect())
}

/// Whether a licence expression can be met with the licences allowed: `OR` needs one side, `AND` both. `/` is an old `OR`.
fn allowed(expression: &str, allow: &BTreeSet<String>) -> bool {
    let expression = expression.replace('/', " OR ");
    let plain = expression.replace(['(', ')'], " ");
    plain.split(" AND ").all(|part| part.split(" OR ").any(|l| allow.contains(l.trim())))
}

#[test]
fn every_licence_is_one_that_we_let_in() {
    let (allow, _) = deny();
    for package in metadata()["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let licence = package["license"].as_str().unwrap_or("none");
        assert!(allowed(licence, &allow), "{name}: '{licence}' is not allowed by deny.toml");
    }
}

#[test]
fn no_package_comes_in_two_major_versions_unless_deny_toml_says_why() {
    let (_, skip) = deny();
    let metadata = metadata();
    let linux: BTreeSet<&str> =
        metadata["resolve"]["nodes"].as_array().unwrap().iter().map(|n| n["id"].as_str().unwrap()).collect();
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        if linux.contains(package["id"].as_str().unwrap()) {
            let entry = versions.entry(package["name"].as_str().unwrap()).or_default();
            entry.insert(package["version"].as_str().unwrap());
        }
    }
    for (name, versions) in versions {
        assert!(versions.len() == 1 || skip.contains(name), "{name} comes as {versions:?}");
    }
}

#[test]
fn sources_say_what_they_are_for_and_name_no_place_of_a_machine() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut open: Vec<_> = ["shared", "daemon", "tui", "tests"].iter().map(|d| top.join(d)).collect();
    let mut looked_at = 0;
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).unwrap().map(|e| e.unwrap().path()) {
            if entry.is_dir() {
                open.push(entry);
            } else if entry.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&entry).unwrap();
                assert!(text.starts_with("//!"), "{} has no module docs", entry.display());
                let home = concat!("/ro", "ot/");
                assert!(!text.contains(home), "{} names a place of a machine", entry.display());
                looked_at += 1;
            }
        }
    }
    assert!(looked_at > 50, "only {looked_at} files were found");
}
