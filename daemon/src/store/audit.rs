//! The audit log: who did what, each entry chained to the one before by hash, so that a change in the middle shows.
//!
//! Must not know: what has to be logged.

use std::fmt::Write as _;

use dropforge_shared::time::Timestamp;
use sha2::{Digest, Sha256};

use super::envelope;
use super::error::StoreError;
use super::rows::AuditRow;
use super::tables::{AUDIT, AUDIT_SEQ, COUNTERS};
use super::tx::{ReadTx, WriteTx};

pub(super) const WHAT: &str = "audit entry";

/// SHA-256 over the fields in one text. Each text has its length before it, so that nothing can move from one field
/// into the next.
pub(super) fn hash(row: &AuditRow) -> String {
    let mut text = format!("{}\n{}\n{}\n", row.seq, row.at.0, row.uid);
    for field in [&row.action, &row.what, &row.detail, &row.previous] {
        // Writing into a String can't fail.
        let _ = writeln!(text, "{}:{field}", field.len());
    }
    hex(&Sha256::digest(text.as_bytes()))
}

/// Why an entry can't be what was written, by itself and by number and hash of the one before.
pub fn broken(row: &AuditRow, before: Option<(u64, &str)>) -> Option<String> {
    if row.hash != hash(row) {
        return Some("was changed after it was written".to_owned());
    }
    let (seq, hash) = before?;
    if row.seq != seq + 1 {
        return Some(format!("follows on {seq}: those between are missing"));
    }
    (row.previous != hash).then(|| "does not follow on the one before".to_owned())
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl ReadTx {
    /// Entries of the audit log, newest first, older than `after_seq`.
    pub fn audit(&self, after_seq: Option<u64>, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
        let rows = self.last_audit(after_seq, limit)?;
        rows.iter().map(|(seq, bytes)| envelope::decode(WHAT, &seq.to_string(), bytes)).collect()
    }
}

impl WriteTx {
    /// Adds an entry at the end.
    pub fn append_audit(
        &mut self,
        uid: u32,
        action: &str,
        what: &str,
        detail: &str,
    ) -> Result<(), StoreError> {
        let previous = self.audit(None, 1)?.pop();
        let seq = self.counter(AUDIT_SEQ)?.max(previous.as_ref().map_or(0, |row| row.seq)) + 1;
        let mut row = AuditRow {
            seq,
            at: Timestamp::now(),
            uid,
            action: action.to_owned(),
            what: what.to_owned(),
            detail: detail.to_owned(),
            previous: previous.map(|row| row.hash).unwrap_or_default(),
            hash: String::new(),
        };
        row.hash = hash(&row);
        let bytes = envelope::encode(WHAT, &seq.to_string(), &row)?;
        self.set(AUDIT, seq, Some(bytes.as_slice()))?;
        self.set(COUNTERS, AUDIT_SEQ, Some(seq))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_covers_every_field_and_their_borders() {
        let row = AuditRow {
            seq: 1,
            at: Timestamp(5),
            uid: 7,
            action: "add".into(),
            what: "f1".into(),
            detail: "x".into(),
            previous: String::new(),
            hash: String::new(),
        };
        // Computed with: printf '1\n5\n7\n3:add\n2:f1\n1:x\n0:\n' | sha256sum
        assert_eq!(hash(&row), "fe1b4199de814405dcc6a183cb804af38c982bb761bf18fba6d218d946f178f8");
        let moved = AuditRow { action: "addf".into(), what: "1".into(), ..row.clone() };
        assert_ne!(hash(&moved), hash(&row));
    }
}
