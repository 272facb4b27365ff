//! Checks the store against itself: every index both ways, the counters, the audit chain, and what rows say of each other.
//! What to do about it is in `repair`.
//!
//! Must not know: blobs and runs on disk, whether a job's process is alive.

use std::collections::BTreeMap;

use dropforge_shared::file::FileState;
use dropforge_shared::job::JobState;
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::job::state_counter;
use super::pages::{self, Pages};
use super::rows::{AuditRow, FileRow, JobRow, ProjectRow};
use super::tables::{AUDIT, AUDIT_SEQ, COUNTERS, FILE_SEQ, JOB_SEQ, JOB_STATE, name};
use super::tx::{Entity, ReadTx};
use super::writer::Shared;
use super::{audit, envelope, repair};

/// Most problems that a report lists.
const LISTED: usize = 1000;

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The table or index.
    pub place: String,
    /// What is wrong there.
    pub detail: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.detail)
    }
}

/// What `fsck` found, and did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FsckReport {
    /// Files.
    pub files: u64,
    /// Jobs.
    pub jobs: u64,
    /// Projects.
    pub projects: u64,
    /// Entries of the audit log.
    pub audit: u64,
    /// What was wrong; the first thousand.
    pub problems: Vec<Problem>,
    /// How many more there were.
    pub unlisted: u64,
    /// Whether a repair was made.
    pub repaired: bool,
    /// What is still wrong after the repair.
    pub remaining: Vec<Problem>,
    /// Why the file's pages were not looked at; `None` where they were.
    pub pages_skipped: Option<String>,
}

impl FsckReport {
    /// Whether nothing was wrong.
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// Whether nothing is wrong now.
    pub fn is_sound(&self) -> bool {
        self.is_clean() || (self.repaired && self.remaining.is_empty())
    }

    fn problem(&mut self, place: impl Into<String>, detail: impl Into<String>) {
        if self.problems.len() < LISTED {
            self.problems.push(Problem { place: place.into(), detail: detail.into() });
        } else {
            self.unlisted += 1;
        }
    }
}

/// Checks, and repairs where asked. On the writer thread, so that nothing is written between the check and the repair.
pub(super) fn run(shared: &Shared, do_repair: bool) -> Result<FsckReport, StoreError> {
    let looked = pages::check(shared)?;
    let mut report = match shared.read(check) {
        // Damage that keeps rows from being read at all is what a check is to find.
        Err(StoreError::Corrupt(why)) => {
            let mut report = FsckReport::default();
            report.problem("pages", why);
            report
        }
        checked => checked?,
    };
    match looked {
        Pages::Sound => {}
        Pages::Wrong(why) => report.problem("pages", why),
        Pages::NotLooked(why) => report.pages_skipped = Some(why),
    }
    if do_repair && !report.is_clean() {
        match shared.write_alone(repair::run) {
            Err(StoreError::Corrupt(why)) => {
                report.problem("pages", format!("nothing can be made anew: {why}"));
                return Ok(report);
            }
            repaired => repaired?,
        };
        report.repaired = true;
        report.remaining = shared.read(check)?.problems;
        // Rows made anew do not mend a page.
        report.remaining.extend(report.problems.iter().filter(|p| p.place == "pages").cloned());
    }
    Ok(report)
}

/// Looks at everything and changes nothing.
pub(super) fn check(tx: &ReadTx) -> Result<FsckReport, StoreError> {
    let mut report = FsckReport::default();
    let (mut last_file, mut last_job) = (0, 0);
    let mut states: BTreeMap<String, u64> = JobState::ALL.iter().map(|s| (state_counter(*s), 0)).collect();

    report.projects = check_rows::<ProjectRow>(tx, &mut report, |_, _| Ok(()))?;
    report.files = check_rows::<FileRow>(tx, &mut report, |file, report| {
        last_file = last_file.max(file.seq);
        for detail in wrong_in_file(tx, file)? {
            report.problem(name(FileRow::TABLE), detail);
        }
        Ok(())
    })?;
    report.jobs = check_rows::<JobRow>(tx, &mut report, |job, report| {
        last_job = last_job.max(job.seq);
        *states.entry(state_counter(job.state)).or_default() += 1;
        for detail in wrong_in_job(tx, job)? {
            report.problem(name(JobRow::TABLE), detail);
        }
        Ok(())
    })?;
    let last_audit = check_audit(tx, &mut report)?;

    for (counter, last) in [(FILE_SEQ, last_file), (JOB_SEQ, last_job)] {
        let count = tx.counter(counter)?;
        if count < last {
            report.problem("counters", format!("{counter} is {count}, but {last} was given out"));
        }
    }
    let count = tx.counter(AUDIT_SEQ)?;
    if count != last_audit {
        report.problem("audit", format!("the last entry is {last_audit}, but {count} were written"));
    }
    for (counter, jobs) in &states {
        let count = tx.counter(counter)?;
        if count != *jobs {
            report.problem("counters", format!("{counter} is {count}, but there are {jobs}"));
        }
    }
    tx.each(COUNTERS, |counter, _| {
        if counter.starts_with(JOB_STATE) && !states.contains_key(counter) {
            report.problem("counters", format!("{counter} counts an unknown state"));
        }
        Ok(())
    })?;
    Ok(report)
}

/// Checks a kind of row: that each can be read and is in its indices, and that its indices hold nothing else.
fn check_rows<E: Entity>(
    tx: &ReadTx,
    report: &mut FsckReport,
    mut each: impl FnMut(&E, &mut FsckReport) -> Result<(), StoreError>,
) -> Result<u64, StoreError> {
    let mut count = 0;
    tx.each(E::TABLE, |id, bytes| {
        count += 1;
        let row: E = match envelope::decode(E::WHAT, id, bytes) {
            Ok(row) => row,
            Err(e) => {
                report.problem(name(E::TABLE), e.to_string());
                return Ok(());
            }
        };
        if row.key() != id {
            report.problem(name(E::TABLE), format!("{} {} lies under {id}", E::WHAT, row.key()));
            return Ok(());
        }
        for entry in row.entries() {
            let holds = tx.get(entry.index.table(), entry.key.as_slice(), |held| held == id)?;
            if holds != Some(true) {
                report.problem(entry.index.name, format!("{} {id} is not in it", E::WHAT));
            }
        }
        each(&row, report)
    })?;
    for index in E::INDICES {
        tx.each(index.table(), |key, id| {
            let known = match tx.row::<E>(id) {
                Ok(row) => {
                    row.is_some_and(|row| row.entries().iter().any(|e| e.index == *index && e.key == key))
                }
                // Told above, once.
                Err(StoreError::Corrupt(_)) => true,
                Err(e) => return Err(e),
            };
            if !known {
                let key = key.escape_ascii();
                report
                    .problem(index.name, format!("it names {} {id} under '{key}', which is not so", E::WHAT));
            }
            Ok(())
        })?;
    }
    Ok(count)
}

/// What a file says that the rest of the store does not bear out. A job that was removed after its end is no problem.
fn wrong_in_file(tx: &ReadTx, file: &FileRow) -> Result<Vec<String>, StoreError> {
    let mut wrong = Vec::new();
    if !exists::<ProjectRow>(tx, file.project.as_str())? {
        wrong.push(format!("file {} is in project {}, which is not there", file.id, file.project));
    }
    if file.state == FileState::Ingesting
        && let Some(job) = &file.job
        && !exists::<JobRow>(tx, job.as_str())?
    {
        wrong.push(format!("file {} waits for job {job}, which is not there", file.id));
    }
    Ok(wrong)
}

/// What a job says that the rest of the store does not bear out. A file that was removed after the job's end is no problem.
fn wrong_in_job(tx: &ReadTx, job: &JobRow) -> Result<Vec<String>, StoreError> {
    let mut wrong = Vec::new();
    if !exists::<ProjectRow>(tx, job.project.as_str())? {
        wrong.push(format!("job {} is in project {}, which is not there", job.id, job.project));
    }
    if !job.state.is_terminal()
        && let Some(file) = &job.file
        && !exists::<FileRow>(tx, file.as_str())?
    {
        wrong.push(format!("job {} is {} for file {file}, which is not there", job.id, job.state.name()));
    }
    Ok(wrong)
}

/// Whether there is a row, readable or not.
pub(super) fn exists<E: Entity>(tx: &ReadTx, id: &str) -> Result<bool, StoreError> {
    Ok(tx.get(E::TABLE, id, |_| ())?.is_some())
}

/// Follows the chain; returns the last number. A cut-off end shows in the counter only.
fn check_audit(tx: &ReadTx, report: &mut FsckReport) -> Result<u64, StoreError> {
    let (mut last, mut previous) = (0, String::new());
    tx.each(AUDIT, |seq, bytes| {
        report.audit += 1;
        match envelope::decode::<AuditRow>(audit::WHAT, &seq.to_string(), bytes) {
            Ok(row) if row.seq != seq => {
                report.problem("audit", format!("entry {seq} says that it is {}", row.seq));
            }
            Ok(row) => {
                if let Some(why) = audit::broken(&row, Some((last, &previous))) {
                    report.problem("audit", format!("entry {seq} {why}"));
                }
                previous = row.hash;
            }
            Err(e) => report.problem("audit", e.to_string()),
        }
        last = seq;
        Ok(())
    })?;
    Ok(last)
}
