//! The one commit by which a file comes into being with its job, or is found to be there already.
//!
//! Must not know: where the bytes come from, who is told.

use dropforge_shared::file::FileState;
use dropforge_shared::ids::JobId;

use crate::store::rows::{FileRow, JobRow, Location};
use crate::store::{StoreError, WriteTx};

/// What a commit did.
pub(super) enum Commit {
    /// A new file, with its job.
    New,
    /// The content was there; a job if it is processed again.
    Duplicate { first: Box<FileRow>, same: bool, job: Option<JobId> },
    /// The content that was to be shared is gone since it was looked for.
    Again,
}

/// When a content that is there is processed again.
#[derive(Clone, Copy)]
pub(super) struct Again {
    /// A user or the configuration asks for it.
    pub(super) wanted: bool,
    /// But not under the same name.
    pub(super) not_same: bool,
}

/// The commit. It may be run more than once, and may find that it was done before.
pub(super) fn commit(
    tx: &mut WriteTx,
    row: &FileRow,
    job: &JobRow,
    available: Option<Location>,
    intact: bool,
    again: Again,
) -> Result<Commit, StoreError> {
    if tx.file(&row.id)?.is_some() {
        return Ok(Commit::New);
    }
    let same = |r: &FileRow| r.project == row.project && r.name == row.name;
    let mut rows = tx.files_with_sha(row.owner, &row.sha256)?;
    // The same thing first, then the oldest.
    rows.sort_by_key(|r| (!same(r), r.seq));
    if let Some(mut first) = rows.into_iter().next() {
        let again = again.wanted && !(again.not_same && same(&first));
        // What was just read stands in for an original that was changed or removed.
        let stand_in = available.filter(|_| !intact).filter(|found| *found != first.location);
        let revived = again && first.state == FileState::Failed;
        if revived {
            first.state = FileState::Ingesting;
            first.error = None;
        }
        if stand_in.is_some() || revived {
            first.location = stand_in.unwrap_or(first.location);
            first = tx.put_file(first)?;
        }
        let mut queued = None;
        if again {
            let mut job = job.clone();
            job.project = first.project.clone();
            job.file = Some(first.id.clone());
            queued = Some(tx.put_job(job)?.id);
            tx.append_audit(row.owner, "reprocess", first.id.as_str(), &format!("{} again", row.name))?;
        }
        return Ok(Commit::Duplicate { same: same(&first), first: Box::new(first), job: queued });
    }
    if available.is_none() {
        return Ok(Commit::Again);
    }
    let mut row = row.clone();
    let versions = tx.versions_of(row.owner, &row.project, &row.name)?;
    row.version = versions.iter().map(|v| v.version).max().unwrap_or(0) + 1;
    let detail = format!("{} version {}, {} bytes", row.name, row.version, row.bytes);
    let row = tx.put_file(row)?;
    tx.put_job(job.clone())?;
    tx.append_audit(row.owner, "add", row.id.as_str(), &detail)?;
    Ok(Commit::New)
}
