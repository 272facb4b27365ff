//! An open file: the few pages of rows around the window, and what each tab knows. Knows which rows are missing; must not
//! fetch.

use std::ops::Range;

use dropforge_shared::ids::{FileId, JobId};
use dropforge_shared::page::{Cell, Page};
use dropforge_shared::profile::Profile;
use dropforge_shared::query::View;
use dropforge_shared::time::Timestamp;

use super::list::Cursor;
use super::sheet::Sheet;
use super::tabs::{Heat, Prepare, ReadingTab, TypeTab};

/// The fewest rows asked for at once.
const LEAST_ROWS: u64 = 40;

/// The tabs of a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// Its rows.
    Rows,
    /// Its columns' figures.
    Profile,
    /// Steps of preparation.
    Prepare,
    /// SQL.
    Query,
    /// How it was read.
    Reading,
    /// What kind of data it holds.
    Type,
}

impl Tab {
    /// All, in their order, each with its name.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Rows, "Rows"),
        (Self::Profile, "Profile"),
        (Self::Prepare, "Prepare"),
        (Self::Query, "Query"),
        (Self::Reading, "Reading"),
        (Self::Type, "Type"),
    ];

    /// The tab after this one, or before it; they go round.
    pub fn next(self, forward: bool) -> Self {
        let at = Self::ALL.iter().position(|(t, _)| *t == self).unwrap_or(0);
        let by = if forward { 1 } else { Self::ALL.len() - 1 };
        Self::ALL[(at + by) % Self::ALL.len()].0
    }
}

/// Something that is read once.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Loaded<T> {
    /// Nobody asked yet.
    #[default]
    No,
    /// On its way.
    Asked,
    /// Here.
    Yes(T),
    /// It could not be read.
    Failed(String),
}

impl<T> Loaded<T> {
    /// What is here.
    pub fn get(&self) -> Option<&T> {
        if let Self::Yes(it) = self { Some(it) } else { None }
    }

    /// Notes that it is asked for; false where nobody needs to.
    pub fn ask(&mut self) -> bool {
        let needed = matches!(self, Self::No);
        if needed {
            *self = Self::Asked;
        }
        needed
    }

    /// An answer that came.
    pub fn answered(result: Result<T, dropforge_shared::fault::Fault>) -> Self {
        match result {
            Ok(it) => Self::Yes(it),
            Err(fault) => Self::Failed(match fault.hint {
                Some(hint) => format!("{}. {hint}", fault.message.trim_end_matches('.')),
                None => fault.message,
            }),
        }
    }

    /// What failed is asked for again.
    pub fn retry(&mut self) {
        if matches!(self, Self::Failed(_)) {
            *self = Self::No;
        }
    }

    /// What was on its way will not come, and what failed may go well now.
    pub fn again(&mut self) {
        if !matches!(self, Self::Yes(_)) {
            *self = Self::No;
        }
    }
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
    /// Where the user is in the rows.
    pub sheet: Sheet,
    /// Which rows are shown, in which order.
    pub view: View,
    /// Pages around the window, in order.
    pub pages: Vec<Page>,
    /// The request that is under way: its first row.
    pub asked: Option<u64>,
    /// Why rows can't be read.
    pub error: Option<String>,
    /// Since when the first rows of a view are looked for.
    pub looking: Option<Timestamp>,
    /// A condition that was refused, and the column that it was for.
    pub refused: Option<(String, String)>,
    /// Whether figures of the column at the cursor lie beside the rows.
    pub stats: bool,
    /// The profile.
    pub profile: Loaded<Box<Profile>>,
    /// The selected line of the profile.
    pub profile_at: Cursor,
    /// The column whose details are shown.
    pub detail: Option<usize>,
    /// Lines scrolled down in the details.
    pub detail_top: usize,
    /// The correlations, while they are shown.
    pub heat: Option<Heat>,
    /// Steps of preparation.
    pub prepare: Prepare,
    /// How it was read.
    pub reading: ReadingTab,
    /// What kind of data it holds.
    pub types: TypeTab,
}

impl Data {
    /// A file of which nothing is known yet.
    pub fn new(file: FileId) -> Self {
        Self {
            file,
            job: None,
            tab: Tab::Rows,
            sheet: Sheet::default(),
            view: View::default(),
            pages: Vec::new(),
            asked: None,
            error: None,
            looking: None,
            refused: None,
            stats: false,
            profile: Loaded::No,
            profile_at: Cursor::default(),
            detail: None,
            detail_top: 0,
            heat: None,
            prepare: Prepare::default(),
            reading: ReadingTab::default(),
            types: TypeTab::default(),
        }
    }

    /// Forgets what was read: another job has written the data anew.
    pub fn forget(&mut self) {
        self.pages.clear();
        self.sheet.columns.clear();
        self.sheet.widths.clear();
        self.sheet.total = None;
        self.sheet.wish = None;
        self.asked = None;
        self.error = None;
        self.profile = Loaded::No;
        self.heat = None;
        self.detail = None;
        self.prepare = std::mem::take(&mut self.prepare).kept();
        self.reading = std::mem::take(&mut self.reading).kept();
        // There is a newer reading than the one that failed.
        self.reading.again.take_if(|a| a.failed.is_some());
        self.types = TypeTab::default();
    }

    /// Lets go of what can be read again; where the user was and what they set stays.
    pub fn rest(&mut self) {
        self.pages.clear();
        (self.asked, self.error) = (None, None);
        (self.profile, self.heat) = (Loaded::No, None);
        self.prepare.state.again();
        self.prepare.preview = None;
        self.reading = ReadingTab { at: self.reading.at, ..std::mem::take(&mut self.reading).kept() };
        self.types.detection = Loaded::No;
    }

    /// Whether the user made something here that nobody else knows.
    pub fn touched(&self) -> bool {
        let set = self.reading.wanted.is_some() || self.reading.again.is_some();
        set || self.prepare.cards.iter().any(|c| c.accepted || c.changed)
    }

    /// Shows other rows, or another order: from the first on, with nothing at hand.
    pub fn look(&mut self, view: View) {
        self.refused = None;
        self.view = view;
        self.pages.clear();
        self.asked = None;
        self.error = None;
        self.sheet.total = None;
        self.sheet.wish = None;
        (self.sheet.top, self.sheet.row) = (0, 0);
    }

    /// The cell at the cursor, where it is at hand.
    pub fn cell(&self) -> Option<&Cell> {
        self.cells(self.sheet.row)?.get(self.sheet.column)
    }

    /// A row's cells, where they are at hand.
    pub fn cells(&self, row: u64) -> Option<&[Cell]> {
        let page = self.pages.iter().find(|p| covers(p).contains(&row))?;
        page.rows.get((row - page.offset) as usize).map(Vec::as_slice)
    }

    /// The rows to ask for next: first what is in sight, then one window after it, then one before. One request at a time,
    /// so that a held key never queues more than the newest.
    pub fn missing(&self, height: u64) -> Option<Range<u64>> {
        if self.asked.is_some() || self.error.is_some() {
            return None;
        }
        let top = self.sheet.top;
        let Some(total) = self.sheet.total else { return Some(top..top + height.max(LEAST_ROWS)) };
        let end = (top + height).min(total);
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
        self.sheet.see(&page.columns, &page.rows);
        self.sheet.total = Some(page.total_rows);
        if page.rows.is_empty() && page.offset < page.total_rows {
            self.error = Some(format!("row {} could not be read", page.offset + 1));
        }
        self.pages.push(page);
        self.pages.sort_by_key(|p| p.offset);
        let top = self.sheet.top;
        let near = top.saturating_sub(2 * height)..top + 3 * height;
        self.pages.retain(|p| {
            let rows = covers(p);
            rows.start < near.end && near.start < rows.end
        });
        let row = self.sheet.wish.take().unwrap_or(self.sheet.row);
        self.sheet.go(row, height);
    }
}

fn covers(page: &Page) -> Range<u64> {
    page.offset..page.offset + page.rows.len() as u64
}

#[cfg(test)]
mod tests {
    use dropforge_shared::page::{Column, ColumnType};

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
            data.sheet.go(row, 20);
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
        data.sheet.go(500, 20);
        serve(&mut data, 20, 1_000, 7);
        for row in data.sheet.top - 20..data.sheet.top + 40 {
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
        data.sheet.go(99, 20);
        assert_eq!((data.sheet.row, data.sheet.top), (2, 0));
    }

    #[test]
    fn a_page_without_rows_ends_the_asking() {
        let mut data = Data::new(FileId::random());
        data.take(Page { rows: vec![], ..page(0..1, 10) }, 20);
        assert!(data.error.is_some());
        assert_eq!(data.missing(20), None);
    }
}
