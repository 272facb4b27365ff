//! Files that come of files: datasets that a job makes, sheets of a workbook; how a file is read again; what it is taken for;
//! and what of all this the audit log keeps. The engines' part is played by the kind of job that tests have.

use dropforge_shared::client::{flat, within};
use dropforge_shared::service::CALL;
use dropforge_tests::{Home, eventually, home};
use serde_json::{Value, json};

use super::calls::{call, do_to, ended, fault};

/// Adds a file and answers it once it was read.
fn added(home: &Home, name: &str, content: &str) -> Value {
    let path = home.file(name, content);
    let outcome = home.json(&format!("add {} --wait", path.display()));
    home.json(&format!("show {}", outcome[0]["file"].as_str().unwrap()))
}

fn id(value: &Value) -> &str {
    value["id"].as_str().unwrap()
}

fn names(home: &Home) -> Vec<String> {
    let mut names: Vec<String> =
        home.files().iter().map(|f| format!("{} {}", f["name"].as_str().unwrap(), f["version"])).collect();
    names.sort();
    names
}

/// Waits until no file is being taken in.
fn all_read(home: &Home) {
    eventually("all files are read", || home.files().iter().all(|f| f["state"] != "ingesting").then_some(()));
}

#[test]
fn what_a_job_makes_is_a_file_that_knows_where_it_comes_from() {
    let home = home!();
    home.start_daemon();
    let source = added(&home, "source.csv", "x\n1\n");
    let job = do_to(&home, id(&source), "derive", &[("content", "a,b\n1,2\n3,4\n")]);
    assert_eq!(job["state"], "done", "{job:#}");
    let made = job["produced"][0].as_str().unwrap().to_owned();
    let file = home.settled_file("made.csv");
    assert_eq!((id(&file), &file["state"], &file["rows"]), (made.as_str(), &json!("ready"), &json!(2)));
    let origin = json!({"file": source["id"], "job": job["id"], "how": "made by a test"});
    assert_eq!((&file["origin"], &file["project"]), (&origin, &source["project"]));

    // The same again is the same file; something else under the name is a version of it.
    let again = do_to(&home, id(&source), "derive", &[("content", "a,b\n1,2\n3,4\n")]);
    assert_eq!(again["produced"], json!([made]));
    let other = do_to(&home, id(&source), "derive", &[("content", "a,b\n5,6\n")]);
    assert_ne!(other["produced"], json!([made]));
    all_read(&home);
    assert_eq!(names(&home), ["made.csv 1", "made.csv 2", "source.csv 1"]);

    // A name that leads elsewhere, and an output that is not there, are the engine's mistake and end the job.
    for settings in [[("name", "../x.csv")], [("output", "other.csv")]] {
        let job = do_to(&home, id(&source), "derive", &settings);
        assert_eq!((&job["state"], &job["produced"]), (&json!("failed"), &json!([])), "{job:#}");
    }

    // What was made outlives what it was made of.
    assert_eq!(home.run(["rm", id(&source), "--yes"]).code, Some(0));
    assert_eq!(home.json(&format!("preview {made}"))["rows"], json!([[1, 2], [3, 4]]));
    assert_eq!(names(&home), ["made.csv 1", "made.csv 2"]);
    home.assert_store_is_sound();
}

#[test]
fn killed_while_a_job_makes_a_file_the_file_is_there_once_with_the_job() {
    const PLACES: [&str; 6] = [
        "queue.publish.after",
        "queue.derive.adopt",
        "queue.derive.after",
        "queue.settle.commit",
        "store.commit.before",
        "store.commit.after",
    ];
    let mut home = home!();
    home.start_daemon();
    let source = added(&home, "source.csv", "x\n1\n");
    home.stop_daemon();
    for (round, place) in PLACES.iter().enumerate() {
        // Of the commits, the one that ends the job: after those of the start of the daemon, of the queueing, of the start.
        let passages = if place.starts_with("store") { 1..=6 } else { 1..=1 };
        for passage in passages {
            let name = format!("made-{round}-{passage}.csv");
            home.env("DROPFORGE_FAILPOINTS", format!("{place}=kill@{passage}"));
            let _ = home.run(["daemon", "start"]);
            let mut submission = fault("derive");
            submission.file = Some(id(&source).to_owned());
            submission.settings.insert("name".into(), name.clone());
            submission.settings.insert("content".into(), format!("a\n{round}{passage}\n"));
            submission.idempotency = Some(name.clone());
            if home.daemon_pid().is_some() {
                let before = submission.clone();
                call_if_up(&home, before);
            }
            let waited = std::time::Instant::now();
            while home.daemon_pid().is_some() && waited.elapsed().as_millis() < 1500 {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            home.clear_env("DROPFORGE_FAILPOINTS");
            home.kill_daemon();
            home.start_daemon();
            // The same key queues once, whatever became of the first time.
            let job = call(&home, async |rpc| flat(rpc.submit(within(CALL), submission).await)).unwrap();
            let job = ended(&home, job.id.as_str());
            assert_eq!(job["state"], "done", "{place} {passage}: {job:#}");
            let file = home.settled_file(&name);
            assert_eq!(job["produced"], json!([file["id"]]), "{place} {passage}");
            assert_eq!((&file["state"], &file["version"]), (&json!("ready"), &json!(1)), "{place} {passage}");
            let count = home.files().iter().filter(|f| f["name"] == name.as_str()).count();
            assert_eq!(count, 1, "{place} {passage}");
            home.stop_daemon();
        }
    }
    home.assert_store_is_sound();
}

/// Queues a job with a daemon that may die on the way.
fn call_if_up(home: &Home, submission: dropforge_shared::service::Submission) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        if let Ok(Some(client)) = dropforge_shared::client::connect(&home.paths()).await {
            let _ = client.rpc.submit(within(CALL), submission).await;
        }
    });
}

#[test]
fn the_sheets_of_a_workbook_are_files_that_share_its_content() {
    let home = home!();
    home.start_daemon();
    let book = added(&home, "book.xlsx", "x,y\n1,2\n");
    let job = do_to(&home, id(&book), "parts", &[("part", "May"), ("parts", "June,July")]);
    assert_eq!(job["state"], "done", "{job:#}");
    all_read(&home);
    assert_eq!(names(&home), ["book.xlsx 1", "book.xlsx#July 1", "book.xlsx#June 1"]);
    let june = home.json("show book.xlsx#June");
    assert_eq!((&june["part"], &june["state"]), (&json!("June"), &json!("ready")));
    assert_eq!(june["sha256"], book["sha256"]);
    assert_eq!((&june["origin"]["file"], &june["origin"]["job"]), (&book["id"], &Value::Null));
    let ingest = home.json(&format!("job {}", june["job"].as_str().unwrap()));
    assert_eq!(ingest["settings"], json!({"sheet": "June"}));
    // The first sheet is the book's own file, under either name.
    assert_eq!(home.json("show book.xlsx#May")["id"], book["id"]);
    assert_eq!(home.run(["show", "book.xlsx#August"]).code, Some(3));

    // Read again, what is there is kept, and what is new comes; added again, it is the book that is there already.
    do_to(&home, id(&book), "parts", &[("part", "May"), ("parts", "June,July,August")]);
    all_read(&home);
    assert_eq!(home.json("show book.xlsx#June")["id"], june["id"]);
    assert_eq!(home.files().len(), 4);
    let path = home.path().join("given/book.xlsx");
    assert_eq!(home.json(&format!("add {}", path.display()))[0]["duplicate_of"], book["id"]);

    // A new version of the book has new versions of its sheets.
    let newer = added(&home, "book.xlsx", "x,y\n3,4\n");
    do_to(&home, id(&newer), "parts", &[("part", "May"), ("parts", "June")]);
    all_read(&home);
    assert_eq!(home.json("show book.xlsx#June")["version"], 2);

    // One sheet goes alone and leaves the content to the others; the book takes them all, and the content.
    let blob = |sha: &str| home.path().join("blobs").join(&sha[..2]).join(&sha[2..]);
    let sha = book["sha256"].as_str().unwrap();
    assert_eq!(home.run(["rm", id(&june), "--yes"]).code, Some(0));
    assert!(blob(sha).exists());
    let gone = home.run(["rm", id(&book), "--yes", "--json"]).json();
    let files: Vec<&Value> = gone["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|i| i["kind"] == "file")
        .map(|i| &i["name"])
        .collect();
    assert_eq!(files, ["book.xlsx", "book.xlsx#July", "book.xlsx#August"]);
    assert!(!blob(sha).exists());
    assert_eq!(names(&home), ["book.xlsx 2", "book.xlsx#June 2"]);
    home.assert_store_is_sound();
}

#[test]
fn a_thousand_sheets_become_files_and_the_rest_is_told() {
    let home = home!();
    home.configure("[inbox]\nsettle_seconds = 0.2\n[queue]\ningest_jobs = 1\n");
    home.start_daemon();
    let book = added(&home, "book.xlsx", "x,y\n1,2\n");
    let parts: Vec<String> = (0..1005).map(|n| format!("s{n}")).collect();
    // Cancelled at once: what is looked at is the rows, not a thousand readings.
    let job = do_to(&home, id(&book), "parts", &[("parts", &parts.join(","))]);
    assert_eq!(job["state"], "done");
    assert_eq!(home.run(["cancel", "--queued"]).code, Some(0));
    assert_eq!(home.files().len(), 1001);
    let reading = home.json(&format!("show {}", id(&book)))["reading"].as_str().unwrap().to_owned();
    assert!(reading.contains("5 more parts"), "{reading}");
    assert!(home.run(["logs", id(&job)]).stdout.contains("5 more parts"));
}

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

    // A reading that fails leaves data and settings as they were, and the file says so.
    let before = file();
    let mut submission = fault("x");
    submission.kind = "ingest".into();
    submission.file = Some(id(&before).to_owned());
    submission.settings = [("header".to_owned(), "perhaps".to_owned())].into();
    let job = call(&home, async |rpc| flat(rpc.submit(within(CALL), submission).await)).unwrap();
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
    assert!(bad.code == Some(2) && bad.stderr.contains("bad.toml, line 1"), "{bad:#?}");
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
