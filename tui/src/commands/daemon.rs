//! `daemon start|stop|status|run`. Status and stop go by the frozen handshake, so they work across versions.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Subcommand;
use dropforge_shared::client::{ask, connect, connect_or_start, flat, within};
use dropforge_shared::config::ByteSize;
use dropforge_shared::fault::Fault;
use dropforge_shared::handshake::{Operation, PROTOCOL, Peer};
use dropforge_shared::identity::ProcessIdentity;
use dropforge_shared::service::{DaemonStatus, JobCounts};

use super::{Context, Done, this_binary};
use crate::print;

/// What to do with the daemon.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge daemon status --json")]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Start it in the background; says who runs where one does already
    Start,
    /// Stop it in good order and wait until it has ended; what runs is queued again
    Stop,
    /// Say who runs and how it is; exit 4 where none does
    Status,
    /// Run it here until SIGTERM, for systemd
    Run {
        /// Detach from the terminal, and end quietly where another one runs
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

/// How long a daemon may take to stop.
const STOP: Duration = Duration::from_secs(20);
/// How long the daemon may take to add to what the handshake told.
const MORE: Duration = Duration::from_secs(3);

/// Becomes the daemon.
#[cfg(feature = "local")]
pub(crate) fn run_here(args: &Args, context: &Context) -> Done {
    dropforge_daemon::run(dropforge_daemon::Options {
        paths: context.paths.clone(),
        config: context.config()?,
        kinds: context.kinds.iter().map(|k| k.spec).collect(),
        worker_exe: this_binary()?,
        worker_args: vec![crate::WORKER.into()],
        background: matches!(args.what, What::Run { background: true }),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// A thin client has no daemon.
#[cfg(not(feature = "local"))]
pub(crate) fn run_here(_: &Args, _: &Context) -> Done {
    Err(Fault::unreachable("this build is a thin client, without the daemon")
        .hint("Run the daemon with a full build of Dropforge."))
}

/// Runs the verb.
pub(crate) async fn run(args: Args, context: &Context) -> Done {
    match args.what {
        What::Run { .. } => run_here(&args, context),
        What::Start => start(context).await,
        What::Stop => stop(context).await,
        What::Status => status(context).await,
    }
}

async fn start(context: &Context) -> Done {
    if let Some(peer) = ask(&context.paths, Operation::Status).await? {
        if peer.protocol != PROTOCOL {
            print::note(&format!(
                "it speaks protocol {}, this client {PROTOCOL}: `dropforge daemon stop`, then start",
                peer.protocol
            ));
        }
        return say(context, &peer, "runs already");
    }
    let client = connect_or_start(&context.paths, &this_binary()?).await?;
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
    // Its identity is taken before it is asked to go: afterwards the pid may be another's.
    let Some(peer) = ask(&context.paths, Operation::Status).await? else {
        print::note(&format!("no daemon runs for {}", context.paths.home.display()));
        return Ok(ExitCode::SUCCESS);
    };
    let process = ProcessIdentity::of(peer.pid);
    ask(&context.paths, Operation::Stop).await?;
    let deadline = Instant::now() + STOP;
    loop {
        let gone = match &process {
            Some(process) => !process.is_alive(),
            // It lives where its pid can't be seen; then a socket that nobody listens on has to do.
            None => matches!(ask(&context.paths, Operation::Status).await, Ok(None)),
        };
        if gone {
            return say(context, &peer, "stopped");
        }
        if Instant::now() > deadline {
            let late = format!("the daemon (pid {}) has not ended within {} s", peer.pid, STOP.as_secs());
            return Err(Fault::failed(late)
                .hint(format!("It may wait for a child; its log is in {}.", context.paths.logs.display())));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
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

/// What a daemon of the same protocol adds; `None` where it is too busy to.
async fn more(context: &Context) -> Option<DaemonStatus> {
    let client = connect(&context.paths).await.ok()??;
    flat(client.rpc.status(within(MORE)).await).ok()
}

async fn status(context: &Context) -> Done {
    let Some(peer) = ask(&context.paths, Operation::Status).await? else {
        return Err(Fault::unreachable(format!("no daemon runs for {}", context.paths.home.display()))
            .hint("`dropforge daemon start` starts it; most verbs do so by themselves."));
    };
    let more = if peer.protocol == PROTOCOL { more(context).await } else { None };
    let (status, whole) = (more.as_ref().cloned().unwrap_or_else(|| plain(&peer)), more.is_some());
    if context.json {
        print::json(&status)?;
        return Ok(ExitCode::SUCCESS);
    }
    print::out(&text(&status, whole))?;
    if !whole && peer.protocol == PROTOCOL {
        print::note("it did not answer a call; this is what its handshake tells");
    }
    if let Some(error) = &status.store_error {
        print::note(&format!("the store can't write: {error}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn text(status: &DaemonStatus, whole: bool) -> String {
    let JobCounts { queued, running, done, failed, cancelled, dead } = status.jobs;
    let mut jobs = format!("{queued} queued, {running} running");
    if whole {
        jobs += &format!(", {done} done, {failed} failed, {cancelled} cancelled, {dead} dead");
    }
    let uptime = i64::try_from(status.uptime_s).unwrap_or(i64::MAX).saturating_mul(1000);
    let mode = if status.inbox_mode.is_empty() { String::new() } else { format!(" ({})", status.inbox_mode) };
    print::facts(&[
        ("pid", status.pid.to_string()),
        ("version", format!("{}, protocol {}", status.version, status.protocol)),
        ("up", print::span(uptime)),
        ("memory", ByteSize(status.rss_bytes).to_string()),
        ("home", status.home.clone()),
        ("inbox", format!("{}{mode}", status.inbox)),
        ("jobs", jobs),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_has_the_fields_of_the_contract() {
        let peer = Peer {
            pid: 7,
            version: "0.1.0".into(),
            protocol: PROTOCOL,
            epoch: 9,
            uptime_s: 61,
            rss_bytes: 2048,
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
        let text = text(&plain(&peer), false);
        assert!(text.contains("3 queued, 1 running\n"), "what is not known is not counted as none: {text}");
    }
}
