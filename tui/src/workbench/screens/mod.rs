//! The screens: one file each and one line in the table. Drawing reads the state; it never waits, locks or changes anything.

mod data;
mod details;
mod files;
mod heat;
pub mod home;
mod job_log;
mod jobs;
mod prepare;
mod profile;
mod query;
pub mod reading;
mod rows;
mod table;
mod types;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::actions::Cmd;
use super::effect::Effect;
use super::state::{Link, SMALLEST, Screen, State};
use super::theme::Theme;
use super::update;
use super::widgets::{below, footer, header, text};

pub use profile::severity_word;

/// A screen.
#[derive(Debug)]
pub struct ScreenSpec {
    /// Which.
    pub screen: Screen,
    /// Its name in the header.
    pub title: &'static str,
    /// The digit that leads to it.
    pub digit: Option<char>,
    /// Draws it between header and footer.
    pub draw: fn(&State, Theme, Rect, &mut Buffer),
    /// Does its commands.
    pub update: fn(&mut State, Cmd) -> Vec<Effect>,
}

/// All screens, in the order of their digits.
pub const SCREENS: &[ScreenSpec] = &[
    ScreenSpec {
        screen: Screen::Home,
        title: "Home",
        digit: Some('1'),
        draw: home::draw,
        update: update::home::command,
    },
    ScreenSpec {
        screen: Screen::Files,
        title: "Files",
        digit: Some('2'),
        draw: files::draw,
        update: update::files::command,
    },
    ScreenSpec {
        screen: Screen::Data,
        title: "Data",
        digit: Some('3'),
        draw: data::draw,
        update: update::data::command,
    },
    ScreenSpec {
        screen: Screen::Jobs,
        title: "Jobs",
        digit: Some('4'),
        draw: jobs::draw,
        update: update::jobs::command,
    },
    ScreenSpec {
        screen: Screen::Query,
        title: "Query",
        digit: Some('5'),
        draw: query::draw,
        update: update::query::command,
    },
    ScreenSpec {
        screen: Screen::Log,
        title: "Log",
        digit: None,
        draw: job_log::draw,
        update: update::log::command,
    },
];

/// A screen's line of the table.
pub fn of(screen: Screen) -> &'static ScreenSpec {
    SCREENS.iter().find(|s| s.screen == screen).unwrap_or(&SCREENS[0])
}

/// Whether a command would do something now: footer and palette leave out the others.
pub fn available(state: &State, cmd: Cmd) -> bool {
    let job = state.selected_job();
    match (cmd, state.screen) {
        (Cmd::StartDaemon, _) => state.link != Link::Live,
        (Cmd::Back, Screen::Home) if state.popup.is_none() && state.prompt.is_none() => {
            state.notice.is_some()
        }
        (Cmd::Data, _) => state.data.is_some() || !state.files.is_empty(),
        (Cmd::CancelJob, Screen::Jobs) => job.is_some_and(|j| !j.state.is_terminal() && !j.cancelling),
        (Cmd::RetryJob, Screen::Jobs) => {
            use dropforge_shared::job::JobState as S;
            job.is_some_and(|j| matches!(j.state, S::Failed | S::Dead | S::Cancelled))
        }
        (Cmd::Delete, Screen::Jobs) => job.is_some_and(|j| j.state.is_terminal()),
        (Cmd::Open | Cmd::Log, Screen::Jobs) => job.is_some(),
        (Cmd::Open | Cmd::Log | Cmd::Delete | Cmd::Reprocess, Screen::Files) => {
            state.selected_file().is_some()
        }
        (Cmd::Open, Screen::Home) => home::selected(state).is_some(),
        (Cmd::AddSample, Screen::Home) => matches!(home::selected(state), Some(home::Item::Sample(_))),
        (Cmd::Log, Screen::Home) => {
            matches!(home::selected(state), Some(home::Item::Job(_) | home::Item::File(_)))
        }
        (Cmd::NextTab | Cmd::PrevTab | Cmd::OtherTab, _) => state.readable(),
        (Cmd::DropFilter | Cmd::ClearView, _) => state.data.as_ref().is_some_and(|d| !d.view.is_plain()),
        (Cmd::ForgetReading, _) => {
            state.data.as_ref().is_some_and(|d| d.reading.wanted.is_some())
                || state.open_file().is_some_and(|f| !f.settings.is_empty())
        }
        (Cmd::ForgetType, _) => {
            let by_user = |f: &dropforge_shared::file::FileView| {
                f.type_guess.as_ref().is_some_and(|g| g.decided_by == "user")
            };
            state.open_file().is_some_and(by_user)
        }
        (Cmd::OpenFile, _) => super::update::job_file(state).is_some(),
        (Cmd::NextMatch | Cmd::PrevMatch, Screen::Log) => {
            state.log.as_ref().is_some_and(|l| !l.search.is_empty())
        }
        _ => true,
    }
}

/// Draws everything. Gives back where the terminal's cursor belongs, where text is typed.
pub fn draw(state: &State, theme: Theme, area: Rect, buf: &mut Buffer) -> Option<(u16, u16)> {
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        let said = format!("window too small: at least {}×{}", SMALLEST.0, SMALLEST.1);
        text(buf, area.x, area.y, area.width, &said, theme.text());
        return None;
    }
    let used = header(state, theme, area, buf);
    let body = below(area, used);
    let body = Rect { height: body.height - 2, ..body };
    (of(state.screen).draw)(state, theme, body, buf);
    let bottom = Rect { y: area.bottom() - 2, height: 2, ..area };
    let cursor = footer(state, theme, bottom, buf);
    match &state.popup {
        Some(popup) => popup.draw(state, theme, body, buf),
        None => cursor,
    }
}

/// The colour of a job's state.
fn job_style(state: dropforge_shared::job::JobState, theme: Theme) -> ratatui::style::Style {
    use dropforge_shared::job::JobState as S;
    match state {
        S::Queued => theme.dim(),
        S::Running => theme.accent(),
        S::Done => theme.good(),
        S::Failed | S::Dead => theme.bad(),
        S::Cancelled => theme.warn(),
    }
}

/// A file's state in words; what waits for the user says for what.
fn file_state(state: dropforge_shared::file::FileState) -> &'static str {
    match state {
        dropforge_shared::file::FileState::NeedsInput => "choose type",
        other => other.name(),
    }
}

/// The colour of a file's state.
fn file_style(state: dropforge_shared::file::FileState, theme: Theme) -> ratatui::style::Style {
    use dropforge_shared::file::FileState as S;
    match state {
        S::Ingesting => theme.accent(),
        S::NeedsInput => theme.warn(),
        S::Ready => theme.good(),
        S::Failed => theme.bad(),
    }
}

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod tests;
