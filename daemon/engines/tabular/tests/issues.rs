//! What the profile says of a table's problems and of the column to predict: what a person would see, and no more.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail there")]

mod common;

use std::collections::HashMap;

use common::*;
use dropforge_shared::profile::{Issue, Profile, Severity};

fn issue<'a>(profile: &'a Profile, column: Option<&str>, kind: &str) -> Option<&'a Issue> {
    profile.issues.iter().find(|i| i.column.as_deref() == column && i.kind == kind)
}

#[test]
fn issues_name_what_a_person_would_see() {
    let mut text = String::from("id,code,age,city,mix,rare,zip\n");
    for i in 0..200 {
        let age = if i % 40 == 0 { -999 } else { 20 + i % 50 };
        let city = ["Wien", " Graz", "unknown", "Linz"][i as usize % 4];
        let mix = if i % 20 == 0 { "twelve".to_owned() } else { i.to_string() };
        let rare = if i == 0 { "yes" } else { "no" };
        text.push_str(&format!("{},A{:04},{age},{city},{mix},{rare},{:05}\n", i + 1, i * 7, i % 9));
    }
    let p = profiled(&text).profile;
    assert_eq!(issue_kinds(&p, "id"), ["id_like"]);
    assert_eq!(issue_kinds(&p, "code"), ["id_like"]);
    assert!(issue_kinds(&p, "age").contains(&"placeholders"));
    assert_eq!(issue_kinds(&p, "city"), ["placeholders", "blanks"]);
    assert_eq!(issue_kinds(&p, "mix"), ["mixed_types"]);
    assert_eq!(issue_kinds(&p, "rare"), ["imbalance"]);
    let mixed = p.issues.iter().find(|i| i.kind == "mixed_types").unwrap();
    assert_eq!(mixed.rows, 10);
    let blanks = p.issues.iter().find(|i| i.kind == "blanks").unwrap();
    assert_eq!(blanks.rows, 50);
    assert!(p.issues.is_sorted_by_key(|i| i.severity));
}

#[test]
fn targets_are_guessed_with_a_reason_or_not_at_all() {
    let rows = |header: &str, row: &dyn Fn(u32) -> String| {
        let lines: Vec<String> = (0..60).map(row).collect();
        profiled(&format!("{header}\n{}\n", lines.join("\n"))).profile.target
    };
    let churn =
        rows("id,x,churn", &|i| format!("{i},{},{}", i * 3 % 7, ["yes", "no"][i as usize % 2])).unwrap();
    assert_eq!((churn.column.as_str(), churn.problem.as_str()), ("churn", "binary"));
    let price = rows("rooms,price", &|i| format!("{},{}.5", i % 5, i * i % 91)).unwrap();
    assert_eq!((price.column.as_str(), price.problem.as_str()), ("price", "regression"));
    let last =
        rows("w,h,kind", &|i| format!("{i}.5,{},{}", i % 13, ["a", "b", "c"][i as usize % 3])).unwrap();
    assert_eq!((last.column.as_str(), last.problem.as_str()), ("kind", "multiclass"));
    assert!(last.confidence < 0.5);
    assert_eq!(rows("a,b", &|i| format!("{}.5,{}.25", i, i * i)), None);
    // An id is none, whatever its name.
    assert_eq!(rows("a,label", &|i| format!("{}.5,{i}", i * 3)), None);
}

#[test]
fn rows_equal_to_an_earlier_one_are_counted_and_a_table_of_unique_rows_has_none() {
    let mut text = String::from("a,b,c,d\n");
    let mut seen = HashMap::new();
    let mut again = 0;
    let mut random = Random(9);
    for _ in 0..20_000 {
        let row = format!(
            "{},{},{},{}",
            (random.next() * 30.0) as i64,
            ["x", "y", "", " y"][(random.next() * 4.0) as usize],
            ["1.5", "-0.0", "0.0", ""][(random.next() * 4.0) as usize],
            ["true", "false"][(random.next() * 2.0) as usize],
        );
        // Minus zero is zero.
        again += u64::from(*seen.entry(row.replace("-0.0", "0.0")).and_modify(|n| *n += 1).or_insert(0) > 0);
        text.push_str(&format!("{row}\n"));
    }
    let p = profiled(&text).profile;
    let found = issue(&p, None, "duplicate_rows").unwrap();
    assert_eq!(found.rows, again);
    let lines: Vec<String> = (0..3_000).map(|i| format!("{},{},x", i % 60, i / 60)).collect();
    assert!(
        issue(&profiled(&format!("a,b,c\n{}\n", lines.join("\n"))).profile, None, "duplicate_rows").is_none()
    );
    let lines: Vec<String> = (0..100).map(|i| format!("{i},x")).collect();
    assert!(
        issue(&profiled(&format!("a,b\n{}\n", lines.join("\n"))).profile, None, "duplicate_rows").is_none()
    );
}

#[test]
fn columns_that_say_the_same_are_named_and_others_are_not() {
    let mut text = String::from("row,euro,cent,noise,city,town,when,same_day,flag,rising\n");
    let mut random = Random(3);
    for i in 0..500 {
        let euro = (random.next() * 1e4).round() / 100.0;
        let city = ["Wien", "Graz", "Linz"][(random.next() * 3.0) as usize];
        let day = format!("2024-01-{:02}", 1 + i % 28);
        let noise = random.next();
        text.push_str(&format!(
            "{},{euro},{},{noise},{city},{city},{day},{day},{},{}\n",
            i + 1,
            (euro * 100.0).round() as i64,
            i % 2,
            i as f64 * 0.5 + noise
        ));
    }
    let p = profiled(&text).profile;
    let named: Vec<&str> = p
        .issues
        .iter()
        .filter(|i| i.kind == "near_duplicate_columns")
        .filter_map(|i| i.column.as_deref())
        .collect();
    assert_eq!(named, ["cent", "town", "same_day"]);
    let detail = &issue(&p, Some("town"), "near_duplicate_columns").unwrap().detail;
    assert!(detail.contains("city"), "{detail}");
    // The same is told by Cramér's V, and nothing else is close.
    let v = p.cramers_v.unwrap();
    assert_eq!(v.columns, ["city", "town", "flag"]);
    assert!((v.matrix[0][1].unwrap() - 1.0).abs() < 1e-9);
    assert!(v.matrix[0][2].unwrap() < 0.2);
    assert_eq!(p.association_rows, None);
}

#[test]
fn marks_prices_days_and_codes_are_taken_for_what_they_are() {
    let mut text = String::from("code,dna,open,high,kg,pound,posted,sex\n");
    let mut random = Random(7);
    let mut price = 100.0;
    for i in 0..1_200u32 {
        price += random.next() - 0.45;
        let high = price + random.next() * 2.0;
        let kg = 20.0 + random.next() * 60.0;
        // A code like the others, and days in words that reading leaves as text.
        let letter = |n: u32| char::from(b'A' + (n % 26) as u8);
        let code = if i == 9 {
            "UNK".to_owned()
        } else {
            format!("{}{}Q{}", letter(i), letter(i / 26), letter(i / 676))
        };
        let mark = if i % 3 == 0 { "Y" } else { "" };
        let posted = format!("{:02}/{:02}/{}", 1 + i % 12, 1 + i / 12 % 12, 1900 + i / 12);
        let sex = if i % 2 == 0 { "m" } else { "f" };
        text.push_str(&format!(
            "{code},{mark},{price:.2},{high:.2},{kg},{},{posted},{sex}\n",
            kg * 2.204_622_6
        ));
    }
    let p = profiled(&text).profile;
    // A mark that is set or missing tells rows apart.
    let mark = issue(&p, Some("dna"), "constant").unwrap();
    assert!(mark.severity == Severity::Low && mark.detail.contains("yes or no"), "{mark:?}");
    // Prices of one day go together and are not the same; pounds are kilograms.
    let same = |name| issue(&p, Some(name), "near_duplicate_columns").map(|i| i.severity);
    assert_ne!(same("high"), Some(Severity::Medium));
    assert_eq!(same("pound"), Some(Severity::Medium));
    assert!(issue(&p, Some("code"), "placeholders").is_none());
    assert!(issue(&p, Some("code"), "id_like").is_some());
    assert!(issue(&p, Some("posted"), "id_like").is_none(), "{:?}", column(&p, "posted").kind);
    // The last column is given with each row, so its place is no reason to predict it.
    assert!(p.target.is_none(), "{:?}", p.target.map(|t| t.column));
}

#[test]
fn batteries_and_amounts_at_the_end_are_no_targets() {
    let target = |text: &str| profiled(text).profile.target.map(|t| t.column);
    let rows = |row: &dyn Fn(u32) -> String| (0..90).map(row).collect::<Vec<_>>().join("\n");
    let battery = rows(&|i| format!("{},{},{}", i % 4, i * 7 % 4, i * 5 % 3));
    assert_eq!(target(&format!("Car1,Car2,Car3\n{battery}\n")), None);
    let premium = rows(&|i| format!("{},{}", 2000 + i, 50_000 + i % 9 * 3_210));
    assert_eq!(target(&format!("made,earned\n{premium}\n")), None);
    let classes = rows(&|i| format!("{},{}", f64::from(i) * 0.37, i % 3));
    assert_eq!(target(&format!("petal,kind\n{classes}\n")).as_deref(), Some("kind"));
}

#[test]
fn stand_ins_for_missing_are_told_and_honest_extremes_are_not() {
    let mut text = String::from("age,price,temp,born,since,grade,code\n");
    for i in 0..400u32 {
        let age = if i % 40 == 0 { 999 } else { 18 + i % 60 };
        // Prices reach 9,999 on their own.
        let price = if i % 50 == 0 { 9999 } else { 100 + i * 24 };
        let temp = if i % 30 == 0 { "-999.9".to_owned() } else { format!("{}.5", i % 35) };
        let born = if i % 100 < 3 { "1900-01-01".to_owned() } else { format!("{}-05-17", 1950 + i % 50) };
        let since = format!("{}-01-01", 1890 + i % 100);
        let grade = if i % 9 == 0 { "none" } else { "B" };
        let code = if i == 7 { -9999 } else { i as i32 % 90 };
        text.push_str(&format!("{age},{price},{temp},{born},{since},{grade},{code}\n"));
    }
    let p = profiled(&text).profile;
    let told = |name| issue(&p, Some(name), "placeholders").map(|i| i.rows);
    assert_eq!((told("age"), told("temp"), told("born")), (Some(10), Some(14), Some(12)));
    // Common prices, a historic range of years, an answer, and a value that comes once.
    assert_eq!((told("price"), told("since"), told("grade"), told("code")), (None, None, None, None));
}

#[test]
fn what_keeps_a_column_text_is_shown_and_codes_are_left_alone() {
    let mut text = String::from("power,when,zip,answer,name\n");
    for i in 0..300u32 {
        let power = if i % 50 == 0 { "?".to_owned() } else { (40 + i).to_string() };
        let when = if i == 12 { "spring".to_owned() } else { format!("2024-03-{:02}", 1 + i % 30) };
        let answer = ["Yes", "yes ", "No", "YES"][(i % 4) as usize];
        text.push_str(&format!("{power},{when},{:05},{answer},Anna{i}\n", i * 331));
    }
    let p = profiled(&text).profile;
    let power = issue(&p, Some("power"), "mixed_types").unwrap();
    assert!(power.rows == 6 && power.detail.contains("‘?’"), "{power:?}");
    assert_eq!(issue(&p, Some("power"), "placeholders").map(|i| i.rows), Some(6));
    let when = issue(&p, Some("when"), "mixed_types").unwrap();
    assert!(when.rows == 1 && when.detail.contains("spring") && when.detail.contains("dates"), "{when:?}");
    // Leading zeros keep it text, and that is right.
    assert!(issue(&p, Some("zip"), "mixed_types").is_none());
    assert_eq!(issue(&p, Some("answer"), "variants").map(|i| i.rows), Some(150));
    assert!(issue(&p, Some("name"), "variants").is_none());
}

#[test]
fn constants_dates_and_ids_are_no_targets_and_hints_count() {
    let rows = |header: &str, row: &dyn Fn(u32) -> String| {
        let lines: Vec<String> = (0..60).map(row).collect();
        profiled(&format!("{header}\n{}\n", lines.join("\n"))).profile.target
    };
    assert_eq!(rows("a,target", &|i| format!("{}.5,7", i * 3)), None);
    assert_eq!(rows("a,outcome", &|i| format!("{}.5,2024-01-{:02}", i * 3, 1 + i % 28)), None);
    let hinted = rows("a,Loan_Default,note", &|i| format!("{}.5,{},n{}", i * 3, i % 2, i % 40)).unwrap();
    assert_eq!((hinted.column.as_str(), hinted.problem.as_str()), ("Loan_Default", "binary"));
    let price = rows("SalePrice,rooms", &|i| format!("{}.5,{}", i * i % 91, i % 5)).unwrap();
    assert_eq!((price.column.as_str(), price.problem.as_str()), ("SalePrice", "regression"));
    assert!(price.confidence < 0.7 && hinted.confidence < 0.7);
}
