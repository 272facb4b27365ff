//! Jobs: where they lie in the store and what can be asked about them.
//!
//! Must not know: which job should run next, how one runs.

use dropforge_shared::ids::{FileId, JobId};
use dropforge_shared::job::JobState;

use super::error::StoreError;
use super::key::{Key, Span, sequence_of};
use super::rows::JobRow;
use super::tables::{
    IDEMPOTENCY, Index, JOB_SEQ, JOB_STATE, JOBS, JOBS_BY_FILE, JOBS_BY_OWNER, JOBS_BY_SEQ, JOBS_BY_STATE,
    RowTable,
};
use super::tx::{Entity, Entry, Order, ReadTx, WriteTx};

/// A state's byte in index keys. It is in stored files: never change one.
fn code(state: JobState) -> u8 {
    match state {
        JobState::Queued => 1,
        JobState::Running => 2,
        JobState::Done => 3,
        JobState::Failed => 4,
        JobState::Cancelled => 5,
        JobState::Dead => 6,
    }
}

/// The counter of the jobs in a state.
pub(super) fn state_counter(state: JobState) -> String {
    format!("{JOB_STATE}{}", state.name())
}

impl Entity for JobRow {
    const WHAT: &'static str = "job";
    const TABLE: RowTable = JOBS;
    const INDICES: &'static [&'static Index] =
        &[&JOBS_BY_SEQ, &JOBS_BY_STATE, &JOBS_BY_OWNER, &JOBS_BY_FILE, &IDEMPOTENCY];

    fn key(&self) -> &str {
        self.id.as_str()
    }

    fn entries(&self) -> Vec<Entry> {
        let state = code(self.state);
        let mut entries = vec![
            Entry { index: &JOBS_BY_SEQ, key: Key::new().u64(self.seq).bytes() },
            Entry { index: &JOBS_BY_STATE, key: Key::new().u8(state).u64(self.seq).bytes() },
            Entry { index: &JOBS_BY_OWNER, key: Key::new().u32(self.owner).u8(state).u64(self.seq).bytes() },
        ];
        if let Some(file) = &self.file {
            entries.push(Entry {
                index: &JOBS_BY_FILE,
                key: Key::new().text(file.as_str()).u64(self.seq).bytes(),
            });
        }
        if let Some(key) = &self.idempotency {
            entries.push(Entry { index: &IDEMPOTENCY, key: Key::new().u32(self.owner).text(key).bytes() });
        }
        entries
    }

    fn counter(&self) -> Option<String> {
        Some(state_counter(self.state))
    }
}

impl ReadTx {
    /// A job by id.
    pub fn job(&self, id: &JobId) -> Result<Option<JobRow>, StoreError> {
        self.row(id.as_str())
    }

    /// Jobs, newest first, older than `after_seq`; of one owner or all, in one state or all.
    pub fn jobs(
        &self,
        owner: Option<u32>,
        state: Option<JobState>,
        after_seq: Option<u64>,
        limit: usize,
    ) -> Result<Vec<JobRow>, StoreError> {
        let (index, prefixes) = match (owner, state) {
            (None, None) => (&JOBS_BY_SEQ, vec![Key::new()]),
            (None, Some(state)) => (&JOBS_BY_STATE, vec![Key::new().u8(code(state))]),
            (Some(owner), Some(state)) => (&JOBS_BY_OWNER, vec![Key::new().u32(owner).u8(code(state))]),
            // A page of each state, merged: six short scans instead of one more index to write.
            (Some(owner), None) => {
                (&JOBS_BY_OWNER, JobState::ALL.iter().map(|s| Key::new().u32(owner).u8(code(*s))).collect())
            }
        };
        let mut found = Vec::new();
        for prefix in prefixes {
            found.extend(self.scan(index, &Span::below(prefix, after_seq), Order::Down, limit)?);
        }
        found.sort_by_key(|(key, _)| std::cmp::Reverse(sequence_of(key)));
        found.truncate(limit);
        self.rows(found.into_iter().map(|(_, id)| id))
    }

    /// Queued jobs, oldest first. Cheap, however many others there are.
    pub fn jobs_queued(&self, limit: usize) -> Result<Vec<JobRow>, StoreError> {
        let span = Span::of(Key::new().u8(code(JobState::Queued)));
        self.rows_in(&JOBS_BY_STATE, &span, Order::Up, limit)
    }

    /// All jobs in a state, oldest first.
    pub fn jobs_in(&self, state: JobState) -> Result<Vec<JobRow>, StoreError> {
        self.rows_in(&JOBS_BY_STATE, &Span::of(Key::new().u8(code(state))), Order::Up, usize::MAX)
    }

    /// How many jobs are in a state, without looking at them.
    pub fn job_count(&self, state: JobState) -> Result<u64, StoreError> {
        self.counter(&state_counter(state))
    }

    /// The jobs that work or worked on a file, oldest first.
    pub fn jobs_of_file(&self, file: &FileId) -> Result<Vec<JobRow>, StoreError> {
        self.rows_in(&JOBS_BY_FILE, &Span::of(Key::new().text(file.as_str())), Order::Up, usize::MAX)
    }

    /// Ids of jobs, of any owner, that begin so.
    pub fn job_ids_with_prefix(&self, prefix: &str, limit: usize) -> Result<Vec<JobId>, StoreError> {
        Ok(self.ids_with_prefix(JOBS, prefix, limit)?.iter().filter_map(|id| id.parse().ok()).collect())
    }

    /// The job that an owner's client queued under this key.
    pub fn job_by_idempotency(&self, owner: u32, key: &str) -> Result<Option<JobId>, StoreError> {
        let key = Key::new().u32(owner).text(key).bytes();
        let id = self.get(IDEMPOTENCY.table(), key.as_slice(), |id| id.parse::<JobId>())?;
        id.transpose().map_err(|e| StoreError::Corrupt(format!("in the index {}: {e}", IDEMPOTENCY.name)))
    }
}

impl WriteTx {
    /// Puts a job, new or changed, and returns it with its sequence number. Putting the same new job twice (the first
    /// commit was not confirmed) is putting it once.
    pub fn put_job(&mut self, mut row: JobRow) -> Result<JobRow, StoreError> {
        let old = self.job(&row.id)?;
        if let Some(old) = &old
            && (old.owner != row.owner || old.kind != row.kind)
        {
            return Err(StoreError::Conflict(format!("there is another job with the id {}", row.id)));
        }
        self.check_unique(&row)?;
        row.seq = self.sequence(JOB_SEQ, row.id.as_str(), row.seq, old.as_ref().map(|o| o.seq))?;
        self.replace(old.as_ref(), Some(&row))?;
        Ok(row)
    }

    /// Takes a job's row away and returns it; `None` where it is gone already.
    pub fn remove_job(&mut self, id: &JobId) -> Result<Option<JobRow>, StoreError> {
        let old = self.job(id)?;
        if old.is_some() {
            self.replace(old.as_ref(), None)?;
        }
        Ok(old)
    }
}
