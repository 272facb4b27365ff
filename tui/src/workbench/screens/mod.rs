//! The screens: one file each and one line in the table below. Drawing reads the state; it never waits, locks or changes
//! anything.

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

use super::actions::{ActionSpec, Cmd, Context};
use super::effect::Effect;
use super::state::{Link, SMALLEST, State};
use super::theme::Theme;
use super::widgets::{below, footer, header, text, wrapped};

pub use details::scrollable;
pub use prepare::preview_reach;
pub use profile::severity_word;
pub use rows::figures_fit;
pub use types::reasons;

/// What a screen's own file says of it.
#[derive(Debug)]
pub struct ScreenSpec {
    /// Its name in the header.
    pub title: &'static str,
    /// The keys that lead to it, the digit first; none where it is only opened from another.
    pub keys: &'static [&'static str],
    /// What those keys do, for help and palette.
    pub about: &'static str,
    /// The screen whose name is marked in the header while this one is shown, where it has none of its own.
    pub under: Option<Screen>,
    /// The contexts whose keys hold on it, the nearest first; those of every screen follow.
    pub contexts: fn(&State) -> Vec<Context>,
    /// Shows it, where more is to do than to switch to it.
    pub show: Option<fn(&mut State) -> Vec<Effect>>,
    /// Draws it between header and footer.
    pub draw: fn(&State, Theme, Rect, &mut Buffer),
    /// Does its commands.
    pub update: fn(&mut State, Cmd) -> Vec<Effect>,
}

/// Declares the screens: the name of the variant and its module, whose `SCREEN` says the rest.
macro_rules! screens {
    ($($(#[$doc:meta])* $variant:ident = $module:ident,)*) => {
        /// The screens.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Screen {
            $($(#[$doc])* $variant,)*
        }

        /// All screens, in the order of the header.
        pub const SCREENS: &[Screen] = &[$(Screen::$variant,)*];

        /// The lines of the action table that lead to the screens.
        pub const SHOW: &[ActionSpec] = &[$(ActionSpec {
            id: Cmd::Show(Screen::$variant),
            title: $module::SCREEN.about,
            keys: $module::SCREEN.keys,
            at: &[Context::Screens],
            footer: None,
        },)*];

        /// What a screen's own file says of it.
        pub fn of(screen: Screen) -> &'static ScreenSpec {
            match screen {
                $(Screen::$variant => const { &$module::SCREEN },)*
            }
        }
    };
}

screens! {
    /// How to begin, what waits, runs and is done.
    Home = home,
    /// All files.
    Files = files,
    /// One file.
    Data = data,
    /// All jobs.
    Jobs = jobs,
    /// SQL, outside any dataset.
    Query = query,
    /// One job's log.
    Log = job_log,
}

/// The screen that is marked in the header.
pub fn marked(screen: Screen) -> Screen {
    of(screen).under.unwrap_or(screen)
}

/// Whether a command would do something now: footer and palette leave out the others.
pub fn available(state: &State, cmd: Cmd) -> bool {
    let job = state.selected_job();
    match (cmd, state.screen) {
        (Cmd::StartDaemon, _) => state.link != Link::Live,
        (Cmd::Back, Screen::Home) if state.popup.is_none() && state.prompt.is_none() => {
            state.notice.is_some()
        }
        (Cmd::Show(Screen::Data), _) => state.data.is_some() || !state.files.is_empty(),
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
        (Cmd::Notes, _) => state.data.as_ref().is_some_and(|d| d.prepare.notes().is_some()),
        (Cmd::OpenFile, _) => super::update::job_file(state).is_some(),
        (Cmd::NextMatch | Cmd::PrevMatch, Screen::Log) => {
            state.log.as_ref().is_some_and(|l| !l.search.is_empty())
        }
        _ => true,
    }
}

/// Whether nothing can be shown in a window of so many columns and rows.
pub fn too_small(size: (u16, u16)) -> bool {
    size.0 < SMALLEST.0 || size.1 < SMALLEST.1
}

/// Draws everything. Gives back where the terminal's cursor belongs, where text is typed.
pub fn draw(state: &State, theme: Theme, area: Rect, buf: &mut Buffer) -> Option<(u16, u16)> {
    if too_small((area.width, area.height)) {
        let said = format!("window too small: at least {}×{}", SMALLEST.0, SMALLEST.1);
        for (y, line) in (area.y..area.bottom()).zip(wrapped(&said, area.width)) {
            text(buf, area.x, y, area.width, &line, theme.text());
        }
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
mod colour_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
pub(super) mod tests;
