//! One file: its rows and its profile once it can be read; before that how far it is, or why it failed.

use dropforge_shared::file::{FileKind, FileState, FileView};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::actions::Context;
use super::super::state::{State, Tab};
use super::super::theme::Theme;
use super::super::update;
use super::super::widgets::{below, count, pieces, progress, size, stage, text, wrapped};
use super::{ScreenSpec, prepare, profile, query, reading, rows, types};

/// Its line of the table.
pub(super) const SCREEN: ScreenSpec = ScreenSpec {
    title: "Data",
    keys: &["3"],
    about: "The dataset that was open last",
    under: None,
    contexts,
    show: Some(update::data::show_last),
    draw,
    update: update::data::command,
};

/// The contexts of its tabs.
fn contexts(state: &State) -> Vec<Context> {
    let Some(data) = &state.data else { return Vec::new() };
    let mut contexts = match data.tab {
        _ if !state.readable() => vec![Context::Unread],
        Tab::Rows => vec![Context::Rows, Context::Table],
        Tab::Profile => vec![Context::Profile],
        Tab::Prepare => vec![Context::Prepare],
        Tab::Query => vec![Context::Query, Context::Table],
        Tab::Reading => vec![Context::Reading],
        Tab::Type => vec![Context::Type],
    };
    contexts.push(Context::Data);
    contexts
}

/// Draws it.
pub(super) fn draw(state: &State, theme: Theme, area: Rect, buf: &mut Buffer) {
    let Some(data) = &state.data else { return };
    let Some(file) = state.file(&data.file) else {
        text(buf, area.x, area.y, area.width, "Reading…", theme.dim());
        return;
    };
    title(file, data.tab, theme, area, buf);
    let inside = below(area, 1);
    if !state.readable() {
        return waiting(state, file, theme, inside, buf);
    }
    match data.tab {
        Tab::Rows => rows::draw(state, data, theme, inside, buf),
        Tab::Profile => profile::draw(state, data, theme, inside, buf),
        Tab::Prepare => prepare::draw(data, theme, inside, buf),
        Tab::Query => query::inside(state, theme, inside, buf),
        Tab::Reading => reading::draw(state, data, theme, inside, buf),
        Tab::Type => types::draw(file, data, theme, inside, buf),
    }
}

fn title(file: &FileView, tab: Tab, theme: Theme, area: Rect, buf: &mut Buffer) {
    let version = if file.version > 1 { format!(" (v{})", file.version) } else { String::new() };
    let words = if area.width >= 100 { [" rows", " columns"] } else { ["", ""] };
    let mut about = format!("{version}  ");
    if let (Some(rows), Some(columns)) = (file.rows, file.columns) {
        about.push_str(&format!("{}{} × {}{}", count(rows), words[0], count(columns), words[1]));
    }
    if let Some(rejected) = file.rejected_rows.filter(|n| *n > 0) {
        about.push_str(&format!(", {} rejected", count(rejected)));
    }
    let mut parts: Vec<(String, Style)> = Vec::new();
    if area.width >= 58 {
        let all = Tab::ALL.iter();
        parts.extend(
            all.map(|(t, name)| {
                (format!(" {name} "), if *t == tab { theme.selected() } else { theme.text() })
            }),
        );
    } else {
        let at = Tab::ALL.iter().position(|(t, _)| *t == tab).unwrap_or(0);
        parts.push((format!("[ {} ] ", Tab::ALL[at].1), theme.selected()));
        parts.push((format!("{} of {}", at + 1, Tab::ALL.len()), theme.dim()));
    }
    let used: usize = parts.iter().map(|(p, _)| p.len()).sum();
    let room = usize::from(area.width).saturating_sub(used + 2);
    // A long name gives way to how much there is, as long as enough of it is left to know it by.
    let name =
        dropforge_shared::clean::fit(&file.name, room.saturating_sub(about.len()).max(12).min(room).min(40));
    parts.extend([("  ".into(), theme.text()), (name, theme.strong()), (about, theme.dim())]);
    let parts: Vec<(&str, Style)> = parts.iter().map(|(p, s)| (p.as_str(), *s)).collect();
    pieces(buf, area, area.y, &parts);
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
            lines.push(
                "The bytes are kept. l shows the log, r tries again, e sets how it is to be read.".into(),
            );
        }
        FileState::NeedsInput => lines.push("It waits for a choice of yours.".into()),
        FileState::Ready if file.kind == FileKind::Document => {
            lines.push(format!("This file is a document, {}: there are no rows to show.", size(file.bytes)));
        }
        FileState::Ready => {
            lines.push(format!(
                "This file is of an unknown kind, {}: no table was found in it.",
                size(file.bytes)
            ));
            lines.extend(file.reading.as_ref().map(|why| format!("Why: {why}")));
            lines.push(String::new());
            lines.push("It can be read as a table all the same: e sets delimiter, encoding, header or sheet, r reads it.".into());
        }
    }
    let lines: Vec<String> = lines.iter().flat_map(|l| wrapped(l, area.width)).collect();
    for (i, (y, line)) in (area.y..area.bottom()).zip(&lines).enumerate() {
        text(buf, area.x, y, area.width, line, if i == 0 { style } else { theme.text() });
    }
    // What the user set meanwhile.
    let rest = below(area, u16::try_from(lines.len() + 1).unwrap_or(u16::MAX));
    reading::all(state, theme, rest, buf);
}
