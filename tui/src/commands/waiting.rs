//! Waiting for jobs. The work is the daemon's: it goes on where the client is interrupted, and jobs outlive a daemon, so a
//! wait does too. Must not know which verb waits.

use std::time::{Duration, Instant};

use dropforge_shared::client::{Client, connect, flat, within};
use dropforge_shared::fault::{Fault, FaultCode};
use dropforge_shared::job::{JobState, JobView};
use dropforge_shared::service::{CALL, DropforgeClient, MAX_WAIT_MS};

use super::Context;
use crate::output as print;

/// The exit code after Ctrl-C: 128 and the signal's number, as shells have it.
pub(super) const INTERRUPTED: u8 = 130;
/// How long a daemon that went away is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause between two looks while a person watches.
const WATCHED_MS: u32 = 500;

/// A connection that is made anew where the daemon was restarted.
pub(super) struct Line<'a> {
    context: &'a Context,
    client: Client,
}

impl<'a> Line<'a> {
    /// Takes over a connection.
    pub(super) fn new(context: &'a Context, client: Client) -> Self {
        Self { context, client }
    }

    /// The answer of a call that is safe to make twice.
    pub(super) async fn call<T>(
        &mut self,
        call: impl AsyncFn(&DropforgeClient) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut until = None;
        loop {
            let fault = match call(&self.client.rpc).await {
                Err(fault) if fault.code == FaultCode::Unreachable => fault,
                answer => return answer,
            };
            if until.is_none() {
                print::progress("");
                print::note(&format!(
                    "{}; waiting for the daemon to come back, as jobs outlive it",
                    fault.message
                ));
            }
            let until = *until.get_or_insert_with(|| Instant::now() + PATIENCE);
            self.reconnect(until, None, fault).await?;
        }
    }

    /// The calls of the daemon that answers now. For those that only this daemon can answer.
    pub(super) fn rpc(&self) -> &DropforgeClient {
        &self.client.rpc
    }

    /// A connection to whoever answers now; with `another`, to another daemon than the one at hand, which is about to go.
    pub(super) async fn renew(&mut self, another: bool) -> Result<(), Fault> {
        print::note("the daemon went away while it took files; waiting for it to come back");
        let not = another.then_some(self.client.peer.epoch);
        self.reconnect(Instant::now() + PATIENCE, not, super::not_running()).await
    }

    /// Connects anew, but not to the daemon of this epoch. Not started from here: whoever stopped it meant it.
    async fn reconnect(&mut self, until: Instant, not: Option<u64>, mut fault: Fault) -> Result<(), Fault> {
        loop {
            if Instant::now() > until {
                return Err(fault.hint("Jobs are kept; `dropforge daemon start`, then `dropforge wait JOB`."));
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
            match connect(&self.context.paths).await {
                Ok(Some(client)) if Some(client.peer.epoch) == not => {}
                Ok(Some(client)) => {
                    self.client = client;
                    return Ok(());
                }
                Ok(None) => fault = super::not_running(),
                Err(e) if e.code == FaultCode::Unreachable => fault = e,
                Err(e) => return Err(e),
            }
        }
    }
}

/// The jobs as they are once all have ended, or the deadline has come.
pub(super) async fn until_ended(
    line: &mut Line<'_>,
    jobs: &[String],
    deadline: Option<Instant>,
) -> Result<Vec<JobView>, Fault> {
    let start = Instant::now();
    let mut views = Vec::with_capacity(jobs.len());
    for (ended, job) in jobs.iter().enumerate() {
        let view = loop {
            let longest = if print::shows_progress() { WATCHED_MS } else { MAX_WAIT_MS };
            let left = deadline.map(|d| d.saturating_duration_since(Instant::now()));
            let wait = left.map_or(longest, |l| u32::try_from(l.as_millis()).unwrap_or(longest).min(longest));
            let time = CALL + Duration::from_millis(wait.into());
            let view =
                line.call(async |rpc| flat(rpc.job_wait(within(time), job.clone(), wait).await)).await?;
            if view.state.is_terminal() || left.is_some_and(|l| l.is_zero()) {
                break view;
            }
            print::progress(&how_far(&view, ended, jobs.len(), start.elapsed()));
        };
        views.push(view);
    }
    print::progress("");
    Ok(views)
}

/// The jobs as they ended; `None` where a person stopped waiting, who is then told how to go on.
pub(super) async fn watch(line: &mut Line<'_>, jobs: &[String]) -> Result<Option<Vec<JobView>>, Fault> {
    tokio::select! {
        ended = until_ended(line, jobs, None) => return ended.map(Some),
        _ = tokio::signal::ctrl_c() => {}
    }
    print::progress("");
    print::note(&interrupted(jobs));
    Ok(None)
}

/// How far a job is, in a line.
fn how_far(view: &JobView, ended: usize, all: usize, time: Duration) -> String {
    let count = if all > 1 { format!("{ended} of {all} ended, ") } else { String::new() };
    let name = dropforge_shared::clean::fit(view.file_name.as_deref().unwrap_or(&view.kind), 40);
    let stage = match &view.progress {
        Some(p) => {
            let percent = p.fraction().map_or_else(String::new, |f| format!(" {:.0} %", f * 100.0));
            format!("{}{percent}", p.stage)
        }
        None => view.state.name().to_owned(),
    };
    format!("{count}{name}: {stage}, {} s", time.as_secs())
}

/// What is said of a job that is not done; `None` of one that is.
pub(super) fn shortfall(view: &JobView) -> Option<String> {
    if view.state == JobState::Done {
        return None;
    }
    let name = dropforge_shared::clean::line(view.file_name.as_deref().unwrap_or("no file"));
    let why = match &view.error {
        Some(error) if view.state.is_terminal() => format!("{}: {error}", view.state.name()),
        _ if view.state.is_terminal() => view.state.name().to_owned(),
        _ => format!("{} still", view.state.name()),
    };
    Some(format!("job {} ({name}): {why}", view.id))
}

/// The exit code for jobs that were waited for: that of the first that is not done.
pub(super) fn exit_code(views: &[JobView]) -> Option<u8> {
    let short = views.iter().find(|v| v.state != JobState::Done)?;
    Some(short.error_code.map_or(1, FaultCode::exit_code))
}

/// What is said to a person who stops waiting.
pub(super) fn interrupted(jobs: &[String]) -> String {
    let how = match jobs {
        [] => "`dropforge jobs` shows how far it is.".to_owned(),
        [one] => {
            format!("`dropforge wait {one}` waits again, `dropforge logs {one} --follow` shows what it says.")
        }
        several => {
            let some = several.iter().take(8).map(String::as_str).collect::<Vec<_>>().join(" ");
            let more = if several.len() > 8 { " …" } else { "" };
            format!("`dropforge wait {some}{more}` waits again, `dropforge jobs` shows how far they are.")
        }
    };
    format!("dropforge: interrupted; the daemon goes on with the work\n  {how}")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A job in a state.
    pub(crate) fn job(state: &str, error: Option<&str>) -> JobView {
        serde_json::from_value(serde_json::json!({
            "id": "j0123456789", "kind": "ingest", "file": null, "file_name": "a\u{1b}.csv", "state": state,
            "stage": null, "attempts": [], "queued_at": "2026-01-02T03:04:05.678Z", "started_at": null,
            "progress": {"stage": "read", "done": 1, "total": 4, "unit": "bytes"}, "finished_at": null,
            "not_before": null, "error": error, "outputs": [], "priority": 0, "project": "default", "cancelling": false
        }))
        .unwrap()
    }

    #[test]
    fn a_job_that_is_not_done_is_named_with_its_reason() {
        assert_eq!(shortfall(&job("done", None)), None);
        assert_eq!(shortfall(&job("failed", Some("no"))).unwrap(), "job j0123456789 (a␛.csv): failed: no");
        assert_eq!(shortfall(&job("cancelled", None)).unwrap(), "job j0123456789 (a␛.csv): cancelled");
        assert_eq!(
            shortfall(&job("running", Some("before"))).unwrap(),
            "job j0123456789 (a␛.csv): running still"
        );
    }

    #[test]
    fn progress_says_which_file_and_how_far() {
        let text = how_far(&job("running", None), 1, 3, Duration::from_secs(7));
        assert_eq!(text, "1 of 3 ended, a␛.csv: read 25 %, 7 s");
    }

    #[test]
    fn who_interrupts_learns_that_the_work_goes_on_and_how_to_follow_it() {
        let jobs: Vec<String> = (0..9).map(|i| format!("j{i}")).collect();
        assert!(interrupted(&[]).contains("goes on") && interrupted(&[]).contains("`dropforge jobs`"));
        assert!(interrupted(&jobs[..1]).contains("dropforge wait j0`"));
        assert!(interrupted(&jobs).contains("j7 …`"));
    }
}
