//! What the end of a job means for its file: its data, its state, what kind of data it holds, and the sheets or members that
//! lie in the same content.
//!
//! Must not know: processes, attempts.

use dropforge_shared::clean;
use dropforge_shared::file::{FileFacts, FileState, Origin};
use dropforge_shared::ids::FileId;
use dropforge_shared::job::JobState;
use dropforge_shared::reading::settings as reading;
use dropforge_shared::time::Timestamp;

use crate::store::rows::{FileRow, INGEST, JobRow};
use crate::store::{StoreError, WriteTx};

/// The most sheets or members of one content that become files.
const MAX_PARTS: usize = 1000;
/// The longest name of a part that becomes one of a file, in bytes.
const MAX_PART_NAME: usize = 255;

/// What changed besides the job, to be told after the commit.
#[derive(Debug, Default)]
pub(super) struct Followed {
    /// Files as they are now.
    pub(super) files: Vec<FileRow>,
    /// Jobs that were queued.
    pub(super) jobs: Vec<JobRow>,
    /// What the job's log should say.
    pub(super) notes: Vec<String>,
}

/// The settings that decide how a file is read, of those that a job has. The sheet of a part is the part itself.
fn of_reading(job: &JobRow, file: &FileRow) -> std::collections::BTreeMap<String, String> {
    let names = [reading::DELIMITER, reading::ENCODING, reading::HEADER, reading::SHEET, reading::TYPES];
    let mine = |name: &str| names.contains(&name) && !(file.part.is_some() && name == reading::SHEET);
    job.settings.iter().filter(|(name, _)| mine(name)).map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// The file's data are this job's outputs now.
pub(super) fn file_ready(
    tx: &mut WriteTx,
    job: &JobRow,
    facts: &FileFacts,
    followed: &mut Followed,
) -> Result<(), StoreError> {
    let Some(mut file) = job.file.as_ref().map(|id| tx.file(id)).transpose()?.flatten() else {
        return Ok(());
    };
    let mut facts = facts.clone();
    if job.from.is_some() {
        // Stages that were not run again learned nothing; what was known stands.
        keep_known(&mut facts, &file.facts);
    }
    let others = std::mem::take(&mut facts.other_parts);
    file.detected = facts.type_guess.clone();
    file.facts = facts;
    file.state = FileState::Ready;
    file.error = None;
    file.job = Some(job.id.clone());
    if job.from.is_none() {
        // Otherwise the data are of the reading before, whatever the job that was done again was told.
        file.settings = of_reading(job, &file);
    }
    let remembered = match &file.facts.fingerprint {
        Some(fingerprint) => tx.type_choice(file.owner, fingerprint)?,
        None => None,
    };
    // What was chosen for this very file stands above what was chosen for another with the same header.
    file.decide_type(file.chosen_type.clone().or(remembered));
    if file.part.is_none() && job.from.is_none() {
        parts(tx, &mut file, others, followed)?;
    }
    followed.files.insert(0, tx.put_file(file)?);
    Ok(())
}

fn keep_known(facts: &mut FileFacts, known: &FileFacts) {
    let known = known.clone();
    facts.kind = facts.kind.or(known.kind);
    facts.format = facts.format.take().or(known.format);
    facts.encoding = facts.encoding.take().or(known.encoding);
    facts.delimiter = facts.delimiter.take().or(known.delimiter);
    facts.rows = facts.rows.or(known.rows);
    facts.columns = facts.columns.or(known.columns);
    facts.rejected_rows = facts.rejected_rows.or(known.rejected_rows);
    facts.pages = facts.pages.or(known.pages);
    facts.reading = facts.reading.take().or(known.reading);
    facts.part = facts.part.take().or(known.part);
    if facts.type_guess.is_none() {
        facts.type_guess = known.type_guess;
        facts.ask = known.ask;
    }
    facts.fingerprint = facts.fingerprint.take().or(known.fingerprint);
}

/// Makes a file of each other sheet or member, with its own job; those that are there already are kept as they are.
fn parts(
    tx: &mut WriteTx,
    book: &mut FileRow,
    others: Vec<String>,
    followed: &mut Followed,
) -> Result<(), StoreError> {
    let there: Vec<Option<String>> = tx.parts_of(book)?.into_iter().map(|p| p.part).collect();
    let (mut count, mut left_out) = (there.len(), 0usize);
    for part in others {
        if book.facts.part.as_ref() == Some(&part) || there.iter().any(|p| p.as_ref() == Some(&part)) {
            continue;
        }
        if count == MAX_PARTS || part.is_empty() || part.len() > MAX_PART_NAME {
            left_out += 1;
            continue;
        }
        count += 1;
        let name = format!("{}#{part}", book.name);
        let versions = tx.versions_of(book.owner, &book.project, &name)?;
        let mut settings = book.settings.clone();
        // The types are of the book's own columns, the sheet is another one.
        settings.retain(|name, _| name != reading::SHEET && name != reading::TYPES);
        let row = FileRow {
            id: FileId::random(),
            seq: 0,
            name,
            version: versions.iter().map(|v| v.version).max().unwrap_or(0) + 1,
            facts: FileFacts { part: Some(part.clone()), ..FileFacts::default() },
            type_guess: None,
            state: FileState::Ingesting,
            error: None,
            added_at: Timestamp::now(),
            job: None,
            origin: Some(Origin {
                file: Some(book.id.clone()),
                job: None,
                how: format!("the part '{}' of {}", clean::fit(&part, 80), clean::line(&book.name)),
            }),
            part: Some(part.clone()),
            settings: settings.clone(),
            detected: None,
            chosen_type: None,
            ..book.clone()
        };
        let row = tx.put_file(row)?;
        let mut job = JobRow::queued(INGEST, row.owner, row.project.clone(), Some(row.id.clone()));
        settings.insert(reading::SHEET.into(), part);
        job.settings = settings;
        followed.jobs.push(tx.put_job(job)?);
        followed.files.push(row);
    }
    if left_out > 0 {
        let note = format!(
            "{left_out} more parts did not become files: the most is {MAX_PARTS}, with names of up to {MAX_PART_NAME} bytes; \
             `dropforge reread FILE --sheet NAME` reads one of them"
        );
        let before = book.facts.reading.take().map_or_else(String::new, |r| format!("{r}; "));
        book.facts.reading = Some(format!("{before}{left_out} more parts did not become files"));
        followed.notes.push(note);
    }
    Ok(())
}

/// A file whose job ended without data is failed, unless an earlier job's data are there: those stay good, and where they
/// should have been read anew the file says that this failed.
pub(super) fn file_follows(tx: &mut WriteTx, job: &JobRow) -> Result<Option<FileRow>, StoreError> {
    if !job.state.is_terminal() {
        return Ok(None);
    }
    let Some(mut file) = job.file.as_ref().map(|id| tx.file(id)).transpose()?.flatten() else {
        return Ok(None);
    };
    if file.job.is_some() {
        if job.kind != INGEST || !matches!(job.state, JobState::Failed | JobState::Dead) {
            return Ok(None);
        }
        let why = job.error.as_deref().unwrap_or("see its log");
        file.error = Some(format!("reading it again failed, so the data are as before: {why}"));
        return tx.put_file(file).map(Some);
    }
    if file.state != FileState::Ingesting {
        return Ok(None);
    }
    // Another job may still be taking it in.
    if tx.jobs_of_file(&file.id)?.iter().any(|j| j.id != job.id && !j.state.is_terminal()) {
        return Ok(None);
    }
    file.state = FileState::Failed;
    file.error = Some(match job.state {
        JobState::Cancelled => "taking it in was cancelled".to_owned(),
        JobState::Done => "its job ended without having learned anything about it".to_owned(),
        _ => job.error.clone().unwrap_or_else(|| "taking it in failed".to_owned()),
    });
    tx.put_file(file).map(Some)
}
