//! The named fault places of the inbox. Beside the process-wide failpoints, a test in this crate may hang its own hook on
//! one intake, so that tests in one process don't meet each other's faults.
//!
//! Must not know: what the places do.

use std::io;
use std::path::Path;

/// What a test does at a place: look, change something, or fail.
#[cfg(test)]
pub(super) type Hook = std::sync::Arc<dyn Fn(&'static str, &Path) -> io::Result<()> + Send + Sync>;

/// The fault places of one intake.
#[derive(Clone, Default)]
pub(super) struct Faults {
    #[cfg(test)]
    hook: Option<Hook>,
}

impl Faults {
    /// With a test's hook.
    #[cfg(test)]
    pub(super) fn hooked(
        hook: impl Fn(&'static str, &Path) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self { hook: Some(std::sync::Arc::new(hook)) }
    }

    /// Passes a place on the way of a file.
    pub(super) fn pass(&self, place: &'static str, path: &Path) -> io::Result<()> {
        #[cfg(test)]
        if let Some(hook) = &self.hook {
            hook(place, path)?;
        }
        let _ = path;
        dropforge_shared::failpoint::pass(place)
    }
}
