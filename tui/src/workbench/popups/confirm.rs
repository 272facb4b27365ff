//! The question before something that can't be undone. All that goes is listed; what does not fit is counted.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::theme::Theme;
use super::super::widgets::{pieces, text, wrapped};
use super::Confirm;
use super::frame::{frame, text_width};

pub(super) fn draw(confirm: &Confirm, theme: Theme, area: Rect, buf: &mut Buffer) {
    let width = text_width(area);
    let title: Vec<String> = wrapped(&confirm.title, width);
    let lines: Vec<String> = confirm.lines.iter().flat_map(|l| wrapped(l, width)).collect();
    let needed = u16::try_from(title.len() + lines.len() + 3).unwrap_or(u16::MAX);
    let inside = frame("Please confirm", width, needed, theme, area, buf);
    let mut y = inside.y;
    for line in &title {
        text(buf, inside.x, y, inside.width, line, theme.strong());
        y += 1;
    }
    let room = usize::from(inside.bottom().saturating_sub(y + 2));
    let shown = if lines.len() > room { room.saturating_sub(1) } else { lines.len() };
    for line in &lines[..shown] {
        text(buf, inside.x, y, inside.width, line, theme.text());
        y += 1;
    }
    if shown < lines.len() {
        let rest = format!("… and {} more lines", lines.len() - shown);
        text(buf, inside.x, y, inside.width, &rest, theme.warn());
    }
    let (no, yes) = if confirm.chosen {
        (theme.text(), theme.selected().patch(theme.bad()))
    } else {
        (theme.selected(), theme.text())
    };
    let y = inside.bottom().saturating_sub(1);
    pieces(buf, inside, y, &[(" Keep it ", no), ("  ", theme.text()), (&format!(" {} ", confirm.yes), yes)]);
}
