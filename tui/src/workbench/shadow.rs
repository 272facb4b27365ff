//! What the terminal shows at the moment, cell by cell, and whether the next frame is the present one moved up or down within
//! some lines: then the terminal can move them itself, which costs a few bytes where drawing them anew costs a screen. Must
//! not write anything.

use std::hash::{DefaultHasher, Hash, Hasher};

use ratatui::buffer::Cell;
use unicode_width::UnicodeWidthStr;

/// Fewer changed cells than this are drawn as they are, and so are fewer lines: a selection that moves changes two.
const WORTH: (i64, usize) = (60, 4);

/// What moving lines costs, in cells that could be drawn instead.
const PRICE: i64 = 24;

/// Lines that move within a region. The terminal leaves blank what they leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shift {
    /// The first line of the region.
    pub top: u16,
    /// The last line of the region.
    pub bottom: u16,
    /// By how many lines; up where positive.
    pub up: i32,
}

/// A copy of the screen.
#[derive(Debug, Clone)]
pub struct Shadow {
    width: usize,
    height: usize,
    cells: Vec<Cell>,
}

impl Shadow {
    /// A blank screen.
    pub fn blank(width: u16, height: u16) -> Self {
        let (width, height) = (usize::from(width), usize::from(height));
        Self { width, height, cells: vec![Cell::EMPTY; width * height] }
    }

    /// Puts changed cells in. False where one lies outside: then this is no copy of the screen.
    pub fn put<'a>(&mut self, changes: impl Iterator<Item = (u16, u16, &'a Cell)>) -> bool {
        for (x, y, cell) in changes {
            let (x, y) = (usize::from(x), usize::from(y));
            if x >= self.width || y >= self.height {
                return false;
            }
            let at = y * self.width + x;
            let end = at + cell.symbol().width().clamp(1, self.width - x);
            // Of wide characters that are partly overwritten the terminal leaves blanks.
            if x > 0 && self.cells[at].symbol().is_empty() {
                self.cells[at - 1] = Cell::EMPTY;
            }
            let line = (y + 1) * self.width;
            let rest = self.cells[end..line].iter_mut().take_while(|c| c.symbol().is_empty());
            rest.for_each(|c| *c = Cell::EMPTY);
            self.cells[at] = cell.clone();
            // A wide character takes the cells after it, which are not drawn by themselves.
            self.cells[at + 1..end].fill(covered_cell());
        }
        true
    }

    /// The movement that leaves the least to be drawn on the way to another screen of this size, where one is worth it.
    pub fn shift_to(&self, next: &Self) -> Option<Shift> {
        let (old, new) = (self.marks(), next.marks());
        let (h, w) = (self.height, self.width);
        let differing = |a: &[u64], b: &[u64]| a.iter().zip(b).filter(|(a, b)| a != b).count() as i64;
        let blank = vec![mark(&Cell::EMPTY); w];
        let stay: Vec<i64> = (0..h).map(|y| differing(&old[y], &new[y])).collect();
        if stay.iter().sum::<i64>() < WORTH.0 || stay.iter().filter(|n| **n > 0).count() < WORTH.1 {
            return None;
        }
        let fresh: Vec<i64> = (0..h).map(|y| stay[y] - differing(&blank, &new[y])).collect();
        let mut best: Option<(i64, Shift)> = None;
        for by in (1..h).flat_map(|d| [d as i64, -(d as i64)]) {
            // What is saved line by line, where line y shows what line y + by showed.
            let (from, to) = if by > 0 { (0, h as i64 - by) } else { (-by, h as i64) };
            let (mut start, mut sum) = (from, 0);
            for y in from..to {
                let gain = stay[y as usize] - differing(&old[(y + by) as usize], &new[y as usize]);
                if sum <= 0 {
                    (start, sum) = (y, 0);
                }
                sum += gain;
                let (top, bottom) = if by > 0 { (start, y + by) } else { (start + by, y) };
                // The lines that are left blank are drawn from there.
                let bared = if by > 0 { y + 1..y + 1 + by } else { start + by..start };
                let total = sum + bared.map(|y| fresh[y as usize]).sum::<i64>() - PRICE;
                if total > 0 && best.is_none_or(|(most, _)| total > most) {
                    best = Some((total, Shift { top: top as u16, bottom: bottom as u16, up: by as i32 }));
                }
            }
        }
        best.map(|(_, shift)| shift)
    }

    fn marks(&self) -> Vec<Vec<u64>> {
        self.cells.chunks(self.width.max(1)).map(|line| line.iter().map(mark).collect()).collect()
    }

    /// Moves lines as the terminal does.
    pub fn shift(&mut self, shift: Shift) {
        let region = &mut self.cells
            [usize::from(shift.top) * self.width..(usize::from(shift.bottom) + 1) * self.width];
        let by = (shift.up.unsigned_abs() as usize * self.width).min(region.len());
        let len = region.len();
        if shift.up > 0 {
            region.rotate_left(by);
            region[len - by..].fill(Cell::EMPTY);
        } else {
            region.rotate_right(by);
            region[..by].fill(Cell::EMPTY);
        }
    }

    /// What must be drawn on the way to another screen of this size.
    pub fn changes<'a>(&self, next: &'a Self) -> Vec<(u16, u16, &'a Cell)> {
        let mut out = Vec::new();
        for y in 0..self.height {
            let mut x = 0;
            while x < self.width {
                let at = y * self.width + x;
                let cell = &next.cells[at];
                let wide = cell.symbol().width().clamp(1, self.width - x);
                if self.cells[at..at + wide] != next.cells[at..at + wide] && !cell.symbol().is_empty() {
                    out.push((x as u16, y as u16, cell));
                }
                x += wide;
            }
        }
        out
    }
}

/// What stands where the second half of a wide character is: nothing that could be drawn.
fn covered_cell() -> Cell {
    Cell::new("")
}

fn mark(cell: &Cell) -> u64 {
    let mut hasher = DefaultHasher::new();
    cell.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(lines: &[&str]) -> Shadow {
        let mut shadow = Shadow::blank(lines[0].len() as u16, lines.len() as u16);
        for (y, line) in lines.iter().enumerate() {
            for (x, c) in line.chars().enumerate() {
                let mut cell = Cell::EMPTY;
                cell.set_char(c);
                assert!(shadow.put([(x as u16, y as u16, &cell)].into_iter()));
            }
        }
        shadow
    }

    #[test]
    fn lines_that_went_up_are_found_between_those_that_stay() {
        let line = |c: char| c.to_string().repeat(40);
        let lines: Vec<String> = "habcdef".chars().map(line).collect();
        let moved: Vec<String> = "hbcdegf".chars().map(line).collect();
        let (a, b): (Vec<&str>, Vec<&str>) =
            (lines.iter().map(String::as_str).collect(), moved.iter().map(String::as_str).collect());
        let (old, new) = (screen(&a), screen(&b));
        assert_eq!(old.shift_to(&new), Some(Shift { top: 1, bottom: 5, up: 1 }));
        assert_eq!(new.shift_to(&old), Some(Shift { top: 1, bottom: 5, up: -1 }));
        let mut shifted = old.clone();
        shifted.shift(Shift { top: 1, bottom: 5, up: 1 });
        assert_eq!(shifted.changes(&new).len(), 40, "only the line that came");
    }

    #[test]
    fn a_small_change_is_not_worth_it() {
        let (old, new) = (screen(&["aaaa", "bbbb"]), screen(&["bbbb", "cccc"]));
        assert_eq!(old.shift_to(&new), None);
    }

    #[test]
    fn a_cell_outside_is_told() {
        assert!(!Shadow::blank(2, 2).put([(2, 0, &Cell::EMPTY)].into_iter()));
    }
}
