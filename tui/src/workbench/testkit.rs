//! For tests: a user at the keys, a window to read, and things a daemon would say.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use dropforge_shared::event::{Change, Cursor, Event, EventBatch};
use dropforge_shared::file::{FileKind, FileState, FileView, InboxItem};
use dropforge_shared::ids::{FileId, JobId};
use dropforge_shared::job::{JobState, JobView, LogChunk, LogEntry, LogLevel, Progress};
use dropforge_shared::page::{Cell, Column, ColumnType, Page};
use dropforge_shared::service::{InboxStatus, Listing};
use dropforge_shared::time::Timestamp;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::action::{Action, Answer};
use super::effect::Effect;
use super::state::{Place, SampleView, State};
use super::theme::Theme;
use super::{screens, update};

/// 2026-11-21T12:00:00Z.
pub(super) const NOW: i64 = 1_795_262_400_000;

pub(super) struct User {
    pub(super) state: State,
}

impl User {
    pub(super) fn new(columns: u16, rows: u16) -> Self {
        let place =
            Place { inbox: "/home/ada/Dropforge/inbox".into(), host: "lab".into(), user: "ada".into() };
        let samples =
            vec![SampleView { name: "penguins.csv", about: "344 penguins, measured", bytes: 13_478 }];
        let mut state = State::new((columns, rows), place, samples);
        state.now = Timestamp(NOW);
        Self { state }
    }

    pub(super) fn happens(&mut self, action: Action) -> Vec<Effect> {
        update(&mut self.state, action)
    }

    pub(super) fn answers(&mut self, answer: Answer) -> Vec<Effect> {
        self.happens(Action::Answer(Box::new(answer)))
    }

    pub(super) fn news(&mut self, changes: Vec<Change>) -> Vec<Effect> {
        let event = |change| Event { seq: 1, at: Timestamp(NOW), change };
        let events = changes.into_iter().map(event).collect();
        self.happens(Action::Events(EventBatch { events, cursor: Cursor::default(), gap: false }))
    }

    /// Presses keys one after another: characters as they are, others as `<enter>`, `<ctrl-c>`.
    pub(super) fn types(&mut self, keys: &str) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut rest = keys;
        while !rest.is_empty() {
            let key = match rest.strip_prefix('<').and_then(|r| r.split_once('>')) {
                Some((name, after)) => {
                    rest = after;
                    named(name)
                }
                None => {
                    let c = rest.chars().next().unwrap();
                    rest = &rest[c.len_utf8()..];
                    KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)
                }
            };
            effects.extend(self.happens(Action::Key(key)));
        }
        effects
    }

    pub(super) fn with_files(mut self, files: Vec<FileView>) -> Self {
        self.answers(Answer::Files { more: false, result: Ok(Listing { items: files, next: None }) });
        self
    }

    pub(super) fn with_jobs(mut self, jobs: Vec<JobView>) -> Self {
        self.answers(Answer::Jobs { more: false, result: Ok(Listing { items: jobs, next: None }) });
        self
    }

    /// The window's text, line by line.
    pub(super) fn sees(&self) -> String {
        self.screen(Theme::new(true)).backend().to_string()
    }

    pub(super) fn screen(&self, theme: Theme) -> Terminal<TestBackend> {
        let (columns, rows) = self.state.size;
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        terminal
            .draw(|f| {
                let area = f.area();
                screens::draw(&self.state, theme, area, f.buffer_mut());
            })
            .unwrap();
        terminal
    }
}

fn named(name: &str) -> KeyEvent {
    let code = match name {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "pgup" => KeyCode::PageUp,
        "pgdn" => KeyCode::PageDown,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        "backspace" => KeyCode::Backspace,
        "f5" => KeyCode::F(5),
        "alt-enter" => return KeyEvent::new(KeyCode::Enter, KeyModifiers::ALT),
        "alt-up" => return KeyEvent::new(KeyCode::Up, KeyModifiers::ALT),
        other => match other.strip_prefix("ctrl-") {
            Some(c) => {
                return KeyEvent::new(KeyCode::Char(c.chars().next().unwrap()), KeyModifiers::CONTROL);
            }
            None => panic!("no key is called {other}"),
        },
    };
    KeyEvent::new(code, KeyModifiers::NONE)
}

pub(super) fn file_id(n: u32) -> FileId {
    format!("f{n:010}").parse().unwrap()
}

pub(super) fn job_id(n: u32) -> JobId {
    format!("j{n:010}").parse().unwrap()
}

/// The file number `n`: the higher, the newer.
pub(super) fn file(n: u32, name: &str) -> FileView {
    FileView {
        id: file_id(n),
        name: name.into(),
        version: 1,
        sha256: String::new(),
        bytes: 1_234_567,
        format: Some("csv".into()),
        encoding: Some("utf-8".into()),
        delimiter: Some(",".into()),
        kind: FileKind::Dataset,
        type_guess: None,
        rows: Some(5_000),
        columns: Some(3),
        rejected_rows: None,
        pages: None,
        state: FileState::Ready,
        error: None,
        project: "default".into(),
        added_at: Timestamp(NOW - 3_600_000 + i64::from(n) * 1_000),
        job: Some(job_id(n)),
        reading: None,
        referenced: false,
        part: None,
        origin: None,
        settings: Default::default(),
    }
}

/// The job number `n`, working on file `n`.
pub(super) fn job(n: u32, name: &str, state: JobState) -> JobView {
    JobView {
        id: job_id(n),
        kind: "ingest".into(),
        file: Some(file_id(n)),
        file_name: Some(name.into()),
        state,
        stage: Some("profile".into()),
        progress: None,
        attempts: vec![],
        queued_at: Timestamp(NOW - 3_600_000 + i64::from(n) * 1_000),
        started_at: None,
        finished_at: None,
        not_before: None,
        error: None,
        outputs: vec![],
        priority: 0,
        project: "default".into(),
        cancelling: false,
        settings: Default::default(),
        produced: Vec::new(),
        error_code: None,
    }
}

pub(super) fn progress(done: u64) -> Progress {
    Progress { stage: "profile".into(), done, total: Some(1_000), unit: "rows".into() }
}

/// The rows that a daemon would answer with: a number, a text and a missing value.
pub(super) fn page(offset: u64, rows: u64, total: u64) -> Page {
    let column = |name: &str, kind| Column { name: name.into(), kind };
    Page {
        columns: vec![
            column("species", ColumnType::Text),
            column("body mass", ColumnType::Integer),
            column("sex", ColumnType::Text),
        ],
        rows: (offset..(offset + rows).min(total))
            .map(|i| vec![Cell::Text(format!("Adelie {i}")), Cell::Int(3_000 + i as i64), Cell::Null])
            .collect(),
        offset,
        total_rows: total,
        truncated_cells: 0,
    }
}

pub(super) fn inbox(items: &[(&str, &str, &str)]) -> Answer {
    let items: Vec<InboxItem> = items
        .iter()
        .map(|(path, state, detail)| InboxItem {
            path: (*path).into(),
            state: (*state).into(),
            detail: (*detail).into(),
            bytes: 10,
        })
        .collect();
    let total = items.len() as u64;
    Answer::Inbox(Ok(InboxStatus {
        path: "/home/ada/Dropforge/inbox".into(),
        mode: "watching".into(),
        items,
        total,
    }))
}

pub(super) fn log(ticket: u64, texts: &[&str]) -> Answer {
    let entry = |(i, text): (usize, &&str)| LogEntry {
        at: Timestamp(NOW),
        attempt: 1,
        level: if i == 1 { LogLevel::Warn } else { LogLevel::Info },
        source: "worker".into(),
        text: (*text).into(),
    };
    let entries = texts.iter().enumerate().map(entry).collect();
    Answer::Log { ticket, result: Ok(LogChunk { entries, next: 0, oldest: 0, finished: false }) }
}

/// What a daemon would say of the penguins: suggestions, how they were read, what they are.
pub(super) mod said {
    use std::collections::BTreeMap;

    use dropforge_shared::detection::{Detection, TypeCandidate};
    use dropforge_shared::file::{Evidence, TypeGuess};
    use dropforge_shared::page::{Cell, Column, ColumnType};
    use dropforge_shared::query::QueryResult;
    use dropforge_shared::reading::{Decision, Reading};
    use dropforge_shared::suggest::{Effect, ModelSuggestion, Step, Suggestions};

    use super::super::state::{Rejected, RejectedRows};

    fn step(id: &str, op: &str, column: &str, setting: (&str, &str, &str)) -> Step {
        Step {
            id: id.into(),
            op: op.into(),
            columns: vec![column.into()],
            confidence: 0.9,
            rationale: format!("{column} would be of more use so."),
            evidence: vec!["2 of 344 values are missing (0.6 %)".into()],
            settings: BTreeMap::from([(setting.0.into(), setting.1.into())]),
            choices: BTreeMap::from([(setting.0.into(), setting.2.into())]),
        }
    }

    pub(crate) fn suggestions() -> Box<Suggestions> {
        Box::new(Suggestions {
            steps: vec![
                step(
                    "impute-mass",
                    "impute",
                    "body mass",
                    ("strategy", "median", "mean | median | most_frequent"),
                ),
                step("encode-sex", "encode", "sex", ("method", "one_hot", "one_hot|ordinal")),
                step("clip-mass", "clip", "body mass", ("upper", "6000", "a number")),
            ],
            models: vec![ModelSuggestion {
                algorithm: "gradient_boosting".into(),
                confidence: 0.8,
                rationale: "Few rows, numbers and categories mixed.".into(),
            }],
        })
    }

    pub(crate) fn effect() -> Box<Effect> {
        let mut before = super::page(0, 5, 5);
        let mut after = super::page(0, 5, 5);
        before.rows[1][1] = Cell::Null;
        after.rows[1][1] = Cell::Int(4_050);
        after.rows.remove(3);
        Box::new(Effect { before, after, notes: vec!["impute: 2 values of body mass become 4050".into()] })
    }

    pub(crate) fn reading() -> Box<Reading> {
        let decision = |what: &str, value: &str, why: &str| Decision {
            what: what.into(),
            value: value.into(),
            why: why.into(),
        };
        let column = |name: &str, kind| Column { name: name.into(), kind };
        Box::new(Reading {
            format: "csv".into(),
            encoding: Some("windows-1252".into()),
            delimiter: Some(";".into()),
            quote: Some("\"".into()),
            header: Some(true),
            preamble_lines: 2,
            decisions: vec![
                decision("encoding", "windows-1252", "not UTF-8; chardetng names it from 12 bytes over 127"),
                decision("delimiter", ";", "every line of the first 1,000 has two of them"),
                decision("type of body mass", "integer", "all 342 values are whole numbers"),
            ],
            columns: vec![column("species", ColumnType::Text), column("body mass", ColumnType::Integer)],
            rows: 344,
            rejected_rows: 2,
            notes: vec!["2 dates could be read in two ways".into()],
            ..Reading::default()
        })
    }

    pub(crate) fn rejected() -> RejectedRows {
        let row = |line: &str, record: &str| Rejected {
            line: line.into(),
            reason: "5 fields where 3 are expected".into(),
            record: record.into(),
        };
        RejectedRows {
            rows: vec![row("17", "Adelie;1;2;3;4"), row("90", "Gentoo;x;y;z;\u{1b}[31m")],
            more: false,
        }
    }

    pub(crate) fn detection() -> Box<Detection> {
        let evidence = |strategy: &str, score, weight| Evidence {
            strategy: strategy.into(),
            score,
            weight,
            detail: "two of three names are there".into(),
        };
        let candidate = |name: &str, title: &str, score| TypeCandidate {
            name: name.into(),
            title: title.into(),
            score,
            evidence: vec![evidence("strict columns", score, 1.0), evidence("name patterns", score, 0.8)],
        };
        let decided = TypeGuess {
            name: "survey".into(),
            confidence: 44.0,
            level: "very_low".into(),
            decided_by: "detector".into(),
            evidence: vec![],
        };
        Box::new(Detection {
            decided,
            candidates: vec![
                candidate("survey", "answers to questions", 44.0),
                candidate("medical", "patients and measurements", 41.0),
                candidate("generic", "a table of no special kind", 30.0),
            ],
            fingerprint: Some("species|mass".into()),
            ask: true,
            bad_rules: vec![],
        })
    }

    pub(crate) fn result() -> Box<QueryResult> {
        let page = super::page(0, 30, 30);
        Box::new(QueryResult { columns: page.columns, rows: page.rows, truncated: false, elapsed_ms: 12 })
    }
}
