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

/// The job that a selector means: an id or a unique prefix of it.
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
    Ok(Err(Fault::not_found(format!("no job '{}'", shown(selector)))
        .hint("`dropforge jobs` lists what there is; an id or a unique beginning of it will do.")))
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
