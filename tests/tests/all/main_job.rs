//! The main job, end to end: drop a file, see it understood; and what a user may do with it.

use dropforge_tests::{bytes_of, eventually, home};

#[test]
fn a_dropped_csv_becomes_rows_and_a_profile() {
    let home = home!();
    home.start_daemon();
    home.drop_file("penguins.csv", bytes_of("assets/samples/penguins.csv"));
    let file = home.settled_file("penguins.csv");
    assert_eq!(file["state"], "ready");
    assert_eq!(file["kind"], "dataset");
    assert_eq!(file["format"], "csv");
    assert_eq!(file["delimiter"], ",");
    assert_eq!((file["rows"].as_u64(), file["columns"].as_u64()), (Some(344), Some(8)));
    assert_eq!(file["rejected_rows"], 0);

    let page = home.json("preview penguins.csv --offset 2 --rows 1");
    assert_eq!(page["total_rows"], 344);
    assert_eq!(page["columns"][2]["name"], "bill_length_mm");
    assert_eq!(page["columns"][2]["type"], "float");
    assert_eq!(
        page["rows"][0],
        serde_json::json!(["Adelie", "Torgersen", 40.3, 18.0, 195, 3250, "female", 2007])
    );

    // Figures published with the data: mean body mass 4201.754 g over 342 birds (Palmer penguins).
    let profile = home.json("profile penguins.csv");
    let mass = &profile["columns"][5];
    assert_eq!(mass["name"], "body_mass_g");
    assert_eq!(mass["nulls"], 2);
    assert!((mass["mean"].as_f64().unwrap() - 4201.754385964912).abs() < 1e-9);
    assert_eq!((mass["min"].as_f64(), mass["max"].as_f64()), (Some(2700.0), Some(6300.0)));

    // The source was moved away whole, and nothing else was left in the inbox.
    assert_eq!(std::fs::read_dir(home.inbox()).unwrap().count(), 0);
    let kept = std::fs::read(home.path().join("processed/penguins.csv")).unwrap();
    assert_eq!(kept, bytes_of("assets/samples/penguins.csv"));
    home.assert_store_is_sound();
}

#[test]
fn what_was_dropped_while_the_daemon_was_down_is_taken_at_its_start() {
    let home = home!();
    home.drop_file("a.csv", "x,y\n1,2\n3,4\n");
    home.start_daemon();
    assert_eq!(home.settled_file("a.csv")["rows"], 2);
    home.stop_daemon();
    home.drop_file("b.csv", "x,y\n1,2\n");
    // Any verb starts it again.
    assert_eq!(home.settled_file("b.csv")["rows"], 1);
    assert_eq!(home.files().len(), 2);
}

#[test]
fn the_same_content_is_taken_once_and_new_content_is_a_new_version() {
    let home = home!();
    let a = home.file("a.csv", "x,y\n1,2\n");
    let same = home.file("b.csv", "x,y\n1,2\n");
    let first = home.json(&format!("add {} --wait", a.display()));
    let again = home.json(&format!("add {} --wait", same.display()));
    assert_eq!(again[0]["duplicate_of"], first[0]["file"]);
    assert_eq!(again[0]["jobs"].as_array().unwrap().len(), 0);
    let reprocessed = home.json(&format!("add {} --on-duplicate reprocess --wait", same.display()));
    assert_eq!(reprocessed[0]["jobs"].as_array().unwrap().len(), 1);
    assert_eq!(home.files().len(), 1, "no second copy");

    std::fs::write(&a, "x,y\n1,2\n3,4\n").unwrap();
    home.json(&format!("add {} --wait", a.display()));
    let newest = home.json("show a.csv");
    assert_eq!((newest["version"].as_u64(), newest["rows"].as_u64()), (Some(2), Some(2)));
}

#[test]
fn exit_codes_are_those_of_the_contract() {
    let home = home!();
    assert_eq!(home.run(["daemon", "status"]).code, Some(4), "no daemon runs");
    assert_eq!(home.run(["frobnicate"]).code, Some(2));
    assert_eq!(home.run(["show", "nothing"]).code, Some(3));
    assert_eq!(home.run(["job", "nothing"]).code, Some(3));
    assert_eq!(home.run(["add", "/no/such/file.csv"]).code, Some(3));
    let a = home.file("a.csv", "x,y\n1,2\n");
    home.json(&format!("add {} --wait", a.display()));
    assert_eq!(home.run(["rm", "a.csv"]).code, Some(2), "no terminal and no --yes");
    assert_eq!(home.files().len(), 1);
}

#[test]
fn removing_a_file_takes_what_was_made_of_it_and_leaves_what_was_exported() {
    let home = home!();
    let a = home.file("a.csv", "x,y\n1,2\n");
    let added = home.json(&format!("add {} --wait", a.display()));
    let job = added[0]["jobs"][0].as_str().unwrap().to_owned();
    let out = home.path().join("out");
    let exported = home.json(&format!("export a.csv --to {} --only profile.json", out.display()));
    assert_eq!(exported[0]["name"], "profile.json");
    assert!(home.path().join("runs").join(&job).is_dir());

    assert_eq!(home.run(["rm", "a.csv", "--yes"]).code, Some(0));
    assert!(home.files().is_empty() && home.jobs().is_empty());
    assert!(!home.path().join("runs").join(&job).exists());
    let blobs = std::fs::read_dir(home.path().join("blobs")).unwrap().flatten();
    let left: Vec<_> = blobs
        .filter(|d| d.file_name() != "tmp")
        .flat_map(|d| std::fs::read_dir(d.path()).into_iter().flatten().flatten())
        .collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(out.join("profile.json").is_file() && a.is_file());
    home.assert_store_is_sound();
}

#[test]
fn a_project_folder_in_the_inbox_puts_its_files_into_the_project() {
    let home = home!();
    home.start_daemon();
    home.json("project create sales");
    std::fs::create_dir_all(home.inbox().join("sales")).unwrap();
    home.drop_file("sales/q1.csv", "x,y\n1,2\n");
    let file = home.settled_file("q1.csv");
    assert_eq!(file["project"], "sales");
    assert_eq!(home.json("files --project sales").as_array().unwrap().len(), 1);
    assert_eq!(home.json("files --project default").as_array().unwrap().len(), 0);
}

#[test]
fn what_is_no_table_says_so_and_is_kept() {
    let home = home!();
    home.start_daemon();
    home.drop_file("letter.bin", [0u8, 159, 146, 150, 1, 2, 3].repeat(100));
    home.drop_file("empty.csv", "");
    let file = home.settled_file("letter.bin");
    assert_eq!((file["state"].as_str(), file["kind"].as_str()), (Some("ready"), Some("unknown")));
    assert_eq!(home.settled_file("empty.csv")["kind"], "unknown");
    let preview = home.run(["preview", "letter.bin"]);
    assert_eq!(preview.code, Some(1));
    assert!(preview.stderr.contains("letter.bin"), "{preview:#?}");
}

#[test]
fn a_backup_of_a_live_store_can_be_restored_elsewhere() {
    let home = home!();
    let a = home.file("a.csv", "x,y\n1,2\n");
    home.json(&format!("add {} --wait", a.display()));
    let backup = home.path().join("backup");
    assert_eq!(home.run(["backup".as_ref(), backup.as_os_str()]).code, Some(0));
    let other = home!();
    let restored = other.run(["restore".as_ref(), backup.as_os_str()]);
    assert_eq!(restored.code, Some(0), "{restored:#?}");
    assert_eq!(other.json("preview a.csv")["rows"], serde_json::json!([[1, 2]]));
    assert!(other.json("fsck")["problems"].as_array().unwrap().is_empty());
}

#[test]
fn events_and_logs_can_be_followed() {
    let home = home!();
    home.start_daemon();
    let mut events = home.command(["events", "--json"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let lines = {
        use std::io::BufRead;
        let stdout = events.stdout.take().unwrap();
        let (send, receive) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in std::io::BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ =
                    send.send(serde_json::from_str::<serde_json::Value>(&line).expect("one object a line"));
            }
        });
        receive
    };
    // The follower may connect a moment after its start: give it things to see until it has seen one.
    let mut n = 0;
    let seen = eventually("a follower sees a job end", || {
        n += 1;
        let file = home.file(&format!("e{n}.csv"), format!("x,y\n{n},2\n"));
        home.json(&format!("add {} --wait", file.display()));
        lines.try_iter().find(|e| e["kind"] == "job" && e["state"] == "done")
    });
    let job = seen["job"].as_str().unwrap();
    let logs = home.run(["logs", job, "--follow", "--json"]);
    let entries: Vec<serde_json::Value> =
        logs.stdout.lines().map(|l| serde_json::from_str(l).expect("one object a line")).collect();
    assert!(entries.iter().any(|e| e["text"].as_str().unwrap().contains("confined by")), "{entries:?}");
    assert_eq!(entries.last().unwrap()["text"], "done");
    events.kill().unwrap();
    events.wait().unwrap();
}

#[test]
fn adding_a_folder_passes_over_homes_of_dropforge() {
    let home = home!();
    let file = home.file("a.csv", "x,y\n1,2\n");
    home.json(&format!("add {} --wait", file.display()));
    let parent = home.path().join("parent");
    std::fs::create_dir_all(&parent).unwrap();
    std::fs::write(parent.join("b.csv"), "x,y\n3,4\n").unwrap();
    let other = parent.join("other/store");
    std::fs::create_dir_all(&other).unwrap();
    std::fs::write(other.join("dropforge.redb"), "").unwrap();
    std::fs::write(parent.join("other/c.csv"), "x,y\n5,6\n").unwrap();
    let added =
        home.run(["add".as_ref(), parent.as_os_str(), "--wait".as_ref(), "--json".as_ref()]).json_anyhow();
    let taken: Vec<bool> = added.as_array().unwrap().iter().map(|a| a["error"].is_null()).collect();
    assert_eq!(taken, [true, false], "{added:#}");
    assert_eq!(home.files().len(), 2);
}
