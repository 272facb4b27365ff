//! What stands around a table, rare dialects, and what a user sets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail there")]

mod common;

use std::fs;

use common::*;
use dropforge_shared::page::ColumnType;
use dropforge_tabular::{Limits, ReadOptions, recognise};
use tempfile::TempDir;

#[test]
fn what_stands_around_a_table_is_no_part_of_it() {
    let text = "Sales of 2024\nMade by hand\n\nregion,n,x\nN,1,2\n# half-way\nS,3,4\n\nSource: the office\n";
    let (dir, told) = take(text.as_bytes());
    assert_eq!(names(&told), ["region", "n", "x"]);
    assert_eq!((told.preamble_lines, told.footer_lines), (3, 1));
    assert_eq!((told.rows, told.rejected_rows), (2, 0));
    assert_eq!(rows(&dir), [["N", "1", "2"], ["S", "3", "4"]]);
    assert!(told.notes.iter().any(|n| n.contains("Source: the office")), "{:?}", told.notes);
    // A record that was cut off is damage, not a note.
    let (dir, told) = take(b"a,b,c\n1,2,3\n4,5,6\n7,8,9\n10,11\n");
    assert_eq!((told.rows, told.rejected_rows, told.footer_lines), (3, 1, 0));
    assert!(
        rejected(&dir).starts_with("line,reason,record\n5,\"2 fields where 3 are expected\",\"10,11\"\n")
    );
}

#[test]
fn dialects_that_are_rare_give_the_same_rows() {
    let expected = [["1", "a, \"b\""], ["2", "it's"]];
    for text in [
        "n|t\n1|a, \"b\"\n2|it's\n",
        "n||t\n1||a, \"b\"\n2||it's\n",
        "n;t\r\n1;\"a, \"\"b\"\"\"\r\n2;it's\r\n",
        "n,t\n1,\"a, \\\"b\\\"\"\n2,\"it's\"\n",
        "n, t\n1, \"a, \"\"b\"\"\"\n2, \"it's\"\n",
        "n\tt\r1\ta, \"b\"\n2\tit's\r\n",
        "sep=^\nn^t\n1^a, \"b\"\n2^it's\n",
        "n|t|\n1|a, \"b\"|\n2|it's|\n",
        "n|t\n1|a, \"b\"\0\n2|it's\n",
    ] {
        let (dir, told) = take(text.as_bytes());
        assert_eq!(names(&told), ["n", "t"], "{text}: {}", told.how);
        assert_eq!(rows(&dir), expected, "{text}: {}", told.how);
    }
}

#[test]
fn separators_in_numbers_are_read_where_the_rows_tell_and_named_where_not() {
    let text = "a;b;c;d\n1.234,5;1,234;00501;1 234\n12,25;1,234,567;10001;2 000 000\n";
    let (dir, told) = take(text.as_bytes());
    use ColumnType::{Float, Integer, Text};
    assert_eq!(kinds(&told), [Float, Integer, Text, Integer]);
    assert_eq!(rows(&dir), [["1234.5", "1234", "00501", "1234"], ["12.25", "1234567", "10001", "2000000"]]);
    let (_dir, told) = take(b"x;y\n1,234;1\n5,678;2\n");
    assert_eq!(kinds(&told), [Text, Integer]);
    assert!(told.notes.iter().any(|n| n.contains("column x") && n.contains("1,234")), "{:?}", told.notes);
    for (kind, first) in [(Integer, "1234"), (Float, "1.234")] {
        let options = ReadOptions { types: [("x".to_owned(), kind)].into(), ..Default::default() };
        let (dir, told) = read(b"x;y\n1,234;1\n5,678;2\n", &options);
        assert_eq!(told.unwrap().columns[0].kind, kind);
        assert_eq!(rows(&dir)[0][0], first);
    }
}

#[test]
fn what_a_user_sets_is_followed_and_what_does_not_fit_is_rejected_by_name() {
    let text = b"zip,n\n00501,1\n10001,x\n,3\n";
    let types = [("zip".to_owned(), ColumnType::Integer), ("n".to_owned(), ColumnType::Integer)];
    let options = ReadOptions { types: types.into(), ..Default::default() };
    let (dir, told) = read(text, &options);
    let told = told.unwrap();
    assert_eq!((told.rows, told.rejected_rows), (2, 1));
    assert_eq!(rows(&dir), [["501", "1"], ["", "3"]]);
    assert!(rejected(&dir).contains("3,\"\"\"x\"\" in column n cannot be read as integer\",\"10001,x\""));

    let options = ReadOptions { types: [("zipp".to_owned(), ColumnType::Text)].into(), ..Default::default() };
    let error = read(text, &options).1.unwrap_err().to_string();
    assert!(error.contains("'zipp'") && error.contains("nearest is 'zip'"), "{error}");

    let options = ReadOptions {
        delimiter: Some("space".to_owned()),
        encoding: Some("windows-1251".to_owned()),
        header: Some(false),
        ..Default::default()
    };
    let (dir, told) = read(b"\xcc\xee\xf1\xea\xe2\xe0 1\n\xca\xe0\xe7\xe0\xed\xfc 2\n", &options);
    assert_eq!(told.unwrap().encoding.as_deref(), Some("windows-1251"));
    assert_eq!(rows(&dir), [["Москва", "1"], ["Казань", "2"]]);
}

#[test]
fn a_reading_says_what_was_decided_and_why() {
    let (_dir, told) = take(b"d;t\n25/12/2024;2024-01-01T12:00:00+02:00\n26/12/2024;2024-01-01T00:00:00Z\n");
    let reading = told.reading();
    assert_eq!((reading.delimiter.as_deref(), reading.header, reading.rows), (Some(";"), Some(true), 2));
    let decided = |what: &str| reading.decisions.iter().find(|d| d.what == what).map(|d| d.why.as_str());
    assert!(decided("type of d").unwrap().contains("DD/MM/YYYY"));
    assert!(decided("type of t").unwrap().contains("UTC"));
    assert!(decided("encoding").is_some() && decided("delimiter").is_some() && decided("header").is_some());
}

#[test]
fn a_limit_names_the_line_in_the_file() {
    let text = format!("a,b\n{}{},2\n", "1,2\n".repeat(3_000_000), "x".repeat(2 << 20));
    let limits = Limits { max_cell_bytes: 1 << 20, ..Limits::default() };
    let error = read(text.as_bytes(), &ReadOptions { limits, ..Default::default() }).1.unwrap_err();
    assert!(error.is_refusal() && error.to_string().contains("line 3000002"), "{error}");
}

#[test]
fn markdown_with_a_table_is_a_document() {
    let dir = TempDir::new().unwrap();
    let source = dir.path().join("x");
    fs::write(&source, "# Title\n\n| a | b |\n|---|:-:|\n| 1 | 2 |\n| 3 | 4 |\n| 5 | 6 |\n").unwrap();
    assert_eq!(recognise(&source).unwrap(), None);
}
