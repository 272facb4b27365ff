//! What several verbs need: calls that survive a restart of the daemon, waiting for jobs, reading outputs.

pub(super) mod line;
pub(super) mod outputs;
pub(super) mod waiting;

use dropforge_shared::fault::Fault;
use dropforge_shared::job::JobState;
use dropforge_shared::service::Listing;

/// The exit code of a program that was ended by Ctrl-C: 128 and the signal's number, as shells have it.
pub(super) const INTERRUPTED: u8 = 130;

/// The largest piece of a list to ask for: the daemon's own limit.
const PIECE: u32 = 500;

/// A list, piece by piece, up to `limit` items.
pub(super) async fn gather<T>(
    limit: Option<usize>,
    mut piece: impl AsyncFnMut(Option<u64>, u32) -> Result<Listing<T>, Fault>,
) -> Result<Vec<T>, Fault> {
    let limit = limit.unwrap_or(usize::MAX);
    let mut items = Vec::new();
    let mut after = None;
    while items.len() < limit {
        let wanted = u32::try_from(limit - items.len()).unwrap_or(PIECE).min(PIECE);
        let listing = piece(after, wanted).await?;
        items.extend(listing.items);
        after = listing.next;
        if after.is_none() {
            break;
        }
    }
    items.truncate(limit);
    Ok(items)
}

/// A job state by its name.
pub(super) fn job_state(text: &str) -> Result<JobState, String> {
    let names = || JobState::ALL.map(JobState::name).join(", ");
    JobState::ALL.into_iter().find(|s| s.name() == text).ok_or_else(|| format!("one of {}", names()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1,200 numbers, newest first, as a daemon would hand them out.
    async fn numbers(after: Option<u64>, limit: u32) -> Result<Listing<u64>, Fault> {
        let start = after.map_or(0, |a| a + 1);
        let items: Vec<u64> = (start..1200).take(limit as usize).collect();
        let next = items.last().copied().filter(|l| *l < 1199);
        Ok(Listing { items, next })
    }

    #[tokio::test]
    async fn a_list_is_gathered_whole_or_up_to_the_limit() {
        assert_eq!(gather(None, numbers).await.unwrap(), (0..1200).collect::<Vec<_>>());
        assert_eq!(gather(Some(700), numbers).await.unwrap(), (0..700).collect::<Vec<_>>());
        assert!(gather(Some(0), numbers).await.unwrap().is_empty());
    }
}
