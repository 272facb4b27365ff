//! `add`: taking files in may take long, so the call gives a ticket and the work goes on in a task of the daemon's; the
//! client asks how it goes, and may go away.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use dropforge_shared::fault::{Fault, FaultCode};
use dropforge_shared::file::AddOutcome;
use dropforge_shared::service::{AddProgress, AddRequest};
use tokio::sync::watch;

use super::Calls;
use crate::store::rows::INGEST;

/// How long a ticket is kept after its work ended.
const KEPT_FOR: Duration = Duration::from_secs(3600);
/// Tickets kept after their work ended, for clients that have not asked yet.
const KEPT: usize = 64;
/// Outcomes in one answer.
const BATCH: usize = 500;

/// The `add`s that are under way or ended lately.
#[derive(Default)]
pub struct Tickets {
    next: AtomicU64,
    open: Mutex<HashMap<u64, Arc<Ticket>>>,
}

struct Ticket {
    owner: u32,
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    outcomes: Vec<AddOutcome>,
    current: Option<(String, u64, u64)>,
    finished: bool,
    ended: Option<Instant>,
}

impl Ticket {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.send_modify(|n| *n += 1);
    }
}

impl Tickets {
    fn open(&self) -> MutexGuard<'_, HashMap<u64, Arc<Ticket>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn begin(calls: &Calls, request: AddRequest) -> Result<u64, Fault> {
    if let Some(name) = &request.project
        && calls.house.store.read(|tx| tx.project_named(calls.owner, name))?.is_none()
    {
        return Err(super::system::no_project(name));
    }
    calls.house.queue.refuse(INGEST, &request.settings)?;
    let tickets = &calls.house.tickets;
    let number = tickets.next.fetch_add(1, Ordering::Relaxed) + 1;
    let ticket =
        Arc::new(Ticket { owner: calls.owner, state: Mutex::default(), changed: watch::Sender::new(0) });
    {
        let mut open = tickets.open();
        open.retain(|_, t| t.state().ended.is_none_or(|at| at.elapsed() < KEPT_FOR));
        let mut ended: Vec<u64> = open.iter().filter(|(_, t)| t.state().finished).map(|(n, _)| *n).collect();
        ended.sort_unstable();
        for old in ended.iter().rev().skip(KEPT) {
            open.remove(old);
        }
        open.insert(number, ticket.clone());
    }
    let intake = calls.house.inbox.intake().clone();
    let (owner, house) = (calls.owner, calls.house.clone());
    tokio::spawn(async move {
        let (to_outcome, to_progress) = (ticket.clone(), ticket.clone());
        intake
            .add(
                request,
                owner,
                move |outcome: AddOutcome| {
                    if let Some(fault) = outcome.fault.as_ref().filter(|f| f.code == FaultCode::Refused) {
                        house.trail.refused(owner, "", &format!("add: {}", fault.message));
                    }
                    to_outcome.change(|s| s.outcomes.push(outcome));
                },
                move |path: &str, done, total| {
                    to_progress.change(|s| s.current = Some((path.to_owned(), done, total)))
                },
            )
            .await;
        ticket.change(|s| {
            s.finished = true;
            s.current = None;
            s.ended = Some(Instant::now());
        });
    });
    Ok(number)
}

pub(super) async fn poll(
    calls: &Calls,
    number: u64,
    seen: usize,
    wait: Duration,
) -> Result<AddProgress, Fault> {
    let ticket = calls.house.tickets.open().get(&number).filter(|t| t.owner == calls.owner).cloned();
    let Some(ticket) = ticket else {
        return Err(Fault::not_found("that `add` is not known any more").hint(
            "The daemon was restarted? What it took is in `dropforge files`; adding again is harmless.",
        ));
    };
    let mut changed = ticket.changed.subscribe();
    let deadline = tokio::time::Instant::now() + wait;
    let mut first = true;
    loop {
        changed.mark_unchanged();
        {
            let state = ticket.state();
            let left = deadline.saturating_duration_since(tokio::time::Instant::now());
            if state.outcomes.len() > seen
                || state.finished
                || left.is_zero()
                || (!first && state.current.is_some())
            {
                let outcomes: Vec<AddOutcome> =
                    state.outcomes.iter().skip(seen).take(BATCH).cloned().collect();
                let finished = state.finished && seen + outcomes.len() >= state.outcomes.len();
                return Ok(AddProgress { outcomes, current: state.current.clone(), finished });
            }
        }
        first = false;
        let _ = tokio::time::timeout_at(deadline, changed.changed()).await;
        // Copying reports often; a client that draws needs ten a second at most. The end is told at once.
        let pause = tokio::time::Instant::now() + Duration::from_millis(100);
        while !ticket.state().finished && tokio::time::timeout_at(pause, changed.changed()).await.is_ok() {}
    }
}
