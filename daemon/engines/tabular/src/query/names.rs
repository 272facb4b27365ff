//! Names of a statement: which tables there are, which `WITH` and aliases it brings, and what they are called inside.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use dropforge_shared::query::{TableRef, Unclear};
use dropforge_shared::sql;
use sqlparser::ast::{Ident, ObjectName, Spanned, TableAlias};

use super::parse::place;
use crate::error::Error;

/// What a name in `FROM` is.
pub(super) enum Relation {
    /// A dataset, under its name inside.
    Dataset(String),
    /// A `WITH` table.
    With,
}

struct Scope {
    alone: bool,
    aliases: Vec<(String, bool)>,
}

/// The names that may be used, and those that were.
pub(super) struct Names<'a> {
    tables: &'a [TableRef],
    unclear: &'a [Unclear],
    /// `WITH` tables that were defined so far.
    with: BTreeSet<String>,
    /// Datasets in use, by path, with their name inside. Nothing that a user writes looks like it, so that no alias
    /// can hide one.
    used: BTreeMap<PathBuf, String>,
    /// Aliases of the query being looked at and of those around it, and whether each stands for a subquery.
    scopes: Vec<Scope>,
    kinds: super::bind::Kinds,
}

impl<'a> Names<'a> {
    pub(super) fn new(tables: &'a [TableRef], unclear: &'a [Unclear]) -> Self {
        Self {
            tables,
            unclear,
            with: BTreeSet::new(),
            used: BTreeMap::new(),
            scopes: Vec::new(),
            kinds: super::bind::Kinds::default(),
        }
    }

    /// The datasets in use: name inside, file.
    pub(super) fn used(&self) -> impl Iterator<Item = (&str, &PathBuf)> {
        self.used.iter().map(|(path, name)| (name.as_str(), path))
    }

    /// Knows types, for [`Self::kind_at`].
    pub(super) fn told(&mut self, kinds: super::bind::Kinds) {
        self.kinds = kinds;
    }

    /// The type of what the function at a place is given, where that is known.
    pub(super) fn kind_at(
        &self,
        at: sqlparser::tokenizer::Span,
    ) -> Option<dropforge_shared::page::ColumnType> {
        self.kinds.cut.get(&(at.start.line, at.start.column)).copied()
    }

    /// Whether arithmetic at a place could go beyond what an integer holds.
    pub(super) fn goes_beyond(&self, at: sqlparser::tokenizer::Span) -> bool {
        self.kinds.beyond.contains(&super::bind::whole_place(at))
    }

    /// Whether any could.
    pub(super) fn any_beyond(&self) -> bool {
        !self.kinds.beyond.is_empty()
    }

    /// The file of a dataset in use, by its name inside.
    pub(super) fn file(&self, inside: &str) -> Option<PathBuf> {
        self.used.iter().find(|(_, name)| *name == inside).map(|(path, _)| path.clone())
    }

    /// A `WITH` table begins to be known.
    pub(super) fn define(&mut self, name: &Ident) -> Result<(), Error> {
        if self.with.insert(name.value.clone()) { Ok(()) } else { Err(twice(name)) }
    }

    /// Whether a table in FROM goes by the name of a `WITH` table.
    pub(super) fn is_with(&self, table: &sqlparser::ast::TableFactor) -> bool {
        match table {
            sqlparser::ast::TableFactor::Table { name, alias, .. } => {
                let shown = alias.as_ref().map(|a| &a.name).or_else(|| name.0.last()?.as_ident());
                shown.is_some_and(|name| self.with.contains(&name.value))
            }
            _ => false,
        }
    }

    /// A query begins. One that is `alone` can't see the tables of those around it.
    pub(super) fn enter(&mut self, alone: bool) {
        self.scopes.push(Scope { alone, aliases: Vec::new() });
    }

    /// And ends.
    pub(super) fn leave(&mut self) {
        self.scopes.pop();
    }

    /// Whether columns of this table can be meant here.
    pub(super) fn qualifier(&self, name: &Ident) -> Result<(), Error> {
        for scope in self.scopes.iter().rev() {
            if scope.aliases.iter().any(|(alias, _)| *alias == name.value) {
                return Ok(());
            }
            if scope.alone {
                break;
            }
        }
        let place = place(name.span);
        let around = self.scopes.iter().flat_map(|s| s.aliases.iter());
        if around.clone().any(|(alias, _)| *alias == name.value) {
            return Err(Error::Sql(format!(
                "{place}{name} belongs to the query around this one; a subquery that gives a value, or a table, is run \
                 on its own. Join it instead"
            )));
        }
        let near = sql::nearest(&name.value, around.map(|(alias, _)| alias.as_str()));
        let hint = near.first().map_or_else(String::new, |n| format!("; did you mean \"{n}\"?"));
        Err(Error::Sql(format!("{place}no table in FROM is called {name}{hint}")))
    }

    /// An alias, given or implied.
    pub(super) fn alias(
        &mut self,
        name: &Ident,
        of_subquery: bool,
        of_with: Option<&str>,
    ) -> Result<(), Error> {
        // The engine looks aliases and names up in one place: what is the same would hide the other.
        let hides_with = self.with.contains(&name.value) && of_with != Some(name.value.as_str());
        let here = self.scopes.len().saturating_sub(1);
        let clash = self.scopes.iter().enumerate().any(|(depth, scope)| {
            let same = |(other, subquery): &(String, bool)| {
                *other == name.value && (depth == here || *subquery || of_subquery)
            };
            scope.aliases.iter().any(same)
        });
        if hides_with || clash {
            return Err(twice(name));
        }
        if let Some(scope) = self.scopes.last_mut() {
            scope.aliases.push((name.value.clone(), of_subquery));
        }
        Ok(())
    }

    /// What stands in `FROM`.
    pub(super) fn relation(&mut self, name: &ObjectName) -> Result<Relation, Error> {
        let place = place(name.span());
        let parts: Vec<&Ident> = name.0.iter().filter_map(|part| part.as_ident()).collect();
        let written = parts.iter().map(|i| i.value.as_str()).collect::<Vec<_>>().join(".");
        let [ident] = parts.as_slice() else {
            let hint = if self.find(&written)?.is_some() {
                format!("write \"{written}\" in double quotes")
            } else {
                self.known(&written)
            };
            return Err(Error::Refused(format!("{place}{name} is not one name of a dataset; {hint}")));
        };
        if self.with.contains(&ident.value) {
            return Ok(Relation::With);
        }
        if let Some(unclear) = self.unclear.iter().find(|u| u.name == ident.value) {
            let text = format!("{place}\"{}\" {}", ident.value, unclear.why);
            return Err(if unclear.several { Error::Refused(text) } else { Error::NoDataset(text) });
        }
        match self.find(&ident.value)? {
            Some(path) => {
                let next = format!("dataset\u{1f}{}", self.used.len());
                Ok(Relation::Dataset(self.used.entry(path).or_insert(next).clone()))
            }
            None => {
                let name = &ident.value;
                let text = format!("{place}there is no dataset \"{name}\"; {}", self.known(name));
                // No dataset can be called as a path out of its folder, so it is a file that was meant.
                let outside = name.starts_with('/') || name.split('/').any(|part| part == "..");
                Err(if outside { Error::Refused(text) } else { Error::NoDataset(text) })
            }
        }
    }

    /// By the name as it is, else by the one that differs in case only.
    fn find(&self, name: &str) -> Result<Option<PathBuf>, Error> {
        if let Some(table) = self.tables.iter().find(|t| t.name == name) {
            return Ok(Some(table.dataset.clone()));
        }
        let lower = name.to_lowercase();
        let mut alike = self.tables.iter().filter(|t| t.name.to_lowercase() == lower).map(|t| &t.dataset);
        match (alike.next(), alike.next()) {
            (Some(a), Some(b)) if a != b => Err(Error::Refused(format!(
                "\"{name}\" could mean datasets whose names differ in upper and lower case; write it as it is spelt"
            ))),
            (found, _) => Ok(found.cloned()),
        }
    }

    fn known(&self, name: &str) -> String {
        let known = self.tables.iter().map(|t| t.name.as_str()).chain(self.with.iter().map(String::as_str));
        let near = sql::nearest(name, known);
        if near.is_empty() {
            return "a table is a dataset's file name in double quotes, as `dropforge files` lists them"
                .into();
        }
        let near: Vec<String> = near.iter().map(|n| format!("\"{n}\"")).collect();
        format!("did you mean {}?", near.join(" or "))
    }
}

fn twice(name: &Ident) -> Error {
    Error::Sql(format!(
        "{}the name {name} stands for two tables in this statement; give one of them another name with AS",
        place(name.span)
    ))
}

/// An identifier in double quotes.
pub(super) fn quoted(name: &str) -> Ident {
    Ident::with_quote('"', name)
}

/// An alias `AS "name"`.
pub(super) fn as_alias(name: &Ident) -> TableAlias {
    TableAlias { explicit: true, name: quoted(&name.value), columns: Vec::new(), at: None }
}
