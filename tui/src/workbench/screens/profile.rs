//! The profile of a dataset: what is worth a look first, then a line a column.

use dropforge_shared::profile::{ColumnProfile, Issue, Profile, Scalar, Severity};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::state::{Data, Loaded, State, scrolled};
use super::super::theme::Theme;
use super::super::widgets::{Column, Grid, Row, below, count, figure, pieces, spark, text, wrapped};
use super::{details, heat};

/// Draws it.
pub(super) fn draw(_state: &State, data: &Data, theme: Theme, area: Rect, buf: &mut Buffer) {
    let profile = match &data.profile {
        Loaded::Yes(profile) => profile,
        Loaded::No | Loaded::Asked => {
            text(buf, area.x, area.y, area.width, "Reading…", theme.dim());
            return;
        }
        Loaded::Failed(why) => {
            for (y, line) in (area.y..area.bottom()).zip(wrapped(why, area.width)) {
                text(buf, area.x, y, area.width, &line, theme.bad());
            }
            return;
        }
    };
    if let Some(heat) = data.heat {
        heat::draw(profile, heat, theme, area, buf);
        return;
    }
    if let Some(column) = data.detail.and_then(|i| profile.columns.get(i)) {
        details::draw(profile, column, data.detail_top, theme, area, buf);
        return;
    }
    let mut used = issues(profile, theme, area, buf);
    used += target(profile, theme, area, area.y + used, buf);
    // A line between, where there is room.
    used += u16::from(area.height >= 14);
    columns(data, profile, theme, below(area, used), buf);
}

/// The word of a severity with a mark, so that it needs no colour, and its style.
pub(super) fn severity(issue: &Issue, theme: Theme) -> (&'static str, Style) {
    let style = match issue.severity {
        Severity::High => theme.bad(),
        Severity::Medium => theme.warn(),
        Severity::Low => theme.dim(),
    };
    (severity_word(issue.severity), style)
}

/// A severity in words, all of one width.
pub fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::High => "!! high  ",
        Severity::Medium => "!  medium",
        Severity::Low => "·  low   ",
    }
}

fn issues(profile: &Profile, theme: Theme, area: Rect, buf: &mut Buffer) -> u16 {
    if profile.issues.is_empty() {
        text(buf, area.x, area.y, area.width, "Nothing stands out.", theme.good());
        return 1;
    }
    // At most a third of the window: the columns matter as much.
    let room = usize::from(area.height / 3).max(1);
    let shown = if profile.issues.len() > room { room - 1 } else { profile.issues.len() };
    let mut y = area.y;
    for issue in &profile.issues[..shown] {
        let (word, style) = severity(issue, theme);
        let column = issue.column.as_deref().map(|c| format!(" {c}:")).unwrap_or_default();
        let detail = format!(" {}", issue.detail);
        pieces(buf, area, y, &[(word, style), (&column, theme.strong()), (&detail, theme.text())]);
        y += 1;
    }
    if shown < profile.issues.len() {
        let rest = profile.issues.len() - shown;
        let said = format!("{rest} more: e shows all, Enter on a column its own");
        text(buf, area.x, y, area.width, &said, theme.dim());
        y += 1;
    }
    y - area.y
}

/// What one would predict, as far as the profile can tell.
fn target(profile: &Profile, theme: Theme, area: Rect, y: u16, buf: &mut Buffer) -> u16 {
    let Some(t) = &profile.target else { return 0 };
    let what = format!(" {} · {:.0}% · ", t.problem, t.confidence * 100.0);
    pieces(
        buf,
        area,
        y,
        &[
            ("target    ", theme.accent()),
            (&t.column, theme.strong()),
            (&what, theme.text()),
            (&t.rationale, theme.dim()),
        ],
    );
    1
}

fn columns(data: &Data, profile: &Profile, theme: Theme, area: Rect, buf: &mut Buffer) {
    let wide = area.width >= 100;
    let middle = area.width >= 74;
    let mut columns = vec![
        Column::text("column", 0),
        Column::text("type", 8),
        Column::text("missing", 10),
        Column::number("distinct", 10),
    ];
    if middle {
        columns.push(Column::text("range", if wide { 25 } else { 17 }));
    }
    if wide {
        columns.push(Column::number("mean", 10));
    }
    columns.push(Column::text("spread", if wide { 20 } else { 10 }));
    let fixed: u16 = columns.iter().skip(1).map(|c| c.width + 1).sum();
    columns[0].width = area.width.saturating_sub(fixed).max(8);
    let bars = usize::from(columns.last().map_or(0, |c| c.width));
    let grid = Grid { columns, frozen: 1, wanted: 0, head: 1, style: theme.dim(), under: theme.dim() };
    let height = usize::from(area.height.saturating_sub(1));
    let at = data.profile_at.index;
    let top = scrolled(data.profile_at.top, at, profile.columns.len(), height);
    let rows: Vec<Row> = profile
        .columns
        .iter()
        .enumerate()
        .skip(top)
        .take(height)
        .map(|(i, c)| {
            let style = if i == at { theme.selected() } else { theme.text() };
            Row { cells: cells(c, profile.rows, (middle, wide), bars, theme), style, marked: None }
        })
        .collect();
    grid.draw(area, buf, rows.iter());
}

fn cells(
    c: &ColumnProfile,
    rows: u64,
    (middle, wide): (bool, bool),
    bars: usize,
    theme: Theme,
) -> Vec<(String, Style)> {
    let missing = if c.nulls > 0 { theme.warn() } else { theme.dim() };
    let mut cells = vec![
        (c.name.clone(), theme.text()),
        (c.kind.name().to_owned(), theme.dim()),
        (format!("{:>6} {}", share(c.nulls, rows), missing_bar(c.nulls, rows)), missing),
        (distinct(c), theme.text()),
    ];
    if middle {
        let ends = [&c.min, &c.max].map(|s| s.as_ref().map(scalar).unwrap_or_default());
        let range = if ends[0].is_empty() && ends[1].is_empty() { String::new() } else { ends.join(" – ") };
        cells.push((range, theme.text()));
    }
    if wide {
        cells.push((c.mean.map(figure).unwrap_or_default(), theme.text()));
    }
    let counts: Vec<u64> = match &c.histogram {
        Some(h) => h.counts.clone(),
        // Without a histogram the weight of the most frequent values shows how even a column is.
        None => c.top.iter().map(|t| t.count).collect(),
    };
    cells.push((spark(&counts, bars), theme.accent()));
    cells
}

/// How much of a column is missing, in three cells; a little is never drawn as nothing.
fn missing_bar(nulls: u64, rows: u64) -> String {
    if nulls == 0 || rows == 0 {
        return String::new();
    }
    let cells = (nulls as f64 / rows as f64 * 3.0).round().clamp(1.0, 3.0) as usize;
    format!("{}{}", "▓".repeat(cells), "░".repeat(3 - cells))
}

/// A part of a whole in per cent; a small part is never shown as none, nor a large one as all.
pub(super) fn share(part: u64, whole: u64) -> String {
    if part == 0 || whole == 0 {
        return "0%".into();
    }
    let percent = part as f64 / whole as f64 * 100.0;
    match percent {
        p if p < 0.1 => "<0.1%".into(),
        p if p > 99.9 && part < whole => ">99.9%".into(),
        p if p < 10.0 => format!("{p:.1}%"),
        p => format!("{p:.0}%"),
    }
}

/// How many different values, marked where it is an estimate.
pub(super) fn distinct(c: &ColumnProfile) -> String {
    let sign = if c.distinct_exact { "" } else { "≈" };
    format!("{sign}{}", count(c.distinct))
}

/// A value in few characters.
pub(super) fn scalar(value: &Scalar) -> String {
    match value {
        Scalar::Float(f) => figure(*f),
        other => other.display(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_never_rounded_to_none_or_all() {
        assert_eq!(share(0, 10), "0%");
        assert_eq!(share(1, 1_000_000), "<0.1%");
        assert_eq!(share(999_999, 1_000_000), ">99.9%");
        assert_eq!(share(10, 10), "100%");
        assert_eq!(share(1, 40), "2.5%");
    }
}
