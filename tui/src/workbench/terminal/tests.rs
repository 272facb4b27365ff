//! What is written to the terminal, byte by byte, and what a terminal makes of it.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;

#[derive(Clone, Default)]
struct Sink(Rc<RefCell<Vec<Vec<u8>>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().push(bytes.to_vec());
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn frame(screen: &mut Screen<Sink>, cells: &[(u16, u16, Cell)], cursor: Option<Position>) {
    screen.draw(cells.iter().map(|(x, y, c)| (*x, *y, c))).unwrap();
    match cursor {
        None => screen.hide_cursor().unwrap(),
        Some(p) => {
            screen.show_cursor().unwrap();
            screen.set_cursor_position(p).unwrap();
        }
    }
    Backend::flush(screen).unwrap();
}

#[test]
fn a_frame_that_changes_nothing_writes_nothing() {
    let sink = Sink::default();
    let mut screen = Screen::new(sink.clone());
    frame(&mut screen, &[], None);
    assert!(sink.0.borrow().is_empty());
    frame(&mut screen, &[], Some(Position::new(3, 4)));
    frame(&mut screen, &[], Some(Position::new(3, 4)));
    assert_eq!(sink.0.borrow().len(), 1, "a cursor that rests is not set again");
}

#[test]
fn the_clipboard_gets_base64() {
    // The test vectors of RFC 4648, section 10.
    for (text, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
        assert_eq!(clipboard(text), format!("\u{1b}]52;c;{coded}\u{7}").into_bytes());
    }
}

#[test]
fn a_frame_is_one_synchronised_write() {
    let sink = Sink::default();
    let mut screen = Screen::new(sink.clone());
    frame(&mut screen, &[(0, 0, Cell::new("a")), (5, 2, Cell::new("b"))], None);
    let writes = sink.0.borrow();
    assert_eq!(writes.len(), 1);
    let text = String::from_utf8(writes[0].clone()).unwrap();
    assert!(text.starts_with("\u{1b}[?2026h") && text.ends_with("\u{1b}[?2026l"), "{text:?}");
}

/// A generator of numbers that are the same each time (xorshift64*, Vigna, 2016, "An experimental exploration of Marsaglia's
/// xorshift generators, scrambled", ACM TOMS 42:30).
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % n
    }
}

/// A screen's worth of lines, each a text and whether it stands out.
type Lines = Vec<(String, bool)>;

fn a_line(chance: &mut Chance, columns: u16) -> (String, bool) {
    const PIECES: [&str; 8] = ["abc", "数据", " ", "x1", "é", "──", "   ", "12,345"];
    let mut text = String::new();
    for _ in 0..chance.below(usize::from(columns)) / 2 {
        text.push_str(PIECES[chance.below(PIECES.len())]);
    }
    (text, chance.below(6) == 0)
}

/// The lines somewhat later: moved within a region, some changed.
fn later(chance: &mut Chance, lines: &mut Lines, columns: u16) {
    let len = lines.len();
    let top = chance.below(len);
    let bottom = top + chance.below(len - top);
    let by = chance.below(4).min(bottom - top);
    if chance.below(2) == 0 {
        lines[top..=bottom].rotate_left(by);
    } else {
        lines[top..=bottom].rotate_right(by);
    }
    for _ in 0..chance.below(4) {
        let at = chance.below(len);
        lines[at] = a_line(chance, columns);
    }
    if chance.below(3) == 0 {
        let at = chance.below(len);
        lines[at].1 = !lines[at].1;
    }
}

fn paint(terminal: &mut Terminal<Screen<Sink>>, lines: &Lines) {
    use ratatui::style::{Color, Modifier, Style};
    terminal
        .draw(|frame| {
            let area = frame.area();
            for (y, (text, marked)) in (0..area.height).zip(lines) {
                let style = Style::new().fg(if *marked { Color::Red } else { Color::Reset });
                frame.buffer_mut().set_stringn(0, y, text, usize::from(area.width), style);
                if *marked {
                    let line = ratatui::layout::Rect { y, height: 1, ..area };
                    frame.buffer_mut().set_style(line, Style::new().add_modifier(Modifier::REVERSED));
                }
            }
        })
        .unwrap();
}

fn parser(rows: u16, columns: u16) -> vt100::Parser {
    let known = |n: u16| std::num::NonZero::new(n).unwrap();
    vt100::Parser::new(known(rows), known(columns), 0)
}

/// Every cell as a terminal shows it.
fn shown(parser: &vt100::Parser) -> Vec<String> {
    let (rows, columns) = parser.screen().size();
    let (rows, columns) = (rows.get(), columns.get());
    let cell = |y, x| {
        let c = parser.screen().cell(y, x).unwrap();
        let text = if c.contents().is_empty() { " " } else { c.contents() };
        format!("{text} {:?} {} {}", c.fgcolor(), c.inverse(), c.is_wide_continuation())
    };
    (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x))).map(|(y, x)| cell(y, x)).collect()
}

fn feed(parser: &mut vt100::Parser, sink: &Sink) -> usize {
    let writes: Vec<Vec<u8>> = sink.0.borrow_mut().drain(..).collect();
    writes.iter().for_each(|w| parser.process(w));
    writes.iter().map(Vec::len).sum()
}

#[test]
fn moving_lines_shows_what_drawing_them_shows() {
    let mut moved_less = 0;
    for seed in 1..=60u64 {
        let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let (columns, rows) = (10 + chance.below(70) as u16, 3 + chance.below(22) as u16);
        let (sink, plain) = (Sink::default(), Sink::default());
        let mut moving = Terminal::new(Screen::sized(sink.clone(), columns, rows)).unwrap();
        // The oracle: the same frames as ratatui alone draws them.
        let mut still = Screen::sized(plain.clone(), columns, rows);
        still.shadow = None;
        let mut still = Terminal::new(still).unwrap();
        let (mut is, mut should) = (parser(rows, columns), parser(rows, columns));
        let mut lines: Lines = (0..rows).map(|_| a_line(&mut chance, columns)).collect();
        for frame in 0..12 {
            paint(&mut moving, &lines);
            paint(&mut still, &lines);
            let (cost, whole) = (feed(&mut is, &sink), feed(&mut should, &plain));
            let (is, should) = (shown(&is), shown(&should));
            if let Some(at) = is.iter().zip(&should).position(|(a, b)| a != b) {
                let (x, y) = (at % usize::from(columns), at / usize::from(columns));
                panic!("seed {seed}, frame {frame}, column {x}, line {y}: {:?} for {:?}", is[at], should[at]);
            }
            moved_less += usize::from(frame > 0 && cost * 2 < whole);
            if chance.below(8) == 0 {
                moving.clear().unwrap();
                still.clear().unwrap();
                still.backend_mut().shadow = None;
            }
            later(&mut chance, &mut lines, columns);
        }
    }
    assert!(moved_less > 30, "moving was hardly ever worth it: {moved_less}");
}

#[test]
fn what_was_partly_cleared_is_drawn_without_moving() {
    let sink = Sink::default();
    let mut screen = Screen::sized(sink.clone(), 40, 10);
    screen.clear_region(ClearType::AfterCursor).unwrap();
    let cells: Vec<(u16, u16, Cell)> =
        (0..10).flat_map(|y| (0..40).map(move |x| (x, y, Cell::new("a")))).collect();
    frame(&mut screen, &cells, None);
    frame(&mut screen, &cells[40..], None);
    let all: Vec<u8> = sink.0.borrow().concat();
    assert!(!String::from_utf8(all).unwrap().contains("\u{1b}[r"));
}

#[test]
fn scrolling_rows_by_one_line_costs_less_than_a_kilobyte() {
    use super::super::action::Answer;
    use super::super::testkit::{User, file, file_id, page};
    use super::super::theme::Theme;

    for (columns, rows) in [(80, 24), (120, 40), (60, 15)] {
        let mut user = User::new(columns, rows).with_files(vec![file(1, "a.csv")]);
        user.types("2<enter>");
        let mut wide = page(0, 120, 5_000);
        for i in 0..12 {
            let mut column = wide.columns[0].clone();
            column.name = format!("c{i}");
            wide.columns.push(column);
            for (n, row) in wide.rows.iter_mut().enumerate() {
                row.push(dropforge_shared::page::Cell::Text(format!("{:x}", n * 7_919 + i * 104_729)));
            }
        }
        user.answers(Answer::Page { file: file_id(1), offset: 0, result: Ok(wide) });
        let sink = Sink::default();
        let mut terminal = Terminal::new(Screen::sized(sink.clone(), columns, rows)).unwrap();
        let mut paint = |user: &User| {
            sink.0.borrow_mut().clear();
            terminal
                .draw(|f| {
                    let area = f.area();
                    super::super::screens::draw(&user.state, Theme::new(true), area, f.buffer_mut());
                })
                .unwrap();
            sink.0.borrow().iter().map(Vec::len).sum::<usize>()
        };
        let cold = paint(&user);
        assert!(cold < 16 * 1024, "{columns}×{rows}: a cold screen took {cold} bytes");
        let mut most = 0;
        for _ in 0..60 {
            user.types("<down>");
            most = most.max(paint(&user));
        }
        for _ in 0..60 {
            user.types("<up>");
            most = most.max(paint(&user));
        }
        assert!(most < 1024, "{columns}×{rows}: a line took {most} bytes");
    }
}
