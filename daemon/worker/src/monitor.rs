//! Joins engines to the protocol: their monitors report through the [`Context`], their errors become faults.

use std::error::Error as _;
use std::io;

use dropforge_shared::fault::Fault;
use dropforge_shared::job::LogLevel;
use dropforge_tabular as tabular;

use crate::context::{Context, WorkError};

impl tabular::Monitor for Context {
    fn stage(&mut self, name: &str, total: Option<u64>, unit: &str) {
        Context::stage(self, name, total, unit);
    }

    fn progress(&mut self, done: u64) {
        Context::progress(self, done);
    }

    fn log(&mut self, level: tabular::Level, text: &str) {
        let level = match level {
            tabular::Level::Info => LogLevel::Info,
            tabular::Level::Warn => LogLevel::Warn,
            tabular::Level::Error => LogLevel::Error,
        };
        Context::log(self, level, text);
    }

    fn cancelled(&self) -> bool {
        Context::cancelled(self)
    }
}

/// The fault that a user is told.
pub(crate) fn fault(error: &tabular::Error) -> Fault {
    match error {
        tabular::Error::NoDataset(_) => Fault::not_found(error.to_string()),
        tabular::Error::Step(_) => Fault::usage(error.to_string()),
        _ if error.is_refusal() => Fault::refused(error.to_string()),
        _ if error.is_usage() => Fault::usage(error.to_string()),
        _ => Fault::failed(error.to_string()),
    }
}

impl From<tabular::Error> for WorkError {
    fn from(error: tabular::Error) -> Self {
        if matches!(error, tabular::Error::Cancelled) {
            return Self::Cancelled;
        }
        // A failure to read or write may pass, whatever it is wrapped in.
        let cause = error.source().and_then(|s| s.downcast_ref::<io::Error>());
        let transient = cause
            .map(|cause| Self::io("", cause))
            .is_some_and(|e| matches!(e, Self::Failed { transient: true, .. }));
        Self::Failed { fault: fault(&error), transient }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_in_an_engine_is_worth_a_retry_and_a_bad_file_is_not() {
        let full = tabular::Error::Io {
            action: "write",
            path: "dataset.parquet".into(),
            source: io::Error::from_raw_os_error(28),
        };
        assert!(matches!(WorkError::from(full), WorkError::Failed { transient: true, .. }));
        let bad = tabular::Error::NotATable { path: "x".into(), reason: "begins with %PDF".into() };
        assert!(matches!(WorkError::from(bad), WorkError::Failed { transient: false, .. }));
        assert_eq!(WorkError::from(tabular::Error::Cancelled), WorkError::Cancelled);
    }
}
