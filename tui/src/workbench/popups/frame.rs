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
    let mut width = width.saturating_add(4).min(area.width);
    // A column or two of what lies below would look like part of the box.
    if area.width - width <= 6 {
        width = area.width;
    }
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

/// The longest sensible popup text in a window.
pub(super) fn text_width(area: Rect) -> u16 {
    area.width.saturating_sub(6).clamp(20, 76)
}
