//! `wait JOB…`: until all have ended; exit 1 where one did not end well.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use dropforge_shared::client::{flat, within};
use dropforge_shared::fault::Fault;
use dropforge_shared::job::JobView;
use dropforge_shared::service::CALL;

use super::waiting::{self, Line};
use super::{Context, Done};
use crate::output as print;

/// Which jobs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge wait j3k j4m --timeout 600")]
pub struct Args {
    /// Jobs
    #[arg(required = true)]
    jobs: Vec<String>,
    /// Give up after so many seconds, with exit 1; the jobs go on
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

/// How long the last answer may take after the time is up.
const GRACE: Duration = Duration::from_millis(500);

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let mut jobs = Vec::with_capacity(args.jobs.len());
    // A daemon that does not answer must not make it longer than was asked for.
    let most = args.timeout.map_or(Duration::MAX, |s| Duration::from_secs(s).saturating_add(GRACE));
    tokio::select! {
        done = work(&args, context, &mut jobs) => return done,
        () = tokio::time::sleep(most) => {
            let seconds = args.timeout.unwrap_or_default();
            return Err(Fault::failed(format!("not ended within {seconds} s, and no daemon answers"))
                .hint("Jobs are kept; `dropforge daemon start` takes them up again."));
        }
        _ = tokio::signal::ctrl_c() => {}
    }
    print::progress("");
    print::note(&waiting::interrupted(&jobs));
    Ok(ExitCode::from(waiting::INTERRUPTED))
}

async fn work(args: &Args, context: &Context, jobs: &mut Vec<String>) -> Done {
    let deadline = args.timeout.and_then(|s| Instant::now().checked_add(Duration::from_secs(s)));
    let mut line = Line::new(context, context.client().await?);
    // All of them first: a name that means nothing is told at once, not after hours of waiting for the others.
    for job in &args.jobs {
        let view = line.call(async |rpc| flat(rpc.job(within(CALL), job.clone()).await)).await?;
        jobs.push(view.id.to_string());
    }
    let views = waiting::until_ended(&mut line, jobs, deadline).await?;
    if context.json {
        print::json(&views)?;
    } else {
        for view in &views {
            print::line(&format!("{} {}", view.id, view.state.name()))?;
        }
    }
    let ended = views.iter().filter(|v| v.state.is_terminal());
    let mut notes: Vec<String> = ended.filter_map(waiting::shortfall).collect();
    if let (Some(seconds), Some(ids)) = (args.timeout, unfinished(&views)) {
        notes.push(format!("dropforge: not ended within {seconds} s: {ids}\n  They go on; `dropforge jobs` shows how far they are."));
    }
    notes.iter().for_each(|n| print::note(n));
    Ok(waiting::exit_code(&views).map_or(ExitCode::SUCCESS, ExitCode::from))
}

/// The jobs that have not ended, by id and state.
fn unfinished(views: &[JobView]) -> Option<String> {
    let open = views.iter().filter(|v| !v.state.is_terminal());
    let ids: Vec<String> = open.map(|v| format!("{} ({})", v.id, v.state.name())).collect();
    (!ids.is_empty()).then(|| ids.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::waiting::tests::job;

    #[test]
    fn what_has_not_ended_is_named() {
        assert_eq!(unfinished(&[job("done", None), job("failed", None)]), None);
        let views = [job("done", None), job("running", None), job("queued", None)];
        assert_eq!(unfinished(&views).unwrap(), "j0123456789 (running), j0123456789 (queued)");
    }
}
