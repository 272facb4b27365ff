//! Starts children, all of them from one permanent thread: the kernel ends a child that asked for it (PDEATHSIG)
//! together with the thread that started it, and threads of the async runtime come and go.
#![allow(unsafe_code)]

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, PoisonError};

use tokio::sync::oneshot;

use super::cgroup::Groups;
use super::child::Child;
use super::frames::{Frames, Outbox};
use super::process::{Known, Process, Signal};
use super::stderr::StderrLines;
use super::strays;
use super::watch::MemoryWatch;

/// Names that a child sees of the daemon's environment. No PATH (it starts nothing), no HOME.
const PASSED: &[&str] = &["LANG", "LC_ALL", "TZ", "POLARS_MAX_THREADS"];
/// Names beginning so are passed too; tests set them.
const PASSED_PREFIX: &str = "DROPFORGE_FAILPOINTS";

/// The program that a child is.
#[derive(Debug, Clone)]
pub struct WorkerProgram {
    /// The binary. `/proc/self/exe` stands for the one that runs now, even when another one was put in its place
    /// since: a child about to become a program still sees the daemon's own there. Child and daemon then always
    /// speak the same protocol.
    pub exe: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

/// What a child is started for.
#[derive(Debug, Clone, Default)]
pub struct SpawnRequest {
    /// Makes it a reader that may read beneath this folder; otherwise it waits for the spec of an attempt.
    pub read_root: Option<PathBuf>,
    /// Memory that a reader may take, in bytes; an attempt learns it from its spec.
    pub memory_bytes: Option<u64>,
}

/// Starts children. When the last clone is dropped, the children that are bound to the daemon's life end.
#[derive(Debug, Clone)]
pub struct Spawner {
    orders: mpsc::Sender<Order>,
    known: Known,
    exe: PathBuf,
    groups: Arc<Result<Groups, String>>,
}

struct Order {
    request: SpawnRequest,
    reply: oneshot::Sender<io::Result<Started>>,
}

/// A child on its way from the thread to the one who asked. Dropped on the way, it is ended.
struct Started {
    process: Option<Process>,
    pipes: Option<(ChildStdin, ChildStdout, ChildStderr)>,
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            process.signal_group(Signal::KILL);
        }
    }
}

impl Spawner {
    /// Starts the thread, and makes this process the one to which orphans among its descendants fall.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub fn start(program: WorkerProgram) -> io::Result<Self> {
        let groups = Groups::take();
        match &groups {
            Ok(groups) => tracing::info!("children are held by control groups below {}", groups.place()),
            Err(why) => tracing::info!("children are held by their own limits and a watch: {why}"),
        }
        Self::start_sharing(program, Known::default(), groups)
    }

    pub(super) fn start_sharing(
        program: WorkerProgram,
        known: Known,
        groups: Result<Groups, String>,
    ) -> io::Result<Self> {
        if let Err(e) = rustix::process::set_child_subreaper(Some(rustix::process::getpid())) {
            tracing::warn!("children that escape can't be found again: {e}");
        }
        keep_files_from_children();
        let (orders, incoming) = mpsc::channel();
        let exe = program.exe.clone();
        let shared = known.clone();
        std::thread::Builder::new()
            .name("spawner".into())
            .spawn(move || serve(&program, &incoming, &shared))?;
        Ok(Self { orders, known, exe, groups: Arc::new(groups) })
    }

    /// Starts a child.
    ///
    /// # Errors
    /// Where the program can't be started; the message names it.
    pub async fn spawn(&self, request: SpawnRequest) -> io::Result<Child> {
        let (reply, answer) = oneshot::channel();
        let gone = || io::Error::other("the thread that starts children has ended");
        self.orders.send(Order { request, reply }).map_err(|_| gone())?;
        let mut started = answer.await.map_err(|_| gone())?.map_err(|e| explain(&self.exe, &e))?;
        let (Some((stdin, stdout, stderr)), Some(process)) = (started.pipes.take(), started.process.clone())
        else {
            return Err(gone());
        };
        let outbox = Outbox::new(tokio::process::ChildStdin::from_std(stdin)?);
        let frames = Frames::new(tokio::process::ChildStdout::from_std(stdout)?);
        let stderr = StderrLines::new(tokio::process::ChildStderr::from_std(stderr)?);
        started.process = None;
        Ok(Child::new(process, frames, outbox, stderr))
    }

    /// Holds a child that has not begun to work to `memory_bytes`, by a control group where there are any, and by looking.
    pub fn watch(&self, child: &Child, memory_bytes: u64) -> MemoryWatch {
        let process = child.process().clone();
        let group = self.groups.as_ref().as_ref().ok().and_then(|groups| {
            let made = groups.confine(process.pid(), memory_bytes);
            made.inspect_err(|e| tracing::warn!("no control group for the child {}: {e}", process.pid())).ok()
        });
        MemoryWatch::start(process, memory_bytes, group)
    }

    /// What holds children to their memory besides their own limits: the place of the control groups, or why there are
    /// none.
    pub fn groups(&self) -> Result<String, String> {
        self.groups.as_ref().as_ref().map(Groups::place).map_err(Clone::clone)
    }

    /// Gives the control groups back; for the end, when no child is left.
    pub fn leave_groups(&self) {
        if let Ok(groups) = self.groups.as_ref() {
            groups.leave();
        }
    }

    /// Ends processes that escaped from a child (by forking twice and leaving its group) and so fell to this process.
    /// Whatever else this process started itself, other than through this spawner, counts as escaped. Returns how
    /// many there were. To be called when an attempt has ended.
    pub async fn reap_strays(&self) -> usize {
        let known = self.known.clone();
        tokio::task::spawn_blocking(move || strays::reap(&known)).await.unwrap_or(0)
    }
}

fn serve(program: &WorkerProgram, incoming: &mpsc::Receiver<Order>, known: &Known) {
    let daemon = std::process::id();
    for order in incoming {
        let started = start(program, &order.request, daemon, known);
        // If nobody waits any more, dropping the child ends it.
        let _ = order.reply.send(started);
    }
}

fn start(program: &WorkerProgram, request: &SpawnRequest, daemon: u32, known: &Known) -> io::Result<Started> {
    let mut command = Command::new(&program.exe);
    command
        .args(&program.args)
        .arg0("dropforge")
        .process_group(0)
        .current_dir("/")
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| is_passed(name)))
        .env("RUST_BACKTRACE", "0")
        .env("DROPFORGE_PARENT", daemon.to_string())
        // A confined child may write nowhere but to its own folder: what doesn't fit its memory can't be put elsewhere.
        .env("POLARS_OOC_DISK_BUDGET_MB", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if std::env::var_os("POLARS_MAX_THREADS").is_none()
        && let Ok(threads) = std::thread::available_parallelism()
    {
        // A confined child can't read the quota of its control group, and would start a thread for every core.
        command.env("POLARS_MAX_THREADS", threads.to_string());
    }
    if let Some(root) = &request.read_root {
        command.env("DROPFORGE_READ_ROOT", root);
    }
    if let Some(bytes) = request.memory_bytes {
        command.env("DROPFORGE_MEMORY", bytes.to_string());
    }
    // Held until the child is known, or the search for strays might take it for one.
    let mut pids = known.lock().unwrap_or_else(PoisonError::into_inner);
    let mut child = command.spawn()?;
    pids.insert(child.id());
    drop(pids);
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let process = Process::adopt(child.id(), known.clone())?;
    match pipes {
        (Some(stdin), Some(stdout), Some(stderr)) => {
            Ok(Started { process: Some(process), pipes: Some((stdin, stdout, stderr)) })
        }
        _ => {
            process.signal_group(Signal::KILL);
            Err(io::Error::other("the child came without pipes"))
        }
    }
}

fn is_passed(name: &OsString) -> bool {
    name.to_str().is_some_and(|name| PASSED.contains(&name) || name.starts_with(PASSED_PREFIX))
}

fn explain(exe: &Path, error: &io::Error) -> io::Error {
    let shown = exe.display().to_string();
    let advice = if shown.ends_with(" (deleted)") {
        "; the binary was replaced: restart the daemon"
    } else {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory => {
                "; the machine is short of processes or memory"
            }
            _ => "",
        }
    };
    io::Error::new(error.kind(), format!("a child process can't be started from {shown}: {error}{advice}"))
}

/// Files that this process was itself started with (a shell may leave some open) stay its own. Whatever is opened
/// later is marked so by the standard library.
fn keep_files_from_children() {
    // SAFETY: CLOSE_RANGE_CLOEXEC only marks descriptors as not to be passed on; none is closed (close_range(2)).
    // Before Linux 5.11 the call fails and changes nothing.
    unsafe {
        libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sh;
    use super::*;

    #[tokio::test]
    async fn a_child_gets_a_bare_environment_and_the_daemons_pid() {
        let sh = Sh::start();
        let mut child = sh.spawn("env | sort >&2; pwd >&2").await;
        let mut lines = child.take_stderr().unwrap();
        let mut seen = Vec::new();
        while let Some(line) = lines.next().await {
            seen.push(line);
        }
        assert!(seen.contains(&format!("DROPFORGE_PARENT={}", std::process::id())), "{seen:?}");
        assert!(seen.contains(&"/".to_owned()), "{seen:?}");
        assert!(seen.contains(&"POLARS_OOC_DISK_BUDGET_MB=0".to_owned()), "{seen:?}");
        for name in ["HOME=", "USER=", "SSH_", "CARGO"] {
            assert!(!seen.iter().any(|line| line.starts_with(name)), "{name} in {seen:?}");
        }
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_named() {
        let program = WorkerProgram { exe: "/nowhere/dropforge (deleted)".into(), args: vec![] };
        let spawner = Spawner::start(program).unwrap();
        let error = spawner.spawn(SpawnRequest::default()).await.unwrap_err().to_string();
        assert!(error.contains("/nowhere/dropforge") && error.contains("restart the daemon"), "{error}");
    }

    #[tokio::test]
    async fn this_very_binary_can_be_started() {
        let args = vec!["--list".into(), "--format=terse".into()];
        let program = WorkerProgram { exe: "/proc/self/exe".into(), args };
        let mut child = Spawner::start(program).unwrap().spawn(SpawnRequest::default()).await.unwrap();
        // What it prints is no frame, but that it prints shows that it ran.
        assert!(child.recv().await.is_err());
    }
}
