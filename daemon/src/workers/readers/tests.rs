//! Warm readers: kept, replaced, ended.

use std::time::Instant;

use dropforge_shared::page::{Cell, Column, ColumnType, Page};
use dropforge_shared::work;

use super::super::testing::{Sh, eventually};
use super::*;

fn request() -> ReadRequest {
    ReadRequest::Page { dataset: "/data/dataset.parquet".into(), offset: 0, rows: 1 }
}

fn answer() -> ReadAnswer {
    ReadAnswer::Page(Page {
        columns: vec![Column { name: "n".into(), kind: ColumnType::Integer }],
        rows: vec![vec![Cell::Int(7)]],
        offset: 0,
        total_rows: 1,
        truncated_cells: 0,
    })
}

struct Fixture {
    dir: tempfile::TempDir,
    sh: Sh,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let frame = work::encode(&FromWorker::Answer(Ok(Box::new(answer())))).unwrap();
        std::fs::write(dir.path().join("answer"), frame).unwrap();
        Self { dir, sh: Sh::start() }
    }

    /// A pool whose readers wait for a whole request, tell their pid in the folder, and then do as `then` says.
    fn pool(&self, then: &str, change: impl FnOnce(&mut ReaderSettings)) -> ReaderPool {
        let len = work::encode(&ToWorker::Read(request())).unwrap().len();
        let script = format!(
            "cd {}; echo $$ >>pids; while [ $(head -c {len} | wc -c) = {len} ]; do {then}; done",
            self.dir.path().display()
        );
        let mut settings = ReaderSettings::new("/data".into());
        change(&mut settings);
        ReaderPool::new(self.sh.spawner(&script), settings)
    }

    fn started(&self) -> usize {
        std::fs::read_to_string(self.dir.path().join("pids")).unwrap_or_default().lines().count()
    }
}

#[tokio::test]
async fn a_reader_is_started_once_and_kept_warm_until_it_was_idle_for_long() {
    let fixture = Fixture::new();
    let pool = fixture.pool("cat answer", |s| s.idle = Duration::from_millis(300));
    assert_eq!(pool.idle_readers(), 0);
    for _ in 0..5 {
        assert_eq!(pool.ask(request()).await, Ok(answer()));
    }
    assert_eq!((fixture.started(), pool.idle_readers()), (1, 1));
    let process = pool.inner.idle().readers[0].1.child.process().clone();
    eventually("the idle reader has ended", || process.try_exited().is_some()).await;
    assert_eq!(pool.idle_readers(), 0);
    assert_eq!(pool.ask(request()).await, Ok(answer()), "the next request gets a new one");
    assert_eq!(fixture.started(), 2);
}

#[tokio::test]
async fn a_reader_that_holds_much_between_requests_makes_room_for_a_new_one() {
    let fixture = Fixture::new();
    let pool = fixture.pool("cat answer", |s| s.kept_bytes = 4 << 10);
    for _ in 0..3 {
        assert_eq!(pool.ask(request()).await, Ok(answer()));
        assert_eq!(pool.idle_readers(), 0);
    }
    assert_eq!(fixture.started(), 3);
}

#[tokio::test]
async fn requests_beyond_the_pool_wait_for_their_turn() {
    let fixture = Fixture::new();
    let pool = fixture.pool("sleep 0.05; cat answer", |_| {});
    let asked: Vec<_> = (0..8)
        .map(|_| {
            tokio::spawn({
                let pool = pool.clone();
                async move { pool.ask(request()).await }
            })
        })
        .collect();
    for one in asked {
        assert_eq!(one.await.unwrap(), Ok(answer()));
    }
    assert_eq!(fixture.started(), 2);
}

#[tokio::test]
async fn a_reader_that_dies_is_named_and_replaced() {
    let fixture = Fixture::new();
    let once = "if [ -e died ]; then cat answer; else touch died; kill -SEGV $$; fi";
    let pool = fixture.pool(once, |_| {});
    let fault = pool.ask(request()).await.unwrap_err();
    assert!(fault.message.contains("SIGSEGV"), "{fault}");
    assert_eq!(pool.ask(request()).await, Ok(answer()));
}

#[tokio::test]
async fn a_reader_that_died_while_idle_is_not_noticed_by_who_asks() {
    let fixture = Fixture::new();
    let pool = fixture.pool("cat answer", |_| {});
    pool.ask(request()).await.unwrap();
    let process = pool.inner.idle().readers[0].1.child.process().clone();
    process.signal_group(super::super::Signal::KILL);
    process.exited().await;
    assert_eq!(pool.ask(request()).await, Ok(answer()));
}

#[tokio::test]
async fn a_reader_that_ends_after_its_answer_is_replaced_without_a_word() {
    let fixture = Fixture::new();
    // As after a statement that ran out of time: answered, but still busy and about to end.
    let pool = fixture.pool("cat answer; sleep 0.2; exit 0", |_| {});
    for started in 1..4 {
        assert_eq!(pool.ask(request()).await, Ok(answer()));
        assert_eq!(fixture.started(), started);
    }
}

#[tokio::test]
async fn a_reader_that_takes_too_long_is_ended() {
    let fixture = Fixture::new();
    let pool = fixture.pool("echo $$ >slow; sleep 1000", |s| s.timeout = Duration::from_millis(400));
    let began = Instant::now();
    let fault = pool.ask(request()).await.unwrap_err();
    assert!(fault.message.contains("longer than 0.4 s"), "{fault}");
    assert!(began.elapsed() < Duration::from_secs(10));
    let pid = std::fs::read_to_string(fixture.dir.path().join("slow")).unwrap();
    let pid = pid.trim().parse().unwrap();
    eventually("it is gone", || {
        dropforge_shared::identity::stat(pid).is_none_or(|stat| stat.parent != std::process::id())
    })
    .await;
}
