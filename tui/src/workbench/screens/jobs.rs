//! The list of jobs, with live stages and progress.

use dropforge_shared::job::{JobState, JobView};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::actions::Context;
use super::super::state::State;
use super::super::theme::Theme;
use super::super::update;
use super::super::widgets::{age, below, count, over, progress, right, stage, text};
use super::{ScreenSpec, job_style};

/// Its line of the table.
pub(super) const SCREEN: ScreenSpec = ScreenSpec {
    title: "Jobs",
    keys: &["4"],
    about: "Jobs",
    under: None,
    contexts: |_| vec![Context::Jobs],
    show: None,
    draw,
    update: update::jobs::command,
};

/// Draws it.
pub(super) fn draw(state: &State, theme: Theme, area: Rect, buf: &mut Buffer) {
    let more = if state.jobs_next.is_some() { "+" } else { "" };
    let title = format!("Jobs · {}{more}", count(state.jobs.len() as u64));
    text(buf, area.x, area.y, area.width, &title, theme.strong());
    let area = below(area, 1);
    if state.jobs.is_empty() {
        let said =
            if state.known { "No jobs yet. Every file that is dropped gets one." } else { "Reading…" };
        text(buf, area.x, area.y, area.width, said, theme.dim());
        return;
    }
    let places = Places::of(area);
    places.head(theme, buf);
    let list = below(area, 1);
    let jobs = state.jobs.iter().enumerate().skip(state.jobs_at.top);
    for (y, (i, job)) in (list.y..list.bottom()).zip(jobs) {
        places.job(job, y, state, theme, buf);
        if i == state.jobs_at.index {
            over(buf, list, y, theme.selected());
        }
    }
}

/// Where the columns are.
struct Places {
    area: Rect,
    kind: u16,
    name: u16,
    state: u16,
    tries: u16,
    what: u16,
    added: u16,
}

impl Places {
    fn of(area: Rect) -> Self {
        let name = (area.width / 3).clamp(12, 40);
        let kind = if area.width >= 100 { 9 } else { 0 };
        let what = kind + name + 1 + 10 + 6;
        Self {
            area,
            kind,
            name,
            state: kind + name + 1,
            tries: kind + name + 1 + 10,
            what,
            added: area.width.saturating_sub(8),
        }
    }

    fn put(&self, buf: &mut Buffer, at: u16, y: u16, width: u16, what: &str, style: ratatui::style::Style) {
        let width = width.min(self.area.width.saturating_sub(at));
        text(buf, self.area.x + at, y, width, what, style);
    }

    fn head(&self, theme: Theme, buf: &mut Buffer) {
        let (y, dim) = (self.area.y, theme.dim());
        if self.kind > 0 {
            self.put(buf, 0, y, self.kind, "kind", dim);
        }
        self.put(buf, self.kind, y, self.name, "file", dim);
        self.put(buf, self.state, y, 9, "state", dim);
        self.put(buf, self.tries, y, 5, "tries", dim);
        self.put(buf, self.what, y, 20, "stage", dim);
        right(buf, self.area.x + self.added, y, 8, "queued", dim);
    }

    fn job(&self, job: &JobView, y: u16, state: &State, theme: Theme, buf: &mut Buffer) {
        if self.kind > 0 {
            self.put(buf, 0, y, self.kind - 1, &job.kind, theme.text());
        }
        let name = job.file_name.as_deref().unwrap_or(job.id.as_str());
        self.put(buf, self.kind, y, self.name, name, theme.text());
        let word = if job.cancelling && !job.state.is_terminal() { "cancelling" } else { job.state.name() };
        self.put(buf, self.state, y, 9, word, job_style(job.state, theme));
        let tries = job.attempts.len();
        if tries > 0 {
            right(buf, self.area.x + self.tries, y, 4, &tries.to_string(), theme.text());
        }
        let room = self.added.saturating_sub(self.what + 1);
        let x = self.area.x + self.what;
        match (&job.error, &job.progress) {
            (_, Some(now)) if job.state == JobState::Running => {
                let bar = if room >= 30 { 10 } else { 0 };
                let mut at = 0;
                if now.fraction().is_some() {
                    progress(buf, x, y, bar, now.fraction(), theme.accent());
                    right(
                        buf,
                        x + bar,
                        y,
                        5,
                        &format!("{:.0}%", now.fraction().unwrap_or(0.0) * 100.0),
                        theme.text(),
                    );
                    at = bar + 6;
                }
                text(buf, x + at, y, room.saturating_sub(at), &stage(now), theme.text());
            }
            (Some(error), _) => {
                text(buf, x, y, room, error, theme.text());
            }
            _ => {
                let pause = job.not_before.filter(|t| *t > state.now && job.state == JobState::Queued);
                let said = match (pause, &job.stage) {
                    (Some(t), _) => format!("again at {}", super::super::widgets::moment(t, state.now)),
                    (None, Some(stage)) => stage.clone(),
                    (None, None) => String::new(),
                };
                text(buf, x, y, room, &said, theme.dim());
            }
        }
        right(buf, self.area.x + self.added, y, 8, &age(job.queued_at, state.now), theme.dim());
    }
}
