//! The loop of the drop folder: waits for a hint or a moment, scans, gives out what has settled, and sees each file to its
//! end. Sleeps as long as nothing waits.
//!
//! Must not know: how files are read, what jobs do, who looks at the status.

mod follow;

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use dropforge_shared::config;
use dropforge_shared::event::Change;
use dropforge_shared::paths::Paths;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::error::IntakeError;
use super::intake::Intake;
use super::scan::{self, Scan};
use super::settle::Ready;
use super::take::{Done, Rest, Take};
use super::watch::{Signals, Watch};
use super::{Folders, View, seconds, shown};

/// Hints that come this close together are one.
const DEBOUNCE: Duration = Duration::from_millis(100);
/// Files given to the intake at once; how many are read at once is its own limit.
const UNDER_WAY: usize = 32;

/// How hints are got.
#[derive(Debug, Clone)]
pub(super) enum Watching {
    /// From the file system.
    Notify,
    /// From a test.
    #[cfg(test)]
    Given(Arc<Signals>),
    /// Not at all, as if the system refused.
    #[cfg(test)]
    Refused(&'static str),
}

pub(super) struct Service {
    folders: Folders,
    skip: Vec<PathBuf>,
    config: config::Inbox,
    owner: u32,
    intake: Intake,
    view: Arc<View>,
    stop: CancellationToken,
    watching: Watching,
    signals: Arc<Signals>,
    watch: Option<Watch>,
    /// The folder that is watched, by device and inode.
    watched: Option<(u64, u64)>,
    /// Why there is no watch.
    unwatched: Option<String>,
    /// Why the folder itself can't be used.
    unusable: Option<String>,
    began: Instant,
    next_scan: Instant,
    /// When the last scan ended, and how long it took.
    last_scan: (Instant, Duration),
    retry_watch: Instant,
    queue: VecDeque<Ready>,
    takes: JoinSet<(Ready, Result<Done, IntakeError>)>,
    published: u64,
    publish_at: Option<Instant>,
    last_published: Option<Instant>,
    disk_full_told: bool,
    /// The folder was there once.
    scanned: bool,
}

impl Service {
    pub(super) fn new(
        paths: &Paths,
        folders: Folders,
        config: &config::Inbox,
        intake: Intake,
        view: Arc<View>,
        stop: CancellationToken,
        watching: Watching,
    ) -> Self {
        let now = Instant::now();
        let signals = match &watching {
            #[cfg(test)]
            Watching::Given(signals) => Arc::clone(signals),
            _ => Arc::default(),
        };
        Self {
            // A home or a processed folder that lies in the inbox is not to be taken in.
            skip: vec![
                folders.processed.clone(),
                paths.home.clone(),
                paths.blobs.clone(),
                paths.store.clone(),
            ],
            folders,
            config: config.clone(),
            owner: rustix::process::geteuid().as_raw(),
            intake,
            published: view.fingerprint(),
            view,
            stop,
            watching,
            signals,
            watch: None,
            watched: None,
            unwatched: None,
            unusable: None,
            began: now,
            next_scan: now,
            last_scan: (now, Duration::ZERO),
            retry_watch: now,
            queue: VecDeque::new(),
            takes: JoinSet::new(),
            publish_at: None,
            last_published: None,
            disk_full_told: false,
            scanned: false,
        }
    }

    pub(super) async fn run(mut self) {
        let blobs = self.intake.blobs().clone();
        match tokio::task::spawn_blocking(move || blobs.sweep()).await {
            Ok(Ok(0)) | Err(_) => {}
            Ok(Ok(n)) => tracing::info!(n, "removed copies that an earlier daemon did not finish"),
            Ok(Err(error)) => {
                tracing::warn!(%error, "can't remove copies that an earlier daemon did not finish")
            }
        }
        loop {
            let signals = Arc::clone(&self.signals);
            let publish_at = self.publish_at.unwrap_or(self.next_scan);
            tokio::select! {
                () = self.stop.cancelled() => break,
                Some(done) = self.takes.join_next(), if !self.takes.is_empty() => {
                    if let Ok((ready, outcome)) = done {
                        self.finish(&ready, outcome);
                    }
                }
                () = signals.wait() => self.hinted(),
                () = tokio::time::sleep_until(self.next_scan) => self.look().await,
                () = tokio::time::sleep_until(publish_at), if self.publish_at.is_some() => self.publish_waiting(),
            }
            self.give_out();
        }
        // The intake was halted: copies end by themselves, commits end as they do.
        while self.takes.join_next().await.is_some() {}
    }

    fn since_start(&self) -> Duration {
        self.began.elapsed()
    }

    fn notice(&self, text: String) {
        tracing::warn!("{text}");
        self.intake.publish(Change::Notice { text });
    }

    /// Brings the next scan forward: after a pause in which more hints may come, and never so often that scanning a
    /// large tree takes more than a small part of a core.
    fn hinted(&mut self) {
        if let Some(why) = self.signals.take_broken() {
            self.lose_watch(why);
        }
        if self.signals.take_root_lost() {
            // Another folder may come under the same name, even with the same inode: it needs a watch of its own.
            self.watch = None;
            self.watched = None;
        }
        let pause = if self.signals.take_overflow() { Duration::ZERO } else { DEBOUNCE };
        let (ended, took) = self.last_scan;
        let earliest = (Instant::now() + pause).max(ended + took * 5);
        self.next_scan = self.next_scan.min(earliest);
    }

    /// A scan, with a watch made first where there is none: what comes after the watch is hinted at, what came before is
    /// found.
    async fn look(&mut self) {
        let begun = Instant::now();
        self.view.looks.fetch_add(1, Ordering::Relaxed);
        let mut scan = self.scan().await;
        if let Err(error) = &scan {
            match self.make_inbox(error).await {
                Ok(()) => scan = self.scan().await,
                Err(why) => {
                    self.unusable(why);
                    return;
                }
            }
        }
        if let Ok(found) = &scan
            && self.watched != Some(found.root)
            && (self.unwatched.is_none() || begun >= self.retry_watch)
        {
            self.make_watch(found.root).await;
            scan = self.scan().await;
        }
        match scan {
            Ok(scan) => {
                if self.unusable.take().is_some() {
                    self.notice(format!("The inbox {} can be used again.", shown(&self.folders.inbox)));
                }
                self.show_mode();
                self.scanned = true;
                self.observe(&scan);
            }
            Err(error) => self.unusable(error.to_string()),
        }
        self.last_scan = (Instant::now(), begun.elapsed());
        self.plan();
    }

    async fn scan(&self) -> io::Result<Scan> {
        let (root, policy, skip) =
            (self.folders.inbox.clone(), self.intake.policy().clone(), self.skip.clone());
        tokio::task::spawn_blocking(move || scan::scan(&root, &policy, &skip))
            .await
            .map_err(io::Error::other)?
    }

    fn observe(&mut self, scan: &Scan) {
        let now = self.since_start();
        let news = self.view.settler(|settler| settler.observe(now, &scan.entries));
        for (path, why) in news.refused {
            self.notice(format!("{} stays in the inbox: {why}.", shown(&path)));
        }
        self.queue.extend(news.ready);
        self.changed();
    }

    /// When to scan next if no hint comes.
    fn plan(&mut self) {
        let pause =
            if self.watched.is_some() { self.config.rescan_seconds } else { self.config.poll_seconds };
        let mut next = Instant::now() + seconds(pause);
        if let Some(due) = self.view.settler(|s| s.next_due()) {
            next = next.min(self.began + due);
        }
        let (ended, took) = self.last_scan;
        self.next_scan = next.max(ended + took);
    }

    /// A scan when something is due that was not when the next one was planned.
    fn wake_when_due(&mut self) {
        if let Some(due) = self.view.settler(|s| s.next_due()) {
            self.next_scan = self.next_scan.min(self.began + due);
        }
    }

    /// A scan soon: something is known to have changed.
    fn soon(&mut self) {
        self.next_scan = self.next_scan.min(Instant::now() + DEBOUNCE);
    }

    fn give_out(&mut self) {
        while self.takes.len() < UNDER_WAY
            && let Some(ready) = self.queue.pop_front()
        {
            let job = Take {
                intake: self.intake.clone(),
                folders: self.folders.clone(),
                after: self.config.after_intake,
                on_duplicate: self.config.on_duplicate,
                owner: self.owner,
            };
            self.takes.spawn(async move {
                let outcome = job.run(&ready).await;
                (ready, outcome)
            });
        }
    }

    /// Sees to what became of a file.
    fn finish(&mut self, ready: &Ready, outcome: Result<Done, IntakeError>) {
        let now = self.since_start();
        self.changed();
        match outcome {
            Ok(Done { taken, rest }) => {
                self.disk_full_told = false;
                if let Some(first) = taken.duplicate_of.as_ref().filter(|_| !taken.already_here) {
                    let again = if taken.jobs.is_empty() { "" } else { "; it is processed again" };
                    let name = shown(&ready.rel);
                    self.notice(format!(
                        "{name} has the same content as file {first}, which is used{again}."
                    ));
                }
                match rest {
                    Ok(Rest::Moved) => self.view.settler(|s| s.forget(&ready.rel)),
                    Ok(Rest::Left(stamp)) => self.view.settler(|s| s.left(&ready.rel, stamp)),
                    Ok(Rest::Changed) => {
                        self.view.settler(|s| s.forget(&ready.rel));
                        self.soon();
                    }
                    Err(error) => {
                        // It would be found a duplicate of itself for ever; so it is left until it changes.
                        self.view.settler(|s| s.left(&ready.rel, taken.stamp));
                        self.notice(format!(
                            "{} was taken in but can't be moved to {}: {error}. Move it away by hand.",
                            shown(&ready.rel),
                            shown(&self.folders.processed)
                        ));
                    }
                }
            }
            Err(IntakeError::Vanished(_) | IntakeError::Stopped(_)) => {
                self.view.settler(|s| s.forget(&ready.rel));
            }
            Err(IntakeError::Written(_)) => {
                self.view.settler(|s| s.written(ready));
                self.wake_when_due();
            }
            Err(IntakeError::Changed(_)) => {
                self.view.settler(|s| s.forget(&ready.rel));
                self.soon();
            }
            Err(error) => {
                let patient = matches!(error, IntakeError::Denied(_) | IntakeError::Refused { .. });
                let full = matches!(error, IntakeError::DiskFull { .. });
                let why = format!("{error}. {}", error.advice());
                let first = self.view.settler(|s| s.failed(now, ready, why.clone(), patient));
                // One full disk is one notice, however many files wait for space.
                if first && !(full && self.disk_full_told) {
                    self.notice(why);
                }
                self.disk_full_told |= full;
                self.wake_when_due();
            }
        }
    }

    /// The list may have changed: says so at once, or a little later where it was said just now.
    fn changed(&mut self) {
        let now = Instant::now();
        let at = self.last_published.map_or(now, |last| now.max(last + DEBOUNCE));
        self.publish_at.get_or_insert(at);
    }

    fn publish_waiting(&mut self) {
        self.publish_at = None;
        self.last_published = Some(Instant::now());
        let (print, waiting) = (self.view.fingerprint(), self.view.settler(|s| s.waiting()));
        if print != self.published {
            self.published = print;
            self.intake.publish(Change::Inbox { waiting });
        }
    }
}
