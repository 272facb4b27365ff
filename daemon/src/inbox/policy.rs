//! Which names and which kinds of thing are taken, ignored or refused. Pure: it looks at names and figures, never at a disk.
//!
//! Must not know: the store, how files are found or copied.

use std::ffi::OsStr;
use std::fs::FileType;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use dropforge_shared::config::{self, ByteSize, HardLinks};

/// What a directory entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A named pipe.
    Pipe,
    /// A socket.
    Socket,
    /// A block or character device.
    Device,
}

impl Kind {
    /// The kind of what was looked at without following links.
    pub fn of(kind: FileType) -> Self {
        if kind.is_file() {
            Self::File
        } else if kind.is_dir() {
            Self::Folder
        } else if kind.is_symlink() {
            Self::Link
        } else if kind.is_fifo() {
            Self::Pipe
        } else if kind.is_socket() {
            Self::Socket
        } else {
            Self::Device
        }
    }
}

/// What is to be done with an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Take it once it holds still.
    Take,
    /// Leave it, and say why and what to do.
    Refuse(String),
}

/// A name pattern: a leading or closing `*` stands for anything.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    open_start: bool,
    open_end: bool,
    text: Vec<u8>,
}

impl Pattern {
    fn new(text: &str) -> Self {
        let (open_start, rest) = text.strip_prefix('*').map_or((false, text), |r| (true, r));
        let (open_end, rest) = rest.strip_suffix('*').map_or((false, rest), |r| (true, r));
        Self { open_start, open_end, text: rest.as_bytes().to_ascii_lowercase() }
    }

    /// `name` is in ASCII lower case: `REPORT.PART` is as unfinished as `report.part`.
    fn fits(&self, name: &[u8]) -> bool {
        match (self.open_start, self.open_end) {
            (true, true) => {
                self.text.is_empty() || name.windows(self.text.len()).any(|part| part == self.text)
            }
            (true, false) => name.ends_with(&self.text),
            (false, true) => name.starts_with(&self.text),
            (false, false) => name == self.text,
        }
    }
}

/// The rules, as configured.
#[derive(Debug, Clone)]
pub struct Policy {
    ignore: Vec<Pattern>,
    hard_links: HardLinks,
    max_file_bytes: u64,
    /// Above this, an added file may stay where it is; `None` copies all.
    reference_above: Option<u64>,
}

impl Policy {
    /// The rules of a configuration.
    pub fn new(config: &config::Inbox) -> Self {
        Self {
            ignore: config.ignore.iter().filter(|p| !p.is_empty()).map(|p| Pattern::new(p)).collect(),
            hard_links: config.hard_links,
            max_file_bytes: config.max_file_bytes.0,
            reference_above: Some(config.reference_above_bytes.0).filter(|n| *n > 0),
        }
    }

    /// Whether a name is passed over without a word: hidden, or unfinished by the look of it. Holds for folders too, with
    /// all that is in them.
    pub fn ignores(&self, name: &OsStr) -> bool {
        let name = name.as_bytes();
        if name.first() == Some(&b'.') {
            return true;
        }
        let name = name.to_ascii_lowercase();
        self.ignore.iter().any(|p| p.fits(&name))
    }

    /// What is to be done with something that is not a folder.
    pub fn judge(&self, kind: Kind, links: u64, size: u64) -> Verdict {
        match kind {
            Kind::File if links > 1 && self.hard_links == HardLinks::Refuse => Verdict::Refuse(format!(
                "it has {links} hard links, and inbox.hard_links is \"refuse\": put a copy here, or set it to \"take\""
            )),
            Kind::File if size > self.max_file_bytes => Verdict::Refuse(format!(
                "it has {} and the limit is {}: raise inbox.max_file_bytes to take it",
                ByteSize(size),
                ByteSize(self.max_file_bytes)
            )),
            Kind::File => Verdict::Take,
            Kind::Folder => Verdict::Refuse("it is a folder, not a file".into()),
            Kind::Link => Verdict::Refuse(
                "it is a symbolic link, and links are not followed: put the file itself here".into(),
            ),
            Kind::Pipe => {
                Verdict::Refuse("it is a named pipe, not a file: write its output to a file".into())
            }
            Kind::Socket => Verdict::Refuse("it is a socket, not a file".into()),
            Kind::Device => Verdict::Refuse("it is a device, not a file".into()),
        }
    }

    /// Whether a file of this size stays where it is when it is added by path.
    pub fn stays(&self, size: u64) -> bool {
        self.reference_above.is_some_and(|above| size > above)
    }
}

/// The project whose folder a path below the inbox begins with, if there is one, and the rest of the path. A file that
/// lies directly in the inbox has no such folder, whatever it is called.
pub fn project_folder(rel: &Path) -> Option<(&str, &Path)> {
    let first = rel.components().next()?.as_os_str().to_str()?;
    let rest = rel.strip_prefix(first).ok()?;
    (!rest.as_os_str().is_empty()).then_some((first, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(change: impl FnOnce(&mut config::Inbox)) -> Policy {
        let mut config = config::Inbox::default();
        change(&mut config);
        Policy::new(&config)
    }

    #[test]
    fn hidden_and_unfinished_names_are_passed_over() {
        let p = policy(|_| {});
        for name in
            [".hidden", ".~lock.a.ods#", "a.part", "A.PART", "x.crdownload", "~$book.xlsx", "notes~", "t.TMP"]
        {
            assert!(p.ignores(OsStr::new(name)), "{name}");
        }
        for name in ["a.csv", "part", "partial.csv", "a.parted", "$~x", "tmp"] {
            assert!(!p.ignores(OsStr::new(name)), "{name}");
        }
        assert!(p.ignores(OsStr::from_bytes(b"\xff.part")), "a name that is not UTF-8");
    }

    #[test]
    fn patterns_are_open_only_where_a_star_is() {
        let p = policy(|c| c.ignore = vec!["*draft*".into(), "Thumbs.db".into(), String::new()]);
        assert!(p.ignores(OsStr::new("my draft 2.csv")));
        assert!(p.ignores(OsStr::new("thumbs.db")));
        assert!(!p.ignores(OsStr::new("thumbs.db.csv")));
        assert!(!p.ignores(OsStr::new("a.part")), "the configured list replaces the usual one");
    }

    #[test]
    fn only_regular_files_are_taken() {
        let p = policy(|_| {});
        assert_eq!(p.judge(Kind::File, 1, 0), Verdict::Take);
        for kind in [Kind::Link, Kind::Pipe, Kind::Socket, Kind::Device, Kind::Folder] {
            assert!(matches!(p.judge(kind, 1, 0), Verdict::Refuse(_)), "{kind:?}");
        }
    }

    #[test]
    fn limits_say_what_to_change() {
        let p = policy(|c| {
            c.hard_links = HardLinks::Refuse;
            c.max_file_bytes = ByteSize(10);
        });
        assert_eq!(p.judge(Kind::File, 1, 10), Verdict::Take);
        let Verdict::Refuse(why) = p.judge(Kind::File, 1, 11) else { panic!("over the limit") };
        assert!(why.contains("max_file_bytes"), "{why}");
        let Verdict::Refuse(why) = p.judge(Kind::File, 2, 1) else { panic!("two links") };
        assert!(why.contains("hard_links"), "{why}");
        assert_eq!(policy(|_| {}).judge(Kind::File, 2, 1), Verdict::Take);
    }

    #[test]
    fn referencing_is_off_until_a_size_is_set() {
        assert!(!policy(|_| {}).stays(u64::MAX));
        let p = policy(|c| c.reference_above_bytes = ByteSize(100));
        assert!(p.stays(101) && !p.stays(100));
    }

    #[test]
    fn the_first_folder_may_name_a_project() {
        assert_eq!(project_folder(Path::new("p/a/b.csv")), Some(("p", Path::new("a/b.csv"))));
        assert_eq!(project_folder(Path::new("b.csv")), None);
        assert_eq!(project_folder(Path::new(OsStr::from_bytes(b"\xff/b.csv"))), None);
    }
}
