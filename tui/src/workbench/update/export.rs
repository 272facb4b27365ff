//! Rows written to a file: where to is asked, and then it is done.

use dropforge_shared::file::{FileKind, FileState, FileView};
use tui_input::Input;

use super::super::effect::{Effect, Rows};
use super::super::screens::Screen;
use super::super::state::{Asking, Prompt, State};

/// The file whose rows are meant: the open one, or the one that the list has selected.
fn meant(state: &State) -> Option<&FileView> {
    if state.screen == Screen::Data { state.open_file() } else { state.selected_file() }
}

/// Asks where a dataset's rows go.
pub(super) fn ask(state: &mut State) -> Vec<Effect> {
    let Some(file) = meant(state) else { return Vec::new() };
    let known = matches!(file.state, FileState::Ready | FileState::NeedsInput);
    if file.kind != FileKind::Dataset || !known {
        state.complain("It has no rows to write.");
        return Vec::new();
    }
    let name = file.name.rsplit('/').next().unwrap_or(&file.name);
    let (name, part) = name.split_once('#').map_or((name, None), |(book, part)| (book, Some(part)));
    let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
    let whole = part.map_or_else(|| stem.to_owned(), |part| format!("{stem}-{part}"));
    // Not the name of the source, which may lie in this folder.
    prompt(state, Asking::Exported, format!("{}-rows.csv", if whole.is_empty() { "dataset" } else { &whole }))
}

/// Asks where a statement's rows go.
pub(super) fn ask_query(state: &mut State) -> Vec<Effect> {
    if state.query.sql().trim().is_empty() {
        state.complain("There is no statement yet.");
        return Vec::new();
    }
    prompt(state, Asking::ExportedQuery, "query.csv".to_owned())
}

fn prompt(state: &mut State, asking: Asking, name: String) -> Vec<Effect> {
    state.prompt = Some(Prompt { asking, input: Input::new(name), before: String::new() });
    Vec::new()
}

/// The path was given.
pub(super) fn accepted(state: &mut State, asking: Asking, to: &str) -> Vec<Effect> {
    let rows = match asking {
        Asking::ExportedQuery => Some(Rows::Gives(state.query.sql().trim().to_owned())),
        _ => meant(state).map(|file| Rows::Of(file.id.clone())),
    };
    let Some(rows) = rows else { return Vec::new() };
    state.say(format!("Writing {to} …"));
    vec![Effect::Export { rows, to: to.to_owned() }]
}
