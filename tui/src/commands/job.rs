//! `job JOB`: its state, its attempts, its outputs.

use std::process::ExitCode;

use dropforge_shared::clean;
use dropforge_shared::client::{flat, within};
use dropforge_shared::config::ByteSize;
use dropforge_shared::job::JobView;
use dropforge_shared::service::CALL;

use super::{Context, Done};
use crate::output as print;

/// Which job.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge job j3k")]
pub struct Args {
    /// Job
    job: String,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let client = context.client().await?;
    let job = flat(client.rpc.job(within(CALL), args.job).await)?;
    show(&job, context)
}

/// Prints a job, as every verb that answers with one does.
pub(super) fn show(job: &JobView, context: &Context) -> Done {
    if context.json {
        print::json(job)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut lines = vec![
        ("id", job.id.to_string()),
        ("kind", job.kind.clone()),
        (
            "state",
            if job.cancelling { "running, being cancelled".into() } else { job.state.name().to_owned() },
        ),
    ];
    let mut add = |name, value: Option<String>| lines.extend(value.map(|v| (name, v)));
    add("file", job.file.as_ref().map(|f| format!("{} ({f})", job.file_name.as_deref().unwrap_or_default())));
    add("stage", job.stage.clone());
    add(
        "progress",
        job.progress.as_ref().map(|p| {
            let total = p.total.map_or_else(String::new, |t| format!(" of {t}"));
            format!("{}{total} {}", p.done, p.unit)
        }),
    );
    add("queued", Some(job.queued_at.to_string()));
    add("started", job.started_at.map(|t| t.to_string()));
    add("finished", job.finished_at.map(|t| t.to_string()));
    add("not before", job.not_before.map(|t| t.to_string()));
    add("error", job.error.clone());
    for (name, value) in lines {
        print::line(&format!("{name:<11}{}", clean::line(&value)))?;
    }
    for attempt in &job.attempts {
        let end = attempt.end.map_or_else(|| "running".to_owned(), |e| format!("{e:?}").to_lowercase());
        let pid = attempt.pid.map_or_else(String::new, |p| format!(", pid {p}"));
        let memory = match attempt.peak_rss_bytes {
            0 => String::new(),
            peak => format!(", up to {}", ByteSize(peak)),
        };
        let why = attempt.error.as_deref().map_or_else(String::new, |e| format!(": {}", clean::line(e)));
        print::line(&format!("attempt {}  {end}{pid}{memory}{why}", attempt.number))?;
    }
    for file in &job.produced {
        print::line(&format!("made       {file}"))?;
    }
    for output in &job.outputs {
        print::line(&format!(
            "output     {} ({}, {})",
            output.name,
            output.media_type,
            ByteSize(output.bytes)
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
