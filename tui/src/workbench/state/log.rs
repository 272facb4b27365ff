//! An open log: the last entries, and where the user looks.

use std::collections::VecDeque;

use dropforge_shared::ids::JobId;
use dropforge_shared::job::LogEntry;

/// Entries kept in memory; the log itself is the daemon's.
pub const KEEP: usize = 1_000;

/// A job's log on the screen.
#[derive(Debug)]
pub struct LogView {
    /// The job.
    pub job: JobId,
    /// Which opening this is.
    pub ticket: u64,
    /// The last entries.
    pub entries: VecDeque<LogEntry>,
    /// Entries that came before those.
    pub before: u64,
    /// Lines that rotation took away before they were read.
    pub rotated: bool,
    /// The newest entry stays in sight.
    pub follow: bool,
    /// Long lines are wrapped.
    pub wrap: bool,
    /// The number of the first visible entry, counted from the first that came.
    pub top: u64,
    /// Columns scrolled to the right.
    pub shift: usize,
    /// What is searched, in lower case.
    pub search: String,
    /// Nothing more will come.
    pub finished: bool,
    /// Something was read.
    pub known: bool,
}

impl LogView {
    /// A log of which nothing is known yet.
    pub fn new(job: JobId, ticket: u64) -> Self {
        Self {
            job,
            ticket,
            entries: VecDeque::new(),
            before: 0,
            rotated: false,
            follow: true,
            wrap: false,
            top: 0,
            shift: 0,
            search: String::new(),
            finished: false,
            known: false,
        }
    }

    /// Entries seen so far.
    pub fn seen(&self) -> u64 {
        self.before + self.entries.len() as u64
    }

    /// Takes entries in; the oldest make room.
    pub fn push(&mut self, entries: Vec<LogEntry>) {
        self.entries.extend(entries);
        let surplus = self.entries.len().saturating_sub(KEEP);
        self.entries.drain(..surplus);
        self.before += surplus as u64;
        self.top = self.top.max(self.before);
    }

    /// The first visible entry's place among those kept, for a window of so many lines.
    pub fn first(&self, height: usize) -> usize {
        let last = self.entries.len().saturating_sub(height.max(1));
        if self.follow {
            last
        } else {
            ((self.top.max(self.before) - self.before) as usize).min(self.entries.len())
        }
    }

    /// Scrolls by entries. Upwards stops following; reaching the end follows again.
    pub fn scroll(&mut self, by: i64, height: usize) {
        let first = self.first(height) as i64;
        let last = self.entries.len().saturating_sub(height.max(1)) as i64;
        let wanted = (first + by).clamp(0, last.max(first));
        self.follow = by > 0 && wanted >= last;
        self.top = self.before + wanted as u64;
    }

    /// Whether an entry has the searched text, in what it says or in where it comes from.
    fn matches(&self, entry: &LogEntry) -> bool {
        [&entry.source, &entry.text].iter().any(|t| t.to_lowercase().contains(&self.search))
    }

    /// Goes to the next entry, or the one before, that has the searched text. False where there is none.
    pub fn find(&mut self, forward: bool, height: usize) -> bool {
        let len = self.entries.len();
        if self.search.is_empty() || len == 0 {
            return false;
        }
        let from = self.first(height);
        let hit = (1..=len)
            .map(|step| if forward { (from + step) % len } else { (from + len - step % len) % len })
            .find(|i| self.matches(&self.entries[*i]));
        if let Some(hit) = hit {
            self.follow = false;
            self.top = self.before + hit as u64;
        }
        hit.is_some()
    }
}

#[cfg(test)]
mod tests {
    use dropforge_shared::job::LogLevel;
    use dropforge_shared::time::Timestamp;

    use super::*;

    fn entries(range: std::ops::Range<u32>) -> Vec<LogEntry> {
        range
            .map(|i| LogEntry {
                at: Timestamp(0),
                attempt: 1,
                level: LogLevel::Info,
                source: "worker".into(),
                text: format!("line {i}"),
            })
            .collect()
    }

    #[test]
    fn a_flood_keeps_the_last_thousand() {
        let mut log = LogView::new(JobId::random(), 1);
        for i in 0..100 {
            log.push(entries(i * 500..(i + 1) * 500));
        }
        assert_eq!(log.entries.len(), KEEP);
        assert_eq!(log.seen(), 50_000);
        assert_eq!(log.entries.back().map(|e| e.text.as_str()), Some("line 49999"));
    }

    #[test]
    fn scrolling_up_stops_following_and_the_view_holds_still() {
        let mut log = LogView::new(JobId::random(), 1);
        log.push(entries(0..100));
        assert_eq!(log.first(10), 90);
        log.scroll(-5, 10);
        assert!(!log.follow);
        log.push(entries(100..200));
        assert_eq!(log.entries[log.first(10)].text, "line 85");
        log.scroll(1_000, 10);
        assert!(log.follow, "the end was reached");
    }

    #[test]
    fn search_goes_round() {
        let mut log = LogView::new(JobId::random(), 1);
        log.push(entries(0..50));
        log.search = "line 7".into();
        assert!(log.find(true, 10));
        assert_eq!(log.entries[log.first(10)].text, "line 7", "from the end round to the beginning");
        assert!(log.find(true, 10));
        assert_eq!(log.entries[log.first(10)].text, "line 7", "the only one");
        log.search = "work".into();
        assert!(log.find(true, 10), "the source is searched as well");
        log.search = "nothing".into();
        assert!(!log.find(false, 10));
    }
}
