//! `add PATH…`: takes files in, shows how far copying is, and waits for their jobs if asked to.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use dropforge_shared::clean;
use dropforge_shared::client::{flat, within};
use dropforge_shared::config::ByteSize;
use dropforge_shared::fault::{Fault, FaultCode};
use dropforge_shared::file::{AddOutcome, FileKind, FileState, FileView, OnDuplicate};
use dropforge_shared::ids::{FileId, JobId};
use dropforge_shared::job::JobState;
use dropforge_shared::service::{AddRequest, CALL, JobQuery};

use super::priority::Priority;
use super::reading_options::ReadingOptions;
use super::waiting::{self, Line};
use super::{Context, Done, listing};
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
    #[command(flatten)]
    reading: ReadingOptions,
    #[command(flatten)]
    priority: Priority,
    /// Wait until their jobs have ended; exit 1 where one failed
    #[arg(long)]
    wait: bool,
}

/// How long a file may be without a job until it counts as given up.
const IDLE: Duration = Duration::from_secs(5);
/// How many daemons in a row may go away while they take files.
const RESTARTS: u32 = 10;

fn on_duplicate(text: &str) -> Result<OnDuplicate, String> {
    match text {
        "use" => Ok(OnDuplicate::Use),
        "reprocess" => Ok(OnDuplicate::Reprocess),
        _ => Err("use or reprocess".into()),
    }
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let mut jobs = Vec::new();
    tokio::select! {
        done = work(args, context, &mut jobs) => return done,
        _ = tokio::signal::ctrl_c() => {}
    }
    print::progress("");
    print::note(&waiting::interrupted(&jobs));
    Ok(ExitCode::from(waiting::INTERRUPTED))
}

async fn work(args: Args, context: &Context, jobs: &mut Vec<String>) -> Done {
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
    let settings = args.reading.settings("")?;
    // With a key, asking again gives what was taken the first time.
    let idempotency = Some(JobId::random().to_string());
    let priority = args.priority.priority;
    let request = AddRequest { paths, project: args.project, on_duplicate, settings, idempotency, priority };
    let mut line = Line::new(context, client);
    let outcomes = taken(&mut line, &request, jobs).await?;
    let mut worst = first_fault(&outcomes);
    let mut became = BTreeMap::new();
    if args.wait {
        let views = waiting::until_ended(&mut line, jobs, None).await?;
        worst = worst.or(waiting::exit_code(&views));
        let mut notes: Vec<String> = views.iter().filter_map(waiting::shortfall).collect();
        // The other sheets of a workbook are read by jobs of their own.
        let parts: Vec<FileId> = views.into_iter().flat_map(|v| v.produced).collect();
        let there = outcomes.iter().filter(|o| o.jobs.is_empty()).filter_map(|o| o.file.as_ref());
        for file in parts.iter().chain(there) {
            notes.extend(until_read(&mut line, file, jobs).await?);
        }
        for note in &notes {
            print::note(note);
            worst = worst.or(Some(1));
        }
        if !context.json {
            for id in outcomes.iter().filter_map(|o| o.file.as_ref()) {
                match line.call(async |rpc| flat(rpc.file(within(CALL), id.to_string()).await)).await {
                    Ok(file) => {
                        became.insert(id.clone(), outcome(&file));
                    }
                    // Removed meanwhile.
                    Err(fault) if fault.code == FaultCode::NotFound => {}
                    Err(fault) => return Err(fault),
                }
            }
        }
    }
    show(context, &outcomes, &became)?;
    Ok(worst.map_or(ExitCode::SUCCESS, ExitCode::from))
}

/// What became of each path. A daemon that goes away takes its ticket along, so the next one is asked again.
async fn taken(
    line: &mut Line<'_>,
    request: &AddRequest,
    jobs: &mut Vec<String>,
) -> Result<Vec<AddOutcome>, Fault> {
    for again in (0..RESTARTS).rev() {
        let ticket = line.call(async |rpc| flat(rpc.add(within(CALL), request.clone()).await)).await?;
        jobs.clear();
        match follow(line, ticket, jobs).await {
            Ok(outcomes) if again > 0 && outcomes.iter().any(cut_off) => line.renew(true).await?,
            Err(fault) if again > 0 && is_gone(&fault) => line.renew(false).await?,
            ended => return ended,
        }
    }
    Err(super::not_running())
}

/// Asks how a ticket goes until it is done with. Once, of one daemon: the next one's tickets begin anew.
async fn follow(line: &Line<'_>, ticket: u64, jobs: &mut Vec<String>) -> Result<Vec<AddOutcome>, Fault> {
    let mut outcomes: Vec<AddOutcome> = Vec::new();
    loop {
        let seen = u32::try_from(outcomes.len()).unwrap_or(u32::MAX);
        let asked = line.rpc().add_poll(within(CALL * 3), ticket, seen, 20_000).await;
        let progress = flat(asked).inspect_err(|_| print::progress(""))?;
        jobs.extend(progress.outcomes.iter().flat_map(|o| &o.jobs).map(ToString::to_string));
        outcomes.extend(progress.outcomes);
        if let Some((path, done, total)) = &progress.current
            && *total > 1 << 24
        {
            let name = clean::fit(path, 40);
            print::progress(&format!("{name}: {} of {}", ByteSize(*done), ByteSize(*total)));
        }
        if progress.finished {
            print::progress("");
            return Ok(outcomes);
        }
    }
}

/// Whether the daemon has gone, or another has come in its place.
fn is_gone(fault: &Fault) -> bool {
    matches!(fault.code, FaultCode::Unreachable | FaultCode::NotFound)
}

/// Whether a path was not taken because the daemon was about to stop.
fn cut_off(outcome: &AddOutcome) -> bool {
    outcome.fault.as_ref().is_some_and(|fault| fault.code == FaultCode::Unreachable)
}

/// The exit code of the first path that was not taken.
fn first_fault(outcomes: &[AddOutcome]) -> Option<u8> {
    outcomes.iter().find(|o| o.error.is_some()).map(|o| o.fault.as_ref().map_or(1, |f| f.code.exit_code()))
}

/// Waits until a file that was there already has been read: who waits for `add` wants to work with it afterwards. Answers
/// with what is to be told where that ended badly.
pub(super) async fn until_read(
    line: &mut Line<'_>,
    file: &FileId,
    jobs: &mut Vec<String>,
) -> Result<Vec<String>, Fault> {
    let (mut waited, mut notes) = (false, Vec::new());
    let mut idle = Instant::now();
    loop {
        let view = line.call(async |rpc| flat(rpc.file(within(CALL), file.to_string()).await)).await?;
        if view.state != FileState::Ingesting {
            if waited && view.state == FileState::Failed && notes.is_empty() {
                let name = clean::line(&view.name).into_owned();
                notes.push(format!(
                    "{name} ({file}): {}",
                    view.error.as_deref().unwrap_or("could not be read")
                ));
            }
            return Ok(notes);
        }
        waited = true;
        let at_work = at_work(line, file).await?;
        if !at_work.is_empty() {
            jobs.extend(at_work.iter().cloned());
            let ended = waiting::until_ended(line, &at_work, None).await?;
            notes = ended.iter().filter_map(waiting::shortfall).collect();
            idle = Instant::now();
        } else if idle.elapsed() > IDLE {
            notes.push(format!(
                "{file} is not read, and no job works on it; `dropforge jobs` shows what became of its job"
            ));
            return Ok(notes);
        } else {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// The jobs that wait for or work on a file.
async fn at_work(line: &mut Line<'_>, file: &FileId) -> Result<Vec<String>, Fault> {
    let mut found = Vec::new();
    // Queued first: one that starts in between is then seen among those that run.
    for state in [JobState::Queued, JobState::Running] {
        let pieces = async |after, limit| {
            let query = JobQuery { state: Some(state), after, limit };
            line.call(async |rpc| flat(rpc.jobs(within(CALL), query.clone()).await)).await
        };
        let jobs = listing::gather(None, false, pieces).await?.items;
        found.extend(jobs.into_iter().filter(|j| j.file.as_ref() == Some(file)).map(|j| j.id.to_string()));
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// Why a path was not taken, naming it once.
fn refusal(outcome: &AddOutcome) -> Option<String> {
    let error = outcome.error.as_deref()?;
    let path = clean::line(&outcome.path);
    let named = clean::line(error).contains(path.as_ref());
    let mut text = if named { error.to_owned() } else { format!("{path}: {error}") };
    if let Some(hint) = outcome.fault.as_ref().and_then(|f| f.hint.as_deref()) {
        text += &format!("\n  {hint}");
    }
    Some(text)
}

/// What a file was read as, in a few words, and what its owner has to see to.
fn outcome(file: &FileView) -> String {
    if file.kind != FileKind::Dataset {
        return file.reading.clone().unwrap_or_else(|| file.state.name().to_owned());
    }
    let count = |n: u64, one: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") };
    let mut text =
        format!("{}, {}", count(file.rows.unwrap_or(0), "row"), count(file.columns.unwrap_or(0), "column"));
    if let Some(n @ 1..) = file.rejected_rows {
        text += &format!("; {} not placed: `dropforge reading {}` tells why", count(n, "record"), file.id);
    }
    if file.state == FileState::NeedsInput {
        text += &format!("; say what it holds: `dropforge type {} NAME`", file.id);
    }
    text
}

fn show(context: &Context, outcomes: &[AddOutcome], became: &BTreeMap<FileId, String>) -> Result<(), Fault> {
    if context.json {
        return print::json(&outcomes);
    }
    for outcome in outcomes {
        let path = clean::line(&outcome.path);
        if let Some(why) = refusal(outcome) {
            print::note(&why);
            continue;
        }
        let text = match (&outcome.duplicate_of, &outcome.file) {
            (Some(first), _) => format!("{path}: the same content as {first}"),
            (None, Some(file)) => format!("{path}: {file}"),
            (None, None) => format!("{path}: nothing to do"),
        };
        let jobs: Vec<&str> = outcome.jobs.iter().map(|j| j.as_str()).collect();
        let text = if jobs.is_empty() { text } else { format!("{text}, job {}", jobs.join(", ")) };
        match outcome.file.as_ref().and_then(|id| became.get(id)) {
            Some(what) => print::line(&format!("{text}: {}", clean::line(what)))?,
            None => print::line(&text)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(path: &str, error: Option<&str>) -> AddOutcome {
        AddOutcome {
            path: path.into(),
            file: None,
            duplicate_of: None,
            jobs: vec![],
            error: error.map(str::to_owned),
            fault: error.map(|e| Fault::not_found(e).hint("Look again.")),
        }
    }

    #[test]
    fn what_a_file_was_read_as_is_told_with_what_is_left_to_do() {
        let file = serde_json::json!({
            "id": FileId::random(), "name": "a.csv", "version": 1, "sha256": "", "bytes": 1, "format": "csv",
            "kind": "dataset", "rows": 1, "columns": 2, "rejected_rows": 3, "state": "needs_input", "project": "p",
            "added_at": "2026-01-01T00:00:00Z",
        });
        let file: FileView = serde_json::from_value(file).unwrap();
        let told = super::outcome(&file);
        assert!(told.starts_with("1 row, 2 columns; 3 records not placed"), "{told}");
        assert!(told.contains("dropforge type"), "{told}");
        let pdf =
            FileView { kind: FileKind::Document, reading: Some("not a table: it is a PDF".into()), ..file };
        assert_eq!(super::outcome(&pdf), "not a table: it is a PDF");
    }

    #[test]
    fn a_path_that_is_refused_is_named_once() {
        assert_eq!(refusal(&outcome("/a.csv", None)), None);
        for error in ["/a.csv: no such file", "no such file"] {
            let told = refusal(&outcome("/a.csv", Some(error))).unwrap();
            assert_eq!(told, "/a.csv: no such file\n  Look again.");
        }
    }

    #[test]
    fn what_a_daemon_on_its_way_out_did_not_take_is_asked_for_again_and_what_is_missing_is_not() {
        let stopped = AddOutcome {
            fault: Some(Fault::unreachable("the daemon is stopping")),
            ..outcome("/a", Some("x"))
        };
        assert!(cut_off(&stopped));
        assert!(!cut_off(&outcome("/a", Some("no such file"))) && !cut_off(&outcome("/a", None)));
    }

    #[test]
    fn outcomes_have_the_shape_of_the_contract_and_the_first_fault_decides_the_exit_code() {
        assert_eq!(
            serde_json::to_value(outcome("/a.csv", None)).unwrap(),
            serde_json::json!({"path": "/a.csv", "file": null, "duplicate_of": null, "jobs": [], "error": null})
        );
        assert_eq!(first_fault(&[outcome("/a", None), outcome("/b", Some("no"))]), Some(3));
    }
}
