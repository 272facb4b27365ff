//! Confines the process before it reads a byte of the user's: what it may open, which calls it may make, how much
//! memory it may take. Each part is used where the kernel has it, and the description says which are on.
//!
//! The parts are independent. Landlock decides which files can be opened; seccomp refuses calls that no parser needs
//! (sockets, new processes, debugging, changing modes and owners); limits end what eats too much.

mod calls;
mod files;

use std::path::Path;

use rustix::process::{Resource, Rlimit, Signal};

use crate::PARENT_ENV;

/// What the process may touch from here on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Confinement<'a> {
    /// May be read: files, and folders with all below them.
    pub(crate) read: &'a [&'a Path],
    /// May be read and written, with all below it.
    pub(crate) write: Option<&'a Path>,
    /// Memory that it may take, in bytes.
    pub(crate) memory_bytes: Option<u64>,
    /// CPU seconds that it may take; 0 for no limit.
    pub(crate) cpu_seconds: u64,
    /// How far to step back behind processes that somebody waits for.
    pub(crate) nice: i32,
}

/// What this kernel offers to confine a child with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SandboxSupport {
    /// Landlock's ABI version; `None` where the kernel has none or has it turned off.
    pub landlock_abi: Option<i32>,
    /// Whether seccomp filters can refuse calls.
    pub seccomp: bool,
}

/// What this kernel offers. Confines nothing.
pub fn probe() -> SandboxSupport {
    SandboxSupport { landlock_abi: files::abi(), seccomp: calls::supported() }
}

/// Asks the kernel to end this process with the thread of the daemon that started it, and makes sure that this was
/// not too late.
pub(crate) fn bind_to_parent() -> Result<(), String> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|e| format!("the worker can't be bound to the daemon's life: {e}"))?;
    let Some(wanted) = std::env::var(PARENT_ENV).ok().and_then(|text| text.parse::<i32>().ok()) else {
        return Ok(());
    };
    let parent = rustix::process::getppid().map_or(0, |pid| pid.as_raw_nonzero().get());
    if parent == wanted {
        Ok(())
    } else {
        Err(format!("the daemon (pid {wanted}) went away before the worker was up"))
    }
}

/// Confines the process and says in words with what. To be called while it has a single thread.
///
/// # Errors
/// Where a path that it is to be left with can't be opened: it could then do nothing.
pub(crate) fn confine(to: &Confinement<'_>) -> Result<String, String> {
    let mut parts = Vec::new();
    // Without this an unprivileged process may install neither of the two below.
    let no_new_privs = rustix::thread::set_no_new_privs(true);
    parts.push(files::confine(to.read, to.write)?);
    parts.push(match (no_new_privs, calls::confine()) {
        (Ok(()), Ok(())) => "seccomp".to_owned(),
        (Err(e), _) => format!("no seccomp (no_new_privs: {e})"),
        (_, Err(why)) => format!("no seccomp ({why})"),
    });
    if let Some(bytes) = to.memory_bytes {
        // RLIMIT_DATA rather than RLIMIT_AS: mapped files take address space without taking memory.
        let gib = bytes as f64 / f64::from(1 << 30);
        parts.push(limit(Resource::Data, bytes, &format!("rlimit_data {gib:.1} GiB")));
    }
    if to.cpu_seconds > 0 {
        parts.push(limit(Resource::Cpu, to.cpu_seconds, &format!("rlimit_cpu {} s", to.cpu_seconds)));
    }
    // A core file would hold the user's data.
    limit(Resource::Core, 0, "");
    limit(Resource::Nofile, 256, "");
    let _ = rustix::process::nice(to.nice);
    Ok(parts.join(", "))
}

/// Sets a limit for good, never above what is already imposed.
fn limit(resource: Resource, value: u64, name: &str) -> String {
    let hard = rustix::process::getrlimit(resource).maximum;
    let below = |value: u64| hard.map_or(value, |hard| hard.min(value));
    // Where both limits on CPU time are equal the kernel sends SIGKILL, which does not say why; SIGXCPU does.
    let maximum = if resource == Resource::Cpu { value.saturating_add(5) } else { value };
    let limits = Rlimit { current: Some(below(value)), maximum: Some(below(maximum)) };
    match rustix::process::setrlimit(resource, limits) {
        Ok(()) => name.to_owned(),
        Err(e) => format!("no {name} ({e})"),
    }
}
