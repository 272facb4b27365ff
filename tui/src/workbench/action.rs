//! What can happen to the workbench: keys, answers of the daemon, news from the feed. Plain data.

use crossterm::event::KeyEvent;
use dropforge_shared::detection::Detection;
use dropforge_shared::event::EventBatch;
use dropforge_shared::fault::Fault;
use dropforge_shared::file::FileView;
use dropforge_shared::ids::{FileId, JobId};
use dropforge_shared::job::{JobView, LogChunk};
use dropforge_shared::page::{Column, Page};
use dropforge_shared::profile::Profile;
use dropforge_shared::query::{QueryResult, View};
use dropforge_shared::reading::Reading;
use dropforge_shared::service::{DaemonStatus, InboxStatus, Listing, RemovalPlan};
use dropforge_shared::suggest::{Effect, Recipe, Suggestions};

use super::actions::Cmd;
use super::state::RejectedRows;

/// Something that happened.
#[derive(Debug)]
pub enum Action {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The window has a new size: columns, rows.
    Resize(u16, u16),
    /// The mouse wheel was turned: down or up.
    Wheel(bool),
    /// A command, by whatever way it was chosen.
    Do(Cmd),
    /// The feed is connected, for the first time or again.
    Connected,
    /// The daemon went away, and why.
    Lost(String),
    /// Something happened in the daemon.
    Events(EventBatch),
    /// An answer came.
    Answer(Box<Answer>),
    /// A moment passed while something on the screen tells for how long it goes on.
    Tick,
    /// The process was told to end.
    Terminate,
}

/// What is read as a whole and can be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The newest files.
    Files,
    /// The newest jobs.
    Jobs,
    /// Jobs that run, however old.
    Running,
    /// What waits in the inbox.
    Inbox,
    /// How the daemon is.
    Status,
}

/// Something the daemon answered, or why it did not.
#[derive(Debug)]
pub enum Answer {
    /// Files: the newest, or where `more` is set those after what is known.
    Files {
        /// Whether they go on from what is known.
        more: bool,
        /// The list.
        result: Result<Listing<FileView>, Fault>,
    },
    /// Jobs, as files.
    Jobs {
        /// Whether they go on from what is known.
        more: bool,
        /// The list.
        result: Result<Listing<JobView>, Fault>,
    },
    /// Jobs that run.
    Running(Result<Listing<JobView>, Fault>),
    /// The inbox.
    Inbox(Result<InboxStatus, Fault>),
    /// The daemon's status.
    Status(Result<DaemonStatus, Fault>),
    /// One file.
    File(FileId, Result<FileView, Fault>),
    /// One job.
    Job(JobId, Result<JobView, Fault>),
    /// A page of rows of a file.
    Page {
        /// The file.
        file: FileId,
        /// The first row asked for.
        offset: u64,
        /// The page.
        result: Result<Page, Fault>,
    },
    /// A page of the rows that a view lets through.
    View {
        /// The file.
        file: FileId,
        /// The view.
        view: View,
        /// The first row asked for.
        offset: u64,
        /// The page.
        result: Result<Page, Fault>,
    },
    /// How a file was read.
    Reading(FileId, Result<Box<Reading>, Fault>),
    /// What could not be placed.
    Rejected(FileId, Result<RejectedRows, Fault>),
    /// What kind of data a file may hold.
    Detection(FileId, Result<Box<Detection>, Fault>),
    /// What one might do with a file.
    Suggestions(FileId, Result<Box<Suggestions>, Fault>),
    /// What steps do to the first rows.
    Steps {
        /// The file.
        file: FileId,
        /// Which request it answers.
        ticket: u64,
        /// The rows before and after.
        result: Result<Box<Effect>, Fault>,
    },
    /// All recipes.
    Recipes(Result<Vec<Recipe>, Fault>),
    /// A job was queued.
    Submitted(Result<JobView, Fault>),
    /// A file's kind of data was set.
    TypeChosen(Result<FileView, Fault>),
    /// What a statement gave.
    Query {
        /// Which request it answers.
        ticket: u64,
        /// The rows.
        result: Result<Box<QueryResult>, Fault>,
    },
    /// Statements of this session and others, the newest last.
    History(Result<Vec<String>, Fault>),
    /// What a name can be completed to.
    Completions {
        /// Which request it answers.
        ticket: u64,
        /// Names of datasets.
        names: Vec<String>,
        /// Columns of the datasets asked for.
        columns: Vec<(FileId, Vec<Column>)>,
    },
    /// A file's profile.
    Profile {
        /// The file.
        file: FileId,
        /// The profile.
        result: Result<Box<Profile>, Fault>,
    },
    /// A piece of a job's log.
    Log {
        /// Which opening of the log screen asked.
        ticket: u64,
        /// The piece.
        result: Result<LogChunk, Fault>,
    },
    /// What a removal would take.
    Plan(Result<RemovalPlan, Fault>),
    /// A thing that the user asked for was done (with a word about it) or not.
    Done(Result<String, Fault>),
}
