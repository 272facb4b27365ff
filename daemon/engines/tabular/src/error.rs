//! What can go wrong with a table. Every message names the thing, the place and the way out.

use std::io;
use std::path::{Path, PathBuf};

/// A failure of the tabular engine.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The work was asked to stop.
    #[error("stopped, as asked; nothing was kept")]
    Cancelled,
    /// A file could not be opened, read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried: `open`, `read`, `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The compressed stream is damaged or cut short.
    #[error(
        "the gzip data of {} is damaged or cut short after {offset} compressed bytes ({reason}); fetch the file again",
        path.display()
    )]
    Gzip {
        /// The file.
        path: PathBuf,
        /// Compressed bytes read until then.
        offset: u64,
        /// What the decompressor said.
        reason: String,
    },
    /// Content of a known form is damaged, or breaks the rules of its form.
    #[error("{} is not valid {form}: {reason} ({place}); mend it there, or write it again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What it was read as: `JSON`, `zstd`, `zip`, `xlsx`, …
        form: &'static str,
        /// Where: line and byte, a member, a sheet.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// The content is not a table.
    #[error(
        "{} does not look like a table ({reason}); CSV, JSON, JSON Lines, Parquet, Arrow, Excel and ODS are read, \
         plain or within gzip, zstd or zip",
        path.display()
    )]
    NotATable {
        /// The file.
        path: PathBuf,
        /// What was seen instead.
        reason: String,
    },
    /// A limit was reached; the content may be a bomb.
    #[error("refused: {what} at {place} is over the limit of {limit}; {way_out}")]
    Limit {
        /// What is too big.
        what: String,
        /// Where in the file.
        place: String,
        /// The limit.
        limit: String,
        /// What to do.
        way_out: &'static str,
    },
    /// Parquet could not be read or written.
    #[error("{} is not readable as Parquet: {reason}; write it again with another tool or version", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        reason: String,
    },
    /// Parquet could not be written.
    #[error("cannot write {}: {reason}; see that the disk has room", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the writer said.
        reason: String,
    },
    /// An option cannot be met.
    #[error("{option} cannot be {value}: {reason}")]
    Option {
        /// The option.
        option: &'static str,
        /// Its value.
        value: String,
        /// Why not.
        reason: String,
    },
    /// A step of preparation cannot be done as it stands.
    #[error(transparent)]
    Step(#[from] dropforge_shared::steps::StepError),
    /// A statement that cannot be run as it is: a gap of the engine, a column that is not there, a value that does not fit.
    #[error("{0}")]
    Sql(String),
    /// A statement or a view that is not well formed.
    #[error("{0}")]
    Usage(String),
    /// A statement names a dataset that there is not.
    #[error("{0}")]
    NoDataset(String),
    /// A statement that is refused: it would reach beyond the datasets, or it is more than one reading statement.
    #[error("refused: {0}")]
    Refused(String),
    /// The work took longer than it may. Some of it may still be going on in the process.
    #[error("refused: {what} took longer than {seconds} s and was ended; {way_out}")]
    TooSlow {
        /// What was being done.
        what: &'static str,
        /// The limit.
        seconds: f64,
        /// What to do.
        way_out: &'static str,
    },
    /// A fault of the engine itself.
    #[error("the tabular engine failed: {0}; please report it with the file's first lines")]
    Internal(String),
}

impl Error {
    /// Whether a limit or a policy refused the content (exit code 5), as opposed to work that failed.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Limit { .. } | Self::Refused(_) | Self::TooSlow { .. })
    }

    /// Whether what was asked makes no sense (exit code 2).
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Usage(_) | Self::Option { .. })
    }

    /// The same error about the file that a user knows, where it is about one that stood for it.
    pub(crate) fn about(mut self, stood_in: &Path, known: &Path) -> Self {
        if stood_in == known {
            return self;
        }
        match &mut self {
            Self::Io { path, .. }
            | Self::Gzip { path, .. }
            | Self::Damaged { path, .. }
            | Self::NotATable { path, .. }
            | Self::Parquet { path, .. }
                if path == stood_in =>
            {
                *path = known.to_path_buf();
            }
            Self::Limit { place, .. } => {
                *place = place.replace(&*stood_in.to_string_lossy(), &known.to_string_lossy());
            }
            // What has no file in it.
            _ => {}
        }
        self
    }

    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }
}
