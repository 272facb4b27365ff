//! The daemon by itself: other versions of the client, what it costs while idle, what a restart keeps.

use dropforge_shared::handshake::{Operation, PROTOCOL, Verdict, greet};
use dropforge_tests::{bytes_of, eventually, home};

#[test]
fn a_client_of_another_protocol_is_refused_but_may_ask_and_stop() {
    let home = home!();
    let pid = home.start_daemon();
    let socket = home.paths().socket;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let hello = |operation| {
        runtime.block_on(async {
            let mut stream = tokio::net::UnixStream::connect(&socket).await.unwrap();
            greet(&mut stream, operation, PROTOCOL + 1).await.unwrap()
        })
    };
    assert_eq!(hello(Operation::Session).0, Verdict::OtherProtocol);
    let (verdict, peer) = hello(Operation::Status);
    assert_eq!((verdict, peer.pid, peer.protocol), (Verdict::Accepted, pid, PROTOCOL));
    assert_eq!(hello(Operation::Stop).0, Verdict::Accepted);
    eventually("it has stopped", || home.daemon_pid().is_none().then_some(()));
}

#[test]
fn what_does_not_speak_the_protocol_does_no_harm() {
    use std::io::Write;
    let home = home!();
    home.start_daemon();
    for junk in [&b""[..], b"GET / HTTP/1.1\r\n\r\n", &[0xff; 100_000]] {
        let mut stream = std::os::unix::net::UnixStream::connect(home.paths().socket).unwrap();
        // The daemon may hang up in the middle: that is its right.
        let _ = stream.write_all(junk);
    }
    home.json("daemon status");
}

#[test]
fn an_idle_daemon_is_small_and_does_nothing() {
    let home = home!();
    let file = home.file("penguins.csv", bytes_of("assets/samples/penguins.csv"));
    home.json(&format!("add {} --wait", file.display()));
    let pid = home.daemon_pid().unwrap();
    let ticks = || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let fields: Vec<&str> = stat[stat.rfind(')').unwrap() + 2..].split(' ').collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    // The status itself costs a little: look before and after the rest, not at it.
    let rss = home.json("daemon status")["rss_bytes"].as_u64().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let own = status.lines().find_map(|l| l.strip_prefix("RssAnon:")).unwrap();
    let own = own.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024;
    assert!(own < 20_000_000, "{own} bytes of its own");
    // An unoptimised program alone is 400 MB, and the pages of it that were touched count as resident.
    assert!(cfg!(debug_assertions) || rss < 40_000_000, "{rss} bytes resident");
    eventually("it comes to rest", || {
        let before = ticks();
        std::thread::sleep(std::time::Duration::from_secs(3));
        (ticks() - before <= 1).then_some(())
    });
}

#[test]
fn a_restart_changes_nothing_in_the_store() {
    let home = home!();
    let file = home.file("a.csv", "x,y\n1,2\n");
    home.json(&format!("add {} --wait", file.display()));
    home.stop_daemon();
    let before = home.store_snapshot();
    home.start_daemon();
    home.stop_daemon();
    assert_eq!(home.store_snapshot(), before);
    assert!(before.contains("a.csv"), "{before}");
}

#[test]
fn a_wrong_key_in_the_configuration_is_named_with_its_place() {
    let home = home!();
    home.configure("[inbox]\n\nsettle_secnods = 3.0\n");
    let outcome = home.run(["daemon", "start"]);
    assert_ne!(outcome.code, Some(0));
    for part in ["config.toml", "line 3", "settle_secnods", "settle_seconds"] {
        assert!(outcome.stderr.contains(part), "'{part}' is missing: {outcome:#?}");
    }
}

#[test]
fn a_store_that_is_missing_is_not_begun_anew_over_what_belongs_to_it() {
    let home = home!();
    let file = home.file("a.csv", "x,y\n1,2\n");
    home.json(&format!("add {} --wait", file.display()));
    home.stop_daemon();
    let (store, aside) = (home.path().join("store"), home.path().join("aside"));
    std::fs::rename(&store, &aside).unwrap();
    let outcome = home.run(["files"]);
    assert_eq!(outcome.code, Some(4), "{outcome:#?}");
    for part in ["is missing", "Nothing was touched", "dropforge restore"] {
        assert!(outcome.stderr.contains(part), "'{part}' is missing: {outcome:#?}");
    }
    std::fs::remove_dir_all(&store).unwrap();
    std::fs::rename(&aside, &store).unwrap();
    assert_eq!(home.json("preview a.csv")["rows"], serde_json::json!([[1, 2]]));
}

#[test]
fn a_damaged_store_says_so_at_the_start() {
    let home = home!();
    home.start_daemon();
    home.stop_daemon();
    let file = home.path().join("store/dropforge.redb");
    let size = std::fs::metadata(&file).unwrap().len();
    std::fs::write(&file, vec![0xa5; size as usize]).unwrap();
    let outcome = home.run(["files"]);
    assert_eq!(outcome.code, Some(4), "{outcome:#?}");
    assert!(outcome.stderr.contains("the store is damaged"), "{outcome:#?}");
    // And so does who is asked what is wrong.
    let outcome = home.run(["doctor", "--json"]);
    assert_eq!(outcome.code, Some(1), "{outcome:#?}");
    let checks: Vec<serde_json::Value> = serde_json::from_str(&outcome.stdout).unwrap();
    let store = checks.iter().find(|c| c["name"] == "store").unwrap();
    assert!(store["level"] == "error" && store["advice"].as_str().unwrap().contains("restore"), "{store}");
}

#[test]
fn a_daemon_whose_home_was_removed_ends() {
    let home = home!();
    home.start_daemon();
    std::fs::remove_dir_all(home.path().join("store")).unwrap();
    eventually("it has ended", || home.daemon_pid().is_none().then_some(()));
}

#[test]
fn a_home_that_was_removed_and_made_anew_belongs_to_the_daemon_that_made_it() {
    let home = home!();
    let old = home.start_daemon();
    let old = dropforge_shared::identity::ProcessIdentity::of(old).unwrap();
    for folder in ["store", "run"] {
        std::fs::remove_dir_all(home.path().join(folder)).unwrap();
    }
    let new = home.start_daemon();
    assert_ne!(new, old.pid);
    eventually("the old one has ended", || (!old.is_alive()).then_some(()));
    // It took neither the new one's socket along nor its place.
    assert_eq!(home.json("daemon status")["pid"], new);
}

#[test]
fn an_add_goes_on_where_the_daemon_is_killed_while_it_takes_files() {
    let home = home!();
    home.start_daemon();
    let folder = home.path().join("many");
    std::fs::create_dir(&folder).unwrap();
    const FILES: usize = 200;
    for n in 0..FILES {
        std::fs::write(folder.join(format!("{n:03}.csv")), format!("a,b\n{n},x\n")).unwrap();
    }
    let mut add = home.command(["add", folder.to_str().unwrap(), "--on-duplicate", "reprocess", "--json"]);
    let add = add.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    eventually("some are taken", || (!home.files().is_empty()).then_some(()));
    assert!(home.kill_daemon());
    home.start_daemon();
    let output = add.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let outcomes: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(outcomes.len(), FILES);
    for outcome in &outcomes {
        assert!(outcome["file"].is_string() && outcome["duplicate_of"].is_null(), "{outcome}");
        assert_eq!(outcome["jobs"].as_array().map(Vec::len), Some(1), "{outcome}");
    }
    // Each once, though they were to be processed again.
    assert_eq!((home.files().len(), home.jobs().len()), (FILES, FILES));
    home.assert_store_is_sound();
}

#[test]
fn another_user_is_refused_even_where_the_socket_stands_open() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    if !rustix::process::geteuid().is_root() {
        // Nobody else can be played.
        return;
    }
    const STRANGER: u32 = 54_321;
    let home = home!();
    home.start_daemon();
    let open = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let socket = home.paths().socket;
    for folder in socket.ancestors().skip(1).take(2) {
        open(folder, 0o755);
    }
    open(&socket, 0o666);
    // Who connects, speaks the protocol and asks it to stop, is told no and heard no further.
    let script =
        "import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\nprint('reached')";
    let reached = std::process::Command::new("python3")
        .args(["-c", script, socket.to_str().unwrap()])
        .uid(STRANGER)
        .gid(STRANGER)
        .output();
    if let Ok(reached) = reached {
        assert!(String::from_utf8_lossy(&reached.stdout).contains("reached"), "{reached:?}");
    }
    let outcome = home.command(["daemon", "stop"]).uid(STRANGER).gid(STRANGER).output();
    // The program under test may lie where a stranger can't reach it; then there is nothing to try.
    if let Ok(outcome) = outcome {
        let told = String::from_utf8_lossy(&outcome.stderr);
        assert_ne!(outcome.status.code(), Some(0), "{told}");
        assert!(told.contains("another user") || told.contains("belongs to uid"), "{told}");
    }
    home.json("daemon status");
}
