//! Several values to fill in. A value with a list of possible ones goes round with the arrows, any other is typed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tui_input::{Input, InputRequest};

use super::super::theme::Theme;
use super::super::widgets::{input, text, wrapped};
use super::frame::{frame, text_width};

/// What is done with the values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Formed {
    /// They are the columns and settings of the step with this id.
    Step(String),
    /// They say how to read.
    Reading,
}

/// A value.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it may be, or what it is when it is left empty.
    pub hint: String,
    /// All it may be; empty where it is typed.
    pub options: Vec<String>,
    /// What it is.
    pub input: Input,
}

impl Field {
    /// A value that is typed.
    pub fn typed(name: &str, value: &str, hint: &str) -> Self {
        Self { name: name.into(), hint: hint.into(), options: Vec::new(), input: Input::new(value.into()) }
    }

    /// A value out of a list.
    pub fn one_of(name: &str, value: &str, hint: &str, options: Vec<String>) -> Self {
        Self { options, ..Self::typed(name, value, hint) }
    }

    /// Takes typing in.
    pub fn edit(&mut self, request: InputRequest) {
        if self.options.is_empty() {
            self.input.handle(request);
            return;
        }
        let at = self.options.iter().position(|o| o == self.input.value());
        let len = self.options.len();
        let next = match (request, at) {
            (InputRequest::GoToNextChar | InputRequest::InsertChar(' '), at) => {
                at.map_or(0, |i| (i + 1) % len)
            }
            (InputRequest::GoToPrevChar, at) => at.map_or(0, |i| (i + len - 1) % len),
            // A letter goes to the next value that begins with it.
            (InputRequest::InsertChar(c), at) => {
                let from = at.map_or(0, |i| i + 1);
                let begins = |i: &usize| self.options[*i].to_lowercase().starts_with(c.to_ascii_lowercase());
                match (from..from + len).map(|i| i % len).find(begins) {
                    Some(i) => i,
                    None => return,
                }
            }
            _ => return,
        };
        self.input = Input::new(self.options[next].clone());
    }
}

/// The values.
#[derive(Debug)]
pub struct Form {
    /// The heading.
    pub title: String,
    /// The values.
    pub fields: Vec<Field>,
    /// The selected one.
    pub at: usize,
    /// What is done with them.
    pub then: Formed,
}

pub(super) fn draw(form: &Form, theme: Theme, area: Rect, buf: &mut Buffer) -> Option<(u16, u16)> {
    let width = text_width(area);
    let hint = form.fields.get(form.at).map(|f| wrapped(&f.hint, width)).unwrap_or_default();
    let hints = u16::try_from(hint.len().clamp(1, 3)).unwrap_or(1);
    let height = u16::try_from(form.fields.len()).unwrap_or(u16::MAX).saturating_add(hints + 1);
    let inside = frame(&form.title, width, height, theme, area, buf);
    let names = form.fields.iter().map(|f| f.name.chars().count()).max().unwrap_or(0);
    let names = u16::try_from(names).unwrap_or(u16::MAX).clamp(4, (inside.width / 2).max(4));
    let list = Rect { height: inside.height.saturating_sub(hints + 1), ..inside };
    let top = (form.at + 1).saturating_sub(usize::from(list.height));
    let mut cursor = None;
    for (i, (y, field)) in (list.y..list.bottom()).zip(form.fields.iter().skip(top)).enumerate() {
        let selected = top + i == form.at;
        let style = if selected { theme.strong() } else { theme.text() };
        text(buf, list.x, y, names, &field.name, style);
        let x = list.x + names + 1;
        let line = Rect { x, y, width: list.right().saturating_sub(x), height: 1 };
        if field.options.is_empty() {
            let at = input(&field.input, theme, line, buf);
            if selected {
                cursor = Some(at);
            }
        } else {
            let value = if field.input.value().is_empty() { "as found" } else { field.input.value() };
            let shown = if selected { format!("‹ {value} ›") } else { format!("  {value}") };
            text(buf, line.x, y, line.width, &shown, if selected { theme.selected() } else { theme.text() });
        }
    }
    let below = inside.bottom().saturating_sub(hints);
    for (y, line) in (below..inside.bottom()).zip(&hint) {
        text(buf, inside.x, y, inside.width, line, theme.dim());
    }
    cursor
}
