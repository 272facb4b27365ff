//! What the workbench knows and shows: plain data and questions about it. Must not do I/O, must not draw.

mod data;
mod jobs;
mod list;
mod log;
mod query;
mod sheet;
mod tables;
mod tabs;

use std::collections::BTreeMap;

use dropforge_shared::file::{FileKind, FileState, FileView};
use dropforge_shared::ids::{FileId, JobId};
use dropforge_shared::job::JobView;
use dropforge_shared::service::{DaemonStatus, InboxStatus};
use dropforge_shared::time::Timestamp;
use tui_input::Input;

pub use data::{Data, Loaded, Tab};
pub use list::{Cursor, scrolled};
pub use log::{KEEP, LogView};
pub use query::{MAX_ROWS, Query, REMEMBERED, TIMEOUT_MS, Word, quoted};
pub use sheet::Sheet;
pub use tabs::{
    Again, Card, Heat, Measure, PREVIEWED, Prepare, ReadingTab, Rejected, RejectedRows, TypeTab, numbers,
    set_one, types_set,
};

use super::action::Source;
use super::actions::Context;
use super::popups::Popup;
use super::screens::{self, Screen};

/// A place that Esc leads back to: the screen, and what was open on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The screen.
    pub screen: Screen,
    /// The file that was open on it.
    pub file: Option<FileId>,
    /// The job whose log was open on it.
    pub job: Option<JobId>,
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
    /// A condition on the column at the cursor.
    Condition,
    /// The name of the dataset that steps make.
    Prepared,
    /// The name of the dataset that a query makes.
    Queried,
    /// The name of a recipe.
    Recipe,
    /// The path of the file that a dataset's rows go to.
    Exported,
    /// The path of the file that a statement's rows go to.
    ExportedQuery,
}

impl Asking {
    /// What the line begins with.
    pub fn lead(self) -> &'static str {
        match self {
            Self::Filter => "Filter: ",
            Self::Row => "Go to row: ",
            Self::Search => "Search: ",
            Self::Condition => "Only rows where it is: ",
            Self::Prepared | Self::Queried => "Name of the new dataset: ",
            Self::Recipe => "Name of the recipe: ",
            Self::Exported | Self::ExportedQuery => "Write all rows to (.csv .jsonl .parquet): ",
        }
    }
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
    pub back: Vec<Visit>,
    /// What lies over the screen.
    pub popup: Option<Popup>,
    /// The line at the bottom.
    pub prompt: Option<Prompt>,
    /// The line above the footer.
    pub notice: Option<Notice>,
    /// Whether what is shown is live.
    pub link: Link,
    /// Whether the workbench takes the mouse.
    pub mouse: bool,
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
    /// Files that were open before, the last one last: what the user did on their tabs.
    pub parked: Vec<Data>,
    /// Queries.
    pub query: Query,
    /// The open log.
    pub log: Option<LogView>,
    /// Removals of files may have gone unheard: what is read next is all that is believed.
    pub files_stale: bool,
    /// The same of jobs.
    pub jobs_stale: bool,
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
            mouse: false,
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
            parked: Vec::new(),
            query: Query::default(),
            log: None,
            files_stale: false,
            jobs_stale: false,
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
        if self.typing() {
            return vec![Context::Editor, Context::Anywhere];
        }
        let mut contexts = (screens::of(self.screen).contexts)(self);
        contexts.extend([Context::List, Context::Screens, Context::Anywhere]);
        contexts
    }

    /// Where the user is, to come back to.
    pub fn here(&self) -> Visit {
        let file = self.data.as_ref().filter(|_| self.screen == Screen::Data).map(|d| d.file.clone());
        let job = self.log.as_ref().filter(|_| self.screen == Screen::Log).map(|l| l.job.clone());
        Visit { screen: self.screen, file, job }
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

    /// Lines of rows on the Rows tab: less the name, the column names and their types, and the line of filters.
    pub fn rows_height(&self) -> u64 {
        let view = self.data.as_ref().is_some_and(|d| !d.view.is_plain());
        u64::from(self.body_height().saturating_sub(3 + u16::from(view))).max(1)
    }

    /// Whether the query is on the screen.
    pub fn query_shown(&self) -> bool {
        let tab = self.data.as_ref().is_some_and(|d| d.tab == Tab::Query) && self.readable();
        self.screen == Screen::Query || (self.screen == Screen::Data && tab)
    }

    /// Whether keys go into the query's editor.
    pub fn typing(&self) -> bool {
        self.query_shown() && self.query.typing
    }

    /// Lines of the query's editor: a third of what there is, while it is written; else what the statement needs.
    pub fn editor_height(&self) -> u16 {
        let body = self.body_height().saturating_sub(3);
        let lines = u16::try_from(self.query.text.lines().len()).unwrap_or(u16::MAX);
        if self.query.typing {
            lines.clamp((body / 3).max(2), (body / 2).max(2))
        } else {
            let folded = self
                .query
                .folded(usize::from(self.folded_most()), usize::from(self.size.0).saturating_sub(1));
            u16::try_from(folded.len()).unwrap_or(u16::MAX).max(1)
        }
    }

    /// The most lines that a statement gets while it is not written.
    pub fn folded_most(&self) -> u16 {
        (self.body_height().saturating_sub(3) / 4).max(1)
    }

    /// Lines of a query's rows: less the title, the editor, the line between and the heads.
    pub fn results_height(&self) -> u64 {
        u64::from(self.body_height().saturating_sub(4 + self.editor_height())).max(1)
    }

    /// For how many seconds rows have been looked for that are to be on the screen.
    pub fn looking(&self) -> Option<i64> {
        let rows = |d: &&Data| d.tab == Tab::Rows && d.asked.is_some();
        let shown = self.screen == Screen::Data && self.link == Link::Live;
        let since = self.data.as_ref().filter(rows).filter(|_| shown)?.looking?;
        Some(self.now.0.saturating_sub(since.0).max(0) / 1_000)
    }

    /// The open file.
    pub fn open_file(&self) -> Option<&FileView> {
        self.data.as_ref().and_then(|d| self.file(&d.file))
    }

    /// Whether the open file has rows. A table whose kind is not chosen yet can be read all the same.
    pub fn readable(&self) -> bool {
        self.open_file().is_some_and(|f| {
            f.kind == FileKind::Dataset && matches!(f.state, FileState::Ready | FileState::NeedsInput)
        })
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

    /// Says something on the line above the footer.
    pub fn say(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: text.into(), bad: false });
    }

    /// Says on the line above the footer what went wrong.
    pub fn complain(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: text.into(), bad: true });
    }
}
