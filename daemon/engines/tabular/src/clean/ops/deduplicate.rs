//! Keeps the first of equal rows.
//!
//! A row is known by 128 bits: two SipHashes with keys drawn anew in each run, so that no file can be made to collide.
//! Two of 28 million different rows share them with a probability of about 10⁻²⁴.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use dropforge_shared::steps::StepError;

use super::{Op, listed};
use crate::clean::block::{Block, Value, each_value};
use crate::clean::key::order_bits;
use crate::clean::settings::Bound;
use crate::error::Error;

/// Different rows that are told apart: their hashes then take 0.9 GB at most, while the set grows.
const MAX_ROWS: usize = 28_000_000;

/// The operation `deduplicate`.
pub(super) struct Deduplicate {
    /// Empty for the whole row.
    columns: Vec<String>,
    keys: [RandomState; 2],
    seen: HashSet<u128>,
    dropped: u64,
}

impl Deduplicate {
    pub(super) fn bind(bound: &Bound<'_>) -> Result<Self, StepError> {
        let columns = match bound.names_none() {
            true => Vec::new(),
            false => bound.columns(|_| true, "any columns")?,
        };
        Ok(Self {
            columns: columns.into_iter().map(|c| c.name).collect(),
            keys: [RandomState::new(), RandomState::new()],
            seen: HashSet::new(),
            dropped: 0,
        })
    }
}

impl Op for Deduplicate {
    fn touches(&self) -> Vec<&str> {
        self.columns.iter().map(String::as_str).collect()
    }

    fn takes_whole_rows(&self) -> bool {
        self.columns.is_empty()
    }

    fn restart(&mut self) {
        self.seen = HashSet::new();
        self.dropped = 0;
    }

    fn apply(&mut self, block: &mut Block) -> Result<(), Error> {
        let [first, second] = &self.keys;
        let mut rows: Vec<_> =
            (0..block.height).map(|_| (first.build_hasher(), second.build_hasher())).collect();
        let mut all = |series: &polars::prelude::Series| {
            let mut row = rows.iter_mut();
            each_value(series, |value| {
                let Some((a, b)) = row.next() else { return };
                let mut write = |bytes: &[u8]| {
                    a.write(bytes);
                    b.write(bytes);
                };
                // A mark before each value, and the length of a text, so that no two rows read the same.
                match value {
                    None => write(&[0]),
                    Some(Value::Int(v)) | Some(Value::Datetime(v)) => {
                        write(&[1]);
                        write(&v.to_le_bytes());
                    }
                    Some(Value::Float(v)) => {
                        write(&[1]);
                        write(&order_bits(v).to_le_bytes());
                    }
                    Some(Value::Bool(v)) => write(&[1, u8::from(v)]),
                    Some(Value::Date(v)) => {
                        write(&[1]);
                        write(&v.to_le_bytes());
                    }
                    Some(Value::Text(v)) => {
                        write(&[1]);
                        write(&(v.len() as u64).to_le_bytes());
                        write(v.as_bytes());
                    }
                }
            })
        };
        if self.columns.is_empty() {
            block.columns.iter().try_for_each(&mut all)?;
        }
        for name in &self.columns {
            all(block.get(name)?)?;
        }
        let mut mask = Vec::with_capacity(block.height);
        for (a, b) in rows {
            let new = self.seen.insert(u128::from(a.finish()) << 64 | u128::from(b.finish()));
            self.dropped += u64::from(!new);
            mask.push(new);
        }
        if self.seen.len() > MAX_ROWS {
            return Err(Error::Limit {
                what: "the number of different rows".to_owned(),
                place: "deduplicate".to_owned(),
                limit: format!("{MAX_ROWS} rows"),
                way_out: "leave the step out, or filter or split the table first",
            });
        }
        block.keep(&mask)
    }

    fn story(&self) -> String {
        match self.columns.len() {
            0 => "kept the first of equal rows".to_owned(),
            _ => format!(
                "kept the first of rows with equal {}",
                listed(self.columns.iter().map(String::as_str))
            ),
        }
    }

    fn notes(&self) -> Vec<String> {
        vec![format!("{} rows were there before", self.dropped)]
    }
}
