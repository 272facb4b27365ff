//! Finds and ends processes that got away from a child. A process that forks twice loses its parent; since the
//! daemon is a subreaper (prctl(2), PR_SET_CHILD_SUBREAPER), it then becomes the daemon's own child, where it can be
//! told from those that somebody owns.

use std::collections::BTreeSet;
use std::fs;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use dropforge_shared::identity;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use super::process::Known;

/// A process that makes new ones faster than they can be ended is left after this time, for the next call.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(5);

/// One search at a time: only the search reaps strays, so between finding and signalling one its number is its own.
static SEARCH: Mutex<()> = Mutex::new(());

/// Ends all strays and reaps them. Returns how many were alive.
pub(super) fn reap(known: &Known) -> usize {
    let _one = SEARCH.lock().unwrap_or_else(PoisonError::into_inner);
    let deadline = Instant::now() + PATIENCE;
    let mut seen = BTreeSet::new();
    loop {
        // Ending one may orphan others, which then fall to this process: look again until there are none.
        let strays = find(known);
        if strays.is_empty() || Instant::now() > deadline {
            return seen.len();
        }
        for raw in strays {
            let Some(pid) = i32::try_from(raw).ok().and_then(Pid::from_raw) else { continue };
            // One that ended with its child's group only waits to be reaped: it had not escaped.
            let lives = identity::stat(raw).is_some_and(|stat| stat.state != 'Z');
            let _ = kill_process(pid, Signal::KILL);
            if lives && seen.insert(raw) {
                tracing::warn!(pid = raw, "a process that had escaped from a worker was ended");
            }
            while let Ok(None) = waitpid(Some(pid), WaitOptions::NOHANG) {
                if Instant::now() > deadline {
                    break;
                }
                std::thread::sleep(PAUSE);
            }
        }
    }
}

/// Children of this process that nobody owns. The lock is held while looking, so that none is being started.
fn find(known: &Known) -> Vec<u32> {
    let known = known.lock().unwrap_or_else(PoisonError::into_inner);
    let me = std::process::id();
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| !known.contains(pid))
        .filter(|pid| identity::stat(*pid).is_some_and(|stat| stat.parent == me))
        .collect()
}

#[cfg(test)]
mod tests {
    use dropforge_shared::identity::ProcessIdentity;

    use super::super::testing::{Sh, eventually};

    /// Runs the test below in a process of its own, as other tests have children that would count as strays.
    #[test]
    fn a_process_that_forked_twice_is_ended_and_owned_ones_live() {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "workers::strays::tests::alone_in_its_process", "--ignored"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    }

    #[tokio::test]
    #[ignore = "run by the test above in a process of its own"]
    async fn alone_in_its_process() {
        let sh = Sh::start();
        let owned = sh.spawn("sleep 1000").await;
        // setsid makes a new session and so a new group; with its parent gone it is out of the child's reach.
        let mut child = sh.spawn("(setsid sh -c 'echo $$ >&2; exec sleep 1000' &) ; exec sleep 1000").await;
        let pid: u32 = child.take_stderr().unwrap().next().await.unwrap().parse().unwrap();
        let stray = ProcessIdentity::of(pid).unwrap();
        child.signal_group(super::Signal::KILL);
        child.exited().await;
        assert!(stray.is_alive(), "it did escape");
        eventually("it fell to this process", || {
            dropforge_shared::identity::stat(pid).is_some_and(|s| s.parent == std::process::id())
        })
        .await;
        let spawner = sh.last();
        assert_eq!(spawner.reap_strays().await, 1);
        assert!(!stray.is_alive());
        assert!(owned.identity().is_alive(), "a child that somebody owns is no stray");
        assert_eq!(spawner.reap_strays().await, 0);
    }
}
