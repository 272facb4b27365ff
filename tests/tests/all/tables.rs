//! What one may ask of a table, end to end: statements, views, suggested steps, recipes, other readings, its type.

use dropforge_tests::{Home, bytes_of, home};
use serde_json::{Value, json};

/// A home with the penguins in it.
fn with_penguins(home: &Home) {
    home.json(&format!("add {} --wait", sample("penguins.csv")));
}

fn sample(name: &str) -> String {
    format!("{}/../assets/samples/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn query(home: &Home, sql: &str) -> Value {
    home.run(["query", sql, "--json"]).json()
}

#[test]
fn a_statement_over_two_tables_agrees_with_the_published_figures() {
    let home = home!();
    with_penguins(&home);
    // Counts and means by species as published with the data (Palmer penguins); the join's other side is made here.
    let islands = home.file("sizes.csv", "island,area_km2\nBiscoe,12.5\nDream,0.2\nTorgersen,0.4\n");
    home.json(&format!("add {} --wait", islands.display()));
    let by_species = query(
        &home,
        "SELECT species, COUNT(*) AS n, ROUND(AVG(body_mass_g), 2) AS mass FROM \"penguins.csv\" GROUP BY species ORDER BY species",
    );
    assert_eq!(
        by_species["rows"],
        json!([["Adelie", 152, 3700.66], ["Chinstrap", 68, 3733.09], ["Gentoo", 124, 5076.02]])
    );
    assert_eq!(by_species["truncated"], false);
    let joined = query(
        &home,
        "SELECT s.area_km2, COUNT(*) AS n FROM penguins AS p JOIN sizes AS s ON p.island = s.island GROUP BY s.area_km2 ORDER BY n DESC",
    );
    assert_eq!(joined["rows"], json!([[12.5, 168], [0.2, 124], [0.4, 52]]));
    let first = home.run(["query", "SELECT * FROM penguins", "--limit", "3", "--json"]).json();
    assert_eq!((first["rows"].as_array().unwrap().len(), first["truncated"].as_bool()), (3, Some(true)));
    let plain = home.run(["query", "SELECT species FROM penguins LIMIT 1", "--csv"]);
    assert_eq!(plain.stdout.replace("\r\n", "\n"), "species\nAdelie\n");
}

#[test]
fn each_sheet_of_a_workbook_is_a_dataset() {
    let home = home!();
    let book = home.file("orders.xlsx", bytes_of("tests/tests/data/orders.xlsx"));
    home.json(&format!("add {} --wait", book.display()));
    assert_eq!(home.json("show orders.xlsx#Customers")["state"], "ready", "waiting is for all sheets");
    let names: Vec<Value> = home.files().into_iter().map(|f| f["name"].clone()).collect();
    assert_eq!(names.len(), 2, "an empty sheet is no dataset: {names:?}");
    let columns = home.json("preview orders.xlsx")["columns"].clone();
    let kinds: Vec<&str> = columns.as_array().unwrap().iter().map(|c| c["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["integer", "text", "float", "date"]);
    let zip = home.run(["preview", "orders.xlsx#Customers", "--json"]).json();
    assert_eq!(zip["rows"], json!([["C1", "00501"], ["C2", "94105"]]));
    let joined = query(
        &home,
        "SELECT c.zip, SUM(o.amount) AS total FROM \"orders.xlsx#Orders\" AS o JOIN \"orders.xlsx#Customers\" AS c \
         ON o.customer = c.customer GROUP BY c.zip ORDER BY c.zip",
    );
    assert_eq!(joined["rows"], json!([["00501", 42.75], ["94105", 7.0]]));
    home.json("rm orders.xlsx --yes");
    assert_eq!(home.files().len(), 0, "the sheets went with their book");
    home.assert_store_is_sound();
}

#[test]
fn a_statement_can_reach_nothing_but_datasets() {
    let home = home!();
    with_penguins(&home);
    for sql in [
        "SELECT * FROM read_csv('/etc/hostname')",
        "SELECT * FROM read_parquet('/etc/hostname')",
        "SELECT * FROM '/etc/hostname'",
        "DROP TABLE penguins",
        "INSERT INTO penguins VALUES (1)",
        "CREATE TABLE x AS SELECT * FROM penguins",
        "SELECT 1; SELECT 2",
        "SHOW TABLES",
    ] {
        let refused = home.run(["query", sql, "--json"]);
        assert_eq!(refused.code, Some(5), "{sql}: {}", refused.stderr);
        assert!(!refused.stderr.contains("panicked"), "{}", refused.stderr);
    }
    let misspelt = home.run(["query", "SELECT specis FROM penguins", "--json"]);
    assert_eq!(misspelt.code, Some(1), "{}", misspelt.stderr);
    assert!(misspelt.stderr.contains("species"), "the nearest name is told: {}", misspelt.stderr);
    let unknown = home.run(["query", "SELECT * FROM pinguins", "--json"]);
    assert!(unknown.code != Some(0) && unknown.stderr.contains("pinguins"), "{}", unknown.stderr);
}

#[test]
fn a_name_that_means_no_one_table_is_told_with_the_way_out() {
    let home = home!();
    home.json("project create other");
    let first = home.file("a.csv", "x,y\n1,2\n");
    let second = home.file("second/a.csv", "x,y\n3,4\n5,6\n");
    let mine = home.json(&format!("add {} --wait", first.display()))[0]["file"].as_str().unwrap().to_owned();
    home.json(&format!("add {} --project other --wait", second.display()));
    let told = home.run(["query", "SELECT x FROM \"a.csv\""]);
    assert_eq!(told.code, Some(5));
    assert!(told.stderr.contains("--project") && told.stderr.contains(&mine), "{}", told.stderr);
    let project = home.run(["query", "SELECT COUNT(*) AS n FROM \"a.csv\"", "--project", "other", "--json"]);
    assert_eq!(project.json()["rows"], serde_json::json!([[2]]));
    assert_eq!(query(&home, &format!("SELECT x FROM \"{mine}\""))["rows"], serde_json::json!([[1]]));
    let note = home.file("note.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n");
    let added = home.run(["add", note.to_str().unwrap(), "--wait"]);
    assert!(added.stdout.contains("not a table"), "{}", added.stdout);
    let told = home.run(["query", "SELECT * FROM \"note.pdf\""]);
    assert!(told.code == Some(3) && told.stderr.contains("is no table"), "{}", told.stderr);
    with_penguins(&home);
    let told = home.run(["query", "SELECT * FROM pengins"]);
    assert!(told.code == Some(3) && told.stderr.contains("\"penguins.csv\""), "{}", told.stderr);
}

#[test]
fn a_result_can_be_kept_as_a_dataset_that_knows_where_it_comes_from() {
    let home = home!();
    with_penguins(&home);
    let kept = home
        .run([
            "query",
            "SELECT species, sex FROM penguins WHERE body_mass_g > 5000",
            "--save",
            "heavy",
            "--wait",
            "--json",
        ])
        .json();
    let kept = if kept.is_array() { kept[0].clone() } else { kept };
    assert_eq!((kept["rows"].as_u64(), kept["columns"].as_u64()), (Some(61), Some(2)), "{kept}");
    assert!(kept["origin"]["how"].as_str().unwrap().contains("SELECT species, sex"), "{kept}");
    let again = query(&home, &format!("SELECT COUNT(*) FROM \"{}\"", kept["name"].as_str().unwrap()));
    assert_eq!(again["rows"], json!([[61]]));
    home.assert_store_is_sound();
}

#[test]
fn rows_are_written_out_whole_in_the_form_that_was_asked_for() {
    let home = home!();
    with_penguins(&home);
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    // More than a screen shows and than a statement's usual limit.
    let sql = "SELECT a.species, b.island, a.bill_length_mm, a.sex FROM penguins a CROSS JOIN penguins b WHERE b.body_mass_g < 3500";
    let want = query(&home, &format!("SELECT COUNT(*) FROM ({sql}) AS t"))["rows"][0][0].as_u64().unwrap();
    assert!(want > 20_000, "{want}");
    let all = home.run(["query", sql, "--csv"]);
    assert_eq!(all.code, Some(0), "{}", all.stderr);
    assert_eq!(all.stdout.lines().count() as u64, want + 1);
    for name in ["out.csv", "out.jsonl", "out.parquet"] {
        let told = home.run(["query", sql, "--to", &path(name), "--json"]).json();
        assert_eq!(told[0]["bytes"].as_u64(), Some(std::fs::metadata(path(name)).unwrap().len()), "{told}");
    }
    // Without ORDER BY the rows come in any order.
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let file = std::fs::read_to_string(path("out.csv")).unwrap();
    assert!(sorted(&file) == sorted(&all.stdout), "the file and the pipe hold the same rows");
    assert_eq!(std::fs::read_to_string(path("out.jsonl")).unwrap().lines().count() as u64, want);
    let again = home.run(["query", sql, "--to", &path("out.csv")]);
    assert_eq!(again.code, Some(5), "nothing is overwritten: {}", again.stderr);
    assert_eq!(home.run(["query", sql, "--to", &path("out.txt")]).code, Some(2));
    let exported = home.run(["export", "penguins.csv", "--to", &path("x"), "--as", "jsonl", "--json"]).json();
    assert_eq!(exported[0]["name"], "penguins.jsonl", "{exported}");
    let not_there = home.run(["export", "penguins.csv", "--to", &path("out.csv")]);
    assert_eq!(not_there.code, Some(5));
    assert!(not_there.stderr.contains("out.csv is a file"), "{}", not_there.stderr);
    let first = std::fs::read_to_string(dir.path().join("x/penguins.jsonl")).unwrap();
    let first: Value = serde_json::from_str(first.lines().next().unwrap()).unwrap();
    assert_eq!(first["species"], "Adelie", "{first}");
    let audit = home.run(["audit", "--json"]).stdout;
    assert!(audit.contains("export") && audit.contains("result.jsonl"), "{audit}");
    home.assert_store_is_sound();
}

#[test]
fn a_page_may_be_filtered_and_sorted() {
    let home = home!();
    with_penguins(&home);
    let page = home
        .run([
            "preview",
            "penguins.csv",
            "--where",
            "body_mass_g > 5000",
            "--sort",
            "body_mass_g:desc",
            "--rows",
            "2",
            "--json",
        ])
        .json();
    assert_eq!(page["total_rows"], 61);
    let mass = |row: usize| page["rows"][row][5].clone();
    assert_eq!((mass(0), mass(1)), (json!(6300), json!(6050)));
    let wrong = home.run(["preview", "penguins.csv", "--where", "nope > 5", "--json"]);
    assert!(wrong.code != Some(0) && wrong.stderr.contains("nope"), "{}", wrong.stderr);
}

#[test]
fn accepted_steps_give_a_new_dataset_and_serve_the_next_file_as_a_recipe() {
    let home = home!();
    with_penguins(&home);
    let suggested = home.json("suggest penguins.csv");
    let steps = suggested["steps"].as_array().unwrap();
    let impute = steps.iter().find(|s| s["op"] == "impute").expect("a step for what is missing");
    assert!(impute["confidence"].as_f64().is_some_and(|c| (0.0..=1.0).contains(&c)), "{impute}");
    assert!(impute["rationale"].as_str().is_some_and(|r| !r.is_empty()), "{impute}");
    let ids: Vec<&str> =
        steps.iter().filter(|s| s["op"] == "impute").map(|s| s["id"].as_str().unwrap()).collect();
    let made = home
        .run([
            "prepare",
            "penguins.csv",
            "--steps",
            &ids.join(","),
            "--name",
            "whole.parquet",
            "--save-recipe",
            "fill-gaps",
            "--wait",
            "--json",
        ])
        .json();
    let made = if made.is_array() { made[0].clone() } else { made };
    assert_eq!((made["state"].as_str(), made["rows"].as_u64()), (Some("ready"), Some(344)), "{made}");
    let source = home.json("show penguins.csv");
    assert_eq!(made["origin"]["file"], source["id"]);
    let nulls = |file: &str| -> u64 {
        let profile = home.json(&format!("profile {file}"));
        profile["columns"].as_array().unwrap().iter().map(|c| c["nulls"].as_u64().unwrap()).sum()
    };
    assert!(nulls("penguins.csv") > 0);
    assert_eq!(nulls("whole.parquet"), 0);

    let half: Vec<u8> = bytes_of("assets/samples/penguins.csv").into_iter().take(9000).collect();
    let end = half.iter().rposition(|b| *b == b'\n').unwrap();
    let next = home.file("next.csv", &half[..=end]);
    home.json(&format!("add {} --wait", next.display()));
    home.json("prepare next.csv --recipe fill-gaps --name next-whole.parquet --wait");
    assert_eq!(nulls("next-whole.parquet"), 0);
    home.assert_store_is_sound();
}

#[test]
fn a_file_is_read_again_as_the_user_says() {
    let home = home!();
    let path = home.file("codes.csv", "code;value\n1;1,5\n2;2,5\n3;10,25\n");
    home.json(&format!("add {} --wait", path.display()));
    let reading = home.json("reading codes.csv");
    assert_eq!(
        (reading["delimiter"].as_str(), reading["header"].as_bool()),
        (Some(";"), Some(true)),
        "{reading}"
    );
    let read = home.run(["reread", "codes.csv", "--type", "code=text", "--wait", "--json"]);
    assert_eq!(read.code, Some(0), "{}", read.stderr);
    let page = home.json("preview codes.csv");
    assert_eq!(page["columns"][0]["type"], "text");
    assert_eq!(page["rows"][0][0], "1");
    let kept = home.json("show codes.csv");
    assert!(kept["settings"]["types"].as_str().is_some_and(|t| t.contains("code")), "{kept}");

    let tabs = home.file("tabs.txt", "a b\tc\n1 2\t3\n4 5\t6\n");
    let added = home.run([
        "add",
        tabs.to_str().unwrap(),
        "--delimiter",
        "tab",
        "--header",
        "false",
        "--wait",
        "--json",
    ]);
    assert_eq!(added.code, Some(0), "{}", added.stderr);
    let shown = home.json("show tabs.txt");
    assert_eq!((shown["rows"].as_u64(), shown["columns"].as_u64()), (Some(3), Some(2)), "{shown}");
    home.assert_store_is_sound();
}

#[test]
fn settings_that_are_set_back_find_what_was_read_before_until_its_time_is_over() {
    let mut home = home!();
    let clock = home.path().join("clock");
    std::fs::write(&clock, "0").unwrap();
    home.env("DROPFORGE_CLOCK_FILE", clock.display().to_string());
    let path = home.file("marks.csv", "a;b\n1,5;x\n2,5;y\nNA;z\n");
    home.json(&format!("add {} --wait", path.display()));
    let first = home.json("profile marks.csv");
    let read = |delimiter: &str| {
        let done = home.run(["reread", "marks.csv", "--delimiter", delimiter, "--wait", "--json"]);
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        let job = home.json("jobs")[0]["id"].as_str().unwrap().to_owned();
        home.run(["logs", &job]).stdout
    };
    assert!(!read(",").contains("used again"));
    assert_eq!(home.json("show marks.csv")["columns"], 2);
    assert_ne!(home.json("profile marks.csv"), first);
    assert!(!read(";").contains("used again"), "it was found before, and is set now");
    assert!(read(",").contains("used again"));
    assert!(read(";").contains("used again"));
    assert_eq!(home.json("profile marks.csv"), first);
    assert_eq!(home.json("preview marks.csv")["rows"][0], serde_json::json!([1.5, "x"]));
    let shown = home.json("show marks.csv");
    assert_eq!((shown["delimiter"].as_str(), shown["rows"].as_u64()), (Some(";"), Some(3)), "{shown}");

    assert_eq!(home.json("gc")["readings"], 0);
    assert_eq!(home.json("gc --all")["readings"], 0, "within the hour they may be in use");
    std::fs::write(&clock, (31i64 * 24 * 3_600_000).to_string()).unwrap();
    let swept = home.json("gc");
    assert_eq!(swept["readings"], 4, "{swept}");
    assert_eq!(home.json("profile marks.csv"), first);
    assert!(!read(",").contains("used again"));
    home.assert_store_is_sound();
}

#[test]
fn a_bomb_is_refused_by_the_code_of_a_refusal() {
    let home = home!();
    // A header and a row of 200,000 columns.
    let wide = format!("{}\n{}\n", vec!["c"; 200_000].join(","), vec!["1"; 200_000].join(","));
    let path = home.file("wide.csv", wide);
    let refused = home.run(["add", path.to_str().unwrap(), "--wait", "--json"]);
    assert_eq!(refused.code, Some(5), "{}", refused.stderr);
    assert!(refused.stderr.contains("wide.csv") && refused.stderr.contains("columns"), "{}", refused.stderr);
    let file = home.json("show wide.csv");
    assert_eq!(file["state"], "failed");
    assert_eq!(home.run(["reread", "wide.csv", "--encoding", "nonsense", "--wait"]).code, Some(2));
}

#[test]
fn a_choice_of_type_is_remembered_for_files_with_the_same_header() {
    let home = home!();
    with_penguins(&home);
    let detected = home.json("show penguins.csv");
    let guess = &detected["type"];
    assert_eq!(guess["decided_by"], "detector", "{guess}");
    assert!(guess["evidence"].as_array().is_some_and(|e| !e.is_empty()), "{guess}");
    assert_eq!(home.run(["type", "penguins.csv", "survey", "--json"]).code, Some(0));
    let chosen = home.json("show penguins.csv");
    assert_eq!(
        (chosen["type"]["name"].as_str(), chosen["type"]["decided_by"].as_str()),
        (Some("survey"), Some("user"))
    );
    let half: Vec<u8> = bytes_of("assets/samples/penguins.csv").into_iter().take(9000).collect();
    let end = half.iter().rposition(|b| *b == b'\n').unwrap();
    let next = home.file("next.csv", &half[..=end]);
    home.json(&format!("add {} --wait", next.display()));
    assert_eq!(home.json("show next.csv")["type"]["name"], "survey");
    home.assert_store_is_sound();
}
