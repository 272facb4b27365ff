//! What `update` wants done in the world. Plain data; `effects` does it.

use dropforge_shared::ids::{FileId, JobId};
use dropforge_shared::query::View;
use dropforge_shared::service::Submission;
use dropforge_shared::suggest::{Recipe, StepChoice};

use super::action::Source;

/// Rows to be written to a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Rows {
    /// All that a dataset has.
    Of(FileId),
    /// What a statement gives.
    Gives(String),
}

/// Something to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Read a list or a status anew.
    Load(Source),
    /// Read files after the given place.
    MoreFiles(u64),
    /// Read jobs after the given place.
    MoreJobs(u64),
    /// Read one file.
    File(FileId),
    /// Read one job.
    Job(JobId),
    /// Read rows.
    Page {
        /// The file.
        file: FileId,
        /// The first row.
        offset: u64,
        /// How many.
        rows: u64,
    },
    /// Read rows that a view lets through, in its order.
    View {
        /// The file.
        file: FileId,
        /// The view.
        view: View,
        /// The first row of the view.
        offset: u64,
        /// How many.
        rows: u64,
    },
    /// Stop looking for rows of a view.
    StopView,
    /// Read from a job's outputs how it read its file.
    Reading {
        /// The file.
        file: FileId,
        /// The job whose output it is.
        job: JobId,
    },
    /// Read from a job's outputs what it could not place.
    Rejected {
        /// The file.
        file: FileId,
        /// The job whose output it is.
        job: JobId,
    },
    /// Read from a job's outputs what kind of data its file may hold.
    Detection {
        /// The file.
        file: FileId,
        /// The job whose output it is.
        job: JobId,
    },
    /// Ask what one might do with a file.
    Suggest(FileId),
    /// Ask what steps do to the first rows.
    Steps {
        /// The file.
        file: FileId,
        /// The steps.
        steps: Vec<StepChoice>,
        /// To tell this request from earlier ones.
        ticket: u64,
    },
    /// Read all recipes.
    Recipes,
    /// Keep a recipe; in place of one of that name where told to.
    SaveRecipe {
        /// The recipe.
        recipe: Recipe,
        /// Whether one of that name goes.
        replace: bool,
    },
    /// Queue a job and show it.
    Submit(Submission),
    /// Write rows to a file of the user's.
    Export {
        /// The rows.
        rows: Rows,
        /// The path, as it was typed.
        to: String,
    },
    /// Say what kind of data a file holds, or take that back.
    ChooseType {
        /// The file.
        file: FileId,
        /// The kind; `None` takes the choice back.
        name: Option<String>,
    },
    /// Run a statement, in place of any other.
    Query {
        /// The statement.
        sql: String,
        /// To tell this request from earlier ones.
        ticket: u64,
    },
    /// Read the statements of earlier sessions.
    History,
    /// Keep a statement for later sessions.
    Remember(String),
    /// Stop the statement that runs.
    StopQuery,
    /// Names of datasets that begin so, and the columns of some.
    Complete {
        /// What is typed of the name.
        prefix: String,
        /// Datasets that the statement names.
        tables: Vec<FileId>,
        /// To tell this request from earlier ones.
        ticket: u64,
    },
    /// Give a text to the clipboard of the user's terminal.
    Copy(String),
    /// Read a profile from a job's outputs.
    Profile {
        /// The file.
        file: FileId,
        /// The job whose output it is.
        job: JobId,
    },
    /// Follow a job's log, in place of any other.
    FollowLog {
        /// The job.
        job: JobId,
        /// To tell this opening from earlier ones.
        ticket: u64,
    },
    /// Stop following.
    StopLog,
    /// What would removing this take along?
    Plan(String),
    /// Remove what a plan listed.
    Remove {
        /// The id.
        id: String,
        /// The plan's token.
        token: String,
    },
    /// Cancel a job.
    Cancel(JobId),
    /// Queue a failed job again.
    Retry(JobId),
    /// Queue a new job like a finished one.
    Rerun(JobId),
    /// Write a sample into the inbox, by its place in the table.
    Sample(usize),
    /// Start the daemon.
    StartDaemon,
    /// Draw every cell again.
    Redraw,
    /// Give the terminal to the shell for a while.
    Suspend,
}
