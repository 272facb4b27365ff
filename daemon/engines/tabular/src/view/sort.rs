//! In which order a view shows its rows.
//!
//! Each key of the order is packed into 64 bits: numbers so that their bits sort as they do, texts by their first eight
//! bytes. Rows are sorted by these and by their place in the file, so that ties keep the file's order; texts that begin
//! alike are compared in full. Not-a-number comes after all numbers, missing values after everything, either way up.

use dropforge_shared::query::SortKey;

use super::columns::{Table, Values, each};
use super::find;
use crate::error::Error;

/// Memory that sorting may take, in bytes: the packed keys and the texts.
const MAX_BYTES: u64 = 512 << 20;

/// What not-a-number is packed as; no other number is, whichever way up.
const NAN: u64 = u64::MAX;

/// Sorts `rows`, which stand in file order.
pub(super) fn sort(table: &Table, mut rows: Vec<u32>, keys: &[SortKey]) -> Result<Vec<u32>, Error> {
    // Where a new run of rows begins that are alike so far.
    let mut runs: Vec<usize> = vec![0];
    for key in keys {
        let column = find(&key.column, &table.columns)?;
        let needed = rows.len() as u64 * 20 + table.bytes(column);
        if needed > MAX_BYTES {
            return Err(Error::Limit {
                what: format!("sorting {} rows by \"{}\" ({} MB)", rows.len(), key.column, needed >> 20),
                place: "the view".into(),
                limit: format!("{} MB", MAX_BYTES >> 20),
                way_out: "filter first, or sort with a query",
            });
        }
        let groups = table.groups();
        let values = each(groups.len(), |group| table.read(group, column, None))?;
        let mut starts = vec![0usize];
        for group in &values {
            starts.push(starts.last().copied().unwrap_or(0) + group.len());
        }
        let one = Key { values: &values, starts: &starts, descending: key.descending };
        runs = one.refine(&mut rows, &runs);
    }
    Ok(rows)
}

struct Key<'a> {
    values: &'a [Values],
    /// The first row of each group, and the end.
    starts: &'a [usize],
    descending: bool,
}

impl Key<'_> {
    /// Sorts within the runs; gives the finer ones.
    fn refine(&self, rows: &mut [u32], runs: &[usize]) -> Vec<usize> {
        let mut finer = Vec::with_capacity(runs.len());
        for (at, start) in runs.iter().enumerate() {
            let end = runs.get(at + 1).copied().unwrap_or(rows.len());
            if end - start == 1 {
                finer.push(*start);
            } else if let Some(run) = rows.get_mut(*start..end) {
                self.run(run, *start, &mut finer);
            }
        }
        finer
    }

    fn run(&self, rows: &mut [u32], base: usize, finer: &mut Vec<usize>) {
        let mut packed: Vec<(u64, u32)> = Vec::with_capacity(rows.len());
        let mut missing: Vec<u32> = Vec::new();
        let floats = matches!(self.values.first(), Some(Values::Float(_)));
        for row in rows.iter() {
            match self.bits(*row) {
                Some(NAN) if floats => packed.push((NAN, *row)),
                Some(bits) => packed.push((if self.descending { !bits } else { bits }, *row)),
                None => missing.push(*row),
            }
        }
        packed.sort_unstable();
        missing.sort_unstable();
        let texts = matches!(self.values.first(), Some(Values::Text(_)));
        let mut start = 0;
        while let Some((bits, _)) = packed.get(start) {
            let len =
                packed.get(start..).unwrap_or_default().iter().take_while(|(other, _)| other == bits).count();
            if let Some(alike) = packed.get_mut(start..start + len).filter(|_| texts) {
                self.texts(alike, base + start, finer);
            } else {
                finer.push(base + start);
            }
            start += len;
        }
        if !missing.is_empty() {
            finer.push(base + packed.len());
        }
        for (place, row) in rows.iter_mut().zip(packed.iter().map(|(_, row)| *row).chain(missing)) {
            *place = row;
        }
    }

    /// Sorts texts whose first bytes are alike.
    fn texts(&self, alike: &mut [(u64, u32)], base: usize, finer: &mut Vec<usize>) {
        let text = |row: u32| self.text(row);
        alike.sort_by(|a, b| {
            let order = text(a.1).cmp(text(b.1));
            if self.descending { order.reverse() } else { order }
        });
        let mut last = None;
        for (at, (_, row)) in alike.iter().enumerate() {
            let text = text(*row);
            if last != Some(text) {
                finer.push(base + at);
                last = Some(text);
            }
        }
    }

    fn place(&self, row: u32) -> Option<(&Values, usize)> {
        let row = row as usize;
        let group = self.starts.partition_point(|start| *start <= row).checked_sub(1)?;
        Some((self.values.get(group)?, row - self.starts.get(group)?))
    }

    fn text(&self, row: u32) -> &str {
        match self.place(row) {
            Some((Values::Text(array), row)) => array.value(row),
            _ => "",
        }
    }

    fn bits(&self, row: u32) -> Option<u64> {
        const SIGN: u64 = 1 << 63;
        let (values, row) = self.place(row)?;
        if values.is_null(row) {
            return None;
        }
        Some(match values {
            Values::Integer(a) => (a.value(row) as u64) ^ SIGN,
            Values::Day(a) => (i64::from(a.value(row)) as u64) ^ SIGN,
            Values::Boolean(a) => u64::from(a.value(row)),
            Values::Float(a) => {
                let value = a.value(row);
                if value.is_nan() {
                    return Some(NAN);
                }
                // Both zeros are one.
                let bits = (value + 0.0).to_bits();
                if bits & SIGN == 0 { bits | SIGN } else { !bits }
            }
            Values::Text(a) => {
                let mut first = [0u8; 8];
                for (place, byte) in first.iter_mut().zip(a.value(row).bytes()) {
                    *place = byte;
                }
                u64::from_be_bytes(first)
            }
        })
    }
}
