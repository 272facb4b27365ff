//! `reread FILE`: reads a file again, with what the user sets about its reading. The earlier data stay until the new ones are
//! there.

use std::process::ExitCode;

use dropforge_shared::client::{flat, within};
use dropforge_shared::reading::settings::TYPES;
use dropforge_shared::service::{CALL, Submission};

use super::priority::Priority;
use super::reading_options::ReadingOptions;
use super::waiting::{self, Line};
use super::{Context, Done};
use crate::output as print;

/// Which file, and how.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge reread sales.csv --delimiter tab --type zip=text --wait")]
pub struct Args {
    /// File
    file: String,
    #[command(flatten)]
    reading: ReadingOptions,
    #[command(flatten)]
    priority: Priority,
    /// Wait until it was read, then show it; exit 1 where that failed
    #[arg(long)]
    wait: bool,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    // What is wrong with an option is told before anything is asked.
    args.reading.settings("")?;
    let client = context.client().await?;
    let mut types = String::new();
    if args.reading.adds_types() {
        let file = flat(client.rpc.file(within(CALL), args.file.clone()).await)?;
        types = file.settings.get(TYPES).cloned().unwrap_or_default();
    }
    let settings = args.reading.settings(&types)?;
    let submission = Submission {
        kind: "ingest".into(),
        file: Some(args.file),
        settings,
        priority: args.priority.priority,
        idempotency: None,
    };
    let job = flat(client.rpc.submit(within(CALL), submission).await)?;
    if !args.wait {
        return super::job::show(&job, context);
    }
    let mut line = Line::new(context, client);
    let ended = waiting::watch(&mut line, &[job.id.to_string()]).await?;
    let Some(views) = ended else { return Ok(ExitCode::from(waiting::INTERRUPTED)) };
    let notes: Vec<String> = views.iter().filter_map(waiting::shortfall).collect();
    // What is there after a failure is what was there before: a person has seen it.
    if let Some(file) = job.file.as_ref().filter(|_| notes.is_empty() || context.json) {
        let view = line.call(async |rpc| flat(rpc.file(within(CALL), file.to_string()).await)).await?;
        super::show::print(view, context)?;
    }
    notes.iter().for_each(|n| print::note(n));
    Ok(waiting::exit_code(&views).map_or(ExitCode::SUCCESS, ExitCode::from))
}
