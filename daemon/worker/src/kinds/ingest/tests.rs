//! What taking a file in leaves behind.

use std::collections::BTreeMap;
use std::sync::Arc;

use dropforge_shared::ids::{AttemptId, FileId, JobId};
use dropforge_shared::work::{Given, Input, JobSpec};

use super::*;
use crate::wire::Sender;

fn take_in(bytes: &[u8], settings: &[(&str, &str)]) -> (tempfile::TempDir, Result<Delivery, WorkError>) {
    take_in_given(bytes, settings, Given::default())
}

fn take_in_given(
    bytes: &[u8],
    settings: &[(&str, &str)],
    given: Given,
) -> (tempfile::TempDir, Result<Delivery, WorkError>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("input");
    let out_dir = dir.path().join("out");
    fs::write(&path, bytes).unwrap();
    fs::create_dir(&out_dir).unwrap();
    let spec = JobSpec {
        attempt: AttemptId { job: JobId::random(), number: 1 },
        kind: "ingest".into(),
        input: Some(Input {
            file: FileId::random(),
            name: "x".into(),
            path,
            bytes: bytes.len() as u64,
            sha256: None,
        }),
        out_dir,
        settings: settings.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect::<BTreeMap<_, _>>(),
        memory_bytes: 1 << 30,
        cpu_seconds: 0,
        checkpoint: None,
        given,
    };
    let out = Sender::new(File::options().write(true).open("/dev/null").unwrap());
    let result = ingest(&mut Context::new(spec, out, Arc::default()));
    (dir, result)
}

#[test]
fn a_table_becomes_a_dataset_and_a_profile() {
    let (dir, result) = take_in(b"name;age\nAda;36\nGrace;85\n", &[]);
    let facts = result.unwrap().facts.unwrap();
    assert_eq!(facts.kind, Some(FileKind::Dataset));
    assert_eq!(facts.format.as_deref(), Some("csv"));
    assert_eq!(facts.delimiter.as_deref(), Some(";"));
    assert_eq!((facts.rows, facts.columns, facts.rejected_rows), (Some(2), Some(2), Some(0)));
    let profile = fs::read(dir.path().join("out/profile.json")).unwrap();
    let profile: serde_json::Value = serde_json::from_slice(&profile).unwrap();
    assert_eq!(profile["rows"], 2);
    assert!(dir.path().join("out/dataset.parquet").exists());
    let reading = fs::read(dir.path().join("out/reading.json")).unwrap();
    let reading: dropforge_shared::reading::Reading = serde_json::from_slice(&reading).unwrap();
    assert_eq!((reading.delimiter.as_deref(), reading.header, reading.rows), (Some(";"), Some(true), 2));
    assert!(reading.decisions.iter().any(|d| d.what == "delimiter" && !d.why.is_empty()));
}

#[test]
fn from_the_profile_on_the_table_is_not_read_again() {
    let (dir, result) = take_in(b"name;age\nAda;NA\nGrace;85\n", &[]);
    result.unwrap();
    let (data, again) = (dir.path().join("out"), dir.path().join("again"));
    fs::create_dir(&again).unwrap();
    let path = dir.path().join("input");
    // What is not read may be gone.
    fs::remove_file(&path).unwrap();
    let spec = JobSpec {
        attempt: AttemptId { job: JobId::random(), number: 1 },
        kind: "ingest".into(),
        input: Some(Input { file: FileId::random(), name: "x".into(), path, bytes: 1, sha256: None }),
        out_dir: again.clone(),
        settings: BTreeMap::new(),
        memory_bytes: 1 << 30,
        cpu_seconds: 0,
        checkpoint: None,
        given: Given { data: Some(data.clone()), from: Some("profile".into()), ..Given::default() },
    };
    let out = Sender::new(File::options().write(true).open("/dev/null").unwrap());
    let delivery = ingest(&mut Context::new(spec, out, Arc::default())).unwrap();
    assert_eq!(delivery.facts.unwrap().kind, Some(FileKind::Dataset));
    let read = |dir: &Path, name: &str| fs::read(dir.join(name)).unwrap();
    assert_eq!(read(&again, DATASET), read(&data, DATASET));
    let profile: serde_json::Value = serde_json::from_slice(&read(&again, PROFILE)).unwrap();
    assert_eq!(profile["columns"][1]["null_tokens"], serde_json::json!({"NA": 1}));
}

#[test]
fn what_this_version_read_before_is_used_again_and_what_another_did_is_not() {
    let (dir, result) = take_in(b"name;age\nAda;NA\nGrace;85\n", &[]);
    let first = result.unwrap().facts;
    let earlier = dir.path().join("out");
    let given = || Given { earlier: Some(earlier.clone()), ..Given::default() };
    // Other bytes, so that it shows which were used.
    let (again, result) = take_in_given(b"x\n1\n", &[], given());
    assert_eq!(result.unwrap().facts, first);
    for name in [DATASET, PROFILE, READING] {
        let read = |dir: &Path| fs::read(dir.join(name)).unwrap();
        assert!(read(&again.path().join("out")) == read(&earlier), "{name}");
    }
    let mut reading: Reading = read_json(&earlier.join(READING)).unwrap();
    reading.version = "0.0.1".into();
    write_json(&earlier.join(READING), &reading).unwrap();
    let (_dir, result) = take_in_given(b"x\n1\n", &[], given());
    assert_eq!(result.unwrap().facts.unwrap().columns, Some(1));
    fs::remove_file(earlier.join(PROFILE)).unwrap();
    let (_dir, result) = take_in_given(b"x\n1\n", &[], given());
    assert_eq!(result.unwrap().facts.unwrap().columns, Some(1));
}

#[test]
fn what_kind_of_data_it_is_is_an_output_and_a_fact_and_a_users_bad_rule_stops_nothing() {
    let rules = tempfile::tempdir().unwrap();
    let rule = "name = 'wine'\ntitle = 'Wine'\nenough = 2\n[[column]]\nrole = 'vintage'\nnames = ['vintage', 'year']\n\
                [[column]]\nrole = 'grape'\nnames = ['grape']\n";
    fs::write(rules.path().join("wine.toml"), rule).unwrap();
    fs::write(rules.path().join("bad.toml"), "name = 'bad'\ntitel = 'Bad'\n").unwrap();
    let given = Given { rules: Some(rules.path().to_owned()), ..Given::default() };
    let (dir, result) = take_in_given(b"Vintage,Grape\n1999,Riesling\n2004,Merlot\n", &[], given);
    let facts = result.unwrap().facts.unwrap();
    let guess = facts.type_guess.unwrap();
    assert_eq!((guess.name.as_str(), guess.level.as_str(), facts.ask), ("wine", "high", false));
    assert_eq!(facts.fingerprint.map(|f| f.len()), Some(64));
    let detection = fs::read(dir.path().join("out").join(DETECTION)).unwrap();
    let detection: Detection = serde_json::from_slice(&detection).unwrap();
    assert_eq!(detection.decided, guess);
    assert_eq!(detection.bad_rules.len(), 1);
    assert!(detection.bad_rules[0].starts_with("bad.toml: line 2: "), "{:?}", detection.bad_rules);
    let (dir, result) = take_in(b"name;age\nAda;36\nGrace;85\n", &[]);
    let facts = result.unwrap().facts.unwrap();
    assert_eq!((facts.type_guess.unwrap().name.as_str(), facts.ask), ("generic", false));
    assert!(dir.path().join("out/detection.json").exists());
}

#[test]
fn a_content_with_several_tables_names_the_one_that_was_read_and_the_others() {
    let text = br#"{"users":[{"a":1}],"version":1,"roles":[{"b":2},{"b":3}]}"#;
    let (_dir, result) = take_in(text, &[]);
    let facts = result.unwrap().facts.unwrap();
    assert_eq!((facts.part.as_deref(), facts.rows), (Some("users"), Some(1)));
    assert_eq!(facts.other_parts, ["roles"]);
    let (_dir, result) = take_in(text, &[("sheet", "roles")]);
    let facts = result.unwrap().facts.unwrap();
    assert_eq!((facts.part.as_deref(), facts.rows), (Some("roles"), Some(2)));
    assert!(facts.other_parts.is_empty());
}

#[test]
fn what_is_no_table_is_told_in_words_and_leaves_nothing() {
    for (bytes, words) in
        [(&b""[..], "empty: 0 bytes"), (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "not a table: it is a PDF")]
    {
        let (dir, result) = take_in(bytes, &[]);
        let facts = result.unwrap().facts.unwrap();
        assert_eq!((facts.kind, facts.format), (Some(FileKind::Unknown), None));
        assert_eq!(facts.reading.as_deref(), Some(words));
        assert_eq!(fs::read_dir(dir.path().join("out")).unwrap().count(), 0);
    }
}

#[test]
fn a_setting_that_makes_no_sense_is_named() {
    for (name, value) in
        [("delimiter", ""), ("encoding", "klingon"), ("header", "maybe"), ("types", "a=number")]
    {
        let (_dir, result) = take_in(b"a,b\n1,2\n", &[(name, value)]);
        let error = result.unwrap_err().to_string();
        let shown = value.trim_start_matches("a=");
        assert!(
            error.contains(name.trim_end_matches('s')) && error.contains(&format!("'{shown}'")),
            "{error}"
        );
    }
}

#[test]
fn settings_overrule_what_is_found() {
    let settings =
        [("delimiter", "::"), ("encoding", "latin1"), ("header", "false"), ("types", "column_2=text")];
    let (dir, result) = take_in(b"caf\xe9::1\nth\xe9::2\n", &settings);
    let facts = result.unwrap().facts.unwrap();
    assert_eq!((facts.delimiter.as_deref(), facts.rows), (Some("::"), Some(2)));
    let reading = fs::read(dir.path().join("out/reading.json")).unwrap();
    let reading: dropforge_shared::reading::Reading = serde_json::from_slice(&reading).unwrap();
    assert_eq!(reading.columns[1].kind, dropforge_shared::page::ColumnType::Text);
    assert!(reading.decisions.iter().all(|d| d.what != "header" || d.why == "set by the user"));
}
