//! A choice from a list that typing narrows.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tui_input::Input;

use super::super::state::Word;
use super::super::theme::Theme;
use super::super::widgets::{below, input, over, text};
use super::frame::frame;

/// What is done with the choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Picked {
    /// Go to the column.
    Column,
    /// Add a step of this operation.
    Step,
    /// Take the recipe's steps.
    Recipe,
    /// Put it in the place of a word of the statement.
    Completion(Word),
    /// Read the column as this type.
    ColumnType(String),
}

/// Something to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is.
    pub label: String,
    /// What one should know.
    pub note: String,
}

/// The choice.
#[derive(Debug)]
pub struct Pick {
    /// The heading.
    pub title: String,
    /// What is typed.
    pub input: Input,
    /// All there is.
    pub items: Vec<Item>,
    /// The selected one of those that fit.
    pub index: usize,
    /// What is done with it.
    pub then: Picked,
    /// Whether what is typed may be taken as it is where nothing fits.
    pub free: bool,
}

impl Pick {
    /// A choice of names.
    pub fn new(title: &str, items: Vec<Item>, then: Picked) -> Self {
        Self { title: title.into(), input: Input::default(), items, index: 0, then, free: false }
    }

    /// Those that have what is typed, the ones that begin with it first.
    pub fn matches(&self) -> Vec<&Item> {
        let typed = self.input.value().trim().to_lowercase();
        let has = |i: &&Item| i.label.to_lowercase().contains(&typed);
        let begins = |i: &&Item| i.label.to_lowercase().starts_with(&typed);
        let first = self.items.iter().filter(begins);
        first.chain(self.items.iter().filter(|i| has(i) && !begins(i))).collect()
    }

    /// The choice.
    pub fn chosen(&self) -> Option<String> {
        let typed = self.input.value().trim();
        let fits = self.matches().get(self.index).map(|i| i.label.clone());
        if self.free && (fits.is_none() || typed.contains(' ')) {
            return (!typed.is_empty()).then(|| typed.to_owned());
        }
        fits
    }
}

pub(super) fn draw(pick: &Pick, theme: Theme, area: Rect, buf: &mut Buffer) -> Option<(u16, u16)> {
    let height = u16::try_from(pick.items.len() + 2).unwrap_or(u16::MAX).clamp(3, 18);
    let inside = frame(&pick.title, 60, height, theme, area, buf);
    if inside.height == 0 {
        return None;
    }
    let x = inside.x + text(buf, inside.x, inside.y, inside.width, "> ", theme.strong());
    let cursor = input(&pick.input, theme, Rect { x, width: inside.right() - x, height: 1, ..inside }, buf);
    let list = below(inside, 1);
    let matches = pick.matches();
    if matches.is_empty() {
        let said = if pick.free { "Enter takes it as typed." } else { "Nothing has that." };
        text(buf, list.x, list.y, list.width, said, theme.dim());
    }
    let room = usize::from(list.height).max(1);
    let top = (pick.index + 1).saturating_sub(room);
    for (i, (y, item)) in (list.y..list.bottom()).zip(matches.iter().skip(top)).enumerate() {
        let used = text(buf, list.x, y, list.width, &item.label, theme.text()) + 2;
        text(buf, list.x + used, y, list.width.saturating_sub(used), &item.note, theme.dim());
        if top + i == pick.index {
            over(buf, list, y, theme.selected());
        }
    }
    Some(cursor)
}
