//! The profile of a dataset: a column at a time from Parquet, on two threads, in bounded memory.

mod column;
mod correlate;
mod distinct;
mod issues;
mod numeric;
mod target;
mod text;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use dropforge_shared::profile::Profile;

use crate::error::Error;
use crate::monitor::Monitor;
use crate::parquet::{Dataset, guarded_work};
use column::Described;

/// Frequent values that a profile lists.
const TOP: usize = 10;

/// Columns described at the same time. Each holds its column's numbers, so more threads would cost memory.
const THREADS: usize = 2;

/// Profiles a dataset written by [`crate::ingest`]. `null_tokens` are those of [`crate::Ingested`], by column; where
/// they are not known, an empty slice.
///
/// # Errors
/// [`Error::Cancelled`] when the monitor says so; else what failed while reading.
pub fn profile(
    parquet: &Path,
    file_id: &str,
    null_tokens: &[BTreeMap<String, u64>],
    monitor: &mut dyn Monitor,
) -> Result<Profile, Error> {
    let dataset = Dataset::open(parquet)?;
    monitor.stage("profile", Some(dataset.columns.len() as u64), "columns");
    let described = describe_all(&dataset, null_tokens, monitor)?;
    let correlations = correlate::correlations(&dataset, &described, monitor)?;
    let issues = issues::issues(&described, dataset.rows);
    let target = target::guess(&described, dataset.rows);
    Ok(Profile {
        file: file_id.to_owned(),
        rows: dataset.rows,
        columns: described.into_iter().map(|d| d.profile).collect(),
        correlations,
        spearman: None,
        cramers_v: None,
        association_rows: None,
        issues,
        target,
    })
}

fn describe_all(
    dataset: &Dataset,
    null_tokens: &[BTreeMap<String, u64>],
    monitor: &mut dyn Monitor,
) -> Result<Vec<Described>, Error> {
    let width = dataset.columns.len();
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let (sender, receiver) = channel();
    let work = |sender: std::sync::mpsc::Sender<(usize, Result<Described, Error>)>| loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        if index >= width || stop.load(Ordering::Relaxed) {
            return;
        }
        let stopped = || stop.load(Ordering::Relaxed);
        let done = guarded_work(|| column::describe(dataset, index, null_tokens.get(index), &stopped));
        if sender.send((index, done)).is_err() {
            return;
        }
    };
    let mut found: Vec<Option<Described>> = Vec::new();
    found.resize_with(width, || None);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            let sender = sender.clone();
            scope.spawn(|| work(sender));
        }
        drop(sender);
        let mut done = 0;
        let mut failed = None;
        loop {
            // A wide column takes seconds; a cancel should not wait for it.
            match receiver.recv_timeout(std::time::Duration::from_millis(50)) {
                Ok((index, Ok(described))) => {
                    if let Some(slot) = found.get_mut(index) {
                        *slot = Some(described);
                    }
                    done += 1;
                    monitor.progress(done);
                }
                Ok((_, Err(error))) => {
                    failed.get_or_insert(error);
                    stop.store(true, Ordering::Relaxed);
                }
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
            }
            if failed.is_none() && monitor.cancelled() {
                failed = Some(Error::Cancelled);
                stop.store(true, Ordering::Relaxed);
            }
        }
        failed.map_or(Ok(()), Err)
    })?;
    found
        .into_iter()
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| Error::Internal("a column was not described".to_owned()))
}
