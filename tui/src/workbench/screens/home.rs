//! Home: what runs, what waits in the inbox, what was done lately, how to begin, and samples to try.

use dropforge_shared::file::{FileState, FileView};
use dropforge_shared::ids::{FileId, JobId};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::actions::Context;
use super::super::state::{State, scrolled};
use super::super::theme::Theme;
use super::super::update;
use super::super::widgets::{age, count, over, pieces, progress, right, size, stage, text};
use super::{ScreenSpec, file_state, file_style};

/// Jobs and inbox entries that Home lists; the screens of their own have the rest.
const FEW: usize = 8;

/// Something on Home that can be selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A job that runs.
    Job(JobId),
    /// Something that waits in the inbox, by its place.
    Waiting(usize),
    /// A file.
    File(FileId),
    /// A sample, by its place.
    Sample(usize),
}

impl Item {
    /// What tells it from the others.
    pub fn key(&self) -> String {
        match self {
            Self::Job(id) => id.to_string(),
            Self::Waiting(at) => format!("waiting {at}"),
            Self::File(id) => id.to_string(),
            Self::Sample(at) => format!("sample {at}"),
        }
    }
}

enum Line {
    Head(String),
    Text(String),
    Item(Item),
}

/// What can be selected, in order.
pub fn items(state: &State) -> Vec<Item> {
    let only_items = |line| if let Line::Item(item) = line { Some(item) } else { None };
    lines(state).into_iter().filter_map(only_items).collect()
}

/// What is selected.
pub fn selected(state: &State) -> Option<Item> {
    items(state).into_iter().nth(state.home_at.index)
}

fn lines(state: &State) -> Vec<Line> {
    let mut lines = Vec::new();
    // Who has nothing yet needs the beginning first.
    let new_here = state.known && state.files.is_empty();
    if new_here {
        begin(state, &mut lines);
    }
    let running: Vec<_> = state.running().take(FEW).map(|j| Line::Item(Item::Job(j.id.clone()))).collect();
    if !running.is_empty() {
        let (_, queued) = state.counts();
        let waiting =
            if queued > 0 { format!(" · {} wait their turn", count(queued)) } else { String::new() };
        lines.push(Line::Head(format!("Running{waiting}")));
        lines.extend(running);
    }
    if let Some(inbox) = state.inbox.as_ref().filter(|i| !i.items.is_empty()) {
        lines.push(Line::Head(format!("In the inbox · {}", count(inbox.total))));
        lines.extend((0..inbox.items.len().min(FEW)).map(|i| Line::Item(Item::Waiting(i))));
    }
    let asks: Vec<_> = state.files.iter().filter(|f| f.state == FileState::NeedsInput).collect();
    if !asks.is_empty() {
        lines.push(Line::Head(format!("Waiting for you to say what it is · {}", asks.len())));
        lines.extend(asks.iter().take(FEW).map(|f| Line::Item(Item::File(f.id.clone()))));
    }
    let settled = |f: &&FileView| !matches!(f.state, FileState::Ingesting | FileState::NeedsInput);
    let done = state.files.iter().filter(settled).take(FEW);
    let done: Vec<_> = done.map(|f| Line::Item(Item::File(f.id.clone()))).collect();
    if !done.is_empty() {
        lines.push(Line::Head("Done lately".into()));
        lines.extend(done);
    }
    if !new_here {
        begin(state, &mut lines);
    }
    lines
}

fn begin(state: &State, lines: &mut Vec<Line>) {
    let inbox = &state.place.inbox;
    lines.push(Line::Head("How to begin".into()));
    lines.push(Line::Text(format!("drop files into  {inbox}")));
    lines.push(Line::Text("or in a shell    dropforge add PATH".into()));
    let user = if state.place.user.is_empty() { String::new() } else { format!("{}@", state.place.user) };
    lines.push(Line::Text(format!("from elsewhere   scp FILE {user}{}:{inbox}/", state.place.host)));
    if let Some(inbox) = state.inbox.as_ref().filter(|i| i.mode != "watching") {
        lines.push(Line::Text(format!("the folder is {}", inbox.mode)));
    }
    if let Some(error) = state.status.as_ref().and_then(|s| s.store_error.as_ref()) {
        lines.push(Line::Text(format!("the store can't write: {error}")));
    }
    if !state.samples.is_empty() {
        lines.push(Line::Head("Samples at hand · a puts one into the inbox".into()));
        lines.extend((0..state.samples.len()).map(|i| Line::Item(Item::Sample(i))));
    }
}

/// Its line of the table.
pub(super) const SCREEN: ScreenSpec = ScreenSpec {
    title: "Home",
    keys: &["1"],
    about: "Home",
    under: None,
    contexts: |_| vec![Context::Home],
    show: None,
    draw,
    update: update::home::command,
};

/// Draws it.
pub(super) fn draw(state: &State, theme: Theme, area: Rect, buf: &mut Buffer) {
    let lines = lines(state);
    let mut chosen = lines.iter().enumerate().filter(|(_, l)| matches!(l, Line::Item(_))).map(|(i, _)| i);
    let chosen = chosen.nth(state.home_at.index);
    let top = scrolled(0, chosen.unwrap_or(0), lines.len(), usize::from(area.height));
    for (y, (i, line)) in (area.y..area.bottom()).zip(lines.iter().enumerate().skip(top)) {
        match line {
            Line::Head(head) => {
                text(buf, area.x, y, area.width, head, theme.strong());
            }
            Line::Text(what) => {
                text(buf, area.x + 2, y, area.width - 2, what, theme.text());
            }
            Line::Item(it) => item(it, state, theme, Rect { x: area.x, y, height: 1, ..area }, buf),
        }
        if Some(i) == chosen {
            over(buf, area, y, theme.selected());
        }
    }
}

fn item(item: &Item, state: &State, theme: Theme, line: Rect, buf: &mut Buffer) {
    let (x, y, width) = (line.x + 2, line.y, line.width.saturating_sub(2));
    let names = (width / 3).clamp(12, 40);
    let rest = Rect { x: x + names + 1, width: width.saturating_sub(names + 1), ..line };
    match item {
        Item::Job(id) => {
            let Some(job) = state.job(id) else { return };
            text(buf, x, y, names, job.file_name.as_deref().unwrap_or(&job.kind), theme.text());
            let Some(now) = &job.progress else {
                text(buf, rest.x, y, rest.width, job.stage.as_deref().unwrap_or("starting"), theme.dim());
                return;
            };
            progress(buf, rest.x, y, 12, now.fraction(), theme.accent());
            if let Some(f) = now.fraction() {
                right(buf, rest.x + 12, y, 5, &format!("{:.0}%", f * 100.0), theme.text());
            }
            text(buf, rest.x + 19, y, rest.width.saturating_sub(19), &stage(now), theme.dim());
        }
        Item::Waiting(at) => {
            let Some(entry) = state.inbox.as_ref().and_then(|i| i.items.get(*at)) else { return };
            let style = if matches!(entry.state.as_str(), "refused" | "error") {
                theme.bad()
            } else {
                theme.accent()
            };
            text(buf, x, y, names, &entry.path, theme.text());
            let why = if entry.detail.is_empty() { String::new() } else { format!("  {}", entry.detail) };
            pieces(buf, rest, y, &[(&entry.state, style), (&why, theme.text())]);
        }
        Item::File(id) => {
            let Some(file) = state.file(id) else { return };
            text(buf, x, y, names, &file.name, theme.text());
            let style = file_style(file.state, theme);
            let what = match (&file.error, file.rows, file.columns) {
                (Some(error), ..) => error.clone(),
                (None, Some(rows), Some(columns)) => {
                    format!("{} rows × {} columns", count(rows), count(columns))
                }
                _ => size(file.bytes),
            };
            let what = format!("  {what} · {}", age(file.added_at, state.now));
            pieces(buf, rest, y, &[(file_state(file.state), style), (&what, theme.text())]);
        }
        Item::Sample(at) => {
            let Some(sample) = state.samples.get(*at) else { return };
            text(buf, x, y, names, sample.name, theme.text());
            let about = format!("{}  {}", size(sample.bytes), sample.about);
            text(buf, rest.x, y, rest.width, &about, theme.dim());
        }
    }
}
