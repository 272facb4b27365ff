//! Every table of the store file, by name and shape.
//!
//! Must not know: how rows are encoded or what an index is used for.

use redb::{TableDefinition, TableHandle};

/// Rows by id, each an envelope (see `envelope`).
pub(super) type RowTable = TableDefinition<'static, &'static str, &'static [u8]>;
/// Sorted keys (see `key`), each with the id of its row.
pub(super) type IndexTable = TableDefinition<'static, &'static [u8], &'static str>;

/// `schema_version`, when the store was made and by which build, and the types that users chose for headers.
pub(super) const META: TableDefinition<&str, &str> = TableDefinition::new("meta");
/// Last sequence numbers, and the number of jobs in each state.
pub(super) const COUNTERS: TableDefinition<&str, u64> = TableDefinition::new("counters");

pub(super) const FILES: RowTable = TableDefinition::new("files");
pub(super) const JOBS: RowTable = TableDefinition::new("jobs");
pub(super) const PROJECTS: RowTable = TableDefinition::new("projects");
/// Audit entries by number.
pub(super) const AUDIT: TableDefinition<u64, &[u8]> = TableDefinition::new("audit");
/// Rows that `fsck` could not read, under `table/id`, kept as they were.
pub(super) const QUARANTINE: RowTable = TableDefinition::new("quarantine");

/// A secondary index: derived from the rows alone, so that it can be rebuilt.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) name: &'static str,
    /// Whether a key that belongs to another row is a conflict.
    pub(super) unique: bool,
}

impl Index {
    const fn new(name: &'static str) -> Self {
        Self { name, unique: false }
    }

    pub(super) const fn table(&self) -> IndexTable {
        TableDefinition::new(self.name)
    }
}

/// (owner, seq)
pub(super) static FILES_BY_SEQ: Index = Index::new("files_by_seq");
/// (sha256, owner, seq)
pub(super) static FILES_BY_SHA: Index = Index::new("files_by_sha");
/// (owner, name, project, version, seq)
pub(super) static FILES_BY_NAME: Index = Index::new("files_by_name");
/// (seq)
pub(super) static JOBS_BY_SEQ: Index = Index::new("jobs_by_seq");
/// (state, seq)
pub(super) static JOBS_BY_STATE: Index = Index::new("jobs_by_state");
/// (owner, state, seq)
pub(super) static JOBS_BY_OWNER: Index = Index::new("jobs_by_owner");
/// (file, seq)
pub(super) static JOBS_BY_FILE: Index = Index::new("jobs_by_file");
/// (owner, the client's key)
pub(super) static IDEMPOTENCY: Index = Index { name: "idempotency", unique: true };
/// (owner, name)
pub(super) static PROJECTS_BY_NAME: Index = Index { name: "projects_by_name", unique: true };

/// All tables of rows by id.
pub(super) const ROW_TABLES: [RowTable; 4] = [FILES, JOBS, PROJECTS, QUARANTINE];
/// All indices.
pub(super) static INDICES: [&Index; 9] = [
    &FILES_BY_SEQ,
    &FILES_BY_SHA,
    &FILES_BY_NAME,
    &JOBS_BY_SEQ,
    &JOBS_BY_STATE,
    &JOBS_BY_OWNER,
    &JOBS_BY_FILE,
    &IDEMPOTENCY,
    &PROJECTS_BY_NAME,
];

/// The name of a table of rows.
pub(super) fn name(table: RowTable) -> String {
    table.name().to_owned()
}

/// Counter of the last sequence number given to a file.
pub(super) const FILE_SEQ: &str = "files.seq";
/// Counter of the last sequence number given to a job.
pub(super) const JOB_SEQ: &str = "jobs.seq";
/// Counter of the last audit entry.
pub(super) const AUDIT_SEQ: &str = "audit.seq";
/// Counters of jobs by state begin so.
pub(super) const JOB_STATE: &str = "jobs.state.";
/// Keys of chosen types in [`META`] begin so; the owner's uid, `/` and the header's fingerprint follow.
pub(super) const TYPE_CHOICE: &str = "type_choice/";
/// Key of the schema version in [`META`].
pub(super) const SCHEMA_VERSION: &str = "schema_version";
