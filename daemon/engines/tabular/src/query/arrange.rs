//! Rows in the order of a window: part by part, and by its keys in each, with rows that tie as they stand. Rows are sorted within
//! buckets by a hash of what they are parted by, on a few threads: numbers are compared where the values would have to be
//! fetched. Must not know what a window gives.

use std::cmp::Ordering;
use std::sync::{Mutex, PoisonError};

use polars::prelude::row_encode::_get_rows_encoded_arr;
use polars::prelude::{
    Column, DataFrame, IdxCa, IdxSize, IntoColumn as _, PolarsResult, Series, SortMultipleOptions,
    polars_bail,
};
use polars_arrow::array::BinaryArray;

use super::share;
use super::window::Window;

/// Rows of a bucket, about: what is sorted at once stays in the cache.
const BUCKET: usize = 1 << 15;

/// Threads that sort.
const THREADS: usize = 2;

/// Rows in the window's order.
pub(super) struct Order {
    /// The row of each place.
    pub(super) rows: Vec<IdxSize>,
    /// The places where a new part begins, and the end.
    pub(super) parts: Vec<usize>,
    /// Whether other keys begin at a place.
    pub(super) begins: Vec<bool>,
}

/// A row on its way to its place; where there is one part alone, its keys are looked up.
#[derive(Clone, Copy, Default)]
struct Entry {
    /// Of what it is parted by. Of a thousand million different parts two share one with a probability of about 10⁻²¹.
    part: u128,
    /// The first bytes of its keys.
    key: u64,
    row: IdxSize,
}

/// The keys of rows, as bytes that sort as they do.
struct Keys(Option<BinaryArray<i64>>);

impl Keys {
    fn of(window: &Window, keys: &[Series]) -> PolarsResult<Self> {
        if keys.is_empty() {
            return Ok(Self(None));
        }
        let columns: Vec<Column> = keys.iter().map(|s| s.clone().into_column()).collect();
        let down: Vec<bool> = window.keys.iter().map(|key| key.descending).collect();
        let last: Vec<bool> = window.keys.iter().map(|key| key.missing_last).collect();
        _get_rows_encoded_arr(&columns, &down, &last, false).map(Some).map(Self)
    }

    fn of_row(&self, row: IdxSize) -> &[u8] {
        self.0.as_ref().and_then(|keys| keys.get(row as usize)).unwrap_or_default()
    }

    fn first_bytes(&self, row: IdxSize) -> u64 {
        let mut first = [0; 8];
        first.iter_mut().zip(self.of_row(row)).for_each(|(to, from)| *to = *from);
        u64::from_be_bytes(first)
    }

    fn compare(&self, a: &Entry, b: &Entry) -> Ordering {
        let longer = || self.of_row(a.row).cmp(self.of_row(b.row));
        a.part.cmp(&b.part).then(a.key.cmp(&b.key)).then_with(longer)
    }
}

/// The order of rows by what the window is parted by and then its keys; `by` has the columns of both.
pub(super) fn order(window: &Window, by: &[Series], rows: usize) -> PolarsResult<Order> {
    let (parts, keys) = by.split_at(window.parts.min(by.len()));
    if keys.len() != window.keys.len() {
        polars_bail!(ComputeError: "a window of {} keys is given {}", window.keys.len(), keys.len());
    }
    let encoded = Keys::of(window, keys)?;
    let entries = if parts.is_empty() {
        whole(window, keys, rows)?
    } else {
        let parts: Vec<Column> = parts.iter().map(|s| s.clone().into_column()).collect();
        let (mut entries, ends) = in_buckets(&share::hashes(&parts)?, &encoded);
        sort(&mut entries, &ends, &encoded);
        entries
    };
    let mut order =
        Order { rows: Vec::with_capacity(rows), parts: Vec::new(), begins: Vec::with_capacity(rows) };
    let mut before: Option<&Entry> = None;
    for (place, entry) in entries.iter().enumerate() {
        if before.is_none_or(|before| before.part != entry.part) {
            order.parts.push(place);
        }
        order.begins.push(before.is_some_and(|before| encoded.compare(before, entry).is_ne()));
        order.rows.push(entry.row);
        before = Some(entry);
    }
    order.parts.push(rows);
    Ok(order)
}

/// All rows as one part. The engine sorts it on all processors.
fn whole(window: &Window, keys: &[Series], rows: usize) -> PolarsResult<Vec<Entry>> {
    let name = |at: usize| format!("k{at}");
    let mut columns: Vec<Column> =
        keys.iter().enumerate().map(|(at, s)| s.clone().with_name(name(at).into()).into_column()).collect();
    columns.push(IdxCa::from_vec("row".into(), (0..rows as IdxSize).collect()).into_column());
    let options = SortMultipleOptions::default()
        .with_order_descending_multi(window.keys.iter().map(|key| key.descending))
        .with_nulls_last_multi(window.keys.iter().map(|key| key.missing_last))
        .with_maintain_order(true);
    let sorted = DataFrame::new(rows, columns)?.sort((0..keys.len()).map(name), options)?;
    let row = sorted.column("row")?.as_materialized_series().idx()?;
    Ok(row.into_no_null_iter().map(|row| Entry { row, ..Entry::default() }).collect())
}

/// The rows by the first bits of their parts' hashes, and where each bucket ends.
fn in_buckets(parts: &[u128], keys: &Keys) -> (Vec<Entry>, Vec<usize>) {
    let bits = (parts.len() / BUCKET).next_power_of_two().trailing_zeros().min(12);
    // Of 128 bits none are left where there is one bucket.
    let bucket = |part: u128| part.checked_shr(128 - bits).unwrap_or(0) as usize;
    let mut ends = vec![0usize; 1 << bits];
    for part in parts {
        if let Some(count) = ends.get_mut(bucket(*part)) {
            *count += 1;
        }
    }
    let mut next = Vec::with_capacity(ends.len());
    let mut at = 0;
    for end in &mut ends {
        next.push(at);
        at += *end;
        *end = at;
    }
    let mut entries = vec![Entry::default(); parts.len()];
    for (row, part) in parts.iter().enumerate() {
        let row = row as IdxSize;
        if let Some(next) = next.get_mut(bucket(*part)) {
            if let Some(entry) = entries.get_mut(*next) {
                *entry = Entry { part: *part, key: keys.first_bytes(row), row };
            }
            *next += 1;
        }
    }
    (entries, ends)
}

/// Sorts each bucket. The sort is stable, and rows come as they stand.
fn sort(entries: &mut [Entry], ends: &[usize], keys: &Keys) {
    let mut buckets = Vec::with_capacity(ends.len());
    let mut rest = entries;
    let mut start = 0;
    for end in ends {
        let (bucket, others) = rest.split_at_mut(end - start);
        buckets.push(bucket);
        (rest, start) = (others, *end);
    }
    let left = Mutex::new(buckets);
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).pop();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(bucket) = next() {
                    bucket.sort_by(|a, b| keys.compare(a, b));
                }
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use polars::prelude::{Int64Chunked, IntoSeries as _, NamedFrom as _, NewChunkedArray as _};

    use super::super::fold::Frame;
    use super::super::window::{Key, What};
    use super::*;

    /// Rows in the order that a plain sort of tuples gives, part by part whatever the order of the parts.
    #[test]
    fn many_rows_come_as_a_plain_sort_has_them() {
        let rows = 150_000;
        let mut random = 1u64;
        let mut next = |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        // One part with a third of all, many small ones, and a missing one.
        let part = |n: u64| match n {
            0..10_000 => Some("much".to_owned()),
            10_000..10_100 => None,
            n => Some(format!("part {}", n % 7_000)),
        };
        let parts: Vec<Option<String>> = (0..rows).map(|_| part(next(30_000))).collect();
        let numbers: Vec<Option<i64>> =
            (0..rows).map(|_| (next(50) > 0).then(|| next(9) as i64 - 4)).collect();
        let texts: Vec<String> = (0..rows).map(|_| format!("a long beginning {}", next(5))).collect();
        let by = [
            Series::new("p".into(), parts.clone()),
            Int64Chunked::from_slice_options("n".into(), &numbers).into_series(),
            Series::new("t".into(), texts.clone()),
        ];
        let keys =
            vec![Key { descending: true, missing_last: true }, Key { descending: false, missing_last: true }];
        let window = |parts| Window {
            what: What::RowNumber,
            frame: Frame::Peers,
            parts,
            keys: keys.clone(),
            written: 0,
        };
        let key = |row: usize| (numbers[row].map_or(i64::MAX, |n| -n), texts[row].as_str());

        let found = order(&window(1), &by, rows).unwrap();
        let mut want: std::collections::BTreeMap<&Option<String>, Vec<usize>> = Default::default();
        (0..rows).for_each(|row| want.entry(&parts[row]).or_default().push(row));
        assert_eq!(found.parts.len(), want.len() + 1);
        for ends in found.parts.windows(2) {
            let place = &found.rows[ends[0]..ends[1]];
            let rows = want.get_mut(&parts[place[0] as usize]).unwrap();
            rows.sort_by_key(|row| (key(*row), *row));
            assert!(rows.iter().eq(place.iter().map(|row| *row as usize).collect::<Vec<_>>().iter()));
            for at in ends[0] + 1..ends[1] {
                let [before, row] = [found.rows[at - 1] as usize, found.rows[at] as usize];
                assert_eq!(found.begins[at], key(before) != key(row));
            }
        }

        let found = order(&window(0), &by[1..], rows).unwrap();
        let mut want: Vec<usize> = (0..rows).collect();
        want.sort_by_key(|row| (key(*row), *row));
        assert!(want.iter().eq(found.rows.iter().map(|row| *row as usize).collect::<Vec<_>>().iter()));
        assert_eq!(found.parts, [0, rows]);
    }
}
