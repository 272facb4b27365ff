//! Rows written to a file of the user's, from a screen: a job writes them, its output is fetched, the job is removed. Must not
//! know the state or the screen.

use std::path::PathBuf;

use dropforge_shared::client::{flat, within};
use dropforge_shared::config::ByteSize;
use dropforge_shared::fault::{Fault, FaultCode};
use dropforge_shared::job::{JobState, JobView};
use dropforge_shared::query::{Form, settings};
use dropforge_shared::service::{CALL, DropforgeClient, MAX_WAIT_MS, Submission};

use super::effect::Rows;
use crate::fetch;

/// Writes them, and answers with what to say.
pub(super) async fn export(rpc: &DropforgeClient, rows: Rows, to: &str) -> Result<String, Fault> {
    let path = place(to)?;
    let form = Form::of_path(&path).ok_or_else(|| {
        Fault::usage(format!("{to} does not say its form by its ending"))
            .hint("Call it .csv, .jsonl or .parquet.")
    })?;
    // Said before the work is done, and looked at again when the file gets its name.
    let path = fetch::target(&path, false).map_err(elsewhere)?;
    let name = format!("result.{}", form.name());
    let mut settings: std::collections::BTreeMap<String, String> =
        [(settings::FORM.to_owned(), form.name().to_owned()), (settings::NAME.to_owned(), name.clone())]
            .into();
    let file = match rows {
        Rows::Of(file) => Some(file.to_string()),
        Rows::Gives(sql) => {
            settings.insert(settings::SQL.to_owned(), sql);
            None
        }
    };
    let submission = Submission { kind: "query".into(), file, settings, priority: 0, idempotency: None };
    let job = ended(rpc, flat(rpc.submit(within(CALL), submission).await)?).await?;
    if job.state != JobState::Done {
        let why = job.error.clone().unwrap_or_else(|| format!("its job is {}", job.state.name()));
        return Err(Fault::failed(format!("nothing was written: {why}")));
    }
    let output = job.outputs.iter().find(|o| o.name == name);
    let output = output.ok_or_else(|| Fault::failed(format!("job {} left no {name}", job.id)))?;
    fetch::copy(rpc, &job.id, output, &path, false, &|_| {}).await.map_err(elsewhere)?;
    // The copy that the job has is of no more use. Where it stays nothing is lost, and `rm` takes it.
    if let Ok(plan) = flat(rpc.removal_plan(within(CALL), job.id.to_string()).await) {
        let _ = flat(rpc.remove(within(CALL), plan.id, plan.token).await);
    }
    Ok(format!("Wrote {} ({}).", path.display(), ByteSize(output.bytes)))
}

/// On a screen there is no `--force`.
fn elsewhere(fault: Fault) -> Fault {
    if fault.code == FaultCode::Refused { fault.hint("Name another file.") } else { fault }
}

/// A path as a person types it: from the folder that the workbench was started in, or from the home folder.
fn place(typed: &str) -> Result<PathBuf, Fault> {
    let Some(rest) = typed.strip_prefix("~/") else { return Ok(PathBuf::from(typed)) };
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    let home = home.ok_or_else(|| Fault::usage("~ means nothing here, as HOME is not set"))?;
    Ok(PathBuf::from(home).join(rest))
}

/// A job once it has ended.
async fn ended(rpc: &DropforgeClient, mut job: JobView) -> Result<JobView, Fault> {
    while !job.state.is_terminal() {
        let time = CALL + std::time::Duration::from_millis(MAX_WAIT_MS.into());
        job = flat(rpc.job_wait(within(time), job.id.to_string(), MAX_WAIT_MS).await)?;
    }
    Ok(job)
}
