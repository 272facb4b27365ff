//! A column's numbers in ascending order, in bounded memory: sorted whole where they fit, else range by range, each
//! range in a pass of its own. So order statistics and the count of different values are exact at any size.

use crate::error::Error;

/// Numbers held at a time: 128 MiB.
pub(crate) const HELD: usize = 16 << 20;

/// Ranges that a pass tells apart.
const BUCKETS: usize = 1 << 16;

/// Numbers in ascending order.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Chunk<'a> {
    /// Sorted keys.
    Sorted(&'a [u64]),
    /// One key, so many times.
    Same(u64, u64),
}

/// A pass over all keys of a column, in any pieces, the same keys each time.
pub(crate) type Pass<'a> = dyn Fn(&mut dyn FnMut(&[u64])) -> Result<(), Error> + 'a;

/// Hands all keys between `low` and `high` (both included; there are `count`) to `take` in ascending order, holding
/// `held` at most.
pub(crate) fn ascending(
    pass: &Pass<'_>,
    (low, high): (u64, u64),
    count: u64,
    held: usize,
    take: &mut dyn FnMut(Chunk<'_>),
) -> Result<(), Error> {
    if count == 0 {
        return Ok(());
    }
    if low == high {
        take(Chunk::Same(low, count));
        return Ok(());
    }
    if count <= held as u64 {
        let mut keys = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
        pass(&mut |part| keys.extend(part.iter().filter(|k| (low..=high).contains(*k))))?;
        keys.sort_unstable();
        take(Chunk::Sorted(&keys));
        return Ok(());
    }
    // The range is cut into equal ones, and neighbours are joined for as long as they fit. One that does not fit is
    // 65,536 times narrower than this one, so this ends after four levels.
    let bits = u64::BITS - (high - low).leading_zeros();
    let shift = bits.saturating_sub(BUCKETS.trailing_zeros());
    let mut counts = vec![0u64; BUCKETS];
    pass(&mut |part| {
        for key in part.iter().filter(|k| (low..=high).contains(*k)) {
            if let Some(count) = counts.get_mut(((key - low) >> shift) as usize) {
                *count += 1;
            }
        }
    })?;
    let start = |bucket: usize| low + ((bucket as u64) << shift);
    let end = |bucket: usize| start(bucket).saturating_add((1 << shift) - 1).min(high);
    let mut group: Option<(usize, u64)> = None;
    for (bucket, &more) in counts.iter().enumerate() {
        match group {
            Some((_, 0)) | None => group = Some((bucket, more)),
            Some((first, sum)) if sum + more > held as u64 => {
                ascending(pass, (start(first), end(bucket - 1)), sum, held, take)?;
                group = Some((bucket, more));
            }
            Some((first, sum)) => group = Some((first, sum + more)),
        }
    }
    match group {
        Some((first, sum)) => ascending(pass, (start(first), high), sum, held, take),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walked(keys: &[u64], held: usize) -> (Vec<u64>, usize) {
        let (low, high) = (*keys.iter().min().unwrap(), *keys.iter().max().unwrap());
        let mut found = Vec::new();
        let mut largest = 0;
        let pass = |take: &mut dyn FnMut(&[u64])| {
            keys.chunks(100).for_each(take);
            Ok(())
        };
        ascending(&pass, (low, high), keys.len() as u64, held, &mut |chunk| match chunk {
            Chunk::Sorted(keys) => {
                largest = largest.max(keys.len());
                found.extend_from_slice(keys);
            }
            Chunk::Same(key, n) => found.extend(std::iter::repeat_n(key, n as usize)),
        })
        .unwrap();
        (found, largest)
    }

    #[test]
    fn ranges_give_the_same_order_as_one_sort_and_hold_no_more_than_they_may() {
        let mut state = 88_172_645_463_325_252u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let spread: Vec<u64> = (0..5_000).map(|_| random()).collect();
        let narrow: Vec<u64> = (0..5_000).map(|_| (1 << 63) + random() % 700).collect();
        // Nearly all in one place, at both ends of the range, and one value over and over.
        let mut lumped: Vec<u64> = (0..3_000).map(|i| 1_000_000 + i % 3_000).collect();
        lumped.extend([0, u64::MAX, u64::MAX, u64::MAX - 1]);
        lumped.extend(std::iter::repeat_n(1_000_500, 4_000));
        for keys in [spread, narrow, lumped, vec![7; 900]] {
            let mut sorted = keys.clone();
            sorted.sort_unstable();
            for held in [50, 1_000, 100_000] {
                let (found, largest) = walked(&keys, held);
                assert!(found == sorted, "held {held}");
                assert!(largest <= held);
            }
        }
    }
}
