//! The binary's library: the workbench, the command line, and the one place that ties daemon, worker and client together.

mod args;
mod commands;
mod print;
pub mod samples;
mod table;
pub mod workbench;

use std::process::ExitCode;

use clap::Parser;
use dropforge_shared::fault::Fault;
use dropforge_shared::paths::Paths;

use args::Cli;
use commands::{Context, Done, Verb};

/// The first argument that makes this process a worker. The daemon gives it; nobody types it.
#[cfg(feature = "local")]
pub(crate) const WORKER: &str = "worker";

/// The whole program: `dropforge`, with the kinds of job that its worker knows.
#[cfg(feature = "local")]
pub fn main_with(kinds: &'static [dropforge_worker::Kind]) -> ExitCode {
    // A child must not read or start anything before it has confined itself: it goes first, past all parsing.
    if std::env::args_os().nth(1).is_some_and(|a| a == WORKER) {
        return dropforge_worker::run(kinds);
    }
    program(|json, paths| Context { json, paths, kinds })
}

/// The program without daemon and engines: a thin client.
#[cfg(not(feature = "local"))]
pub fn main_thin() -> ExitCode {
    program(|json, paths| Context { json, paths })
}

fn program(context: impl FnOnce(bool, Paths) -> Context) -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            // Help and version go to standard output and are no error; all else is wrong usage.
            let _ = e.print();
            return ExitCode::from(u8::try_from(e.exit_code()).unwrap_or(2));
        }
    };
    let done = Paths::from_env().map(|paths| context(cli.json, paths)).and_then(|context| match cli.verb {
        // The daemon builds its own runtime and must not inherit one.
        Some(Verb::Daemon(args)) if args.runs_here() => commands::daemon::run_here(&args, &context),
        verb => in_runtime(verb, &context),
    });
    done.unwrap_or_else(|fault| {
        print::fault(&fault);
        ExitCode::from(fault.code.exit_code())
    })
}

fn in_runtime(verb: Option<Verb>, context: &Context) -> Done {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Fault::failed(format!("can't start the program's threads: {e}")))?;
    let done = runtime.block_on(commands::dispatch(verb, context));
    // A read of standard input that nobody waits for any more must not keep the program.
    runtime.shutdown_background();
    done
}
