//! Projects: where they lie in the store and what can be asked about them.
//!
//! Must not know: which project is the usual one, what is kept under one.

use dropforge_shared::ids::ProjectId;

use super::error::StoreError;
use super::key::{Key, Span};
use super::rows::ProjectRow;
use super::tables::{Index, PROJECTS, PROJECTS_BY_NAME, RowTable};
use super::tx::{Entity, Entry, Order, ReadTx, WriteTx};

impl Entity for ProjectRow {
    const WHAT: &'static str = "project";
    const TABLE: RowTable = PROJECTS;
    const INDICES: &'static [&'static Index] = &[&PROJECTS_BY_NAME];

    fn key(&self) -> &str {
        self.id.as_str()
    }

    fn entries(&self) -> Vec<Entry> {
        vec![Entry { index: &PROJECTS_BY_NAME, key: Key::new().u32(self.owner).text(&self.name).bytes() }]
    }
}

impl ReadTx {
    /// A project by id.
    pub fn project(&self, id: &ProjectId) -> Result<Option<ProjectRow>, StoreError> {
        self.row(id.as_str())
    }

    /// An owner's project by name.
    pub fn project_named(&self, owner: u32, name: &str) -> Result<Option<ProjectRow>, StoreError> {
        let key = Key::new().u32(owner).text(name).bytes();
        match self.get(PROJECTS_BY_NAME.table(), key.as_slice(), str::to_owned)? {
            Some(id) => self.row(&id),
            None => Ok(None),
        }
    }

    /// An owner's projects by name, archived ones too.
    pub fn projects(&self, owner: u32) -> Result<Vec<ProjectRow>, StoreError> {
        self.rows_in(&PROJECTS_BY_NAME, &Span::of(Key::new().u32(owner)), Order::Up, usize::MAX)
    }
}

impl WriteTx {
    /// Puts a project, new or changed. A name that another project of the owner has is a conflict.
    pub fn put_project(&mut self, row: ProjectRow) -> Result<ProjectRow, StoreError> {
        if let Some(other) = self.project_named(row.owner, &row.name)?
            && other.id != row.id
        {
            return Err(StoreError::Conflict(format!("there is a project named '{}' already", row.name)));
        }
        let old = self.project(&row.id)?;
        if old.as_ref().is_some_and(|old| old.owner != row.owner) {
            return Err(StoreError::Conflict(format!("there is another project with the id {}", row.id)));
        }
        self.check_unique(&row)?;
        self.replace(old.as_ref(), Some(&row))?;
        Ok(row)
    }

    /// Takes a project's row away and returns it; `None` where it is gone already. What was kept under it is the
    /// caller's concern.
    pub fn remove_project(&mut self, id: &ProjectId) -> Result<Option<ProjectRow>, StoreError> {
        let old = self.project(id)?;
        if old.is_some() {
            self.replace(old.as_ref(), None)?;
        }
        Ok(old)
    }
}
