//! What the end of an attempt means for its job: done, failed, tried again after a pause, given up, cancelled, or queued
//! again. One commit decides, and only if the attempt still is the one that runs.

use std::fs;
use std::path::PathBuf;

use dropforge_shared::event::Change;
use dropforge_shared::failpoint;
use dropforge_shared::fault::Fault;
use dropforge_shared::file::FileFacts;
use dropforge_shared::job::{AttemptEnd, JobState, LogLevel, Output};
use dropforge_shared::time::Timestamp;

use super::attempt::Ending;
use super::derive::{self, Delivered, Made};
use super::follow::{self, Followed};
use super::spec::attempt_dir;
use super::{Queue, StopReason, is_current, outputs, schedule, unavailable};
use crate::store::rows::{AttemptRow, FileRow, JobRow};
use crate::store::{StoreError, WriteTx};

/// What becomes of the job.
#[derive(Debug)]
enum Verdict {
    Done {
        outputs: Vec<Output>,
        facts: Option<Box<FileFacts>>,
        made: Vec<Made>,
    },
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
        Ending::Done(delivered) => keep(queue, &job, dir.clone(), delivered).await,
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

/// Puts an attempt's outputs into their places, and the contents of those that become files. A thread of its own: outputs
/// may be large.
async fn keep(queue: &Queue, job: &JobRow, dir: PathBuf, delivered: Delivered) -> Verdict {
    let Delivered { outputs, facts, derived } = delivered;
    let (out, blobs, job) = (queue.0.paths.job_outputs(&job.id), queue.0.blobs.clone(), job.clone());
    let kept = tokio::task::spawn_blocking(move || {
        outputs::publish(&dir, &out, &outputs)?;
        let made = derive::take_in(&blobs, &job, &out, &outputs, &derived)?;
        Ok((outputs, made))
    });
    match kept.await.unwrap_or_else(|e| Err(std::io::Error::other(e))) {
        Ok((outputs, Ok(made))) => Verdict::Done { outputs, facts, made },
        Ok((_, Err(fault))) => Verdict::Failed(fault),
        Err(e) => Verdict::Strike(AttemptEnd::Transient, format!("its outputs could not be kept: {e}")),
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
            for id in &row.produced {
                if let Ok(Some(other)) = queue.0.store.read(|tx| tx.file(id)) {
                    queue.0.bus.publish(file_change(&other));
                }
            }
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
) -> Result<(JobRow, Followed), StoreError> {
    let mut followed = Followed::default();
    let (end, error) = match verdict {
        Verdict::Done { outputs, made, .. } => {
            row.outputs = outputs.clone();
            derive::commit(tx, &mut row, made, &mut followed)?;
            finish(&mut row, JobState::Done, None, now);
            (AttemptEnd::Done, None)
        }
        Verdict::Failed(fault) => {
            row.error_code = Some(fault.code);
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
    match verdict {
        Verdict::Done { facts: Some(facts), .. } => follow::file_ready(tx, &row, facts, &mut followed)?,
        _ => followed.files.extend(follow::file_follows(tx, &row)?),
    }
    // Sheets and members that became files: who waits for the job wants to know of them.
    let parts = followed.files.iter().filter(|f| f.part.is_some() && Some(&f.id) != row.file.as_ref());
    for part in parts.map(|f| f.id.clone()).collect::<Vec<_>>() {
        if !row.produced.contains(&part) {
            row.produced.push(part);
        }
    }
    Ok((tx.put_job(row)?, followed))
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
                row.error_code = Some(fault.code);
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
            let files = follow::file_follows(tx, &row)?.into_iter().collect();
            Ok(Some((tx.put_job(row)?, Followed { files, ..Followed::default() })))
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
                    follow::file_follows(tx, &row)?;
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
            row.error_code = Some(fault.code);
            finish(&mut row, JobState::Failed, Some(fault.to_string()), now);
            let files = follow::file_follows(tx, &row)?.into_iter().collect();
            Ok(Some((tx.put_job(row)?, Followed { files, ..Followed::default() })))
        })
        .await;
    announce_outcome(queue, settled);
}

fn announce_outcome(queue: &Queue, settled: Result<Option<(JobRow, Followed)>, StoreError>) {
    // A place is free again, and a pause before a retry may have begun.
    queue.wake();
    match settled {
        Ok(Some((row, followed))) => {
            for note in &followed.notes {
                queue.note(&row, LogLevel::Warn, note);
            }
            say_how_it_went(queue, &row);
            queue.announce(&row);
            for file in &followed.files {
                queue.0.bus.publish(file_change(file));
            }
            for job in &followed.jobs {
                queue.announce(job);
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
pub(crate) fn file_change(file: &FileRow) -> Change {
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
