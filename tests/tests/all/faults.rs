//! Faults, each repeatable from one command (`cargo test -p dropforge-tests --test all faults::NAME`). After each: no
//! acknowledged job lost, nothing running without a live process, one terminal result a job, indices consistent.
//!
//! `DROPFORGE_FAULT_ROUNDS=200 cargo test -p dropforge-tests --test all faults::killed_at` makes more rounds.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use dropforge_shared::client::{connect, flat, within};
use dropforge_shared::identity::stat;
use dropforge_shared::job::JobState;
use dropforge_shared::service::CALL;
use dropforge_tests::{Home, eventually, eventually_within, home};
use serde_json::Value;

use super::calls::{call, ended, fault, submit_fault};

pub(super) fn job(home: &Home, id: &str) -> Value {
    home.json(&format!("job {id}"))
}

/// Waits until a job's child is known, and answers its pid.
pub(super) fn child_of(home: &Home, id: &str) -> u32 {
    eventually(&format!("job {id} runs"), || {
        let j = job(home, id);
        let stage = j["stage"].is_string();
        let pid = j["attempts"].as_array()?.last()?["pid"].as_u64()?;
        (j["state"] == "running" && stage).then_some(u32::try_from(pid).ok()?)
    })
}

pub(super) fn kill(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    let _ = rustix::process::kill_process(pid, signal);
}

pub(super) fn log_of(home: &Home, id: &str) -> String {
    home.run(["logs", id]).stdout
}

/// What must hold after any fault, of a store whose daemon is gone.
pub(super) fn assert_nothing_is_lost(home: &Home, acknowledged: &BTreeSet<String>) {
    home.kill_daemon();
    let store = home.open_store();
    let report = store.fsck(false).expect("a check");
    assert!(report.is_clean(), "{:#?}", report.problems);
    for id in acknowledged {
        let id = id.parse().unwrap();
        let row = store
            .read(|tx| tx.job(&id))
            .unwrap()
            .unwrap_or_else(|| panic!("job {id} was acknowledged, and is lost"));
        let ends =
            row.attempts.iter().filter(|a| a.end == Some(dropforge_shared::job::AttemptEnd::Done)).count();
        assert!(ends <= 1, "job {id} was done {ends} times");
        if row.state == JobState::Running {
            let lease = row.attempts.last().and_then(|a| a.lease.clone());
            eventually("a child does not outlive its daemon", || {
                lease.as_ref().is_none_or(|l| !l.is_alive()).then_some(())
            });
        }
    }
    store.close();
}

/// How often the long tests are to go round, where the environment says it.
pub(super) fn rounds() -> Option<usize> {
    std::env::var("DROPFORGE_FAULT_ROUNDS").ok().and_then(|r| r.parse().ok())
}

/// The places at which a round may kill the daemon.
const PLACES: &[&str] = &[
    "store.commit.before",
    "store.commit.after",
    "queue.start.commit",
    "queue.settle.commit",
    "queue.publish.before",
    "queue.publish.after",
    "intake.open",
    "intake.copy",
    "intake.sync",
    "intake.rename",
    "intake.commit.before",
    "intake.commit.after",
    "intake.move",
];

/// Does something while a service manager stands by, who starts a daemon that went away; how often he did.
fn watched_over<T>(home: &Home, act: impl FnOnce() -> T) -> (T, usize) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let manager = scope.spawn(|| {
            let mut started = 0;
            while !done.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(50));
                if !done.load(Ordering::SeqCst) && home.daemon_pid().is_none() {
                    // It may die at its start as well.
                    let _ = home.run(["daemon", "start"]);
                    started += 1;
                }
            }
            started
        });
        let result = act();
        done.store(true, Ordering::SeqCst);
        (result, manager.join().unwrap())
    })
}

#[test]
fn killed_at_every_place_nothing_acknowledged_is_lost() {
    let rounds = rounds().unwrap_or(PLACES.len() * 2);
    let mut home = home!();
    let mut acknowledged = BTreeSet::new();
    let mut died = 0;
    for round in 0..rounds {
        let place = PLACES[round % PLACES.len()];
        // Early passages and late ones: the first, the third, the seventh of a life.
        let passage = [1, 3, 7][round / PLACES.len() % 3];
        home.env("DROPFORGE_FAILPOINTS", format!("{place}=kill@{passage}"));
        // It may die at its start already: that is one of the places.
        let _ = home.run(["daemon", "start"]);
        home.drop_file(&format!("dropped{round}.csv"), format!("x,y\n{round},1\n"));
        let mut restarts = 0;
        for i in 0..3 {
            let file = home.file(&format!("added{round}-{i}.csv"), format!("x,y\n{round},{}\n", i + 2));
            let (outcome, started) =
                watched_over(&home, || home.run(["add".as_ref(), file.as_os_str(), "--json".as_ref()]));
            restarts += started;
            if outcome.code == Some(0) {
                for added in outcome.json().as_array().unwrap() {
                    acknowledged.extend(
                        added["jobs"].as_array().unwrap().iter().map(|j| j.as_str().unwrap().to_owned()),
                    );
                }
            }
        }
        let before = Instant::now();
        while restarts == 0 && home.daemon_pid().is_some() && before.elapsed() < Duration::from_millis(1500) {
            std::thread::sleep(Duration::from_millis(20));
        }
        died += usize::from(restarts > 0 || home.daemon_pid().is_none());
        home.clear_env("DROPFORGE_FAILPOINTS");
        assert_nothing_is_lost(&home, &acknowledged);
    }
    assert!(
        died * 2 > rounds,
        "the daemon died in {died} of {rounds} rounds only: the places are not passed"
    );

    // Left alone, everything comes to an end, and every dropped file is there exactly once.
    home.start_daemon();
    eventually_within(Duration::from_secs(180), "all jobs end", || {
        let status = home.json("daemon status");
        (status["jobs"]["queued"] == 0 && status["jobs"]["running"] == 0).then_some(())
    });
    eventually("every dropped file is taken", || {
        let names: Vec<String> =
            home.files().iter().map(|f| f["name"].as_str().unwrap().to_owned()).collect();
        (0..rounds)
            .all(|r| names.iter().filter(|n| **n == format!("dropped{r}.csv")).count() == 1)
            .then_some(())
    });
    assert_nothing_is_lost(&home, &acknowledged);
}

#[test]
fn a_killed_worker_is_tried_again_and_given_up_after_three() {
    let home = home!();
    home.start_daemon();
    let id = submit_fault(&home, "sleep").id.to_string();
    let mut pids = BTreeSet::new();
    for _ in 0..3 {
        let pid =
            eventually("the next attempt runs", || Some(child_of(&home, &id)).filter(|p| !pids.contains(p)));
        pids.insert(pid);
        kill(pid, rustix::process::Signal::KILL);
        eventually("the kill was seen", || {
            let j = job(&home, &id);
            (j["attempts"].as_array()?.iter().filter(|a| !a["end"].is_null()).count() >= pids.len())
                .then_some(())
        });
    }
    let dead = ended(&home, &id);
    assert_eq!(dead["state"], "dead");
    assert_eq!(dead["attempts"].as_array().unwrap().len(), 3);
    assert!(dead["error"].as_str().unwrap().contains("SIGKILL"), "{dead:#}");
    assert!(log_of(&home, &id).contains("SIGKILL"));
}

#[test]
fn misbehaving_workers_end_their_own_attempt_with_the_cause() {
    let home = home!();
    home.start_daemon();
    let daemon = home.daemon_pid();
    for (what, state, cause) in [
        ("abort", "dead", "SIGABRT"),
        ("stack", "dead", "overflowed its stack"),
        ("memory", "dead", "memory"),
        ("panic", "failed", "a fault that a test asked for"),
        ("fail", "failed", "it can't be done, ever"),
        ("transient", "dead", "it may pass"),
        ("socket", "failed", "no socket"),
        ("read_elsewhere", "failed", "no reading"),
        ("nothing", "done", ""),
    ] {
        let id = submit_fault(&home, what).id.to_string();
        let end = ended(&home, &id);
        assert_eq!(end["state"], state, "{what}: {end:#}");
        assert!(end["error"].as_str().unwrap_or_default().contains(cause), "{what}: {end:#}");
    }
    assert_eq!(home.daemon_pid(), daemon, "the daemon went on");
    home.assert_store_is_sound();
}

#[test]
fn a_cancel_always_ends_in_16_seconds() {
    let home = home!();
    home.start_daemon();
    for (what, stopped) in [("sleep", false), ("deaf", false), ("sleep", true)] {
        let id = submit_fault(&home, what).id.to_string();
        let pid = child_of(&home, &id);
        if stopped {
            kill(pid, rustix::process::Signal::STOP);
        }
        let start = Instant::now();
        assert_eq!(home.run(["cancel", &id]).code, Some(0));
        let end = eventually_within(Duration::from_secs(17), "the cancel ends", || {
            Some(job(&home, &id)).filter(|j| j["state"] == "cancelled")
        });
        assert!(start.elapsed() < Duration::from_secs(16), "{what}: {:?}", start.elapsed());
        assert!(stat(pid).is_none_or(|s| s.state == 'Z'), "{what}: the child lives on: {end:#}");
        assert_eq!(home.run(["cancel", &id]).code, Some(5), "a result that stands is not changed");
    }
    // One that waits ends at once.
    let running: Vec<String> = (0..2).map(|_| submit_fault(&home, "sleep").id.to_string()).collect();
    for id in &running {
        child_of(&home, id);
    }
    let waiting = submit_fault(&home, "sleep").id.to_string();
    assert_eq!(home.run(["cancel", &waiting]).code, Some(0));
    assert_eq!(job(&home, &waiting)["state"], "cancelled");
}

#[test]
fn a_stop_in_good_order_costs_the_job_no_try() {
    let home = home!();
    home.start_daemon();
    let id = submit_fault(&home, "sleep").id.to_string();
    child_of(&home, &id);
    home.stop_daemon();
    home.start_daemon();
    child_of(&home, &id);
    let j = job(&home, &id);
    assert_eq!(j["attempts"][0]["end"], "requeued");
    assert_eq!(home.run(["cancel", &id]).code, Some(0));
}

#[test]
fn of_many_starters_one_daemon_comes() {
    let home = home!();
    let starters: Vec<_> = (0..8)
        .map(|_| home.command(["daemon", "start"]).stdout(std::process::Stdio::null()).spawn().unwrap())
        .collect();
    for mut starter in starters {
        assert!(starter.wait().unwrap().success());
    }
    let second = home.run(["daemon", "run"]);
    assert_eq!(second.code, Some(1));
    assert!(second.stderr.contains(&home.daemon_pid().unwrap().to_string()), "it says who runs: {second:#?}");
}

#[test]
fn a_stale_socket_is_replaced_and_a_deleted_one_made_anew() {
    let home = home!();
    let pid = home.start_daemon();
    home.kill_daemon();
    assert!(home.path().join("run/daemon.sock").exists(), "a kill leaves the socket");
    assert_ne!(home.start_daemon(), pid);
    std::fs::remove_file(home.path().join("run/daemon.sock")).unwrap();
    eventually("the socket is there again", || {
        (home.run(["daemon", "status"]).code == Some(0)).then_some(())
    });
}

#[test]
fn a_stopped_worker_goes_on_where_it_was() {
    let home = home!();
    home.start_daemon();
    let id = submit_fault(&home, "tick").id.to_string();
    let pid = child_of(&home, &id);
    kill(pid, rustix::process::Signal::STOP);
    // A minute where there is time for long tests.
    std::thread::sleep(Duration::from_secs(if rounds().is_some() { 60 } else { 1 }));
    assert_eq!(job(&home, &id)["state"], "running", "no timer declares it dead");
    kill(pid, rustix::process::Signal::CONT);
    assert_eq!(ended(&home, &id)["state"], "done");
    assert_eq!(job(&home, &id)["attempts"].as_array().unwrap().len(), 1);
}

#[test]
fn a_flood_and_a_long_line_do_no_harm() {
    let home = home!();
    home.start_daemon();
    let flood = submit_fault(&home, "flood").id.to_string();
    let long = submit_fault(&home, "long_line").id.to_string();
    for id in [&flood, &long] {
        let end = eventually_within(Duration::from_secs(240), "the noisy job ends", || {
            Some(job(&home, id)).filter(|j| j["state"] != "running" && j["state"] != "queued")
        });
        assert_eq!(end["state"], "done", "{end:#}");
    }
    let tail = home.run(["logs", &flood, "--tail", "5"]).stdout;
    assert!(tail.contains("line 999999"), "{tail}");
    let kept: u64 = std::fs::read_dir(home.paths().job_log(&flood.parse().unwrap()))
        .unwrap()
        .map(|e| e.unwrap().metadata().unwrap().len())
        .sum();
    assert!(kept < 40 << 20, "{kept} bytes of log");
    assert!(log_of(&home, &long).contains("the line after"));
    let rss = home.json("daemon status")["rss_bytes"].as_u64().unwrap();
    assert!(rss < 120 << 20, "the daemon holds {rss} bytes");
}

#[test]
fn the_same_key_queues_once() {
    let home = home!();
    home.start_daemon();
    let mut submission = fault("nothing");
    submission.idempotency = Some("mine".into());
    let ids: BTreeSet<String> = call(&home, async |rpc| {
        let mut ids = BTreeSet::new();
        for _ in 0..3 {
            ids.insert(flat(rpc.submit(within(CALL), submission.clone()).await).unwrap().id.to_string());
        }
        ids
    });
    assert_eq!(ids.len(), 1);
}

#[test]
fn a_full_disk_fails_calls_and_is_forgotten_once_there_is_room() {
    let mut home = home!();
    let faults = home.path().join("failpoints");
    std::fs::write(&faults, "").unwrap();
    home.env("DROPFORGE_FAILPOINTS_FILE", faults.display().to_string());
    home.start_daemon();
    let before = submit_fault(&home, "nothing").id.to_string();
    ended(&home, &before);
    std::fs::write(&faults, "store.commit.before=enospc@1+").unwrap();
    let refused = call(&home, async |rpc| flat(rpc.submit(within(CALL), fault("nothing")).await));
    assert!(refused.is_err(), "nothing is acknowledged that can't be kept");
    assert!(refused.unwrap_err().hint.is_some(), "it says what to do");
    std::fs::write(&faults, "").unwrap();
    let after = eventually("the store takes jobs again, without a restart", || {
        call(&home, async |rpc| flat(rpc.submit(within(CALL), fault("nothing")).await).ok())
    });
    assert_eq!(ended(&home, after.id.as_str())["state"], "done");
    assert_eq!(job(&home, &before)["state"], "done");
    home.assert_store_is_sound();
}

#[test]
fn a_thousand_calls_side_by_side_are_answered() {
    let home = home!();
    home.start_daemon();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = connect(&home.paths()).await.unwrap().unwrap();
        let calls = (0..1000).map(|_| {
            let rpc = client.rpc.clone();
            async move { flat(rpc.submit(within(CALL), fault("nothing")).await).unwrap().id }
        });
        let ids: BTreeSet<_> = futures::future::join_all(calls).await.into_iter().collect();
        assert_eq!(ids.len(), 1000);
    });
    assert_eq!(home.jobs().len(), 1000);
}
