//! What lies in the drop folder now. This is the truth of the inbox: whatever events were missed, a scan finds it.
//!
//! Must not know: what was there before, the store, how files are taken.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::policy::{Kind, Policy, Verdict};
use super::stamp::Stamp;

/// Folders deeper than this are not entered: a tree that deep is a loop of mounts or a mistake.
const MAX_DEPTH: usize = 64;

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The path below the folder that was scanned.
    pub rel: PathBuf,
    /// What it looked like.
    pub stamp: Stamp,
    /// What is to be done with it.
    pub verdict: Verdict,
}

/// What tells a home of Dropforge, this one's or another's, from other folders.
const STORE: &str = "store/dropforge.redb";

/// The outcome of a scan.
#[derive(Debug, Clone)]
pub struct Scan {
    /// Device and inode of the folder itself: another folder under the same name needs another watch.
    pub root: (u64, u64),
    /// What was found, by path.
    pub entries: Vec<Seen>,
}

/// Looks at everything below `root` that the policy does not ignore. Folders in `skip` are not entered. Fails only where
/// the root itself can't be read; a folder below that can't be read is an entry that is refused.
pub fn scan(root: &Path, policy: &Policy, skip: &[PathBuf]) -> io::Result<Scan> {
    let meta = fs::metadata(root)?;
    if !meta.is_dir() {
        return Err(io::Error::from(io::ErrorKind::NotADirectory));
    }
    let mut scan = Scan { root: (meta.dev(), meta.ino()), entries: Vec::new() };
    let mut folders = vec![(PathBuf::new(), 0usize)];
    while let Some((folder, depth)) = folders.pop() {
        let path = root.join(&folder);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(e) if depth == 0 => return Err(e),
            // Gone since it was seen: the next scan knows more.
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => {
                let why = format!("the folder can't be read ({e}): change its permissions");
                refuse(&mut scan.entries, root, folder, why);
                continue;
            }
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(e) if depth == 0 => return Err(e),
                Err(e) => {
                    let why = format!("the folder can't be read to its end ({e})");
                    refuse(&mut scan.entries, root, folder.clone(), why);
                    break;
                }
            };
            let name = entry.file_name();
            if policy.ignores(&name) {
                continue;
            }
            // Does not follow links.
            let Ok(meta) = entry.metadata() else { continue };
            let rel = folder.join(&name);
            let kind = Kind::of(meta.file_type());
            if kind == Kind::Folder {
                if skip.contains(&path.join(&name)) {
                    continue;
                }
                if path.join(&name).join(STORE).exists() {
                    // Taking in what the daemon makes would give it ever more to take in.
                    refuse(
                        &mut scan.entries,
                        root,
                        rel,
                        "it is a home of Dropforge: its own files are not taken in".into(),
                    );
                } else if depth + 1 >= MAX_DEPTH {
                    refuse(&mut scan.entries, root, rel, format!("it is more than {MAX_DEPTH} folders deep"));
                } else {
                    folders.push((rel, depth + 1));
                }
                continue;
            }
            let verdict = policy.judge(kind, meta.nlink(), meta.size());
            scan.entries.push(Seen { rel, stamp: Stamp::of(&meta), verdict });
        }
    }
    scan.entries.sort_by(|a, b| a.rel.cmp(&b.rel));
    Ok(scan)
}

fn refuse(entries: &mut Vec<Seen>, root: &Path, rel: PathBuf, why: String) {
    if let Ok(meta) = fs::symlink_metadata(root.join(&rel)) {
        let stamp = Stamp { size: 0, ..Stamp::of(&meta) };
        entries.push(Seen { rel, stamp, verdict: Verdict::Refuse(why) });
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use dropforge_shared::config;

    use super::*;

    #[test]
    fn a_tree_is_found_whole_and_in_order_whatever_the_names_are() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::create_dir_all(root.join("b/c")).unwrap();
        fs::create_dir_all(root.join(".git/objects")).unwrap();
        fs::create_dir_all(root.join("done")).unwrap();
        let odd = OsStr::from_bytes(b"\xff\x1b[31m\n.csv");
        for rel in ["a.csv", "b/x.csv", "b/c/y.csv", ".git/objects/z", "b/w.part", "done/old.csv"] {
            fs::write(root.join(rel), rel).unwrap();
        }
        fs::write(root.join(odd), "odd").unwrap();
        std::os::unix::fs::symlink(root, root.join("loop")).unwrap();
        let policy = Policy::new(&config::Inbox::default());
        let scan = scan(root, &policy, &[root.join("done")]).unwrap();
        let found: Vec<_> =
            scan.entries.iter().map(|e| (e.rel.as_os_str(), e.verdict == Verdict::Take)).collect();
        let expected = [
            (OsStr::new("a.csv"), true),
            (OsStr::new("b/c/y.csv"), true),
            (OsStr::new("b/x.csv"), true),
            (OsStr::new("loop"), false),
            (odd, true),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_root_that_is_gone_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let policy = Policy::new(&config::Inbox::default());
        let gone = scan(&dir.path().join("none"), &policy, &[]).unwrap_err();
        assert_eq!(gone.kind(), io::ErrorKind::NotFound);
    }
}
