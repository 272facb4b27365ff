//! A job's log: following, paused, searched, wrapped. No border, so that it can be copied from.

use dropforge_shared::clean;
use dropforge_shared::job::{LogEntry, LogLevel};
use dropforge_shared::time::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::actions::Context;
use super::super::state::{LogView, State};
use super::super::theme::Theme;
use super::super::update;
use super::super::widgets::{below, count, moment, pieces, text, wrapped};
use super::{Screen, ScreenSpec};

/// Its line of the table.
pub(super) const SCREEN: ScreenSpec = ScreenSpec {
    title: "Log",
    keys: &[],
    about: "A job's log",
    under: Some(Screen::Jobs),
    contexts: |_| vec![Context::Log],
    show: None,
    draw,
    update: update::log::command,
};

/// Draws it.
pub(super) fn draw(state: &State, theme: Theme, area: Rect, buf: &mut Buffer) {
    let Some(log) = &state.log else { return };
    let job = state.job(&log.job);
    let name = job.and_then(|j| j.file_name.as_deref()).unwrap_or(log.job.as_str());
    let how = match (log.follow, log.finished) {
        (_, true) => "complete",
        (true, false) => "following",
        (false, false) => "paused",
    };
    let mut about = format!("  {how} · {} lines", count(log.seen()));
    if log.before > 0 {
        about.push_str(&format!(", the last {} kept here", count(log.entries.len() as u64)));
    }
    if !log.search.is_empty() {
        about.push_str(&format!(" · search '{}'", log.search));
    }
    let head = format!("Log of {name}");
    pieces(buf, area, area.y, &[(&head, theme.strong()), (&about, theme.dim())]);
    if let Some(job) = job {
        let stage = job.stage.as_deref().map(|s| format!(" · {s}")).unwrap_or_default();
        let error = job.error.as_deref().map(|e| format!(" · {e}")).unwrap_or_default();
        let line = format!("{stage}{error}");
        let state_style = super::job_style(job.state, theme);
        pieces(buf, area, area.y + 1, &[(job.state.name(), state_style), (&line, theme.text())]);
    }
    let list = below(area, 2);
    if log.entries.is_empty() {
        let said = if log.known { "The log is empty." } else { "Reading…" };
        text(buf, list.x, list.y, list.width, said, theme.dim());
        return;
    }
    let height = usize::from(list.height);
    let first = log.first(height);
    if log.wrap {
        // Wrapped entries take several lines: while following, the end must stay in sight.
        let lines: Vec<_> = log
            .entries
            .iter()
            .skip(first)
            .flat_map(|e| wrapped_entry(e, state.now, list.width, theme))
            .collect();
        let skip = if log.follow { lines.len().saturating_sub(height) } else { 0 };
        for (y, (line, style)) in (list.y..list.bottom()).zip(lines.iter().skip(skip)) {
            text(buf, list.x, y, list.width, line, *style);
            mark(buf, list, y, line, &log.search, theme);
        }
        return;
    }
    for (y, entry) in (list.y..list.bottom()).zip(log.entries.iter().skip(first)) {
        plain(log, entry, state.now, (y, list), theme, buf);
    }
}

fn lead(entry: &LogEntry, now: Timestamp) -> String {
    format!("{} {:<6} ", moment(entry.at, now), clean::fit(&entry.source, 6))
}

fn style(level: LogLevel, theme: Theme) -> Style {
    match level {
        LogLevel::Info => theme.text(),
        LogLevel::Warn => theme.warn(),
        LogLevel::Error => theme.bad(),
    }
}

fn plain(
    log: &LogView,
    entry: &LogEntry,
    now: Timestamp,
    (y, list): (u16, Rect),
    theme: Theme,
    buf: &mut Buffer,
) {
    let lead = lead(entry, now);
    let x = list.x + text(buf, list.x, y, list.width, &lead, theme.dim());
    mark(buf, list, y, &lead, &log.search, theme);
    let shown: String = clean::line(&entry.text).chars().skip(log.shift).collect();
    let room = Rect { x, width: list.right().saturating_sub(x), ..list };
    text(buf, x, y, room.width, &shown, style(entry.level, theme));
    mark(buf, room, y, &clean::fit(&shown, usize::from(room.width)), &log.search, theme);
}

fn wrapped_entry(entry: &LogEntry, now: Timestamp, width: u16, theme: Theme) -> Vec<(String, Style)> {
    let whole = format!("{}{}", lead(entry, now), clean::line(&entry.text));
    wrapped(&whole, width).into_iter().map(|line| (line, style(entry.level, theme))).collect()
}

/// Marks what the search finds in a drawn line.
fn mark(buf: &mut Buffer, area: Rect, y: u16, line: &str, search: &str, theme: Theme) {
    use unicode_width::UnicodeWidthStr;
    if search.is_empty() {
        return;
    }
    let lower = line.to_lowercase();
    // Where lower case has other byte offsets the marks would be off; the jump to the line still works.
    if lower.len() != line.len() {
        return;
    }
    for (at, hit) in lower.match_indices(search) {
        let (Some(before), Some(hit)) = (line.get(..at), line.get(at..at + hit.len())) else { continue };
        let x = area.x.saturating_add(u16::try_from(before.width()).unwrap_or(u16::MAX));
        let width = u16::try_from(hit.width()).unwrap_or(u16::MAX);
        buf.set_style(Rect { x, y, width, height: 1 }.intersection(area), theme.found());
    }
}
