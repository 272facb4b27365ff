//! How a file is read again, what it is taken for, what a job is given; and what of all this the audit log keeps. The engines'
//! part is played by the kind of job that tests have.

use dropforge_shared::client::{flat, within};
use dropforge_shared::service::CALL;
use dropforge_tests::{eventually, home};
use serde_json::{Value, json};

use super::calls::{call, do_to, ended, fault};
use super::made::{added, id, names};

#[test]
fn what_was_set_for_reading_is_kept_and_a_failure_keeps_the_data() {
    let home = home!();
    home.start_daemon();
    let path = home.file("a.csv", "x;y\n1;2\n3;4\n");
    let add = |more: &str| home.json(&format!("add {} --wait {more}", path.display()));
    let outcome = add("--header false");
    let file = || home.json("show a.csv");
    assert_eq!((&file()["rows"], &file()["settings"]), (&json!(3), &json!({"header": "false"})));

    // Content that is there is read again, with the new on top of the old.
    let again = add("--delimiter ;");
    assert_eq!((&again[0]["duplicate_of"], &again[0]["jobs"][0]), (&outcome[0]["file"], &file()["job"]));
    assert_eq!(file()["settings"], json!({"header": "false", "delimiter": ";"}));
    // Without any it is the same thing, and is not read again.
    assert_eq!(add("")[0]["jobs"], json!([]));
    assert_eq!(home.run(["reread", "a.csv", "--wait"]).code, Some(0));
    assert_eq!(file()["settings"], json!({"header": "false", "delimiter": ";"}), "kept over a plain reading");
    assert_eq!(home.run(["reread", "a.csv", "--header", "auto", "--wait"]).code, Some(0));
    assert_eq!((&file()["rows"], &file()["settings"]), (&json!(2), &json!({"delimiter": ";"})));

    // What can't be followed is refused at once, whoever asks for it.
    let before = file();
    let with = |name: &str, value: &str| {
        let mut submission = fault("x");
        submission.kind = "ingest".into();
        submission.file = Some(id(&before).to_owned());
        submission.settings = [(name.to_owned(), value.to_owned())].into();
        call(&home, async |rpc| flat(rpc.submit(within(CALL), submission).await))
    };
    assert!(with("header", "perhaps").unwrap_err().message.contains("'perhaps'"));
    let outcome = home.run(["reread", "a.csv", "--encoding", "klingon"]);
    assert!(outcome.code == Some(2) && outcome.stderr.contains("klingon"), "{outcome:#?}");
    let outcome = home.run(["add", &path.to_string_lossy(), "--encoding", "klingon"]);
    assert!(outcome.code == Some(2) && outcome.stderr.contains("klingon"), "{outcome:#?}");
    // A reading that fails leaves data and settings as they were, and the file says so.
    let job = with("types", "nosuch=integer").unwrap();
    assert_eq!(ended(&home, job.id.as_str())["state"], "failed");
    let after = file();
    assert_eq!(
        (&after["state"], &after["job"], &after["settings"]),
        (&json!("ready"), &before["job"], &before["settings"])
    );
    assert!(after["error"].as_str().unwrap().contains("reading it again failed"), "{after:#}");
    assert_eq!(home.json("preview a.csv")["rows"], json!([[1, 2], [3, 4]]));
    assert_eq!(home.run(["reread", "a.csv", "--wait"]).code, Some(0));
    assert_eq!(file()["error"], Value::Null);
    home.assert_store_is_sound();
}

#[test]
fn a_choice_of_type_is_remembered_for_the_header_and_can_be_taken_back() {
    let home = home!();
    home.start_daemon();
    let (a, b) = (added(&home, "a.csv", "x\n1\n"), added(&home, "b.csv", "x\n2\n"));
    do_to(&home, id(&a), "unsure", &[("header", "h1")]);
    let state = |file: &Value| {
        let file = home.json(&format!("show {}", id(file)));
        [&file["state"], &file["type"]["name"], &file["type"]["decided_by"]]
            .map(|v| v.as_str().unwrap().to_owned())
    };
    assert_eq!(state(&a), ["needs_input", "generic", "detector"]);
    assert_eq!(home.run(["type", id(&a), "orders"]).code, Some(0));
    assert_eq!(state(&a), ["ready", "orders", "user"]);
    // The next with this header is not asked for, one with another is.
    do_to(&home, id(&b), "unsure", &[("header", "h1")]);
    assert_eq!(state(&b), ["ready", "orders", "user"]);
    do_to(&home, id(&b), "unsure", &[("header", "h2")]);
    assert_eq!(state(&b), ["needs_input", "generic", "detector"]);
    // The choice stands over another reading, even without a header, and goes when it is taken back.
    do_to(&home, id(&a), "unsure", &[]);
    assert_eq!(state(&a), ["ready", "orders", "user"]);
    do_to(&home, id(&a), "unsure", &[("header", "h1")]);
    assert_eq!(home.run(["type", id(&a), "--forget"]).code, Some(0));
    assert_eq!(state(&a), ["needs_input", "generic", "detector"]);
    do_to(&home, id(&b), "unsure", &[("header", "h1")]);
    assert_eq!(state(&b), ["needs_input", "generic", "detector"], "it is forgotten for the header too");
    assert_eq!(home.run(["type", id(&a), "no such/name"]).code, Some(2));
    home.assert_store_is_sound();
}

#[test]
fn a_job_is_done_again_from_its_profile_on() {
    let home = home!();
    home.start_daemon();
    let file = added(&home, "a.csv", "x,y\n1,NA\n3,4\n");
    let job = file["job"].as_str().unwrap();
    let profile = |what: &str| home.json(&format!("profile {what}"));
    let before = profile("a.csv");
    // The bytes are not needed for it.
    let again = home.json(&format!("rerun {job} --from profile"));
    let again = ended(&home, id(&again));
    assert_eq!(again["state"], "done", "{again:#}");
    let after = home.json("show a.csv");
    assert_eq!(after["job"], again["id"]);
    for known in ["rows", "columns", "format", "encoding", "delimiter", "reading", "rejected_rows", "state"] {
        assert_eq!(after[known], file[known], "{known}");
    }
    assert_eq!(profile("a.csv")["columns"], before["columns"]);
    assert_eq!(home.json("preview a.csv")["rows"], json!([[1, null], [3, 4]]));

    let refused = home.run(["rerun", job, "--from", "dreaming"]);
    assert_eq!(refused.code, Some(5));
    assert!(refused.stderr.contains("profile"), "{}", refused.stderr);
    let none = do_to(&home, id(&file), "nothing", &[]);
    assert_eq!(home.run(["rerun", id(&none), "--from", "profile"]).code, Some(5));
    // A file that never came to have data has nothing to begin from.
    let text = added(&home, "empty.csv", "");
    let refused = home.run(["rerun", text["job"].as_str().unwrap(), "--from", "profile"]);
    assert_eq!(refused.code, Some(5), "{refused:#?}");
}

#[test]
fn a_job_is_given_the_data_the_rules_and_the_tables_that_it_names() {
    let home = home!();
    home.start_daemon();
    let file = added(&home, "sales.csv", "x,y\n1,2\n");
    let log = |job: &Value| home.run(["logs", id(job)]).stdout;
    let job = do_to(&home, id(&file), "given", &[("sql", "SELECT x FROM sales")]);
    assert_eq!(job["state"], "done", "{}", log(&job));
    assert!(log(&job).contains("dataset.parquet") && log(&job).contains("rules: none"), "{}", log(&job));
    assert!(log(&job).contains("table sales: Ok("), "{}", log(&job));
    // A name that means two datasets is none of them; the engine is told of both.
    added(&home, "sales.tsv", "x,y\n3,4\n");
    let job = do_to(&home, id(&file), "given", &[("sql", "SELECT x FROM sales, \"sales.csv\"")]);
    assert!(
        !log(&job).contains("table sales:") && log(&job).contains("table sales.csv: Ok("),
        "{}",
        log(&job)
    );
    assert!(log(&job).contains("ambiguous sales"), "{}", log(&job));
    std::fs::create_dir(home.path().join("detection")).unwrap();
    std::fs::write(home.path().join("detection/mine.toml"), "").unwrap();
    let job = do_to(&home, id(&file), "given", &[]);
    assert!(log(&job).contains("rules: mine.toml"), "{}", log(&job));
}

#[test]
fn what_is_looked_at_and_what_is_refused_is_in_the_audit_log() {
    let home = home!();
    home.start_daemon();
    let file = added(&home, "a.csv", "x,y\n1,2\n");
    for _ in 0..3 {
        home.json("preview a.csv");
        home.json("profile a.csv");
    }
    let job = file["job"].as_str().unwrap();
    for _ in 0..2 {
        assert_eq!(home.run(["rerun", job, "--from", "dreaming"]).code, Some(5));
    }
    let to = home.path().join("out");
    assert_eq!(
        home.run([
            "export".as_ref(),
            "a.csv".as_ref(),
            "--to".as_ref(),
            to.as_os_str(),
            "--only".as_ref(),
            "dataset.parquet".as_ref()
        ])
        .code,
        Some(0)
    );
    let entries = || -> Vec<(String, String, String)> {
        let text = |v: &Value| v.as_str().unwrap().to_owned();
        let all = home.json("audit --limit 100");
        all.as_array()
            .unwrap()
            .iter()
            .map(|e| (text(&e["action"]), text(&e["what"]), text(&e["detail"])))
            .collect()
    };
    let count = |action: &str, what: &str, detail: &str| {
        entries().iter().filter(|(a, w, d)| a == action && w == what && d.contains(detail)).count()
    };
    eventually("the last of them is written", || {
        (count("export", job, "dataset.parquet") == 1).then_some(())
    });
    assert_eq!(count("view", id(&file), "rows"), 1, "{:#?}", entries());
    assert_eq!(count("view", job, "profile.json"), 1, "{:#?}", entries());
    assert_eq!(count("refuse", job, "dreaming"), 2, "{:#?}", entries());
    home.assert_store_is_sound();
}

#[test]
fn recipes_are_files_that_a_user_can_write() {
    let home = home!();
    home.start_daemon();
    assert_eq!(home.json("recipe list"), json!([]));
    let path =
        home.file("mine.toml", "description = \"for June\"\n[[steps]]\nop = \"drop\"\ncolumns = [\"id\"]\n");
    let save = |name: &str, more: &[&str]| {
        let from = path.display().to_string();
        home.run(["recipe", "save", name, "--from", &from].into_iter().chain(more.iter().copied()))
    };
    assert_eq!(save("june", &[]).code, Some(0));
    assert_eq!(save("june", &[]).code, Some(5));
    assert_eq!(save("june", &["--replace"]).code, Some(0));
    assert_eq!(save("../june", &[]).code, Some(2));
    let shown = home.json("recipe show june");
    assert_eq!(
        shown,
        json!({"name": "june", "description": "for June", "steps": [{"op": "drop", "columns": ["id"], "settings": {}}]})
    );
    let folder = home.path().join("recipes");
    assert!(std::fs::read_to_string(folder.join("june.toml")).unwrap().contains("op = \"drop\""));
    std::fs::write(folder.join("bad.toml"), "[[steps]]\nopp = \"drop\"\n").unwrap();
    let bad = home.run(["recipe", "list"]);
    assert!(bad.code == Some(0) && bad.stderr.contains("bad.toml, line 2"), "{bad:#?}");
    assert!(bad.stdout.contains("june"), "one that is broken does not hide the others: {bad:#?}");
    let broken = home.run(["recipe", "show", "bad"]);
    assert!(broken.code == Some(2) && broken.stderr.contains("line 2"), "{broken:#?}");
    std::fs::remove_file(folder.join("bad.toml")).unwrap();
    assert_eq!(home.run(["recipe", "rm", "june"]).code, Some(0));
    assert_eq!(home.run(["recipe", "show", "june"]).code, Some(3));
}

#[test]
fn several_things_are_removed_at_once_and_found_by_the_name_within_their_folder() {
    let home = home!();
    home.start_daemon();
    home.file("folder/a.csv", "x\n1\n");
    home.file("folder/deep/b.csv", "x\n2\n");
    let folder = home.path().join("given/folder");
    home.json(&format!("add {} --wait", folder.display()));
    let a = home.json("show a.csv");
    assert_eq!(a["name"], "folder/a.csv");
    assert_eq!(home.json("show b.csv")["name"], "folder/deep/b.csv");
    home.file("other/a.csv", "x\n3\n");
    home.json(&format!("add {} --wait", home.path().join("given/other").display()));
    let ambiguous = home.run(["show", "a.csv"]);
    assert!(ambiguous.code == Some(2) && ambiguous.stderr.contains("other/a.csv"), "{ambiguous:#?}");
    let gone = home.run(["rm", "folder/a.csv", "b.csv", "folder/a.csv", "--yes", "--json"]).json();
    assert_eq!(gone.as_array().unwrap().len(), 2);
    assert_eq!(names(&home), ["other/a.csv 1"]);
    assert_eq!(home.run(["events", "--count", "0"]).code, Some(0));
    home.assert_store_is_sound();
}

#[test]
fn a_setting_that_a_kind_does_not_have_queues_nothing() {
    let home = home!();
    home.start_daemon();
    let file = added(&home, "sales.csv", "x,y\n1,2\n");
    let before = home.jobs().len();
    for (kind, given, meant) in
        [("query", "fromat", "form"), ("prepare", "stesp", "steps"), ("ingest", "head", "header")]
    {
        let mut submission = fault("nothing");
        submission.kind = kind.into();
        submission.file = Some(id(&file).into());
        submission.settings = [("sql", "SELECT 1"), ("name", "x.csv"), (given, "csv")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into();
        submission.settings.retain(|name, _| name == given || kind == "query");
        let refused = call(&home, async |rpc| flat(rpc.submit(within(CALL), submission).await)).unwrap_err();
        assert_eq!(refused.code, dropforge_shared::fault::FaultCode::Usage, "{refused:?}");
        let hint = refused.hint.clone().unwrap_or_default();
        assert!(refused.message.contains(given) && hint.contains(&format!("'{meant}'")), "{refused:?}");
    }
    assert_eq!(home.jobs().len(), before);
}
