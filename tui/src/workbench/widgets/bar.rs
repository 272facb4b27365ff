//! Bars: how far a stage is, and how values are spread.

use ratatui::buffer::Buffer;
use ratatui::style::Style;

use super::text;

/// A bar of `width` columns; only whole and half cells change as it grows, so that a tick costs few bytes.
pub fn progress(buf: &mut Buffer, x: u16, y: u16, width: u16, fraction: Option<f64>, style: Style) {
    let Some(fraction) = fraction else { return };
    let halves = (f64::from(width) * 2.0 * fraction.clamp(0.0, 1.0)).floor() as usize;
    let mut bar = "━".repeat(halves / 2);
    if halves % 2 == 1 {
        bar.push('╸');
    }
    let used = text(buf, x, y, width, &bar, style);
    text(buf, x + used, y, width - used, &"─".repeat(usize::from(width - used)), Style::new());
}

/// A histogram in one line: each character the counts of its share of the bins, against the fullest.
pub fn spark(counts: &[u64], width: usize) -> String {
    const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let columns = width.min(counts.len());
    let share = |i: usize| counts.len() * i / columns.max(1);
    let sums: Vec<u64> = (0..columns).map(|i| counts[share(i)..share(i + 1)].iter().sum()).collect();
    let most = sums.iter().copied().max().unwrap_or(0);
    sums.iter()
        .map(|&n| match n {
            0 => ' ',
            // A bin that holds something is never drawn as an empty one.
            n => LEVELS[((n as f64 / most as f64 * 8.0).ceil() as usize).clamp(1, 8) - 1],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;

    use super::*;

    #[test]
    fn a_spark_shows_the_shape() {
        assert_eq!(spark(&[0, 1, 4, 8], 4), " ▁▄█");
        assert_eq!(spark(&[1, 1, 4, 4], 2), "▂█", "bins are added up where there is less room");
        assert_eq!(spark(&[], 4), "");
        assert_eq!(spark(&[0, 0], 4), "  ");
    }

    #[test]
    fn a_bar_is_as_long_as_the_work_is_far() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 8, 1));
        progress(&mut buf, 0, 0, 8, Some(0.5), Style::new());
        assert_eq!(buf, Buffer::with_lines(["━━━━────"]));
    }
}
