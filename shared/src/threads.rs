//! Whether more threads can be started. A user may have only so many of them and of processes (RLIMIT_NPROC, getrlimit(2)), and
//! libraries that meet the bound panic or wait for good: who needs some looks first.

use std::sync::{Arc, Mutex, mpsc};
use std::thread::Builder;

use crate::fault::Fault;

/// The stack of a thread that does nothing.
const STACK: usize = 64 << 10;

/// Starts so many threads, which end at once.
///
/// # Errors
/// Where they can't be started, with the bound and the way out.
pub fn to_be_had(count: usize) -> Result<(), Fault> {
    let (hold, held) = mpsc::channel::<()>();
    let held = Arc::new(Mutex::new(held));
    let mut threads = Vec::with_capacity(count);
    let mut refused = None;
    for _ in 0..count {
        let held = held.clone();
        // All of them are there until the last one is.
        let wait = move || drop(held.lock().map(|held| held.recv()));
        match Builder::new().stack_size(STACK).spawn(wait) {
            Ok(thread) => threads.push(thread),
            Err(e) => {
                refused = Some(e);
                break;
            }
        }
    }
    drop(hold);
    for thread in threads {
        let _ = thread.join();
    }
    refused.map_or(Ok(()), |e| Err(too_few(&e)))
}

/// What is said where a thread or a process can't be started.
pub fn too_few(error: &std::io::Error) -> Fault {
    let bound = rustix::process::getrlimit(rustix::process::Resource::Nproc).current;
    let bound = bound.map_or_else(String::new, |n| format!(" (this user may have {n} in all)"));
    Fault::failed(format!("no more threads can be started{bound}: {error}"))
        .hint("`ulimit -u` tells and sets how many; `dropforge doctor` says how many are needed.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_can_be_had_and_too_few_are_told_with_the_way_out() {
        to_be_had(4).unwrap();
        let fault = too_few(&std::io::Error::from(std::io::ErrorKind::WouldBlock));
        assert!(fault.message.contains("no more threads") && fault.hint.unwrap().contains("ulimit -u"));
    }
}
