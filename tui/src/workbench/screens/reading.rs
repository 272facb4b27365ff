//! How a file was read: each decision with its reason, what the user set, the columns, what could not be placed. What is
//! shown is a list of lines, which the keys walk over.

use std::collections::BTreeMap;

use dropforge_shared::file::{FileState, FileView};
use dropforge_shared::job::JobView;
use dropforge_shared::reading::Reading;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::state::{Data, Loaded, State, scrolled, types_set};
use super::super::theme::Theme;
use super::super::widgets::{count, counted, over, pieces, stage, text, wrapped};

/// A line of the tab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A heading.
    Head(String),
    /// Something to know.
    Note(String),
    /// Something that went wrong.
    Bad(String),
    /// What is set but not read with yet.
    Wanted(String),
    /// A decision.
    Decision {
        /// What was decided.
        what: String,
        /// What it was decided to be.
        value: String,
        /// Why.
        why: String,
        /// Whether the user decided.
        set: bool,
    },
    /// A column and its type.
    Column {
        /// Its name.
        name: String,
        /// Its type.
        kind: String,
        /// The type that the user set.
        set: Option<String>,
        /// Why it has the type, where that was written down.
        why: String,
    },
    /// A record that was not placed.
    Rejected {
        /// Its line in the file.
        line: String,
        /// Why.
        reason: String,
        /// The record.
        record: String,
    },
}

/// All lines of the open file, whether it could be read or not.
pub fn lines(state: &State) -> Vec<Line> {
    let (Some(data), Some(file)) = (&state.data, state.open_file()) else { return Vec::new() };
    let mut out = Vec::new();
    again(data, state, file, &mut out);
    wanted(data, file, &mut out);
    if !state.readable() {
        return out;
    }
    if let Some(origin) = &file.origin {
        let from = origin.file.as_ref().and_then(|f| state.file(f)).map(|f| format!("from {}: ", f.name));
        out.push(Line::Note(format!("made {}{}", from.unwrap_or_default(), origin.how)));
    }
    let reading = match &data.reading.reading {
        Loaded::Yes(reading) => reading,
        Loaded::No | Loaded::Asked => {
            out.push(Line::Note("Reading…".into()));
            return out;
        }
        Loaded::Failed(why) => {
            out.push(Line::Bad(format!("How it was read is not known: {why}")));
            return out;
        }
    };
    summary(reading, &mut out);
    let set = &file.settings;
    for d in reading.decisions.iter().filter(|d| !d.what.starts_with("type of ")) {
        let (by_user, why) = why(&d.why);
        let set = by_user || set.contains_key(&d.what);
        out.push(Line::Decision { what: d.what.clone(), value: shown(&d.value), why: why.to_owned(), set });
    }
    out.extend(reading.notes.iter().map(|n| Line::Note(format!("note: {n}"))));
    if reading.parts.len() > 1 {
        let part = reading.part.as_deref().unwrap_or("the first");
        let all = reading.parts.join(", ");
        out.push(Line::Note(format!("read: {part}, of these: {all}")));
    }
    let types = types_set(data.reading.set(set));
    out.push(Line::Head(format!("Columns · {} · Enter sets a type", count(reading.columns.len() as u64))));
    for column in &reading.columns {
        let what = format!("type of {}", column.name);
        let decision = reading.decisions.iter().find(|d| d.what == what);
        let why = decision.map(|d| why(&d.why).1.to_owned()).unwrap_or_default();
        let (name, kind) = (column.name.clone(), column.kind.name().to_owned());
        let set = types.get(&name).cloned();
        out.push(Line::Column { name, kind, set, why });
    }
    rejected(data, reading, &mut out);
    out
}

/// How the reading goes that was asked for last, or why there is nothing of it.
fn again(data: &Data, state: &State, file: &FileView, out: &mut Vec<Line>) {
    let failed = data.reading.again.as_ref().and_then(|a| a.failed.as_ref());
    if let Some(again) = data.reading.under_way() {
        let how = match state.job(&again.job) {
            Some(JobView { progress: Some(now), .. }) => stage(now),
            Some(job) => job.state.name().to_owned(),
            None => "not known".to_owned(),
        };
        out.push(Line::Note(format!("It is being read again · {how}")));
        let changes = changes(&file.settings, &again.with);
        out.extend(changes.into_iter().map(|c| Line::Note(format!("  {c}"))));
    } else if file.state == FileState::Failed {
        // The screen says already why.
    } else if let Some(why) = failed {
        out.push(Line::Bad(why.clone()));
    } else if let Some(why) = &file.error {
        // It was not asked for here, or in an earlier session.
        out.push(Line::Bad(why.clone()));
    }
}

/// What is set and waits for a reading.
fn wanted(data: &Data, file: &FileView, out: &mut Vec<Line>) {
    let Some(wanted) = &data.reading.wanted else { return };
    out.push(Line::Wanted("Set, but not read with yet · r reads it again, u leaves it".into()));
    let changes = changes(data.reading.read_with(&file.settings), wanted);
    out.extend(changes.into_iter().map(|c| Line::Wanted(format!("  {c}"))));
}

/// What a set of settings changes in another one.
fn changes(before: &BTreeMap<String, String>, wanted: &BTreeMap<String, String>) -> Vec<String> {
    let set = wanted.iter().filter(|(name, value)| before.get(*name) != Some(*value));
    let unset = before.keys().filter(|name| !wanted.contains_key(*name));
    set.map(|(name, value)| format!("{name} = {}", shown(value).replace('\n', ", ")))
        .chain(unset.map(|name| format!("{name}: as found")))
        .collect()
}

/// Whether a reason says that the user decided, and what it says beside that.
fn why(reason: &str) -> (bool, &str) {
    match reason.strip_prefix("set by the user") {
        Some(rest) => (true, rest.trim_start_matches([',', ' '])),
        None => (false, reason),
    }
}

/// A value that can be seen: blanks by name.
fn shown(value: &str) -> String {
    match value {
        "\t" => "tab".into(),
        " " => "space".into(),
        "" => "none".into(),
        other => other.to_owned(),
    }
}

fn summary(r: &Reading, out: &mut Vec<Line>) {
    let packed = r.compression.as_deref().map(|c| format!(" in {c}")).unwrap_or_default();
    out.push(Line::Head(format!(
        "{}{packed} · {} read, {} not placed",
        r.format,
        counted(r.rows, "row"),
        count(r.rejected_rows)
    )));
    let mut rest = Vec::new();
    for (what, value) in [
        ("encoding", &r.encoding),
        ("delimiter", &r.delimiter),
        ("quote", &r.quote),
        ("escape", &r.escape),
        ("comment", &r.comment),
    ] {
        // What was decided has a line of its own, with its reason.
        let told = r.decisions.iter().any(|d| d.what == what);
        if let Some(value) = value.as_ref().filter(|_| !told) {
            rest.push(format!("{what} {}", shown(value)));
        }
    }
    if let Some(header) = r.header.filter(|_| !r.decisions.iter().any(|d| d.what == "header")) {
        rest.push(if header { "with a header".into() } else { "without a header".into() });
    }
    if r.preamble_lines > 0 {
        rest.push(format!("{} before the table", counted(r.preamble_lines, "line")));
    }
    if r.footer_lines > 0 {
        rest.push(format!("{} after it", counted(r.footer_lines, "line")));
    }
    if !rest.is_empty() {
        out.push(Line::Note(rest.join(" · ")));
    }
}

fn rejected(data: &Data, reading: &Reading, out: &mut Vec<Line>) {
    if reading.rejected_rows == 0 {
        return;
    }
    out.push(Line::Head(format!(
        "Not placed · {} · Enter shows one whole",
        counted(reading.rejected_rows, "record")
    )));
    match &data.reading.rejected {
        Loaded::Yes(all) => {
            out.extend(all.rows.iter().map(|r| Line::Rejected {
                line: r.line.clone(),
                reason: r.reason.clone(),
                record: r.record.clone(),
            }));
            if all.more {
                out.push(Line::Note(
                    "… and more: `dropforge export` gives all of them as rejected.csv".into(),
                ));
            }
        }
        Loaded::No | Loaded::Asked => out.push(Line::Note("Reading…".into())),
        Loaded::Failed(why) => out.push(Line::Bad(why.clone())),
    }
}

/// Draws it.
pub(super) fn draw(state: &State, data: &Data, theme: Theme, area: Rect, buf: &mut Buffer) {
    let lines = lines(state);
    let at = data.reading.at.min(lines.len().saturating_sub(1));
    // A reason that is too long for its line has the last one to itself.
    let why = match lines.get(at) {
        Some(Line::Decision { why, .. } | Line::Column { why, .. }) => wrapped(why, area.width),
        Some(Line::Bad(what) | Line::Note(what)) if what.chars().count() > usize::from(area.width) => {
            wrapped(what, area.width)
        }
        _ => Vec::new(),
    };
    let foot = if area.width < 100 { u16::try_from(why.len().min(2)).unwrap_or(0) } else { 0 };
    let list = Rect { height: area.height.saturating_sub(foot), ..area };
    let top = scrolled(0, at, lines.len(), usize::from(list.height));
    for (y, (i, line)) in (list.y..list.bottom()).zip(lines.iter().enumerate().skip(top)) {
        one(line, theme, list, y, buf);
        if i == at {
            over(buf, list, y, theme.selected());
        }
    }
    for (y, line) in (list.bottom()..area.bottom()).zip(&why) {
        text(buf, area.x, y, area.width, line, theme.dim());
    }
}

/// Draws what there is to say of a file that could not be read as a table: what went wrong whole, as no key walks there.
pub(super) fn all(state: &State, theme: Theme, area: Rect, buf: &mut Buffer) {
    let mut y = area.y;
    for line in lines(state) {
        let rows = match &line {
            Line::Bad(what) => wrapped(what, area.width).into_iter().map(Line::Bad).collect(),
            _ => vec![line],
        };
        for row in rows.iter().take(usize::from(area.bottom().saturating_sub(y))) {
            one(row, theme, area, y, buf);
            y += 1;
        }
    }
}

fn one(line: &Line, theme: Theme, area: Rect, y: u16, buf: &mut Buffer) {
    let wide = area.width >= 100;
    let names = usize::from(area.width / 4).clamp(10, 28);
    let pad = |what: &str, width: usize| {
        use unicode_width::UnicodeWidthStr;
        let fitted = dropforge_shared::clean::fit(what, width);
        format!("{fitted}{}", " ".repeat(width.saturating_sub(fitted.width()) + 1))
    };
    match line {
        Line::Head(what) => {
            text(buf, area.x, y, area.width, what, theme.strong());
        }
        Line::Note(what) => {
            text(buf, area.x, y, area.width, what, theme.dim());
        }
        Line::Bad(what) => {
            text(buf, area.x, y, area.width, what, theme.bad());
        }
        Line::Wanted(what) => {
            text(buf, area.x, y, area.width, what, theme.warn());
        }
        Line::Decision { what, value, why, set } => {
            let by = match (*set, why.is_empty()) {
                (true, true) => "set by you",
                (true, false) => "set by you · ",
                (false, _) => "",
            };
            let parts = [pad(what, names), pad(value, names)];
            pieces(
                buf,
                area,
                y,
                &[
                    (&parts[0], theme.text()),
                    (&parts[1], theme.strong()),
                    (by, theme.accent()),
                    (why, theme.dim()),
                ],
            );
        }
        Line::Column { name, kind, set, why } => {
            let why = if wide || set.is_none() { why.as_str() } else { "" };
            let gap = if why.is_empty() { "" } else { " · " };
            let set = set.as_deref().map(|t| format!("set by you to {t}{gap}")).unwrap_or_default();
            let parts = [pad(name, names), pad(kind, 10)];
            pieces(
                buf,
                area,
                y,
                &[
                    (&parts[0], theme.text()),
                    (&parts[1], theme.strong()),
                    (&set, theme.accent()),
                    (why, theme.dim()),
                ],
            );
        }
        Line::Rejected { line, reason, record } => {
            let (line, reason) =
                (pad(&format!("line {line}"), 12), pad(reason, usize::from(area.width) / 2 - 6));
            pieces(buf, area, y, &[(&line, theme.dim()), (&reason, theme.warn()), (record, theme.text())]);
        }
    }
}
