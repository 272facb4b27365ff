//! An open file: moving over its rows and its profile, and taking in what comes.

use dropforge_shared::fault::Fault;
use dropforge_shared::file::{FileKind, FileState};
use dropforge_shared::ids::FileId;
use dropforge_shared::page::Page;
use dropforge_shared::profile::Profile;
use tui_input::Input;

use super::super::actions::Cmd;
use super::super::effect::Effect;
use super::super::state::{Asking, Data, Loaded, Prompt, Screen, State, Tab};
use super::{enter, files, lists, rows_shown};

/// Opens a file.
pub(super) fn open(state: &mut State, file: FileId) -> Vec<Effect> {
    if state.data.as_ref().is_none_or(|d| d.file != file) {
        state.data = Some(Data::new(file));
    }
    enter(state, Screen::Data);
    refreshed(state)
}

/// Shows the file that was open last, or the one that is selected.
pub(super) fn show_last(state: &mut State) -> Vec<Effect> {
    if let Some(data) = &state.data {
        let file = data.file.clone();
        return open(state, file);
    }
    let ready = |f: &&dropforge_shared::file::FileView| f.state == FileState::Ready;
    let file = state.selected_file().filter(ready).or_else(|| state.files.iter().find(ready));
    match file.map(|f| f.id.clone()) {
        Some(file) => open(state, file),
        None => {
            state.say("No file is ready yet. Files (2) shows how far each is.");
            Vec::new()
        }
    }
}

/// Reads what the open file lacks, where it can be read.
pub(super) fn refreshed(state: &mut State) -> Vec<Effect> {
    let Some(file) = state.data.as_ref().and_then(|d| state.file(&d.file)).cloned() else {
        return Vec::new();
    };
    let Some(data) = &mut state.data else { return Vec::new() };
    if file.state != FileState::Ready || file.kind != FileKind::Dataset {
        return Vec::new();
    }
    if data.job != file.job {
        // The data was written anew: what was read belongs to the run before.
        data.forget();
        data.job = file.job;
    }
    let mut effects = Vec::new();
    if state.screen == Screen::Data
        && data.tab == Tab::Profile
        && data.profile == Loaded::No
        && let Some(job) = data.job.clone()
    {
        data.profile = Loaded::Asked;
        effects.push(Effect::Profile { file: data.file.clone(), job });
    }
    effects.extend(fetch(state));
    effects
}

/// The next page to ask for.
fn fetch(state: &mut State) -> Option<Effect> {
    let height = state.rows_height();
    if !rows_shown(state) {
        return None;
    }
    let data = state.data.as_ref()?;
    let file = state.file(&data.file)?;
    if file.state != FileState::Ready || file.kind != FileKind::Dataset {
        return None;
    }
    let data = state.data.as_mut()?;
    let range = data.missing(height)?;
    data.asked = Some(range.start);
    Some(Effect::Page { file: data.file.clone(), offset: range.start, rows: range.end - range.start })
}

/// The window has another height.
pub(super) fn resized(state: &mut State) -> Vec<Effect> {
    let height = state.rows_height();
    if let Some(data) = &mut state.data {
        data.go(data.row, height);
    }
    fetch(state).into_iter().collect()
}

/// A page came, or did not.
pub(super) fn page(
    state: &mut State,
    file: &FileId,
    offset: u64,
    result: Result<Page, Fault>,
) -> Vec<Effect> {
    let height = state.rows_height();
    let Some(data) = state.data.as_mut().filter(|d| &d.file == file && d.asked == Some(offset)) else {
        return Vec::new();
    };
    data.asked = None;
    match result {
        Ok(page) => data.take(page, height),
        Err(fault) => data.error = Some(fault.message),
    }
    fetch(state).into_iter().collect()
}

/// A profile came, or did not.
pub(super) fn profile(state: &mut State, file: &FileId, result: Result<Box<Profile>, Fault>) {
    if let Some(data) = state.data.as_mut().filter(|d| &d.file == file) {
        data.profile = match result {
            Ok(profile) => Loaded::Yes(profile),
            Err(fault) => Loaded::Failed(fault.message),
        };
    }
}

/// A file was removed; where it is open there is nothing left to show.
pub(super) fn removed(state: &mut State, id: &str) {
    if state.data.as_ref().is_none_or(|d| d.file.as_str() != id) {
        return;
    }
    state.data = None;
    state.back.retain(|s| *s != Screen::Data);
    if state.screen == Screen::Data {
        state.screen = Screen::Files;
        state.popup = None;
        state.prompt = None;
        state.say("The file that was open is gone.");
    }
}

/// One step back inside the screen; false where there is none.
pub(super) fn back(state: &mut State) -> bool {
    state.data.as_mut().is_some_and(|d| d.detail.take().is_some())
}

/// Goes to a row.
pub(super) fn go_to_row(state: &mut State, row: u64) -> Vec<Effect> {
    let height = state.rows_height();
    if let Some(data) = &mut state.data {
        data.error = None;
        data.go(row, height);
    }
    fetch(state).into_iter().collect()
}

/// A command on the screen of a file.
pub fn command(state: &mut State, cmd: Cmd) -> Vec<Effect> {
    let Some(data) = &state.data else { return Vec::new() };
    match cmd {
        Cmd::OtherTab => {
            let tab = if data.tab == Tab::Rows { Tab::Profile } else { Tab::Rows };
            if let Some(data) = &mut state.data {
                data.tab = tab;
                data.detail = None;
                if matches!(data.profile, Loaded::Failed(_)) {
                    data.profile = Loaded::No;
                }
            }
            return refreshed(state);
        }
        Cmd::Log => {
            let job = state.file(&data.file).and_then(|f| state.job_of(f));
            return job.map(|job| lists::open_log(state, job)).unwrap_or_default();
        }
        Cmd::Reprocess => {
            let id = data.file.clone();
            return files::again(state, &id);
        }
        _ => {}
    }
    if data.tab == Tab::Rows { rows(state, cmd) } else { profile_tab(state, cmd) }
}

fn rows(state: &mut State, cmd: Cmd) -> Vec<Effect> {
    let height = state.rows_height();
    let Some(data) = &mut state.data else { return Vec::new() };
    let last = data.columns.len().saturating_sub(1);
    let row = match cmd {
        Cmd::Up => data.row.saturating_sub(1),
        Cmd::Down => data.row.saturating_add(1),
        // The window moves along, so that the selection keeps its place in it.
        Cmd::PageUp => {
            data.top = data.top.saturating_sub(height);
            data.row.saturating_sub(height)
        }
        Cmd::PageDown => {
            data.top = data.top.saturating_add(height);
            data.row.saturating_add(height)
        }
        Cmd::Top => 0,
        Cmd::Bottom => u64::MAX,
        _ => {
            match cmd {
                Cmd::Left => data.column = data.column.saturating_sub(1),
                Cmd::Right => data.column = (data.column + 1).min(last),
                Cmd::FirstColumn => data.column = 0,
                Cmd::LastColumn => data.column = last,
                Cmd::JumpRow => {
                    let prompt =
                        Prompt { asking: Asking::Row, input: Input::default(), before: String::new() };
                    state.prompt = Some(prompt);
                }
                _ => {}
            }
            return Vec::new();
        }
    };
    go_to_row(state, row)
}

fn profile_tab(state: &mut State, cmd: Cmd) -> Vec<Effect> {
    let height = state.list_height();
    let Some(data) = &mut state.data else { return Vec::new() };
    let Loaded::Yes(profile) = &data.profile else { return Vec::new() };
    let columns: Vec<String> = (0..profile.columns.len()).map(|i| i.to_string()).collect();
    let page = isize::try_from(height).unwrap_or(1);
    if let Some(shown) = data.detail {
        match cmd {
            // Left and right would be natural too, but the keys of the list already walk the columns.
            Cmd::Up => data.detail_top = data.detail_top.saturating_sub(1),
            Cmd::Down => data.detail_top += 1,
            Cmd::PageUp | Cmd::PageDown => {
                let by = if cmd == Cmd::PageDown { 1 } else { -1 };
                data.profile_at.step(by, &columns, height);
                data.detail = Some(data.profile_at.index);
                data.detail_top = 0;
            }
            Cmd::Top => data.detail_top = 0,
            Cmd::Open => data.detail = None,
            _ => data.detail = Some(shown),
        }
        return Vec::new();
    }
    match cmd {
        Cmd::Up => data.profile_at.step(-1, &columns, height),
        Cmd::Down => data.profile_at.step(1, &columns, height),
        Cmd::PageUp => data.profile_at.step(-page, &columns, height),
        Cmd::PageDown => data.profile_at.step(page, &columns, height),
        Cmd::Top => data.profile_at.go(0, &columns, height),
        Cmd::Bottom => data.profile_at.go(usize::MAX, &columns, height),
        Cmd::Open if !columns.is_empty() => {
            data.detail = Some(data.profile_at.index);
            data.detail_top = 0;
        }
        _ => {}
    }
    Vec::new()
}
