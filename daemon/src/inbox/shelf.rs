//! Moves what was taken out of the inbox into the processed folder. Nothing is ever overwritten, and nothing is moved that
//! is not what was taken.
//!
//! Must not know: the store, why a file is moved.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;

use super::faults::Faults;
use super::stamp::Stamp;

/// The most names that are tried for one file.
const TRIES: u32 = 100_000;
/// The longest name a file may have on the usual file systems (`NAME_MAX` of limits.h).
const NAME_MAX: usize = 255;

/// What became of a file that was to be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shelved {
    /// It lies here now.
    Moved(PathBuf),
    /// Something else lies under its name now, and stays there.
    Changed,
    /// It is gone.
    Gone,
}

/// Moves `inbox/rel`, which looked like `stamp` when it was taken, to `processed/rel` or, where that is there already, to
/// the same name with ` (2)`, ` (3)` …
pub(super) fn shelve(
    inbox: &Path,
    rel: &Path,
    stamp: &Stamp,
    processed: &Path,
    faults: &Faults,
) -> io::Result<Shelved> {
    let from = inbox.join(rel);
    faults.pass("intake.move", &from)?;
    match look(&from)? {
        None => return Ok(Shelved::Gone),
        Some(now) if !now.same_content(stamp) => return Ok(Shelved::Changed),
        Some(_) => {}
    }
    let folder = folder(processed, rel.parent().unwrap_or(Path::new("")))?;
    let name = rel.file_name().unwrap_or(OsStr::new("file"));
    for n in 1..TRIES {
        let to = folder.join(numbered(name, n));
        match rename(&from, &to) {
            Ok(()) => return check(&from, &to, stamp),
            Err(Errno::EXIST) => {}
            Err(Errno::NOENT) => return Ok(Shelved::Gone),
            Err(Errno::XDEV) => return carry(&from, &folder, name, stamp),
            Err(e) => return Err(e.into()),
        }
    }
    Err(io::Error::from(io::ErrorKind::AlreadyExists))
}

fn look(path: &Path) -> io::Result<Option<Stamp>> {
    match fs::symlink_metadata(path) {
        Ok(meta) => Ok(Some(Stamp::of(&meta))),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// Between the look and the rename another file may have taken the name: then it goes back, for it was not taken.
fn check(from: &Path, to: &Path, stamp: &Stamp) -> io::Result<Shelved> {
    if look(to)?.is_none_or(|now| now.same_content(stamp)) {
        return Ok(Shelved::Moved(to.to_owned()));
    }
    rename(to, from)?;
    Ok(Shelved::Changed)
}

/// Renames without overwriting, also where the file system can't do that in one step.
fn rename(from: &Path, to: &Path) -> Result<(), Errno> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            if fs::symlink_metadata(to).is_ok() {
                return Err(Errno::EXIST);
            }
            rustix::fs::rename(from, to)
        }
        other => other,
    }
}

/// Takes a file to another file system: a copy beside the target, renamed in, and only then the source goes.
fn carry(from: &Path, folder: &Path, name: &OsStr, stamp: &Stamp) -> io::Result<Shelved> {
    struct Gone(PathBuf);
    impl Drop for Gone {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }
    let flags = rustix::fs::OFlags::RDONLY
        | rustix::fs::OFlags::NOFOLLOW
        | rustix::fs::OFlags::NONBLOCK
        | rustix::fs::OFlags::CLOEXEC;
    let mut source = File::from(rustix::fs::open(from, flags, rustix::fs::Mode::empty())?);
    if !Stamp::of(&source.metadata()?).same_content(stamp) {
        return Ok(Shelved::Changed);
    }
    let temp = Gone(folder.join(format!(".{}.part", dropforge_shared::ids::FileId::random())));
    let mut copy = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temp.0)?;
    io::copy(&mut source, &mut copy)?;
    copy.set_modified(source.metadata()?.modified()?)?;
    copy.sync_all()?;
    if look(from)?.is_none_or(|now| !now.same_content(stamp)) {
        return Ok(Shelved::Changed);
    }
    for n in 1..TRIES {
        let to = folder.join(numbered(name, n));
        match rename(&temp.0, &to) {
            Ok(()) => {
                fs::remove_file(from)?;
                return Ok(Shelved::Moved(to));
            }
            Err(Errno::EXIST) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Err(io::Error::from(io::ErrorKind::AlreadyExists))
}

/// The folder `base/rel`, made where it is missing. Where a part of it is a file or a link, a numbered name serves.
fn folder(base: &Path, rel: &Path) -> io::Result<PathBuf> {
    let mut made = DirBuilder::new();
    made.mode(0o700);
    DirBuilder::new().recursive(true).mode(0o700).create(base)?;
    let mut path = base.to_owned();
    for part in rel.components() {
        let Component::Normal(name) = part else { continue };
        let mut n = 1;
        loop {
            let next = path.join(numbered(name, n));
            match made.create(&next) {
                Ok(()) => {}
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                    // Not through a link: it may lead anywhere.
                    if !fs::symlink_metadata(&next)?.is_dir() {
                        n += 1;
                        if n < TRIES {
                            continue;
                        }
                        return Err(e);
                    }
                }
                Err(e) => return Err(e),
            }
            path = next;
            break;
        }
    }
    Ok(path)
}

/// `sales.csv`, `sales (2).csv`, `sales (3).csv` … Bytes that are not UTF-8 are kept.
fn numbered(name: &OsStr, n: u32) -> OsString {
    if n == 1 {
        return name.to_owned();
    }
    let bytes = name.as_bytes();
    let dot = bytes.iter().rposition(|b| *b == b'.').filter(|at| *at > 0).unwrap_or(bytes.len());
    let (stem, ending) = bytes.split_at(dot);
    let suffix = format!(" ({n})");
    let room = NAME_MAX.saturating_sub(suffix.len() + ending.len()).max(1);
    let mut new = stem[..stem.len().min(room)].to_vec();
    new.extend_from_slice(suffix.as_bytes());
    new.extend_from_slice(ending);
    OsString::from_vec(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folders {
        _dir: tempfile::TempDir,
        inbox: PathBuf,
        processed: PathBuf,
    }

    fn folders() -> Folders {
        let dir = tempfile::tempdir().unwrap();
        let (inbox, processed) = (dir.path().join("in"), dir.path().join("out"));
        fs::create_dir_all(inbox.join("a/b")).unwrap();
        Folders { _dir: dir, inbox, processed }
    }

    impl Folders {
        fn put(&self, rel: &str, text: &str) -> Stamp {
            fs::write(self.inbox.join(rel), text).unwrap();
            look(&self.inbox.join(rel)).unwrap().unwrap()
        }

        fn shelve(&self, rel: &str, stamp: &Stamp) -> Shelved {
            shelve(&self.inbox, Path::new(rel), stamp, &self.processed, &Faults::default()).unwrap()
        }

        fn out(&self, rel: &str) -> String {
            fs::read_to_string(self.processed.join(rel)).unwrap()
        }
    }

    #[test]
    fn the_tree_is_kept_and_nothing_is_overwritten() {
        let f = folders();
        for n in ["1", "2", "3"] {
            let stamp = f.put("a/b/x.tar.gz", n);
            assert!(matches!(f.shelve("a/b/x.tar.gz", &stamp), Shelved::Moved(_)));
        }
        assert_eq!(f.out("a/b/x.tar.gz"), "1");
        assert_eq!(f.out("a/b/x.tar (2).gz"), "2");
        assert_eq!(f.out("a/b/x.tar (3).gz"), "3");
        assert!(!f.inbox.join("a/b/x.tar.gz").exists());
    }

    #[test]
    fn what_is_not_what_was_taken_stays() {
        let f = folders();
        let stamp = f.put("x", "old");
        f.put("x", "newer");
        assert_eq!(f.shelve("x", &stamp), Shelved::Changed);
        assert_eq!(fs::read_to_string(f.inbox.join("x")).unwrap(), "newer");
        fs::remove_file(f.inbox.join("x")).unwrap();
        assert_eq!(f.shelve("x", &stamp), Shelved::Gone);
    }

    #[test]
    fn a_file_that_slips_in_before_the_rename_goes_back() {
        let f = folders();
        let taken = f.put("x", "old");
        let from = f.inbox.join("x");
        fs::create_dir_all(&f.processed).unwrap();
        fs::remove_file(&from).unwrap();
        f.put("x", "slipped in");
        let to = f.processed.join("x");
        rename(&from, &to).unwrap();
        assert_eq!(check(&from, &to, &taken).unwrap(), Shelved::Changed);
        assert_eq!(fs::read_to_string(&from).unwrap(), "slipped in");
        assert!(!to.exists());
    }

    #[test]
    fn files_and_links_in_the_way_of_a_folder_are_left_alone() {
        let f = folders();
        fs::create_dir_all(&f.processed).unwrap();
        fs::write(f.processed.join("a"), "a file").unwrap();
        std::os::unix::fs::symlink("/nonexistent", f.processed.join("a (2)")).unwrap();
        let stamp = f.put("a/b/x", "1");
        assert!(matches!(f.shelve("a/b/x", &stamp), Shelved::Moved(_)));
        assert_eq!(f.out("a (3)/b/x"), "1");
        assert_eq!(f.out("a"), "a file");
    }

    #[test]
    fn another_file_system_gets_a_copy_with_its_time_and_the_source_goes() {
        let f = folders();
        let stamp = f.put("x.csv", "abc");
        fs::create_dir_all(&f.processed).unwrap();
        fs::write(f.processed.join("x.csv"), "there").unwrap();
        let moved = carry(&f.inbox.join("x.csv"), &f.processed, OsStr::new("x.csv"), &stamp).unwrap();
        assert_eq!(moved, Shelved::Moved(f.processed.join("x (2).csv")));
        assert_eq!((f.out("x.csv").as_str(), f.out("x (2).csv").as_str()), ("there", "abc"));
        let copied = look(&f.processed.join("x (2).csv")).unwrap().unwrap();
        assert_eq!(copied.mtime_ns, stamp.mtime_ns);
        assert!(!f.inbox.join("x.csv").exists());
        assert_eq!(fs::read_dir(&f.processed).unwrap().count(), 2, "no leftovers");
    }

    #[test]
    fn numbered_names_fit_and_keep_their_ending() {
        assert_eq!(numbered(OsStr::new("a.csv"), 2), "a (2).csv");
        assert_eq!(numbered(OsStr::new("README"), 3), "README (3)");
        assert_eq!(numbered(OsStr::new(".env"), 2), ".env (2)");
        let long = "x".repeat(251) + ".csv";
        let name = numbered(OsStr::new(&long), 12);
        assert_eq!(name.len(), NAME_MAX);
        assert!(name.as_bytes().ends_with(b" (12).csv"));
        assert_eq!(numbered(OsStr::from_bytes(b"\xff.csv"), 2).as_bytes(), b"\xff (2).csv");
    }
}
