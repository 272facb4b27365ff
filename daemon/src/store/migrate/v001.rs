//! Schema 1: the tables of an empty store.
//!
//! Must not know: later schemas. The names are written out here, because those in `tables` follow the present schema.

use redb::{TableDefinition, WriteTransaction};

use crate::store::error::StoreError;

const ROWS: [&str; 4] = ["files", "jobs", "projects", "quarantine"];
const INDICES: [&str; 9] = [
    "files_by_seq",
    "files_by_sha",
    "files_by_name",
    "jobs_by_seq",
    "jobs_by_state",
    "jobs_by_owner",
    "jobs_by_file",
    "idempotency",
    "projects_by_name",
];

pub(super) fn up(tx: &WriteTransaction) -> Result<(), StoreError> {
    for name in ROWS {
        tx.open_table(TableDefinition::<&str, &[u8]>::new(name))?;
    }
    for name in INDICES {
        tx.open_table(TableDefinition::<&[u8], &str>::new(name))?;
    }
    tx.open_table(TableDefinition::<&str, u64>::new("counters"))?;
    tx.open_table(TableDefinition::<u64, &[u8]>::new("audit"))?;
    let mut meta = tx.open_table(TableDefinition::<&str, &str>::new("meta"))?;
    meta.insert("created_at", dropforge_shared::time::Timestamp::now().to_string().as_str())?;
    meta.insert("created_by", dropforge_shared::VERSION)?;
    Ok(())
}
