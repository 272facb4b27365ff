//! One attempt of one job: wait for the spec, confine the process, run the kind, seal the outputs, say how it went.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use dropforge_shared::failpoint;
use dropforge_shared::fault::Fault;
use dropforge_shared::ids::AttemptId;
use dropforge_shared::job::Output;
use dropforge_shared::work::{self, FromWorker, JobSpec, ToWorker};

use crate::context::{Context, Delivery, WorkError};
use crate::sandbox::{self, Confinement};
use crate::wire::Sender;
use crate::{EXIT_ABANDONED, EXIT_PROTOCOL, Kind, complain, control, outputs, panics};

/// An attempt steps back behind the daemon, the workbench and the readers, for which somebody waits.
const NICE: i32 = 5;

/// Runs the attempt that the first frame describes.
pub(crate) fn run(mut input: File, out: &Sender, kinds: &[Kind]) -> ExitCode {
    let spec = match work::read_frame::<ToWorker>(&mut input) {
        Ok(Some(ToWorker::Start(spec))) => *spec,
        Ok(Some(ToWorker::Cancel)) => return ExitCode::SUCCESS,
        Ok(Some(ToWorker::Read(_))) => {
            let fault = Fault::failed("this child was not started as a reader");
            let _ = out.send(&FromWorker::Answer(Err(fault)));
            return ExitCode::from(EXIT_PROTOCOL);
        }
        Ok(None) => return ExitCode::from(EXIT_ABANDONED),
        Err(e) => {
            complain(&format!("the first frame from the daemon can't be read: {e}"));
            return ExitCode::from(EXIT_PROTOCOL);
        }
    };
    let attempt = spec.attempt.clone();
    let known_as = spec.input.as_ref().map(|i| (i.path.display().to_string(), i.name.clone()));
    let last = match work_on(spec, input, out, kinds) {
        Ok((outputs, Delivery { facts, derived })) => {
            FromWorker::Done { attempt: attempt.clone(), outputs, facts: facts.map(Box::new), derived }
        }
        Err(WorkError::Cancelled) => FromWorker::Cancelled { attempt: attempt.clone() },
        Err(WorkError::Failed { mut fault, transient }) => {
            // A user knows the file by its name, not by where its bytes are kept.
            if let Some((path, name)) = &known_as {
                fault.message = fault.message.replace(path, name);
            }
            FromWorker::Failed { attempt: attempt.clone(), fault, transient }
        }
    };
    say_last(out, &attempt, &last)
}

/// Threads that an engine starts beside those of its library, which has one for each core.
const THREADS: usize = 8;

type Work = (Vec<Output>, Delivery);

fn work_on(spec: JobSpec, input: File, out: &Sender, kinds: &[Kind]) -> Result<Work, WorkError> {
    let Some(kind) = kinds.iter().find(|k| k.spec.name == spec.kind) else {
        let known: Vec<_> = kinds.iter().map(|k| k.spec.name).collect();
        let fault = Fault::usage(format!("no kind of job is called '{}'", spec.kind));
        return Err(WorkError::failed(fault.hint(format!("There are: {}.", known.join(", ")))));
    };
    let given = &spec.given;
    let read: Vec<&Path> = (spec.input.iter().map(|i| i.path.as_path()))
        .chain(given.data.as_deref())
        .chain(given.earlier.as_deref())
        .chain(given.rules.as_deref())
        .chain(given.tables.iter().map(|t| t.dataset.as_path()))
        .collect();
    let sandbox = sandbox::confine(&Confinement {
        read: &read,
        write: Some(&spec.out_dir),
        memory_bytes: Some(spec.memory_bytes),
        cpu_seconds: spec.cpu_seconds,
        nice: NICE,
    })
    .map_err(|why| WorkError::failed(Fault::failed(format!("the job can't begin: {why}"))))?;
    let _ = out.send(&FromWorker::Ready { sandbox });
    let cancel = Arc::new(AtomicBool::new(false));
    control::watch_attempt(input, cancel.clone()).map_err(|e| WorkError::io("starting a thread", &e))?;

    // Engines panic where they can't start theirs. Others of this user may end and leave room.
    dropforge_shared::threads::to_be_had(THREADS)
        .map_err(|fault| WorkError::Failed { fault, transient: true })?;

    let mut ctx = Context::new(spec, out.clone(), cancel);
    failpoint::pass("worker.run").map_err(|e| WorkError::io("running the job", &e))?;
    let result = match catch_unwind(AssertUnwindSafe(|| (kind.run)(&mut ctx))) {
        Ok(result) => result,
        Err(payload) => {
            let what = panics::describe(payload.as_ref());
            let fault = Fault::failed(format!("the engine of '{}' gave up: {what}", kind.spec.name));
            Err(WorkError::failed(
                fault.hint("The file is kept as it is. Please report this with the file's first lines."),
            ))
        }
    };
    ctx.flush();
    let result = result.and_then(|delivery| {
        failpoint::pass("worker.seal").map_err(|e| WorkError::io("sealing the outputs", &e))?;
        let outputs = outputs::seal(&mut ctx)?;
        ctx.flush();
        failpoint::pass("worker.done").map_err(|e| WorkError::io("ending the job", &e))?;
        Ok((outputs, delivery))
    });
    match result {
        // An engine that is stopped in the middle may call it by another name.
        Err(_) if ctx.cancelled() => Err(WorkError::Cancelled),
        other => other,
    }
}

/// Sends the last frame; one that is too large to be sent becomes a failure that says so.
fn say_last(out: &Sender, attempt: &AttemptId, last: &FromWorker) -> ExitCode {
    if let Err(e) = out.send(last) {
        let fault = Fault::failed(format!("the result can't be handed over: {e}"));
        let failed = FromWorker::Failed { attempt: attempt.clone(), fault, transient: false };
        if out.send(&failed).is_err() {
            return ExitCode::from(EXIT_PROTOCOL);
        }
    }
    ExitCode::SUCCESS
}
