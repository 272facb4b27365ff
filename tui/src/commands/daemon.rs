//! `daemon start|stop|status|run`. Status and stop go by the frozen handshake, so they work across versions.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Subcommand;
use dropforge_shared::client::{self, ask, flat, within};
use dropforge_shared::fault::Fault;
use dropforge_shared::handshake::{Operation, PROTOCOL, Peer};
use dropforge_shared::identity::ProcessIdentity;
use dropforge_shared::service::{DaemonStatus, JobCounts};

use super::{Context, Done, not_running, this_binary};
use crate::output as print;

/// What to do with the daemon.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge daemon status --json")]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Start it in the background; says so where it runs already
    Start,
    /// Stop it in good order; what runs is queued again
    Stop,
    /// Say who runs and how it is; exit 4 where none does
    Status,
    /// Run it here until SIGTERM, for systemd
    Run {
        /// Detach from the terminal; be silent where another one runs
        #[arg(long)]
        background: bool,
    },
}

impl Args {
    /// Whether this process itself becomes the daemon.
    pub(crate) fn runs_here(&self) -> bool {
        matches!(self.what, What::Run { .. })
    }
}

/// How long a daemon may take to stop: its children have 16 s.
const STOP: Duration = Duration::from_secs(30);

/// How long the daemon may take to add to what the handshake told.
const MORE: Duration = Duration::from_secs(3);

/// Becomes the daemon.
#[cfg(feature = "local")]
pub(crate) fn run_here(args: &Args, context: &Context) -> Done {
    let What::Run { background } = args.what else { return Ok(ExitCode::FAILURE) };
    dropforge_daemon::run(dropforge_daemon::Options {
        paths: context.paths.clone(),
        config: context.config()?,
        kinds: context.kinds.iter().map(|k| k.spec).collect(),
        // The binary that runs now, even if another one was put in its place since: daemon and children then always speak
        // the same protocol.
        worker: dropforge_daemon::WorkerProgram { exe: "/proc/self/exe".into(), args: vec!["worker".into()] },
        background,
    })?;
    Ok(ExitCode::SUCCESS)
}

/// A thin client has no daemon.
#[cfg(not(feature = "local"))]
pub(crate) fn run_here(_: &Args, _: &Context) -> Done {
    Err(Fault::usage("this build is a thin client, without the daemon")
        .hint("Use the full build on the server."))
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    match args.what {
        What::Run { .. } => run_here(&args, context),
        What::Start => start(context).await,
        What::Stop => stop(context).await,
        What::Status => status(context).await,
    }
}

async fn start(context: &Context) -> Done {
    if let Some(peer) = ask(&context.paths, Operation::Status).await? {
        return say(context, &peer, "runs already");
    }
    let client = client::start(&context.paths, &this_binary()?).await?;
    say(context, &client.peer, "started")
}

fn say(context: &Context, peer: &Peer, what: &str) -> Done {
    if context.json {
        print::json(&plain(peer))?;
    } else {
        print::line(&format!(
            "daemon {what}: pid {}, version {}, drop folder {}",
            peer.pid, peer.version, peer.inbox
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn stop(context: &Context) -> Done {
    let Some(peer) = ask(&context.paths, Operation::Status).await? else {
        print::note("the daemon is not running");
        if context.json {
            print::json(&None::<DaemonStatus>)?;
        }
        return Ok(ExitCode::SUCCESS);
    };
    let process = ProcessIdentity::of(peer.pid);
    ask(&context.paths, Operation::Stop).await?;
    let deadline = Instant::now() + STOP;
    while process.as_ref().is_some_and(ProcessIdentity::is_alive) {
        if Instant::now() > deadline {
            return Err(Fault::failed(format!(
                "the daemon (pid {}) has not ended within {} s",
                peer.pid,
                STOP.as_secs()
            ))
            .hint(format!("Its log is in {}.", context.paths.logs.display())));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    say(context, &peer, "stopped")
}

/// What the handshake tells, in the form of a status: all that a daemon of another protocol can be asked.
fn plain(peer: &Peer) -> DaemonStatus {
    DaemonStatus {
        pid: peer.pid,
        version: peer.version.clone(),
        protocol: peer.protocol,
        uptime_s: peer.uptime_s,
        rss_bytes: peer.rss_bytes,
        home: peer.home.clone(),
        inbox: peer.inbox.clone(),
        jobs: JobCounts { queued: peer.queued, running: peer.running, ..JobCounts::default() },
        store_error: None,
        inbox_mode: String::new(),
    }
}

async fn status(context: &Context) -> Done {
    let Some(peer) = ask(&context.paths, Operation::Status).await? else { return Err(not_running()) };
    // The handshake has told the most already; a daemon too busy to be called is still one that runs.
    let more = if peer.protocol == PROTOCOL { called(context).await } else { Err(not_running()) };
    if let (Err(fault), PROTOCOL) = (&more, peer.protocol) {
        print::note(&format!(
            "it answers the handshake but no call ({}); this is what the handshake tells",
            fault.message
        ));
    }
    let whole = more.is_ok();
    let status = more.unwrap_or_else(|_| plain(&peer));
    if context.json {
        print::json(&status)?;
        return Ok(ExitCode::SUCCESS);
    }
    print::line(&text(&status, whole))?;
    if let Some(error) = &status.store_error {
        print::note(&format!("the store can't write: {error}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// What a call adds to the handshake.
async fn called(context: &Context) -> Result<DaemonStatus, Fault> {
    let client = client::connect(&context.paths).await?.ok_or_else(not_running)?;
    flat(client.rpc.status(within(MORE)).await)
}

fn text(status: &DaemonStatus, whole: bool) -> String {
    let jobs = status.jobs;
    let mut text = format!(
        "pid {}, version {}, protocol {}, up {} s, {:.1} MB resident\nhome   {}\ninbox  {} ({})\njobs   {} queued, {} \
         running",
        status.pid,
        status.version,
        status.protocol,
        status.uptime_s,
        status.rss_bytes as f64 / 1e6,
        status.home,
        status.inbox,
        if status.inbox_mode.is_empty() { "not known" } else { &status.inbox_mode },
        jobs.queued,
        jobs.running,
    );
    if whole {
        text += &format!(
            ", {} done, {} failed, {} cancelled, {} given up",
            jobs.done, jobs.failed, jobs.cancelled, jobs.dead
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_handshake_tells_is_a_status_and_what_it_does_not_is_not_counted_as_none() {
        let peer = Peer {
            pid: 7,
            version: "0.1.0".into(),
            protocol: PROTOCOL,
            epoch: 9,
            uptime_s: 61,
            rss_bytes: 2_000_000,
            home: "/h".into(),
            inbox: "/h/inbox".into(),
            queued: 3,
            running: 1,
        };
        let json = serde_json::to_value(plain(&peer)).unwrap();
        for key in ["pid", "version", "protocol", "uptime_s", "rss_bytes", "home", "inbox"] {
            assert!(!json[key].is_null(), "{key}: {json}");
        }
        assert_eq!((&json["jobs"]["queued"], &json["jobs"]["running"]), (&3.into(), &1.into()));
        let told = text(&plain(&peer), false);
        assert!(told.ends_with("3 queued, 1 running") && told.contains("up 61 s, 2.0 MB"), "{told}");
        assert!(text(&plain(&peer), true).contains(", 0 done"));
    }
}
