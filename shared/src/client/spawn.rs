//! Starting the daemon where none answers: one starter at a time, probed by a real call, a dead socket unlinked only on
//! connection refused.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::connect::{Client, connect};
use crate::fault::Fault;
use crate::paths::Paths;

/// How long a fresh daemon may take until it answers. A store that was not closed well is checked first.
const START: Duration = Duration::from_secs(30);

/// Connects, and starts the daemon first where none answers.
pub async fn connect_or_start(paths: &Paths, exe: &Path) -> Result<Client, Fault> {
    if let Some(client) = connect(paths).await? {
        return Ok(client);
    }
    start(paths, exe).await
}

/// Starts the daemon in a session of its own and connects. Where another start is under way, waits for that one.
pub async fn start(paths: &Paths, exe: &Path) -> Result<Client, Fault> {
    paths.create()?;
    let lock_path = paths.run.join("start.lock");
    let lock = open_private(&lock_path).map_err(|e| {
        Fault::failed(format!("can't open the start lock {}: {e}", lock_path.display()))
            .hint("The home has to be writable; `dropforge doctor` looks at it.")
    })?;
    let deadline = Instant::now() + START;
    // Held until the daemon answers, so that of many clients at once only one starts it.
    while rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err() {
        if let Some(client) = connect(paths).await? {
            return Ok(client);
        }
        give_up_after(deadline, paths)?;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    if let Some(client) = connect(paths).await? {
        return Ok(client);
    }
    remove_dead_socket(&paths.socket);
    let log_path = paths.logs.join("daemon-start.log");
    let log = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(&log_path)
        .map_err(|e| Fault::failed(format!("can't write {}: {e}", log_path.display())))?;
    let spawn = || {
        Command::new(exe)
            .args(["daemon", "run", "--background"])
            // glibc gives each thread an arena of its own and returns little of them: after some thousand jobs the daemon held
            // 37 MB with as many as it likes, and 26 MB with two. Children clear their environment.
            .env("MALLOC_ARENA_MAX", "2")
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.try_clone().map_or_else(|_| Stdio::null(), Stdio::from))
            .spawn()
            .map_err(|e| {
                let fault = Fault::unreachable(format!("can't start the daemon ({}): {e}", exe.display()));
                match e.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory => {
                        fault.hint("This user has too many processes, or memory is short: `ulimit -u`.")
                    }
                    _ => fault.hint("Is the program still where it was, and may it be run?"),
                }
            })
    };
    let mut child = spawn()?;
    loop {
        if let Some(client) = connect(paths).await? {
            return Ok(client);
        }
        let ended = child.try_wait().ok().flatten();
        // It found another daemon at work, yet none answers: that one is on its way out. Try again until it is gone.
        if ended.is_some_and(|status| status.success()) {
            child = spawn()?;
        }
        if let Some(status) = ended
            && !status.success()
        {
            let said = std::fs::read_to_string(&log_path).unwrap_or_default();
            let said = said.trim().trim_start_matches("dropforge: ").to_owned();
            return Err(Fault::unreachable(if said.is_empty() {
                format!("the daemon did not start: {status}")
            } else {
                format!("the daemon did not start: {said}")
            })
            .hint(format!(
                "Its log is in {}; `dropforge doctor` checks the surroundings.",
                paths.logs.display()
            )));
        }
        give_up_after(deadline, paths)?;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn give_up_after(deadline: Instant, paths: &Paths) -> Result<(), Fault> {
    if Instant::now() < deadline {
        return Ok(());
    }
    Err(Fault::unreachable(format!("the daemon did not answer within {} s of its start", START.as_secs()))
        .hint(format!("Its log is in {}.", paths.logs.display())))
}

/// Removes a socket that nobody listens on. Only a refused connection proves that; anything else leaves it alone.
pub(crate) fn remove_dead_socket(socket: &Path) {
    if let Err(e) = std::os::unix::net::UnixStream::connect(socket)
        && e.kind() == io::ErrorKind::ConnectionRefused
    {
        let _ = std::fs::remove_file(socket);
    }
}

fn open_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(path)
}
