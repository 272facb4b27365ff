//! Types that a user sets, in forms other than delimited text.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail there")]

mod common;

use std::fs;
use std::io::Write as _;

use common::*;
use dropforge_shared::page::ColumnType;
use dropforge_shared::page::ColumnType::{Boolean, Date, Integer, Text};
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

#[test]
fn and_in_workbooks_where_it_also_settles_an_ambiguous_date() {
    let sheet = row(1, &[text("A1", "on"), text("B1", "n")])
        + &row(2, &[text("A2", "01/02/2024"), number("B2", 0, "7")])
        + &row(3, &[text("A3", "soon"), number("B3", 0, "8")]);
    let (dir, told) = read(&xlsx(&[("S", "visible", &sheet)], false), &set(&[("on", Date), ("n", Text)]));
    let told = told.unwrap();
    assert_eq!((kinds(&told), told.rows, told.rejected_rows), (vec![Date, Text], 1, 1));
    assert_eq!(rows(&dir).len(), 1);
    assert_eq!(rows(&dir)[0][1], "7");
    let rejected = fs::read_to_string(dir.path().join("out/rejected.csv")).unwrap();
    assert!(rejected.contains("\n3,") && rejected.contains("soon"), "{rejected}");
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
