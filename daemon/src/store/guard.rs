//! Damage as an error: on some damaged pages the database panics, where a caller needs to be told and the daemon has to live on.
//!
//! Must not know: tables and rows.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::error::StoreError;

/// Runs `work`; a panic is told as damage, with its words.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        Err(StoreError::Corrupt(format!("its file can't be read ({})", panic_text(&*panic))))
    })
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}
