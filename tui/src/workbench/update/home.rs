//! Home: one list of what waits, runs, is done and can be tried.

use super::super::actions::Cmd;
use super::super::effect::Effect;
use super::super::popups::Popup;
use super::super::screens::home::{Item, items};
use super::super::state::State;
use super::{data, lists};

fn keys(state: &State) -> Vec<String> {
    items(state).iter().map(Item::key).collect()
}

/// Finds the selection again after something changed. How far Home is scrolled is settled when it is drawn.
pub(super) fn settle(state: &mut State) {
    let keys = keys(state);
    state.home_at.settle(&keys, keys.len());
}

/// A command on Home.
pub fn command(state: &mut State, cmd: Cmd) -> Vec<Effect> {
    let keys = keys(state);
    let by = match cmd {
        Cmd::Up => -1,
        Cmd::Down => 1,
        Cmd::PageUp => -10,
        Cmd::PageDown => 10,
        Cmd::Top => isize::MIN,
        Cmd::Bottom => isize::MAX,
        _ => return on_selected(state, cmd),
    };
    state.home_at.step(by, &keys, keys.len());
    Vec::new()
}

fn on_selected(state: &mut State, cmd: Cmd) -> Vec<Effect> {
    let Some(item) = items(state).into_iter().nth(state.home_at.index) else { return Vec::new() };
    match (cmd, item) {
        (Cmd::Open | Cmd::Log, Item::Job(id)) => lists::open_log(state, id),
        (Cmd::Open, Item::File(id)) => data::open(state, id),
        (Cmd::Log, Item::File(id)) => {
            let job = state.file(&id).and_then(|f| state.job_of(f));
            job.map(|job| lists::open_log(state, job)).unwrap_or_default()
        }
        (Cmd::Open, Item::Waiting(at)) => {
            if let Some(item) = state.inbox.as_ref().and_then(|i| i.items.get(at)) {
                state.popup = Some(Popup::Message {
                    title: item.path.clone(),
                    text: format!("{}\n\n{}", item.state, item.detail),
                    bad: false,
                    top: 0,
                });
            }
            Vec::new()
        }
        (Cmd::Open | Cmd::AddSample, Item::Sample(at)) => vec![Effect::Sample(at)],
        _ => Vec::new(),
    }
}
