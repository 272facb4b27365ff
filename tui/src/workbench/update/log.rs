//! A job's log.

use dropforge_shared::fault::Fault;
use dropforge_shared::job::LogChunk;
use tui_input::Input;

use super::super::actions::Cmd;
use super::super::effect::Effect;
use super::super::state::{Asking, Prompt, State};

/// Columns that one step to the side goes.
const SIDE: usize = 16;

/// A command on the log.
pub fn command(state: &mut State, cmd: Cmd) -> Vec<Effect> {
    let height = state.list_height();
    let Some(log) = &mut state.log else { return Vec::new() };
    let page = i64::try_from(height).unwrap_or(1);
    match cmd {
        Cmd::Up => log.scroll(-1, height),
        Cmd::Down => log.scroll(1, height),
        Cmd::PageUp => log.scroll(-page, height),
        Cmd::PageDown => log.scroll(page, height),
        Cmd::HalfUp => log.scroll(-(page / 2).max(1), height),
        Cmd::HalfDown => log.scroll((page / 2).max(1), height),
        Cmd::Top => log.scroll(-1_000_000, height),
        Cmd::Bottom => log.follow = true,
        Cmd::Left => log.shift = log.shift.saturating_sub(SIDE),
        Cmd::Right if !log.wrap => log.shift += SIDE,
        Cmd::Wrap => {
            log.wrap = !log.wrap;
            log.shift = 0;
        }
        Cmd::Pause => {
            log.top = log.before + log.first(height) as u64;
            log.follow = !log.follow;
        }
        Cmd::Search => {
            let before = log.search.clone();
            let input = Input::default();
            state.prompt = Some(Prompt { asking: Asking::Search, input, before });
        }
        Cmd::NextMatch | Cmd::PrevMatch => find(state, cmd == Cmd::NextMatch),
        _ => {}
    }
    Vec::new()
}

/// Goes to a match, or says that there is none.
pub(super) fn find(state: &mut State, forward: bool) {
    let height = state.list_height();
    let Some(log) = &mut state.log else { return };
    if log.search.is_empty() {
        state.say("Nothing is searched yet: / asks.");
    } else if log.find(forward, height) {
        state.notice = None;
    } else {
        let text = log.search.clone();
        state.say(format!("'{text}' is not in the last {} entries.", super::super::state::KEEP));
    }
}

/// A piece of the log came, or did not.
pub(super) fn chunk(state: &mut State, ticket: u64, result: Result<LogChunk, Fault>) {
    let Some(log) = state.log.as_mut().filter(|l| l.ticket == ticket) else { return };
    match result {
        Ok(chunk) => {
            log.known = true;
            log.finished = chunk.finished;
            log.rotated |= chunk.oldest > 0;
            log.push(chunk.entries);
        }
        Err(fault) => state.complain(fault.message),
    }
}
