//! Rows of cells as a table for people or as CSV for programs. Must not know where the rows come from.

use dropforge_shared::clean;
use dropforge_shared::fault::Fault;
use dropforge_shared::page::{Cell, Column};

use crate::output::table::{self, Table};

/// Prints rows below their columns' names.
pub(super) fn text(columns: &[Column], rows: &[Vec<Cell>]) -> Result<(), Fault> {
    let name = |c: &Column| {
        if c.kind.is_numeric() { table::Column::number(&c.name) } else { table::Column::text(&c.name) }
    };
    let mut table = Table::new(columns.iter().map(name));
    for row in rows {
        table.row(row.iter().map(shown));
    }
    table.print()
}

/// A value in the table; a very large or small number is written short, as its digits would fill the screen.
fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Float(x) if x.abs() >= 1e15 || (*x != 0.0 && x.abs() < 1e-4) => format!("{x:e}"),
        cell => cell.display(),
    }
}

/// RFC 4180. A missing value is an empty field, an empty text is two quotes: the two stay apart. `safe` for a person's terminal.
pub(super) fn csv(columns: &[Column], rows: &[Vec<Cell>], safe: bool) -> String {
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
    let mut out = columns.iter().map(|c| quoted(&c.name)).collect::<Vec<_>>().join(",");
    out.push('\n');
    for row in rows {
        out.push_str(&row.iter().map(field).collect::<Vec<_>>().join(","));
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use dropforge_shared::page::ColumnType;

    use super::*;

    #[test]
    fn numbers_in_the_table_keep_their_digits_and_no_zeros_fill_the_screen() {
        let text = [0.0, 0.1, 1e300, -2.5e-9].map(|x| shown(&Cell::Float(x)));
        assert_eq!(text, ["0", "0.1", "1e300", "-2.5e-9"]);
        assert_eq!(shown(&Cell::Int(i64::MIN)), "-9223372036854775808");
    }

    #[test]
    fn csv_quotes_what_needs_it_and_tells_missing_from_empty() {
        let columns = [Column { name: "a,b".into(), kind: ColumnType::Text }];
        let rows = [
            vec![Cell::Text("say \"hi\"\n\u{1b}".into())],
            vec![Cell::Null],
            vec![Cell::Text(String::new())],
            vec![Cell::Int(-1)],
        ];
        let raw = csv(&columns, &rows, false);
        assert_eq!(raw, "\"a,b\"\n\"say \"\"hi\"\"\n\u{1b}\"\n\n\"\"\n-1\n");
        assert_eq!(csv(&columns, &rows, true), "\"a,b\"\n\"say \"\"hi\"\"␊␛\"\n\n\"\"\n-1\n");
        assert_eq!(crate::csv::records(&raw), [["a,b"], ["say \"hi\"\n\u{1b}"], [""], [""], ["-1"]]);
    }
}
