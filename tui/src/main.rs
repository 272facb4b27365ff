//! The binary. Everything is in the library, so that the tests can run the same with one kind of job more.

use std::process::ExitCode;

#[cfg(feature = "local")]
fn main() -> ExitCode {
    dropforge::main_with(dropforge_worker::KINDS)
}

#[cfg(not(feature = "local"))]
fn main() -> ExitCode {
    dropforge::main_thin()
}
