//! Rows set aside on disk in sorted runs and merged again, as Knuth has it (The Art of Computer Programming, volume 3, 5.4): as many
//! as fit in memory are sorted and become a run, and of all runs the least row comes next. Rows that tie keep the order in which
//! they came. Must not know of statements.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use polars::prelude::row_encode::_get_rows_encoded_ca;
use polars::prelude::{
    ArrowSchema, BinaryOffsetChunked, Column, CompatLevel, DataFrame, IdxCa, IdxSize, PlSmallStr,
    PolarsResult, SchemaExt as _, SortMultipleOptions,
};
use polars_arrow::io::ipc::read::{FileReader, read_file_metadata};
use polars_arrow::io::ipc::write::{FileWriter, WriteOptions};

use crate::error::Error;
use crate::parquet::guarded;
use crate::witness::Witness;

/// Rows of a run that are in memory at once while runs are merged.
const BLOCK: usize = 8_192;

/// A column that rows are sorted by.
#[derive(Debug, Clone)]
pub(super) struct By {
    pub(super) column: PlSmallStr,
    pub(super) descending: bool,
    pub(super) missing_last: bool,
}

/// Takes rows in any order and gives them sorted.
pub(super) struct Sorter {
    by: Vec<By>,
    /// A folder of its own, which goes with it.
    folder: PathBuf,
    /// Bytes that may be held.
    room: usize,
    held: Vec<DataFrame>,
    bytes: usize,
    runs: Vec<PathBuf>,
}

impl Drop for Sorter {
    fn drop(&mut self) {
        if !self.runs.is_empty() {
            // What is left of it goes with the job's folder.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

impl Sorter {
    /// `folder` is made where rows have to be set aside. Several times `room` are taken, in bytes, while a run is sorted.
    pub(super) fn new(by: Vec<By>, folder: PathBuf, room: u64) -> Self {
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        Self { by, folder, room, held: Vec::new(), bytes: 0, runs: Vec::new() }
    }

    /// Adds rows.
    ///
    /// # Errors
    /// Where a run can't be written.
    pub(super) fn add(&mut self, block: DataFrame) -> Result<(), Error> {
        self.bytes += block.estimated_size();
        self.held.push(block);
        if self.bytes >= self.room {
            self.set_aside()?;
        }
        Ok(())
    }

    /// What is held, sorted.
    fn sorted(&mut self) -> Result<Option<DataFrame>, Error> {
        self.bytes = 0;
        let mut blocks = std::mem::take(&mut self.held).into_iter();
        let Some(mut all) = blocks.next() else { return Ok(None) };
        guarded(&self.folder, || {
            for block in blocks {
                all.vstack_mut_owned(block)?;
            }
            let options = SortMultipleOptions::default()
                .with_order_descending_multi(self.by.iter().map(|by| by.descending))
                .with_nulls_last_multi(self.by.iter().map(|by| by.missing_last))
                .with_maintain_order(true);
            all.sort(self.by.iter().map(|by| by.column.clone()), options).map(Some)
        })
    }

    fn set_aside(&mut self) -> Result<(), Error> {
        let Some(run) = self.sorted()? else { return Ok(()) };
        if self.runs.is_empty() {
            fs::create_dir_all(&self.folder).map_err(Error::io("write", &self.folder))?;
        }
        let path = self.folder.join(format!("{}.arrow", self.runs.len()));
        self.runs.push(path.clone());
        let (file, told) = Witness::create(&path)?;
        let mut file = BufWriter::with_capacity(1 << 20, file);
        let mut write = || -> PolarsResult<()> {
            // In the oldest form texts are copied batch by batch; in the newest each batch would have all of them.
            let form = CompatLevel::oldest();
            let schema: ArrowSchema = run.schema().iter_fields().map(|field| field.to_arrow(form)).collect();
            let options = WriteOptions { compression: None };
            let mut writer = FileWriter::try_new(&mut file, Arc::new(schema), None, options)?;
            for at in (0..run.height()).step_by(BLOCK) {
                let mut block = run.slice(at as i64, BLOCK);
                block.rechunk_mut();
                block.iter_chunks(form, false).try_for_each(|batch| writer.write(&batch, None))?;
            }
            writer.finish()
        };
        write().map_err(|e| told.error(&path, &e))?;
        file.flush().map_err(Error::io("write", &path))
    }

    /// Hands all rows in their order to `take`, in blocks of `rows` or so, until that says stop.
    ///
    /// # Errors
    /// Where a run can't be written or read, and those of `take`.
    pub(super) fn finish(
        mut self,
        rows: usize,
        take: &mut dyn FnMut(DataFrame) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let mut blocks = Blocks { rows, ready: None, take };
        if self.runs.is_empty() {
            let Some(all) = self.sorted()? else { return Ok(()) };
            return if blocks.add(all)? { Ok(()) } else { blocks.finish() };
        }
        self.set_aside()?;
        let runs = self.runs.iter().map(|path| Run::open(path, &self.by));
        let mut merge = Merge::of(runs.collect::<Result<Vec<_>, Error>>()?)?;
        while let Some(block) = merge.next(&self.by)? {
            if blocks.add(block)? {
                return Ok(());
            }
        }
        blocks.finish()
    }
}

/// Hands rows on in blocks of one size.
struct Blocks<'t> {
    rows: usize,
    ready: Option<DataFrame>,
    take: &'t mut dyn FnMut(DataFrame) -> Result<bool, Error>,
}

impl Blocks<'_> {
    /// True when nothing more is wanted.
    fn add(&mut self, block: DataFrame) -> Result<bool, Error> {
        let mut ready = match self.ready.take() {
            None => block,
            Some(mut ready) => {
                ready.vstack_mut_owned(block).map_err(|e| Error::Internal(e.to_string()))?;
                ready
            }
        };
        while ready.height() >= self.rows {
            let (first, rest) = ready.split_at(self.rows as i64);
            ready = rest;
            if (self.take)(first)? {
                return Ok(true);
            }
        }
        self.ready = Some(ready);
        Ok(false)
    }

    fn finish(&mut self) -> Result<(), Error> {
        match self.ready.take().filter(|ready| ready.height() > 0) {
            Some(ready) => (self.take)(ready).map(drop),
            None => Ok(()),
        }
    }
}

/// A run being read.
struct Run {
    path: PathBuf,
    reader: FileReader<BufReader<File>>,
    block: DataFrame,
    /// The keys of the block as bytes that sort as they do.
    keys: Option<BinaryOffsetChunked>,
    /// The next row of the block.
    at: usize,
    /// The first row of the block that has not been given.
    given: usize,
}

impl Run {
    fn open(path: &Path, by: &[By]) -> Result<Self, Error> {
        let mut file = BufReader::with_capacity(1 << 20, File::open(path).map_err(Error::io("open", path))?);
        let metadata = guarded(path, || read_file_metadata(&mut file))?;
        let mut run = Self {
            path: path.to_path_buf(),
            reader: FileReader::new(file, metadata, None, None),
            block: DataFrame::empty(),
            keys: None,
            at: 0,
            given: 0,
        };
        run.next_block(by)?;
        Ok(run)
    }

    fn next_block(&mut self, by: &[By]) -> Result<(), Error> {
        (self.at, self.given) = (0, 0);
        guarded(&self.path, || {
            let Some(batch) = self.reader.next().transpose()? else {
                self.block = self.block.clear();
                return Ok(());
            };
            self.block = DataFrame::from(batch);
            let columns: Vec<Column> =
                by.iter().map(|by| self.block.column(&by.column).cloned()).collect::<PolarsResult<_>>()?;
            let descending: Vec<bool> = by.iter().map(|by| by.descending).collect();
            let missing_last: Vec<bool> = by.iter().map(|by| by.missing_last).collect();
            let name = PlSmallStr::EMPTY;
            self.keys = Some(_get_rows_encoded_ca(name, &columns, &descending, &missing_last, false)?);
            Ok(())
        })
    }

    /// The key of the next row of the block.
    fn key(&self) -> Option<&[u8]> {
        self.keys.as_ref().filter(|_| self.at < self.block.height())?.get(self.at)
    }
}

/// Runs being merged.
struct Merge {
    runs: Vec<Run>,
    /// The next row of each run that has one: the least first, of rows that tie that of the earlier run.
    heads: BinaryHeap<Reverse<(Vec<u8>, usize)>>,
}

impl Merge {
    fn of(runs: Vec<Run>) -> Result<Self, Error> {
        let heads = runs.iter().enumerate();
        let heads = heads.filter_map(|(at, run)| Some(Reverse((run.key()?.to_vec(), at)))).collect();
        Ok(Self { runs, heads })
    }

    /// The next rows: all up to where a block of a run ends.
    fn next(&mut self, by: &[By]) -> Result<Option<DataFrame>, Error> {
        let mut order: Vec<usize> = Vec::new();
        let mut ended = None;
        while ended.is_none() {
            let Some(mut head) = self.heads.peek_mut() else { break };
            let Reverse((key, at)) = &mut *head;
            let at = *at;
            order.push(at);
            let Some(run) = self.runs.get_mut(at) else { break };
            run.at += 1;
            match run.key() {
                Some(next) => {
                    key.clear();
                    key.extend_from_slice(next);
                }
                None => {
                    PeekMut::pop(head);
                    ended = Some(at);
                }
            }
        }
        if order.is_empty() {
            return Ok(None);
        }
        let block = self.taken(&order)?;
        if let Some(at) = ended
            && let Some(run) = self.runs.get_mut(at)
        {
            run.next_block(by)?;
            self.heads.extend(run.key().map(|key| Reverse((key.to_vec(), at))));
        }
        Ok(Some(block))
    }

    /// Rows of the blocks: the next of the runs in this order.
    fn taken(&mut self, order: &[usize]) -> Result<DataFrame, Error> {
        let mut all: Option<DataFrame> = None;
        let mut next: Vec<IdxSize> = Vec::with_capacity(self.runs.len());
        let mut rows = 0;
        for run in &mut self.runs {
            next.push(rows as IdxSize);
            let part = run.block.slice(run.given as i64, run.at - run.given);
            rows += part.height();
            run.given = run.at;
            if part.height() > 0 {
                match &mut all {
                    None => all = Some(part),
                    Some(all) => {
                        all.vstack_mut_owned(part).map_err(|e| Error::Internal(e.to_string()))?;
                    }
                }
            }
        }
        let mut index: Vec<IdxSize> = Vec::with_capacity(order.len());
        for at in order {
            if let Some(next) = next.get_mut(*at) {
                index.push(*next);
                *next += 1;
            }
        }
        let all = all.unwrap_or_default();
        all.take(&IdxCa::from_vec(PlSmallStr::EMPTY, index)).map_err(|e| Error::Internal(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use polars::prelude::{IntoColumn as _, NamedFrom as _, Series};

    use super::*;

    #[test]
    fn runs_are_read_a_block_at_a_time_and_merged_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("runs");
        let by = |column: &str, descending| By { column: column.into(), descending, missing_last: true };
        let by = vec![by("key", true), by("text", false)];
        let mut sorter = Sorter::new(by.clone(), folder.clone(), 600_000);
        let mut rows: Vec<(Option<i64>, String, i64)> = Vec::new();
        let mut random = 5u64;
        for part in 0..20 {
            let start = rows.len();
            for row in 0..3_000 {
                random =
                    random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let key = (random >> 40).is_multiple_of(11).then_some((random >> 33) as i64 % 40);
                rows.push((key, format!("a text of some length {}", random >> 60), part * 3_000 + row));
            }
            let new = &rows[start..];
            let columns = vec![
                Series::new("key".into(), new.iter().map(|r| r.0).collect::<Vec<_>>()).into_column(),
                Series::new("text".into(), new.iter().map(|r| r.1.clone()).collect::<Vec<_>>()).into_column(),
                Series::new("row".into(), new.iter().map(|r| r.2).collect::<Vec<_>>()).into_column(),
            ];
            sorter.add(DataFrame::new(new.len(), columns).unwrap()).unwrap();
        }
        assert!(sorter.runs.len() > 2, "{} runs", sorter.runs.len());
        let first = Run::open(&sorter.runs[0], &by).unwrap();
        assert_eq!(first.block.height(), BLOCK, "not the whole run");
        rows.sort_by(|a, b| {
            (a.0.is_none(), -a.0.unwrap_or(0), &a.1, a.2).cmp(&(b.0.is_none(), -b.0.unwrap_or(0), &b.1, b.2))
        });
        let mut given: Vec<i64> = Vec::new();
        let mut heights = Vec::new();
        sorter
            .finish(10_000, &mut |block| {
                heights.push(block.height());
                given.extend(block.column("row").unwrap().i64().unwrap().into_no_null_iter());
                Ok(false)
            })
            .unwrap();
        assert_eq!(heights, [10_000; 6]);
        assert!(given.iter().eq(rows.iter().map(|row| &row.2)));
        assert!(!folder.exists(), "nothing is left");
    }
}
