//! The rows of a dataset: moving, sorting, filtering. A view is data; the daemon makes the rows of it.

use dropforge_shared::fault::{Fault, FaultCode};
use dropforge_shared::page::{Cell, ColumnType};
use dropforge_shared::query::{Filter, FilterOp, SortKey, View};
use tui_input::Input;

use super::super::actions::Cmd;
use super::super::effect::Effect;
use super::super::state::{Asking, Data, Prompt, State};
use super::{data, table};

/// A command on the rows.
pub(super) fn command(state: &mut State, cmd: Cmd) -> Vec<Effect> {
    let height = state.rows_height();
    let Some(data) = &mut state.data else { return Vec::new() };
    match table::moved(&mut data.sheet, cmd, height) {
        Some(true) => {
            data.error = None;
            return data::fetch(state).into_iter().collect();
        }
        Some(false) => return Vec::new(),
        None => {}
    }
    let Some(column) = data.sheet.selected().cloned() else {
        // Rows that can't be read may be because of the view.
        return match cmd {
            Cmd::ClearView | Cmd::DropFilter => look(state, View::default()),
            _ => Vec::new(),
        };
    };
    let mut view = data.view.clone();
    match cmd {
        Cmd::SortBy => view.sort = sorted_by(&view.sort, &column.name),
        Cmd::SortAlso => match view.sort.iter_mut().find(|k| k.column == column.name) {
            Some(key) => key.descending = !key.descending,
            None => view.sort.push(SortKey { column: column.name, descending: false }),
        },
        Cmd::FilterEqual | Cmd::FilterOther => {
            let Some(cell) = data.cell() else { return Vec::new() };
            let filter = by_value(&column.name, cell, cmd == Cmd::FilterEqual);
            if view.filters.contains(&filter) {
                return Vec::new();
            }
            view.filters.push(filter);
        }
        Cmd::DropFilter => {
            if view.filters.pop().is_none() {
                view.sort.clear();
            }
        }
        Cmd::ClearView => view = View::default(),
        Cmd::FilterTyped => {
            // What was refused is put right rather than typed anew.
            let kept = data.refused.clone().filter(|(of, _)| *of == column.name);
            let before = kept.map(|(_, text)| text).unwrap_or_default();
            let input = Input::new(before.clone());
            state.prompt = Some(Prompt { asking: Asking::Condition, input, before });
            return Vec::new();
        }
        Cmd::Stats => {
            data.stats = !data.stats;
            return data::refreshed(state);
        }
        _ => {
            let (sheet, cells) = (data.sheet.clone(), data.cells(data.sheet.row).map(<[Cell]>::to_vec));
            return table::taken(state, cmd, &sheet, cells.as_deref());
        }
    }
    look(state, view)
}

/// Shows other rows, or another order.
pub(super) fn look(state: &mut State, view: View) -> Vec<Effect> {
    // What answers at once need not be stopped, and would take its warm reader along.
    let slow = state.looking().is_some_and(|s| s > 0);
    let Some(data) = &mut state.data else { return Vec::new() };
    if data.view == view {
        // What is asked for once more may go well now.
        data.error = None;
        return data::fetch(state).into_iter().collect();
    }
    data.look(view);
    let stop = slow.then_some(Effect::StopView);
    stop.into_iter().chain(data::fetch(state)).collect()
}

/// Up, then down, then not.
fn sorted_by(sort: &[SortKey], column: &str) -> Vec<SortKey> {
    match sort {
        [only] if only.column == column && only.descending => Vec::new(),
        [only] if only.column == column => vec![SortKey { column: column.into(), descending: true }],
        _ => vec![SortKey { column: column.into(), descending: false }],
    }
}

fn by_value(column: &str, cell: &Cell, equal: bool) -> Filter {
    let op = match (cell, equal) {
        (Cell::Null, true) => FilterOp::IsNull,
        (Cell::Null, false) => FilterOp::NotNull,
        (_, true) => FilterOp::Eq,
        (_, false) => FilterOp::Ne,
    };
    Filter { column: column.into(), op, value: cell.display() }
}

/// A condition that was typed is taken, where one was put right in the place of the one that was refused.
pub(super) fn typed(state: &mut State, typed: &str, before: &str) -> Vec<Effect> {
    let Some(data) = &mut state.data else { return Vec::new() };
    let Some(column) = data.sheet.selected().cloned() else { return Vec::new() };
    match condition(typed, column.kind) {
        Ok((op, value)) => {
            let mut view = data.view.clone();
            if data.error.is_some() && !before.is_empty() {
                view.filters.pop_if(|f| f.column == column.name);
            }
            view.filters.push(Filter { column: column.name, op, value });
            look(state, view)
        }
        Err(why) => {
            data.refused = Some((column.name, typed.to_owned()));
            state.complain(why);
            Vec::new()
        }
    }
}

/// No condition was typed. What was refused before it became a filter is given up with that.
pub(super) fn untyped(state: &mut State) {
    if let Some(data) = state.data.as_mut().filter(|d| d.error.is_none()) {
        data.refused = None;
    }
}

/// The daemon did not take the view: its newest filter is at hand to be put right.
pub(super) fn refused(data: &mut Data, fault: &Fault) {
    let fresh = data.sheet.total.is_none() && fault.code != FaultCode::Unreachable;
    if let Some(filter) = data.view.filters.last().filter(|_| fresh) {
        data.refused = Some((filter.column.clone(), written(filter)));
    }
}

/// A filter as one types it: [`condition`] makes the same of it.
fn written(filter: &Filter) -> String {
    let sign = match filter.op {
        FilterOp::Eq => "=",
        FilterOp::Ne => "!=",
        FilterOp::Lt => "<",
        FilterOp::Le => "<=",
        FilterOp::Gt => ">",
        FilterOp::Ge => ">=",
        FilterOp::Contains => "contains",
        FilterOp::IsNull => return "is null".into(),
        FilterOp::NotNull => return "is not null".into(),
    };
    let value = &filter.value;
    let bare = !value.is_empty() && unquoted(value.trim()) == *value;
    if bare { format!("{sign} {value}") } else { format!("{sign} \"{value}\"") }
}

/// `>= 10`, `contains x`, `is null`, or a value alone: text that contains it, else what is equal to it.
fn condition(typed: &str, kind: ColumnType) -> Result<(FilterOp, String), String> {
    let typed = typed.trim();
    let lower = typed.to_lowercase();
    match lower.as_str() {
        "is null" | "null" | "is missing" | "missing" => return Ok((FilterOp::IsNull, String::new())),
        "is not null" | "not null" | "is not missing" | "not missing" => {
            return Ok((FilterOp::NotNull, String::new()));
        }
        _ => {}
    }
    let signs = [
        (">=", FilterOp::Ge),
        ("<=", FilterOp::Le),
        ("!=", FilterOp::Ne),
        ("<>", FilterOp::Ne),
        ("≥", FilterOp::Ge),
        ("≤", FilterOp::Le),
        ("≠", FilterOp::Ne),
        ("==", FilterOp::Eq),
        (">", FilterOp::Gt),
        ("<", FilterOp::Lt),
        ("=", FilterOp::Eq),
    ];
    let text = kind == ColumnType::Text;
    let signed = signs.iter().find_map(|(sign, op)| typed.strip_prefix(sign).map(|rest| (*op, rest)));
    let (op, value) = match signed {
        Some(found) => found,
        None if lower.starts_with("contains ") => (FilterOp::Contains, typed.get(9..).unwrap_or_default()),
        None if text => (FilterOp::Contains, typed),
        None => (FilterOp::Eq, typed),
    };
    let value = unquoted(value.trim());
    if value.is_empty() && !(text && matches!(op, FilterOp::Eq | FilterOp::Ne)) {
        return Err("Type a condition: >= 10, = x, contains x, is null, is not null.".into());
    }
    if kind.is_numeric() && op != FilterOp::Contains {
        // Written as people write numbers; a comma between digits can only part thousands here.
        let plain = value.replace([',', '_', ' '], "");
        return match plain.parse::<f64>() {
            Ok(_) => Ok((op, plain)),
            Err(_) => Err(format!("'{value}' is not a number, and the column holds numbers.")),
        };
    }
    Ok((op, value))
}

fn unquoted(value: &str) -> String {
    let inner = |q: char| value.strip_prefix(q).and_then(|v| v.strip_suffix(q));
    inner('"').or_else(|| inner('\'')).unwrap_or(value).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_as_people_write_them() {
        let number = |t| condition(t, ColumnType::Integer);
        assert_eq!(number(">= 10"), Ok((FilterOp::Ge, "10".into())));
        assert_eq!(number("≠1,000"), Ok((FilterOp::Ne, "1000".into())));
        assert_eq!(number("-2.5e3"), Ok((FilterOp::Eq, "-2.5e3".into())));
        assert_eq!(number("contains 7"), Ok((FilterOp::Contains, "7".into())));
        assert!(number("> ten").is_err() && number(">").is_err() && number("").is_err());
        let text = |t| condition(t, ColumnType::Text);
        assert_eq!(text("Gent"), Ok((FilterOp::Contains, "Gent".into())));
        assert_eq!(text("Contains Ä b"), Ok((FilterOp::Contains, "Ä b".into())));
        assert_eq!(text("= ' x '"), Ok((FilterOp::Eq, " x ".into())));
        assert_eq!(text("=\"\""), Ok((FilterOp::Eq, String::new())), "empty text is a value");
        assert_eq!(text("IS NOT NULL"), Ok((FilterOp::NotNull, String::new())));
        assert_eq!(condition("> 2024-01-31", ColumnType::Date), Ok((FilterOp::Gt, "2024-01-31".into())));
    }

    #[test]
    fn a_filter_is_written_as_it_would_be_typed() {
        use FilterOp as Op;
        for (op, value) in
            [(Op::Ge, "b c"), (Op::Eq, ""), (Op::Contains, "\"x\""), (Op::Ne, " y "), (Op::NotNull, "")]
        {
            let filter = Filter { column: "a".into(), op, value: value.into() };
            assert_eq!(condition(&written(&filter), ColumnType::Text), Ok((op, value.into())));
        }
    }

    #[test]
    fn sorting_goes_up_down_and_off() {
        let key = |descending| SortKey { column: "a".into(), descending };
        let up = sorted_by(&[], "a");
        assert_eq!(up, [key(false)]);
        let down = sorted_by(&up, "a");
        assert_eq!(down, [key(true)]);
        assert!(sorted_by(&down, "a").is_empty());
    }
}
