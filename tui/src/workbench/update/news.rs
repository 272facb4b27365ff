//! News from the feed: what changed is patched in place or read anew, never more than a change needs.

use std::collections::BTreeSet;

use dropforge_shared::event::{Change, EventBatch};

use super::super::action::Source;
use super::super::effect::Effect;
use super::super::state::{Link, State};
use super::{data, lists, want};

/// With more single changes at once than this, whole lists are cheaper.
const MANY: usize = 20;

/// Connected, for the first time or again: all is read anew.
pub(super) fn connected(state: &mut State) -> Vec<Effect> {
    if state.link != Link::Live {
        state.say("The daemon is back.");
    }
    state.link = Link::Live;
    // Answers of the connection before will not come.
    state.loading.clear();
    state.more_loading = false;
    let mut effects = everything(state);
    effects.extend(data::reconnected(state));
    if state.query.running.take().is_some() {
        state.complain("The daemon went away while the statement ran: run it again.");
    }
    // Also where Esc would lead back to it.
    if let Some(log) = &mut state.log {
        state.tickets += 1;
        let mut fresh = super::super::state::LogView::new(log.job.clone(), state.tickets);
        (fresh.wrap, fresh.search) = (log.wrap, std::mem::take(&mut log.search));
        *log = fresh;
        effects.push(Effect::FollowLog { job: log.job.clone(), ticket: log.ticket });
    }
    effects
}

fn everything(state: &mut State) -> Vec<Effect> {
    (state.files_stale, state.jobs_stale) = (true, true);
    [Source::Files, Source::Jobs, Source::Running, Source::Inbox, Source::Status]
        .into_iter()
        .filter_map(|source| want(state, source))
        .collect()
}

/// The daemon went away.
pub(super) fn lost(state: &mut State, why: String) {
    if state.link == Link::Live {
        state.link = Link::Lost { since: state.now, why };
        // A good word, such as that the daemon is back, holds no longer.
        state.notice = state.notice.take().filter(|n| n.bad);
    }
    lists::settle(state);
}

/// Something happened in the daemon.
pub(super) fn events(state: &mut State, batch: EventBatch) -> Vec<Effect> {
    if batch.gap {
        return everything(state);
    }
    let (mut files, mut jobs) = (BTreeSet::new(), BTreeSet::new());
    let (mut inbox, mut counts) = (false, false);
    for event in batch.events {
        match event.change {
            Change::Progress { job, progress } => {
                if let Some(known) = state.jobs.iter_mut().find(|j| j.id == job) {
                    known.stage = Some(progress.stage.clone());
                    known.progress = Some(progress);
                } else {
                    jobs.insert(job);
                }
            }
            Change::Job { job, state: now, error, .. } => {
                if let Some(known) = state.jobs.iter_mut().find(|j| j.id == job)
                    && !known.state.is_terminal()
                {
                    known.state = now;
                    known.error = error;
                    if now.is_terminal() {
                        known.progress = None;
                    }
                }
                jobs.insert(job);
                counts = true;
            }
            Change::File { file, state: now, .. } => {
                if let Some(known) = state.files.iter_mut().find(|f| f.id == file) {
                    known.state = now;
                }
                files.insert(file);
            }
            Change::Removed { id } => {
                lists::forget(state, &id);
                counts = true;
            }
            Change::Inbox { .. } => inbox = true,
            Change::Notice { text } => state.complain(text),
        }
    }
    let mut effects = Vec::new();
    if files.len() > MANY {
        effects.extend(want(state, Source::Files));
    } else {
        effects.extend(files.into_iter().map(Effect::File));
    }
    if jobs.len() > MANY {
        effects.extend(want(state, Source::Jobs));
        effects.extend(want(state, Source::Running));
    } else {
        effects.extend(jobs.into_iter().map(Effect::Job));
    }
    if inbox {
        effects.extend(want(state, Source::Inbox));
    }
    if counts {
        effects.extend(want(state, Source::Status));
    }
    lists::settle(state);
    effects.extend(data::refreshed(state));
    effects
}
