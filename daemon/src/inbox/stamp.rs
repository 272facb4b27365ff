//! What tells one state of a file from another without reading it.
//!
//! Must not know: paths, policies, what is done with the file.

use std::os::unix::fs::MetadataExt;

/// A file's identity and the figures that a change would move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The file system's number.
    pub dev: u64,
    /// The inode.
    pub ino: u64,
    /// Size in bytes.
    pub size: u64,
    /// Modification time in nanoseconds since the epoch.
    pub mtime_ns: i128,
    /// Time of the last change of the inode in nanoseconds since the epoch.
    pub ctime_ns: i128,
}

impl Stamp {
    /// The stamp of what was looked at.
    pub fn of(meta: &std::fs::Metadata) -> Self {
        let ns = |s: i64, n: i64| i128::from(s) * 1_000_000_000 + i128::from(n);
        Self {
            dev: meta.dev(),
            ino: meta.ino(),
            size: meta.size(),
            mtime_ns: ns(meta.mtime(), meta.mtime_nsec()),
            ctime_ns: ns(meta.ctime(), meta.ctime_nsec()),
        }
    }

    /// Whether it is the same file with the same content, as far as one can tell. A changed mode or a new name moves
    /// `ctime` alone and is not counted.
    pub fn same_content(&self, other: &Self) -> bool {
        (self.dev, self.ino, self.size, self.mtime_ns) == (other.dev, other.ino, other.size, other.mtime_ns)
    }

    /// The modification time as the store keeps it.
    pub fn mtime_i64(&self) -> i64 {
        i64::try_from(self.mtime_ns).unwrap_or(i64::MAX)
    }
}
