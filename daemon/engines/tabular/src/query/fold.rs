//! Folding the frames of a window, whatever is folded.

/// Which rows a window looks at, up to the row itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame {
    /// All before, and all that tie with it: `RANGE`.
    Peers,
    /// So many before, or all, and itself: `ROWS`.
    Rows(Option<usize>),
}

/// Folds the frame of each row of one part, and hands what comes out to `give`, in order. `begins` says where rows begin that
/// don't tie with the one before; there are as many rows. What is folded is never taken out again, so that a sum of fractions
/// is not spoilt by a great number that has gone by. Memory is taken for a frame of so many rows alone.
pub(super) fn folded<T: Copy>(
    value: impl Fn(usize) -> T,
    begins: &[bool],
    frame: Frame,
    add: impl Fn(T, T) -> T,
    mut give: impl FnMut(T),
) {
    let rows = begins.len();
    let more = |so_far: Option<T>, at: usize| so_far.map_or(value(at), |so_far| add(so_far, value(at)));
    let width = match frame {
        Frame::Peers => {
            let (mut start, mut so_far) = (0, None);
            while start < rows {
                let ties = begins.iter().skip(start + 1).take_while(|begins| !**begins).count() + 1;
                let all = (start..start + ties).fold(so_far, |so_far, at| Some(more(so_far, at)));
                so_far = all;
                all.into_iter().for_each(|all| (0..ties).for_each(|_| give(all)));
                start += ties;
            }
            return;
        }
        Frame::Rows(None) => rows.max(1),
        Frame::Rows(Some(before)) => before.saturating_add(1).min(rows).max(1),
    };
    // Blocks as wide as the frame: each frame is the end of one and the beginning of the next (van Herk, 1992).
    let mut tails: Vec<T> = Vec::new();
    for start in (0..rows).step_by(width) {
        let end = rows.min(start + width);
        let mut head = None;
        for at in start..end {
            let all = more(head, at);
            head = Some(all);
            give(tails.get(at - start + 1).map_or(all, |tail| add(*tail, all)));
        }
        if end < rows {
            tails.clear();
            for at in (start..end).rev() {
                let after = tails.last().copied();
                tails.push(after.map_or(value(at), |after| add(value(at), after)));
            }
            tails.reverse();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Frame;

    fn folded(values: &[i64], begins: &[bool], frame: Frame) -> Vec<i64> {
        let mut out = Vec::new();
        super::folded(|at| values[at], begins, frame, |a, b| a + b, |sum| out.push(sum));
        out
    }

    #[test]
    fn a_frame_has_the_rows_that_it_says() {
        let values: Vec<i64> = (1..=23).map(|n| n * n).collect();
        for before in 0..30 {
            let got = folded(&values, &[false; 23], Frame::Rows(Some(before)));
            assert_eq!(got.len(), 23);
            for (at, sum) in got.iter().enumerate() {
                let want: i64 = values[at.saturating_sub(before)..=at].iter().sum();
                assert_eq!(*sum, want, "{before} rows before row {at}");
            }
        }
    }

    #[test]
    fn rows_that_tie_share_the_value_of_the_last_of_them() {
        let begins = [true, false, true, true, false];
        assert_eq!(folded(&[1, 2, 3, 4, 5], &begins, Frame::Peers), [3, 3, 6, 15, 15]);
        assert_eq!(folded(&[1, 2, 3], &[true; 3], Frame::Rows(None)), [1, 3, 6]);
        assert_eq!(folded(&[], &[], Frame::Peers), [0; 0]);
    }
}
