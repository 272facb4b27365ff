//! A table of cells: a dataset's rows, or what a query gave. Rows that are not at hand yet are drawn as dots; the request for
//! them is on its way.

use dropforge_shared::page::Cell;
use dropforge_shared::query::SortKey;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::super::state::Sheet;
use super::super::theme::Theme;
use super::super::widgets::{Column, Grid, Row, count, text};

/// Draws it. `cells` gives a row where it is at hand.
pub(super) fn draw<'a>(
    sheet: &Sheet,
    cells: impl Fn(u64) -> Option<&'a [Cell]>,
    sort: &[SortKey],
    theme: Theme,
    area: Rect,
    buf: &mut Buffer,
) {
    let total = sheet.total.unwrap_or(0);
    let gutter = count(total).len().max(3) as u16;
    let mut columns = vec![Column::number("row", gutter)];
    // What stays in sight must leave room for the others.
    let room = area.width.saturating_sub(gutter + 1) * 2 / 3;
    let (mut frozen, mut used) = (0, 0);
    for (i, column) in sheet.columns.iter().enumerate() {
        let arrow = arrow(sort, &column.name);
        let mut width = sheet.width(i);
        if !arrow.is_empty() && !sheet.set.contains_key(&i) {
            width += arrow.chars().count() as u16;
        }
        if i < sheet.frozen {
            width = width.min((area.width / 3).max(8));
            used += width + 1;
            frozen += usize::from(used <= room && frozen == i);
        }
        columns.push(Column {
            title: format!("{}{arrow}", column.name),
            under: column.kind.name().to_owned(),
            width,
            right: column.kind.is_numeric(),
        });
    }
    let wanted = sheet.column + 1;
    let grid =
        Grid { columns, frozen: frozen + 1, wanted, head: 2, style: theme.strong(), under: theme.dim() };
    let height = u64::from(area.height.saturating_sub(2));
    let shown = sheet.top..(sheet.top + height).min(total);
    let rows: Vec<Row> = shown.map(|i| row(sheet, i, cells(i), theme)).collect();
    grid.draw(area, buf, rows.iter());
    let places = grid.places(area.width);
    if let Some((_, x, w)) = places.iter().find(|(i, ..)| *i == wanted) {
        let head = Rect::new(area.x + x, area.y, *w, 1);
        buf.set_style(head.intersection(buf.area), theme.selected());
    }
    // The line after what stays in sight, where there is a choice of it.
    if sheet.frozen > 1
        && let Some((_, x, w)) = places.iter().find(|(i, ..)| *i == frozen)
        && x + w < area.width
    {
        for y in area.y..area.bottom().min(area.y + 2 + rows.len() as u16) {
            text(buf, area.x + x + w, y, 1, "│", theme.dim());
        }
    }
    if sheet.total == Some(0) {
        text(buf, area.x, area.y + 2, area.width, "There are no rows.", theme.dim());
    }
}

/// How a column takes part in the order: `↓`, or `↑2` for the second key.
fn arrow(sort: &[SortKey], column: &str) -> String {
    let Some(at) = sort.iter().position(|k| k.column == column) else { return String::new() };
    let sign = if sort[at].descending { '↓' } else { '↑' };
    if sort.len() > 1 { format!(" {sign}{}", at + 1) } else { format!(" {sign}") }
}

fn row(sheet: &Sheet, index: u64, values: Option<&[Cell]>, theme: Theme) -> Row {
    let mut cells = vec![(count(index + 1), theme.dim())];
    match values {
        Some(values) => cells.extend(values.iter().map(|cell| match cell {
            // Missing is told from empty text by its look.
            Cell::Null => ("∅".to_owned(), theme.dim()),
            other => (other.display(), theme.text()),
        })),
        None => cells.extend(sheet.columns.iter().map(|_| ("·".to_owned(), theme.dim()))),
    }
    if index != sheet.row {
        return Row { cells, ..Row::default() };
    }
    let mark = theme.selected().add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
    Row { cells, style: theme.selected(), marked: Some((sheet.column + 1, mark)) }
}
