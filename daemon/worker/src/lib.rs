//! The child process: one attempt of one job, or one warm reader. It reads what to do from its standard input,
//! confines itself, calls an engine and writes frames back ([`dropforge_shared::work`] is the protocol).
//!
//! Must not know: the daemon, the store, RPC, how jobs are scheduled. Engines must not know it: what they say goes
//! through their own monitor trait, answered in `monitor`.
//!
//! Exit codes: 0 the last word was said, 2 the protocol was broken, 3 the daemon went away.

mod attempt;
mod context;
mod control;
mod kinds;
mod monitor;
mod outputs;
mod panics;
mod reader;
mod sandbox;
mod throttle;
mod wire;

use std::io::Write as _;
use std::process::ExitCode;

use dropforge_shared::kind::KindSpec;

pub use context::{Context, Delivery, WorkError};
pub use kinds::KINDS;
pub use sandbox::{SandboxSupport, probe};

/// Set by the daemon to its own pid; a child whose parent is another one by then ends at once.
pub const PARENT_ENV: &str = "DROPFORGE_PARENT";
/// Set by the daemon for a reader child: the folder that it may read beneath.
pub const READ_ROOT_ENV: &str = "DROPFORGE_READ_ROOT";
/// Set by the daemon for a reader child: the memory that it may take, in bytes.
pub const MEMORY_ENV: &str = "DROPFORGE_MEMORY";

/// The exit code where the protocol was broken.
const EXIT_PROTOCOL: u8 = 2;
/// The exit code where the daemon went away.
const EXIT_ABANDONED: u8 = 3;

/// A kind of job: what the scheduler must know of it, and the function that does it.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Name, class and memory.
    pub spec: KindSpec,
    /// Does the work. Every file that it leaves in [`Context::out_dir`] is an output of the job.
    pub run: fn(&mut Context) -> Result<Delivery, WorkError>,
}

/// The whole life of a child: to be called first thing in a fresh process, which then has nothing else to do than
/// to exit with the code.
pub fn run(kinds: &[Kind]) -> ExitCode {
    panics::install();
    // Shown by `ps`; the binary's own name says nothing, as it is started by way of /proc.
    let _ = rustix::thread::set_name(c"dropforge-work");
    if let Err(why) = sandbox::bind_to_parent() {
        complain(&why);
        return ExitCode::from(EXIT_ABANDONED);
    }
    let (input, out) = match wire::claim() {
        Ok(ends) => ends,
        Err(e) => {
            complain(&format!("the worker can't take over its standard input and output: {e}"));
            return ExitCode::from(EXIT_PROTOCOL);
        }
    };
    match std::env::var_os(READ_ROOT_ENV) {
        Some(root) => reader::serve(input, &out, root.as_ref()),
        None => attempt::run(input, &out, kinds),
    }
}

/// A line on standard error, which the daemon puts into the job's log.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
