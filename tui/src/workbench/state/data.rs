//! An open file: the few pages of rows around the window, and its profile. Knows which rows are missing; must not fetch.

use std::ops::Range;

use dropforge_shared::ids::{FileId, JobId};
use dropforge_shared::page::{Column, Page};
use dropforge_shared::profile::Profile;
use unicode_width::UnicodeWidthStr;

use super::list::Cursor;

/// The widest a column is drawn.
pub const WIDEST: u16 = 32;

/// The narrowest a column is drawn.
const NARROWEST: usize = 5;

/// The fewest rows asked for at once.
const LEAST_ROWS: u64 = 40;

/// The tabs of a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// Its rows.
    Rows,
    /// Its columns' figures.
    Profile,
}

/// Something that is read once.
#[derive(Debug, Clone, PartialEq)]
pub enum Loaded<T> {
    /// Nobody asked yet.
    No,
    /// On its way.
    Asked,
    /// Here.
    Yes(T),
    /// It could not be read.
    Failed(String),
}

/// An open file.
#[derive(Debug)]
pub struct Data {
    /// The file.
    pub file: FileId,
    /// The job whose outputs are shown, once the file is ready.
    pub job: Option<JobId>,
    /// The tab.
    pub tab: Tab,
    /// The columns, once a page came.
    pub columns: Vec<Column>,
    /// Their widths on the screen; they only grow, so that scrolling does not make columns dance.
    pub widths: Vec<u16>,
    /// Rows in all, once a page came.
    pub total: Option<u64>,
    /// Pages around the window, in order.
    pub pages: Vec<Page>,
    /// The request that is under way: its first row.
    pub asked: Option<u64>,
    /// Why rows can't be read.
    pub error: Option<String>,
    /// The first visible row.
    pub top: u64,
    /// The selected row.
    pub row: u64,
    /// The selected column.
    pub column: usize,
    /// The profile.
    pub profile: Loaded<Box<Profile>>,
    /// The selected line of the profile.
    pub profile_at: Cursor,
    /// The column whose details are shown.
    pub detail: Option<usize>,
    /// Lines scrolled down in the details.
    pub detail_top: usize,
}

impl Data {
    /// A file of which nothing is known yet.
    pub fn new(file: FileId) -> Self {
        Self {
            file,
            job: None,
            tab: Tab::Rows,
            columns: Vec::new(),
            widths: Vec::new(),
            total: None,
            pages: Vec::new(),
            asked: None,
            error: None,
            top: 0,
            row: 0,
            column: 0,
            profile: Loaded::No,
            profile_at: Cursor::default(),
            detail: None,
            detail_top: 0,
        }
    }

    /// Forgets what was read: another job has written the data anew.
    pub fn forget(&mut self) {
        self.pages.clear();
        self.columns.clear();
        self.widths.clear();
        self.total = None;
        self.asked = None;
        self.error = None;
        self.profile = Loaded::No;
    }

    /// A row's cells, where they are at hand.
    pub fn cells(&self, row: u64) -> Option<&[dropforge_shared::page::Cell]> {
        let page = self.pages.iter().find(|p| covers(p).contains(&row))?;
        page.rows.get((row - page.offset) as usize).map(Vec::as_slice)
    }

    /// Moves the selected row and scrolls as little as needed.
    pub fn go(&mut self, row: u64, height: u64) {
        let Some(last) = self.total.and_then(|t| t.checked_sub(1)) else { return };
        self.row = row.min(last);
        if self.row < self.top {
            self.top = self.row;
        } else if self.row >= self.top + height {
            self.top = self.row + 1 - height;
        }
        self.top = self.top.min((last + 1).saturating_sub(height));
    }

    /// The rows to ask for next: first what is in sight, then one window after it, then one before. One request at a time,
    /// so that a held key never queues more than the newest.
    pub fn missing(&self, height: u64) -> Option<Range<u64>> {
        if self.asked.is_some() || self.error.is_some() {
            return None;
        }
        let Some(total) = self.total else { return Some(self.top..self.top + height.max(LEAST_ROWS)) };
        let (top, end) = (self.top, (self.top + height).min(total));
        let after = end..(end + height).min(total);
        let before = top.saturating_sub(height)..top;
        [top..end, after, before].into_iter().find_map(|range| {
            let from = range.clone().find(|row| self.cells(*row).is_none())?;
            // A page of few rows is as dear as one of many: ask up to the next row at hand.
            let to =
                (from..(from + height.max(LEAST_ROWS)).min(total)).find(|row| self.cells(*row).is_some());
            Some(from..to.unwrap_or((from + height.max(LEAST_ROWS)).min(total)))
        })
    }

    /// Takes a page in and lets go of those that are far from the window.
    pub fn take(&mut self, page: Page, height: u64) {
        if self.columns != page.columns {
            self.columns = page.columns.clone();
            self.widths =
                self.columns.iter().map(|c| width(&c.name).max(c.kind.name().len() as u16)).collect();
        }
        for row in &page.rows {
            for (known, cell) in self.widths.iter_mut().zip(row) {
                if *known < WIDEST {
                    *known = (*known).max(width(&cell.display()));
                }
            }
        }
        self.total = Some(page.total_rows);
        if page.rows.is_empty() && page.offset < page.total_rows {
            self.error = Some(format!("row {} could not be read", page.offset + 1));
        }
        self.pages.push(page);
        self.pages.sort_by_key(|p| p.offset);
        let near = self.top.saturating_sub(2 * height)..self.top + 3 * height;
        self.pages.retain(|p| {
            let rows = covers(p);
            rows.start < near.end && near.start < rows.end
        });
        self.column = self.column.min(self.columns.len().saturating_sub(1));
        self.go(self.row, height);
    }
}

fn covers(page: &Page) -> Range<u64> {
    page.offset..page.offset + page.rows.len() as u64
}

fn width(text: &str) -> u16 {
    // Long texts need not be measured to the end.
    let short: String = text.chars().take(usize::from(WIDEST) + 1).collect();
    short.width().clamp(NARROWEST, usize::from(WIDEST)) as u16
}

#[cfg(test)]
mod tests {
    use dropforge_shared::page::{Cell, ColumnType};

    use super::*;

    fn page(rows: Range<u64>, total: u64) -> Page {
        Page {
            columns: vec![Column { name: "n".into(), kind: ColumnType::Integer }],
            offset: rows.start,
            rows: rows.map(|i| vec![Cell::Int(i as i64)]).collect(),
            total_rows: total,
            truncated_cells: 0,
        }
    }

    /// Answers requests like a daemon whose pages hold at most `most` rows, until nothing is missing.
    fn serve(data: &mut Data, height: u64, total: u64, most: u64) -> usize {
        let mut requests = 0;
        while let Some(range) = data.missing(height) {
            requests += 1;
            assert!(requests < 50, "the same rows are asked for again and again: {range:?}");
            let end = range.end.min(range.start + most).min(total);
            data.take(page(range.start..end, total), height);
        }
        requests
    }

    #[test]
    fn a_million_rows_are_walked_with_a_handful_in_memory() {
        let mut data = Data::new(FileId::random());
        let total = 1_000_000;
        serve(&mut data, 20, total, 10_000);
        for row in [0, 50, 999_999, 500_000, 500_019, 480_000] {
            data.go(row, 20);
            serve(&mut data, 20, total, 10_000);
            assert_eq!(data.cells(row), Some(&[Cell::Int(row as i64)][..]));
            let held: usize = data.pages.iter().map(|p| p.rows.len()).sum();
            assert!(held <= 200, "{held} rows held");
        }
    }

    #[test]
    fn pages_shorter_than_asked_for_are_filled_up() {
        let mut data = Data::new(FileId::random());
        serve(&mut data, 20, 1_000, 7);
        data.go(500, 20);
        serve(&mut data, 20, 1_000, 7);
        for row in data.top - 20..data.top + 40 {
            assert!(data.cells(row).is_some(), "row {row}");
        }
    }

    #[test]
    fn one_request_at_a_time() {
        let mut data = Data::new(FileId::random());
        data.asked = Some(0);
        assert_eq!(data.missing(20), None);
    }

    #[test]
    fn the_selection_stays_within_the_rows() {
        let mut data = Data::new(FileId::random());
        data.take(page(0..3, 3), 20);
        data.go(99, 20);
        assert_eq!((data.row, data.top), (2, 0));
    }

    #[test]
    fn a_page_without_rows_ends_the_asking() {
        let mut data = Data::new(FileId::random());
        data.take(Page { rows: vec![], ..page(0..1, 10) }, 20);
        assert!(data.error.is_some());
        assert_eq!(data.missing(20), None);
    }
}
