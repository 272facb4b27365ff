//! Small drawing helpers that every screen uses. All text goes through [`text`], which cleans it: nothing that came from a
//! file can reach the terminal another way.

mod bar;
mod footer;
mod format;
mod grid;
mod wrap;

use dropforge_shared::clean;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

pub use bar::{progress, spark};
pub use footer::{footer, header, input};
pub use format::{age, clock, count, counted, figure, moment, size, stage};
pub use grid::{Column, Grid, Row};
pub use wrap::wrapped;

/// Draws one cleaned line of text, cut with `…` where it does not fit. Gives back the columns it took.
pub fn text(buf: &mut Buffer, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
    let area = buf.area;
    if y < area.top() || y >= area.bottom() || x >= area.right() {
        return 0;
    }
    let width = width.min(area.right() - x);
    let fitted = clean::fit(text, usize::from(width));
    buf.set_stringn(x, y, fitted, usize::from(width), style).0 - x
}

/// The same, against the right edge of the columns.
pub fn right(buf: &mut Buffer, x: u16, y: u16, width: u16, what: &str, style: Style) {
    use unicode_width::UnicodeWidthStr;
    let fitted = clean::fit(what, usize::from(width));
    let lead = width.saturating_sub(u16::try_from(fitted.width()).unwrap_or(width));
    text(buf, x + lead, y, width - lead, &fitted, style);
}

/// Draws pieces of text one after another on a line.
pub fn pieces(buf: &mut Buffer, area: Rect, y: u16, parts: &[(&str, Style)]) {
    let mut x = area.x;
    for (part, style) in parts {
        x += text(buf, x, y, area.right().saturating_sub(x), part, *style);
    }
}

/// Lays a style over a line.
pub fn over(buf: &mut Buffer, area: Rect, y: u16, style: Style) {
    buf.set_style(Rect { y, height: 1, ..area }.intersection(buf.area), style);
}

/// An area less lines at the top.
pub fn below(area: Rect, lines: u16) -> Rect {
    let lines = lines.min(area.height);
    Rect { y: area.y + lines, height: area.height - lines, ..area }
}
