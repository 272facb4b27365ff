//! The profile against figures computed apart from it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail there")]

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::PathBuf;

use dropforge_shared::profile::{ColumnProfile, Profile, Scalar};
use dropforge_tabular::{Error, Level, Monitor, ReadOptions, Silent, ingest, profile};
use tempfile::TempDir;

struct Taken {
    _dir: TempDir,
    dataset: PathBuf,
    profile: Profile,
}

fn take(text: &str) -> Taken {
    let dir = TempDir::new().unwrap();
    let source = dir.path().join("source");
    fs::write(&source, text).unwrap();
    let told = ingest(&source, dir.path(), &ReadOptions::default(), &mut Silent).unwrap();
    let dataset = dir.path().join("dataset.parquet");
    let profile = profile(&dataset, "f1", &told.null_tokens, &mut Silent).unwrap();
    Taken { _dir: dir, dataset, profile }
}

fn column<'a>(profile: &'a Profile, name: &str) -> &'a ColumnProfile {
    profile.columns.iter().find(|c| c.name == name).unwrap()
}

fn kinds<'a>(profile: &'a Profile, name: &str) -> Vec<&'a str> {
    profile.issues.iter().filter(|i| i.column.as_deref() == Some(name)).map(|i| i.kind.as_str()).collect()
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-9 * b.abs().max(1e-12), "{a} is not {b}");
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[test]
fn figures_agree_with_a_naive_oracle() {
    let mut random = Random(42);
    let mut text = String::from("x,n,c\n");
    let (mut xs, mut ns) = (Vec::new(), Vec::new());
    let mut counts: HashMap<String, u64> = HashMap::new();
    let mut pairs = Vec::new();
    for i in 0..30_000 {
        let x = (random.next() * 1000.0 - 300.0) * if i % 500 == 0 { 50.0 } else { 1.0 };
        let n = (random.next() * random.next() * 400.0) as i64 - 5;
        let c = format!("city {}", (random.next() * random.next() * 40.0) as u32);
        if i % 7 == 0 {
            text.push_str(&format!("NA,{n},{c}\n"));
        } else {
            text.push_str(&format!("{x},{n},{c}\n"));
            xs.push(x);
            pairs.push((x, n as f64));
        }
        ns.push(n as f64);
        *counts.entry(c).or_default() += 1;
    }
    let taken = take(&text);
    let p = &taken.profile;
    assert_eq!((p.file.as_str(), p.rows), ("f1", 30_000));
    for (name, values) in [("x", &mut xs), ("n", &mut ns)] {
        let got = column(p, name);
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let std = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
        values.sort_by(f64::total_cmp);
        close(got.mean.unwrap(), mean);
        close(got.std.unwrap(), std);
        let type7 = |p: f64| {
            let h = (n - 1.0) * p;
            let (lo, hi) = (values[h.floor() as usize], values[h.ceil() as usize]);
            lo + (h - h.floor()) * (hi - lo)
        };
        let q = got.quantiles.unwrap();
        for (got, p) in [(q.p05, 0.05), (q.p25, 0.25), (q.p50, 0.5), (q.p75, 0.75), (q.p95, 0.95)] {
            close(got, type7(p));
        }
        let iqr = type7(0.75) - type7(0.25);
        let outside = |v: &&f64| **v < type7(0.25) - 1.5 * iqr || **v > type7(0.75) + 1.5 * iqr;
        assert_eq!(got.outliers, values.iter().filter(outside).count() as u64);
        assert_eq!(got.zeros, values.iter().filter(|v| **v == 0.0).count() as u64);
        values.dedup();
        assert_eq!((got.distinct, got.distinct_exact), (values.len() as u64, true));
        let histogram = got.histogram.as_ref().unwrap();
        assert_eq!((histogram.counts.len(), histogram.edges.len()), (20, 21));
        assert_eq!(histogram.counts.iter().sum::<u64>(), n as u64);
    }
    let nulls = 30_000u64.div_ceil(7);
    assert_eq!(column(p, "x").nulls, nulls);
    assert_eq!(column(p, "x").null_tokens, BTreeMap::from([("NA".to_owned(), nulls)]));

    let c = column(p, "c");
    assert_eq!(c.distinct, counts.len() as u64);
    let mut expected: Vec<(String, u64)> = counts.into_iter().collect();
    expected.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let got: Vec<(String, u64)> = c.top.iter().map(|t| (t.value.display(), t.count)).collect();
    assert_eq!(got, expected[..10]);

    // Pearson over the rows where both are there, by the definition.
    let n = pairs.len() as f64;
    let (mx, my) = (pairs.iter().map(|p| p.0).sum::<f64>() / n, pairs.iter().map(|p| p.1).sum::<f64>() / n);
    let xy: f64 = pairs.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum();
    let xx: f64 = pairs.iter().map(|p| (p.0 - mx).powi(2)).sum();
    let yy: f64 = pairs.iter().map(|p| (p.1 - my).powi(2)).sum();
    let correlations = p.correlations.as_ref().unwrap();
    assert_eq!(correlations.columns, ["x", "n"]);
    assert!((correlations.matrix[0][1].unwrap() - xy / (xx * yy).sqrt()).abs() < 1e-9);
    assert_eq!(correlations.matrix[0][0], Some(1.0));
    assert_eq!(correlations.matrix[0][1], correlations.matrix[1][0]);

    let again = profile(&taken.dataset, "f1", &[], &mut Silent).unwrap();
    assert_eq!(column(&again, "x").null_tokens, BTreeMap::from([("null".to_owned(), nulls)]));
    assert_eq!(again.correlations, p.correlations);
}

#[test]
fn constants_all_null_and_the_ends_of_the_range_stay_finite() {
    let mut text = String::from("k,none,huge,odd\n");
    for i in 0..40 {
        text.push_str(&format!(
            "7,,{},{}\n",
            if i % 2 == 0 { "1e308" } else { "-1e308" },
            if i == 3 { "inf" } else { "1.5" }
        ));
    }
    let taken = take(&text);
    let p = &taken.profile;
    let k = column(p, "k");
    assert_eq!((k.mean, k.std, k.distinct), (Some(7.0), Some(0.0), 1));
    let none = column(p, "none");
    assert_eq!((none.nulls, none.distinct, none.min.clone(), none.mean), (40, 0, None, None));
    let huge = column(p, "huge");
    assert_eq!(huge.mean, Some(0.0));
    close(huge.std.unwrap(), 1e308 * (40.0f64 / 39.0).sqrt());
    assert!(huge.histogram.as_ref().unwrap().edges.iter().all(|e| e.is_finite()));
    let odd = column(p, "odd");
    assert_eq!((odd.mean, odd.max.clone(), odd.distinct), (Some(1.5), Some(Scalar::Float(1.5)), 2));
    assert!(kinds(p, "k").contains(&"constant"));
    assert_eq!(kinds(p, "none"), ["all_null"]);
    assert!(kinds(p, "odd").contains(&"non_finite"));
    // Nothing in it is NaN, which JSON could not tell.
    let correlations = p.correlations.as_ref().unwrap();
    assert_eq!(correlations.matrix[0], vec![None; correlations.columns.len()]);
    assert_eq!(p.issues.first().map(|i| i.kind.as_str()), Some("all_null"));
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
    let p = take(&text).profile;
    assert_eq!(kinds(&p, "id"), ["id_like"]);
    assert_eq!(kinds(&p, "code"), ["id_like"]);
    assert!(kinds(&p, "age").contains(&"placeholders"));
    assert_eq!(kinds(&p, "city"), ["blanks", "placeholders"]);
    assert_eq!(kinds(&p, "mix"), ["mixed_types"]);
    assert_eq!(kinds(&p, "rare"), ["imbalance"]);
    let mixed = p.issues.iter().find(|i| i.kind == "mixed_types").unwrap();
    assert_eq!(mixed.rows, 10);
    let blanks = p.issues.iter().find(|i| i.kind == "blanks").unwrap();
    assert_eq!(blanks.rows, 50);
    assert!(p.issues.is_sorted_by_key(|i| i.severity));
}

#[test]
fn unique_texts_list_the_first_ones_and_repeated_ones_come_before() {
    let mut text = String::from("a,b\n");
    for i in (0..500).rev() {
        text.push_str(&format!("k{i:03},{}\n", if i < 3 { "same".to_owned() } else { format!("v{i:03}") }));
    }
    let p = take(&text).profile;
    let top: Vec<String> = column(&p, "a").top.iter().map(|t| t.value.display()).collect();
    assert_eq!(top, ["k000", "k001", "k002", "k003", "k004", "k005", "k006", "k007", "k008", "k009"]);
    let top: Vec<(String, u64)> =
        column(&p, "b").top.iter().map(|t| (t.value.display(), t.count)).take(3).collect();
    assert_eq!(top, [("same".into(), 3), ("v003".into(), 1), ("v004".into(), 1)]);
}

#[test]
fn targets_are_guessed_with_a_reason_or_not_at_all() {
    let rows = |header: &str, row: &dyn Fn(u32) -> String| {
        let lines: Vec<String> = (0..60).map(row).collect();
        take(&format!("{header}\n{}\n", lines.join("\n"))).profile.target
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

struct Stop;

impl Monitor for Stop {
    fn stage(&mut self, _: &str, _: Option<u64>, _: &str) {}
    fn progress(&mut self, _: u64) {}
    fn log(&mut self, _: Level, _: &str) {}
    fn cancelled(&self) -> bool {
        true
    }
}

#[test]
fn a_cancel_ends_the_profile() {
    let taken = take("a,b\n1,2\n");
    let error = profile(&taken.dataset, "f", &[], &mut Stop).unwrap_err();
    assert!(matches!(error, Error::Cancelled));
}
