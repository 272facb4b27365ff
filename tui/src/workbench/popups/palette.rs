//! The palette: the commands that mean something now, by name.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::actions::key_label;
use super::super::state::State;
use super::super::theme::Theme;
use super::super::widgets::{count, input, over, right, text};
use super::Palette;
use super::frame::frame;

pub(super) fn draw(
    palette: &Palette,
    state: &State,
    theme: Theme,
    area: Rect,
    buf: &mut Buffer,
) -> Option<(u16, u16)> {
    let hint = if palette.rows { "Command, or number of a row" } else { "Command" };
    let height = u16::try_from(palette.commands.len() + 2).unwrap_or(u16::MAX).min(16);
    let inside = frame(hint, 56, height, theme, area, buf);
    if inside.height == 0 {
        return None;
    }
    let x = inside.x + text(buf, inside.x, inside.y, inside.width, ": ", theme.strong());
    let line = Rect { x, width: inside.right() - x, height: 1, ..inside };
    let cursor = input(&palette.input, theme, line, buf);
    let list = Rect { y: inside.y + 1, height: inside.height - 1, ..inside };
    if let Some(row) = palette.row() {
        let of_query = state.query_shown().then_some(&state.query.sheet);
        let sheet = of_query.or(state.data.as_ref().map(|d| &d.sheet));
        let total = sheet.and_then(|s| s.total).unwrap_or(0);
        let offer = format!("Go to row {} of {}", count(row + 1), count(total));
        text(buf, list.x, list.y, list.width, &offer, theme.text());
        over(buf, list, list.y, theme.selected());
        return Some(cursor);
    }
    let matches = palette.matches();
    if matches.is_empty() {
        text(buf, list.x, list.y, list.width, "No command has these words.", theme.dim());
    }
    let room = usize::from(list.height).max(1);
    let top = (palette.index + 1).saturating_sub(room);
    for (i, (y, spec)) in (list.y..list.bottom()).zip(matches.iter().skip(top)).enumerate() {
        text(buf, list.x, y, list.width.saturating_sub(10), spec.title, theme.text());
        if let Some(key) = spec.keys.first() {
            right(buf, list.right().saturating_sub(10), y, 10.min(list.width), &key_label(key), theme.dim());
        }
        if top + i == palette.index {
            over(buf, list, y, theme.selected());
        }
    }
    Some(cursor)
}
