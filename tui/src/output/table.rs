//! Tables on standard output, every text cleaned. Where a terminal is narrow, free text gives way first, then whole columns,
//! the least important first; ids, numbers, moments and sizes are never cut, as half of one is wrong rather than short.

use dropforge_shared::clean;
use dropforge_shared::fault::Fault;
use unicode_width::UnicodeWidthStr;

/// Spaces between columns.
const GAP: usize = 2;
/// What a column of free text, and any heading, keeps at least.
const NARROW: usize = 8;
/// Where there is no terminal to fit, cells are padded up to here; longer ones stand out whole.
const PADDED: usize = 60;

/// A heading, and how its column behaves where room is short.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    title: String,
    right: bool,
    shrinks: bool,
    rank: u8,
}

impl Column {
    fn new(title: &str, right: bool, shrinks: bool) -> Self {
        Self { title: clean::line(title).into_owned(), right, shrinks, rank: 0 }
    }

    /// Free text, which may be cut.
    pub(crate) fn text(title: &str) -> Self {
        Self::new(title, false, true)
    }

    /// What is of no use when cut: an id, a state, a moment.
    pub(crate) fn whole(title: &str) -> Self {
        Self::new(title, false, false)
    }

    /// A number or a size: to the right, never cut.
    pub(crate) fn number(title: &str) -> Self {
        Self::new(title, true, false)
    }

    /// Left out where room is short, the highest rank first; among equals the one on the right.
    #[must_use]
    pub(crate) fn drops(mut self, rank: u8) -> Self {
        self.rank = rank;
        self
    }
}

/// Rows of text below a header.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self { columns: columns.into_iter().collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row<S: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(|c| clean::line(c.as_ref()).into_owned()).collect());
    }

    /// Writes it to standard output; what found no room is told on standard error, as it is no part of the table.
    pub(crate) fn print(&self) -> Result<(), Fault> {
        let (text, hidden) = self.render(super::width());
        super::out(&text)?;
        if hidden > 0 {
            super::note(&format!("({hidden} more columns)"));
        }
        Ok(())
    }

    /// Its lines, and how many columns found no room in `width` columns of a terminal.
    pub(crate) fn render(&self, width: Option<usize>) -> (String, usize) {
        let shown = self.layout(width);
        let mut text = String::new();
        let heading: Vec<&str> = self.columns.iter().map(|c| c.title.as_str()).collect();
        self.line(&mut text, &heading, &shown, width.is_some());
        for row in &self.rows {
            let cells: Vec<&str> = row.iter().map(String::as_str).collect();
            self.line(&mut text, &cells, &shown, width.is_some());
        }
        (text, self.columns.len() - shown.len())
    }

    /// Which columns are shown, and how wide.
    fn layout(&self, width: Option<usize>) -> Vec<(usize, usize)> {
        let mut cells = vec![0; self.columns.len()];
        for row in &self.rows {
            for (widest, cell) in cells.iter_mut().zip(row) {
                *widest = cell.width().max(*widest);
            }
        }
        let whole = |i: usize| cells[i].max(self.columns[i].title.width());
        let Some(width) = width else {
            return (0..cells.len()).map(|i| (i, whole(i).min(PADDED))).collect();
        };
        // The heading of a number may be a user's long name: it gives way, the numbers do not.
        let least = |i: usize| {
            let heading = self.columns[i].title.width().min(NARROW);
            if self.columns[i].shrinks { whole(i).min(NARROW) } else { cells[i].max(heading) }
        };
        let mut order: Vec<usize> = (0..cells.len()).collect();
        order.sort_by_key(|i| (self.columns[*i].rank, *i));
        let mut need = 0;
        let fits = order.iter().take_while(|i| {
            need += least(**i) + if need > 0 { GAP } else { 0 };
            need <= width
        });
        let fit = fits.count().max(1);
        let mut shown: Vec<(usize, usize)> =
            order.iter().take(fit).map(|i| (*i, whole(*i).min(width.max(least(*i))))).collect();
        shown.sort_unstable();
        let mut total = shown.iter().map(|(_, w)| w + GAP).sum::<usize>().saturating_sub(GAP);
        while total > width {
            let Some((_, widest)) = shown.iter_mut().filter(|(i, w)| *w > least(*i)).max_by_key(|(_, w)| *w)
            else {
                break;
            };
            *widest -= 1;
            total -= 1;
        }
        shown
    }

    fn line(&self, out: &mut String, cells: &[&str], shown: &[(usize, usize)], cut: bool) {
        let mut line = String::new();
        for (place, (column, width)) in shown.iter().enumerate() {
            let cell = cells.get(*column).copied().unwrap_or_default();
            let cell = if cut { clean::fit(cell, *width) } else { cell.to_owned() };
            let space = " ".repeat(width.saturating_sub(cell.width()));
            if place > 0 {
                line.push_str("  ");
            }
            if self.columns[*column].right {
                line.push_str(&space);
                line.push_str(&cell);
            } else {
                line.push_str(&cell);
                line.push_str(&space);
            }
        }
        out.push_str(line.trim_end_matches(' '));
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: &str = "2026-01-02T03:04:05.678Z";

    fn files() -> Table {
        let mut table = Table::new([
            Column::whole("id"),
            Column::text("name"),
            Column::number("rows"),
            Column::whole("added"),
            Column::text("project").drops(1),
        ]);
        for name in [
            "iris.csv",
            "\u{202e}vsc.exe\u{1b}[2J\n",
            "数据数据数据数据数据数据数据数据.csv",
            &"x".repeat(300),
        ] {
            table.row(["f0123456789", name, "1234567890", MOMENT, "a project with a long name"]);
        }
        table
    }

    #[test]
    fn ids_numbers_and_moments_stay_whole_while_names_give_way() {
        for width in [60, 80, 120] {
            let (text, hidden) = files().render(Some(width));
            assert_eq!(text.lines().count(), 5, "a name with a newline stays one line:\n{text}");
            assert_eq!(hidden, usize::from(width == 60), "{text}");
            for line in text.lines().skip(1) {
                assert!(line.width() <= width && !line.chars().any(char::is_control), "{line}");
                for whole in ["f0123456789", "1234567890", MOMENT] {
                    assert!(line.split(' ').any(|w| w == whole), "{whole}: {line}");
                }
            }
            assert!(!text.contains('\u{202e}') && !text.contains("more columns"), "{text}");
        }
    }

    #[test]
    fn numbers_stand_to_the_right_and_a_heading_is_just_a_name() {
        let mut table = Table::new([Column::text(">name"), Column::number("n"), Column::text("x")]);
        table.row(["a", "5", "end"]);
        table.row(["数据", "12", ""]);
        for width in [None, Some(80)] {
            assert_eq!(table.render(width).0, ">name   n  x\na       5  end\n数据   12\n");
        }
    }

    #[test]
    fn without_a_terminal_nothing_is_cut() {
        let (text, hidden) = files().render(None);
        assert!(text.contains(&"x".repeat(300)) && hidden == 0);
    }

    #[test]
    fn a_long_heading_gives_way_to_its_numbers() {
        let mut table = Table::new((0..3).map(|_| Column::number(&"heading".repeat(20))));
        table.row(["-9223372036854775808", "1.25", "3"]);
        let (text, hidden) = table.render(Some(60));
        assert!(
            text.contains("-9223372036854775808") && text.lines().all(|l| l.width() <= 60) && hidden == 0,
            "{text}"
        );
    }

    #[test]
    fn columns_that_do_not_fit_are_counted_and_the_others_are_the_first() {
        let mut table = Table::new((0..1000).map(|i| Column::text(&format!("column {i}"))));
        table.row((0..1000).map(|_| "y".repeat(500)));
        let (text, hidden) = table.render(Some(60));
        assert!(text.lines().all(|l| l.width() <= 60), "{text}");
        assert_eq!((hidden, text.starts_with("column 0 ")), (994, true), "{text}");
    }
}
