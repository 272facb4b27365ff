//! The lines around a screen: header above, notice or prompt and keys below.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::super::actions::{Cmd, key_label, keys_of, valid};
use super::super::screens;
use super::super::state::{Link, State};
use super::super::theme::Theme;
use super::{clock, over, right, text};

/// The header: screens and counts; while the daemon is gone a line that says so. Gives back the lines it took.
pub fn header(state: &State, theme: Theme, area: Rect, buf: &mut Buffer) -> u16 {
    let (running, queued) = state.counts();
    let counts = match (running, queued) {
        // What was known of the jobs is not known any more.
        _ if state.link != Link::Live => "no daemon".to_owned(),
        _ if state.status.is_none() => String::new(),
        (0, 0) => "idle".to_owned(),
        (running, 0) => format!("{running} running"),
        (running, queued) => format!("{running} running, {queued} waiting"),
    };
    let counts_width = u16::try_from(counts.width()).unwrap_or(area.width).min(area.width);
    let mut x = area.x;
    if area.width >= 70 {
        x += text(buf, x, area.y, area.width, " Dropforge ", theme.strong()) + 1;
    }
    let present = screens::marked(state.screen);
    for screen in screens::SCREENS {
        let spec = screens::of(*screen);
        let Some(digit) = spec.keys.first() else { continue };
        let style = if *screen == present { theme.selected() } else { theme.text() };
        let room = (area.right() - x).saturating_sub(counts_width + 1);
        x += text(buf, x, area.y, room, &format!(" {digit} {} ", spec.title), style);
    }
    let style = if state.link == Link::Live { theme.dim() } else { theme.warn() };
    right(buf, area.right() - counts_width, area.y, counts_width, &counts, style);
    let Link::Lost { since, .. } = &state.link else { return 1 };
    let at = clock(*since);
    let long = format!("daemon gone: showing what was known at {at}, reconnecting");
    let short = format!("daemon gone: known at {at}, reconnecting");
    let said = if long.width() <= usize::from(area.width) { long } else { short };
    text(buf, area.x, area.y + 1, area.width, &said, theme.warn());
    over(buf, area, area.y + 1, theme.selected());
    2
}

/// The two lines at the bottom. Gives back where the terminal's cursor belongs, where text is typed.
pub fn footer(state: &State, theme: Theme, area: Rect, buf: &mut Buffer) -> Option<(u16, u16)> {
    let mut cursor = None;
    if let Some(prompt) = &state.prompt {
        let asks = prompt.asking.lead();
        let x = area.x + text(buf, area.x, area.y, area.width, asks, theme.strong());
        cursor =
            Some(input(&prompt.input, theme, Rect { x, width: area.right() - x, height: 1, ..area }, buf));
    } else if let Some(notice) = &state.notice {
        let style = if notice.bad { theme.bad() } else { theme.accent() };
        text(buf, area.x, area.y, area.width, &notice.text, style);
    }
    // Where nothing is said or asked, keys that do not fit go on in the line above.
    let lines = if cursor.is_some() || state.notice.is_some() { 1 } else { 2 };
    let lines = area.height.min(lines);
    keys(state, theme, Rect { y: area.bottom() - lines, height: lines, ..area }, buf);
    cursor
}

/// A line of typed text, scrolled so that the cursor is in sight. Gives back the cursor's place.
pub fn input(input: &tui_input::Input, theme: Theme, area: Rect, buf: &mut Buffer) -> (u16, u16) {
    let scroll = input.visual_scroll(usize::from(area.width.saturating_sub(1)));
    let mut skipped = 0;
    let shown: String = input
        .value()
        .chars()
        .skip_while(|c| {
            let skip = skipped < scroll;
            skipped += unicode_width::UnicodeWidthChar::width(*c).unwrap_or(0);
            skip
        })
        .collect();
    text(buf, area.x, area.y, area.width, &shown, theme.text());
    let at = u16::try_from(input.visual_cursor().saturating_sub(scroll)).unwrap_or(u16::MAX);
    (area.x + at.min(area.width.saturating_sub(1)), area.y)
}

fn keys(state: &State, theme: Theme, area: Rect, buf: &mut Buffer) {
    let contexts = state.contexts();
    // Help is the way to all the others: it is never the one that does not fit.
    let help = "? help";
    let with_help = state.popup.is_none() && state.prompt.is_none() && !state.typing();
    let mut fits = Vec::new();
    for spec in valid(&contexts) {
        let keys = keys_of(spec, &contexts);
        let (Some(label), Some(key)) = (spec.footer, keys.first()) else { continue };
        if (with_help && spec.id == Cmd::Help) || !screens::available(state, spec.id) {
            continue;
        }
        fits.push((key_label(key), label));
    }
    let width = |(key, label): &(String, &str)| (key.width() + 1 + label.width() + 2) as u16;
    let kept = if with_help { help.len() as u16 } else { 0 };
    let needed: u16 = fits.iter().map(width).sum::<u16>() + kept;
    let first = if needed > area.width { area.y } else { area.bottom() - 1 };
    let mut rest = fits.into_iter().peekable();
    for y in first..area.bottom() {
        let last = y + 1 == area.bottom();
        let mut x = area.x;
        while let Some(next) = rest.peek() {
            let wide = width(next);
            let kept = if last { kept } else { 0 };
            // The two columns after a label need not fit.
            if x + wide.saturating_sub(if kept > 0 { 0 } else { 2 }) + kept > area.right() {
                if last {
                    // A shorter one further on may fit.
                    rest.next();
                    continue;
                }
                break;
            }
            x += text(buf, x, y, wide, &next.0, theme.accent().patch(theme.strong())) + 1;
            x += text(buf, x, y, wide, next.1, theme.text()) + 2;
            rest.next();
        }
        if with_help && last {
            x += text(buf, x, y, 1, "?", theme.accent().patch(theme.strong()));
            text(buf, x, y, area.right().saturating_sub(x), " help", theme.text());
        }
    }
}
