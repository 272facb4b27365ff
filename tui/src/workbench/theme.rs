//! What things look like: the sixteen colours of the terminal and its modifiers, so that light and dark themes of the user's
//! own both stay readable. Without colours (`NO_COLOR`, or the configuration) only modifiers are left. Must not know what is
//! drawn where.

use ratatui::style::{Color, Modifier, Style};

/// The styles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    colour: bool,
}

impl Theme {
    /// With or without colours.
    pub fn new(colour: bool) -> Self {
        Self { colour }
    }

    /// As the configuration and the environment say (<https://no-color.org>: set and not empty means none).
    pub fn from_env(wanted: bool) -> Self {
        Self::new(wanted && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()))
    }

    fn fg(self, colour: Color) -> Style {
        if self.colour { Style::new().fg(colour) } else { Style::new() }
    }

    /// Ordinary text.
    pub fn text(self) -> Style {
        Style::new()
    }

    /// Text of less weight.
    pub fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// Headings and names.
    pub fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The row or button that keys act on.
    pub fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// Keys in the footer, progress, what moves.
    pub fn accent(self) -> Style {
        self.fg(Color::Cyan)
    }

    /// What went well.
    pub fn good(self) -> Style {
        self.fg(Color::Green)
    }

    /// What is worth a look.
    pub fn warn(self) -> Style {
        self.fg(Color::Yellow).add_modifier(Modifier::BOLD)
    }

    /// What failed.
    pub fn bad(self) -> Style {
        self.fg(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// Text that a search found.
    pub fn found(self) -> Style {
        self.fg(Color::Yellow).add_modifier(Modifier::REVERSED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colour_no_style_names_one() {
        let theme = Theme::new(false);
        for style in [theme.text(), theme.dim(), theme.accent(), theme.good(), theme.warn(), theme.bad()] {
            assert_eq!((style.fg, style.bg), (None, None));
        }
        assert_ne!(theme.bad(), theme.text(), "a failure must still stand out");
    }
}
