//! From the file that was given to the one that is read: takes off the wrappers that can't be read through.
//!
//! Text within gzip or zstd is read as a stream. Everything else that is wrapped is unpacked into the output folder for
//! the time of the reading: members of zip archives, and workbooks, Parquet and Arrow within any wrapper.

mod nested;

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use crate::archive::{Member, Temporary, Zip};
use crate::container::{self, Container};
use crate::decode::Encoding;
use crate::error::Error;
use crate::limits::Limits;
use crate::monitor::{Level, Monitor};
use crate::options::ReadOptions;
use crate::recognise;
use crate::source::{Source, compression};
use crate::told::Ingested;

/// How many wrappers may lie around each other: a workbook in gzip in zip is three.
const MAX_DEPTH: usize = 3;

/// Bytes of a member that are looked at to tell what it is.
const HEAD_BYTES: usize = 1 << 20;

/// A file without its wrappers.
pub(crate) struct Unwrapped {
    /// The file to read.
    pub(crate) path: PathBuf,
    /// What is kept until the reading ends.
    _kept: Vec<Temporary>,
    /// The outermost wrapper that was taken off.
    pub(crate) compression: Option<&'static str>,
    /// The member that was chosen.
    pub(crate) member: Option<String>,
    /// The members that hold tables, in the archive's order.
    pub(crate) members: Vec<String>,
    /// What is wanted of the file itself: a sheet.
    pub(crate) part: Option<String>,
    /// What a user should know.
    pub(crate) notes: Vec<String>,
    /// The limits for what is in it: the expansion of all wrappers counts together.
    pub(crate) limits: Limits,
}

impl Unwrapped {
    /// What was read, with what lay around it.
    pub(crate) fn told(mut self, read: Ingested) -> Ingested {
        self.notes.extend(read.notes);
        let (part, parts) = match &self.member {
            None => (read.part, read.parts),
            // The sheets of the only workbook of an archive are parts of the archive.
            Some(member) if self.members.len() == 1 => {
                let full = |sheet: &String| format!("{member}#{sheet}");
                let parts = match read.parts.as_slice() {
                    [] | [_] => self.members.clone(),
                    sheets => sheets.iter().map(full).collect(),
                };
                let named = self.part.is_some() || read.parts.len() > 1;
                (Some(read.part.filter(|_| named).as_ref().map_or_else(|| member.clone(), full)), parts)
            }
            Some(member) => {
                if read.parts.len() > 1 {
                    let others = listed(read.parts.iter().map(String::as_str));
                    self.notes.push(format!("{member} has {others}; ask for {member}#NAME to read another"));
                }
                (Some(member.clone()), self.members.clone())
            }
        };
        let compression = self.compression.or(read.compression);
        Ingested { compression, part, parts, notes: self.notes, ..read }
    }
}

/// Takes off wrappers.
pub(crate) fn unwrap(
    source: &Path,
    out_dir: &Path,
    options: &ReadOptions,
    monitor: &mut dyn Monitor,
) -> Result<Unwrapped, Error> {
    let mut at = Unwrapped {
        path: source.to_path_buf(),
        _kept: Vec::new(),
        compression: None,
        member: None,
        members: Vec::new(),
        part: options.part.clone(),
        notes: Vec::new(),
        limits: options.limits,
    };
    // Compressed bytes within the outermost wrapper, from which all that is in it comes.
    let mut origin = None;
    for depth in 0..=MAX_DEPTH {
        if monitor.cancelled() {
            return Err(Error::Cancelled);
        }
        let next = Temporary::within(out_dir, depth);
        let limits = at.limits;
        let name = match container::container(&at.path, &limits)? {
            Container::Plain | Container::Workbook(_) => return Ok(at),
            Container::Other(reason) => {
                return Err(Error::NotATable { path: source.to_path_buf(), reason });
            }
            Container::Squeezed(name) => {
                let bytes = std::fs::metadata(&at.path).map_err(Error::io("open", &at.path))?.len();
                at.limits = limits.within(*origin.get_or_insert(bytes));
                squeeze_out(&at.path, next.path(), &at.limits, monitor)?;
                name
            }
            Container::Archive if at.member.is_some() => {
                nested::check(&at.path, out_dir, &limits, monitor).map_err(|e| e.about(&at.path, source))?;
                let member = at.member.unwrap_or_default();
                let reason = format!("{member} is a zip archive within a zip archive; unpack it first");
                return Err(Error::NotATable { path: source.to_path_buf(), reason });
            }
            Container::Archive => {
                let mut zip = Zip::open(&at.path)?;
                let member = match choose(&mut zip, source, &mut at, &limits, monitor) {
                    Err(error @ Error::NotATable { .. }) => {
                        nested::check(&at.path, out_dir, &limits, monitor)?;
                        return Err(error);
                    }
                    chosen => chosen?,
                };
                at.limits = limits.within(*origin.get_or_insert(member.compressed));
                zip.unpack(&member, next.path(), &at.limits, monitor)?;
                "zip"
            }
        };
        at.compression.get_or_insert(name);
        at.path = next.path().to_path_buf();
        at._kept.push(next);
    }
    Err(Error::Limit {
        what: "wrappers around wrappers".to_owned(),
        place: source.display().to_string(),
        limit: format!("{MAX_DEPTH} levels"),
        way_out: "unpack it and add what is in it",
    })
}

/// Unpacks gzip or zstd into a file.
fn squeeze_out(from: &Path, to: &Path, limits: &Limits, monitor: &mut dyn Monitor) -> Result<(), Error> {
    let total = std::fs::metadata(from).map_err(Error::io("open", from))?.len();
    monitor.stage("unpack", Some(total), "bytes");
    let mut source = Source::open(from, Encoding::Utf8Damaged, *limits)?;
    let mut out = File::create(to).map_err(Error::io("write", to))?;
    let mut buffer = Vec::new();
    loop {
        if monitor.cancelled() {
            return Err(Error::Cancelled);
        }
        buffer.clear();
        let ended = source.fill_keeping_mark(&mut buffer, 1 << 20)?;
        out.write_all(&buffer).map_err(Error::io("write", to))?;
        monitor.progress(source.consumed());
        if ended {
            return Ok(());
        }
    }
}

/// The member that is wanted, or the first that holds a table.
fn choose(
    zip: &mut Zip,
    source: &Path,
    at: &mut Unwrapped,
    limits: &Limits,
    monitor: &mut dyn Monitor,
) -> Result<Member, Error> {
    let none = |reason: String| Error::NotATable { path: source.to_path_buf(), reason };
    let members = zip.members.clone();
    if let Some(wanted) = at.part.clone() {
        let (found, sheet) = match members.iter().find(|m| m.name == wanted) {
            Some(found) => (found, None),
            // A sheet of a workbook in the archive is `MEMBER#SHEET`.
            None => members
                .iter()
                .find_map(|m| Some((m, Some(wanted.strip_prefix(&m.name)?.strip_prefix('#')?.to_owned()))))
                .ok_or_else(|| Error::Option {
                    option: "the member",
                    value: wanted.clone(),
                    reason: format!("the archive has {}", listed(members.iter().map(|m| m.name.as_str()))),
                })?,
        };
        zip.check_declared(std::slice::from_ref(found), limits)?;
        at.part = sheet;
        at.member = Some(found.name.clone());
        at.members = vec![found.name.clone()];
        return Ok(found.clone());
    }
    if members.len() > Limits::ARCHIVE_MEMBERS {
        return Err(Error::Limit {
            what: format!("{} members", members.len()),
            place: source.display().to_string(),
            limit: format!("{} members that are looked at", Limits::ARCHIVE_MEMBERS),
            way_out: "name the member to read, or unpack the archive and add what is in it",
        });
    }
    zip.check_declared(&members, limits)?;
    monitor.stage("recognise", Some(members.len() as u64), "members");
    let mut first = None;
    let mut refused = None;
    let mut nested = false;
    for (i, member) in members.iter().enumerate() {
        if monitor.cancelled() {
            return Err(Error::Cancelled);
        }
        monitor.progress(i as u64);
        if member.encrypted {
            at.notes.push(format!("{} is encrypted; unpack it with its password first", member.name));
            continue;
        }
        let head = match zip.head(member, HEAD_BYTES) {
            Ok(head) => head,
            Err(error) => {
                at.notes.push(error.to_string());
                refused.get_or_insert(error);
                continue;
            }
        };
        let plain = plain_head(&head);
        nested |= plain.starts_with(b"PK\x03\x04") && !container::is_workbook_head(&plain);
        let whole = head.len() < HEAD_BYTES && compression(&head).is_none();
        if recognise::head_is_table(&plain, whole) {
            at.members.push(member.name.clone());
            first.get_or_insert_with(|| member.clone());
        }
    }
    for note in &at.notes {
        monitor.log(Level::Warn, note);
    }
    let Some(first) = first else {
        if members.iter().any(|m| m.encrypted) {
            return Err(none("its members are encrypted; unpack it with its password first".to_owned()));
        }
        if let Some(error) = refused {
            return Err(error);
        }
        if nested {
            return Err(none("it is a zip archive of zip archives; unpack it first".to_owned()));
        }
        let names = listed(members.iter().map(|m| m.name.as_str()));
        return Err(none(format!("it is a zip archive without a table; it has {names}")));
    };
    at.member = Some(first.name.clone());
    Ok(first)
}

/// The start of what is in gzip or zstd; other content as it is. Damage shows later, when it is read.
pub(crate) fn plain_head(head: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let most = HEAD_BYTES as u64;
    match compression(head) {
        Some("gzip") => {
            let _ = flate2::read::MultiGzDecoder::new(head).take(most).read_to_end(&mut plain);
        }
        Some(_) => {
            if let Ok(decoder) = zstd::stream::read::Decoder::with_buffer(head) {
                let _ = decoder.take(most).read_to_end(&mut plain);
            }
        }
        None => plain = head.to_vec(),
    }
    plain
}

/// Some names for a message.
pub(crate) fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let count = names.len();
    let shown: Vec<&str> = names.take(20).collect();
    match (count, shown.is_empty()) {
        (_, true) => "nothing".to_owned(),
        (21.., _) => format!("{} and {} more", shown.join(", "), count - 20),
        _ => shown.join(", "),
    }
}
