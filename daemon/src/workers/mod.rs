//! Children: starting them, speaking with them, watching what they eat, stopping them, telling how they ended; and a
//! small pool of warm ones for interactive reads.
//!
//! Must not know: the store, the queue, what a job is for. Whoever runs an attempt owns its [`Child`]; dropping that
//! ends the child.

mod cgroup;
mod child;
mod exit;
mod frames;
mod process;
mod readers;
mod spawn;
mod stderr;
mod stop;
mod strays;
#[cfg(test)]
mod testing;
mod watch;

pub use child::Child;
pub use exit::{Ending, describe};
pub use process::Signal;
pub use readers::{Asked, ReaderPool, ReaderSettings};
pub use spawn::{SpawnRequest, Spawner, WorkerProgram};
pub use stderr::StderrLines;
pub use stop::{Grace, StopStep, stop_with};
pub use watch::MemoryWatch;
