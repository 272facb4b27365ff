//! After a start: what the store calls running belongs to a daemon that is gone. Its children are ended for good, and each
//! job is queued again, given up, or cancelled, before anything new starts.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use dropforge_shared::identity::ProcessIdentity;
use dropforge_shared::job::{AttemptEnd, JobState, LogEntry, LogLevel};
use dropforge_shared::paths::Paths;
use dropforge_shared::time::Timestamp;
use rustix::process::{Pid, Signal};

use super::{follow, settle};
use crate::joblog;
use crate::store::rows::JobRow;
use crate::store::{Store, StoreError};

/// How long a killed child may take to be gone.
const GONE: Duration = Duration::from_secs(5);

/// Puts right what a daemon that did not stop in good order left. Runs before the queue, the inbox and the calls.
pub fn recover(
    store: &Store,
    paths: &Paths,
    config: &dropforge_shared::config::Queue,
) -> Result<usize, StoreError> {
    let lost = store.read(|tx| tx.jobs_in(JobState::Running))?;
    for job in &lost {
        if let Some(lease) = job.attempts.last().and_then(|a| a.lease.as_ref()) {
            end_for_good(lease);
        }
    }
    let ids: Vec<_> = lost.iter().map(|j| j.id.clone()).collect();
    let (config, now, told) = (config.clone(), Timestamp::now(), config.job_log_bytes.0);
    let lost_ids = ids.clone();
    let why = "the daemon went away while it ran";
    store.write_blocking(move |tx| {
        for id in &ids {
            let Some(mut row) = tx.job(id)?.filter(|r| r.state == JobState::Running) else { continue };
            if let Some(attempt) = row.attempts.last_mut() {
                settle::close_attempt(attempt, AttemptEnd::Lost, Some(why.into()), now, 0);
            }
            settle::strike(&mut row, why, &config, settle::uniform(), now);
            // The fault was not the job's: it need not wait, only be counted.
            row.not_before = None;
            follow::file_follows(tx, &row)?;
            tx.put_job(row)?;
        }
        Ok(())
    })?;
    for id in &lost_ids {
        if let Some(row) = store.read(|tx| tx.job(id))? {
            tell(&row, why, &paths.job_log(id), told);
        }
    }
    if let Err(e) = sweep(store, paths) {
        tracing::error!("what is left over from before was not swept up: {e}; run `dropforge fsck`");
    }
    Ok(lost.len())
}

/// Says in a job's log what became of it. A log that can't be written must not stop the start.
fn tell(row: &JobRow, why: &str, log: &Path, bound: u64) {
    let (level, text) = match row.state {
        JobState::Queued => (LogLevel::Warn, format!("{why}; queued again")),
        JobState::Cancelled => (LogLevel::Info, "cancelled".to_owned()),
        _ => (LogLevel::Error, row.error.clone().unwrap_or_else(|| why.to_owned())),
    };
    let attempt = row.attempts.last().map_or(0, |a| a.number);
    let entry = LogEntry { at: Timestamp::now(), attempt, level, source: "daemon".into(), text };
    let written =
        joblog::Writer::open(log, bound).and_then(|mut log| log.append(&entry).and_then(|()| log.flush()));
    if let Err(e) = written {
        tracing::warn!("can't write the log of job {}: {e}", row.id);
    }
}

/// Kills a child that outlived its daemon, if that very process still lives, with its group.
fn end_for_good(lease: &ProcessIdentity) {
    let Some(pid) = i32::try_from(lease.pid).ok().and_then(Pid::from_raw) else { return };
    let deadline = Instant::now() + GONE;
    while lease.is_alive() {
        // Each child leads a group of its own.
        let _ = rustix::process::kill_process_group(pid, Signal::KILL);
        let _ = rustix::process::kill_process(pid, Signal::KILL);
        if Instant::now() > deadline {
            tracing::error!("process {} of an earlier daemon can't be killed", lease.pid);
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Removes what no row knows: folders of jobs that were removed, attempts that ended, contents of files that were removed.
/// Nothing else runs yet, so what no row knows will not be known a moment later.
///
/// Where a repair has set rows aside, or rows can't be read, what they name must stay: then nothing is swept.
fn sweep(store: &Store, paths: &Paths) -> Result<(), StoreError> {
    if store.read(|tx| tx.anything_set_aside())? {
        tracing::warn!("rows were set aside by a repair: nothing is swept up");
        return Ok(());
    }
    let names = |dir: &std::path::Path| -> Vec<String> {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        entries.filter_map(|e| e.file_name().into_string().ok()).collect()
    };
    let mut jobs: HashSet<String> = names(&paths.runs).into_iter().collect();
    jobs.extend(names(&paths.logs.join("jobs")));
    for name in jobs {
        let Ok(id) = name.parse() else { continue };
        let Some(row) = store.read(|tx| tx.job(&id))? else {
            let _ = fs::remove_dir_all(paths.job_dir(&id));
            let _ = fs::remove_dir_all(paths.job_log(&id));
            continue;
        };
        if row.state.is_terminal() && row.outputs.is_empty() {
            // An earlier reading whose time was over.
            let _ = fs::remove_dir_all(paths.job_outputs(&id));
        }
        for entry in names(&paths.job_dir(&id)).iter().filter(|n| n.starts_with("attempt-")) {
            let _ = fs::remove_dir_all(paths.job_dir(&id).join(entry));
        }
    }
    for head in names(&paths.blobs).iter().filter(|n| n.len() == 2) {
        for tail in names(&paths.blobs.join(head)) {
            let sha = format!("{head}{tail}");
            if sha.len() == 64 && store.read(|tx| tx.blob_uses(&sha))? == 0 {
                let _ = fs::remove_file(paths.blob(&sha));
            }
        }
    }
    Ok(())
}
