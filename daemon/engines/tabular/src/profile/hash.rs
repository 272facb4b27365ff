//! Hashes of cells, columns and rows: the same in every run, so that estimates are.

use std::hash::{BuildHasher, Hasher};

use foldhash::quality::FixedState;
use polars::prelude::{DataType, PolarsResult, Series};

use super::keys::Number;

/// Odd numbers without pattern (the digits of π, e and √2).
const PI: u64 = 0x2437_71b8_9a25_1c6d;
const E: u64 = 0xb7e1_5162_8aed_2a6b;
const ROOT: u64 = 0x6a09_e667_f3bc_c909;

/// A missing cell.
const ABSENT: u64 = 0x9b05_688c_2b3e_6c1f;

/// A hasher for keys that are hashes.
#[derive(Default, Clone)]
pub(crate) struct Through;

/// What [`Through`] builds.
pub(crate) struct Kept(u64);

impl Hasher for Kept {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|b| self.0 = self.0.rotate_left(8) ^ u64::from(*b));
    }
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl BuildHasher for Through {
    type Hasher = Kept;
    fn build_hasher(&self) -> Kept {
        Kept(0)
    }
}

/// The hash of a text.
pub(crate) fn hash(text: &str) -> u64 {
    FixedState::with_seed(0x6472_6f70).hash_one(text.as_bytes())
}

/// Another hash of a text: both together are 128 bits.
fn other_hash(text: &str) -> u64 {
    FixedState::with_seed(0x666f_7267).hash_one(text.as_bytes())
}

/// Mixes a cell into the hash of what came before.
fn mix(so_far: u64, cell: u64, factor: u64) -> u64 {
    let product = u128::from(so_far ^ cell) * u128::from(factor);
    (product as u64) ^ ((product >> 64) as u64).rotate_left(23) ^ factor
}

/// A hash of a column's cells in their order: equal columns have equal prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Print(u64, u64);

impl Default for Print {
    fn default() -> Self {
        Self(PI, ROOT)
    }
}

impl Print {
    /// Adds a cell, by its key or hash.
    pub(crate) fn add(&mut self, cell: Option<u64>) {
        let cell = cell.unwrap_or(ABSENT);
        self.0 = mix(self.0, cell, E);
        self.1 = mix(self.1, cell.rotate_left(32), PI);
    }
}

/// A cell on its way into a hash: a text, or the key of a number.
enum Cell<'a> {
    Text(Option<&'a str>),
    Number(Option<u64>),
}

/// Hands on each cell of a column that has a type of a dataset.
fn cells(series: &Series, mut each: impl FnMut(Cell<'_>)) -> PolarsResult<()> {
    match series.dtype() {
        DataType::String => series.str()?.iter().for_each(|text| each(Cell::Text(text))),
        DataType::Float64 => {
            let key = |v: f64| if v.is_nan() { ROOT } else { v.key() };
            series.f64()?.iter().for_each(|v| each(Cell::Number(v.map(key))));
        }
        DataType::Boolean => series.bool()?.iter().for_each(|v| each(Cell::Number(v.map(u64::from)))),
        _ => {
            let whole = series.to_physical_repr().cast(&DataType::Int64)?;
            whole.i64()?.iter().for_each(|v| each(Cell::Number(v.map(Number::key))));
        }
    }
    Ok(())
}

/// Mixes a part of a column into the 128-bit hashes of its rows: equal hashes are taken for equal rows.
pub(crate) fn add_to_rows(rows: &mut [u128], series: &Series) -> PolarsResult<()> {
    let mut rows = rows.iter_mut();
    cells(series, |cell| {
        let (one, other) = match cell {
            Cell::Text(Some(text)) => (hash(text), other_hash(text)),
            Cell::Text(None) => (ABSENT, ROOT),
            Cell::Number(key) => {
                let key = key.unwrap_or(ABSENT);
                (key, key.rotate_left(32))
            }
        };
        if let Some(row) = rows.next() {
            let low = mix(*row as u64, one, E);
            let high = mix((*row >> 64) as u64, other, PI);
            *row = u128::from(high) << 64 | u128::from(low);
        }
    })
}

/// Mixes a part of a column into 64-bit hashes of its rows, for what may take different rows for one.
pub(crate) fn add_to_rough(rows: &mut [u64], series: &Series) -> PolarsResult<()> {
    let mut rows = rows.iter_mut();
    cells(series, |cell| {
        let cell = match cell {
            Cell::Text(text) => text.map(hash),
            Cell::Number(key) => key,
        };
        if let Some(row) = rows.next() {
            *row = mix(*row, cell.unwrap_or(ABSENT), E);
        }
    })
}
