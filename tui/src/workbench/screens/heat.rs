//! How the columns of a dataset go together: a matrix of figures, so that it needs no colour; what is strong is bold.

use dropforge_shared::profile::Profile;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::super::state::{Heat, Measure, numbers, scrolled};
use super::super::theme::Theme;
use super::super::widgets::{below, count, pieces, right, text};

/// Columns for a figure with its shade.
const CELL: u16 = 6;

/// Draws it.
pub(super) fn draw(profile: &Profile, heat: Heat, theme: Theme, area: Rect, buf: &mut Buffer) {
    head(profile, heat, theme, area, buf);
    let Some(all) = heat.measure.of(profile) else { return };
    let names = (area.width / 4).clamp(8, 24);
    let mut grid = below(area, 1);
    let (shown, there) = (all.columns.len(), numbers(profile));
    if heat.measure != Measure::CramersV && shown < there {
        let said = format!("the first {} of {} columns of numbers", count(shown as u64), count(there as u64));
        text(buf, grid.x, grid.y, grid.width, &said, theme.warn());
        grid = below(grid, 1);
    }
    let across = usize::from((grid.width.saturating_sub(names + 1) / CELL).max(1));
    let down = usize::from(grid.height.saturating_sub(2)).max(1);
    let left = scrolled(0, heat.column, all.columns.len(), across);
    let top = scrolled(0, heat.row, all.columns.len(), down);
    for (i, name) in all.columns.iter().enumerate().skip(left).take(across) {
        let x = grid.x + names + 1 + (i - left) as u16 * CELL;
        let style = if i == heat.column { theme.selected() } else { theme.strong() };
        right(buf, x, grid.y, CELL - 1, name, style);
    }
    for (i, name) in all.columns.iter().enumerate().skip(top).take(down) {
        let y = grid.y + 1 + (i - top) as u16;
        let style = if i == heat.row { theme.selected() } else { theme.strong() };
        text(buf, grid.x, y, names, name, style);
        for j in left..(left + across).min(all.columns.len()) {
            let x = grid.x + names + 1 + (j - left) as u16 * CELL;
            let value = all.matrix.get(i).and_then(|r| r.get(j)).copied().flatten();
            let (what, mut style) = cell(value, i == j, theme);
            if (i, j) == (heat.row, heat.column) {
                style = style.patch(theme.selected()).add_modifier(Modifier::BOLD);
            }
            text(buf, x, y, CELL - 1, &what, style);
        }
    }
    let name = |i: usize| all.columns.get(i).map(String::as_str).unwrap_or_default();
    let value = all.matrix.get(heat.row).and_then(|r| r.get(heat.column)).copied().flatten();
    let said = match value {
        Some(_) if heat.row == heat.column => "the same column".into(),
        // Adding nothing takes the sign from what rounds to nothing.
        Some(value) => {
            let rounded = (value * 1e4).round() / 1e4 + 0.0;
            format!("{rounded:.4}, {}", strength(value, heat.measure))
        }
        None => "not known: one of them does not vary".into(),
    };
    let pair = format!("{} × {}: ", name(heat.row), name(heat.column));
    let y = grid.bottom().saturating_sub(1);
    pieces(buf, grid, y, &[(&pair, theme.text()), (&said, theme.strong())]);
}

fn head(profile: &Profile, heat: Heat, theme: Theme, area: Rect, buf: &mut Buffer) {
    let mut parts = Vec::new();
    for measure in Measure::ALL.into_iter().filter(|m| m.known(profile)) {
        let style = if measure == heat.measure { theme.selected() } else { theme.text() };
        parts.push((format!(" {} ", measure.name()), style));
    }
    let sampled = profile.association_rows.filter(|_| heat.measure != Measure::Pearson);
    // Two standard errors: what 19 of 20 samples keep.
    let error = profile.association_error.map_or_else(String::new, |e| format!(" ±{:.3}", 2.0 * e));
    let note = match sampled {
        Some(rows) => format!("  from {} rows{error} · m next, Esc back", count(rows)),
        None => "  m next, Esc back".into(),
    };
    parts.push((note, theme.dim()));
    let parts: Vec<(&str, Style)> = parts.iter().map(|(t, s)| (t.as_str(), *s)).collect();
    pieces(buf, area, area.y, &parts);
}

/// A figure in four characters and a shade of its strength.
fn cell(value: Option<f64>, same: bool, theme: Theme) -> (String, Style) {
    let Some(value) = value else { return ("   ? ".into(), theme.dim()) };
    if same {
        return ("   · ".into(), theme.dim());
    }
    let strong = value.abs();
    let shade = match strong {
        s if s >= 0.8 => '█',
        s if s >= 0.6 => '▓',
        s if s >= 0.4 => '▒',
        s if s >= 0.2 => '░',
        _ => ' ',
    };
    let digits = (strong * 100.0).round() as u32;
    // What rounds to nothing has no sign.
    let sign = if value < 0.0 && digits > 0 { '-' } else { ' ' };
    let figure = if digits >= 100 { "1.0".to_owned() } else { format!(".{digits:02}") };
    let style = match strong {
        s if s >= 0.6 => theme.strong(),
        s if s >= 0.2 => theme.text(),
        _ => theme.dim(),
    };
    let colour = if value < 0.0 { theme.bad() } else { theme.accent() };
    (format!("{sign}{figure}{shade}"), if strong >= 0.4 { colour.patch(style) } else { style })
}

/// A figure in a word (Cohen, 1988, "Statistical Power Analysis for the Behavioral Sciences": 0.1, 0.3, 0.5).
fn strength(value: f64, measure: Measure) -> String {
    let word = match value.abs() {
        v if v >= 0.5 => "strong",
        v if v >= 0.3 => "medium",
        v if v >= 0.1 => "weak",
        _ => "next to nothing",
    };
    match (measure, value < 0.0) {
        (Measure::CramersV, _) => word.into(),
        (_, true) => format!("{word}, one falls as the other rises"),
        (_, false) => format!("{word}, they rise together"),
    }
}
