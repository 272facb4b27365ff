//! Calls that ask an engine about data: statements, suggestions, the effect of steps; and the choice of what a dataset is.

use std::time::Duration;

use dropforge_shared::fault::Fault;
use dropforge_shared::file::{FileKind, FileView};
use dropforge_shared::query::{QueryRequest, QueryResult};
use dropforge_shared::suggest::{Effect, StepChoice, Suggestions};
use dropforge_shared::work::{ReadAnswer, ReadRequest};

use super::{Calls, files};
use crate::access;
use crate::queue::file_change;
use crate::store::StoreError;
use crate::tables;
use crate::workers::Asked;

/// The longest that a statement may take.
const MAX_TIME: Duration = Duration::from_secs(3600);
/// What a reader gets beyond the statement's own time before it is ended: the engine then says itself that time is over.
const GRACE: Duration = Duration::from_secs(5);
/// The most rows of an effect.
const EFFECT_ROWS: u64 = 1000;

fn other_answer<T>() -> Result<T, Fault> {
    Err(Fault::failed("the reader answered another question"))
}

/// Runs a statement. When the client goes away, the reader that is at it is ended.
pub(super) async fn query(calls: &Calls, request: QueryRequest) -> Result<QueryResult, Fault> {
    let (owner, house) = (calls.owner, &calls.house);
    let project = match &request.project {
        None => None,
        Some(name) => {
            let project = house.store.read(|tx| tx.project_named(owner, name))?;
            Some(project.ok_or_else(|| super::system::no_project(name))?.id)
        }
    };
    let resolved =
        house.store.read(|tx| tables::resolve(tx, &house.paths, owner, project.as_ref(), &request.sql))?;
    calls.saw("query", "", &request.sql);
    let time = Duration::from_millis(request.timeout_ms.max(1)).min(MAX_TIME);
    let ask = ReadRequest::Query {
        sql: request.sql,
        tables: resolved.tables,
        unclear: resolved.unclear,
        max_rows: request.max_rows,
        timeout_ms: u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
    };
    let asked = tokio::select! {
        asked = house.queries.ask_in_turn(ask, time, time + GRACE) => asked.map_err(of_query)?,
        () = calls.gone.cancelled() => return Err(Fault::failed("the client went away")),
    };
    match asked {
        Asked::Answer(answer) => match *answer {
            ReadAnswer::Query(result) => Ok(result),
            _ => other_answer(),
        },
        Asked::NoTurn => {
            let text = format!("other statements ran for {} s, and this one had no turn", time.as_secs_f64());
            Err(Fault::refused(text)
                .hint("Try again when they are done, or give it more time with --timeout."))
        }
        Asked::TooSlow => {
            let text = format!("the statement took longer than {} s and was ended", time.as_secs_f64());
            Err(Fault::refused(text).hint("Give it more time with --timeout, or ask for less."))
        }
    }
}

/// A child that ran out of memory is told of as a job's; a query's memory is set elsewhere.
fn of_query(fault: Fault) -> Fault {
    let of_job = fault.hint.as_ref().is_some_and(|hint| hint.contains("queue.job_memory"));
    if !of_job {
        return fault;
    }
    fault.hint(
        "Ask for less: fewer columns, a filter, groups of fewer values, a sort by one number; or allow a query more memory in the \
         configuration, `reader.query_memory`.",
    )
}

pub(super) async fn suggest(calls: &Calls, selector: &str) -> Result<Suggestions, Fault> {
    let (row, data) = files::dataset(calls, selector)?;
    calls.saw("view", row.id.as_str(), "suggestions");
    match calls.house.readers.ask(ReadRequest::Suggest { data }).await? {
        ReadAnswer::Suggest(suggestions) => Ok(suggestions),
        _ => other_answer(),
    }
}

pub(super) async fn effect(
    calls: &Calls,
    selector: &str,
    steps: Vec<StepChoice>,
    rows: u64,
) -> Result<Effect, Fault> {
    let (row, data) = files::dataset(calls, selector)?;
    calls.saw("view", row.id.as_str(), "rows");
    match calls.house.readers.ask(ReadRequest::Effect { data, steps, rows: rows.min(EFFECT_ROWS) }).await? {
        ReadAnswer::Effect(effect) => Ok(effect),
        _ => other_answer(),
    }
}

/// Sets what a dataset is, for this file and for what comes with the same header; `None` goes back to what was detected.
pub(super) async fn type_choose(
    calls: &Calls,
    selector: &str,
    name: Option<String>,
) -> Result<FileView, Fault> {
    if let Some(name) = &name {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
            let shown = dropforge_shared::clean::fit(name, 60);
            return Err(Fault::usage(format!("'{shown}' can't be the name of a type"))
                .hint("`dropforge type FILE` lists the types."));
        }
    }
    let (row, _) = files::dataset(calls, selector)?;
    let owner = calls.owner;
    let (row, view) = calls
        .house
        .store
        .write(move |tx| {
            let Some(mut row) = tx.file(&row.id)? else {
                return Err(StoreError::NotFound(format!("the file {} is gone", row.id)));
            };
            if row.facts.kind != Some(FileKind::Dataset) {
                return Err(StoreError::Conflict(format!("the file {} is no dataset any more", row.id)));
            }
            if let Some(fingerprint) = &row.facts.fingerprint {
                tx.set_type_choice(owner, fingerprint, name.as_deref())?;
            }
            row.chosen_type = name.clone();
            row.decide_type(name.clone());
            let row = tx.put_file(row)?;
            let detail = name.as_deref().unwrap_or("as detected");
            tx.append_audit(owner, "type", row.id.as_str(), detail)?;
            let view = files::view(tx, &row)?;
            Ok((row, view))
        })
        .await?;
    calls.house.bus.publish(file_change(&row));
    Ok(view)
}

/// The file of a job that works on a dataset's data must have some.
pub(super) fn check_dataset(calls: &Calls, selector: Option<&str>) -> Result<(), Fault> {
    let Some(selector) = selector else {
        return Err(Fault::usage("preparing needs a file to work on").hint("Name a dataset."));
    };
    let row = calls.house.store.read(|tx| access::file(tx, calls.owner, selector))??;
    files::data_of(calls, &row).map(drop)
}
