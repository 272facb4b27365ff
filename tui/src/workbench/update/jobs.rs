//! The list of jobs.

use dropforge_shared::job::JobState;

use super::super::actions::Cmd;
use super::super::effect::Effect;
use super::super::popups::{Confirm, Popup};
use super::super::state::State;
use super::lists;

/// A command on the list of jobs.
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
        _ => return on_selected(state, cmd),
    };
    let keys = lists::jobs_keys(state);
    state.jobs_at.step(by, &keys, height);
    lists::more_jobs(state)
}

fn on_selected(state: &mut State, cmd: Cmd) -> Vec<Effect> {
    let Some(job) = state.selected_job() else { return Vec::new() };
    let id = job.id.clone();
    match cmd {
        Cmd::Open | Cmd::Log => return lists::open_log(state, id),
        Cmd::Delete if job.state.is_terminal() => return vec![Effect::Plan(id.to_string())],
        Cmd::CancelJob if !job.state.is_terminal() => {
            let name = job.file_name.clone().unwrap_or_else(|| id.to_string());
            state.popup = Some(Popup::Confirm(Confirm {
                title: format!("Cancel the job {} of {name}?", job.kind),
                lines: vec!["What it did so far is thrown away; the file itself stays.".into()],
                yes: "Cancel the job",
                chosen: false,
                top: 0,
                effect: Effect::Cancel(id),
            }));
        }
        Cmd::RetryJob if job.state == JobState::Done => {
            state.say("It is done; r in Files (2) processes its file once more.");
        }
        Cmd::RetryJob if job.state.is_terminal() => return vec![Effect::Retry(id)],
        _ => {}
    }
    Vec::new()
}
