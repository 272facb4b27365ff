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
    /// So many rows are done.
    Rows(u64),
    /// The end.
    Done(T),
}

/// What a piece of work is handed to speak with.
pub(super) type Voice<T> = mpsc::Sender<Word<Result<T, Error>>>;

/// Runs `work` until it is done, `limit` is over or the monitor says stop.
pub(super) fn watched<T: Send + 'static>(
    limit: Option<Duration>,
    monitor: &mut dyn Monitor,
    work: impl FnOnce(&Stop, &Voice<T>) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let stop = Stop::default();
    let (voice, words) = mpsc::channel();
    let theirs = stop.clone();
    let began = Instant::now();
    let thread = thread::Builder::new()
        .name("query".into())
        .stack_size(STACK)
        .spawn(move || {
            let result = work(&theirs, &voice);
            let _ = voice.send(Word::Done(result));
        })
        .map_err(|e| Error::Internal(format!("no thread can be started for the statement: {e}")))?;
    loop {
        let left = limit.map_or(LOOK, |limit| limit.saturating_sub(began.elapsed()).min(LOOK));
        match words.recv_timeout(left) {
            Ok(Word::Done(result)) => return result,
            Ok(Word::Rows(rows)) => monitor.progress(rows),
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
