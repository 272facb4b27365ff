//! Whether archives within an archive are a bomb. They are not read, only looked through: what their directories declare
//! is summed up over all of them.

use std::path::Path;

use super::MAX_DEPTH;
use crate::archive::{Temporary, Zip};
use crate::error::Error;
use crate::limits::Limits;
use crate::monitor::Monitor;

/// Bytes of inner archives that are unpacked to look at their directories. A bomb shows long before.
const UNPACKED_BYTES: u64 = 256 << 20;

/// Refuses an archive whose inner archives hold more than the file may give, or lie deeper than is looked.
pub(super) fn check(
    path: &Path,
    out_dir: &Path,
    limits: &Limits,
    monitor: &mut dyn Monitor,
) -> Result<(), Error> {
    let bytes = std::fs::metadata(path).map_err(Error::io("open", path))?.len();
    let mut look = Look { out_dir, limits: limits.within(bytes), declared: 0, unpacked: 0, monitor };
    match look.archive(path, 0) {
        // Damage of what is not read is no reason to refuse the file.
        Err(error) if !error.is_refusal() && !matches!(error, Error::Cancelled) => Ok(()),
        told => told,
    }
}

struct Look<'a> {
    out_dir: &'a Path,
    limits: Limits,
    /// Bytes that the archives seen so far declare.
    declared: u64,
    unpacked: u64,
    monitor: &'a mut dyn Monitor,
}

impl Look<'_> {
    fn archive(&mut self, path: &Path, depth: usize) -> Result<(), Error> {
        let mut zip = Zip::open(path)?;
        let members = zip.members.clone();
        zip.check_declared(&members, &self.limits)?;
        for member in &members {
            self.declared = self.declared.saturating_add(member.bytes);
        }
        let limit = |what: String, limit: String| Error::Limit {
            what,
            place: path.display().to_string(),
            limit,
            way_out: "it may be a decompression bomb; unpack it yourself if you trust it, and add what is in it",
        };
        let most = self.limits.max_uncompressed_bytes;
        if self.declared > most {
            return Err(limit(
                format!("{} bytes in archives within it", self.declared),
                format!("{most} bytes"),
            ));
        }
        for member in members.iter().take(Limits::ARCHIVE_MEMBERS).filter(|m| !m.encrypted) {
            if self.monitor.cancelled() {
                return Err(Error::Cancelled);
            }
            let is_zip = zip.head(member, 4).is_ok_and(|head| head == b"PK\x03\x04");
            if !is_zip || self.unpacked.saturating_add(member.bytes) > UNPACKED_BYTES {
                continue;
            }
            if depth == MAX_DEPTH {
                return Err(limit("archives within archives".to_owned(), format!("{MAX_DEPTH} levels")));
            }
            let inner = Temporary::within(self.out_dir, MAX_DEPTH + 1 + depth);
            self.unpacked += member.bytes;
            zip.unpack(member, inner.path(), &self.limits, self.monitor)?;
            // Nobody knows the file that was unpacked to look into it.
            match self.archive(inner.path(), depth + 1).map_err(|e| e.about(inner.path(), path)) {
                Err(Error::Damaged { .. }) => {}
                told => told?,
            }
        }
        Ok(())
    }
}
