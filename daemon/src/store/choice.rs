//! What users chose their data to be, by the fingerprint of the header, so that the next file with the same header is taken for
//! the same. Kept in `meta`, as a choice is one word and needs no row.
//!
//! Must not know: how a fingerprint is made, which types there are.

use super::error::StoreError;
use super::tables::{META, TYPE_CHOICE};
use super::tx::{ReadTx, WriteTx};

fn key(owner: u32, fingerprint: &str) -> String {
    format!("{TYPE_CHOICE}{owner}/{fingerprint}")
}

impl ReadTx {
    /// The type that an owner chose for a header.
    pub fn type_choice(&self, owner: u32, fingerprint: &str) -> Result<Option<String>, StoreError> {
        self.get(META, key(owner, fingerprint).as_str(), str::to_owned)
    }
}

impl WriteTx {
    /// Remembers the type that an owner chose for a header; `None` forgets it.
    pub fn set_type_choice(
        &mut self,
        owner: u32,
        fingerprint: &str,
        name: Option<&str>,
    ) -> Result<(), StoreError> {
        self.set(META, key(owner, fingerprint).as_str(), name)
    }
}
