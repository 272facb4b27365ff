//! What things look like. On a dark background the sixteen colours of the terminal, which a theme of the user's own chooses;
//! on a light one darker colours of the 256, as most terminals' own yellow, cyan and green are hardly readable there. Without
//! colours (`NO_COLOR`, or the configuration) only modifiers are left. Must not know what is drawn where.

use dropforge_shared::config::{Background, Screen};
use ratatui::style::{Color, Modifier, Style};

/// A colour for a dark background, and the one that means the same on a light background.
///
/// Contrast with white by the formula of WCAG 2.2 (<https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio>; text needs 4.5), for
/// the levels 0, 95, 135, 175, 215 and 255 of xterm's cube (its `256colres.pl`). In brackets what the colour of the same
/// meaning among the first sixteen has there (its `XTerm-col.ad`: red3, green3, yellow3, cyan3, 205 where they are not 0).
type Pair = (Color, Color);

/// 124 is 175, 0, 0: 7.4 (5.8).
const RED: Pair = (Color::Red, Color::Indexed(124));
/// 22 is 0, 95, 0: 8.0 (2.2).
const GREEN: Pair = (Color::Green, Color::Indexed(22));
/// 94 is 135, 95, 0: 5.7 (1.7).
const YELLOW: Pair = (Color::Yellow, Color::Indexed(94));
/// 24 is 0, 95, 135: 7.0 (2.0). Of the dark cyans the one that is told best from the green.
const CYAN: Pair = (Color::Cyan, Color::Indexed(24));

/// The styles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    colour: bool,
    light: bool,
}

impl Theme {
    /// With or without colours, for a dark background.
    pub fn new(colour: bool) -> Self {
        Self { colour, light: false }
    }

    /// The same for a light background, or a dark one.
    pub fn on(self, light: bool) -> Self {
        Self { light, ..self }
    }

    /// As the configuration and the environment say (<https://no-color.org>: set and not empty means none).
    pub fn from_env(screen: &Screen) -> Self {
        let colour = screen.colour && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
        let light = match screen.background {
            Background::Light => true,
            Background::Dark => false,
            Background::Auto => std::env::var("COLORFGBG").is_ok_and(|v| is_light(&v)),
        };
        Self::new(colour).on(light)
    }

    fn fg(self, (dark, light): Pair) -> Style {
        match (self.colour, self.light) {
            (true, false) => Style::new().fg(dark),
            (true, true) => Style::new().fg(light),
            (false, _) => Style::new(),
        }
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
        self.fg(CYAN)
    }

    /// What went well.
    pub fn good(self) -> Style {
        self.fg(GREEN)
    }

    /// What is worth a look.
    pub fn warn(self) -> Style {
        self.fg(YELLOW).add_modifier(Modifier::BOLD)
    }

    /// What failed.
    pub fn bad(self) -> Style {
        self.fg(RED).add_modifier(Modifier::BOLD)
    }

    /// Text that a search found.
    pub fn found(self) -> Style {
        self.fg(YELLOW).add_modifier(Modifier::REVERSED)
    }
}

/// Whether `COLORFGBG`, as rxvt, Konsole and others set it, tells of a light background: its last field is the background's
/// number among the sixteen. As in Vim, 0 to 6 and 8 are dark; a word such as `default` tells nothing.
fn is_light(colours: &str) -> bool {
    let background = colours.rsplit(';').next().and_then(|last| last.parse::<u8>().ok());
    matches!(background, Some(7 | 9..=15))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_field_of_colorfgbg_tells_a_light_background() {
        for light in ["0;15", "0;7", "0;default;15", "12;9"] {
            assert!(is_light(light), "{light}");
        }
        for dark in ["15;0", "7;8", "15;default;6", "0;default", "", "15;", "0;16"] {
            assert!(!is_light(dark), "{dark}");
        }
    }

    #[test]
    fn the_configuration_stands_above_what_is_found() {
        let screen = |background| Screen { background, ..Screen::default() };
        assert!(Theme::from_env(&screen(Background::Light)).light);
        assert!(!Theme::from_env(&screen(Background::Dark)).light);
    }

    #[test]
    fn without_colour_no_style_names_one() {
        let theme = Theme::new(false);
        for style in [theme.text(), theme.dim(), theme.accent(), theme.good(), theme.warn(), theme.bad()] {
            assert_eq!((style.fg, style.bg), (None, None));
        }
        assert_ne!(theme.bad(), theme.text(), "a failure must still stand out");
    }
}
