//! The command line: one file a verb. A new verb is its file, with `Args` and `run`, its `mod` line and its line in
//! [`verbs!`], both here. What verbs share lies in `support`.
//!
//! Must not know: how the daemon does what it is asked to, how the workbench draws.

pub(crate) mod daemon;

mod add;
mod audit;
mod backup;
mod cancel;
mod config;
mod doctor;
mod events;
mod export;
mod files;
mod fsck;
mod inbox;
mod job;
mod jobs;
mod logs;
mod preview;
mod profile;
mod project;
mod rerun;
mod restore;
mod retry;
mod rm;
mod show;
mod support;
mod wait;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use dropforge_shared::client::{self, Client};
use dropforge_shared::config::Config;
use dropforge_shared::fault::{Fault, FaultCode};
use dropforge_shared::paths::Paths;

/// What every verb answers: the exit code, or the fault that decides it.
pub(crate) type Done = Result<ExitCode, Fault>;

/// Declares the verbs: what each is for, the name of its variant, and its module.
macro_rules! verbs {
    ($($(#[$doc:meta])* $variant:ident = $module:ident,)*) => {
        /// What to do.
        #[derive(Debug, Subcommand)]
        pub(crate) enum Verb {
            $($(#[$doc])* $variant($module::Args),)*
        }

        /// Does it; without a verb, opens the workbench.
        pub(crate) async fn dispatch(verb: Option<Verb>, context: &Context) -> Done {
            match verb {
                None => workbench(context).await,
                // Boxed: otherwise every call would carry room for the largest of them.
                $(Some(Verb::$variant(args)) => Box::pin($module::run(args, context)).await,)*
            }
        }
    };
}

verbs! {
    /// Start, stop or ask for the daemon
    Daemon = daemon,
    /// Take files or whole folders in
    Add = add,
    /// List files, newest first
    Files = files,
    /// Show one file: what it is and how it was read
    Show = show,
    /// Print rows of a dataset
    Preview = preview,
    /// Print the profile of a dataset
    Profile = profile,
    /// List jobs, newest first
    Jobs = jobs,
    /// Show one job: state, attempts, outputs
    Job = job,
    /// Print a job's log
    Logs = logs,
    /// Wait until jobs have ended
    Wait = wait,
    /// Cancel a job that waits or runs
    Cancel = cancel,
    /// Queue a failed, dead or cancelled job again
    Retry = retry,
    /// Queue a new job like a finished one
    Rerun = rerun,
    /// Follow what happens
    Events = events,
    /// Remove a file or a job with all that was made of it
    Rm = rm,
    /// Copy a job's outputs to a folder
    Export = export,
    /// List or make projects
    Project = project,
    /// Show what waits in the drop folder, and why
    Inbox = inbox,
    /// Print the audit log
    Audit = audit,
    /// Check the store, and mend its indices
    Fsck = fsck,
    /// Write a backup of everything to a new folder
    Backup = backup,
    /// Put a backup in place
    Restore = restore,
    /// Check folders, socket, store, disk, limits, sandbox and terminal
    Doctor = doctor,
    /// Print the configuration and where it lies
    Config = config,
}

/// What every verb is given.
pub(crate) struct Context {
    /// Whether one JSON document is wanted.
    pub json: bool,
    /// Where everything lies.
    pub paths: Paths,
    /// The kinds of job that the worker knows.
    #[cfg(feature = "local")]
    pub kinds: &'static [dropforge_worker::Kind],
}

impl Context {
    /// The configuration of this home.
    pub(crate) fn config(&self) -> Result<Config, Fault> {
        Config::load(&self.paths.config)
    }

    /// A connection; the daemon is started where none answers.
    pub(crate) async fn client(&self) -> Result<Client, Fault> {
        if cfg!(feature = "local") {
            client::connect_or_start(&self.paths, &this_binary()?).await
        } else {
            client::connect(&self.paths).await?.ok_or_else(|| {
                Fault::unreachable(format!("no daemon runs for {}", self.paths.home.display()))
                    .hint("This build is a thin client: start the daemon with a full build of Dropforge.")
            })
        }
    }
}

/// This program's own file.
pub(crate) fn this_binary() -> Result<PathBuf, Fault> {
    std::env::current_exe()
        .map_err(|e| Fault::failed(format!("can't tell which file this program is: {e}")))
}

/// The exit code of work that failed, where the verb has said why already.
pub(crate) fn failed() -> ExitCode {
    ExitCode::from(FaultCode::Failed.exit_code())
}

async fn workbench(context: &Context) -> Done {
    use std::io::IsTerminal;
    if context.json || !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(crate::args::no_verb());
    }
    crate::workbench::run(context.paths.clone(), context.config()?, this_binary()?).await?;
    Ok(ExitCode::SUCCESS)
}
