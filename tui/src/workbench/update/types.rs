//! What kind of data a dataset holds: walking over the candidates, choosing one, taking the choice back.

use dropforge_shared::fault::Fault;
use dropforge_shared::file::FileView;

use super::super::actions::Cmd;
use super::super::effect::Effect;
use super::super::popups::Popup;
use super::super::screens::reasons;
use super::super::state::State;
use super::lists;

/// A command on the types.
pub(super) fn command(state: &mut State, cmd: Cmd) -> Vec<Effect> {
    let height = state.list_height();
    let Some(data) = &mut state.data else { return Vec::new() };
    let names: Vec<String> = data
        .types
        .detection
        .get()
        .map(|d| d.candidates.iter().map(|c| c.name.clone()).collect())
        .unwrap_or_default();
    let page = isize::try_from(height).unwrap_or(1);
    let by = match cmd {
        Cmd::Up => -1,
        Cmd::Down => 1,
        Cmd::PageUp => -page,
        Cmd::PageDown => page,
        Cmd::Top => isize::MIN,
        Cmd::Bottom => isize::MAX,
        Cmd::Open => {
            let name = names.get(data.types.at.index).cloned();
            let file = data.file.clone();
            return name.map(|name| Effect::ChooseType { file, name: Some(name) }).into_iter().collect();
        }
        Cmd::Stats => {
            let chosen = data.types.detection.get().and_then(|d| d.candidates.get(data.types.at.index));
            if let Some(it) = chosen {
                let title = format!("Why {} has {:.0} of 100", it.name, it.score);
                state.popup = Some(Popup::message(title, reasons(it)));
            }
            return Vec::new();
        }
        Cmd::ForgetType => return vec![Effect::ChooseType { file: data.file.clone(), name: None }],
        _ => return Vec::new(),
    };
    data.types.at.step(by, &names, height);
    Vec::new()
}

/// The choice was taken, or not.
pub(super) fn chosen(state: &mut State, result: Result<FileView, Fault>) -> Option<Fault> {
    match result {
        Ok(file) => {
            let said = match &file.type_guess {
                Some(guess) if guess.decided_by == "user" => {
                    format!(
                        "It is {}. Files with this header will be taken for that; u takes it back.",
                        guess.name
                    )
                }
                Some(guess) => format!("The choice is taken back; by its own lights it is {}.", guess.name),
                None => "The choice is taken back.".to_owned(),
            };
            lists::put_file(&mut state.files, file);
            state.say(said);
            None
        }
        Err(fault) => Some(fault),
    }
}
