//! Who may see what, decided in one place: an entity is its owner's. A foreign id answers exactly as an unknown one.

use dropforge_shared::fault::Fault;
use dropforge_shared::ids::{FileId, JobId};

use crate::store::rows::{FileRow, JobRow};
use crate::store::{ReadTx, StoreError};

/// Fewer characters than this are not taken for an id's beginning: a typing mistake should not hit something.
const MIN_PREFIX: usize = 2;

/// Either thing that a selector can mean.
#[derive(Debug, Clone)]
pub enum Thing {
    /// A file.
    File(Box<FileRow>),
    /// A job.
    Job(Box<JobRow>),
}

/// A look-up's failure: the store's, or the caller's.
pub type Found<T> = Result<Result<T, Fault>, StoreError>;

/// The file that a selector means: an id, a unique name (the newest version of it), a unique id prefix.
pub fn file(tx: &ReadTx, owner: u32, selector: &str) -> Found<FileRow> {
    if let Ok(id) = selector.parse::<FileId>()
        && let Some(row) = tx.file(&id)?.filter(|r| r.owner == owner)
    {
        return Ok(Ok(row));
    }
    let mut named = newest(tx.files_named(owner, selector)?);
    match named.len() {
        1 => return Ok(Ok(named.remove(0))),
        0 => {}
        n => {
            let ids: Vec<&str> = named.iter().map(|f| f.id.as_str()).collect();
            return Ok(Err(Fault::usage(format!("{n} projects have a file '{}'", shown(selector)))
                .hint(format!("Name it by id: {}.", ids.join(", ")))));
        }
    }
    match books_with_part(tx, owner, selector)?.as_mut_slice() {
        [] => {}
        [one] => return Ok(Ok(one.clone())),
        several => return Ok(Err(several_named(selector, several))),
    }
    if selector.len() >= MIN_PREFIX {
        let mut found = Vec::new();
        for id in tx.file_ids_with_prefix(selector, 16)? {
            found.extend(tx.file(&id)?.filter(|r| r.owner == owner));
        }
        match found.len() {
            1 => return Ok(Ok(found.remove(0))),
            0 => {}
            _ => return Ok(Err(ambiguous(selector, found.iter().map(|f| f.id.as_str())))),
        }
    }
    match with_base_name(tx, owner, selector)?.as_mut_slice() {
        [] => {}
        [one] => return Ok(Ok(one.clone())),
        several => return Ok(Err(several_named(selector, several))),
    }
    Ok(Err(Fault::not_found(format!("no file '{}'", shown(selector)))
        .hint("`dropforge files` lists what there is; an id, a unique beginning of it, or a name will do.")))
}

/// The files whose content holds, as their own data, the part that a name `BOOK#PART` means.
pub(crate) fn books_with_part(tx: &ReadTx, owner: u32, name: &str) -> Result<Vec<FileRow>, StoreError> {
    for (at, _) in name.match_indices('#') {
        let (book, part) = (&name[..at], &name[at + 1..]);
        let mut found = newest(tx.files_named(owner, book)?);
        found.retain(|row| row.part.is_none() && row.facts.part.as_deref() == Some(part));
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

/// The files that lie in a folder and have this name there.
fn with_base_name(tx: &ReadTx, owner: u32, name: &str) -> Result<Vec<FileRow>, StoreError> {
    let end = format!("/{name}");
    let mut found = Vec::new();
    for (full, id) in tx.file_names(owner)? {
        if full.ends_with(&end) {
            found.extend(tx.file(&id)?);
        }
    }
    Ok(newest(found))
}

/// Of each name in each project the newest version.
fn newest(mut rows: Vec<FileRow>) -> Vec<FileRow> {
    rows.sort_by(|a, b| (&a.project, &a.name, b.version).cmp(&(&b.project, &b.name, a.version)));
    rows.dedup_by(|later, first| (&later.project, &later.name) == (&first.project, &first.name));
    rows
}

fn several_named(selector: &str, files: &[FileRow]) -> Fault {
    let names: Vec<String> = files
        .iter()
        .take(8)
        .map(|f| format!("{} ({})", dropforge_shared::clean::fit(&f.name, 60), f.id))
        .collect();
    Fault::usage(format!("'{}' means {} files", shown(selector), files.len()))
        .hint(format!("Name it by id or by its whole name: {}.", names.join(", ")))
}

/// The job that a selector means: an id, a unique prefix of it, or the name of a file that one job alone worked on.
pub fn job(tx: &ReadTx, owner: u32, selector: &str) -> Found<JobRow> {
    if let Ok(id) = selector.parse::<JobId>()
        && let Some(row) = tx.job(&id)?.filter(|r| r.owner == owner)
    {
        return Ok(Ok(row));
    }
    if selector.len() >= MIN_PREFIX {
        let mut found = Vec::new();
        for id in tx.job_ids_with_prefix(selector, 16)? {
            found.extend(tx.job(&id)?.filter(|r| r.owner == owner));
        }
        match found.len() {
            1 => return Ok(Ok(found.remove(0))),
            0 => {}
            _ => return Ok(Err(ambiguous(selector, found.iter().map(|j| j.id.as_str())))),
        }
    }
    let mut of_name = Vec::new();
    for file in newest(tx.files_named(owner, selector)?) {
        of_name.extend(tx.jobs_of_file(&file.id)?);
    }
    match of_name.len() {
        1 => return Ok(Ok(of_name.remove(0))),
        0 => {}
        n => {
            of_name.sort_by_key(|job| std::cmp::Reverse(job.seq));
            let told = |job: &JobRow| format!("{} ({}, {})", job.id, job.kind, job.state.name());
            let jobs: Vec<String> = of_name.iter().take(8).map(told).collect();
            return Ok(Err(Fault::usage(format!("{n} jobs worked on '{}'", shown(selector)))
                .hint(format!("Name one by id, the newest first: {}.", jobs.join(", ")))));
        }
    }
    Ok(Err(Fault::not_found(format!("no job '{}'", shown(selector))).hint(
        "`dropforge jobs` lists what there is; an id, a unique beginning of it, or its file's name will do.",
    )))
}

/// The file or job that a selector means. Files go first, as only they have names.
pub fn thing(tx: &ReadTx, owner: u32, selector: &str) -> Found<Thing> {
    match file(tx, owner, selector)? {
        Ok(row) => return Ok(Ok(Thing::File(Box::new(row)))),
        Err(fault) if fault.code != dropforge_shared::fault::FaultCode::NotFound => return Ok(Err(fault)),
        Err(_) => {}
    }
    match job(tx, owner, selector)? {
        Ok(row) => Ok(Ok(Thing::Job(Box::new(row)))),
        Err(fault) if fault.code != dropforge_shared::fault::FaultCode::NotFound => Ok(Err(fault)),
        Err(_) => Ok(Err(Fault::not_found(format!("no file or job '{}'", shown(selector)))
            .hint("`dropforge files` and `dropforge jobs` list what there is."))),
    }
}

fn ambiguous<'a>(selector: &str, ids: impl Iterator<Item = &'a str>) -> Fault {
    let ids: Vec<&str> = ids.collect();
    Fault::usage(format!("'{}' is the beginning of {} ids", shown(selector), ids.len()))
        .hint(format!("Type one more character: {}.", ids.join(", ")))
}

fn shown(selector: &str) -> String {
    dropforge_shared::clean::fit(selector, 80)
}

#[cfg(test)]
mod tests {
    use dropforge_shared::ids::ProjectId;
    use dropforge_shared::time::Timestamp;

    use super::*;
    use crate::store::Store;
    use crate::store::rows::{Location, ProjectRow};

    const OWNER: u32 = 1000;
    const STRANGER: u32 = 1001;

    fn told<T: std::fmt::Debug>(found: Found<T>) -> Fault {
        found.unwrap().unwrap_err()
    }

    #[test]
    fn what_is_anothers_answers_exactly_as_what_is_not_there() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let project = ProjectRow {
            id: ProjectId::random(),
            owner: OWNER,
            name: "default".into(),
            created_at: Timestamp::now(),
            archived: false,
        };
        let name = "folder/sales.csv".to_owned();
        let row = FileRow::taken(OWNER, project.id.clone(), name.clone(), "ab".repeat(32), 8, Location::Blob);
        let work = JobRow::queued("ingest", OWNER, project.id.clone(), Some(row.id.clone()));
        let (file_id, job_id) = (row.id.to_string(), work.id.to_string());
        store
            .write_blocking(move |tx| {
                tx.put_project(project.clone())?;
                tx.put_file(row.clone())?;
                tx.put_job(work.clone())
            })
            .unwrap();
        // The fault names what was asked for, so that is put in its place.
        let same = |fault: Fault, asked: &str, unknown: Fault, never: &str| {
            assert_eq!(fault.message.replace(asked, never), unknown.message);
            assert_eq!((fault.code, fault.hint), (unknown.code, unknown.hint));
        };
        let unknown_file = FileId::random().to_string();
        let unknown_job = JobId::random().to_string();
        store
            .read(|tx| {
                for asked in [file_id.as_str(), &file_id[..6], "sales.csv", name.as_str()] {
                    assert!(file(tx, OWNER, asked)?.is_ok(), "{asked}");
                    same(
                        told(file(tx, STRANGER, asked)),
                        asked,
                        told(file(tx, STRANGER, &unknown_file)),
                        &unknown_file,
                    );
                    same(
                        told(thing(tx, STRANGER, asked)),
                        asked,
                        told(thing(tx, STRANGER, &unknown_file)),
                        &unknown_file,
                    );
                }
                for asked in [job_id.as_str(), &job_id[..6]] {
                    assert!(job(tx, OWNER, asked)?.is_ok(), "{asked}");
                    same(
                        told(job(tx, STRANGER, asked)),
                        asked,
                        told(job(tx, STRANGER, &unknown_job)),
                        &unknown_job,
                    );
                    same(
                        told(thing(tx, STRANGER, asked)),
                        asked,
                        told(thing(tx, STRANGER, &unknown_job)),
                        &unknown_job,
                    );
                }
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn a_beginning_that_another_owner_shares_is_still_unique() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let project = ProjectId::random();
        let mut ids: Vec<(u32, FileId)> = Vec::new();
        for owner in [OWNER, STRANGER] {
            let mut row = FileRow::taken(
                owner,
                project.clone(),
                format!("{owner}.csv"),
                "cd".repeat(32),
                8,
                Location::Blob,
            );
            row.id = format!("f012345{owner}").parse().unwrap();
            ids.push((owner, row.id.clone()));
            store.write_blocking(move |tx| tx.put_file(row.clone())).unwrap();
        }
        let shared: String = ids[0]
            .1
            .as_str()
            .chars()
            .zip(ids[1].1.as_str().chars())
            .take_while(|(a, b)| a == b)
            .map(|p| p.0)
            .collect();
        assert!(shared.len() >= MIN_PREFIX, "{ids:?}");
        for (owner, id) in ids {
            let found = store.read(|tx| file(tx, owner, &shared)).unwrap().unwrap();
            assert_eq!(found.id, id);
        }
    }
}
