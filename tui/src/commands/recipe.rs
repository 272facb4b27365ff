//! `recipe list|show|save|rm|apply`: steps of preparation under a name.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use dropforge_shared::client::{Client, flat, within};
use dropforge_shared::fault::Fault;
use dropforge_shared::recipe::{recipe_from_toml, recipe_to_toml};
use dropforge_shared::service::CALL;
use dropforge_shared::suggest::Recipe;

use super::priority::Priority;
use super::steps::{self, Chosen};
use super::{Context, Done, prepare};
use crate::output as print;
use crate::output::table::{Column, Table};

/// What to do with recipes.
#[derive(Debug, clap::Args)]
#[command(after_help = "A recipe is a TOML file in the folder `recipes` beside the configuration.

Example:  dropforge recipe save monthly --of sales.csv --all")]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List them
    List,
    /// Show one as TOML
    Show {
        /// Its name
        name: String,
    },
    /// Save suggested steps of a file, or steps from a TOML file
    #[command(group = clap::ArgGroup::new("source").args(["of", "from"]).required(true))]
    Save {
        /// Its name: letters, digits, '-' and '_'
        name: String,
        /// The file whose suggested steps are chosen from
        #[arg(long, value_name = "FILE")]
        of: Option<String>,
        /// A TOML file with `[[steps]]`; `-` reads standard input
        #[arg(long, value_name = "PATH", conflicts_with_all = ["steps", "all", "set"])]
        from: Option<PathBuf>,
        #[command(flatten)]
        chosen: Chosen,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
        /// Replace one of the same name
        #[arg(long)]
        replace: bool,
    },
    /// Remove one
    Rm {
        /// Its name
        name: String,
    },
    /// Run one on a file, as `prepare --recipe` does
    Apply {
        /// Its name
        name: String,
        /// File
        file: String,
        /// Change a step's setting
        #[arg(long = "set", value_name = "NUMBER.KEY=VALUE")]
        set: Vec<String>,
        /// The new dataset's name
        #[arg(long = "name", value_name = "DATASET")]
        dataset: Option<String>,
        /// Wait until the new dataset is there, then show it
        #[arg(long)]
        wait: bool,
    },
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let client = context.client().await?;
    match args.what {
        What::List => list(&client, context).await?,
        What::Show { name } => {
            let recipe = steps::recipe(&client, &name).await?;
            if context.json {
                print::json(&recipe)?;
            } else {
                print::line(recipe_to_toml(&recipe).trim_end())?;
            }
        }
        What::Save { name, of, from, chosen, description, replace } => {
            let mut recipe = match (of, from) {
                (Some(file), _) => {
                    if chosen.steps.is_empty() && !chosen.all {
                        return Err(
                            Fault::usage("which steps?").hint("Name them with --steps, or take --all.")
                        );
                    }
                    let steps = steps::of_file(&client, &file, &chosen).await?;
                    Recipe { name, description: String::new(), steps }
                }
                (None, path) => read(name, path.unwrap_or_default())?,
            };
            recipe.description = description.unwrap_or(recipe.description);
            flat(client.rpc.recipe_save(within(CALL), recipe.clone(), replace).await)?;
            if context.json {
                print::json(&recipe)?;
            } else {
                print::line(&format!("saved {} ({} steps)", recipe.name, recipe.steps.len()))?;
            }
        }
        What::Rm { name } => {
            flat(client.rpc.recipe_remove(within(CALL), name.clone()).await)?;
            if context.json {
                print::json(&serde_json::json!({ "removed": name }))?;
            } else {
                print::line(&format!("removed {name}"))?;
            }
        }
        What::Apply { name, file, set, dataset, wait } => {
            let steps = steps::of_recipe(steps::recipe(&client, &name).await?, &set)?;
            return prepare::start(client, file, &steps, dataset, (wait, Priority::default()), context).await;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(client: &Client, context: &Context) -> Result<(), Fault> {
    let recipes = flat(client.rpc.recipes(within(CALL)).await)?;
    let bad = flat(client.rpc.recipe_faults(within(CALL)).await)?;
    for (_, fault) in &bad {
        print::note(&format!("left out: {}", fault.message));
    }
    if context.json {
        return print::json(&recipes);
    }
    let mut table = Table::new([
        Column::whole("name"),
        Column::number("steps"),
        Column::text("what"),
        Column::text("for"),
    ]);
    for recipe in &recipes {
        let mut ops: Vec<&str> = recipe.steps.iter().map(|s| s.op.as_str()).collect();
        ops.dedup();
        table.row([&recipe.name, &recipe.steps.len().to_string(), &ops.join(", "), &recipe.description]);
    }
    table.print()?;
    if recipes.is_empty() && bad.is_empty() {
        print::note("no recipes yet: `dropforge recipe save NAME --of FILE --all` makes one");
    }
    Ok(())
}

fn read(name: String, path: PathBuf) -> Result<Recipe, Fault> {
    let text = if path.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().lock().take(1 << 20).read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(&path)
    };
    let text = text.map_err(|e| Fault::usage(format!("{} can't be read: {e}", path.display())))?;
    let found =
        recipe_from_toml(&text, &name).map_err(|e| Fault::usage(format!("{}, {e}", path.display())))?;
    // As it is called here, whatever it was called there.
    Ok(Recipe { name, ..found })
}
