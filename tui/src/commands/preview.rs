//! `preview FILE`: rows of a dataset, page by page until as many as asked for are there.

use std::process::ExitCode;

use dropforge_shared::clean;
use dropforge_shared::client::{flat, within};
use dropforge_shared::fault::Fault;
use dropforge_shared::page::{Cell, Page};
use dropforge_shared::service::CALL;

use super::{Context, Done};
use crate::output as print;
use crate::output::table::{self, Table};

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
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Done {
    let client = context.client().await?;
    let mut page = flat(client.rpc.page(within(CALL * 3), args.file.clone(), args.offset, args.rows).await)?;
    // A page may hold fewer rows than asked for: go on until they are all there.
    while (page.rows.len() as u64) < args.rows {
        let at = args.offset + page.rows.len() as u64;
        let left = args.rows - page.rows.len() as u64;
        if at >= page.total_rows {
            break;
        }
        let more = flat(client.rpc.page(within(CALL * 3), args.file.clone(), at, left).await)?;
        if more.rows.is_empty() {
            break;
        }
        page.rows.extend(more.rows);
        page.truncated_cells += more.truncated_cells;
    }
    if context.json {
        print::json(&page)?;
    } else if args.csv {
        // Raw for a program, safe on a person's terminal.
        print::out(&csv(&page, print::is_terminal()))?;
    } else {
        text(&page)?;
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

fn text(page: &Page) -> Result<(), Fault> {
    let name = |c: &dropforge_shared::page::Column| {
        if c.kind.is_numeric() { table::Column::number(&c.name) } else { table::Column::text(&c.name) }
    };
    let mut table = Table::new(page.columns.iter().map(name));
    for row in &page.rows {
        table.row(row.iter().map(shown));
    }
    table.print()?;
    Ok(())
}

/// A value in the table; a very large or small number is written short, as its digits would fill the screen.
fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Float(x) if x.abs() >= 1e15 || (*x != 0.0 && x.abs() < 1e-4) => format!("{x:e}"),
        cell => cell.display(),
    }
}

/// RFC 4180. A missing value is an empty field, an empty text is two quotes: the two stay apart.
fn csv(page: &Page, safe: bool) -> String {
    let quoted = |text: &str| {
        let text = if safe { clean::line(text) } else { text.into() };
        if text.is_empty() || text.contains(['"', ',', '\n', '\r']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text.into_owned()
        }
    };
    let field = |cell: &Cell| match cell {
        Cell::Text(text) => quoted(text),
        cell => cell.display(),
    };
    let mut out = page.columns.iter().map(|c| quoted(&c.name)).collect::<Vec<_>>().join(",");
    out.push('\n');
    for row in &page.rows {
        out.push_str(&row.iter().map(field).collect::<Vec<_>>().join(","));
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use dropforge_shared::page::{Column, ColumnType};

    #[test]
    fn numbers_in_the_table_keep_their_digits_and_no_zeros_fill_the_screen() {
        let text = [0.0, 0.1, 1e300, -2.5e-9].map(|x| shown(&Cell::Float(x)));
        assert_eq!(text, ["0", "0.1", "1e300", "-2.5e-9"]);
        assert_eq!(shown(&Cell::Int(i64::MIN)), "-9223372036854775808");
    }

    #[test]
    fn csv_quotes_what_needs_it_and_tells_missing_from_empty() {
        let page = Page {
            columns: vec![Column { name: "a,b".into(), kind: ColumnType::Text }],
            rows: vec![
                vec![Cell::Text("say \"hi\"\n\u{1b}".into())],
                vec![Cell::Null],
                vec![Cell::Text(String::new())],
                vec![Cell::Int(-1)],
            ],
            offset: 0,
            total_rows: 4,
            truncated_cells: 0,
        };
        assert_eq!(csv(&page, false), "\"a,b\"\n\"say \"\"hi\"\"\n\u{1b}\"\n\n\"\"\n-1\n");
        assert_eq!(csv(&page, true), "\"a,b\"\n\"say \"\"hi\"\"␊␛\"\n\n\"\"\n-1\n");
    }
}
