//! Control groups of version 2, where the system manager delegated some to the daemon (`Delegate=` of a systemd unit):
//! one a child, so that the kernel holds it to its memory with all that it starts, and ends it as a whole.
//!
//! Taken only where the daemon is alone in its group. Elsewhere (a login session, a container without delegation) the
//! limits that a child sets on itself and [`super::MemoryWatch`] do the work. Must not know what a child is for.
//!
//! Files and their meaning: the kernel's `Documentation/admin-guide/cgroup-v2.rst`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What groups of children are called, with the child's pid behind.
const PREFIX: &str = "worker-";
/// The group that the daemon itself moves to: a group with children of its own may hold no processes.
const OWN: &str = "daemon";
/// Processes and threads that a child may have. An engine takes a few for each core.
const MAX_TASKS: &str = "512";

/// The daemon's part of the tree.
#[derive(Debug)]
pub struct Groups {
    root: PathBuf,
}

impl Groups {
    /// Takes charge of the group that this process is in.
    ///
    /// # Errors
    /// In words, why there is none to take.
    pub fn take() -> Result<Self, String> {
        let read = |path: &str| fs::read_to_string(path).map_err(|e| format!("{path}: {e}"));
        let own = read("/proc/self/cgroup")?;
        let path = own_path(&own).ok_or("no control groups of version 2")?;
        let mount = mount_point(&read("/proc/self/mountinfo")?).ok_or("no control groups of version 2")?;
        Self::take_at(&mount.join(path.trim_start_matches('/')), std::process::id())
    }

    fn take_at(root: &Path, pid: u32) -> Result<Self, String> {
        let shown = root.display();
        let read = |name: &str| {
            fs::read_to_string(root.join(name)).map_err(|e| format!("{}: {e}", root.join(name).display()))
        };
        if !read("cgroup.controllers")?.split_whitespace().any(|c| c == "memory") {
            return Err(format!("the control group {shown} may not limit memory"));
        }
        // Others in it would have to be moved too, and they are not ours.
        if read("cgroup.procs")?.split_whitespace().any(|p| p != pid.to_string()) {
            return Err(format!("the control group {shown} is shared with other processes"));
        }
        let groups = Self { root: root.to_path_buf() };
        groups.divide(pid).map_err(|e| {
            // As it was, as far as that goes.
            let _ = fs::write(root.join("cgroup.procs"), pid.to_string());
            let _ = fs::remove_dir(root.join(OWN));
            format!("the control group {shown} is not delegated: {e}")
        })?;
        Ok(groups)
    }

    fn divide(&self, pid: u32) -> io::Result<()> {
        let own = self.root.join(OWN);
        match fs::create_dir(&own) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
            _ => fs::write(own.join("cgroup.procs"), pid.to_string())?,
        }
        fs::write(self.root.join("cgroup.subtree_control"), "+memory")?;
        // Welcome, not needed.
        let _ = fs::write(self.root.join("cgroup.subtree_control"), "+pids");
        Ok(())
    }

    /// Leaves the group as it was found, once the last child is gone: whoever starts the next daemon in it finds a group
    /// that takes processes. A manager that removes the group does not need this.
    pub fn leave(&self) {
        self.sweep();
        for part in ["-pids", "-memory"] {
            let _ = fs::write(self.root.join("cgroup.subtree_control"), part);
        }
        let _ = fs::write(self.root.join("cgroup.procs"), std::process::id().to_string());
        let _ = fs::remove_dir(self.root.join(OWN));
    }

    /// Where it lies, for people.
    pub fn place(&self) -> String {
        self.root.display().to_string()
    }

    /// Puts a child that has not begun to work into a group of its own, which may hold `memory_bytes`.
    ///
    /// # Errors
    /// Where the group can't be made; the child then is where it was.
    pub fn confine(&self, pid: u32, memory_bytes: u64) -> io::Result<Group> {
        self.sweep();
        let group = Group { dir: self.root.join(format!("{PREFIX}{pid}")) };
        match fs::create_dir(&group.dir) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
            _ => {}
        }
        fs::write(group.dir.join("memory.max"), memory_bytes.to_string())?;
        // Without swap, or the limit would only be the beginning. Kernels without swap accounting lack the file.
        let _ = fs::write(group.dir.join("memory.swap.max"), "0");
        let _ = fs::write(group.dir.join("memory.oom.group"), "1");
        let _ = fs::write(group.dir.join("pids.max"), MAX_TASKS);
        fs::write(group.dir.join("cgroup.procs"), pid.to_string())?;
        Ok(group)
    }

    /// Removes groups whose last process has ended since. The kernel refuses to remove one that is not empty.
    fn sweep(&self) {
        for entry in fs::read_dir(&self.root).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(PREFIX) {
                let _ = fs::remove_dir(entry.path());
            }
        }
    }
}

/// One child's group. Dropped, everything in it is ended.
#[derive(Debug)]
pub struct Group {
    dir: PathBuf,
}

impl Group {
    /// Whether the kernel ended something in it for want of memory.
    pub fn ran_out(&self) -> bool {
        fs::read_to_string(self.dir.join("memory.events")).is_ok_and(|events| {
            events.lines().filter_map(|l| l.strip_prefix("oom_kill ")).any(|n| n.trim() != "0")
        })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Linux 5.14; before, the process group's signal does it.
        let _ = fs::write(self.dir.join("cgroup.kill"), "1");
        // Ending takes a moment; what is left is swept before the next child.
        let _ = fs::remove_dir(&self.dir);
    }
}

/// The path of a process' group in the one tree of version 2, from its `/proc/PID/cgroup`.
fn own_path(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("0::"))
}

/// Where the tree of version 2 is mounted, from `/proc/self/mountinfo` (proc(5)): the fifth field, and the file system's
/// type after the dash.
fn mount_point(text: &str) -> Option<PathBuf> {
    text.lines().find_map(|line| {
        let (front, back) = line.split_once(" - ")?;
        let point = front.split(' ').nth(4)?;
        back.starts_with("cgroup2 ").then(|| PathBuf::from(point))
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Sh, eventually};
    use super::*;

    #[test]
    fn the_own_group_and_the_mount_are_found_where_both_versions_are_in_use() {
        assert_eq!(own_path("4:memory:/a\n0::/user.slice/x.service\n"), Some("/user.slice/x.service"));
        assert_eq!(own_path("4:memory:/a\n"), None);
        let mounts = "29 23 0:26 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n\
                      30 23 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:10 - cgroup2 cgroup2 rw,nsdelegate\n";
        assert_eq!(mount_point(mounts), Some("/sys/fs/cgroup/unified".into()));
        assert_eq!(mount_point("29 23 0:26 / /proc rw - proc proc rw\n"), None);
    }

    /// A folder that looks like a group. What the kernel would refuse or enforce is not there.
    fn lookalike(controllers: &str, procs: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("cgroup.controllers"), controllers).unwrap();
        fs::write(dir.path().join("cgroup.procs"), procs).unwrap();
        dir
    }

    #[test]
    fn only_a_group_of_the_daemons_own_that_may_limit_memory_is_taken() {
        let taken = |controllers, procs| Groups::take_at(lookalike(controllers, procs).path(), 7);
        assert!(taken("cpu pids", "7\n").unwrap_err().contains("may not limit memory"));
        assert!(taken("memory pids", "7\n8\n").unwrap_err().contains("shared with other processes"));
        assert!(taken("memory pids", "7\n").is_ok());
    }

    #[test]
    fn a_child_is_held_to_its_memory_without_swap_and_its_end_is_known() {
        let dir = lookalike("memory pids", "7\n");
        let groups = Groups::take_at(dir.path(), 7).unwrap();
        let written = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
        assert_eq!(written("daemon/cgroup.procs"), "7");
        let group = groups.confine(99, 64 << 20).unwrap();
        assert_eq!(written("worker-99/memory.max"), (64u64 << 20).to_string());
        assert_eq!(written("worker-99/memory.swap.max"), "0");
        assert_eq!(written("worker-99/cgroup.procs"), "99");
        assert!(!group.ran_out());
        fs::write(dir.path().join("worker-99/memory.events"), "low 0\noom 1\noom_kill 1\n").unwrap();
        assert!(group.ran_out());
    }

    /// The kernel's own tree, where this process may divide it. Memory can't be limited in a tree whose memory controller
    /// belongs to version 1, so this is about membership and the end.
    #[tokio::test]
    async fn a_real_group_ends_with_all_that_is_in_it() {
        let mount = fs::read_to_string("/proc/self/mountinfo").ok().and_then(|text| mount_point(&text));
        let Some(root) = mount.map(|m| m.join(format!("dropforge-test-{}", std::process::id()))) else {
            return;
        };
        if fs::create_dir(&root).is_err() {
            return;
        }
        let dir = root.join("worker-1");
        fs::create_dir(&dir).unwrap();
        let group = Group { dir: dir.clone() };
        let sh = Sh::start();
        let mut child = sh.spawn("sleep 1000 & wait").await;
        fs::write(dir.join("cgroup.procs"), child.process().pid().to_string()).unwrap();
        assert!(!dir.join("cgroup.kill").exists() || !group.ran_out());
        let kills = dir.join("cgroup.kill").exists();
        drop(group);
        if kills {
            child.exited().await;
        }
        drop(child);
        let groups = Groups { root: root.clone() };
        eventually("the empty group is swept", || {
            groups.sweep();
            !dir.exists()
        })
        .await;
        fs::remove_dir(&root).unwrap();
    }
}
