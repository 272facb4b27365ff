//! The worker protocol: what the daemon writes to a child's standard input and reads from its standard output.
//!
//! A frame is a little-endian `u32` length and that many bytes of MessagePack, [`MAX_FRAME`] at most. The child
//! ends when its input ends. Standard error is free text and goes to the job's log.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::file::FileFacts;
use crate::ids::{AttemptId, FileId};
use crate::job::{LogLevel, Output};
use crate::page::Page;
use crate::query::{QueryResult, TableRef, Unclear, View};
use crate::suggest::{Effect, StepChoice, Suggestions};

/// The largest frame in bytes. A longer one ends the attempt.
pub const MAX_FRAME: usize = 8 * 1024 * 1024;

/// What a child is to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobSpec {
    /// Which attempt it is; every frame of the child carries it.
    pub attempt: AttemptId,
    /// The job's kind.
    pub kind: String,
    /// The file to work on and where its bytes lie, to be opened for reading only.
    pub input: Option<Input>,
    /// An empty folder for outputs; the only place the child may write.
    pub out_dir: PathBuf,
    /// The kind's own settings.
    pub settings: BTreeMap<String, String>,
    /// Memory that the attempt may take, in bytes.
    pub memory_bytes: u64,
    /// CPU seconds that the attempt may take; 0 for no limit.
    #[serde(default)]
    pub cpu_seconds: u64,
    /// Bytes that an earlier attempt left with [`FromWorker::Checkpoint`].
    pub checkpoint: Option<serde_bytes::ByteBuf>,
    /// What else it is given.
    #[serde(default)]
    pub given: Given,
}

/// What a child is given besides the file's bytes. All paths may be read and not written.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Given {
    /// The folder with what is known of the file: the outputs of the job that holds its data (`dataset.parquet`,
    /// `profile.json`, …). `None` where there is none yet.
    pub data: Option<PathBuf>,
    /// The stage to begin from, with `data` for what comes before it.
    pub from: Option<String>,
    /// The folder with what an earlier job made of the same bytes with the same settings, to be used again.
    #[serde(default)]
    pub earlier: Option<PathBuf>,
    /// Datasets that the settings name.
    pub tables: Vec<TableRef>,
    /// Names in a statement that mean no one dataset, as in [`ReadRequest::Query`].
    #[serde(default)]
    pub unclear: Vec<Unclear>,
    /// The folder with the user's own detection rules, where it exists.
    pub rules: Option<PathBuf>,
}

/// An output that becomes a file of its own, in the project of the job's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Derived {
    /// The output's name in the output folder.
    pub output: String,
    /// The new file's name.
    pub name: String,
    /// How it was made, in words.
    pub how: String,
}

/// The bytes to work on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// The file's id.
    pub file: FileId,
    /// The name it was dropped under, for messages. What a file is its content decides; the name is a hint at most, where
    /// the content leaves it open.
    pub name: String,
    /// Where the bytes lie.
    pub path: PathBuf,
    /// The size at intake.
    pub bytes: u64,
    /// The SHA-256 at intake in hex, where the bytes lie in a user's folder and may have changed since: whoever has read them
    /// is to look. `None` where they are the daemon's own.
    #[serde(default)]
    pub sha256: Option<String>,
}

/// Daemon to child.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ToWorker {
    /// Begin. Sent once, first, to an attempt's child.
    Start(Box<JobSpec>),
    /// Stop as soon as you can; SIGTERM and SIGKILL follow.
    Cancel,
    /// To a reader child: answer this. One at a time.
    Read(ReadRequest),
}

/// Child to daemon.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FromWorker {
    /// The child is up; says in words what confines it.
    Ready {
        /// Landlock, seccomp and limits that are on.
        sandbox: String,
    },
    /// How far it is. At most ten a second.
    Progress {
        /// The attempt.
        attempt: AttemptId,
        /// The stage.
        stage: String,
        /// Units done.
        done: u64,
        /// Units in all.
        total: Option<u64>,
        /// The unit.
        unit: String,
    },
    /// A line for the log.
    Log {
        /// The attempt.
        attempt: AttemptId,
        /// How much it matters.
        level: LogLevel,
        /// The line.
        text: String,
    },
    /// State from which a later attempt can go on.
    Checkpoint {
        /// The attempt.
        attempt: AttemptId,
        /// Opaque to the daemon.
        bytes: serde_bytes::ByteBuf,
    },
    /// The work is done; outputs lie synced in the output folder.
    Done {
        /// The attempt.
        attempt: AttemptId,
        /// What it made.
        outputs: Vec<Output>,
        /// What it learned about the input.
        facts: Option<Box<FileFacts>>,
        /// Outputs that become files of their own.
        #[serde(default)]
        derived: Vec<Derived>,
    },
    /// The work failed.
    Failed {
        /// The attempt.
        attempt: AttemptId,
        /// Why, as the user is told.
        fault: Fault,
        /// Whether trying again may help.
        transient: bool,
    },
    /// The child stopped because it was asked to.
    Cancelled {
        /// The attempt.
        attempt: AttemptId,
    },
    /// A reader's answer.
    Answer(Result<Box<ReadAnswer>, Fault>),
}

/// What a reader child can be asked. Adding an interactive read is one variant here and one arm in the worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ReadRequest {
    /// A page of rows.
    Page {
        /// The dataset's Parquet file.
        dataset: PathBuf,
        /// First row, from 0.
        offset: u64,
        /// Rows wanted.
        rows: u64,
    },
    /// A page of the rows that a view lets through, in its order.
    View {
        /// The dataset's Parquet file.
        dataset: PathBuf,
        /// Filters and order.
        view: View,
        /// First row of the view, from 0.
        offset: u64,
        /// Rows wanted.
        rows: u64,
    },
    /// One read-only statement.
    Query {
        /// The statement.
        sql: String,
        /// Datasets it may name.
        tables: Vec<TableRef>,
        /// Names in it that mean no one dataset.
        unclear: Vec<Unclear>,
        /// Rows wanted at most.
        max_rows: u64,
        /// Time it may take, in milliseconds.
        timeout_ms: u64,
    },
    /// What one might do with a dataset.
    Suggest {
        /// The folder with the dataset and its profile.
        data: PathBuf,
    },
    /// The effect of steps on the first rows.
    Effect {
        /// The folder with the dataset and its profile.
        data: PathBuf,
        /// The steps.
        steps: Vec<StepChoice>,
        /// Rows wanted.
        rows: u64,
    },
}

/// What a reader child answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ReadAnswer {
    /// A page of rows.
    Page(Page),
    /// What a statement gave.
    Query(QueryResult),
    /// What one might do.
    Suggest(Suggestions),
    /// The effect of steps.
    Effect(Effect),
}

/// A frame in its wire form.
pub fn encode<T: Serialize>(value: &T) -> io::Result<Vec<u8>> {
    let mut frame = vec![0u8; 4];
    rmp_serde::encode::write_named(&mut frame, value).map_err(io::Error::other)?;
    let len = frame.len() - 4;
    if len > MAX_FRAME {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("a frame of {len} bytes is over the limit of {MAX_FRAME}"),
        ));
    }
    frame[..4].copy_from_slice(&u32::try_from(len).map_err(io::Error::other)?.to_le_bytes());
    Ok(frame)
}

/// The value in a frame's body.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> io::Result<T> {
    rmp_serde::from_slice(body).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
}

/// Writes a frame and flushes.
pub fn write_frame<T: Serialize>(out: &mut impl Write, value: &T) -> io::Result<()> {
    out.write_all(&encode(value)?)?;
    out.flush()
}

/// Reads a frame; `None` at the end of the stream.
pub fn read_frame<T: DeserializeOwned>(input: &mut impl Read) -> io::Result<Option<T>> {
    let mut len = [0u8; 4];
    match input.read_exact(&mut len) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(e) => return Err(e),
    }
    let len = u32::from_le_bytes(len) as usize;
    if len > MAX_FRAME {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("a frame of {len} bytes is over the limit of {MAX_FRAME}"),
        ));
    }
    let mut body = vec![0u8; len];
    input.read_exact(&mut body)?;
    decode(&body).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Cell;

    #[test]
    fn frames_round_trip_every_kind_of_cell() {
        let page = Page {
            columns: vec![],
            rows: vec![vec![
                Cell::Null,
                Cell::Bool(true),
                Cell::Int(-1),
                Cell::Float(2.0),
                Cell::Text("2".into()),
            ]],
            offset: 0,
            total_rows: 1,
            truncated_cells: 0,
        };
        let frame = FromWorker::Answer(Ok(Box::new(ReadAnswer::Page(page))));
        let bytes = encode(&frame).unwrap();
        assert_eq!(read_frame::<FromWorker>(&mut bytes.as_slice()).unwrap(), Some(frame));
        assert_eq!(read_frame::<FromWorker>(&mut [].as_slice()).unwrap(), None);
    }

    #[test]
    fn a_frame_over_the_limit_is_refused_before_it_is_read() {
        let mut bytes = u32::MAX.to_le_bytes().to_vec();
        bytes.extend([0; 8]);
        let error = read_frame::<FromWorker>(&mut bytes.as_slice()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
