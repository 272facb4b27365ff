//! One column of a profile in full: figures, a box plot, a histogram, the most frequent values, spellings of missing.

use dropforge_shared::profile::{ColumnProfile, Histogram, Profile, Scalar};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::theme::Theme;
use super::super::widgets::{below, count, figure, text, wrapped};
use super::profile::{distinct, scalar, severity, share};

/// From so many columns on, pictures stand beside the figures.
const BESIDE: u16 = 80;

/// Columns for the figures then.
const FIGURES: u16 = 34;

type Lines = Vec<(String, Style)>;

/// What is drawn: in one part, or the figures and the pictures beside them.
fn parts(profile: &Profile, column: &ColumnProfile, width: u16, theme: Theme) -> (Lines, Lines) {
    if width >= BESIDE {
        return (figures(profile, column, FIGURES, theme), pictures(column, width - FIGURES - 2, theme));
    }
    (lines(profile, column, width, theme), Vec::new())
}

/// How many lines it can be scrolled down in a window of so many columns and lines.
pub fn scrollable(profile: &Profile, column: &ColumnProfile, width: u16, height: usize) -> usize {
    let (left, right) = parts(profile, column, width, Theme::new(false));
    left.len().max(right.len()).saturating_sub(height)
}

/// Draws it.
pub(super) fn draw(
    profile: &Profile,
    column: &ColumnProfile,
    top: usize,
    theme: Theme,
    area: Rect,
    buf: &mut Buffer,
) {
    let inside = below(area, 1);
    let (left, right) = parts(profile, column, inside.width, theme);
    let all = left.len().max(right.len());
    let last = all.saturating_sub(usize::from(inside.height));
    let top = top.min(last);
    let more = if top < last { "↓ more · " } else { "" };
    let head = format!("{} · {} · {more}Esc goes back · ← → other columns", column.name, column.kind.name());
    text(buf, area.x, area.y, area.width, &head, theme.strong());
    let beside =
        Rect { x: inside.x + FIGURES + 2, width: inside.width.saturating_sub(FIGURES + 2), ..inside };
    let whole = if right.is_empty() { inside } else { Rect { width: FIGURES, ..inside } };
    for (part, area) in [(left, whole), (right, beside)] {
        for (y, (line, style)) in (area.y..area.bottom()).zip(part.into_iter().skip(top)) {
            text(buf, area.x, y, area.width, &line, style);
        }
    }
}

/// The same beside the rows, as far as there is room.
pub(super) fn draw_beside(
    profile: &Profile,
    column: &ColumnProfile,
    theme: Theme,
    area: Rect,
    buf: &mut Buffer,
) {
    text(buf, area.x, area.y, area.width, &column.name, theme.strong());
    let inside = below(area, 1);
    let lines = lines(profile, column, inside.width, theme);
    for (y, (line, style)) in (inside.y..inside.bottom()).zip(lines) {
        text(buf, inside.x, y, inside.width, &line, style);
    }
}

fn lines(profile: &Profile, c: &ColumnProfile, width: u16, theme: Theme) -> Lines {
    let mut out = figures(profile, c, width, theme);
    let pictures = pictures(c, width, theme);
    if !pictures.is_empty() {
        out.push((String::new(), theme.text()));
    }
    out.extend(pictures);
    out
}

/// What is worth a look, and the figures.
fn figures(profile: &Profile, c: &ColumnProfile, width: u16, theme: Theme) -> Lines {
    let mut out = Lines::new();
    for issue in profile.issues.iter().filter(|i| i.column.as_ref() == Some(&c.name)) {
        let (word, style) = severity(issue, theme);
        let said = format!("{} {}", word.trim_end(), issue.detail);
        out.extend(wrapped(&said, width).into_iter().map(|l| (l, style)));
    }
    let mut put = |name: &str, value: String| out.push((format!("{name:<10} {value}"), theme.text()));
    put("rows", count(profile.rows));
    put("missing", format!("{} ({})", count(c.nulls), share(c.nulls, profile.rows)));
    let error = if c.distinct_exact {
        String::new()
    } else {
        format!(" (estimate, ± {:.1}%)", c.distinct_error * 100.0)
    };
    put("distinct", format!("{}{error}", distinct(c)));
    for (name, value) in [("min", &c.min), ("max", &c.max)] {
        if let Some(value) = value {
            put(name, scalar(value));
        }
    }
    for (name, value) in [("mean", c.mean), ("std", c.std)] {
        if let Some(value) = value {
            put(name, figure(value));
        }
    }
    if c.kind.is_numeric() {
        put("zeros", count(c.zeros));
        put("outliers", format!("{} beyond 1.5 × IQR", count(c.outliers)));
        if let Some(skew) = c.skewness {
            put("skewness", figure(skew));
        }
    }
    if let Some(q) = c.quantiles {
        for (name, value) in
            [("5 %", q.p05), ("25 %", q.p25), ("median", q.p50), ("75 %", q.p75), ("95 %", q.p95)]
        {
            put(name, figure(value));
        }
    }
    out
}

/// Box plot, histogram, the most frequent values and the spellings of missing, with an empty line between them.
fn pictures(c: &ColumnProfile, width: u16, theme: Theme) -> Lines {
    let mut out = Lines::new();
    if let Some(plot) = box_plot(c, usize::from(width)) {
        out.push((String::new(), theme.text()));
        let legend = if width >= 50 {
            "box plot · ├ 5 %  ┤ 95 %  █ middle half  ┃ median"
        } else {
            "box plot ├ 5 %  █ half  ┃ 50 %  ┤ 95 %"
        };
        out.push((legend.into(), theme.strong()));
        out.push((plot, theme.accent()));
    }
    if let Some(h) = &c.histogram {
        out.push((String::new(), theme.text()));
        out.push(("histogram".into(), theme.strong()));
        histogram(h, width, theme, &mut out);
    }
    if !c.top.is_empty() {
        out.push((String::new(), theme.text()));
        out.push(("most frequent".into(), theme.strong()));
        let most = c.top.iter().map(|t| t.count).max().unwrap_or(1);
        let (names, room) = split(width, 24);
        for value in &c.top {
            let name = dropforge_shared::clean::fit(&scalar(&value.value), names);
            let bar = "█".repeat(bar_length(value.count, most, room));
            out.push((format!("{:>10} {} {bar}", count(value.count), pad(&name, names)), theme.text()));
        }
    }
    if !c.null_tokens.is_empty() {
        out.push((String::new(), theme.text()));
        out.push(("missing is written as".into(), theme.strong()));
        for (token, n) in &c.null_tokens {
            let token = if token.is_empty() { "(empty)" } else { token.as_str() };
            out.push((format!("{:>12}  {token}", count(*n)), theme.text()));
        }
    }
    if !out.is_empty() {
        // The empty line before the first of them.
        out.remove(0);
    }
    out
}

/// Columns for a name and for a bar after a count of ten.
fn split(width: u16, name: usize) -> (usize, usize) {
    let room = usize::from(width).saturating_sub(12);
    let name = name.min(room * 2 / 3);
    (name, room.saturating_sub(name).clamp(1, 60))
}

fn histogram(h: &Histogram, width: u16, theme: Theme, out: &mut Lines) {
    let most = h.counts.iter().copied().max().unwrap_or(0).max(1);
    let (names, room) = split(width, 25);
    for (n, edges) in h.counts.iter().zip(h.edges.windows(2)) {
        let range = if names >= 21 {
            format!("{:>1$} – ", figure(edges[0]), names / 2 - 2) + &figure(edges[1])
        } else {
            format!("{} –", figure(edges[0]))
        };
        let range = dropforge_shared::clean::fit(&range, names);
        let bar = "█".repeat(bar_length(*n, most, room));
        out.push((format!("{:>10} {} {bar}", count(*n), pad(&range, names)), theme.accent()));
    }
}

/// From the smallest value to the largest: whiskers at 5 % and 95 %, the box over the middle half, the median in it.
fn box_plot(c: &ColumnProfile, width: usize) -> Option<String> {
    let number = |s: &Option<Scalar>| match s {
        Some(Scalar::Int(i)) => Some(*i as f64),
        Some(Scalar::Float(f)) => Some(*f),
        _ => None,
    };
    let (q, min, max) = (c.quantiles?, number(&c.min)?, number(&c.max)?);
    // Halves first: the distance of two numbers may be beyond what a number can be.
    let span = max / 2.0 - min / 2.0;
    let finite = [min, max, q.p05, q.p25, q.p50, q.p75, q.p95].iter().all(|x| x.is_finite());
    if !finite || span <= 0.0 || width < 10 {
        return None;
    }
    let width = width.min(100);
    let at = |x: f64| (((x / 2.0 - min / 2.0) / span * (width - 1) as f64).round() as usize).min(width - 1);
    let mut line = vec!['·'; width];
    line[at(q.p05)..=at(q.p95).max(at(q.p05))].fill('─');
    line[at(q.p05)] = '├';
    line[at(q.p95)] = '┤';
    line[at(q.p25)..=at(q.p75).max(at(q.p25))].fill('█');
    line[at(q.p50)] = '┃';
    Some(line.into_iter().collect())
}

/// The length of a bar; what is there is never drawn as nothing.
fn bar_length(n: u64, most: u64, room: usize) -> usize {
    let length = (n as f64 / most.max(1) as f64 * room as f64).round() as usize;
    if n > 0 { length.max(1) } else { 0 }
}

fn pad(text: &str, width: usize) -> String {
    use unicode_width::UnicodeWidthStr;
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use dropforge_shared::page::ColumnType;
    use dropforge_shared::profile::Quantiles;

    use super::*;

    fn column(min: f64, max: f64, quantiles: Quantiles) -> ColumnProfile {
        ColumnProfile {
            name: "x".into(),
            kind: ColumnType::Float,
            nulls: 0,
            null_tokens: BTreeMap::new(),
            distinct: 1,
            distinct_exact: true,
            distinct_error: 0.0,
            min: Some(Scalar::Float(min)),
            max: Some(Scalar::Float(max)),
            mean: None,
            std: None,
            quantiles: Some(quantiles),
            zeros: 0,
            outliers: 0,
            skewness: None,
            histogram: None,
            top: vec![],
        }
    }

    #[test]
    fn a_box_lies_where_the_quantiles_are() {
        let q = Quantiles { p05: 10.0, p25: 40.0, p50: 50.0, p75: 60.0, p95: 90.0 };
        assert_eq!(box_plot(&column(0.0, 100.0, q), 11).as_deref(), Some("·├──█┃█──┤·"));
    }

    #[test]
    fn what_has_no_spread_has_no_box_and_the_largest_numbers_have_one() {
        let flat = Quantiles { p05: 1.0, p25: 1.0, p50: 1.0, p75: 1.0, p95: 1.0 };
        assert_eq!(box_plot(&column(1.0, 1.0, flat), 40), None);
        let wide = Quantiles { p05: -1e308, p25: -5e307, p50: 0.0, p75: 5e307, p95: 1e308 };
        assert!(box_plot(&column(-1.7e308, 1.7e308, wide), 40).is_some());
    }
}
