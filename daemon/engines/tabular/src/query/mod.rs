//! One read-only SQL statement over datasets.
//!
//! The text is parsed ([`parse`]). Every name is looked up ([`bind`], with [`scope`], [`meaning`] and [`kinds`]), so that
//! a wrong one is told with its place before the engine is asked; on the way it is found where integers could go beyond 64
//! bits ([`bounds`], [`ranges`], [`figures`]). Subqueries that are tied to the query around them become joins
//! ([`correlate`], with [`keys`] and [`ties`]), and `QUALIFY` a query around the query ([`qualify`]). Then all is checked
//! against a list of what is allowed ([`allow`], [`tables`], [`expressions`], [`arity`], [`windows`], [`grouping`]), and what
//! the engine lacks or takes otherwise is said in other words ([`rewrite`], [`truncate`], [`distinct`]), or as a call of this
//! crate's own functions ([`own`]: [`exact`], [`window`] with [`running`], [`arrange`] and [`fold`]). Subqueries that stand for a value are run
//! ([`scalar`]), and what is left goes to the engine ([`plan`], [`parts`]), which streams; [`run`] takes what comes out. The
//! first rows of a sorted dataset are found first and fetched then ([`late`], [`fetch`]). Nothing but the datasets handed in
//! can be named.
//!
//! Filters, limits, `ORDER BY` with `LIMIT`, and counts, sums and means by group are streamed; groups, different values and
//! windows are held in memory. Where an estimate says that they do not fit ([`need`]), a statement over one dataset is done in
//! passes ([`passes`]) over shares of its rows ([`share`]), with `WITH` put where it is named ([`inline`]), and figures of the
//! shares are put together at last ([`gather`]). What is saved is sorted on disk ([`spill`]). One side of a join, and windows
//! without parts, are held whole; where that is not enough the process is ended by its limit.
//!
//! Where it is not what users of other databases expect:
//! - names of columns are case-sensitive; a column without a name is called what was written: `min(x)`;
//! - `/` gives a fraction, also of integers; division by zero gives `inf` or `NaN`, not an error;
//! - an integer beyond 64 bits is an error with its place, not a number of more digits;
//! - casting a fraction to an integer cuts it off;
//! - `ORDER BY` puts missing values last, with `DESC` first, as PostgreSQL does, and in `OVER` likewise;
//! - `strptime` and `strftime` use the codes of strftime; `DATE - DATE` gives a text such as `3 days`;
//! - comparing a text with a number is an error, not a guess.

mod allow;
mod arity;
mod arrange;
mod bind;
mod bounds;
mod correlate;
mod distinct;
mod exact;
mod expressions;
mod fetch;
mod figures;
mod fold;
mod gather;
mod grouping;
mod inline;
mod keys;
mod kinds;
mod late;
mod limits;
mod meaning;
mod names;
mod need;
mod outputs;
mod own;
mod parse;
mod parts;
mod passes;
mod plan;
mod qualify;
mod ranges;
mod rewrite;
mod run;
mod running;
mod scalar;
mod scope;
mod share;
mod source;
mod spill;
mod tables;
mod ties;
mod truncate;
mod values;
mod watch;
mod window;
mod windows;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use dropforge_shared::page::Page;
use dropforge_shared::query::{Form, QueryResult, TableRef, Unclear};
use sqlparser::ast::{CastKind, Expr, Query, Spanned as _};

use crate::error::Error;
use crate::monitor::Monitor;
use crate::pass::panic_text;
use plan::Datasets;

/// What a statement may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryLimits {
    /// Rows of the answer.
    pub max_rows: u64,
    /// Time, in milliseconds; 0 for no limit.
    pub timeout_ms: u64,
    /// Size of the answer, in bytes as it goes over the wire, more or less; one row is always given, with its texts cut.
    pub max_answer_bytes: usize,
    /// Memory that may be taken, in bytes; `None` where nobody counts. What does not fit is done in passes where it can be.
    pub memory: Option<u64>,
}

impl Default for QueryLimits {
    /// 1,000 rows, 30 seconds, a page's worth of bytes.
    fn default() -> Self {
        Self { max_rows: 1_000, timeout_ms: 30_000, max_answer_bytes: Page::MAX_BYTES, memory: None }
    }
}

/// A result that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Rows written.
    pub rows: u64,
    /// Columns written.
    pub columns: Vec<dropforge_shared::page::Column>,
}

/// Runs a statement. `tables` are the datasets it may name, by the name it spells them with; `unclear` are names that
/// could mean several, each with what.
///
/// # Errors
/// [`Error::Usage`] where it can't be read, [`Error::Refused`] where it asks for what is not allowed, [`Error::Sql`]
/// where it can't be run, [`Error::TooSlow`], [`Error::Cancelled`]; each with the place in the text where it is known.
pub fn query(
    sql: &str,
    tables: &[TableRef],
    unclear: &[Unclear],
    limits: QueryLimits,
    monitor: &mut dyn Monitor,
) -> Result<QueryResult, Error> {
    let began = Instant::now();
    let (sql, tables, unclear) = (sql.to_owned(), tables.to_vec(), unclear.to_vec());
    let time = (limits.timeout_ms > 0).then(|| Duration::from_millis(limits.timeout_ms));
    let mut result = watch::watched(time, monitor, move |stop, tell| {
        kept(&sql, || {
            let (query, datasets) = checked(&sql, &tables, &unclear)?;
            let means =
                source::Means { datasets: &datasets, memory: limits.memory, folder: None, stop, tell };
            run::answer(&settled(query, &means)?, &means, limits)
        })
    })?;
    result.elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(result)
}

/// Where a result goes.
#[derive(Debug, Clone)]
pub struct Saving<'a> {
    /// The file, which is written anew. Rows that are sorted and do not fit in memory are set aside in a folder beside it, which
    /// is gone in the end.
    pub out: &'a Path,
    /// Its form.
    pub form: Form,
    /// The first so many rows, else all.
    pub rows: Option<u64>,
    /// Memory that may be taken, as in [`QueryLimits`].
    pub memory: Option<u64>,
}

/// Runs a statement and writes what it gives to a file, block by block.
///
/// # Errors
/// As [`query`], and where the file can't be written.
pub fn query_to(
    sql: &str,
    tables: &[TableRef],
    unclear: &[Unclear],
    saving: &Saving<'_>,
    monitor: &mut dyn Monitor,
) -> Result<Saved, Error> {
    monitor.stage("query", None, "rows");
    let (sql, tables, unclear) = (sql.to_owned(), tables.to_vec(), unclear.to_vec());
    let (out, how, memory) = (saving.out.to_path_buf(), (saving.form, saving.rows), saving.memory);
    watch::watched(None, monitor, move |stop, tell| {
        kept(&sql, || {
            let (query, datasets) = checked(&sql, &tables, &unclear)?;
            let folder = Some(out.with_extension("sorting"));
            let means = source::Means { datasets: &datasets, memory, folder, stop, tell };
            run::save(&settled(query, &means)?, &means, how, &out)
        })
    })
}

/// Does the work; what the engine gave up on is an error as any other, and has its place where there is one.
fn kept<T>(sql: &str, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let done = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|cause| {
        let why = panic_text(cause.as_ref());
        Err(Error::Sql(format!("the engine gave up on this statement: {why}; write it otherwise")))
    });
    done.map_err(|e| placed(e, sql))
}

/// A value that could not be cast, with the place of the cast where there is but one that it can have been.
fn placed(error: Error, sql: &str) -> Error {
    let error = exact::placed(error, sql);
    let Error::Sql(text) = &error else { return error };
    if !text.contains("conversion from `") {
        return error;
    }
    let mut casts = Vec::new();
    if let Ok(query) = parse::one_query(sql) {
        let _ = sqlparser::ast::visit_expressions(&query, |e| {
            if let Expr::Cast { kind: CastKind::Cast | CastKind::DoubleColon, expr, data_type, .. } = e {
                casts.push((parse::place(e.span()), format!("TRY_CAST({expr} AS {data_type})")));
            }
            std::ops::ControlFlow::<()>::Continue(())
        });
    }
    match casts.as_slice() {
        [(place, instead)] => Error::Sql(format!("{place}{text}; {instead} gives a missing value instead")),
        _ => error,
    }
}

/// The statement as it may be run, and its datasets.
fn checked(sql: &str, tables: &[TableRef], unclear: &[Unclear]) -> Result<(Query, Datasets), Error> {
    let mut query = parse::one_query(sql)?;
    let known = || names::Names::new(tables, unclear);
    let kinds = bind::statement(&query, &mut known())?;
    correlate::statement(&mut query, &mut known())?;
    qualify::statement(&mut query)?;
    let mut names = known();
    names.told(kinds);
    allow::query(&mut query, &mut names, true, true)?;
    let datasets = names.used().map(|(name, path)| (name.to_owned(), path.clone())).collect();
    Ok((query, datasets))
}

/// The statement with values in the place of subqueries that stand for one.
fn settled(mut query: Query, means: &source::Means<'_>) -> Result<Query, Error> {
    scalar::settle(&mut query, &mut |inner| run::one_value(&inner, means))?;
    Ok(query)
}
