//! The queue: which job runs next, one supervised child an attempt, and one terminal result a job.
//!
//! The store is the truth of what is queued and how it ended; this room only keeps what lives as long as the daemon: the
//! attempts that run, and their progress. Must not know what any kind of job does.

mod attempt;
mod attempt_log;
mod cancel;
mod derive;
mod earlier;
mod follow;
mod outputs;
mod recover;
mod schedule;
mod settle;
mod spec;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use dropforge_shared::config::Config;
use dropforge_shared::event::Change;
use dropforge_shared::fault::Fault;
use dropforge_shared::ids::JobId;
use dropforge_shared::job::{JobState, LogEntry, LogLevel, Progress};
use dropforge_shared::kind::{JobClass, KindSpec};
use dropforge_shared::paths::Paths;
use dropforge_shared::time::Timestamp;
use tokio::sync::{Notify, watch};

pub use recover::recover;
pub(crate) use settle::file_change;

use crate::bus::Bus;
use crate::inbox::blobs::Blobs;
use crate::joblog;
use crate::store::rows::JobRow;
use crate::store::{Store, StoreError};
use crate::workers::Spawner;

/// Jobs looked at in most rounds, oldest first. Where more wait, all are looked at now and then, so that neither a class nor
/// a priority is hidden behind a long line for long.
const LOOKED_AT: usize = 1024;
/// How often all are looked at where the line is longer.
const LOOK_AT_ALL: Duration = Duration::from_secs(3);

/// The queue, shared by the calls, the inbox and the attempts.
#[derive(Clone)]
pub struct Queue(Arc<Inner>);

struct Inner {
    store: Store,
    bus: Arc<Bus>,
    paths: Paths,
    config: Config,
    kinds: BTreeMap<&'static str, KindSpec>,
    spawner: Spawner,
    blobs: Blobs,
    running: Mutex<HashMap<JobId, Running>>,
    wake: Notify,
    /// Counts flushes of job logs, so that followers of a log wake.
    log_tick: watch::Sender<u64>,
    stopping: watch::Sender<bool>,
    looked_at_all: Mutex<Option<Instant>>,
}

/// An attempt that runs.
struct Running {
    number: u32,
    slot: schedule::Slot,
    stop: watch::Sender<Option<StopReason>>,
    progress: Option<Progress>,
    stage: Option<String>,
}

/// Why a running attempt is asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StopReason {
    /// A user cancelled the job.
    Cancelled,
    /// The daemon stops and will take the job up again.
    Shutdown,
}

impl Queue {
    /// A queue over a store that was recovered. [`Self::run`] makes it work.
    pub fn new(
        store: Store,
        bus: Arc<Bus>,
        paths: Paths,
        config: Config,
        kinds: &[KindSpec],
        spawner: Spawner,
        blobs: Blobs,
    ) -> Self {
        Self(Arc::new(Inner {
            store,
            bus,
            paths,
            config,
            kinds: kinds.iter().map(|k| (k.name, *k)).collect(),
            spawner,
            blobs,
            running: Mutex::default(),
            wake: Notify::new(),
            log_tick: watch::Sender::new(0),
            stopping: watch::Sender::new(false),
            looked_at_all: Mutex::new(None),
        }))
    }

    /// The control groups that hold attempts to their memory, or why there are none.
    pub(crate) fn groups(&self) -> Result<String, String> {
        self.0.spawner.groups()
    }

    /// Looks at the queue again: something was queued or a limit changed.
    pub fn wake(&self) {
        self.0.wake.notify_one();
    }

    /// Refuses a job of a kind that is not known, or with settings that its kind can't follow.
    pub fn refuse(&self, kind: &str, settings: &BTreeMap<String, String>) -> Result<(), Fault> {
        if let Some(kind) = self.0.kinds.get(kind) {
            return kind.refuse(settings);
        }
        let known: Vec<&str> = self.0.kinds.keys().copied().collect();
        Err(Fault::usage(format!("there is no kind of job '{}'", dropforge_shared::clean::fit(kind, 40)))
            .hint(format!("Known: {}.", known.join(", "))))
    }

    /// The class of a kind of job, where the kind is known.
    pub fn class_of(&self, kind: &str) -> Option<JobClass> {
        self.0.kinds.get(kind).map(|k| k.class)
    }

    /// The stages that a run of a kind of job can begin from.
    pub fn stages_of(&self, kind: &str) -> &'static [&'static str] {
        self.0.kinds.get(kind).map_or(&[], |k| k.stages)
    }

    /// What runs of a job: its progress and stage.
    pub fn live(&self, job: &JobId) -> (Option<Progress>, Option<String>) {
        self.running().get(job).map_or((None, None), |r| (r.progress.clone(), r.stage.clone()))
    }

    /// A receiver that changes whenever lines were added to a job's log.
    pub fn log_ticks(&self) -> watch::Receiver<u64> {
        self.0.log_tick.subscribe()
    }

    fn running(&self) -> MutexGuard<'_, HashMap<JobId, Running>> {
        // Each change of the map is one call: it is whole even if a holder of the lock panicked.
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts jobs as they come, until [`Self::stop`].
    pub async fn run(self) {
        let mut stopping = self.0.stopping.subscribe();
        while !*stopping.borrow() {
            let next = self.start_what_fits().await;
            // With nothing to wait for but a wake-up, no timer runs: an idle daemon does nothing at all.
            let pause = async {
                match next {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = crate::lifecycle::raised(&mut stopping) => return,
                () = self.0.wake.notified() => {}
                () = pause => {}
            }
        }
    }

    /// Starts every job that may start now. Answers when to look again, if not only on a wake-up.
    async fn start_what_fits(&self) -> Option<Duration> {
        let all = {
            let mut looked = self.0.looked_at_all.lock().unwrap_or_else(PoisonError::into_inner);
            let due = looked.is_none_or(|t| t.elapsed() >= LOOK_AT_ALL);
            if due {
                *looked = Some(Instant::now());
            }
            due
        };
        let limit = if all { usize::MAX } else { LOOKED_AT };
        let queued = match self.0.store.read(|tx| tx.jobs_queued(limit)) {
            Ok(queued) => queued,
            Err(e) => {
                tracing::warn!("can't read the queue: {e}");
                return Some(Duration::from_secs(2));
            }
        };
        let now = Timestamp::now();
        let slots: Vec<schedule::Slot> = self.running().values().map(|r| r.slot.clone()).collect();
        let plan = schedule::choose(now, &queued, &slots, &self.0.kinds, &self.0.config.queue);
        for id in plan.unknown {
            if let Some(row) = queued.iter().find(|j| j.id == id) {
                settle::refuse_unknown_kind(self, row.clone()).await;
            }
        }
        for id in plan.start {
            let Some(row) = queued.iter().find(|j| j.id == id) else { continue };
            if *self.0.stopping.borrow() {
                return None;
            }
            if let Err(e) = attempt::start(self, row).await {
                tracing::warn!("can't start job {id}: {e}");
                return Some(Duration::from_secs(1));
            }
        }
        plan.look_again
    }

    /// Stops in good order: nothing more is started, attempts that run are stopped and queued again, without a strike.
    /// `scheduler` is the task that runs [`Self::run`]. A store that can't be written holds this up for a bounded time.
    pub async fn stop(&self, scheduler: tokio::task::JoinHandle<()>) {
        self.0.stopping.send_replace(true);
        // A start that is under way is finished first, so that it is among what is stopped.
        let _ = tokio::time::timeout(Duration::from_secs(5), scheduler).await;
        for running in self.running().values() {
            // A cancel that is under way stays a cancel.
            running.stop.send_if_modified(|reason| {
                let first = reason.is_none();
                if first {
                    *reason = Some(StopReason::Shutdown);
                }
                first
            });
        }
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        while !self.running().is_empty() && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Writes a line of the daemon's own to a job's log. A log that can't be written must not stop the work.
    pub fn note(&self, job: &JobRow, level: LogLevel, text: &str) {
        let entry = LogEntry {
            at: Timestamp::now(),
            attempt: job.attempts.last().map_or(0, |a| a.number),
            level,
            source: "daemon".into(),
            text: joblog::cut(text),
        };
        let written =
            joblog::Writer::open(&self.0.paths.job_log(&job.id), self.0.config.queue.job_log_bytes.0)
                .and_then(|mut log| log.append(&entry).and_then(|()| log.flush()));
        if let Err(e) = written {
            tracing::warn!("can't write the log of job {}: {e}", job.id);
        }
        self.tick_log();
    }

    fn tick_log(&self) {
        self.0.log_tick.send_modify(|n| *n += 1);
    }

    /// Tells followers where a job stands.
    pub fn announce(&self, job: &JobRow) {
        self.0.bus.publish(job_change(job));
    }
}

/// The event that says where a job stands.
pub fn job_change(job: &JobRow) -> Change {
    Change::Job {
        job: job.id.clone(),
        job_kind: job.kind.clone(),
        state: job.state,
        file: job.file.clone(),
        error: job.error.clone(),
    }
}

/// Whether an attempt is the one that runs: anything of an older one is refused.
fn is_current(job: &JobRow, attempt: u32) -> bool {
    job.state == JobState::Running
        && job.attempts.last().is_some_and(|a| a.number == attempt && a.end.is_none())
}

/// An injected fault is an I/O error like any other: it may pass.
fn unavailable(error: std::io::Error) -> StoreError {
    StoreError::Unavailable(error.to_string())
}
