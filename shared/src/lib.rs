//! What the client and the daemon agree on: the types they exchange, the service, the handshake, the
//! configuration and the folders. The worker and the engines use the plain types (without feature `rpc`).
//!
//! Must not know: Polars, the store, how anything is drawn.

pub mod clean;
pub mod config;
pub mod detection;
pub mod event;
pub mod failpoint;
pub mod fault;
pub mod file;
pub mod identity;
pub mod ids;
pub mod job;
pub mod kind;
pub mod page;
pub mod paths;
pub mod profile;
pub mod query;
pub mod reading;
pub mod recipe;
pub mod sql;
pub mod steps;
pub mod suggest;
pub mod threads;
pub mod time;
pub mod work;

#[cfg(feature = "rpc")]
pub mod client;
#[cfg(feature = "rpc")]
pub mod codec;
#[cfg(feature = "rpc")]
pub mod handshake;
#[cfg(feature = "rpc")]
pub mod service;

/// The version of this build, as in `Cargo.toml`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
