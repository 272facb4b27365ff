//! The one table of what a user can do. Key map, footer, `?` help and the `:` palette are made from it, so they can't drift
//! apart. Must not know how anything is done.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the table below has a title for each")]
pub enum Cmd {
    Quit,
    Leave,
    Redraw,
    Suspend,
    Help,
    Palette,
    Home,
    Files,
    Data,
    Jobs,
    NextScreen,
    PrevScreen,
    StartDaemon,
    Up,
    Down,
    PageUp,
    PageDown,
    Top,
    Bottom,
    Left,
    Right,
    FirstColumn,
    LastColumn,
    Open,
    Back,
    Filter,
    Delete,
    Reprocess,
    OtherTab,
    JumpRow,
    CancelJob,
    RetryJob,
    Log,
    Pause,
    Wrap,
    Search,
    NextMatch,
    PrevMatch,
    AddSample,
    Switch,
    Accept,
}

/// Where a command means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// Always, even while text is typed.
    Anywhere,
    /// On every screen while no popup and no prompt is open.
    Screens,
    /// Where something scrolls or has a selection.
    List,
    /// Home.
    Home,
    /// Files.
    Files,
    /// A dataset, whatever its tab.
    Data,
    /// The rows of a dataset.
    Rows,
    /// The profile of a dataset.
    Profile,
    /// Jobs.
    Jobs,
    /// A job's log.
    Log,
    /// The question before something that can't be undone.
    Confirm,
    /// The help.
    Help,
    /// The palette.
    Palette,
    /// A message that was not asked for.
    Message,
    /// The line of text at the bottom.
    Prompt,
}

/// A line of the table.
#[derive(Debug)]
pub struct ActionSpec {
    /// The command.
    pub id: Cmd,
    /// What it does, for help and palette.
    pub title: &'static str,
    /// The keys that call it.
    pub keys: &'static [&'static str],
    /// Where.
    pub at: &'static [Context],
    /// Its short name in the footer; none keeps it out.
    pub footer: Option<&'static str>,
}

const fn spec(
    id: Cmd,
    title: &'static str,
    keys: &'static [&'static str],
    at: &'static [Context],
    footer: Option<&'static str>,
) -> ActionSpec {
    ActionSpec { id, title, keys, at, footer }
}

use Context as C;

/// All of them, in the order in which footer and help show them.
pub const ACTIONS: &[ActionSpec] = &[
    spec(Cmd::Accept, "Do it", &["enter"], &[C::Confirm, C::Palette, C::Prompt], Some("choose")),
    spec(Cmd::Accept, "Close", &["enter", "space"], &[C::Help, C::Message], None),
    spec(
        Cmd::Switch,
        "The other button",
        &["tab", "backtab", "left", "right"],
        &[C::Confirm],
        Some("switch"),
    ),
    spec(
        Cmd::Open,
        "Open what is selected",
        &["enter"],
        &[C::Home, C::Files, C::Jobs, C::Profile],
        Some("open"),
    ),
    spec(Cmd::AddSample, "Put the sample into the inbox", &["a"], &[C::Home], Some("add sample")),
    spec(Cmd::OtherTab, "Rows or profile", &["p", "["], &[C::Data], Some("rows/profile")),
    spec(Cmd::JumpRow, "Go to a row by its number", &["#", "ctrl-g"], &[C::Rows], Some("go to row")),
    spec(Cmd::Filter, "Filter by name", &["/"], &[C::Files], Some("filter")),
    spec(
        Cmd::Delete,
        "Delete, after showing what goes along",
        &["d", "delete"],
        &[C::Files, C::Jobs],
        Some("delete"),
    ),
    spec(Cmd::Log, "Open the job's log", &["l"], &[C::Jobs, C::Files, C::Data, C::Home], Some("log")),
    spec(Cmd::CancelJob, "Cancel the job", &["c"], &[C::Jobs], Some("cancel")),
    spec(Cmd::RetryJob, "Queue the failed job again", &["R"], &[C::Jobs], Some("retry")),
    spec(Cmd::Reprocess, "Process the file again", &["r"], &[C::Files, C::Data], Some("again")),
    spec(Cmd::Pause, "Pause, or follow", &["space", "f"], &[C::Log], Some("pause/follow")),
    spec(Cmd::Search, "Search", &["/"], &[C::Log], Some("search")),
    spec(Cmd::NextMatch, "The next match", &["n"], &[C::Log], Some("next")),
    spec(Cmd::PrevMatch, "The match before", &["N"], &[C::Log], None),
    spec(Cmd::Wrap, "Wrap long lines, or not", &["w"], &[C::Log], Some("wrap")),
    spec(Cmd::Back, "Back", &["esc", "q"], &[C::Screens, C::Help, C::Message], Some("back")),
    spec(Cmd::Back, "Back without doing it", &["esc"], &[C::Confirm, C::Palette, C::Prompt], Some("back")),
    spec(Cmd::Leave, "Leave; the work goes on", &["q"], &[C::Home], Some("quit")),
    spec(Cmd::StartDaemon, "Start the daemon again", &["S"], &[C::Screens], Some("start daemon")),
    spec(Cmd::Help, "What the keys do", &["?", "f1"], &[C::Screens], Some("help")),
    spec(Cmd::Palette, "Find a command by its name", &[":"], &[C::Screens], Some("commands")),
    spec(Cmd::Home, "Home", &["1"], &[C::Screens], None),
    spec(Cmd::Files, "Files", &["2"], &[C::Screens], None),
    spec(Cmd::Data, "The dataset that was open last", &["3"], &[C::Screens], None),
    spec(Cmd::Jobs, "Jobs", &["4"], &[C::Screens], None),
    spec(Cmd::NextScreen, "The next screen", &["tab"], &[C::Screens], None),
    spec(Cmd::PrevScreen, "The screen before", &["backtab"], &[C::Screens], None),
    spec(Cmd::Up, "Up", &["up", "k"], &[C::List], None),
    spec(Cmd::Down, "Down", &["down", "j"], &[C::List], None),
    spec(Cmd::PageUp, "A page up", &["pgup", "ctrl-b"], &[C::List], None),
    spec(Cmd::PageDown, "A page down", &["pgdn", "ctrl-f"], &[C::List], None),
    spec(Cmd::Top, "To the top", &["g", "home"], &[C::List], None),
    spec(Cmd::Bottom, "To the end", &["G", "end"], &[C::List], None),
    spec(Cmd::Up, "Up", &["up"], &[C::Palette], None),
    spec(Cmd::Down, "Down", &["down"], &[C::Palette], None),
    spec(Cmd::Left, "A column to the left", &["left", "h"], &[C::Rows, C::Log], None),
    spec(Cmd::Right, "A column to the right", &["right"], &[C::Rows, C::Log], None),
    spec(Cmd::FirstColumn, "To the first column", &["0", "^"], &[C::Rows], None),
    spec(Cmd::LastColumn, "To the last column", &["$"], &[C::Rows], None),
    spec(Cmd::Redraw, "Draw the screen anew", &["ctrl-l"], &[C::Anywhere], None),
    spec(Cmd::Suspend, "Back to the shell for a while (fg returns)", &["ctrl-z"], &[C::Anywhere], None),
    spec(Cmd::Quit, "Leave; the work goes on", &["ctrl-c"], &[C::Anywhere], None),
];

/// The name of a key in the table.
pub fn key_name(key: KeyEvent) -> String {
    let base = match key.code {
        KeyCode::Char(' ') => "space".to_owned(),
        KeyCode::Char(c) => c.to_string(),
        KeyCode::PageUp => "pgup".to_owned(),
        KeyCode::PageDown => "pgdn".to_owned(),
        KeyCode::F(n) => format!("f{n}"),
        other => format!("{other:?}").to_lowercase(),
    };
    match key.modifiers {
        m if m.contains(KeyModifiers::CONTROL) => format!("ctrl-{base}"),
        m if m.contains(KeyModifiers::ALT) => format!("alt-{base}"),
        _ => base,
    }
}

/// The command of a key in the given contexts; an earlier context wins over a later one.
pub fn lookup(key: KeyEvent, contexts: &[Context]) -> Option<Cmd> {
    let name = key_name(key);
    contexts.iter().find_map(|context| {
        ACTIONS.iter().find(|s| s.at.contains(context) && s.keys.contains(&name.as_str())).map(|s| s.id)
    })
}

/// The lines of the table that hold in the given contexts, each command once, in the table's order.
pub fn valid<'a>(contexts: &'a [Context]) -> impl Iterator<Item = &'static ActionSpec> + 'a {
    let mut seen = Vec::new();
    ACTIONS.iter().filter(move |s| {
        let fresh = s.at.iter().any(|c| contexts.contains(c)) && !seen.contains(&s.id);
        if fresh {
            seen.push(s.id);
        }
        fresh
    })
}

/// How a key is shown to a person.
pub fn key_label(key: &str) -> String {
    match key {
        "up" => "↑".into(),
        "down" => "↓".into(),
        "left" => "←".into(),
        "right" => "→".into(),
        "backtab" => "Shift-Tab".into(),
        "pgup" => "PgUp".into(),
        "pgdn" => "PgDn".into(),
        k if k.len() > 1 => match k.split_once('-') {
            Some((modifier, key)) => format!("{}-{}", capital(modifier), capital(key)),
            None => capital(k),
        },
        k => k.to_owned(),
    }
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things_in_one_context() {
        for (i, a) in ACTIONS.iter().enumerate() {
            for b in &ACTIONS[i + 1..] {
                let shared =
                    a.at.iter().any(|c| b.at.contains(c)) && a.keys.iter().any(|k| b.keys.contains(k));
                assert!(!shared || a.id == b.id, "{:?} and {:?} share a key", a.id, b.id);
            }
        }
    }

    #[test]
    fn every_key_of_the_table_can_be_typed() {
        let named = |code, modifiers| key_name(KeyEvent::new(code, modifiers));
        assert_eq!(named(KeyCode::Char('G'), KeyModifiers::SHIFT), "G");
        assert_eq!(named(KeyCode::Char('c'), KeyModifiers::CONTROL), "ctrl-c");
        assert_eq!(named(KeyCode::BackTab, KeyModifiers::SHIFT), "backtab");
        assert_eq!(named(KeyCode::PageDown, KeyModifiers::NONE), "pgdn");
        let words = ["up", "down", "left", "right", "pgup", "pgdn", "home", "end", "enter", "esc", "tab"];
        let more = ["backtab", "space", "delete", "f1"];
        for key in ACTIONS.iter().flat_map(|s| s.keys) {
            let plain = key.trim_start_matches("ctrl-");
            assert!(plain.chars().count() == 1 || words.contains(&plain) || more.contains(&plain), "{key}");
        }
    }

    #[test]
    fn the_nearest_context_wins() {
        let q = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE);
        assert_eq!(lookup(q, &[Context::Home, Context::Screens]), Some(Cmd::Leave));
        assert_eq!(lookup(q, &[Context::Files, Context::Screens]), Some(Cmd::Back));
    }
}
