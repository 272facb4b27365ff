//! The list of files.

use dropforge_shared::file::FileView;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::actions::Context;
use super::super::state::State;
use super::super::theme::Theme;
use super::super::update;
use super::super::widgets::{Column, Grid, Row, age, below, count, pieces, size, text};
use super::{ScreenSpec, file_state, file_style};

/// Its line of the table.
pub(super) const SCREEN: ScreenSpec = ScreenSpec {
    title: "Files",
    keys: &["2"],
    about: "Files",
    under: None,
    contexts: |_| vec![Context::Files],
    show: None,
    draw,
    update: update::files::command,
};

/// Draws it.
pub(super) fn draw(state: &State, theme: Theme, area: Rect, buf: &mut Buffer) {
    let files = state.shown_files();
    let more = if state.files_next.is_some() { "+" } else { "" };
    let mut title = format!("Files · {}{more}", count(files.len() as u64));
    if !state.filter.is_empty() {
        title.push_str(&format!(" of {}{more} with '{}' (Esc shows all)", state.files.len(), state.filter));
    }
    pieces(buf, area, area.y, &[(&title, theme.strong())]);
    let area = below(area, 1);
    if files.is_empty() {
        let said = match (state.known, state.filter.is_empty()) {
            (false, _) => "Reading…",
            (true, true) => "No files yet. Home (1) shows how to begin.",
            (true, false) if state.files_next.is_some() => "None of the newest has that; Enter looks at all.",
            (true, false) => "No file's name has that.",
        };
        text(buf, area.x, area.y, area.width, said, theme.dim());
        return;
    }
    // What matters least goes first where the window is narrow.
    let wide = area.width >= 100;
    let middle = area.width >= 74;
    let mut columns = vec![
        Column::text("name", 0),
        Column::text("state", 11),
        Column::number("rows", 11),
        Column::number("columns", 7),
    ];
    if middle {
        columns.extend([Column::text("format", 8), Column::number("size", 10)]);
    }
    if wide {
        columns.extend([Column::text("kind", 9), Column::text("project", 12)]);
    }
    columns.push(Column::number("added", 8));
    let fixed: u16 = columns.iter().skip(1).map(|c| c.width + 1).sum();
    columns[0].width = area.width.saturating_sub(fixed).max(8);
    let grid = Grid { columns, frozen: 1, wanted: 0, head: 1, style: theme.dim(), under: theme.dim() };
    let height = usize::from(area.height.saturating_sub(1));
    let rows: Vec<Row> = files
        .iter()
        .enumerate()
        .skip(state.files_at.top)
        .take(height)
        .map(|(i, file)| row(file, i == state.files_at.index, middle, wide, state, theme))
        .collect();
    grid.draw(area, buf, rows.iter());
}

fn row(file: &FileView, selected: bool, middle: bool, wide: bool, state: &State, theme: Theme) -> Row {
    let name =
        if file.version > 1 { format!("{} (v{})", file.name, file.version) } else { file.name.clone() };
    let number = |n: Option<u64>| (n.map(count).unwrap_or_default(), theme.text());
    let mut cells = vec![
        (name, theme.text()),
        (file_state(file.state).to_owned(), file_style(file.state, theme)),
        number(file.rows),
        number(file.columns),
    ];
    if middle {
        cells.push((file.format.clone().unwrap_or_default(), theme.text()));
        cells.push((size(file.bytes), theme.text()));
    }
    if wide {
        cells.push((format!("{:?}", file.kind).to_lowercase(), theme.text()));
        cells.push((file.project.clone(), theme.text()));
    }
    cells.push((age(file.added_at, state.now), theme.dim()));
    let style = if selected { theme.selected() } else { theme.text() };
    Row { cells, style, marked: None }
}
