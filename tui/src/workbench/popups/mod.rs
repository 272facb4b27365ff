//! What lies over a screen: a question, the help, the palette, a message. State here, drawing in one file each; the keys
//! are in the action table.

mod confirm;
mod form;
mod frame;
mod help;
mod message;
mod palette;
mod pick;

use dropforge_shared::config::ByteSize;
use dropforge_shared::service::{RemovalItem, RemovalPlan};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tui_input::Input;

use super::actions::{ActionSpec, Cmd, Context};
use super::effect::Effect;
use super::state::State;
use super::theme::Theme;

pub use form::{Field, Form, Formed};
pub use pick::{Item, Pick, Picked};

/// A popup.
#[derive(Debug)]
pub enum Popup {
    /// A question before something that can't be undone.
    Confirm(Confirm),
    /// What the keys do, scrolled by so many lines, for the contexts below it.
    Help {
        /// Lines scrolled.
        top: usize,
        /// The contexts of the screen.
        contexts: Vec<Context>,
    },
    /// Commands by name.
    Palette(Palette),
    /// A choice from a list.
    Pick(Pick),
    /// Several values to fill in.
    Form(Form),
    /// A message.
    Message {
        /// Its heading.
        title: String,
        /// Its text.
        text: String,
        /// Whether something went wrong.
        bad: bool,
        /// Lines scrolled.
        top: usize,
    },
}

/// A question with two answers; no is the default.
#[derive(Debug)]
pub struct Confirm {
    /// The question.
    pub title: String,
    /// What it is about, line by line.
    pub lines: Vec<String>,
    /// What yes is called.
    pub yes: &'static str,
    /// Whether yes is chosen.
    pub chosen: bool,
    /// Lines scrolled.
    pub top: usize,
    /// What yes does.
    pub effect: Effect,
}

/// The palette.
#[derive(Debug, Default)]
pub struct Palette {
    /// What is typed.
    pub input: Input,
    /// The selected line.
    pub index: usize,
    /// The commands that are valid below it.
    pub commands: Vec<&'static ActionSpec>,
    /// Whether a number goes to a row.
    pub rows: bool,
}

impl Palette {
    /// The commands whose title has all typed words.
    pub fn matches(&self) -> Vec<&'static ActionSpec> {
        let typed = self.input.value().to_lowercase();
        let words: Vec<&str> = typed.split_whitespace().collect();
        let fits = |s: &&&ActionSpec| words.iter().all(|w| s.title.to_lowercase().contains(w));
        self.commands.iter().filter(fits).copied().collect()
    }

    /// The row that is meant, where a number is typed over rows.
    pub fn row(&self) -> Option<u64> {
        let typed = self.input.value().trim();
        if self.rows { typed.parse::<u64>().ok()?.checked_sub(1) } else { None }
    }

    /// The selected command.
    pub fn selected(&self) -> Option<Cmd> {
        self.matches().get(self.index).map(|s| s.id)
    }
}

impl Popup {
    /// The contexts whose keys hold while it is open.
    pub fn contexts(&self) -> Vec<Context> {
        match self {
            Self::Confirm(_) => vec![Context::Confirm, Context::List, Context::Anywhere],
            Self::Help { .. } => vec![Context::Help, Context::List, Context::Anywhere],
            Self::Palette(_) => vec![Context::Palette, Context::Anywhere],
            Self::Pick(_) => vec![Context::Pick, Context::Anywhere],
            Self::Form(_) => vec![Context::Form, Context::Anywhere],
            Self::Message { .. } => vec![Context::Message, Context::List, Context::Anywhere],
        }
    }

    /// What a removal asks.
    pub fn removal(plan: RemovalPlan) -> Self {
        let mut lines: Vec<String> = plan.items.iter().map(removal_line).collect();
        lines.extend(plan.stays.iter().map(|item| format!("stays: {} ({}), made of it", item.name, item.id)));
        lines.push(format!("{} become free. What was exported stays.", ByteSize(plan.bytes)));
        let title = match plan.items.first() {
            Some(first) => format!("Delete {} {}?", first.kind, first.name),
            None => format!("Delete {}?", plan.id),
        };
        let effect = Effect::Remove { id: plan.id, token: plan.token };
        Self::Confirm(Confirm { title, lines, yes: "Delete", chosen: false, top: 0, effect })
    }

    /// A message.
    pub fn message(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Message { title: title.into(), text: text.into(), bad: false, top: 0 }
    }

    /// A message about something that went wrong.
    pub fn fault(fault: &dropforge_shared::fault::Fault) -> Self {
        let text = match &fault.hint {
            Some(hint) => format!("{}\n\n{hint}", fault.message),
            None => fault.message.clone(),
        };
        Self::Message { title: "That did not work".into(), text, bad: true, top: 0 }
    }

    /// How far it can be scrolled in a window, and by how much at once.
    pub fn reach(&self, mouse: bool, area: Rect) -> (usize, usize) {
        let (lines, room) = match self {
            Self::Confirm(c) => confirm::reach(c, area),
            Self::Help { contexts, .. } => help::reach(contexts, mouse, area),
            Self::Message { text, .. } => message::reach(text, area),
            _ => (0, 0),
        };
        (lines.saturating_sub(room), room.saturating_sub(1).max(1))
    }

    /// Lines that it is scrolled down, where it scrolls.
    pub fn top(&mut self) -> Option<&mut usize> {
        match self {
            Self::Confirm(Confirm { top, .. }) | Self::Help { top, .. } | Self::Message { top, .. } => {
                Some(top)
            }
            _ => None,
        }
    }

    /// Draws it. Gives back where the terminal's cursor belongs, where text is typed.
    pub fn draw(&self, state: &State, theme: Theme, area: Rect, buf: &mut Buffer) -> Option<(u16, u16)> {
        match self {
            Self::Confirm(c) => confirm::draw(c, theme, area, buf),
            Self::Help { top, contexts } => help::draw(*top, contexts, state.mouse, theme, area, buf),
            Self::Message { title, text, bad, top } => {
                message::draw(title, text, *bad, *top, theme, area, buf);
            }
            Self::Pick(p) => return pick::draw(p, theme, area, buf),
            Self::Form(f) => return form::draw(f, theme, area, buf),
            Self::Palette(p) => return palette::draw(p, state, theme, area, buf),
        }
        None
    }
}

/// A line for one thing that goes. A content's id is its hash, which tells a person nothing.
fn removal_line(item: &RemovalItem) -> String {
    let mut line = item.kind.clone();
    if item.name != item.kind {
        line.push_str(&format!(" {}", item.name));
    }
    if matches!(item.kind.as_str(), "file" | "job" | "dataset") {
        line.push_str(&format!(" ({})", item.id));
    }
    if item.bytes > 0 {
        line.push_str(&format!(", {}", ByteSize(item.bytes)));
    }
    line
}
