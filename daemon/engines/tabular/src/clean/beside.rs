//! Threads before and behind the steps: while one block goes through them, the next is read and the one before is written.
//! Blocks stay in order, and no more than one waits at each place, so memory does not grow.

use std::sync::mpsc::sync_channel;

use crate::error::Error;
use crate::parquet::guarded_work;

/// Hands `take` on this thread, in order, what `make` makes of each of `all` on another. Ends with the first error of either.
pub(super) fn ahead<I: Send, T: Send>(
    all: impl ExactSizeIterator<Item = I> + Send,
    make: impl Fn(I) -> Result<T, Error> + Sync,
    mut take: impl FnMut(T) -> Result<(), Error>,
) -> Result<(), Error> {
    // A thread for one block would only be waited for.
    if all.len() < 2 {
        return all.map(&make).try_for_each(|made| take(made?));
    }
    let (sender, receiver) = sync_channel(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let sender = sender;
            for item in all {
                let made = guarded_work(|| make(item));
                let failed = made.is_err();
                // Nobody listens any more where `take` failed.
                if sender.send(made).is_err() || failed {
                    return;
                }
            }
        });
        // Dropped where this ends, so that the other thread does as well.
        receiver.into_iter().try_for_each(|made| take(made?))
    })
}

/// Runs `feed` on this thread; what it hands over goes to `work` on another, in order. Ends when all is worked on.
pub(super) fn behind<T: Send>(
    work: impl Fn(T) -> Result<(), Error> + Sync,
    feed: impl FnOnce(&mut dyn FnMut(T) -> Result<(), Error>) -> Result<(), Error>,
) -> Result<(), Error> {
    let (sender, receiver) = sync_channel(0);
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| guarded_work(|| receiver.into_iter().try_for_each(&work)));
        // What stopped the other thread is told below.
        let gone = |_| Error::Internal("the thread that writes ended".to_owned());
        let fed = feed(&mut |item| sender.send(item).map_err(gone));
        drop(sender);
        let done =
            worker.join().unwrap_or_else(|_| Err(Error::Internal("the thread that writes failed".into())));
        done.and(fed)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn odd(n: u32) -> Error {
        Error::Internal(format!("{n} is odd"))
    }

    #[test]
    fn all_comes_in_order() {
        let mut seen = Vec::new();
        let keep = |n| {
            seen.push(n);
            Ok(())
        };
        ahead(0..100u32, |n| Ok(n * 2), keep).unwrap();
        assert_eq!(seen, (0..100).map(|n| n * 2).collect::<Vec<_>>());
        let written = Mutex::new(Vec::new());
        let write = |n: u32| {
            written.lock().unwrap().push(n);
            Ok(())
        };
        behind(write, |hand| (0..100).try_for_each(hand)).unwrap();
        assert_eq!(written.into_inner().unwrap(), (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn the_first_error_ends_it_wherever_it_comes_from() {
        for count in [1, 50u32] {
            let made = ahead(0..count, |n| if n % 8 == 0 { Err(odd(n)) } else { Ok(n) }, |_| Ok(()));
            assert!(made.unwrap_err().to_string().contains("0 is odd"));
        }
        let mut taken = 0;
        let three_at_most = |n| {
            taken += u32::from(n != 3);
            if n == 3 { Err(odd(n)) } else { Ok(()) }
        };
        let took = ahead(0..50u32, Ok, three_at_most);
        assert!(took.unwrap_err().to_string().contains("3 is odd"));
        assert_eq!(taken, 3);
        let worked =
            behind(|n: u32| if n == 3 { Err(odd(n)) } else { Ok(()) }, |hand| (0..50).try_for_each(hand));
        assert!(worked.unwrap_err().to_string().contains("3 is odd"));
        let fed = behind(|_: u32| Ok(()), |hand| hand(1).and(Err(odd(7))));
        assert!(fed.unwrap_err().to_string().contains("7 is odd"));
    }

    #[test]
    fn a_panic_on_the_other_thread_is_an_error() {
        let made = ahead(0..5u32, |n| if n == 2 { panic!("made badly") } else { Ok(n) }, |_| Ok(()));
        assert!(made.unwrap_err().to_string().contains("made badly"));
        let worked = behind(|_: u32| panic!("written badly"), |hand| (0..5).try_for_each(hand));
        assert!(worked.unwrap_err().to_string().contains("written badly"));
    }
}
