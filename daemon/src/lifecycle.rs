//! The daemon's life: one a home, in a session of its own, ready once it answers, stopped in good order.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dropforge_shared::config::Config;
use dropforge_shared::fault::{Fault, FaultCode};
use dropforge_shared::handshake::{PROTOCOL, Peer};
use dropforge_shared::ids::ProjectId;
use dropforge_shared::job::JobState;
use dropforge_shared::kind::KindSpec;
use dropforge_shared::paths::Paths;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::bus::Bus;
use crate::inbox::Inbox;
use crate::inbox::blobs::Blobs;
use crate::inbox::intake::ensure_default_project;
use crate::queue::{self, Queue};
use crate::rpc::{self, Tickets};
use crate::store::{self, Store, StoreError};
use crate::trail::Trail;
use crate::workers::{ReaderPool, ReaderSettings, Spawner, WorkerProgram};

/// What the binary hands over.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where everything lies.
    pub paths: Paths,
    /// The configuration.
    pub config: Config,
    /// The kinds of job that the worker knows.
    pub kinds: Vec<KindSpec>,
    /// The worker's program.
    pub worker: WorkerProgram,
    /// Started by a client: detach from its terminal, and be silent when another daemon is there already.
    pub background: bool,
}

/// The rooms, as the calls reach them.
pub struct House {
    pub(crate) paths: Paths,
    pub(crate) store: Store,
    pub(crate) bus: Arc<Bus>,
    pub(crate) queue: Queue,
    pub(crate) inbox: Inbox,
    pub(crate) readers: ReaderPool,
    /// Readers for statements, which may take long: pages do not wait for them.
    pub(crate) queries: ReaderPool,
    pub(crate) trail: Trail,
    pub(crate) tickets: Tickets,
    pub(crate) stop: watch::Sender<bool>,
    started: Instant,
}

impl House {
    /// Who answers, for the handshake and `daemon status`.
    pub(crate) fn peer(&self) -> Peer {
        let count = |state| self.store.read(|tx| tx.job_count(state)).unwrap_or(0);
        let pid = std::process::id();
        Peer {
            pid,
            version: dropforge_shared::VERSION.to_owned(),
            protocol: PROTOCOL,
            epoch: self.bus.epoch(),
            uptime_s: self.started.elapsed().as_secs(),
            rss_bytes: dropforge_shared::identity::resident_bytes(pid).unwrap_or(0),
            home: self.paths.home.display().to_string(),
            inbox: self.inbox.folders().inbox.display().to_string(),
            queued: count(JobState::Queued),
            running: count(JobState::Running),
        }
    }

    /// Begins to stop.
    pub(crate) fn ask_to_stop(&self, why: &str) {
        tracing::info!("stopping: {why}");
        self.stop.send_replace(true);
    }

    /// The project of what names none.
    pub(crate) async fn default_project(&self, owner: u32) -> Result<ProjectId, Fault> {
        Ok(ensure_default_project(&self.store, owner).await?.id)
    }
}

/// Threads that the daemon has with little to do.
const THREADS: usize = 10;

/// Runs the daemon until it is asked to stop. Answers at once, and without error, where a background start finds another.
pub fn run(options: Options) -> Result<(), Fault> {
    if options.background {
        // A session of its own, without a controlling terminal: it outlives the one it was started from. It fails only
        // for a process that leads a group, which then has none to lose.
        let _ = rustix::process::setsid();
        crate::limits::close_inherited();
    }
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    crate::limits::raise();
    dropforge_shared::threads::to_be_had(THREADS)?;
    options.paths.create()?;
    let Some(_lock) = lock(&options.paths, options.background)? else { return Ok(()) };
    write_starter_config(&options.paths.config);
    crate::logs::start(&options.paths, &options.config.log, !options.background)?;
    not_lost(&options.paths)?;
    let store = patiently(|| Store::open(&options.paths.store))?;
    let recovered = queue::recover(&store, &options.paths, &options.config.queue)?;
    if recovered > 0 {
        tracing::warn!("{recovered} jobs had been left running by a daemon that went away");
    }
    // The thread that spawns is made here, before anything, and lives as long as the process.
    let spawner = Spawner::start(options.worker.clone())
        .map_err(|e| Fault::failed(format!("can't start the spawning thread: {e}")))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Fault::failed(format!("can't start the daemon's threads: {e}")))?;
    let result = runtime.block_on(live(options, store.clone(), spawner));
    runtime.shutdown_timeout(Duration::from_secs(2));
    store.close();
    result
}

async fn live(options: Options, store: Store, spawner: Spawner) -> Result<(), Fault> {
    let Options { paths, config, kinds, .. } = options;
    let bus = Arc::new(Bus::new(epoch()));
    // Pages are quick by what their readers keep of them. Statements keep nothing.
    let settings = |memory: u64, memory_key: &'static str, kept_bytes: u64| ReaderSettings {
        memory_bytes: memory,
        memory_key,
        kept_bytes,
        size: config.reader.children as usize,
        idle: Duration::from_secs_f64(config.reader.idle_seconds),
        timeout: Duration::from_secs_f64(config.reader.timeout_seconds),
        ..ReaderSettings::new(paths.runs.clone())
    };
    let readers = ReaderPool::new(
        spawner.clone(),
        settings(config.reader.memory.0, "reader.memory", config.reader.memory.0 / 4 * 3),
    );
    let queries = ReaderPool::new(
        spawner.clone(),
        settings(config.reader.query_memory.0, "reader.query_memory", config.reader.query_memory.0 / 8),
    );
    let blobs = Blobs::new(&paths);
    let queue = Queue::new(
        store.clone(),
        bus.clone(),
        paths.clone(),
        config.clone(),
        &kinds,
        spawner.clone(),
        blobs.clone(),
    );
    ensure_default_project(&store, rustix::process::geteuid().as_raw()).await?;
    let publish = {
        let bus = bus.clone();
        move |change| bus.publish(change)
    };
    let wake = {
        let queue = queue.clone();
        move || queue.wake()
    };
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
    // A terminal that closes must not end the work; taking the signal is how it is ignored.
    let mut hangup = signal(SignalKind::hangup()).map_err(no_signals)?;
    let listener = rpc::bind(&paths.socket)?;
    let inbox = Inbox::start(&paths, &config.inbox, store.clone(), blobs, publish, wake);
    let house = Arc::new(House {
        paths,
        store: store.clone(),
        bus,
        queue: queue.clone(),
        inbox: inbox.clone(),
        readers,
        queries,
        trail: Trail::new(store.clone()),
        tickets: Tickets::default(),
        stop: watch::Sender::new(false),
        started: Instant::now(),
    });
    let calls = tokio::spawn(rpc::serve(house.clone(), listener));
    let scheduler = tokio::spawn(queue.clone().run());
    tokio::spawn(queue.clone().sweep_earlier());
    tracing::info!(
        "dropforge {} ready: pid {}, home {}",
        dropforge_shared::VERSION,
        std::process::id(),
        house.paths.home.display()
    );
    let mut stop = house.stop.subscribe();
    loop {
        tokio::select! {
            _ = terminate.recv() => house.ask_to_stop("SIGTERM"),
            _ = interrupt.recv() => house.ask_to_stop("SIGINT"),
            _ = hangup.recv() => {}
            () = raised(&mut stop) => break,
        }
    }
    // Nothing new comes in, then what runs is stopped and queued again, then the socket goes.
    inbox.stop().await;
    queue.stop(scheduler).await;
    spawner.leave_groups();
    // Only the own one: where the home was removed and made anew, another daemon listens there.
    if house.store.is_on_disk() {
        let _ = std::fs::remove_file(&house.paths.socket);
    }
    let _ = calls.await;
    tracing::info!("stopped");
    Ok(())
}

/// Refuses to begin anew where contents or outputs lie without the store that knows them: it may be on a disk that is not
/// mounted, and an empty one would have them swept away.
pub(crate) fn not_lost(paths: &Paths) -> Result<(), Fault> {
    let store = store::file_in(&paths.store);
    if store.symlink_metadata().is_ok() {
        return Ok(());
    }
    // What is being written lies in `tmp`, and belongs to nobody yet.
    let holds = |dir: &&Path| {
        std::fs::read_dir(dir).is_ok_and(|entries| entries.flatten().any(|entry| entry.file_name() != "tmp"))
    };
    let Some(full) = [paths.blobs.as_path(), &paths.runs].into_iter().find(holds) else { return Ok(()) };
    Err(Fault::failed(format!(
        "the store {} is missing, and {} holds what belongs to it",
        store.display(),
        full.display()
    ))
    .hint(format!(
        "Nothing was touched. Mount or put back {}. To begin anew, or before `dropforge restore`, move {} and {} away.",
        paths.store.display(),
        paths.blobs.display(),
        paths.runs.display()
    )))
}

/// What is wrong with a backup: the store itself is another matter.
fn of_backup(from: &Path, error: StoreError) -> Fault {
    match error {
        StoreError::Corrupt(what) => {
            Fault::failed(format!("the backup in {} is damaged: {what}", from.display()))
                .hint("Nothing was restored. Take another backup, or a copy of this one from elsewhere.")
        }
        other => other.into(),
    }
}

/// Waits until a flag is raised. Nothing of the flag is held while waiting or after.
pub(crate) async fn raised(flag: &mut watch::Receiver<bool>) {
    let _ = flag.wait_for(|raised| *raised).await;
}

fn no_signals(error: std::io::Error) -> Fault {
    Fault::failed(format!("can't take signals: {error}"))
}

/// A number that is new at each start: from the clock, which is good enough to tell two runs apart.
fn epoch() -> u64 {
    (dropforge_shared::time::now_ns() / 1000) as u64 ^ (u64::from(std::process::id()) << 48)
}

/// Tries again for a while where an error says that it may pass. A daemon that was killed while it started a child lives on
/// in that child, locks and all, until the child has become its own program: some milliseconds.
fn patiently<T, E: MayPass>(mut step: impl FnMut() -> Result<T, E>) -> Result<T, E> {
    let deadline = Instant::now() + Duration::from_secs(1);
    loop {
        match step() {
            Err(e) if e.may_pass() && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(20))
            }
            result => return result,
        }
    }
}

/// Whether an error may pass by itself.
trait MayPass {
    fn may_pass(&self) -> bool;
}

impl MayPass for StoreError {
    fn may_pass(&self) -> bool {
        matches!(self, Self::Locked(_))
    }
}

impl MayPass for rustix::io::Errno {
    fn may_pass(&self) -> bool {
        *self == Self::WOULDBLOCK
    }
}

/// Takes the home's lock, which the kernel frees however the daemon ends. `None`: another daemon has it, which is what a
/// background start wanted anyway.
fn lock(paths: &Paths, background: bool) -> Result<Option<File>, Fault> {
    let path = paths.run.join("daemon.lock");
    let failed = |e: std::io::Error| Fault::failed(format!("can't use the lock {}: {e}", path.display()));
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    let taken = patiently(|| rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive));
    if taken.is_err() {
        if background {
            return Ok(None);
        }
        let mut pid = String::new();
        let _ = file.read_to_string(&mut pid);
        return Err(Fault::failed(format!(
            "a daemon (pid {}) runs for {} already",
            pid.trim(),
            paths.home.display()
        ))
        .hint("One daemon a home: `dropforge daemon status` shows it, `dropforge daemon stop` ends it."));
    }
    file.set_len(0).map_err(failed)?;
    file.rewind().map_err(failed)?;
    writeln!(file, "{}", std::process::id()).map_err(failed)?;
    Ok(Some(file))
}

/// Leaves a file with every key, commented out, where there is none. Not being able to is no reason not to run.
fn write_starter_config(path: &Path) {
    let made = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path);
    if let Ok(mut file) = made {
        let _ = file.write_all(Config::starter().as_bytes());
    }
}

/// Puts a backup in the place of an empty home. The daemon must not run.
pub fn restore(paths: &Paths, from: &Path) -> Result<(), Fault> {
    // Looked at before anything is made in the home.
    store::check_backup(from).map_err(|e| of_backup(from, e))?;
    paths.create()?;
    let _lock = lock(paths, false).map_err(|fault| Fault {
        code: FaultCode::Refused,
        hint: Some("A backup goes into a home that no daemon serves: `dropforge daemon stop`, or another DROPFORGE_HOME.".into()),
        ..fault
    })?;
    store::restore(from, paths).map_err(|e| of_backup(from, e))?;
    let store = Store::open(&paths.store)?;
    let (owner, detail) = (rustix::process::geteuid().as_raw(), from.display().to_string());
    store.write_blocking(move |tx| tx.append_audit(owner, "restore", "", &detail))?;
    store.close();
    Ok(())
}
