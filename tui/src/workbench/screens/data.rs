//! One file: its rows and its profile once it can be read; before that how far it is, or why it failed.

use dropforge_shared::file::{FileKind, FileState, FileView};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::state::{State, Tab};
use super::super::theme::Theme;
use super::super::widgets::{below, count, pieces, progress, size, stage, text, wrapped};
use super::{profile, rows};

/// Draws it.
pub(super) fn draw(state: &State, theme: Theme, area: Rect, buf: &mut Buffer) {
    let Some(data) = &state.data else { return };
    let Some(file) = state.file(&data.file) else {
        text(buf, area.x, area.y, area.width, "Reading…", theme.dim());
        return;
    };
    title(file, data.tab, theme, area, buf);
    let inside = below(area, 1);
    match (file.state, file.kind) {
        (FileState::Ready, FileKind::Dataset) if data.tab == Tab::Rows => {
            rows::draw(state, data, theme, inside, buf)
        }
        (FileState::Ready, FileKind::Dataset) => profile::draw(state, data, theme, inside, buf),
        _ => waiting(state, file, theme, inside, buf),
    }
}

fn title(file: &FileView, tab: Tab, theme: Theme, area: Rect, buf: &mut Buffer) {
    let tabs = [(" Rows ", Tab::Rows), (" Profile ", Tab::Profile)];
    let style = |t: Tab| if t == tab { theme.selected() } else { theme.text() };
    let version = if file.version > 1 { format!(" (v{})", file.version) } else { String::new() };
    let name = dropforge_shared::clean::fit(&file.name, usize::from(area.width / 2).max(12));
    let mut about = format!("{version}  ");
    if let (Some(rows), Some(columns)) = (file.rows, file.columns) {
        about.push_str(&format!("{} rows × {} columns", count(rows), count(columns)));
    }
    if let Some(rejected) = file.rejected_rows.filter(|n| *n > 0) {
        about.push_str(&format!(", {} rejected", count(rejected)));
    }
    let (rows, profile) = (style(tabs[0].1), style(tabs[1].1));
    pieces(
        buf,
        area,
        area.y,
        &[
            (tabs[0].0, rows),
            (tabs[1].0, profile),
            ("  ", theme.text()),
            (&name, theme.strong()),
            (&about, theme.dim()),
        ],
    );
}

/// What there is to say of a file that can't be read as a table.
fn waiting(state: &State, file: &FileView, theme: Theme, area: Rect, buf: &mut Buffer) {
    let area = below(area, 1);
    let job = state.job_of(file).and_then(|id| state.job(&id));
    let mut lines = Vec::new();
    let style = super::file_style(file.state, theme);
    match file.state {
        FileState::Ingesting => {
            let what = job.map_or("waits for its turn".into(), |j| match &j.progress {
                Some(p) => stage(p),
                None => j.stage.clone().unwrap_or_else(|| j.state.name().to_owned()),
            });
            text(buf, area.x, area.y, area.width, "It is being taken in.", style);
            let fraction = job.and_then(|j| j.progress.as_ref()).and_then(|p| p.fraction());
            let bar = if fraction.is_some() { area.width.min(24) } else { 0 };
            progress(buf, area.x, area.y + 1, bar, fraction, theme.accent());
            let gap = if bar > 0 { bar + 1 } else { 0 };
            text(buf, area.x + gap, area.y + 1, area.width.saturating_sub(gap), &what, theme.text());
            text(buf, area.x, area.y + 3, area.width, "l shows the log.", theme.dim());
            return;
        }
        FileState::Failed => {
            let error = file.error.clone().unwrap_or_else(|| "no reason is known".into());
            lines.push(format!("It could not be read: {error}"));
            lines.push(String::new());
            lines.push("The bytes are kept. l shows the log, r tries again.".into());
        }
        FileState::NeedsInput => lines.push("It waits for a choice of yours.".into()),
        FileState::Ready => {
            let kind = if file.kind == FileKind::Document { "a document" } else { "of an unknown kind" };
            lines.push(format!("This file is {kind}, {}: there are no rows to show.", size(file.bytes)));
        }
    }
    let lines: Vec<String> = lines.iter().flat_map(|l| wrapped(l, area.width)).collect();
    for (i, (y, line)) in (area.y..area.bottom()).zip(&lines).enumerate() {
        text(buf, area.x, y, area.width, line, if i == 0 { style } else { theme.text() });
    }
}
