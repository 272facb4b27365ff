//! Cancelling: a job that waits ends at once; one that runs is asked, then told, then killed, and has ended within 16 s
//! (5 s after the message, 5 s after SIGTERM, then SIGKILL to the process group).

use dropforge_shared::fault::Fault;
use dropforge_shared::ids::JobId;
use dropforge_shared::job::JobState;
use dropforge_shared::time::Timestamp;

use super::{Queue, StopReason, follow, settle};
use crate::store::rows::JobRow;

impl Queue {
    /// Cancels a job. Cancelling one that has ended is refused; asking twice is not an error.
    pub async fn cancel(&self, job: JobId, uid: u32) -> Result<JobRow, Fault> {
        let now = Timestamp::now();
        let committed = self
            .0
            .store
            .write(move |tx| {
                let Some(mut row) = tx.job(&job)? else { return Ok(None) };
                if row.state.is_terminal() || row.cancel_requested {
                    return Ok(Some((row, None, false)));
                }
                let mut file = None;
                if row.state == JobState::Queued {
                    settle::finish(&mut row, JobState::Cancelled, None, now);
                    file = follow::file_follows(tx, &row)?;
                } else {
                    row.cancel_requested = true;
                }
                tx.append_audit(uid, "cancel", row.id.as_str(), "")?;
                Ok(Some((tx.put_job(row)?, file, true)))
            })
            .await?;
        let Some((row, file, changed)) = committed else {
            return Err(Fault::not_found("the job is gone"));
        };
        if !changed && row.state.is_terminal() {
            let what = format!("job {} is {} already", row.id, row.state.name());
            return Err(Fault::refused(what)
                .hint("A result that stands is never changed; `dropforge rm` removes it."));
        }
        if let Some(running) = self.running().get(&row.id) {
            running.stop.send_if_modified(|reason| {
                let first = reason.is_none();
                if first {
                    *reason = Some(StopReason::Cancelled);
                }
                first
            });
        }
        if changed {
            self.announce(&row);
        }
        if let Some(file) = file {
            self.0.bus.publish(settle::file_change(&file));
        }
        Ok(row)
    }
}
