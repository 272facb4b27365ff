//! Forms other than delimited text: what is read out of them, and what is refused. All files are made here, by hand or
//! with the writers of other crates.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail there")]

mod common;

use std::fs;
use std::path::Path;

use common::*;
use dropforge_shared::page::{Cell, ColumnType};
use dropforge_tabular::{Error, Format, Limits, ReadOptions, page, recognise};
use polars::prelude::{
    ArrowDataType, ArrowField, ArrowSchema, DataFrame, IpcCompression, IpcWriter, NamedFrom, SerWriter,
    Series,
};
use polars_arrow::array::{Array, ListArray, PrimitiveArray, Utf8Array};
use polars_arrow::io::ipc::write::{Compression, StreamWriter, WriteOptions};
use polars_arrow::record_batch::RecordBatchT;
use tempfile::TempDir;

#[test]
fn json_documents_give_their_records() {
    let text = "\u{feff}[\n {\"id\": 12345678901234567890, \"who\": {\"name\": \"Ada\", \"tags\": [1, {\"x\": 2}]}, \"zip\": \"00501\"},\n\
        {\"id\": 1, \"id\": 2, \"who\": {\"name\": null}, \"on\": \"2024-01-31\"}, 7 ]";
    let (dir, told) = take(text.as_bytes());
    assert_eq!(told.format, Format::Json);
    assert_eq!(names(&told), ["id", "who.name", "who.tags", "zip", "on"]);
    assert_eq!((told.rows, told.rejected_rows), (2, 1));
    assert_eq!(
        rows(&dir),
        [["12345678901234567890", "Ada", "[1, {\"x\": 2}]", "00501", ""], ["2", "", "", "", "2024-01-31"]]
    );
    let rejected = fs::read_to_string(dir.path().join("out/rejected.csv")).unwrap();
    assert!(rejected.contains("not a JSON object"), "{rejected}");

    let (dir, told) = take(b"{\"type\": \"x\",\n\"features\": [{\"a\": 1},\n{\"a\": 2.5}]}");
    assert_eq!((told.part.as_deref(), kinds(&told)), (Some("features"), vec![ColumnType::Float]));
    assert_eq!(rows(&dir), [["1"], ["2.5"]]);
    assert!(told.notes.iter().any(|n| n.contains("features")));
    let (dir, _) = take(b"{\n\"a\": 1,\n\"b\": [1,2]\n}");
    assert_eq!(rows(&dir), [["1", "[1,2]"]]);

    let error = refused(b"[{\"a\": 1},\n{\"a\": 01}]", &ReadOptions::default());
    assert!(matches!(&error, Error::Damaged { place, .. } if place == "line 2, byte 18"), "{error}");
    for no_table in [&b"[1, 2, 3]"[..], b"[]", b"{}", b"[[1,2],[3,4]]"] {
        assert!(matches!(refused(no_table, &ReadOptions::default()), Error::NotATable { .. }));
    }
    let header_in_brackets = b"[id],[name]\n1,x\n2,y\n3,z\n";
    assert_eq!(take(header_in_brackets).1.format, Format::Csv);
}

#[test]
fn a_long_json_array_is_streamed_and_a_record_beyond_the_limit_refused() {
    let mut text = String::from("[");
    for i in 0..60_000 {
        text.push_str(&format!("{{\"i\": {i},\n \"t\": \"{}\"}},\n", "x".repeat(80)));
    }
    text.push_str("{\"i\": 0.5, \"t\": null}]");
    assert!(text.len() > 5 << 20, "longer than a sample and a block");
    let (dir, told) = take(text.as_bytes());
    assert_eq!((told.rows, kinds(&told)), (60_001, vec![ColumnType::Float, ColumnType::Text]));
    let last = page(&dir.path().join("out/dataset.parquet"), 60_000, 1).unwrap();
    assert_eq!(last.rows[0], [Cell::Float(0.5), Cell::Null]);

    let limits = Limits { max_cell_bytes: 1 << 20, ..Limits::default() };
    let options = ReadOptions { limits, ..ReadOptions::default() };
    let long = format!("[{{\"a\": \"{}\"}}]", "x".repeat(12 << 20));
    assert!(refused(long.as_bytes(), &options).is_refusal());
}

fn frame() -> DataFrame {
    let ids = Series::new("id".into(), [1i64, 2, 3]);
    let x = Series::new("x".into(), [Some(0.5), None, Some(2.0)]);
    let who = Series::new("who".into(), ["Ada", "é", ""]);
    DataFrame::new(3, vec![ids.into(), x.into(), who.into()]).unwrap()
}

/// As other programs write: texts and lists with short offsets.
fn stream(compression: Option<Compression>) -> Vec<u8> {
    let ids = PrimitiveArray::<u64>::from_slice([1, 2, u64::MAX]);
    let who = Utf8Array::<i32>::from_slice(["Ada", "é", ""]);
    let tags = ListArray::<i32>::new(
        ListArray::<i32>::default_datatype(ArrowDataType::Utf8),
        vec![0, 2, 2, 3].try_into().unwrap(),
        Utf8Array::<i32>::from_slice(["a", "1", "true"]).boxed(),
        None,
    );
    let arrays: Vec<Box<dyn Array>> = vec![ids.boxed(), who.boxed(), tags.boxed()];
    let schema: ArrowSchema = ["id", "who", "tags"]
        .into_iter()
        .zip(&arrays)
        .map(|(name, array)| ArrowField::new(name.into(), array.dtype().clone(), true))
        .map(|field| (field.name.clone(), field))
        .collect();
    let mut bytes = Vec::new();
    let mut writer = StreamWriter::new(&mut bytes, WriteOptions { compression });
    writer.start(&schema, None).unwrap();
    for _ in 0..2 {
        writer.write(&RecordBatchT::new(3, schema.clone().into(), arrays.clone()), None).unwrap();
    }
    writer.finish().unwrap();
    bytes
}

#[test]
fn arrow_files_and_streams_are_read() {
    let mut forms = Vec::new();
    for compression in [None, Some(IpcCompression::LZ4), Some(IpcCompression::ZSTD(Default::default()))] {
        let mut file = Vec::new();
        IpcWriter::new(&mut file).with_compression(compression).finish(&mut frame()).unwrap();
        forms.push(file);
    }
    forms.push(gzipped(&forms[0]));
    for form in forms {
        let (dir, told) = take(&form);
        assert_eq!(told.format, Format::Arrow);
        assert_eq!(kinds(&told), [ColumnType::Integer, ColumnType::Float, ColumnType::Text]);
        assert_eq!(rows(&dir), [["1", "0.5", "Ada"], ["2", "", "é"], ["3", "2", ""]]);
        assert_eq!(told.null_tokens[1].get("null"), Some(&1));
        let cut = &form[..form.len() / 2];
        assert!(read(cut, &ReadOptions::default()).1.is_err());
    }
    for compression in [None, Some(Compression::LZ4), Some(Compression::ZSTD(Default::default()))] {
        let (dir, told) = take(&stream(compression));
        assert_eq!((told.format, told.rows), (Format::Arrow, 6));
        assert_eq!(kinds(&told), [ColumnType::Text; 3], "ids beyond 64 signed bits keep their digits");
        let batch =
            [["1", "Ada", "[\"a\",\"1\"]"], ["2", "é", "[]"], ["18446744073709551615", "", "[\"true\"]"]];
        assert_eq!(rows(&dir), [batch, batch].concat());
    }
}

#[test]
fn wrappers_are_taken_off() {
    let table = b"a;b\n1;2\n3;4\n";
    let zst = zstd::encode_all(&table[..], 3).unwrap();
    let (dir, told) = take(&zst);
    assert_eq!((told.compression, told.format), (Some("zstd"), Format::Csv));
    assert_eq!(rows(&dir), [["1", "2"], ["3", "4"]]);
    assert!(matches!(
        refused(&zst[..zst.len() - 3], &ReadOptions::default()),
        Error::Damaged { form: "zstd", .. }
    ));

    let archive = zipped(&[
        ("read me.txt", b"Please read this before you use the data.\nThank you for your interest in it."),
        ("data/one.csv.gz", &gzipped(table)),
        ("data/.DS_Store", b"a,b\n1,2\n"),
        ("two.jsonl", b"{\"k\":1}\n{\"k\":2}\n"),
    ]);
    let (dir, told) = take(&archive);
    assert_eq!(told.parts, ["data/one.csv.gz", "two.jsonl"]);
    assert_eq!((told.part.as_deref(), told.compression), (Some("data/one.csv.gz"), Some("zip")));
    assert_eq!(rows(&dir), [["1", "2"], ["3", "4"]]);
    let (dir, told) = read(&archive, &part("two.jsonl"));
    assert_eq!(told.unwrap().format, Format::JsonLines);
    assert_eq!(rows(&dir), [["1"], ["2"]]);
    assert!(refused(&archive, &part("three")).to_string().contains("two.jsonl"));

    let nested = zipped(&[("in.zip", &zipped(&[("a.csv", b"a,b\n1,2\n")]))]);
    assert!(refused(&nested, &ReadOptions::default()).to_string().contains("unpack it first"));
    let mut tar = vec![0u8; 1_024];
    tar[257..262].copy_from_slice(b"ustar");
    assert!(refused(&gzipped(&tar), &ReadOptions::default()).to_string().contains("tar archive"));
    let document = zipped(&[("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b"<w/>")]);
    assert!(matches!(refused(&document, &ReadOptions::default()), Error::NotATable { .. }));
}

#[test]
fn a_member_that_is_encrypted_is_said_to_be() {
    // The flag of encryption in the local header and in the directory (APPNOTE 4.4.4, bit 0).
    let mut archive = zipped(&[("a.csv", b"a,b\n1,2\n")]);
    let directory = memchr::memmem::find(&archive, b"PK\x01\x02").unwrap();
    archive[6] |= 1;
    archive[directory + 8] |= 1;
    let error = refused(&archive, &ReadOptions::default()).to_string();
    assert!(error.contains("encrypted") && error.contains("password"), "{error}");
}

#[test]
fn bombs_of_which_each_wrapper_expands_little_are_refused() {
    let rows = gzipped(&b"0,0,0,0\n".repeat(512 << 10)).repeat(17);
    let archive = zipped(&[("a.csv", &vec![b' '; 4 << 20])]);
    let many: Vec<String> = (0..40).map(|n| format!("{n}.zip")).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), archive.as_slice())).collect();
    for bomb in [gzipped(&rows), zipped(&[("b.zip", &zipped(&many))])] {
        let error = refused(&bomb, &ReadOptions::default());
        assert!(error.is_refusal() && !error.to_string().contains(".unpacked"), "{error}");
    }
}

#[test]
fn a_workbook_that_says_to_expand_as_no_workbook_does_is_refused() {
    let cells: Vec<String> =
        (1..40_000).map(|n| row(n, &[text(&format!("A{n}"), &(n * 7919).to_string())])).collect();
    let mut book = xlsx(&[("S", "visible", &cells.concat())], false);
    let size = u32::try_from(book.len() * 500).unwrap();
    // The size of the sheet in the archive's directory (APPNOTE 4.3.12).
    let name = b"xl/worksheets/sheet1.xml";
    let at = book.windows(name.len()).rposition(|w| w == name).unwrap() - 46 + 24;
    book[at..at + 4].copy_from_slice(&size.to_le_bytes());
    let error = refused(&book, &ReadOptions::default());
    assert!(error.is_refusal() && error.to_string().contains("200 to 1"), "{error}");
}

#[test]
fn bombs_are_refused_as_such() {
    // A gzip file may have many members; one that is repeated is quick to make.
    let gzip = gzipped(&vec![0u8; 4 << 20]).repeat(20);
    let zstd = zstd::encode_all(&vec![0u8; 80 << 20][..], 1).unwrap();
    for bomb in [gzip, zstd] {
        let error = refused(&bomb, &ReadOptions::default());
        assert!(error.is_refusal() && error.to_string().contains("1000 to 1"), "{error}");
    }
    let limits = Limits { max_uncompressed_bytes: 1 << 20, ..Limits::default() };
    let small = ReadOptions { limits, ..ReadOptions::default() };
    let book = xlsx(&[("S", "visible", &" ".repeat(2 << 20))], false);
    for bomb in [zipped(&[("data.csv", &vec![0u8; 2 << 20])]), gzipped(&book), book] {
        assert!(refused(&bomb, &small).is_refusal());
    }
    let limits = Limits { max_cell_bytes: 1 << 20, ..Limits::default() };
    let long = row(1, &[text("A1", &"x".repeat(2 << 20))]);
    let book = xlsx(&[("S", "visible", &long)], false);
    assert!(refused(&book, &ReadOptions { limits, ..ReadOptions::default() }).is_refusal());
    let long = row(1_048_577, &[text("A1048577", "a")]);
    assert!(refused(&xlsx(&[("S", "visible", &long)], false), &part("S")).is_refusal());
    let far = row(1, &[text("A1", "a"), text("ZZZZ1", "b")]);
    assert!(refused(&xlsx(&[("S", "visible", &far)], false), &part("S")).is_refusal());
}

#[test]
fn forms_are_recognised_without_reading_them() {
    let dir = TempDir::new().unwrap();
    let source = dir.path().join("table.csv");
    let look = |bytes: &[u8]| {
        fs::write(&source, bytes).unwrap();
        recognise(Path::new(&source)).unwrap().map(|r| (r.format, r.compression))
    };
    let book = xlsx(&[("Sales", "visible", &sales())], false);
    assert_eq!(look(&book), Some((Format::Xlsx, None)));
    assert_eq!(look(&gzipped(&book)), Some((Format::Xlsx, Some("gzip"))));
    assert_eq!(look(&zipped(&[("b.xlsx", &book)])), Some((Format::Xlsx, Some("zip"))));
    assert_eq!(look(&zipped(&[("x.txt", b"a,b\n1,2\n3,4\n")])), Some((Format::Csv, Some("zip"))));
    assert_eq!(look(b"[{\"a\":1}]"), Some((Format::Json, None)));
    assert_eq!(look(b"PK\x03\x04 and nothing more"), None);
    assert_eq!(look(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and nothing more"), None);
}
