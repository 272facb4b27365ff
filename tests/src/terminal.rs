//! A terminal to type into and to read: a pseudo-terminal with an emulator behind it, and a count of the bytes written.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::home::Home;
use crate::wait::eventually_within;

/// How long the screen may take to show something.
const PATIENCE: Duration = Duration::from_secs(30);

/// Keys that are not characters.
#[derive(Debug, Clone, Copy)]
pub enum Key {
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Cursor up.
    Up,
    /// Cursor down.
    Down,
    /// Cursor left.
    Left,
    /// Cursor right.
    Right,
    /// A page down.
    PageDown,
    /// Ctrl with a letter.
    Ctrl(char),
}

impl Key {
    fn bytes(self) -> Vec<u8> {
        match self {
            Self::Enter => b"\r".to_vec(),
            Self::Esc => b"\x1b".to_vec(),
            Self::Tab => b"\t".to_vec(),
            Self::Up => b"\x1b[A".to_vec(),
            Self::Down => b"\x1b[B".to_vec(),
            Self::Right => b"\x1b[C".to_vec(),
            Self::Left => b"\x1b[D".to_vec(),
            Self::PageDown => b"\x1b[6~".to_vec(),
            Self::Ctrl(c) => vec![c as u8 & 0x1f],
        }
    }
}

/// A window has at least one row and one column.
fn cells(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).expect("a window of at least one cell")
}

struct Screen {
    parser: vt100::Parser,
    written: u64,
    raw: Vec<u8>,
}

/// The workbench in a terminal of a given size.
pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    input: Box<dyn Write + Send>,
    screen: Arc<Mutex<Screen>>,
}

impl Terminal {
    /// Starts the workbench of a home.
    pub fn open(home: &Home, columns: u16, rows: u16) -> Self {
        Self::open_with(home, columns, rows, &[])
    }

    /// Starts a verb, or the workbench where there are no arguments.
    pub fn open_with(home: &Home, columns: u16, rows: u16, args: &[&str]) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(home.exe());
        command.args(args);
        command.env("DROPFORGE_HOME", home.path());
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env_remove("SSH_CONNECTION");
        command.env_remove("NO_COLOR");
        let child = pair.slave.spawn_command(command).expect("the binary under test");
        drop(pair.slave);
        let mut output = pair.master.try_clone_reader().expect("a readable terminal");
        let input = pair.master.take_writer().expect("a writable terminal");
        let screen = Arc::new(Mutex::new(Screen {
            parser: vt100::Parser::new(cells(rows), cells(columns), 0),
            written: 0,
            raw: Vec::new(),
        }));
        let shared = screen.clone();
        std::thread::spawn(move || {
            let mut buffer = [0u8; 65536];
            while let Ok(n) = output.read(&mut buffer) {
                if n == 0 {
                    return;
                }
                let mut screen = shared.lock().unwrap_or_else(PoisonError::into_inner);
                screen.parser.process(&buffer[..n]);
                screen.written += n as u64;
                screen.raw.extend_from_slice(&buffer[..n]);
            }
        });
        Self { master: pair.master, child, input, screen }
    }

    fn screen(&self) -> std::sync::MutexGuard<'_, Screen> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a person sees, lines without trailing blanks.
    pub fn text(&self) -> String {
        self.screen().parser.screen().contents()
    }

    /// Bytes written to the terminal so far.
    pub fn written(&self) -> u64 {
        self.screen().written
    }

    /// Everything written to the terminal so far.
    pub fn raw(&self) -> Vec<u8> {
        self.screen().raw.clone()
    }

    /// Whether the alternate screen is on.
    pub fn is_alternate(&self) -> bool {
        self.screen().parser.screen().alternate_screen()
    }

    /// Whether the cursor is hidden.
    pub fn cursor_is_hidden(&self) -> bool {
        self.screen().parser.screen().hide_cursor()
    }

    /// Waits until the screen shows a text.
    pub fn wait_for(&self, text: &str) {
        let start = std::time::Instant::now();
        while !self.text().contains(text) {
            assert!(start.elapsed() < PATIENCE, "the screen does not show '{text}' but\n{}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until nothing was written for a while, and answers how many bytes were in all.
    pub fn wait_until_quiet(&self, quiet: Duration) -> u64 {
        let mut last = (self.written(), std::time::Instant::now());
        eventually_within(Duration::from_secs(30), "the terminal is quiet", || {
            let now = self.written();
            if now != last.0 {
                last = (now, std::time::Instant::now());
            }
            (last.1.elapsed() >= quiet).then_some(now)
        })
    }

    /// Types text.
    pub fn write(&mut self, text: &str) {
        self.input.write_all(text.as_bytes()).expect("a terminal that takes input");
        self.input.flush().expect("a terminal that takes input");
    }

    /// Presses a key.
    pub fn press(&mut self, key: Key) {
        self.input.write_all(&key.bytes()).expect("a terminal that takes input");
        self.input.flush().expect("a terminal that takes input");
    }

    /// Changes the window's size.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.screen().parser.screen_mut().set_size(cells(rows), cells(columns));
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.master.resize(size).expect("a terminal that can be resized");
    }

    /// The process in the terminal.
    pub fn pid(&self) -> u32 {
        self.child.process_id().expect("a process that was started")
    }

    /// Signals the process in the terminal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        crate::home::signal(self.pid(), signal);
    }

    /// Waits for the process' end and answers its exit code.
    pub fn wait_for_end(&mut self) -> u32 {
        let child = &mut self.child;
        eventually_within(Duration::from_secs(20), "the workbench ends", || {
            child.try_wait().ok().flatten().map(|s| s.exit_code())
        })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}
