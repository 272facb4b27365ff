//! Waiting for named conditions.

use std::time::{Duration, Instant};

/// The time that anything may take in a test on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until a condition holds, and answers what it found; fails by name after a minute.
pub fn eventually<T>(what: &str, condition: impl FnMut() -> Option<T>) -> T {
    eventually_within(PATIENCE, what, condition)
}

/// Like [`eventually`], with a deadline of its own, for where the time is the point.
pub fn eventually_within<T>(patience: Duration, what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(
            start.elapsed() < patience,
            "within {} s it did not come to this: {what}",
            patience.as_secs()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}
