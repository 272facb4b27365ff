//! One pass over a text file: blocks of records go to a few threads, which read, type, encode and, in the file's
//! order, write.
//!
//! A pass follows a plan made from a sample, and checks every cell against it. Where all cells fit, one pass is all it
//! takes; where one does not, the pass still finds out what all rows allow, and a second pass follows the corrected
//! plan. Either way the types are those of all rows.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use polars::prelude::DataFrame;

use crate::columns::{Builder, Plan};
use crate::csv::split::{Block, Splitter};
use crate::decode::Encoding;
use crate::error::Error;
use crate::monitor::Monitor;
use crate::rejects::{Reject, RejectFile, Rejects};
use crate::types::lattice::{Candidates, Kind};
use crate::types::nulls::NullCounts;
use crate::write::{DatasetWriter, ROW_GROUP_ROWS};

/// Turns the text of a block into rows.
pub(crate) trait RowReader: Sync {
    /// Reads whole records. `first` says that the text starts the file.
    fn read(&self, text: &str, first: bool, single_lines: bool, sink: &mut Sink) -> Result<(), Error>;

    /// Lines of the file before the first block.
    fn lines_before(&self) -> u64 {
        0
    }

    /// Columns whose type the user set, with how to read them. The reader rejects records that do not fit.
    fn forced(&self) -> &[(usize, Kind)] {
        &[]
    }
}

/// Where a reader puts what it finds.
pub(crate) struct Sink {
    /// One a column.
    pub(crate) builders: Vec<Builder>,
    /// Records that could not be placed, lines counted from the block's start.
    pub(crate) rejects: Vec<Reject>,
    /// Lines of the block.
    pub(crate) lines: u64,
    /// Lines that are comments.
    pub(crate) comments: u64,
    /// The line of the last record that was placed, where the format has notes below tables.
    pub(crate) last_row: Option<u64>,
    /// The line of what a limit refuses.
    pub(crate) fault_line: Option<u64>,
    rows: u64,
    batch: usize,
    frames: Vec<DataFrame>,
}

impl Sink {
    fn new(names: &[String], plans: &[Plan], capacity: usize) -> Self {
        let builders =
            names.iter().zip(plans).map(|(name, plan)| Builder::new(name, *plan, capacity)).collect();
        Self {
            builders,
            rejects: Vec::new(),
            lines: 0,
            comments: 0,
            last_row: None,
            fault_line: None,
            rows: 0,
            batch: 0,
            frames: Vec::new(),
        }
    }

    /// Every builder got its cell.
    pub(crate) fn end_row(&mut self) -> Result<(), Error> {
        self.batch += 1;
        self.rows += 1;
        if self.batch >= ROW_GROUP_ROWS { self.cut(ROW_GROUP_ROWS) } else { Ok(()) }
    }

    fn cut(&mut self, next_capacity: usize) -> Result<(), Error> {
        if self.batch > 0 {
            let columns = self.builders.iter_mut().map(|b| b.take(next_capacity)).collect();
            let frame = DataFrame::new(self.batch, columns).map_err(|e| Error::Internal(e.to_string()))?;
            self.frames.push(frame);
            self.batch = 0;
        }
        Ok(())
    }
}

/// What a pass found.
pub(crate) struct Outcome {
    /// Rows placed.
    pub(crate) rows: u64,
    /// Records rejected.
    pub(crate) rejected: u64,
    /// Lines left out as comments.
    pub(crate) comments: u64,
    /// Lines after the table that are no part of it, and the first of them.
    pub(crate) footer_lines: u64,
    pub(crate) footer: Vec<String>,
    /// Zero bytes that were left out.
    pub(crate) zeros: u64,
    /// Bytes meant nothing in the encoding and became U+FFFD.
    pub(crate) damaged: bool,
    /// What the cells that were looked at allow, by column.
    pub(crate) seen: Vec<Candidates>,
    /// Missing cells, by column.
    pub(crate) nulls: Vec<NullCounts>,
    /// Whether a cell did not fit its column's plan; what was written is then void.
    pub(crate) misfit: bool,
    /// The text is not in the encoding that the sample showed, but in this one; everything else is void.
    pub(crate) other_encoding: Option<Encoding>,
}

struct State {
    next: u64,
    lines: u64,
    outcome: Outcome,
    rejects: Rejects,
    error: Option<Error>,
}

struct Shared<'a> {
    reader: &'a dyn RowReader,
    names: &'a [String],
    plans: &'a [Plan],
    writer: &'a DatasetWriter,
    mend: bool,
    state: Mutex<State>,
    turn: Condvar,
    stop: AtomicBool,
    misfit: AtomicBool,
    multibyte: AtomicBool,
}

/// What a pass works on.
pub(crate) struct Job<'a> {
    /// Turns text into rows.
    pub(crate) reader: &'a dyn RowReader,
    /// The columns' names.
    pub(crate) names: &'a [String],
    /// The columns' plans.
    pub(crate) plans: &'a [Plan],
    /// Where rows go.
    pub(crate) writer: &'a DatasetWriter,
    /// How the text is encoded.
    pub(crate) encoding: Encoding,
    /// Threads that read and type.
    pub(crate) threads: usize,
}

/// Runs a pass over all blocks of `splitter`.
pub(crate) fn run(
    job: &Job<'_>,
    splitter: &mut Splitter,
    rejects: RejectFile,
    monitor: &mut dyn Monitor,
) -> Result<Outcome, Error> {
    let width = job.names.len();
    let outcome = Outcome {
        rows: 0,
        rejected: 0,
        comments: 0,
        footer_lines: 0,
        footer: Vec::new(),
        zeros: 0,
        damaged: false,
        seen: vec![Candidates::ALL; width],
        nulls: vec![NullCounts::default(); width],
        misfit: false,
        other_encoding: None,
    };
    let shared = Shared {
        reader: job.reader,
        names: job.names,
        plans: job.plans,
        writer: job.writer,
        mend: job.encoding == Encoding::Utf8Damaged,
        state: Mutex::new(State {
            next: 0,
            lines: job.reader.lines_before(),
            outcome,
            rejects: Rejects::new(rejects),
            error: None,
        }),
        turn: Condvar::new(),
        stop: AtomicBool::new(false),
        misfit: AtomicBool::new(false),
        multibyte: AtomicBool::new(false),
    };
    let threads = job.threads.max(1);
    let (sender, receiver) = sync_channel::<Block>(threads);
    let receiver = Mutex::new(receiver);
    let fed = std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| shared.work(&receiver));
        }
        let fed = feed(&shared, splitter, &sender, monitor);
        if fed.is_err() {
            shared.halt();
        }
        drop(sender);
        fed
    });
    fed?;
    let mut state = shared.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(error) = state.error {
        return Err(error);
    }
    let (lines, outcome) = (state.lines, &mut state.outcome);
    let footer = state.rejects.footer(if outcome.rows > 0 { width } else { 0 });
    outcome.footer_lines = footer.first().map_or(0, |r| lines + 1 - r.line);
    outcome.footer = footer.into_iter().map(|r| r.text).collect();
    state.outcome.rejected = state.rejects.finish()?;
    Ok(state.outcome)
}

/// Hands out blocks until the end, a stop or a cancel.
fn feed(
    shared: &Shared<'_>,
    splitter: &mut Splitter,
    sender: &std::sync::mpsc::SyncSender<Block>,
    monitor: &mut dyn Monitor,
) -> Result<(), Error> {
    while !shared.stop.load(Ordering::Relaxed) {
        if monitor.cancelled() {
            return Err(Error::Cancelled);
        }
        let Some(block) = splitter.next()? else { break };
        if sender.send(block).is_err() {
            break;
        }
        monitor.progress(splitter.consumed());
    }
    Ok(())
}

impl Shared<'_> {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn halt(&self) {
        self.stop.store(true, Ordering::Relaxed);
        // Under the lock, so that no thread misses it between its check and its wait.
        let _state = self.lock();
        self.turn.notify_all();
    }

    fn work(&self, receiver: &Mutex<Receiver<Block>>) {
        loop {
            let block = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(block) = block else { return };
            if self.stop.load(Ordering::Relaxed) {
                // Keep taking, so that the feeder never waits for room.
                continue;
            }
            // A panic in a library must end the work with an error, not leave the other threads waiting for a turn.
            let done = catch_unwind(AssertUnwindSafe(|| self.block(block)))
                .unwrap_or_else(|cause| Err(Error::Internal(panic_text(cause.as_ref()))));
            if let Err(error) = done {
                self.lock().error.get_or_insert(error);
                self.halt();
            }
        }
    }

    fn block(&self, block: Block) -> Result<(), Error> {
        let index = block.index;
        let text = match String::from_utf8(block.bytes) {
            Ok(text) => text,
            Err(error) if self.mend => String::from_utf8_lossy(error.as_bytes()).into_owned(),
            Err(error) => {
                let seen = self.multibyte.load(Ordering::Relaxed);
                self.lock().outcome.other_encoding.get_or_insert(Encoding::fallback(error.as_bytes(), seen));
                self.halt();
                return Ok(());
            }
        };
        if !self.multibyte.load(Ordering::Relaxed) && !text.is_ascii() {
            self.multibyte.store(true, Ordering::Relaxed);
        }
        // Room for rows as long as two cells of four bytes each column; builders grow where that is too little.
        let capacity = (text.len() / (self.names.len() * 8).max(16)).min(ROW_GROUP_ROWS);
        let mut sink = Sink::new(self.names, self.plans, capacity);
        if let Err(error) = self.reader.read(&text, index == 0, block.single_lines, &mut sink) {
            return Err(self.located(error, index, &sink));
        }
        drop(text);
        sink.cut(0)?;
        if sink.builders.iter().any(|b| b.misfit) {
            self.misfit.store(true, Ordering::Relaxed);
        }
        let mut encoded = Vec::new();
        if !self.misfit.load(Ordering::Relaxed) {
            for frame in &sink.frames {
                encoded.push(self.writer.encode(frame)?);
            }
        }
        sink.frames.clear();
        self.commit(index, sink, encoded)
    }

    /// An error with the line in the file, which is known once all blocks before are through.
    fn located(&self, error: Error, index: u64, sink: &Sink) -> Error {
        let (Some(line), Error::Limit { what, limit, way_out, .. }) = (sink.fault_line, &error) else {
            return error;
        };
        let mut state = self.lock();
        while state.next != index && !self.stop.load(Ordering::Relaxed) {
            state = self.turn.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let place = format!("line {}", state.lines + line + 1);
        Error::Limit { what: what.clone(), place, limit: limit.clone(), way_out }
    }

    /// In the file's order: adds up the figures and writes.
    fn commit(&self, index: u64, sink: Sink, encoded: Vec<crate::write::Encoded>) -> Result<(), Error> {
        let mut state = self.lock();
        while state.next != index && !self.stop.load(Ordering::Relaxed) {
            state = self.turn.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if self.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        let state = &mut *state;
        state.outcome.rows += sink.rows;
        state.outcome.comments += sink.comments;
        state.rejects.take(state.lines, sink.rows, sink.last_row, sink.rejects)?;
        state.lines += sink.lines;
        let totals = state.outcome.seen.iter_mut().zip(&mut state.outcome.nulls);
        for (builder, (seen, nulls)) in sink.builders.iter().zip(totals) {
            *seen = seen.and(builder.seen);
            nulls.merge(&builder.nulls);
            state.outcome.misfit |= builder.misfit;
        }
        if !state.outcome.misfit {
            for groups in encoded {
                self.writer.write(groups)?;
            }
        }
        state.next += 1;
        self.turn.notify_all();
        Ok(())
    }
}

/// What a panic said.
pub(crate) fn panic_text(cause: &(dyn std::any::Any + Send)) -> String {
    cause
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| cause.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
