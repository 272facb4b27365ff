//! Calls about files: lists, one file, a page of rows.

use std::path::PathBuf;

use dropforge_shared::fault::Fault;
use dropforge_shared::file::{FileKind, FileState, FileView};
use dropforge_shared::ids::FileId;
use dropforge_shared::page::Page;
use dropforge_shared::query::View;
use dropforge_shared::service::{FileQuery, Listing};
use dropforge_shared::work::{ReadAnswer, ReadRequest};

use super::{Calls, limit};
use crate::access;
use crate::store::rows::FileRow;
use crate::store::{ReadTx, StoreError};
use crate::tables::DATASET;

pub(super) fn view(tx: &ReadTx, row: &FileRow) -> Result<FileView, StoreError> {
    Ok(row.view(tx.project(&row.project)?.map_or_else(String::new, |p| p.name)))
}

pub(super) fn list(calls: &Calls, query: &FileQuery) -> Result<Listing<FileView>, Fault> {
    let wanted = limit(query.limit);
    calls.house.store.read(|tx| {
        let project = match &query.project {
            None => None,
            Some(name) => match tx.project_named(calls.owner, name)? {
                Some(project) => Some(project.id),
                None => return Ok(Err(super::system::no_project(name))),
            },
        };
        let mut items = Vec::new();
        let mut after = query.after;
        loop {
            let rows = tx.files(calls.owner, after, wanted)?;
            let Some(last) = rows.last() else { return Ok(Ok(Listing { items, next: None })) };
            let more = rows.len() == wanted;
            after = Some(last.seq);
            for row in &rows {
                if project.as_ref().is_none_or(|p| *p == row.project) {
                    items.push(view(tx, row)?);
                    if items.len() == wanted {
                        return Ok(Ok(Listing { items, next: Some(row.seq) }));
                    }
                }
            }
            if !more {
                return Ok(Ok(Listing { items, next: None }));
            }
        }
    })?
}

pub(super) fn one(calls: &Calls, selector: &str) -> Result<FileView, Fault> {
    calls.house.store.read(|tx| match access::file(tx, calls.owner, selector)? {
        Ok(row) => Ok(Ok(view(tx, &row)?)),
        Err(fault) => Ok(Err(fault)),
    })?
}

pub(super) fn complete(calls: &Calls, prefix: &str, wanted: u32) -> Result<Vec<(FileId, String)>, Fault> {
    let rows = calls.house.store.read(|tx| tx.files(calls.owner, None, super::MAX_LIST))?;
    // What has no rows can't stand in a statement.
    let has_rows = |row: &FileRow| row.facts.kind == Some(FileKind::Dataset);
    let named = |row: &FileRow| row.id.as_str().starts_with(prefix) || row.name.starts_with(prefix);
    let fits = |row: &FileRow| has_rows(row) && named(row);
    Ok(rows.into_iter().filter(fits).take(limit(wanted)).map(|r| (r.id, r.name)).collect())
}

/// The dataset that a selector means, and the folder with its data.
pub(super) fn dataset(calls: &Calls, selector: &str) -> Result<(FileRow, PathBuf), Fault> {
    let row = calls.house.store.read(|tx| access::file(tx, calls.owner, selector))??;
    let data = data_of(calls, &row)?;
    Ok((row, data))
}

/// The folder with a dataset's data. The fault says why there is none.
pub(super) fn data_of(calls: &Calls, row: &FileRow) -> Result<PathBuf, Fault> {
    let name = dropforge_shared::clean::line(&row.name);
    let no_rows = |why: &str, hint: &str| Err(Fault::failed(format!("{name} {why}")).hint(hint));
    match (row.state, row.facts.kind) {
        (FileState::Ingesting, _) => {
            return no_rows("is still being taken in", "`dropforge jobs` shows how far it is.");
        }
        (FileState::Failed, _) => {
            let why = format!("could not be read: {}", row.error.as_deref().unwrap_or("see its job's log"));
            return no_rows(&why, "`dropforge logs JOB` tells more; its bytes are kept.");
        }
        (_, Some(FileKind::Dataset)) => {}
        _ => {
            let reading = row.facts.reading.as_deref().unwrap_or("it is not a table");
            return no_rows(
                &format!("has no rows: {reading}"),
                "`dropforge show` tells what was recognised.",
            );
        }
    }
    let Some(job) = &row.job else {
        return no_rows("has no data", "`dropforge add --on-duplicate reprocess` makes it.");
    };
    Ok(calls.house.paths.job_outputs(job))
}

pub(super) async fn page(calls: &Calls, selector: &str, offset: u64, rows: u64) -> Result<Page, Fault> {
    view_page(calls, selector, View::default(), offset, rows).await
}

pub(super) async fn view_page(
    calls: &Calls,
    selector: &str,
    view: View,
    offset: u64,
    rows: u64,
) -> Result<Page, Fault> {
    let (row, data) = dataset(calls, selector)?;
    calls.saw("view", row.id.as_str(), "rows");
    let (dataset, rows) = (data.join(DATASET), rows.min(10_000));
    let request = if view.is_plain() {
        ReadRequest::Page { dataset, offset, rows }
    } else {
        ReadRequest::View { dataset, view, offset, rows }
    };
    match calls.house.readers.ask(request).await? {
        ReadAnswer::Page(page) => Ok(page),
        _ => Err(Fault::failed("the reader answered another question")),
    }
}
