//! `WITH` tables that are named once, put where they are named: what is done further in can then be seen from outside. Must not
//! know what for.

use std::ops::ControlFlow;

use sqlparser::ast::{Query, TableFactor, VisitMut as _, VisitorMut};

use super::names;

/// The query without WITH; `None` where a table of it is named more than once, or not at all.
pub(super) fn inlined(query: &Query) -> Option<Query> {
    let mut query = query.clone();
    let Some(with) = query.with.take() else { return Some(query) };
    let mut tables = with.cte_tables;
    while let Some(table) = tables.pop() {
        if with.recursive || !table.alias.columns.is_empty() {
            return None;
        }
        let mut put = Put { name: &table.alias.name.value, what: &table.query, found: 0 };
        let _ = query.visit(&mut put);
        for earlier in &mut tables {
            // They can't name it; one that is called so hides a dataset there.
            let before = put.found;
            let _ = earlier.query.visit(&mut put);
            if put.found > before {
                return None;
            }
        }
        if put.found != 1 {
            return None;
        }
    }
    Some(query)
}

struct Put<'q> {
    name: &'q str,
    what: &'q Query,
    found: usize,
}

impl VisitorMut for Put<'_> {
    type Break = ();

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        let TableFactor::Table { name, alias, .. } = &*factor else { return ControlFlow::Continue(()) };
        let Some(named) = name.0.last().and_then(|part| part.as_ident()).filter(|i| i.value == self.name)
        else {
            return ControlFlow::Continue(());
        };
        self.found += 1;
        let alias = alias.clone().unwrap_or_else(|| names::as_alias(named));
        *factor = TableFactor::Derived {
            lateral: false,
            subquery: Box::new(self.what.clone()),
            alias: Some(alias),
            sample: None,
        };
        ControlFlow::Continue(())
    }
}
