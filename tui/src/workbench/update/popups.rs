//! Commands while a popup is open.

use super::super::actions::Cmd;
use super::super::effect::Effect;
use super::super::popups::Popup;
use super::super::state::State;
use super::data;

/// A command to the popup.
pub(super) fn command(state: &mut State, cmd: Cmd) -> Vec<Effect> {
    if cmd == Cmd::Back {
        state.popup = None;
        return Vec::new();
    }
    match &mut state.popup {
        Some(Popup::Confirm(confirm)) => match cmd {
            Cmd::Switch => confirm.chosen = !confirm.chosen,
            Cmd::Accept => {
                let effect = confirm.chosen.then(|| confirm.effect.clone());
                state.popup = None;
                return effect.into_iter().collect();
            }
            _ => {}
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
        Some(Popup::Help { top, .. } | Popup::Message { top, .. }) => match cmd {
            Cmd::Up => *top = top.saturating_sub(1),
            Cmd::Down => *top += 1,
            Cmd::PageUp => *top = top.saturating_sub(10),
            Cmd::PageDown => *top += 10,
            Cmd::Top => *top = 0,
            Cmd::Accept => state.popup = None,
            _ => {}
        },
        None => {}
    }
    Vec::new()
}
