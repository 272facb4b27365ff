//! Statements that were run, kept over sessions in a private file: one JSON string a line, so that line breaks stay. Several
//! workbenches may write at once: each takes a lock, and a file that grew too long is written anew beside and renamed in.
//! Must not know the state or the screen.

use std::collections::HashSet;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use dropforge_shared::fault::Fault;
use dropforge_shared::paths::Paths;
use rustix::fs::{FlockOperation, flock};

/// Statements that are kept, the newest of them.
pub const KEPT: usize = 1_000;

/// A statement longer than this many bytes is a document, and not kept.
const LONGEST: usize = 64 * 1024;

/// The file is written anew when it is longer than this many bytes.
const LARGEST: u64 = 1024 * 1024;

/// The history of one home.
#[derive(Debug, Clone)]
pub struct History {
    file: PathBuf,
    lock: PathBuf,
}

impl History {
    /// Of this home. Nothing is made yet.
    pub fn of(paths: &Paths) -> Self {
        Self { file: paths.history.clone(), lock: paths.history.with_extension("lock") }
    }

    /// The newest statements, the newest last, each once.
    pub fn read(&self) -> Result<Vec<String>, Fault> {
        // What is renamed in or appended meanwhile is whole or the last line; a line that is cut off is passed over.
        statements(&self.file).map_err(|e| self.fault("read", &e))
    }

    /// Keeps a statement, and gives back what is kept then.
    pub fn add(&self, sql: &str) -> Result<Vec<String>, Fault> {
        self.write(sql).map_err(|e| self.fault("written", &e))?;
        self.read()
    }

    fn write(&self, sql: &str) -> io::Result<()> {
        if sql.len() > LONGEST {
            return Ok(());
        }
        let lock = private(&self.lock)?;
        // Given back when the file is closed, also by a kill.
        flock(&lock, FlockOperation::LockExclusive)?;
        let mut file = private(&self.file)?;
        let length = file.metadata()?.len();
        let mut line = String::new();
        if length > 0 && !ends_whole(&mut file)? {
            // A writer was killed in the midst: its line ends here.
            line.push('\n');
        }
        line.push_str(&serde_json::to_string(sql)?);
        line.push('\n');
        file.write_all(line.as_bytes())?;
        if length > LARGEST {
            let lines = statements_in(&self.file)?;
            let beside = self.file.with_extension("new");
            // What an earlier one left behind.
            let _ = std::fs::remove_file(&beside);
            let mut out = private(&beside)?;
            for sql in newest(lines) {
                writeln!(out, "{}", serde_json::to_string(&sql)?)?;
            }
            out.sync_all()?;
            std::fs::rename(&beside, &self.file)?;
        }
        Ok(())
    }

    fn fault(&self, what: &str, error: &io::Error) -> Fault {
        Fault::failed(format!(
            "the history of statements in {} can't be {what}: {error}",
            self.file.display()
        ))
        .hint("Statements of this session are remembered until it ends.")
    }
}

/// Opens a file for reading and appending that nobody else may read; makes it where it is missing.
fn private(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    let file =
        OpenOptions::new().read(true).append(true).create(true).mode(0o600).custom_flags(flags).open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

fn ends_whole(file: &mut File) -> io::Result<bool> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// All statements of the file, in its order; of a file that is too long those at its end.
fn statements_in(path: &Path) -> io::Result<Vec<String>> {
    let mut file = match File::open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let most = LARGEST + 2 * LONGEST as u64;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(most)))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes.split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
}

fn statements(path: &Path) -> io::Result<Vec<String>> {
    Ok(newest(statements_in(path)?))
}

/// Each statement once, where it was run last; the newest of them.
fn newest(all: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut kept: Vec<String> = Vec::new();
    let mut bytes = 0;
    for sql in all.into_iter().rev() {
        bytes += sql.len() as u64;
        if kept.len() == KEPT || bytes > LARGEST / 2 {
            break;
        }
        if seen.insert(sql.clone()) {
            kept.push(sql);
        }
    }
    kept.reverse();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(dir: &Path) -> History {
        History { file: dir.join("history"), lock: dir.join("history.lock") }
    }

    #[test]
    fn statements_come_back_in_order_each_once_and_for_nobody_else() {
        let dir = tempfile::tempdir().unwrap();
        let history = history(dir.path());
        assert_eq!(history.read().unwrap(), Vec::<String>::new(), "there is none yet");
        for sql in ["SELECT 1", "SELECT *\nFROM \"a.csv\"", "SELECT 1"] {
            history.add(sql).unwrap();
        }
        assert_eq!(history.read().unwrap(), ["SELECT *\nFROM \"a.csv\"", "SELECT 1"]);
        let mode = std::fs::metadata(&history.file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_line_that_was_cut_off_costs_only_itself() {
        let dir = tempfile::tempdir().unwrap();
        let history = history(dir.path());
        history.add("SELECT 1").unwrap();
        let mut file = OpenOptions::new().append(true).open(&history.file).unwrap();
        file.write_all(b"\"SELECT \xff").unwrap();
        assert_eq!(history.add("SELECT 2").unwrap(), ["SELECT 1", "SELECT 2"]);
    }

    #[test]
    fn two_at_once_lose_nothing_and_the_file_stays_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let history = history(dir.path());
        std::thread::scope(|scope| {
            for who in ["a", "b"] {
                let history = history.clone();
                scope.spawn(move || {
                    for i in 0..400 {
                        history.add(&format!("SELECT {who}{i}")).unwrap();
                    }
                });
            }
        });
        let kept = history.read().unwrap();
        for who in ["a", "b"] {
            let own: Vec<&String> = kept.iter().filter(|s| s.contains(&format!(" {who}"))).collect();
            let wanted: Vec<String> = (0..400).map(|i| format!("SELECT {who}{i}")).collect();
            assert_eq!(own, wanted.iter().collect::<Vec<_>>(), "all, in order");
        }
        let long = "x".repeat(40 * 1024);
        for i in 0..60 {
            history.add(&format!("SELECT {i} {long}")).unwrap();
        }
        assert!(std::fs::metadata(&history.file).unwrap().len() < 2 * LARGEST);
        let kept = history.add("SELECT 'the last'").unwrap();
        assert_eq!(kept.last().map(String::as_str), Some("SELECT 'the last'"));
        assert!(kept.len() <= KEPT);
    }
}
