//! `add`: paths and folders by name, sources that stay, references in place.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use dropforge_shared::config::ByteSize;
use dropforge_shared::file::{FileState, OnDuplicate};
use dropforge_shared::service::AddRequest;

use super::super::faults::Faults;
use super::{Home, owner, until_taken};
use crate::store::rows::Location;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_and_folders_are_taken_and_stay() {
    let home = Home::new(|_| {});
    let data = home.paths.home.join("data");
    for rel in ["b/2.csv", "b/1.csv", "a.csv", ".git/x", "c.part", "b/.hidden"] {
        let path = data.join(rel);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, rel).unwrap();
    }
    let hidden = data.join("b/.hidden");
    let outcomes = home.add(&[&data, &hidden], |_| {}).await;
    let paths: Vec<_> = outcomes.iter().map(|o| Path::new(&o.path).strip_prefix(&data).unwrap()).collect();
    assert_eq!(paths, ["a.csv", "b/1.csv", "b/2.csv", "b/.hidden"].map(Path::new));
    assert!(outcomes.iter().all(|o| o.error.is_none() && o.file.is_some() && o.jobs.len() == 1));
    let names: Vec<_> = home.files().into_iter().map(|f| f.name).collect();
    let mut sorted = names.clone();
    sorted.sort();
    assert_eq!(sorted, [".hidden", "data/a.csv", "data/b/1.csv", "data/b/2.csv"]);
    assert!(data.join("a.csv").exists());
    assert_eq!(home.jobs().len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_path_says_what_became_of_it() {
    let home = Home::new(|_| {});
    let (file, link, none, empty) = (
        home.paths.home.join("a.csv"),
        home.paths.home.join("l.csv"),
        home.paths.home.join("none.csv"),
        home.paths.home.join("empty"),
    );
    fs::write(&file, "x").unwrap();
    fs::create_dir(&empty).unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let outcomes = home.add(&[&none, &link, &empty, Path::new("rel.csv"), &file], |_| {}).await;
    let codes: Vec<_> = outcomes.iter().map(|o| o.fault.as_ref().map(|f| f.code.exit_code())).collect();
    assert_eq!(codes, [Some(3), Some(5), Some(1), Some(2), None]);
    assert!(outcomes[1].error.as_ref().unwrap().contains("a.csv"), "the way out is named: {outcomes:?}");
    assert_eq!(home.files().len(), 1);
    let outcomes = home.add(&[&file], |r| r.project = Some("nope".into())).await;
    assert_eq!(outcomes[0].fault.as_ref().unwrap().code.exit_code(), 3);
    assert!(outcomes[0].error.as_ref().unwrap().contains("nope"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn duplicates_name_the_first_and_are_processed_again_on_request() {
    let home = Home::new(|_| {});
    let project = home.project("p").await;
    let (a, b) = (home.paths.home.join("a.csv"), home.paths.home.join("b.csv"));
    fs::write(&a, "x").unwrap();
    fs::write(&b, "x").unwrap();
    let first = home.add(&[&a], |r| r.project = Some("p".into())).await.remove(0);
    assert_eq!(home.files()[0].project, project);
    let again = |r: &mut AddRequest| r.project = Some("p".into());
    let second = home.add(&[&b], again).await.remove(0);
    assert_eq!((&second.file, &second.duplicate_of, second.jobs.len()), (&first.file, &first.file, 0));
    let third = home
        .add(&[&b], |r| {
            again(r);
            r.on_duplicate = OnDuplicate::Reprocess;
        })
        .await
        .remove(0);
    assert_eq!((&third.duplicate_of, third.jobs.len()), (&first.file, 1));
    assert_eq!((home.files().len(), home.jobs().len(), home.blobs()), (1, 2, (1, 0)));
    // Reprocessing is asked for under the same name, too.
    let fourth = home
        .add(&[&a], |r| {
            r.project = Some("p".into());
            r.on_duplicate = OnDuplicate::Reprocess;
        })
        .await
        .remove(0);
    assert_eq!(fourth.jobs.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_could_not_be_read_is_tried_again_when_it_is_added_again() {
    let home = Home::new(|_| {});
    let a = home.paths.home.join("a.csv");
    fs::write(&a, "x").unwrap();
    let first = home.add(&[&a], |_| {}).await.remove(0);
    let mut row = home.files().remove(0);
    row.state = FileState::Failed;
    row.error = Some("no table".into());
    home.store.write(move |tx| tx.put_file(row.clone())).await.unwrap();
    let second = home.add(&[&a], |_| {}).await.remove(0);
    assert_eq!((&second.file, second.jobs.len()), (&first.file, 1));
    assert_eq!(home.files()[0].state, FileState::Ingesting);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_project_has_its_own_file_of_a_content_that_is_kept_once() {
    let home = Home::new(|c| c.reference_above_bytes = ByteSize(2));
    home.project("p").await;
    let third = home.project("q").await;
    for (name, content) in [("a.csv", "x"), ("large.csv", "larger than that")] {
        let path = home.paths.home.join(name);
        fs::write(&path, content).unwrap();
        let first = home.add(&[&path], |_| {}).await.remove(0);
        let second = home.add(&[&path], |r| r.project = Some("p".into())).await.remove(0);
        assert_ne!(first.file, second.file);
        assert_eq!((second.duplicate_of, second.jobs.len()), (None, 1), "{name}");
        assert_eq!(home.blobs(), (1, 0), "{name}");
    }
    // What is dropped is copied where there is no other of it; here there is.
    let inbox = home.start();
    home.drop_file("q/late.csv", "larger than that");
    until_taken(&home, &inbox, 5).await;
    let late = home.files().into_iter().find(|f| f.name == "late.csv").unwrap();
    assert!(late.project == third && late.location != Location::Blob, "{late:?}");
    assert_eq!(home.blobs(), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_files_stay_where_they_are_and_are_guarded() {
    let home = Home::new(|c| c.reference_above_bytes = ByteSize(100));
    let (big, small) = (home.paths.home.join("big.csv"), home.paths.home.join("small.csv"));
    fs::write(&big, [b'x'; 101]).unwrap();
    fs::write(&small, [b'x'; 100]).unwrap();
    let outcomes = home.add(&[&big, &small], |_| {}).await;
    assert!(outcomes.iter().all(|o| o.error.is_none()), "{outcomes:?}");
    let row = |name: &str| home.files().into_iter().find(|f| f.name == name).unwrap();
    let mtime = |path: &Path| {
        let t = fs::metadata(path).unwrap().modified().unwrap();
        i64::try_from(t.duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos()).unwrap()
    };
    let reference = Location::Referenced { path: big.as_os_str().as_bytes().to_vec(), mtime_ns: mtime(&big) };
    assert_eq!((row("big.csv").location, row("small.csv").location), (reference, Location::Blob));
    assert_eq!(home.blobs(), (1, 0));
    // The same content dropped in the inbox: no second copy while the original is as it was.
    let inbox = home.start();
    let dropped = home.drop_file("copy.csv", [b'x'; 101]);
    super::until("the move", || !dropped.exists()).await;
    until_taken(&home, &inbox, 2).await;
    assert_eq!(home.blobs(), (1, 0));
    // Once the original is gone, a copy that comes stands in for it.
    fs::remove_file(&big).unwrap();
    let dropped = home.drop_file("rescue.csv", [b'x'; 101]);
    super::until("the move", || !dropped.exists()).await;
    until_taken(&home, &inbox, 2).await;
    assert_eq!(row("big.csv").location, Location::Blob);
    assert_eq!(home.content(&row("big.csv")), [b'x'; 101]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_content_comes_back_with_the_next_copy() {
    let home = Home::new(|_| {});
    let path = home.paths.home.join("a.csv");
    fs::write(&path, "x").unwrap();
    home.add(&[&path], |_| {}).await;
    fs::remove_file(home.paths.blob(&home.files()[0].sha256)).unwrap();
    let outcome = home.add(&[&path], |_| {}).await.remove(0);
    assert!(outcome.duplicate_of.is_some());
    assert_eq!(home.content(&home.files()[0]), b"x");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_keeps_changing_is_given_up_after_three_tries() {
    let mut home = Home::new(|_| {});
    let tries = std::sync::Arc::new(AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&tries);
    home.faults = Faults::hooked(move |place, path| {
        if place == "intake.copy" {
            let n = count.fetch_add(1, Ordering::SeqCst);
            fs::write(path, format!("{n:099}"))?;
        }
        Ok(())
    });
    let path = home.paths.home.join("a.csv");
    fs::write(&path, "start").unwrap();
    let outcome = home.add(&[&path], |_| {}).await.remove(0);
    let fault = outcome.fault.unwrap();
    assert!(fault.message.contains("changed while it was being read"), "{fault}");
    assert_eq!(fault.code.exit_code(), 1);
    assert_eq!((home.files().len(), home.blobs()), (0, (0, 0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn progress_goes_up_to_the_whole_size() {
    let home = Home::new(|_| {});
    let path = home.paths.home.join("a.csv");
    fs::write(&path, vec![b'x'; 5 << 20]).unwrap();
    let seen = std::sync::Mutex::new(Vec::new());
    let request = dropforge_shared::service::AddRequest {
        paths: vec![path.as_os_str().as_bytes().to_vec().into()],
        project: None,
        on_duplicate: OnDuplicate::Use,
        settings: Default::default(),
        idempotency: None,
        priority: 0,
    };
    let progress = |_: &str, done: u64, total: u64| seen.lock().unwrap().push((done, total));
    home.intake().add(request, owner(), |_| {}, progress).await;
    let seen = seen.into_inner().unwrap();
    assert!(seen.is_sorted() && seen.iter().all(|(_, total)| *total == 5 << 20), "{seen:?}");
    assert!(seen.last().is_some_and(|(done, _)| *done > 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_for_again_under_the_same_key_is_told_again_and_not_done_again() {
    let home = Home::new(|_| {});
    let path = home.paths.home.join("a.csv");
    fs::write(&path, "a\n1\n").unwrap();
    let again = async |key: &str| {
        home.add(&[&path], |request| {
            request.on_duplicate = OnDuplicate::Reprocess;
            request.idempotency = Some(key.into());
        })
        .await
        .remove(0)
    };
    let first = again("k1").await;
    assert_eq!((first.jobs.len(), &first.duplicate_of), (1, &None));
    assert_eq!(again("k1").await, first);
    let other = again("k2").await;
    assert_eq!((&other.file, &other.duplicate_of), (&first.file, &first.file));
    assert_ne!(other.jobs, first.jobs);
    assert_eq!(again("k2").await, other);
    // What was changed in between is another thing.
    fs::write(&path, "a\n2\n").unwrap();
    let changed = again("k2").await;
    assert!(changed.error.is_none() && changed.file != first.file, "{changed:?}");
}
