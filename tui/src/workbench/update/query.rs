//! Queries: typing, completing, running, stopping, walking over what came back.

use std::collections::{BTreeMap, BTreeSet};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use dropforge_shared::fault::Fault;
use dropforge_shared::file::{FileKind, FileState};
use dropforge_shared::ids::FileId;
use dropforge_shared::page::{Cell, Column};
use dropforge_shared::query::{QueryResult, settings};
use dropforge_shared::service::Submission;
use ratatui_textarea::CursorMove;
use tui_input::Input;

use super::super::actions::Cmd;
use super::super::effect::Effect;
use super::super::popups::{Item, Pick, Picked, Popup};
use super::super::screens::Screen;
use super::super::state::{Asking, Prompt, Sheet, State, Word, quoted};
use super::{export, table};

/// Keywords that are offered.
const KEYWORDS: [&str; 62] = [
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP BY",
    "ORDER BY",
    "HAVING",
    "LIMIT",
    "OFFSET",
    "DISTINCT",
    "AS",
    "JOIN",
    "INNER JOIN",
    "LEFT JOIN",
    "FULL JOIN",
    "CROSS JOIN",
    "ON",
    "USING",
    "UNION",
    "UNION ALL",
    "WITH",
    "AND",
    "OR",
    "NOT",
    "IN",
    "BETWEEN",
    "LIKE",
    "ILIKE",
    "IS NULL",
    "IS NOT NULL",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "ASC",
    "DESC",
    "CAST",
    "COUNT",
    "SUM",
    "AVG",
    "MIN",
    "MAX",
    "MEDIAN",
    "STDDEV",
    "VARIANCE",
    "ABS",
    "ROUND",
    "CEIL",
    "FLOOR",
    "SQRT",
    "LOWER",
    "UPPER",
    "LENGTH",
    "SUBSTR",
    "REPLACE",
    "CONCAT",
    "COALESCE",
    "NULLIF",
    "DATE",
    "EXTRACT",
    "TRUE",
    "FALSE",
];

/// Begins a statement where there is none: over the open file, else over the newest one.
pub(super) fn begin(state: &mut State) {
    if !state.query.sql().trim().is_empty() {
        return;
    }
    let ready =
        |f: &&dropforge_shared::file::FileView| f.kind == FileKind::Dataset && f.state == FileState::Ready;
    let inside = state.screen == Screen::Data;
    let file = if inside { state.open_file() } else { None }.or_else(|| state.files.iter().find(ready));
    if let Some(file) = file {
        let sql = format!("SELECT *\nFROM {}\nLIMIT 100", quoted(&file.name));
        state.query.write(&sql);
    }
}

/// Shows the screen, ready to be written on where nothing is there yet.
pub fn show(state: &mut State) -> Vec<Effect> {
    let effects = super::show(state, Screen::Query);
    // Who comes back comes to look: then keys are commands, as on every other screen, and e goes on writing.
    state.query.typing = state.query.sql().trim().is_empty();
    begin(state);
    effects
}

/// A key goes into the statement.
pub(super) fn typed(state: &mut State, key: KeyEvent) {
    let before = state.query.text.lines().len();
    // As in every line of text here; the editor by itself would undo.
    if (key.code, key.modifiers) == (KeyCode::Char('u'), KeyModifiers::CONTROL) {
        state.query.text.delete_line_by_head();
    } else {
        state.query.text.input(key);
    }
    // The mark of an error holds only for the text that it was found in.
    if state.query.text.lines().len() != before {
        state.query.history_at = None;
    }
}

/// A command on the query.
pub fn command(state: &mut State, cmd: Cmd) -> Vec<Effect> {
    let height = state.results_height();
    match cmd {
        Cmd::RunQuery => return run(state),
        Cmd::EditQuery => {
            begin(state);
            state.query.typing = true;
            return Vec::new();
        }
        Cmd::ClearQuery => {
            let sql = state.query.sql().trim().to_owned();
            if !sql.is_empty() {
                state.query.remember(&sql);
            }
            state.query.write("");
            return Vec::new();
        }
        Cmd::Complete => return complete(state),
        Cmd::Export => return export::ask_query(state),
        Cmd::Older | Cmd::Newer => {
            state.query.recall(cmd == Cmd::Older);
            return Vec::new();
        }
        Cmd::SaveQuery => {
            if state.query.sql().trim().is_empty() {
                state.complain("There is no statement yet.");
            } else {
                let input = Input::new("query.parquet".into());
                state.prompt = Some(Prompt { asking: Asking::Queried, input, before: String::new() });
            }
            return Vec::new();
        }
        _ => {}
    }
    if table::moved(&mut state.query.sheet, cmd, height).is_some() {
        return Vec::new();
    }
    let sheet = state.query.sheet.clone();
    let cells = state.query.cells(sheet.row).map(<[Cell]>::to_vec);
    table::taken(state, cmd, &sheet, cells.as_deref())
}

/// Esc: stops what runs, then leaves the editor. Nothing where there is neither.
pub(super) fn back(state: &mut State) -> Option<Vec<Effect>> {
    if state.query.running.take().is_some() {
        state.say("Stopped.");
        return Some(vec![Effect::StopQuery]);
    }
    std::mem::take(&mut state.query.typing).then(Vec::new)
}

fn run(state: &mut State) -> Vec<Effect> {
    let written = state.query.sql();
    let sql = written.trim().to_owned();
    if sql.is_empty() {
        state.complain("There is no statement yet: e begins one.");
        return Vec::new();
    }
    let query = &mut state.query;
    query.remember(&sql);
    query.tickets += 1;
    query.running = Some(query.tickets);
    query.error = None;
    query.old = query.result.is_some();
    // One that begins with a blank is kept to this session, as in shells.
    let kept = (!written.starts_with(' ')).then(|| Effect::Remember(sql.clone()));
    std::iter::once(Effect::Query { sql, ticket: query.tickets }).chain(kept).collect()
}

/// What a statement gave came, or why it gave nothing.
pub(super) fn came(state: &mut State, ticket: u64, result: Result<Box<QueryResult>, Fault>) {
    let query = &mut state.query;
    if query.running != Some(ticket) {
        return;
    }
    query.running = None;
    match result {
        Ok(result) => {
            let same = query.sheet.columns == result.columns;
            let kept =
                if same { std::mem::take(&mut query.sheet) } else { Sheet { frozen: 0, ..Sheet::default() } };
            query.sheet = Sheet { top: 0, row: 0, total: Some(result.rows.len() as u64), ..kept };
            query.sheet.see(&result.columns, &result.rows);
            query.result = Some(result);
            query.old = false;
            query.error = None;
            // The rows are what one wants to walk over now; e goes on writing.
            query.typing = false;
        }
        Err(fault) => {
            query.error = Some(fault);
            // One goes on writing where it went wrong.
            if let Some((line, column)) = query.place() {
                let clamp = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
                // What ran was trimmed: blank lines before it were not counted.
                let skipped = query.text.lines().iter().take_while(|l| l.trim().is_empty()).count();
                query.text.move_cursor(CursorMove::Jump(clamp(line + skipped), clamp(column)));
            }
        }
    }
}

/// Saves what the statement gives.
pub(super) fn save(state: &mut State, name: &str) -> Vec<Effect> {
    let sql = state.query.sql().trim().to_owned();
    let settings =
        BTreeMap::from([(settings::SQL.to_owned(), sql), (settings::NAME.to_owned(), name.to_owned())]);
    vec![Effect::Submit(Submission {
        kind: "query".into(),
        file: None,
        settings,
        priority: 0,
        idempotency: None,
    })]
}

fn complete(state: &mut State) -> Vec<Effect> {
    let word = state.query.word();
    if word.length == 0 {
        if !state.query.dataset_due() {
            state.query.insert("  ");
            return Vec::new();
        }
        state.query.tickets += 1;
        return vec![Effect::Complete { prefix: String::new(), tables: vec![], ticket: state.query.tickets }];
    }
    let sql = state.query.sql().to_lowercase();
    let named = |f: &&dropforge_shared::file::FileView| {
        let name = f.name.to_lowercase();
        let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem).to_owned();
        f.kind == FileKind::Dataset && (sql.contains(&name) || sql.contains(&stem))
    };
    let known = |f: &&dropforge_shared::file::FileView| !state.query.columns.contains_key(&f.id);
    let tables: Vec<FileId> =
        state.files.iter().filter(named).filter(known).take(8).map(|f| f.id.clone()).collect();
    state.query.tickets += 1;
    vec![Effect::Complete { prefix: word.prefix, tables, ticket: state.query.tickets }]
}

/// What the word can be completed to came.
pub(super) fn completions(
    state: &mut State,
    ticket: u64,
    names: Vec<String>,
    columns: Vec<(FileId, Vec<Column>)>,
) {
    state.query.columns.extend(columns);
    if state.query.tickets != ticket || !state.query.typing || state.popup.is_some() {
        return;
    }
    let word = state.query.word();
    // What is typed meanwhile may have changed what is due.
    if word.length == 0 && !state.query.dataset_due() {
        return;
    }
    let items = candidates(state, &word, names);
    match items.as_slice() {
        [] if word.length == 0 => state.say("There is no dataset yet."),
        [] => state.say(format!("Nothing begins with '{}'.", word.prefix)),
        [only] => state.query.complete(&word, &only.label),
        _ => {
            state.popup = Some(Popup::Pick(Pick::new("Complete", items, Picked::Completion(word))));
        }
    }
}

fn candidates(state: &State, word: &Word, names: Vec<String>) -> Vec<Item> {
    let prefix = word.prefix.to_lowercase();
    let fits = |name: &str| name.to_lowercase().starts_with(&prefix);
    let item = |label: String, note: &str| Item { label, note: note.into() };
    let mut items = Vec::new();
    let open = state.data.as_ref().map(|d| d.sheet.columns.as_slice()).unwrap_or_default();
    let found = state.query.columns.values().flatten().chain(open);
    let columns: BTreeSet<(&str, &str)> =
        found.filter(|c| fits(&c.name)).map(|c| (c.name.as_str(), c.kind.name())).collect();
    // Where nothing is typed yet, it is a dataset that is due.
    let bare = word.length == 0;
    for (name, kind) in columns.into_iter().filter(|_| !bare) {
        items.push(item(named(name, word.quoted), kind));
    }
    let local = state.files.iter().filter(|f| f.kind == FileKind::Dataset).map(|f| f.name.clone());
    let tables: BTreeSet<String> = names.into_iter().chain(local).filter(|n| fits(n)).collect();
    items.extend(tables.into_iter().take(200).map(|n| item(quoted(&n), "dataset")));
    if !word.quoted && !bare {
        items.extend(KEYWORDS.iter().filter(|k| fits(k)).map(|k| item((*k).to_owned(), "")));
    }
    items
}

/// A column's name in SQL: quoted where it has to be, or where it was begun so.
fn named(name: &str, begun: bool) -> String {
    let mut chars = name.chars();
    let plain = chars.next().is_some_and(|c| c.is_ascii_lowercase() || c == '_')
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !KEYWORDS.iter().any(|k| k.eq_ignore_ascii_case(name));
    if plain && !begun { name.to_owned() } else { quoted(name) }
}
