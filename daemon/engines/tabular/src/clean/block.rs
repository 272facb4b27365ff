//! A part of a table on its way through the steps: columns by name, all of one height.

use std::path::Path;

use dropforge_shared::page::{Column, ColumnType};
use polars::prelude::{
    BooleanChunked, BooleanChunkedBuilder, ChunkedBuilder, Column as PolarsColumn, DataFrame, DataType,
    Field, Float64Chunked, Float64Type, Int32Type, Int64Type, IntoColumn, IntoSeries, NewChunkedArray,
    PlSmallStr, PolarsError, PrimitiveChunkedBuilder, Schema, Series, StringChunkedBuilder, TimeUnit,
};

use super::beside::ahead;
use crate::error::Error;
use crate::parquet::{Dataset, column_type};
use crate::types::dates;
use crate::write::ROW_GROUP_ROWS;

/// Cells that are read at a time at most: 4 Mi numbers are 32 MiB, and three blocks are under way at a time.
const BLOCK_CELLS: u64 = 4 << 20;

/// Some rows of some columns.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) columns: Vec<Series>,
    pub(crate) height: usize,
}

/// What Polars says about data of our own making is a fault of ours.
pub(crate) fn internal(error: PolarsError) -> Error {
    Error::Internal(error.to_string())
}

impl Block {
    pub(crate) fn new(frame: &DataFrame) -> Self {
        let columns = frame.columns().iter().map(|c| c.as_materialized_series().clone()).collect();
        Self { columns, height: frame.height() }
    }

    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|s| s.name().as_str() == name)
    }

    /// The column at its place.
    pub(crate) fn get(&self, name: &str) -> Result<&Series, Error> {
        self.columns
            .iter()
            .find(|s| s.name().as_str() == name)
            .ok_or_else(|| Error::Internal(format!("the column {name} is not in the block")))
    }

    /// Puts a column in place of one.
    pub(crate) fn replace(&mut self, name: &str, series: Series) -> Result<(), Error> {
        let slot = self.columns.iter_mut().find(|s| s.name().as_str() == name);
        let slot = slot.ok_or_else(|| Error::Internal(format!("the column {name} is not in the block")))?;
        *slot = series;
        Ok(())
    }

    /// Puts columns behind one, or in its place.
    pub(crate) fn expand(&mut self, name: &str, keep: bool, made: Vec<Series>) -> Result<(), Error> {
        let at = self
            .position(name)
            .ok_or_else(|| Error::Internal(format!("the column {name} is not in the block")))?;
        self.columns.splice(at + usize::from(keep)..=at, made);
        Ok(())
    }

    /// Keeps the rows that are marked.
    pub(crate) fn keep(&mut self, mask: &[bool]) -> Result<(), Error> {
        let height = mask.iter().filter(|k| **k).count();
        if height == self.height {
            return Ok(());
        }
        let mask = BooleanChunked::from_slice(PlSmallStr::EMPTY, mask);
        for column in &mut self.columns {
            *column = column.filter(&mask).map_err(internal)?;
        }
        self.height = height;
        Ok(())
    }

    pub(crate) fn slice(&self, offset: usize, length: usize) -> Self {
        let length = length.min(self.height.saturating_sub(offset));
        let columns = self.columns.iter().map(|s| s.slice(offset as i64, length)).collect();
        Self { columns, height: length }
    }

    pub(crate) fn nulls(&self) -> u64 {
        self.columns.iter().map(|s| s.null_count() as u64).sum()
    }

    pub(crate) fn into_frame(self) -> Result<DataFrame, Error> {
        let columns: Vec<PolarsColumn> = self.columns.into_iter().map(IntoColumn::into_column).collect();
        DataFrame::new(self.height, columns).map_err(internal)
    }
}

/// The schema that columns are written with.
pub(crate) fn schema(columns: &[Column]) -> Schema {
    columns.iter().map(|c| Field::new(PlSmallStr::from_str(&c.name), stored(c.kind))).collect()
}

fn stored(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Integer => DataType::Int64,
        ColumnType::Float => DataType::Float64,
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::Date => DataType::Date,
        ColumnType::Datetime => DataType::Datetime(TimeUnit::Microseconds, None),
        ColumnType::Text => DataType::String,
    }
}

/// Where blocks come from: a dataset, or its first rows, or some of its columns.
pub(crate) struct Source {
    dataset: Dataset,
    /// Offset and height of each block.
    parts: Vec<(u64, u64)>,
    /// Rows in all blocks.
    pub(crate) rows: u64,
}

impl Source {
    /// The first `limit` rows of a dataset.
    pub(crate) fn open(path: &Path, limit: u64) -> Result<Self, Error> {
        let dataset = Dataset::open(path)?;
        let rows = dataset.rows.min(limit);
        let width = dataset.columns.len().max(1) as u64;
        let most = (BLOCK_CELLS / width).clamp(256, ROW_GROUP_ROWS as u64);
        let mut parts: Vec<(u64, u64)> = Vec::new();
        let mut at = 0;
        // Whole row groups, as reading a part of one decodes all of it.
        for group in dataset.group_rows() {
            let mut left = group.min(rows.saturating_sub(at));
            if let Some((_, height)) = parts.last_mut().filter(|(_, height)| *height + left <= most) {
                *height += left;
                at += left;
                continue;
            }
            while left > 0 {
                let height = left.min(most);
                parts.push((at, height));
                at += height;
                left -= height;
            }
        }
        Ok(Self { dataset, parts, rows })
    }

    pub(crate) fn columns(&self) -> &[Column] {
        &self.dataset.columns
    }

    pub(crate) fn total_rows(&self) -> u64 {
        self.dataset.rows
    }

    /// Hands over blocks in order, of the columns that are wanted where that is said. While one is worked on, the next is read.
    pub(crate) fn each(
        &self,
        wanted: Option<&dyn Fn(&str) -> bool>,
        take: impl FnMut(Block) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let projection = wanted.map(|wanted| {
            let columns = self.dataset.columns.iter().enumerate();
            let mut wanted: Vec<usize> = columns.filter(|(_, c)| wanted(&c.name)).map(|(i, _)| i).collect();
            if wanted.is_empty() && !self.dataset.columns.is_empty() {
                // A block needs a column to have a height.
                wanted.push(0);
            }
            wanted
        });
        let read = |(offset, rows): &(u64, u64)| {
            self.dataset.read(projection.clone(), *offset, *rows).map(|frame| Block::new(&frame))
        };
        ahead(self.parts.iter(), read, take)
    }
}

/// The user's type of a column.
pub(crate) fn kind(series: &Series) -> ColumnType {
    column_type(series.dtype()).unwrap_or(ColumnType::Text)
}

/// A value of a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    Int(i64),
    Float(f64),
    Bool(bool),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01.
    Datetime(i64),
    Text(&'a str),
}

impl Value<'_> {
    /// As a person reads it, and as settings write it.
    pub(crate) fn display(self) -> String {
        match self {
            Self::Int(v) => v.to_string(),
            Self::Float(v) => v.to_string(),
            Self::Bool(v) => v.to_string(),
            Self::Date(v) => dates::iso_date(i64::from(v)),
            Self::Datetime(v) => dates::iso_datetime(v),
            Self::Text(v) => v.to_owned(),
        }
    }
}

/// Hands each cell of a column to `take`, in order.
pub(crate) fn each_value(series: &Series, mut take: impl FnMut(Option<Value<'_>>)) -> Result<(), Error> {
    let result = (|| {
        match series.dtype() {
            DataType::Int64 => series.i64()?.iter().for_each(|v| take(v.map(Value::Int))),
            DataType::Float64 => series.f64()?.iter().for_each(|v| take(v.map(Value::Float))),
            DataType::Boolean => series.bool()?.iter().for_each(|v| take(v.map(Value::Bool))),
            DataType::Date => {
                series.to_physical_repr().i32()?.iter().for_each(|v| take(v.map(Value::Date)));
            }
            DataType::Datetime(..) => {
                series.to_physical_repr().i64()?.iter().for_each(|v| take(v.map(Value::Datetime)));
            }
            _ => series.str()?.iter().for_each(|v| take(v.map(Value::Text))),
        }
        Ok(())
    })();
    result.map_err(internal)
}

/// The numbers of a numeric column.
pub(crate) fn floats(series: &Series) -> Result<Vec<Option<f64>>, Error> {
    let mut all = Vec::with_capacity(series.len());
    each_value(series, |value| {
        all.push(match value {
            Some(Value::Int(v)) => Some(v as f64),
            Some(Value::Float(v)) => Some(v),
            _ => None,
        });
    })?;
    Ok(all)
}

/// A float column.
pub(crate) fn float_series(name: &str, values: impl Iterator<Item = Option<f64>>) -> Series {
    Float64Chunked::from_iter_options(PlSmallStr::from_str(name), values).into_series()
}

enum Values {
    Int(PrimitiveChunkedBuilder<Int64Type>),
    Float(PrimitiveChunkedBuilder<Float64Type>),
    Bool(BooleanChunkedBuilder),
    Date(PrimitiveChunkedBuilder<Int32Type>),
    Datetime(PrimitiveChunkedBuilder<Int64Type>),
    Text(StringChunkedBuilder),
}

/// Builds a column cell by cell.
pub(crate) struct Cells(Values);

impl Cells {
    pub(crate) fn new(name: &str, kind: ColumnType, capacity: usize) -> Self {
        let name = PlSmallStr::from_str(name);
        Self(match kind {
            ColumnType::Integer => Values::Int(PrimitiveChunkedBuilder::new(name, capacity)),
            ColumnType::Float => Values::Float(PrimitiveChunkedBuilder::new(name, capacity)),
            ColumnType::Boolean => Values::Bool(BooleanChunkedBuilder::new(name, capacity)),
            ColumnType::Date => Values::Date(PrimitiveChunkedBuilder::new(name, capacity)),
            ColumnType::Datetime => Values::Datetime(PrimitiveChunkedBuilder::new(name, capacity)),
            ColumnType::Text => Values::Text(StringChunkedBuilder::new(name, capacity)),
        })
    }

    /// Adds a cell. One of another type than the column's is missing; an integer fits a float column.
    pub(crate) fn push(&mut self, value: Option<Value<'_>>) {
        match (&mut self.0, value) {
            (Values::Int(b), Some(Value::Int(v))) => b.append_value(v),
            (Values::Float(b), Some(Value::Float(v))) => b.append_value(v),
            (Values::Float(b), Some(Value::Int(v))) => b.append_value(v as f64),
            (Values::Bool(b), Some(Value::Bool(v))) => b.append_value(v),
            (Values::Date(b), Some(Value::Date(v))) => b.append_value(v),
            (Values::Datetime(b), Some(Value::Datetime(v))) => b.append_value(v),
            (Values::Text(b), Some(Value::Text(v))) => b.append_value(v),
            (Values::Int(b), _) => b.append_null(),
            (Values::Float(b), _) => b.append_null(),
            (Values::Bool(b), _) => b.append_null(),
            (Values::Date(b), _) => b.append_null(),
            (Values::Datetime(b), _) => b.append_null(),
            (Values::Text(b), _) => b.append_null(),
        }
    }

    pub(crate) fn finish(self) -> Series {
        match self.0 {
            Values::Int(b) => b.finish().into_series(),
            Values::Float(b) => b.finish().into_series(),
            Values::Bool(b) => b.finish().into_series(),
            Values::Date(b) => b.finish().into_date().into_series(),
            Values::Datetime(b) => b.finish().into_datetime(TimeUnit::Microseconds, None).into_series(),
            Values::Text(b) => b.finish().into_series(),
        }
    }
}
