//! `prepare FILE`: runs steps of preparation as a job that gives a new dataset; or shows their effect on the first rows.

use std::collections::BTreeMap;
use std::process::ExitCode;

use dropforge_shared::client::{Client, flat, within};
use dropforge_shared::fault::{Fault, FaultCode};
use dropforge_shared::job::JobView;
use dropforge_shared::service::{CALL, Submission};
use dropforge_shared::suggest::{Recipe, StepChoice, settings};

use super::priority::Priority;
use super::steps::{self, Chosen};
use super::waiting::{self, Line};
use super::{Context, Done, rows};
use crate::output as print;

/// Which file, and which steps.
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("which").args(["steps", "all", "recipe"]).required(true),
    after_help = "Example:  dropforge prepare sales.csv --all --name clean.parquet --wait"
)]
pub struct Args {
    /// File
    file: String,
    #[command(flatten)]
    chosen: Chosen,
    /// The steps of this recipe
    #[arg(long, value_name = "NAME")]
    recipe: Option<String>,
    /// The new dataset's name
    #[arg(long)]
    name: Option<String>,
    /// Keep the steps as a recipe of this name too
    #[arg(long, value_name = "NAME")]
    save_recipe: Option<String>,
    /// Only show what the steps do to the first 20 rows
    #[arg(long, conflicts_with_all = ["wait", "name"])]
    preview: bool,
    #[command(flatten)]
    priority: Priority,
    /// Wait until the new dataset is there, then show it
    #[arg(long)]
    wait: bool,
}

/// Rows of a preview.
const PREVIEW_ROWS: u64 = 20;

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let client = context.client().await?;
    let steps = match &args.recipe {
        Some(name) => steps::of_recipe(steps::recipe(&client, name).await?, &args.chosen.set)?,
        None => steps::of_file(&client, &args.file, &args.chosen).await?,
    };
    if let Some(name) = args.save_recipe {
        let recipe = Recipe { name, description: String::new(), steps: steps.clone() };
        let name = recipe.name.clone();
        flat(client.rpc.recipe_save(within(CALL), recipe, false).await)?;
        print::note(&format!("saved as recipe {name}"));
    }
    if args.preview {
        return preview(&client, args.file, steps, context).await;
    }
    start(client, args.file, &steps, args.name, (args.wait, args.priority), context).await
}

/// Queues the steps; with `wait`, shows the new dataset.
pub(super) async fn start(
    client: Client,
    file: String,
    steps: &[StepChoice],
    name: Option<String>,
    (wait, Priority { priority }): (bool, Priority),
    context: &Context,
) -> Done {
    let steps = serde_json::to_string(steps)
        .map_err(|e| Fault::failed(format!("the steps can't be handed over: {e}")))?;
    let mut settings = BTreeMap::from([(settings::STEPS.to_owned(), steps)]);
    settings.extend(name.map(|n| (settings::NAME.to_owned(), n)));
    let submission =
        Submission { kind: "prepare".into(), file: Some(file), settings, priority, idempotency: None };
    let job = flat(client.rpc.submit(within(CALL), submission).await)?;
    finish(job, wait, client, context).await
}

/// Shows a job that makes files; with `wait`, the files that it made, once they are read.
pub(super) async fn finish(job: JobView, wait: bool, client: Client, context: &Context) -> Done {
    if !wait {
        return super::job::show(&job, context);
    }
    let mut line = Line::new(context, client);
    let interrupted = || Ok(ExitCode::from(waiting::INTERRUPTED));
    let Some(views) = waiting::watch(&mut line, &[job.id.to_string()]).await? else { return interrupted() };
    if let Some(why) = views.iter().find_map(waiting::shortfall) {
        let code = views.iter().find_map(|v| v.error_code).unwrap_or(FaultCode::Failed);
        return Err(
            Fault { code, ..Fault::failed(why) }.hint(format!("`dropforge logs {}` tells more.", job.id))
        );
    }
    let mut code = ExitCode::SUCCESS;
    let mut files = Vec::new();
    for file in views.iter().flat_map(|v| &v.produced) {
        let mut jobs = Vec::new();
        tokio::select! {
            notes = super::add::until_read(&mut line, file, &mut jobs) => for note in notes? {
                print::note(&note);
                code = ExitCode::from(1);
            },
            _ = tokio::signal::ctrl_c() => return interrupted(),
        }
        files.push(line.call(async |rpc| flat(rpc.file(within(CALL), file.to_string()).await)).await?);
    }
    match files.len() {
        0 => return Err(Fault::failed(format!("job {} is done and made no dataset", job.id))),
        1 => files.into_iter().try_for_each(|file| super::show::print(file, context))?,
        _ if context.json => print::json(&files)?,
        _ => files.into_iter().try_for_each(|file| super::show::print(file, context))?,
    }
    Ok(code)
}

async fn preview(client: &Client, file: String, steps: Vec<StepChoice>, context: &Context) -> Done {
    let effect = flat(client.rpc.effect(within(CALL * 3), file, steps, PREVIEW_ROWS).await)?;
    if context.json {
        print::json(&effect)?;
        return Ok(ExitCode::SUCCESS);
    }
    print::line("before")?;
    rows::text(&effect.before.columns, &effect.before.rows)?;
    print::line("\nafter")?;
    rows::text(&effect.after.columns, &effect.after.rows)?;
    for note in &effect.notes {
        print::line(&format!("- {note}"))?;
    }
    Ok(ExitCode::SUCCESS)
}
