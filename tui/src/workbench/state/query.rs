//! A query: the text being written, what ran before, what came back. One for the whole session, wherever it is shown from.

use std::collections::BTreeMap;

use dropforge_shared::clean;
use dropforge_shared::fault::Fault;
use dropforge_shared::ids::FileId;
use dropforge_shared::page::{Cell, Column};
use dropforge_shared::query::QueryResult;
use ratatui_textarea::{CursorMove, TextArea};

use super::super::widgets::wrapped;
use super::sheet::Sheet;

/// Rows that a query may give to the screen; all of them can be saved.
pub const MAX_ROWS: u64 = 1_000;

/// The longest that a query on the screen may take, in milliseconds.
pub const TIMEOUT_MS: u64 = 300_000;

/// Statements that are remembered.
pub const REMEMBERED: usize = 1_000;

/// A word of the statement that is being completed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Word {
    /// What is typed of it, without an opening quote.
    pub prefix: String,
    /// Characters to be replaced before the cursor, the quote included.
    pub length: usize,
    /// Whether it began with a quote.
    pub quoted: bool,
}

/// Everything about queries.
#[derive(Debug)]
pub struct Query {
    /// The statement.
    pub text: TextArea<'static>,
    /// Whether keys go into it.
    pub typing: bool,
    /// The request under way.
    pub running: Option<u64>,
    /// Counts requests.
    pub tickets: u64,
    /// What came back last.
    pub result: Option<Box<QueryResult>>,
    /// It belongs to an earlier statement than the one that was run last.
    pub old: bool,
    /// Where the user is in it.
    pub sheet: Sheet,
    /// Why there is nothing.
    pub error: Option<Fault>,
    /// Statements that ran, the newest last.
    pub history: Vec<String>,
    /// Which of them is in the editor.
    pub history_at: Option<usize>,
    /// What was in the editor before.
    pub draft: String,
    /// Columns of datasets that were looked up, for completion.
    pub columns: BTreeMap<FileId, Vec<Column>>,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            text: TextArea::default(),
            typing: false,
            running: None,
            tickets: 0,
            result: None,
            old: false,
            sheet: Sheet { frozen: 0, ..Sheet::default() },
            error: None,
            history: Vec::new(),
            history_at: None,
            draft: String::new(),
            columns: BTreeMap::new(),
        }
    }
}

impl Query {
    /// The statement as one text.
    pub fn sql(&self) -> String {
        self.text.lines().join("\n")
    }

    /// The statement in so many lines, as long as it has no more; else on as few as it needs, without its own line breaks.
    pub fn folded(&self, lines: usize, width: usize) -> Vec<String> {
        let own = self.text.lines();
        if own.len() <= lines || width == 0 {
            return own.to_vec();
        }
        let words = own.iter().map(|l| l.trim()).filter(|l| !l.is_empty()).collect::<Vec<_>>().join(" ");
        let mut out = wrapped(&words, u16::try_from(width).unwrap_or(u16::MAX));
        if out.len() > lines {
            // Too long all the same: where it is drawn its end is cut, and marked.
            let rest = out.split_off(lines.max(1) - 1).join(" ");
            out.push(rest);
        }
        out
    }

    /// Puts another statement into the editor, the cursor at its end.
    pub fn write(&mut self, sql: &str) {
        self.text = TextArea::new(sql.lines().map(|l| clean::line(l).into_owned()).collect());
        self.text.move_cursor(CursorMove::Bottom);
        self.text.move_cursor(CursorMove::End);
    }

    /// Types text: line breaks stay, what could drive the terminal does not.
    pub fn insert(&mut self, text: &str) {
        let safe: String = text
            .chars()
            .map(|c| if c == '\t' { ' ' } else { c })
            .filter(|c| *c == '\n' || !clean::is_hostile(*c))
            .take(65_536)
            .collect();
        self.text.insert_str(safe);
    }

    /// Remembers a statement that is run.
    pub fn remember(&mut self, sql: &str) {
        self.history.retain(|s| s != sql);
        self.history.push(sql.to_owned());
        let surplus = self.history.len().saturating_sub(REMEMBERED);
        self.history.drain(..surplus);
        self.history_at = None;
    }

    /// Takes in statements that others ran, or this user earlier: they come before those of this session.
    pub fn learn(&mut self, earlier: Vec<String>) {
        let mut all: Vec<String> = earlier.into_iter().filter(|s| !self.history.contains(s)).collect();
        let room = REMEMBERED.saturating_sub(self.history.len());
        all.drain(..all.len().saturating_sub(room));
        // Who is looking through them stays where they are.
        self.history_at = self.history_at.map(|at| at + all.len());
        all.append(&mut self.history);
        self.history = all;
    }

    /// An older statement, or a newer one; after the newest what was being written.
    pub fn recall(&mut self, older: bool) {
        let len = self.history.len();
        let at = match (self.history_at, older) {
            (None, true) if len > 0 => {
                self.draft = self.sql();
                Some(len - 1)
            }
            (Some(at), true) => Some(at.saturating_sub(1)),
            (Some(at), false) => (at + 1 < len).then_some(at + 1),
            (None, _) => return,
        };
        self.history_at = at;
        let sql = at.and_then(|i| self.history.get(i)).unwrap_or(&self.draft).clone();
        self.write(&sql);
    }

    /// The word before the cursor.
    pub fn word(&self) -> Word {
        let cursor = self.text.cursor();
        let line = self.text.lines().get(cursor.0).map(String::as_str).unwrap_or_default();
        let before: Vec<char> = line.chars().take(cursor.1).collect();
        // An odd number of quotes means that the cursor is inside a quoted name.
        let open = before.iter().filter(|c| **c == '"').count() % 2 == 1;
        let ends = |c: char| if open { c == '"' } else { !(c.is_alphanumeric() || "_.#".contains(c)) };
        let length = before.iter().rev().take_while(|c| !ends(**c)).count();
        let prefix = before[before.len() - length..].iter().collect();
        Word { prefix, length: length + usize::from(open), quoted: open }
    }

    /// Whether the next word has to name a dataset.
    pub fn dataset_due(&self) -> bool {
        let cursor = self.text.cursor();
        let lines = self.text.lines().iter().enumerate().take(cursor.0 + 1);
        let upto = |(i, line): (usize, &String)| -> String {
            if i < cursor.0 { line.clone() } else { line.chars().take(cursor.1).collect() }
        };
        super::tables::due(&lines.map(upto).collect::<Vec<_>>().join("\n"))
    }

    /// Puts a completion in the place of the word before the cursor.
    pub fn complete(&mut self, word: &Word, with: &str) {
        for _ in 0..word.length {
            self.text.delete_char();
        }
        self.insert(with);
        // The editor of the statement may have closed the quote already.
        let cursor = self.text.cursor();
        let line = self.text.lines().get(cursor.0).map(String::as_str).unwrap_or_default();
        if with.ends_with('"') && line.chars().nth(cursor.1) == Some('"') {
            self.text.delete_next_char();
        }
    }

    /// A row of what came back.
    pub fn cells(&self, row: u64) -> Option<&[Cell]> {
        let rows = &self.result.as_ref()?.rows;
        rows.get(usize::try_from(row).ok()?).map(Vec::as_slice)
    }

    /// The place that an error names, as `line L, column C` counted from 1, counted from 0.
    pub fn place(&self) -> Option<(usize, usize)> {
        place_in(&self.error.as_ref()?.message)
    }
}

/// `line 2, column 5` in a message.
fn place_in(message: &str) -> Option<(usize, usize)> {
    let lower = message.to_lowercase();
    let number = |word: &str| {
        lower.match_indices(word).find_map(|(at, _)| {
            let rest = lower[at + word.len()..].trim_start_matches([' ', ':']);
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<usize>().ok()?.checked_sub(1)
        })
    };
    Some((number("line")?, number("column")?))
}

/// A name as SQL needs it: quoted.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_at_the_cursor_is_found_in_and_out_of_quotes() {
        let mut query = Query::default();
        query.write("SELECT sum(pri");
        assert_eq!(query.word(), Word { prefix: "pri".into(), length: 3, quoted: false });
        query.write("SELECT * FROM \"my sal");
        assert_eq!(query.word(), Word { prefix: "my sal".into(), length: 7, quoted: true });
        let word = query.word();
        query.complete(&word, "\"my sales.csv\"");
        assert_eq!(query.sql(), "SELECT * FROM \"my sales.csv\"");
    }

    #[test]
    fn history_leads_back_to_what_was_being_written() {
        let mut query = Query::default();
        query.remember("SELECT 1");
        query.remember("SELECT 2");
        query.remember("SELECT 1");
        query.write("SELECT 3");
        for (older, sql) in [
            (true, "SELECT 1"),
            (true, "SELECT 2"),
            (true, "SELECT 2"),
            (false, "SELECT 1"),
            (false, "SELECT 3"),
        ] {
            query.recall(older);
            assert_eq!(query.sql(), sql);
        }
    }

    #[test]
    fn an_error_tells_its_place() {
        assert_eq!(place_in("no such column 'x' at line 2, column 8"), Some((1, 7)));
        assert_eq!(place_in("Expected: FROM at Line: 1, Column: 10"), Some((0, 9)));
        assert_eq!(place_in("the time is up"), None);
    }

    #[test]
    fn what_is_pasted_can_not_drive_the_terminal() {
        let mut query = Query::default();
        query.insert("SELECT\n\u{1b}[31m1\u{202e}");
        assert_eq!(query.sql(), "SELECT\n[31m1");
    }
}
