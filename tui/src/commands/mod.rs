//! The command line: one file a verb. Adding one is its file, its `mod` line, a line in `verbs!`, and its page in the README.

// Written out rather than made by the macro below: rustfmt follows only what it can see.
pub mod add;
pub mod audit;
pub mod backup;
pub mod cancel;
pub mod config;
pub mod daemon;
pub mod doctor;
pub mod events;
pub mod export;
pub mod files;
pub mod fsck;
pub mod gc;
pub mod inbox;
pub mod job;
pub mod jobs;
mod listing;
pub mod logs;
pub mod prepare;
pub mod preview;
mod priority;
pub mod profile;
pub mod project;
pub mod query;
pub mod reading;
mod reading_options;
pub mod recipe;
pub mod reread;
pub mod rerun;
pub mod restore;
pub mod retry;
pub mod rm;
mod rows;
pub mod show;
mod steps;
pub mod suggest;
#[path = "type.rs"]
pub mod type_of;
pub mod wait;
mod waiting;
mod written;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::LazyLock;

use clap::{CommandFactory, Parser, Subcommand};
use dropforge_shared::client::{self, Client};
use dropforge_shared::config::Config;
use dropforge_shared::fault::Fault;
use dropforge_shared::handshake::PROTOCOL;
use dropforge_shared::paths::Paths;

/// What every verb answers: the exit code, or the fault that decides it.
pub(crate) type Done = Result<ExitCode, Fault>;

/// Declares the verbs: the name of the variant, its module, and what it is for. The module holds `Args` and `run`.
macro_rules! verbs {
    ($($(#[$doc:meta])* $variant:ident = $module:ident,)*) => {
        /// What to do.
        #[derive(Debug, Subcommand)]
        pub enum Verb {
            $($(#[$doc])* $variant($module::Args),)*
        }

        /// Does it; without a verb, opens the workbench.
        pub(crate) async fn dispatch(verb: Option<Verb>, context: &Context) -> Done {
            match verb {
                None => workbench(context).await,
                $(Some(Verb::$variant(args)) => $module::run(args, context).await,)*
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
    /// Show how a file was read, and what was rejected
    Reading = reading,
    /// Read a file again, with settings for its reading
    Reread = reread,
    /// Show what kind of data a file holds, or say it
    Type = type_of,
    /// Run one read-only SQL statement over datasets by name
    Query = query,
    /// Show what one might do with a dataset
    Suggest = suggest,
    /// Run steps of preparation; gives a new dataset
    Prepare = prepare,
    /// List, show, save, remove or apply recipes
    Recipe = recipe,
    /// List jobs, newest first
    Jobs = jobs,
    /// Show one job: state, attempts, outputs
    Job = job,
    /// Print a job's log
    Logs = logs,
    /// Wait until jobs have ended
    Wait = wait,
    /// Cancel jobs that wait or run
    Cancel = cancel,
    /// Queue a failed, given-up or cancelled job again
    Retry = retry,
    /// Do a job that has ended once more
    Rerun = rerun,
    /// Follow what happens, one JSON object a line
    Events = events,
    /// Remove a file or a job with all that was made of it
    Rm = rm,
    /// Copy outputs to a folder
    Export = export,
    /// List or make projects
    Project = project,
    /// Show what waits in the drop folder, and why
    Inbox = inbox,
    /// Print the audit log
    Audit = audit,
    /// Check the store; mend its indices
    Fsck = fsck,
    /// Remove the data of earlier readings that are kept no longer
    Gc = gc,
    /// Write a backup of everything to a new folder
    Backup = backup,
    /// Put a backup in the place of an empty home
    Restore = restore,
    /// Check folders, socket, store, disk, limits, sandbox and terminal
    Doctor = doctor,
    /// Print the configuration in force and where it lies
    Config = config,
}

/// The version and the protocol it speaks.
static VERSION: LazyLock<String> =
    LazyLock::new(|| format!("{} (protocol {PROTOCOL})", dropforge_shared::VERSION));

/// A terminal workbench for data and documents over a local daemon. Without a verb it opens the workbench.
#[derive(Debug, Parser)]
#[command(name = "dropforge", version = VERSION.as_str(), about, after_help = AFTER_HELP)]
pub struct Cli {
    /// Print one JSON document on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

const AFTER_HELP: &str = "FILE and JOB take an id, a unique beginning of one, or a unique name.
DROPFORGE_HOME=DIR keeps everything under DIR.
Exit codes: 0 done, 1 the work failed, 2 usage, 3 no such thing, 4 daemon unreachable, 5 refused by a limit or policy.

Example:  dropforge add sales.csv --wait && dropforge profile sales.csv";

/// What every verb is given.
pub struct Context {
    /// Whether one JSON document is wanted.
    pub json: bool,
    /// Where everything lies.
    pub paths: Paths,
    /// The kinds of job that the worker knows.
    #[cfg(feature = "local")]
    pub kinds: &'static [dropforge_worker::Kind],
}

impl Context {
    pub(crate) fn new(
        json: bool,
        #[cfg(feature = "local")] kinds: &'static [dropforge_worker::Kind],
    ) -> Result<Self, Fault> {
        Ok(Self {
            json,
            paths: Paths::from_env()?,
            #[cfg(feature = "local")]
            kinds,
        })
    }

    /// The configuration of this home.
    pub(crate) fn config(&self) -> Result<Config, Fault> {
        Config::load(&self.paths.config)
    }

    /// A connection; the daemon is started where none answers.
    pub(crate) async fn client(&self) -> Result<Client, Fault> {
        if cfg!(feature = "local") {
            client::connect_or_start(&self.paths, &this_binary()?).await
        } else {
            client::connect(&self.paths).await?.ok_or_else(not_running)
        }
    }
}

/// This program's own file.
pub(crate) fn this_binary() -> Result<PathBuf, Fault> {
    std::env::current_exe().map_err(|e| Fault::failed(format!("can't tell which file this program is: {e}")))
}

/// What is said where a daemon is needed and may not be started.
pub(crate) fn not_running() -> Fault {
    Fault::unreachable("the daemon is not running").hint("`dropforge daemon start` starts it.")
}

/// What is said where the workbench was meant and there is no terminal for it.
fn no_terminal() -> Fault {
    let command = Cli::command();
    let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    Fault::usage("the workbench needs a terminal; without one, name a verb")
        .hint(format!("Verbs: {}. `dropforge --help` says what each does.", names.join(", ")))
}

async fn workbench(context: &Context) -> Done {
    use std::io::IsTerminal;
    if context.json || !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return Err(no_terminal());
    }
    // Started, or refused, before the screen is taken: what goes wrong is then printed plainly.
    context.client().await?;
    crate::workbench::run(context.paths.clone(), context.config()?, this_binary()?).await?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn verbs_take_what_the_contract_says() {
        for line in [
            "dropforge",
            "dropforge daemon status --json",
            "dropforge daemon run --background",
            "dropforge add a.csv b.csv --project P --on-duplicate reprocess --wait --json",
            "dropforge files --json",
            "dropforge preview f1 --offset 10 --rows 5",
            "dropforge rerun j1 --from read",
            "dropforge logs j1 --follow",
            "dropforge rm f1 --yes",
            "dropforge rm f1 j2 --yes",
            "dropforge add a.csv --delimiter ; --encoding utf-8 --header false --sheet S --type a=text --type b=float",
            "dropforge reread f1 --header auto --wait",
            "dropforge reading f1 --json",
            "dropforge type f1 orders",
            "dropforge type f1 --forget",
            "dropforge query -",
            "dropforge query SQL --csv --limit 5 --timeout 3 --project P",
            "dropforge query SQL --save out.parquet --wait",
            "dropforge suggest f1 --json",
            "dropforge prepare f1 --steps a,b --set a.with=mean --name n --save-recipe r --wait",
            "dropforge prepare f1 --recipe r --preview",
            "dropforge prepare f1 --all",
            "dropforge recipe list",
            "dropforge recipe show r",
            "dropforge recipe save r --of f1 --steps a,b --replace",
            "dropforge recipe save r --from r.toml",
            "dropforge recipe rm r",
            "dropforge recipe apply r f1 --wait",
            "dropforge preview f1 --sort a,b:desc --columns a,b",
            "dropforge wait j1 j2",
            "dropforge cancel j1",
            "dropforge cancel j1 j2",
            "dropforge cancel --queued",
            "dropforge export j1 --to out --only a.txt b.txt",
            "dropforge project create sales",
            "dropforge fsck --repair",
            "dropforge backup out",
            "dropforge gc --all",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_ok(), "{line}");
        }
        assert!(Cli::try_parse_from(["dropforge", "files", "--frobnicate"]).is_err());
        assert!(Cli::try_parse_from(["dropforge", "add"]).is_err());
        assert!(Cli::try_parse_from(["dropforge", "prepare", "f1"]).is_err());
        assert!(Cli::try_parse_from(["dropforge", "type", "f1", "x", "--forget"]).is_err());
    }

    #[test]
    fn the_version_names_the_protocol() {
        let version = Cli::try_parse_from(["dropforge", "--version"]).unwrap_err().to_string();
        assert_eq!(version.trim(), format!("dropforge {} (protocol {PROTOCOL})", env!("CARGO_PKG_VERSION")));
    }

    #[test]
    fn the_help_of_every_verb_shows_an_example_that_parses() {
        for verb in Cli::command().get_subcommands() {
            let name = verb.get_name();
            let help = Cli::try_parse_from(["dropforge", name, "--help"]).unwrap_err().to_string();
            let example = help
                .lines()
                .find_map(|l| l.strip_prefix("Example:  "))
                .unwrap_or_else(|| panic!("{name}: {help}"));
            let line = example.split(['|', '>']).next().unwrap().trim();
            assert!(line.starts_with(&format!("dropforge {name}")), "{name}: {line}");
            let parsed = Cli::try_parse_from(line.split(' '));
            assert!(parsed.is_ok(), "{line}: {parsed:?}");
        }
    }

    /// The help of a command and of all below it that has lines wider than a usual terminal.
    fn too_wide(command: &mut clap::Command, path: &str, found: &mut Vec<String>) {
        let help = command.render_long_help().to_string();
        found.extend(help.lines().filter(|l| l.chars().count() > 80).map(|l| format!("{path}: {l}")));
        for below in command.get_subcommands_mut() {
            let path = format!("{path} {}", below.get_name());
            too_wide(below, &path, found);
        }
    }

    #[test]
    fn help_fits_a_terminal_of_eighty_columns() {
        let mut command = Cli::command().term_width(80);
        command.build();
        let mut found = Vec::new();
        too_wide(&mut command, "dropforge", &mut found);
        assert!(found.is_empty(), "{}", found.join("\n"));
    }

    #[test]
    fn without_a_terminal_the_verbs_are_named() {
        let fault = no_terminal();
        assert_eq!(fault.code.exit_code(), 2);
        let hint = fault.hint.unwrap();
        assert!(["add", "files", "preview", "doctor"].iter().all(|v| hint.contains(v)), "{hint}");
    }
}
