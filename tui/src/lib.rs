//! The binary's library: the workbench, the command line, and the one place that ties daemon, worker and client together.

pub mod commands;
mod csv;
mod fetch;
mod output;
pub mod samples;
pub mod workbench;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use commands::{Cli, Context, Verb};
use dropforge_shared::fault::{Fault, FaultCode};

/// The whole program: `dropforge`, with the kinds of job that its worker knows.
#[cfg(feature = "local")]
pub fn main_with(kinds: &'static [dropforge_worker::Kind]) -> ExitCode {
    // A child must not read or start anything before it has confined itself: it goes first, past all parsing.
    if std::env::args_os().nth(1).is_some_and(|a| a == "worker") {
        return dropforge_worker::run(kinds);
    }
    run(kinds)
}

/// The program without daemon and engines: a thin client.
#[cfg(not(feature = "local"))]
pub fn main_thin() -> ExitCode {
    run()
}

fn run(#[cfg(feature = "local")] kinds: &'static [dropforge_worker::Kind]) -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            // Help and version go to standard output and are no error; the rest is wrong usage.
            let _ = e.print();
            let fine = matches!(e.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return if fine { ExitCode::SUCCESS } else { ExitCode::from(FaultCode::Usage.exit_code()) };
        }
    };
    let context = match Context::new(
        cli.json,
        #[cfg(feature = "local")]
        kinds,
    ) {
        Ok(context) => context,
        Err(fault) => return report(&fault),
    };
    let result = match cli.verb {
        // The daemon builds its own runtime, and must not inherit one.
        Some(Verb::Daemon(args)) if args.runs_here() => commands::daemon::run_here(&args, &context),
        verb => runtime(verb.is_none()).and_then(|runtime| {
            let result = runtime.block_on(commands::dispatch(verb, &context));
            runtime.shutdown_timeout(std::time::Duration::from_millis(200));
            result
        }),
    };
    match result {
        Ok(code) => code,
        Err(fault) => report(&fault),
    }
}

/// The workbench does much at once; a verb waits for one answer after the other, and needs no threads for that.
fn runtime(workbench: bool) -> Result<tokio::runtime::Runtime, Fault> {
    use tokio::runtime::Builder;
    let mut builder = if workbench { Builder::new_multi_thread() } else { Builder::new_current_thread() };
    if workbench {
        dropforge_shared::threads::to_be_had(4)?;
        builder.worker_threads(2);
    }
    builder
        .enable_all()
        .build()
        .map_err(|e| Fault::failed(format!("can't start the threads of the program: {e}")))
}

fn report(fault: &Fault) -> ExitCode {
    output::progress("");
    output::note(&format!("dropforge: {fault}"));
    ExitCode::from(fault.code.exit_code())
}
