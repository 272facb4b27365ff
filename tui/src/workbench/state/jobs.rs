//! Which of the jobs that are known belongs to what is shown. Must not change anything.

use dropforge_shared::file::FileView;
use dropforge_shared::ids::JobId;
use dropforge_shared::job::{JobState, JobView};

use super::State;

impl State {
    /// The newest job that works or worked on a file; where none is known, the one whose outputs it has.
    pub fn job_of(&self, file: &FileView) -> Option<JobId> {
        let newest = self.jobs.iter().find(|j| j.file.as_ref() == Some(&file.id)).map(|j| j.id.clone());
        newest.or_else(|| file.job.clone())
    }

    /// The newest job that reads or read a file; where none is known, the one whose outputs it has.
    pub fn reading_of(&self, file: &FileView) -> Option<JobId> {
        let of_file = |j: &&JobView| j.file.as_ref() == Some(&file.id) && j.kind == "ingest";
        self.jobs.iter().find(of_file).map(|j| j.id.clone()).or_else(|| file.job.clone())
    }

    /// Jobs that run, oldest first.
    pub fn running(&self) -> impl Iterator<Item = &JobView> {
        self.jobs.iter().rev().filter(|j| j.state == JobState::Running)
    }

    /// Running and waiting jobs, as the daemon counts them.
    pub fn counts(&self) -> (u64, u64) {
        self.status.as_ref().map_or((0, 0), |s| (s.jobs.running, s.jobs.queued))
    }
}
