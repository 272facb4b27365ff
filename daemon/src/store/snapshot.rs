//! The whole store as text, table by table in order, so that a test can compare what is there before and after.
//!
//! Must not know: anything beyond the tables.

use std::fmt::Write as _;

use super::envelope;
use super::error::StoreError;
use super::rows::{AuditRow, FileRow, JobRow, ProjectRow};
use super::tables::{AUDIT, COUNTERS, INDICES, META, ROW_TABLES, name};
use super::tx::{Entity, ReadTx};

fn rows<E: Entity>(tx: &ReadTx, out: &mut String) -> Result<(), StoreError> {
    let _ = writeln!(out, "[{}]", name(E::TABLE));
    tx.each(E::TABLE, |id, bytes| {
        let row: E = envelope::decode(E::WHAT, id, bytes)?;
        let _ = writeln!(out, "{id} {}", json(&row));
        Ok(())
    })
}

fn json(row: &impl serde::Serialize) -> String {
    serde_json::to_string(row).unwrap_or_else(|e| format!("({e})"))
}

pub(super) fn text(tx: &ReadTx) -> Result<String, StoreError> {
    // Writing into a String can't fail, so the results are let go.
    let mut out = String::new();
    let _ = writeln!(out, "[meta]");
    tx.each(META, |key, value| {
        let _ = writeln!(out, "{key} {value}");
        Ok(())
    })?;
    let _ = writeln!(out, "[counters]");
    tx.each(COUNTERS, |key, count| {
        let _ = writeln!(out, "{key} {count}");
        Ok(())
    })?;
    rows::<ProjectRow>(tx, &mut out)?;
    rows::<FileRow>(tx, &mut out)?;
    rows::<JobRow>(tx, &mut out)?;
    let _ = writeln!(out, "[audit]");
    tx.each(AUDIT, |seq, bytes| {
        let row: AuditRow = envelope::decode(super::audit::WHAT, &seq.to_string(), bytes)?;
        let _ = writeln!(out, "{seq} {}", json(&row));
        Ok(())
    })?;
    for index in INDICES {
        let _ = writeln!(out, "[{}]", index.name);
        tx.each(index.table(), |key, id| {
            let _ = writeln!(out, "{} {id}", key.escape_ascii());
            Ok(())
        })?;
    }
    let [.., quarantine] = ROW_TABLES;
    let _ = writeln!(out, "[{}]", name(quarantine));
    tx.each(quarantine, |key, bytes| {
        let _ = writeln!(out, "{key} {} bytes", bytes.len());
        Ok(())
    })?;
    Ok(out)
}
