//! The profile against figures computed apart from it; what it says of problems and targets is in `issues.rs`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail there")]

mod common;

use std::collections::{BTreeMap, HashMap};

use common::*;
use dropforge_shared::profile::Scalar;
use dropforge_tabular::{Error, Level, Monitor, Silent, profile};

fn close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-9 * b.abs().max(1e-12), "{a} is not {b}");
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
    let taken = profiled(&text);
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
    let taken = profiled(&text);
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
    assert!(issue_kinds(p, "k").contains(&"constant"));
    assert_eq!(issue_kinds(p, "none"), ["all_null"]);
    assert!(issue_kinds(p, "odd").contains(&"non_finite"));
    // Nothing in it is NaN, which JSON could not tell.
    let correlations = p.correlations.as_ref().unwrap();
    assert_eq!(correlations.matrix[0], vec![None; correlations.columns.len()]);
    assert_eq!(p.issues.first().map(|i| i.kind.as_str()), Some("all_null"));
}

#[test]
fn unique_texts_list_the_first_ones_and_repeated_ones_come_before() {
    let mut text = String::from("a,b\n");
    for i in (0..500).rev() {
        text.push_str(&format!("k{i:03},{}\n", if i < 3 { "same".to_owned() } else { format!("v{i:03}") }));
    }
    let p = profiled(&text).profile;
    let top: Vec<String> = column(&p, "a").top.iter().map(|t| t.value.display()).collect();
    assert_eq!(top, ["k000", "k001", "k002", "k003", "k004", "k005", "k006", "k007", "k008", "k009"]);
    let top: Vec<(String, u64)> =
        column(&p, "b").top.iter().map(|t| (t.value.display(), t.count)).take(3).collect();
    assert_eq!(top, [("same".into(), 3), ("v003".into(), 1), ("v004".into(), 1)]);
}

#[test]
fn skewness_and_rank_correlation_agree_with_other_tools() {
    // i = numpy.arange(400); x = (i * 7919 % 401) ** 3 % 1009 / 8; y = x ** 2 + (i * 31 % 97) * 50
    // scipy.stats.skew(x), pandas.DataFrame({'x': x, 'y': y}).corr('spearman').iloc[0, 1]
    let mut text = String::from("x,y\n");
    for i in 0..400u64 {
        let x = (i * 7919 % 401).pow(3) % 1009;
        let x = x as f64 / 8.0;
        text.push_str(&format!("{x},{}\n", x * x + (i * 31 % 97) as f64 * 50.0));
    }
    let p = profiled(&text).profile;
    close(column(&p, "x").skewness.unwrap(), 0.023718106556118466);
    close(p.spearman.as_ref().unwrap().matrix[0][1].unwrap(), 0.9334202033335466);
    let json = serde_json::to_string(&p).unwrap();
    assert!(!json.contains("NaN") && !json.contains("inf"), "{json}");
}

#[test]
fn a_large_table_is_sampled_for_associations_and_says_so() {
    let mut text = String::from("a,b,kind\n");
    for i in 0..140_000u64 {
        text.push_str(&format!(
            "{},{},{}\n",
            i * 7919 % 1_000_003,
            i % 8,
            ["u", "v", "w", "x"][(i % 4) as usize]
        ));
    }
    let p = profiled(&text).profile;
    assert_eq!(p.association_rows, Some(131_071));
    assert!(p.association_error.is_some_and(|error| (0.0027..0.0028).contains(&error)));
    // The sample sees every place of a short cycle: b tells kind, and nothing tells a.
    let v = p.cramers_v.as_ref().unwrap();
    assert_eq!(v.columns, ["b", "kind"]);
    assert!(v.matrix[0][1].unwrap() > 0.999);
    assert!(p.spearman.as_ref().unwrap().matrix[0][1].unwrap().abs() < 0.02);
    assert_eq!(column(&p, "a").distinct, 140_000);
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
    let taken = profiled("a,b\n1,2\n");
    let error = profile(&taken.dataset, "f", &[], &mut Stop).unwrap_err();
    assert!(matches!(error, Error::Cancelled));
}

#[test]
fn a_wide_table_has_the_correlations_of_its_first_fifty_columns() {
    let names = |kind: &str| (0..60).map(|i| format!("{kind}{i}")).collect::<Vec<_>>();
    let mut text = format!("{},{}\n", names("n").join(","), names("c").join(","));
    let mut random = Random(11);
    for _ in 0..200 {
        let base = random.next();
        let numbers: Vec<String> = (0..60).map(|i| format!("{:.6}", base * f64::from(i + 1) - 0.5)).collect();
        let words: Vec<String> = (0..60).map(|i| format!("w{}", (base * 4.0) as u32 + i)).collect();
        text.push_str(&format!("{},{}\n", numbers.join(","), words.join(",")));
    }
    let taken = profiled(&text);
    let p = &taken.profile;
    assert_eq!(p.columns.len(), 120);
    for (matrix, kind) in [(&p.correlations, "n"), (&p.spearman, "n"), (&p.cramers_v, "c")] {
        let matrix = matrix.as_ref().unwrap();
        assert_eq!(matrix.columns, names(kind)[..50]);
        assert!(matrix.matrix.len() == 50 && matrix.matrix.iter().all(|row| row.len() == 50));
        assert!(matrix.matrix.iter().flatten().all(|r| r.is_some_and(|r| r > 0.99)), "{kind}");
    }
}
