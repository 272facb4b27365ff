//! Named places where a test may end the process or make a call fail. With feature `failpoints` off, which is every
//! released build, each is nothing.
//!
//! `DROPFORGE_FAILPOINTS=store.commit.before=kill@3;intake.copy=enospc@1+` kills the process at the third passage of the
//! first place, and fails the second place from its first passage on. Actions: `kill` (SIGKILL to itself, as a power cut
//! would), `enospc`, `eio`, `eacces`, `hang` (sleeps for an hour). A file named by `DROPFORGE_FAILPOINTS_FILE` is read
//! anew at each passage, so that a test can mend the fault while the process runs.
//!
//! A file named by `DROPFORGE_CLOCK_FILE` sets the clock by as many milliseconds as are written in it, back where negative.

use std::io;

/// Passes a place: does nothing, fails, or never comes back.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn pass(_name: &str) -> io::Result<()> {
    Ok(())
}

/// Passes a place: does nothing, fails, or never comes back.
#[cfg(feature = "failpoints")]
pub fn pass(name: &str) -> io::Result<()> {
    live::pass(name)
}

/// By how many milliseconds a test has set the clock.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn clock_ms() -> i64 {
    0
}

/// By how many milliseconds a test has set the clock.
#[cfg(feature = "failpoints")]
pub fn clock_ms() -> i64 {
    let file = std::env::var_os("DROPFORGE_CLOCK_FILE");
    let text = file.and_then(|file| std::fs::read_to_string(file).ok());
    text.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

#[cfg(feature = "failpoints")]
mod live {
    use std::collections::HashMap;
    use std::io;
    use std::sync::Mutex;

    static PASSAGES: Mutex<Option<HashMap<String, u64>>> = Mutex::new(None);

    fn script() -> Option<String> {
        if let Ok(path) = std::env::var("DROPFORGE_FAILPOINTS_FILE")
            && let Ok(text) = std::fs::read_to_string(path)
        {
            return Some(text);
        }
        std::env::var("DROPFORGE_FAILPOINTS").ok()
    }

    pub(super) fn pass(name: &str) -> io::Result<()> {
        let Some(script) = script() else { return Ok(()) };
        for rule in script.split([';', '\n']) {
            let Some((place, action)) = rule.trim().split_once('=') else { continue };
            if place != name {
                continue;
            }
            let count = {
                let mut guard = PASSAGES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let count = guard.get_or_insert_default().entry(name.to_owned()).or_insert(0);
                *count += 1;
                *count
            };
            let (action, when) = action.split_once('@').unwrap_or((action, "1+"));
            let hit = match when.strip_suffix('+') {
                Some(from) => from.parse().is_ok_and(|n: u64| count >= n),
                None => when.parse().is_ok_and(|n: u64| count == n),
            };
            if hit {
                return act(action);
            }
        }
        Ok(())
    }

    fn act(action: &str) -> io::Result<()> {
        match action {
            "kill" => {
                let _ =
                    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
                std::thread::sleep(std::time::Duration::from_secs(3600));
                Ok(())
            }
            "hang" => {
                std::thread::sleep(std::time::Duration::from_secs(3600));
                Ok(())
            }
            "enospc" => Err(rustix::io::Errno::NOSPC.into()),
            "eio" => Err(rustix::io::Errno::IO.into()),
            "eacces" => Err(rustix::io::Errno::ACCESS.into()),
            _ => Ok(()),
        }
    }
}
