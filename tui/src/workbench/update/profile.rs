//! The profile of a dataset: its columns, one of them in full, how they go together.

use dropforge_shared::fault::Fault;
use dropforge_shared::ids::FileId;
use dropforge_shared::profile::Profile;

use super::super::actions::Cmd;
use super::super::effect::Effect;
use super::super::popups::Popup;
use super::super::screens::{scrollable, severity_word};
use super::super::state::{Data, Heat, Loaded, Measure, State, numbers};

/// A profile came, or did not.
pub(super) fn came(state: &mut State, file: &FileId, result: Result<Box<Profile>, Fault>) {
    if let Some(data) = state.data.as_mut().filter(|d| &d.file == file) {
        data.profile = Loaded::answered(result);
    }
}

/// A command on the profile.
pub(super) fn command(state: &mut State, cmd: Cmd) -> Vec<Effect> {
    let (height, width) = (state.list_height(), state.size.0);
    let Some(data) = &mut state.data else { return Vec::new() };
    if matches!(data.profile, Loaded::Failed(_)) && matches!(cmd, Cmd::Up | Cmd::Down) {
        data.profile = Loaded::No;
        return super::data::refreshed(state);
    }
    let Loaded::Yes(profile) = &data.profile else { return Vec::new() };
    match cmd {
        Cmd::Issues => {
            let said = all_issues(profile);
            state.popup = Some(Popup::message("Worth a look", said));
            return Vec::new();
        }
        Cmd::HeatMap => {
            let next = next_measure(profile, data.heat.map(|h| h.measure));
            data.detail = None;
            data.heat = next.map(|measure| Heat { measure, row: 0, column: 0 });
            if next.is_none() && data.heat.is_none() && Measure::ALL.iter().all(|m| !m.known(profile)) {
                let said = if numbers(profile) < 2 {
                    "No two columns could be compared."
                } else {
                    // Why is not in the profile.
                    "This profile has no correlations."
                };
                state.say(said);
            }
            return Vec::new();
        }
        _ => {}
    }
    if data.heat.is_some() {
        heat(data, cmd, height);
    } else {
        columns(data, cmd, height, width);
    }
    Vec::new()
}

/// The next measure that the profile has; none after the last.
fn next_measure(profile: &Profile, present: Option<Measure>) -> Option<Measure> {
    let from = present.and_then(|p| Measure::ALL.iter().position(|m| *m == p)).map_or(0, |i| i + 1);
    Measure::ALL[from..].iter().copied().find(|m| m.known(profile))
}

fn heat(data: &mut Data, cmd: Cmd, height: usize) {
    let (Some(heat), Loaded::Yes(profile)) = (&mut data.heat, &data.profile) else { return };
    let last = heat.measure.of(profile).map_or(0, |c| c.columns.len().saturating_sub(1));
    match cmd {
        Cmd::Up => heat.row = heat.row.saturating_sub(1),
        Cmd::Down => heat.row += 1,
        Cmd::PageUp => heat.row = heat.row.saturating_sub(height),
        Cmd::PageDown => heat.row += height,
        Cmd::Top => heat.row = 0,
        Cmd::Bottom => heat.row = last,
        Cmd::Left => heat.column = heat.column.saturating_sub(1),
        Cmd::Right => heat.column += 1,
        _ => {}
    }
    (heat.row, heat.column) = (heat.row.min(last), heat.column.min(last));
}

fn columns(data: &mut Data, cmd: Cmd, height: usize, width: u16) {
    let Loaded::Yes(profile) = &data.profile else { return };
    let columns: Vec<String> = (0..profile.columns.len()).map(|i| i.to_string()).collect();
    let page = isize::try_from(height).unwrap_or(1);
    if let Some(shown) = data.detail {
        let last = profile.columns.get(shown).map_or(0, |c| scrollable(profile, c, width, height));
        match cmd {
            Cmd::Up => data.detail_top = data.detail_top.saturating_sub(1),
            Cmd::Down => data.detail_top = (data.detail_top + 1).min(last),
            Cmd::Bottom => data.detail_top = last,
            Cmd::PageUp | Cmd::PageDown | Cmd::Left | Cmd::Right => {
                let by = if matches!(cmd, Cmd::PageDown | Cmd::Right) { 1 } else { -1 };
                data.profile_at.step(by, &columns, height);
                data.detail = Some(data.profile_at.index);
                data.detail_top = 0;
            }
            Cmd::Top => data.detail_top = 0,
            Cmd::Open => data.detail = None,
            _ => {}
        }
        return;
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
}

/// All that is worth a look, in words.
fn all_issues(profile: &Profile) -> String {
    if profile.issues.is_empty() {
        return "Nothing stands out.".into();
    }
    let line = |i: &dropforge_shared::profile::Issue| {
        let column = i.column.as_deref().map(|c| format!("{c}: ")).unwrap_or_default();
        format!("{} · {column}{}", severity_word(i.severity).trim_end(), i.detail)
    };
    profile.issues.iter().map(line).collect::<Vec<_>>().join("\n")
}
