//! Detection from the text of a file to the answer, as a user would see it.

use std::fmt::Write as _;
use std::fs;

use dropforge_shared::detection::Detection;

use super::{Rules, detect, level};
use crate::{ReadOptions, Silent, ingest, profile};

fn of_with(csv: &str, header: bool, rules: &Rules) -> Detection {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("input");
    fs::write(&source, csv).unwrap();
    let options = ReadOptions { header: Some(header), delimiter: Some(",".into()), ..ReadOptions::default() };
    let ingested = ingest(&source, dir.path(), &options, &mut Silent).unwrap();
    let dataset = dir.path().join("dataset.parquet");
    let profile = profile(&dataset, "f", &ingested.null_tokens, &mut Silent).unwrap();
    detect(&profile, &dataset, ingested.header, rules)
}

fn of(csv: &str) -> Detection {
    of_with(csv, true, &Rules::builtin())
}

fn strategy(detection: &Detection, name: &str) -> (f64, String) {
    let found = detection.decided.evidence.iter().find(|e| e.strategy == name);
    found.map(|e| (e.score, e.detail.clone())).unwrap_or_else(|| panic!("no {name} in {detection:?}"))
}

/// Weekdays of prices that follow the rule of open, high, low and close, but for `broken` rows.
fn prices(header: &str, rows: usize, broken: usize) -> String {
    let mut csv = header.to_owned();
    let mut day = 0;
    for row in 0..rows {
        day += if row % 5 == 4 { 3 } else { 1 };
        let date = format!("2023-{:02}-{:02}", 1 + day / 28, 1 + day % 28);
        let open = 100.0 + (row as f64 * 0.37).sin() * 8.0;
        let close = open + ((row * 7) % 5) as f64 * 0.3 - 0.6;
        let (high, low) = (open.max(close) + 0.45, open.min(close) - 0.35);
        let (high, low) = if row < broken { (low, high) } else { (high, low) };
        writeln!(csv, "{date},{open:.2},{high:.2},{low:.2},{close:.2},{}", 100_000 + row * 37 % 9_999)
            .unwrap();
    }
    csv
}

#[test]
fn prices_are_high_by_names_and_by_what_holds_in_each_row() {
    let detection = of(&prices("Date,Open,High,Low,Close,Volume\n", 200, 0));
    assert_eq!(
        (detection.decided.name.as_str(), detection.decided.level.as_str()),
        ("market_prices", "high")
    );
    assert!(!detection.ask && detection.decided.confidence >= 90.0);
    let (score, detail) = strategy(&detection, "column_match");
    assert!(score == 100.0 && detail.contains("Open = open"), "{detail}");
    let (_, detail) = strategy(&detection, "value_shapes");
    assert!(detail.contains("200 of 200 sampled rows"), "{detail}");
    assert_eq!(detection.candidates[0].name, "market_prices");
    assert_eq!(detection.candidates.len(), Rules::builtin().types().count());
    let weights: Vec<f64> = detection.decided.evidence.iter().map(|e| e.weight).collect();
    assert_eq!(weights, [1.0, 0.8, 0.6, 0.4]);
    // The formula by hand.
    let sum: f64 = detection.decided.evidence.iter().map(|e| e.score * e.weight).sum();
    assert!((detection.decided.confidence - sum / 2.8).abs() < 1e-9);
}

#[test]
fn names_in_another_language_are_as_good() {
    for header in
        ["Datum,Eröffnung,Hoch,Tief,Schluss,Volumen\n", "fecha,apertura,maximo,minimo,cierre,volumen\n"]
    {
        let detection = of(&prices(header, 200, 0));
        assert_eq!(
            (detection.decided.name.as_str(), detection.decided.level.as_str()),
            ("market_prices", "high")
        );
    }
}

#[test]
fn names_that_promise_what_values_do_not_keep_count_less() {
    let good = of(&prices("Date,Open,High,Low,Close,Volume\n", 200, 0)).decided.confidence;
    let bad = of(&prices("Date,Open,High,Low,Close,Volume\n", 200, 40));
    assert!(bad.decided.confidence < good - 10.0, "{} against {good}", bad.decided.confidence);
    assert!(strategy(&bad, "value_shapes").1.contains("160 of 200"));
}

#[test]
fn without_names_shapes_decide_and_are_never_sure() {
    let text = prices("", 200, 0);
    for (csv, header) in
        [(text.clone(), false), (format!("col_1,col_2,col_3,col_4,col_5,col_6\n{text}"), true)]
    {
        let detection = of_with(&csv, header, &Rules::builtin());
        assert_eq!(
            (detection.decided.name.as_str(), detection.decided.level.as_str()),
            ("market_prices", "medium")
        );
        assert_eq!(detection.fingerprint, None);
        let used: Vec<&str> = detection.decided.evidence.iter().map(|e| e.strategy.as_str()).collect();
        assert_eq!(used, ["value_shapes", "heuristics"]);
    }
}

/// Small numbers that follow no pattern, the same on each run.
fn noise(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *seed >> 40
}

#[test]
fn a_plain_unknown_table_is_generic_ready_and_nobody_is_asked() {
    let mut seed = 7;
    let mut csv = "compound,replicate,absorbance,yield_pct,ph\n".to_owned();
    for row in 0..120 {
        let n = noise(&mut seed);
        writeln!(
            csv,
            "C{},{},{:.3},{:.1},{:.2}",
            row / 3,
            row % 3,
            n as f64 / 1e7,
            (n % 900) as f64 / 10.0,
            4.0 + (n % 5) as f64 / 3.0
        )
        .unwrap();
    }
    for header in [true, false] {
        let detection = of_with(&csv, header, &Rules::builtin());
        assert_eq!(detection.decided.name, "generic");
        assert!(!detection.ask);
        assert_eq!(detection.candidates[0].name, "generic");
        let best = detection.candidates[1].score;
        assert!((detection.decided.confidence - (100.0 - best)).abs() < 1e-9 && best < 40.0, "{best}");
    }
}

/// A rule with two columns by name and nothing else, so that its score is what the names give. In a table of two columns
/// 70 % of a rule's `enough` suffices, which is `suffices` here.
fn two_columns(name: &str, columns: [&str; 2], suffices: f64) -> String {
    let enough = suffices / 0.7;
    let column = |c: &str| format!("[[column]]\nrole = '{c}'\nnames = ['{c}']\n");
    format!(
        "name = '{name}'\ntitle = '{name}'\nenough = {enough}\n{}{}",
        column(columns[0]),
        column(columns[1])
    )
}

#[test]
fn the_user_is_asked_where_evidence_is_real_but_thin_or_contradictory_and_only_there() {
    let dir = tempfile::tempdir().unwrap();
    let rules = |list: &[String]| {
        for entry in fs::read_dir(dir.path()).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
        for (i, rule) in list.iter().enumerate() {
            fs::write(dir.path().join(format!("{i}.toml")), rule).unwrap();
        }
        let (rules, bad) = Rules::with_user_folder(dir.path());
        assert_eq!(bad, Vec::<String>::new());
        rules
    };
    let csv = "hue,chroma\nred,1.5\nblue,2.5\nred,3.25\n";
    // The rules say nothing of values, so only names count: the score is 100 · 2 / what suffices.
    let thin = of_with(csv, true, &rules(&[two_columns("paint", ["hue", "chroma"], 4.5)]));
    assert_eq!(
        (thin.decided.name.as_str(), thin.decided.level.as_str(), thin.ask),
        ("paint", "very_low", true),
        "{thin:?}"
    );
    // The same score, but a column is not there that the type can't be without.
    let lame = two_columns("paint", ["hue", "chroma"], 3.4).replace("'\nnames", "'\ncore = true\nnames")
        + "[[column]]\nrole = 'maker'\ncore = true\nnames = ['maker']\n";
    let lame = format!("core_needed = 3\n{lame}");
    let lame = of_with(csv, true, &rules(&[lame]));
    assert!(lame.candidates[1].score > 40.0, "{lame:?}");
    assert_eq!((lame.decided.name.as_str(), lame.ask), ("generic", false));
    let weak = of_with(csv, true, &rules(&[two_columns("paint", ["hue", "chroma"], 6.0)]));
    assert_eq!((weak.decided.name.as_str(), weak.ask), ("generic", false));
    let clear = of_with(csv, true, &rules(&[two_columns("paint", ["hue", "chroma"], 2.5)]));
    assert_eq!(
        (clear.decided.name.as_str(), clear.decided.level.as_str(), clear.ask),
        ("paint", "medium", false)
    );
    let torn = of_with(
        csv,
        true,
        &rules(&[two_columns("paint", ["hue", "chroma"], 3.5), two_columns("light", ["chroma", "hue"], 3.6)]),
    );
    assert_eq!((torn.decided.name.as_str(), torn.decided.level.as_str(), torn.ask), ("paint", "low", true));
}

#[test]
fn columns_of_another_type_count_against_a_type() {
    let table = |more: &str, cell: &str| {
        let rows =
            (0..200).map(|i| format!("{},{},{}{cell}\n", i % 40, i % 31, 1 + i % 5)).collect::<String>();
        of(&format!("user_id,item_id,rating{more}\n{rows}"))
    };
    let plain = table("", "");
    assert_eq!(plain.decided.name, "ratings");
    let against = table(",quantity", ",1");
    let score = |d: &Detection| d.candidates.iter().find(|c| c.name == "ratings").unwrap().score;
    assert!(score(&against) < score(&plain) - 10.0);
    let evidence = &against.candidates.iter().find(|c| c.name == "ratings").unwrap().evidence[0];
    assert!(evidence.detail.contains("against it: quantity"), "{}", evidence.detail);
}

#[test]
fn the_fingerprint_is_of_the_header_alone() {
    let a = of("Order ID,Größe\n1,2\n2,3\n").fingerprint.unwrap();
    let b = of("groSSe,order_id\n7,x\n8,y\n").fingerprint.unwrap();
    assert_eq!(a, b);
    assert_eq!(a.len(), 64);
}

#[test]
fn levels_are_as_agreed() {
    let cases = [
        (95.0, 20.0, true, "high"),
        (95.0, 9.9, true, "medium"),
        (95.0, 20.0, false, "medium"),
        (89.9, 50.0, true, "medium"),
        (70.0, 0.0, true, "medium"),
        (69.9, 50.0, true, "low"),
        (50.0, 0.0, false, "low"),
        (49.9, 40.0, true, "very_low"),
    ];
    for (score, lead, named, expected) in cases {
        assert_eq!(level(score, lead, named), expected, "{score} {lead} {named}");
    }
}

#[test]
fn a_table_without_rows_is_told_from_its_names_and_a_dataset_that_is_gone_from_its_profile() {
    let detection = of("Date,Open,High,Low,Close,Volume\n");
    assert!(detection.candidates.iter().all(|c| c.score.is_finite()));
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("input");
    fs::write(&source, prices("Date,Open,High,Low,Close,Volume\n", 50, 0)).unwrap();
    let ingested = ingest(&source, dir.path(), &ReadOptions::default(), &mut Silent).unwrap();
    let dataset = dir.path().join("dataset.parquet");
    let profile = profile(&dataset, "f", &ingested.null_tokens, &mut Silent).unwrap();
    fs::remove_file(&dataset).unwrap();
    let detection = detect(&profile, &dataset, true, &Rules::builtin());
    assert_eq!(detection.decided.name, "market_prices");
}
