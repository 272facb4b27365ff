//! Outputs that become files of their own: their bytes go to the contents before the commit that ends the job, their rows and
//! jobs come with it. A crash in between leaves contents without a row, which are used by the next attempt or swept up.
//!
//! Must not know: what made them, how a file is read.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use dropforge_shared::clean;
use dropforge_shared::failpoint;
use dropforge_shared::fault::Fault;
use dropforge_shared::file::{FileFacts, FileState, Origin};
use dropforge_shared::job::Output;
use dropforge_shared::paths::hex;
use dropforge_shared::work::Derived;
use sha2::{Digest, Sha256};

use super::follow::Followed;
use crate::inbox::blobs::{Blobs, Pin};
use crate::store::rows::{FileRow, INGEST, JobRow, Location};
use crate::store::{StoreError, WriteTx};

/// The most files that one job may make.
const MAX_FILES: usize = 1000;
/// The longest name in bytes, as file systems have it.
const MAX_NAME: usize = 255;
/// The longest description of how a file was made, in characters.
const MAX_HOW: usize = 500;

/// What a child says that it made.
#[derive(Debug, Clone)]
pub(super) struct Delivered {
    /// Its outputs.
    pub(super) outputs: Vec<Output>,
    /// What it learned about the file.
    pub(super) facts: Option<Box<FileFacts>>,
    /// Outputs that become files of their own.
    pub(super) derived: Vec<Derived>,
}

/// A file whose content is in its place, ready for the commit.
#[derive(Debug)]
pub(super) struct Made {
    file: FileRow,
    ingest: JobRow,
    /// Keeps the content until the commit is done.
    _pin: Pin,
}

/// Puts the contents of outputs that become files into their places. Blocks. The inner error is the worker's fault, and the
/// same at every try.
pub(super) fn take_in(
    blobs: &Blobs,
    job: &JobRow,
    out: &Path,
    outputs: &[Output],
    derived: &[Derived],
) -> io::Result<Result<Vec<Made>, Fault>> {
    if derived.len() > MAX_FILES {
        let text = format!("the job made {} files; the most is {MAX_FILES}", derived.len());
        return Ok(Err(Fault::refused(text)));
    }
    let mut made = Vec::with_capacity(derived.len());
    for one in derived {
        let name = match checked_name(&one.name) {
            Ok(name) => name,
            Err(fault) => return Ok(Err(fault)),
        };
        let Some(output) = outputs.iter().find(|o| o.name == one.output) else {
            let text =
                format!("the worker left no output '{}' to make a file of", clean::fit(&one.output, 80));
            return Ok(Err(Fault::failed(text)));
        };
        let path = out.join(&output.name);
        // A content is found again by its hash, so a wrong one must not come in: the child's word is not enough.
        let sha256 = hash(&path)?;
        let pin = blobs.pin(&sha256);
        if !blobs.has(&sha256, output.bytes) {
            failpoint::pass("queue.derive.adopt")?;
            blobs.adopt(&path, &sha256)?;
        }
        let file = FileRow {
            origin: Some(Origin {
                file: job.file.clone(),
                job: Some(job.id.clone()),
                how: clean::fit(&one.how, MAX_HOW),
            }),
            ..FileRow::taken(job.owner, job.project.clone(), name, sha256, output.bytes, Location::Blob)
        };
        let ingest = JobRow::queued(INGEST, job.owner, job.project.clone(), Some(file.id.clone()));
        made.push(Made { file, ingest, _pin: pin });
    }
    failpoint::pass("queue.derive.after")?;
    Ok(Ok(made))
}

fn checked_name(name: &str) -> Result<String, Fault> {
    let fits = !name.trim().is_empty()
        && name.len() <= MAX_NAME
        && !name.chars().any(char::is_control)
        && name.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if fits {
        return Ok(name.to_owned());
    }
    Err(Fault::usage(format!("'{}' can't be a file's name", clean::fit(name, 80)))
        .hint("A name has 1 to 255 bytes and no control characters."))
}

fn hash(path: &Path) -> io::Result<String> {
    let (mut file, mut hasher, mut buffer) = (File::open(path)?, Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hex(&hasher.finalize())),
            Ok(n) => hasher.update(&buffer[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// The rows and jobs of made files, in the transaction that ends the job that made them. A file of the same name and content
/// is used again: doing the same thing twice gives the same thing.
pub(super) fn commit(
    tx: &mut WriteTx,
    job: &mut JobRow,
    made: &[Made],
    followed: &mut Followed,
) -> Result<(), StoreError> {
    for one in made {
        let same = |row: &FileRow| {
            row.part.is_none()
                && (&row.project, &row.name) == (&one.file.project, &one.file.name)
                && row.state != FileState::Failed
        };
        let there = tx.files_with_sha(one.file.owner, &one.file.sha256)?.into_iter().find(same);
        if let Some(there) = there {
            if !job.produced.contains(&there.id) {
                job.produced.push(there.id);
            }
            continue;
        }
        let versions = tx.versions_of(one.file.owner, &one.file.project, &one.file.name)?;
        let version = versions.iter().map(|v| v.version).max().unwrap_or(0) + 1;
        let file = tx.put_file(FileRow { version, ..one.file.clone() })?;
        let detail = format!("{} version {version}, {} bytes, by job {}", file.name, file.bytes, job.id);
        tx.append_audit(file.owner, "make", file.id.as_str(), &detail)?;
        followed.jobs.push(tx.put_job(one.ingest.clone())?);
        job.produced.push(file.id.clone());
        followed.files.push(file);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_no_file_could_have_is_refused() {
        for good in ["sales prepared.csv", "a/b.parquet", "ü#1"] {
            assert_eq!(checked_name(good).unwrap(), good);
        }
        for bad in ["", "  ", "/etc/passwd", "../x", "a//b", "a\u{1b}b", "x/."] {
            assert!(checked_name(bad).is_err(), "{bad:?}");
        }
        assert!(checked_name(&"x".repeat(256)).is_err());
    }
}
