//! Reads a file once: opens it without following links, copies and hashes it, and makes sure that it was the same file
//! from the first byte to the last. Runs on a thread that may block.
//!
//! Must not know: the store, the inbox, what becomes of the content.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use dropforge_shared::paths::hex;
use rustix::fs::{Mode, OFlags};
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::blobs::{Blobs, Temp};
use super::error::IntakeError;
use super::faults::Faults;
use super::policy::{Kind, Policy, Verdict};
use super::stamp::Stamp;
use super::watch as inbox_watch;
use super::writers::has_writer;

/// What is read and written at once.
const CHUNK: usize = 1 << 20;
/// From this size on a second thread hashes what the first one reads and writes.
const SHARED: u64 = 4 << 20;
/// What is then handed over at once: small enough to be hashed out of a cache of the processor.
const PIECE: usize = 256 << 10;
/// Pieces under way between the two.
const PIECES: usize = 4;
/// Bytes after which what was written goes to the disk while reading goes on, so that little is left at the end.
const SYNC_EVERY: u64 = 32 << 20;

/// A file to be read.
pub(super) struct Reading {
    pub(super) path: PathBuf,
    /// What it looked like when it had settled; it must still.
    pub(super) settled: Option<Stamp>,
    /// Whether a writer that has it open is reason to wait.
    pub(super) heed_writers: bool,
    /// Whether it may be hashed without being copied.
    pub(super) may_stay: bool,
    pub(super) policy: Policy,
    pub(super) blobs: Blobs,
    pub(super) faults: Faults,
    pub(super) halt: CancellationToken,
    pub(super) progress: watch::Sender<(u64, u64)>,
}

/// A file that was read.
pub(super) struct Content {
    pub(super) stamp: Stamp,
    pub(super) sha256: String,
    /// The copy, not synced yet; `None` where the file stays where it is.
    pub(super) copy: Option<Temp>,
}

impl Reading {
    /// Reads it.
    pub(super) fn run(&self) -> Result<Content, IntakeError> {
        let path = &self.path;
        let failed = |e: io::Error| IntakeError::from_io("open", path, &e);
        self.faults.pass("intake.open", path).map_err(failed)?;
        // Looked at before it is opened: opening a device or a pipe can have effects.
        self.judge(&fs::symlink_metadata(path).map_err(failed)?)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let mut file = match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(fd) => File::from(fd),
            // A link that took its place just now.
            Err(rustix::io::Errno::LOOP) => return Err(IntakeError::Changed(path.clone())),
            Err(e) => return Err(failed(e.into())),
        };
        let meta = file.metadata().map_err(failed)?;
        self.judge(&meta)?;
        let stamp = Stamp::of(&meta);
        if self.settled.is_some_and(|settled| !settled.same_content(&stamp)) {
            return Err(IntakeError::Changed(path.clone()));
        }
        if self.heed_writers && has_writer(&file) && !inbox_watch::is_remote(path) {
            return Err(IntakeError::Written(path.clone()));
        }
        let stays = self.may_stay && self.policy.stays(stamp.size);
        let mut copy = None;
        if !stays {
            self.room(stamp.size)?;
            copy = Some(self.blobs.begin().map_err(|e| self.write_failed(stamp.size, &e))?);
        }
        let sha256 = self.stream(&mut file, stamp.size, copy.as_mut())?;
        self.unchanged(&file, &stamp)?;
        Ok(Content { stamp, sha256, copy })
    }

    fn judge(&self, meta: &fs::Metadata) -> Result<(), IntakeError> {
        match self.policy.judge(Kind::of(meta.file_type()), meta.nlink(), meta.size()) {
            Verdict::Take => Ok(()),
            Verdict::Refuse(why) => Err(IntakeError::Refused { path: self.path.clone(), why }),
        }
    }

    /// Refuses a copy that can't fit before it fills the disk up, which would hurt everything else on it.
    fn room(&self, needs: u64) -> Result<(), IntakeError> {
        match free(self.blobs.folder()) {
            Some(has) if has < needs => Err(self.full(needs, has)),
            _ => Ok(()),
        }
    }

    fn full(&self, needs: u64, has: u64) -> IntakeError {
        IntakeError::DiskFull { path: self.path.clone(), needs, has, place: self.blobs.folder().to_owned() }
    }

    fn write_failed(&self, needs: u64, error: &io::Error) -> IntakeError {
        if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
            return self.full(needs, free(self.blobs.folder()).unwrap_or(0));
        }
        let path = self.blobs.folder().to_owned();
        IntakeError::Io { doing: "write a copy into", path, detail: error.to_string() }
    }

    /// Copies and hashes; the hash in hexadecimal.
    fn stream(&self, file: &mut File, size: u64, copy: Option<&mut Temp>) -> Result<String, IntakeError> {
        if size >= SHARED {
            return self.stream_shared(file, size, copy);
        }
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; usize::try_from(size).map_or(CHUNK, |s| s.saturating_add(1).min(CHUNK))];
        let mut pass = Pass { file, size, copy: copy.map(|c| &mut c.file), done: 0 };
        while let Some(n) = self.step(&mut pass, &mut buffer)? {
            hasher.update(buffer.get(..n).unwrap_or_default());
        }
        self.whole(&pass)?;
        Ok(hex(&hasher.finalize()))
    }

    /// The same for a large file: this thread reads and writes, one hashes, one puts what was written on the disk. The
    /// bytes that are hashed are those that were written.
    fn stream_shared(
        &self,
        file: &mut File,
        size: u64,
        copy: Option<&mut Temp>,
    ) -> Result<String, IntakeError> {
        let failed = |e: io::Error| IntakeError::from_io("read", &self.path, &e);
        let mut pass = Pass { file, size, copy: copy.map(|c| &mut c.file), done: 0 };
        let written = match &pass.copy {
            Some(copy) => Some(copy.try_clone().map_err(|e| self.write_failed(size, &e))?),
            None => None,
        };
        let (full, to_hash) = sync_channel::<(Vec<u8>, usize)>(PIECES);
        let (hashed, empty) = sync_channel::<Vec<u8>>(PIECES);
        let (more, due) = sync_channel::<()>(1);
        for _ in 0..PIECES {
            // There is room for all of them.
            let _ = hashed.send(vec![0; PIECE]);
        }
        thread::scope(|scope| {
            let hash = thread::Builder::new()
                .name("hash".into())
                .spawn_scoped(scope, || hash_all(to_hash, hashed))
                .map_err(failed)?;
            let sync = thread::Builder::new()
                .name("sync".into())
                .spawn_scoped(scope, || self.sync_along(due, written))
                .map_err(failed)?;
            let mut synced = 0;
            let read = loop {
                let Ok(mut piece) = empty.recv() else { break Ok(()) };
                match self.step(&mut pass, &mut piece) {
                    Ok(Some(n)) => {
                        if full.send((piece, n)).is_err() {
                            break Ok(());
                        }
                    }
                    Ok(None) => break Ok(()),
                    Err(e) => break Err(e),
                }
                if pass.done - synced >= SYNC_EVERY {
                    synced = pass.done;
                    // One that is under way is followed by one more at most.
                    let _ = more.try_send(());
                }
            };
            drop((full, more));
            let (hash, sync) = (hash.join(), sync.join());
            read?;
            let ended = |_| IntakeError::from_io("read", &self.path, &io::Error::other("a thread gave up"));
            // The disk tells of a failure once: what is heard here would not be heard at the end.
            sync.map_err(ended)?.map_err(|e| self.write_failed(size, &e))?;
            let hash = hash.map_err(ended)?;
            self.whole(&pass)?;
            Ok(hash)
        })
    }

    /// Reads some bytes and writes them to the copy; `None` at the end, or where there are more than there should be.
    fn step(&self, pass: &mut Pass<'_>, buffer: &mut [u8]) -> Result<Option<usize>, IntakeError> {
        let path = &self.path;
        loop {
            if self.halt.is_cancelled() {
                return Err(IntakeError::Stopped(path.clone()));
            }
            self.faults.pass("intake.copy", path).map_err(|e| self.write_failed(pass.size, &e))?;
            let n = match pass.file.read(buffer) {
                Ok(0) => return Ok(None),
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(IntakeError::from_io("read", path, &e)),
            };
            if let Some(copy) = &mut pass.copy {
                let bytes = buffer.get(..n).unwrap_or_default();
                copy.write_all(bytes).map_err(|e| self.write_failed(pass.size, &e))?;
            }
            pass.done += n as u64;
            if pass.done > pass.size {
                return Ok(None);
            }
            self.progress.send_replace((pass.done, pass.size));
            return Ok(Some(n));
        }
    }

    /// Puts what was written on the disk each time that enough of it has come.
    fn sync_along(&self, due: Receiver<()>, written: Option<File>) -> io::Result<()> {
        let Some(file) = written else { return Ok(()) };
        due.iter().try_for_each(|()| {
            self.faults.pass("intake.sync.along", &self.path)?;
            file.sync_data()
        })
    }

    /// As many bytes came as the file was said to have.
    fn whole(&self, pass: &Pass<'_>) -> Result<(), IntakeError> {
        if pass.done == pass.size { Ok(()) } else { Err(IntakeError::Changed(self.path.clone())) }
    }

    /// The open file and the path must both be what they were before the first byte was read.
    fn unchanged(&self, file: &File, stamp: &Stamp) -> Result<(), IntakeError> {
        let path = &self.path;
        let open = file.metadata().map_err(|e| IntakeError::from_io("look at", path, &e))?;
        let named = fs::symlink_metadata(path).map_err(|e| IntakeError::from_io("look at", path, &e))?;
        if Stamp::of(&open) == *stamp && Stamp::of(&named) == *stamp {
            Ok(())
        } else {
            Err(IntakeError::Changed(path.clone()))
        }
    }

    /// Makes the copy last and puts it in its place.
    pub(super) fn keep(&self, copy: Temp, sha256: &str, size: u64) -> Result<(), IntakeError> {
        let failed = |e: io::Error| self.write_failed(size, &e);
        self.faults.pass("intake.sync", &self.path).map_err(failed)?;
        copy.file.sync_all().map_err(failed)?;
        self.faults.pass("intake.rename", &self.path).map_err(failed)?;
        self.blobs.keep(copy, sha256).map_err(failed)
    }
}

/// A file being read, and copied where it does not stay.
struct Pass<'a> {
    file: &'a mut File,
    /// What it should have.
    size: u64,
    copy: Option<&'a mut File>,
    /// Bytes so far.
    done: u64,
}

/// Hashes pieces as they come and hands their room back.
fn hash_all(pieces: Receiver<(Vec<u8>, usize)>, hashed: SyncSender<Vec<u8>>) -> String {
    let mut hasher = Sha256::new();
    for (piece, n) in pieces {
        hasher.update(piece.get(..n).unwrap_or_default());
        // At the end nobody wants it back.
        let _ = hashed.try_send(piece);
    }
    hex(&hasher.finalize())
}

/// Bytes that are free for this user where a folder lies.
pub(super) fn free(folder: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(folder).ok()?;
    stat.f_bavail.checked_mul(stat.f_frsize)
}
