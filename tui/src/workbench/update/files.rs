//! The list of files.

use dropforge_shared::ids::FileId;
use dropforge_shared::job::JobState;
use tui_input::Input;

use super::super::actions::Cmd;
use super::super::effect::Effect;
use super::super::state::{Asking, Prompt, State};
use super::{data, export, lists};

/// A command on the list of files.
pub fn command(state: &mut State, cmd: Cmd) -> Vec<Effect> {
    let height = state.list_height();
    let page = isize::try_from(height).unwrap_or(1);
    let by = match cmd {
        Cmd::Up => -1,
        Cmd::Down => 1,
        Cmd::PageUp => -page,
        Cmd::PageDown => page,
        Cmd::Top => isize::MIN,
        Cmd::Bottom => isize::MAX,
        Cmd::Filter => {
            let before = state.filter.clone();
            let input = Input::new(before.clone());
            state.prompt = Some(Prompt { asking: Asking::Filter, input, before });
            return Vec::new();
        }
        _ => return on_selected(state, cmd),
    };
    let keys = lists::files_keys(state);
    state.files_at.step(by, &keys, height);
    lists::more_files(state)
}

fn on_selected(state: &mut State, cmd: Cmd) -> Vec<Effect> {
    let Some(file) = state.selected_file() else { return Vec::new() };
    let id = file.id.clone();
    match cmd {
        Cmd::Open => data::open(state, id),
        Cmd::Delete => vec![Effect::Plan(id.to_string())],
        Cmd::Log => {
            let job = state.job_of(file);
            job.map(|job| lists::open_log(state, job)).unwrap_or_default()
        }
        Cmd::Reprocess => again(state, &id),
        Cmd::Export => export::ask(state),
        _ => Vec::new(),
    }
}

/// Reads a file again: a reading that failed is queued again, a finished one gets a successor. Other jobs that worked on the
/// file, such as a preparation, stay as they are.
pub(super) fn again(state: &mut State, id: &FileId) -> Vec<Effect> {
    let Some(job) = state.file(id).and_then(|f| state.reading_of(f)) else {
        state.complain("No reading of this file is known that could run again.");
        return Vec::new();
    };
    match state.job(&job).map(|j| j.state) {
        Some(JobState::Queued | JobState::Running) => {
            state.say("It is being worked on already.");
            Vec::new()
        }
        Some(JobState::Failed | JobState::Dead | JobState::Cancelled) => vec![Effect::Retry(job)],
        Some(JobState::Done) | None => vec![Effect::Rerun(job)],
    }
}
