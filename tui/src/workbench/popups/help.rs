//! What the keys do here, from the action table.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::actions::{Context, key_label, valid};
use super::super::theme::Theme;
use super::super::widgets::text;
use super::frame::frame;

/// Columns for the keys.
const KEYS: u16 = 18;

pub(super) fn draw(top: usize, contexts: &[Context], theme: Theme, area: Rect, buf: &mut Buffer) {
    let lines: Vec<(String, &str)> = valid(contexts)
        .map(|s| {
            let keys: Vec<String> = s.keys.iter().map(|k| key_label(k)).collect();
            (keys.join(" "), s.title)
        })
        .collect();
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
    let inside = frame("Keys here · Esc closes", 60, height, theme, area, buf);
    let room = usize::from(inside.height);
    let top = top.min((lines.len() + 2).saturating_sub(room));
    let advice = [(String::new(), ""), (String::new(), "Text: select it with the mouse as in any terminal.")];
    for (y, (keys, title)) in (inside.y..inside.bottom()).zip(lines.into_iter().chain(advice).skip(top)) {
        text(buf, inside.x, y, KEYS.min(inside.width), &keys, theme.accent().patch(theme.strong()));
        text(buf, inside.x + KEYS, y, inside.width.saturating_sub(KEYS), title, theme.text());
    }
}
