//! `config`: the configuration in force, and where its file lies.

use std::process::ExitCode;

use dropforge_shared::fault::Fault;

use super::{Context, Done};
use crate::output as print;

/// What to print.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge config --template > config.toml")]
pub struct Args {
    /// The commented file with every key and its default instead
    #[arg(long)]
    template: bool,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    if args.template {
        print::out(dropforge_shared::config::TEMPLATE)?;
        return Ok(ExitCode::SUCCESS);
    }
    let config = context.config()?;
    if context.json {
        print::json(&serde_json::json!({ "path": context.paths.config, "config": config }))?;
    } else {
        print::note(&format!("from {}", context.paths.config.display()));
        let text =
            toml::to_string(&config).map_err(|e| Fault::failed(format!("can't be written as TOML: {e}")))?;
        print::out(&text)?;
    }
    Ok(ExitCode::SUCCESS)
}
