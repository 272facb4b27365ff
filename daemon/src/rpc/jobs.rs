//! Calls about jobs: lists, waiting, submitting, cancelling, doing again, logs and outputs.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;

use dropforge_shared::clean;
use dropforge_shared::detection::DETECTION;
use dropforge_shared::fault::Fault;
use dropforge_shared::file::FileState;
use dropforge_shared::ids::ProjectId;
use dropforge_shared::job::{JobState, JobView, LogChunk, LogLevel};
use dropforge_shared::kind::JobClass;
use dropforge_shared::query::settings as query;
use dropforge_shared::reading::{READING, settings as reading};
use dropforge_shared::service::{Chunk, JobQuery, Listing, Submission};
use dropforge_shared::suggest;
use dropforge_shared::time::Timestamp;

use super::{Calls, limit};
use crate::access;
use crate::inbox::commit;
use crate::joblog;
use crate::store::rows::{FileRow, INGEST, JobRow};
use crate::store::{ReadTx, StoreError};

/// The kind that runs steps on a dataset.
pub(super) const PREPARE: &str = "prepare";
/// The kind that saves what a statement gives.
pub(super) const QUERY: &str = "query";
/// Outputs that screens and verbs show; what else is read is taken out.
const SEEN: [&str; 3] = ["profile.json", READING, DETECTION];

fn view(calls: &Calls, tx: &ReadTx, row: &JobRow) -> Result<JobView, StoreError> {
    let project = tx.project(&row.project)?.map_or_else(String::new, |p| p.name);
    let file_name = row.file.as_ref().map(|id| tx.file(id)).transpose()?.flatten().map(|f| f.name);
    let mut view = row.view(project, file_name);
    if row.state == JobState::Running {
        let (progress, stage) = calls.house.queue.live(&row.id);
        view.progress = progress;
        view.stage = stage.or(view.stage);
    }
    Ok(view)
}

pub(super) fn list(calls: &Calls, query: &JobQuery) -> Result<Listing<JobView>, Fault> {
    let wanted = limit(query.limit);
    Ok(calls.house.store.read(|tx| {
        let rows = tx.jobs(Some(calls.owner), query.state, query.after, wanted)?;
        let next = if rows.len() == wanted { rows.last().map(|r| r.seq) } else { None };
        let items = rows.iter().map(|r| view(calls, tx, r)).collect::<Result<_, _>>()?;
        Ok(Listing { items, next })
    })?)
}

fn find(calls: &Calls, selector: &str) -> Result<JobRow, Fault> {
    calls.house.store.read(|tx| access::job(tx, calls.owner, selector))?
}

pub(super) fn one(calls: &Calls, selector: &str) -> Result<JobView, Fault> {
    let row = find(calls, selector)?;
    Ok(calls.house.store.read(|tx| view(calls, tx, &row))?)
}

pub(super) async fn wait_for(calls: &Calls, selector: &str, wait: Duration) -> Result<JobView, Fault> {
    let row = find(calls, selector)?;
    let deadline = tokio::time::Instant::now() + wait;
    // The place in the stream is taken before the look, so that what happens in between is not missed.
    let mut cursor = calls.house.bus.newest();
    loop {
        let view = one(calls, row.id.as_str())?;
        let left = deadline.saturating_duration_since(tokio::time::Instant::now());
        if view.state.is_terminal() || left.is_zero() {
            return Ok(view);
        }
        cursor = calls.house.bus.after(cursor, left).await.cursor;
    }
}

/// The longest name of a file in bytes, as file systems have it.
const MAX_NAME: usize = 255;

/// Whether a file that a job makes can be called so. Said before it runs, as it may run long.
fn check_name(name: Option<&String>) -> Result<(), Fault> {
    let Some(name) = name else { return Ok(()) };
    let bad = name.trim().is_empty()
        || name.len() > MAX_NAME
        || name.starts_with('.')
        || name.contains(['/', '\\'])
        || name.chars().any(char::is_control);
    if bad {
        return Err(Fault::usage(format!("'{}' can't be a file's name", clean::fit(name, 60))).hint(
            "A name has 1 to 255 bytes, no folders and no control characters, and does not begin with a dot.",
        ));
    }
    Ok(())
}

pub(super) async fn submit(calls: &Calls, submission: Submission) -> Result<JobView, Fault> {
    calls.house.queue.refuse(&submission.kind, &submission.settings)?;
    let owner = calls.owner;
    let file = match &submission.file {
        None => None,
        Some(selector) => Some(calls.house.store.read(|tx| access::file(tx, owner, selector))??),
    };
    let project = match &file {
        Some(file) => file.project.clone(),
        None => calls.house.default_project(owner).await?,
    };
    let mut settings = submission.settings;
    let mut project = project;
    match (submission.kind.as_str(), &file) {
        (INGEST, Some(file)) => settings = for_reading(file, settings)?,
        (PREPARE, _) => {
            super::data::check_dataset(calls, file.as_ref().map(|f| f.id.as_str()))?;
            check_name(settings.get(suggest::settings::NAME).filter(|name| !name.trim().is_empty()))?;
        }
        // A dataset's rows in another form.
        (QUERY, Some(file)) if !settings.contains_key(query::SQL) => {
            super::data::check_dataset(calls, Some(file.id.as_str()))?;
        }
        (QUERY, _) => project = check_query(calls, &settings, project)?,
        _ => {}
    }
    let mut row = JobRow::queued(&submission.kind, owner, project, file.map(|f| f.id));
    row.settings = settings;
    row.may_reuse = true;
    row.priority = submission.priority;
    row.idempotency = submission.idempotency;
    enqueue(calls, row, "submit").await
}

/// The settings that a file is read with: what was set before, and the new on top. A part is always read as itself.
fn for_reading(file: &FileRow, new: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Fault> {
    let mut settings = commit::set(&file.settings, &new);
    if let Some(part) = &file.part {
        if settings.get(reading::SHEET).is_some_and(|sheet| sheet != part) {
            return Err(Fault::usage(format!("{} is the part '{part}'", clean::line(&file.name)))
                .hint("Name the file of that part, or the whole one."));
        }
        settings.insert(reading::SHEET.into(), part.clone());
    }
    Ok(settings)
}

/// A statement that is to be saved: it is there, and so is the project that it names. Answers with the project that the result goes to.
fn check_query(
    calls: &Calls,
    settings: &BTreeMap<String, String>,
    usual: ProjectId,
) -> Result<ProjectId, Fault> {
    if settings.get(query::SQL).is_none_or(|sql| sql.trim().is_empty()) {
        return Err(Fault::usage(format!("a job of kind '{QUERY}' needs the setting '{}'", query::SQL)));
    }
    let name = settings.get(query::NAME).ok_or_else(|| {
        Fault::usage(format!("a job of kind '{QUERY}' needs the setting '{}'", query::NAME))
    })?;
    check_name(Some(name))?;
    let Some(name) = settings.get(query::PROJECT) else { return Ok(usual) };
    let project = calls.house.store.read(|tx| tx.project_named(calls.owner, name))?;
    Ok(project.ok_or_else(|| super::system::no_project(name))?.id)
}

/// Queues a job in one commit; the same idempotency key queues once.
async fn enqueue(calls: &Calls, row: JobRow, action: &'static str) -> Result<JobView, Fault> {
    let owner = calls.owner;
    let takes_in = calls.house.queue.class_of(&row.kind) == Some(JobClass::Ingest);
    let row = calls
        .house
        .store
        .write(move |tx| {
            if let Some(key) = &row.idempotency
                && let Some(id) = tx.job_by_idempotency(owner, key)?
                && let Some(there) = tx.job(&id)?
            {
                return Ok(there);
            }
            if let Some(id) = &row.file {
                let Some(mut file) = tx.file(id)? else {
                    return Err(StoreError::NotFound(format!("the file {id} is gone")));
                };
                // A file without data waits for a job that takes files in; one with data stays readable meanwhile.
                if takes_in && file.job.is_none() && file.state != FileState::Ingesting {
                    file.state = FileState::Ingesting;
                    file.error = None;
                    tx.put_file(file)?;
                }
            }
            let put = tx.put_job(row.clone())?;
            tx.append_audit(owner, action, put.id.as_str(), &put.kind)?;
            Ok(put)
        })
        .await
        // A commit that failed may be there all the same: then somebody must look.
        .inspect_err(|_| calls.house.queue.wake())?;
    calls.house.queue.announce(&row);
    calls.house.queue.wake();
    Ok(calls.house.store.read(|tx| view(calls, tx, &row))?)
}

pub(super) async fn cancel(calls: &Calls, selector: &str) -> Result<JobView, Fault> {
    let id = find(calls, selector)?.id;
    let row = calls.house.queue.cancel(id, calls.owner).await?;
    Ok(calls.house.store.read(|tx| view(calls, tx, &row))?)
}

/// A new job like an old one: a terminal state is final, so what is done again is a job of its own.
fn like(old: &JobRow) -> JobRow {
    let mut row = JobRow::queued(&old.kind, old.owner, old.project.clone(), old.file.clone());
    row.settings = old.settings.clone();
    row.from = old.from.clone();
    row.may_reuse = old.may_reuse;
    row.priority = old.priority;
    row
}

pub(super) async fn retry(calls: &Calls, selector: &str) -> Result<JobView, Fault> {
    let old = find(calls, selector)?;
    match old.state {
        JobState::Failed | JobState::Dead | JobState::Cancelled => {}
        JobState::Done => {
            return Err(
                Fault::refused(format!("job {} is done", old.id)).hint("`dropforge rerun` does it again.")
            );
        }
        state => return Err(Fault::refused(format!("job {} is {} still", old.id, state.name()))),
    }
    again(calls, &old, "retry").await
}

pub(super) async fn rerun(calls: &Calls, selector: &str, from: Option<String>) -> Result<JobView, Fault> {
    let old = find(calls, selector)?;
    if !old.state.is_terminal() {
        return Err(Fault::refused(format!("job {} is {} still", old.id, old.state.name()))
            .hint("Wait for it, or cancel it first."));
    }
    if let Some(stage) = &from {
        may_begin_at(calls, &old, stage)?;
    }
    // Without a stage it is done from its beginning, whatever the old one did.
    again(calls, &JobRow { from, may_reuse: false, ..old }, "rerun").await
}

/// Whether a job can be done again from a stage on: its kind can, and the file has data.
fn may_begin_at(calls: &Calls, old: &JobRow, stage: &str) -> Result<(), Fault> {
    let stages = calls.house.queue.stages_of(&old.kind);
    if !stages.contains(&stage) {
        let stage = clean::fit(stage, 40);
        let fault = Fault::refused(format!("a job of kind '{}' can't begin at '{stage}'", old.kind));
        return Err(fault.hint(if stages.is_empty() {
            "It keeps no state between its stages; leave out --from.".to_owned()
        } else {
            format!("It can begin at: {}. Without --from it is done from its beginning.", stages.join(", "))
        }));
    }
    let file = old.file.as_ref().map(|id| calls.house.store.read(|tx| tx.file(id))).transpose()?.flatten();
    let data = file
        .as_ref()
        .ok_or_else(|| Fault::failed("its file is gone"))
        .and_then(|file| super::files::data_of(calls, file));
    data.map(drop).map_err(|why| {
        Fault::refused(format!("the job can't begin at '{stage}', as there are no data: {}", why.message))
            .hint("Without --from it is done from its beginning.")
    })
}

async fn again(calls: &Calls, old: &JobRow, action: &'static str) -> Result<JobView, Fault> {
    calls.house.queue.refuse(&old.kind, &old.settings)?;
    let view = enqueue(calls, like(old), action).await?;
    calls.house.queue.note(old, LogLevel::Info, &format!("done again as job {}", view.id));
    Ok(view)
}

pub(super) async fn log_read(
    calls: &Calls,
    selector: &str,
    offset: u64,
    wanted: u32,
    wait: Duration,
) -> Result<LogChunk, Fault> {
    let id = find(calls, selector)?.id;
    if offset == 0 {
        calls.saw("view", id.as_str(), "log");
    }
    let deadline = tokio::time::Instant::now() + wait;
    let mut ticks = calls.house.queue.log_ticks();
    loop {
        // First the state, then the lines: once it is terminal, every line is there.
        let state = calls.house.store.read(|tx| tx.job(&id))?.map(|j| j.state);
        let Some(state) = state else { return Err(Fault::not_found(format!("job {id} is gone"))) };
        ticks.mark_unchanged();
        let dir = calls.house.paths.job_log(&id);
        let wanted = limit(wanted);
        let piece = super::blocking(move || {
            joblog::read(&dir, offset, wanted)
                .map_err(|e| Fault::failed(format!("can't read the log in {}: {e}", dir.display())))
        })
        .await?;
        // The closing line of a job comes just after its terminal state; give it a moment to arrive.
        let finished = state.is_terminal()
            && piece.entries.is_empty()
            && calls.house.store.read(|tx| tx.job(&id))?.is_none_or(|j| settled_for(&j) > 1_000);
        let left = deadline.saturating_duration_since(tokio::time::Instant::now());
        if !piece.entries.is_empty() || finished || left.is_zero() {
            return Ok(LogChunk { entries: piece.entries, next: piece.next, oldest: piece.oldest, finished });
        }
        let pause = if state.is_terminal() { left.min(Duration::from_millis(200)) } else { left };
        let _ = tokio::time::timeout(pause, ticks.changed()).await;
    }
}

/// Milliseconds since a job ended.
fn settled_for(job: &JobRow) -> i64 {
    job.finished_at.map_or(0, |t| (Timestamp::now().0 - t.0).abs())
}

pub(super) async fn output_read(
    calls: &Calls,
    selector: &str,
    name: String,
    offset: u64,
) -> Result<Chunk, Fault> {
    let row = find(calls, selector)?;
    let Some(output) = row.outputs.iter().find(|o| o.name == name) else {
        let names: Vec<&str> = row.outputs.iter().map(|o| o.name.as_str()).collect();
        let shown = dropforge_shared::clean::fit(&name, 80);
        let fault = Fault::not_found(format!("job {} has no output '{shown}'", row.id));
        return Err(if names.is_empty() {
            fault
        } else {
            fault.hint(format!("It has: {}.", names.join(", ")))
        });
    };
    let action = if SEEN.contains(&name.as_str()) { "view" } else { "export" };
    calls.saw(action, row.id.as_str(), &name);
    let total = output.bytes;
    let path = calls.house.paths.job_outputs(&row.id).join(&output.name);
    super::blocking(move || {
        let failed =
            |e: std::io::Error| Fault::failed(format!("can't read the output {}: {e}", path.display()));
        let mut file = std::fs::File::open(&path).map_err(failed)?;
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        let mut bytes = Vec::new();
        file.take(Chunk::MAX as u64).read_to_end(&mut bytes).map_err(failed)?;
        Ok(Chunk { bytes: bytes.into(), total })
    })
    .await
}
