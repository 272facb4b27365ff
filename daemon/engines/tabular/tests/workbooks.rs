//! Workbooks: what is read out of their sheets. All are made here, by hand.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail there")]

mod common;

use common::*;
use dropforge_shared::page::ColumnType;
use dropforge_tabular::{Format, ReadOptions};

#[test]
fn a_sheet_is_typed_as_it_was_meant() {
    let (dir, told) = take(&xlsx(&[("Sales", "visible", &sales())], false));
    use ColumnType::{Boolean, Date, Datetime, Float, Integer, Text};
    assert_eq!(told.format, Format::Xlsx);
    assert_eq!(names(&told), ["zip", "n", "x", "day", "at", "time", "ok", "n_2"]);
    assert_eq!(kinds(&told), [Text, Integer, Float, Date, Datetime, Text, Boolean, Integer]);
    assert_eq!(
        rows(&dir),
        [
            ["00501", "1", "1.5", "2024-01-31", "2024-01-31T12:00:00", "10:30:00", "true", ""],
            ["10001", "2", "", "1900-02-28", "2024-01-31T00:00:00", "12:00:00", "false", "7"],
        ]
    );
    assert_eq!(told.null_tokens[2].get("#DIV/0!"), Some(&1));
    assert_eq!(told.null_tokens[7].get("#N/A"), Some(&1));
    assert!(told.notes.iter().any(|n| n.contains("Sales of 2024")), "{:?}", told.notes);
    assert_eq!((told.part.as_deref(), told.parts.len(), told.header), (Some("Sales"), 1, true));

    let days = row(1, &[text("A1", "day"), text("B1", "n")])
        + &row(2, &[number("A2", 1, "43860"), number("B2", 0, "1")]);
    let (dir, _) = take(&xlsx(&[("Old", "visible", &days)], true));
    assert_eq!(rows(&dir), [["2024-01-31", "1"]], "1904 system");
}

#[test]
fn every_sheet_with_a_table_is_listed_and_can_be_asked_for() {
    let notes =
        row(1, &[text("A1", "These are figures of the office for statistics, made with care for you")]);
    let table = row(1, &[text("A1", "a"), text("B1", "b")])
        + &row(2, &[number("A2", 0, "1"), number("B2", 0, "2.5")]);
    let more =
        row(1, &[text("A1", "k")]) + &row(2, &[number("A2", 0, "9")]) + &row(3, &[number("A3", 0, "8")]);
    let book = xlsx(
        &[
            ("About", "visible", &notes),
            ("Empty", "visible", ""),
            ("Lists", "hidden", &more),
            ("Data", "visible", &table),
        ],
        false,
    );
    let (_dir, told) = take(&book);
    assert_eq!((told.part.as_deref(), told.rows), (Some("Data"), 1), "the first visible one");
    assert_eq!(told.parts, ["Lists", "Data"]);
    let (dir, told) = read(&book, &part("Lists"));
    assert_eq!(told.unwrap().parts, ["Lists"]);
    assert_eq!(rows(&dir), [["9"], ["8"]]);
    let error = refused(&book, &part("Nope")).to_string();
    assert!(error.contains("Nope") && error.contains("Lists"), "{error}");

    let packed = gzipped(&book);
    let (_dir, told) = take(&packed);
    assert_eq!((told.compression, told.part.as_deref()), (Some("gzip"), Some("Data")));
    let archive = zipped(&[("deep/book.xlsx", &book), ("__MACOSX/deep/._book.xlsx", b"x")]);
    let (_dir, told) = take(&archive);
    assert_eq!(told.parts, ["deep/book.xlsx#Lists", "deep/book.xlsx#Data"]);
    assert_eq!(told.part.as_deref(), Some("deep/book.xlsx#Data"));
    let (dir, told) = read(&archive, &part("deep/book.xlsx#Lists"));
    assert_eq!(told.unwrap().part.as_deref(), Some("deep/book.xlsx#Lists"));
    assert_eq!(rows(&dir), [["9"], ["8"]]);
}

#[test]
fn an_ods_sheet_is_read_with_its_repeats() {
    let content = "<office:document-content xmlns:office=\"o\" xmlns:table=\"t\" xmlns:text=\"x\"><office:body><office:spreadsheet><table:table table:name=\"S\">\
        <table:table-row><table:table-cell office:value-type=\"string\"><text:p>day</text:p></table:table-cell><table:table-cell office:value-type=\"string\"><text:p>n</text:p></table:table-cell></table:table-row>\
        <table:table-row table:number-rows-repeated=\"2\"><table:table-cell office:value-type=\"date\" office:date-value=\"2024-01-31\"/><table:table-cell office:value-type=\"float\" office:value=\"2.5\"/><table:table-cell table:number-columns-repeated=\"16000\"/></table:table-row>\
        <table:table-row table:number-rows-repeated=\"1048000\"><table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row>\
        </table:table></office:spreadsheet></office:body></office:document-content>";
    let book = |content: &str| {
        zipped(&[
            ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
            ("META-INF/manifest.xml", b"<manifest:manifest xmlns:manifest=\"m\"/>"),
            ("content.xml", content.as_bytes()),
        ])
    };
    let (dir, told) = take(&book(content));
    assert_eq!((told.format, kinds(&told)), (Format::Ods, vec![ColumnType::Date, ColumnType::Float]));
    assert_eq!(rows(&dir), [["2024-01-31", "2.5"], ["2024-01-31", "2.5"]]);
    let bomb = content
        .replace("repeated=\"2\"", "repeated=\"1048576\"")
        .replace("2.5\"/>", "2.5\" table:number-columns-repeated=\"16000\"/>");
    let error = refused(&book(&bomb), &ReadOptions::default());
    assert!(error.is_refusal(), "{error}");
}
