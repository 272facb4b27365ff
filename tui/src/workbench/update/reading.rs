//! How a file is read: walking over the decisions, overruling them, reading again. Nothing is read again before the user
//! says so.

use std::collections::BTreeMap;

use dropforge_shared::ids::{FileId, JobId};
use dropforge_shared::job::JobState;
use dropforge_shared::page::ColumnType;
use dropforge_shared::reading::settings;
use dropforge_shared::service::Submission;

use super::super::actions::Cmd;
use super::super::effect::Effect;
use super::super::popups::{Field, Form, Formed, Item, Pick, Picked, Popup};
use super::super::screens::Screen;
use super::super::screens::reading::{Line, lines};
use super::super::state::{Again, Data, State, Tab, set_one, types_set};
use super::files;

/// A command on the reading.
pub(super) fn command(state: &mut State, cmd: Cmd) -> Vec<Effect> {
    let height = state.list_height();
    let last = lines(state).len().saturating_sub(1);
    let Some(data) = &mut state.data else { return Vec::new() };
    let tab = &mut data.reading;
    // What is shown may have become shorter meanwhile.
    tab.at = tab.at.min(last);
    match cmd {
        Cmd::Up => tab.at = tab.at.saturating_sub(1),
        Cmd::Down => tab.at = (tab.at + 1).min(last),
        Cmd::PageUp => tab.at = tab.at.saturating_sub(height),
        Cmd::PageDown => tab.at = (tab.at + height).min(last),
        Cmd::Top => tab.at = 0,
        Cmd::Bottom => tab.at = last,
        Cmd::EditReading => form(state),
        Cmd::Open => open(state),
        Cmd::WholeLine => {
            let at = tab.at;
            state.popup = lines(state).get(at).map(whole);
        }
        Cmd::ForgetReading => forget(state),
        Cmd::ReadAgain => return again(state),
        _ => {}
    }
    Vec::new()
}

/// What is set for the open file, by the user now or before.
fn set(state: &State) -> BTreeMap<String, String> {
    let file = state.open_file().map(|f| f.settings.clone()).unwrap_or_default();
    state.data.as_ref().map(|d| d.reading.set(&file).clone()).unwrap_or_default()
}

fn want(state: &mut State, wanted: BTreeMap<String, String>) {
    let file = state.open_file().map(|f| f.settings.clone());
    let same = file.zip(state.data.as_ref()).is_some_and(|(f, d)| *d.reading.read_with(&f) == wanted);
    if let Some(data) = &mut state.data {
        data.reading.wanted = (!same).then_some(wanted);
    }
    if !same {
        state.say("Not read yet: r reads it again like this, u leaves it to what is found.");
    }
}

fn open(state: &mut State) {
    let lines = lines(state);
    let Some(data) = &state.data else { return };
    match lines.get(data.reading.at) {
        Some(Line::Column { name, .. }) => {
            let items = types();
            let title = format!("Read {name} as");
            state.popup = Some(Popup::Pick(Pick::new(&title, items, Picked::ColumnType(name.clone()))));
        }
        Some(Line::Head(_) | Line::Wanted(_)) | None => form(state),
        Some(line) => state.popup = Some(whole(line)),
    }
}

/// A line with all that it says, however long that is.
fn whole(line: &Line) -> Popup {
    match line {
        Line::Head(said) | Line::Note(said) | Line::Wanted(said) => {
            Popup::message("The whole line", said.trim())
        }
        Line::Bad(said) => {
            let title = "What went wrong".to_owned();
            Popup::Message { title, text: said.clone(), bad: true, top: 0 }
        }
        Line::Decision { what, value, why, set } => {
            let reason = reason(set.then_some("set by you"), why);
            Popup::message(what, format!("{value}\n\n{reason}"))
        }
        Line::Column { name, kind, set, why } => {
            let set = set.as_ref().map(|t| format!("set by you to {t}"));
            let reason = reason(set.as_deref(), why);
            Popup::message(format!("Column {name}"), format!("{kind}\n\n{reason}"))
        }
        Line::Rejected { line, reason, record } => {
            Popup::message(format!("Line {line} was not placed"), format!("{reason}\n\n{record}"))
        }
    }
}

fn reason(set: Option<&str>, why: &str) -> String {
    match (set, why) {
        (None, "") => "Why is not written down.".to_owned(),
        (None, why) => why.to_owned(),
        (Some(set), "") => set.to_owned(),
        (Some(set), why) => format!("{set} · {why}"),
    }
}

/// How day and month may follow each other, and what a cell then looks like.
const ORDERS: [(&str, &str); 4] = [
    ("dmy", "day first: 31/12/2024"),
    ("mdy", "month first: 12/31/2024"),
    ("dmy2", "day first, short year: 31/12/24"),
    ("mdy2", "month first, short year: 12/31/24"),
];

/// The types that a column can be read as.
fn types() -> Vec<Item> {
    use ColumnType as T;
    let mut items = vec![Item { label: "as found".into(), note: "every value decides".into() }];
    for kind in [T::Integer, T::Float, T::Boolean, T::Date, T::Datetime, T::Text] {
        items.push(Item { label: kind.name().into(), note: String::new() });
        if matches!(kind, T::Date | T::Datetime) {
            let of = |(order, note): &(&str, &str)| Item {
                label: format!("{}:{order}", kind.name()),
                note: (*note).to_owned(),
            };
            items.extend(ORDERS.iter().map(of));
        }
    }
    items
}

fn form(state: &mut State) {
    let now = set(state);
    let value = |name: &str| now.get(name).map(String::as_str).unwrap_or_default();
    let reading = state.data.as_ref().and_then(|d| d.reading.reading.get());
    // What was set for the reading that is shown was not found.
    let file = state.open_file().map(|f| &f.settings);
    let was_found = |name: &str| reading.filter(|_| file.is_none_or(|set| !set.contains_key(name)));
    let found = |what: Option<&str>| match what {
        Some(found) => format!("Empty for what is found, which was: {found}. "),
        None => "Empty for what is found. ".to_owned(),
    };
    let delimiter = was_found(settings::DELIMITER).and_then(|r| r.delimiter.as_deref());
    let delimiter = found(delimiter.map(|d| format!("‘{}’", delimiter_name(d))).as_deref());
    let encoding = found(was_found(settings::ENCODING).and_then(|r| r.encoding.as_deref()));
    let header = was_found(settings::HEADER).and_then(|r| r.header);
    let header = header.map(|h| format!(" What was found: {h}.")).unwrap_or_default();
    let mut fields = vec![
        Field::typed(
            settings::DELIMITER,
            value(settings::DELIMITER),
            &format!("{delimiter}One or more characters, tab or space."),
        ),
        Field::typed(
            settings::ENCODING,
            value(settings::ENCODING),
            &format!("{encoding}utf-8, windows-1252, shift_jis, …"),
        ),
        Field::one_of(
            settings::HEADER,
            value(settings::HEADER),
            &format!("← → choose.{header} Whether the first record names the columns."),
            vec![String::new(), "true".into(), "false".into()],
        ),
    ];
    let parts = reading.map(|r| r.parts.clone()).unwrap_or_default();
    let sheet = "The sheet of a workbook, or the member of an archive.";
    fields.push(if parts.is_empty() {
        Field::typed(settings::SHEET, value(settings::SHEET), sheet)
    } else {
        let options = std::iter::once(String::new()).chain(parts).collect();
        Field::one_of(settings::SHEET, value(settings::SHEET), &format!("← → choose. {sheet}"), options)
    });
    state.popup =
        Some(Popup::Form(Form { title: "Read it with".into(), fields, at: 0, then: Formed::Reading }));
}

/// A delimiter as the settings name it.
pub(super) fn delimiter_name(delimiter: &str) -> &str {
    match delimiter {
        "\t" => "tab",
        " " => "space",
        other => other,
    }
}

/// The form was filled in.
pub(super) fn formed(state: &mut State, fields: &[Field]) {
    let mut wanted = set(state);
    for field in fields {
        // A delimiter may be blank; the name is what the reader takes.
        let value = field.input.value();
        let value = match (field.name.as_str(), value) {
            (settings::DELIMITER, v) => delimiter_name(v),
            (_, v) => v.trim(),
        };
        set_one(&mut wanted, &field.name, value);
    }
    want(state, wanted);
}

/// A column's type was chosen.
pub(super) fn typed(state: &mut State, column: &str, kind: &str) {
    if column.contains('\n') {
        state.complain("A column whose name has a line break in it can't be set; rename it in the file.");
        return;
    }
    let mut wanted = set(state);
    let mut types = types_set(&wanted);
    set_one(&mut types, column, if kind == "as found" { "" } else { kind });
    let lines: Vec<String> = types.iter().map(|(c, t)| format!("{c}={t}")).collect();
    set_one(&mut wanted, settings::TYPES, &lines.join("\n"));
    want(state, wanted);
}

fn forget(state: &mut State) {
    if state.data.as_ref().is_some_and(|d| d.reading.wanted.is_some()) {
        if let Some(data) = &mut state.data {
            data.reading.wanted = None;
            data.reading.again.take_if(|a| a.failed.is_some());
        }
        state.say("Left as it was read.");
    } else if set(state).is_empty() {
        state.say("Nothing is set: all of it was found.");
    } else {
        want(state, BTreeMap::new());
    }
}

/// What is said while a file is read again.
fn under_way(job: &JobId) -> String {
    format!("It is being read again as job {job}.")
}

/// A reading was queued. What was set is kept with it until it is done.
pub(super) fn submitted(state: &mut State, job: &JobId) {
    let file = state.job(job).and_then(|j| j.file.clone());
    let mut all = state.data.iter_mut().chain(&mut state.parked);
    if let Some(data) = all.find(|d| file.as_ref() == Some(&d.file))
        && let Some(with) = data.reading.wanted.take()
    {
        data.reading.again = Some(Again { job: job.clone(), with, failed: None });
    }
    state.say(under_way(job));
}

/// Finds out how readings went that were under way. What was set for one that failed is set again, to be put right.
pub(super) fn settle(state: &mut State) {
    let mut ended = Vec::new();
    for data in state.data.iter_mut().chain(&mut state.parked) {
        let Some(again) = data.reading.under_way() else { continue };
        let job = state.jobs.iter().find(|j| j.id == again.job);
        let failed = match job.map(|j| j.state) {
            Some(JobState::Queued | JobState::Running) => continue,
            // Of a job that was removed nothing is known.
            Some(JobState::Done) | None => None,
            Some(JobState::Cancelled) => Some("Reading it again was cancelled.".to_owned()),
            Some(JobState::Failed | JobState::Dead) => {
                let why = job.and_then(|j| j.error.as_deref()).unwrap_or("L shows its log");
                Some(format!("Reading it again failed: {why}"))
            }
        };
        let done = job.is_some() && failed.is_none();
        ended.push((data.file.clone(), again.job.clone(), done, failed.clone()));
        let Some(Again { job, with, .. }) = data.reading.again.take() else { continue };
        if !done {
            // What was set meanwhile went on from it.
            data.reading.wanted.get_or_insert(with.clone());
        }
        data.reading.again = failed.map(|why| Again { job, with, failed: Some(why) });
    }
    for (file, job, done, failed) in ended {
        if state.notice.as_ref().is_some_and(|n| n.text == under_way(&job)) {
            state.notice = None;
            if done {
                state.say("Read again.");
            }
        }
        // Where the first lines of the tab are in sight they say so themselves.
        if let Some(failed) = failed.filter(|_| !shown(state, &file)) {
            let name = state.file(&file).map_or_else(|| file.to_string(), |f| f.name.clone());
            state.complain(format!("{name}: {failed}"));
        }
    }
}

/// Whether the first lines of how a file was read are on the screen. Below them there may be up to two with a long reason.
fn shown(state: &State, file: &FileId) -> bool {
    let near = |d: &Data| d.reading.at + 2 < state.list_height();
    let on_tab = |d: &Data| &d.file == file && (!state.readable() || (d.tab == Tab::Reading && near(d)));
    state.screen == Screen::Data && state.data.as_ref().is_some_and(on_tab)
}

/// Reads the file again with what is set; where nothing is new, as it was.
fn again(state: &mut State) -> Vec<Effect> {
    let Some(data) = &state.data else { return Vec::new() };
    let file = data.file.clone();
    let Some(mut settings) = data.reading.wanted.clone() else { return files::again(state, &file) };
    // What was set before holds on until it is taken back, with an empty value.
    for name in state.open_file().into_iter().flat_map(|f| f.settings.keys()) {
        settings.entry(name.clone()).or_default();
    }
    vec![Effect::Submit(Submission {
        kind: "ingest".into(),
        file: Some(file.to_string()),
        settings,
        priority: 0,
        idempotency: None,
    })]
}
