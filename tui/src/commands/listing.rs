//! Lists that come in pieces: gathered whole, or up to a limit that is told. Must not know what is listed.

use dropforge_shared::fault::Fault;
use dropforge_shared::service::Listing;

/// The largest piece to ask for: the daemon's own limit.
const PIECE: u32 = 500;
/// Rows of a table where no limit is given. A document for a program is whole.
const TABLE: usize = 1000;

/// What was gathered, and how many more there are.
pub(super) struct Gathered<T> {
    /// The items, newest first.
    pub items: Vec<T>,
    /// Items that were left out because nobody gave a limit and a table of them would be endless.
    pub more: usize,
}

/// A list, piece by piece: up to the limit that was given, else whole for a program and the first rows for a table.
pub(super) async fn gather<T>(
    limit: Option<usize>,
    table: bool,
    mut piece: impl AsyncFnMut(Option<u64>, u32) -> Result<Listing<T>, Fault>,
) -> Result<Gathered<T>, Fault> {
    let keep = limit.unwrap_or(if table { TABLE } else { usize::MAX });
    // Where the limit was not asked for, the rest is counted, so that the list does not look whole.
    let read = limit.unwrap_or(usize::MAX);
    let (mut items, mut more, mut after) = (Vec::new(), 0, None);
    while items.len() + more < read {
        let wanted = u32::try_from(read - items.len()).unwrap_or(PIECE).min(PIECE);
        let listing = piece(after, wanted).await?;
        let room = keep - items.len();
        more += listing.items.len().saturating_sub(room);
        items.extend(listing.items.into_iter().take(room));
        after = listing.next;
        if after.is_none() {
            break;
        }
    }
    Ok(Gathered { items, more: if limit.is_some() { 0 } else { more } })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2,200 numbers as a daemon would hand them out.
    async fn numbers(after: Option<u64>, limit: u32) -> Result<Listing<u64>, Fault> {
        let items: Vec<u64> = (after.map_or(0, |a| a + 1)..2200).take(limit as usize).collect();
        let next = items.last().copied().filter(|l| *l < 2199);
        Ok(Listing { items, next })
    }

    #[tokio::test]
    async fn a_document_is_whole_and_a_table_tells_what_it_leaves_out() {
        for (limit, table, items, more) in [
            (None, false, 2200, 0),
            (None, true, 1000, 1200),
            (Some(1700), true, 1700, 0),
            (Some(1700), false, 1700, 0),
            (Some(5), true, 5, 0),
            (Some(0), true, 0, 0),
            (Some(100_000), true, 2200, 0),
        ] {
            let got = gather(limit, table, numbers).await.unwrap();
            assert_eq!(got.items, (0..items).collect::<Vec<_>>(), "{limit:?} {table}");
            assert_eq!(got.more, more, "{limit:?} {table}");
        }
    }
}
