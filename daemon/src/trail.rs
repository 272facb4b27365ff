//! What was looked at, taken out and refused, for the audit log. Nobody waits for an entry: it goes to the store's writer, and
//! what repeats within a minute, as a table's pages do, is written once. Refusals are written each time.
//!
//! Must not know: calls, what an entry is about.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use dropforge_shared::clean;

use crate::store::Store;

/// The same thing done by the same user within this time is one entry.
const REPEATED: Duration = Duration::from_secs(60);
/// From so many remembered entries on, those that are over are forgotten.
const REMEMBERED: usize = 1024;
/// The longest detail, in characters.
const MAX_DETAIL: usize = 500;

/// The way to the audit log for what changes nothing.
pub struct Trail {
    store: Store,
    /// By the hash of what and detail: a statement may have a mebibyte.
    recent: Mutex<HashMap<(u32, &'static str, u64), Instant>>,
    hasher: RandomState,
}

impl Trail {
    /// A trail into a store.
    pub fn new(store: Store) -> Self {
        Self { store, recent: Mutex::default(), hasher: RandomState::new() }
    }

    /// Something was looked at or taken out: `what` is the id of the thing, or text that tells things apart.
    pub fn seen(&self, uid: u32, action: &'static str, what: &str, detail: &str) {
        if self.is_new(uid, action, (what, detail), Instant::now()) {
            self.append(uid, action, what, detail);
        }
    }

    /// Something was refused.
    pub fn refused(&self, uid: u32, what: &str, detail: &str) {
        self.append(uid, "refuse", what, detail);
    }

    fn is_new(&self, uid: u32, action: &'static str, key: (&str, &str), now: Instant) -> bool {
        let key = self.hasher.hash_one(key);
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() >= REMEMBERED {
            recent.retain(|_, at| now.duration_since(*at) < REPEATED);
        }
        match recent.entry((uid, action, key)) {
            std::collections::hash_map::Entry::Occupied(there)
                if now.duration_since(*there.get()) < REPEATED =>
            {
                false
            }
            entry => {
                entry.insert_entry(now);
                true
            }
        }
    }

    fn append(&self, uid: u32, action: &'static str, what: &str, detail: &str) {
        let (what, detail) = (clean::fit(what, 80), clean::fit(detail, MAX_DETAIL));
        self.store.post(move |tx| tx.append_audit(uid, action, &what, &detail));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_one_file_are_one_entry_a_minute_and_refusals_are_each_one() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let trail = Trail::new(store.clone());
        let now = Instant::now();
        let new = |uid, what: &str, at| trail.is_new(uid, "view", (what, ""), now + Duration::from_secs(at));
        assert!(new(1, "f1", 0) && !new(1, "f1", 59) && new(1, "f1", 60), "once a minute");
        assert!(new(2, "f1", 0) && new(1, "f2", 0), "each user and each file");
        for _ in 0..3 {
            trail.refused(1, "f1", "no");
            trail.seen(1, "export", "j1", "a.csv");
        }
        // A write that is waited for comes after those that are not.
        store.write_blocking(|tx| tx.append_audit(1, "end", "", "")).unwrap();
        let entries = store.read(|tx| tx.audit(None, 100)).unwrap();
        let actions: Vec<&str> = entries.iter().rev().map(|e| e.action.as_str()).collect();
        assert_eq!(actions, ["refuse", "export", "refuse", "refuse", "end"]);
    }
}
