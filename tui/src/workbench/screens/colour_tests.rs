//! Every screen without colours, and with those for a light background.

use std::collections::{BTreeMap, BTreeSet};

use ratatui::style::Color;

use super::super::theme::Theme;
use super::tests::everything;

#[test]
fn without_colour_nothing_is_coloured() {
    for user in everything((80, 24)) {
        for cell in user.screen(Theme::new(false)).backend().buffer().content() {
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
        }
    }
}

/// The contrast with white, by the formula of WCAG 2.2, of a colour of xterm's cube (indices 16 to 231).
fn on_white(index: u8) -> f64 {
    let at = usize::from(index - 16);
    let linear = |level: usize| {
        let c = [0.0, 95.0, 135.0, 175.0, 215.0, 255.0][level] / 255.0_f64;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    let luminance = 0.2126 * linear(at / 36) + 0.7152 * linear(at / 6 % 6) + 0.0722 * linear(at % 6);
    1.05 / (luminance + 0.05)
}

#[test]
fn on_a_light_background_every_colour_can_be_read_and_keeps_its_meaning() {
    assert!((on_white(231) - 1.0).abs() < 1e-9 && (on_white(16) - 21.0).abs() < 1e-9);
    let mut used = BTreeMap::new();
    for user in [(60, 15), (80, 24), (120, 40)].into_iter().flat_map(everything) {
        let (light, dark) = (user.screen(Theme::new(true).on(true)), user.screen(Theme::new(true)));
        for (light, dark) in light.backend().buffer().content().iter().zip(dark.backend().buffer().content())
        {
            assert_eq!(light.bg, Color::Reset);
            match light.fg {
                Color::Reset => assert_eq!(dark.fg, Color::Reset),
                Color::Indexed(index @ 16..=231) => {
                    assert!(on_white(index) >= 4.5, "{index} has {:.1}", on_white(index));
                    used.insert(dark.fg.to_string(), index);
                }
                other => panic!("nobody knows what {other} looks like"),
            }
        }
    }
    let colours: BTreeSet<_> = used.values().collect();
    assert_eq!((used.len(), colours.len()), (4, 4), "what differs on dark differs on light: {used:?}");
}
