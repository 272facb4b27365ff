//! The workbench in a real terminal: what a person sees, what it costs in bytes, and that the terminal is left as it was.

use std::time::Duration;

use dropforge_tests::{Home, Key, Terminal, bytes_of, eventually, home};

use super::calls::submit_fault;

const QUIET: Duration = Duration::from_millis(700);

fn with_penguins() -> Home {
    let home = home!();
    let file = home.file("penguins.csv", bytes_of("assets/samples/penguins.csv"));
    home.json(&format!("add {} --wait", file.display()));
    home
}

#[test]
fn a_dropped_file_is_seen_and_its_rows_and_profile_are_read() {
    let home = home!();
    home.start_daemon();
    let mut terminal = Terminal::open(&home, 100, 30);
    terminal.wait_for("inbox");
    home.drop_file("penguins.csv", bytes_of("assets/samples/penguins.csv"));
    terminal.wait_for("penguins.csv");
    home.settled_file("penguins.csv");
    terminal.write("2");
    terminal.wait_for("344");
    terminal.press(Key::Enter);
    terminal.wait_for("Torgersen");
    terminal.write("p");
    terminal.wait_for("spread");
    terminal.write("?");
    terminal.wait_for("Open what is selected");
    terminal.press(Key::Esc);
    terminal.press(Key::Ctrl('c'));
    assert_eq!(terminal.wait_for_end(), 0);
    assert!(!terminal.is_alternate() && !terminal.cursor_is_hidden());
    assert!(home.daemon_pid().is_some(), "the work goes on");
}

#[test]
fn rows_are_written_to_a_file_and_nothing_that_is_there_is_replaced() {
    let home = with_penguins();
    let out = home.file("out.csv", "mine");
    let mut terminal = Terminal::open(&home, 100, 30);
    terminal.wait_for("penguins.csv");
    terminal.write("2");
    terminal.wait_for("Files · 1");
    terminal.write("E");
    terminal.wait_for("parquet): penguins-rows.csv");
    terminal.press(Key::Ctrl('u'));
    terminal.write(&format!("{}\r", out.display()));
    terminal.wait_for("is there already");
    // Close to what follows, Esc would be the Alt of the next key.
    terminal.press(Key::Enter);
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "mine");
    let other = out.with_file_name("other.csv");
    terminal.write("E");
    terminal.wait_for("Write all rows to");
    terminal.press(Key::Ctrl('u'));
    terminal.write(&format!("{}\r", other.display()));
    terminal.wait_for("Wrote ");
    let rows = std::fs::read_to_string(&other).unwrap();
    assert_eq!(rows.lines().count(), 345);
    assert!(rows.starts_with("species,island,"), "{rows}");
}

#[test]
fn it_costs_few_bytes() {
    let home = with_penguins();
    let mut terminal = Terminal::open(&home, 80, 24);
    terminal.wait_for("penguins.csv");
    let cold = terminal.wait_until_quiet(QUIET);
    assert!(cold < 16 * 1024, "a cold screen took {cold} bytes");
    let idle = terminal.wait_until_quiet(Duration::from_secs(3)) - cold;
    assert_eq!(idle, 0, "idle writes nothing");

    terminal.write("2");
    let before = terminal.wait_until_quiet(QUIET);
    terminal.press(Key::Enter);
    terminal.wait_for("Torgersen");
    let shown = terminal.wait_until_quiet(QUIET);
    assert!(shown - before < 16 * 1024);
    terminal.press(Key::Down);
    let moved = terminal.wait_until_quiet(QUIET) - shown;
    assert!(moved > 0 && moved < 1024, "a cursor move took {moved} bytes");
}

#[test]
fn scrolling_by_a_line_costs_less_than_a_kilobyte() {
    let home = with_penguins();
    let mut terminal = Terminal::open(&home, 80, 24);
    terminal.wait_for("penguins.csv");
    terminal.write("2");
    // Home names the sample too: only the list says that there is a file to open.
    terminal.wait_for("Files · 1");
    terminal.press(Key::Enter);
    terminal.wait_for("Torgersen");
    // Far enough down for every further line to scroll, with rows at hand on both sides.
    terminal.write("#100\r");
    terminal.wait_for("100 Adelie");
    let before = terminal.wait_until_quiet(QUIET);
    terminal.press(Key::Down);
    terminal.wait_for("101 Adelie");
    let moved = terminal.wait_until_quiet(QUIET) - before;
    assert!(moved > 0 && moved < 1024, "a line took {moved} bytes");
}

#[test]
fn a_progress_tick_costs_less_than_200_bytes() {
    let home = with_penguins();
    let mut terminal = Terminal::open(&home, 80, 24);
    terminal.wait_for("penguins.csv");
    terminal.write("4");
    submit_fault(&home, "tick");
    terminal.wait_for("tick");
    // Ten ticks a second: what is written in between, divided by the frames it came in.
    let start = terminal.raw().len();
    eventually("the job moves on", || (terminal.raw().len() > start + 300).then_some(()));
    let raw = terminal.raw()[start..].to_vec();
    let frames = raw.windows(8).filter(|w| *w == b"\x1b[?2026h").count().max(1);
    assert!(raw.len() / frames < 200, "{} bytes in {frames} frames", raw.len());
}

#[test]
fn it_says_when_the_daemon_is_gone_and_comes_back_by_itself() {
    let home = with_penguins();
    let mut terminal = Terminal::open(&home, 80, 24);
    terminal.wait_for("penguins.csv");
    home.kill_daemon();
    terminal.wait_for("reconnecting");
    home.start_daemon();
    eventually("it is connected again", || (!terminal.text().contains("reconnecting")).then_some(()));
    let file = home.file("new.csv", "x,y\n1,2\n");
    home.json(&format!("add {} --wait", file.display()));
    terminal.write("2");
    terminal.wait_for("new.csv");
}

#[test]
fn sizes_change_and_small_windows_are_bearable() {
    let home = with_penguins();
    let mut terminal = Terminal::open(&home, 120, 40);
    terminal.wait_for("penguins.csv");
    for (columns, rows) in [(60, 15), (80, 24), (30, 8), (120, 40)] {
        terminal.resize(columns, rows);
        let want = if columns < 40 { "small" } else { "penguins" };
        terminal.wait_for(want);
    }
}

#[test]
fn a_terminated_workbench_leaves_the_terminal_as_it_was() {
    let home = with_penguins();
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::HUP] {
        let mut terminal = Terminal::open(&home, 80, 24);
        terminal.wait_for("penguins.csv");
        assert!(terminal.is_alternate());
        terminal.signal(signal);
        terminal.wait_for_end();
        eventually("the terminal is as it was", || {
            (!terminal.is_alternate() && !terminal.cursor_is_hidden()).then_some(())
        });
    }
}

#[test]
fn hostile_names_do_not_reach_the_terminal() {
    let home = home!();
    home.start_daemon();
    home.drop_file("evil\u{1b}]0;owned\u{7}\u{202e}.csv", "x,y\n1,2\n");
    eventually("it is taken", || (home.files().len() == 1).then_some(()));
    let mut terminal = Terminal::open(&home, 80, 24);
    terminal.wait_for("evil");
    terminal.write("2");
    terminal.wait_for("evil");
    let raw = String::from_utf8_lossy(&terminal.raw()).into_owned();
    assert!(!raw.contains("\u{1b}]0;owned") && !raw.contains('\u{202e}'));
}
