//! Doing what `update` asks for: calls to the daemon over one connection, the feed over another, samples into the inbox.
//! Every effect runs in a task of its own and answers with an action. Must not know the state or the screen.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dropforge_shared::client::{Client, FeedItem, connect, connect_or_start, flat, follow, within};
use dropforge_shared::fault::Fault;
use dropforge_shared::ids::JobId;
use dropforge_shared::job::JobState;
use dropforge_shared::paths::Paths;
use dropforge_shared::service::{CALL, DropforgeClient, FileQuery, JobQuery, MAX_WAIT_MS};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::action::{Action, Answer, Source};
use super::calls;
use super::effect::Effect;
use super::exporting;
use super::history::History;

/// Items of a list that are read at once.
const PIECE: u32 = 500;

/// The connection for calls; it changes when the daemon is started anew.
type Line = Arc<Mutex<DropforgeClient>>;

/// Does effects.
#[derive(Debug)]
pub struct Effects {
    paths: Paths,
    exe: PathBuf,
    line: Line,
    inbox: PathBuf,
    out: mpsc::Sender<Action>,
    log: Option<AbortHandle>,
    query: Option<AbortHandle>,
    view: Option<AbortHandle>,
}

impl Effects {
    /// Over a first connection. The feed starts at once.
    pub fn new(paths: Paths, exe: PathBuf, client: Client, out: mpsc::Sender<Action>) -> Self {
        let inbox = PathBuf::from(&client.peer.inbox);
        let line = Arc::new(Mutex::new(client.rpc));
        tokio::spawn(feed(paths.clone(), line.clone(), out.clone()));
        Self { paths, exe, line, inbox, out, log: None, query: None, view: None }
    }

    fn rpc(&self) -> DropforgeClient {
        self.line.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Begins one.
    pub fn run(&mut self, effect: Effect) {
        let (rpc, out) = (self.rpc(), self.out.clone());
        match effect {
            Effect::FollowLog { job, ticket } => {
                self.stop_log();
                self.log = Some(tokio::spawn(log(rpc, job, ticket, out)).abort_handle());
            }
            Effect::StopLog => self.stop_log(),
            Effect::Query { sql, ticket } => {
                self.stop_query();
                let task = async move { answer(&out, calls::query(&rpc, sql, ticket).await).await };
                self.query = Some(tokio::spawn(task).abort_handle());
            }
            Effect::StopQuery => self.stop_query(),
            Effect::View { .. } => {
                let task = async move {
                    if let Some(said) = calls::table(&rpc, effect).await {
                        answer(&out, said).await;
                    }
                };
                self.view = Some(tokio::spawn(task).abort_handle());
            }
            Effect::StopView => {
                // The daemon ends its reader when its caller goes away.
                if let Some(task) = self.view.take() {
                    task.abort();
                }
            }
            Effect::History | Effect::Remember(_) => {
                let history = History::of(&self.paths);
                tokio::spawn(async move {
                    let done = tokio::task::spawn_blocking(move || match effect {
                        Effect::Remember(sql) => history.add(&sql),
                        _ => history.read(),
                    });
                    let done = done.await.unwrap_or_else(|e| Err(Fault::failed(e.to_string())));
                    answer(&out, Answer::History(done)).await;
                });
            }
            Effect::StartDaemon => {
                let (paths, exe) = (self.paths.clone(), self.exe.clone());
                tokio::spawn(async move {
                    // The feed finds it by itself; only a failure is news.
                    if let Err(fault) = connect_or_start(&paths, &exe).await {
                        answer(&out, Answer::Done(Err(fault))).await;
                    }
                });
            }
            Effect::Sample(at) => {
                let inbox = self.inbox.clone();
                tokio::spawn(async move {
                    let done = tokio::task::spawn_blocking(move || sample(&inbox, at)).await;
                    let done = done.unwrap_or_else(|e| Err(Fault::failed(e.to_string())));
                    answer(&out, Answer::Done(done)).await;
                });
            }
            other => {
                tokio::spawn(async move {
                    if let Some(said) = call(&rpc, other).await {
                        answer(&out, said).await;
                    }
                });
            }
        }
    }

    fn stop_log(&mut self) {
        if let Some(task) = self.log.take() {
            task.abort();
        }
    }

    /// The daemon ends a statement when its caller goes away.
    fn stop_query(&mut self) {
        if let Some(task) = self.query.take() {
            task.abort();
        }
    }
}

async fn answer(out: &mpsc::Sender<Action>, said: Answer) {
    // Where nobody listens any more the workbench is closing.
    let _ = out.send(Action::Answer(Box::new(said))).await;
}

/// Passes the feed on. Calls get a connection of their own each time the daemon is there again.
async fn feed(paths: Paths, line: Line, out: mpsc::Sender<Action>) {
    let (news, mut items) = mpsc::channel(64);
    tokio::spawn(follow(paths.clone(), news));
    let mut first = true;
    while let Some(item) = items.recv().await {
        let action = match item {
            FeedItem::Connected(fed) => {
                if !std::mem::take(&mut first) {
                    // Where the second connection fails the daemon is going again, and the feed says so soon.
                    let rpc = connect(&paths).await.ok().flatten().map_or(fed.rpc, |c| c.rpc);
                    *line.lock().unwrap_or_else(PoisonError::into_inner) = rpc;
                }
                Action::Connected
            }
            FeedItem::Events(batch) => Action::Events(batch),
            FeedItem::Lost(why) => {
                first = false;
                Action::Lost(why)
            }
        };
        if out.send(action).await.is_err() {
            return;
        }
    }
}

/// One call and its answer.
async fn call(rpc: &DropforgeClient, effect: Effect) -> Option<Answer> {
    let context = within(CALL);
    let files = |after| FileQuery { project: None, after, limit: PIECE };
    let jobs = |state, after| JobQuery { state, after, limit: PIECE };
    Some(match effect {
        Effect::Load(Source::Files) => {
            Answer::Files { more: false, result: flat(rpc.files(context, files(None)).await) }
        }
        Effect::MoreFiles(after) => {
            Answer::Files { more: true, result: flat(rpc.files(context, files(Some(after))).await) }
        }
        Effect::Load(Source::Jobs) => {
            Answer::Jobs { more: false, result: flat(rpc.jobs(context, jobs(None, None)).await) }
        }
        Effect::MoreJobs(after) => {
            Answer::Jobs { more: true, result: flat(rpc.jobs(context, jobs(None, Some(after))).await) }
        }
        Effect::Load(Source::Running) => {
            Answer::Running(flat(rpc.jobs(context, jobs(Some(JobState::Running), None)).await))
        }
        Effect::Load(Source::Inbox) => Answer::Inbox(flat(rpc.inbox(context).await)),
        Effect::Load(Source::Status) => Answer::Status(flat(rpc.status(context).await)),
        Effect::File(id) => {
            let result = flat(rpc.file(context, id.to_string()).await);
            Answer::File(id, result)
        }
        Effect::Job(id) => {
            let result = flat(rpc.job(context, id.to_string()).await);
            Answer::Job(id, result)
        }
        Effect::Page { file, offset, rows } => {
            // The daemon's own limit for one answer is above the default deadline.
            let context = within(Duration::from_secs(60));
            let result = flat(rpc.page(context, file.to_string(), offset, rows).await);
            Answer::Page { file, offset, result }
        }
        Effect::Profile { file, job } => {
            let result = calls::document(rpc, &job, calls::PROFILE).await;
            Answer::Profile { file, result }
        }
        Effect::Plan(id) => Answer::Plan(flat(rpc.removal_plan(context, id).await)),
        Effect::Remove { id, token } => {
            let removed = flat(rpc.remove(context, id, token).await);
            Answer::Done(removed.map(|plan| match plan.items.first() {
                Some(item) => format!("Deleted {} {}.", item.kind, item.name),
                None => "Deleted.".to_owned(),
            }))
        }
        Effect::Cancel(id) => {
            let job = flat(rpc.cancel(context, id.to_string()).await);
            Answer::Done(job.map(|j| format!("Job {} is being cancelled.", j.id)))
        }
        Effect::Retry(id) => {
            let job = flat(rpc.retry(context, id.to_string()).await);
            Answer::Done(job.map(|j| format!("Queued again as job {}.", j.id)))
        }
        Effect::Rerun(id) => {
            let job = flat(rpc.rerun(context, id.to_string(), None).await);
            Answer::Done(job.map(|j| format!("Queued again as job {}.", j.id)))
        }
        Effect::Export { rows, to } => Answer::Done(exporting::export(rpc, rows, &to).await),
        Effect::View { .. }
        | Effect::Reading { .. }
        | Effect::Rejected { .. }
        | Effect::Detection { .. }
        | Effect::Suggest(_)
        | Effect::Steps { .. }
        | Effect::Recipes
        | Effect::SaveRecipe { .. }
        | Effect::Submit(_)
        | Effect::ChooseType { .. }
        | Effect::Complete { .. } => return calls::table(rpc, effect).await,
        Effect::FollowLog { .. }
        | Effect::StopLog
        | Effect::Query { .. }
        | Effect::StopQuery
        | Effect::StopView
        | Effect::History
        | Effect::Remember(_)
        | Effect::Copy(_)
        | Effect::StartDaemon
        | Effect::Sample(_)
        | Effect::Redraw
        | Effect::Suspend => return None,
    })
}

/// Follows a log until its end, or until the task is aborted.
async fn log(rpc: DropforgeClient, job: JobId, ticket: u64, out: mpsc::Sender<Action>) {
    let mut offset = 0;
    loop {
        let context = within(CALL + Duration::from_millis(MAX_WAIT_MS.into()));
        let result = flat(rpc.log_read(context, job.to_string(), offset, PIECE, MAX_WAIT_MS).await);
        let ended = match &result {
            Ok(chunk) => {
                offset = chunk.next;
                if chunk.entries.is_empty() && !chunk.finished {
                    continue;
                }
                chunk.finished
            }
            Err(_) => true,
        };
        answer(&out, Answer::Log { ticket, result }).await;
        if ended {
            return;
        }
    }
}

/// Writes a sample into the inbox under a hidden name, which is never taken, and then gives it its own.
fn sample(inbox: &Path, at: usize) -> Result<String, Fault> {
    let Some(sample) = crate::samples::SAMPLES.get(at) else {
        return Err(Fault::not_found("no such sample"));
    };
    let to = inbox.join(sample.name);
    let hidden = inbox.join(format!(".{}.{}", sample.name, std::process::id()));
    let write = || -> io::Result<()> {
        std::fs::write(&hidden, sample.bytes)?;
        std::fs::rename(&hidden, &to)
    };
    write().map_err(|e| {
        let _ = std::fs::remove_file(&hidden);
        Fault::failed(format!("can't write the sample to {}: {e}", to.display()))
            .hint("Check the permissions of the inbox and the space on its disk.")
    })?;
    Ok(format!("{} is in the inbox; it is taken in once it has held still.", sample.name))
}
