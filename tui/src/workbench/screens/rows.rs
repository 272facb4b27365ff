//! The rows of a dataset: the view's filters and order, the cells, figures of the column at the cursor.

use dropforge_shared::query::{Filter, FilterOp, View};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::actions::{ACTIONS, Cmd, key_label};
use super::super::state::{Data, Link, Loaded, State};
use super::super::theme::Theme;
use super::super::widgets::{below, count, pieces, text, wrapped};
use super::{details, table};

/// Whether figures of a column fit beside the rows.
pub fn figures_fit(width: u16) -> bool {
    width >= 50
}

/// Draws them.
pub(super) fn draw(state: &State, data: &Data, theme: Theme, area: Rect, buf: &mut Buffer) {
    let mut area = area;
    if !data.view.is_plain() {
        let all = state.open_file().and_then(|f| f.rows);
        view(&data.view, data.sheet.total, all, theme, area, buf);
        area = below(area, 1);
    }
    if data.stats && figures_fit(area.width) {
        let width = (area.width / 3).clamp(24, 40);
        let beside = Rect { x: area.right() - width, width, ..area };
        area.width -= width + 1;
        for y in area.y..area.bottom() {
            text(buf, area.right(), y, 1, "│", theme.dim());
        }
        stats(data, theme, beside, buf);
    }
    if let Some(error) = &data.error {
        let way = match (state.link == Link::Live, data.view.is_plain()) {
            (false, _) => "S starts the daemon.",
            (true, true) => "Any move tries again.",
            (true, false) => "X shows all rows again.",
        };
        let said = format!("The rows can't be read: {error}. {way}");
        for (y, line) in (area.y..area.bottom()).zip(wrapped(&said, area.width)) {
            text(buf, area.x, y, area.width, &line, theme.bad());
        }
        return;
    }
    if data.sheet.columns.is_empty() && data.sheet.total.is_none() {
        text(buf, area.x, area.y, area.width, "Reading…", theme.dim());
        return;
    }
    table::draw(&data.sheet, |row| data.cells(row), &data.view.sort, theme, area, buf);
    if data.sheet.total.is_none() {
        let stops = ACTIONS.iter().find(|s| s.id == Cmd::ClearView).and_then(|s| s.keys.first());
        let said = match (state.looking(), stops) {
            (Some(seconds @ 1..), Some(key)) => {
                format!("Looking through the rows… {seconds} s · {} stops it", key_label(key))
            }
            _ => "Looking through the rows…".to_owned(),
        };
        text(buf, area.x, area.y + 2, area.width, &said, theme.dim());
    }
}

/// The filters, the order, and how many rows are left.
fn view(view: &View, shown: Option<u64>, all: Option<u64>, theme: Theme, area: Rect, buf: &mut Buffer) {
    let left = match (shown, all) {
        (Some(shown), Some(all)) => format!("{} of {} rows ", count(shown), count(all)),
        (Some(shown), None) => format!("{} rows ", count(shown)),
        (None, _) => "… rows ".to_owned(),
    };
    let filters: Vec<String> = view.filters.iter().map(filter).collect();
    let mut parts = Vec::new();
    if !filters.is_empty() {
        parts.push(filters.join(" and "));
    }
    if !view.sort.is_empty() {
        let key = |k: &dropforge_shared::query::SortKey| {
            format!("{}{}", k.column, if k.descending { " ↓" } else { " ↑" })
        };
        let keys: Vec<String> = view.sort.iter().map(key).collect();
        parts.push(format!("by {}", keys.join(", ")));
    }
    let clear = "  X clears";
    let room = usize::from(area.width).saturating_sub(left.chars().count() + clear.len() + 2);
    let what = dropforge_shared::clean::fit(&parts.join(" · "), room);
    pieces(
        buf,
        area,
        area.y,
        &[(&left, theme.strong()), ("· ", theme.dim()), (&what, theme.accent()), (clear, theme.dim())],
    );
}

/// A filter in words.
fn filter(filter: &Filter) -> String {
    let (column, value) = (&filter.column, &filter.value);
    let sign = match filter.op {
        FilterOp::Eq => "=",
        FilterOp::Ne => "≠",
        FilterOp::Lt => "<",
        FilterOp::Le => "≤",
        FilterOp::Gt => ">",
        FilterOp::Ge => "≥",
        FilterOp::Contains => "contains",
        FilterOp::IsNull => return format!("{column} is missing"),
        FilterOp::NotNull => return format!("{column} is there"),
    };
    let value = if value.is_empty() { "''" } else { value.as_str() };
    format!("{column} {sign} {value}")
}

/// Figures of the column at the cursor, from the profile: of all rows, whatever the view.
fn stats(data: &Data, theme: Theme, area: Rect, buf: &mut Buffer) {
    let Some(column) = data.sheet.selected() else { return };
    let mut area = area;
    if !data.view.filters.is_empty() {
        text(buf, area.x, area.y, area.width, "of all rows, not of the filtered", theme.dim());
        area = below(area, 1);
    }
    match &data.profile {
        Loaded::Yes(profile) => match profile.columns.iter().find(|c| c.name == column.name) {
            Some(c) => details::draw_beside(profile, c, theme, area, buf),
            None => {
                text(buf, area.x, area.y, area.width, "The profile has no such column.", theme.dim());
            }
        },
        Loaded::Failed(why) => {
            for (y, line) in (area.y..area.bottom()).zip(wrapped(why, area.width)) {
                text(buf, area.x, y, area.width, &line, theme.bad());
            }
        }
        Loaded::No | Loaded::Asked => {
            text(buf, area.x, area.y, area.width, "Reading…", theme.dim());
        }
    }
}
