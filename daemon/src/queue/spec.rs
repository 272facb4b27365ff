//! What an attempt is given: a folder of its own, its input, its limits, what an earlier attempt left.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use dropforge_shared::fault::Fault;
use dropforge_shared::ids::AttemptId;
use dropforge_shared::kind::KindSpec;
use dropforge_shared::query::settings::{PROJECT, SQL};
use dropforge_shared::work::{Given, Input, JobSpec};

use super::{Queue, earlier};
use crate::store::rows::{FileRow, JobRow, Location};
use crate::tables;

/// The folder that an attempt writes to.
pub(super) fn attempt_dir(queue: &Queue, job: &JobRow, number: u32) -> PathBuf {
    queue.0.paths.job_dir(&job.id).join(format!("attempt-{number}"))
}

/// Makes the attempt's folder and finds its input. The error says whether it may pass.
pub(super) fn prepare(
    queue: &Queue,
    job: &JobRow,
    kind: KindSpec,
    number: u32,
) -> Result<JobSpec, (Fault, bool)> {
    let out_dir = attempt_dir(queue, job, number);
    let made = match fs::remove_dir_all(&out_dir) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e),
        _ => fs::create_dir_all(&out_dir),
    };
    made.map_err(|e| (Fault::failed(format!("can't make the folder {}: {e}", out_dir.display())), true))?;
    let input = match &job.file {
        None => None,
        Some(id) => {
            let row = queue.0.store.read(|tx| tx.file(id)).map_err(|e| (Fault::from(e), true))?;
            let row = row.ok_or_else(|| (Fault::not_found(format!("file {id} is gone")), false))?;
            Some(input(queue, &row).map_err(|fault| (fault, false))?)
        }
    };
    let given = given(queue, job)?;
    let limits = &queue.0.config.queue;
    let memory_bytes = if limits.job_memory.0 > 0 { limits.job_memory.0 } else { kind.memory_bytes };
    Ok(JobSpec {
        attempt: AttemptId { job: job.id.clone(), number },
        kind: job.kind.clone(),
        input,
        out_dir,
        settings: job.settings.clone(),
        memory_bytes,
        cpu_seconds: limits.job_cpu_seconds,
        checkpoint: fs::read(checkpoint_path(queue, job)).ok().map(serde_bytes::ByteBuf::from),
        given,
    })
}

/// What else the child is given: what is known of the file, the datasets that a statement names, the user's rules.
fn given(queue: &Queue, job: &JobRow) -> Result<Given, (Fault, bool)> {
    let paths = &queue.0.paths;
    let passing = |e| (Fault::from(e), true);
    let of_file = match &job.file {
        Some(id) => queue.0.store.read(|tx| tx.file(id)).map_err(passing)?.and_then(|row| row.job),
        None => None,
    };
    let data = of_file.map(|id| paths.job_outputs(&id)).filter(|dir| dir.is_dir());
    if let Some(stage) = job.from.as_ref().filter(|_| data.is_none()) {
        let fault = Fault::failed(format!("the file's data are gone, so the job can't begin at '{stage}'"));
        return Err((fault.hint("`dropforge rerun JOB` without --from makes them anew."), false));
    }
    let resolved = match job.settings.get(SQL) {
        None => tables::Resolved::default(),
        Some(sql) => {
            let project = Some(job.project.clone()).filter(|_| job.settings.contains_key(PROJECT));
            let read = queue.0.store.read(|tx| tables::resolve(tx, paths, job.owner, project.as_ref(), sql));
            read.map_err(passing)?
        }
    };
    let rules = Some(paths.detection.clone()).filter(|dir| dir.is_dir());
    let tables::Resolved { tables, unclear } = resolved;
    let earlier = queue.0.store.read(|tx| earlier::same(tx, paths, job)).map_err(passing)?;
    Ok(Given { data, from: job.from.clone(), earlier, tables, unclear, rules })
}

/// Where a file's bytes lie; a referenced one must still be as it was.
fn input(queue: &Queue, row: &FileRow) -> Result<Input, Fault> {
    let mut sha256 = None;
    let path = match &row.location {
        Location::Blob => queue.0.paths.blob(&row.sha256),
        Location::Referenced { path, mtime_ns } => {
            let path = PathBuf::from(OsStr::from_bytes(path));
            let meta = fs::symlink_metadata(&path)
                .map_err(|e| Fault::failed(format!("the referenced file {}: {e}", path.display())))?;
            let now_ns = meta.mtime() * 1_000_000_000 + meta.mtime_nsec();
            if !meta.is_file() || meta.len() != row.bytes || now_ns != *mtime_ns {
                return Err(Fault::failed(format!("{} has changed since it was added", path.display()))
                    .hint("Add it again: it becomes a new version."));
            }
            // Size and time can be kept while the content changes, and it can change while it is read.
            sha256 = Some(row.sha256.clone());
            path
        }
    };
    Ok(Input { file: row.id.clone(), name: row.name.clone(), path, bytes: row.bytes, sha256 })
}

/// Where an attempt leaves what a later one can go on from.
pub(super) fn checkpoint_path(queue: &Queue, job: &JobRow) -> PathBuf {
    queue.0.paths.job_dir(&job.id).join("checkpoint")
}
