//! Text from files and about files that tries to drive the terminal, to reorder or to hide: none of it reaches the window.

use dropforge_shared::fault::Fault;
use dropforge_shared::job::JobState;
use dropforge_shared::page::{Cell, Column, ColumnType, Page};

use super::super::action::Answer;
use super::super::testkit::{User, file, file_id, inbox, job, log, said};
use super::super::theme::Theme;

const NASTY: &str = "a\u{1b}[31m\u{7}\u{202e}gpj\u{200b}\u{9b}2J\r\n.csv";

fn clean(user: &User, keys: &str) {
    for cell in user.screen(Theme::new(true)).backend().buffer().content() {
        let bad = |c: char| c.is_control() || matches!(c, '\u{202e}' | '\u{200b}' | '\u{9b}');
        assert!(!cell.symbol().chars().any(bad), "{keys}: {:?}", cell.symbol());
    }
}

fn opened(keys: &str) -> User {
    let mut bad = file(1, NASTY);
    (bad.error, bad.format, bad.project) = (Some(NASTY.into()), Some(NASTY.into()), NASTY.into());
    bad.settings.insert(NASTY.into(), NASTY.into());
    bad.rejected_rows = Some(2);
    let mut user = User::new(120, 40).with_files(vec![bad]).with_jobs(vec![job(1, NASTY, JobState::Running)]);
    user.answers(inbox(&[(NASTY, "refused", NASTY)]));
    user.types(keys);
    user
}

fn rows() -> Page {
    Page {
        columns: vec![Column { name: NASTY.into(), kind: ColumnType::Text }],
        rows: vec![vec![Cell::Text(NASTY.into())]],
        offset: 0,
        total_rows: 1,
        truncated_cells: 0,
    }
}

#[test]
fn on_the_screens() {
    for keys in ["1", "2", "2d", "2<enter>", "4", "4c", "4<enter>", "2/x\u{1b}"] {
        let mut user = opened(keys);
        user.answers(Answer::Page { file: file_id(1), offset: 0, result: Ok(rows()) });
        let ticket = user.state.tickets;
        user.answers(log(ticket, &[NASTY]));
        user.state.complain(NASTY);
        clean(&user, keys);
    }
}

#[test]
fn on_the_tabs_of_a_dataset() {
    for keys in [
        "<enter>",
        "=",
        "c",
        "y",
        "]]",
        "]]e",
        "]] v",
        "]]a",
        "]]]",
        "]]]e<tab>",
        "]]]r",
        "]]]]",
        "]]]]e",
        "]]]]]",
    ] {
        let mut user = opened("2<enter>");
        user.answers(Answer::Page { file: file_id(1), offset: 0, result: Ok(rows()) });
        let (tabs, rest) = keys.split_at(keys.rfind(']').map_or(0, |i| i + 1));
        user.types(tabs);
        let mut suggestions = said::suggestions();
        for step in &mut suggestions.steps {
            (step.op, step.columns, step.rationale) = (NASTY.into(), vec![NASTY.into()], NASTY.into());
            step.settings.insert(NASTY.into(), NASTY.into());
        }
        user.answers(Answer::Suggestions(file_id(1), Ok(suggestions)));
        let mut reading = said::reading();
        reading.notes.push(NASTY.into());
        (reading.parts, reading.delimiter) = (vec![NASTY.into(), "b".into()], Some(NASTY.into()));
        reading.decisions[0].why = NASTY.into();
        reading.columns[0].name = NASTY.into();
        user.answers(Answer::Reading(file_id(1), Ok(reading)));
        user.answers(Answer::Rejected(file_id(1), Ok(said::rejected())));
        let mut detection = said::detection();
        detection.bad_rules.push(NASTY.into());
        detection.candidates[0].evidence[0].detail = NASTY.into();
        user.answers(Answer::Detection(file_id(1), Ok(detection)));
        user.types(rest);
        let mut effect = said::effect();
        (effect.notes, effect.before, effect.after) = (vec![NASTY.into()], rows(), rows());
        user.answers(Answer::Steps { file: file_id(1), ticket: 1, result: Ok(effect) });
        let ticket = user.state.query.tickets;
        let names = vec![NASTY.to_owned(), format!("{NASTY}2")];
        user.answers(Answer::Completions { ticket, names, columns: vec![] });
        user.answers(Answer::Query { ticket, result: Err(Fault::failed(NASTY)) });
        clean(&user, keys);
    }
}
