//! What the end of an attempt means for its job: done, failed, tried again after a pause, given up, cancelled, or queued
//! again. One commit decides, and only if the attempt still is the one that runs.

use std::fs;

use dropforge_shared::event::Change;
use dropforge_shared::failpoint;
use dropforge_shared::fault::Fault;
use dropforge_shared::file::{FileFacts, FileState};
use dropforge_shared::job::{AttemptEnd, JobState, LogLevel, Output};
use dropforge_shared::time::Timestamp;

use super::attempt::Ending;
use super::spec::attempt_dir;
use super::{Queue, StopReason, is_current, outputs, schedule, unavailable};
use crate::store::rows::{AttemptRow, FileRow, JobRow};
use crate::store::{StoreError, WriteTx};

/// What becomes of the job.
#[derive(Debug, Clone)]
enum Verdict {
    Done(Vec<Output>, Option<FileFacts>),
    Failed(Fault),
    /// Again after a pause if it has tries left, else given up.
    Strike(AttemptEnd, String),
    Cancelled,
    Requeued,
}

/// Records how an attempt ended. Waits for the store as long as it takes: a result must not be lost to a full disk.
pub(super) async fn settle(queue: &Queue, job: JobRow, number: u32, ending: Ending, peak_rss: u64) {
    let dir = attempt_dir(queue, &job, number);
    let verdict = match ending {
        Ending::Done(outputs, facts) => {
            let out = queue.0.paths.job_outputs(&job.id);
            match outputs::publish(&dir, &out, &outputs) {
                Ok(()) => Verdict::Done(outputs, facts),
                Err(e) => {
                    Verdict::Strike(AttemptEnd::Transient, format!("its outputs could not be kept: {e}"))
                }
            }
        }
        Ending::Failed(fault, false) => Verdict::Failed(fault),
        Ending::Failed(fault, true) => Verdict::Strike(AttemptEnd::Transient, fault.to_string()),
        Ending::Crashed(why) => Verdict::Strike(AttemptEnd::Crashed, why),
        Ending::Stopped(StopReason::Cancelled) => Verdict::Cancelled,
        Ending::Stopped(StopReason::Shutdown) => Verdict::Requeued,
    };
    let config = queue.0.config.queue.clone();
    let id = job.id.clone();
    let random = uniform();
    let ended_at = Timestamp::now();
    let stage = queue.live(&job.id).1;
    let settled = queue
        .0
        .store
        .persist(move |tx| {
            failpoint::pass("queue.settle.commit").map_err(unavailable)?;
            let Some(mut row) = tx.job(&id)?.filter(|r| is_current(r, number)) else { return Ok(None) };
            row.stage = stage.clone();
            apply(tx, row, &verdict, &config, random, ended_at, peak_rss).map(Some)
        })
        .await;
    // First the record, then the place: no later attempt can have begun before the record was made, and only this attempt's
    // entry goes.
    {
        let mut running = queue.running();
        if running.get(&job.id).is_some_and(|r| r.number == number) {
            running.remove(&job.id);
        }
    }
    // Published outputs were renamed away; what is left of any other end is of no use.
    let _ = fs::remove_dir_all(&dir);
    match settled {
        // Who hears the event finds the job as the event says.
        Ok(Some(outcome)) => announce_outcome(queue, Ok(Some(outcome))),
        Ok(None) => announce_as_it_is(queue, &job, number),
        Err(e) => tracing::error!("can't record how {}#{number} ended: {e}", job.id),
    }
}

/// Nothing was changed: either the attempt is not the current one, and its result is refused; or an earlier try at the same
/// commit had succeeded without the store being able to say so, and then the word of it is still owed.
fn announce_as_it_is(queue: &Queue, job: &JobRow, number: u32) {
    let read = queue.0.store.read(|tx| {
        let row = tx.job(&job.id)?;
        let file = row.as_ref().and_then(|r| r.file.as_ref()).map(|id| tx.file(id)).transpose()?.flatten();
        Ok((row, file))
    });
    match read {
        Ok((Some(row), file)) if row.attempts.iter().any(|a| a.number == number && a.end.is_some()) => {
            queue.announce(&row);
            if let Some(file) = file {
                queue.0.bus.publish(file_change(&file));
            }
        }
        _ => tracing::warn!("refused the result of {}#{number}: that attempt is not the current one", job.id),
    }
}

/// Changes job and file in one transaction.
fn apply(
    tx: &mut WriteTx,
    mut row: JobRow,
    verdict: &Verdict,
    config: &dropforge_shared::config::Queue,
    random: f64,
    now: Timestamp,
    peak_rss: u64,
) -> Result<(JobRow, Option<FileRow>), StoreError> {
    let (end, error) = match verdict {
        Verdict::Done(outputs, _) => {
            row.outputs = outputs.clone();
            finish(&mut row, JobState::Done, None, now);
            (AttemptEnd::Done, None)
        }
        Verdict::Failed(fault) => {
            finish(&mut row, JobState::Failed, Some(fault.to_string()), now);
            (AttemptEnd::Failed, Some(fault.to_string()))
        }
        Verdict::Cancelled => {
            finish(&mut row, JobState::Cancelled, None, now);
            (AttemptEnd::Cancelled, None)
        }
        // A cancel that came while the daemon was stopping already.
        Verdict::Requeued if row.cancel_requested => {
            finish(&mut row, JobState::Cancelled, None, now);
            (AttemptEnd::Cancelled, None)
        }
        Verdict::Requeued => {
            row.state = JobState::Queued;
            (AttemptEnd::Requeued, None)
        }
        Verdict::Strike(end, why) => {
            strike(&mut row, why, config, random, now);
            (*end, Some(why.clone()))
        }
    };
    if let Some(attempt) = row.attempts.last_mut() {
        close_attempt(attempt, end, error, now, peak_rss);
    }
    let file = follow(tx, &row, verdict)?;
    Ok((tx.put_job(row)?, file))
}

/// Counts a failure that may pass: a pause and another try, or the end of the job's tries.
pub(super) fn strike(
    row: &mut JobRow,
    why: &str,
    config: &dropforge_shared::config::Queue,
    random: f64,
    now: Timestamp,
) {
    row.strikes += 1;
    if row.cancel_requested {
        finish(row, JobState::Cancelled, None, now);
    } else if row.strikes >= config.attempts {
        finish(row, JobState::Dead, Some(format!("given up after {} attempts: {why}", row.strikes)), now);
    } else {
        let pause = schedule::backoff(row.strikes, random, config);
        row.state = JobState::Queued;
        row.error = Some(why.to_owned());
        row.not_before = Some(Timestamp(now.0 + i64::try_from(pause.as_millis()).unwrap_or(i64::MAX / 2)));
    }
}

/// Puts a job into a terminal state.
pub(super) fn finish(row: &mut JobRow, state: JobState, error: Option<String>, now: Timestamp) {
    row.state = state;
    row.error = error;
    row.finished_at = Some(now);
    row.not_before = None;
}

/// Closes an attempt's record.
pub(super) fn close_attempt(
    attempt: &mut AttemptRow,
    end: AttemptEnd,
    error: Option<String>,
    now: Timestamp,
    peak_rss: u64,
) {
    attempt.end = Some(end);
    attempt.error = error;
    attempt.ended_at = Some(now);
    attempt.peak_rss_bytes = attempt.peak_rss_bytes.max(peak_rss);
}

fn follow(tx: &mut WriteTx, job: &JobRow, verdict: &Verdict) -> Result<Option<FileRow>, StoreError> {
    match verdict {
        Verdict::Done(_, Some(facts)) => file_ready(tx, job, facts),
        _ => file_follows(tx, job),
    }
}

/// The file's data are this job's outputs now.
fn file_ready(tx: &mut WriteTx, job: &JobRow, facts: &FileFacts) -> Result<Option<FileRow>, StoreError> {
    let Some(mut file) = job.file.as_ref().map(|id| tx.file(id)).transpose()?.flatten() else {
        return Ok(None);
    };
    file.facts = facts.clone();
    file.state = FileState::Ready;
    file.error = None;
    file.job = Some(job.id.clone());
    tx.put_file(file).map(Some)
}

/// A file whose job ended without data is failed, unless an earlier job's data are there: those stay good.
pub(super) fn file_follows(tx: &mut WriteTx, job: &JobRow) -> Result<Option<FileRow>, StoreError> {
    if !job.state.is_terminal() {
        return Ok(None);
    }
    let Some(mut file) = job.file.as_ref().map(|id| tx.file(id)).transpose()?.flatten() else {
        return Ok(None);
    };
    if file.job.is_some() || file.state != FileState::Ingesting {
        return Ok(None);
    }
    // Another job may still be taking it in.
    if tx.jobs_of_file(&file.id)?.iter().any(|j| j.id != job.id && !j.state.is_terminal()) {
        return Ok(None);
    }
    file.state = FileState::Failed;
    file.error = Some(match job.state {
        JobState::Cancelled => "taking it in was cancelled".to_owned(),
        JobState::Done => "its job ended without having learned anything about it".to_owned(),
        _ => job.error.clone().unwrap_or_else(|| "taking it in failed".to_owned()),
    });
    tx.put_file(file).map(Some)
}

/// A job that could not even begin: counts as a try, or ends it where another try would meet the same.
pub(super) async fn fail_before_start(queue: &Queue, job: &JobRow, fault: Fault, transient: bool) {
    let expected = job.attempts.last().map_or(1, |a| a.number + 1);
    let (id, config, random, now) =
        (job.id.clone(), queue.0.config.queue.clone(), uniform(), Timestamp::now());
    let settled = queue
        .0
        .store
        .persist(move |tx| {
            let Some(mut row) = tx.job(&id)?.filter(|r| r.state == JobState::Queued) else { return Ok(None) };
            let number = row.attempts.last().map_or(1, |a| a.number + 1);
            if number != expected {
                // An earlier try at this commit had succeeded without the store being able to say so.
                return Ok(None);
            }
            if transient {
                strike(&mut row, &fault.to_string(), &config, random, now);
            } else {
                finish(&mut row, JobState::Failed, Some(fault.to_string()), now);
            }
            let mut attempt = AttemptRow {
                number,
                lease: None,
                started_at: now,
                ended_at: None,
                end: None,
                error: None,
                peak_rss_bytes: 0,
            };
            let end = if transient { AttemptEnd::Transient } else { AttemptEnd::Failed };
            close_attempt(&mut attempt, end, Some(fault.to_string()), now, 0);
            row.attempts.push(attempt);
            let file = file_follows(tx, &row)?;
            Ok(Some((tx.put_job(row)?, file)))
        })
        .await;
    announce_outcome(queue, settled);
}

/// After a start whose commit failed: it may be on disk all the same (see `Store::write`), and then nobody supervises what the
/// row calls running. Goes on in the background until the store can say.
pub(super) fn undo_start(queue: &Queue, id: dropforge_shared::ids::JobId, number: u32) {
    let queue = queue.clone();
    tokio::spawn(async move {
        let now = Timestamp::now();
        let undone = queue
            .0
            .store
            .persist(move |tx| {
                let Some(mut row) = tx.job(&id)?.filter(|r| is_current(r, number)) else { return Ok(()) };
                row.attempts.pop();
                row.state = JobState::Queued;
                if row.cancel_requested {
                    finish(&mut row, JobState::Cancelled, None, now);
                    file_follows(tx, &row)?;
                }
                tx.put_job(row).map(drop)
            })
            .await;
        if let Err(e) = undone {
            tracing::error!("can't undo a start that was not recorded: {e}");
        }
        queue.wake();
    });
}

/// A job of a kind that this build does not have fails with that reason; a newer build can retry it.
pub(super) async fn refuse_unknown_kind(queue: &Queue, job: JobRow) {
    let fault = Fault::failed(format!("this build has no kind of job '{}'", job.kind))
        .hint("A newer version queued it? Update, then `dropforge retry`.");
    let (id, now) = (job.id, Timestamp::now());
    let settled = queue
        .0
        .store
        .persist(move |tx| {
            let Some(mut row) = tx.job(&id)?.filter(|r| r.state == JobState::Queued) else { return Ok(None) };
            finish(&mut row, JobState::Failed, Some(fault.to_string()), now);
            let file = file_follows(tx, &row)?;
            Ok(Some((tx.put_job(row)?, file)))
        })
        .await;
    announce_outcome(queue, settled);
}

fn announce_outcome(queue: &Queue, settled: Result<Option<(JobRow, Option<FileRow>)>, StoreError>) {
    // A place is free again, and a pause before a retry may have begun.
    queue.wake();
    match settled {
        Ok(Some((row, file))) => {
            say_how_it_went(queue, &row);
            queue.announce(&row);
            if let Some(file) = file {
                queue.0.bus.publish(file_change(&file));
            }
        }
        Ok(None) => {}
        Err(e) => tracing::error!("can't record a job's end: {e}"),
    }
}

fn say_how_it_went(queue: &Queue, row: &JobRow) {
    let why = row.error.as_deref().unwrap_or_default();
    match row.state {
        JobState::Done => queue.note(row, LogLevel::Info, "done"),
        JobState::Cancelled => queue.note(row, LogLevel::Info, "cancelled"),
        JobState::Failed => queue.note(row, LogLevel::Error, &format!("failed: {why}")),
        JobState::Dead => queue.note(row, LogLevel::Error, why),
        JobState::Queued if row.not_before.is_some() => {
            let pause = row.not_before.map_or(0, |t| t.0 - Timestamp::now().0).max(0) as f64 / 1000.0;
            queue.note(row, LogLevel::Warn, &format!("tried again in {pause:.1} s: {why}"));
        }
        JobState::Queued => queue.note(row, LogLevel::Info, "queued again"),
        JobState::Running => {}
    }
}

/// The event that says where a file stands.
pub(super) fn file_change(file: &FileRow) -> Change {
    Change::File {
        file: file.id.clone(),
        name: dropforge_shared::clean::line(&file.name).into_owned(),
        state: file.state,
    }
}

/// A number in [0, 1) for jitter; nothing that must be reproduced hangs on it.
pub(super) fn uniform() -> f64 {
    (dropforge_shared::time::now_ns() % 1_000_003) as f64 / 1_000_003.0
}
