//! The one table of what a user can do. Key map, footer, `?` help and the `:` palette are made from it, so they can't drift
//! apart. Must not know how anything is done.

mod table;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

pub use table::ACTIONS;

use super::screens::{SHOW, Screen};

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
    Show(Screen),
    NextScreen,
    PrevScreen,
    StartDaemon,
    Up,
    Down,
    PageUp,
    PageDown,
    HalfUp,
    HalfDown,
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
    Export,
    OtherTab,
    NextTab,
    PrevTab,
    JumpRow,
    JumpColumn,
    CellText,
    SortBy,
    SortAlso,
    FilterEqual,
    FilterOther,
    FilterTyped,
    DropFilter,
    ClearView,
    Freeze,
    Narrower,
    Wider,
    Stats,
    CopyCell,
    CopyRow,
    CopyColumn,
    Issues,
    HeatMap,
    Toggle,
    ToggleAll,
    EditStep,
    Raise,
    Lower,
    AddStep,
    Preview,
    RunSteps,
    SaveRecipe,
    LoadRecipe,
    RunQuery,
    Complete,
    Older,
    Newer,
    EditQuery,
    ClearQuery,
    SaveQuery,
    EditReading,
    ReadAgain,
    WholeLine,
    ForgetReading,
    ForgetType,
    NextField,
    PrevField,
    OpenFile,
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
    Yes,
    Notes,
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
    /// The cells of a table: a dataset's rows or what a query gave.
    Table,
    /// The suggested steps of a dataset.
    Prepare,
    /// How a dataset was read.
    Reading,
    /// A file that could not be read as a table.
    Unread,
    /// What kind of data a dataset holds.
    Type,
    /// A query while its text is typed.
    Editor,
    /// A query beside its text.
    Query,
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
    /// A choice from a list.
    Pick,
    /// Several values to fill in.
    Form,
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

/// All lines: those of the table, and one for each screen that a key leads to.
pub fn all() -> impl Iterator<Item = &'static ActionSpec> {
    // The screens stand before the way from one to the next.
    let at = ACTIONS.iter().position(|s| s.id == Cmd::NextScreen).unwrap_or(ACTIONS.len());
    let (before, after) = ACTIONS.split_at(at);
    before.iter().chain(SHOW.iter().filter(|s| !s.keys.is_empty())).chain(after)
}

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
        all().find(|s| s.at.contains(context) && s.keys.contains(&name.as_str())).map(|s| s.id)
    })
}

/// The keys of a line that mean it in the given contexts: a nearer context may have taken some for something else.
pub fn keys_of(spec: &ActionSpec, contexts: &[Context]) -> Vec<&'static str> {
    let nearest = |key: &str| {
        let means = |c: &Context| all().find(|s| s.at.contains(c) && s.keys.contains(&key));
        contexts.iter().find_map(means).map(|s| s.id)
    };
    spec.keys.iter().copied().filter(|k| nearest(k) == Some(spec.id)).collect()
}

/// The lines of the table that hold in the given contexts, each command once, in the table's order.
pub fn valid<'a>(contexts: &'a [Context]) -> impl Iterator<Item = &'static ActionSpec> + 'a {
    let mut seen = Vec::new();
    all().filter(move |s| {
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
        for (i, a) in all().enumerate() {
            for b in all().skip(i + 1) {
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
        assert_eq!(named(KeyCode::Enter, KeyModifiers::ALT), "alt-enter");
        let words = ["up", "down", "left", "right", "pgup", "pgdn", "home", "end", "enter", "esc", "tab"];
        let more = ["backtab", "space", "delete", "f1", "f5"];
        for key in all().flat_map(|s| s.keys) {
            let plain = key.trim_start_matches("ctrl-").trim_start_matches("alt-");
            assert!(plain.chars().count() == 1 || words.contains(&plain) || more.contains(&plain), "{key}");
        }
    }

    #[test]
    fn the_nearest_context_wins() {
        let q = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE);
        assert_eq!(lookup(q, &[Context::Home, Context::Screens]), Some(Cmd::Leave));
        assert_eq!(lookup(q, &[Context::Files, Context::Screens]), Some(Cmd::Back));
        assert_eq!(lookup(q, &[Context::Editor, Context::Anywhere]), None, "it is typed");
    }
}
