//! Removing a file or a job: first a plan of everything that goes, then, with the plan's token, the deed. The store forgets
//! first and the disk is cleared after, so a crash in between leaves only what the next start sweeps up.

use std::fs;
use std::path::Path;

use dropforge_shared::event::Change;
use dropforge_shared::fault::Fault;
use dropforge_shared::ids::{FileId, JobId};
use dropforge_shared::paths::hex;
use dropforge_shared::service::{RemovalItem, RemovalPlan};
use sha2::{Digest, Sha256};

use super::Calls;
use crate::access::{self, Thing};
use crate::store::rows::{FileRow, JobRow, Location};
use crate::store::{ReadTx, StoreError};

fn item(kind: &str, id: &str, name: &str, bytes: u64) -> RemovalItem {
    RemovalItem {
        kind: kind.into(),
        id: id.into(),
        name: dropforge_shared::clean::line(name).into_owned(),
        bytes,
    }
}

pub(super) fn plan(calls: &Calls, selector: &str) -> Result<RemovalPlan, Fault> {
    calls.house.store.read(|tx| match access::thing(tx, calls.owner, selector)? {
        Err(fault) => Ok(Err(fault)),
        Ok(Thing::File(file)) => plan_file(tx, calls, &file),
        Ok(Thing::Job(job)) => plan_job(tx, calls, &job),
    })?
}

fn finished(id: &str, items: Vec<RemovalItem>) -> RemovalPlan {
    let bytes = items.iter().map(|i| i.bytes).sum();
    let mut hash = Sha256::new();
    for item in &items {
        hash.update(format!("{}\0{}\0", item.kind, item.id));
    }
    RemovalPlan { id: id.into(), items, bytes, token: hex(&hash.finalize()[..8]), stays: Vec::new() }
}

fn plan_file(tx: &ReadTx, calls: &Calls, file: &FileRow) -> access::Found<RemovalPlan> {
    // The sheets of a workbook go with it; one of them goes alone.
    let mut files = vec![file.clone()];
    if file.part.is_none() {
        files.extend(tx.parts_of(file)?);
    }
    let mut items = vec![item("file", file.id.as_str(), &file.name, 0)];
    let uses = files.iter().filter(|f| f.location == Location::Blob).count() as u64;
    if uses > 0 && tx.blob_uses(&file.sha256)? <= uses {
        items.push(item("content", &file.sha256, &file.name, file.bytes));
    }
    items.extend(files[1..].iter().map(|part| item("file", part.id.as_str(), &part.name, 0)));
    let mut stays = Vec::new();
    for file in &files {
        let jobs = tx.jobs_of_file(&file.id)?;
        if let Some(active) = jobs.iter().find(|j| !j.state.is_terminal()) {
            return Ok(Err(in_work(active)));
        }
        for job in &jobs {
            items.extend(job_items(calls, job));
            for made in &job.produced {
                // The sheets of a workbook go along.
                if let Some(made) = tx.file(made)?.filter(|made| files.iter().all(|f| f.id != made.id)) {
                    stays.push(item("file", made.id.as_str(), &made.name, made.bytes));
                }
            }
        }
    }
    Ok(Ok(RemovalPlan { stays, ..finished(file.id.as_str(), items) }))
}

fn plan_job(tx: &ReadTx, calls: &Calls, job: &JobRow) -> access::Found<RemovalPlan> {
    if !job.state.is_terminal() {
        return Ok(Err(in_work(job)));
    }
    let file = job.file.as_ref().map(|id| tx.file(id)).transpose()?.flatten();
    if let Some(file) = file.filter(|f| f.job.as_ref() == Some(&job.id)) {
        let name = dropforge_shared::clean::line(&file.name).into_owned();
        return Ok(Err(Fault::refused(format!(
            "the rows and the profile of {name} are outputs of job {}",
            job.id
        ))
        .hint(format!("`dropforge rm {}` removes the file with all that was made of it.", file.id))));
    }
    Ok(Ok(finished(job.id.as_str(), job_items(calls, job))))
}

fn in_work(job: &JobRow) -> Fault {
    Fault::refused(format!("job {} is {}", job.id, job.state.name()))
        .hint(format!("`dropforge cancel {}` first, then remove.", job.id))
}

fn job_items(calls: &Calls, job: &JobRow) -> Vec<RemovalItem> {
    let mut items = vec![item("job", job.id.as_str(), &job.kind, 0)];
    for output in &job.outputs {
        items.push(item("output", job.id.as_str(), &output.name, output.bytes));
    }
    let log = folder_bytes(&calls.house.paths.job_log(&job.id));
    if log > 0 {
        items.push(item("log", job.id.as_str(), "log", log));
    }
    items
}

fn folder_bytes(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(|e| e.metadata().ok()).map(|m| m.len()).sum()
}

pub(super) async fn carry_out(calls: &Calls, id: &str, token: String) -> Result<RemovalPlan, Fault> {
    let plan = plan(calls, id)?;
    if plan.token != token {
        return Err(Fault::refused("what would be removed has changed since it was shown")
            .hint("Look at the list again and confirm once more."));
    }
    let (owner, what) = (calls.owner, plan.id.clone());
    let expected: Vec<JobId> =
        plan.items.iter().filter(|i| i.kind == "job").filter_map(|i| i.id.parse().ok()).collect();
    let files: Vec<FileId> =
        plan.items.iter().filter(|i| i.kind == "file").filter_map(|i| i.id.parse().ok()).collect();
    let jobs = expected.clone();
    let (detail, blob) = (plan.items[0].name.clone(), plan.items.iter().find(|i| i.kind == "content"));
    let blob = blob.map(|i| i.id.clone());
    calls
        .house
        .store
        .write(move |tx| {
            for id in &jobs {
                if tx.job(id)?.is_some_and(|j| !j.state.is_terminal()) {
                    return Err(StoreError::Conflict(format!("job {id} has been started meanwhile")));
                }
            }
            for file in &files {
                if tx.jobs_of_file(file)?.iter().any(|j| !jobs.contains(&j.id)) {
                    return Err(StoreError::Conflict("a new job for this file was queued meanwhile".into()));
                }
            }
            for file in &files {
                let removed = tx.remove_file(file)?;
                // A part that came meanwhile would be left without its book.
                if let Some(book) = removed.filter(|row| row.part.is_none())
                    && tx.parts_of(&book)?.iter().any(|part| !files.contains(&part.id))
                {
                    return Err(StoreError::Conflict("a new part of this file was found meanwhile".into()));
                }
            }
            for id in &jobs {
                tx.remove_job(id)?;
            }
            tx.append_audit(owner, "remove", &what, &detail)
        })
        .await
        .map_err(|e| match e {
            StoreError::Conflict(why) => Fault::refused(format!("nothing was removed: {why}"))
                .hint("Look at the list again and confirm once more."),
            other => other.into(),
        })?;
    let paths = calls.house.paths.clone();
    let (store, intake) = (calls.house.store.clone(), calls.house.inbox.intake().clone());
    super::blocking(move || {
        for id in &expected {
            let _ = fs::remove_dir_all(paths.job_dir(id));
            let _ = fs::remove_dir_all(paths.job_log(id));
        }
        // The same content may have been added again in between: then it stays.
        if let Some(sha) = blob
            && let Err(e) = intake.blobs().remove_unused(&sha, &store)
        {
            tracing::warn!("a removed file's content is swept up at the next start: {e}");
        }
        Ok(())
    })
    .await?;
    calls.house.bus.publish(Change::Removed { id: plan.id.clone() });
    let things = plan.items.iter().filter(|i| matches!(i.kind.as_str(), "job" | "file"));
    for thing in things.filter(|i| i.id != plan.id) {
        calls.house.bus.publish(Change::Removed { id: thing.id.clone() });
    }
    Ok(plan)
}
