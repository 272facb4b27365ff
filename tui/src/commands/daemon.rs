//! `daemon start|stop|status|run`. Status and stop go by the frozen handshake, so they work across versions.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Subcommand;
use dropforge_shared::client::{self, ask, flat, within};
use dropforge_shared::fault::Fault;
use dropforge_shared::handshake::{Operation, PROTOCOL, Peer};
use dropforge_shared::identity::ProcessIdentity;
use dropforge_shared::service::{CALL, DaemonStatus, JobCounts};

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
    Err(Fault::usage("this build is a thin client, without the daemon").hint("Use the full build on the server."))
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
        print::line(&format!("daemon {what}: pid {}, version {}, drop folder {}", peer.pid, peer.version, peer.inbox))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn stop(context: &Context) -> Done {
    let Some(peer) = ask(&context.paths, Operation::Status).await? else {
        print::note("the daemon is not running");
        return Ok(ExitCode::SUCCESS);
    };
    let process = ProcessIdentity::of(peer.pid);
    ask(&context.paths, Operation::Stop).await?;
    let deadline = Instant::now() + STOP;
    while process.as_ref().is_some_and(ProcessIdentity::is_alive) {
        if Instant::now() > deadline {
            return Err(Fault::failed(format!("the daemon (pid {}) has not ended within {} s", peer.pid, STOP.as_secs()))
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
    let status = if peer.protocol == PROTOCOL {
        let client = client::connect(&context.paths).await?.ok_or_else(not_running)?;
        flat(client.rpc.status(within(CALL)).await)?
    } else {
        plain(&peer)
    };
    if context.json {
        print::json(&status)?;
        return Ok(ExitCode::SUCCESS);
    }
    let jobs = status.jobs;
    print::line(&format!(
        "pid {}, version {}, protocol {}, up {} s, {:.1} MB resident\nhome   {}\ninbox  {} ({})\njobs   {} queued, {} \
         running, {} done, {} failed, {} cancelled, {} given up",
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
        jobs.done,
        jobs.failed,
        jobs.cancelled,
        jobs.dead,
    ))?;
    if let Some(error) = &status.store_error {
        print::note(&format!("the store can't write: {error}"));
    }
    Ok(ExitCode::SUCCESS)
}
