//! Pieces of work shared among a few threads, with progress and cancel.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use crate::error::Error;
use crate::monitor::Monitor;
use crate::parquet::guarded_work;

/// Threads that work at the same time. Each holds a column's numbers, so more would cost memory.
pub(crate) const THREADS: usize = 2;

/// Does `count` pieces. `work` gets a piece's number and is to ask its second argument at every block whether to stop;
/// `take` gets the results on the calling thread, in any order.
pub(crate) fn share<T: Send>(
    count: usize,
    monitor: &mut dyn Monitor,
    work: impl Fn(usize, &dyn Fn() -> bool) -> Result<T, Error> + Sync,
    mut take: impl FnMut(usize, T, &mut dyn Monitor),
) -> Result<(), Error> {
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    // Bounded, so that results don't pile up.
    let (sender, receiver) = sync_channel(THREADS);
    std::thread::scope(|scope| {
        for _ in 0..THREADS.min(count) {
            let sender = sender.clone();
            scope.spawn(|| {
                let sender = sender;
                let stopped = || stop.load(Ordering::Relaxed);
                loop {
                    let piece = next.fetch_add(1, Ordering::Relaxed);
                    if piece >= count || stopped() {
                        return;
                    }
                    let done = guarded_work(|| work(piece, &stopped));
                    if sender.send((piece, done)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut failed = None;
        loop {
            // A piece can take seconds; a cancel should not wait for it.
            match receiver.recv_timeout(Duration::from_millis(50)) {
                Ok((piece, Ok(done))) => take(piece, done, monitor),
                Ok((_, Err(error))) => {
                    failed.get_or_insert(error);
                    stop.store(true, Ordering::Relaxed);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if failed.is_none() && monitor.cancelled() {
                failed = Some(Error::Cancelled);
                stop.store(true, Ordering::Relaxed);
            }
        }
        failed.map_or(Ok(()), Err)
    })
}
