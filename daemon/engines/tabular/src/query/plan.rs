//! From checked text to a plan of the engine, over lazy scans of the datasets.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use polars::io::RowIndex;
use polars::lazy::frame::{LazyFrame, ScanArgsParquet};
use polars::prelude::{PlRefPath, PolarsError};
use polars::sql::SQLContext;
use sqlparser::ast::Query;

use super::own::Own;
use super::{parse, parts};
use crate::error::Error;

/// The datasets of a statement under their names inside.
pub(super) type Datasets = Vec<(String, PathBuf)>;

/// The plan of a query that passed the list. `columns` gives the names that could be meant where one is not found.
pub(super) fn plan(
    query: &Query,
    datasets: &Datasets,
    columns: &dyn Fn() -> Vec<String>,
) -> Result<LazyFrame, Error> {
    let tables: Result<Vec<_>, Error> =
        datasets.iter().map(|(name, path)| Ok((name.clone(), scan(path, None)?))).collect();
    over(query, tables?, columns)
}

/// The plan of a query over tables under their names inside.
pub(super) fn over(
    query: &Query,
    tables: Vec<(String, LazyFrame)>,
    columns: &dyn Fn() -> Vec<String>,
) -> Result<LazyFrame, Error> {
    let text = query.to_string();
    // What runs is parsed from text once more: it must be what was checked.
    if parse::one_query(&text)? != *query {
        return Err(Error::Internal(
            "a statement was not the same after it was written out; write it otherwise".into(),
        ));
    }
    let own = Arc::new(Own::default());
    let mut tables = tables;
    let run = |query: &Query, tables: &[(String, LazyFrame)]| {
        let mut context = SQLContext::new().with_function_registry(own.clone());
        for (name, table) in tables {
            context.register(name, table.clone());
        }
        context.execute(&query.to_string()).map_err(|e| explain(&e, &columns()))
    };
    let mut query = query.clone();
    parts::apart(&mut query, &mut tables, &run)?;
    run(&query, &tables)
}

/// A dataset; `row` is the name of a column that numbers its rows from 0.
pub(super) fn scan(path: &Path, row: Option<&str>) -> Result<LazyFrame, Error> {
    let args = ScanArgsParquet {
        // A path is a path: nothing in it is a pattern, and no column comes out of it.
        glob: false,
        hive_options: polars::prelude::HiveOptions { enabled: Some(false), ..Default::default() },
        cache: false,
        row_index: row.map(|name| RowIndex { name: name.into(), offset: 0 }),
        ..ScanArgsParquet::default()
    };
    let fault = |e: PolarsError| Error::Parquet { path: path.to_path_buf(), reason: e.to_string() };
    std::fs::metadata(path).map_err(Error::io("open", path))?;
    let place = PlRefPath::try_from_path(path).map_err(fault)?;
    LazyFrame::scan_parquet(place, args).map_err(fault)
}

/// The engine's error in the user's words. `columns` are those that could be meant.
pub(super) fn explain(error: &PolarsError, columns: &[String]) -> Error {
    let told = error.to_string().replace('\u{1f}', " ");
    let text = dropforge_shared::clean::line(told.lines().next().unwrap_or_default());
    let mut message = match error {
        PolarsError::ColumnNotFound(name) => {
            let name = name.to_string();
            let name = name.split(['\n', '"']).find(|s| !s.is_empty() && !s.contains("unable to find")).unwrap_or_default();
            let near = dropforge_shared::sql::nearest(name.trim(), columns.iter().map(String::as_str));
            let near: Vec<String> = near.iter().map(|n| format!("\"{n}\"")).collect();
            let hint = if near.is_empty() {
                let some: Vec<&str> = columns.iter().take(12).map(String::as_str).collect();
                let more = if columns.len() > 12 { ", …" } else { "" };
                format!("there are {}{more}. Texts stand in single quotes", some.join(", "))
            } else {
                format!("did you mean {}?", near.join(" or "))
            };
            format!("there is no column \"{}\" here; {hint}", name.trim())
        }
        _ if text.contains("no table or struct column named") => {
            "a subquery in WHERE is tied to the query around it by inner.key = outer.key alone; join it instead".to_owned()
        }
        _ if text.contains("expression Exists") => {
            "EXISTS (SELECT …) and IN (SELECT …) stand alone in WHERE, or beside AND; beside OR join the tables instead".to_owned()
        }
        PolarsError::SQLInterface(_) | PolarsError::SQLSyntax(_) => {
            format!("this SQL is not supported: {text}")
        }
        _ => format!("the statement can't be run: {text}"),
    };
    if message.len() > 2_000 {
        message.truncate(crate::types::floor_boundary(&message, 2_000));
    }
    Error::Sql(message)
}
