//! `type FILE [NAME]`: what kind of data a file holds, with what each strategy found; or the user's choice of it.

use std::process::ExitCode;

use dropforge_shared::clean;
use dropforge_shared::client::{Client, flat, within};
use dropforge_shared::detection::{DETECTION, Detection};
use dropforge_shared::fault::Fault;
use dropforge_shared::file::{FileView, TypeGuess};
use dropforge_shared::ids::FileId;
use dropforge_shared::service::CALL;
use serde::Serialize;

use super::profile::read_output;
use super::{Context, Done, show};
use crate::output as print;

/// Which file, and what it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "A choice is remembered for every file with the same header.

Example:  dropforge type sales.csv orders")]
pub struct Args {
    /// File
    file: String,
    /// What it is; the names are those that are listed without one
    name: Option<String>,
    /// Take the choice back: what was detected counts again
    #[arg(long, conflicts_with = "name")]
    forget: bool,
    /// Show so many types
    #[arg(long, default_value_t = 5, value_name = "N")]
    top: usize,
}

/// The answer in JSON: what counts now, and what was detected.
#[derive(Serialize)]
struct Answer<'a> {
    file: &'a FileId,
    state: &'static str,
    #[serde(rename = "type")]
    current: &'a Option<TypeGuess>,
    #[serde(flatten)]
    detection: Option<Detection>,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let client = context.client().await?;
    let mut file = flat(client.rpc.file(within(CALL), args.file).await)?;
    let detection = detection(&client, &file).await;
    let changes = args.name.is_some() || args.forget;
    if let (Some(name), Ok(detection)) = (&args.name, &detection) {
        let known: Vec<&str> = detection.candidates.iter().map(|c| c.name.as_str()).collect();
        if !known.contains(&name.as_str()) {
            return Err(Fault::usage(format!("there is no type '{}'", clean::fit(name, 60)))
                .hint(format!("There are: {}.", known.join(", "))));
        }
    }
    if changes {
        file = flat(client.rpc.type_choose(within(CALL), file.id.to_string(), args.name).await)?;
    }
    let detection = if changes { detection.ok() } else { Some(detection?) };
    if context.json {
        let answer =
            Answer { file: &file.id, state: file.state.name(), current: &file.type_guess, detection };
        print::json(&answer)?;
        return Ok(ExitCode::SUCCESS);
    }
    match &file.type_guess {
        Some(guess) => print::line(&show::type_line(guess, file.state))?,
        None => print::line("not known")?,
    }
    if let Some(detection) = detection.filter(|_| !changes) {
        text(&detection, args.top)?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn detection(client: &Client, file: &FileView) -> Result<Detection, Fault> {
    let bytes = read_output(client, file, DETECTION).await?;
    serde_json::from_slice(&bytes).map_err(|e| {
        Fault::failed(format!("what was detected of {} can't be read: {e}", clean::line(&file.name)))
            .hint("`dropforge reread FILE` makes it anew.")
    })
}

fn text(detection: &Detection, top: usize) -> Result<(), Fault> {
    for candidate in detection.candidates.iter().take(top) {
        print::line(&format!("\n{:>5.1}  {}  {}", candidate.score, candidate.name, candidate.title))?;
        for evidence in &candidate.evidence {
            print::line(&format!(
                "       {:<10} {:>5.1} × {:.1}  {}",
                evidence.strategy, evidence.score, evidence.weight, evidence.detail
            ))?;
        }
    }
    let more = detection.candidates.len().saturating_sub(top);
    if more > 0 {
        print::note(&format!("({more} more types; --top N shows more)"));
    }
    for rule in &detection.bad_rules {
        print::note(&format!("a rule was not used: {rule}"));
    }
    Ok(())
}
