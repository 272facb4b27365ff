//! The daemon's half of `doctor`: what it looked at, what it found, what to do.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use dropforge_shared::config::ByteSize;
use dropforge_shared::paths::Paths;
use dropforge_shared::service::Check;

use crate::lifecycle::{self, House};
use crate::{limits, store};

/// Below this much free space a full disk is near.
const LITTLE_SPACE: u64 = 1 << 30;
/// Below this many watches a deep inbox is likely to need more.
const FEW_WATCHES: u64 = 8192;

fn check(name: &str, level: &str, detail: String, advice: Option<String>) -> Check {
    Check { name: name.into(), level: level.into(), detail, advice }
}

/// Every check, in the order in which a person would look.
pub(crate) fn checks(house: &House) -> Vec<Check> {
    let paths = &house.paths;
    let mut all = Vec::new();
    for (name, dir) in [
        ("store folder", &paths.store),
        ("contents folder", &paths.blobs),
        ("outputs folder", &paths.runs),
        ("log folder", &paths.logs),
        ("inbox", &house.inbox.folders().inbox),
    ] {
        all.push(folder(name, dir));
    }
    all.push(socket(&paths.socket));
    all.push(match house.store.health() {
        None => check("store", "ok", "opens and writes".into(), None),
        Some(why) => check(
            "store",
            "error",
            why,
            Some(
                "Free space on its disk, or look at it (`dmesg`); it is opened again every second. `dropforge fsck` tells damage."
                    .into(),
            ),
        ),
    });
    all.push(disk(&paths.store));
    all.push(check(
        "memory of jobs",
        "ok",
        match house.queue.groups() {
            Ok(place) => {
                format!("held by control groups below {place}, by each child's own limit and by a watch")
            }
            Err(why) => format!("held by each child's own limit and by a watch four times a second ({why})"),
        },
        None,
    ));
    let mode = house.inbox.status().mode;
    all.push(if mode.starts_with("watching") {
        check("inbox watch", "ok", mode, None)
    } else {
        check(
            "inbox watch",
            "warning",
            mode,
            Some("Files are found by scanning; taking them needs a little longer.".into()),
        )
    });
    all.push(watches());
    all.extend(own_limits(limits::open_files(), limits::processes(), limits::file_bytes()));
    all
}

/// What can be looked at without a daemon: why one does not start, above all.
pub fn offline(paths: &Paths) -> Vec<Check> {
    let mut all = Vec::new();
    let folders = [
        ("store folder", &paths.store),
        ("contents folder", &paths.blobs),
        ("outputs folder", &paths.runs),
        ("log folder", &paths.logs),
        ("socket folder", &paths.run),
        ("inbox", &paths.inbox),
    ];
    // What is not there yet is made at the first start.
    all.extend(folders.iter().filter(|(_, dir)| dir.exists()).map(|(name, dir)| folder(name, dir)));
    all.push(match lifecycle::not_lost(paths).and_then(|()| Ok(store::look(&paths.store)?)) {
        Ok(true) => check("store", "ok", "opens".into(), None),
        Ok(false) => check("store", "ok", "is made at the first start".into(), None),
        Err(fault) => check("store", "error", fault.message, fault.hint),
    });
    if let Some(dir) = paths.store.ancestors().find(|dir| dir.exists()) {
        all.push(disk(dir));
    }
    all.push(watches());
    all.extend(own_limits(limits::open_files(), limits::processes(), limits::file_bytes()));
    all
}

/// What the daemon was started under; `None` is no limit.
fn own_limits(files: Option<u64>, processes: Option<u64>, file_bytes: Option<u64>) -> Vec<Check> {
    let counted = |name: &str, limit: Option<u64>, few: u64, what: &str, advice: &str| match limit {
        Some(n) if n < few => {
            let advice = format!("{advice}, then `dropforge daemon stop`; the next call starts it anew.");
            check(name, "warning", format!("{n} {what}"), Some(advice))
        }
        Some(n) => check(name, "ok", format!("{n} {what}"), None),
        None => check(name, "ok", format!("no limit on {what}"), None),
    };
    let raise = |flag: &str, key: &str| format!("Raise it (`ulimit {flag}`, or {key} in its systemd unit)");
    let mut all = vec![
        counted("open files", files, limits::FEW_FILES, "files at once", &raise("-n 1024", "LimitNOFILE=")),
        counted(
            "processes",
            processes,
            limits::FEW_PROCESSES,
            "processes and threads of this user",
            &raise("-u 512", "LimitNPROC="),
        ),
    ];
    if let Some(bytes) = file_bytes {
        all.push(check(
            "file size",
            "warning",
            format!("no file may grow beyond {}", ByteSize(bytes)),
            Some(raise("-f unlimited", "LimitFSIZE=") + "."),
        ));
    }
    all
}

fn folder(name: &str, dir: &Path) -> Check {
    let shown = dir.display();
    let meta = match std::fs::metadata(dir) {
        Ok(meta) => meta,
        Err(e) => {
            let advice = format!("Make it anew (`mkdir -m 700 {shown}`) or restart the daemon, which does.");
            return check(name, "error", format!("{shown}: {e}"), Some(advice));
        }
    };
    let probe = dir.join(".dropforge-doctor");
    // Made anew or not at all: where others may write, the name could be a link to somebody's file.
    let made = std::fs::OpenOptions::new().write(true).create_new(true).open(&probe);
    let written = made.and_then(|_| std::fs::remove_file(&probe));
    if let Err(e) = written {
        return check(
            name,
            "error",
            format!("{shown} can't be written: {e}"),
            Some("Check its owner and space.".into()),
        );
    }
    let open_to_others = meta.mode() & 0o022;
    if open_to_others != 0 {
        let advice = format!("`chmod 700 {shown}`, unless others are meant to write there.");
        return check(name, "warning", format!("{shown} can be written by others"), Some(advice));
    }
    check(name, "ok", format!("{shown}, mode {:o}", meta.mode() & 0o777), None)
}

fn socket(path: &Path) -> Check {
    let shown = path.display();
    match std::fs::symlink_metadata(path) {
        Ok(meta) if meta.mode() & 0o077 == 0 => check("socket", "ok", format!("{shown}, private"), None),
        Ok(_) => {
            let advice = format!("`chmod 600 {shown}`");
            check("socket", "warning", format!("{shown} is open to others"), Some(advice))
        }
        Err(e) => {
            check("socket", "error", format!("{shown}: {e}"), Some("It is made anew within seconds.".into()))
        }
    }
}

fn disk(dir: &Path) -> Check {
    match rustix::fs::statvfs(dir) {
        Ok(v) => {
            let free = v.f_bavail.saturating_mul(v.f_frsize);
            let detail = format!("{} free where the store lies", ByteSize(free));
            if free < LITTLE_SPACE {
                check(
                    "disk space",
                    "warning",
                    detail,
                    Some("Remove files (`dropforge rm`) or move the home.".into()),
                )
            } else {
                check("disk space", "ok", detail, None)
            }
        }
        Err(e) => check("disk space", "warning", format!("can't be told: {e}"), None),
    }
}

fn watches() -> Check {
    let read = |name: &str| -> Option<u64> {
        std::fs::read_to_string(format!("/proc/sys/fs/inotify/{name}")).ok()?.trim().parse().ok()
    };
    match read("max_user_watches") {
        Some(n) if n < FEW_WATCHES => check(
            "watch limit",
            "warning",
            format!("{n} watches a user"),
            Some("`sysctl fs.inotify.max_user_watches=65536`; without watches the inbox is scanned.".into()),
        ),
        Some(n) => check("watch limit", "ok", format!("{n} watches a user"), None),
        None => check("watch limit", "warning", "can't be told".into(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_cut_the_work_short_are_told_with_the_way_to_raise_them() {
        let levels = |all: &[Check]| all.iter().map(|c| c.level.clone()).collect::<Vec<_>>();
        assert_eq!(levels(&own_limits(Some(1024), None, None)), ["ok", "ok"]);
        let few = own_limits(Some(20), Some(8), Some(1 << 20));
        assert_eq!(levels(&few), ["warning"; 3]);
        let advice: Vec<&str> = few.iter().filter_map(|c| c.advice.as_deref()).collect();
        assert!(advice[0].contains("ulimit -n") && advice[1].contains("ulimit -u"), "{advice:?}");
        assert!(few[2].detail.contains("1.0 MiB") && advice[2].contains("LimitFSIZE"), "{few:?}");
    }
}
