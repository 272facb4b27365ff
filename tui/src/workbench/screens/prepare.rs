//! Steps of preparation as cards, and what the accepted ones do to the first rows.

use dropforge_shared::page::{Cell, Page};
use dropforge_shared::suggest::Effect;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::state::{Card, Data, Loaded, scrolled};
use super::super::theme::Theme;
use super::super::widgets::{Column, Grid, Row, below, counted, over, pieces, text, wrapped};

/// Draws it.
pub(super) fn draw(data: &Data, theme: Theme, area: Rect, buf: &mut Buffer) {
    let it = &data.prepare;
    let accepted = it.cards.iter().filter(|c| c.accepted).count();
    if let Some(preview) = &it.preview {
        match preview {
            Loaded::Yes(effect) => {
                draw_preview(effect, it.preview_top, it.preview_column, theme, area, buf);
            }
            Loaded::Failed(why) => said(why, theme.bad(), area, buf),
            Loaded::No | Loaded::Asked => said("Trying the steps on twenty rows…", theme.dim(), area, buf),
        }
        return;
    }
    match &it.state {
        Loaded::Failed(why) if it.cards.is_empty() => return said(why, theme.bad(), area, buf),
        Loaded::No | Loaded::Asked if it.cards.is_empty() => {
            return said("Looking what helps…", theme.dim(), area, buf);
        }
        _ if it.cards.is_empty() => {
            return said(
                "Nothing needs to be done. a adds a step, o takes a recipe.",
                theme.good(),
                area,
                buf,
            );
        }
        _ => {}
    }
    let head = format!("{accepted} of {} steps accepted · they run from top to bottom", it.cards.len());
    text(buf, area.x, area.y, area.width, &head, theme.strong());
    let area = below(area, 1);
    // Evidence of the selected step, and then the models, where there is room.
    let chosen = it.cards.get(it.at.index);
    let foot = chosen.map(|c| about(c, area.width)).unwrap_or_default();
    let needed = u16::try_from(foot.len()).unwrap_or(u16::MAX).min(area.height / 3);
    let list = Rect { height: area.height - needed, ..area };
    let fits = usize::from(list.height / 2).max(1);
    let top = scrolled(it.at.top, it.at.index, it.cards.len(), fits);
    for (i, card) in it.cards.iter().enumerate().skip(top).take(fits) {
        let y = list.y + (i - top) as u16 * 2;
        draw_card(card, i == it.at.index, theme, Rect { y, height: 2.min(list.bottom() - y), ..list }, buf);
    }
    let used = u16::try_from(it.cards.len().saturating_sub(top).min(fits) * 2).unwrap_or(u16::MAX);
    let between = below(list, used);
    if between.height > 2 && !it.models.is_empty() {
        text(buf, between.x, between.y + 1, between.width, "Models worth training after", theme.strong());
        for (y, m) in (between.y + 2..between.bottom()).zip(&it.models) {
            let sure = format!(" {:.0}% ", m.confidence * 100.0);
            pieces(
                buf,
                between,
                y,
                &[(&m.algorithm, theme.text()), (&sure, theme.accent()), (&m.rationale, theme.dim())],
            );
        }
    }
    let rest = below(area, list.height);
    for (y, line) in (rest.y..rest.bottom()).zip(&foot) {
        text(buf, rest.x, y, rest.width, line, theme.dim());
    }
}

fn said(what: &str, style: ratatui::style::Style, area: Rect, buf: &mut Buffer) {
    for (y, line) in (area.y..area.bottom()).zip(wrapped(what, area.width)) {
        text(buf, area.x, y, area.width, &line, style);
    }
}

/// What speaks for a step, line by line.
fn about(card: &Card, width: u16) -> Vec<String> {
    let reasons = std::iter::once(&card.step.rationale).chain(&card.step.evidence);
    reasons.flat_map(|r| wrapped(r, width)).collect()
}

/// Two lines: what and on which columns; with which settings and why.
fn draw_card(card: &Card, selected: bool, theme: Theme, area: Rect, buf: &mut Buffer) {
    let step = &card.step;
    let mark = if card.accepted { "[x] " } else { "[ ] " };
    let columns =
        if step.columns.is_empty() { "the whole table".to_owned() } else { step.columns.join(", ") };
    let sure = if card.changed { "  yours".to_owned() } else { format!("  {:.0}%", step.confidence * 100.0) };
    let op = format!("{} ", step.op);
    let style = if card.accepted { theme.good() } else { theme.text() };
    let room = usize::from(area.width).saturating_sub(mark.len() + op.chars().count() + sure.len() + 1);
    let columns = dropforge_shared::clean::fit(&columns, room);
    pieces(
        buf,
        area,
        area.y,
        &[(mark, style), (&op, theme.strong()), (&columns, theme.text()), (&sure, theme.accent())],
    );
    if selected {
        over(buf, area, area.y, theme.selected());
    }
    if area.height > 1 {
        let settings: Vec<String> = step
            .settings
            .iter()
            // What is empty says nothing.
            .filter(|(_, v)| !v.is_empty())
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        let gap = if settings.is_empty() { "" } else { " · " };
        let inside = Rect { x: area.x + 4, width: area.width.saturating_sub(4), ..area };
        pieces(
            buf,
            inside,
            area.y + 1,
            &[(&settings.join(" "), theme.accent()), (gap, theme.dim()), (&step.rationale, theme.dim())],
        );
    }
}

/// The notes as far as there is room for them, in lines; the last one says where the others are.
fn noted(effect: &Effect, area: Rect) -> Vec<String> {
    let mut lines: Vec<String> = effect.notes.iter().flat_map(|n| wrapped(n, area.width)).collect();
    let room = usize::from(area.height / 4).max(1);
    if lines.len() > room {
        let more = lines.len() + 1 - room;
        lines.truncate(room - 1);
        lines.push(format!("… {}: n shows all notes", counted(more as u64, "more line")));
    }
    lines
}

/// Where the rows before are drawn, and where those after.
fn halves(area: Rect) -> (Rect, Rect) {
    if area.width >= 100 {
        let half = area.width / 2;
        let right = Rect { x: area.x + half + 1, width: area.width - half - 1, ..area };
        return (Rect { width: half - 1, ..area }, right);
    }
    let half = area.height / 2;
    (Rect { height: half, ..area }, below(area, half))
}

/// How far the preview scrolls in an area, and by how many rows at once.
pub fn preview_reach(effect: &Effect, area: Rect) -> (usize, usize) {
    let (first, second) = halves(below(area, noted(effect, area).len() as u16));
    // Less the line of what they are, and the names of the columns.
    let room = |area: Rect| usize::from(area.height.saturating_sub(2)).max(1);
    let beyond = |rows: usize, area| rows.saturating_sub(room(area));
    let last = beyond(effect.before.rows.len(), first).max(beyond(effect.after.rows.len(), second));
    (last, room(first))
}

/// Before and after, side by side where there is room, else one below the other.
fn draw_preview(effect: &Effect, top: usize, column: usize, theme: Theme, area: Rect, buf: &mut Buffer) {
    let pairs = aligned(&effect.before, &effect.after);
    let notes = noted(effect, area);
    for (y, line) in (area.y..area.bottom()).zip(&notes) {
        text(buf, area.x, y, area.width, line, theme.text());
    }
    let (first, second) = halves(below(area, notes.len() as u16));
    let before: Vec<Shown> = pairs.iter().map(|p| shown_before(p, effect)).collect();
    let after: Vec<Shown> = pairs.iter().filter_map(|p| shown_after(p, effect)).collect();
    let dropped = before.iter().filter(|s| s.gone).count();
    let head = format!("before · {dropped} of these rows go (marked -)");
    side(&head, &effect.before, &before, (top, column), theme, first, buf);
    side("after · what is other is marked *", &effect.after, &after, (top, column), theme, second, buf);
}

/// A row as it is drawn.
struct Shown {
    cells: Vec<String>,
    changed: Vec<bool>,
    gone: bool,
}

fn shown(cell: &Cell) -> String {
    if matches!(cell, Cell::Null) { "∅".into() } else { cell.display() }
}

fn shown_before((i, j): &(usize, Option<usize>), effect: &Effect) -> Shown {
    let cells: Vec<String> =
        effect.before.rows.get(*i).map(|r| r.iter().map(shown).collect()).unwrap_or_default();
    Shown { changed: vec![false; cells.len()], cells, gone: j.is_none() }
}

fn shown_after((i, j): &(usize, Option<usize>), effect: &Effect) -> Option<Shown> {
    let row = effect.after.rows.get((*j)?)?;
    let before = effect.before.rows.get(*i)?;
    let was =
        |name: &str| effect.before.columns.iter().position(|c| c.name == name).and_then(|k| before.get(k));
    let changed = effect.after.columns.iter().zip(row).map(|(c, cell)| was(&c.name) != Some(cell)).collect();
    Some(Shown { cells: row.iter().map(shown).collect(), changed, gone: false })
}

fn side(
    head: &str,
    page: &Page,
    rows: &[Shown],
    (top, column): (usize, usize),
    theme: Theme,
    area: Rect,
    buf: &mut Buffer,
) {
    text(buf, area.x, area.y, area.width, head, theme.dim());
    let area = below(area, 1);
    let widest = |i: usize, name: &str| {
        use unicode_width::UnicodeWidthStr;
        let cells = rows.iter().filter_map(|r| r.cells.get(i)).map(|c| c.width() + 1);
        u16::try_from(cells.max().unwrap_or(0).max(name.width())).unwrap_or(u16::MAX).clamp(4, 20)
    };
    let mut columns = vec![Column::text("", 1)];
    columns.extend(
        page.columns
            .iter()
            .enumerate()
            .map(|(i, c)| Column { right: c.kind.is_numeric(), ..Column::text(&c.name, widest(i, &c.name)) }),
    );
    let wanted = (column + 1).min(columns.len().saturating_sub(1));
    let grid = Grid { columns, frozen: 1, wanted, head: 1, style: theme.strong(), under: theme.dim() };
    let top = top.min(rows.len().saturating_sub(usize::from(area.height.saturating_sub(1))));
    let drawn: Vec<Row> = rows
        .iter()
        .skip(top)
        .map(|r| {
            let mut cells = vec![(if r.gone { "-" } else { "" }.to_owned(), theme.bad())];
            cells.extend(r.cells.iter().zip(&r.changed).map(|(what, changed)| match changed {
                true => (format!("{what}*"), theme.warn()),
                false => (what.clone(), if r.gone { theme.dim() } else { theme.text() }),
            }));
            Row { cells, ..Row::default() }
        })
        .collect();
    grid.draw(area, buf, drawn.iter());
}

/// Which row after the steps is which row before: each row before with its own, or with none where it was dropped. Steps keep
/// the order, so this is the alignment with the most equal cells (Needleman & Wunsch, 1970, "A general method applicable to
/// the search for similarities", Journal of Molecular Biology 48:443–453), gaps only before.
fn aligned(before: &Page, after: &Page) -> Vec<(usize, Option<usize>)> {
    let (n, m) = (before.rows.len(), after.rows.len());
    if m >= n {
        return (0..n).map(|i| (i, Some(i))).collect();
    }
    let common: Vec<(usize, usize)> = after
        .columns
        .iter()
        .enumerate()
        .filter_map(|(j, c)| before.columns.iter().position(|b| b.name == c.name).map(|i| (i, j)))
        .collect();
    let equal = |i: usize, j: usize| {
        let same = |(a, b): &&(usize, usize)| before.rows[i].get(*a) == after.rows[j].get(*b);
        common.iter().filter(same).count() as i64
    };
    // best[i][j]: the most equal cells when the first j rows after lie among the first i before.
    let mut best = vec![vec![i64::MIN; m + 1]; n + 1];
    for row in &mut best {
        row[0] = 0;
    }
    for i in 1..=n {
        for j in 1..=m.min(i) {
            let taken = best[i - 1][j - 1].saturating_add(equal(i - 1, j - 1));
            best[i][j] = best[i - 1][j].max(taken);
        }
    }
    let (mut pairs, mut j) = (Vec::new(), m);
    for i in (1..=n).rev() {
        if j > 0 && (i == j || best[i][j] > best[i - 1][j]) {
            j -= 1;
            pairs.push((i - 1, Some(j)));
        } else {
            pairs.push((i - 1, None));
        }
    }
    pairs.reverse();
    pairs
}

#[cfg(test)]
mod tests {
    use dropforge_shared::page::{Column as Named, ColumnType};

    use super::*;

    fn page(rows: &[[i64; 2]]) -> Page {
        let column = |name: &str| Named { name: name.into(), kind: ColumnType::Integer };
        Page {
            columns: vec![column("a"), column("b")],
            rows: rows.iter().map(|r| r.map(Cell::Int).to_vec()).collect(),
            offset: 0,
            total_rows: rows.len() as u64,
            truncated_cells: 0,
        }
    }

    #[test]
    fn dropped_rows_are_found_although_others_changed() {
        let before = page(&[[1, 10], [2, 20], [2, 20], [3, 30], [4, 40]]);
        let after = page(&[[1, 0], [2, 20], [4, 0]]);
        let pairs = aligned(&before, &after);
        assert_eq!(pairs[0], (0, Some(0)));
        assert_eq!(pairs[3], (3, None));
        assert_eq!(pairs[4], (4, Some(2)));
        assert_eq!(pairs.iter().filter(|p| p.1.is_none()).count(), 2);
    }

    #[test]
    fn without_drops_rows_go_by_their_place() {
        let before = page(&[[1, 1], [1, 1]]);
        assert_eq!(aligned(&before, &page(&[[9, 9], [8, 8]])), [(0, Some(0)), (1, Some(1))]);
        assert_eq!(aligned(&before, &page(&[])), [(0, None), (1, None)]);
    }
}
