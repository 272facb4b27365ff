//! The product's binary with one kind of job more: the one that misbehaves. Everything else is the product's own code.

mod faults;

use std::process::ExitCode;
use std::sync::OnceLock;

use dropforge_worker::Kind;

static KINDS: OnceLock<Vec<Kind>> = OnceLock::new();

fn main() -> ExitCode {
    let kinds = KINDS.get_or_init(|| dropforge_worker::KINDS.iter().copied().chain([faults::KIND]).collect());
    dropforge::main_with(kinds)
}
