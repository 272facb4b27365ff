//! `suggest FILE`: steps of preparation and models, each with how sure it is and why.

use std::process::ExitCode;

use dropforge_shared::client::{flat, within};
use dropforge_shared::fault::Fault;
use dropforge_shared::service::CALL;
use dropforge_shared::suggest::Suggestions;

use super::{Context, Done};
use crate::output as print;

/// Which file.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge suggest sales.csv --json")]
pub struct Args {
    /// File
    file: String,
    /// Also what in the profile speaks for each, and what can be set
    #[arg(long)]
    why: bool,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let client = context.client().await?;
    let suggestions = flat(client.rpc.suggest(within(CALL * 3), args.file).await)?;
    if context.json {
        print::json(&suggestions)?;
    } else {
        text(&suggestions, args.why)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(suggestions: &Suggestions, why: bool) -> Result<(), Fault> {
    if suggestions.steps.is_empty() {
        print::line("nothing needs to be done with these data")?;
    }
    for step in &suggestions.steps {
        print::line(&format!(
            "{:>3.0} %  {}  {}",
            step.confidence * 100.0,
            step.id,
            step.columns.join(", ")
        ))?;
        print::line(&format!("       {}", step.rationale))?;
        if why {
            for line in &step.evidence {
                print::line(&format!("       - {line}"))?;
            }
            for (key, value) in &step.settings {
                let choices = step.choices.get(key).map_or_else(String::new, |c| format!("  ({c})"));
                print::line(&format!("       --set {}.{key}={value}{choices}", step.id))?;
            }
        }
    }
    if !suggestions.models.is_empty() {
        print::line("models")?;
    }
    for model in &suggestions.models {
        print::line(&format!("{:>3.0} %  {}", model.confidence * 100.0, model.algorithm))?;
        print::line(&format!("       {}", model.rationale))?;
    }
    Ok(())
}
