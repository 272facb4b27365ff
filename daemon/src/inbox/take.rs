//! One file's way from settled to taken and moved.
//!
//! Must not know: when files are ready, what is told about them.

use std::io;
use std::path::Path;

use dropforge_shared::config::AfterIntake;
use dropforge_shared::file::OnDuplicate;
use dropforge_shared::ids::ProjectId;

use super::error::IntakeError;
use super::intake::{Intake, Source, Taken, ensure_default_project};
use super::policy::project_folder;
use super::settle::Ready;
use super::shelf::{self, Shelved};
use super::stamp::Stamp;
use super::{Folders, name_of};
use crate::store::StoreError;

/// A file that was taken, and what became of the source.
pub(super) struct Done {
    pub(super) taken: Taken,
    pub(super) rest: io::Result<Rest>,
}

/// What became of the source of a file that was taken.
pub(super) enum Rest {
    /// It is in the processed folder, or somebody else took it away.
    Moved,
    /// It stays.
    Left(Stamp),
    /// Something else lies there now.
    Changed,
}

/// One file's way from settled to taken and moved.
pub(super) struct Take {
    pub(super) intake: Intake,
    pub(super) folders: Folders,
    pub(super) after: AfterIntake,
    pub(super) on_duplicate: OnDuplicate,
    pub(super) owner: u32,
}

impl Take {
    pub(super) async fn run(&self, ready: &Ready) -> Result<Done, IntakeError> {
        let (project, name) = self.place(&ready.rel).await?;
        let source = Source {
            path: self.folders.inbox.join(&ready.rel),
            name,
            owner: self.owner,
            project,
            on_duplicate: self.on_duplicate,
            settings: Default::default(),
            may_reference: false,
            settled: Some(ready.stamp),
            heed_writers: !ready.last_call,
            once: self.after == AfterIntake::Leave,
            key: None,
            priority: 0,
        };
        let taken = self.intake.take(source, &|_, _| {}).await?;
        let rest = match self.after {
            AfterIntake::Leave => Ok(Rest::Left(taken.stamp)),
            AfterIntake::Move => self.shelve(&ready.rel, taken.stamp).await,
        };
        Ok(Done { taken, rest })
    }

    /// The project and the name of a path below the inbox.
    async fn place(&self, rel: &Path) -> Result<(ProjectId, String), StoreError> {
        let store = self.intake.store();
        if let Some((folder, rest)) = project_folder(rel)
            && let Some(project) = store.read(|tx| tx.project_named(self.owner, folder))?
            && !project.archived
        {
            return Ok((project.id, name_of(rest)));
        }
        let project = ensure_default_project(store, self.owner).await?;
        Ok((project.id, name_of(rel)))
    }

    async fn shelve(&self, rel: &Path, stamp: Stamp) -> io::Result<Rest> {
        let (folders, rel, faults) = (self.folders.clone(), rel.to_owned(), self.intake.faults().clone());
        let moved = tokio::task::spawn_blocking(move || {
            shelf::shelve(&folders.inbox, &rel, &stamp, &folders.processed, &faults)
        });
        Ok(match moved.await.map_err(io::Error::other)?? {
            Shelved::Moved(_) | Shelved::Gone => Rest::Moved,
            Shelved::Changed => Rest::Changed,
        })
    }
}
