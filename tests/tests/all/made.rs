//! Files that come of files: datasets that a job makes, sheets of a workbook. The engines' part is played by the kind of job
//! that tests have.

use dropforge_shared::client::{flat, within};
use dropforge_shared::service::CALL;
use dropforge_tests::{Home, eventually, home};
use serde_json::{Value, json};

use super::calls::{call, do_to, ended, fault};

/// Adds a file and answers it once it was read.
pub(super) fn added(home: &Home, name: &str, content: &str) -> Value {
    let path = home.file(name, content);
    let outcome = home.json(&format!("add {} --wait", path.display()));
    home.json(&format!("show {}", outcome[0]["file"].as_str().unwrap()))
}

pub(super) fn id(value: &Value) -> &str {
    value["id"].as_str().unwrap()
}

pub(super) fn names(home: &Home) -> Vec<String> {
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
fn a_referenced_file_that_changed_unseen_is_not_read_as_the_one_that_was_added() {
    let home = home!();
    home.configure("[inbox]\nreference_above_bytes = 8\n");
    let path = home.file("large.csv", "x,y\n1,2\n3,4\n");
    let added = home.json(&format!("add {} --wait", path.display()));
    assert_eq!(home.json("preview large.csv")["rows"], json!([[1, 2], [3, 4]]));
    assert_eq!(
        std::fs::read_dir(home.path().join("blobs"))
            .unwrap()
            .filter(|e| e.as_ref().unwrap().file_name() != "tmp")
            .count(),
        0
    );
    // Another content of the same size under the same time.
    let before = std::fs::metadata(&path).unwrap().modified().unwrap();
    std::fs::write(&path, "x,y\n1,2\n3,5\n").unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(before).unwrap();
    let job = added[0]["jobs"][0].as_str().unwrap();
    let outcome = home.run(["rerun", job, "--wait"]);
    assert_eq!(outcome.code, Some(1), "{outcome:#?}");
    assert!(outcome.stderr.contains("has changed since it was added"), "{outcome:#?}");
    assert_eq!(home.json("preview large.csv")["rows"], json!([[1, 2], [3, 4]]), "what was read stays");
    home.assert_store_is_sound();
}
