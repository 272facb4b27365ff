//! Following the daemon over a connection of its own, so that pages never wait behind a long-poll. Reconnects by itself.

use std::time::Duration;

use tokio::sync::mpsc;

use super::connect::{Client, connect};
use super::{flat, within};
use crate::event::{Cursor, EventBatch};
use crate::paths::Paths;
use crate::service::{CALL, MAX_WAIT_MS};

/// What a follower learns.
#[derive(Debug)]
pub enum FeedItem {
    /// Connected, for the first time or again: read all anew.
    Connected(Client),
    /// Something happened.
    Events(EventBatch),
    /// The daemon went away; what is shown is stale until the next [`FeedItem::Connected`]. Says why.
    Lost(String),
}

/// Follows until the receiver is dropped. The first item is `Connected` or `Lost`.
pub async fn follow(paths: Paths, out: mpsc::Sender<FeedItem>) {
    let mut pause = Duration::from_millis(100);
    let mut lost = false;
    loop {
        let why = match connect(&paths).await {
            Ok(Some(client)) => {
                pause = Duration::from_millis(100);
                lost = false;
                match session(client, &out).await {
                    Some(why) => why,
                    None => return,
                }
            }
            Ok(None) => "the daemon is not running".to_owned(),
            Err(fault) => fault.message,
        };
        if !lost {
            lost = true;
            if out.send(FeedItem::Lost(why)).await.is_err() {
                return;
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = out.closed() => return,
        }
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

/// One connection's life. `None` once nobody listens, else why it ended.
async fn session(client: Client, out: &mpsc::Sender<FeedItem>) -> Option<String> {
    let rpc = client.rpc.clone();
    // The place in the stream is fixed before the follower reads its lists, so that nothing falls in between.
    let newest = Cursor { epoch: client.peer.epoch, seq: Cursor::NEWEST };
    let mut cursor = match flat(rpc.events_after(within(CALL), newest, 0).await) {
        Ok(batch) => batch.cursor,
        Err(fault) => return Some(fault.message),
    };
    out.send(FeedItem::Connected(client)).await.ok()?;
    loop {
        let call = rpc.events_after(within(Duration::from_secs(60)), cursor, MAX_WAIT_MS);
        let batch = tokio::select! {
            batch = call => batch,
            () = out.closed() => return None,
        };
        match flat(batch) {
            Ok(batch) => {
                cursor = batch.cursor;
                if (batch.gap || !batch.events.is_empty()) && out.send(FeedItem::Events(batch)).await.is_err()
                {
                    return None;
                }
            }
            Err(fault) => return Some(fault.message),
        }
    }
}
