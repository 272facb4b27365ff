//! What is lost together: a daemon with its worker, a clock's day, what a worker leaves behind; and a client alone.
//!
//! `DROPFORGE_FAULT_ROUNDS=200 cargo test -p dropforge-tests --test all losses::killed_together` makes more rounds.

use std::collections::BTreeSet;

use dropforge_shared::identity::ProcessIdentity;
use dropforge_tests::{eventually, home};

use super::calls::{ended, submit_fault};
use super::faults::{assert_nothing_is_lost, child_of, job, kill, log_of, rounds};

#[test]
fn killed_together_with_its_worker_the_daemon_takes_the_job_up_again() {
    // More rounds than tries: a loss counts as one, so each round has a job of its own.
    let rounds = rounds().unwrap_or(2);
    let home = home!();
    let mut acknowledged = BTreeSet::new();
    for round in 0..rounds {
        home.start_daemon();
        let id = submit_fault(&home, "sleep").id.to_string();
        acknowledged.insert(id.clone());
        let pid = child_of(&home, &id);
        let child = ProcessIdentity::of(pid).unwrap();
        // The worker first, or the daemon first: then it falls with it.
        if round % 2 == 0 {
            kill(pid, rustix::process::Signal::KILL);
        }
        home.kill_daemon();
        eventually("the child ends with its daemon", || (!child.is_alive()).then_some(()));
        home.start_daemon();
        let again = child_of(&home, &id);
        assert_ne!(again, pid);
        let j = job(&home, &id);
        let first = j["attempts"][0]["end"].as_str().unwrap().to_owned();
        assert!(first == "lost" || (round % 2 == 0 && first == "crashed"), "round {round}: {j:#}");
        assert_eq!(home.run(["cancel", &id]).code, Some(0));
        assert_eq!(ended(&home, &id)["state"], "cancelled");
    }
    assert_nothing_is_lost(&home, &acknowledged);
}

#[test]
fn a_clock_that_is_moved_by_a_day_holds_up_no_retry() {
    const DAY_MS: i64 = 86_400_000;
    for moved in [DAY_MS, -DAY_MS] {
        let mut home = home!();
        home.configure("[queue]\nretry_seconds = 2.0\nretry_max_seconds = 2.0\n");
        let clock = home.path().join("clock");
        std::fs::write(&clock, "0").unwrap();
        home.env("DROPFORGE_CLOCK_FILE", clock.display().to_string());
        home.start_daemon();
        let id = submit_fault(&home, "transient").id.to_string();
        eventually("the first pause has begun", || {
            Some(job(&home, &id)).filter(|j| j["not_before"].is_string())
        });
        std::fs::write(&clock, moved.to_string()).unwrap();
        let j = ended(&home, &id);
        assert_eq!((&j["state"], j["attempts"].as_array().unwrap().len()), (&"dead".into(), 3), "{j:#}");
        home.assert_store_is_sound();
    }
}

#[test]
fn what_a_worker_leaves_behind_does_not_outlive_its_attempt() {
    let home = home!();
    let daemon = home.start_daemon();
    let id = submit_fault(&home, "fork_twice").id.to_string();
    assert_eq!(ended(&home, &id)["state"], "done");
    let log = log_of(&home, &id);
    assert!(log.contains("no fork") || log.contains("forked"), "{log}");
    // Where the kernel let it fork, what was left fell to the daemon and was ended.
    eventually("the daemon has no child left", || {
        let left =
            std::fs::read_to_string(format!("/proc/{daemon}/task/{daemon}/children")).unwrap_or_default();
        left.trim().is_empty().then_some(())
    });
}

/// The children of a process, with the time that each has worked, in ticks of the kernel's clock (proc_pid_stat(5)).
fn children(parent: u32) -> Vec<(u32, u64)> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| dropforge_shared::identity::stat(*pid).is_some_and(|stat| stat.parent == parent))
        .filter_map(|pid| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            // The name, in parentheses, may hold anything; utime and stime are the 12th and 13th after it.
            let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
            Some((pid, fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?))
        })
        .collect()
}

#[test]
fn killed_in_a_long_statement_a_client_leaves_nobody_at_it() {
    let home = home!();
    let daemon = home.start_daemon();
    let rows: String = (0..344).map(|i| format!("{i}\n")).collect();
    let file = home.file("n.csv", format!("n\n{rows}"));
    home.json(&format!("add {} --wait", file.display()));
    eventually("the child that took the file in is gone", || children(daemon).is_empty().then_some(()));
    // 344⁴ pairs of pairs: hours of work, which nothing but the client's end cuts short.
    let long = "SELECT COUNT(*) FROM n AS a CROSS JOIN n AS b CROSS JOIN n AS c CROSS JOIN n AS d WHERE a.n + b.n < c.n + d.n";
    let quiet = std::process::Stdio::null;
    let mut client = home.command(["query", long, "--timeout", "3600"]);
    let mut client = client.stdout(quiet()).stderr(quiet()).spawn().unwrap();
    // A second of the processor is more than a child needs to come up.
    let (busy, _) = eventually("a child works on the statement", || {
        assert!(client.try_wait().unwrap().is_none(), "the statement ended by itself");
        children(daemon).into_iter().find(|(_, ticks)| *ticks >= 100)
    });
    let busy = ProcessIdentity::of(busy).unwrap();
    client.kill().unwrap();
    client.wait().unwrap();
    eventually("the child that worked for the client is gone", || (!busy.is_alive()).then_some(()));
    assert_eq!(children(daemon), [], "nobody goes on with it");
    let next = home.run(["query", "SELECT COUNT(*) AS n, SUM(n) AS s FROM n", "--json"]).json();
    assert_eq!(next["rows"], serde_json::json!([[344, 344 * 343 / 2]]));
    assert_eq!(home.daemon_pid(), Some(daemon));
}

#[test]
fn who_follows_a_log_or_waits_goes_on_with_the_next_daemon_and_no_longer_than_was_asked_for() {
    let home = home!();
    home.start_daemon();
    let id = submit_fault(&home, "sleep").id.to_string();
    child_of(&home, &id);
    let follow = home
        .command(["logs", &id, "--follow"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    assert!(home.kill_daemon());
    let begun = std::time::Instant::now();
    let waited = home.run(["wait", &id, "--timeout", "2"]);
    // `wait` starts a daemon where none runs; then the job runs again and does not end in time.
    assert_eq!(waited.code, Some(1), "{}", waited.stderr);
    assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
    child_of(&home, &id);
    assert_eq!(home.run(["cancel", &id]).code, Some(0));
    let said = follow.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.status.success(), "{text}");
    let places =
        ["attempt 1 started", "went away while it ran; queued again", "attempt 2 started", "cancelled"]
            .map(|line| text.find(line).unwrap_or_else(|| panic!("no '{line}' in {text}")));
    assert!(places.is_sorted(), "{text}");
}

#[test]
fn a_daemon_holds_no_file_of_whoever_started_it() {
    let home = home!();
    let path = home.path().join("lock");
    let lock = std::fs::File::create(&path).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    // As a shell hands on what it opened: not closed at exec. It is opened to this one child alone, since one opened
    // in the process of the tests would be handed to the children of the tests beside this one as well.
    let program = home.command(["files"]);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "exec 9<&0 </dev/null; readlink /proc/$$/fd/9 >&2; \"$@\"", "sh"]);
    shell.arg(program.get_program()).args(program.get_args());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let told = shell.stdin(lock).output().unwrap();
    let said = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(told.status.success(), "{said}");
    assert!(said.starts_with(&path.display().to_string()), "the child was handed the file: {said}");
    drop(shell);
    let again = std::fs::File::open(&path).unwrap();
    rustix::fs::flock(&again, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    assert!(home.daemon_pid().is_some());
}
