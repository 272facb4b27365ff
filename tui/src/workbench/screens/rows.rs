//! The rows of a dataset. Rows that are not at hand yet are drawn as dots; the request for them is on its way.

use dropforge_shared::page::Cell;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::super::state::{Data, State};
use super::super::theme::Theme;
use super::super::widgets::{Column, Grid, Row, count, text};

/// Draws them.
pub(super) fn draw(_state: &State, data: &Data, theme: Theme, area: Rect, buf: &mut Buffer) {
    if let Some(error) = &data.error {
        let said = format!("The rows can't be read: {error}. Any move tries again.");
        for (y, line) in (area.y..area.bottom()).zip(super::super::widgets::wrapped(&said, area.width)) {
            text(buf, area.x, y, area.width, &line, theme.bad());
        }
        return;
    }
    let Some(total) = data.total else {
        text(buf, area.x, area.y, area.width, "Reading…", theme.dim());
        return;
    };
    let gutter = count(total).len().max(3) as u16;
    let mut columns = vec![Column::number("row", gutter)];
    for (i, (column, width)) in data.columns.iter().zip(&data.widths).enumerate() {
        // The frozen column must leave room for the others.
        let most = if i == 0 { (area.width / 3).max(8) } else { area.width };
        columns.push(Column {
            title: column.name.clone(),
            under: column.kind.name().to_owned(),
            width: (*width).min(most),
            right: column.kind.is_numeric(),
        });
    }
    let frozen = 2.min(columns.len());
    let wanted = data.column + 1;
    let grid = Grid { columns, frozen, wanted, head: 2, style: theme.strong(), under: theme.dim() };
    let height = u64::from(area.height.saturating_sub(2));
    let rows: Vec<Row> = (data.top..(data.top + height).min(total)).map(|i| row(data, i, theme)).collect();
    grid.draw(area, buf, rows.iter());
    let places = grid.places(area.width);
    if let Some((_, x, w)) = places.iter().find(|(i, ..)| *i == wanted) {
        let head = Rect::new(area.x + x, area.y, *w, 1);
        buf.set_style(head.intersection(buf.area), theme.selected());
    }
    if total == 0 {
        text(buf, area.x, area.y + 2, area.width, "The table has no rows.", theme.dim());
    }
}

fn row(data: &Data, index: u64, theme: Theme) -> Row {
    let mut cells = vec![(count(index + 1), theme.dim())];
    match data.cells(index) {
        Some(values) => cells.extend(values.iter().map(|cell| match cell {
            // Missing is told from empty text by its look.
            Cell::Null => ("∅".to_owned(), theme.dim()),
            other => (other.display(), theme.text()),
        })),
        None => cells.extend(data.columns.iter().map(|_| ("·".to_owned(), theme.dim()))),
    }
    if index != data.row {
        return Row { cells, ..Row::default() };
    }
    let mark = theme.selected().add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
    Row { cells, style: theme.selected(), marked: Some((data.column + 1, mark)) }
}
