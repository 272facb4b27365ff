//! Commands while a popup is open.

use ratatui::layout::Rect;

use super::super::actions::Cmd;
use super::super::effect::Effect;
use super::super::popups::{Formed, Picked, Popup};
use super::super::state::State;
use super::{data, prepare, reading};

/// A command to the popup.
pub(super) fn command(state: &mut State, cmd: Cmd) -> Vec<Effect> {
    if cmd == Cmd::Back {
        state.popup = None;
        return Vec::new();
    }
    match &mut state.popup {
        Some(Popup::Confirm(confirm)) => match cmd {
            Cmd::Switch => confirm.chosen = !confirm.chosen,
            Cmd::Accept | Cmd::Yes => {
                let wanted = confirm.chosen || cmd == Cmd::Yes;
                let effect = wanted.then(|| confirm.effect.clone());
                state.popup = None;
                return effect.into_iter().collect();
            }
            _ => scroll(state, cmd),
        },
        Some(Popup::Palette(palette)) => match cmd {
            Cmd::Up => palette.index = palette.index.saturating_sub(1),
            Cmd::Down => palette.index = (palette.index + 1).min(palette.matches().len().saturating_sub(1)),
            Cmd::Accept => {
                let (row, cmd) = (palette.row(), palette.selected());
                state.popup = None;
                if let Some(row) = row {
                    return data::go_to_row(state, row);
                }
                return cmd.map(|cmd| super::command(state, cmd)).unwrap_or_default();
            }
            _ => {}
        },
        Some(Popup::Pick(pick)) => match cmd {
            Cmd::Up => pick.index = pick.index.saturating_sub(1),
            Cmd::Down => pick.index = (pick.index + 1).min(pick.matches().len().saturating_sub(1)),
            Cmd::Accept => return picked(state),
            _ => {}
        },
        Some(Popup::Form(form)) => match cmd {
            Cmd::NextField => form.at = (form.at + 1) % form.fields.len().max(1),
            Cmd::PrevField => form.at = form.at.checked_sub(1).unwrap_or(form.fields.len().saturating_sub(1)),
            Cmd::Accept => {
                if let Some(Popup::Form(form)) = state.popup.take() {
                    match form.then {
                        Formed::Step(id) => prepare::formed(state, &id, &form.fields),
                        Formed::Reading => reading::formed(state, &form.fields),
                    }
                }
            }
            _ => {}
        },
        Some(Popup::Help { .. } | Popup::Message { .. }) => {
            if cmd == Cmd::Accept {
                state.popup = None;
            } else {
                scroll(state, cmd);
            }
        }
        None => {}
    }
    Vec::new()
}

/// Scrolls what is read, never beyond its end.
fn scroll(state: &mut State, cmd: Cmd) {
    let area = Rect::new(0, 0, state.size.0, state.body_height());
    let mouse = state.mouse;
    let Some(popup) = &mut state.popup else { return };
    let (last, page) = popup.reach(mouse, area);
    let Some(top) = popup.top() else { return };
    *top = match cmd {
        Cmd::Up => top.saturating_sub(1),
        Cmd::Down => *top + 1,
        Cmd::PageUp => top.saturating_sub(page),
        Cmd::PageDown => *top + page,
        Cmd::Top => 0,
        Cmd::Bottom => last,
        _ => *top,
    }
    .min(last);
}

/// A choice was made.
fn picked(state: &mut State) -> Vec<Effect> {
    let Some(Popup::Pick(pick)) = state.popup.take() else { return Vec::new() };
    let Some(chosen) = pick.chosen() else {
        // Nothing fits: the list stays open, so that one can type again.
        state.popup = Some(Popup::Pick(pick));
        return Vec::new();
    };
    match pick.then {
        Picked::Column => data::go_to_column(state, &chosen),
        Picked::Step => prepare::added(state, &chosen),
        Picked::Recipe => prepare::load(state, &chosen),
        Picked::Completion(word) => state.query.complete(&word, &chosen),
        Picked::ColumnType(column) => reading::typed(state, &column, &chosen),
    }
    Vec::new()
}
