//! Answers of the daemon go into the lists; selections hold on to their items.

use dropforge_shared::fault::Fault;
use dropforge_shared::file::FileView;
use dropforge_shared::ids::JobId;
use dropforge_shared::job::JobView;
use dropforge_shared::query::View;
use dropforge_shared::service::Listing;

use super::super::action::{Answer, Source};
use super::super::effect::Effect;
use super::super::popups::Popup;
use super::super::state::{Loaded, LogView, State};
use super::{data, home, log, prepare, preview, profile, query, reading, types, want};

/// The keys of the shown files, for the selection.
pub(super) fn files_keys(state: &State) -> Vec<String> {
    state.shown_files().iter().map(|f| f.id.to_string()).collect()
}

/// The keys of the jobs, for the selection.
pub(super) fn jobs_keys(state: &State) -> Vec<String> {
    state.jobs.iter().map(|j| j.id.to_string()).collect()
}

/// Finds each selection again after something changed.
pub(super) fn settle(state: &mut State) {
    let height = state.list_height();
    let keys = files_keys(state);
    state.files_at.settle(&keys, height);
    let keys = jobs_keys(state);
    state.jobs_at.settle(&keys, height);
    reading::settle(state);
    home::settle(state);
}

/// Puts a file in its place, newest first.
pub(super) fn put_file(files: &mut Vec<FileView>, file: FileView) {
    if let Some(known) = files.iter_mut().find(|f| f.id == file.id) {
        *known = file;
        return;
    }
    let at = files.iter().position(|f| f.added_at <= file.added_at).unwrap_or(files.len());
    files.insert(at, file);
}

/// Puts a job in its place, newest first.
pub(super) fn put_job(jobs: &mut Vec<JobView>, job: JobView) {
    if let Some(known) = jobs.iter_mut().find(|j| j.id == job.id) {
        // Progress travels faster by events than by lists.
        let progress = known.progress.take().filter(|_| job.progress.is_none() && !job.state.is_terminal());
        *known = JobView { progress: job.progress.clone().or(progress), ..job };
        return;
    }
    let at = jobs.iter().position(|j| j.queued_at <= job.queued_at).unwrap_or(jobs.len());
    jobs.insert(at, job);
}

/// Forgets a thing that was removed. A file takes its jobs along.
pub(super) fn forget(state: &mut State, id: &str) {
    state.files.retain(|f| f.id.as_str() != id);
    state.jobs.retain(|j| j.id.as_str() != id && j.file.as_ref().is_none_or(|f| f.as_str() != id));
    data::removed(state, id);
}

/// Takes an answer in.
pub(super) fn answer(state: &mut State, answer: Answer) -> Vec<Effect> {
    let mut effects = Vec::new();
    match answer {
        Answer::Files { more, result } => {
            effects.extend(finished(state, Source::Files, more));
            if let Some(Listing { items, next }) = taken(state, result) {
                if !more {
                    // The page is the truth of its stretch. What lies beyond it was read before and stays, unless
                    // something between may be missing.
                    let meets = items.iter().any(|f| state.file(&f.id).is_some());
                    let lost = std::mem::take(&mut state.files_stale) || !meets || next.is_none();
                    let oldest = items.last().filter(|_| !lost).map(|f| f.added_at);
                    state.files.retain(|f| oldest.is_some_and(|at| f.added_at < at));
                    state.known = true;
                    if state.files.is_empty() {
                        state.files_next = next;
                    }
                } else {
                    state.files_next = next;
                }
                for file in items {
                    put_file(&mut state.files, file);
                }
                effects.extend(data::refreshed(state));
                if !state.filter.is_empty() {
                    // What is filtered is looked for in all files.
                    settle(state);
                    effects.extend(more_files(state));
                }
            }
        }
        Answer::Jobs { more, result } => {
            effects.extend(finished(state, Source::Jobs, more));
            if let Some(Listing { items, next }) = taken(state, result) {
                if !more {
                    let meets = items.iter().any(|j| state.job(&j.id).is_some());
                    let lost = std::mem::take(&mut state.jobs_stale) || !meets || next.is_none();
                    let oldest = items.last().filter(|_| !lost).map(|j| j.queued_at);
                    let beyond = |j: &JobView| oldest.is_some_and(|at| j.queued_at < at);
                    let reaches = state.jobs.iter().any(|j| j.state.is_terminal() && beyond(j));
                    // Those that run may be older than the newest five hundred.
                    state.jobs.retain(|j| !j.state.is_terminal() || beyond(j));
                    if !reaches {
                        state.jobs_next = next;
                    }
                } else {
                    state.jobs_next = next;
                }
                for job in items {
                    put_job(&mut state.jobs, job);
                }
            }
        }
        Answer::Running(result) => {
            effects.extend(finished(state, Source::Running, false));
            for job in taken(state, result).map(|l| l.items).unwrap_or_default() {
                put_job(&mut state.jobs, job);
            }
        }
        Answer::Inbox(result) => {
            effects.extend(finished(state, Source::Inbox, false));
            if let Some(inbox) = taken(state, result) {
                state.inbox = Some(inbox);
            }
        }
        Answer::Status(result) => {
            effects.extend(finished(state, Source::Status, false));
            if let Some(status) = taken(state, result) {
                state.status = Some(status);
            }
        }
        Answer::File(id, result) => match result {
            Ok(file) => {
                put_file(&mut state.files, file);
                effects.extend(data::refreshed(state));
            }
            Err(fault) => vanished(state, id.as_str(), &fault),
        },
        Answer::Job(id, result) => match result {
            Ok(job) => put_job(&mut state.jobs, job),
            Err(fault) => vanished(state, id.as_str(), &fault),
        },
        Answer::Page { file, offset, result } => {
            effects.extend(data::page(state, &file, &View::default(), offset, result));
        }
        Answer::View { file, view, offset, result } => {
            effects.extend(data::page(state, &file, &view, offset, result));
        }
        Answer::Profile { file, result } => profile::came(state, &file, result),
        Answer::Reading(file, result) => {
            if let Some(data) = state.data.as_mut().filter(|d| d.file == file) {
                data.reading.reading = Loaded::answered(result);
            }
        }
        Answer::Rejected(file, result) => {
            if let Some(data) = state.data.as_mut().filter(|d| d.file == file) {
                data.reading.rejected = Loaded::answered(result);
            }
        }
        Answer::Detection(file, result) => {
            if let Some(data) = state.data.as_mut().filter(|d| d.file == file) {
                data.types.detection = Loaded::answered(result);
            }
        }
        Answer::Suggestions(file, result) => prepare::suggested(state, &file, result),
        Answer::Steps { file, ticket, result } => preview::came(state, &file, ticket, result),
        Answer::Recipes(Ok(recipes)) => prepare::recipes(state, recipes),
        Answer::Query { ticket, result } => query::came(state, ticket, result),
        Answer::History(Ok(earlier)) => state.query.learn(earlier),
        Answer::History(Err(fault)) => state.complain(fault.message),
        Answer::Completions { ticket, names, columns } => query::completions(state, ticket, names, columns),
        Answer::Submitted(Ok(job)) => effects.extend(submitted(state, job)),
        Answer::TypeChosen(result) => match types::chosen(state, result) {
            None => effects.extend(data::refreshed(state)),
            Some(fault) => state.popup = Some(Popup::fault(&fault)),
        },
        Answer::Log { ticket, result } => log::chunk(state, ticket, result),
        Answer::Plan(Ok(plan)) => state.popup = Some(Popup::removal(plan)),
        Answer::Done(Ok(word)) => state.say(word),
        Answer::Plan(Err(fault))
        | Answer::Done(Err(fault))
        | Answer::Recipes(Err(fault))
        | Answer::Submitted(Err(fault)) => state.popup = Some(Popup::fault(&fault)),
    }
    settle(state);
    effects
}

/// A job that the user asked for is queued. What makes something new is watched; a file that is read again shows that itself.
fn submitted(state: &mut State, job: JobView) -> Vec<Effect> {
    let id = job.id.clone();
    let again = job.kind == "ingest";
    put_job(&mut state.jobs, job);
    if !again {
        return open_log(state, id);
    }
    reading::submitted(state, &id);
    Vec::new()
}

/// Notes that a read ended; reads again where something changed meanwhile.
fn finished(state: &mut State, source: Source, more: bool) -> Option<Effect> {
    if more {
        state.more_loading = false;
        return None;
    }
    let again = state.loading.remove(&source).unwrap_or(false);
    if again { want(state, source) } else { None }
}

/// The good part of an answer; the bad one goes to the line above the footer.
fn taken<T>(state: &mut State, result: Result<T, Fault>) -> Option<T> {
    result.map_err(|fault| state.complain(fault.message)).ok()
}

fn vanished(state: &mut State, id: &str, fault: &Fault) {
    if fault.code == dropforge_shared::fault::FaultCode::NotFound {
        forget(state, id);
    } else {
        state.complain(fault.message.clone());
    }
}

/// Reads on where the end of a list comes into sight.
pub(super) fn more_files(state: &mut State) -> Vec<Effect> {
    let near = state.files_at.index + 2 * state.list_height() >= state.shown_files().len();
    match state.files_next {
        Some(after) if near && !state.more_loading => {
            state.more_loading = true;
            vec![Effect::MoreFiles(after)]
        }
        _ => Vec::new(),
    }
}

/// Reads on where the end of a list comes into sight.
pub(super) fn more_jobs(state: &mut State) -> Vec<Effect> {
    let near = state.jobs_at.index + 2 * state.list_height() >= state.jobs.len();
    match state.jobs_next {
        Some(after) if near && !state.more_loading => {
            state.more_loading = true;
            vec![Effect::MoreJobs(after)]
        }
        _ => Vec::new(),
    }
}

/// Opens a job's log.
pub(super) fn open_log(state: &mut State, job: JobId) -> Vec<Effect> {
    super::enter(state, super::super::screens::Screen::Log);
    follow(state, job)
}

/// Follows a job's log, in place of any other.
pub(super) fn follow(state: &mut State, job: JobId) -> Vec<Effect> {
    state.tickets += 1;
    state.log = Some(LogView::new(job.clone(), state.tickets));
    vec![Effect::FollowLog { job, ticket: state.tickets }]
}
