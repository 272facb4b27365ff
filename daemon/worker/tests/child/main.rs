//! Real children against the protocol: this executable starts itself as a worker, so that the whole life of one is
//! tried, sandbox and all. It has its own `main`, as a worker must be alone in its process.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod cases;
mod kinds;
mod parent;

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::var(parent::ROLE).as_deref() {
        Ok("misbehaving") => dropforge_worker::run(kinds::KINDS),
        Ok("real") => dropforge_worker::run(dropforge_worker::KINDS),
        _ => all_cases(),
    }
}

/// Runs the cases whose name holds the first argument that is no option, or all.
fn all_cases() -> ExitCode {
    let wanted = std::env::args().skip(1).find(|a| !a.starts_with('-')).unwrap_or_default();
    let mut failed = 0;
    for (name, case) in cases::CASES.iter().filter(|(name, _)| name.contains(&wanted)) {
        let good = std::panic::catch_unwind(case).is_ok();
        println!("test {name} ... {}", if good { "ok" } else { "FAILED" });
        failed += usize::from(!good);
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
