//! The terminal itself: set up, given back whatever happens, and written to once a frame. The only place that knows escape
//! sequences. Must not know what is drawn.

use std::io::{self, Stdout, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType as Clearing, EndSynchronizedUpdate, EnterAlternateScreen,
    LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use ratatui::Terminal;
use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use tokio::sync::Notify;

use super::shadow::{Shadow, Shift};

/// Enough for a full screen, so that a frame is one write.
const BUFFER: usize = 64 * 1024;

/// Gathers a frame and writes it at once, inside a synchronised update (DEC private mode 2026). Nothing drawn, nothing
/// written.
#[derive(Debug)]
pub struct FrameWriter<W: Write> {
    out: W,
    frame: Vec<u8>,
    begin: usize,
}

impl<W: Write> FrameWriter<W> {
    /// Over a writer.
    pub fn new(out: W) -> Self {
        let mut frame = Vec::with_capacity(BUFFER);
        // Writing to a Vec can't fail.
        let _ = queue!(frame, BeginSynchronizedUpdate);
        let begin = frame.len();
        Self { out, frame, begin }
    }
}

impl<W: Write> Write for FrameWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.frame.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.frame.len() == self.begin {
            return Ok(());
        }
        queue!(self.frame, EndSynchronizedUpdate)?;
        let written = self.out.write_all(&self.frame).and_then(|()| self.out.flush());
        self.frame.truncate(self.begin);
        written
    }
}

/// A backend that writes no byte without need: lines that only move are moved by the terminal, no resets after an empty diff,
/// no cursor command that changes nothing, one flush a frame.
#[derive(Debug)]
pub struct Screen<W: Write> {
    inner: CrosstermBackend<FrameWriter<W>>,
    cursor: Option<Position>,
    shown: bool,
    /// The size, where it is not to be asked of the terminal.
    fixed: Option<Size>,
    /// What the terminal shows; none where that is not known, and then no lines are moved.
    shadow: Option<Shadow>,
}

impl<W: Write> Screen<W> {
    /// Over a writer. The screen is taken to be blank and the cursor to be hidden.
    pub fn new(out: W) -> Self {
        Self::with(out, None)
    }

    /// The same of a size that is known and never changes.
    pub fn sized(out: W, columns: u16, rows: u16) -> Self {
        Self::with(out, Some(Size::new(columns, rows)))
    }

    fn with(out: W, fixed: Option<Size>) -> Self {
        let inner = CrosstermBackend::new(FrameWriter::new(out));
        let mut screen = Self { inner, cursor: None, shown: false, fixed, shadow: None };
        screen.blank();
        screen
    }

    /// The terminal was cleared.
    fn blank(&mut self) {
        self.shadow = self.size().ok().map(|s| Shadow::blank(s.width, s.height));
    }

    /// Moves lines within a region (DECSTBM, then DL or IL at its first line, as a VT102 has them and the Linux console too,
    /// which lacks SU and SD), and lets the region be the whole screen again.
    fn shift(&mut self, shift: Shift) -> io::Result<()> {
        let (top, bottom) = (shift.top + 1, shift.bottom + 1);
        let (by, way) = (shift.up.unsigned_abs(), if shift.up > 0 { 'M' } else { 'L' });
        self.cursor = None;
        write!(self.inner, "\x1b[{top};{bottom}r\x1b[{top}H\x1b[{by}{way}\x1b[r")
    }
}

impl<W: Write> Backend for Screen<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let content: Vec<(u16, u16, &Cell)> = content.collect();
        if content.is_empty() {
            return Ok(());
        }
        self.cursor = None;
        let Some(mut shadow) = self.shadow.take() else { return self.inner.draw(content.into_iter()) };
        let mut next = shadow.clone();
        if !next.put(content.iter().copied()) {
            return self.inner.draw(content.into_iter());
        }
        match shadow.shift_to(&next) {
            Some(shift) => {
                self.shift(shift)?;
                shadow.shift(shift);
                self.inner.draw(shadow.changes(&next).into_iter())?;
            }
            None => self.inner.draw(content.into_iter())?,
        }
        self.shadow = Some(next);
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if self.shown {
            self.shown = false;
            queue!(self.inner, Hide)?;
        }
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if !self.shown {
            self.shown = true;
            queue!(self.inner, Show)?;
        }
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.cursor.unwrap_or_default())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let position = position.into();
        if self.cursor != Some(position) {
            self.cursor = Some(position);
            queue!(self.inner, MoveTo(position.x, position.y))?;
        }
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.blank();
        queue!(self.inner, Clear(Clearing::All))
    }

    fn clear_region(&mut self, what: ClearType) -> io::Result<()> {
        match what {
            ClearType::All => self.blank(),
            _ => self.shadow = None,
        }
        let what = match what {
            ClearType::All => Clearing::All,
            ClearType::AfterCursor => Clearing::FromCursorDown,
            ClearType::BeforeCursor => Clearing::FromCursorUp,
            ClearType::CurrentLine => Clearing::CurrentLine,
            ClearType::UntilNewLine => Clearing::UntilNewLine,
        };
        queue!(self.inner, Clear(what))
    }

    fn size(&self) -> io::Result<Size> {
        self.fixed.map_or_else(|| self.inner.size(), Ok)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.inner.window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        Backend::flush(&mut self.inner)
    }
}

/// The terminal while the workbench has it. Dropping it gives it back.
#[derive(Debug)]
pub struct Session {
    /// Where frames are drawn.
    pub terminal: Terminal<Screen<Stdout>>,
    mouse: bool,
    /// Whether the terminal is the workbench's at the moment; shared with the panic hook.
    taken: Arc<AtomicBool>,
}

impl Session {
    /// Takes the terminal. A panic gives it back before its message is printed, and wakes `broken`.
    pub fn enter(mouse: bool, broken: &Arc<Notify>) -> io::Result<Self> {
        let broken = broken.clone();
        let taken = Arc::new(AtomicBool::new(false));
        let held = taken.clone();
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            restore(&held);
            before(info);
            broken.notify_one();
        }));
        take(mouse, &taken)?;
        let terminal = Terminal::new(Screen::new(io::stdout())).inspect_err(|_| restore(&taken))?;
        Ok(Self { terminal, mouse, taken })
    }

    /// Gives a text to the clipboard of the terminal (OSC 52), which works over SSH where the terminal allows it.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        let mut out = io::stdout();
        out.write_all(&clipboard(text))?;
        out.flush()
    }

    /// Gives the terminal to the shell and stops this process until it is brought to the front again.
    pub fn suspend(&mut self) -> io::Result<()> {
        restore(&self.taken);
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TSTP)?;
        take(self.mouse, &self.taken)?;
        self.terminal = Terminal::new(Screen::new(io::stdout()))?;
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        restore(&self.taken);
    }
}

fn take(mouse: bool, taken: &AtomicBool) -> io::Result<()> {
    enable_raw_mode()?;
    taken.store(true, Ordering::SeqCst);
    let mut setup = Vec::new();
    queue!(setup, EnterAlternateScreen, EnableBracketedPaste, Hide, Clear(Clearing::All))?;
    if mouse {
        queue!(setup, EnableMouseCapture)?;
    }
    let mut out = io::stdout();
    out.write_all(&setup).and_then(|()| out.flush()).inspect_err(|_| restore(taken))
}

/// Undoes all that [`take`] and a half-written frame may have left on. Only once: a second leave of the alternate screen
/// would put the cursor back over what was printed meanwhile, such as a panic's message.
fn restore(taken: &AtomicBool) {
    if !taken.swap(false, Ordering::SeqCst) {
        return;
    }
    // Where the terminal is gone there is nobody left to tell.
    let _ = execute!(
        io::stdout(),
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableBracketedPaste,
        Show,
        LeaveAlternateScreen
    );
    let _ = disable_raw_mode();
}

/// OSC 52 for the clipboard: `ESC ] 52 ; c ; BASE64 BEL`, the text in Base64 of RFC 4648.
fn clipboard(text: &str) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = b"\x1b]52;c;".to_vec();
    for block in text.as_bytes().chunks(3) {
        let bits = block.iter().chain([0, 0].iter()).take(3).fold(0u32, |bits, b| bits << 8 | u32::from(*b));
        for digit in 0..4 {
            let filler = digit > block.len();
            let place = (bits >> (18 - 6 * digit) & 63) as usize;
            out.push(if filler { b'=' } else { DIGITS[place] });
        }
    }
    out.push(7);
    out
}

#[cfg(test)]
mod tests;
