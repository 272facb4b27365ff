//! Where everything lies. `DROPFORGE_HOME=DIR` puts all of it under DIR; without it, the XDG folders.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::fault::Fault;

/// A Unix socket's path may have 107 bytes (`sun_path` of unix(7), less the closing NUL).
const SOCKET_PATH_MAX: usize = 107;

/// The folders and files of one home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// What names this home, for `daemon status`.
    pub home: PathBuf,
    /// The configuration file.
    pub config: PathBuf,
    /// The user's own detection rules, beside the configuration; not made by itself.
    pub detection: PathBuf,
    /// Recipes, beside the configuration; made when one is saved.
    pub recipes: PathBuf,
    /// The drop folder, unless the configuration says otherwise.
    pub inbox: PathBuf,
    /// Where taken files are moved to, unless the configuration says otherwise.
    pub processed: PathBuf,
    /// The store's folder.
    pub store: PathBuf,
    /// Contents by hash.
    pub blobs: PathBuf,
    /// One folder a job.
    pub runs: PathBuf,
    /// The daemon's logs, and the jobs' below `jobs/`.
    pub logs: PathBuf,
    /// The workbench's statements, one JSON string a line.
    pub history: PathBuf,
    /// Locks and the socket.
    pub run: PathBuf,
    /// The daemon's socket.
    pub socket: PathBuf,
}

impl Paths {
    /// The home that the environment names.
    pub fn from_env() -> Result<Self, Fault> {
        match std::env::var_os("DROPFORGE_HOME").filter(|h| !h.is_empty()) {
            Some(home) => Self::under(Path::new(&home)),
            None => Self::xdg(),
        }
    }

    /// Everything under one folder. A relative path counts from the working folder.
    pub fn under(home: &Path) -> Result<Self, Fault> {
        let home = std::path::absolute(home).map_err(|e| {
            Fault::usage(format!("DROPFORGE_HOME='{}' is not a usable path: {e}", home.display()))
        })?;
        let run = home.join("run");
        Ok(Self {
            config: home.join("config.toml"),
            detection: home.join("detection"),
            recipes: home.join("recipes"),
            inbox: home.join("inbox"),
            processed: home.join("processed"),
            store: home.join("store"),
            blobs: home.join("blobs"),
            runs: home.join("runs"),
            logs: home.join("logs"),
            history: home.join("query_history"),
            socket: socket_path(&run, &home),
            run,
            home,
        })
    }

    fn xdg() -> Result<Self, Fault> {
        let no_home = || {
            Fault::usage("no home folder is known for this user")
                .hint("Set DROPFORGE_HOME to a folder of your own.")
        };
        let base = directories::BaseDirs::new().ok_or_else(no_home)?;
        // The daemon has a working folder of its own: what counts from this one would be another place there.
        if !base.home_dir().is_absolute() {
            return Err(Fault::usage(format!(
                "HOME='{}' is not an absolute path",
                base.home_dir().display()
            ))
            .hint("Set HOME to your home folder, or DROPFORGE_HOME to a folder of your own."));
        }
        let data = base.data_dir().join("dropforge");
        let state = base.state_dir().unwrap_or_else(|| base.data_dir()).join("dropforge");
        let drop = base.home_dir().join("Dropforge");
        let run = state.join("run");
        let config = base.config_dir().join("dropforge");
        Ok(Self {
            detection: config.join("detection"),
            recipes: config.join("recipes"),
            config: config.join("config.toml"),
            inbox: drop.join("inbox"),
            processed: drop.join("processed"),
            store: data.join("store"),
            blobs: data.join("blobs"),
            runs: data.join("runs"),
            logs: state.join("logs"),
            history: state.join("query_history"),
            socket: socket_path(&run, &data),
            run,
            home: data,
        })
    }

    /// Makes the folders that are missing, private to the user, and checks that they are this user's.
    pub fn create(&self) -> Result<(), Fault> {
        for dir in [&self.home, &self.store, &self.blobs, &self.runs, &self.logs, &self.run] {
            private_dir(dir)?;
        }
        for dir in [self.config.parent(), self.socket.parent()].into_iter().flatten() {
            private_dir(dir)?;
        }
        private_dir(&self.inbox)
    }

    /// Where a content lies.
    pub fn blob(&self, sha256: &str) -> PathBuf {
        let (head, tail) = sha256.split_at(sha256.len().min(2));
        self.blobs.join(head).join(tail)
    }

    /// A job's folder.
    pub fn job_dir(&self, job: &crate::ids::JobId) -> PathBuf {
        self.runs.join(job.as_str())
    }

    /// A job's published outputs.
    pub fn job_outputs(&self, job: &crate::ids::JobId) -> PathBuf {
        self.job_dir(job).join("out")
    }

    /// A job's log folder.
    pub fn job_log(&self, job: &crate::ids::JobId) -> PathBuf {
        self.logs.join("jobs").join(job.as_str())
    }
}

/// Makes a folder with mode 0700 where it is missing; refuses one that somebody else owns.
pub fn private_dir(dir: &Path) -> Result<(), Fault> {
    let failed = |e: io::Error| {
        Fault::failed(format!("can't make or use the folder {}: {e}", dir.display()))
            .hint("Check the permissions of the folder above, or set DROPFORGE_HOME to another place.")
    };
    match std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
        Err(e) => return Err(failed(e)),
    }
    let meta = std::fs::metadata(dir).map_err(failed)?;
    if !meta.is_dir() {
        return Err(Fault::failed(format!("{} is not a folder", dir.display())));
    }
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(Fault::refused(format!("the folder {} belongs to uid {}", dir.display(), meta.uid()))
            .hint("Set DROPFORGE_HOME to a folder of your own."));
    }
    Ok(())
}

/// The socket's path: in the run folder where that is short enough, else in a short folder of the user's runtime
/// directory, named by a hash of the home.
fn socket_path(run: &Path, home: &Path) -> PathBuf {
    let near = run.join("daemon.sock");
    if near.as_os_str().len() <= SOCKET_PATH_MAX {
        return near;
    }
    let uid = rustix::process::geteuid().as_raw();
    let base = std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|p| p.is_absolute() && p.is_dir())
        .map_or_else(|| std::env::temp_dir().join(format!("dropforge-{uid}")), |p| p.join("dropforge"));
    let mut name = OsString::from(hex(&Sha256::digest(home.as_os_str().as_bytes())[..8]));
    name.push(".sock");
    base.join(name)
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut s, b| {
        let _ = write!(s, "{b:02x}");
        s
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deep_home_still_gets_a_socket_that_fits() {
        let deep = PathBuf::from("/srv").join("x".repeat(200));
        let paths = Paths::under(&deep).unwrap();
        assert!(paths.socket.as_os_str().len() <= SOCKET_PATH_MAX, "{}", paths.socket.display());
        let other = Paths::under(&deep.join("y")).unwrap();
        assert_ne!(paths.socket, other.socket);
    }

    #[test]
    fn everything_is_under_the_home() {
        let paths = Paths::under(Path::new("/srv/df")).unwrap();
        for p in
            [&paths.config, &paths.inbox, &paths.store, &paths.blobs, &paths.runs, &paths.logs, &paths.socket]
        {
            assert!(p.starts_with("/srv/df"), "{}", p.display());
        }
    }
}
