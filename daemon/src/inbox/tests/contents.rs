//! What files hold and how they are called: duplicates, versions, odd names, nothing at all, projects, places.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use dropforge_shared::config::AfterIntake;
use dropforge_shared::event::Change;
use dropforge_shared::file::OnDuplicate;

use super::super::Folders;
use super::super::intake::DEFAULT_PROJECT;
use super::{Home, owner, until, until_taken};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_content_under_a_new_name_is_a_duplicate_without_a_second_copy() {
    let home = Home::new(|_| {});
    let inbox = home.start();
    home.drop_file("a.csv", "same");
    until_taken(&home, &inbox, 1).await;
    home.drop_file("b.csv", "same");
    until("the notice", || home.notices().iter().any(|n| n.contains("b.csv"))).await;
    until_taken(&home, &inbox, 1).await;
    assert_eq!(home.names(), [("a.csv".into(), 1)]);
    assert_eq!((home.jobs().len(), home.blobs()), (1, (1, 0)));
    let id = home.files()[0].id.to_string();
    assert!(home.notices()[0].contains(&id), "{:?}", home.notices());
    assert!(home.paths.processed.join("b.csv").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_duplicate_is_processed_again_where_that_is_asked_for() {
    let home = Home::new(|c| c.on_duplicate = OnDuplicate::Reprocess);
    let inbox = home.start();
    home.drop_file("a.csv", "same");
    until_taken(&home, &inbox, 1).await;
    home.drop_file("b.csv", "same");
    until("the second job", || home.jobs().len() == 2).await;
    until_taken(&home, &inbox, 1).await;
    let file = home.files()[0].id.clone();
    assert!(home.jobs().iter().all(|j| j.file.as_ref() == Some(&file)));
    assert_eq!(home.wakes(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_duplicates_at_once_give_one_file() {
    let home = Home::new(|_| {});
    for n in 0..40 {
        home.drop_file(&format!("{n}.csv"), "same");
    }
    let inbox = home.start();
    until("the inbox to empty", || home.in_inbox().is_empty()).await;
    until_taken(&home, &inbox, 1).await;
    assert_eq!((home.jobs().len(), home.blobs()), (1, (1, 0)));
    assert_eq!(fs::read_dir(&home.paths.processed).unwrap().count(), 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_name_with_new_content_is_a_new_version() {
    let home = Home::new(|_| {});
    let inbox = home.start();
    for n in 1..=3 {
        home.drop_file("a.csv", format!("content {n}"));
        until_taken(&home, &inbox, n).await;
    }
    assert_eq!(home.names(), [("a.csv".into(), 1), ("a.csv".into(), 2), ("a.csv".into(), 3)]);
    assert_eq!(fs::read(home.paths.processed.join("a.csv")).unwrap(), b"content 1");
    assert_eq!(fs::read(home.paths.processed.join("a (3).csv")).unwrap(), b"content 3");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_names_keep_their_bytes_and_are_safe_to_show() {
    let home = Home::new(|_| {});
    let inbox = home.start();
    let odd: [&[u8]; 4] =
        [b"caf\xe9.csv", b"\x1b[31mred.csv", b"two\nlines.csv", "\u{202e}vsc.exe".as_bytes()];
    for (n, name) in odd.iter().enumerate() {
        fs::write(home.paths.inbox.join(OsStr::from_bytes(name)), format!("{n}")).unwrap();
    }
    until_taken(&home, &inbox, 4).await;
    let names: Vec<_> = home.names().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["\u{1b}[31mred.csv", r"caf\xe9.csv", "two\nlines.csv", "\u{202e}vsc.exe"]);
    for name in odd {
        assert!(home.paths.processed.join(OsStr::from_bytes(name)).exists(), "{name:?}");
    }
    for change in home.changes() {
        if let Change::File { name, .. } = change {
            assert!(!name.chars().any(|c| c.is_control() || c == '\u{202e}'), "{name:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_file_is_taken_like_any_other() {
    let home = Home::new(|_| {});
    let inbox = home.start();
    home.drop_file("empty.csv", "");
    until_taken(&home, &inbox, 1).await;
    let file = home.files().remove(0);
    // The hash of nothing, as in FIPS 180-4's examples.
    assert_eq!(file.sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_eq!((file.bytes, home.content(&file).len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hidden_and_unfinished_names_are_ignored_without_a_word() {
    let home = Home::new(|_| {});
    for name in [".hidden", "a.tmp", "b.crdownload", "~$c.xlsx", "d~"] {
        home.drop_file(name, "x");
    }
    home.drop_file("z.csv", "taken");
    let inbox = home.start();
    until_taken(&home, &inbox, 1).await;
    assert_eq!(home.names(), [("z.csv".into(), 1)]);
    assert_eq!(home.in_inbox().len(), 5);
    assert_eq!((inbox.status().total, home.notices().len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_named_after_a_project_puts_files_into_it() {
    let home = Home::new(|_| {});
    let project = home.project("Sales").await;
    let inbox = home.start();
    home.drop_file("Sales/2026/a.csv", "a");
    home.drop_file("sales/b.csv", "b");
    home.drop_file("Sales.csv", "c");
    until_taken(&home, &inbox, 3).await;
    let usual = home.store.read(|tx| tx.project_named(owner(), DEFAULT_PROJECT)).unwrap().unwrap().id;
    let mut placed: Vec<_> = home.files().into_iter().map(|f| (f.name, f.project)).collect();
    placed.sort();
    let expected =
        [("2026/a.csv".into(), project), ("Sales.csv".into(), usual.clone()), ("sales/b.csv".into(), usual)];
    assert_eq!(placed, expected);
    assert!(home.paths.processed.join("Sales/2026/a.csv").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_are_left_are_taken_once_also_after_a_restart() {
    let change = |c: &mut dropforge_shared::config::Inbox| {
        c.after_intake = AfterIntake::Leave;
        c.on_duplicate = OnDuplicate::Reprocess;
        c.rescan_seconds = 0.05;
    };
    let home = Home::new(change);
    home.drop_file("a.csv", "1");
    let inbox = home.start();
    until_taken(&home, &inbox, 1).await;
    // Another file passes through; several scans have seen the first one lie there.
    home.drop_file("b.csv", "2");
    until_taken(&home, &inbox, 2).await;
    inbox.stop().await;
    let again = home.start();
    home.drop_file("c.csv", "3");
    until_taken(&home, &again, 3).await;
    assert_eq!((home.jobs().len(), home.notices()), (3, Vec::new()));
    assert_eq!(home.in_inbox(), ["a.csv", "b.csv", "c.csv"]);
    home.drop_file("a.csv", "changed");
    until_taken(&home, &again, 4).await;
    assert!(home.names().contains(&("a.csv".into(), 2)));
}

#[test]
fn configured_folders_count_from_the_home() {
    let home = Home::new(|_| {});
    let usual = Folders::of(&home.paths, &home.config);
    assert_eq!((&usual.inbox, &usual.processed), (&home.paths.inbox, &home.paths.processed));
    let mut config = home.config.clone();
    config.path = "/srv/drop".into();
    let set = Folders::of(&home.paths, &config);
    assert_eq!(set.processed, std::path::Path::new("/srv/processed"), "on the same disk as the inbox");
    config.processed = "done".into();
    assert_eq!(Folders::of(&home.paths, &config).processed, home.paths.home.join("done"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_file_is_kept_byte_for_byte_under_its_own_hash() {
    use sha2::{Digest as _, Sha256};
    // At, beside and far beyond the sizes at which threads begin to share the work, and with part of a piece at the end.
    for size in [(4 << 20) - 1, 4 << 20, (4 << 20) + 1, (35 << 20) + 77_777] {
        let home = Home::new(|_| {});
        let bytes: Vec<u8> = (0..size as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let path = home.drop_file("large.csv", &bytes);
        let outcome = home.add(&[&path], |_| {}).await.remove(0);
        assert!(outcome.fault.is_none(), "{:?}", outcome.fault);
        let file = home.files().remove(0);
        let sha256: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!((file.bytes, &file.sha256), (size as u64, &sha256));
        assert!(home.content(&file) == bytes, "{size} bytes are kept as they were");
        assert_eq!(home.blobs(), (1, 0));
    }
}
