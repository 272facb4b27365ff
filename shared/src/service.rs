//! The calls that a client makes of the daemon. Handlers enqueue and return; live data is a long-poll with a cursor.
//!
//! A *selector* names a file or a job: an id, a unique id prefix, or a unique name.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::{Cursor, EventBatch};
use crate::fault::Fault;
use crate::file::{AddOutcome, FileView, InboxItem, OnDuplicate};
use crate::ids::FileId;
use crate::job::{JobState, JobView, LogChunk};
use crate::page::Page;
use crate::query::{QueryRequest, QueryResult, View};
use crate::suggest::{Effect, Recipe, StepChoice, Suggestions};
use crate::time::Timestamp;

/// `daemon status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DaemonStatus {
    /// Process id.
    pub pid: u32,
    /// Version of the daemon's build.
    pub version: String,
    /// Protocol number.
    pub protocol: u32,
    /// Seconds since it started.
    pub uptime_s: u64,
    /// Resident memory in bytes.
    pub rss_bytes: u64,
    /// Its home.
    pub home: String,
    /// Its drop folder.
    pub inbox: String,
    /// How many jobs there are in the states that matter.
    pub jobs: JobCounts,
    /// Why the store can't write at the moment; null when it can.
    #[serde(default)]
    pub store_error: Option<String>,
    /// How the inbox is followed: `watching`, or `polling` and why.
    #[serde(default)]
    pub inbox_mode: String,
}

/// Counts of jobs by state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct JobCounts {
    /// Waiting.
    pub queued: u64,
    /// Running.
    pub running: u64,
    /// Done.
    #[serde(default)]
    pub done: u64,
    /// Failed.
    #[serde(default)]
    pub failed: u64,
    /// Cancelled.
    #[serde(default)]
    pub cancelled: u64,
    /// Given up.
    #[serde(default)]
    pub dead: u64,
}

/// What to take in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AddRequest {
    /// Absolute paths of files and folders, as bytes.
    pub paths: Vec<serde_bytes::ByteBuf>,
    /// The project's name; `None` for the usual one.
    pub project: Option<String>,
    /// What to do with content that is there already.
    pub on_duplicate: OnDuplicate,
    /// How the files are to be read, by the names in [`crate::reading::settings`]. With any, content that is there
    /// already is read again.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// A key that the client chose: what was taken under it is told again rather than taken again.
    #[serde(default)]
    pub idempotency: Option<String>,
    /// The jobs' priority: higher goes first.
    #[serde(default)]
    pub priority: i32,
}

/// How an `add` is going.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AddProgress {
    /// Outcomes since the index asked for.
    pub outcomes: Vec<AddOutcome>,
    /// The file being copied and how far it is, in bytes.
    pub current: Option<(String, u64, u64)>,
    /// Nothing more will come.
    pub finished: bool,
}

/// A piece of a list, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listing<T> {
    /// The items.
    pub items: Vec<T>,
    /// Give this as `after` for the next piece; `None` at the end.
    pub next: Option<u64>,
}

/// Which jobs to list.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct JobQuery {
    /// Only this state.
    pub state: Option<JobState>,
    /// Where the piece before ended.
    pub after: Option<u64>,
    /// At most this many; the daemon's own limit is 500.
    pub limit: u32,
}

/// Which files to list.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FileQuery {
    /// Only this project, by name.
    pub project: Option<String>,
    /// Where the piece before ended.
    pub after: Option<u64>,
    /// At most this many; the daemon's own limit is 500.
    pub limit: u32,
}

/// A job to queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Submission {
    /// The kind.
    pub kind: String,
    /// The file to work on, by selector.
    pub file: Option<String>,
    /// The kind's own settings.
    pub settings: BTreeMap<String, String>,
    /// Higher goes first.
    pub priority: i32,
    /// The client's key: the same key queues once.
    pub idempotency: Option<String>,
}

/// A piece of an output's bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chunk {
    /// At most [`Chunk::MAX`] bytes.
    pub bytes: serde_bytes::ByteBuf,
    /// The whole size.
    pub total: u64,
}

impl Chunk {
    /// The size of a full piece in bytes.
    pub const MAX: usize = 192 * 1024;
}

/// What a removal would take along.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RemovalPlan {
    /// The id that was meant.
    pub id: String,
    /// Everything that goes, in words: the thing first.
    pub items: Vec<RemovalItem>,
    /// Bytes that become free.
    pub bytes: u64,
    /// To be given back with the confirmation: it fails when the list has changed since.
    pub token: String,
    /// Datasets that were made of it, as by a preparation, and are files of their own: they stay.
    #[serde(default)]
    pub stays: Vec<RemovalItem>,
}

/// One thing that a removal takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovalItem {
    /// `file`, `job`, `dataset`, `content`, `log`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// The state of the inbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InboxStatus {
    /// The folder.
    pub path: String,
    /// `watching`, or `polling` and why.
    pub mode: String,
    /// What waits or was refused; the first 200.
    pub items: Vec<InboxItem>,
    /// How many there are in all.
    pub total: u64,
}

/// A project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProjectView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Hidden from lists.
    pub archived: bool,
}

/// What `fsck` found.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FsckView {
    /// Rows by table.
    pub rows: BTreeMap<String, u64>,
    /// Each thing that is wrong, or still wrong after a repair, in words.
    pub problems: Vec<String>,
    /// Problems that were mended.
    pub repaired: u64,
    /// Why the pages of the store's file were not looked at; `None` where they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages_skipped: Option<String>,
    /// How long it took, in milliseconds; calls that write waited for it, others did not.
    #[serde(default)]
    pub took_ms: u64,
}

/// What `gc` removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Swept {
    /// Earlier readings of files.
    pub readings: u64,
    /// Bytes of their outputs.
    pub bytes: u64,
}

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct BackupView {
    /// Where it is.
    pub path: String,
    /// Files copied.
    pub files: u64,
    /// Bytes copied.
    pub bytes: u64,
    /// What was found wrong while copying: it is wrong in the live store too.
    #[serde(default)]
    pub problems: Vec<String>,
}

/// One check of `doctor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was checked.
    pub name: String,
    /// `ok`, `warning` or `error`.
    pub level: String,
    /// What was found.
    pub detail: String,
    /// What to do; null where all is well.
    pub advice: Option<String>,
}

/// An entry of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditView {
    /// Its number.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who, by uid.
    pub uid: u32,
    /// What was done.
    pub action: String,
    /// To what, by id.
    pub what: String,
    /// In words.
    pub detail: String,
    /// The chain's hash up to here.
    pub hash: String,
    /// The hash of the entry before.
    #[serde(default)]
    pub previous: String,
    /// Why it can't be what was written; `None` where it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
}

/// The calls.
#[tarpc::service]
pub trait Dropforge {
    /// How the daemon is.
    async fn status() -> Result<DaemonStatus, Fault>;
    /// Begins to take files in; answers with a ticket.
    async fn add(request: AddRequest) -> Result<u64, Fault>;
    /// How an `add` is going: outcomes from an index on. Waits up to `wait_ms` for something new.
    async fn add_poll(ticket: u64, seen: u32, wait_ms: u32) -> Result<AddProgress, Fault>;
    /// Files, newest first.
    async fn files(query: FileQuery) -> Result<Listing<FileView>, Fault>;
    /// One file.
    async fn file(selector: String) -> Result<FileView, Fault>;
    /// A page of a dataset's rows.
    async fn page(selector: String, offset: u64, rows: u64) -> Result<Page, Fault>;
    /// A page of the rows that a view lets through; `total_rows` counts the view's rows.
    async fn view(selector: String, view: View, offset: u64, rows: u64) -> Result<Page, Fault>;
    /// Runs one read-only statement. It ends when the client goes away.
    async fn query(request: QueryRequest) -> Result<QueryResult, Fault>;
    /// What one might do with a dataset.
    async fn suggest(selector: String) -> Result<Suggestions, Fault>;
    /// The effect of steps on a dataset's first rows.
    async fn effect(selector: String, steps: Vec<StepChoice>, rows: u64) -> Result<Effect, Fault>;
    /// Sets what kind of data a file holds, and remembers it for its header; `None` takes the choice back.
    async fn type_choose(selector: String, name: Option<String>) -> Result<FileView, Fault>;
    /// The recipes that can be read, by name.
    async fn recipes() -> Result<Vec<Recipe>, Fault>;
    /// Names of recipes that can't be read, and why not.
    async fn recipe_faults() -> Result<Vec<(String, Fault)>, Fault>;
    /// Keeps a recipe, replacing one of the same name if told to.
    async fn recipe_save(recipe: Recipe, replace: bool) -> Result<(), Fault>;
    /// Removes a recipe.
    async fn recipe_remove(name: String) -> Result<(), Fault>;
    /// Jobs, newest first.
    async fn jobs(query: JobQuery) -> Result<Listing<JobView>, Fault>;
    /// One job.
    async fn job(selector: String) -> Result<JobView, Fault>;
    /// One job, once it is terminal or `wait_ms` have passed.
    async fn job_wait(selector: String, wait_ms: u32) -> Result<JobView, Fault>;
    /// Queues a job.
    async fn submit(submission: Submission) -> Result<JobView, Fault>;
    /// Cancels a job that waits or runs.
    async fn cancel(selector: String) -> Result<JobView, Fault>;
    /// Queues a failed, dead or cancelled job again.
    async fn retry(selector: String) -> Result<JobView, Fault>;
    /// Queues a new job like a finished one, from a stage on.
    async fn rerun(selector: String, from: Option<String>) -> Result<JobView, Fault>;
    /// A piece of a job's log from a logical offset. Waits up to `wait_ms` for something new.
    async fn log_read(selector: String, offset: u64, limit: u32, wait_ms: u32) -> Result<LogChunk, Fault>;
    /// A piece of an output of a job, from an offset on.
    async fn output_read(job: String, name: String, offset: u64) -> Result<Chunk, Fault>;
    /// What happened after a cursor. Waits up to `wait_ms` for something new.
    async fn events_after(cursor: Cursor, wait_ms: u32) -> Result<EventBatch, Fault>;
    /// What removing a file or a job would take along.
    async fn removal_plan(selector: String) -> Result<RemovalPlan, Fault>;
    /// Removes it.
    async fn remove(id: String, token: String) -> Result<RemovalPlan, Fault>;
    /// What waits in the inbox.
    async fn inbox() -> Result<InboxStatus, Fault>;
    /// Projects.
    async fn projects() -> Result<Vec<ProjectView>, Fault>;
    /// Makes a project.
    async fn project_create(name: String) -> Result<ProjectView, Fault>;
    /// Checks the store; mends indices if asked.
    async fn fsck(repair: bool) -> Result<FsckView, Fault>;
    /// Writes a backup to a new folder.
    async fn backup(path: serde_bytes::ByteBuf) -> Result<BackupView, Fault>;
    /// The daemon's half of `doctor`.
    async fn doctor() -> Result<Vec<Check>, Fault>;
    /// Removes the caller's earlier readings whose time is over, or all of them.
    async fn gc(all: bool) -> Result<Swept, Fault>;
    /// The audit log, newest first, from before an entry on; 0 for the newest.
    async fn audit(before: u64, limit: u32) -> Result<Vec<AuditView>, Fault>;
    /// The file a dataset name means, for completion: ids and names that begin with a text.
    async fn complete(prefix: String, limit: u32) -> Result<Vec<(FileId, String)>, Fault>;
}

/// How long a call may take, beyond what it waits on purpose. tarpc's own default is 10 s for everything.
pub const CALL: Duration = Duration::from_secs(20);

/// How long a call may take that copies or checks everything.
pub const LONG_CALL: Duration = Duration::from_secs(6 * 3600);

/// The longest that a long-poll waits in the daemon.
pub const MAX_WAIT_MS: u32 = 25_000;
