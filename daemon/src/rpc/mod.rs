//! The calls: one file per group. Handlers look things up, enqueue, and answer; what takes long runs in tasks that the
//! daemon owns, so a client that goes away cancels nothing. Must not know how anything is computed.

mod adding;
mod data;
mod files;
mod jobs;
mod listen;
mod recipes;
mod removal;
mod system;

use std::sync::Arc;
use std::time::Duration;

use dropforge_shared::event::{Cursor, EventBatch};
use dropforge_shared::fault::{Fault, FaultCode};
use dropforge_shared::file::FileView;
use dropforge_shared::ids::FileId;
use dropforge_shared::job::{JobView, LogChunk};
use dropforge_shared::page::Page;
use dropforge_shared::query::{QueryRequest, QueryResult, View};
use dropforge_shared::service::{
    AddProgress, AddRequest, AuditView, BackupView, Check, Chunk, DaemonStatus, Dropforge, FileQuery,
    FsckView, InboxStatus, JobQuery, Listing, MAX_WAIT_MS, ProjectView, RemovalPlan, Submission, Swept,
};
use dropforge_shared::suggest::{Effect, Recipe, StepChoice, Suggestions};
use tarpc::context::Context;
use tokio_util::sync::CancellationToken;

pub use adding::Tickets;
pub(crate) use listen::bind;
pub use listen::serve;

use crate::lifecycle::House;

/// The most items in one answer of a list.
const MAX_LIST: usize = 500;

/// The calls of one connection: whose they are, and the rooms they reach.
#[derive(Clone)]
pub struct Calls {
    house: Arc<House>,
    owner: u32,
    /// The client has closed its end. What only answers can stop then.
    gone: CancellationToken,
}

impl Calls {
    /// Leaves a trace of something that was looked at or taken out.
    fn saw(&self, action: &'static str, what: &str, detail: &str) {
        self.house.trail.seen(self.owner, action, what, detail);
    }

    /// Leaves a trace of a refusal.
    fn told<T>(&self, call: &str, what: &str, answer: Result<T, Fault>) -> Result<T, Fault> {
        if let Err(fault) = &answer
            && fault.code == FaultCode::Refused
        {
            self.house.trail.refused(self.owner, what, &format!("{call}: {}", fault.message));
        }
        answer
    }

    /// Leaves a trace of a change that no commit records, or of its refusal.
    fn changed<T>(&self, action: &'static str, what: &str, answer: Result<T, Fault>) -> Result<T, Fault> {
        if answer.is_ok() {
            let (owner, what) = (self.owner, dropforge_shared::clean::fit(what, 80));
            self.house.store.post(move |tx| tx.append_audit(owner, action, &what, ""));
        }
        self.told(action, what, answer)
    }
}

/// How long a long-poll waits.
fn wait(ms: u32) -> Duration {
    Duration::from_millis(u64::from(ms.min(MAX_WAIT_MS)))
}

fn limit(asked: u32) -> usize {
    if asked == 0 { MAX_LIST } else { (asked as usize).min(MAX_LIST) }
}

/// Work that blocks on the disk, in a thread of its own; a client that goes away does not stop it.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|e| Err(Fault::failed(format!("the daemon failed: {e}"))))
}

impl Dropforge for Calls {
    async fn status(self, _: Context) -> Result<DaemonStatus, Fault> {
        system::status(&self)
    }

    async fn add(self, _: Context, request: AddRequest) -> Result<u64, Fault> {
        adding::begin(&self, request)
    }

    async fn add_poll(self, _: Context, ticket: u64, seen: u32, wait_ms: u32) -> Result<AddProgress, Fault> {
        adding::poll(&self, ticket, seen as usize, wait(wait_ms)).await
    }

    async fn files(self, _: Context, query: FileQuery) -> Result<Listing<FileView>, Fault> {
        files::list(&self, &query)
    }

    async fn file(self, _: Context, selector: String) -> Result<FileView, Fault> {
        files::one(&self, &selector)
    }

    async fn page(self, _: Context, selector: String, offset: u64, rows: u64) -> Result<Page, Fault> {
        self.told("view", &selector, files::page(&self, &selector, offset, rows).await)
    }

    async fn view(
        self,
        _: Context,
        selector: String,
        view: View,
        offset: u64,
        rows: u64,
    ) -> Result<Page, Fault> {
        self.told("view", &selector, files::view_page(&self, &selector, view, offset, rows).await)
    }

    async fn query(self, _: Context, request: QueryRequest) -> Result<QueryResult, Fault> {
        let sql = request.sql.clone();
        self.told("query", &sql, data::query(&self, request).await)
    }

    async fn suggest(self, _: Context, selector: String) -> Result<Suggestions, Fault> {
        self.told("suggest", &selector, data::suggest(&self, &selector).await)
    }

    async fn effect(
        self,
        _: Context,
        selector: String,
        steps: Vec<StepChoice>,
        rows: u64,
    ) -> Result<Effect, Fault> {
        self.told("effect", &selector, data::effect(&self, &selector, steps, rows).await)
    }

    async fn type_choose(
        self,
        _: Context,
        selector: String,
        name: Option<String>,
    ) -> Result<FileView, Fault> {
        self.told("type", &selector, data::type_choose(&self, &selector, name).await)
    }

    async fn recipes(self, _: Context) -> Result<Vec<Recipe>, Fault> {
        let dir = self.house.paths.recipes.clone();
        blocking(move || recipes::list(&dir)).await
    }

    async fn recipe_faults(self, _: Context) -> Result<Vec<(String, Fault)>, Fault> {
        let dir = self.house.paths.recipes.clone();
        blocking(move || recipes::faults(&dir)).await
    }

    async fn recipe_save(self, _: Context, recipe: Recipe, replace: bool) -> Result<(), Fault> {
        let (dir, name) = (self.house.paths.recipes.clone(), recipe.name.clone());
        let saved = blocking(move || recipes::save(&dir, &recipe, replace)).await;
        self.changed("recipe_save", &name, saved)
    }

    async fn recipe_remove(self, _: Context, name: String) -> Result<(), Fault> {
        let (dir, which) = (self.house.paths.recipes.clone(), name.clone());
        self.changed("recipe_remove", &name, blocking(move || recipes::remove(&dir, &which)).await)
    }

    async fn jobs(self, _: Context, query: JobQuery) -> Result<Listing<JobView>, Fault> {
        jobs::list(&self, &query)
    }

    async fn job(self, _: Context, selector: String) -> Result<JobView, Fault> {
        jobs::one(&self, &selector)
    }

    async fn job_wait(self, _: Context, selector: String, wait_ms: u32) -> Result<JobView, Fault> {
        jobs::wait_for(&self, &selector, wait(wait_ms)).await
    }

    async fn submit(self, _: Context, submission: Submission) -> Result<JobView, Fault> {
        let kind = submission.kind.clone();
        self.told("submit", &kind, jobs::submit(&self, submission).await)
    }

    async fn cancel(self, _: Context, selector: String) -> Result<JobView, Fault> {
        self.told("cancel", &selector, jobs::cancel(&self, &selector).await)
    }

    async fn retry(self, _: Context, selector: String) -> Result<JobView, Fault> {
        self.told("retry", &selector, jobs::retry(&self, &selector).await)
    }

    async fn rerun(self, _: Context, selector: String, from: Option<String>) -> Result<JobView, Fault> {
        self.told("rerun", &selector, jobs::rerun(&self, &selector, from).await)
    }

    async fn log_read(
        self,
        _: Context,
        selector: String,
        offset: u64,
        limit: u32,
        wait_ms: u32,
    ) -> Result<LogChunk, Fault> {
        jobs::log_read(&self, &selector, offset, limit, wait(wait_ms)).await
    }

    async fn output_read(self, _: Context, job: String, name: String, offset: u64) -> Result<Chunk, Fault> {
        self.told("output", &job, jobs::output_read(&self, &job, name, offset).await)
    }

    async fn events_after(self, _: Context, cursor: Cursor, wait_ms: u32) -> Result<EventBatch, Fault> {
        Ok(self.house.bus.after(cursor, wait(wait_ms)).await)
    }

    async fn removal_plan(self, _: Context, selector: String) -> Result<RemovalPlan, Fault> {
        self.told("remove", &selector, removal::plan(&self, &selector))
    }

    async fn remove(self, _: Context, id: String, token: String) -> Result<RemovalPlan, Fault> {
        self.told("remove", &id, removal::carry_out(&self, &id, token).await)
    }

    async fn inbox(self, _: Context) -> Result<InboxStatus, Fault> {
        Ok(self.house.inbox.status())
    }

    async fn projects(self, _: Context) -> Result<Vec<ProjectView>, Fault> {
        system::projects(&self)
    }

    async fn project_create(self, _: Context, name: String) -> Result<ProjectView, Fault> {
        let made = system::project_create(&self, name.clone()).await;
        self.told("project_create", &name, made)
    }

    async fn fsck(self, _: Context, repair: bool) -> Result<FsckView, Fault> {
        system::fsck(&self, repair).await
    }

    async fn backup(self, _: Context, path: serde_bytes::ByteBuf) -> Result<BackupView, Fault> {
        let to = String::from_utf8_lossy(&path).into_owned();
        let made = system::backup(&self, path).await;
        self.told("backup", &to, made)
    }

    async fn doctor(self, _: Context) -> Result<Vec<Check>, Fault> {
        let house = self.house.clone();
        blocking(move || Ok(crate::doctor::checks(&house))).await
    }

    async fn gc(self, _: Context, all: bool) -> Result<Swept, Fault> {
        system::gc(&self, all).await
    }

    async fn audit(self, _: Context, before: u64, limit: u32) -> Result<Vec<AuditView>, Fault> {
        system::audit(&self, before, limit)
    }

    async fn complete(self, _: Context, prefix: String, limit: u32) -> Result<Vec<(FileId, String)>, Fault> {
        files::complete(&self, &prefix, limit)
    }
}
