//! Filtered and sorted pages, against sorting and filtering of the same rows by the standard library.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should fail there")]

use std::fs;
use std::path::PathBuf;

use dropforge_shared::page::{Cell, Page};
use dropforge_shared::query::{Filter, FilterOp, SortKey, View};
use dropforge_tabular::{Error, ReadOptions, Silent, Views, ingest};
use tempfile::TempDir;

/// Rows in more than one row group, with ties, missing values and texts that begin alike.
const ROWS: u64 = 140_000;

struct Row {
    id: i64,
    number: Option<f64>,
    text: Option<String>,
    day: Option<i64>,
}

fn rows() -> Vec<Row> {
    let mut state = 7u64;
    let mut next = |below: u64| {
        // Knuth's MMIX generator; the high bits are the good ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let row = |id| Row {
        id,
        number: (next(10) > 0).then(|| next(2_000) as f64 / 4.0 - 250.0),
        text: (next(12) > 0).then(|| {
            ["Zebra ", "zebra ", "éclair ", "alphabet soup "][next(4) as usize].to_owned()
                + &next(50).to_string()
        }),
        day: (next(9) > 0).then(|| next(28) as i64 + 1),
    };
    (0..ROWS as i64).map(row).collect()
}

fn dataset() -> (TempDir, PathBuf, Vec<Row>) {
    let dir = TempDir::new().unwrap();
    let rows = rows();
    let mut text = String::from("id,number,text,day,flag\n");
    for row in &rows {
        let number = row.number.map_or_else(String::new, |n| format!("{n:.2}"));
        let day = row.day.map_or_else(String::new, |d| format!("2024-02-{d:02}"));
        let label = row.text.clone().unwrap_or_default();
        text.push_str(&format!("{},{number},{label},{day},{}\n", row.id, row.id % 3 == 0));
    }
    let source = dir.path().join("source.csv");
    fs::write(&source, text).unwrap();
    ingest(&source, dir.path(), &ReadOptions::default(), &mut Silent).unwrap();
    let dataset = dir.path().join("dataset.parquet");
    (dir, dataset, rows)
}

fn ids(page: &Page) -> Vec<i64> {
    let id = |row: &Vec<Cell>| match row.first() {
        Some(Cell::Int(id)) => *id,
        other => panic!("{other:?}"),
    };
    page.rows.iter().map(id).collect()
}

fn view(filters: &[(&str, FilterOp, &str)], sort: &[(&str, bool)]) -> View {
    let filter = |(column, op, value): &(&str, FilterOp, &str)| Filter {
        column: (*column).into(),
        op: *op,
        value: (*value).into(),
    };
    let key =
        |(column, descending): &(&str, bool)| SortKey { column: (*column).into(), descending: *descending };
    View { filters: filters.iter().map(filter).collect(), sort: sort.iter().map(key).collect() }
}

/// By the key, missing last either way.
fn by<K: PartialOrd>(a: Option<K>, b: Option<K>, descending: bool) -> std::cmp::Ordering {
    match (&a, &b) {
        (None, _) | (_, None) => a.is_none().cmp(&b.is_none()),
        (Some(a), Some(b)) if descending => b.partial_cmp(a).unwrap(),
        (Some(a), Some(b)) => a.partial_cmp(b).unwrap(),
    }
}

#[test]
fn pages_are_those_of_the_sorted_and_filtered_rows() {
    let (_dir, dataset, rows) = dataset();
    let mut views = Views::default();
    let mut check =
        |view: &View, keep: &dyn Fn(&Row) -> bool, order: &dyn Fn(&Row, &Row) -> std::cmp::Ordering| {
            let mut wanted: Vec<&Row> = rows.iter().filter(|r| keep(r)).collect();
            wanted.sort_by(|a, b| order(a, b));
            let total = wanted.len() as u64;
            for offset in [0, total / 3, total.saturating_sub(40), total + 5] {
                let page = views.page(&dataset, view, offset, 60).unwrap();
                let want: Vec<i64> = wanted.iter().skip(offset as usize).take(60).map(|r| r.id).collect();
                assert_eq!((ids(&page), page.total_rows, page.offset), (want, total, offset), "{view:?}");
            }
        };
    let same = |_: &Row, _: &Row| std::cmp::Ordering::Equal;
    check(&view(&[], &[("number", false)]), &|_| true, &|a, b| by(a.number, b.number, false));
    check(&view(&[], &[("number", true), ("id", true)]), &|_| true, &|a, b| {
        by(a.number, b.number, true).then(b.id.cmp(&a.id))
    });
    check(&view(&[], &[("text", false)]), &|_| true, &|a, b| by(a.text.as_ref(), b.text.as_ref(), false));
    check(&view(&[], &[("text", true), ("day", false), ("number", true)]), &|_| true, &|a, b| {
        by(a.text.as_ref(), b.text.as_ref(), true)
            .then(by(a.day, b.day, false))
            .then(by(a.number, b.number, true))
    });
    check(&view(&[("number", FilterOp::Gt, "249.5")], &[]), &|r| r.number.is_some_and(|n| n > 249.5), &same);
    check(&view(&[("number", FilterOp::Ne, "1.25")], &[]), &|r| r.number != Some(1.25), &same);
    check(
        &view(&[("text", FilterOp::Contains, "ZEBRA 4")], &[("day", true)]),
        &|r| r.text.as_ref().is_some_and(|t| t.to_lowercase().contains("zebra 4")),
        &|a, b| by(a.day, b.day, true),
    );
    check(
        &view(&[("text", FilterOp::Eq, "éclair 7"), ("day", FilterOp::Ge, "2024-02-20")], &[]),
        &|r| r.text.as_deref() == Some("éclair 7") && r.day.is_some_and(|d| d >= 20),
        &same,
    );
    check(&view(&[("day", FilterOp::IsNull, "")], &[("id", true)]), &|r| r.day.is_none(), &|a, b| {
        b.id.cmp(&a.id)
    });
    check(
        &view(&[("day", FilterOp::NotNull, ""), ("flag", FilterOp::Eq, "TRUE")], &[]),
        &|r| r.day.is_some() && r.id % 3 == 0,
        &same,
    );
    check(&view(&[("id", FilterOp::Lt, "17.5")], &[]), &|r| r.id < 18, &same);
    check(&view(&[("id", FilterOp::Contains, "1399")], &[]), &|r| r.id.to_string().contains("1399"), &same);
    check(&view(&[("day", FilterOp::Contains, "-09")], &[]), &|r| r.day == Some(9), &same);
    check(&view(&[("id", FilterOp::Lt, "0")], &[("text", false)]), &|_| false, &same);
}

#[test]
fn cells_are_those_of_the_plain_page() {
    let (_dir, dataset, _) = dataset();
    let plain = dropforge_tabular::page(&dataset, 131_000, 200).unwrap();
    let all = view(&[("id", FilterOp::Ge, "0")], &[("id", false)]);
    let page = Views::default().page(&dataset, &all, 131_000, 200).unwrap();
    assert_eq!((page.rows, page.columns, page.total_rows), (plain.rows, plain.columns, ROWS));
}

#[test]
fn what_does_not_fit_is_said() {
    let (_dir, dataset, _) = dataset();
    let told = |filters: &[(&str, FilterOp, &str)], sort: &[(&str, bool)]| match Views::default().page(
        &dataset,
        &view(filters, sort),
        0,
        1,
    ) {
        Err(error @ Error::Usage(_)) => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(told(&[("day", FilterOp::Eq, "yesterday")], &[]).contains("a date such as 2024-01-31"));
    assert!(told(&[("number", FilterOp::Lt, "1,5")], &[]).contains("a number"));
    assert!(told(&[("flag", FilterOp::Eq, "maybe")], &[]).contains("true or false"));
    assert!(told(&[], &[("nubmer", false)]).contains("did you mean \"number\""));
}

#[test]
fn another_file_under_the_same_path_is_not_mistaken() {
    let dir = TempDir::new().unwrap();
    let mut views = Views::default();
    let sorted = view(&[], &[("a", true)]);
    for (text, want) in [("a\n1\n2\n", 2), ("a\n5\n3\n4\n", 5)] {
        let fresh = TempDir::new().unwrap();
        let source = fresh.path().join("source.csv");
        fs::write(&source, text).unwrap();
        ingest(&source, fresh.path(), &ReadOptions::default(), &mut Silent).unwrap();
        let dataset = dir.path().join("dataset.parquet");
        fs::rename(fresh.path().join("dataset.parquet"), &dataset)
            .or_else(|_| fs::copy(fresh.path().join("dataset.parquet"), &dataset).map(|_| ()))
            .unwrap();
        assert_eq!(views.page(&dataset, &sorted, 0, 1).unwrap().rows, [[Cell::Int(want)]]);
    }
}
