//! The second reading of a sheet: its values, batch by batch, into the dataset.

use std::collections::BTreeMap;
use std::path::Path;

use dropforge_shared::page::Column;
use polars::prelude::DataFrame;

use super::book::Row;
use super::value::Cell;
use crate::columns::{Builder, Origin, Plan, misfit_reason, schema};
use crate::error::Error;
use crate::ingest::DATASET;
use crate::rejects::{Reject, RejectFile};
use crate::types::lattice::Kind;
use crate::write::{DatasetWriter, ROW_GROUP_ROWS};

/// Cells of a batch of rows that are held before they are written.
const BATCH_CELLS: usize = 4 << 20;
/// Bytes of texts of such a batch.
const BATCH_BYTES: u64 = 64 << 20;

/// Missing cells of a column by token.
type Nulls = BTreeMap<String, u64>;

/// The second reading.
pub(super) struct Table {
    /// Where in the builders a column of the sheet is.
    places: Vec<Option<usize>>,
    builders: Vec<Builder>,
    writer: DatasetWriter,
    columns: Vec<Column>,
    batch: usize,
    batch_rows: usize,
    bytes: u64,
    pub(super) rows: u64,
    /// By builder, the type that the user set.
    forced: BTreeMap<usize, Kind>,
    rejects: RejectFile,
    /// Rows that do not fit it.
    pub(super) rejected: u64,
}

impl Table {
    pub(super) fn new(
        out_dir: &Path,
        columns: &[u32],
        names: Vec<String>,
        plans: Vec<Plan>,
        forced: Vec<(usize, Kind)>,
    ) -> Result<Self, Error> {
        let writer = DatasetWriter::create(&out_dir.join(DATASET), &schema(&names, &plans))?;
        let batch_rows = (BATCH_CELLS / columns.len().max(1)).clamp(1, ROW_GROUP_ROWS);
        let mut places = vec![None; columns.last().map_or(0, |c| *c as usize + 1)];
        for (i, column) in columns.iter().enumerate() {
            if let Some(slot) = places.get_mut(*column as usize) {
                *slot = Some(i);
            }
        }
        let builders =
            names.iter().zip(&plans).map(|(n, p)| Builder::new(n, *p, batch_rows.min(1_024))).collect();
        let columns = names
            .into_iter()
            .zip(&plans)
            .map(|(name, plan)| Column { name, kind: plan.kind.column_type() })
            .collect();
        Ok(Self {
            places,
            builders,
            writer,
            columns,
            batch: 0,
            batch_rows,
            bytes: 0,
            rows: 0,
            forced: forced.into_iter().collect(),
            rejects: RejectFile::new(out_dir),
            rejected: 0,
        })
    }

    /// Why a row does not fit the types that the user set.
    fn misfit(&self, row: &Row) -> Option<String> {
        if self.forced.is_empty() {
            return None;
        }
        row.cells.iter().find_map(|(column, cell)| {
            let at = self.places.get(*column as usize).copied().flatten()?;
            let kind = self.forced.get(&at)?;
            let (Cell::Value(text) | Cell::Text(text)) = cell else { return None };
            misfit_reason(text, *kind, &self.columns.get(at)?.name)
        })
    }

    pub(super) fn row(&mut self, row: &Row) -> Result<(), Error> {
        if let Some(reason) = self.misfit(row) {
            let cells: Vec<&str> = row.cells.iter().map(|(_, cell)| cell.text()).collect();
            self.rejects.write(&Reject::new(u64::from(row.number) + 1, reason, &cells.join("\t")))?;
            self.rejected += 1;
            return Ok(());
        }
        let mut cells = row.cells.iter().peekable();
        for (column, place) in self.places.iter().enumerate() {
            let cell = cells.next_if(|(c, _)| *c as usize == column).map(|(_, cell)| cell);
            let Some(builder) = place.and_then(|at| self.builders.get_mut(at)) else { continue };
            match cell {
                None => builder.push_absent(),
                Some(Cell::Error(token)) => builder.push_missing(token),
                Some(Cell::Value(text) | Cell::Text(text)) => {
                    self.bytes += text.len() as u64;
                    builder.push_as(text, Origin::Literal);
                }
            }
        }
        self.rows += 1;
        self.batch += 1;
        if self.batch >= self.batch_rows || self.bytes >= BATCH_BYTES { self.cut() } else { Ok(()) }
    }

    pub(super) fn cut(&mut self) -> Result<(), Error> {
        if self.batch > 0 {
            if self.builders.iter().any(|b| b.misfit) {
                return Err(Error::Internal("a sheet read differently the second time".to_owned()));
            }
            let columns = self.builders.iter_mut().map(|b| b.take(0)).collect();
            let frame = DataFrame::new(self.batch, columns).map_err(|e| Error::Internal(e.to_string()))?;
            self.writer.write(self.writer.encode(&frame)?)?;
        }
        (self.batch, self.bytes) = (0, 0);
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(Vec<Column>, Vec<Nulls>), Error> {
        self.cut()?;
        self.writer.finish()?;
        self.rejects.finish()?;
        Ok((self.columns, self.builders.iter().map(|b| b.nulls.to_map()).collect()))
    }
}
