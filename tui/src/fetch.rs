//! Outputs of jobs fetched to files of the user's: written beside and renamed in, checked against their hash, never over what is
//! there unless asked for. Must not know which verb or screen asks.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use dropforge_shared::client::{flat, within};
use dropforge_shared::fault::Fault;
use dropforge_shared::ids::JobId;
use dropforge_shared::job::Output;
use dropforge_shared::paths::hex;
use dropforge_shared::service::{CALL, DropforgeClient};
use rustix::fs::{CWD, RenameFlags};
use sha2::{Digest, Sha256};

/// One file to write, which is not there yet unless it may be replaced.
pub(crate) fn target(path: &Path, force: bool) -> Result<PathBuf, Fault> {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return Err(Fault::usage(format!("{} names no file", path.display())));
    };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(
            Fault::not_found(format!("there is no folder {}", folder.display())).hint("Make it first.")
        );
    }
    let mut paths = targets(folder, &[name], force)?;
    Ok(paths.remove(0))
}

/// Where each output goes. All are looked at before any is written: it is done whole or not at all.
pub(crate) fn targets(to: &Path, names: &[&str], force: bool) -> Result<Vec<PathBuf>, Fault> {
    if std::fs::metadata(to).is_ok_and(|there| !there.is_dir()) {
        return Err(Fault::refused(format!("{} is a file", to.display()))
            .hint("--to takes a folder, which is made where it is missing."));
    }
    let mut paths = Vec::with_capacity(names.len());
    for name in names {
        // A name is the daemon's word; here it must stay inside the folder.
        if Path::new(name).file_name() != Some(name.as_ref()) {
            let name = dropforge_shared::clean::fit(name, 60);
            return Err(Fault::refused(format!("the output '{name}' has no name that a file can have")));
        }
        let path = to.join(name);
        match std::fs::symlink_metadata(&path) {
            Ok(there) if there.is_dir() => {
                return Err(
                    Fault::refused(format!("{} is a folder", path.display())).hint("Name another place.")
                );
            }
            Ok(_) if !force => return Err(taken(&path)),
            _ => paths.push(path),
        }
    }
    Ok(paths)
}

fn taken(path: &Path) -> Fault {
    Fault::refused(format!("{} is there already", path.display()))
        .hint("Name another place, or add --force to replace it.")
}

pub(crate) fn failed(path: &Path, error: &std::io::Error) -> Fault {
    Fault::failed(format!("can't write {}: {error}", path.display()))
}

/// An output, fetched to a path; with `force` in place of what is there.
pub(crate) async fn copy(
    rpc: &DropforgeClient,
    job: &JobId,
    output: &Output,
    to: &Path,
    force: bool,
    so_far: &(dyn Fn(u64) + Sync),
) -> Result<(), Fault> {
    let mut name = std::ffi::OsString::from(".");
    name.push(to.file_name().unwrap_or_default());
    name.push(format!(".{}.part", std::process::id()));
    let beside = to.with_file_name(name);
    let mut file = create(&beside)?;
    let filled = fill(rpc, job, output, &mut file, &beside, so_far).await;
    let result = filled.and_then(|()| put(&beside, to, force));
    if result.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    result
}

/// A new file; never one that is there, nor one that a link leads to.
fn create(path: &Path) -> Result<File, Fault> {
    let no_follow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .custom_flags(no_follow)
        .open(path)
        .map_err(|e| failed(path, &e))
}

/// Gives the finished file its name. Without `force` that fails where the name was taken in the meantime.
fn put(beside: &Path, to: &Path, force: bool) -> Result<(), Fault> {
    use rustix::io::Errno;
    if force {
        return std::fs::rename(beside, to).map_err(|e| failed(to, &e));
    }
    match rustix::fs::renameat_with(CWD, beside, CWD, to, RenameFlags::NOREPLACE) {
        // Not every file system has it. A second name does the same, as it too is never given to a file that is there.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            rustix::fs::link(beside, to).and_then(|()| rustix::fs::unlink(beside))
        }
        done => done,
    }
    .map_err(|e| if e == Errno::EXIST { taken(to) } else { failed(to, &e.into()) })
}

async fn fill(
    rpc: &DropforgeClient,
    job: &JobId,
    output: &Output,
    file: &mut File,
    path: &Path,
    so_far: &(dyn Fn(u64) + Sync),
) -> Result<(), Fault> {
    let mut write = |bytes: &[u8]| file.write_all(bytes).map_err(|e| failed(path, &e));
    pour(rpc, job, output, &mut write, so_far).await?;
    file.sync_all().map_err(|e| failed(path, &e))
}

/// Hands an output on piece by piece, and checks at its end that it was what was recorded.
pub(crate) async fn pour(
    rpc: &DropforgeClient,
    job: &JobId,
    output: &Output,
    write: &mut (dyn FnMut(&[u8]) -> Result<(), Fault> + Send),
    so_far: &(dyn Fn(u64) + Sync),
) -> Result<(), Fault> {
    let (mut hash, mut at) = (Sha256::new(), 0);
    while at < output.bytes {
        let call = rpc.output_read(within(CALL), job.to_string(), output.name.clone(), at);
        let chunk = flat(call.await)?;
        if chunk.bytes.is_empty() {
            break;
        }
        hash.update(&chunk.bytes);
        write(&chunk.bytes)?;
        at += chunk.bytes.len() as u64;
        so_far(at);
    }
    if hex(&hash.finalize()) != output.sha256 {
        return Err(Fault::failed(format!(
            "the output {} of job {job} is not what was recorded",
            output.name
        ))
        .hint("Its file was changed on disk; `dropforge rerun` makes it anew."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use dropforge_shared::fault::FaultCode;

    use super::*;

    #[test]
    fn what_is_there_is_never_replaced_unless_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let (part, to) = (dir.path().join("part"), dir.path().join("a.json"));
        std::fs::write(&to, "mine").unwrap();
        create(&part).unwrap().write_all(b"new").unwrap();
        let fault = put(&part, &to, false).unwrap_err();
        assert_eq!(fault.code, FaultCode::Refused);
        assert_eq!(std::fs::read(&to).unwrap(), b"mine");
        put(&part, &to, true).unwrap();
        assert_eq!(std::fs::read(&to).unwrap(), b"new");
        let fresh = dir.path().join("b.json");
        create(&part).unwrap().write_all(b"b").unwrap();
        put(&part, &fresh, false).unwrap();
        assert_eq!(std::fs::read(&fresh).unwrap(), b"b");
        assert!(!part.exists());
    }

    #[test]
    fn the_file_beside_is_new_and_no_link_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (victim, link) = (dir.path().join("victim"), dir.path().join("part"));
        std::fs::write(&victim, "mine").unwrap();
        std::os::unix::fs::symlink(&victim, &link).unwrap();
        assert!(create(&link).is_err() && create(&victim).is_err());
        assert_eq!(std::fs::read(&victim).unwrap(), b"mine");
    }

    #[test]
    fn all_targets_are_looked_at_before_any_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let names = ["a.json", "b.json"];
        assert_eq!(targets(dir.path(), &names, false).unwrap().len(), 2);
        // A link that leads nowhere is something that is there, too.
        std::os::unix::fs::symlink("nowhere", dir.path().join("b.json")).unwrap();
        let fault = targets(dir.path(), &names, false).unwrap_err();
        assert!(fault.message.contains("b.json is there already"), "{fault}");
        assert_eq!(targets(dir.path(), &names, true).unwrap().len(), 2);
        assert!(
            targets(dir.path(), &["../x"], true).is_err() && targets(dir.path(), &["a/b"], true).is_err()
        );
        std::fs::create_dir(dir.path().join("c")).unwrap();
        assert!(targets(dir.path(), &["c"], true).is_err());
    }
}
