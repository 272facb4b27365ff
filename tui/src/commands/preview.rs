//! `preview FILE`: rows of a dataset, filtered and sorted if asked for, page by page until as many as wanted are there.

use std::process::ExitCode;

use dropforge_shared::clean;
use dropforge_shared::client::{flat, within};
use dropforge_shared::fault::Fault;
use dropforge_shared::page::{Cell, Page};
use dropforge_shared::query::{Filter, FilterOp, SortKey, View};
use dropforge_shared::service::CALL;

use super::{Context, Done, rows};
use crate::output as print;

/// Which rows.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  dropforge preview sales.csv --offset 100 --rows 50 --csv > part.csv")]
pub struct Args {
    /// File
    file: String,
    /// The first row, from 0
    #[arg(long, default_value_t = 0)]
    offset: u64,
    /// How many
    #[arg(long, default_value_t = 20)]
    rows: u64,
    /// As CSV (RFC 4180): missing values are empty fields, empty text is ""
    #[arg(long)]
    csv: bool,
    /// Only rows that this holds for, such as 'price > 10' or 'city is null'; again for more, which all must hold
    #[arg(long = "where", value_name = "CONDITION", value_parser = condition)]
    filters: Vec<Filter>,
    /// Sort by these columns, the first decides; :desc for largest first
    #[arg(long, value_name = "COLUMN[:desc],…", value_delimiter = ',')]
    sort: Vec<String>,
    /// Only these columns, in this order
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    columns: Vec<String>,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let client = context.client().await?;
    let view = View { filters: args.filters, sort: args.sort.iter().map(|s| sort_key(s)).collect() };
    let ask = async |offset, rows| {
        let (time, file) = (within(CALL * 3), args.file.clone());
        flat(if view.is_plain() {
            client.rpc.page(time, file, offset, rows).await
        } else {
            client.rpc.view(time, file, view.clone(), offset, rows).await
        })
    };
    let mut page = ask(args.offset, args.rows).await?;
    // A page may hold fewer rows than asked for: go on until they are all there.
    while (page.rows.len() as u64) < args.rows {
        let at = args.offset + page.rows.len() as u64;
        let left = args.rows - page.rows.len() as u64;
        if at >= page.total_rows {
            break;
        }
        let more = ask(at, left).await?;
        if more.rows.is_empty() {
            break;
        }
        page.rows.extend(more.rows);
        page.truncated_cells += more.truncated_cells;
    }
    only(&mut page, &args.columns)?;
    if context.json {
        print::json(&page)?;
    } else if args.csv {
        // Raw for a program, safe on a person's terminal.
        print::out(&rows::csv(&page.columns, &page.rows, print::is_terminal()))?;
    } else {
        rows::text(&page.columns, &page.rows)?;
    }
    if !context.json {
        print::note(&which_rows(&page));
    }
    if page.truncated_cells > 0 {
        print::note(&format!("{} cells were cut to {} bytes", page.truncated_cells, Page::MAX_CELL_BYTES));
    }
    Ok(ExitCode::SUCCESS)
}

/// Which rows these are, counted from 1 as on the screen.
fn which_rows(page: &Page) -> String {
    match page.rows.len() as u64 {
        0 => format!("no rows there, of {}", page.total_rows),
        n => format!("rows {} to {} of {}", page.offset + 1, page.offset + n, page.total_rows),
    }
}

/// Leaves only these columns, in this order.
fn only(page: &mut Page, names: &[String]) -> Result<(), Fault> {
    if names.is_empty() {
        return Ok(());
    }
    let mut places = Vec::new();
    for name in names {
        let Some(at) = page.columns.iter().position(|c| c.name == *name) else {
            return Err(no_column(name, page.columns.iter().map(|c| c.name.as_str())));
        };
        places.push(at);
    }
    page.columns = places.iter().map(|at| page.columns[*at].clone()).collect();
    for row in &mut page.rows {
        *row = places.iter().map(|at| row.get(*at).cloned().unwrap_or(Cell::Null)).collect();
    }
    Ok(())
}

fn no_column<'a>(name: &str, columns: impl Iterator<Item = &'a str>) -> Fault {
    let known: Vec<String> = columns.take(20).map(|c| clean::fit(c, 40)).collect();
    Fault::usage(format!("there is no column '{}'", clean::fit(name, 60)))
        .hint(format!("Columns: {}.", known.join(", ")))
}

/// `COLUMN:desc` or `COLUMN`; a column may have a colon in its name.
fn sort_key(text: &str) -> SortKey {
    match text.rsplit_once(':') {
        Some((column, "desc")) => SortKey { column: column.into(), descending: true },
        Some((column, "asc")) => SortKey { column: column.into(), descending: false },
        _ => SortKey { column: text.into(), descending: false },
    }
}

/// Comparisons as they are written, longer ones before those that they begin with.
const OPERATORS: [(&str, FilterOp); 8] = [
    ("<=", FilterOp::Le),
    (">=", FilterOp::Ge),
    ("!=", FilterOp::Ne),
    ("<>", FilterOp::Ne),
    ("==", FilterOp::Eq),
    ("=", FilterOp::Eq),
    ("<", FilterOp::Lt),
    (">", FilterOp::Gt),
];

/// A condition: `COLUMN OP VALUE`, `COLUMN is null`, `COLUMN is not null`. A column with an operator in its name stands in
/// double quotes; so may a value.
fn condition(text: &str) -> Result<Filter, String> {
    let bad = || {
        "a condition is COLUMN OP VALUE with =, !=, <, <=, >, >= or contains; or COLUMN is [not] null"
            .to_owned()
    };
    let text = text.trim();
    let (column, rest) = match quoted(text, '"') {
        Some((column, rest)) => (column, rest.trim_start()),
        None => {
            let at = operator_at(text).ok_or_else(bad)?;
            (text[..at].trim_end().to_owned(), text[at..].trim_start())
        }
    };
    if column.is_empty() {
        return Err(bad());
    }
    let lower = rest.to_ascii_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    match words.as_slice() {
        ["is", "null"] => return Ok(Filter { column, op: FilterOp::IsNull, value: String::new() }),
        ["is", "not", "null"] => return Ok(Filter { column, op: FilterOp::NotNull, value: String::new() }),
        _ => {}
    }
    let contains = lower.strip_prefix("contains").filter(|r| r.starts_with([' ', '"']));
    let (op, value) = match OPERATORS.iter().find(|(sign, _)| rest.starts_with(sign)) {
        Some((sign, op)) => (*op, &rest[sign.len()..]),
        None if contains.is_some() => (FilterOp::Contains, &rest["contains".len()..]),
        None => return Err(bad()),
    };
    let value = value.trim();
    // Single quotes as in SQL, double ones as around a column.
    let value = match quoted(value, '"').or_else(|| quoted(value, '\'')) {
        Some((inner, "")) => inner,
        _ => value.to_owned(),
    };
    Ok(Filter { column, op, value })
}

/// Where the comparison begins: the first that stands between blanks, else the first sign.
fn operator_at(text: &str) -> Option<usize> {
    let lower = text.to_ascii_lowercase();
    let words = [" is null", " is not null", " contains "].iter().filter_map(|word| lower.find(word));
    let spaced = OPERATORS.iter().filter_map(|(sign, _)| text.find(&format!(" {sign} ")));
    words.chain(spaced).min().or_else(|| OPERATORS.iter().filter_map(|(sign, _)| text.find(sign)).min())
}

/// The text in quotes that this one begins with, and what follows.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let rest = text.strip_prefix(quote)?;
    let mut inner = String::new();
    let mut chars = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            inner.push(c);
        } else if chars.next_if(|(_, next)| *next == quote).is_some() {
            inner.push(quote);
        } else {
            return Some((inner, &rest[at + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use dropforge_shared::page::{Column, ColumnType};

    #[test]
    fn a_condition_is_column_comparison_value() {
        use FilterOp::*;
        for (text, column, op, value) in [
            ("price > 10", "price", Gt, "10"),
            ("price>=10.5", "price", Ge, "10.5"),
            ("first name = Ada Lovelace", "first name", Eq, "Ada Lovelace"),
            ("a=b = c", "a=b", Eq, "c"),
            ("\"a <b\" != \"\"", "a <b", Ne, ""),
            ("\"say \"\"x\"\"\"=1", "say \"x\"", Eq, "1"),
            ("city Contains bur = g", "city", Contains, "bur = g"),
            ("city = 'St. John''s'", "city", Eq, "St. John's"),
            ("city is null", "city", IsNull, ""),
            ("city IS NOT NULL", "city", NotNull, ""),
            ("t <= 2024-01-02 03:04", "t", Le, "2024-01-02 03:04"),
        ] {
            let wanted = Filter { column: column.into(), op, value: value.into() };
            assert_eq!(condition(text), Ok(wanted), "{text}");
        }
        for bad in ["price", "> 3", "", "price ~ 3", "\"open = 3"] {
            assert!(condition(bad).is_err() || bad.starts_with('"'), "{bad:?}");
        }
    }

    #[test]
    fn a_sort_key_may_have_a_colon_in_its_name() {
        assert_eq!(sort_key("a:desc"), SortKey { column: "a".into(), descending: true });
        assert_eq!(sort_key("a:b"), SortKey { column: "a:b".into(), descending: false });
        assert_eq!(sort_key("a:b:asc"), SortKey { column: "a:b".into(), descending: false });
    }

    #[test]
    fn only_the_wanted_columns_are_left_in_the_wanted_order() {
        let column = |name: &str| Column { name: name.into(), kind: ColumnType::Integer };
        let mut page = Page {
            columns: vec![column("a"), column("b"), column("c")],
            rows: vec![vec![Cell::Int(1), Cell::Int(2), Cell::Int(3)]],
            offset: 0,
            total_rows: 1,
            truncated_cells: 0,
        };
        only(&mut page, &["c".into(), "a".into()]).unwrap();
        assert_eq!(page.columns, [column("c"), column("a")]);
        assert_eq!(page.rows, [[Cell::Int(3), Cell::Int(1)]]);
        assert!(only(&mut page, &["b".into()]).unwrap_err().message.contains("'b'"));
    }
}
