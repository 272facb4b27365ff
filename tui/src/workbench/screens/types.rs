//! What kind of data a dataset holds: every type with its score, and what each strategy saw of the selected one.

use dropforge_shared::detection::{Detection, TypeCandidate};
use dropforge_shared::file::{FileState, FileView};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::state::{Data, Loaded, scrolled};
use super::super::theme::Theme;
use super::super::widgets::{below, over, pieces, progress, right, text, wrapped};

/// Draws it.
pub(super) fn draw(file: &FileView, data: &Data, theme: Theme, area: Rect, buf: &mut Buffer) {
    let used = decided(file, data.types.detection.get().map(|d| &**d), theme, area, buf);
    let area = below(area, used);
    let detection = match &data.types.detection {
        Loaded::Yes(detection) => detection,
        Loaded::No | Loaded::Asked => {
            text(buf, area.x, area.y, area.width, "Reading…", theme.dim());
            return;
        }
        Loaded::Failed(why) => {
            for (y, line) in (area.y..area.bottom()).zip(wrapped(why, area.width)) {
                text(buf, area.x, y, area.width, &line, theme.bad());
            }
            return;
        }
    };
    let at = data.types.at.index;
    let evidence = detection.candidates.get(at).map(|c| evidence(c, area.width, theme)).unwrap_or_default();
    // The list has at least half of the window where it needs it, the evidence what is left.
    let lines = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    let half = lines(detection.candidates.len()).min(area.height.div_ceil(2));
    let room = lines(evidence.len()).min(area.height - half);
    let list = Rect { height: area.height - room, ..area };
    let cut = evidence.len() > usize::from(room);
    candidates(file, &detection.candidates, at, theme, list, buf);
    let rest = below(area, list.height);
    for (i, (y, (line, style))) in (rest.y..rest.bottom()).zip(evidence).enumerate() {
        let more = if cut && i == 1 { " i shows all." } else { "" };
        text(buf, rest.x, y, rest.width, &format!("{line}{more}"), style);
    }
}

/// What it is taken for, and who says so.
fn decided(
    file: &FileView,
    detection: Option<&Detection>,
    theme: Theme,
    area: Rect,
    buf: &mut Buffer,
) -> u16 {
    let asked = file.state == FileState::NeedsInput || detection.is_some_and(|d| d.ask);
    let guess = file.type_guess.as_ref().or(detection.map(|d| &d.decided));
    let Some(guess) = guess else {
        text(buf, area.x, area.y, area.width, "No detection has looked at it yet.", theme.dim());
        return 1;
    };
    let by_user = guess.decided_by == "user";
    let how = if by_user {
        " · chosen by you (u takes it back)".to_owned()
    } else {
        format!(" · {:.0} of 100, {}", guess.confidence, level(&guess.level))
    };
    pieces(
        buf,
        area,
        area.y,
        &[("Taken for ", theme.text()), (&guess.name, theme.strong()), (&how, theme.text())],
    );
    let mut used = 1;
    if asked && !by_user {
        let said = "? What is it? Enter says that it is the selected one; it is remembered for this header.";
        for line in wrapped(said, area.width) {
            text(buf, area.x, area.y + used, area.width, &line, theme.warn());
            used += 1;
        }
    }
    for rule in detection.map(|d| d.bad_rules.as_slice()).unwrap_or_default().iter().take(2) {
        let said = format!("a rule of yours was not used: {rule}");
        text(buf, area.x, area.y + used, area.width, &said, theme.bad());
        used += 1;
    }
    used
}

fn level(level: &str) -> &str {
    match level {
        "high" => "sure",
        "medium" => "likely",
        "low" => "worth a look",
        "very_low" => "not known",
        other => other,
    }
}

fn candidates(file: &FileView, all: &[TypeCandidate], at: usize, theme: Theme, area: Rect, buf: &mut Buffer) {
    let names = (area.width / 4).clamp(10, 20);
    let top = scrolled(0, at, all.len(), usize::from(area.height));
    let chosen = file.type_guess.as_ref().map(|g| g.name.as_str());
    for (y, (i, c)) in (area.y..area.bottom()).zip(all.iter().enumerate().skip(top)) {
        let mark = if chosen == Some(&c.name) { "▸" } else { " " };
        text(buf, area.x, y, 1, mark, theme.accent());
        let x = area.x + 2;
        text(buf, x, y, names, &c.name, theme.strong());
        right(buf, x + names, y, 4, &format!("{:.0}", c.score), theme.text());
        progress(buf, x + names + 5, y, 10, Some(c.score / 100.0), theme.accent());
        let title = x + names + 17;
        text(buf, title, y, area.right().saturating_sub(title), &c.title, theme.dim());
        if i == at {
            over(buf, area, y, theme.selected());
        }
    }
}

/// What each strategy saw.
fn evidence(candidate: &TypeCandidate, width: u16, theme: Theme) -> Vec<(String, Style)> {
    let mut lines = vec![
        (String::new(), theme.text()),
        (format!("Why {} has {:.0}:", candidate.name, candidate.score), theme.strong()),
    ];
    lines.extend(wrapped(&reasons(candidate), width).into_iter().map(|l| (l, theme.text())));
    lines
}

/// A line for what each strategy saw.
pub fn reasons(candidate: &TypeCandidate) -> String {
    let said = candidate.evidence.iter();
    let said = said.map(|e| format!("{} {:.0} (weight {}): {}", e.strategy, e.score, e.weight, e.detail));
    said.collect::<Vec<_>>().join("\n")
}
