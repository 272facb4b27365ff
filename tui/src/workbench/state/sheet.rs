//! Where a user is in a table, and how wide its columns are drawn: the same for a dataset's rows and for what a query gave.
//! Must not know where the cells come from.

use std::collections::BTreeMap;

use dropforge_shared::page::{Cell, Column};
use unicode_width::UnicodeWidthStr;

/// The widest a column is drawn unless the user makes it wider.
pub const WIDEST: u16 = 32;

/// The narrowest a column is drawn unless the user makes it narrower.
const NARROWEST: usize = 5;

/// How far the user can go.
const LIMITS: (u16, u16) = (3, 200);

/// A place in a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    /// The columns, once known.
    pub columns: Vec<Column>,
    /// Their widths as measured; they only grow, so that scrolling does not make columns dance.
    pub widths: Vec<u16>,
    /// Widths that the user set, by the column's place.
    pub set: BTreeMap<usize, u16>,
    /// How many columns stay in sight.
    pub frozen: usize,
    /// Rows in all, once known.
    pub total: Option<u64>,
    /// The first visible row.
    pub top: u64,
    /// The selected row.
    pub row: u64,
    /// The selected column.
    pub column: usize,
    /// The row to go to once it is known how many there are.
    pub wish: Option<u64>,
}

impl Default for Sheet {
    fn default() -> Self {
        Self {
            columns: Vec::new(),
            widths: Vec::new(),
            set: BTreeMap::new(),
            frozen: 1,
            total: None,
            top: 0,
            row: 0,
            column: 0,
            wish: None,
        }
    }
}

impl Sheet {
    /// Takes columns and rows in: widths grow with what is seen.
    pub fn see(&mut self, columns: &[Column], rows: &[Vec<Cell>]) {
        if self.columns != columns {
            self.columns = columns.to_vec();
            self.widths = columns.iter().map(|c| width(&c.name).max(c.kind.name().len() as u16)).collect();
            self.set.clear();
        }
        for row in rows {
            for (known, cell) in self.widths.iter_mut().zip(row) {
                if *known < WIDEST {
                    *known = (*known).max(width(&cell.display()));
                }
            }
        }
        self.column = self.column.min(self.columns.len().saturating_sub(1));
    }

    /// Moves the selected row and scrolls as little as needed.
    pub fn go(&mut self, row: u64, height: u64) {
        let Some(total) = self.total else {
            self.wish = Some(row);
            return;
        };
        let Some(last) = total.checked_sub(1) else { return };
        self.row = row.min(last);
        if self.row < self.top {
            self.top = self.row;
        } else if self.row >= self.top + height {
            self.top = self.row + 1 - height;
        }
        self.top = self.top.min((last + 1).saturating_sub(height));
    }

    /// The selected column.
    pub fn selected(&self) -> Option<&Column> {
        self.columns.get(self.column)
    }

    /// How wide a column is drawn.
    pub fn width(&self, column: usize) -> u16 {
        let measured = self.widths.get(column).copied().unwrap_or(0);
        self.set.get(&column).copied().unwrap_or(measured)
    }

    /// Makes the selected column wider or narrower.
    pub fn widen(&mut self, by: i16) {
        let wanted = self.width(self.column).saturating_add_signed(by).clamp(LIMITS.0, LIMITS.1);
        self.set.insert(self.column, wanted);
    }

    /// Keeps the columns up to the selected one in sight, or lets them go.
    pub fn freeze(&mut self) {
        self.frozen = if self.frozen == self.column + 1 { 0 } else { self.column + 1 };
    }
}

fn width(text: &str) -> u16 {
    // Long texts need not be measured to the end.
    let short: String = text.chars().take(usize::from(WIDEST) + 1).collect();
    short.width().clamp(NARROWEST, usize::from(WIDEST)) as u16
}
