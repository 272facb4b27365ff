//! What the names in a statement mean: datasets by file name, by that name without its ending where that is unique, and parts
//! of a content as `BOOK#PART`. The newest version of a name is meant.
//!
//! Must not know: SQL beyond its names, who asks, how a query runs.

use std::collections::BTreeMap;

use dropforge_shared::clean;
use dropforge_shared::file::{FileKind, FileState};
use dropforge_shared::ids::{FileId, ProjectId};
use dropforge_shared::paths::Paths;
use dropforge_shared::query::{TableRef, Unclear};

use crate::store::rows::FileRow;
use crate::store::{ReadTx, StoreError};

/// The dataset among the outputs of the job that made it.
pub const DATASET: &str = "dataset.parquet";

/// Names that an unknown one is compared with at most.
const MAX_COMPARED: usize = 1_000;

/// What the names in a statement mean.
#[derive(Debug, Default, PartialEq)]
pub struct Resolved {
    /// Names that mean one dataset.
    pub tables: Vec<TableRef>,
    /// Names that mean none or several, where something can be said of them.
    pub unclear: Vec<Unclear>,
}

/// Looks the names of a statement up among an owner's datasets. A name that means none is left out, and one that means
/// several may be a column's: the engine, which knows what stands where in the text, says what is wrong.
pub fn resolve(
    tx: &ReadTx,
    paths: &Paths,
    owner: u32,
    project: Option<&ProjectId>,
    sql: &str,
) -> Result<Resolved, StoreError> {
    let names = tx.file_names(owner)?;
    let mut resolved = Resolved::default();
    for name in dropforge_shared::query::names_in(sql) {
        let mut found = datasets(tx, &names, project, |file| file == name)?;
        if found.is_empty() {
            found = book_of(tx, owner, project, &name)?;
        }
        if found.is_empty() {
            found = datasets(tx, &names, project, |file| stem(file) == name)?;
        }
        if let Some((book, part)) = name.split_once('#').filter(|_| found.is_empty()) {
            // The first sheet is the book's own.
            found = datasets(tx, &names, project, |file| stem(file) == book)?;
            found.retain(|row| row.part.is_none() && row.facts.part.as_deref() == Some(part));
        }
        if found.is_empty()
            && let Ok(id) = name.parse::<FileId>()
        {
            let mine = |row: &FileRow| row.owner == owner && is_dataset(row, project);
            found.extend(tx.file(&id)?.filter(mine));
        }
        match found.as_slice() {
            [] => {
                if let Some(why) = why_none(tx, owner, &names, &name)? {
                    resolved.unclear.push(Unclear { name, why, several: false });
                }
            }
            [one] => {
                if let Some(job) = &one.job {
                    let dataset = paths.job_outputs(job).join(DATASET);
                    resolved.tables.push(TableRef { name, dataset });
                }
            }
            several => {
                let shown = |file: &FileRow| {
                    Ok::<_, StoreError>(match tx.project(&file.project)? {
                        Some(project) => {
                            format!("{} ({}, {})", clean::line(&file.name), file.id, project.name)
                        }
                        None => format!("{} ({})", clean::line(&file.name), file.id),
                    })
                };
                let meant = several.iter().map(shown).collect::<Result<Vec<_>, _>>()?;
                let why = format!(
                    "could mean {}; write a whole name or an id in double quotes, or say --project NAME",
                    meant.join(", ")
                );
                resolved.unclear.push(Unclear { name, why, several: true });
            }
        }
    }
    Ok(resolved)
}

/// Why a name means no dataset, where a file or a dataset has it or nearly so.
fn why_none(
    tx: &ReadTx,
    owner: u32,
    names: &[(String, FileId)],
    name: &str,
) -> Result<Option<String>, StoreError> {
    if let Some((_, id)) = names.iter().rev().find(|(file, _)| file == name || stem(file) == name)
        && let Some(row) = tx.file(id)?.filter(|row| row.owner == owner)
    {
        return Ok(match row.state {
            FileState::Ingesting => Some("is still being taken in".to_owned()),
            FileState::Failed => Some("could not be read; `dropforge show` tells why".to_owned()),
            _ if row.facts.kind == Some(FileKind::Dataset) => Some("is in another project".to_owned()),
            _ => Some(format!(
                "is no table: {}",
                row.facts.reading.as_deref().unwrap_or("its rows can't be told apart")
            )),
        });
    }
    // A bare word may be anything; to compare thousands of names with each would take longer than the statement.
    if names.len() > MAX_COMPARED || name.len() < 3 {
        return Ok(None);
    }
    let near = dropforge_shared::sql::nearest(name, names.iter().map(|(file, _)| file.as_str()));
    Ok((!near.is_empty()).then(|| {
        let near: Vec<String> = near.iter().map(|file| format!("\"{}\"", clean::line(file))).collect();
        format!("is the name of no dataset; the nearest is {}", near.join(", "))
    }))
}

/// A file's name without its ending. A part has the ending inside: `sales.xlsx#May` is `sales#May`.
fn stem(name: &str) -> String {
    let (file, part) = name.split_once('#').map_or((name, None), |(file, part)| (file, Some(part)));
    let folder = file.rfind('/').map_or(0, |at| at + 1);
    // A name that begins with a dot has no ending there.
    let file = match file[folder..].rfind('.') {
        Some(at) if at > 0 => &file[..folder + at],
        _ => file,
    };
    part.map_or_else(|| file.to_owned(), |part| format!("{file}#{part}"))
}

/// The datasets whose names fit: of each name in each project the newest version that has data.
fn datasets(
    tx: &ReadTx,
    names: &[(String, FileId)],
    project: Option<&ProjectId>,
    fits: impl Fn(&str) -> bool,
) -> Result<Vec<FileRow>, StoreError> {
    let mut newest: BTreeMap<(ProjectId, String), FileRow> = BTreeMap::new();
    for (_, id) in names.iter().filter(|(name, _)| fits(name)) {
        let Some(row) = tx.file(id)?.filter(|row| is_dataset(row, project)) else { continue };
        let key = (row.project.clone(), row.name.clone());
        if newest.get(&key).is_none_or(|there| there.version < row.version) {
            newest.insert(key, row);
        }
    }
    Ok(newest.into_values().collect())
}

fn is_dataset(row: &FileRow, project: Option<&ProjectId>) -> bool {
    row.facts.kind == Some(FileKind::Dataset)
        && row.job.is_some()
        && project.is_none_or(|p| *p == row.project)
}

/// `BOOK#FIRST`, where the book's own file is what holds the first sheet.
fn book_of(
    tx: &ReadTx,
    owner: u32,
    project: Option<&ProjectId>,
    name: &str,
) -> Result<Vec<FileRow>, StoreError> {
    let mut found = crate::access::books_with_part(tx, owner, name)?;
    found.retain(|row| is_dataset(row, project));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_its_ending() {
        for (name, wanted) in [
            ("sales.csv", "sales"),
            ("sales.2024.csv", "sales.2024"),
            ("reports/sales.csv", "reports/sales"),
            ("a.b/sales", "a.b/sales"),
            (".hidden", ".hidden"),
            ("book.xlsx#May 1.5", "book#May 1.5"),
        ] {
            assert_eq!(stem(name), wanted);
        }
    }
}
