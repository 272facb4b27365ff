//! What happens, as a pure function: the state changes, and what is to be done in the world comes back. Must not do I/O.

pub(super) mod data;
mod export;
pub(super) mod files;
pub(super) mod home;
pub(super) mod jobs;
mod lists;
pub(super) mod log;
mod news;
mod popups;
mod prepare;
mod preview;
mod profile;
mod prompt;
pub(super) mod query;
mod reading;
mod rows;
mod table;
mod types;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tui_input::InputRequest;

use super::action::{Action, Source};
use super::actions::{Cmd, lookup, valid};
use super::effect::Effect;
use super::popups::{Palette, Popup};
use super::screens::{self, Screen};
use super::state::{Link, State, Tab, Visit};

/// Places that Esc leads back through.
const STEPS_BACK: usize = 50;

/// Lines that a notch of the mouse wheel moves, as in most programs for terminals.
const NOTCH: usize = 3;

/// What there is to do after something happened.
pub fn update(state: &mut State, action: Action) -> Vec<Effect> {
    match action {
        Action::Key(key) if key.kind == KeyEventKind::Release => Vec::new(),
        Action::Key(key) => on_key(state, key),
        // What can't be seen is not worked on.
        Action::Paste(_) | Action::Wheel(_) if screens::too_small(state.size) => Vec::new(),
        Action::Paste(text) => {
            if state.contexts().contains(&super::actions::Context::Editor) {
                state.query.insert(&text);
                return Vec::new();
            }
            // A pasted line break must not press Enter.
            for c in text.chars().filter(|c| !c.is_control()).take(4_096) {
                edit(state, InputRequest::InsertChar(c));
            }
            Vec::new()
        }
        Action::Resize(columns, rows) => {
            state.size = (columns, rows);
            lists::settle(state);
            data::resized(state)
        }
        Action::Wheel(down) => {
            let cmd = if down { Cmd::Down } else { Cmd::Up };
            (0..NOTCH).flat_map(|_| command(state, cmd)).collect()
        }
        Action::Do(cmd) => command(state, cmd),
        Action::Connected => news::connected(state),
        Action::Lost(why) => {
            news::lost(state, why);
            Vec::new()
        }
        Action::Events(batch) => news::events(state, batch),
        Action::Answer(answer) => lists::answer(state, *answer),
        Action::Tick => Vec::new(),
        Action::Terminate => {
            state.quit = true;
            Vec::new()
        }
    }
}

fn on_key(state: &mut State, key: KeyEvent) -> Vec<Effect> {
    if screens::too_small(state.size) {
        // Else Enter might answer a question that nobody sees.
        let leaving = lookup(key, &[super::actions::Context::Anywhere]);
        return leaving.map(|cmd| command(state, cmd)).unwrap_or_default();
    }
    // A word about what was done has been read by then; what went wrong stays until Esc or another screen.
    state.notice = state.notice.take().filter(|n| n.bad);
    let contexts = state.contexts();
    if let Some(cmd) = lookup(key, &contexts) {
        return command(state, cmd);
    }
    if contexts.contains(&super::actions::Context::Editor) {
        query::typed(state, key);
    } else if let Some(request) = editing(key) {
        edit(state, request);
    }
    Vec::new()
}

/// What a key does to a line of text, as in readline.
fn editing(key: KeyEvent) -> Option<InputRequest> {
    use InputRequest as R;
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(match (key.code, control) {
        (KeyCode::Char(c), false) => R::InsertChar(c),
        (KeyCode::Backspace, false) | (KeyCode::Char('h'), true) => R::DeletePrevChar,
        (KeyCode::Delete, _) => R::DeleteNextChar,
        (KeyCode::Left, false) => R::GoToPrevChar,
        (KeyCode::Right, false) => R::GoToNextChar,
        (KeyCode::Left, true) => R::GoToPrevWord,
        (KeyCode::Right, true) => R::GoToNextWord,
        (KeyCode::Home, _) | (KeyCode::Char('a'), true) => R::GoToStart,
        (KeyCode::End, _) | (KeyCode::Char('e'), true) => R::GoToEnd,
        (KeyCode::Char('w'), true) | (KeyCode::Backspace, true) => R::DeletePrevWord,
        (KeyCode::Char('u'), true) => R::DeleteLine,
        (KeyCode::Char('k'), true) => R::DeleteTillEnd,
        _ => return None,
    })
}

fn edit(state: &mut State, request: InputRequest) {
    if let Some(Popup::Palette(palette)) = &mut state.popup {
        palette.input.handle(request);
        palette.index = 0;
    } else if let Some(Popup::Pick(pick)) = &mut state.popup {
        pick.input.handle(request);
        pick.index = 0;
    } else if let Some(Popup::Form(form)) = &mut state.popup {
        if let Some(field) = form.fields.get_mut(form.at) {
            field.edit(request);
        }
    } else if state.popup.is_none() && state.prompt.is_some() {
        prompt::edit(state, request);
    }
}

/// Does a command, by whatever way it was chosen.
fn command(state: &mut State, cmd: Cmd) -> Vec<Effect> {
    match cmd {
        Cmd::Quit => {
            state.quit = true;
            return Vec::new();
        }
        Cmd::Redraw => return vec![Effect::Redraw],
        Cmd::Suspend => return vec![Effect::Suspend],
        _ => {}
    }
    if state.popup.is_some() {
        return popups::command(state, cmd);
    }
    if state.prompt.is_some() {
        return prompt::command(state, cmd);
    }
    match cmd {
        Cmd::Leave => state.quit = true,
        Cmd::StartDaemon if state.link != Link::Live => {
            state.say("Starting the daemon…");
            return vec![Effect::StartDaemon];
        }
        Cmd::Help => state.popup = Some(Popup::Help { top: 0, contexts: state.contexts() }),
        Cmd::Palette => {
            let contexts = state.contexts();
            let commands = valid(&contexts)
                .filter(|s| s.id != Cmd::Palette && screens::available(state, s.id))
                .collect();
            let rows = contexts.contains(&super::actions::Context::Table);
            state.popup = Some(Popup::Palette(Palette { commands, rows, ..Palette::default() }));
        }
        Cmd::Show(screen) => {
            return match screens::of(screen).show {
                Some(own) => own(state),
                None => show(state, screen),
            };
        }
        Cmd::NextScreen | Cmd::PrevScreen => return neighbour(state, cmd == Cmd::NextScreen),
        Cmd::OpenFile => {
            let Some(file) = job_file(state) else { return Vec::new() };
            return data::open(state, file);
        }
        Cmd::Back => return back(state),
        _ => return (screens::of(state.screen).update)(state, cmd),
    }
    Vec::new()
}

/// Shows a screen that a key names; there is no way back from it but the keys.
fn show(state: &mut State, screen: Screen) -> Vec<Effect> {
    let mut effects = leave(state, screen);
    state.back.clear();
    state.screen = screen;
    state.notice = None;
    effects.extend(data::refreshed(state));
    effects
}

/// Opens a screen over the present one; Esc leads back.
fn enter(state: &mut State, screen: Screen) {
    come_from(state, state.here());
    state.screen = screen;
    state.notice = None;
}

/// Notes where Esc leads to.
fn come_from(state: &mut State, from: Visit) {
    if state.back.last() != Some(&from) {
        state.back.push(from);
    }
    // Who goes on from file to log to file for ever comes back to the last of them.
    let surplus = state.back.len().saturating_sub(STEPS_BACK);
    state.back.drain(..surplus);
}

/// What leaving the present screen for another means.
fn leave(state: &mut State, to: Screen) -> Vec<Effect> {
    if state.log.is_some() && to != Screen::Log {
        state.log = None;
        return vec![Effect::StopLog];
    }
    Vec::new()
}

/// Shows a place again as it was left.
fn come_back(state: &mut State, to: Visit) -> Vec<Effect> {
    let mut effects = leave(state, to.screen);
    state.screen = to.screen;
    if let Some(file) = to.file {
        data::bring(state, file);
    }
    if let Some(job) = to.job.filter(|job| state.log.as_ref().is_none_or(|l| &l.job != job)) {
        effects.extend(lists::follow(state, job));
    }
    effects.extend(data::refreshed(state));
    effects
}

fn back(state: &mut State) -> Vec<Effect> {
    // What went wrong is put away first; only then does one leave.
    let runs = state.query_shown() && state.query.running.is_some();
    if state.notice.take().is_some_and(|n| n.bad) && !runs {
        return Vec::new();
    }
    if state.screen == Screen::Files && !state.filter.is_empty() {
        state.filter.clear();
        lists::settle(state);
        return Vec::new();
    }
    if state.query_shown()
        && let Some(effects) = query::back(state)
    {
        return effects;
    }
    if state.screen == Screen::Data && data::back(state) {
        return Vec::new();
    }
    let home = Visit { screen: Screen::Home, file: None, job: None };
    let to = state.back.pop().unwrap_or(home);
    come_back(state, to)
}

/// The next of the screens that a digit names.
fn neighbour(state: &mut State, forward: bool) -> Vec<Effect> {
    let has_key = |s: &Screen| !screens::of(*s).keys.is_empty();
    let mut named: Vec<Screen> = screens::SCREENS.iter().copied().filter(has_key).collect();
    if state.data.is_none() {
        named.retain(|s| *s != Screen::Data);
    }
    let present = screens::marked(state.screen);
    let at = named.iter().position(|s| *s == present).unwrap_or(0);
    let by = if forward { 1 } else { named.len() - 1 };
    match named.get((at + by) % named.len()) {
        Some(screen) => show(state, *screen),
        None => Vec::new(),
    }
}

/// The file that the selected job made, else the one it works on.
pub(super) fn job_file(state: &State) -> Option<dropforge_shared::ids::FileId> {
    let job = match state.screen {
        Screen::Log => state.log.as_ref().and_then(|l| state.job(&l.job)),
        _ => state.selected_job(),
    }?;
    job.produced.first().or(job.file.as_ref()).cloned()
}

/// Asks for a list anew, unless it is being read: then once more after that.
fn want(state: &mut State, source: Source) -> Option<Effect> {
    if let Some(again) = state.loading.get_mut(&source) {
        *again = true;
        return None;
    }
    state.loading.insert(source, false);
    Some(Effect::Load(source))
}

/// Whether rows are on the screen.
fn rows_shown(state: &State) -> bool {
    state.screen == Screen::Data && state.data.as_ref().is_some_and(|d| d.tab == Tab::Rows)
}

#[cfg(test)]
mod mended_tests;
#[cfg(test)]
mod reading_tests;
#[cfg(test)]
mod tabs_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod ways_tests;
