//! What the workbench knows and shows: plain data and questions about it. Must not do I/O, must not draw.

mod data;
mod list;
mod log;

use std::collections::BTreeMap;

use dropforge_shared::file::FileView;
use dropforge_shared::ids::{FileId, JobId};
use dropforge_shared::job::{JobState, JobView};
use dropforge_shared::service::{DaemonStatus, InboxStatus};
use dropforge_shared::time::Timestamp;
use tui_input::Input;

pub use data::{Data, Loaded, Tab};
pub use list::{Cursor, scrolled};
pub use log::{KEEP, LogView};

use super::action::Source;
use super::actions::Context;
use super::popups::Popup;

/// The screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    /// How to begin, what waits, runs and is done.
    Home,
    /// All files.
    Files,
    /// One file.
    Data,
    /// All jobs.
    Jobs,
    /// One job's log.
    Log,
}

/// Whether what is shown is live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// It is.
    Live,
    /// The daemon went away at a moment.
    Lost {
        /// Since when what is shown may be stale.
        since: Timestamp,
        /// Why.
        why: String,
    },
}

/// A line above the footer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// In words.
    pub text: String,
    /// Whether something went wrong.
    pub bad: bool,
}

/// What the line at the bottom asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// Part of a file's name.
    Filter,
    /// The number of a row.
    Row,
    /// A text in the log.
    Search,
}

/// The line of text at the bottom.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// What is asked.
    pub asking: Asking,
    /// What is typed.
    pub input: Input,
    /// What was there before, for Esc.
    pub before: String,
}

/// Where the user is: shown on Home, never changing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The drop folder.
    pub inbox: String,
    /// This machine's name.
    pub host: String,
    /// This user's name.
    pub user: String,
}

/// A sample, as the screens see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleView {
    /// Its file name.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Everything.
#[derive(Debug)]
pub struct State {
    /// Columns and rows of the window.
    pub size: (u16, u16),
    /// The moment of the last action: ages are reckoned from it, so that nothing moves by itself.
    pub now: Timestamp,
    /// What is shown.
    pub screen: Screen,
    /// Where Esc leads.
    pub back: Vec<Screen>,
    /// What lies over the screen.
    pub popup: Option<Popup>,
    /// The line at the bottom.
    pub prompt: Option<Prompt>,
    /// The line above the footer.
    pub notice: Option<Notice>,
    /// Whether what is shown is live.
    pub link: Link,
    /// The user's surroundings.
    pub place: Place,
    /// Samples at hand.
    pub samples: Vec<SampleView>,
    /// Files, newest first.
    pub files: Vec<FileView>,
    /// Where the list of files goes on.
    pub files_next: Option<u64>,
    /// Jobs, newest first.
    pub jobs: Vec<JobView>,
    /// Where the list of jobs goes on.
    pub jobs_next: Option<u64>,
    /// What waits in the inbox.
    pub inbox: Option<InboxStatus>,
    /// How the daemon is.
    pub status: Option<DaemonStatus>,
    /// Whether the lists were read once.
    pub known: bool,
    /// Part of a name; only such files are shown.
    pub filter: String,
    /// Where the user is on Home.
    pub home_at: Cursor,
    /// Where the user is in Files.
    pub files_at: Cursor,
    /// Where the user is in Jobs.
    pub jobs_at: Cursor,
    /// The open file.
    pub data: Option<Data>,
    /// The open log.
    pub log: Option<LogView>,
    /// Reads under way; true where another is wanted after.
    pub loading: BTreeMap<Source, bool>,
    /// A further piece of a list is being read.
    pub more_loading: bool,
    /// Counts openings of logs.
    pub tickets: u64,
    /// The user leaves.
    pub quit: bool,
}

/// The smallest window that is drawn into.
pub const SMALLEST: (u16, u16) = (40, 10);

impl State {
    /// At the start, before anything is known.
    pub fn new(size: (u16, u16), place: Place, samples: Vec<SampleView>) -> Self {
        Self {
            size,
            now: Timestamp::default(),
            screen: Screen::Home,
            back: Vec::new(),
            popup: None,
            prompt: None,
            notice: None,
            link: Link::Live,
            place,
            samples,
            files: Vec::new(),
            files_next: None,
            jobs: Vec::new(),
            jobs_next: None,
            inbox: None,
            status: None,
            known: false,
            filter: String::new(),
            home_at: Cursor::default(),
            files_at: Cursor::default(),
            jobs_at: Cursor::default(),
            data: None,
            log: None,
            loading: BTreeMap::new(),
            more_loading: false,
            tickets: 0,
            quit: false,
        }
    }

    /// The contexts whose keys hold now, the nearest first.
    pub fn contexts(&self) -> Vec<Context> {
        if let Some(popup) = &self.popup {
            return popup.contexts();
        }
        if self.prompt.is_some() {
            return vec![Context::Prompt, Context::Anywhere];
        }
        let mut contexts = match self.screen {
            Screen::Home => vec![Context::Home, Context::List],
            Screen::Files => vec![Context::Files, Context::List],
            Screen::Jobs => vec![Context::Jobs, Context::List],
            Screen::Log => vec![Context::Log, Context::List],
            Screen::Data => match self.data.as_ref().map(|d| d.tab) {
                Some(Tab::Rows) => vec![Context::Rows, Context::Data, Context::List],
                Some(Tab::Profile) => vec![Context::Profile, Context::Data, Context::List],
                None => vec![],
            },
        };
        contexts.extend([Context::Screens, Context::Anywhere]);
        contexts
    }

    /// Rows of the window between header and footer.
    pub fn body_height(&self) -> u16 {
        let banner = u16::from(self.link != Link::Live);
        self.size.1.saturating_sub(3 + banner)
    }

    /// Lines of a list under its title and its head.
    pub fn list_height(&self) -> usize {
        usize::from(self.body_height().saturating_sub(2)).max(1)
    }

    /// Lines of rows on the Rows tab: less the name, the column names and their types.
    pub fn rows_height(&self) -> u64 {
        u64::from(self.body_height().saturating_sub(3)).max(1)
    }

    /// The files that the filter lets through.
    pub fn shown_files(&self) -> Vec<&FileView> {
        let wanted = self.filter.to_lowercase();
        self.files.iter().filter(|f| wanted.is_empty() || f.name.to_lowercase().contains(&wanted)).collect()
    }

    /// The file that Files has selected.
    pub fn selected_file(&self) -> Option<&FileView> {
        self.shown_files().get(self.files_at.index).copied()
    }

    /// The job that Jobs has selected.
    pub fn selected_job(&self) -> Option<&JobView> {
        self.jobs.get(self.jobs_at.index)
    }

    /// A file by its id.
    pub fn file(&self, id: &FileId) -> Option<&FileView> {
        self.files.iter().find(|f| &f.id == id)
    }

    /// A job by its id.
    pub fn job(&self, id: &JobId) -> Option<&JobView> {
        self.jobs.iter().find(|j| &j.id == id)
    }

    /// The newest job that works or worked on a file; where none is known, the one whose outputs it has.
    pub fn job_of(&self, file: &FileView) -> Option<JobId> {
        let newest = self.jobs.iter().find(|j| j.file.as_ref() == Some(&file.id)).map(|j| j.id.clone());
        newest.or_else(|| file.job.clone())
    }

    /// Jobs that run, oldest first.
    pub fn running(&self) -> impl Iterator<Item = &JobView> {
        self.jobs.iter().rev().filter(|j| j.state == JobState::Running)
    }

    /// Running and waiting jobs, as the daemon counts them.
    pub fn counts(&self) -> (u64, u64) {
        self.status.as_ref().map_or((0, 0), |s| (s.jobs.running, s.jobs.queued))
    }

    /// Says something on the line above the footer.
    pub fn say(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: text.into(), bad: false });
    }

    /// Says on the line above the footer what went wrong.
    pub fn complain(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: text.into(), bad: true });
    }
}
