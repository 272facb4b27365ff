//! What the keys do here, from the action table.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::super::actions::{ActionSpec, Context, key_label, keys_of, valid};
use super::super::theme::Theme;
use super::super::widgets::{text, wrapped};
use super::frame::{frame, inside_width, most_lines, scrolling};

/// Columns for the keys.
const KEYS: u16 = 18;

/// How wide it is where there is room.
const WIDE: u16 = 60;

/// What the keys do in the given contexts, and what is no key's business.
fn entries(contexts: &[Context], mouse: bool) -> Vec<(String, &'static str)> {
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

/// The same as lines of a window: keys, the column in which the words begin, the words.
fn lines(contexts: &[Context], mouse: bool, area: Rect) -> Vec<(String, u16, String)> {
    let width = inside_width(WIDE, area);
    let mut lines = Vec::new();
    for (mut keys, title) in entries(contexts, mouse) {
        // Keys that are long give the words less room rather than being cut.
        let at = u16::try_from(keys.width()).unwrap_or(u16::MAX).max(KEYS - 1).saturating_add(1);
        for words in wrapped(title, width.saturating_sub(at).max(10)) {
            lines.push((std::mem::take(&mut keys), at, words));
        }
    }
    lines
}

/// Its lines, and how many of them a window shows at once.
pub(super) fn reach(contexts: &[Context], mouse: bool, area: Rect) -> (usize, usize) {
    (lines(contexts, mouse, area).len(), most_lines(area))
}

pub(super) fn draw(
    top: usize,
    contexts: &[Context],
    mouse: bool,
    theme: Theme,
    area: Rect,
    buf: &mut Buffer,
) {
    let lines = lines(contexts, mouse, area);
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let title = scrolling("Keys here", lines.len(), area) + " · Esc closes";
    let inside = frame(&title, WIDE, height, theme, area, buf);
    let top = top.min(lines.len().saturating_sub(usize::from(inside.height)));
    for (y, (keys, at, words)) in (inside.y..inside.bottom()).zip(lines.iter().skip(top)) {
        text(buf, inside.x, y, inside.width, keys, theme.accent().patch(theme.strong()));
        text(buf, inside.x + at, y, inside.width.saturating_sub(*at), words, theme.text());
    }
}
