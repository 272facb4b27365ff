//! The thread that listens to the daemon while the main thread works.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender as ChannelSender;

use dropforge_shared::work::{self, ReadRequest, ToWorker};

use crate::{EXIT_ABANDONED, EXIT_PROTOCOL};

/// Listens to an attempt's daemon: sets the flag on a cancel, ends the process when the input ends. To be called
/// after the sandbox is up, so that the thread is confined too.
pub(crate) fn watch_attempt(input: File, cancel: Arc<AtomicBool>) -> io::Result<()> {
    listen(input, move |frame| match frame {
        ToWorker::Cancel => cancel.store(true, Ordering::Relaxed),
        ToWorker::Start(_) | ToWorker::Read(_) => broken("a running attempt takes no other work"),
    })
}

/// Listens to a reader's daemon: hands on requests, ends the process when the input ends.
pub(crate) fn watch_reader(input: File, requests: ChannelSender<ReadRequest>) -> io::Result<()> {
    listen(input, move |frame| match frame {
        ToWorker::Read(request) => {
            if requests.send(request).is_err() {
                std::process::exit(0);
            }
        }
        // A reader's request is short, and the daemon ends a child that takes too long.
        ToWorker::Cancel => {}
        ToWorker::Start(_) => broken("this child was started as a reader"),
    })
}

fn listen(mut input: File, mut on_frame: impl FnMut(ToWorker) + Send + 'static) -> io::Result<()> {
    let body = move || {
        loop {
            match work::read_frame::<ToWorker>(&mut input) {
                Ok(Some(frame)) => on_frame(frame),
                // The daemon went away, perhaps in the middle of a frame: nobody waits for a result any more.
                Ok(None) => std::process::exit(i32::from(EXIT_ABANDONED)),
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                    std::process::exit(i32::from(EXIT_ABANDONED))
                }
                Err(e) => broken(&format!("a frame from the daemon can't be read: {e}")),
            }
        }
    };
    std::thread::Builder::new().name("control".into()).spawn(body).map(drop)
}

fn broken(why: &str) {
    crate::complain(&format!("the worker protocol was broken: {why}"));
    std::process::exit(i32::from(EXIT_PROTOCOL));
}
