//! Warm children for interactive reads: a page of rows, and later queries and searches. A few at most; one that has
//! had nothing to do for a minute ends, and while there is none nothing runs here, no timer either.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dropforge_shared::fault::Fault;
use dropforge_shared::work::{FromWorker, ReadAnswer, ReadRequest, ToWorker};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinHandle;

use super::child::Child;
use super::exit::{Ending, describe};
use super::spawn::{SpawnRequest, Spawner};
use super::stderr::StderrLines;
use super::watch::MemoryWatch;

/// How a pool behaves.
#[derive(Debug, Clone)]
pub struct ReaderSettings {
    /// The folder that readers may read beneath.
    pub read_root: PathBuf,
    /// Memory one reader may take, in bytes.
    pub memory_bytes: u64,
    /// The key of the configuration that says so.
    pub memory_key: &'static str,
    /// Readers at most; requests beyond wait in order.
    pub size: usize,
    /// A reader without work for so long ends.
    pub idle: Duration,
    /// A request may take so long, starting a reader included.
    pub timeout: Duration,
    /// A reader that holds more than this between requests ends, and the next request gets a new one: what one statement leaves
    /// in the allocator would be missing to the next.
    pub kept_bytes: u64,
}

impl ReaderSettings {
    /// Two readers of 1 GiB each, ended after a minute without work; 30 seconds for a request. Most of what they hold is kept.
    pub fn new(read_root: PathBuf) -> Self {
        Self {
            read_root,
            memory_bytes: 1 << 30,
            memory_key: "reader.memory",
            size: 2,
            idle: Duration::from_secs(60),
            timeout: Duration::from_secs(30),
            kept_bytes: (1 << 30) / 4 * 3,
        }
    }
}

/// What came of a request with limits.
#[derive(Debug)]
pub enum Asked {
    /// The answer.
    Answer(Box<ReadAnswer>),
    /// All readers were at other requests for all the time that it could wait.
    NoTurn,
    /// It took too long, and the reader was ended.
    TooSlow,
}

/// The pool. Clones share it.
#[derive(Debug, Clone)]
pub struct ReaderPool {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    spawner: Spawner,
    settings: ReaderSettings,
    turns: Semaphore,
    idle: Mutex<Idle>,
}

#[derive(Debug, Default)]
struct Idle {
    readers: Vec<(u64, Reader, JoinHandle<()>)>,
    next: u64,
}

#[derive(Debug)]
struct Reader {
    child: Child,
    printed: Arc<Mutex<VecDeque<String>>>,
}

/// Lines of a reader's standard error that are kept for telling how it ended.
const KEPT_LINES: usize = 5;

impl ReaderPool {
    /// A pool without readers; they are started when asked for.
    pub fn new(spawner: Spawner, settings: ReaderSettings) -> Self {
        let turns = Semaphore::new(settings.size.max(1));
        Self { inner: Arc::new(Inner { spawner, settings, turns, idle: Mutex::default() }) }
    }

    /// Asks a reader. Dropping this in the middle ends the reader that was at it.
    ///
    /// # Errors
    /// What the reader answers, or why there is no answer: too slow, died, could not be started. The next request
    /// gets a new reader then.
    pub async fn ask(&self, request: ReadRequest) -> Result<ReadAnswer, Fault> {
        let limit = self.inner.settings.timeout;
        let _turn = self.turn().await?;
        match tokio::time::timeout(limit, self.serve(&request)).await {
            Ok(answer) => answer,
            Err(_) => {
                let text = format!("reading took longer than {} s and was ended", limit.as_secs_f64());
                Err(Fault::failed(text).hint("Ask for fewer rows, or try again when less is running."))
            }
        }
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>, Fault> {
        self.inner.turns.acquire().await.map_err(|_| Fault::failed("the daemon is stopping"))
    }

    /// As [`Self::ask`], with limits of its own: how long it waits for its turn, and, from then on, for the answer.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn ask_in_turn(
        &self,
        request: ReadRequest,
        patience: Duration,
        limit: Duration,
    ) -> Result<Asked, Fault> {
        let Ok(turn) = tokio::time::timeout(patience, self.turn()).await else { return Ok(Asked::NoTurn) };
        let _turn = turn?;
        match tokio::time::timeout(limit, self.serve(&request)).await {
            Ok(answer) => answer.map(|answer| Asked::Answer(Box::new(answer))),
            Err(_) => Ok(Asked::TooSlow),
        }
    }

    /// How many readers are up and have nothing to do.
    #[cfg(test)]
    fn idle_readers(&self) -> usize {
        self.inner.idle().readers.len()
    }

    async fn serve(&self, request: &ReadRequest) -> Result<ReadAnswer, Fault> {
        if let Some(reader) = self.inner.take_idle()
            && let Some(answer) = self.try_with(reader, request, true).await
        {
            return answer;
        }
        let reader = self.inner.start().await.map_err(|e| Fault::failed(e.to_string()))?;
        self.try_with(reader, request, false)
            .await
            .unwrap_or_else(|| Err(Fault::failed("a reader ended at once")))
    }

    /// Has a reader answer. `None` where one that was `used` before had been about to end by itself, as after a statement that
    /// ran out of time: it has not begun with the request, so another may.
    async fn try_with(
        &self,
        mut reader: Reader,
        request: &ReadRequest,
        used: bool,
    ) -> Option<Result<ReadAnswer, Fault>> {
        let memory_bytes = self.inner.settings.memory_bytes;
        let watch = MemoryWatch::start(reader.child.process().clone(), memory_bytes, None);
        let lost = match reader.exchange(request).await {
            Ok(Some(answer)) => {
                self.inner.put_idle(reader);
                return Some(answer.map(|answer| *answer));
            }
            Ok(None) => None,
            Err(e) => Some(e),
        };
        if let Some(e) = lost.filter(|e| e.kind() == io::ErrorKind::InvalidData) {
            return Some(Err(Fault::failed(format!("a reader's answer can't be understood: {e}"))));
        }
        let status = reader.child.exited().await;
        if used && status.success() {
            return None;
        }
        let tail: String = reader.printed().iter().map(|line| format!("{line}\n")).collect();
        Some(Err(describe(&Ending {
            status: Some(status),
            memory_bytes,
            memory_key: self.inner.settings.memory_key,
            peak_rss_bytes: watch.peak_bytes(),
            over_limit: watch.over_limit(),
            stderr_tail: &tail,
        })))
    }
}

impl Inner {
    fn idle(&self) -> std::sync::MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The reader that was used last: others may then reach the end of their time.
    fn take_idle(&self) -> Option<Reader> {
        loop {
            let (_, reader, timer) = self.idle().readers.pop()?;
            timer.abort();
            if reader.child.process().try_exited().is_none() {
                return Some(reader);
            }
        }
    }

    fn put_idle(self: &Arc<Self>, reader: Reader) {
        let holds = reader.child.process().memory().map_or(0, |memory| memory.own);
        if holds > self.settings.kept_bytes {
            tracing::debug!(
                pid = reader.child.process().pid(),
                holds,
                "a reader holds too much, and is ended"
            );
            return;
        }
        let mut idle = self.idle();
        let number = idle.next;
        idle.next += 1;
        let (pool, time) = (Arc::downgrade(self), self.settings.idle);
        let timer = tokio::spawn(async move {
            tokio::time::sleep(time).await;
            if let Some(pool) = pool.upgrade() {
                // Dropping the reader ends it; it has nothing to lose.
                pool.idle().readers.retain(|(other, ..)| *other != number);
            }
        });
        idle.readers.push((number, reader, timer));
    }

    async fn start(&self) -> io::Result<Reader> {
        let request = SpawnRequest {
            read_root: Some(self.settings.read_root.clone()),
            memory_bytes: Some(self.settings.memory_bytes),
        };
        let mut child = self.spawner.spawn(request).await?;
        let printed = Arc::new(Mutex::new(VecDeque::new()));
        if let Some(lines) = child.take_stderr() {
            tokio::spawn(keep_lines(lines, printed.clone()));
        }
        Ok(Reader { child, printed })
    }
}

impl Reader {
    /// Sends the request and waits for the answer; `None` where the reader ended.
    async fn exchange(
        &mut self,
        request: &ReadRequest,
    ) -> io::Result<Option<Result<Box<ReadAnswer>, Fault>>> {
        self.child.send(&ToWorker::Read(request.clone())).await?;
        loop {
            match self.child.recv().await? {
                Some(FromWorker::Answer(answer)) => return Ok(Some(answer)),
                Some(FromWorker::Ready { sandbox }) => {
                    tracing::debug!(pid = self.child.process().pid(), sandbox, "a reader is up");
                }
                Some(other) => tracing::warn!(?other, "a reader sent what only an attempt sends"),
                None => return Ok(None),
            }
        }
    }

    fn printed(&self) -> VecDeque<String> {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn keep_lines(mut lines: StderrLines, kept: Arc<Mutex<VecDeque<String>>>) {
    while let Some(line) = lines.next().await {
        tracing::debug!(line, "a reader printed");
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT_LINES {
            kept.pop_front();
        }
        kept.push_back(line);
    }
}

#[cfg(test)]
mod tests;
