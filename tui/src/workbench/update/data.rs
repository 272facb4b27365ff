//! An open file: which tab is shown, what each still lacks, and taking in what comes.

use dropforge_shared::fault::Fault;
use dropforge_shared::file::{FileKind, FileState};
use dropforge_shared::ids::FileId;
use dropforge_shared::page::Page;
use dropforge_shared::query::View;

use super::super::actions::Cmd;
use super::super::effect::Effect;
use super::super::screens::{self, Screen};
use super::super::state::{Data, State, Tab};
use super::{enter, export, files, lists, prepare, profile, query, reading, rows, rows_shown, types};

/// Files beside the open one whose tabs are remembered.
pub(super) const PARKED: usize = 16;

/// Opens a file. One that waits for a choice is opened where the choice is made.
pub(super) fn open(state: &mut State, file: FileId) -> Vec<Effect> {
    let waits = state.file(&file).is_some_and(|f| f.state == FileState::NeedsInput);
    let same = state.screen == Screen::Data && state.data.as_ref().is_some_and(|d| d.file == file);
    if !same {
        enter(state, Screen::Data);
    }
    bring(state, file);
    if waits && let Some(data) = &mut state.data {
        data.tab = Tab::Type;
    }
    let unknown = match &state.data {
        Some(data) if state.file(&data.file).is_none() => Some(Effect::File(data.file.clone())),
        _ => None,
    };
    unknown.into_iter().chain(refreshed(state)).collect()
}

/// Puts a file on the table, as the user left it, and what is there aside.
pub(super) fn bring(state: &mut State, file: FileId) {
    if state.data.as_ref().is_some_and(|d| d.file == file) {
        return;
    }
    let known = state.parked.iter().position(|d| d.file == file).map(|at| state.parked.remove(at));
    let next = known.unwrap_or_else(|| Data::new(file));
    // A statement of another file's tab stays; only keys no longer go into it.
    state.query.typing = false;
    let Some(mut before) = state.data.replace(next) else { return };
    before.rest();
    state.parked.push(before);
    if state.parked.len() <= PARKED {
        return;
    }
    // What nobody worked on can be made again, so it goes first.
    let at = state.parked.iter().position(|d| !d.touched()).unwrap_or(0);
    let gone = state.parked.remove(at);
    if gone.touched() {
        let name = state.file(&gone.file).map(|f| f.name.clone()).unwrap_or_else(|| gone.file.to_string());
        state.complain(format!(
            "What you set for {name} is let go: {PARKED} files beside this one are remembered."
        ));
    }
}

/// Shows the file that was open last, or the one that is selected.
pub fn show_last(state: &mut State) -> Vec<Effect> {
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
    let Some(file) = state.open_file().cloned() else { return Vec::new() };
    let readable = state.readable();
    let screen = state.screen;
    let newest = state.job_of(&file);
    let Some(data) = &mut state.data else { return Vec::new() };
    if !readable && file.kind != FileKind::Unknown {
        return Vec::new();
    }
    if data.job != file.job {
        // The data was written anew: what was read belongs to the run before.
        data.forget();
        data.job = file.job.clone();
        // What was read with now, whoever asked for it, waits no longer.
        data.reading.wanted.take_if(|wanted| *wanted == file.settings);
    }
    let rejects = file.rejected_rows.unwrap_or(0) > 0;
    let mut effects = Vec::new();
    if screen == Screen::Data
        && readable
        && let Some(job) = data.job.clone().or(newest)
    {
        let file = data.file.clone();
        let wants_profile = match data.tab {
            Tab::Profile => true,
            Tab::Rows => data.stats,
            _ => false,
        };
        if wants_profile && data.profile.ask() {
            effects.push(Effect::Profile { file: file.clone(), job: job.clone() });
        }
        match data.tab {
            Tab::Prepare if data.prepare.state.ask() => effects.push(Effect::Suggest(file)),
            Tab::Reading => {
                if data.reading.reading.ask() {
                    effects.push(Effect::Reading { file: file.clone(), job: job.clone() });
                }
                if rejects && data.reading.rejected.ask() {
                    effects.push(Effect::Rejected { file, job });
                }
            }
            Tab::Type if data.types.detection.ask() => effects.push(Effect::Detection { file, job }),
            _ => {}
        }
    }
    effects.extend(fetch(state));
    effects
}

/// The next page to ask for.
pub(super) fn fetch(state: &mut State) -> Option<Effect> {
    let height = state.rows_height();
    if !rows_shown(state) || !state.readable() {
        return None;
    }
    let now = state.now;
    let data = state.data.as_mut()?;
    let range = data.missing(height)?;
    data.asked = Some(range.start);
    data.looking = (data.sheet.total.is_none() && !data.view.is_plain()).then_some(now);
    let (file, offset, rows) = (data.file.clone(), range.start, range.end - range.start);
    Some(if data.view.is_plain() {
        Effect::Page { file, offset, rows }
    } else {
        Effect::View { file, view: data.view.clone(), offset, rows }
    })
}

/// The window has another height.
pub(super) fn resized(state: &mut State) -> Vec<Effect> {
    let (height, results) = (state.rows_height(), state.results_height());
    if let Some(data) = &mut state.data {
        data.sheet.go(data.sheet.row, height);
    }
    state.query.sheet.go(state.query.sheet.row, results);
    fetch(state).into_iter().collect()
}

/// A page came, or did not.
pub(super) fn page(
    state: &mut State,
    file: &FileId,
    view: &View,
    offset: u64,
    result: Result<Page, Fault>,
) -> Vec<Effect> {
    let height = state.rows_height();
    let asked = |d: &&mut Data| &d.file == file && d.asked == Some(offset) && &d.view == view;
    let Some(data) = state.data.as_mut().filter(asked) else { return Vec::new() };
    data.asked = None;
    match result {
        Ok(page) => data.take(page, height),
        Err(fault) => {
            rows::refused(data, &fault);
            data.error = Some(fault.message);
        }
    }
    fetch(state).into_iter().collect()
}

/// The connection is another one: what was on its way will not come.
pub(super) fn reconnected(state: &mut State) -> Vec<Effect> {
    let Some(data) = &mut state.data else { return Vec::new() };
    data.asked = None;
    data.error = None;
    data.profile.again();
    data.prepare.state.again();
    data.prepare.preview = None;
    data.reading.reading.again();
    data.reading.rejected.again();
    data.types.detection.again();
    vec![Effect::File(data.file.clone())]
}

/// A file was removed; where it is open there is nothing left to show.
pub(super) fn removed(state: &mut State, id: &str) {
    state.parked.retain(|d| d.file.as_str() != id);
    state.back.retain(|v| v.file.as_ref().is_none_or(|f| f.as_str() != id));
    if state.data.as_ref().is_none_or(|d| d.file.as_str() != id) {
        return;
    }
    state.data = None;
    if state.screen == Screen::Data {
        state.screen = Screen::Files;
        state.popup = None;
        state.prompt = None;
        state.say("The file that was open is gone.");
    }
}

/// One step back inside the screen; false where there is none.
pub(super) fn back(state: &mut State) -> bool {
    let beside = screens::figures_fit(state.size.0);
    let Some(data) = &mut state.data else { return false };
    match data.tab {
        // Only what is seen is closed.
        Tab::Rows if beside => std::mem::take(&mut data.stats),
        Tab::Profile => data.detail.take().is_some() || data.heat.take().is_some(),
        Tab::Prepare => data.prepare.preview.take().is_some(),
        _ => false,
    }
}

/// Goes to a row.
pub(super) fn go_to_row(state: &mut State, row: u64) -> Vec<Effect> {
    if state.query_shown() {
        let height = state.results_height();
        state.query.sheet.go(row, height);
        return Vec::new();
    }
    let height = state.rows_height();
    if let Some(data) = &mut state.data {
        data.error = None;
        data.sheet.go(row, height);
    }
    fetch(state).into_iter().collect()
}

/// Goes to a column by its name.
pub(super) fn go_to_column(state: &mut State, name: &str) {
    let in_query = state.query_shown();
    let sheet = match &mut state.data {
        _ if in_query => &mut state.query.sheet,
        Some(data) => &mut data.sheet,
        None => return,
    };
    if let Some(at) = sheet.columns.iter().position(|c| c.name == name) {
        sheet.column = at;
    }
}

/// Shows a tab.
pub(super) fn show(state: &mut State, tab: Tab) -> Vec<Effect> {
    state.query.typing = false;
    if let Some(data) = &mut state.data {
        data.tab = tab;
        data.detail = None;
        // What failed may go well now.
        data.prepare.state.retry();
        data.profile.retry();
        data.reading.reading.retry();
        data.reading.rejected.retry();
        data.types.detection.retry();
    }
    if tab == Tab::Query {
        query::begin(state);
    }
    refreshed(state)
}

/// A command on the screen of a file.
pub fn command(state: &mut State, cmd: Cmd) -> Vec<Effect> {
    let readable = state.readable();
    let Some(data) = &state.data else { return Vec::new() };
    let tab = data.tab;
    match cmd {
        Cmd::OtherTab => return show(state, if tab == Tab::Profile { Tab::Rows } else { Tab::Profile }),
        Cmd::NextTab | Cmd::PrevTab => return show(state, tab.next(cmd == Cmd::NextTab)),
        Cmd::Log => {
            let job = state.file(&data.file).and_then(|f| state.job_of(f));
            return job.map(|job| lists::open_log(state, job)).unwrap_or_default();
        }
        Cmd::Reprocess => {
            let id = data.file.clone();
            return files::again(state, &id);
        }
        Cmd::Export if tab != Tab::Query => return export::ask(state),
        _ => {}
    }
    match tab {
        _ if !readable => reading::command(state, cmd),
        Tab::Rows => rows::command(state, cmd),
        Tab::Profile => profile::command(state, cmd),
        Tab::Prepare => prepare::command(state, cmd),
        Tab::Query => query::command(state, cmd),
        Tab::Reading => reading::command(state, cmd),
        Tab::Type => types::command(state, cmd),
    }
}
