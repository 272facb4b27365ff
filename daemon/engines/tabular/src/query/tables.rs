//! What may stand in `FROM`: datasets, `WITH` tables, subqueries, and joins of them.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, Ident, Join, JoinConstraint, JoinOperator, Select, SelectItem, SetExpr, Spanned,
    TableAlias, TableFactor, TableWithJoins,
};

use super::allow::{self, of, refused, unable};
use super::expressions::{self, Where};
use super::names::{self, Names, Relation};
use super::parse::place;
use super::{outputs, ties};
use crate::error::Error;

/// Checks a table and what is joined to it. Gives the conditions of inner joins that the engine can't join by, for WHERE.
pub(super) fn from(table: &mut TableWithJoins, names: &mut Names<'_>) -> Result<Vec<Expr>, Error> {
    relation(&mut table.relation, names)?;
    let mut further = Vec::new();
    // A join that adds rows in which the tables before are missing would lose them to WHERE.
    let adds = |join: &Join| {
        use JoinOperator as J;
        matches!(join.join_operator, J::Right(_) | J::RightOuter(_) | J::FullOuter(_))
    };
    let last = table.joins.iter().rposition(adds);
    for (at, join) in table.joins.iter_mut().enumerate() {
        relation(&mut join.relation, names)?;
        let alone = last.is_some_and(|last| last > at);
        further.extend(self::join(join, alone, names)?);
    }
    Ok(further)
}

/// An alias and nothing else.
pub(super) fn plain_alias(alias: &TableAlias) -> Result<(), Error> {
    if alias.at.is_some() || alias.columns.iter().any(|c| c.data_type.is_some()) {
        return Err(refused(&of(&alias.name), "a table's alias is AS name, or AS name (a, b)"));
    }
    Ok(())
}

fn relation(factor: &mut TableFactor, names: &mut Names<'_>) -> Result<(), Error> {
    let span = factor.span();
    match factor {
        TableFactor::Table {
            name,
            alias,
            args,
            with_hints,
            version,
            with_ordinality,
            partitions,
            json_path,
            sample,
            index_hints,
        } => {
            if args.is_some() {
                let text =
                    format!("{name}(…) is a table function; a table is a dataset's name in double quotes");
                return Err(refused(name, &text));
            }
            let extras = !with_hints.is_empty()
                || version.is_some()
                || *with_ordinality
                || !partitions.is_empty()
                || json_path.is_some()
                || sample.is_some()
                || !index_hints.is_empty();
            if extras {
                return Err(refused(name, "a table in FROM has a name and an alias, nothing else"));
            }
            let written = name.0.iter().filter_map(|p| p.as_ident()).next_back().cloned();
            let found = names.relation(name)?;
            let Some(written) = written else { return Err(refused(name, "a table has a name")) };
            if let Some(alias) = alias {
                plain_alias(alias)?;
                if !alias.columns.is_empty() {
                    return Err(unable(
                        &of(&alias.name),
                        "columns are renamed with AS in SELECT, not in FROM",
                    ));
                }
            }
            let shown = alias.as_ref().map_or(&written, |a| &a.name).clone();
            match found {
                Relation::With => names.alias(&shown, false, Some(&written.value)),
                Relation::Dataset(inside) => {
                    names.alias(&shown, false, None)?;
                    name.0 = vec![sqlparser::ast::ObjectNamePart::Identifier(names::quoted(&inside))];
                    *alias = Some(names::as_alias(&shown));
                    Ok(())
                }
            }
        }
        TableFactor::Derived { lateral: false, subquery, alias: Some(alias), sample: None } => {
            plain_alias(alias)?;
            allow::query(subquery, names, false, true)?;
            names.alias(&alias.name, true, None)
        }
        TableFactor::Derived { lateral: false, alias: None, sample: None, subquery } => {
            Err(unable(&**subquery, "a subquery in FROM needs a name: (SELECT …) AS name"))
        }
        other => {
            let word = other.to_string();
            let word = word.split(['(', ' ']).next().unwrap_or_default();
            Err(Error::Refused(format!(
                "{}{word} can't stand in FROM; a table is a dataset, a WITH table or a subquery",
                place(span)
            )))
        }
    }
}

fn join(join: &mut Join, alone: bool, names: &mut Names<'_>) -> Result<Vec<Expr>, Error> {
    use JoinOperator as J;
    let span = join.relation.span();
    let (constraint, inner, using) = match &mut join.join_operator {
        J::CrossJoin(JoinConstraint::None) if !join.global => return Ok(Vec::new()),
        J::Join(c) | J::Inner(c) => (c, true, true),
        J::Left(c) | J::LeftOuter(c) | J::Semi(c) | J::LeftSemi(c) | J::Anti(c) | J::LeftAnti(c) => {
            (c, false, true)
        }
        // With USING the engine would give the left side's keys alone.
        J::Right(c) | J::RightOuter(c) | J::FullOuter(c) => (c, false, false),
        _ => {
            let text = "a join is [INNER | LEFT | RIGHT | FULL | SEMI | ANTI] JOIN … ON …, or CROSS JOIN";
            return Err(Error::Refused(format!("{}{text}", place(span))));
        }
    };
    match constraint {
        JoinConstraint::On(on) if !join.global => {
            expressions::check(on, Where::On, names)?;
            let parts = ties::conjuncts(on.clone());
            let (joins, mut further): (Vec<Expr>, Vec<Expr>) =
                parts.into_iter().partition(|part| comparison(part, inner));
            match ties::all(joins) {
                Some(joins) if !further.is_empty() => *on = joins,
                Some(_) => return Ok(Vec::new()),
                None => return Err(condition(on, inner)),
            }
            if inner && !alone {
                return Ok(further);
            }
            // A condition on the joined table alone is one on what is joined.
            let with = names.is_with(&join.relation);
            if let Some(wrong) = further.iter().find(|part| with || !using || !is_of(part, &join.relation)) {
                return Err(condition(wrong, inner));
            }
            further = further.into_iter().map(|part| Expr::Nested(Box::new(part))).collect();
            filtered(&mut join.relation, ties::all(further))?;
            Ok(Vec::new())
        }
        JoinConstraint::Using(_) if using && !join.global => Ok(Vec::new()),
        _ => {
            let text = "this join needs ON a.key = b.key (USING stands for it in an inner and a left join)";
            Err(Error::Sql(format!("{}{text}", place(span))))
        }
    }
}

/// With USING the key is one column of `*`; the engine keeps the right side's too, as `key:table`.
pub(super) fn keys_once(select: &mut Select) {
    let mut twice = Vec::new();
    for join in select.from.iter().flat_map(|table| &table.joins) {
        use JoinOperator as J;
        let (J::Join(constraint) | J::Inner(constraint) | J::Left(constraint) | J::LeftOuter(constraint)) =
            &join.join_operator
        else {
            continue;
        };
        let (JoinConstraint::Using(keys), Some(table)) = (constraint, shown(&join.relation)) else {
            continue;
        };
        let keys = keys.iter().filter_map(|key| key.0.last()?.as_ident());
        twice.extend(keys.map(|key| of(&names::quoted(&format!("{}:{table}", key.value)))));
    }
    if twice.is_empty() {
        return;
    }
    for item in &mut select.projection {
        let SelectItem::Wildcard(options) = item else { continue };
        outputs::leave_out(options, twice.iter().cloned());
    }
}

/// What a table in FROM goes by.
fn shown(table: &TableFactor) -> Option<&str> {
    match table {
        TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
            Some(&alias.name.value)
        }
        TableFactor::Table { name, .. } => Some(&name.0.last()?.as_ident()?.value),
        _ => None,
    }
}

/// Whether a condition compares columns of both tables; the engine keys on those and would take other conditions for keys, or
/// drop the rows that an outer join keeps.
fn comparison(on: &Expr, inner: bool) -> bool {
    match on {
        Expr::Nested(inside) => comparison(inside, inner),
        Expr::BinaryOp { left, op, right } => {
            use BinaryOperator as B;
            let comparable = match op {
                B::Eq => true,
                B::Lt | B::LtEq | B::Gt | B::GtEq | B::NotEq => inner,
                _ => false,
            };
            let (mut tables_left, mut tables_right) = (BTreeSet::new(), BTreeSet::new());
            let columns = mentioned(left, &mut tables_left) > 0 && mentioned(right, &mut tables_right) > 0;
            comparable && columns && tables_left.is_disjoint(&tables_right)
        }
        _ => false,
    }
}

/// Whether all columns of a condition are written as this table's.
fn is_of(part: &Expr, table: &TableFactor) -> bool {
    let name = shown(table);
    let found = sqlparser::ast::visit_expressions(part, |e| match e {
        Expr::Identifier(_) => ControlFlow::Break(()),
        Expr::CompoundIdentifier(parts) if parts.first().map(|p| p.value.as_str()) != name => {
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    });
    found.is_continue()
}

/// Makes a table that of the rows for which the condition holds.
fn filtered(table: &mut TableFactor, condition: Option<Expr>) -> Result<(), Error> {
    let (TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. }) =
        &*table
    else {
        return Err(Error::Internal("a table that is joined has no name".into()));
    };
    let mut subquery = super::parse::one_query("SELECT * FROM t")?;
    let alias = Some(names::as_alias(&alias.name));
    if let SetExpr::Select(select) = &mut *subquery.body {
        select.selection = condition;
        if let Some(from) = select.from.first_mut() {
            std::mem::swap(&mut from.relation, table);
        }
    }
    *table = TableFactor::Derived { lateral: false, subquery: Box::new(subquery), alias, sample: None };
    Ok(())
}

fn condition(on: &Expr, inner: bool) -> Error {
    let way = if inner {
        "ON compares columns of the two tables at least once; put other conditions into WHERE"
    } else {
        "here ON takes a.key = b.key [AND …], and conditions on columns of the joined table alone, written b.column; filter the \
         other table in a subquery first: FROM (SELECT … WHERE …) AS a"
    };
    unable(on, way)
}

/// How many columns an expression names, and the tables it names them by.
fn mentioned(expr: &Expr, into: &mut BTreeSet<String>) -> usize {
    let mut count = 0;
    let _ = sqlparser::ast::visit_expressions(expr, |e| {
        match e {
            Expr::Identifier(_) => count += 1,
            Expr::CompoundIdentifier(parts) => {
                count += 1;
                into.extend(parts.first().map(|p: &Ident| p.value.clone()));
            }
            _ => {}
        }
        std::ops::ControlFlow::<()>::Continue(())
    });
    count
}
