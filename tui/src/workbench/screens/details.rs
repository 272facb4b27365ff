//! One column of a profile in full: figures, quantiles, a histogram, the most frequent values, spellings of missing.

use dropforge_shared::profile::{ColumnProfile, Histogram, Profile};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::theme::Theme;
use super::super::widgets::{below, count, figure, text, wrapped};
use super::profile::{distinct, scalar, severity, share};

/// Draws it.
pub(super) fn draw(
    profile: &Profile,
    column: &ColumnProfile,
    top: usize,
    theme: Theme,
    area: Rect,
    buf: &mut Buffer,
) {
    let head = format!("{} · {} · Esc goes back", column.name, column.kind.name());
    text(buf, area.x, area.y, area.width, &head, theme.strong());
    let inside = below(area, 1);
    let lines = lines(profile, column, inside.width, theme);
    let top = top.min(lines.len().saturating_sub(usize::from(inside.height)));
    for (y, (line, style)) in (inside.y..inside.bottom()).zip(lines.into_iter().skip(top)) {
        text(buf, inside.x, y, inside.width, &line, style);
    }
}

fn lines(profile: &Profile, c: &ColumnProfile, width: u16, theme: Theme) -> Vec<(String, Style)> {
    let mut out: Vec<(String, Style)> = Vec::new();
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
        put("outliers", format!("{} (beyond 1.5 times the quartiles' distance)", count(c.outliers)));
    }
    if let Some(q) = c.quantiles {
        for (name, value) in
            [("5 %", q.p05), ("25 %", q.p25), ("median", q.p50), ("75 %", q.p75), ("95 %", q.p95)]
        {
            put(name, figure(value));
        }
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
        let room = usize::from(width).saturating_sub(44).clamp(4, 40);
        for value in &c.top {
            let name = dropforge_shared::clean::fit(&scalar(&value.value), 24);
            let bar = "█".repeat(bar_length(value.count, most, room));
            out.push((format!("{:>12}  {}  {bar}", count(value.count), pad(&name, 24)), theme.text()));
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
    out
}

fn histogram(h: &Histogram, width: u16, theme: Theme, out: &mut Vec<(String, Style)>) {
    let most = h.counts.iter().copied().max().unwrap_or(0).max(1);
    let room = usize::from(width).saturating_sub(44).clamp(4, 60);
    for (n, edges) in h.counts.iter().zip(h.edges.windows(2)) {
        let range = format!("{:>12} – {:<12}", figure(edges[0]), figure(edges[1]));
        let bar = "█".repeat(bar_length(*n, most, room));
        out.push((format!("{range} {:>12}  {bar}", count(*n)), theme.accent()));
    }
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
