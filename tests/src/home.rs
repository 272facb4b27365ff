//! A home in a temporary folder, with the binary under test.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use dropforge_shared::identity;
use dropforge_shared::paths::Paths;
use serde_json::Value;

use crate::wait::eventually;

/// What a verb did.
#[derive(Debug)]
pub struct Outcome {
    /// The exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Outcome {
    /// Standard output as one JSON document; fails where it is none, or the verb failed.
    pub fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "the verb failed: {self:#?}");
        self.json_anyhow()
    }

    /// Standard output as one JSON document, whatever the exit code was.
    pub fn json_anyhow(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("no JSON document ({e}): {self:#?}"))
    }
}

/// A home with its daemon, which is killed when the home is dropped.
pub struct Home {
    dir: tempfile::TempDir,
    exe: PathBuf,
    env: BTreeMap<String, String>,
}

impl Home {
    /// An empty home. Its inbox settles fast, so that tests need not wait for seconds.
    pub fn new(exe: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("df").tempdir().expect("a temporary folder");
        let home = Self { dir, exe: exe.into(), env: BTreeMap::new() };
        home.configure(
            "[inbox]\nsettle_seconds = 0.2\n[queue]\nretry_seconds = 0.1\nretry_max_seconds = 0.5\n",
        );
        home
    }

    /// Writes the configuration.
    pub fn configure(&self, toml: &str) {
        std::fs::write(self.path().join("config.toml"), toml).expect("a writable home");
    }

    /// Sets a variable for verbs and for a daemon that is started from now on.
    pub fn env(&mut self, name: &str, value: impl Into<String>) {
        self.env.insert(name.into(), value.into());
    }

    /// Unsets a variable.
    pub fn clear_env(&mut self, name: &str) {
        self.env.remove(name);
    }

    /// The home's folder.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Where everything lies.
    pub fn paths(&self) -> Paths {
        Paths::under(self.path()).expect("a usable home")
    }

    /// The binary under test.
    pub fn exe(&self) -> &Path {
        &self.exe
    }

    /// The drop folder, made if it is not there yet.
    pub fn inbox(&self) -> PathBuf {
        let inbox = self.path().join("inbox");
        std::fs::create_dir_all(&inbox).expect("a writable home");
        inbox
    }

    /// Writes a file outside of the inbox, for `add`.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join("given").join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a writable home");
        std::fs::write(&path, content).expect("a writable home");
        path
    }

    /// Drops a file into the inbox, whole.
    pub fn drop_file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.inbox().join(name);
        std::fs::write(&path, content).expect("a writable inbox");
        path
    }

    /// A command of the binary under test in this home.
    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(&self.exe);
        command.args(args).env("DROPFORGE_HOME", self.path()).envs(&self.env).stdin(Stdio::null());
        command
    }

    /// Runs a verb to its end.
    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Outcome {
        let output = self.command(args).output().expect("the binary under test");
        Outcome {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs a verb given as one line (no quoting) and expects it to succeed with one JSON document.
    pub fn json(&self, line: &str) -> Value {
        self.run(line.split_whitespace().chain(["--json"])).json()
    }

    /// Starts the daemon and answers its pid.
    pub fn start_daemon(&self) -> u32 {
        let outcome = self.run(["daemon", "start"]);
        assert_eq!(outcome.code, Some(0), "the daemon did not start: {outcome:#?}");
        self.daemon_pid().expect("a daemon that was started")
    }

    /// The pid of the daemon that runs, as its lock tells.
    pub fn daemon_pid(&self) -> Option<u32> {
        let pid = std::fs::read_to_string(self.path().join("run/daemon.lock")).ok()?.trim().parse().ok()?;
        identity::ProcessIdentity::of(pid).filter(|p| p.is_alive()).map(|p| p.pid)
    }

    /// Kills the daemon as a power cut would, and waits until it is gone. Answers whether one ran.
    pub fn kill_daemon(&self) -> bool {
        let Some(pid) = self.daemon_pid() else { return false };
        signal(pid, rustix::process::Signal::KILL);
        eventually("the killed daemon is gone", || self.daemon_pid().is_none().then_some(()));
        true
    }

    /// Stops the daemon in good order.
    pub fn stop_daemon(&self) {
        let outcome = self.run(["daemon", "stop"]);
        assert_eq!(outcome.code, Some(0), "{outcome:#?}");
        eventually("the stopped daemon is gone", || self.daemon_pid().is_none().then_some(()));
    }

    /// All files, newest first.
    pub fn files(&self) -> Vec<Value> {
        self.json("files --limit 100000").as_array().expect("a list").clone()
    }

    /// All jobs, newest first.
    pub fn jobs(&self) -> Vec<Value> {
        self.json("jobs --limit 100000").as_array().expect("a list").clone()
    }

    /// Waits until a file by that name has left `ingesting`, and answers it.
    pub fn settled_file(&self, name: &str) -> Value {
        eventually(&format!("{name} is taken in"), || {
            self.files().into_iter().find(|f| f["name"] == name && f["state"] != "ingesting")
        })
    }

    /// Opens the store of a daemon that is gone. One that was killed while it started a child lives on in that child for
    /// some milliseconds, locks and all.
    pub fn open_store(&self) -> dropforge_daemon::store::Store {
        eventually("the store can be opened", || {
            match dropforge_daemon::store::Store::open(&self.paths().store) {
                Ok(store) => Some(store),
                Err(dropforge_daemon::store::StoreError::Locked(_)) => None,
                Err(e) => panic!("the store does not open: {e}"),
            }
        })
    }

    /// Every table of the store in order, as text. The daemon must not run.
    pub fn store_snapshot(&self) -> String {
        let store = self.open_store();
        let text = store.snapshot_text().expect("a store that can be read");
        store.close();
        text
    }

    /// Stops the daemon if one runs, and checks the store: every index, every reference.
    pub fn assert_store_is_sound(&self) {
        self.kill_daemon();
        let store = self.open_store();
        let report = store.fsck(false).expect("a store that can be checked");
        assert!(report.is_clean(), "{:#?}", report.problems);
        store.close();
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.kill_daemon();
    }
}

/// Sends a signal to a process.
pub(crate) fn signal(pid: u32, signal: rustix::process::Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// Reads a file of the source tree, by its path from the top.
pub fn bytes_of(path: &str) -> Vec<u8> {
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read(&full).unwrap_or_else(|e| panic!("{}: {e}", full.display()))
}
