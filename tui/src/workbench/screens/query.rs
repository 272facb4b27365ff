//! A query: the statement above, what it gave below, why it gave nothing where it went wrong.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use unicode_width::UnicodeWidthChar;

use super::super::actions::Context;
use super::super::state::{Link, State};
use super::super::theme::Theme;
use super::super::update;
use super::super::widgets::{below, count, pieces, text, wrapped};
use super::{ScreenSpec, table};

/// Its line of the table.
pub(super) const SCREEN: ScreenSpec = ScreenSpec {
    title: "Query",
    keys: &["5"],
    about: "Query",
    under: None,
    contexts: |_| vec![Context::Query, Context::Table],
    show: Some(update::query::show),
    draw,
    update: update::query::command,
};

/// Draws it as a screen of its own.
pub(super) fn draw(state: &State, theme: Theme, area: Rect, buf: &mut Buffer) {
    let about = "  one read-only SELECT over datasets by name";
    pieces(buf, area, area.y, &[("Query", theme.strong()), (about, theme.dim())]);
    inside(state, theme, below(area, 1), buf);
}

/// Draws it below a title.
pub(super) fn inside(state: &State, theme: Theme, area: Rect, buf: &mut Buffer) {
    let height = state.editor_height().min(area.height);
    editor(state, theme, Rect { height, ..area }, buf);
    let rest = below(area, height);
    if rest.height == 0 {
        return;
    }
    let query = &state.query;
    let rows = query.result.as_ref().map(|r| r.rows.len() as u64);
    let said = match (query.running, &query.error, &query.result) {
        (Some(_), _, Some(_)) => "running… Esc stops it · below: the rows of the run before".to_owned(),
        (Some(_), ..) => "running… Esc stops it".to_owned(),
        (None, None, Some(_)) if query.old => "it did not end · below: the rows of the run before".into(),
        (None, Some(_), _) => "it was refused or failed".into(),
        (None, None, Some(r)) => {
            let more = if r.truncated { " (the first; w saves all)" } else { "" };
            format!(
                "{} rows{more} · {} columns · {} ms",
                count(rows.unwrap_or(0)),
                r.columns.len(),
                r.elapsed_ms
            )
        }
        (None, None, None) if query.typing => {
            "F5 or Ctrl-R runs it, Tab completes, Esc leaves the editor".into()
        }
        (None, None, None) => "e edits the statement, r runs it".into(),
    };
    let style = match (query.running, &query.error) {
        (None, Some(_)) => theme.bad(),
        (None, None) if query.old => theme.warn(),
        _ => theme.accent(),
    };
    let line = format!("── {said} ");
    let used = text(buf, rest.x, rest.y, rest.width, &line, style);
    let rule = "─".repeat(usize::from(rest.width.saturating_sub(used)));
    text(buf, rest.x + used, rest.y, rest.width - used, &rule, theme.dim());
    let rest = below(rest, 1);
    if let (None, Some(fault)) = (query.running, &query.error) {
        let hint = match (&state.link, query.typing) {
            (Link::Live, _) => fault.hint.as_deref(),
            (_, true) => Some("Esc leaves the editor, then S starts the daemon."),
            (_, false) => Some("S starts the daemon."),
        };
        let hint = hint.map(|h| format!("\n{h}")).unwrap_or_default();
        let said = format!("{}{hint}", fault.message);
        for (y, line) in (rest.y..rest.bottom()).zip(wrapped(&said, rest.width)) {
            text(buf, rest.x, y, rest.width, &line, theme.text());
        }
        return;
    }
    if query.result.is_some() {
        table::draw(&query.sheet, |row| query.cells(row), &[], theme, rest, buf);
    }
}

/// The statement, scrolled so that the cursor is in sight. Drawn here rather than by the editor's own widget, so that every
/// line is cleaned like all text.
fn editor(state: &State, theme: Theme, area: Rect, buf: &mut Buffer) {
    let query = &state.query;
    let lines = query.text.lines();
    let cursor = query.text.cursor();
    let bar = "▏";
    let inside = Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
    if !query.typing && query.error.is_none() && lines.iter().any(|l| !l.is_empty()) {
        // Nobody writes on it: it is shown from its beginning, on as few lines as leave room for the rows.
        let folded = query.folded(usize::from(state.folded_most()), usize::from(inside.width));
        for (y, line) in (area.y..area.bottom()).zip(&folded) {
            text(buf, area.x, y, 1, bar, theme.dim());
            text(buf, inside.x, y, inside.width, line, theme.dim());
        }
        return;
    }
    let top = (cursor.0 + 1).saturating_sub(usize::from(area.height));
    // Columns before the cursor on its line.
    let width = |n: usize| -> usize {
        let line = lines.get(cursor.0).map(String::as_str).unwrap_or_default();
        line.chars().take(n).map(|c| c.width().unwrap_or(0)).sum()
    };
    let at = width(cursor.1);
    let shift = (at + 1).saturating_sub(usize::from(inside.width));
    let place = query.place().filter(|_| query.error.is_some());
    for (y, (i, line)) in (area.y..area.bottom()).zip(lines.iter().enumerate().skip(top)) {
        let style = if query.typing { theme.accent() } else { theme.dim() };
        text(buf, area.x, y, 1, bar, style);
        let mut skipped = 0;
        let shown: String = line
            .chars()
            .skip_while(|c| {
                let skip = i == cursor.0 && skipped < shift;
                skipped += c.width().unwrap_or(0);
                skip
            })
            .collect();
        let style = if query.typing { theme.text() } else { theme.dim() };
        text(buf, inside.x, y, inside.width, &shown, style);
        if i != cursor.0 {
            continue;
        }
        let x = inside.x + u16::try_from(at - shift).unwrap_or(u16::MAX).min(inside.width.saturating_sub(1));
        let spot = Rect { x, y, width: 1, height: 1 }.intersection(buf.area);
        if query.typing {
            buf.set_style(spot, Style::new().add_modifier(Modifier::REVERSED));
        } else if place.is_some() {
            buf.set_style(spot, theme.bad().add_modifier(Modifier::UNDERLINED));
        }
    }
    if lines.iter().all(String::is_empty) && !query.typing {
        text(buf, inside.x, area.y, inside.width, "No statement yet: e begins one.", theme.dim());
    }
}
