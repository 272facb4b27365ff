//! The workbench: the screen that `dropforge` opens. Keys, news from the daemon and its answers become an
//! [`action::Action`]; `update` turns it into a new state and effects; effects do the I/O; drawing reads the state.
//!
//! Must not know: the daemon's insides, the store, the engines.

pub mod action;
pub mod actions;
mod calls;
pub mod effect;
pub mod effects;
mod exporting;
mod history;
pub mod popups;
pub mod screens;
pub mod shadow;
pub mod state;
pub mod terminal;
#[cfg(test)]
mod testkit;
pub mod theme;
mod update;
pub mod widgets;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use crossterm::event::{Event, EventStream, MouseEventKind};
use dropforge_shared::client::connect_or_start;
use dropforge_shared::config::Config;
use dropforge_shared::fault::Fault;
use dropforge_shared::paths::Paths;
use dropforge_shared::time::Timestamp;
use futures::StreamExt;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use action::Action;
use effect::Effect;
use effects::Effects;
use state::{Place, SampleView, State};
use terminal::Session;
use theme::Theme;

pub use update::update;

/// Keys that wait are all taken before one frame is drawn, but never more than this many.
const KEYS_A_FRAME: usize = 256;

/// How often what says for how long it goes on is drawn.
const TICK: Duration = Duration::from_millis(500);

/// Opens the workbench and stays until the user leaves it. The daemon is started where none answers.
pub async fn run(paths: Paths, config: Config, exe: PathBuf) -> Result<(), Fault> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(Fault::usage("the workbench needs a terminal")
            .hint("`dropforge --help` lists the verbs, which need none."));
    }
    // Before the screen is taken, so that what goes wrong here is printed like any other error.
    let client = connect_or_start(&paths, &exe).await?;
    let place = surroundings(&client.peer.inbox);
    let samples = crate::samples::SAMPLES
        .iter()
        .map(|s| SampleView { name: s.name, about: s.about, bytes: s.bytes.len() as u64 })
        .collect();
    let size = crossterm::terminal::size().map_err(screen_fault)?;
    let mut state = State::new(size, place, samples);
    state.mouse = config.screen.mouse;
    let theme = Theme::from_env(&config.screen);
    let broken = Arc::new(Notify::new());
    let session = Session::enter(config.screen.mouse, &broken).map_err(screen_fault)?;
    let (out, actions) = mpsc::channel(256);
    let effects = Effects::new(paths, exe, client, out);
    let mut workbench = Workbench { state, theme, session, effects, actions, broken };
    workbench.effects.run(Effect::History);
    let ended = workbench.run().await;
    let left = workbench.state.counts();
    // Gives the terminal back before anything is said.
    drop(workbench);
    if ended.is_ok() {
        say_what_goes_on(left);
    }
    ended
}

/// Leaving ends nothing: says so where there is work.
fn say_what_goes_on((running, queued): (u64, u64)) {
    use std::io::Write;
    let jobs = running + queued;
    if jobs > 0 {
        let what = if jobs == 1 { "1 job goes".to_owned() } else { format!("{jobs} jobs go") };
        // Where nobody reads standard error there is nobody to tell.
        let _ = writeln!(std::io::stderr(), "{what} on in the background; `dropforge` shows how far.");
    }
}

fn screen_fault(error: std::io::Error) -> Fault {
    Fault::failed(format!("the terminal can't be used: {error}")).hint(
        "`dropforge doctor` says what the terminal can do; the verbs (`dropforge --help`) need no screen.",
    )
}

fn surroundings(inbox: &str) -> Place {
    let uname = rustix::system::uname();
    Place {
        inbox: inbox.to_owned(),
        host: uname.nodename().to_string_lossy().into_owned(),
        user: std::env::var("USER").unwrap_or_default(),
    }
}

/// An event that is there already. Asked with this task's own waker: the stream keeps the last one it was given, so one that
/// wakes nobody would leave the next key unheard.
async fn at_hand(keys: &mut EventStream) -> Poll<Option<std::io::Result<Event>>> {
    std::future::poll_fn(|cx| Poll::Ready(keys.poll_next_unpin(cx))).await
}

struct Workbench {
    state: State,
    theme: Theme,
    session: Session,
    effects: Effects,
    actions: mpsc::Receiver<Action>,
    broken: Arc<Notify>,
}

impl Workbench {
    async fn run(&mut self) -> Result<(), Fault> {
        // Over SSH each frame costs the link, so fewer are drawn.
        let ssh = std::env::var_os("SSH_CONNECTION").is_some();
        let frame = Duration::from_millis(if ssh { 100 } else { 50 });
        let mut keys = EventStream::new();
        let mut terminate = signal(SignalKind::terminate()).map_err(screen_fault)?;
        let mut hang_up = signal(SignalKind::hangup()).map_err(screen_fault)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(screen_fault)?;
        let mut dirty = true;
        let mut next_frame = Instant::now();
        while !self.state.quit {
            let action = tokio::select! {
                biased;
                () = self.broken.notified() => {
                    return Err(Fault::failed("the workbench met a fault of its own and ended; the daemon works on")
                        .hint("The message above says where. `dropforge` opens it again."));
                }
                _ = terminate.recv() => Action::Terminate,
                _ = hang_up.recv() => Action::Terminate,
                _ = interrupt.recv() => Action::Terminate,
                event = keys.next() => {
                    self.typed(event)?;
                    // Of what was typed meanwhile only the outcome is drawn.
                    for _ in 0..KEYS_A_FRAME {
                        match at_hand(&mut keys).await {
                            Poll::Ready(event) if !self.state.quit => self.typed(event)?,
                            _ => break,
                        }
                    }
                    dirty = true;
                    next_frame = Instant::now();
                    continue;
                }
                () = tokio::time::sleep_until(next_frame), if dirty => {
                    self.draw().map_err(screen_fault)?;
                    dirty = false;
                    next_frame = Instant::now() + frame;
                    continue;
                }
                // Only what says for how long it goes on is drawn anew without news.
                () = tokio::time::sleep(TICK), if self.state.looking().is_some() => Action::Tick,
                action = self.actions.recv() => action.unwrap_or(Action::Terminate),
            };
            self.apply(action)?;
            dirty = true;
        }
        Ok(())
    }

    /// What a terminal event means.
    fn typed(&mut self, event: Option<std::io::Result<Event>>) -> Result<(), Fault> {
        let action = match event {
            Some(Ok(Event::Key(key))) => Action::Key(key),
            Some(Ok(Event::Paste(text))) => Action::Paste(text),
            Some(Ok(Event::Resize(columns, rows))) => Action::Resize(columns, rows),
            Some(Ok(Event::Mouse(mouse))) => match mouse.kind {
                MouseEventKind::ScrollDown => Action::Wheel(true),
                MouseEventKind::ScrollUp => Action::Wheel(false),
                _ => return Ok(()),
            },
            Some(Ok(_)) => return Ok(()),
            // The terminal is gone.
            Some(Err(_)) | None => Action::Terminate,
        };
        self.apply(action)
    }

    fn apply(&mut self, action: Action) -> Result<(), Fault> {
        self.state.now = Timestamp::now();
        for effect in update(&mut self.state, action) {
            match effect {
                Effect::Redraw => self.session.terminal.clear().map_err(screen_fault)?,
                Effect::Copy(text) => self.session.copy(&text).map_err(screen_fault)?,
                Effect::Suspend => self.session.suspend().map_err(screen_fault)?,
                other => self.effects.run(other),
            }
        }
        Ok(())
    }

    fn draw(&mut self) -> std::io::Result<()> {
        let (state, theme) = (&self.state, self.theme);
        self.session.terminal.draw(|frame| {
            let area = frame.area();
            if let Some(at) = screens::draw(state, theme, area, frame.buffer_mut()) {
                frame.set_cursor_position(at);
            }
        })?;
        Ok(())
    }
}
