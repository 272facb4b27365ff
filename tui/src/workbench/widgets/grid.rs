//! A table of which only the visible rows exist. The first columns stay where they are; the others go by in groups, so that
//! walking over columns seldom redraws everything.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{over, right, text};

/// A column.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its heading; a second line below it where it has one.
    pub title: String,
    /// The second line of the heading.
    pub under: String,
    /// How wide it is drawn.
    pub width: u16,
    /// Against the right edge: numbers.
    pub right: bool,
}

impl Column {
    /// A column of text.
    pub fn text(title: &str, width: u16) -> Self {
        Self { title: title.into(), under: String::new(), width, right: false }
    }

    /// A column of numbers.
    pub fn number(title: &str, width: u16) -> Self {
        Self { right: true, ..Self::text(title, width) }
    }
}

/// A visible row.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Its cells, each with its own style.
    pub cells: Vec<(String, Style)>,
    /// Laid over the whole row.
    pub style: Style,
    /// The cell that is marked, and how.
    pub marked: Option<(usize, Style)>,
}

/// A table.
#[derive(Debug, Clone)]
pub struct Grid {
    /// The columns.
    pub columns: Vec<Column>,
    /// How many of them never scroll away.
    pub frozen: usize,
    /// The column that must be in sight.
    pub wanted: usize,
    /// Lines of the heading.
    pub head: u16,
    /// Of the heading.
    pub style: Style,
    /// Of the heading's second line.
    pub under: Style,
}

impl Grid {
    /// Which columns are drawn where: index, place, width.
    pub fn places(&self, width: u16) -> Vec<(usize, u16, u16)> {
        let mut x = 0;
        let mut places = Vec::new();
        for (i, column) in self.columns.iter().enumerate().take(self.frozen) {
            let w = column.width.min(width.saturating_sub(x));
            places.push((i, x, w));
            x = (x + w + 1).min(width);
        }
        let room = width.saturating_sub(x);
        let mut first = self.frozen;
        loop {
            let mut end = first;
            let mut used = 0;
            while let Some(column) = self.columns.get(end) {
                if used + column.width > room && end > first {
                    break;
                }
                used += column.width + 1;
                end += 1;
            }
            if self.wanted < end || end >= self.columns.len() {
                break;
            }
            first = end;
        }
        for (i, column) in self.columns.iter().enumerate().skip(first) {
            let left = width.saturating_sub(x);
            // A sliver of a column says nothing.
            if left < 4.min(column.width) || left == 0 {
                break;
            }
            let w = column.width.min(left);
            places.push((i, x, w));
            x = (x + w + 1).min(width);
        }
        places
    }

    /// Draws the heading and the rows, as many as there is room for.
    pub fn draw<'a>(&self, area: Rect, buf: &mut Buffer, rows: impl Iterator<Item = &'a Row>) {
        let places = self.places(area.width);
        for line in 0..self.head.min(area.height) {
            for (i, x, w) in &places {
                let column = &self.columns[*i];
                let (what, style) =
                    if line == 0 { (&column.title, self.style) } else { (&column.under, self.under) };
                put(buf, (area.x + x, area.y + line, *w), column.right, what, style);
            }
        }
        for (line, row) in (self.head..area.height).zip(rows) {
            let y = area.y + line;
            for (i, x, w) in &places {
                if let Some((what, style)) = row.cells.get(*i) {
                    put(buf, (area.x + x, y, *w), self.columns[*i].right, what, *style);
                }
            }
            over(buf, area, y, row.style);
            if let Some((marked, style)) = row.marked
                && let Some((_, x, w)) = places.iter().find(|(i, ..)| *i == marked)
            {
                buf.set_style(Rect::new(area.x + x, y, *w, 1).intersection(buf.area), style);
            }
        }
    }
}

fn put(buf: &mut Buffer, (x, y, w): (u16, u16, u16), to_right: bool, what: &str, style: Style) {
    if to_right {
        right(buf, x, y, w, what, style);
    } else {
        text(buf, x, y, w, what, style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(wanted: usize) -> Grid {
        let columns = (0..6).map(|i| Column::text(&i.to_string(), 6)).collect();
        Grid { columns, frozen: 1, wanted, head: 1, style: Style::new(), under: Style::new() }
    }

    #[test]
    fn the_first_column_stays_and_the_wanted_one_is_in_sight() {
        for wanted in 0..6 {
            let places = grid(wanted).places(22);
            assert_eq!(places[0], (0, 0, 6));
            let (_, _, w) = places.iter().find(|(i, ..)| *i == wanted).unwrap();
            assert_eq!(*w, 6, "column {wanted} whole");
            assert!(places.iter().all(|(_, x, w)| x + w <= 22));
        }
    }

    #[test]
    fn walking_inside_a_group_does_not_scroll() {
        assert_eq!(grid(1).places(22), grid(2).places(22));
    }

    #[test]
    fn no_window_is_too_narrow() {
        for width in 0..20 {
            assert!(grid(5).places(width).iter().all(|(_, x, w)| x + w <= width));
        }
    }
}
