//! The box around a popup.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Block, BorderType, Clear, Widget};

use super::super::theme::Theme;
use super::super::widgets::text;

/// Clears a box in the middle and draws its border and heading. Gives back what is inside.
pub(super) fn frame(
    title: &str,
    width: u16,
    height: u16,
    theme: Theme,
    area: Rect,
    buf: &mut Buffer,
) -> Rect {
    let width = outer_width(width, area);
    let height = height.saturating_add(2).min(area.height);
    let outer =
        Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    Clear.render(outer, buf);
    Block::bordered().border_type(BorderType::Rounded).border_style(theme.dim()).render(outer, buf);
    text(buf, outer.x + 2, outer.y, outer.width.saturating_sub(4), &format!(" {title} "), theme.strong());
    Rect {
        x: outer.x + 2,
        y: outer.y + 1,
        width: outer.width.saturating_sub(4),
        height: outer.height.saturating_sub(2),
    }
}

/// How wide the box is.
fn outer_width(width: u16, area: Rect) -> u16 {
    let width = width.saturating_add(4).min(area.width);
    // A column or two of what lies below would look like part of the box.
    if area.width - width <= 6 { area.width } else { width }
}

/// How wide a box that is wanted so wide is inside.
pub(super) fn inside_width(width: u16, area: Rect) -> u16 {
    outer_width(width, area).saturating_sub(4)
}

/// Lines of text that a box has room for at most.
pub(super) fn most_lines(area: Rect) -> usize {
    usize::from(area.height.saturating_sub(2))
}

/// The heading of a box whose text is longer than it.
pub(super) fn scrolling(title: &str, lines: usize, area: Rect) -> String {
    let how = if lines > most_lines(area) { " · ↑↓ scroll" } else { "" };
    format!("{title}{how}")
}

/// The longest sensible popup text in a window.
pub(super) fn text_width(area: Rect) -> u16 {
    area.width.saturating_sub(6).clamp(20, 76)
}
