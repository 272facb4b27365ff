//! The tables of a SELECT and their columns, and how they are told to a user. Must not know how names are looked up.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use dropforge_shared::page::ColumnType;
use dropforge_shared::sql;

use super::ranges::Range;

/// A column: its name and, where it is known, its type.
pub(super) type Named = (String, Option<ColumnType>);

/// A table of `FROM`.
#[derive(Debug, Clone, Default)]
pub(super) struct Relation {
    /// What it is called in the statement.
    pub(super) name: String,
    pub(super) columns: Vec<Named>,
    /// Whether there may be others.
    pub(super) open: bool,
    /// Whether its columns can't be meant any more, as after a semi join.
    pub(super) gone: bool,
    /// The most rows that it can have, where that is known.
    pub(super) rows: Option<u64>,
    /// The dataset that it is.
    pub(super) source: Option<PathBuf>,
    /// Bounds of its integers, where it is no dataset, as far as they are known.
    pub(super) ranges: BTreeMap<String, Range>,
}

/// The tables of one SELECT.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    pub(super) relations: Vec<Relation>,
    /// Columns that a join with USING has made one.
    pub(super) merged: BTreeSet<String>,
}

impl Relation {
    pub(super) fn kind(&self, name: &str) -> Option<ColumnType> {
        self.columns.iter().find(|(n, _)| n == name).and_then(|(_, kind)| *kind)
    }
}

pub(super) fn open(name: &str) -> Relation {
    Relation { name: name.to_owned(), open: true, ..Relation::default() }
}

pub(super) fn renamed(
    mut relation: Relation,
    name: &str,
    columns: &[sqlparser::ast::TableAliasColumnDef],
) -> Relation {
    relation.name = name.to_owned();
    let mut ranges = BTreeMap::new();
    for (at, column) in relation.columns.iter_mut().enumerate() {
        let range = relation.ranges.remove(&column.0);
        if let Some(new) = columns.get(at) {
            column.0.clone_from(&new.name.value);
        }
        ranges.extend(range.map(|range| (column.0.clone(), range)));
    }
    relation.ranges = ranges;
    relation
}

/// `table.column`, in quotes where it needs them.
pub(super) fn whole(table: &str, column: &str) -> String {
    format!("{}.{}", word(table), word(column))
}

/// A name as it may stand in a statement.
pub(super) fn word(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// What could be meant instead of a column that is not there.
pub(super) fn hint(name: &str, columns: &[&str]) -> String {
    let near = sql::nearest(name, columns.iter().copied());
    if near.is_empty() {
        let some: Vec<&str> = columns.iter().take(12).copied().collect();
        let more = if columns.len() > 12 { ", …" } else { "" };
        return match some.as_slice() {
            [] => "no table is named in FROM. Texts stand in single quotes".to_owned(),
            _ => format!("there are {}{more}. Texts stand in single quotes", some.join(", ")),
        };
    }
    let near: Vec<String> = near.iter().map(|n| format!("\"{n}\"")).collect();
    format!("did you mean {}?", near.join(" or "))
}
