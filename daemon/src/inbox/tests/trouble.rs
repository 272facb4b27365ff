//! What goes wrong: things that are not files, files that change or vanish while they are read, no permission, no space,
//! power cuts between two steps.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use dropforge_shared::config::{ByteSize, HardLinks};

use super::super::faults::Faults;
use super::{Home, item, until, until_taken};

fn errno(errno: rustix::io::Errno) -> io::Result<()> {
    Err(errno.into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_pipes_and_sockets_are_refused_and_never_opened() {
    let home = Home::new(|_| {});
    let secret = home.paths.home.join("secret");
    fs::write(&secret, "secret").unwrap();
    symlink(&secret, home.paths.inbox.join("link.csv")).unwrap();
    symlink(&home.paths.home, home.paths.inbox.join("tree")).unwrap();
    let pipe = home.paths.inbox.join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(home.paths.inbox.join("socket")).unwrap();
    home.drop_file("real.csv", "x");
    let inbox = home.start();
    until("all to be judged", || home.files().len() == 1 && inbox.status().total == 4).await;
    let status = inbox.status();
    for (name, word) in [
        ("link.csv", "symbolic link"),
        ("tree", "symbolic link"),
        ("pipe", "named pipe"),
        ("socket", "socket"),
    ] {
        let (state, detail) = item(&status, name).unwrap();
        assert!(state == "refused" && detail.contains(word), "{name}: {state} {detail}");
    }
    assert_eq!(home.notices().len(), 4, "each is told once: {:?}", home.notices());
    assert_eq!(home.in_inbox(), ["link.csv", "pipe", "socket", "tree"]);
    fs::remove_file(home.paths.inbox.join("link.csv")).unwrap();
    until("the list to shrink", || inbox.status().total == 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hard_links_go_by_the_configuration() {
    for (rule, files) in [(HardLinks::Take, 2), (HardLinks::Refuse, 1)] {
        let home = Home::new(|c| c.hard_links = rule);
        let other = home.paths.home.join("elsewhere.csv");
        fs::write(&other, "linked").unwrap();
        fs::hard_link(&other, home.paths.inbox.join("linked.csv")).unwrap();
        home.drop_file("plain.csv", "plain");
        let inbox = home.start();
        until("both to be judged", || {
            home.files().len() == files && inbox.status().total == 2 - files as u64
        })
        .await;
        assert_eq!(fs::read(&other).unwrap(), b"linked");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_size_limit_refuses_before_a_byte_is_copied() {
    let mut home = Home::new(|c| c.max_file_bytes = ByteSize(10));
    let copied = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&copied);
    home.faults = Faults::hooked(move |place, path| {
        if place == "intake.copy" && path.ends_with("big.csv") {
            count.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    });
    home.drop_file("big.csv", [b'x'; 11]);
    home.drop_file("fits.csv", [b'x'; 10]);
    let inbox = home.start();
    until("both to be judged", || home.files().len() == 1 && inbox.status().total == 1).await;
    let (state, detail) = item(&inbox.status(), "big.csv").unwrap();
    assert!(state == "refused" && detail.contains("max_file_bytes"), "{detail}");
    assert_eq!(copied.load(Ordering::SeqCst), 0);
    let outcome = home.add(&[&home.paths.inbox.join("big.csv")], |_| {}).await.remove(0);
    assert_eq!(outcome.fault.unwrap().code.exit_code(), 5);
    assert_eq!(copied.load(Ordering::SeqCst), 0);
}

/// Runs `act` on the source while its second chunk is about to be read, the first time only.
fn while_reading(home: &mut Home, act: impl Fn(&Path) + Send + Sync + 'static) -> Arc<AtomicUsize> {
    let passes = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&passes);
    home.faults = Faults::hooked(move |place, path| {
        if place == "intake.copy" && count.fetch_add(1, Ordering::SeqCst) == 1 {
            act(path);
        }
        Ok(())
    });
    passes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swap_during_the_read_is_noticed_and_the_new_file_is_taken() {
    // Read by one thread, and by several.
    for size in [3 << 20, 9 << 20] {
        let mut home = Home::new(|_| {});
        let other = home.paths.home.join("other");
        fs::write(&other, vec![b'n'; size]).unwrap();
        let passes = while_reading(&mut home, move |path| fs::rename(&other, path).unwrap());
        home.drop_file("a.csv", vec![b'o'; size]);
        let inbox = home.start();
        until_taken(&home, &inbox, 1).await;
        assert!(passes.load(Ordering::SeqCst) > 3, "it was read twice");
        assert!(home.content(&home.files()[0]).iter().all(|b| *b == b'n'), "no mixture");
        assert_eq!((home.jobs().len(), home.blobs()), (1, (1, 0)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_during_the_read_is_noticed_even_when_the_size_stays() {
    let mut home = Home::new(|_| {});
    while_reading(&mut home, |path| {
        use std::os::unix::fs::FileExt;
        fs::OpenOptions::new().write(true).open(path).unwrap().write_all_at(b"NEW", 0).unwrap();
    });
    home.drop_file("a.csv", vec![b'o'; 3 << 20]);
    let inbox = home.start();
    until_taken(&home, &inbox, 1).await;
    assert_eq!(&home.content(&home.files()[0])[..4], b"NEWo");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_put_in_place_of_the_file_is_not_followed() {
    let mut home = Home::new(|_| {});
    let secret = home.paths.home.join("secret");
    fs::write(&secret, "secret").unwrap();
    let first = AtomicBool::new(true);
    home.faults = Faults::hooked(move |place, path| {
        if place == "intake.open" && first.swap(false, Ordering::SeqCst) {
            fs::remove_file(path)?;
            symlink(&secret, path)?;
        }
        Ok(())
    });
    home.drop_file("a.csv", "x");
    let inbox = home.start();
    until("the refusal", || item(&inbox.status(), "a.csv").is_some_and(|(state, _)| state == "refused"))
        .await;
    assert!(home.files().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_deleted_while_it_is_hashed_is_forgotten() {
    let mut home = Home::new(|_| {});
    while_reading(&mut home, |path| fs::remove_file(path).unwrap());
    home.drop_file("a.csv", vec![b'o'; 3 << 20]);
    let inbox = home.start();
    until("it to be gone", || home.in_inbox().is_empty() && inbox.status().total == 0).await;
    home.drop_file("b.csv", "b");
    until_taken(&home, &inbox, 1).await;
    assert_eq!((home.names(), home.blobs()), (vec![("b.csv".into(), 1)], (1, 0)));
    assert_eq!(home.notices(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreadable_file_is_an_error_until_its_mode_is_changed() {
    let mut home = Home::new(|_| {});
    // Root reads anything, so the system's answer is given here, by the mode that the file has.
    home.faults = Faults::hooked(|place, path| {
        let closed = place == "intake.open" && fs::metadata(path)?.permissions().mode() & 0o400 == 0;
        if closed { errno(rustix::io::Errno::ACCESS) } else { Ok(()) }
    });
    let path = home.drop_file("a.csv", "x");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let inbox = home.start();
    until("the error", || item(&inbox.status(), "a.csv").is_some_and(|(state, _)| state == "error")).await;
    let (_, detail) = item(&inbox.status(), "a.csv").unwrap();
    assert!(detail.contains("permission") && detail.contains("chmod"), "{detail}");
    assert_eq!(home.notices().len(), 1);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    until_taken(&home, &inbox, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_leaves_the_source_and_it_is_taken_when_there_is_space() {
    for place in ["intake.copy", "intake.sync", "intake.rename"] {
        let mut home = Home::new(|_| {});
        let full = Arc::new(AtomicBool::new(true));
        let state = Arc::clone(&full);
        home.faults = Faults::hooked(move |at, _| {
            if at == place && state.load(Ordering::SeqCst) { errno(rustix::io::Errno::NOSPC) } else { Ok(()) }
        });
        let paths: Vec<_> = (0..3).map(|n| home.drop_file(&format!("{n}.csv"), format!("{n}"))).collect();
        let inbox = home.start();
        until("the errors", || inbox.status().items.iter().filter(|i| i.state == "error").count() == 3).await;
        let (_, detail) = item(&inbox.status(), "0.csv").unwrap();
        assert!(detail.starts_with("disk full: ") && detail.contains("needs 1 B"), "{detail}");
        assert!(paths.iter().all(|p| p.exists()));
        assert_eq!((home.files().len(), home.blobs()), (0, (0, 0)), "{place}");
        assert_eq!(home.notices().len(), 1, "one disk, one notice: {:?}", home.notices());
        full.store(false, Ordering::SeqCst);
        until_taken(&home, &inbox, 3).await;
        assert_eq!(home.jobs().len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fails_while_a_large_copy_is_under_way_fails_the_copy_although_it_tells_only_once() {
    let mut home = Home::new(|_| {});
    let broken = Arc::new(AtomicBool::new(true));
    let state = Arc::clone(&broken);
    home.faults = Faults::hooked(move |at, _| {
        if at == "intake.sync.along" && state.swap(false, Ordering::SeqCst) {
            return errno(rustix::io::Errno::IO);
        }
        Ok(())
    });
    let path = home.drop_file("large.csv", vec![b'x'; 40 << 20]);
    let outcome = home.add(&[&path], |_| {}).await.remove(0);
    assert!(outcome.fault.is_some() && !broken.load(Ordering::SeqCst));
    assert_eq!((home.files().len(), home.blobs()), (0, (0, 0)));
    let outcome = home.add(&[&path], |_| {}).await.remove(0);
    assert!(outcome.fault.is_none(), "{:?}", outcome.fault);
    assert_eq!((home.files().len(), home.blobs()), (1, (1, 0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_step_it_breaks_off_at_the_next_start_makes_it_whole() {
    let places = [
        "intake.open",
        "intake.copy",
        "intake.sync",
        "intake.rename",
        "intake.commit.before",
        "intake.commit.after",
    ];
    for place in places.into_iter().chain(["intake.move"]) {
        let mut home = Home::new(|_| {});
        let hit = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&hit);
        home.faults = Faults::hooked(move |at, _| {
            if at != place {
                return Ok(());
            }
            seen.store(true, Ordering::SeqCst);
            errno(rustix::io::Errno::IO)
        });
        let path = home.drop_file("a.csv", "x");
        let inbox = home.start();
        until("the fault", || hit.load(Ordering::SeqCst) && !home.notices().is_empty()).await;
        inbox.stop().await;
        assert!(path.exists(), "{place}");
        home.faults = Faults::default();
        let again = home.start();
        until("the move", || !path.exists()).await;
        until_taken(&home, &again, 1).await;
        assert_eq!((home.jobs().len(), home.blobs()), (1, (1, 0)), "{place}");
        assert_eq!(fs::read(home.paths.processed.join("a.csv")).unwrap(), b"x");
        let report = home.store.fsck(false).unwrap();
        assert!(report.problems.is_empty(), "{place}: {:?}", report.problems);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_abandons_a_copy_and_leaves_nothing_behind() {
    let mut home = Home::new(|_| {});
    let (reached, hold) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(true)));
    let (tell, wait) = (Arc::clone(&reached), Arc::clone(&hold));
    home.faults = Faults::hooked(move |place, _| {
        if place == "intake.copy" {
            tell.store(true, Ordering::SeqCst);
            while wait.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
        }
        Ok(())
    });
    let path = home.drop_file("a.csv", vec![b'x'; 4 << 20]);
    let inbox = home.start();
    until("the copy", || reached.load(Ordering::SeqCst)).await;
    let stopping = tokio::spawn(async move { inbox.stop().await });
    hold.store(false, Ordering::SeqCst);
    stopping.await.unwrap();
    // Stopped in the middle, or just done: never half.
    let (kept, unfinished) = home.blobs();
    assert_eq!((unfinished, kept), (0, home.files().len()));
    assert_eq!(path.exists(), home.files().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leftovers_of_an_earlier_daemon_are_removed() {
    let home = Home::new(|_| {});
    let tmp = home.paths.blobs.join("tmp");
    fs::create_dir_all(&tmp).unwrap();
    fs::write(tmp.join("f0123456789.f0123456789"), "stale").unwrap();
    let _inbox = home.start();
    until("the sweep", || home.blobs() == (0, 0)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_inbox_that_is_a_file_is_told_and_followed_once_it_is_a_folder() {
    let home = Home::new(|c| c.poll_seconds = 0.05);
    fs::remove_dir(&home.paths.inbox).unwrap();
    fs::write(&home.paths.inbox, "in the way").unwrap();
    let inbox = home.start();
    until("the mode", || inbox.status().mode.starts_with("not usable")).await;
    until("the notice", || home.notices().len() == 1).await;
    fs::remove_file(&home.paths.inbox).unwrap();
    until("the watch", || inbox.status().mode == "watching").await;
    home.drop_file("a.csv", "x");
    until_taken(&home, &inbox, 1).await;
}
