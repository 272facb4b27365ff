//! The question before something that can't be undone. All that goes is listed; what does not fit is scrolled to.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::theme::Theme;
use super::super::widgets::{counted, pieces, text, wrapped};
use super::Confirm;
use super::frame::{frame, text_width};

/// The question, what it is about, and how many lines of that are in sight.
struct Laid {
    title: Vec<String>,
    lines: Vec<String>,
    room: usize,
}

/// Lays it out in a window. However small it is, a line of the list is in sight.
fn laid(confirm: &Confirm, area: Rect) -> Laid {
    let width = text_width(area);
    let mut title = wrapped(&confirm.title, width);
    let inside = usize::from(area.height.saturating_sub(2));
    // A question that is too long goes on in what is scrolled.
    let rest = title.split_off(title.len().min(inside.saturating_sub(3).max(1)));
    let about = confirm.lines.iter().flat_map(|l| wrapped(l, width));
    let lines: Vec<String> = rest.into_iter().chain(about).collect();
    // Below the list are the buttons, and above those a blank line or how far it goes on.
    let room = inside.saturating_sub(title.len() + 2).max(1);
    Laid { title, lines, room }
}

/// Lines of the list, and how many of them a window shows at once.
pub(super) fn reach(confirm: &Confirm, area: Rect) -> (usize, usize) {
    let Laid { lines, room, .. } = laid(confirm, area);
    (lines.len(), room)
}

pub(super) fn draw(confirm: &Confirm, theme: Theme, area: Rect, buf: &mut Buffer) {
    let Laid { title, lines, room } = laid(confirm, area);
    let needed = u16::try_from(title.len() + lines.len() + 3).unwrap_or(u16::MAX);
    let inside = frame("Please confirm", text_width(area), needed, theme, area, buf);
    let list = title.len() as u16;
    for (y, line) in (inside.y..inside.bottom()).zip(&title) {
        text(buf, inside.x, y, inside.width, line, theme.strong());
    }
    let top = confirm.top.min(lines.len().saturating_sub(room));
    for (y, line) in (inside.y + list..inside.bottom()).zip(lines.iter().skip(top).take(room)) {
        text(buf, inside.x, y, inside.width, line, theme.text());
    }
    let below = lines.len().saturating_sub(top + room);
    let further: Vec<String> = [("↑", top, "above"), ("↓", below, "below")]
        .into_iter()
        .filter(|(_, n, _)| *n > 0)
        .map(|(arrow, n, place)| format!("{arrow} {} {place}", counted(n as u64, "line")))
        .collect();
    let y = inside.bottom().saturating_sub(1);
    if !further.is_empty() {
        text(buf, inside.x, y - 1, inside.width, &further.join(" · "), theme.warn());
    }
    let (no, yes) = if confirm.chosen {
        (theme.text(), theme.selected().patch(theme.bad()))
    } else {
        (theme.selected(), theme.text())
    };
    pieces(buf, inside, y, &[(" Keep it ", no), ("  ", theme.text()), (&format!(" {} ", confirm.yes), yes)]);
}
