//! Which progress reports are worth a frame: at most ten a second, but every change of stage and every last value.

use std::time::{Duration, Instant};

/// At most ten a second.
const EVERY: Duration = Duration::from_millis(100);

/// What is known of the running stage, and what of it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stage {
    /// The stage's name.
    pub(crate) name: String,
    /// Units done.
    pub(crate) done: u64,
    /// Units in all.
    pub(crate) total: Option<u64>,
    /// The unit.
    pub(crate) unit: String,
}

/// Holds reports back until one is due.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    stage: Option<Stage>,
    sent: Option<(u64, Instant)>,
}

impl Throttle {
    /// A new stage begins. Returns what is to be sent: the last value of the stage before, if it was held back, and
    /// the new stage.
    pub(crate) fn begin(&mut self, stage: Stage, now: Instant) -> Vec<Stage> {
        let mut due: Vec<Stage> = self.flush(now).into_iter().collect();
        due.push(stage.clone());
        self.sent = Some((stage.done, now));
        self.stage = Some(stage);
        due
    }

    /// The stage is at `done` units. Returns a report where one is due.
    pub(crate) fn advance(&mut self, done: u64, now: Instant) -> Option<Stage> {
        let stage = self.stage.as_mut()?;
        stage.done = done;
        let (sent, at) = self.sent?;
        let complete = stage.total == Some(done) && sent != done;
        if complete || now.duration_since(at) >= EVERY {
            self.sent = Some((done, now));
            return Some(stage.clone());
        }
        None
    }

    /// The last value, if it was held back.
    pub(crate) fn flush(&mut self, now: Instant) -> Option<Stage> {
        let stage = self.stage.as_ref()?;
        if self.sent.is_some_and(|(sent, _)| sent == stage.done) {
            return None;
        }
        self.sent = Some((stage.done, now));
        Some(stage.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(name: &str, total: Option<u64>) -> Stage {
        Stage { name: name.into(), done: 0, total, unit: "rows".into() }
    }

    #[test]
    fn a_million_reports_in_a_second_become_about_ten_and_the_last_is_among_them() {
        let start = Instant::now();
        let mut throttle = Throttle::default();
        let mut sent = throttle.begin(stage("read", Some(1_000_000)), start);
        for i in 1..=1_000_000u64 {
            sent.extend(throttle.advance(i, start + Duration::from_micros(i)));
        }
        assert!((10..=12).contains(&sent.len()), "{}", sent.len());
        assert_eq!(sent.last().map(|s| s.done), Some(1_000_000));
    }

    #[test]
    fn a_value_held_back_is_sent_before_the_next_stage_and_at_the_end() {
        let start = Instant::now();
        let mut throttle = Throttle::default();
        throttle.begin(stage("read", None), start);
        assert_eq!(throttle.advance(7, start), None);
        let due = throttle.begin(stage("write", None), start);
        assert_eq!(
            due.iter().map(|s| (s.name.as_str(), s.done)).collect::<Vec<_>>(),
            [("read", 7), ("write", 0)]
        );
        assert_eq!(throttle.advance(3, start), None);
        assert_eq!(throttle.flush(start).map(|s| s.done), Some(3));
        assert_eq!(throttle.flush(start), None, "once is enough");
    }

    #[test]
    fn nothing_is_sent_before_a_stage_began() {
        let mut throttle = Throttle::default();
        assert_eq!(throttle.advance(7, Instant::now()), None);
        assert_eq!(throttle.flush(Instant::now()), None);
    }
}
