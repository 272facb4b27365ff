//! One child process as the kernel knows it: signals that can't reach a stranger, and its end.
//!
//! A pid belongs to a child until it is reaped; after that the kernel may give it to anybody. So a thread waits for
//! the end without reaping (WNOWAIT), and reaping and signalling take the same lock.

use std::collections::HashSet;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};

use dropforge_shared::identity::{self, ProcessIdentity};
pub use rustix::process::Signal;
use rustix::process::{Pid, WaitId, WaitIdOptions, WaitOptions, kill_process_group, waitid, waitpid};
use tokio::sync::watch;

/// The pids of all children that somebody owns. Held while a child is started, so that nobody takes it for a stray.
pub(super) type Known = Arc<Mutex<HashSet<u32>>>;

/// A child process that leads its own process group. Clones name the same process.
#[derive(Debug, Clone)]
pub struct Process {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    identity: ProcessIdentity,
    pid: Pid,
    /// True once the pid may belong to somebody else.
    reaped: Mutex<bool>,
    exit: watch::Receiver<Option<ExitStatus>>,
}

impl Process {
    /// Takes charge of a child that was just started as the leader of its own group, and is in `known`.
    pub(super) fn adopt(raw_pid: u32, known: Known) -> io::Result<Self> {
        let pid = i32::try_from(raw_pid)
            .ok()
            .and_then(Pid::from_raw)
            .ok_or_else(|| io::Error::other(format!("{raw_pid} is no process id")))?;
        // A zombie has a stat line too, so this fails only without /proc; the lease then never looks alive.
        let identity = ProcessIdentity::of(raw_pid).unwrap_or_else(|| ProcessIdentity {
            boot_id: identity::boot_id(),
            pid: raw_pid,
            start_ticks: 0,
        });
        let (tell, exit) = watch::channel(None);
        let inner = Arc::new(Inner { identity, pid, reaped: Mutex::new(false), exit });
        let process = Self { inner: inner.clone() };
        let waiting = std::thread::Builder::new()
            .name(format!("wait-{raw_pid}"))
            .stack_size(128 * 1024)
            .spawn(move || wait_for(&inner, &known, &tell));
        match waiting {
            Ok(_) => Ok(process),
            Err(e) => {
                process.signal_group(Signal::KILL);
                Err(e)
            }
        }
    }

    /// Pid and start time, which together name this process and no later one.
    pub fn identity(&self) -> &ProcessIdentity {
        &self.inner.identity
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.inner.identity.pid
    }

    /// Signals the child and all of its process group. Says whether there was still anyone to signal.
    pub fn signal_group(&self, signal: Signal) -> bool {
        let reaped = self.inner.reaped.lock().unwrap_or_else(PoisonError::into_inner);
        !*reaped && kill_process_group(self.inner.pid, signal).is_ok()
    }

    /// How it ended, if it did.
    pub fn try_exited(&self) -> Option<ExitStatus> {
        *self.inner.exit.borrow()
    }

    /// Waits for its end. May be dropped and called again.
    pub async fn exited(&self) -> ExitStatus {
        let mut exit = self.inner.exit.clone();
        match exit.wait_for(Option::is_some).await {
            Ok(status) => status.unwrap_or_default(),
            // The waiting thread sends before it ends; it can only have died itself.
            Err(_) => ExitStatus::from_raw(Signal::KILL.as_raw()),
        }
    }

    /// What it holds of memory; `None` once it ended.
    pub(super) fn memory(&self) -> Option<Memory> {
        let reaped = self.inner.reaped.lock().unwrap_or_else(PoisonError::into_inner);
        if *reaped {
            return None;
        }
        Memory::parse(&std::fs::read_to_string(format!("/proc/{}/status", self.pid())).ok()?)
    }
}

/// Memory of a process in bytes, from `/proc/PID/status` (proc(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Memory {
    /// The most that ever was resident (`VmHWM`), as the kernel keeps it: no peak between two looks is missed.
    pub(super) peak: u64,
    /// What is resident and not backed by files (`RssAnon` and `RssShmem`).
    pub(super) own: u64,
}

impl Memory {
    fn parse(status: &str) -> Option<Self> {
        let kib = |name: &str| -> Option<u64> {
            let rest = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            rest.trim().strip_suffix("kB")?.trim().parse().ok()
        };
        // A zombie has none of these lines.
        Some(Self { peak: kib("VmHWM")? * 1024, own: (kib("RssAnon")? + kib("RssShmem")?) * 1024 })
    }
}

/// Waits for the end, then ends whoever is left of the group while its number is still taken, then reaps.
fn wait_for(inner: &Inner, known: &Known, tell: &watch::Sender<Option<ExitStatus>>) {
    let ended = || waitid(WaitId::Pid(inner.pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
    while let Err(rustix::io::Errno::INTR) = ended() {}
    let status = {
        let mut reaped = inner.reaped.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = kill_process_group(inner.pid, Signal::KILL);
        let status = waitpid(Some(inner.pid), WaitOptions::empty());
        *reaped = true;
        status
    };
    known.lock().unwrap_or_else(PoisonError::into_inner).remove(&inner.identity.pid);
    let raw = match status {
        Ok(Some((_, status))) => status.as_raw(),
        // Somebody else reaped it, which only a bug does: say that it did not end well.
        _ => Signal::KILL.as_raw(),
    };
    let _ = tell.send(Some(ExitStatus::from_raw(raw)));
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Sh, eventually};
    use super::*;

    #[tokio::test]
    async fn a_signal_after_the_end_reaches_nobody() {
        let sh = Sh::start();
        let child = sh.spawn("exit 7").await;
        let process = child.process().clone();
        assert_eq!(process.exited().await.code(), Some(7));
        assert!(!process.identity().is_alive());
        assert!(!process.signal_group(Signal::KILL), "its number may be somebody else's by now");
        assert_eq!(process.memory(), None);
    }

    #[tokio::test]
    async fn what_a_child_left_in_its_group_ends_with_it() {
        let sh = Sh::start();
        let mut child = sh.spawn("sleep 1000 & echo $! >&2; exit 0").await;
        let pid: u32 = child.take_stderr().unwrap().next().await.unwrap().parse().unwrap();
        let left = ProcessIdentity::of(pid);
        child.exited().await;
        eventually("the sleeper is gone", || left.as_ref().is_none_or(|l| !l.is_alive())).await;
    }

    #[tokio::test]
    async fn dropping_a_child_ends_it() {
        let sh = Sh::start();
        let child = sh.spawn("sleep 1000").await;
        let process = child.process().clone();
        assert!(process.identity().is_alive());
        drop(child);
        assert_eq!(process.exited().await.signal(), Some(9));
    }
}
