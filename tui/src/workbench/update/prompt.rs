//! The line of text at the bottom: a filter works while it is typed, a row and a search when Enter is pressed.

use tui_input::InputRequest;

use super::super::actions::Cmd;
use super::super::effect::Effect;
use super::super::state::{Asking, State};
use super::{data, export, lists, log, prepare, query, rows};

/// Text is typed.
pub(super) fn edit(state: &mut State, request: InputRequest) {
    let Some(prompt) = &mut state.prompt else { return };
    prompt.input.handle(request);
    if prompt.asking == Asking::Filter {
        state.filter = prompt.input.value().to_owned();
        lists::settle(state);
    }
}

/// Enter or Esc.
pub(super) fn command(state: &mut State, cmd: Cmd) -> Vec<Effect> {
    let accepted = match cmd {
        Cmd::Accept => true,
        Cmd::Back => false,
        _ => return Vec::new(),
    };
    let Some(prompt) = state.prompt.take() else { return Vec::new() };
    let text = prompt.input.value().trim().to_owned();
    // What was wrong with the text before is not wrong with this one.
    state.notice = None;
    match (prompt.asking, accepted) {
        (Asking::Filter, true) => lists::more_files(state),
        (Asking::Filter, false) => {
            state.filter = prompt.before;
            lists::settle(state);
            Vec::new()
        }
        (Asking::Row, true) if !text.is_empty() => {
            // A person may copy a number with its separators.
            let digits: String = text.chars().filter(|c| !matches!(c, ',' | '_' | ' ' | '.')).collect();
            match digits.parse::<u64>() {
                Ok(row) if row > 0 => data::go_to_row(state, row - 1),
                _ => {
                    state.complain(format!("'{text}' is not the number of a row; they count from 1."));
                    Vec::new()
                }
            }
        }
        (Asking::Search, true) if !text.is_empty() => {
            if let Some(log) = &mut state.log {
                log.search = text.to_lowercase();
            }
            log::find(state, true);
            Vec::new()
        }
        (Asking::Condition, false) => {
            rows::untyped(state);
            Vec::new()
        }
        (Asking::Condition, true) => rows::typed(state, &text, &prompt.before),
        (Asking::Prepared, true) if !text.is_empty() => prepare::run(state, &text),
        (Asking::Queried, true) if !text.is_empty() => query::save(state, &text),
        (asking @ (Asking::Exported | Asking::ExportedQuery), true) if !text.is_empty() => {
            export::accepted(state, asking, &text)
        }
        (Asking::Recipe, true) if !text.is_empty() => prepare::save(state, &text),
        _ => Vec::new(),
    }
}
