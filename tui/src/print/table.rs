//! A table that fits the terminal: text columns give way first, then whole columns, the least important first.

use dropforge_shared::clean;
use unicode_width::UnicodeWidthStr;

use super::{Screen, Tone};

/// Spaces between columns.
const GAP: usize = 2;
/// What a text column keeps at least.
const TEXT_MIN: usize = 8;

/// A column's heading and how it behaves where space is short.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    title: String,
    under: Option<String>,
    right: bool,
    shrinks: bool,
    drop: u8,
}

impl Column {
    fn new(title: &str, right: bool, shrinks: bool) -> Self {
        Self { title: clean::line(title).into_owned(), under: None, right, shrinks, drop: 0 }
    }

    /// Text that may be cut.
    pub(crate) fn text(title: &str) -> Self {
        Self::new(title, false, true)
    }

    /// Text that is of no use when cut: an id, a state.
    pub(crate) fn whole(title: &str) -> Self {
        Self::new(title, false, false)
    }

    /// A number: to the right, never cut.
    pub(crate) fn number(title: &str) -> Self {
        Self::new(title, true, false)
    }

    /// A second line of the heading.
    #[must_use]
    pub(crate) fn under(mut self, text: &str) -> Self {
        self.under = Some(clean::line(text).into_owned());
        self
    }

    /// Left out where space is short, the highest rank first. Without a rank, the columns on the right go first.
    #[must_use]
    pub(crate) fn drops(mut self, rank: u8) -> Self {
        self.drop = rank;
        self
    }
}

/// A cell's text and tone.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// A cell in a tone.
    pub(crate) fn toned(text: impl AsRef<str>, tone: Tone) -> Self {
        Self { text: clean::line(text.as_ref()).into_owned(), tone }
    }

    /// The name of a state in its tone.
    pub(crate) fn state(name: &str) -> Self {
        Self::toned(name, Tone::of_state(name))
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::toned(text, Tone::Plain)
    }
}

/// Headings and rows.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

/// A table as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Drawn {
    /// The lines.
    pub text: String,
    /// Headings of columns that found no room.
    pub hidden: Vec<String>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(columns: Vec<Column>) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// Adds a row; missing cells are empty.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// The table's lines, each at most as wide as the screen.
    pub(crate) fn draw(&self, screen: &Screen) -> Drawn {
        let shown = self.layout(screen.width);
        let mut text = String::new();
        let head: Vec<Cell> = self.columns.iter().map(|c| Cell::toned(&c.title, Tone::Bold)).collect();
        self.line(&mut text, &head, &shown, screen.colour);
        if self.columns.iter().any(|c| c.under.is_some()) {
            let under = self.columns.iter().map(|c| Cell::toned(c.under.as_deref().unwrap_or(""), Tone::Dim));
            self.line(&mut text, &under.collect::<Vec<_>>(), &shown, screen.colour);
        }
        for row in &self.rows {
            self.line(&mut text, row, &shown, screen.colour);
        }
        let hidden = (0..self.columns.len()).filter(|i| !shown.iter().any(|(s, _)| s == i));
        Drawn { text, hidden: hidden.map(|i| self.columns[i].title.clone()).collect() }
    }

    /// Which columns are shown, and how wide.
    fn layout(&self, width: Option<usize>) -> Vec<(usize, usize)> {
        let cap = width.unwrap_or(usize::MAX);
        let natural: Vec<usize> = (0..self.columns.len()).map(|i| self.natural(i).min(cap)).collect();
        let mut shown: Vec<(usize, usize)> = natural.iter().copied().enumerate().collect();
        let Some(width) = width else { return shown };
        let least = |(i, w): &(usize, usize)| if self.columns[*i].shrinks { (*w).min(TEXT_MIN) } else { *w };
        let gaps = |n: usize| n.saturating_sub(1) * GAP;
        let mut need = shown.iter().map(least).sum::<usize>() + gaps(shown.len());
        while need > width && shown.len() > 1 {
            let out = shown.iter().enumerate().max_by_key(|(_, (i, _))| (self.columns[*i].drop, *i));
            let Some((at, _)) = out else { break };
            need -= least(&shown.remove(at)) + GAP;
        }
        let mut total = shown.iter().map(|(_, w)| w).sum::<usize>() + gaps(shown.len());
        while total > width {
            let widest = shown.iter_mut().filter(|c| c.1 > least(c)).max_by_key(|(_, w)| *w);
            let Some((_, w)) = widest else { break };
            *w -= 1;
            total -= 1;
        }
        shown
    }

    fn natural(&self, column: usize) -> usize {
        let head = &self.columns[column];
        let titles = [head.title.as_str(), head.under.as_deref().unwrap_or("")];
        let cells = self.rows.iter().filter_map(|r| r.get(column)).map(|c| c.text.as_str());
        titles.into_iter().chain(cells).map(UnicodeWidthStr::width).max().unwrap_or(0)
    }

    fn line(&self, out: &mut String, cells: &[Cell], shown: &[(usize, usize)], colour: bool) {
        let empty = Cell::from("");
        for (place, (column, width)) in shown.iter().enumerate() {
            let cell = cells.get(*column).unwrap_or(&empty);
            let text = clean::fit(&cell.text, *width);
            let space = " ".repeat(width.saturating_sub(text.width()));
            let last = place + 1 == shown.len();
            if self.columns[*column].right {
                out.push_str(&space);
            }
            out.push_str(&cell.tone.paint(&text, colour));
            if !self.columns[*column].right && !last {
                out.push_str(&space);
            }
            if !last {
                out.push_str(&" ".repeat(GAP));
            }
        }
        out.truncate(out.trim_end_matches(' ').len());
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(width: usize) -> Screen {
        Screen { out_tty: true, err_tty: false, width: Some(width), colour: false }
    }

    fn files() -> Table {
        let mut table = Table::new(vec![
            Column::whole("ID"),
            Column::text("NAME"),
            Column::whole("STATE"),
            Column::number("ROWS"),
            Column::number("SIZE").drops(1),
            Column::text("PROJECT").drops(2),
        ]);
        let names = ["iris.csv", "\u{202e}vsc.exe\u{1b}[2J\n", "数据数据数据数据数据数据数据数据数据.csv", &"x".repeat(300)];
        for name in names {
            let cells = ["f0123456789", name, "ready", "1,234,567", "12.5 MiB", "a project with a long name"];
            table.row(cells.iter().map(Cell::from).collect());
        }
        table
    }

    #[test]
    fn lines_fit_whatever_the_names_hold() {
        for width in [60, 80, 120] {
            let drawn = files().draw(&screen(width));
            assert_eq!(drawn.text.lines().count(), 5, "a name with a newline stays one line:\n{}", drawn.text);
            for line in drawn.text.lines() {
                assert!(line.width() <= width, "{} > {width}: {line}", line.width());
                assert!(!line.chars().any(|c| c.is_control() || c == '\u{202e}'), "{line:?}");
            }
        }
    }

    #[test]
    fn ids_and_numbers_stay_whole_while_names_give_way() {
        for width in [60, 80] {
            let drawn = files().draw(&screen(width));
            for line in drawn.text.lines().skip(1) {
                assert!(line.starts_with("f0123456789  "), "{line}");
                assert!(line.contains("1,234,567"), "{line}");
            }
        }
        let at_60 = files().draw(&screen(60));
        assert!(at_60.hidden.is_empty(), "{:?}", at_60.hidden);
        let at_50 = files().draw(&screen(50));
        assert_eq!(at_50.hidden, ["PROJECT"]);
        assert_eq!(files().draw(&screen(41)).hidden, ["SIZE", "PROJECT"]);
    }

    #[test]
    fn numbers_are_aligned_to_the_right() {
        let mut table = Table::new(vec![Column::text("NAME"), Column::number("ROWS"), Column::text("X")]);
        table.row(vec!["a".into(), "5".into(), "end".into()]);
        table.row(vec!["bb".into(), "12,000".into(), "".into()]);
        let plain = Screen { width: None, ..screen(80) };
        assert_eq!(table.draw(&plain).text, "NAME    ROWS  X\na          5  end\nbb    12,000\n");
    }

    #[test]
    fn a_table_of_a_thousand_columns_shows_what_fits_and_names_the_rest() {
        let columns = (0..1000).map(|i| Column::text(&format!("column {i}")).under("text")).collect();
        let mut table = Table::new(columns);
        table.row((0..1000).map(|_| Cell::from("y".repeat(500))).collect());
        let drawn = table.draw(&screen(80));
        assert!(drawn.text.lines().all(|l| l.width() <= 80));
        assert!(drawn.text.starts_with("column 0"), "{}", drawn.text);
        assert_eq!(drawn.hidden.len() + drawn.text.matches("column ").count(), 1000);
        assert!(drawn.hidden.len() < 995, "several columns fit");
    }

    #[test]
    fn one_column_wider_than_the_screen_is_cut() {
        let mut table = Table::new(vec![Column::whole("ID")]);
        table.row(vec!["f0123456789".into()]);
        assert_eq!(table.draw(&screen(5)).text, "ID\nf012…\n");
    }
}
