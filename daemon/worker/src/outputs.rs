//! Seals what a kind left in its output folder: every file is hashed, synced and listed. One that is complete long before
//! the others can be sealed meanwhile.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use dropforge_shared::job::Output;
use sha2::{Digest as _, Sha256};

use crate::context::{Context, WorkError};

/// Hashes and syncs every file below the output folder and the folders themselves, in the order of names.
pub(crate) fn seal(ctx: &mut Context) -> Result<Vec<Output>, WorkError> {
    let root = ctx.out_dir().to_owned();
    let at = |doing: &'static str| move |e: io::Error| WorkError::io(doing, &e);
    let mut found = Found::default();
    walk(&root, &root, &mut found).map_err(at("listing the outputs"))?;
    found.files.sort();
    let total = found.files.iter().map(|f| f.bytes).sum();
    ctx.stage("seal", Some(total), "bytes");
    let mut done = 0;
    let mut outputs = Vec::with_capacity(found.files.len());
    for file in found.files {
        let sealed = match ctx.early.take(&file)? {
            Some(sealed) => sealed,
            None => {
                let tell = |read: u64, ctx: &mut Context| {
                    ctx.progress(done + read);
                    !ctx.cancelled()
                };
                hashed(&file.path, |read| tell(read, ctx))?
            }
        };
        done += sealed.bytes;
        ctx.progress(done);
        outputs.push(Output {
            media_type: media_type(&file.name).to_owned(),
            name: file.name,
            bytes: sealed.bytes,
            sha256: sealed.sha256,
        });
    }
    for folder in found.folders {
        File::open(&folder).and_then(|f| f.sync_all()).map_err(at("syncing the output folder"))?;
    }
    Ok(outputs)
}

/// A file that was hashed and is on the disk.
#[derive(Debug)]
struct Sealed {
    bytes: u64,
    sha256: String,
    /// What it looked like then.
    stamp: Stamp,
}

/// Inode, size and time of the last change of content: whether a file is still the one that was read.
type Stamp = (u64, u64, i64, i64);

fn stamp(meta: &Metadata) -> Stamp {
    (meta.ino(), meta.size(), meta.mtime(), meta.mtime_nsec())
}

/// Hashes and syncs a file; `go_on` hears of the bytes read and says whether to.
fn hashed(path: &Path, go_on: impl FnMut(u64) -> bool) -> Result<Sealed, WorkError> {
    let at = |doing: &'static str| move |e: io::Error| WorkError::io(doing, &e);
    let mut open = File::open(path).map_err(at("opening an output"))?;
    let stamp = stamp(&open.metadata().map_err(at("looking at an output"))?);
    let (bytes, sha256) = digest(&mut open, "reading an output back", go_on)?;
    open.sync_all().map_err(at("syncing an output"))?;
    Ok(Sealed { bytes, sha256, stamp })
}

/// Size and SHA-256 in hex of a file; `go_on` hears of the bytes read and says whether to.
pub(crate) fn digest(
    file: &mut File,
    doing: &str,
    mut go_on: impl FnMut(u64) -> bool,
) -> Result<(u64, String), WorkError> {
    let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0u8; 256 * 1024]);
    while go_on(bytes) {
        let read = file.read(&mut buffer).map_err(|e| WorkError::io(doing, &e))?;
        if read == 0 {
            return Ok((bytes, hex(&hash.finalize())));
        }
        hash.update(&buffer[..read]);
        bytes += read as u64;
    }
    Err(WorkError::Cancelled)
}

/// Files that are sealed while their kind goes on, by path.
#[derive(Debug, Default)]
pub(crate) struct Early {
    under_way: BTreeMap<PathBuf, JoinHandle<Result<Sealed, WorkError>>>,
}

impl Early {
    /// Begins to seal a file that is complete. Where no thread can be had, it is sealed with the others.
    pub(crate) fn begin(&mut self, path: PathBuf, cancel: Arc<AtomicBool>) {
        let file = path.clone();
        let work = move || hashed(&file, |_| !cancel.load(Ordering::Relaxed));
        if let Ok(thread) = thread::Builder::new().name("seal".into()).spawn(work) {
            self.under_way.insert(path, thread);
        }
    }

    /// What was found of a file; `None` where it was not sealed yet, or changed since.
    fn take(&mut self, file: &OutputFile) -> Result<Option<Sealed>, WorkError> {
        let Some(thread) = self.under_way.remove(&file.path) else { return Ok(None) };
        let Ok(sealed) = thread.join() else { return Ok(None) };
        let sealed = sealed?;
        let now = fs::symlink_metadata(&file.path).map_err(|e| WorkError::io("looking at an output", &e))?;
        Ok((stamp(&now) == sealed.stamp && sealed.bytes == now.size()).then_some(sealed))
    }
}

#[derive(Default)]
struct Found {
    files: Vec<OutputFile>,
    folders: Vec<PathBuf>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct OutputFile {
    name: String,
    path: PathBuf,
    bytes: u64,
}

/// Regular files only; names are below the root, with `/` between folders. Deepest folders come first, so that a
/// folder is synced before the one that names it.
fn walk(root: &Path, dir: &Path, found: &mut Found) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let path = entry.path();
        if kind.is_dir() {
            walk(root, &path, found)?;
        } else if kind.is_file() {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            let bytes = entry.metadata()?.len();
            found.files.push(OutputFile { name, path, bytes });
        }
    }
    found.folders.push(dir.to_owned());
    Ok(())
}

/// The media type that a name's ending stands for, as registered with IANA where there is one.
fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("parquet") => "application/vnd.apache.parquet",
        Some("json") => "application/json",
        Some("jsonl") => "application/jsonl",
        Some("csv") => "text/csv",
        Some("txt") => "text/plain",
        Some("md") => "text/markdown",
        Some("html") => "text/html",
        Some("svg") => "image/svg+xml",
        Some("toml") => "application/toml",
        _ => "application/octet-stream",
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use dropforge_shared::ids::{AttemptId, JobId};
    use dropforge_shared::work::JobSpec;

    use super::*;
    use crate::wire::Sender;

    fn context(dir: &Path) -> Context {
        let spec = JobSpec {
            attempt: AttemptId { job: JobId::random(), number: 1 },
            kind: "test".into(),
            input: None,
            out_dir: dir.to_owned(),
            settings: Default::default(),
            memory_bytes: 1 << 30,
            cpu_seconds: 0,
            checkpoint: None,
            given: Default::default(),
        };
        let out = Sender::new(File::options().write(true).open("/dev/null").unwrap());
        Context::new(spec, out, Arc::default())
    }

    #[test]
    fn outputs_are_listed_by_name_with_the_hash_that_sha256sum_gives() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("profile.json"), "abc").unwrap();
        fs::create_dir(dir.path().join("charts")).unwrap();
        fs::write(dir.path().join("charts/age.svg"), "").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("link.csv")).unwrap();
        let outputs = seal(&mut context(dir.path())).unwrap();
        let seen: Vec<_> =
            outputs.iter().map(|o| (o.name.as_str(), o.media_type.as_str(), o.bytes)).collect();
        assert_eq!(seen, [("charts/age.svg", "image/svg+xml", 0), ("profile.json", "application/json", 3)]);
        // FIPS 180-4 test vectors: the empty message and "abc".
        assert_eq!(outputs[0].sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(outputs[1].sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn a_file_that_was_sealed_early_is_read_again_only_where_it_changed() {
        // FIPS 180-4 test vectors: "abc", and one million times "a".
        let dir = tempfile::tempdir().unwrap();
        let (kept, changed) = (dir.path().join("kept"), dir.path().join("changed"));
        fs::write(&kept, "abc").unwrap();
        fs::write(&changed, "abc").unwrap();
        let mut ctx = context(dir.path());
        ctx.complete("kept");
        ctx.complete("changed");
        ctx.complete("not there");
        // Sealed before it changes, whichever thread is faster.
        while !ctx.early.under_way.values().all(JoinHandle::is_finished) {
            thread::yield_now();
        }
        fs::write(&changed, "a".repeat(1_000_000)).unwrap();
        let outputs = seal(&mut ctx).unwrap();
        let seen: Vec<_> = outputs.iter().map(|o| (o.name.as_str(), o.bytes, o.sha256.as_str())).collect();
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let many = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
        assert_eq!(seen, [("changed", 1_000_000, many), ("kept", 3, abc)]);
    }
}
