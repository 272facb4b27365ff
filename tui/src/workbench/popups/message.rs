//! A message that lies over the screen until it is closed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::theme::Theme;
use super::super::widgets::{text, wrapped};
use super::frame::{frame, most_lines, scrolling, text_width};

/// Lines of the text, and how many of them a window shows at once.
pub(super) fn reach(what: &str, area: Rect) -> (usize, usize) {
    (wrapped(what, text_width(area)).len(), most_lines(area))
}

pub(super) fn draw(
    title: &str,
    what: &str,
    bad: bool,
    top: usize,
    theme: Theme,
    area: Rect,
    buf: &mut Buffer,
) {
    let width = text_width(area);
    let lines = wrapped(what, width);
    let title = scrolling(title, lines.len(), area);
    let inside = frame(&title, width, u16::try_from(lines.len()).unwrap_or(u16::MAX), theme, area, buf);
    let top = top.min(lines.len().saturating_sub(usize::from(inside.height)));
    for (i, (y, line)) in (inside.y..inside.bottom()).zip(lines.iter().skip(top)).enumerate() {
        let style = if bad && top + i == 0 { theme.bad() } else { theme.text() };
        text(buf, inside.x, y, inside.width, line, style);
    }
}
