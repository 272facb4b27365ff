//! A file as every client sees it: the contract of `files` and `show`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::ids::{FileId, JobId};
use crate::time::Timestamp;

/// What a file turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileKind {
    /// Rows and columns.
    Dataset,
    /// Pages of text.
    Document,
    /// Neither, or not looked at yet.
    Unknown,
}

/// Where a file stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// A job is taking it in.
    Ingesting,
    /// It waits for a choice of the user.
    NeedsInput,
    /// It can be read.
    Ready,
    /// It could not be read; `error` says why. The bytes are kept.
    Failed,
}

impl FileState {
    /// The name used in JSON and on the screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ingesting => "ingesting",
            Self::NeedsInput => "needs_input",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }
}

/// What kind of data a dataset holds, as far as the detection rules tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TypeGuess {
    /// The dataset type's name; `generic` is a real answer.
    pub name: String,
    /// 0 to 100.
    pub confidence: f64,
    /// `high`, `medium`, `low` or `very_low`.
    pub level: String,
    /// `detector` or `user`.
    pub decided_by: String,
    /// What each strategy found.
    pub evidence: Vec<Evidence>,
}

/// One strategy's score for a type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The strategy's name.
    pub strategy: String,
    /// 0 to 100.
    pub score: f64,
    /// The strategy's weight.
    pub weight: f64,
    /// What it saw.
    pub detail: String,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileView {
    /// Its id.
    pub id: FileId,
    /// The name it was dropped under, with the folders below the inbox. Bytes that are not UTF-8 show as U+FFFD.
    pub name: String,
    /// 1 for the first content under this name, then counting.
    pub version: u32,
    /// SHA-256 of the content, hexadecimal.
    pub sha256: String,
    /// Size of the content in bytes.
    pub bytes: u64,
    /// `csv`, `jsonl`, `parquet`, …
    pub format: Option<String>,
    /// Character encoding of a text format.
    pub encoding: Option<String>,
    /// Delimiter of a delimited format.
    pub delimiter: Option<String>,
    /// What it turned out to be.
    pub kind: FileKind,
    /// What kind of data it holds; null until detection rules have looked at it.
    #[serde(rename = "type")]
    pub type_guess: Option<TypeGuess>,
    /// Rows read.
    pub rows: Option<u64>,
    /// Columns.
    pub columns: Option<u64>,
    /// Rows that could not be placed; they are in the `rejected` output.
    pub rejected_rows: Option<u64>,
    /// Pages of a document.
    pub pages: Option<u64>,
    /// Where it stands.
    pub state: FileState,
    /// Why it failed.
    pub error: Option<String>,
    /// The project's name.
    pub project: String,
    /// When it was taken in.
    pub added_at: Timestamp,
    /// The job whose outputs hold its data, where there is one.
    pub job: Option<JobId>,
    /// How the dialect was found, in words.
    #[serde(default)]
    pub reading: Option<String>,
    /// Whether the bytes stay where the user has them, guarded by size, mtime and hash, rather than copied.
    #[serde(default)]
    pub referenced: bool,
    /// The sheet or member of the content that this file is, where the content holds several datasets.
    #[serde(default)]
    pub part: Option<String>,
    /// What it was made from, where Dropforge made it.
    #[serde(default)]
    pub origin: Option<Origin>,
    /// What the user set for its reading.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
}

/// Where a file that Dropforge made comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The file that was worked on; a query may have none or several.
    pub file: Option<FileId>,
    /// The job that made it; `None` for a sheet or member, which lies in the same content.
    pub job: Option<JobId>,
    /// How, in words.
    pub how: String,
}

/// What a worker learned about a file; applied in the commit that ends its job.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FileFacts {
    /// `None` leaves the kind as it is.
    pub kind: Option<FileKind>,
    /// As in [`FileView`].
    pub format: Option<String>,
    /// As in [`FileView`].
    pub encoding: Option<String>,
    /// As in [`FileView`].
    pub delimiter: Option<String>,
    /// As in [`FileView`].
    pub rows: Option<u64>,
    /// As in [`FileView`].
    pub columns: Option<u64>,
    /// As in [`FileView`].
    pub rejected_rows: Option<u64>,
    /// As in [`FileView`].
    pub pages: Option<u64>,
    /// As in [`FileView`].
    pub reading: Option<String>,
    /// What kind of data it holds, as the detector decided.
    #[serde(default)]
    pub type_guess: Option<TypeGuess>,
    /// The header's fingerprint, under which a choice of the user is remembered.
    #[serde(default)]
    pub fingerprint: Option<String>,
    /// Whether the user should be asked what it is.
    #[serde(default)]
    pub ask: bool,
    /// The sheet or member that was read, where the content holds several.
    #[serde(default)]
    pub part: Option<String>,
    /// The other sheets or members that hold a table, in order; each becomes a file `NAME#PART`.
    #[serde(default)]
    pub other_parts: Vec<String>,
}

/// What became of one path given to `add`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AddOutcome {
    /// The path as given, or found in a folder that was given.
    pub path: String,
    /// The file to use: the new one, or the one that had this content already.
    pub file: Option<FileId>,
    /// The file that had this content already.
    pub duplicate_of: Option<FileId>,
    /// Jobs that were queued for it.
    pub jobs: Vec<JobId>,
    /// Why it was not taken.
    pub error: Option<String>,
    /// The whole fault, for the exit code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// What to do with content that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnDuplicate {
    /// Use the file that is there.
    #[default]
    Use,
    /// Use the file that is there and process it again.
    Reprocess,
}

/// Something in the inbox that is not taken yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxItem {
    /// The path below the inbox, cleaned for display.
    pub path: String,
    /// `settling`, `taking`, `refused` or `error`.
    pub state: String,
    /// Why it waits, and what to do.
    pub detail: String,
    /// Size in bytes.
    pub bytes: u64,
}
