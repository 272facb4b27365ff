//! The ring of events in memory that clients follow by long-poll. It says that something changed; the record of it is in
//! the store. Must not know who listens.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dropforge_shared::event::{Change, Cursor, Event, EventBatch};
use dropforge_shared::ids::JobId;
use dropforge_shared::time::Timestamp;
use tokio::sync::watch;

/// Events kept. A client that falls further behind reads its lists anew.
const KEPT: usize = 4096;
/// Events in one answer.
const BATCH: usize = 512;

/// The ring.
#[derive(Debug)]
pub struct Bus {
    epoch: u64,
    ring: Mutex<Ring>,
    newest: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Ring {
    events: BTreeMap<u64, Event>,
    next: u64,
    /// The highest number that was dropped for want of room. Coalesced progress does not count: nothing is missed.
    dropped: u64,
    progress: HashMap<JobId, u64>,
}

impl Bus {
    /// An empty ring for one run of the daemon.
    pub fn new(epoch: u64) -> Self {
        Self { epoch, ring: Mutex::new(Ring { next: 1, ..Ring::default() }), newest: watch::Sender::new(0) }
    }

    /// The number of this run of the daemon.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        // The ring is whole after every statement below, so a panic elsewhere with the lock held does no harm.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an event and wakes who waits.
    pub fn publish(&self, change: Change) {
        {
            let mut ring = self.ring();
            let seq = ring.next;
            ring.next += 1;
            match &change {
                Change::Progress { job, .. } => {
                    if let Some(old) = ring.progress.insert(job.clone(), seq) {
                        ring.events.remove(&old);
                    }
                }
                Change::Job { job, state, .. } if state.is_terminal() => {
                    if let Some(old) = ring.progress.remove(job) {
                        ring.events.remove(&old);
                    }
                }
                _ => {}
            }
            ring.events.insert(seq, Event { seq, at: Timestamp::now(), change });
            while ring.events.len() > KEPT
                && let Some((dropped, _)) = ring.events.pop_first()
            {
                ring.dropped = dropped;
            }
            // With the lock still held: a number must never be told after a higher one.
            self.newest.send_replace(seq);
        }
    }

    /// What happened after a cursor, waiting for it if nothing has.
    pub async fn after(&self, cursor: Cursor, wait: Duration) -> EventBatch {
        let mut newest = self.newest.subscribe();
        if cursor.epoch != self.epoch {
            return EventBatch { events: Vec::new(), cursor: self.newest(), gap: true };
        }
        let cursor = if cursor.seq == Cursor::NEWEST { self.newest() } else { cursor };
        // A time-out is an answer too: an empty batch.
        let _ = tokio::time::timeout(wait, newest.wait_for(|seq| *seq > cursor.seq)).await;
        let ring = self.ring();
        let gap = ring.dropped > cursor.seq;
        let events: Vec<Event> =
            ring.events.range(cursor.seq + 1..).take(BATCH).map(|(_, e)| e.clone()).collect();
        let seq = events.last().map_or(cursor.seq, |e| e.seq);
        EventBatch { events, cursor: Cursor { epoch: self.epoch, seq }, gap }
    }

    /// The newest place in the stream.
    pub fn newest(&self) -> Cursor {
        Cursor { epoch: self.epoch, seq: self.ring().next - 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dropforge_shared::job::Progress;

    fn notice(text: &str) -> Change {
        Change::Notice { text: text.into() }
    }

    #[tokio::test]
    async fn a_follower_sees_each_event_once_and_only_the_last_progress() {
        let bus = Bus::new(5);
        let job = JobId::random();
        bus.publish(notice("a"));
        for done in 0..100 {
            let progress = Progress { done, ..Progress::default() };
            bus.publish(Change::Progress { job: job.clone(), progress });
        }
        let batch = bus.after(Cursor { epoch: 5, seq: 0 }, Duration::ZERO).await;
        assert_eq!(batch.events.len(), 2);
        assert!(!batch.gap);
        assert!(matches!(&batch.events[1].change, Change::Progress { progress, .. } if progress.done == 99));
        let again = bus.after(batch.cursor, Duration::ZERO).await;
        assert!(again.events.is_empty() && !again.gap);
    }

    #[tokio::test]
    async fn falling_behind_and_another_epoch_are_told() {
        let bus = Bus::new(5);
        for _ in 0..KEPT + 10 {
            bus.publish(notice("x"));
        }
        assert!(bus.after(Cursor { epoch: 5, seq: 3 }, Duration::ZERO).await.gap);
        assert!(!bus.after(Cursor { epoch: 5, seq: 100 }, Duration::ZERO).await.gap);
        assert!(bus.after(Cursor { epoch: 4, seq: 100 }, Duration::ZERO).await.gap);
    }

    #[tokio::test]
    async fn a_waiter_is_woken() {
        let bus = std::sync::Arc::new(Bus::new(1));
        let waiter = tokio::spawn({
            let bus = bus.clone();
            async move { bus.after(Cursor { epoch: 1, seq: Cursor::NEWEST }, Duration::from_secs(20)).await }
        });
        tokio::task::yield_now().await;
        bus.publish(notice("now"));
        // Whether the waiter had begun to wait or not, it must come back: before, with nothing to see until the next one.
        bus.publish(notice("then"));
        assert!(!waiter.is_finished() || !waiter.await.unwrap().events.is_empty());
    }
}
