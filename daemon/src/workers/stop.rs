//! Stops a child in three steps, each with its time: a message, SIGTERM, SIGKILL. Whatever the child does it is gone
//! within 16 seconds: it may ignore the first two, and be stopped by a debugger, but not the third.

use std::process::ExitStatus;
use std::time::Duration;

use dropforge_shared::work::{FromWorker, ToWorker};

use super::child::Child;
use super::process::Signal;

/// How long each step is given before the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grace {
    /// After the message.
    pub message: Duration,
    /// After SIGTERM.
    pub term: Duration,
}

impl Default for Grace {
    fn default() -> Self {
        Self { message: Duration::from_secs(5), term: Duration::from_secs(5) }
    }
}

/// How long the kernel may take over SIGKILL: only a process that hangs in a disk or network call takes long.
const KILL: Duration = Duration::from_secs(5);
/// What a child sent before its end is in the pipe; only a process that escaped from it could keep the pipe open.
const LEFT_IN_PIPE: Duration = Duration::from_millis(500);

/// The step that ended a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopStep {
    /// It heard the message.
    Message,
    /// SIGTERM.
    Term,
    /// SIGKILL.
    Kill,
}

/// How a stop went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// The last step that was taken.
    pub step: StopStep,
    /// How the child ended; `None` where the kernel has not let go of it yet. It runs no instruction of its own any
    /// more, and is reaped when it can be.
    pub status: Option<ExitStatus>,
}

/// Stops a child; what it still sends goes to `on_frame`. It may be its result: the work can end by itself while the
/// message is on its way.
pub async fn stop_with(child: &mut Child, grace: Grace, mut on_frame: impl FnMut(FromWorker)) -> Stopped {
    let asked = async {
        // A child that has ended, or reads nothing, is dealt with by what follows.
        let _ = child.send(&ToWorker::Cancel).await;
        last_words(child, &mut on_frame).await
    };
    if let Ok(status) = tokio::time::timeout(grace.message, asked).await {
        return Stopped { step: StopStep::Message, status: Some(status) };
    }
    child.signal_group(Signal::TERM);
    // One that was stopped (SIGSTOP) meets the signal before it only when it goes on.
    child.signal_group(Signal::CONT);
    if let Ok(status) = tokio::time::timeout(grace.term, last_words(child, &mut on_frame)).await {
        return Stopped { step: StopStep::Term, status: Some(status) };
    }
    child.signal_group(Signal::KILL);
    let status = tokio::time::timeout(KILL, last_words(child, &mut on_frame)).await.ok();
    Stopped { step: StopStep::Kill, status }
}

/// Reads what the child sends until it has ended and all was read.
async fn last_words(child: &mut Child, on_frame: &mut impl FnMut(FromWorker)) -> ExitStatus {
    let process = child.process().clone();
    let mut open = true;
    let status = loop {
        tokio::select! {
            frame = child.recv(), if open => match frame {
                Ok(Some(frame)) => on_frame(frame),
                Ok(None) | Err(_) => open = false,
            },
            status = process.exited() => break status,
        }
    };
    let rest = async {
        while let Ok(Some(frame)) = child.recv().await {
            on_frame(frame);
        }
    };
    let _ = tokio::time::timeout(LEFT_IN_PIPE, rest).await;
    status
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::time::Instant;

    use dropforge_shared::work;

    use super::super::testing::{Sh, eventually};
    use super::*;

    const SHORT: Grace = Grace { message: Duration::from_millis(150), term: Duration::from_millis(150) };

    async fn ready(child: &mut Child) {
        assert_eq!(child.take_stderr().unwrap().next().await.as_deref(), Some("up"));
    }

    #[test]
    fn the_times_together_stay_under_16_seconds() {
        let grace = Grace::default();
        assert!(grace.message + grace.term + KILL + LEFT_IN_PIPE < Duration::from_secs(16));
    }

    #[tokio::test]
    async fn a_child_that_hears_the_message_is_not_signalled_and_its_last_word_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let last = FromWorker::Ready { sandbox: "last word".into() };
        std::fs::write(dir.path().join("frame"), work::encode(&last).unwrap()).unwrap();
        let sh = Sh::start();
        let mut child = sh.spawn(&format!("head -c 1 >/dev/null; cat {}/frame", dir.path().display())).await;
        let mut seen = Vec::new();
        let stopped = stop_with(&mut child, Grace::default(), |frame| seen.push(frame)).await;
        assert_eq!(stopped.step, StopStep::Message);
        assert!(stopped.status.unwrap().success());
        assert_eq!(seen, [last]);
    }

    #[tokio::test]
    async fn a_deaf_child_ends_by_sigterm() {
        let sh = Sh::start();
        let mut child = sh.spawn("echo up >&2; exec sleep 1000").await;
        ready(&mut child).await;
        let stopped = stop_with(&mut child, SHORT, drop).await;
        assert_eq!((stopped.step, stopped.status.unwrap().signal()), (StopStep::Term, Some(15)));
    }

    #[tokio::test]
    async fn a_child_that_ignores_sigterm_is_killed() {
        let sh = Sh::start();
        let mut child = sh.spawn("trap '' TERM; echo up >&2; while :; do sleep 0.05; done").await;
        ready(&mut child).await;
        let began = Instant::now();
        let stopped = stop_with(&mut child, SHORT, drop).await;
        assert_eq!((stopped.step, stopped.status.unwrap().signal()), (StopStep::Kill, Some(9)));
        assert!(began.elapsed() >= SHORT.message + SHORT.term);
        assert!(!child.identity().is_alive());
    }

    #[tokio::test]
    async fn a_child_that_is_stopped_and_deaf_is_killed_too() {
        let sh = Sh::start();
        let mut child = sh.spawn("trap '' TERM CONT; echo up >&2; while :; do kill -STOP $$; done").await;
        ready(&mut child).await;
        let pid = child.process().pid();
        eventually("it is stopped", || {
            dropforge_shared::identity::stat(pid).is_some_and(|stat| stat.state == 'T')
        })
        .await;
        let stopped = stop_with(&mut child, SHORT, drop).await;
        assert_eq!((stopped.step, stopped.status.unwrap().signal()), (StopStep::Kill, Some(9)));
    }

    #[tokio::test]
    async fn a_child_that_floods_its_output_while_it_is_stopped_does_not_hold_up_the_stop() {
        let frame = work::encode(&FromWorker::Ready { sandbox: "x".repeat(4000) }).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("frame");
        std::fs::write(&path, frame).unwrap();
        let sh = Sh::start();
        let mut child = sh.spawn(&format!("trap '' TERM; while :; do cat {}; done", path.display())).await;
        let stopped = stop_with(&mut child, SHORT, drop).await;
        assert_eq!(stopped.step, StopStep::Kill);
        assert!(stopped.status.is_some());
    }
}
