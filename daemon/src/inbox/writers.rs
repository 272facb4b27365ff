//! Whether somebody has a file open for writing. A copy over a slow line may pause for longer than files take to settle;
//! as long as its writer has it open it is not complete, however still it holds.
//!
//! Must not know: how long to wait for the writer.
#![allow(unsafe_code)]

use std::fs::File;
use std::os::fd::AsRawFd;

/// Which signal tells that a lease is wanted back; the number from `asm-generic/fcntl.h` of Linux, which the library leaves
/// out.
const F_SETSIG: libc::c_int = 10;

/// Asks the kernel, by a read lease that is given back at once: fcntl(2), "Leases", grants one only where no descriptor
/// is open for writing. `false` also where the file system knows no leases or the file is another user's.
///
/// A program that opens the file for writing in the instant between the two calls waits for the second.
pub(super) fn has_writer(file: &File) -> bool {
    let fd = file.as_raw_fd();
    // SAFETY: `fd` is open for the whole function, and these three commands take and return plain integers. The signal
    // that a broken lease sends is set to SIGURG first, whose default action is to be ignored (signal(7)); SIGIO would end
    // the process.
    let lease = unsafe {
        if libc::fcntl(fd, F_SETSIG, libc::SIGURG) == -1 {
            return false;
        }
        libc::fcntl(fd, libc::F_SETLEASE, libc::F_RDLCK)
    };
    if lease == -1 {
        return std::io::Error::last_os_error().kind() == std::io::ErrorKind::WouldBlock;
    }
    // SAFETY: as above. Where it fails the lease ends with the descriptor, a moment later.
    unsafe { libc::fcntl(fd, libc::F_SETLEASE, libc::F_UNLCK) };
    false
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;

    use super::*;

    #[test]
    fn a_writer_shows_as_long_as_it_has_the_file_open() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let writer = File::create(&path).unwrap();
        let reader = File::open(&path).unwrap();
        let other = File::open(&path).unwrap();
        assert!(has_writer(&reader));
        drop(writer);
        assert!(!has_writer(&reader), "other readers don't count");
        drop(other);
        // Nothing is left behind that a later writer would have to wait for.
        let flags = rustix::fs::OFlags::NONBLOCK.bits() as i32;
        std::os::unix::fs::OpenOptionsExt::custom_flags(OpenOptions::new().append(true), flags)
            .open(&path)
            .unwrap();
    }
}
