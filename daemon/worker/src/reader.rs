//! A warm reader: answers one interactive read after another until the daemon closes its input.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc;

use dropforge_shared::fault::Fault;
use dropforge_shared::work::{FromWorker, ReadAnswer, ReadRequest};
use dropforge_tabular::{Error, QueryLimits, Silent, Views};

use crate::sandbox::{self, Confinement};
use crate::wire::Sender;
use crate::{EXIT_PROTOCOL, MEMORY_ENV, complain, control, monitor, panics};

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
    let mut state = State::default();
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

/// What a reader knows from one request to the next.
#[derive(Default)]
struct State {
    views: Views,
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
        ReadRequest::Query { sql, tables, ambiguous, max_rows, timeout_ms } => {
            let limits =
                QueryLimits { max_rows: *max_rows, timeout_ms: *timeout_ms, ..QueryLimits::default() };
            dropforge_tabular::query(sql, tables, ambiguous, limits, &mut Silent)
                .map(ReadAnswer::Query)
                .map_err(|e| {
                    state.spent = matches!(e, Error::TooSlow { .. });
                    monitor::fault(&e)
                })
        }
        ReadRequest::Page { dataset, offset, rows } => dropforge_tabular::page(dataset, *offset, *rows)
            .map(ReadAnswer::Page)
            .map_err(|e| monitor::fault(&e)),
        _ => Err(Fault::refused("not there yet")),
    }
}

fn subject(request: &ReadRequest) -> String {
    match request {
        ReadRequest::Page { offset, rows, .. } => {
            format!("rows {offset} to {}", offset.saturating_add(*rows))
        }
        ReadRequest::View { offset, rows, .. } => {
            format!("rows {offset} to {} of a view", offset.saturating_add(*rows))
        }
        ReadRequest::Query { .. } => "for a statement".to_owned(),
        _ => "that".to_owned(),
    }
}
