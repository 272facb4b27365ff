//! Queries within a statement that call functions of this crate's own are planned one by one, and stand in it as tables: the
//! engine knows such functions in the outermost SELECT alone.

use std::ops::ControlFlow;

use polars::lazy::frame::LazyFrame;
use sqlparser::ast::{Expr, Query, SetExpr, Visit, VisitMut as _, VisitorMut, With};

use super::{own, parse};
use crate::error::Error;

type Tables = Vec<(String, LazyFrame)>;

/// Plans one query.
type Run<'r> = dyn Fn(&Query, &[(String, LazyFrame)]) -> Result<LazyFrame, Error> + 'r;

/// Takes those queries out of a statement; their plans are added to `tables`.
pub(super) fn apart(query: &mut Query, tables: &mut Tables, run: &Run<'_>) -> Result<(), Error> {
    if !calls(query) {
        return Ok(());
    }
    let mut with = query.with.take();
    for at in 0..with.as_ref().map_or(0, |with| with.cte_tables.len()) {
        let Some(with) = &mut with else { break };
        // A WITH table sees those before it.
        let mut seen = with.clone();
        seen.cte_tables.truncate(at);
        let seen = (at > 0).then_some(seen);
        if let Some(cte) = with.cte_tables.get_mut(at) {
            let mut all = Apart { with: seen, tables, run, depth: 1 };
            all.whole(&mut cte.query)?;
        }
    }
    let mut all = Apart { with, tables, run, depth: 0 };
    let done = all.whole(query);
    query.with = all.with;
    done
}

/// Whether a function of this crate's own is called anywhere in it.
fn calls(part: &impl Visit) -> bool {
    let found = sqlparser::ast::visit_expressions(part, |e| match e {
        Expr::Function(f) if f.name.to_string().starts_with(own::PREFIX) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

struct Apart<'a> {
    with: Option<With>,
    tables: &'a mut Tables,
    run: &'a Run<'a>,
    /// Queries around; one at depth 0 is the statement itself, and stays.
    depth: usize,
}

impl Apart<'_> {
    fn whole(&mut self, query: &mut Query) -> Result<(), Error> {
        match query.visit(self) {
            ControlFlow::Break(error) => Err(error),
            ControlFlow::Continue(()) => Ok(()),
        }
    }

    /// Plans a query, and says it as a table.
    fn taken(&mut self, query: &mut Query) -> Result<(), Error> {
        query.with = self.with.clone();
        let plan = (self.run)(query, self.tables)?;
        let name = format!("part\u{1f}{}", self.tables.len());
        *query = parse::one_query(&format!("SELECT * FROM \"{name}\" AS \"{name}\""))?;
        self.tables.push((name, plan));
        Ok(())
    }

    /// The sides of UNION and its kin are run on their own, too.
    fn sides(&mut self, body: &mut SetExpr) -> Result<(), Error> {
        match body {
            SetExpr::SetOperation { left, right, .. } => {
                self.sides(left)?;
                self.sides(right)
            }
            SetExpr::Select(_) if calls(body) => {
                let mut alone = parse::one_query("SELECT 1")?;
                std::mem::swap(&mut *alone.body, body);
                self.taken(&mut alone)?;
                std::mem::swap(&mut *alone.body, body);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn left(&mut self, query: &mut Query) -> Result<(), Error> {
        if matches!(*query.body, SetExpr::SetOperation { .. }) {
            self.sides(&mut query.body)?;
        }
        if self.depth > 0 && calls(query) { self.taken(query) } else { Ok(()) }
    }
}

impl VisitorMut for Apart<'_> {
    type Break = Error;

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<Error> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        self.depth -= 1;
        match self.left(query) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}
