//! Pages: what they hold, where they end, how large they get.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail there")]

use std::fs;

use dropforge_shared::page::{Cell, Page};
use dropforge_tabular::{ReadOptions, Silent, ingest, page};
use tempfile::TempDir;

#[test]
fn a_page_stays_under_its_size_and_says_what_it_cut() {
    let dir = TempDir::new().unwrap();
    let source = dir.path().join("source");
    let mut text = String::from("n,t\n");
    for i in 0..40 {
        // Three bytes a character, so that a careless cut would fall within one.
        text.push_str(&format!("{i},\"{}\"\n", "€".repeat(20_000)));
    }
    fs::write(&source, text).unwrap();
    ingest(&source, dir.path(), &ReadOptions::default(), &mut Silent).unwrap();
    let dataset = dir.path().join("dataset.parquet");

    let first = page(&dataset, 0, 1_000).unwrap();
    let wire = serde_json::to_vec(&first).unwrap().len();
    assert!(wire <= Page::MAX_BYTES, "{wire}");
    assert!(first.rows.len() > 1 && first.rows.len() < 40);
    assert_eq!(first.truncated_cells, first.rows.len() as u64);
    assert!(
        matches!(&first.rows[0][1], Cell::Text(t) if t.ends_with("€…") && t.len() <= Page::MAX_CELL_BYTES)
    );

    let end = page(&dataset, 39, 10).unwrap();
    assert_eq!((end.rows.len(), end.offset, end.total_rows), (1, 39, 40));
    assert_eq!(end.rows[0][0], Cell::Int(39));
    let beyond = page(&dataset, 1_000, 10).unwrap();
    assert_eq!((beyond.rows.len(), beyond.columns.len(), beyond.total_rows), (0, 2, 40));
}

#[test]
fn a_page_of_a_very_wide_table_stays_under_its_size_too() {
    let dir = TempDir::new().unwrap();
    let source = dir.path().join("source");
    for (width, name, given) in [(2_000, "ñ".repeat(200), 2_000), (5_000, "n".to_owned(), 3_000)] {
        let names: Vec<String> = (0..width).map(|i| format!("{name}{i}")).collect();
        let cells = vec!["1.5"; width].join(",");
        fs::write(&source, format!("{}\n{cells}\n{cells}\n", names.join(","))).unwrap();
        ingest(&source, dir.path(), &ReadOptions::default(), &mut Silent).unwrap();
        let page = page(&dir.path().join("dataset.parquet"), 0, 10).unwrap();
        let wire = serde_json::to_vec(&page).unwrap().len();
        assert!(wire <= Page::MAX_BYTES, "{wire} bytes for {width} columns");
        assert!(page.columns.len() >= given && !page.rows.is_empty(), "{} columns", page.columns.len());
        assert!(page.rows.iter().all(|row| row.len() == page.columns.len()));
        assert!(page.columns[0].name.starts_with(&name[..if name.len() > 1 { 20 } else { 1 }]));
    }
}
