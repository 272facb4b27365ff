//! `export JOB|FILE --to DIR`: outputs copied out, each written beside and renamed in, each checked against its hash.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use dropforge_shared::client::{Client, flat, within};
use dropforge_shared::config::ByteSize;
use dropforge_shared::fault::{Fault, FaultCode};
use dropforge_shared::ids::JobId;
use dropforge_shared::job::Output;
use dropforge_shared::paths::hex;
use dropforge_shared::query::Form;
use dropforge_shared::service::CALL;
use rustix::fs::{CWD, RenameFlags};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Context, Done, waiting, written};
use crate::output as print;

/// What to copy, and where to.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge export sales.csv --to out --only profile.json")]
pub struct Args {
    /// Job, or file: then the outputs of its job
    what: String,
    /// The folder; made if it is missing
    #[arg(long)]
    to: PathBuf,
    /// Only these outputs
    #[arg(long, num_args = 1.., value_name = "NAME")]
    only: Vec<String>,
    /// The dataset's rows instead, in this form: csv, jsonl or parquet
    #[arg(long = "as", value_name = "FORM", value_parser = written::form, conflicts_with = "only")]
    form: Option<Form>,
    /// Replace files that are there
    #[arg(long)]
    force: bool,
}

/// A file that was written.
#[derive(Serialize)]
pub(super) struct Exported {
    name: String,
    path: String,
    bytes: u64,
    sha256: String,
}

impl Exported {
    pub(super) fn new(output: &Output, path: &Path) -> Self {
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Self { name, path: path.display().to_string(), bytes: output.bytes, sha256: output.sha256.clone() }
    }
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let client = context.client().await?;
    if let Some(form) = args.form {
        return rows(&client, &args, form, context).await;
    }
    let (job, outputs) = outputs_of(&client, &args.what).await?;
    for name in &args.only {
        if !outputs.iter().any(|o| o.name == *name) {
            let names: Vec<&str> = outputs.iter().map(|o| o.name.as_str()).collect();
            return Err(Fault::not_found(format!(
                "job {job} has no output '{}'",
                dropforge_shared::clean::fit(name, 60)
            ))
            .hint(format!("It has: {}.", names.join(", "))));
        }
    }
    let wanted: Vec<&Output> =
        outputs.iter().filter(|o| args.only.is_empty() || args.only.contains(&o.name)).collect();
    let names: Vec<&str> = wanted.iter().map(|o| o.name.as_str()).collect();
    let targets = targets(&args.to, &names, args.force)?;
    std::fs::create_dir_all(&args.to).map_err(|e| failed(&args.to, &e))?;
    let mut done = Vec::new();
    for (output, path) in wanted.into_iter().zip(targets) {
        copy(&client, &job, output, &path, args.force).await?;
        done.push(Exported {
            name: output.name.clone(),
            path: path.display().to_string(),
            bytes: output.bytes,
            sha256: output.sha256.clone(),
        });
    }
    told(&done, context)?;
    Ok(ExitCode::SUCCESS)
}

/// Says what was written.
pub(super) fn told(done: &[Exported], context: &Context) -> Result<(), Fault> {
    if context.json {
        return print::json(&done);
    }
    done.iter().try_for_each(|file| print::line(&format!("{} ({})", file.path, ByteSize(file.bytes))))
}

/// A dataset's rows, under its own name with the form's ending.
async fn rows(client: &Client, args: &Args, form: Form, context: &Context) -> Done {
    let file = flat(client.rpc.file(within(CALL), args.what.clone()).await)?;
    let name = renamed(&file.name, form);
    let path = targets(&args.to, &[&name], args.force)?.remove(0);
    let Some(rows) = written::write(Some(file.id.to_string()), BTreeMap::new(), form, context).await? else {
        return Ok(ExitCode::from(waiting::INTERRUPTED));
    };
    std::fs::create_dir_all(&args.to).map_err(|e| failed(&args.to, &e))?;
    copy(&rows.client, &rows.job.id, &rows.output, &path, args.force).await?;
    told(&[Exported::new(&rows.output, &path)], context)?;
    rows.done().await;
    Ok(ExitCode::SUCCESS)
}

/// `a/sales.csv.gz` becomes `sales.parquet`, a sheet `BOOK.xlsx#MAY` `BOOK-MAY.parquet`.
fn renamed(name: &str, form: Form) -> String {
    let (name, part) = name.split_once('#').map_or((name, None), |(book, part)| (book, Some(part)));
    let name = name.rsplit('/').next().unwrap_or(name);
    let packed = [".gz", ".zst", ".zip"].into_iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    let stem = packed.rsplit_once('.').map_or(packed, |(stem, _)| stem);
    let stem = if stem.is_empty() { "dataset" } else { stem };
    let whole = part.map_or_else(|| stem.to_owned(), |part| format!("{stem}-{part}"));
    // The name came with a file, and goes to a disk: no control characters, and room for the ending.
    let plain: String = whole.chars().map(|c| if c.is_control() || c == '/' { '-' } else { c }).collect();
    let end = (0..=plain.len().min(240)).rev().find(|i| plain.is_char_boundary(*i)).unwrap_or(0);
    format!("{}.{}", plain.get(..end).unwrap_or_default(), form.name())
}

/// One file to write, which is not there yet unless it may be replaced.
pub(super) fn target(path: &Path, force: bool) -> Result<PathBuf, Fault> {
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
fn targets(to: &Path, names: &[&str], force: bool) -> Result<Vec<PathBuf>, Fault> {
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
                    Fault::refused(format!("{} is a folder", path.display())).hint("Choose another folder.")
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
        .hint("Choose another folder, or add --force to replace it.")
}

fn failed(path: &Path, error: &std::io::Error) -> Fault {
    Fault::failed(format!("can't write {}: {error}", path.display()))
}

async fn outputs_of(client: &Client, what: &str) -> Result<(JobId, Vec<Output>), Fault> {
    let job = match flat(client.rpc.file(within(CALL), what.to_owned()).await) {
        Ok(file) => match file.job {
            Some(job) => job.to_string(),
            None => {
                let name = dropforge_shared::clean::line(&file.name).into_owned();
                return Err(Fault::failed(format!("{name} has no outputs: it is {}", file.state.name())));
            }
        },
        Err(fault) if fault.code == FaultCode::NotFound => what.to_owned(),
        Err(fault) => return Err(fault),
    };
    let job = flat(client.rpc.job(within(CALL), job).await).map_err(|fault| match fault.code {
        FaultCode::NotFound => {
            Fault::not_found(format!("no file or job '{}'", dropforge_shared::clean::fit(what, 80)))
        }
        _ => fault,
    })?;
    Ok((job.id, job.outputs))
}

pub(super) async fn copy(
    client: &Client,
    job: &JobId,
    output: &Output,
    to: &Path,
    force: bool,
) -> Result<(), Fault> {
    let mut name = std::ffi::OsString::from(".");
    name.push(to.file_name().unwrap_or_default());
    name.push(format!(".{}.part", std::process::id()));
    let beside = to.with_file_name(name);
    let mut file = create(&beside)?;
    let filled = fill(client, job, output, &mut file, &beside).await;
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
    client: &Client,
    job: &JobId,
    output: &Output,
    file: &mut File,
    path: &Path,
) -> Result<(), Fault> {
    let mut write = |bytes: &[u8]| file.write_all(bytes).map_err(|e| failed(path, &e));
    pour(client, job, output, &mut write).await?;
    file.sync_all().map_err(|e| failed(path, &e))
}

/// Hands an output on piece by piece, and checks at its end that it was what was recorded.
pub(super) async fn pour(
    client: &Client,
    job: &JobId,
    output: &Output,
    write: &mut dyn FnMut(&[u8]) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let (mut hash, mut at) = (Sha256::new(), 0);
    while at < output.bytes {
        let call = client.rpc.output_read(within(CALL), job.to_string(), output.name.clone(), at);
        let chunk = flat(call.await)?;
        if chunk.bytes.is_empty() {
            break;
        }
        hash.update(&chunk.bytes);
        write(&chunk.bytes)?;
        at += chunk.bytes.len() as u64;
        print::progress(&format!("{}: {} of {}", output.name, ByteSize(at), ByteSize(output.bytes)));
    }
    print::progress("");
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
    fn a_dataset_keeps_its_name_in_another_form() {
        assert_eq!(renamed("a/sales.2024.csv.gz", Form::Parquet), "sales.2024.parquet");
        assert_eq!(renamed("book.xlsx#May/June", Form::Csv), "book-May-June.csv");
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
