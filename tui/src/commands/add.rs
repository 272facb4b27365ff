//! `add PATH…`: takes files in, shows how far copying is, and waits for their jobs if asked to.

use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use dropforge_shared::clean;
use dropforge_shared::client::{flat, within};
use dropforge_shared::config::ByteSize;
use dropforge_shared::fault::{Fault, FaultCode};
use dropforge_shared::file::{AddOutcome, FileState, OnDuplicate};
use dropforge_shared::ids::FileId;
use dropforge_shared::job::JobState;
use dropforge_shared::service::{AddRequest, CALL, JobQuery};

use super::support::line::Line;
use super::support::{INTERRUPTED, gather, waiting};
use super::{Context, Done, failed};
use crate::print;

/// What to take in.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge add sales.csv reports/ --project sales --wait")]
pub(crate) struct Args {
    /// Files, and folders with all that is in them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Put them into this project
    #[arg(long)]
    project: Option<String>,
    /// What to do with content that is there already: use that file, or process it again
    #[arg(long, default_value = "use", value_parser = on_duplicate())]
    on_duplicate: OnDuplicate,
    /// Wait until their jobs have ended; exit 1 where one failed
    #[arg(long)]
    wait: bool,
}

fn on_duplicate() -> impl TypedValueParser<Value = OnDuplicate> {
    PossibleValuesParser::new(["use", "reprocess"]).map(|word| match word.as_str() {
        "reprocess" => OnDuplicate::Reprocess,
        _ => OnDuplicate::Use,
    })
}

/// How long one poll waits: short while a person watches the copying.
fn poll_ms() -> u32 {
    if print::shows_progress() { 300 } else { 20_000 }
}

/// Runs the verb.
pub(crate) async fn run(args: Args, context: &Context) -> Done {
    let mut jobs = Vec::new();
    tokio::select! {
        done = work(args, context, &mut jobs) => return done,
        _ = tokio::signal::ctrl_c() => {}
    }
    waiting::tell_interrupted(&jobs);
    Ok(ExitCode::from(INTERRUPTED))
}

async fn work(args: Args, context: &Context, jobs: &mut Vec<String>) -> Done {
    let mut paths = Vec::with_capacity(args.paths.len());
    for path in args.paths {
        // The daemon has a working folder of its own. Links stay as they are, for it to see; names may be any bytes.
        let path = std::path::absolute(&path)
            .map_err(|e| Fault::usage(format!("'{}' is not a usable path: {e}", path.display())))?;
        paths.push(serde_bytes::ByteBuf::from(path.into_os_string().into_vec()));
    }
    let client = context.client().await?;
    let request = AddRequest { paths, project: args.project, on_duplicate: args.on_duplicate };
    let ticket = flat(client.rpc.add(within(CALL), request).await)?;
    let mut outcomes: Vec<AddOutcome> = Vec::new();
    loop {
        let seen = u32::try_from(outcomes.len()).unwrap_or(u32::MAX);
        let time = CALL + Duration::from_millis(poll_ms().into());
        let news = flat(client.rpc.add_poll(within(time), ticket, seen, poll_ms()).await)?;
        jobs.extend(news.outcomes.iter().flat_map(|o| &o.jobs).map(ToString::to_string));
        outcomes.extend(news.outcomes);
        if let Some((path, done, total)) = &news.current {
            let size = format!("{} of {}", ByteSize(*done), ByteSize(*total));
            print::progress(&format!("{} taken · copying {}: {size}", outcomes.len(), clean::fit(path, 40)));
        }
        if news.finished {
            break;
        }
    }
    print::progress("");
    let mut ended = Vec::new();
    if args.wait {
        let mut line = Line::new(context, client);
        for file in outcomes.iter().filter(|o| o.jobs.is_empty()).filter_map(|o| o.file.as_ref()) {
            jobs.extend(under_way(&mut line, file).await?);
        }
        jobs.dedup();
        ended = waiting::until_ended(&mut line, jobs, None).await?;
    }
    if context.json {
        print::json(&outcomes)?;
    } else {
        print::out(&text(&outcomes))?;
    }
    for outcome in outcomes.iter().filter(|o| o.error.is_some()) {
        print::fault(&fault_of(outcome));
    }
    let all_well = waiting::tell_failures(&ended);
    Ok(match refusal(&outcomes) {
        Some(code) => ExitCode::from(code.exit_code()),
        None if all_well => ExitCode::SUCCESS,
        None => failed(),
    })
}

/// The jobs that still work on a file that was there already: who waits for `add` wants to read it afterwards.
async fn under_way(line: &mut Line<'_>, file: &FileId) -> Result<Vec<String>, Fault> {
    let view = line.call(async |rpc| flat(rpc.file(within(CALL), file.to_string()).await)).await?;
    if view.state != FileState::Ingesting {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    // Queued first: one that starts in between is then seen among those that run.
    for state in [JobState::Queued, JobState::Running] {
        let jobs = gather(None, async |after, limit| {
            let query = JobQuery { state: Some(state), after, limit };
            line.call(async |rpc| flat(rpc.jobs(within(CALL), query.clone()).await)).await
        });
        let jobs = jobs.await?;
        found.extend(jobs.into_iter().filter(|j| j.file.as_ref() == Some(file)).map(|j| j.id.to_string()));
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// Why a path was not taken.
fn fault_of(outcome: &AddOutcome) -> Fault {
    outcome.fault.clone().unwrap_or_else(|| {
        let path = clean::line(&outcome.path);
        Fault::failed(format!("{path}: {}", outcome.error.as_deref().unwrap_or("not taken")))
    })
}

/// The kind of the first fault among the outcomes.
fn refusal(outcomes: &[AddOutcome]) -> Option<FaultCode> {
    outcomes.iter().find(|o| o.error.is_some()).map(|o| fault_of(o).code)
}

/// A line for each path that was taken.
fn text(outcomes: &[AddOutcome]) -> String {
    let mut out = String::new();
    for outcome in outcomes {
        let Some(file) = &outcome.file else { continue };
        out.push_str(&format!("{file}  {}", clean::line(&outcome.path)));
        if let Some(first) = &outcome.duplicate_of {
            out.push_str(&format!("  (the same content as {first})"));
        }
        for job in &outcome.jobs {
            out.push_str(&format!("  job {job}"));
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use dropforge_shared::ids::JobId;

    fn outcome(path: &str) -> AddOutcome {
        AddOutcome { path: path.into(), file: None, duplicate_of: None, jobs: vec![], error: None, fault: None }
    }

    #[test]
    fn outcomes_have_the_shape_of_the_contract() {
        let json = serde_json::to_value([outcome("/a.csv")]).unwrap();
        assert_eq!(
            json,
            serde_json::json!([{"path": "/a.csv", "file": null, "duplicate_of": null, "jobs": [], "error": null}])
        );
    }

    #[test]
    fn the_first_fault_decides_the_exit_code_and_good_paths_are_listed() {
        let file: FileId = "f0123456789".parse().unwrap();
        let job: JobId = "j0123456789".parse().unwrap();
        let good = AddOutcome { file: Some(file), jobs: vec![job], ..outcome("/a\u{1b}.csv") };
        let missing = AddOutcome {
            error: Some("no such file".into()),
            fault: Some(Fault::not_found("/b.csv: no such file")),
            ..outcome("/b.csv")
        };
        assert_eq!(refusal(std::slice::from_ref(&good)), None);
        assert_eq!(refusal(&[good.clone(), missing.clone()]).map(FaultCode::exit_code), Some(3));
        assert_eq!(text(&[good, missing]), "f0123456789  /a␛.csv  job j0123456789\n");
        let untold = AddOutcome { error: Some("odd".into()), ..outcome("/c") };
        assert_eq!(refusal(&[untold]).map(FaultCode::exit_code), Some(1));
    }
}
