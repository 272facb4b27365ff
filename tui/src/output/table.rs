//! Tables on standard output: columns as wide as they need, cut to the terminal, every text cleaned.

use dropforge_shared::clean;
use unicode_width::UnicodeWidthStr;

/// The narrowest that a column is cut to.
const NARROW: usize = 6;
/// The widest that a column is where there is no terminal to fit.
const WIDE: usize = 60;

/// Rows of text below a header.
#[derive(Debug, Default)]
pub(crate) struct Table {
    header: Vec<String>,
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns; a name that begins with `>` is set to the right, as numbers are.
    pub(crate) fn new<S: AsRef<str>>(columns: impl IntoIterator<Item = S>) -> Self {
        let mut table = Self::default();
        for column in columns {
            let name = column.as_ref();
            table.right.push(name.starts_with('>'));
            table.header.push(clean::line(name.strip_prefix('>').unwrap_or(name)).into_owned());
        }
        table
    }

    /// Adds a row.
    pub(crate) fn row<S: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(|c| clean::line(c.as_ref()).into_owned()).collect());
    }

    /// Text of at most `width` columns a line; trailing columns that do not fit at all are left out and counted.
    pub(crate) fn render(&self, width: Option<usize>) -> String {
        let mut widths: Vec<usize> = self.header.iter().map(|h| h.width()).collect();
        for row in &self.rows {
            for (i, cell) in row.iter().enumerate().take(widths.len()) {
                widths[i] = widths[i].max(cell.width()).min(WIDE);
            }
        }
        let mut shown = widths.len();
        if let Some(width) = width {
            let total = |w: &[usize]| w.iter().sum::<usize>() + 2 * w.len().saturating_sub(1);
            while total(&widths[..shown]) > width {
                let widest = widths[..shown].iter().copied().max().unwrap_or(0);
                if widest > NARROW.max(width / 8) {
                    if let Some(i) = widths[..shown].iter().position(|w| *w == widest) {
                        widths[i] -= 1;
                    }
                } else if shown > 1 {
                    shown -= 1;
                } else {
                    break;
                }
            }
        }
        let mut out = String::new();
        for row in std::iter::once(&self.header).chain(&self.rows) {
            let mut line = String::new();
            for (i, cell) in row.iter().enumerate().take(shown) {
                let cell = clean::fit(cell, widths[i]);
                let pad = widths[i].saturating_sub(cell.width());
                if i > 0 {
                    line.push_str("  ");
                }
                if self.right[i] {
                    line.extend(std::iter::repeat_n(' ', pad));
                    line.push_str(&cell);
                } else {
                    line.push_str(&cell);
                    line.extend(std::iter::repeat_n(' ', pad));
                }
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        if shown < widths.len() {
            out.push_str(&format!("({} more columns)\n", widths.len() - shown));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_fits_its_terminal_and_hostile_text_is_harmless() {
        let mut table = Table::new(["name", ">rows", "note"]);
        table.row(["a\u{1b}[31m", "12", &"long ".repeat(40)]);
        table.row(["数据", "3", "x"]);
        for width in [60, 80] {
            let text = table.render(Some(width));
            assert!(text.lines().all(|l| l.width() <= width), "{text}");
            assert!(!text.contains('\u{1b}'));
        }
        assert_eq!(table.render(Some(60)).lines().nth(2).unwrap(), "数据        3  x");
    }

    #[test]
    fn columns_that_do_not_fit_are_counted() {
        let table = Table::new((0..50).map(|i| format!("column {i}")));
        let text = table.render(Some(60));
        assert!(text.lines().all(|l| l.width() <= 60), "{text}");
        assert!(text.contains("more columns)"), "{text}");
    }
}
