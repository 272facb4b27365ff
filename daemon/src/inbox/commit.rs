//! The one commit by which a file comes into being with its job, or is found to be there already.
//!
//! Must not know: where the bytes come from, who is told.

use std::collections::BTreeMap;

use dropforge_shared::file::FileState;
use dropforge_shared::ids::{FileId, JobId};

use crate::store::rows::{FileRow, JobRow, Location};
use crate::store::{StoreError, WriteTx};

/// What a commit did.
pub(super) enum Commit {
    /// A new file, with its job.
    New,
    /// The content was there; a job if it is processed again.
    Duplicate { first: Box<FileRow>, same: bool, job: Option<JobId> },
    /// It was done before under the same key: its file, its job, and whether the content had been there then.
    Before { file: FileId, duplicate_of: Option<FileId>, job: JobId },
    /// The content that was to be shared is gone since it was looked for.
    Again,
}

/// When a content that is there is processed again.
#[derive(Clone)]
pub(super) struct Again {
    /// A user or the configuration asks for it.
    pub(super) wanted: bool,
    /// But not under the same name.
    pub(super) not_same: bool,
    /// How it is to be read then, beyond what was set before.
    pub(super) settings: BTreeMap<String, String>,
}

/// Settings for reading with new ones on top. An empty value takes one back: what it says is found again.
pub(crate) fn set(
    before: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut all = before.clone();
    for (name, value) in new {
        if value.is_empty() {
            all.remove(name);
        } else {
            all.insert(name.clone(), value.clone());
        }
    }
    all
}

/// The commit. It may be run more than once, and may find that it was done before.
pub(super) fn commit(
    tx: &mut WriteTx,
    row: &FileRow,
    job: &JobRow,
    available: Option<Location>,
    intact: bool,
    again: &Again,
) -> Result<Commit, StoreError> {
    if tx.file(&row.id)?.is_some() {
        return Ok(Commit::New);
    }
    if let Some(before) = before(tx, row, job)? {
        return Ok(before);
    }
    let same = |r: &FileRow| r.project == row.project && r.name == row.name;
    let all = tx.files_with_sha(row.owner, &row.sha256)?;
    // A sheet of a workbook shares its content but is not the same thing; a project has its own files, which share theirs too.
    let mut rows: Vec<FileRow> =
        all.iter().filter(|r| r.part.is_none() && r.project == row.project).cloned().collect();
    // The same thing first, then the oldest.
    rows.sort_by_key(|r| (!same(r), r.seq));
    if let Some(mut first) = rows.into_iter().next() {
        // What could not be read before is tried again: to say that it is there would help nobody.
        let failed = first.state == FileState::Failed;
        let wanted = (again.wanted || failed) && !(again.not_same && same(&first));
        // What was just read stands in for an original that was changed or removed.
        let stand_in = available.filter(|_| !intact).filter(|found| *found != first.location);
        let revived = wanted && failed;
        if revived {
            first.state = FileState::Ingesting;
            first.error = None;
        }
        if stand_in.is_some() || revived {
            if let Some(location) = stand_in {
                for part in tx.parts_of(&first)? {
                    tx.put_file(FileRow { location: location.clone(), ..part })?;
                }
                first.location = location;
            }
            first = tx.put_file(first)?;
        }
        let mut queued = None;
        if wanted {
            let mut job = job.clone();
            job.project = first.project.clone();
            job.file = Some(first.id.clone());
            // The row gets them when the job is done: until then its data are those of the settings before.
            job.settings = set(&first.settings, &again.settings);
            queued = Some(tx.put_job(job)?.id);
            tx.append_audit(row.owner, "reprocess", first.id.as_str(), &format!("{} again", row.name))?;
        }
        return Ok(Commit::Duplicate { same: same(&first), first: Box::new(first), job: queued });
    }
    // Where another project refers to it: that may have gone since.
    if available.is_none() && all.iter().all(|r| r.location != row.location) {
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

/// What the job's key was used for before, where that was this content.
fn before(tx: &WriteTx, row: &FileRow, job: &JobRow) -> Result<Option<Commit>, StoreError> {
    let Some(key) = &job.idempotency else { return Ok(None) };
    let Some(id) = tx.job_by_idempotency(row.owner, key)? else { return Ok(None) };
    let file = tx.job(&id)?.and_then(|job| job.file).map(|file| tx.file(&file)).transpose()?.flatten();
    let Some(file) = file.filter(|file| file.sha256 == row.sha256) else { return Ok(None) };
    let first = tx.jobs_of_file(&file.id)?.into_iter().min_by_key(|job| job.seq).map(|job| job.id);
    let duplicate_of = (first.as_ref() != Some(&id)).then(|| file.id.clone());
    Ok(Some(Commit::Before { file: file.id, duplicate_of, job: id }))
}
