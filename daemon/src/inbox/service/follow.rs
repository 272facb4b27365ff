//! The folder itself: made where it is missing, watched where that can be, polled where not, and each turn told once.
//!
//! Must not know: what lies in the folder.

use std::io;
use std::sync::Arc;

use dropforge_shared::paths::private_dir;
use tokio::time::Instant;

use super::super::{seconds, shown, watch};
use super::{Service, Watching};

impl Service {
    pub(super) fn lose_watch(&mut self, why: String) {
        self.watch = None;
        self.watched = None;
        self.retry_watch = Instant::now() + seconds(self.config.rescan_seconds);
        if self.unwatched.as_ref() != Some(&why) {
            self.notice(format!(
                "The inbox {} can't be watched: {why}. It is looked through every {} s instead.",
                shown(&self.folders.inbox),
                self.config.poll_seconds
            ));
            self.unwatched = Some(why);
        }
        self.show_mode();
    }

    pub(super) fn show_mode(&mut self) {
        let mode = match (&self.unusable, &self.unwatched) {
            (Some(why), _) => format!("not usable: {why}"),
            (None, Some(why)) => format!("polling every {} s: {why}", self.config.poll_seconds),
            (None, None) => "watching".to_owned(),
        };
        self.view.set_mode(mode);
        self.changed();
    }

    pub(super) async fn make_watch(&mut self, root: (u64, u64)) {
        self.watch = None;
        let made = match &self.watching {
            Watching::Notify => {
                let (inbox, signals) = (self.folders.inbox.clone(), Arc::clone(&self.signals));
                tokio::task::spawn_blocking(move || watch::watch(&inbox, signals).map(Some))
                    .await
                    .unwrap_or_else(|e| Err(e.to_string()))
            }
            #[cfg(test)]
            Watching::Given(_) => Ok(None),
            #[cfg(test)]
            Watching::Refused(why) => Err((*why).to_owned()),
        };
        match made {
            Ok(watch) => {
                self.watch = watch;
                self.watched = Some(root);
                if self.unwatched.take().is_some() {
                    self.notice(format!("The inbox {} is watched again.", shown(&self.folders.inbox)));
                }
            }
            Err(why) => self.lose_watch(why),
        }
    }

    /// Makes the inbox where it is missing.
    pub(super) async fn make_inbox(&mut self, error: &io::Error) -> Result<(), String> {
        if error.kind() != io::ErrorKind::NotFound {
            return Err(error.to_string());
        }
        let inbox = self.folders.inbox.clone();
        let made = tokio::task::spawn_blocking(move || private_dir(&inbox)).await;
        made.map_err(|e| e.to_string())?.map_err(|fault| fault.message)?;
        self.watch = None;
        self.watched = None;
        if self.scanned {
            self.notice(format!("The inbox {} was removed and is made anew.", shown(&self.folders.inbox)));
        }
        Ok(())
    }

    pub(super) fn unusable(&mut self, why: String) {
        self.watch = None;
        self.watched = None;
        if self.unusable.as_ref() != Some(&why) {
            self.notice(format!(
                "The inbox {} can't be used: {why}. Check the folder and its permissions; it is looked at again every {} s.",
                shown(&self.folders.inbox),
                self.config.poll_seconds
            ));
            self.unusable = Some(why);
        }
        self.show_mode();
        self.next_scan = Instant::now() + seconds(self.config.poll_seconds);
    }
}
