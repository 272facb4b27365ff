//! Small shell children that stand for workers, and waiting for a condition.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::child::Child;
use super::process::Known;
use super::spawn::{SpawnRequest, Spawner, WorkerProgram};

/// Starts shell scripts as children. A spawner has one program, so there is one for each script; they share what
/// they know.
pub(super) struct Sh {
    known: Known,
    spawners: Mutex<Vec<Spawner>>,
}

impl Sh {
    pub(super) fn start() -> Self {
        Self { known: Known::default(), spawners: Mutex::default() }
    }

    pub(super) fn spawner(&self, script: &str) -> Spawner {
        let program = WorkerProgram { exe: "/bin/sh".into(), args: vec!["-c".into(), script.into()] };
        let spawner = Spawner::start_sharing(program, self.known.clone(), Err("a test".into())).unwrap();
        self.spawners.lock().unwrap().push(spawner.clone());
        spawner
    }

    pub(super) async fn spawn(&self, script: &str) -> Child {
        self.spawner(script).spawn(SpawnRequest::default()).await.unwrap()
    }

    pub(super) fn last(&self) -> Spawner {
        self.spawners.lock().unwrap().last().cloned().unwrap()
    }
}

/// Waits until a condition holds.
pub(super) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
