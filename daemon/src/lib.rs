//! The daemon: durable state and supervision. Small, idle at 0 % CPU, and it never parses a user's bytes: that is done by
//! children, one an attempt.
//!
//! Must not know: the engines, Polars, the worker's code (only its protocol, `shared::work`), how anything is drawn.

mod access;
mod bus;
mod doctor;
mod inbox;
mod joblog;
mod lifecycle;
mod limits;
mod logs;
mod queue;
mod rpc;
pub mod store;
mod tables;
mod trail;
mod workers;

pub use doctor::offline as check_offline;
pub use lifecycle::{Options, restore, run};
pub use workers::WorkerProgram;
