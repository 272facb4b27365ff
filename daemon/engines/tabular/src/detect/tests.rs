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
    // The same with a hint that does not hold: 1.8 of 2.2 parts of what the names give.
    let lame = |name: &str, columns, suffices| {
        two_columns(name, columns, suffices) + "[[hint]]\nmeasure = 'rows'\nat_least = 1000.0\nweight = 1.0\n"
    };
    let rivals = [lame("paint", ["hue", "chroma"], 4.4), lame("light", ["chroma", "hue"], 4.5)];
    let torn = of_with(csv, true, &rules(&rivals));
    assert!(torn.candidates[0].score < 40.0, "{torn:?}");
    assert_eq!(
        (torn.decided.name.as_str(), torn.decided.level.as_str(), torn.ask),
        ("paint", "very_low", true)
    );
    let alone = of_with(csv, true, &rules(&rivals[..1]));
    assert_eq!((alone.decided.name.as_str(), alone.ask), ("generic", false));
}

#[test]
fn nobody_is_asked_from_50_points_on_though_two_types_are_near() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("0.toml"), two_columns("paint", ["hue", "chroma"], 3.5)).unwrap();
    fs::write(dir.path().join("1.toml"), two_columns("light", ["chroma", "hue"], 3.6)).unwrap();
    let near = of_with("hue,chroma\nred,1.5\nblue,2.5\n", true, &Rules::with_user_folder(dir.path()).0);
    assert!((near.candidates[0].score - near.candidates[1].score).abs() < 5.0, "{near:?}");
    assert_eq!((near.decided.name.as_str(), near.decided.level.as_str(), near.ask), ("paint", "low", false));
}

#[test]
fn a_part_of_a_word_is_no_word() {
    let mut seed = 3;
    let mut csv = "id,diagnosis,mean texture,mean radius,city_of_birth,durflow,begflow\n".to_owned();
    for row in 0..90 {
        let (n, kind) = (noise(&mut seed), ["benign", "malignant"][row % 2]);
        writeln!(csv, "{row},{kind},{}.5,{}.25,{},{},{}", n % 40, n % 23, n % 7, n % 5, n % 12).unwrap();
    }
    let detection = of(&csv);
    let told = format!("{:?}", detection.candidates);
    for wrong in ["mean texture follows", "durflow follows", "begflow follows"] {
        assert!(!told.contains(wrong), "{wrong}");
    }
    assert!(told.contains("city_of_birth follows city_*"));
}

#[test]
fn a_table_without_texts_is_no_labelled_text_whatever_its_names() {
    let score = |d: &Detection, name: &str| d.candidates.iter().find(|c| c.name == name).unwrap().score;
    let table = |cell: &dyn Fn(u64) -> String| {
        let rows = (0..120u64).map(|i| format!("{},{}\n", cell(i), ["good", "bad"][i as usize % 2]));
        of(&format!("review_text,sentiment\n{}", rows.collect::<String>()))
    };
    for cell in [&|i: u64| format!("{}", i * 7 % 31) as String, &|i: u64| {
        ["short", "long"][i as usize % 2].to_owned() as String
    }] as [&dyn Fn(u64) -> String; 2]
    {
        let detection = table(cell);
        assert_eq!(detection.decided.name, "generic");
        assert!(!detection.ask && score(&detection, "labelled_text") < 50.0);
    }
    let english = table(&|i| format!("The parcel no {i} came two days late and broken."));
    assert_eq!((english.decided.name.as_str(), english.decided.level.as_str()), ("labelled_text", "high"));
    // Words without blanks between them, and very short ones.
    for cell in [&|i: u64| format!("包裹{i}晚到了两天而且坏了") as String, &|i: u64| {
        format!("love it {i}")
    }] as [&dyn Fn(u64) -> String; 2]
    {
        assert_eq!(table(cell).decided.name, "labelled_text");
    }
}

#[test]
fn a_series_of_counts_is_no_time_to_an_event() {
    let score = |d: &Detection| d.candidates.iter().find(|c| c.name == "survival").unwrap().score;
    for (header, cell) in [("time,value", 90), ("time,deaths", 90), ("temps,décès", 90), ("time,deaths", 40)]
    {
        let rows = (0..72u64).map(|i| format!("{:.4},{}\n", 1974.0 + i as f64 / 12.0, 1000 + i * 37 % cell));
        let detection = of(&format!("{header}\n{}", rows.collect::<String>()));
        assert_eq!((detection.decided.name.as_str(), detection.ask), ("generic", false), "{header}");
        assert!(score(&detection) < 40.0, "{header}: {}", score(&detection));
    }
    let rows = (0..72u64).map(|i| format!("{},{}\n", 1 + i * 37 % 90, i * 7 % 3 % 2));
    let lost = of(&format!("time,status\n{}", rows.collect::<String>()));
    assert_eq!((lost.decided.name.as_str(), lost.decided.level.as_str()), ("survival", "high"));
}

#[test]
fn evidence_has_no_negative_zero() {
    let detection = of("a,latitude,longitude\nx,-0.0,-0.0\ny,-1.5,-2.5\nz,-3.5,-0.0\n");
    for one in detection.candidates.iter().flat_map(|c| &c.evidence) {
        assert!(one.score.is_sign_positive(), "{one:?}");
        assert!(!one.detail.split(' ').any(|word| word == "-0" || word == "-0.0"), "{one:?}");
    }
    assert!(detection.candidates.iter().all(|c| c.score.is_sign_positive()));
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
