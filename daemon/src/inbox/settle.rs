//! Which entries of the inbox have held still. A pure state machine: it is shown what scans found and what became of files
//! that were to be taken, and says what is ready and when to look again.
//!
//! Must not know: disks, clocks, the store. Times are durations since any fixed moment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::policy::Verdict;
use super::scan::Seen;
use super::stamp::Stamp;

/// The pause after the first failure; it doubles with each.
const FIRST_RETRY: Duration = Duration::from_secs(2);
/// The longest pause after a failure.
const LAST_RETRY: Duration = Duration::from_secs(60);

/// A file that somebody has open for writing is looked at again after twice the time, and again, until it has held still
/// for this many times the usual: some programs never close what they write.
const PATIENCE: u32 = 16;

/// Where an entry stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It has looked the same since then.
    Settling {
        /// The sighting that began it.
        since: Duration,
        /// How long it must hold still, where it is longer than usual because somebody has it open for writing.
        window: Option<Duration>,
    },
    /// It was given out to be taken.
    Taking,
    /// A rule refuses it.
    Refused {
        /// Why, and what to do.
        why: String,
    },
    /// It could not be taken.
    Failed {
        /// Why, and what to do.
        why: String,
        /// Not to be tried before, unless it changes.
        retry_at: Duration,
        /// Failures in a row.
        strikes: u32,
    },
    /// It was taken and lies there still.
    Left,
}

/// An entry that is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracked {
    /// What it looked like at the last sighting that counted.
    pub stamp: Stamp,
    /// Where it stands.
    pub state: State,
    /// Failures in a row, kept while it is tried again.
    strikes: u32,
}

/// Something to be taken now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// The path below the inbox.
    pub rel: PathBuf,
    /// What it looked like when it had held still.
    pub stamp: Stamp,
    /// Since when it has.
    since: Duration,
    /// For how long it had to.
    window: Duration,
    /// It is to be taken even if somebody has it open for writing.
    pub last_call: bool,
}

/// What a scan changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct News {
    /// To be taken now, by path.
    pub ready: Vec<Ready>,
    /// Refused now and not before, with the reason.
    pub refused: Vec<(PathBuf, String)>,
}

/// Follows the entries of the inbox.
#[derive(Debug)]
pub struct Settler {
    window: Duration,
    entries: BTreeMap<PathBuf, Tracked>,
}

impl Settler {
    /// A file must hold still for `window`.
    pub fn new(window: Duration) -> Self {
        Self { window, entries: BTreeMap::new() }
    }

    /// Takes in what a scan at `now` found. What it did not find is forgotten, save what is being taken: that will tell.
    pub fn observe(&mut self, now: Duration, seen: &[Seen]) -> News {
        let mut news = News::default();
        let mut before = std::mem::take(&mut self.entries);
        for entry in seen {
            let old = before.remove(&entry.rel);
            let next = self.step(now, entry, old.as_ref(), &mut news);
            self.entries.insert(entry.rel.clone(), next);
        }
        self.entries.extend(before.into_iter().filter(|(_, t)| t.state == State::Taking));
        news
    }

    fn step(&self, now: Duration, seen: &Seen, old: Option<&Tracked>, news: &mut News) -> Tracked {
        let stamp = seen.stamp;
        if let Some(old) = old.filter(|o| o.state == State::Taking) {
            return old.clone();
        }
        if let Verdict::Refuse(why) = &seen.verdict {
            let known = old.is_some_and(|o| matches!(&o.state, State::Refused { why: w } if w == why));
            if !known {
                news.refused.push((seen.rel.clone(), why.clone()));
            }
            return Tracked { stamp, state: State::Refused { why: why.clone() }, strikes: 0 };
        }
        let mut ready = |strikes, since, window| {
            let last_call = window >= self.window * PATIENCE;
            news.ready.push(Ready { rel: seen.rel.clone(), stamp, since, window, last_call });
            Tracked { stamp, state: State::Taking, strikes }
        };
        let fresh = || Tracked { stamp, state: State::Settling { since: now, window: None }, strikes: 0 };
        let Some(old) = old else { return fresh() };
        match &old.state {
            State::Settling { since, window } if old.stamp.same_content(&stamp) => {
                let window = window.unwrap_or(self.window);
                if now.saturating_sub(*since) >= window {
                    ready(old.strikes, *since, window)
                } else {
                    Tracked { stamp, ..old.clone() }
                }
            }
            // A chmod moves ctime alone, and is what mends a file that could not be read.
            State::Failed { retry_at, strikes, .. } if old.stamp == stamp => {
                if now >= *retry_at {
                    ready(*strikes, now, self.window)
                } else {
                    old.clone()
                }
            }
            State::Left if old.stamp.same_content(&stamp) => Tracked { stamp, ..old.clone() },
            _ => fresh(),
        }
    }

    /// When the next scan can tell something new about what is here, if anything is waiting for time to pass.
    pub fn next_due(&self) -> Option<Duration> {
        self.entries
            .values()
            .filter_map(|t| match t.state {
                State::Settling { since, window } => Some(since + window.unwrap_or(self.window)),
                State::Failed { retry_at, .. } => Some(retry_at),
                _ => None,
            })
            .min()
    }

    /// It was taken and is gone from the inbox, or was gone before it could be taken; or it changed while it was read and
    /// has to settle anew.
    pub fn forget(&mut self, rel: &Path) {
        self.entries.remove(rel);
    }

    /// Somebody has it open for writing: it has to hold still for twice as long as it did.
    pub fn written(&mut self, ready: &Ready) {
        let window = Some((ready.window * 2).min(self.window * PATIENCE));
        let state = State::Settling { since: ready.since, window };
        self.entries.insert(ready.rel.clone(), Tracked { stamp: ready.stamp, state, strikes: 0 });
    }

    /// It was taken and stays where it is.
    pub fn left(&mut self, rel: &Path, stamp: Stamp) {
        self.entries.insert(rel.to_owned(), Tracked { stamp, state: State::Left, strikes: 0 });
    }

    /// It could not be taken. Tried again after a pause that doubles, or once it changes. `patient` begins with the
    /// longest pause: for what does not pass by itself. Returns whether it is the first failure in a row.
    pub fn failed(&mut self, now: Duration, ready: &Ready, why: String, patient: bool) -> bool {
        let strikes = self.entries.get(&ready.rel).map_or(0, |t| t.strikes);
        let pause = if patient { LAST_RETRY } else { LAST_RETRY.min(FIRST_RETRY * (1 << strikes.min(8))) };
        let state = State::Failed { why, retry_at: now + pause, strikes: strikes + 1 };
        self.entries.insert(ready.rel.clone(), Tracked { stamp: ready.stamp, state, strikes });
        strikes == 0
    }

    /// How many wait, are being taken, were refused or failed.
    pub fn waiting(&self) -> u64 {
        self.waiting_entries().count() as u64
    }

    /// What waits, is being taken, was refused or failed, by path.
    pub fn waiting_entries(&self) -> impl Iterator<Item = (&Path, &Tracked)> {
        self.entries.iter().filter(|(_, t)| t.state != State::Left).map(|(p, t)| (p.as_path(), t))
    }

    /// A figure that changes when the list that a user sees does.
    pub fn fingerprint(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        for (path, tracked) in self.waiting_entries() {
            path.hash(&mut hasher);
            std::mem::discriminant(&tracked.state).hash(&mut hasher);
            matches!(tracked.state, State::Settling { window: Some(_), .. }).hash(&mut hasher);
            if let State::Failed { why, .. } | State::Refused { why } = &tracked.state {
                why.hash(&mut hasher);
            }
        }
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(2);

    fn seen(name: &str, size: u64) -> Seen {
        let stamp = Stamp { dev: 1, ino: 7, size, mtime_ns: i128::from(size), ctime_ns: 0 };
        Seen { rel: name.into(), stamp, verdict: Verdict::Take }
    }

    fn secs(s: f64) -> Duration {
        Duration::from_secs_f64(s)
    }

    fn ready(news: &News) -> Vec<&str> {
        news.ready.iter().filter_map(|r| r.rel.to_str()).collect()
    }

    #[test]
    fn a_file_is_given_out_once_after_it_held_still() {
        let mut s = Settler::new(WINDOW);
        assert!(s.observe(secs(0.0), &[seen("a", 1)]).ready.is_empty());
        assert_eq!(s.next_due(), Some(secs(2.0)));
        assert!(s.observe(secs(1.9), &[seen("a", 1)]).ready.is_empty());
        assert_eq!(ready(&s.observe(secs(2.0), &[seen("a", 1)])), ["a"]);
        assert!(s.observe(secs(9.0), &[seen("a", 1)]).ready.is_empty(), "not twice");
        assert_eq!(s.next_due(), None, "nothing to wake up for");
        s.forget(Path::new("a"));
        assert_eq!(s.waiting(), 0);
    }

    #[test]
    fn a_slow_writer_starts_the_wait_anew_with_each_write() {
        let mut s = Settler::new(WINDOW);
        for step in 0..60u32 {
            let news = s.observe(secs(f64::from(step)), &[seen("a", u64::from(step))]);
            assert!(news.ready.is_empty(), "at {step}");
        }
        assert!(s.observe(secs(60.9), &[seen("a", 59)]).ready.is_empty());
        assert_eq!(ready(&s.observe(secs(61.0), &[seen("a", 59)])), ["a"]);
    }

    #[test]
    fn a_file_put_in_place_of_another_settles_anew() {
        let mut s = Settler::new(WINDOW);
        s.observe(secs(0.0), &[seen("a", 1)]);
        let mut other = seen("a", 1);
        other.stamp.ino = 8;
        assert!(s.observe(secs(2.0), std::slice::from_ref(&other)).ready.is_empty());
        assert_eq!(ready(&s.observe(secs(4.0), &[other])), ["a"]);
    }

    #[test]
    fn failures_pause_longer_each_time_and_a_change_cuts_the_pause_short() {
        let mut s = Settler::new(WINDOW);
        s.observe(secs(0.0), &[seen("a", 1)]);
        let r = s.observe(secs(2.0), &[seen("a", 1)]).ready.remove(0);
        assert!(s.failed(secs(2.0), &r, "full".into(), false));
        assert_eq!(s.next_due(), Some(secs(4.0)));
        assert!(s.observe(secs(3.0), &[seen("a", 1)]).ready.is_empty());
        let r = s.observe(secs(4.0), &[seen("a", 1)]).ready.remove(0);
        assert!(!s.failed(secs(4.0), &r, "full".into(), false), "told once");
        assert_eq!(s.next_due(), Some(secs(8.0)), "twice the pause");
        let mut mended = seen("a", 1);
        mended.stamp.ctime_ns = 5;
        s.observe(secs(5.0), std::slice::from_ref(&mended));
        assert_eq!(ready(&s.observe(secs(7.0), &[mended])), ["a"]);
    }

    #[test]
    fn pauses_have_an_upper_end() {
        let mut s = Settler::new(WINDOW);
        let mut now = 0.0;
        s.observe(secs(now), &[seen("a", 1)]);
        now += 2.0;
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let r = s.observe(secs(now), &[seen("a", 1)]).ready.remove(0);
            s.failed(secs(now), &r, "x".into(), false);
            let due = s.next_due().unwrap().as_secs_f64();
            pauses.push(due - now);
            now = due;
        }
        assert_eq!(pauses, [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]);
    }

    #[test]
    fn what_was_left_is_taken_again_only_when_it_changes() {
        let mut s = Settler::new(WINDOW);
        let entry = seen("a", 1);
        s.left(Path::new("a"), entry.stamp);
        assert!(s.observe(secs(9.0), std::slice::from_ref(&entry)).ready.is_empty());
        assert_eq!((s.waiting(), s.next_due()), (0, None));
        s.observe(secs(10.0), &[seen("a", 2)]);
        assert_eq!(ready(&s.observe(secs(12.0), &[seen("a", 2)])), ["a"]);
    }

    #[test]
    fn a_file_that_is_open_for_writing_waits_longer_but_not_for_ever() {
        let mut s = Settler::new(WINDOW);
        s.observe(secs(0.0), &[seen("a", 1)]);
        let mut asked = Vec::new();
        loop {
            let due = s.next_due().unwrap();
            let r = s.observe(due, &[seen("a", 1)]).ready.remove(0);
            asked.push((due.as_secs(), r.last_call));
            if r.last_call {
                break;
            }
            s.written(&r);
        }
        assert_eq!(asked, [(2, false), (4, false), (8, false), (16, false), (32, true)]);
        s.forget(Path::new("a"));
        s.observe(secs(40.0), &[seen("a", 1)]);
        let r = s.observe(secs(42.0), &[seen("a", 1)]).ready.remove(0);
        s.written(&r);
        s.observe(secs(43.0), &[seen("a", 2)]);
        assert_eq!(s.next_due(), Some(secs(45.0)), "a write starts the usual wait anew");
    }

    #[test]
    fn a_refusal_is_news_once_and_what_disappears_is_forgotten() {
        let mut s = Settler::new(WINDOW);
        let refused = Seen { verdict: Verdict::Refuse("a link".into()), ..seen("l", 1) };
        assert_eq!(s.observe(secs(0.0), std::slice::from_ref(&refused)).refused.len(), 1);
        let print = s.fingerprint();
        assert!(s.observe(secs(1.0), &[refused]).refused.is_empty());
        assert_eq!(s.fingerprint(), print);
        s.observe(secs(2.0), &[]);
        assert_eq!(s.waiting(), 0);
        assert_ne!(s.fingerprint(), print);
    }
}
