//! What the accepted steps do to the first rows: taking it in, moving over it, reading its notes.

use dropforge_shared::fault::Fault;
use dropforge_shared::ids::FileId;
use dropforge_shared::suggest;
use ratatui::layout::Rect;

use super::super::actions::Cmd;
use super::super::popups::Popup;
use super::super::screens::preview_reach;
use super::super::state::{Loaded, State};

/// A command on the preview; false where it is none of its.
pub(super) fn command(state: &mut State, cmd: Cmd) -> bool {
    // Less the line with the name.
    let area = Rect::new(0, 0, state.size.0, state.body_height().saturating_sub(1));
    let Some(data) = &mut state.data else { return false };
    let it = &mut data.prepare;
    let effect = it.preview.as_ref().and_then(Loaded::get);
    let (last, page) = effect.map_or((0, 1), |e| preview_reach(e, area));
    let columns = effect.map_or(0, |e| e.before.columns.len().max(e.after.columns.len()));
    let last_column = columns.saturating_sub(1);
    match cmd {
        Cmd::Up => it.preview_top = it.preview_top.saturating_sub(1),
        Cmd::Down => it.preview_top += 1,
        Cmd::PageUp => it.preview_top = it.preview_top.saturating_sub(page),
        Cmd::PageDown => it.preview_top += page,
        Cmd::Top => it.preview_top = 0,
        Cmd::Bottom => it.preview_top = last,
        Cmd::Left => it.preview_column = it.preview_column.saturating_sub(1),
        Cmd::Right => it.preview_column = (it.preview_column + 1).min(last_column),
        Cmd::FirstColumn => it.preview_column = 0,
        Cmd::LastColumn => it.preview_column = last_column,
        Cmd::Preview => it.preview = None,
        Cmd::Notes => {
            let notes = it.notes().map(|notes| notes.join("\n\n"));
            state.popup = notes.map(|notes| Popup::message("What the steps do", notes));
            return true;
        }
        // What changes the steps would make the preview a lie.
        Cmd::Toggle | Cmd::ToggleAll | Cmd::Raise | Cmd::Lower | Cmd::EditStep | Cmd::AddStep => {
            it.preview = None;
            return false;
        }
        _ => return false,
    }
    it.preview_top = it.preview_top.min(last);
    true
}

/// What the steps do came, or did not.
pub(super) fn came(
    state: &mut State,
    file: &FileId,
    ticket: u64,
    result: Result<Box<suggest::Effect>, Fault>,
) {
    let Some(data) = state.data.as_mut().filter(|d| &d.file == file) else { return };
    let it = &mut data.prepare;
    if it.ticket == ticket && it.preview.is_some() {
        it.preview = Some(Loaded::answered(result));
    }
}
