//! What the keys do here, from the action table.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::actions::{ActionSpec, Context, key_label, keys_of, valid};
use super::super::theme::Theme;
use super::super::widgets::text;
use super::frame::frame;

/// Columns for the keys.
const KEYS: u16 = 18;

/// What the keys do in the given contexts, and what is no key's business.
pub fn lines(contexts: &[Context], mouse: bool) -> Vec<(String, &'static str)> {
    let keys = |s: &'static ActionSpec| {
        keys_of(s, contexts).iter().map(|k| key_label(k)).collect::<Vec<_>>().join(" ")
    };
    let mut lines: Vec<_> = valid(contexts).map(|s| (keys(s), s.title)).filter(|l| !l.0.is_empty()).collect();
    lines.push((String::new(), ""));
    // Most terminals select text with Shift held where a program takes the mouse.
    let said = if mouse {
        "Wheel moves; Shift and drag selects text"
    } else {
        "Text is selected as in any terminal"
    };
    lines.push(("mouse".into(), said));
    lines
}

pub(super) fn draw(
    top: usize,
    contexts: &[Context],
    mouse: bool,
    theme: Theme,
    area: Rect,
    buf: &mut Buffer,
) {
    let lines = lines(contexts, mouse);
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let inside = frame("Keys here · Esc closes", 60, height, theme, area, buf);
    let top = top.min(lines.len().saturating_sub(usize::from(inside.height)));
    for (y, (keys, title)) in (inside.y..inside.bottom()).zip(lines.iter().skip(top)) {
        // Keys that are long give the title less room rather than being cut.
        let at = text(buf, inside.x, y, inside.width, keys, theme.accent().patch(theme.strong()))
            .max(KEYS - 1)
            + 1;
        text(buf, inside.x + at, y, inside.width.saturating_sub(at), title, theme.text());
    }
}
