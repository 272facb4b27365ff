//! `add PATH…`: takes files in, shows how far copying is, and waits for their jobs if asked to.

use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::process::ExitCode;

use dropforge_shared::clean;
use dropforge_shared::client::{Client, flat, within};
use dropforge_shared::config::ByteSize;
use dropforge_shared::fault::Fault;
use dropforge_shared::file::{AddOutcome, OnDuplicate};
use dropforge_shared::service::{AddRequest, CALL};

use super::{Context, Done};
use crate::output as print;

/// What to take in.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge add sales.csv reports/ --wait")]
pub struct Args {
    /// Files, and folders with all that is in them
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Put them into this project
    #[arg(long)]
    project: Option<String>,
    /// What to do with content that is there already; the configuration says which is usual
    #[arg(long, value_parser = on_duplicate, value_name = "use|reprocess")]
    on_duplicate: Option<OnDuplicate>,
    /// Wait until their jobs have ended; exit 1 where one failed
    #[arg(long)]
    wait: bool,
}

fn on_duplicate(text: &str) -> Result<OnDuplicate, String> {
    match text {
        "use" => Ok(OnDuplicate::Use),
        "reprocess" => Ok(OnDuplicate::Reprocess),
        _ => Err("use or reprocess".into()),
    }
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let mut paths = Vec::new();
    for path in &args.paths {
        // The daemon has a working folder of its own; links stay as they are, for it to see.
        let path = std::path::absolute(path)
            .map_err(|e| Fault::usage(format!("'{}' is not a usable path: {e}", path.display())))?;
        paths.push(serde_bytes::ByteBuf::from(path.into_os_string().into_vec()));
    }
    let client = context.client().await?;
    let on_duplicate = match args.on_duplicate {
        Some(choice) => choice,
        None => context.config()?.inbox.on_duplicate,
    };
    let request = AddRequest { paths, project: args.project, on_duplicate };
    let ticket = flat(client.rpc.add(within(CALL), request).await)?;
    let mut outcomes: Vec<AddOutcome> = Vec::new();
    loop {
        let seen = u32::try_from(outcomes.len()).unwrap_or(u32::MAX);
        let progress = flat(client.rpc.add_poll(within(CALL * 3), ticket, seen, 20_000).await)?;
        outcomes.extend(progress.outcomes);
        if let Some((path, done, total)) = &progress.current
            && *total > 1 << 24
        {
            let name = clean::fit(path, 40);
            print::progress(&format!("{name}: {} of {}", ByteSize(*done), ByteSize(*total)));
        }
        if progress.finished {
            break;
        }
    }
    print::progress("");
    let mut worst = first_fault(&outcomes);
    if args.wait {
        let jobs: Vec<String> = outcomes.iter().flat_map(|o| &o.jobs).map(ToString::to_string).collect();
        for view in super::wait::wait_for(&client, &jobs).await? {
            if view.state != dropforge_shared::job::JobState::Done {
                let why = view.error.as_deref().unwrap_or(view.state.name());
                print::note(&format!("job {} ({}): {why}", view.id, view.file_name.as_deref().unwrap_or("no file")));
                worst = worst.or(Some(1));
            }
        }
    }
    show(&client, context, &outcomes)?;
    Ok(worst.map_or(ExitCode::SUCCESS, ExitCode::from))
}

/// The exit code of the first path that was not taken.
fn first_fault(outcomes: &[AddOutcome]) -> Option<u8> {
    outcomes.iter().find(|o| o.error.is_some()).map(|o| o.fault.as_ref().map_or(1, |f| f.code.exit_code()))
}

fn show(_: &Client, context: &Context, outcomes: &[AddOutcome]) -> Result<(), Fault> {
    if context.json {
        return print::json(&outcomes);
    }
    for outcome in outcomes {
        let path = clean::line(&outcome.path);
        let text = match (&outcome.error, &outcome.duplicate_of, &outcome.file) {
            (Some(error), _, _) => {
                print::note(&format!("{path}: {error}"));
                continue;
            }
            (None, Some(first), _) => format!("{path}: the same content as {first}"),
            (None, None, Some(file)) => format!("{path}: {file}"),
            (None, None, None) => format!("{path}: nothing to do"),
        };
        let jobs: Vec<&str> = outcome.jobs.iter().map(|j| j.as_str()).collect();
        print::line(&if jobs.is_empty() { text } else { format!("{text}, job {}", jobs.join(", ")) })?;
    }
    Ok(())
}
