//! The harness: a home in a temporary folder, named conditions to wait for, a terminal to type into and read, faults to
//! inject, snapshots of the store. Tests never sleep for a fixed time; they wait for a condition and fail by its name.

// A harness fails by panicking: that is what it is for.
#![allow(clippy::panic)]

mod home;
mod terminal;
mod wait;

pub use home::{Home, Outcome, bytes_of};
pub use terminal::{Key, Terminal};
pub use wait::{eventually, eventually_within};

/// A home for the binary under test of the calling test crate.
#[macro_export]
macro_rules! home {
    () => {
        $crate::Home::new(env!("CARGO_BIN_EXE_dropforge-under-test"))
    };
}
