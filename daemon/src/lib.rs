//! The daemon: durable state and supervision. Small, idle at 0 % CPU, and it never parses a user's bytes: that is done by
//! children, one an attempt.
//!
//! Must not know: the engines, Polars, the worker's code (only its protocol, `shared::work`), how anything is drawn.

pub mod store;
