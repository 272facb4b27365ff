//! The limits that the daemon itself was started under: raised where that is its own to do, told where it is not.
//!
//! Must not know: what children may take; each confines itself.
#![allow(unsafe_code)]

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that the daemon wants to be allowed open: each child takes three pipes, each client a socket, each file being taken
/// two.
const OPEN_FILES: u64 = 4096;
/// With fewer a busy day is cut short.
pub(crate) const FEW_FILES: u64 = 128;
/// Threads and processes of this user; the daemon has some ten, a child as many and one for each core.
pub(crate) const FEW_PROCESSES: u64 = 64;

/// Takes what a soft limit keeps back and the hard one allows, and has a file that may not grow answer with an error rather
/// than end the daemon.
pub(crate) fn raise() {
    let now = getrlimit(Resource::Nofile);
    let wanted = now.maximum.map_or(OPEN_FILES, |most| most.min(OPEN_FILES));
    if now.current.is_some_and(|current| current < wanted) {
        // Where it is refused, things are as they were; `doctor` tells.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: now.maximum });
    }
    // SAFETY: no handler is installed: a write beyond RLIMIT_FSIZE fails with EFBIG (signal(7), setrlimit(2)). Children
    // inherit that, and it is right for them too.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
}

/// Closes files that whoever started this process left open: a lock, or the end of a pipe, would be held for as long as the
/// daemon lives. Before anything of the own is open.
pub(crate) fn close_inherited() {
    // SAFETY: nothing in this process has opened a file yet but standard input, output and error, so no object owns one of
    // those that are closed. Before Linux 5.9 the call fails, and they are closed one by one.
    unsafe {
        if libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, 0u32) == 0 {
            return;
        }
    }
    let names = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let numbers: Vec<i32> = names.filter_map(|e| e.file_name().to_str()?.parse().ok()).collect();
    for number in numbers.into_iter().filter(|n| *n > 2) {
        // SAFETY: as above. The folder that was just read is among them, closed by now, and closing it again does nothing.
        unsafe {
            libc::close(number);
        }
    }
}

/// Files that may be open; `None` without a limit.
pub(crate) fn open_files() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// Processes and threads that this user may have; `None` without a limit.
pub(crate) fn processes() -> Option<u64> {
    getrlimit(Resource::Nproc).current
}

/// Bytes that a file may have; `None` without a limit.
pub(crate) fn file_bytes() -> Option<u64> {
    getrlimit(Resource::Fsize).current
}
