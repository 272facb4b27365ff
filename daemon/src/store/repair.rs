//! Makes right what `fsck` finds, where the rows tell how: indices and counters are made anew; rows that can't be read are set
//! aside as they are; what waits for something that is gone fails with the reason. The audit log is never touched: a chain that
//! was broken must stay visibly so.
//!
//! Must not know: what was found; it goes by the rows alone.

use std::collections::BTreeMap;

use dropforge_shared::file::FileState;
use dropforge_shared::ids::ProjectId;
use dropforge_shared::job::JobState;
use dropforge_shared::time::Timestamp;

use super::envelope;
use super::error::StoreError;
use super::fsck::exists;
use super::job::state_counter;
use super::rows::{FileRow, JobRow, ProjectRow};
use super::tables::{COUNTERS, FILE_SEQ, JOB_SEQ, QUARANTINE, name};
use super::tx::{Entity, WriteTx};

pub(super) fn run(tx: &mut WriteTx) -> Result<(), StoreError> {
    let projects = rebuild::<ProjectRow>(tx)?;
    let files = rebuild::<FileRow>(tx)?;
    let jobs = rebuild::<JobRow>(tx)?;
    drop(projects);

    let mut states: BTreeMap<JobState, u64> = JobState::ALL.iter().map(|s| (*s, 0)).collect();
    let (mut last_file, mut last_job) = (tx.counter(FILE_SEQ)?, tx.counter(JOB_SEQ)?);
    for id in &files {
        let Some(row) = tx.row::<FileRow>(id)? else { continue };
        last_file = last_file.max(row.seq);
    }
    for id in &jobs {
        let Some(row) = tx.row::<JobRow>(id)? else { continue };
        last_job = last_job.max(row.seq);
        *states.entry(row.state).or_default() += 1;
    }
    for (state, count) in states {
        set_counter(tx, &state_counter(state), count)?;
    }
    set_counter(tx, FILE_SEQ, last_file)?;
    set_counter(tx, JOB_SEQ, last_job)?;

    for id in &files {
        mend_file(tx, id)?;
    }
    for id in &jobs {
        mend_job(tx, id)?;
    }
    Ok(())
}

fn set_counter(tx: &mut WriteTx, name: &str, count: u64) -> Result<(), StoreError> {
    if tx.counter(name)? == count { Ok(()) } else { tx.set(COUNTERS, name, Some(count)) }
}

/// Sets unreadable rows of a kind aside and fills its indices from the others. Returns their ids.
fn rebuild<E: Entity>(tx: &mut WriteTx) -> Result<Vec<String>, StoreError> {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    tx.each(E::TABLE, |id, bytes| {
        match envelope::decode::<E>(E::WHAT, id, bytes) {
            Ok(row) if row.key() == id => good.push(id.to_owned()),
            _ => bad.push((id.to_owned(), bytes.to_vec())),
        }
        Ok(())
    })?;
    for (id, bytes) in bad {
        tx.set(QUARANTINE, format!("{}/{id}", name(E::TABLE)).as_str(), Some(bytes.as_slice()))?;
        tx.set(E::TABLE, id.as_str(), None)?;
    }
    for index in E::INDICES {
        tx.clear(index.table())?;
    }
    for id in &good {
        if let Some(row) = tx.row::<E>(id)? {
            for entry in row.entries() {
                tx.set(entry.index.table(), entry.key.as_slice(), Some(id.as_str()))?;
            }
        }
    }
    Ok(good)
}

fn mend_file(tx: &mut WriteTx, id: &str) -> Result<(), StoreError> {
    let Some(row) = tx.row::<FileRow>(id)? else { return Ok(()) };
    mend_project(tx, &row.project, row.owner)?;
    if let (FileState::Ingesting, Some(job)) = (row.state, &row.job)
        && !exists::<JobRow>(tx, job.as_str())?
    {
        let error = Some(format!("the job {job} that took it in was lost; process the file again"));
        tx.put_file(FileRow { state: FileState::Failed, error, job: None, ..row })?;
    }
    Ok(())
}

fn mend_job(tx: &mut WriteTx, id: &str) -> Result<(), StoreError> {
    let Some(row) = tx.row::<JobRow>(id)? else { return Ok(()) };
    mend_project(tx, &row.project, row.owner)?;
    if let (false, Some(file)) = (row.state.is_terminal(), &row.file)
        && !exists::<FileRow>(tx, file.as_str())?
    {
        let error = Some(format!("the file {file} that it works on was lost"));
        let finished_at = Some(Timestamp::now());
        tx.put_job(JobRow { state: JobState::Failed, error, finished_at, ..row })?;
    }
    Ok(())
}

/// A project that rows name and that is not there comes back under its id.
fn mend_project(tx: &mut WriteTx, id: &ProjectId, owner: u32) -> Result<(), StoreError> {
    if !exists::<ProjectRow>(tx, id.as_str())? {
        let name = format!("recovered-{id}");
        tx.put_project(ProjectRow {
            id: id.clone(),
            owner,
            name,
            created_at: Timestamp::now(),
            archived: false,
        })?;
    }
    Ok(())
}
