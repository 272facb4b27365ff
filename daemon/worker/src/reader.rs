//! A warm reader: answers one interactive read after another until the daemon closes its input.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc;

use dropforge_shared::fault::Fault;
use dropforge_shared::profile::Profile;
use dropforge_shared::work::{FromWorker, ReadAnswer, ReadRequest};

use crate::sandbox::{self, Confinement};
use crate::wire::Sender;
use crate::{EXIT_PROTOCOL, MEMORY_ENV, complain, control, monitor, panics};

/// The dataset in its folder.
const DATASET: &str = "dataset.parquet";
/// Its profile, beside it.
const PROFILE: &str = "profile.json";

/// Serves reads of what lies beneath `root`.
pub(crate) fn serve(input: File, out: &Sender, root: &Path) -> ExitCode {
    let memory_bytes = std::env::var(MEMORY_ENV).ok().and_then(|text| text.parse().ok());
    let confinement = Confinement { read: Some(root), write: None, memory_bytes, cpu_seconds: 0, nice: 0 };
    let sandbox = match sandbox::confine(&confinement) {
        Ok(sandbox) => sandbox,
        Err(why) => {
            complain(&format!("the reader can't begin: {why}"));
            return ExitCode::from(EXIT_PROTOCOL);
        }
    };
    let (sender, requests) = mpsc::channel();
    if let Err(e) = control::watch_reader(input, sender) {
        complain(&format!("the reader can't start a thread: {e}"));
        return ExitCode::from(EXIT_PROTOCOL);
    }
    let _ = out.send(&FromWorker::Ready { sandbox });
    // Ends with the process, when the control thread finds the input at its end.
    for request in requests {
        let answer = match catch_unwind(AssertUnwindSafe(|| answer(&request))) {
            Ok(answer) => answer,
            Err(payload) => Err(Fault::failed(format!(
                "reading {} made the engine give up: {}",
                subject(&request),
                panics::describe(payload.as_ref())
            ))),
        };
        if let Err(e) = out.send(&FromWorker::Answer(answer.map(Box::new))) {
            let fault = Fault::failed(format!("the answer can't be handed over: {e}")).hint("Ask for less.");
            let _ = out.send(&FromWorker::Answer(Err(fault)));
        }
    }
    ExitCode::SUCCESS
}

fn answer(request: &ReadRequest) -> Result<ReadAnswer, Fault> {
    match request {
        ReadRequest::Page { dataset, offset, rows } => dropforge_tabular::page(dataset, *offset, *rows)
            .map(ReadAnswer::Page)
            .map_err(|e| monitor::fault(&e)),
        ReadRequest::Suggest { data } => {
            let suggestions = dropforge_tabular::suggest(&profile_in(data)?, &data.join(DATASET));
            suggestions.map(ReadAnswer::Suggest).map_err(|e| monitor::fault(&e))
        }
        ReadRequest::Effect { data, steps, rows } => {
            dropforge_tabular::effect(&data.join(DATASET), &profile_in(data)?, steps, *rows)
                .map(ReadAnswer::Effect)
                .map_err(|e| monitor::fault(&e))
        }
        _ => Err(Fault::refused("not there yet")),
    }
}

/// The profile that lies beside a dataset.
pub(crate) fn profile_in(data: &Path) -> Result<Profile, Fault> {
    let again = "`dropforge rerun JOB --from profile` makes it anew.";
    let bytes = std::fs::read(data.join(PROFILE))
        .map_err(|e| Fault::failed(format!("the profile of the dataset can't be read: {e}")).hint(again))?;
    serde_json::from_slice(&bytes)
        .map_err(|e| Fault::failed(format!("the profile of the dataset is damaged: {e}")).hint(again))
}

fn subject(request: &ReadRequest) -> String {
    match request {
        ReadRequest::Page { offset, rows, .. } => {
            format!("rows {offset} to {}", offset.saturating_add(*rows))
        }
        ReadRequest::Suggest { .. } => "the dataset for suggestions".to_owned(),
        ReadRequest::Effect { .. } => "the dataset for the effect of steps".to_owned(),
        _ => "that".to_owned(),
    }
}
