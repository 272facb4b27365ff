//! A warm reader: answers one interactive read after another until the daemon closes its input.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc;

use dropforge_shared::fault::Fault;
use dropforge_shared::profile::Profile;
use dropforge_shared::work::{FromWorker, ReadAnswer, ReadRequest};
use dropforge_tabular::{Error, QueryLimits, Silent, Views};

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
    let confinement = Confinement { read: &[root], write: None, memory_bytes, cpu_seconds: 0, nice: 0 };
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
    let mut state = State { memory: memory_bytes, ..State::default() };
    // Ends with the process, when the control thread finds the input at its end.
    for request in requests {
        let answer = match catch_unwind(AssertUnwindSafe(|| answer(&request, &mut state))) {
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
        if state.spent {
            // The engine can't be stopped in the middle; the process can, and the next request gets a new one.
            break;
        }
    }
    ExitCode::SUCCESS
}

/// Bytes that the result of a statement may have: well within a frame, here and on the way to the client. Whoever wants more
/// saves it as a dataset.
const MAX_RESULT_BYTES: usize = 4 << 20;

/// What a reader knows from one request to the next.
#[derive(Default)]
struct State {
    views: Views,
    /// Bytes of memory that may be taken.
    memory: Option<u64>,
    /// Whether something is still going on that nobody waits for.
    spent: bool,
}

fn answer(request: &ReadRequest, state: &mut State) -> Result<ReadAnswer, Fault> {
    match request {
        ReadRequest::View { dataset, view, offset, rows } => state
            .views
            .page(dataset, view, *offset, *rows)
            .map(ReadAnswer::Page)
            .map_err(|e| monitor::fault(&e)),
        ReadRequest::Query { sql, tables, unclear, max_rows, timeout_ms } => {
            let limits = QueryLimits {
                max_rows: *max_rows,
                timeout_ms: *timeout_ms,
                max_answer_bytes: MAX_RESULT_BYTES,
                memory: state.memory,
            };
            dropforge_tabular::query(sql, tables, unclear, limits, &mut Silent)
                .map(ReadAnswer::Query)
                .map_err(|e| {
                    state.spent = matches!(e, Error::TooSlow { .. });
                    monitor::fault(&e)
                })
        }
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
        ReadRequest::View { offset, rows, .. } => {
            format!("rows {offset} to {} of a view", offset.saturating_add(*rows))
        }
        ReadRequest::Query { .. } => "for a statement".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use dropforge_shared::fault::FaultCode;
    use dropforge_shared::suggest::StepChoice;
    use dropforge_tabular::{ReadOptions, Silent, ingest, profile};

    use super::*;

    #[test]
    fn suggestions_and_effects_are_read_from_the_folder_of_a_dataset() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().to_owned();
        let source = data.join("source");
        fs::write(&source, "a,b\n1,x\n,y\n3,x\n").unwrap();
        let told = ingest(&source, &data, &ReadOptions::default(), &mut Silent).unwrap();
        let fault = answer(&ReadRequest::Suggest { data: data.clone() }, &mut State::default()).unwrap_err();
        assert!(fault.hint.is_some_and(|h| h.contains("rerun")));
        let figures = profile(&data.join(DATASET), "f", &told.null_tokens, &mut Silent).unwrap();
        fs::write(data.join(PROFILE), serde_json::to_vec(&figures).unwrap()).unwrap();
        let suggested = answer(&ReadRequest::Suggest { data: data.clone() }, &mut State::default()).unwrap();
        let ReadAnswer::Suggest(suggestions) = suggested else { panic!("{suggested:?}") };
        let fill = suggestions.steps.iter().find(|s| s.op == "impute").unwrap();
        let effect = |step: StepChoice| {
            answer(
                &ReadRequest::Effect { data: data.clone(), steps: vec![step], rows: 2 },
                &mut State::default(),
            )
        };
        let shown = effect(StepChoice::from(fill)).unwrap();
        let ReadAnswer::Effect(shown) = shown else { panic!("{shown:?}") };
        assert_eq!(
            (shown.before.rows[1][0].display(), shown.after.rows[1][0].display()),
            ("".into(), "2".into())
        );
        let wrong =
            StepChoice { op: "scale".into(), columns: vec!["b".into()], settings: Default::default() };
        assert_eq!(effect(wrong).unwrap_err().code, FaultCode::Usage);
    }
}
