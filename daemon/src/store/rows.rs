//! The rows the store keeps. Fields may be added with `#[serde(default)]`; a change that old rows can't be read with is a
//! migration (see `migrate/`).

use std::collections::BTreeMap;

use dropforge_shared::fault::FaultCode;
use dropforge_shared::file::{FileFacts, FileKind, FileState, FileView, Origin, TypeGuess};
use dropforge_shared::identity::ProcessIdentity;
use dropforge_shared::ids::{FileId, JobId, ProjectId};
use dropforge_shared::job::{AttemptEnd, AttemptView, JobState, JobView, Output};
use dropforge_shared::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The kind of job that takes a file in.
pub const INGEST: &str = "ingest";

/// Where a file's bytes lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Location {
    /// In the blob folder, by hash.
    Blob,
    /// Where the user has them; good only while size and mtime are as they were.
    Referenced {
        /// The path's bytes, which need not be UTF-8.
        #[serde(with = "serde_bytes")]
        path: Vec<u8>,
        /// Modification time at intake, in nanoseconds since the epoch.
        mtime_ns: i64,
    },
}

/// A file that was taken in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileRow {
    /// Its id.
    pub id: FileId,
    /// The order of intake.
    pub seq: u64,
    /// The owner's uid.
    pub owner: u32,
    /// Its project.
    pub project: ProjectId,
    /// The name below the inbox, lossy where it is not UTF-8.
    pub name: String,
    /// Counts contents under one name in one project, from 1.
    pub version: u32,
    /// SHA-256 of the content, hexadecimal.
    pub sha256: String,
    /// Size in bytes.
    pub bytes: u64,
    /// What a worker learned.
    pub facts: FileFacts,
    /// What kind of data it holds.
    #[serde(default)]
    pub type_guess: Option<TypeGuess>,
    /// Where it stands.
    pub state: FileState,
    /// Why it failed.
    pub error: Option<String>,
    /// When it was taken in.
    pub added_at: Timestamp,
    /// The job whose outputs are its data.
    pub job: Option<JobId>,
    /// Where the bytes lie.
    pub location: Location,
    /// The sheet or member of the content that this file is; `None` for the content's own file.
    #[serde(default)]
    pub part: Option<String>,
    /// What it was made from, where Dropforge made it. For a sheet or member: the content's own file.
    #[serde(default)]
    pub origin: Option<Origin>,
    /// How its data were read, as far as the user set it, by the names in [`dropforge_shared::reading::settings`].
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// What the detector decided, kept while a choice of the user stands in [`Self::type_guess`].
    #[serde(default)]
    pub detected: Option<TypeGuess>,
    /// What the user chose for this very file.
    #[serde(default)]
    pub chosen_type: Option<String>,
}

impl FileRow {
    /// A content that was just taken in and is not read yet. Version, order and job are given to it as it is committed.
    pub fn taken(
        owner: u32,
        project: ProjectId,
        name: String,
        sha256: String,
        bytes: u64,
        location: Location,
    ) -> Self {
        Self {
            id: FileId::random(),
            seq: 0,
            owner,
            project,
            name,
            version: 0,
            sha256,
            bytes,
            facts: FileFacts::default(),
            type_guess: None,
            state: FileState::Ingesting,
            error: None,
            added_at: Timestamp::now(),
            job: None,
            location,
            part: None,
            origin: None,
            settings: BTreeMap::new(),
            detected: None,
            chosen_type: None,
        }
    }

    /// The file of the content that this one is a sheet or member of.
    pub fn book(&self) -> Option<&FileId> {
        self.part.as_ref().and(self.origin.as_ref()).and_then(|o| o.file.as_ref())
    }

    /// Sets what kind of data it holds: the user's choice where there is one, else the detector's answer. Where neither is
    /// sure, it waits for a choice.
    pub fn decide_type(&mut self, choice: Option<String>) {
        let asks = self.facts.ask && choice.is_none();
        self.type_guess = match choice {
            Some(name) => Some(TypeGuess {
                name,
                confidence: 100.0,
                level: "high".into(),
                decided_by: "user".into(),
                evidence: Vec::new(),
            }),
            None => self.detected.clone(),
        };
        if matches!(self.state, FileState::Ready | FileState::NeedsInput) {
            self.state = if asks { FileState::NeedsInput } else { FileState::Ready };
        }
    }

    /// What a client sees.
    pub fn view(&self, project: String) -> FileView {
        FileView {
            id: self.id.clone(),
            name: self.name.clone(),
            version: self.version,
            sha256: self.sha256.clone(),
            bytes: self.bytes,
            format: self.facts.format.clone(),
            encoding: self.facts.encoding.clone(),
            delimiter: self.facts.delimiter.clone(),
            kind: self.facts.kind.unwrap_or(FileKind::Unknown),
            type_guess: self.type_guess.clone(),
            rows: self.facts.rows,
            columns: self.facts.columns,
            rejected_rows: self.facts.rejected_rows,
            pages: self.facts.pages,
            state: self.state,
            error: self.error.clone(),
            project,
            added_at: self.added_at,
            job: self.job.clone(),
            reading: self.facts.reading.clone(),
            referenced: matches!(self.location, Location::Referenced { .. }),
            part: self.part.clone().or_else(|| self.facts.part.clone()),
            origin: self.origin.clone(),
            settings: self.settings.clone(),
        }
    }
}

/// One try at a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptRow {
    /// From 1.
    pub number: u32,
    /// The child, told apart from later processes with its pid. `None` until it was spawned.
    pub lease: Option<ProcessIdentity>,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub end: Option<AttemptEnd>,
    /// Why.
    pub error: Option<String>,
    /// Largest resident memory seen, in bytes.
    #[serde(default)]
    pub peak_rss_bytes: u64,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobRow {
    /// Its id.
    pub id: JobId,
    /// The order of queueing.
    pub seq: u64,
    /// The owner's uid.
    pub owner: u32,
    /// Its project.
    pub project: ProjectId,
    /// The kind, as in the worker's table.
    pub kind: String,
    /// The file it works on.
    pub file: Option<FileId>,
    /// Where it stands.
    pub state: JobState,
    /// The stage it ended in.
    pub stage: Option<String>,
    /// Its attempts, oldest first.
    pub attempts: Vec<AttemptRow>,
    /// Attempts that count against the limit: crashes, transient faults, losses.
    #[serde(default)]
    pub strikes: u32,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// When its first attempt started.
    pub started_at: Option<Timestamp>,
    /// When it reached a terminal state.
    pub finished_at: Option<Timestamp>,
    /// Not before this moment.
    #[serde(default)]
    pub not_before: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<String>,
    /// Which kind of fault that was.
    #[serde(default)]
    pub error_code: Option<FaultCode>,
    /// What it made.
    pub outputs: Vec<Output>,
    /// Higher goes first; 0 is usual.
    #[serde(default)]
    pub priority: i32,
    /// The kind's own settings.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// A user asked to cancel it while it ran.
    #[serde(default)]
    pub cancel_requested: bool,
    /// A key that the client chose, so that asking twice queues once.
    #[serde(default)]
    pub idempotency: Option<String>,
    /// The stage to begin from, with the file's data for what comes before it.
    #[serde(default)]
    pub from: Option<String>,
    /// Files that were made of its outputs.
    #[serde(default)]
    pub produced: Vec<FileId>,
    /// What an earlier job made of the same file with the same settings may be used again.
    #[serde(default)]
    pub may_reuse: bool,
}

impl JobRow {
    /// A job as it is queued.
    pub fn queued(kind: &str, owner: u32, project: ProjectId, file: Option<FileId>) -> Self {
        Self {
            id: JobId::random(),
            seq: 0,
            owner,
            project,
            kind: kind.to_owned(),
            file,
            state: JobState::Queued,
            stage: None,
            attempts: Vec::new(),
            strikes: 0,
            queued_at: Timestamp::now(),
            started_at: None,
            finished_at: None,
            not_before: None,
            error: None,
            error_code: None,
            outputs: Vec::new(),
            priority: 0,
            settings: BTreeMap::new(),
            cancel_requested: false,
            idempotency: None,
            from: None,
            produced: Vec::new(),
            may_reuse: false,
        }
    }

    /// What a client sees; progress is not in the store.
    pub fn view(&self, project: String, file_name: Option<String>) -> JobView {
        JobView {
            id: self.id.clone(),
            kind: self.kind.clone(),
            file: self.file.clone(),
            file_name,
            state: self.state,
            stage: self.stage.clone(),
            progress: None,
            attempts: self
                .attempts
                .iter()
                .map(|a| AttemptView {
                    number: a.number,
                    pid: a.lease.as_ref().map(|l| l.pid),
                    started_at: a.started_at,
                    ended_at: a.ended_at,
                    end: a.end,
                    error: a.error.clone(),
                    peak_rss_bytes: a.peak_rss_bytes,
                })
                .collect(),
            queued_at: self.queued_at,
            started_at: self.started_at,
            finished_at: self.finished_at,
            not_before: self.not_before,
            error: self.error.clone(),
            error_code: self.error_code,
            outputs: self.outputs.clone(),
            priority: self.priority,
            project,
            cancelling: self.cancel_requested && self.state == JobState::Running,
            settings: self.settings.clone(),
            produced: self.produced.clone(),
        }
    }
}

/// A project: a name that files and jobs are kept under.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProjectRow {
    /// Its id.
    pub id: ProjectId,
    /// The owner's uid.
    pub owner: u32,
    /// Unique for its owner.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Hidden from lists.
    #[serde(default)]
    pub archived: bool,
}

/// An entry of the audit log, chained by hash to the one before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditRow {
    /// From 1.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub uid: u32,
    /// `add`, `view`, `export`, `remove`, `cancel`, `refuse`, …
    pub action: String,
    /// The id of the thing.
    pub what: String,
    /// In words.
    pub detail: String,
    /// SHA-256 of the row before, hexadecimal; empty for the first.
    pub previous: String,
    /// SHA-256 over the fields above, hexadecimal.
    pub hash: String,
}
