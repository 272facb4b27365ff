//! How a file is read: walking over the decisions, overruling them, reading again. Nothing is read again before the user
//! says so.

use std::collections::BTreeMap;

use dropforge_shared::page::ColumnType;
use dropforge_shared::reading::settings;
use dropforge_shared::service::Submission;

use super::super::actions::Cmd;
use super::super::effect::Effect;
use super::super::popups::{Field, Form, Formed, Item, Pick, Picked, Popup};
use super::super::screens::reading::{Line, lines};
use super::super::state::{State, set_one, types_set};
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
    let same = state.open_file().is_some_and(|f| f.settings == wanted);
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
        Some(Line::Rejected { line, reason, record }) => {
            let text = format!("{reason}\n\n{record}");
            state.popup = Some(Popup::message(format!("Line {line} was not placed"), text));
        }
        Some(Line::Decision { what, value, why, .. }) => {
            state.popup = Some(Popup::message(format!("{what}: {value}"), why.clone()));
        }
        _ => form(state),
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
    let found = |what: Option<&str>| match what {
        Some(found) => format!("Empty for what is found, which was: {found}. "),
        None => "Empty for what is found. ".to_owned(),
    };
    let quoted = reading.and_then(|r| r.delimiter.as_deref()).map(|d| format!("‘{}’", delimiter_name(d)));
    let delimiter = found(quoted.as_deref());
    let encoding = found(reading.and_then(|r| r.encoding.as_deref()));
    let header = found(reading.and_then(|r| r.header).map(|h| if h { "true" } else { "false" }));
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
            &format!("{header}Whether the first record names the columns."),
            vec![String::new(), "true".into(), "false".into()],
        ),
    ];
    let parts = reading.map(|r| r.parts.clone()).unwrap_or_default();
    let sheet = "The sheet of a workbook, or the member of an archive.";
    fields.push(if parts.is_empty() {
        Field::typed(settings::SHEET, value(settings::SHEET), sheet)
    } else {
        let options = std::iter::once(String::new()).chain(parts).collect();
        Field::one_of(settings::SHEET, value(settings::SHEET), sheet, options)
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
        }
        state.say("Left as it was read.");
    } else if state.open_file().is_some_and(|f| f.settings.is_empty()) {
        state.say("Nothing is set: all of it was found.");
    } else {
        want(state, BTreeMap::new());
    }
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
