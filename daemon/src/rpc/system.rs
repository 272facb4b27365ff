//! Calls about the daemon itself: status, projects, checks, backups, the audit log.

use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use dropforge_shared::fault::Fault;
use dropforge_shared::handshake::PROTOCOL;
use dropforge_shared::ids::ProjectId;
use dropforge_shared::job::JobState;
use dropforge_shared::service::{
    AuditView, BackupView, DaemonStatus, FsckView, JobCounts, ProjectView, Swept,
};
use dropforge_shared::time::Timestamp;

use super::{Calls, blocking, limit};
use crate::store::rows::ProjectRow;
use crate::store::{self, StoreError};

pub(super) fn status(calls: &Calls) -> Result<DaemonStatus, Fault> {
    let house = &calls.house;
    let count = |state| house.store.read(|tx| tx.job_count(state)).unwrap_or(0);
    let peer = house.peer();
    Ok(DaemonStatus {
        pid: peer.pid,
        version: peer.version,
        protocol: PROTOCOL,
        uptime_s: peer.uptime_s,
        rss_bytes: peer.rss_bytes,
        home: peer.home,
        inbox: peer.inbox,
        jobs: JobCounts {
            queued: peer.queued,
            running: peer.running,
            done: count(JobState::Done),
            failed: count(JobState::Failed),
            cancelled: count(JobState::Cancelled),
            dead: count(JobState::Dead),
        },
        store_error: house.store.health(),
        inbox_mode: house.inbox.status().mode,
    })
}

/// What is said of a project that is not there.
pub(super) fn no_project(name: &str) -> Fault {
    let name = dropforge_shared::clean::fit(name, 60);
    Fault::not_found(format!("no project '{name}'"))
        .hint(format!("`dropforge project create '{name}'` makes it."))
}

fn project_view(row: ProjectRow) -> ProjectView {
    ProjectView { id: row.id.to_string(), name: row.name, created_at: row.created_at, archived: row.archived }
}

pub(super) fn projects(calls: &Calls) -> Result<Vec<ProjectView>, Fault> {
    Ok(calls.house.store.read(|tx| tx.projects(calls.owner))?.into_iter().map(project_view).collect())
}

pub(super) async fn project_create(calls: &Calls, name: String) -> Result<ProjectView, Fault> {
    let fits = !name.trim().is_empty()
        && name.len() <= 100
        && name.trim() == name
        && !name.starts_with('.')
        && !name.chars().any(|c| c == '/' || c.is_control());
    if !fits {
        return Err(Fault::usage(format!("'{}' can't be a project's name", dropforge_shared::clean::fit(&name, 60)))
            .hint("A name has 1 to 100 bytes, no '/', no control characters, no blanks at its ends, no leading '.'."));
    }
    let owner = calls.owner;
    let row = calls
        .house
        .store
        .write(move |tx| {
            if tx.project_named(owner, &name)?.is_some() {
                return Err(StoreError::Conflict(format!("there is a project '{name}' already")));
            }
            let row = ProjectRow {
                id: ProjectId::random(),
                owner,
                name: name.clone(),
                created_at: Timestamp::now(),
                archived: false,
            };
            let row = tx.put_project(row)?;
            tx.append_audit(owner, "project_create", row.id.as_str(), &row.name)?;
            Ok(row)
        })
        .await?;
    Ok(project_view(row))
}

pub(super) async fn fsck(calls: &Calls, repair: bool) -> Result<FsckView, Fault> {
    let (store, owner) = (calls.house.store.clone(), calls.owner);
    blocking(move || {
        let begun = std::time::Instant::now();
        let report = store.fsck(repair)?;
        if report.repaired {
            let detail = format!("{} found, {} left", report.problems.len(), report.remaining.len());
            store.write_blocking(move |tx| tx.append_audit(owner, "fsck", "", &detail))?;
        }
        let rows = [
            ("files", report.files),
            ("jobs", report.jobs),
            ("projects", report.projects),
            ("audit", report.audit),
        ];
        let left = if report.repaired { &report.remaining } else { &report.problems };
        let mended = report.problems.len().saturating_sub(report.remaining.len());
        Ok(FsckView {
            rows: rows.map(|(name, n)| (name.to_owned(), n)).into(),
            problems: left.iter().map(ToString::to_string).collect(),
            repaired: if report.repaired { mended as u64 } else { 0 },
            pages_skipped: report.pages_skipped,
            took_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        })
    })
    .await
}

pub(super) async fn gc(calls: &Calls, all: bool) -> Result<Swept, Fault> {
    let (queue, store, owner) = (calls.house.queue.clone(), calls.house.store.clone(), calls.owner);
    blocking(move || {
        let swept = queue.sweep_now(Some(owner), all)?;
        if swept.readings > 0 {
            let detail = format!("{} earlier readings, {} bytes", swept.readings, swept.bytes);
            store.write_blocking(move |tx| tx.append_audit(owner, "remove", "", &detail))?;
        }
        Ok(swept)
    })
    .await
}

pub(super) async fn backup(calls: &Calls, path: serde_bytes::ByteBuf) -> Result<BackupView, Fault> {
    let to = PathBuf::from(std::ffi::OsString::from_vec(path.into_vec()));
    if !to.is_absolute() {
        return Err(Fault::usage(format!("the backup's path {} is not absolute", to.display())));
    }
    let (store, paths, owner) = (calls.house.store.clone(), calls.house.paths.clone(), calls.owner);
    blocking(move || {
        let report = store.backup(&paths, &to)?;
        let detail = to.display().to_string();
        store.write_blocking(move |tx| tx.append_audit(owner, "backup", "", &detail))?;
        Ok(BackupView {
            path: to.display().to_string(),
            files: report.files,
            bytes: report.bytes,
            problems: report.problems,
        })
    })
    .await
}

pub(super) fn audit(calls: &Calls, before: u64, wanted: u32) -> Result<Vec<AuditView>, Fault> {
    let before = (before > 0).then_some(before);
    // One more, for the last to be held against.
    let wanted = limit(wanted);
    let rows = calls.house.store.read(|tx| tx.audit(before, wanted + 1))?;
    let mut views = Vec::new();
    for (at, row) in rows.iter().enumerate().take(wanted).filter(|(_, row)| row.uid == calls.owner) {
        views.push(AuditView {
            seq: row.seq,
            at: row.at,
            uid: row.uid,
            action: row.action.clone(),
            what: row.what.clone(),
            detail: row.detail.clone(),
            hash: row.hash.clone(),
            previous: row.previous.clone(),
            broken: store::broken_entry(row, rows.get(at + 1).map(|older| (older.seq, older.hash.as_str()))),
        });
    }
    Ok(views)
}
