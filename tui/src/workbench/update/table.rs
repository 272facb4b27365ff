//! What the keys of a table do, whatever its cells come from: move, make wider, freeze, copy, show a cell whole.

use dropforge_shared::page::Cell;
use tui_input::Input;

use super::super::actions::Cmd;
use super::super::effect::Effect;
use super::super::popups::{Item, Pick, Picked, Popup};
use super::super::state::{Asking, Prompt, Sheet, State};

/// What the move commands do. `None` where it is none of them, else whether the row moved.
pub(super) fn moved(sheet: &mut Sheet, cmd: Cmd, height: u64) -> Option<bool> {
    let last = sheet.columns.len().saturating_sub(1);
    let from = sheet.wish.unwrap_or(sheet.row);
    let row = match cmd {
        Cmd::Up => from.saturating_sub(1),
        Cmd::Down => from.saturating_add(1),
        // The window moves along, so that the selection keeps its place in it.
        Cmd::PageUp | Cmd::HalfUp => {
            let by = if cmd == Cmd::PageUp { height } else { (height / 2).max(1) };
            sheet.top = sheet.top.saturating_sub(by);
            from.saturating_sub(by)
        }
        Cmd::PageDown | Cmd::HalfDown => {
            let by = if cmd == Cmd::PageDown { height } else { (height / 2).max(1) };
            sheet.top = sheet.top.saturating_add(by);
            from.saturating_add(by)
        }
        Cmd::Top => 0,
        Cmd::Bottom => u64::MAX,
        _ => {
            match cmd {
                Cmd::Left => sheet.column = sheet.column.saturating_sub(1),
                Cmd::Right => sheet.column = (sheet.column + 1).min(last),
                Cmd::FirstColumn => sheet.column = 0,
                Cmd::LastColumn => sheet.column = last,
                Cmd::Freeze => sheet.freeze(),
                Cmd::Narrower => sheet.widen(-2),
                Cmd::Wider => sheet.widen(2),
                _ => return None,
            }
            return Some(false);
        }
    };
    sheet.go(row, height);
    Some(true)
}

/// The commands that ask or take something from the selected row.
pub(super) fn taken(state: &mut State, cmd: Cmd, sheet: &Sheet, cells: Option<&[Cell]>) -> Vec<Effect> {
    let Some(column) = sheet.selected() else { return Vec::new() };
    let cell = cells.and_then(|c| c.get(sheet.column));
    match cmd {
        Cmd::JumpRow => {
            state.prompt =
                Some(Prompt { asking: Asking::Row, input: Input::default(), before: String::new() });
        }
        Cmd::JumpColumn => {
            let item = |c: &dropforge_shared::page::Column| Item {
                label: c.name.clone(),
                note: c.kind.name().into(),
            };
            let items = sheet.columns.iter().map(item).collect();
            state.popup = Some(Popup::Pick(Pick::new("Go to column", items, Picked::Column)));
        }
        Cmd::CellText => {
            let Some(cell) = cell else { return Vec::new() };
            let title = format!("{} · {} · row {}", column.name, column.kind.name(), sheet.row + 1);
            let text = match cell {
                Cell::Null => "∅ (missing)".to_owned(),
                other => other.display(),
            };
            state.popup = Some(Popup::message(title, text));
        }
        Cmd::CopyColumn => {
            let name = column.name.clone();
            state.say(format!("'{name}' was given to the terminal's clipboard."));
            return vec![Effect::Copy(name)];
        }
        Cmd::CopyCell => {
            let Some(text) = cell.map(Cell::display) else { return Vec::new() };
            state.say("The cell was given to the terminal's clipboard.");
            return vec![Effect::Copy(text)];
        }
        Cmd::CopyRow => {
            let Some(cells) = cells else { return Vec::new() };
            // A tab or a line break inside a cell would make another row of it.
            let flat = |c: &Cell| c.display().replace(['\t', '\n', '\r'], " ");
            let text = cells.iter().map(flat).collect::<Vec<_>>().join("\t");
            state.say("The row was given to the terminal's clipboard.");
            return vec![Effect::Copy(text)];
        }
        _ => {}
    }
    Vec::new()
}
