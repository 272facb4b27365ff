//! Hints from the file system that a scan is worth its while. Hints may be lost, doubled or late: nothing is ever taken
//! because of one, and none is needed for a file to be found.
//!
//! Must not know: what a scan finds, what is taken.

use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

/// Where hints arrive. Many of them are one.
#[derive(Debug, Default)]
pub struct Signals {
    hint: Notify,
    overflow: AtomicBool,
    root_lost: AtomicBool,
    broken: Mutex<Option<String>>,
}

impl Signals {
    /// Asks for a scan.
    pub fn poke(&self) {
        self.hint.notify_one();
    }

    /// Waits for a hint.
    pub async fn wait(&self) {
        self.hint.notified().await;
    }

    /// Whether hints were lost since the last call, so that there is no use in waiting for more of them.
    pub fn take_overflow(&self) -> bool {
        self.overflow.swap(false, Ordering::AcqRel)
    }

    /// Whether the folder itself was removed or moved away since the last call.
    pub fn take_root_lost(&self) -> bool {
        self.root_lost.swap(false, Ordering::AcqRel)
    }

    /// Why the watch can't be relied on any more, once.
    pub fn take_broken(&self) -> Option<String> {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// What the file system said.
    pub fn on_event(&self, event: notify::Result<Event>) {
        match event {
            Ok(event) if event.need_rescan() => {
                self.overflow.store(true, Ordering::Release);
                self.poke();
            }
            // Opening and reading is what scans do themselves: listening to it would never end.
            Ok(Event { kind: EventKind::Access(kind), .. })
                if kind != AccessKind::Close(AccessMode::Write) => {}
            Ok(_) => self.poke(),
            Err(error) => {
                let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
                *broken = Some(reason(&error));
                drop(broken);
                self.poke();
            }
        }
    }
}

/// A watch over a folder and all below it; ends when dropped.
pub struct Watch {
    _watcher: RecommendedWatcher,
}

/// Watches `root`, or says why that can't be done or would be of no use. Takes a while in a large tree.
pub fn watch(root: &Path, signals: std::sync::Arc<Signals>) -> Result<Watch, String> {
    // A link as the inbox itself is the user's choice; links within it are not followed.
    let root = std::fs::canonicalize(root).map_err(|e| format!("the folder can't be resolved ({e})"))?;
    if let Some(name) = silent_file_system(&root) {
        return Err(format!("{name} does not report changes that other machines make"));
    }
    let config = notify::Config::default().with_follow_symlinks(false);
    let own = root.clone();
    let told = move |event: notify::Result<Event>| {
        let gone =
            |e: &Event| matches!(e.kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)));
        if event.as_ref().is_ok_and(|e| gone(e) && e.paths.contains(&own)) {
            signals.root_lost.store(true, Ordering::Release);
        }
        signals.on_event(event);
    };
    let mut watcher = RecommendedWatcher::new(told, config).map_err(|e| reason(&e))?;
    watcher.watch(&root, RecursiveMode::Recursive).map_err(|e| reason(&e))?;
    Ok(Watch { _watcher: watcher })
}

fn reason(error: &notify::Error) -> String {
    match &error.kind {
        notify::ErrorKind::MaxFilesWatch => {
            "no watches are left (raise fs.inotify.max_user_watches with sysctl)".to_owned()
        }
        notify::ErrorKind::Io(e) if e.raw_os_error() == Some(rustix::io::Errno::MFILE.raw_os_error()) => {
            "no watch instances are left (raise fs.inotify.max_user_instances with sysctl)".to_owned()
        }
        notify::ErrorKind::Io(e) => format!("the system refused the watch: {e}"),
        _ => format!("the watch failed: {error}"),
    }
}

/// Whether a path lies on a file system that other machines may write to.
pub(super) fn is_remote(path: &Path) -> bool {
    silent_file_system(path).is_some()
}

/// The name of a file system on which changes made elsewhere raise no event. Numbers from `linux/magic.h`, and for CIFS
/// and SMB 2 from `fs/smb/common/smb2pdu.h` and `fs/smb/client/cifsfs.c` of Linux 6.
fn silent_file_system(root: &Path) -> Option<&'static str> {
    const SILENT: [(u32, &str); 10] = [
        (0x0000_6969, "NFS"),
        (0x0000_517b, "SMB"),
        (0xfe53_4d42, "SMB 2"),
        (0xff53_4d42, "CIFS"),
        (0x6573_5546, "FUSE"),
        (0x0102_1997, "9p"),
        (0x5346_414f, "AFS"),
        (0x7375_7245, "Coda"),
        (0x00c3_6400, "Ceph"),
        (0x786f_4256, "a VirtualBox shared folder"),
    ];
    let stat = rustix::fs::statfs(root).ok()?;
    // The field's width and sign differ by platform; the numbers have 32 bits.
    let magic = stat.f_type as u32;
    SILENT.iter().find(|(number, _)| *number == magic).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use notify::event::Flag;

    use super::*;

    async fn hinted(signals: &Signals, within: Duration) -> bool {
        tokio::time::timeout(within, signals.wait()).await.is_ok()
    }

    #[tokio::test]
    async fn an_overflow_asks_for_a_scan_though_it_names_no_path() {
        let signals = Signals::default();
        signals.on_event(Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan)));
        assert!(hinted(&signals, Duration::from_secs(5)).await);
        assert!(signals.take_overflow());
        assert!(!signals.take_overflow());
    }

    #[tokio::test]
    async fn reading_is_no_hint_and_running_out_of_watches_is_told() {
        let signals = Signals::default();
        signals.on_event(Ok(Event::new(EventKind::Access(AccessKind::Open(AccessMode::Any)))));
        assert!(!hinted(&signals, Duration::ZERO).await);
        signals.on_event(Ok(Event::new(EventKind::Access(AccessKind::Close(AccessMode::Write)))));
        assert!(hinted(&signals, Duration::ZERO).await);
        signals.on_event(Err(notify::Error::new(notify::ErrorKind::MaxFilesWatch)));
        assert!(hinted(&signals, Duration::ZERO).await);
        assert!(signals.take_broken().is_some_and(|why| why.contains("max_user_watches")));
    }

    #[tokio::test]
    async fn new_folders_are_watched_too_and_scanning_raises_no_hints() {
        let dir = tempfile::tempdir().unwrap();
        let signals = Arc::new(Signals::default());
        let watch = watch(dir.path(), Arc::clone(&signals)).unwrap();
        std::fs::create_dir(dir.path().join("sub")).unwrap();
        assert!(hinted(&signals, Duration::from_secs(5)).await);
        // The watch on the new folder is made after the hint; write until one comes through.
        let mut found = false;
        for n in 0..500 {
            std::fs::write(dir.path().join("sub").join(format!("{n}")), "x").unwrap();
            found = hinted(&signals, Duration::from_millis(10)).await;
            if found {
                break;
            }
        }
        assert!(found);
        while hinted(&signals, Duration::from_millis(50)).await {}
        for _ in 0..10 {
            assert!(std::fs::read_dir(dir.path().join("sub")).unwrap().count() > 0);
        }
        assert!(!hinted(&signals, Duration::from_millis(200)).await, "a scan hints at itself");
        drop(watch);
    }
}
