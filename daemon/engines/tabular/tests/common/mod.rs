//! What the tests share: reading and profiling bytes, and making workbooks and archives of the least that their standards ask.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail there")]
#![allow(dead_code, reason = "each test file uses a part")]

pub mod house;

use std::fs;
use std::io::{Cursor, Write};
use std::path::PathBuf;

use dropforge_shared::page::{Cell, ColumnType};
use dropforge_shared::profile::{ColumnProfile, Profile};
use dropforge_tabular::{Error, Ingested, ReadOptions, Silent, ingest, page, profile};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

pub fn read(content: &[u8], options: &ReadOptions) -> (TempDir, Result<Ingested, Error>) {
    let dir = TempDir::new().unwrap();
    let source = dir.path().join("source");
    fs::write(&source, content).unwrap();
    let out = dir.path().join("out");
    fs::create_dir(&out).unwrap();
    let told = ingest(&source, &out, options, &mut Silent);
    let left: Vec<String> =
        fs::read_dir(&out).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert!(left.iter().all(|name| !name.starts_with('.')), "unpacked files are left: {left:?}");
    (dir, told)
}

/// A text that was taken in and profiled.
pub struct Profiled {
    pub dir: TempDir,
    pub dataset: PathBuf,
    pub profile: Profile,
}

pub fn profiled(text: &str) -> Profiled {
    let (dir, told) = take(text.as_bytes());
    let dataset = dataset(&dir);
    let profile = profile(&dataset, "f1", &told.null_tokens, &mut Silent).unwrap();
    Profiled { dir, dataset, profile }
}

pub fn column<'a>(profile: &'a Profile, name: &str) -> &'a ColumnProfile {
    profile.columns.iter().find(|c| c.name == name).unwrap()
}

pub fn issue_kinds<'a>(profile: &'a Profile, name: &str) -> Vec<&'a str> {
    profile.issues.iter().filter(|i| i.column.as_deref() == Some(name)).map(|i| i.kind.as_str()).collect()
}

/// Xorshift: the same figures each time.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

pub fn dataset(dir: &TempDir) -> PathBuf {
    dir.path().join("out/dataset.parquet")
}

pub fn rejected(dir: &TempDir) -> String {
    fs::read_to_string(dir.path().join("out/rejected.csv")).unwrap_or_default()
}

pub fn take(content: &[u8]) -> (TempDir, Ingested) {
    let (dir, told) = read(content, &ReadOptions::default());
    (dir, told.unwrap())
}

pub fn part(name: &str) -> ReadOptions {
    ReadOptions { part: Some(name.to_owned()), ..ReadOptions::default() }
}

pub fn refused(content: &[u8], options: &ReadOptions) -> Error {
    read(content, options).1.unwrap_err()
}

pub fn rows(dir: &TempDir) -> Vec<Vec<String>> {
    let page = page(&dataset(dir), 0, 10_000).unwrap();
    page.rows.iter().map(|row| row.iter().map(Cell::display).collect()).collect()
}

pub fn names(told: &Ingested) -> Vec<&str> {
    told.columns.iter().map(|c| c.name.as_str()).collect()
}

pub fn kinds(told: &Ingested) -> Vec<ColumnType> {
    told.columns.iter().map(|c| c.kind).collect()
}

pub fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const DOCUMENT: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// The least that ECMA-376 asks of a workbook, with styles: 1 is a date, 2 a date and time, 3 a time.
pub fn xlsx(sheets: &[(&str, &str, &str)], is_1904: bool) -> Vec<u8> {
    let list: String = sheets
        .iter()
        .enumerate()
        .map(|(i, (name, state, _))| {
            format!("<sheet name=\"{name}\" sheetId=\"{0}\" state=\"{state}\" r:id=\"r{0}\"/>", i + 1)
        })
        .collect();
    let related: String = (1..=sheets.len())
        .map(|i| {
            format!(
                "<Relationship Id=\"r{i}\" Type=\"{DOCUMENT}/worksheet\" Target=\"worksheets/sheet{i}.xml\"/>"
            )
        })
        .collect();
    let package = "http://schemas.openxmlformats.org/package/2006";
    let mut members = vec![
        ("[Content_Types].xml".to_owned(), format!("<Types xmlns=\"{package}/content-types\"/>")),
        (
            "_rels/.rels".to_owned(),
            format!(
                "<Relationships xmlns=\"{package}/relationships\"><Relationship Id=\"r\" Type=\"{DOCUMENT}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml".to_owned(),
            format!(
                "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{DOCUMENT}\"><workbookPr date1904=\"{is_1904}\"/><sheets>{list}</sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels".to_owned(),
            format!(
                "<Relationships xmlns=\"{package}/relationships\">{related}<Relationship Id=\"s\" Type=\"{DOCUMENT}/styles\" Target=\"styles.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/styles.xml".to_owned(),
            format!(
                "<styleSheet xmlns=\"{MAIN}\"><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/><xf numFmtId=\"22\"/><xf numFmtId=\"21\"/></cellXfs></styleSheet>"
            ),
        ),
    ];
    for (i, (_, _, rows)) in sheets.iter().enumerate() {
        let text = format!("<worksheet xmlns=\"{MAIN}\"><sheetData>{rows}</sheetData></worksheet>");
        members.push((format!("xl/worksheets/sheet{}.xml", i + 1), text));
    }
    let members: Vec<(&str, &[u8])> = members.iter().map(|(n, t)| (n.as_str(), t.as_bytes())).collect();
    zipped(&members)
}

pub fn text(at: &str, text: &str) -> String {
    format!("<c r=\"{at}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
}

pub fn number(at: &str, style: u8, value: &str) -> String {
    format!("<c r=\"{at}\" s=\"{style}\"><v>{value}</v></c>")
}

pub fn row(number: u32, cells: &[String]) -> String {
    format!("<row r=\"{number}\">{}</row>", cells.concat())
}

pub fn sales() -> String {
    [
        row(2, &[text("B2", "Sales of 2024")]),
        row(
            4,
            &["zip", "n", "x", "day", "at", "time", "ok", "n"]
                .iter()
                .zip('B'..)
                .map(|(t, c)| text(&format!("{c}4"), t))
                .collect::<Vec<_>>(),
        ),
        row(
            5,
            &[
                text("B5", "00501"),
                number("C5", 0, "1"),
                number("D5", 0, "1.5"),
                number("E5", 1, "45322"),
                number("F5", 2, "45322.5"),
                number("G5", 3, "0.4375"),
                "<c r=\"H5\" t=\"b\"><v>1</v></c>".to_owned(),
                "<c r=\"I5\" t=\"e\"><v>#N/A</v></c>".to_owned(),
            ],
        ),
        row(
            7,
            &[
                text("B7", "10001"),
                "<c r=\"C7\"><f>C5*2</f><v>2</v></c>".to_owned(),
                "<c r=\"D7\" t=\"e\"><v>#DIV/0!</v></c>".to_owned(),
                number("E7", 1, "60"),
                number("F7", 1, "45322"),
                number("G7", 3, "0.5"),
                "<c r=\"H7\" t=\"b\"><v>0</v></c>".to_owned(),
                number("I7", 0, "7"),
            ],
        ),
    ]
    .concat()
}
