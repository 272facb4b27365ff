//! Runs work that can't be interrupted on a thread of its own, and stops waiting for it when time is up or the user wants
//! something else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::monitor::Monitor;
use crate::pass::panic_text;

/// Expressions are gone down into by recursion, in the parser as in the engine.
const STACK: usize = 64 << 20;

/// How often it is asked whether to stop.
const LOOK: Duration = Duration::from_millis(20);

/// Tells the work that nobody waits any more; it ends at the next block then.
pub(super) type Stop = Arc<AtomicBool>;

/// What the work says while it goes on.
pub(super) enum Word<T> {
    /// How it goes on.
    News(News),
    /// The end.
    Done(T),
}

/// How work goes on.
pub(super) enum News {
    /// A stage begins: its name, what is counted up to where that is known, and in what.
    Stage(&'static str, Option<u64>, &'static str),
    /// So much of the stage is done.
    Done(u64),
}

/// What a piece of work is handed to speak with.
pub(super) type Tell = Arc<dyn Fn(News) + Send + Sync>;

/// Runs `work` until it is done, `limit` is over or the monitor says stop.
pub(super) fn watched<T: Send + 'static>(
    limit: Option<Duration>,
    monitor: &mut dyn Monitor,
    work: impl FnOnce(&Stop, &Tell) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let stop = Stop::default();
    let (voice, words) = mpsc::channel::<Word<Result<T, Error>>>();
    let theirs = stop.clone();
    let began = Instant::now();
    let thread = thread::Builder::new()
        .name("query".into())
        .stack_size(STACK)
        .spawn(move || {
            let say = voice.clone();
            let tell: Tell = Arc::new(move |news| {
                // Whoever does not wait any more need not know.
                let _ = say.send(Word::News(news));
            });
            let result = work(&theirs, &tell);
            let _ = voice.send(Word::Done(result));
        })
        .map_err(|e| Error::Internal(format!("no thread can be started for the statement: {e}")))?;
    loop {
        let left = limit.map_or(LOOK, |limit| limit.saturating_sub(began.elapsed()).min(LOOK));
        match words.recv_timeout(left) {
            Ok(Word::Done(result)) => return result,
            Ok(Word::News(News::Stage(name, total, unit))) => monitor.stage(name, total, unit),
            Ok(Word::News(News::Done(done))) => monitor.progress(done),
            Err(RecvTimeoutError::Disconnected) => {
                let why = match thread.join() {
                    Err(cause) => panic_text(cause.as_ref()),
                    Ok(()) => "it ended without a word".to_owned(),
                };
                return Err(Error::Sql(format!(
                    "the engine gave up on this statement: {why}; write it otherwise"
                )));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        if monitor.cancelled() {
            stop.store(true, Ordering::Relaxed);
            return Err(Error::Cancelled);
        }
        if let Some(limit) = limit.filter(|limit| began.elapsed() >= *limit) {
            stop.store(true, Ordering::Relaxed);
            return Err(Error::TooSlow {
                what: "the query",
                seconds: limit.as_secs_f64(),
                way_out: "ask for less, or save its result as a dataset, which has no such limit",
            });
        }
    }
}
