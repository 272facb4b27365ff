//! One attempt at a job: start the child, give it the spec, take its frames, see it end. What its end means for the job is
//! decided in `settle`.

use std::fs;
use std::time::Duration;

use dropforge_shared::event::Change;
use dropforge_shared::failpoint;
use dropforge_shared::fault::Fault;
use dropforge_shared::ids::AttemptId;
use dropforge_shared::job::{JobState, LogLevel, Progress};
use dropforge_shared::time::Timestamp;
use dropforge_shared::work::{FromWorker, JobSpec, ToWorker};
use tokio::sync::watch;

use super::attempt_log::{AttemptLog, keep_tail, next_line};
use super::derive::Delivered;
use super::spec::{checkpoint_path, prepare};
use super::{Queue, Running, StopReason, schedule, settle, unavailable};
use crate::store::StoreError;
use crate::store::rows::{AttemptRow, JobRow};
use crate::workers::{self, Child, Grace, MemoryWatch, SpawnRequest};

/// How often lines are handed to followers of the log, and progress to followers of events, while an attempt runs.
const FLUSH: Duration = Duration::from_millis(100);
/// How long what a child left in its standard error may take to be read.
const DRAIN: Duration = Duration::from_millis(500);
/// How long a child may live on after its last word, or its output be held open by something else after its end.
const LAST_WORD: Duration = Duration::from_secs(5);

/// How an attempt ended, as it was seen.
#[derive(Debug)]
pub(super) enum Ending {
    /// It says that it is done.
    Done(Delivered),
    /// It says that it failed.
    Failed(Fault, bool),
    /// It ended without a word, or broke the protocol; why, in words.
    Crashed(String),
    /// It was stopped.
    Stopped(StopReason),
}

/// Starts an attempt and supervises it in a task of its own. An error means that nothing was started; the job still waits.
pub(super) async fn start(queue: &Queue, job: &JobRow) -> Result<(), StoreError> {
    let Some(kind) = queue.0.kinds.get(job.kind.as_str()).copied() else { return Ok(()) };
    let number = job.attempts.last().map_or(1, |a| a.number + 1);
    let spec = match prepare(queue, job, kind, number) {
        Ok(spec) => spec,
        Err((fault, transient)) => {
            settle::fail_before_start(queue, job, fault, transient).await;
            return Ok(());
        }
    };
    let child = match queue.0.spawner.spawn(SpawnRequest::default()).await {
        Ok(child) => child,
        Err(e) => {
            let fault = Fault::failed(format!("can't start a worker process: {e}"))
                .hint("Too many processes, or no memory? The job is tried again.");
            settle::fail_before_start(queue, job, fault, true).await;
            return Ok(());
        }
    };
    let lease = child.identity().clone();
    let id = job.id.clone();
    // Running and leased in one commit, before the child gets its work: what runs is always known, and by whom.
    let committed = queue
        .0
        .store
        .write(move |tx| {
            failpoint::pass("queue.start.commit").map_err(unavailable)?;
            let Some(mut row) = tx.job(&id)? else { return Ok(None) };
            if row.state != JobState::Queued {
                return Ok(None);
            }
            row.state = JobState::Running;
            row.not_before = None;
            row.started_at.get_or_insert_with(Timestamp::now);
            row.attempts.push(AttemptRow {
                number,
                lease: Some(lease.clone()),
                started_at: Timestamp::now(),
                ended_at: None,
                end: None,
                error: None,
                peak_rss_bytes: 0,
            });
            tx.put_job(row).map(Some)
        })
        .await;
    let row = match committed {
        Ok(Some(row)) => row,
        // Cancelled or removed between the look and the commit: the child is dropped, and with it killed.
        Ok(None) => {
            queue.wake();
            return Ok(());
        }
        Err(e) => {
            drop(child);
            settle::undo_start(queue, job.id.clone(), number);
            return Err(e);
        }
    };
    let (stop, stopped) = watch::channel(None);
    let slot = schedule::Slot { class: kind.class, owner: row.owner };
    queue
        .running()
        .insert(row.id.clone(), Running { number, slot, stop: stop.clone(), progress: None, stage: None });
    // A cancel or a shutdown that came while this was under way found nothing to stop: look once more.
    if *queue.0.stopping.borrow() {
        stop.send_replace(Some(StopReason::Shutdown));
    }
    let asked = queue.0.store.read(|tx| tx.job(&row.id)).ok().flatten().is_some_and(|j| j.cancel_requested);
    if asked {
        stop.send_replace(Some(StopReason::Cancelled));
    }
    queue.announce(&row);
    let queue = queue.clone();
    tokio::spawn(async move {
        let memory = queue.0.spawner.watch(&child, spec.memory_bytes);
        let mut attempt = Supervised { queue: queue.clone(), row, number, spec, stopped, child, memory };
        let ending = attempt.run().await;
        let peak = attempt.memory.peak_bytes();
        let row = attempt.row;
        drop(attempt.child);
        let strays = queue.0.spawner.reap_strays().await;
        if strays > 0 {
            queue.note(
                &row,
                LogLevel::Warn,
                &format!("ended {strays} processes that the worker had left behind"),
            );
        }
        settle::settle(&queue, row, number, ending, peak).await;
        queue.wake();
    });
    Ok(())
}

/// An attempt with everything that belongs to it.
struct Supervised {
    queue: Queue,
    row: JobRow,
    number: u32,
    spec: JobSpec,
    stopped: watch::Receiver<Option<StopReason>>,
    child: Child,
    memory: MemoryWatch,
}

impl Supervised {
    async fn run(&mut self) -> Ending {
        let attempt = self.number;
        let mut log = AttemptLog::open(&self.queue, &self.row, attempt);
        log.append(
            LogLevel::Info,
            "daemon",
            &format!(
                "attempt {attempt} started, pid {}{}",
                self.child.identity().pid,
                if self.memory.in_group() { ", in a control group of its own" } else { "" }
            ),
        );
        let mut stderr = self.child.take_stderr();
        let mut tail = String::new();
        let sent = self.child.send(&ToWorker::Start(Box::new(self.spec.clone()))).await;
        if let Err(e) = sent {
            log.append(LogLevel::Error, "daemon", &format!("the worker took no work: {e}"));
            if e.kind() == std::io::ErrorKind::InvalidData {
                log.flush();
                let fault = Fault::refused(format!("the job can't be handed to a worker: {e}"));
                return Ending::Failed(fault.hint("Its settings are too large."), false);
            }
            // It has ended, or will not listen any more: the loop below sees how.
            self.child.signal_group(workers::Signal::KILL);
        }
        let mut tick = tokio::time::interval(FLUSH);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut fresh = true;
        let mut progress: Option<Progress> = None;
        let mut verdict: Option<Ending> = None;
        let process = self.child.process().clone();
        // Once it has said its last word or is gone, its output is read for this much longer: something that it left behind
        // may hold the pipe open for ever.
        let mut until: Option<tokio::time::Instant> = None;
        let ending = loop {
            tokio::select! {
                biased;
                reason = wait_for_stop(&mut self.stopped) => break self.stop(reason, verdict.take(), &mut log).await,
                _ = tick.tick() => {
                    if let Some(now) = progress.take() {
                        self.queue.0.bus.publish(Change::Progress { job: self.row.id.clone(), progress: now });
                    }
                    if std::mem::take(&mut fresh) {
                        log.flush();
                        self.queue.tick_log();
                    }
                }
                _ = process.exited(), if until.is_none() => until = Some(tokio::time::Instant::now() + LAST_WORD),
                line = next_line(&mut stderr) => match line {
                    Some(line) => {
                        log.append(LogLevel::Warn, "stderr", &line);
                        keep_tail(&mut tail, &line);
                        fresh = true;
                    }
                    None => stderr = None,
                },
                frame = self.child.recv() => match frame {
                    Ok(Some(frame)) => match self.take(frame, &mut log) {
                        Taken::Line => fresh = true,
                        Taken::Progress(now) => {
                            if let Some(running) = self.queue.running().get_mut(&self.row.id) {
                                running.stage = Some(now.stage.clone());
                                running.progress = Some(now.clone());
                            }
                            progress = Some(now);
                        }
                        Taken::End(ending) => {
                            verdict = Some(ending);
                            until.get_or_insert(tokio::time::Instant::now() + LAST_WORD);
                        }
                        Taken::Nothing => {}
                    },
                    Ok(None) => break match verdict.take() {
                        Some(ending) => ending,
                        None => Ending::Crashed(String::new()),
                    },
                    Err(e) => {
                        self.child.signal_group(workers::Signal::KILL);
                        break Ending::Crashed(format!("the worker broke the protocol: {e}"));
                    }
                },
                // Last: on a busy machine its result may be in the pipe, unread, when the time is over.
                () = at(until) => break match verdict.take() {
                    Some(ending) => ending,
                    None => Ending::Crashed(String::new()),
                },
            }
        };
        // What the child still said on standard error belongs to the log, but it must not hold up the end.
        let drain = async {
            let Some(lines) = &mut stderr else { return };
            while let Some(line) = lines.next().await {
                log.append(LogLevel::Warn, "stderr", &line);
                keep_tail(&mut tail, &line);
            }
        };
        let _ = tokio::time::timeout(DRAIN, drain).await;
        let ending = match ending {
            Ending::Crashed(why) if why.is_empty() => Ending::Crashed(self.cause(&tail).await),
            // It said its last word and is on its way out; it leads a group that must be empty before the next attempt.
            other => {
                if tokio::time::timeout(DRAIN, self.child.exited()).await.is_err() {
                    self.child.signal_group(workers::Signal::KILL);
                }
                other
            }
        };
        if let Ending::Crashed(why) = &ending {
            log.append(LogLevel::Error, "daemon", why);
        }
        log.flush();
        self.queue.tick_log();
        ending
    }

    /// Stops the child. A result that it sent meanwhile counts when the daemon stops, not when a user cancelled.
    async fn stop(&mut self, reason: StopReason, sent: Option<Ending>, log: &mut AttemptLog) -> Ending {
        log.append(
            LogLevel::Info,
            "daemon",
            match reason {
                StopReason::Cancelled => "cancel was asked for",
                StopReason::Shutdown => "the daemon stops",
            },
        );
        log.flush();
        self.queue.tick_log();
        let mut last = None;
        let stopped = workers::stop_with(&mut self.child, Grace::default(), |frame| {
            if matches!(frame, FromWorker::Done { .. } | FromWorker::Failed { .. }) {
                last = Some(frame);
            }
        })
        .await;
        log.append(
            LogLevel::Info,
            "daemon",
            match stopped.step {
                workers::StopStep::Message => "the worker stopped when asked",
                workers::StopStep::Term => "the worker was ended by SIGTERM",
                workers::StopStep::Kill => "the worker was ended by SIGKILL",
            },
        );
        let mut result = sent;
        if let Some(frame) = last
            && let Taken::End(ending) = self.take(frame, log)
        {
            result = Some(ending);
        }
        match (reason, result) {
            (StopReason::Shutdown, Some(ending)) => ending,
            _ => Ending::Stopped(reason),
        }
    }

    /// Why a child that said nothing ended.
    async fn cause(&mut self, tail: &str) -> String {
        let exited = tokio::time::timeout(Duration::from_secs(2), self.child.exited()).await;
        if exited.is_err() {
            // It closed its output but lives on: it has nothing more to say.
            self.child.signal_group(workers::Signal::KILL);
        }
        let status = match exited {
            Ok(status) => Some(status),
            Err(_) => tokio::time::timeout(Duration::from_secs(5), self.child.exited()).await.ok(),
        };
        workers::describe(&workers::Ending {
            status,
            memory_bytes: self.spec.memory_bytes,
            memory_key: "queue.job_memory",
            peak_rss_bytes: self.memory.peak_bytes(),
            over_limit: self.memory.over_limit(),
            stderr_tail: tail,
        })
        .to_string()
    }

    fn take(&self, frame: FromWorker, log: &mut AttemptLog) -> Taken {
        let mine = |a: &AttemptId| *a == self.spec.attempt;
        match frame {
            FromWorker::Ready { sandbox } => {
                log.append(LogLevel::Info, "worker", &format!("confined by: {sandbox}"));
                Taken::Line
            }
            FromWorker::Progress { attempt, stage, done, total, unit } if mine(&attempt) => {
                Taken::Progress(Progress { stage, done, total, unit })
            }
            FromWorker::Log { attempt, level, text } if mine(&attempt) => {
                log.append(level, "worker", &text);
                Taken::Line
            }
            FromWorker::Checkpoint { attempt, bytes } if mine(&attempt) => {
                let path = checkpoint_path(&self.queue, &self.row);
                let beside = path.with_extension("new");
                if let Err(e) = fs::write(&beside, &bytes).and_then(|()| fs::rename(&beside, &path)) {
                    log.append(LogLevel::Warn, "daemon", &format!("can't keep a checkpoint: {e}"));
                }
                Taken::Line
            }
            FromWorker::Done { attempt, outputs, facts, derived } if mine(&attempt) => {
                Taken::End(Ending::Done(Delivered { outputs, facts, derived }))
            }
            FromWorker::Failed { attempt, mut fault, transient } if mine(&attempt) => {
                // It goes into rows, events and lists, and comes from a process that read hostile bytes.
                fault.message = crate::joblog::cut(&fault.message);
                fault.hint = fault.hint.map(|h| crate::joblog::cut(&h));
                log.append(LogLevel::Error, "worker", &fault.message);
                Taken::End(Ending::Failed(fault, transient))
            }
            FromWorker::Cancelled { attempt } if mine(&attempt) => Taken::End(Ending::Crashed(
                "the worker stopped as if cancelled, but nobody asked it to".into(),
            )),
            _ => {
                log.append(LogLevel::Warn, "daemon", "refused a frame of another attempt");
                Taken::Nothing
            }
        }
    }
}

/// What a frame meant.
enum Taken {
    Nothing,
    Line,
    Progress(Progress),
    End(Ending),
}

/// Waits for a moment, for ever where there is none.
async fn at(moment: Option<tokio::time::Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

async fn wait_for_stop(stopped: &mut watch::Receiver<Option<StopReason>>) -> StopReason {
    let reason = stopped.wait_for(Option::is_some).await.ok().and_then(|r| *r);
    match reason {
        Some(reason) => reason,
        // The sender lives in the table of what runs; without it nobody can ask any more.
        None => std::future::pending().await,
    }
}
