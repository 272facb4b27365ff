//! Files: where they lie in the store and what can be asked about them.
//!
//! Must not know: blobs on disk, intake, jobs.

use dropforge_shared::ids::{FileId, ProjectId};

use super::error::StoreError;
use super::key::{Key, Span, text_at};
use super::rows::{FileRow, Location};
use super::tables::{FILE_SEQ, FILES, FILES_BY_NAME, FILES_BY_SEQ, FILES_BY_SHA, Index, RowTable};
use super::tx::{Entity, Entry, Order, ReadTx, WriteTx};

impl Entity for FileRow {
    const WHAT: &'static str = "file";
    const TABLE: RowTable = FILES;
    const INDICES: &'static [&'static Index] = &[&FILES_BY_SEQ, &FILES_BY_SHA, &FILES_BY_NAME];

    fn key(&self) -> &str {
        self.id.as_str()
    }

    fn entries(&self) -> Vec<Entry> {
        let name =
            name_key(self.owner, &self.name).text(self.project.as_str()).u32(self.version).u64(self.seq);
        vec![
            Entry { index: &FILES_BY_SEQ, key: Key::new().u32(self.owner).u64(self.seq).bytes() },
            Entry {
                index: &FILES_BY_SHA,
                key: Key::new().text(&self.sha256).u32(self.owner).u64(self.seq).bytes(),
            },
            Entry { index: &FILES_BY_NAME, key: name.bytes() },
        ]
    }
}

fn name_key(owner: u32, name: &str) -> Key {
    Key::new().u32(owner).text(name)
}

impl ReadTx {
    /// A file by id.
    pub fn file(&self, id: &FileId) -> Result<Option<FileRow>, StoreError> {
        self.row(id.as_str())
    }

    /// An owner's files, newest first, older than `after_seq`.
    pub fn files(
        &self,
        owner: u32,
        after_seq: Option<u64>,
        limit: usize,
    ) -> Result<Vec<FileRow>, StoreError> {
        self.rows_in(&FILES_BY_SEQ, &Span::below(Key::new().u32(owner), after_seq), Order::Down, limit)
    }

    /// An owner's files with this content, oldest first.
    pub fn files_with_sha(&self, owner: u32, sha256: &str) -> Result<Vec<FileRow>, StoreError> {
        let span = Span::of(Key::new().text(sha256).u32(owner));
        self.rows_in(&FILES_BY_SHA, &span, Order::Up, usize::MAX)
    }

    /// How many files, of any owner, have their bytes in this blob. A row that can't be read counts: what it names must not
    /// be thrown away.
    pub fn blob_uses(&self, sha256: &str) -> Result<u64, StoreError> {
        let span = Span::of(Key::new().text(sha256));
        let mut uses = 0;
        for (_, id) in self.scan(&FILES_BY_SHA, &span, Order::Up, usize::MAX)? {
            uses += match self.row::<FileRow>(&id) {
                Ok(row) => u64::from(row.is_some_and(|r| r.location == Location::Blob)),
                Err(StoreError::Corrupt(_)) => 1,
                Err(e) => return Err(e),
            };
        }
        Ok(uses)
    }

    /// The contents that a name had in a project, by version.
    pub fn versions_of(
        &self,
        owner: u32,
        project: &ProjectId,
        name: &str,
    ) -> Result<Vec<FileRow>, StoreError> {
        let span = Span::of(name_key(owner, name).text(project.as_str()));
        self.rows_in(&FILES_BY_NAME, &span, Order::Up, usize::MAX)
    }

    /// An owner's files of this name in all projects, oldest first.
    pub fn files_named(&self, owner: u32, name: &str) -> Result<Vec<FileRow>, StoreError> {
        let mut rows: Vec<FileRow> =
            self.rows_in(&FILES_BY_NAME, &Span::of(name_key(owner, name)), Order::Up, usize::MAX)?;
        rows.sort_by_key(|row| row.seq);
        Ok(rows)
    }

    /// Every name that an owner's files have, with the file's id, in order of name and version. Reads the index alone.
    pub fn file_names(&self, owner: u32) -> Result<Vec<(String, FileId)>, StoreError> {
        let found = self.scan(&FILES_BY_NAME, &Span::of(Key::new().u32(owner)), Order::Up, usize::MAX)?;
        // The owner takes four bytes.
        let named = |(key, id): (Vec<u8>, String)| Some((text_at(&key, 4)?, id.parse().ok()?));
        Ok(found.into_iter().filter_map(named).collect())
    }

    /// The files that are sheets or members of a file's content, oldest first.
    pub fn parts_of(&self, book: &FileRow) -> Result<Vec<FileRow>, StoreError> {
        let mut rows = self.files_with_sha(book.owner, &book.sha256)?;
        rows.retain(|row| row.book() == Some(&book.id));
        Ok(rows)
    }

    /// Ids of files, of any owner, that begin so.
    pub fn file_ids_with_prefix(&self, prefix: &str, limit: usize) -> Result<Vec<FileId>, StoreError> {
        Ok(self.ids_with_prefix(FILES, prefix, limit)?.iter().filter_map(|id| id.parse().ok()).collect())
    }
}

impl WriteTx {
    /// Puts a file, new or changed, and returns it with its sequence number. Putting the same new file twice (the first
    /// commit was not confirmed) is putting it once.
    pub fn put_file(&mut self, mut row: FileRow) -> Result<FileRow, StoreError> {
        let old = self.file(&row.id)?;
        if let Some(old) = &old
            && (old.owner != row.owner || old.added_at != row.added_at)
        {
            return Err(StoreError::Conflict(format!("there is another file with the id {}", row.id)));
        }
        self.check_unique(&row)?;
        row.seq = self.sequence(FILE_SEQ, row.id.as_str(), row.seq, old.as_ref().map(|o| o.seq))?;
        self.replace(old.as_ref(), Some(&row))?;
        Ok(row)
    }

    /// Takes a file's row away and returns it; `None` where it is gone already.
    pub fn remove_file(&mut self, id: &FileId) -> Result<Option<FileRow>, StoreError> {
        let old = self.file(id)?;
        if old.is_some() {
            self.replace(old.as_ref(), None)?;
        }
        Ok(old)
    }
}
