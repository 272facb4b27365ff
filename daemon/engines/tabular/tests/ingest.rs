//! What a user would notice when a file is taken in.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail there")]

mod common;

use std::fs;
use std::io::Write;
use std::path::Path;

use common::*;
use dropforge_shared::page::{Cell, ColumnType};
use dropforge_tabular::{
    Error, Format, Level, Limits, Monitor, ReadOptions, Silent, ingest, page, recognise,
};
use tempfile::TempDir;

#[test]
fn a_plain_file_is_typed_and_read_back() {
    let text = "zip,n,x,ok,day,at,note\n\
        00501,1,1.5,true,2024-01-31,2024-01-31T10:00:00Z,\"a \"\"b\"\"\"\n\
        10001,-2,NA,False,,2024-01-31T10:00:00.5Z,\"line\nbreak\"\n";
    let (dir, told) = take(text.as_bytes());
    use ColumnType::{Boolean, Date, Datetime, Float, Integer, Text};
    assert_eq!(kinds(&told), [Text, Integer, Float, Boolean, Date, Datetime, Text]);
    assert_eq!((told.rows, told.rejected_rows, told.header), (2, 0, true));
    assert_eq!(told.null_tokens[2].get("NA"), Some(&1));
    assert_eq!(told.null_tokens[4].get(""), Some(&1));
    assert_eq!(
        rows(&dir),
        [
            vec!["00501", "1", "1.5", "true", "2024-01-31", "2024-01-31T10:00:00", "a \"b\""],
            vec!["10001", "-2", "", "false", "", "2024-01-31T10:00:00.5", "line\nbreak"],
        ]
    );
}

#[test]
fn the_last_row_decides_a_type_as_much_as_the_first() {
    let mut text = String::from("n,s,pad\n");
    let pad = "x".repeat(300);
    for i in 0..20_000 {
        text.push_str(&format!("{i},{i},{pad}\n"));
    }
    assert!(text.len() > 5 << 20, "the change must lie beyond the sample and the first block");
    text.push_str("2.5,x,y\n");
    let (dir, told) = take(text.as_bytes());
    assert_eq!(kinds(&told), [ColumnType::Float, ColumnType::Text, ColumnType::Text]);
    assert_eq!(told.rows, 20_001);
    let last = page(&dataset(&dir), 19_999, 10).unwrap();
    assert_eq!(last.rows[0][..2], [Cell::Float(19_999.0), Cell::Text("19999".into())]);
    assert_eq!(last.rows[1][..2], [Cell::Float(2.5), Cell::Text("x".into())]);
    assert_eq!((last.rows.len(), last.total_rows), (2, 20_001));
}

#[test]
fn a_column_that_is_empty_at_first_gets_its_type_from_what_comes_later() {
    let mut text = String::from("a,d\n");
    let pad = "x".repeat(300);
    for _ in 0..20_000 {
        text.push_str(&format!("{pad},\n"));
    }
    text.push_str("y,7\n");
    let (_dir, told) = take(text.as_bytes());
    assert_eq!(kinds(&told), [ColumnType::Text, ColumnType::Integer]);
    assert_eq!(told.null_tokens[1].get(""), Some(&20_000));
}

#[test]
fn slashed_dates_are_dates_only_once_a_day_tells() {
    let (_dir, told) = take(b"d\n01/02/2024\n03/04/2024\n");
    assert_eq!(kinds(&told), [ColumnType::Text]);
    assert!(told.notes.iter().any(|n| n.contains("day or month first")), "{:?}", told.notes);
    let (dir, told) = take(b"d\n01/02/2024\n25/04/2024\n");
    assert_eq!(kinds(&told), [ColumnType::Date]);
    assert_eq!(rows(&dir), [["2024-02-01"], ["2024-04-25"]]);
}

#[test]
fn rows_and_rejected_are_all_records() {
    let good = "0,0,0\n".repeat(20);
    let text =
        format!("a,b,c\n1,2,3\n4,5\n6,7,8,9\n10,11,12,,\n\n\"13\",\"x\ny\",15\n{good}\"16,17,18\n19,20,21\n");
    let (dir, told) = take(text.as_bytes());
    let first: Vec<String> = rows(&dir).iter().map(|r| r[0].clone()).filter(|c| c != "0").collect();
    assert_eq!(first, ["1", "10", "13", "19"]);
    assert_eq!((told.rows, told.rejected_rows), (24, 3));
    let listed = rejected(&dir);
    assert!(listed.contains("3,\"2 fields where 3 are expected\",\"4,5\""), "{listed}");
    assert!(listed.contains("4,\"4 fields where 3 are expected\""), "{listed}");
    assert!(listed.contains("29,\"a quote is opened and never closed\",\"\"\"16,17,18\""), "{listed}");
}

#[test]
fn line_ends_marks_and_encodings() {
    for (content, encoding) in [
        (&b"n,t\r\n1,f\xc3\xbcr\r\n"[..], "utf-8"),
        (b"n,t\r1,f\xc3\xbcr\r2,x\r", "utf-8"),
        (b"\xef\xbb\xbfn,t\n1,f\xc3\xbcr", "utf-8-bom"),
        (b"n,t\n1,f\xfcr\n", "windows-1252"),
    ] {
        let (dir, told) = take(content);
        assert_eq!(names(&told), ["n", "t"]);
        assert_eq!(told.encoding.as_deref(), Some(encoding));
        assert_eq!(rows(&dir)[0], ["1", "für"]);
    }
    let utf16: Vec<u8> = "\u{feff}n,t\n1,für\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (dir, told) = take(&utf16);
    assert_eq!(told.encoding.as_deref(), Some("utf-16le"));
    assert_eq!(rows(&dir), [["1", "für"]]);
}

#[test]
fn an_encoding_that_shows_late_is_still_found() {
    let mut content = Vec::from(&b"n,t\n"[..]);
    let pad = "plain text ".repeat(30);
    for i in 0..20_000 {
        content.extend_from_slice(format!("{i},{pad}\n").as_bytes());
    }
    content.extend_from_slice(b"20000,caf\xe9\n");
    let (dir, told) = take(&content);
    assert_eq!(told.encoding.as_deref(), Some("windows-1252"));
    let last = page(&dataset(&dir), 20_000, 1).unwrap();
    assert_eq!(last.rows[0][1], Cell::Text("café".into()));
}

#[test]
fn gzip_is_read_and_a_cut_one_is_told() {
    let gzip = |content: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    };
    // Two members, as `cat a.gz b.gz` makes them.
    let mut content = gzip(b"a,b\n1,2\n");
    content.extend(gzip(b"3,4\n"));
    let (dir, told) = take(&content);
    assert_eq!((told.compression, told.format), (Some("gzip"), Format::Csv));
    assert_eq!(rows(&dir), [["1", "2"], ["3", "4"]]);

    let whole = gzip("a,b\n".repeat(10_000).as_bytes());
    let dir = TempDir::new().unwrap();
    let source = dir.path().join("x.csv.gz");
    fs::write(&source, &whole[..whole.len() / 2]).unwrap();
    let error = ingest(&source, dir.path(), &ReadOptions::default(), &mut Silent).unwrap_err();
    assert!(matches!(error, Error::Gzip { .. }), "{error}");
    assert!(!error.is_refusal());
}

#[test]
fn bombs_are_refused() {
    let dir = TempDir::new().unwrap();
    let source = dir.path().join("zeros.csv.gz");
    let mut encoder =
        flate2::write::GzEncoder::new(fs::File::create(&source).unwrap(), flate2::Compression::best());
    encoder.write_all(b"a,b\n").unwrap();
    let chunk = format!("0,{}\n", "0".repeat((1 << 20) - 3));
    for _ in 0..80 {
        encoder.write_all(chunk.as_bytes()).unwrap();
    }
    encoder.finish().unwrap();
    let limits = Limits { max_expansion: 100, ..Limits::default() };
    let error =
        ingest(&source, dir.path(), &ReadOptions { limits, ..Default::default() }, &mut Silent).unwrap_err();
    assert!(error.is_refusal(), "{error}");

    let wide = dir.path().join("wide.csv");
    fs::write(&wide, format!("{}\n{}\n", "a,".repeat(200) + "z", "1,".repeat(200) + "2")).unwrap();
    let limits = Limits { max_columns: 100, ..Limits::default() };
    let error =
        ingest(&wide, dir.path(), &ReadOptions { limits, ..Default::default() }, &mut Silent).unwrap_err();
    assert!(error.is_refusal() && error.to_string().contains("201 columns"), "{error}");

    let long = dir.path().join("long.csv");
    fs::write(&long, format!("a,b\n1,2\n3,\"{}\"\n5,6\n", "x".repeat(9 << 20))).unwrap();
    let limits = Limits { max_cell_bytes: 1 << 20, ..Limits::default() };
    let error =
        ingest(&long, dir.path(), &ReadOptions { limits, ..Default::default() }, &mut Silent).unwrap_err();
    assert!(error.is_refusal(), "{error}");
}

#[test]
fn json_lines_are_flattened_typed_and_their_bad_lines_rejected() {
    let text = r#"{"id": 1, "zip": "007", "at": "2024-01-01", "geo": {"lat": 1.5, "tags": [1, 2]}, "big": 12345678901234567890}
{"id": 2, "zip": "10", "at": "2024-01-02", "geo": {"lat": 2}, "extra": true}
not json
[1, 2]
{"id": null, "zip": "", "at": null}
"#;
    let (dir, told) = take(text.as_bytes());
    use ColumnType::{Boolean, Date, Float, Integer, Text};
    assert_eq!(told.format, Format::JsonLines);
    assert_eq!(names(&told), ["id", "zip", "at", "geo.lat", "geo.tags", "big", "extra"]);
    assert_eq!(kinds(&told), [Integer, Text, Date, Float, Text, Text, Boolean]);
    assert_eq!((told.rows, told.rejected_rows), (3, 2));
    assert_eq!(rows(&dir)[0], ["1", "007", "2024-01-01", "1.5", "[1, 2]", "12345678901234567890", ""]);
    assert!(rejected(&dir).contains("\n3,"));
}

#[test]
fn a_parquet_file_is_taken_in_again() {
    let (dir, told) = take(b"n,x,t,d\n1,1.5,a,2024-01-01\n2,,b,\n");
    let (again, second) = take(&fs::read(dataset(&dir)).unwrap());
    assert_eq!(second.format, Format::Parquet);
    assert_eq!(second.columns, told.columns);
    assert_eq!(rows(&again), rows(&dir));
    assert_eq!(second.null_tokens[1].get("null"), Some(&1));

    let cut = fs::read(dataset(&dir)).unwrap();
    let source = again.path().join("cut");
    fs::write(&source, &cut[..cut.len() - 10]).unwrap();
    let error = ingest(&source, again.path(), &ReadOptions::default(), &mut Silent).unwrap_err();
    assert!(matches!(error, Error::Parquet { .. }), "{error}");
}

#[test]
fn what_is_no_table_is_not_taken_for_one() {
    let dir = TempDir::new().unwrap();
    let source = dir.path().join("x");
    let prose = "It was the best of times, it was the worst of times.\n\
        It was the age of wisdom\nit was the age of foolishness, it was the epoch of belief, and so on.\n\nThe end.\n";
    for content in [
        &b""[..],
        b"\n\n",
        b"%PDF-1.7\n1,2\n",
        b"\x00\x01\x02,\n\x00",
        prose.as_bytes(),
        b"<a>\n<b>\n",
        b"[[1,\n2]]\n",
        b"[1, 2]\n",
    ] {
        fs::write(&source, content).unwrap();
        assert_eq!(recognise(&source).unwrap(), None, "{:?}", String::from_utf8_lossy(content));
        let error = ingest(&source, dir.path(), &ReadOptions::default(), &mut Silent).unwrap_err();
        assert!(matches!(error, Error::NotATable { .. }), "{error}");
    }
    fs::write(&source, "a;b\n1;2\n").unwrap();
    assert_eq!(recognise(&source).unwrap().map(|r| r.format), Some(Format::Csv));
}

struct Stopper(std::cell::Cell<u32>);

impl Monitor for Stopper {
    fn stage(&mut self, _: &str, _: Option<u64>, _: &str) {}
    fn progress(&mut self, _: u64) {}
    fn log(&mut self, _: Level, _: &str) {}
    fn cancelled(&self) -> bool {
        self.0.set(self.0.get() + 1);
        self.0.get() > 2
    }
}

#[test]
fn a_cancel_ends_the_work() {
    let dir = TempDir::new().unwrap();
    let source = dir.path().join("x");
    fs::write(&source, "a,b\n".repeat(2 << 20)).unwrap();
    let error = ingest(&source, dir.path(), &ReadOptions::default(), &mut Stopper(0.into())).unwrap_err();
    assert!(matches!(error, Error::Cancelled));
}

#[test]
fn any_number_of_threads_gives_the_same_file() {
    let mut text = String::from("a,b\n");
    let pad = "x".repeat(300);
    for i in 0..40_000 {
        text.push_str(&format!("{i},\"v{} {pad}\"\n", i % 97));
    }
    let read = |threads: usize, dir: &Path| {
        let source = dir.join("source");
        fs::write(&source, &text).unwrap();
        let options = ReadOptions { threads: Some(threads), ..Default::default() };
        ingest(&source, dir, &options, &mut Silent).unwrap();
        fs::read(dir.join("dataset.parquet")).unwrap()
    };
    let (one, three) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    assert!(read(1, one.path()) == read(3, three.path()));
}

#[test]
fn parquet_of_other_writers_keeps_what_it_holds() {
    // Written by pyarrow 26 (see fixtures/README.md): every type that Polars refuses with its few features.
    let (dir, told) = take(include_bytes!("fixtures/arrow_types.parquet"));
    use ColumnType::{Date, Datetime, Float, Integer, Text};
    let expected = [
        ("i8", Integer, ["1", "-2", ""]),
        ("u16", Integer, ["1", "65535", ""]),
        ("u64", Text, ["1", "9223372036854775808", ""]),
        ("f32", Float, ["1.5", "", "2.5"]),
        ("dec", Float, ["12.5", "", "-3.25"]),
        ("cat", Text, ["a", "b", ""]),
        ("ns", Datetime, ["1970-01-01T00:00:00", "", "2023-11-14T22:13:20.123456"]),
        ("tz", Datetime, ["1970-01-01T00:00:00", "2023-11-14T22:13:20", ""]),
        ("time", Text, ["10:30:00", "", "23:59:59"]),
        ("list", Text, ["[1,2]", "", "[]"]),
        ("st", Text, ["{\"a\":1,\"b\":\"x\"}", "", "{\"a\":null,\"b\":\"y\"}"]),
        ("bin", Text, ["abc", "", "\u{fffd}\0"]),
        ("d", Date, ["2024-01-02", "", "1999-12-31"]),
        ("nul", Text, ["", "", ""]),
        ("s", Text, ["x", "", ""]),
    ];
    let rows = rows(&dir);
    for (i, (name, kind, values)) in expected.into_iter().enumerate() {
        assert_eq!((told.columns[i].name.as_str(), told.columns[i].kind), (name, kind));
        let got: Vec<&str> = rows.iter().map(|row| row[i].as_str()).collect();
        assert_eq!(got, values, "{name}");
    }
    // An empty text is there; a null is not.
    assert_eq!(told.null_tokens[14].get("null"), Some(&1));
}

#[test]
fn the_note_on_lines_before_the_table_quotes_those_lines_and_no_others() {
    for end in ["\n", "\r\n"] {
        let text = "Quarterly Report, 2024\nConfidential\n\nid,name,amount\n1,Ada,5\n2,Bob,6\n3,Cy,7\n";
        let (_dir, told) = take(text.replace('\n', end).as_bytes());
        assert_eq!((told.preamble_lines, names(&told)), (3, vec!["id", "name", "amount"]));
        assert_eq!(
            told.notes,
            ["2 lines before the table left out: “Quarterly Report, 2024”, “Confidential”"],
            "{end:?}"
        );
    }
    let (_dir, told) = take(b"\n\na,b\n1,2\n3,4\n");
    assert!(told.notes.is_empty(), "{:?}", told.notes);
}

#[test]
fn text_behind_a_closed_quote_loses_no_record() {
    let (dir, told) = take(
        b"id,name,n\n1,\"Acme\" Ltd,5\n2,\"Beta, Inc\",6\n3,\"Gamma\" SA,7\n4,\"Delta\",8\n5,\"E\np\"\"s\",9\n",
    );
    assert_eq!((told.rows, told.rejected_rows), (5, 0));
    let texts: Vec<String> = rows(&dir).into_iter().map(|mut row| row.swap_remove(1)).collect();
    assert_eq!(texts, ["\"Acme\" Ltd", "Beta, Inc", "\"Gamma\" SA", "Delta", "E\np\"s"]);
}
