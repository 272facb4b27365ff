//! How files arrive: slowly, under a passing name, in a tree, before the daemon, while it is down, a thousand at once.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dropforge_shared::event::Change;
use dropforge_shared::ids::JobId;
use dropforge_shared::job::JobState;
use notify::event::Flag;
use notify::{Event, EventKind};

use super::super::service::Watching;
use super::super::watch::Signals;
use super::{Home, until, until_taken};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_file_becomes_a_file_a_job_and_is_moved() {
    let home = Home::new(|_| {});
    let inbox = home.start();
    until("the watch", || inbox.status().mode == "watching").await;
    home.drop_file("sales.csv", "a,b\n1,2\n");
    until_taken(&home, &inbox, 1).await;
    let file = home.files().remove(0);
    assert_eq!((file.name.as_str(), file.version, file.bytes), ("sales.csv", 1, 8));
    // printf 'a,b\n1,2\n' | sha256sum
    assert_eq!(file.sha256, "492d5ea496056f1a6a6592241032fab764c321596317930b4fa0e1e8bc3b7470");
    assert_eq!(home.content(&file), b"a,b\n1,2\n");
    let jobs = home.jobs();
    assert_eq!((jobs.len(), jobs[0].kind.as_str(), jobs[0].state), (1, "ingest", JobState::Queued));
    assert_eq!(jobs[0].file, Some(file.id.clone()));
    assert_eq!(home.wakes(), 1);
    until("the move", || home.paths.processed.join("sales.csv").exists()).await;
    assert!(home.in_inbox().is_empty());
    let changes = home.changes();
    assert!(changes.iter().any(|c| matches!(c, Change::File { file: f, .. } if *f == file.id)));
    assert!(changes.iter().any(|c| matches!(c, Change::Job { job, .. } if *job == jobs[0].id)));
    until("the list said empty", || home.changes().contains(&Change::Inbox { waiting: 0 })).await;
    assert_eq!(home.notices(), Vec::<String>::new());
    let audit = home.store.read(|tx| tx.audit(None, 10)).unwrap();
    assert!(audit.iter().any(|a| a.action == "add" && a.what == file.id.as_str()));
    inbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn that_the_folder_is_followed_is_told_to_who_listens_already() {
    let home = Home::new(|_| {});
    let inbox = home.start();
    until("word of it", || home.changes().contains(&Change::Inbox { waiting: 0 })).await;
    assert_eq!(inbox.status().mode, "watching");
    inbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_written_slowly_gives_one_job() {
    let home = Home::new(|c| c.settle_seconds = 1.0);
    let inbox = home.start();
    let path = home.paths.inbox.join("slow.csv");
    // 60 s scaled down: sixty pieces, each well within the time to settle.
    let mut file = File::create(&path).unwrap();
    for n in 0..60 {
        writeln!(file, "{n}").unwrap();
        tokio::time::sleep(Duration::from_millis(25)).await;
        assert!(home.files().is_empty(), "taken at piece {n}");
    }
    drop(file);
    until_taken(&home, &inbox, 1).await;
    assert_eq!(home.jobs().len(), 1);
    assert_eq!(home.content(&home.files()[0]).iter().filter(|b| **b == b'\n').count(), 60);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_pauses_is_waited_for_as_long_as_it_has_the_file_open() {
    let home = Home::new(|c| c.settle_seconds = 0.5);
    let inbox = home.start();
    let mut file = File::create(home.paths.inbox.join("stalled.csv")).unwrap();
    file.write_all(b"half,").unwrap();
    let waits = || inbox.status().items.first().is_some_and(|i| i.detail.contains("open for writing"));
    until("it to be seen open after it held still", waits).await;
    assert!(home.files().is_empty());
    file.write_all(b"whole").unwrap();
    drop(file);
    until_taken(&home, &inbox, 1).await;
    assert_eq!((home.content(&home.files()[0]).as_slice(), home.jobs().len()), (&b"half,whole"[..], 1));
    // One that is never closed is taken in the end.
    let mut file = File::create(home.paths.inbox.join("endless.log")).unwrap();
    file.write_all(b"so far").unwrap();
    until_taken(&home, &inbox, 2).await;
    drop(file);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_is_not_taken_until_it_has_its_name() {
    let home = Home::new(|_| {});
    let inbox = home.start();
    let part = home.drop_file("big.csv.part", "half");
    // A file that came later is taken: the scans have passed the part by.
    home.drop_file("other.csv", "other");
    until_taken(&home, &inbox, 1).await;
    fs::write(&part, "whole").unwrap();
    fs::rename(&part, home.paths.inbox.join("big.csv")).unwrap();
    until_taken(&home, &inbox, 2).await;
    assert_eq!(home.names(), [("big.csv".into(), 1), ("other.csv".into(), 1)]);
    assert_eq!(home.jobs().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reopening_and_closing_five_times_gives_one_job() {
    let home = Home::new(|c| c.settle_seconds = 1.0);
    let inbox = home.start();
    let path = home.drop_file("log.csv", "start\n");
    for n in 0..5 {
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        writeln!(file, "{n}").unwrap();
        drop(file);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    until_taken(&home, &inbox, 1).await;
    assert_eq!(home.jobs().len(), 1);
    assert_eq!(home.content(&home.files()[0]), b"start\n0\n1\n2\n3\n4\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_overflow_of_events_leads_to_a_scan() {
    let home = Home::new(|c| c.rescan_seconds = 3600.0);
    let signals = Arc::new(Signals::default());
    let inbox = home.start_with(Watching::Given(Arc::clone(&signals)));
    until("the first scan", || inbox.status().mode == "watching").await;
    home.drop_file("a.csv", "x");
    signals.on_event(Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan)));
    until_taken(&home, &inbox, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_single_hint_the_rescan_finds_it() {
    let home = Home::new(|c| c.rescan_seconds = 0.2);
    let inbox = home.start_with(Watching::Given(Arc::default()));
    until("the first scan", || inbox.status().mode == "watching").await;
    home.drop_file("a.csv", "x");
    until_taken(&home, &inbox, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_watching_fails_it_polls_and_says_so() {
    let home = Home::new(|c| (c.rescan_seconds, c.poll_seconds) = (3600.0, 0.1));
    let inbox = home.start_with(Watching::Refused("NFS does not report changes"));
    until("the mode", || inbox.status().mode.contains("polling every 0.1 s: NFS")).await;
    assert_eq!(home.notices().len(), 1);
    assert!(home.notices()[0].contains("NFS"), "{:?}", home.notices());
    home.drop_file("a.csv", "x");
    until_taken(&home, &inbox, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lies_there_at_the_start_and_what_came_while_it_was_down_is_taken() {
    let home = Home::new(|_| {});
    home.drop_file("before.csv", "1");
    let inbox = home.start();
    until_taken(&home, &inbox, 1).await;
    inbox.stop().await;
    home.drop_file("meanwhile.csv", "2");
    let again = home.start();
    until_taken(&home, &again, 2).await;
    assert_eq!(home.names(), [("before.csv".into(), 1), ("meanwhile.csv".into(), 1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tree_is_taken_with_its_paths_and_keeps_them() {
    let home = Home::new(|_| {});
    let inbox = home.start();
    home.drop_file("2026/may/a.csv", "a");
    home.drop_file("2026/june/a.csv", "b");
    home.drop_file("2026/.cache/x", "hidden");
    until_taken(&home, &inbox, 2).await;
    assert_eq!(home.names(), [("2026/june/a.csv".into(), 1), ("2026/may/a.csv".into(), 1)]);
    assert_eq!(fs::read(home.paths.processed.join("2026/may/a.csv")).unwrap(), b"a");
    // A folder that is new since the start is followed too.
    home.drop_file("2026/july/deep/er/b.csv", "c");
    until_taken(&home, &inbox, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_at_once_give_a_thousand() {
    let home = Home::new(|c| c.settle_seconds = 0.3);
    let inbox = home.start();
    for n in 0..1000 {
        home.drop_file(&format!("{n:04}.csv"), format!("n\n{n}\n"));
    }
    let begun = Instant::now();
    until_taken(&home, &inbox, 1000).await;
    eprintln!("1,000 files in {:.1} s", begun.elapsed().as_secs_f64());
    let jobs: std::collections::BTreeSet<JobId> = home.jobs().into_iter().map(|j| j.id).collect();
    assert_eq!((jobs.len(), home.wakes(), home.blobs()), (1000, 1000, (1000, 0)));
    for file in home.files() {
        let n: u32 = file.name.trim_end_matches(".csv").parse().unwrap();
        assert_eq!(home.content(&file), format!("n\n{n}\n").as_bytes());
    }
    assert!(home.in_inbox().is_empty());
    assert_eq!(fs::read_dir(&home.paths.processed).unwrap().count(), 1000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_inbox_that_is_removed_is_made_anew_and_followed() {
    let home = Home::new(|c| c.rescan_seconds = 3600.0);
    let inbox = home.start();
    until("the watch", || inbox.status().mode == "watching").await;
    for round in 1..=3usize {
        fs::remove_dir_all(&home.paths.inbox).unwrap();
        until("the folder", || home.paths.inbox.is_dir()).await;
        until("the notice", || home.notices().iter().filter(|n| n.contains("made anew")).count() == round)
            .await;
        home.drop_file(&format!("{round}.csv"), format!("{round}"));
        until_taken(&home, &inbox, round).await;
    }
    let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(&home.paths.inbox).unwrap());
    assert_eq!(mode & 0o777, 0o700);
    // Somebody else removes it and makes it at once, perhaps with the same inode.
    fs::remove_dir_all(&home.paths.inbox).unwrap();
    fs::create_dir(&home.paths.inbox).unwrap();
    home.drop_file("4.csv", "4");
    until_taken(&home, &inbox, 4).await;
    // A little later, so that only a new watch can have seen it.
    home.drop_file("5.csv", "5");
    until_taken(&home, &inbox, 5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_it_does_nothing() {
    let home = Home::new(|_| {});
    let inbox = home.start();
    home.drop_file("a.csv", "x");
    until_taken(&home, &inbox, 1).await;
    until("the list said empty", || home.changes().contains(&Change::Inbox { waiting: 0 })).await;
    let changes = home.changes().len();
    let looks = inbox.looks();
    // Long enough for a loop that feeds itself with hints to show.
    until("half a second", {
        let begun = Instant::now();
        move || begun.elapsed() > Duration::from_millis(500)
    })
    .await;
    assert!(inbox.looks() - looks <= 2, "{} scans while nothing happened", inbox.looks() - looks);
    assert_eq!(home.changes().len(), changes);
}
