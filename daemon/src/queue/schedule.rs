//! Which jobs start now: by priority with aging, within the limits a class and a user have. Pure, so that a test can say
//! what runs next.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use dropforge_shared::config;
use dropforge_shared::ids::JobId;
use dropforge_shared::kind::{JobClass, KindSpec};
use dropforge_shared::time::Timestamp;

use crate::store::rows::JobRow;

/// What a running job takes of the limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) class: JobClass,
    pub(super) owner: u32,
}

/// What to do now.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Plan {
    /// Jobs to start, in this order.
    pub(super) start: Vec<JobId>,
    /// Jobs of a kind that this build does not know.
    pub(super) unknown: Vec<JobId>,
    /// When a pause before a retry ends, if that is what comes next.
    pub(super) look_again: Option<Duration>,
}

fn class_limit(class: JobClass, config: &config::Queue) -> usize {
    match class {
        JobClass::Ingest => config.ingest_jobs as usize,
        JobClass::Compute => config.compute_jobs as usize,
    }
}

/// A job's priority, lifted by one for each aging interval it has waited: so nothing waits for ever behind higher ones.
/// A clock that was set back makes no job younger than new.
fn effective_priority(job: &JobRow, now: Timestamp, aging_minutes: f64) -> i64 {
    let waited_minutes = (now.0 - job.queued_at.0).max(0) as f64 / 60_000.0;
    i64::from(job.priority) + (waited_minutes / aging_minutes) as i64
}

/// Chooses from jobs that wait (oldest first) what may start beside what runs.
pub(super) fn choose(
    now: Timestamp,
    queued: &[JobRow],
    running: &[Slot],
    kinds: &BTreeMap<&'static str, KindSpec>,
    config: &config::Queue,
) -> Plan {
    let mut plan = Plan::default();
    let mut by_class: HashMap<JobClass, usize> = HashMap::new();
    let mut by_owner: HashMap<u32, usize> = HashMap::new();
    for slot in running {
        *by_class.entry(slot.class).or_default() += 1;
        *by_owner.entry(slot.owner).or_default() += 1;
    }
    let longest_pause = (config.retry_max_seconds * 2_000.0) as i64;
    let mut ready: Vec<(&JobRow, JobClass)> = Vec::new();
    for job in queued {
        let Some(kind) = kinds.get(job.kind.as_str()) else {
            plan.unknown.push(job.id.clone());
            continue;
        };
        match job.not_before {
            // A pause longer than any that we make comes from a clock that was set back: it is over.
            Some(then) if then > now && then.0 - now.0 <= longest_pause => {
                let pause = Duration::from_millis((then.0 - now.0).unsigned_abs());
                plan.look_again = Some(plan.look_again.map_or(pause, |p| p.min(pause)));
            }
            _ => ready.push((job, kind.class)),
        }
    }
    ready.sort_by_key(|(job, _)| (Reverse(effective_priority(job, now, config.aging_minutes)), job.seq));
    for (job, class) in ready {
        let in_class = by_class.entry(class).or_default();
        let of_owner = by_owner.entry(job.owner).or_default();
        let owner_full = config.jobs_per_user > 0 && *of_owner >= config.jobs_per_user as usize;
        if *in_class < class_limit(class, config) && !owner_full {
            *in_class += 1;
            *of_owner += 1;
            plan.start.push(job.id.clone());
        }
    }
    plan
}

/// The pause before retry `strike` (from 1): exponential, with full jitter on its upper half, so that many jobs that failed
/// together do not come back together. `random` is uniform in [0, 1).
pub(super) fn backoff(strike: u32, random: f64, config: &config::Queue) -> Duration {
    let doubled = config.retry_seconds * 2f64.powi(strike.saturating_sub(1).min(30) as i32);
    let pause = doubled.min(config.retry_max_seconds);
    Duration::from_secs_f64(pause * (0.5 + random.clamp(0.0, 1.0) / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dropforge_shared::ids::ProjectId;

    const INGEST: KindSpec = KindSpec::new("ingest", JobClass::Ingest, 1);
    const TRAIN: KindSpec = KindSpec::new("train", JobClass::Compute, 1);

    fn kinds() -> BTreeMap<&'static str, KindSpec> {
        [("ingest", INGEST), ("train", TRAIN)].into()
    }

    fn job(kind: &str, seq: u64, priority: i32, minutes_waited: i64) -> JobRow {
        let mut row = JobRow::queued(kind, 1000, ProjectId::random(), None);
        row.seq = seq;
        row.priority = priority;
        row.queued_at = Timestamp(NOW.0 - minutes_waited * 60_000);
        row
    }

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn started(jobs: &[JobRow], running: &[Slot], config: &config::Queue) -> Vec<u64> {
        let plan = choose(NOW, jobs, running, &kinds(), config);
        plan.start.iter().map(|id| jobs.iter().find(|j| &j.id == id).unwrap().seq).collect()
    }

    #[test]
    fn a_full_class_does_not_hold_up_another() {
        let jobs =
            [job("ingest", 1, 0, 0), job("ingest", 2, 0, 0), job("ingest", 3, 0, 0), job("train", 4, 0, 0)];
        assert_eq!(started(&jobs, &[], &config::Queue::default()), [1, 2, 4]);
        let busy = vec![Slot { class: JobClass::Ingest, owner: 1 }; 2];
        assert_eq!(started(&jobs, &busy, &config::Queue::default()), [4]);
    }

    #[test]
    fn priority_goes_first_and_waiting_catches_up() {
        let config = config::Queue { compute_jobs: 1, ..config::Queue::default() };
        assert_eq!(started(&[job("train", 1, 0, 0), job("train", 2, 5, 0)], &[], &config), [2]);
        assert_eq!(started(&[job("train", 1, 0, 61), job("train", 2, 5, 0)], &[], &config), [1]);
    }

    #[test]
    fn a_user_limit_leaves_room_for_others() {
        let config = config::Queue { jobs_per_user: 1, ..config::Queue::default() };
        let mut jobs = [job("ingest", 1, 0, 0), job("ingest", 2, 0, 0), job("ingest", 3, 0, 0)];
        jobs[2].owner = 2000;
        assert_eq!(started(&jobs, &[], &config), [1, 3]);
    }

    #[test]
    fn a_pause_is_kept_unless_the_clock_was_set_back() {
        let mut paused = job("ingest", 1, 0, 0);
        paused.not_before = Some(Timestamp(NOW.0 + 5_000));
        let plan = choose(NOW, std::slice::from_ref(&paused), &[], &kinds(), &config::Queue::default());
        assert!(plan.start.is_empty());
        assert_eq!(plan.look_again, Some(Duration::from_secs(5)));
        paused.not_before = Some(Timestamp(NOW.0 + 86_400_000));
        assert_eq!(started(&[paused], &[], &config::Queue::default()), [1]);
    }

    #[test]
    fn backoff_doubles_within_its_bounds() {
        let config = config::Queue::default();
        assert_eq!(backoff(1, 1.0, &config), Duration::from_secs(5));
        assert_eq!(backoff(3, 1.0, &config), Duration::from_secs(20));
        assert_eq!(backoff(3, 0.0, &config), Duration::from_secs(10));
        assert_eq!(backoff(40, 1.0, &config), Duration::from_secs(300));
    }
}
