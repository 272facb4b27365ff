//! What a name means among the tables that are seen where it stands, and what is said where it means none, or two. Must not
//! know how a statement is walked.

use dropforge_shared::page::ColumnType;
use sqlparser::ast::{Expr, Ident, Select, SelectItem};

use super::bind::Binder;
use super::kinds;
use super::parse::place;
use super::scope::{Relation, hint, whole};
use crate::error::Error;

/// What an identifier means.
pub(super) enum Meaning {
    /// A column of the SELECT that many levels out; 0 is its own.
    Column(usize, Option<ColumnType>),
    /// It can't be told.
    Unknown,
}

impl Binder<'_, '_> {
    /// What a bare name means.
    pub(super) fn bare(&self, name: &Ident) -> Result<Meaning, Error> {
        for (out, scope) in self.scopes.iter().rev().enumerate() {
            let there = |r: &&Relation| !r.gone && r.columns.iter().any(|(n, _)| *n == name.value);
            let found: Vec<&Relation> = scope.relations.iter().filter(there).collect();
            match found.as_slice() {
                [] => {}
                [one] => return Ok(Meaning::Column(out, one.kind(&name.value))),
                [one, ..] if scope.merged.contains(&name.value) => {
                    return Ok(Meaning::Column(out, one.kind(&name.value)));
                }
                [one, two, ..] => {
                    let called = &name.value;
                    return Err(Error::Sql(format!(
                        "{}\"{called}\" is a column of {} and of {}; write {} or {}",
                        place(name.span),
                        one.name,
                        two.name,
                        whole(&one.name, called),
                        whole(&two.name, called)
                    )));
                }
            }
            if scope.relations.iter().any(|r| r.open) {
                return Ok(Meaning::Unknown);
            }
        }
        Err(self.missing(name, None))
    }

    /// What `table.name` means.
    fn qualified(&self, table: &Ident, name: &Ident) -> Result<Meaning, Error> {
        for (out, scope) in self.scopes.iter().rev().enumerate() {
            if let Some(relation) = scope.relations.iter().find(|r| r.name == table.value) {
                self.has(relation, name)?;
                let kind = relation.kind(&name.value);
                return Ok(if relation.open { Meaning::Unknown } else { Meaning::Column(out, kind) });
            }
        }
        // That no table is called so is told when the name is checked.
        Ok(Meaning::Unknown)
    }

    pub(super) fn meaning(&self, expr: &Expr) -> Result<Meaning, Error> {
        match expr {
            Expr::Identifier(name) => self.bare(name),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [table, name] => self.qualified(table, name),
                _ => Ok(Meaning::Unknown),
            },
            _ => Ok(Meaning::Unknown),
        }
    }

    pub(super) fn has(&self, relation: &Relation, name: &Ident) -> Result<(), Error> {
        if relation.open || relation.columns.iter().any(|(n, _)| *n == name.value) {
            return Ok(());
        }
        Err(self.missing(name, Some(relation)))
    }

    fn missing(&self, name: &Ident, of: Option<&Relation>) -> Error {
        let mut columns: Vec<&str> = Vec::new();
        match of {
            Some(relation) => columns.extend(relation.columns.iter().map(|(n, _)| n.as_str())),
            None => {
                for relation in self.scopes.iter().rev().flat_map(|s| &s.relations).filter(|r| !r.gone) {
                    for (name, _) in &relation.columns {
                        if !columns.contains(&name.as_str()) {
                            columns.push(name);
                        }
                    }
                }
            }
        }
        let at = of.map_or_else(|| "here".to_owned(), |r| format!("in {}", r.name));
        Error::Sql(format!(
            "{}there is no column \"{}\" {at}; {}",
            place(name.span),
            name.value,
            hint(&name.value, &columns)
        ))
    }

    /// The type of an expression, where it is known.
    pub(super) fn kind(&self, expr: &Expr) -> Option<ColumnType> {
        kinds::of(expr, &|column| match self.meaning(column) {
            Ok(Meaning::Column(_, kind)) => kind,
            _ => None,
        })
    }

    /// Where a name was not found that SELECT gives, but later: that is said.
    pub(super) fn explained(&self, error: Error, select: &Select) -> Error {
        let Error::Sql(text) = &error else { return error };
        let given = select.projection.iter().find_map(|item| match item {
            SelectItem::ExprWithAlias { alias, .. } => {
                text.contains(&format!("no column \"{}\"", alias.value)).then_some(&alias.value)
            }
            _ => None,
        });
        let Some(alias) = given else { return error };
        let place = text.find("there is no").and_then(|at| text.get(..at)).unwrap_or_default();
        Error::Sql(format!(
            "{place}\"{alias}\" is what SELECT calls its result, which is not there yet here; write its expression out, or \
             select from it: WITH w AS (SELECT … AS \"{alias}\" …) SELECT … FROM w"
        ))
    }
}
