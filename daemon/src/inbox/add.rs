//! `add`: takes files and folders that are named by path. The sources stay where they are.
//!
//! Must not know: tickets, connections, the drop folder.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dropforge_shared::clean;
use dropforge_shared::fault::Fault;
use dropforge_shared::file::AddOutcome;
use dropforge_shared::paths::hex;
use dropforge_shared::service::AddRequest;
use futures::StreamExt;
use sha2::{Digest, Sha256};

use super::error::IntakeError;
use super::intake::{Intake, Source, Taken, ensure_default_project};
use super::policy::{Kind, Verdict};
use super::{name_of, scan};
use crate::store::rows::ProjectRow;

/// Tries at a file that changes while it is read, or while the store is being reopened.
const TRIES: u32 = 3;
/// The pause between them.
const PAUSE: Duration = Duration::from_millis(300);
/// Files under way at once; how many of them are read at once is the intake's own limit.
const UNDER_WAY: usize = 16;

/// Something that `add` is to do.
enum Item {
    File { path: PathBuf, name: String },
    Bad { path: PathBuf, fault: Fault },
}

impl Intake {
    /// Takes what a request names: files as they are, folders whole, in order of path. What lies in a folder and is
    /// hidden or unfinished by its name is passed over; what is named itself is taken whatever its name is.
    /// `on_outcome` hears of each in order, `on_progress` of the bytes of the files under way.
    pub async fn add(
        &self,
        request: AddRequest,
        owner: u32,
        mut on_outcome: impl FnMut(AddOutcome) + Send,
        on_progress: impl Fn(&str, u64, u64) + Send + Sync,
    ) {
        let project = match self.project(owner, request.project.as_deref()).await {
            Ok(project) => project,
            Err(fault) => {
                for path in &request.paths {
                    on_outcome(refused(&PathBuf::from(OsStr::from_bytes(path)), fault.clone()));
                }
                return;
            }
        };
        let template = Source {
            path: PathBuf::new(),
            name: String::new(),
            owner,
            project: project.id,
            on_duplicate: request.on_duplicate,
            settings: request.settings,
            may_reference: true,
            settled: None,
            heed_writers: false,
            once: false,
            key: None,
            priority: request.priority,
        };
        for (nth, path) in request.paths.into_iter().enumerate() {
            let path = PathBuf::from(OsStr::from_bytes(&path));
            let (intake, root) = (self.clone(), path.clone());
            let items = tokio::task::spawn_blocking(move || intake.expand(&root)).await.unwrap_or_else(|e| {
                vec![Item::Bad { path, fault: Fault::failed(format!("reading the folder broke off: {e}")) }]
            });
            let key = request.idempotency.as_ref().map(|key| format!("{key} {nth}"));
            let mut outcomes = futures::stream::iter(items)
                .map(|item| self.one(item, Source { key: key.clone(), ..template.clone() }, &on_progress))
                .buffered(UNDER_WAY);
            while let Some(outcome) = outcomes.next().await {
                on_outcome(outcome);
            }
        }
    }

    async fn project(&self, owner: u32, name: Option<&str>) -> Result<ProjectRow, Fault> {
        let Some(name) = name else { return Ok(ensure_default_project(self.store(), owner).await?) };
        self.store().read(|tx| tx.project_named(owner, name))?.ok_or_else(|| {
            let name = clean::line(name);
            Fault::not_found(format!("there is no project '{name}'")).hint(format!(
                "`dropforge project create {name}` makes it; `dropforge project list` shows all."
            ))
        })
    }

    /// The files that a path names. Blocks.
    fn expand(&self, path: &Path) -> Vec<Item> {
        let bad = |fault| vec![Item::Bad { path: path.to_owned(), fault }];
        if !path.is_absolute() {
            return bad(Fault::usage(format!("'{}' is not an absolute path", shown(path))));
        }
        let meta = match fs::symlink_metadata(path) {
            Ok(meta) => meta,
            Err(e) => return bad(IntakeError::from_io("look at", path, &e).into()),
        };
        // `/data/.` and `/data/..` have no name of their own.
        let name = path.file_name().map(OsStr::to_owned).or_else(|| {
            let full = fs::canonicalize(path).ok()?;
            full.file_name().map(OsStr::to_owned)
        });
        let name = PathBuf::from(name.unwrap_or_default());
        match Kind::of(meta.file_type()) {
            Kind::File => vec![Item::File { path: path.to_owned(), name: name_of(&name) }],
            Kind::Folder => self.expand_folder(path, &name),
            Kind::Link => {
                let target = fs::canonicalize(path).ok();
                let way = target.map_or_else(
                    || "it leads nowhere".to_owned(),
                    |target| format!("add what it leads to: {}", shown(&target)),
                );
                let why = format!("it is a symbolic link, and links are not followed; {way}");
                bad(IntakeError::Refused { path: path.to_owned(), why }.into())
            }
            kind => {
                let why = match self.policy().judge(kind, 1, 0) {
                    Verdict::Refuse(why) => why,
                    Verdict::Take => String::new(),
                };
                bad(IntakeError::Refused { path: path.to_owned(), why }.into())
            }
        }
    }

    fn expand_folder(&self, path: &Path, name: &Path) -> Vec<Item> {
        let bad = |path: PathBuf, fault| Item::Bad { path, fault };
        let scan = match scan::scan(path, self.policy(), &[]) {
            Ok(scan) => scan,
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
                return vec![bad(path.to_owned(), IntakeError::Denied(path.to_owned()).into())];
            }
            Err(e) => return vec![bad(path.to_owned(), IntakeError::from_io("read", path, &e).into())],
        };
        if scan.entries.is_empty() {
            let fault = Fault::failed(format!("{} holds no files to take", shown(path))).hint(
                "Hidden names and those of inbox.ignore are passed over in a folder; name them to take them.",
            );
            return vec![bad(path.to_owned(), fault)];
        }
        let items = scan.entries.into_iter().map(|seen| {
            let path = path.join(&seen.rel);
            match seen.verdict {
                Verdict::Take => Item::File { name: name_of(&name.join(&seen.rel)), path },
                Verdict::Refuse(why) => bad(path.clone(), IntakeError::Refused { path, why }.into()),
            }
        });
        items.collect()
    }

    async fn one(
        &self,
        item: Item,
        template: Source,
        on_progress: &(impl Fn(&str, u64, u64) + Send + Sync),
    ) -> AddOutcome {
        let (path, name) = match item {
            Item::File { path, name } => (path, name),
            Item::Bad { path, fault } => return refused(&path, fault),
        };
        let display = shown(&path);
        // A path may have any length; a key may not.
        let key = template.key.map(|key| {
            let hash =
                Sha256::new().chain_update(&key).chain_update([0]).chain_update(path.as_os_str().as_bytes());
            hex(&hash.finalize()[..16])
        });
        let source = Source { path: path.clone(), name, key, ..template };
        let progress = |done, total| on_progress(&display, done, total);
        for attempt in 1.. {
            match self.take(source.clone(), &progress).await {
                Ok(taken) => return outcome(&path, taken),
                Err(error) => {
                    let passing = match &error {
                        IntakeError::Changed(_) => true,
                        IntakeError::Store(e) => e.is_unavailable(),
                        _ => false,
                    };
                    if !passing || attempt == TRIES {
                        return refused(&path, error.into());
                    }
                }
            }
            tokio::time::sleep(PAUSE * attempt).await;
        }
        refused(&path, IntakeError::Changed(path.clone()).into())
    }
}

fn outcome(path: &Path, taken: Taken) -> AddOutcome {
    AddOutcome {
        path: name_of(path),
        file: Some(taken.file),
        duplicate_of: taken.duplicate_of,
        jobs: taken.jobs,
        error: None,
        fault: None,
    }
}

fn refused(path: &Path, fault: Fault) -> AddOutcome {
    AddOutcome {
        path: name_of(path),
        file: None,
        duplicate_of: None,
        jobs: Vec::new(),
        error: Some(fault.message.clone()),
        fault: Some(fault),
    }
}

fn shown(path: &Path) -> String {
    clean::line(&path.to_string_lossy()).into_owned()
}
