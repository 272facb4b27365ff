//! Rows written out in a form by a job, fetched, and the job's copy removed. Shared by `query --to`, `query --csv` and
//! `export --as`. Must not know what is asked.

use std::collections::BTreeMap;
use std::path::Path;

use dropforge_shared::client::{Client, flat, within};
use dropforge_shared::config::ByteSize;
use dropforge_shared::fault::{Fault, FaultCode};
use dropforge_shared::ids::JobId;
use dropforge_shared::job::{JobView, Output};
use dropforge_shared::query::{Form, settings};
use dropforge_shared::service::{CALL, Submission};

use super::Context;
use super::waiting::{self, Line};
use crate::fetch;
use crate::output as print;

/// A job whose only output is what was asked for.
pub(super) struct Written {
    pub(super) client: Client,
    pub(super) job: JobView,
    pub(super) output: Output,
}

/// The form of a name, for the command line.
pub(super) fn form(name: &str) -> Result<Form, String> {
    Form::named(name).ok_or_else(|| "there are csv, jsonl and parquet".to_owned())
}

/// Has the rows written and waits; `None` where a person stopped waiting.
pub(super) async fn write(
    file: Option<String>,
    mut settings: BTreeMap<String, String>,
    form: Form,
    context: &Context,
) -> Result<Option<Written>, Fault> {
    settings.insert(settings::FORM.into(), form.name().into());
    settings.insert(settings::NAME.into(), format!("result.{}", form.name()));
    let client = context.client().await?;
    let submission = Submission { kind: "query".into(), file, settings, priority: 0, idempotency: None };
    let job = flat(client.rpc.submit(within(CALL), submission).await)?;
    let (mut line, id) = (Line::new(context, client), job.id.to_string());
    let ended = tokio::select! {
        ended = waiting::until_ended(&mut line, std::slice::from_ref(&id), None) => Some(ended?),
        _ = tokio::signal::ctrl_c() => None,
    };
    let Some(views) = ended else {
        // Nobody else waits for these rows: the work is of no use any more.
        print::progress("");
        flat(line.rpc().cancel(within(CALL), id).await)?;
        print::note("stopped; nothing was written");
        return Ok(None);
    };
    let view = views.into_iter().next().ok_or_else(|| Fault::failed(format!("job {} is gone", job.id)))?;
    if let Some(why) = waiting::shortfall(&view) {
        let fault = Fault { code: view.error_code.unwrap_or(FaultCode::Failed), ..Fault::failed(why) };
        return Err(fault.hint(format!("`dropforge logs {}` tells more.", view.id)));
    }
    let name = format!("result.{}", form.name());
    let output = view.outputs.iter().find(|o| o.name == name).cloned();
    let output = output.ok_or_else(|| Fault::failed(format!("job {} left no {name}", view.id)))?;
    Ok(Some(Written { client: context.client().await?, job: view, output }))
}

/// Says how far the fetching of an output is.
fn so_far(output: &Output) -> impl Fn(u64) {
    |at| print::progress(&format!("{}: {} of {}", output.name, ByteSize(at), ByteSize(output.bytes)))
}

/// Fetches an output to a path, and shows how far it is.
pub(super) async fn fetch(
    client: &Client,
    job: &JobId,
    output: &Output,
    to: &Path,
    force: bool,
) -> Result<(), Fault> {
    let done = fetch::copy(&client.rpc, job, output, to, force, &so_far(output)).await;
    print::progress("");
    done
}

impl Written {
    /// Fetches the rows to a path.
    pub(super) async fn fetch(&self, to: &Path, force: bool) -> Result<(), Fault> {
        fetch(&self.client, &self.job.id, &self.output, to, force).await
    }

    /// Hands the rows on piece by piece.
    pub(super) async fn pour(
        &self,
        write: &mut (dyn FnMut(&[u8]) -> Result<(), Fault> + Send),
    ) -> Result<(), Fault> {
        let done =
            fetch::pour(&self.client.rpc, &self.job.id, &self.output, write, &so_far(&self.output)).await;
        print::progress("");
        done
    }

    /// Removes the job and its copy of the rows. Where that fails nothing is lost, and it is said.
    pub(super) async fn done(self) {
        let id = self.job.id.to_string();
        let gone = async {
            let plan = flat(self.client.rpc.removal_plan(within(CALL), id.clone()).await)?;
            flat(self.client.rpc.remove(within(CALL * 3), plan.id, plan.token).await)
        };
        if let Err(fault) = gone.await {
            print::note(&format!(
                "job {id} keeps a copy ({}); `dropforge rm {id}` removes it",
                fault.message
            ));
        }
    }
}
