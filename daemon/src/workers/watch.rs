//! Watches what a child holds of memory while it works. RLIMIT_DATA, which the child sets on itself, refuses most
//! of what is too much; this ends what gets past it (shared memory, stacks), and keeps the peak for the record.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::cgroup::Group;
use super::process::{Process, Signal};

const EVERY: Duration = Duration::from_millis(250);

/// A watch over one child. Ends with the child, or when it is dropped.
#[derive(Debug)]
pub struct MemoryWatch {
    seen: Arc<Seen>,
    group: Option<Group>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Seen {
    peak: AtomicU64,
    over: AtomicBool,
}

impl MemoryWatch {
    /// Watches a child, which may hold `limit` bytes of its own; mapped files don't count. Its control group, where it has
    /// one, ends with the watch.
    pub(super) fn start(process: Process, limit: u64, group: Option<Group>) -> Self {
        let seen = Arc::new(Seen::default());
        let shared = seen.clone();
        let task = tokio::spawn(async move {
            let mut tick = tokio::time::interval(EVERY);
            tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    _ = process.exited() => return,
                    _ = tick.tick() => {}
                }
                let Some(memory) = process.memory() else { continue };
                shared.peak.fetch_max(memory.peak, Ordering::Relaxed);
                if memory.own > limit {
                    shared.peak.fetch_max(memory.own, Ordering::Relaxed);
                    shared.over.store(true, Ordering::Relaxed);
                    process.signal_group(Signal::KILL);
                    return;
                }
            }
        });
        Self { seen, group, task }
    }

    /// The most resident memory that was seen, in bytes.
    pub fn peak_bytes(&self) -> u64 {
        self.seen.peak.load(Ordering::Relaxed)
    }

    /// Whether a control group holds the child.
    pub fn in_group(&self) -> bool {
        self.group.is_some()
    }

    /// Whether the child was ended for holding too much.
    pub fn over_limit(&self) -> bool {
        self.seen.over.load(Ordering::Relaxed) || self.group.as_ref().is_some_and(Group::ran_out)
    }
}

impl Drop for MemoryWatch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::super::testing::{Sh, eventually};
    use super::*;

    /// `tail` keeps its input's last line in memory, and this one never ends.
    const GREEDY: &str = "exec tail -n 1 /dev/zero";

    #[tokio::test]
    async fn a_child_that_holds_too_much_is_ended_and_the_cause_is_known() {
        let sh = Sh::start();
        let mut child = sh.spawn(GREEDY).await;
        let watch = MemoryWatch::start(child.process().clone(), 64 << 20, None);
        assert_eq!(child.exited().await.signal(), Some(9));
        assert!(watch.over_limit());
        assert!(watch.peak_bytes() > 64 << 20);
    }

    #[tokio::test]
    async fn a_modest_child_is_left_alone_and_its_peak_is_known() {
        let sh = Sh::start();
        let mut child = sh.spawn("read line").await;
        let watch = MemoryWatch::start(child.process().clone(), 64 << 20, None);
        eventually("the watch saw something", || watch.peak_bytes() > 0).await;
        child.close_input();
        child.exited().await;
        assert!(!watch.over_limit());
        assert!(watch.peak_bytes() < 16 << 20, "{}", watch.peak_bytes());
    }
}
