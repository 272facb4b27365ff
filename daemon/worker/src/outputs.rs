//! Seals what a kind left in its output folder: every file is hashed, synced and listed.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

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
    let mut buffer = vec![0u8; 256 * 1024];
    for file in found.files {
        let mut open = File::open(&file.path).map_err(at("opening an output"))?;
        let mut hash = Sha256::new();
        let mut bytes = 0u64;
        loop {
            if ctx.cancelled() {
                return Err(WorkError::Cancelled);
            }
            let read = open.read(&mut buffer).map_err(at("reading an output back"))?;
            if read == 0 {
                break;
            }
            hash.update(&buffer[..read]);
            bytes += read as u64;
            done += read as u64;
            ctx.progress(done);
        }
        open.sync_all().map_err(at("syncing an output"))?;
        outputs.push(Output {
            media_type: media_type(&file.name).to_owned(),
            name: file.name,
            bytes,
            sha256: hex(&hash.finalize()),
        });
    }
    for folder in found.folders {
        File::open(&folder).and_then(|f| f.sync_all()).map_err(at("syncing the output folder"))?;
    }
    Ok(outputs)
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

    #[test]
    fn outputs_are_listed_by_name_with_the_hash_that_sha256sum_gives() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("profile.json"), "abc").unwrap();
        fs::create_dir(dir.path().join("charts")).unwrap();
        fs::write(dir.path().join("charts/age.svg"), "").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("link.csv")).unwrap();
        let spec = JobSpec {
            attempt: AttemptId { job: JobId::random(), number: 1 },
            kind: "test".into(),
            input: None,
            out_dir: dir.path().to_owned(),
            settings: Default::default(),
            memory_bytes: 1 << 30,
            cpu_seconds: 0,
            checkpoint: None,
            given: Default::default(),
        };
        let out = Sender::new(File::options().write(true).open("/dev/null").unwrap());
        let outputs = seal(&mut Context::new(spec, out, Arc::default())).unwrap();
        let seen: Vec<_> =
            outputs.iter().map(|o| (o.name.as_str(), o.media_type.as_str(), o.bytes)).collect();
        assert_eq!(seen, [("charts/age.svg", "image/svg+xml", 0), ("profile.json", "application/json", 3)]);
        // FIPS 180-4 test vectors: the empty message and "abc".
        assert_eq!(outputs[0].sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(outputs[1].sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
