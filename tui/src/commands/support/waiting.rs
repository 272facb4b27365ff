//! Waiting until jobs have ended, with their progress on standard error where a person watches.

use std::time::{Duration, Instant};

use dropforge_shared::client::{flat, within};
use dropforge_shared::job::{JobState, JobView};
use dropforge_shared::fault::Fault;
use dropforge_shared::service::{CALL, MAX_WAIT_MS};

use super::line::Line;
use crate::print;

/// The pause between two looks at a job while a person watches.
const WATCHED_MS: u32 = 300;

/// The jobs as they are once all have ended, or the deadline has come.
pub(crate) async fn until_ended(
    line: &mut Line<'_>,
    jobs: &[String],
    deadline: Option<Instant>,
) -> Result<Vec<JobView>, Fault> {
    let mut views = Vec::with_capacity(jobs.len());
    for (place, job) in jobs.iter().enumerate() {
        let view = loop {
            let longest = if print::shows_progress() { WATCHED_MS } else { MAX_WAIT_MS };
            let left = deadline.map(|d| d.saturating_duration_since(Instant::now()));
            let left_ms = left.map_or(longest, |l| u32::try_from(l.as_millis()).unwrap_or(longest));
            let wait = longest.min(left_ms);
            let time = CALL + Duration::from_millis(wait.into());
            let view =
                line.call(async |rpc| flat(rpc.job_wait(within(time), job.clone(), wait).await)).await?;
            if view.state.is_terminal() || left.is_some_and(|l| l.is_zero()) {
                break view;
            }
            print::progress(&where_it_is(&view, place, jobs.len()));
        };
        views.push(view);
    }
    print::progress("");
    Ok(views)
}

/// How far a job is, in a line.
fn where_it_is(view: &JobView, ended: usize, all: usize) -> String {
    let count = if all > 1 { format!("{ended}/{all} ended · ") } else { String::new() };
    let name = view.file_name.as_deref().map_or_else(String::new, |n| format!(" {n}"));
    let stage = match &view.progress {
        Some(p) => {
            let share = p.fraction().map_or_else(
                || format!("{} {}", print::count(p.done), p.unit),
                |f| format!("{:.0} %", f * 100.0),
            );
            format!(": {} {share}", p.stage)
        }
        None => format!(": {}", view.state.name()),
    };
    format!("{count}{}{name}{stage}", view.kind)
}

/// Tells each job that did not end well, with the reason and the next step. Whether all did.
pub(crate) fn tell_failures(views: &[JobView]) -> bool {
    let bad: Vec<&JobView> = views.iter().filter(|v| v.state != JobState::Done).collect();
    for view in &bad {
        print::fault(&failure(view));
    }
    bad.is_empty()
}

fn failure(view: &JobView) -> Fault {
    let name = view.file_name.as_deref().map_or_else(String::new, |n| format!(" of {n}"));
    let what = format!("job {} ({}{name})", view.id, view.kind);
    let why = view.error.as_deref().map_or_else(String::new, |e| format!(": {e}"));
    match view.state {
        JobState::Queued | JobState::Running => Fault::failed(format!("{what} is {} still", view.state.name()))
            .hint(format!("It goes on; `dropforge logs {} --follow` follows it.", view.id)),
        state => Fault::failed(format!("{what} is {}{why}", state.name()))
            .hint(format!("`dropforge logs {}` shows its log, `dropforge retry {}` tries again.", view.id, view.id)),
    }
}

/// What is said when a person stops waiting: the work is the daemon's and goes on.
pub(crate) fn tell_interrupted(jobs: &[String]) {
    print::progress("");
    print::note("dropforge: stopped waiting; the work goes on in the daemon");
    match jobs {
        [] => print::note("  `dropforge jobs` shows how far it is."),
        [one] => print::note(&format!("  `dropforge wait {one}` waits again, `dropforge logs {one} --follow` follows.")),
        several => {
            let some: Vec<&str> = several.iter().take(8).map(String::as_str).collect();
            let more = if several.len() > some.len() { " …" } else { "" };
            print::note(&format!("  `dropforge wait {}{more}` waits again, `dropforge jobs` lists them.", some.join(" ")));
        }
    }
}
