//! `project list|create`: names that files and jobs are kept under.

use std::process::ExitCode;

use clap::Subcommand;
use dropforge_shared::client::{flat, within};
use dropforge_shared::service::CALL;

use super::{Context, Done};
use crate::output as print;

/// What to do with projects.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge project create sales")]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List them
    List,
    /// Make one; a folder of its name in the drop folder then puts its files into it
    Create {
        /// Its name
        name: String,
    },
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let client = context.client().await?;
    match args.what {
        What::List => {
            let projects = flat(client.rpc.projects(within(CALL)).await)?;
            if context.json {
                print::json(&projects)?;
            } else {
                for project in projects {
                    print::line(&format!(
                        "{}  {}",
                        project.id,
                        dropforge_shared::clean::line(&project.name)
                    ))?;
                }
            }
        }
        What::Create { name } => {
            let project = flat(client.rpc.project_create(within(CALL), name).await)?;
            if context.json {
                print::json(&project)?;
            } else {
                print::line(&format!("{}  {}", project.id, dropforge_shared::clean::line(&project.name)))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
