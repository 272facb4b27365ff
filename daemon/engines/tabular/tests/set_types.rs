//! Types that a user sets, in forms other than delimited text.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail there")]

mod common;

use std::fs;
use std::io::Write as _;

use common::*;
use dropforge_shared::page::ColumnType;
use dropforge_shared::page::ColumnType::{Boolean, Date, Datetime, Integer, Text};
use dropforge_tabular::{Error, ReadOptions};
use polars::prelude::{DataFrame, IpcWriter, NamedFrom, SerWriter, Series};

fn set(types: &[(&str, ColumnType)]) -> ReadOptions {
    let types = types.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
    ReadOptions { types, ..ReadOptions::default() }
}

#[test]
fn what_is_said_of_a_column_counts_more_than_quotes_in_json() {
    let text = br#"[{"zip":"00501","n":1,"ok":"yes"},{"zip":"x","n":2,"ok":"no"},{"n":3,"ok":null}]"#;
    let options = set(&[("zip", Integer), ("n", Text), ("ok", Boolean)]);
    for content in [
        &text[..],
        b"{\"zip\":\"00501\",\"n\":1,\"ok\":\"yes\"}\n{\"zip\":\"x\",\"n\":2,\"ok\":\"no\"}\n{\"n\":3}\n",
    ] {
        let (dir, told) = read(content, &options);
        let told = told.unwrap();
        assert_eq!(kinds(&told), [Integer, Text, Boolean]);
        assert_eq!((told.rows, told.rejected_rows), (2, 1));
        assert_eq!(rows(&dir), [["501", "1", "true"], ["", "3", ""]]);
        let rejected = fs::read_to_string(dir.path().join("out/rejected.csv")).unwrap();
        assert!(rejected.contains("in column zip cannot be read as integer"), "{rejected}");
    }
    let error = refused(text, &set(&[("zipp", Integer)]));
    assert!(error.is_usage() && error.to_string().contains("'zip'"), "{error}");
}

/// The same with the orders of dates.
fn typed(types: &str) -> ReadOptions {
    ReadOptions::from_settings(&[("types".to_owned(), types.to_owned())].into()).unwrap()
}

#[test]
fn and_in_workbooks_where_an_order_settles_an_ambiguous_date() {
    let sheet = row(1, &[text("A1", "on"), text("B1", "n")])
        + &row(2, &[text("A2", "01/02/2024"), number("B2", 0, "7")])
        + &row(3, &[text("A3", "soon"), number("B3", 0, "8")]);
    let book = xlsx(&[("S", "visible", &sheet)], false);
    let (dir, told) = read(&book, &typed("on=date:mdy\nn=text"));
    let told = told.unwrap();
    assert_eq!((kinds(&told), told.rows, told.rejected_rows), (vec![Date, Text], 1, 1));
    assert_eq!(rows(&dir), [["2024-01-02", "7"]]);
    let rejected = fs::read_to_string(dir.path().join("out/rejected.csv")).unwrap();
    assert!(rejected.contains("\n3,") && rejected.contains("soon"), "{rejected}");
    assert!(told.decisions.iter().any(|d| d.what == "type of on" && d.why.contains("MM/DD/YYYY")));
    let error = refused(&book, &typed("on=date"));
    assert!(error.is_usage() && error.to_string().contains("on=date:dmy"), "{error}");
}

#[test]
fn an_order_of_day_and_month_is_asked_for_where_it_is_told() {
    let csv = b"on,at,old,n\n01/02/2024,1-2-2024 10:30,31/12/99,1\n03/04/2024,3-4-2024 9:05,1/2/69,2\n";
    let (_, told) = read(csv, &ReadOptions::default());
    let told = told.unwrap();
    assert_eq!(kinds(&told), [Text, Text, Text, Integer]);
    for way_out in ["on=date:dmy", "on=date:mdy", "at=datetime:mdy", "old=date:dmy2"] {
        assert!(told.decisions.iter().any(|d| d.why.contains(way_out)), "{way_out}: {:?}", told.decisions);
        assert!(told.notes.iter().any(|n| n.contains(way_out)), "{way_out}");
    }
    let (dir, told) = read(csv, &typed("on=date:mdy\nat=datetime:dmy\nold=date:dmy2"));
    assert_eq!(kinds(&told.unwrap()), [Date, Datetime, Date, Integer]);
    let wanted = [
        ["2024-01-02", "2024-02-01T10:30:00", "1999-12-31", "1"],
        ["2024-03-04", "2024-04-03T09:05:00", "1969-02-01", "2"],
    ];
    assert_eq!(rows(&dir), wanted);
    // Where nothing tells day from month, `date` alone would swap them in silence.
    for (column, kind) in [("on", "date"), ("at", "datetime")] {
        let error = refused(csv, &typed(&format!("{column}={kind}")));
        assert!(error.is_usage() && error.to_string().contains(&format!("{column}={kind}:mdy")), "{error}");
    }
    // Where one row does, it is enough, and what does not fit the other order is rejected by name.
    let telling = b"on\n01/02/2024\n25/02/2024\n";
    let (dir, told) = read(telling, &typed("on=date"));
    assert_eq!(
        (told.unwrap().rows, rows(&dir)),
        (2, vec![vec!["2024-02-01".into()], vec!["2024-02-25".into()]])
    );
    let (dir, told) = read(telling, &typed("on=date:mdy"));
    assert_eq!(told.unwrap().rejected_rows, 1);
    let rejected = fs::read_to_string(dir.path().join("out/rejected.csv")).unwrap();
    assert!(rejected.contains("25/02/2024") && rejected.contains("MM/DD/YYYY"), "{rejected}");
    // Dates of the standard have one meaning, whatever order the others have.
    let (dir, told) = read(b"on,n\n01/02/2024,1\n2024-12-31,2\n", &typed("on=date:dmy"));
    assert_eq!((told.unwrap().rejected_rows, rows(&dir)[1][0].as_str()), (0, "2024-12-31"));
}

#[test]
fn what_is_set_and_means_nothing_to_a_form_is_said() {
    let given = [("delimiter", ";"), ("encoding", "latin1"), ("header", "true"), ("sheet", "S")];
    let options =
        ReadOptions::from_settings(&given.map(|(k, v)| (k.to_owned(), v.to_owned())).into()).unwrap();
    let mut arrow = Vec::new();
    let mut frame = DataFrame::new(2, vec![Series::new("a".into(), [1i64, 2]).into()]).unwrap();
    IpcWriter::new(&mut arrow).finish(&mut frame).unwrap();
    let book =
        xlsx(&[("S", "visible", &(row(1, &[text("A1", "n")]) + &row(2, &[number("A2", 0, "7")])))], false);
    let all = ["delimiter", "encoding", "header", "sheet"];
    for (content, unused) in [
        (&arrow[..], &all[..]),
        (b"{\"a\":1}\n{\"a\":2}\n", &["delimiter", "header", "sheet"]),
        (&book, &["delimiter", "encoding"]),
        (b"a;b\n1;2\n3;4\n", &["sheet"]),
    ] {
        let (_dir, told) = read(content, &options);
        let told = told.unwrap();
        let said = told.decisions.iter().filter(|d| d.value == "not used" && d.why.contains("was set"));
        let said: Vec<&str> = said.map(|d| d.what.as_str()).collect();
        assert_eq!(said, unused, "{:?}", told.decisions);
    }
}

#[test]
fn a_name_tells_a_list_from_prose_where_content_does_not() {
    let quoted =
        "quote\n\"To be, or not to be, that is the question\"\n\"All the world's a stage, my friend\"\n";
    let named = ReadOptions { named_table: true, ..ReadOptions::default() };
    let error = refused(quoted.as_bytes(), &ReadOptions::default());
    assert!(matches!(error, Error::NotATable { .. }), "{error}");
    let (dir, told) = read(quoted.as_bytes(), &named);
    assert!(told.unwrap().decisions.iter().any(|d| d.what == "format" && d.why.contains("name")));
    assert_eq!(rows(&dir).len(), 2);
    assert_eq!(rows(&dir)[0], ["To be, or not to be, that is the question"]);
    // Of what is plainly something else the name says nothing.
    let page = refused(b"<html><body>no table</body></html>\n", &named);
    assert!(matches!(page, Error::NotATable { .. }), "{page}");
}

#[test]
fn text_of_four_bytes_a_character_is_read() {
    let little = |text: &str| -> Vec<u8> { text.chars().flat_map(|c| (c as u32).to_le_bytes()).collect() };
    let text = "name,n\nTorino – città,1\nРим,2\n";
    for content in [little(&format!("\u{feff}{text}")), little(text)] {
        let (dir, told) = read(&content, &ReadOptions::default());
        let told = told.unwrap();
        assert_eq!(told.encoding.as_deref(), Some("utf-32le"));
        assert_eq!(told.columns[0].name, "name");
        assert_eq!(rows(&dir), [["Torino – città", "1"], ["Рим", "2"]]);
    }
}

#[test]
fn forms_that_carry_their_types_refuse_others() {
    let mut bytes = Vec::new();
    let mut frame = DataFrame::new(2, vec![Series::new("a".into(), [1i64, 2]).into()]).unwrap();
    IpcWriter::new(&mut bytes).finish(&mut frame).unwrap();
    let error = refused(&bytes, &set(&[("a", Text)]));
    assert!(matches!(error, Error::Option { .. }) && error.is_usage(), "{error}");
    assert!(error.to_string().contains("cast"), "{error}");
}

#[test]
fn much_compressed_nothing_is_refused_and_not_called_empty() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    // A few bytes that do not compress keep it under the limit of expansion.
    let mut state = 1u64;
    let zeros = vec![0u8; 1 << 20];
    for _ in 0..300 {
        gzip.write_all(&zeros).unwrap();
        gzip.flush().unwrap();
    }
    for _ in 0..400_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        gzip.write_all(&state.to_be_bytes()[..1]).unwrap();
    }
    let error = refused(&gzip.finish().unwrap(), &ReadOptions::default());
    assert!(error.is_refusal(), "{error}");
}
