//! The command line as clap sees it. The verbs themselves are in `commands`.

use std::sync::LazyLock;

use clap::{CommandFactory, Parser};
use dropforge_shared::fault::Fault;
use dropforge_shared::handshake::PROTOCOL;

use crate::commands::Verb;

/// The version and the protocol it speaks.
static VERSION: LazyLock<String> =
    LazyLock::new(|| format!("{} (protocol {PROTOCOL})", dropforge_shared::VERSION));

const AFTER_HELP: &str = "\
FILE and JOB take an id, a unique beginning of one, or a unique name.
DROPFORGE_HOME=DIR keeps everything under DIR.
Exit codes: 0 done, 1 the work failed, 2 usage, 3 no such thing, 4 daemon unreachable, 5 refused by a limit or a policy.

Example:  dropforge add sales.csv --wait && dropforge profile sales.csv";

/// A terminal workbench for data and documents over a local daemon. Without a verb it opens the workbench.
#[derive(Debug, Parser)]
#[command(name = "dropforge", version = VERSION.as_str(), after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// Print JSON on standard output; all else goes to standard error
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// What is said where the workbench was meant and there is no terminal for it.
pub(crate) fn no_verb() -> Fault {
    let command = Cli::command();
    let names: Vec<&str> = command.get_subcommands().filter(|c| !c.is_hide_set()).map(|c| c.get_name()).collect();
    Fault::usage("the workbench needs a terminal; without one, name a verb")
        .hint(format!("Verbs: {}. `dropforge --help` says what each does.", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn verbs_take_what_the_contract_says() {
        for line in [
            "dropforge",
            "dropforge --json files",
            "dropforge daemon start",
            "dropforge daemon stop",
            "dropforge daemon status --json",
            "dropforge daemon run",
            "dropforge daemon run --background",
            "dropforge add a.csv b.csv --project P --on-duplicate use",
            "dropforge add a.csv --on-duplicate reprocess --wait --json",
            "dropforge files --project P --limit 5 --json",
            "dropforge show f1 --json",
            "dropforge preview f1 --offset 10 --rows 5",
            "dropforge preview f1 --csv",
            "dropforge profile f1 --json",
            "dropforge jobs --state dead --limit 3",
            "dropforge job j1",
            "dropforge wait j1 j2 --timeout 5",
            "dropforge cancel j1",
            "dropforge retry j1",
            "dropforge rerun j1 --from profile",
            "dropforge logs j1 --follow --tail 10 --json",
            "dropforge events --count 2 --json",
            "dropforge rm f1 --yes",
            "dropforge export j1 --to out --only a.txt b.txt",
            "dropforge export f1 --to out --force --json",
            "dropforge project list --json",
            "dropforge project create sales",
            "dropforge inbox --json",
            "dropforge audit --limit 4",
            "dropforge fsck --repair",
            "dropforge backup out",
            "dropforge restore out",
            "dropforge doctor --json",
            "dropforge config --template",
        ] {
            assert!(parse(line).is_ok(), "{line}: {}", parse(line).unwrap_err());
        }
    }

    #[test]
    fn what_makes_no_sense_is_wrong_usage() {
        for line in [
            "dropforge frobnicate",
            "dropforge files --frobnicate",
            "dropforge add",
            "dropforge add a --on-duplicate perhaps",
            "dropforge jobs --state sleeping",
            "dropforge wait",
            "dropforge export j1",
            "dropforge preview f1 --rows -1",
            "dropforge daemon",
        ] {
            let error = parse(line).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn help_and_version_are_no_errors_and_say_enough() {
        let version = parse("dropforge --version").unwrap_err();
        assert_eq!(version.exit_code(), 0);
        assert_eq!(version.to_string().trim(), format!("dropforge {} (protocol {PROTOCOL})", dropforge_shared::VERSION));
        for verb in Cli::command().get_subcommands() {
            let name = verb.get_name().to_owned();
            let help = parse(&format!("dropforge {name} --help")).unwrap_err().to_string();
            assert!(help.contains("Example"), "{name} shows an example:\n{help}");
            assert!(verb.get_about().is_some(), "{name} says what it is for");
        }
    }

    #[test]
    fn without_a_terminal_the_verbs_are_named() {
        let fault = no_verb();
        assert_eq!(fault.code.exit_code(), 2);
        let hint = fault.hint.unwrap();
        for verb in ["add", "files", "doctor"] {
            assert!(hint.contains(verb), "{hint}");
        }
    }
}
