//! How the engine tells what it does and learns that it should stop.

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For the record.
    Info,
    /// Something a user should look at.
    Warn,
    /// Something failed.
    Error,
}

/// Watches the work. The engine calls it from one thread, many times a second at most.
pub trait Monitor {
    /// A stage begins. `total` is what `progress` counts up to, in `unit` (`bytes`, `rows`, `columns`), where known.
    fn stage(&mut self, name: &str, total: Option<u64>, unit: &str);
    /// How far the stage is.
    fn progress(&mut self, done: u64);
    /// A line for the job's log.
    fn log(&mut self, level: Level, text: &str);
    /// Whether to stop. Asked at every block.
    fn cancelled(&self) -> bool;
}

/// A monitor that looks away.
#[derive(Debug, Default, Clone, Copy)]
pub struct Silent;

impl Monitor for Silent {
    fn stage(&mut self, _: &str, _: Option<u64>, _: &str) {}
    fn progress(&mut self, _: u64) {}
    fn log(&mut self, _: Level, _: &str) {}
    fn cancelled(&self) -> bool {
        false
    }
}
