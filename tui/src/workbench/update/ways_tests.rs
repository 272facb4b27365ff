//! Ways through the workbench: from file to file and back, and what is told of what is not as it was.

use dropforge_shared::fault::Fault;
use dropforge_shared::job::JobState;
use dropforge_shared::query::View;
use dropforge_shared::service::RemovalPlan;

use super::super::action::{Action, Answer};
use super::super::effect::{Effect, Rows};
use super::super::screens::Screen;
use super::super::state::REMEMBERED;
use super::super::testkit::{User, file, file_id, job, page, said};
use super::data::PARKED;

/// Three files, the newest first; the oldest, `a.csv`, is open on its steps, of which two are accepted.
fn prepared() -> User {
    let files = vec![file(3, "c.csv"), file(2, "b.csv"), file(1, "a.csv")];
    let jobs = [(3, "c.csv"), (2, "b.csv"), (1, "a.csv")].map(|(n, name)| job(n, name, JobState::Done));
    let mut user = User::new(80, 24).with_files(files).with_jobs(jobs.to_vec());
    user.types("2<down><down><enter>]]");
    user.answers(Answer::Suggestions(file_id(1), Ok(said::suggestions())));
    user.types(" <down><down> K");
    assert_eq!(accepted(&user), ["impute", "clip"]);
    user
}

fn accepted(user: &User) -> Vec<String> {
    user.state.data.as_ref().unwrap().prepare.accepted().into_iter().map(|s| s.op).collect()
}

fn open(user: &User) -> String {
    user.state.open_file().unwrap().name.clone()
}

#[test]
fn cards_wait_for_the_user_while_another_file_is_open() {
    let mut user = prepared();
    let asked = user.types("2<up><enter>");
    assert_eq!((open(&user), accepted(&user).len()), ("b.csv".into(), 0));
    assert!(asked.iter().any(|e| matches!(e, Effect::Page { .. })), "it begins with its rows: {asked:?}");
    user.types("2<down><enter>");
    assert_eq!((open(&user), accepted(&user)), ("a.csv".into(), vec!["impute".into(), "clip".into()]));
    assert!(user.sees().contains("clip"), "on the tab that was open: {}", user.sees());
}

#[test]
fn cards_outlive_a_new_reading_of_their_file() {
    let mut user = prepared();
    let mut again = file(1, "a.csv");
    again.job = Some(super::super::testkit::job_id(9));
    let asked = user.answers(Answer::File(file_id(1), Ok(again)));
    assert!(asked.contains(&Effect::Suggest(file_id(1))), "{asked:?}");
    user.answers(Answer::Suggestions(file_id(1), Ok(said::suggestions())));
    assert_eq!(accepted(&user), ["impute", "clip"]);
    assert_eq!(user.state.data.as_ref().unwrap().prepare.cards.len(), 3, "none is there twice");
}

#[test]
fn the_files_that_are_remembered_are_bounded_and_a_loss_is_told() {
    let many: Vec<_> = (1..=40).rev().map(|n| file(n, &format!("{n}.csv"))).collect();
    let mut user = User::new(80, 24).with_files(many);
    for n in 0..40 {
        user.types("2g");
        user.types(&"<down>".repeat(n));
        user.types("<enter>");
        user.state.data.as_mut().unwrap().reading.wanted = (n % 2 == 0).then(Default::default);
        assert!(user.state.parked.len() <= PARKED);
        let told = user.sees().contains("is let go");
        // Sixteen of every second one fit; then each further one pushes another out.
        assert_eq!(told, n > 2 * PARKED && n % 2 == 1, "{n}");
    }
}

#[test]
fn esc_leads_from_a_file_to_the_log_that_opened_it_and_on_to_the_file_before() {
    let mut user = prepared();
    let mut prepare = job(10, "a.csv", JobState::Done);
    prepare.kind = "prepare".into();
    prepare.file = Some(file_id(1));
    prepare.produced = vec![file_id(3)];
    user.answers(Answer::Submitted(Ok(prepare.clone())));
    user.types("o");
    assert_eq!((user.state.screen, open(&user)), (Screen::Data, "c.csv".into()));
    user.types("L");
    assert_ne!(user.state.log.as_ref().unwrap().job, prepare.id, "the log of c");
    user.types("<esc>");
    assert_eq!((user.state.screen, open(&user)), (Screen::Data, "c.csv".into()));
    let asked = user.types("<esc>");
    assert_eq!(user.state.screen, Screen::Log);
    assert_eq!(user.state.log.as_ref().unwrap().job, prepare.id);
    assert!(matches!(&asked[..], [Effect::FollowLog { job, .. }, ..] if *job == prepare.id), "{asked:?}");
    assert!(user.types("<esc>").contains(&Effect::StopLog));
    assert_eq!((user.state.screen, open(&user)), (Screen::Data, "a.csv".into()));
    assert_eq!(accepted(&user), ["impute", "clip"]);
    user.types("<esc>");
    assert_eq!(user.state.screen, Screen::Files);
}

#[test]
fn a_log_below_another_screen_is_followed_no_longer_than_esc_leads_to_it() {
    let mut user = prepared();
    user.types("Lo");
    user.happens(Action::Lost("gone".into()));
    let asked = user.happens(Action::Connected);
    assert!(asked.iter().any(|e| matches!(e, Effect::FollowLog { .. })), "Esc leads back to it: {asked:?}");
    assert!(user.types("2").contains(&Effect::StopLog));
}

#[test]
fn the_end_of_rows_that_are_being_sorted_is_gone_to_once_it_is_known() {
    let mut user = User::new(80, 24).with_files(vec![file(1, "a.csv")]);
    user.types("2<enter>");
    user.answers(Answer::Page { file: file_id(1), offset: 0, result: Ok(page(0, 63, 5_000)) });
    user.types("sG");
    let view: View = user.state.data.as_ref().unwrap().view.clone();
    let asked =
        user.answers(Answer::View { file: file_id(1), view, offset: 0, result: Ok(page(0, 63, 5_000)) });
    let sheet = &user.state.data.as_ref().unwrap().sheet;
    assert_eq!((sheet.row, sheet.wish), (4_999, None));
    assert!(matches!(asked[..], [Effect::View { offset, .. }] if offset > 4_900), "{asked:?}");
}

#[test]
fn rows_of_an_earlier_statement_are_marked_as_such() {
    let mut user = User::new(80, 24).with_files(vec![file(1, "a.csv")]);
    user.types("5<f5>");
    let ticket = user.state.query.running.unwrap();
    user.answers(Answer::Query { ticket, result: Ok(said::result()) });
    assert!(!user.sees().contains("the run before"), "{}", user.sees());
    user.types("r");
    assert!(user.sees().contains("running") && user.sees().contains("the run before"), "{}", user.sees());
    user.types("<esc>");
    assert!(user.sees().contains("did not end") && user.sees().contains("the run before"), "{}", user.sees());
    user.types("r");
    let ticket = user.state.query.running.unwrap();
    user.answers(Answer::Query { ticket, result: Ok(said::result()) });
    assert!(!user.sees().contains("the run before"), "{}", user.sees());
}

#[test]
fn a_small_window_shows_a_long_statement_from_its_beginning_and_mostly_rows() {
    let mut user = User::new(60, 15).with_files(vec![file(1, "a.csv")]);
    user.types("5");
    user.state
        .query
        .write("SELECT species,\n  sex\nFROM \"a.csv\"\nWHERE sex IS NULL\nORDER BY 1\nLIMIT 100");
    user.types("<f5>");
    let ticket = user.state.query.running.unwrap();
    user.answers(Answer::Query { ticket, result: Ok(said::result()) });
    let seen = user.sees();
    assert!(seen.contains("SELECT species, sex FROM \"a.csv\""), "{seen}");
    assert!(seen.lines().filter(|l| l.contains("Adelie")).count() >= 6, "{seen}");
}

#[test]
fn statements_are_kept_unless_they_begin_with_a_blank() {
    let mut user = User::new(80, 24).with_files(vec![file(1, "a.csv")]);
    user.types("5");
    user.state.query.write("SELECT 1");
    assert!(user.types("<f5>").contains(&Effect::Remember("SELECT 1".into())));
    user.state.query.write("  SELECT 'secret'");
    let asked = user.types("<f5>");
    assert!(matches!(&asked[..], [Effect::Query { sql, .. }] if sql == "SELECT 'secret'"), "{asked:?}");
    assert_eq!(user.state.query.history, ["SELECT 1", "SELECT 'secret'"], "the session has both");
}

#[test]
fn statements_of_earlier_sessions_come_before_those_of_this_one() {
    let mut user = User::new(80, 24).with_files(vec![file(1, "a.csv")]);
    user.types("5");
    user.state.query.write("SELECT 2");
    user.types("<f5>");
    user.types("<alt-up>");
    user.answers(Answer::History(Ok(vec!["SELECT 0".into(), "SELECT 2".into(), "SELECT 1".into()])));
    assert_eq!(user.state.query.history, ["SELECT 0", "SELECT 1", "SELECT 2"]);
    user.types("<alt-up>");
    assert_eq!(user.state.query.sql(), "SELECT 1");
    let many = (0..5_000).map(|i| format!("SELECT {i}")).collect();
    user.answers(Answer::History(Ok(many)));
    assert_eq!(user.state.query.history.len(), REMEMBERED);
    user.answers(Answer::History(Err(Fault::failed("the history can't be read"))));
    assert!(user.sees().contains("can't be read"), "{}", user.sees());
}

#[test]
fn without_a_daemon_nothing_is_called_idle() {
    let mut user = User::new(80, 24).with_files(vec![file(1, "a.csv")]);
    user.happens(Action::Lost("the socket is closed".into()));
    let seen = user.sees();
    assert!(seen.contains("no daemon") && !seen.contains("idle"), "{seen}");
}

#[test]
fn details_scroll_to_their_end_and_no_further() {
    let mut user = User::new(60, 15).with_files(vec![file(1, "a.csv")]);
    user.types("2<enter>p");
    user.answers(Answer::Profile { file: file_id(1), result: Ok(super::super::screens::tests::profile()) });
    user.types("<down><enter>");
    assert!(user.sees().contains("↓ more"), "{}", user.sees());
    user.types("G");
    let end = user.sees();
    assert!(end.contains("NA") && !end.contains("↓ more"), "{end}");
    user.types(&"<down>".repeat(30));
    assert_eq!(user.sees(), end);
    user.types("<up>");
    assert!(user.sees().contains("↓ more"), "one line up is one line up: {}", user.sees());
}

#[test]
fn letters_move_over_columns_as_in_an_editor_and_the_log_is_still_a_key_away() {
    let mut user = User::new(80, 24).with_files(vec![file(1, "a.csv")]);
    user.types("2<enter>");
    user.answers(Answer::Page { file: file_id(1), offset: 0, result: Ok(page(0, 63, 5_000)) });
    user.types("llh");
    assert_eq!((user.state.screen, user.state.data.as_ref().unwrap().sheet.column), (Screen::Data, 1));
    user.types("L");
    assert_eq!(user.state.screen, Screen::Log);
}

#[test]
fn all_evidence_of_a_type_can_be_read_in_a_small_window() {
    let mut user = User::new(60, 15).with_files(vec![file(1, "a.csv")]);
    user.types("2<enter>[");
    let mut detection = said::detection();
    detection.candidates[0].evidence[1].detail = "words ".repeat(80) + "to the very end";
    user.answers(Answer::Detection(file_id(1), Ok(detection)));
    assert!(user.sees().contains("i shows all") && !user.sees().contains("the very end"), "{}", user.sees());
    user.types("iG");
    assert!(user.sees().contains("the very end"), "{}", user.sees());
}

#[test]
fn who_comes_back_by_tab_finds_the_rows_read_anew() {
    let mut user = User::new(80, 24).with_files(vec![file(1, "a.csv")]);
    user.types("2<enter>");
    user.answers(Answer::Page { file: file_id(1), offset: 0, result: Ok(page(0, 63, 5_000)) });
    user.types("2");
    let mut again = file(1, "a.csv");
    again.job = Some(super::super::testkit::job_id(9));
    user.answers(Answer::File(file_id(1), Ok(again)));
    let asked = user.types("<tab>");
    assert!(asked.iter().any(|e| matches!(e, Effect::Page { offset: 0, .. })), "{asked:?}");
}

#[test]
fn only_measures_that_were_taken_are_offered() {
    let mut user = User::new(80, 24).with_files(vec![file(1, "a.csv")]);
    user.types("2<enter>p");
    let profile = super::super::screens::tests::profile();
    user.answers(Answer::Profile { file: file_id(1), result: Ok(profile) });
    user.types("m");
    assert!(user.sees().contains("Pearson") && !user.sees().contains("Cramér"), "{}", user.sees());
}

fn opened() -> User {
    let mut user = User::new(80, 24).with_files(vec![file(1, "a.csv")]);
    user.types("2<enter>");
    user.answers(Answer::Page { file: file_id(1), offset: 0, result: Ok(page(0, 63, 5_000)) });
    user
}

#[test]
fn keys_do_nothing_in_a_window_that_is_too_small_to_show_what_they_do() {
    let mut user = opened();
    user.types("2d");
    let plan = RemovalPlan { id: "f1".into(), token: "t".into(), items: vec![], bytes: 1, stays: vec![] };
    user.answers(Answer::Plan(Ok(plan)));
    user.happens(Action::Resize(30, 8));
    assert!(user.types("<tab><enter>").is_empty(), "the question is not seen");
    user.happens(Action::Resize(80, 24));
    assert!(user.sees().contains("Keep it"), "{}", user.sees());
    assert!(matches!(user.types("<tab><enter>")[..], [Effect::Remove { .. }]));
    user.happens(Action::Resize(30, 8));
    user.types("<ctrl-c>");
    assert!(user.state.quit);
}

#[test]
fn a_notch_of_the_wheel_is_three_lines_and_help_says_how_text_is_selected() {
    let mut user = opened();
    let row = |user: &User| user.state.data.as_ref().unwrap().sheet.row;
    user.happens(Action::Wheel(true));
    assert_eq!(row(&user), 3);
    user.happens(Action::Wheel(false));
    assert_eq!(row(&user), 0);
    user.types("?G");
    assert!(user.sees().contains("Text is selected as in any terminal"), "{}", user.sees());
    user.state.mouse = true;
    assert!(user.sees().contains("Shift and drag selects text"), "{}", user.sees());
}

#[test]
fn a_log_tells_which_day_it_is_of() {
    use super::super::testkit::NOW;
    use super::super::widgets::clock;
    use dropforge_shared::job::{LogChunk, LogEntry, LogLevel};
    use dropforge_shared::time::Timestamp;
    let mut user = prepared();
    user.types("L");
    let entry = |at: i64, text: &str| LogEntry {
        at: Timestamp(at),
        attempt: 1,
        level: LogLevel::Info,
        source: "worker".into(),
        text: text.into(),
    };
    // Noon is another day's everywhere a day and a half earlier.
    let before = NOW - 36 * 3_600_000;
    let entries = vec![entry(before, "begun"), entry(NOW, "ended")];
    let result = Ok(LogChunk { entries, next: 0, oldest: 0, finished: true });
    user.answers(Answer::Log { ticket: user.state.tickets, result });
    for _ in 0..2 {
        let seen = user.sees();
        let line = |text: &str| seen.lines().find(|l| l.contains(text)).unwrap().trim_matches('"').to_owned();
        assert!(line("ended").starts_with(&clock(Timestamp(NOW))), "{seen}");
        let at = line("begun");
        assert!(at.starts_with("11-") && at[6..].starts_with(&clock(Timestamp(before))), "{seen}");
        user.types("w");
    }
}

#[test]
fn half_a_page_is_half_of_what_is_shown() {
    let mut user = opened();
    let row = |user: &User| user.state.data.as_ref().unwrap().sheet.row;
    let height = user.state.rows_height();
    user.types("<ctrl-d>");
    assert_eq!(row(&user), height / 2);
    user.types("<ctrl-d><ctrl-u><ctrl-u><ctrl-u>");
    assert_eq!(row(&user), 0);
}

#[test]
fn who_comes_back_to_a_statement_finds_keys_to_be_commands() {
    let mut user = opened();
    user.types("5");
    assert!(user.state.query.typing, "there is a statement to write");
    user.types("<esc>45");
    assert!(!user.state.query.typing);
    let before = user.state.query.sql();
    user.types("2");
    assert_eq!((user.state.screen, user.state.query.sql()), (Screen::Files, before));
}

#[test]
fn rows_are_written_to_a_file_from_wherever_they_are_seen() {
    let mut user = User::new(80, 24).with_files(vec![file(2, "book.xlsx#May"), file(1, "b.csv")]);
    assert!(user.types("2E").is_empty());
    assert!(
        user.sees().contains("Write all rows to (.csv .jsonl .parquet): book-May-rows.csv"),
        "{}",
        user.sees()
    );
    let asked = user.types("<enter>");
    let wanted = Effect::Export { rows: Rows::Of(file_id(2)), to: "book-May-rows.csv".into() };
    assert_eq!(asked, [wanted]);
    user.types("<down><enter>E<ctrl-u>x.parquet");
    let wanted = Effect::Export { rows: Rows::Of(file_id(1)), to: "x.parquet".into() };
    assert_eq!(user.types("<enter>"), [wanted]);
    user.types("E<esc>");
    assert!(!user.sees().contains("Write all rows"), "Esc leaves it");
    user.types("5SELECT 1<esc>E");
    let asked = user.types("<enter>");
    let [Effect::Export { rows: Rows::Gives(sql), to }] = &asked[..] else { panic!("{asked:?}") };
    assert!(sql.contains("SELECT 1") && to == "query.csv", "{sql} to {to}");
    user.answers(Answer::Done(Ok("Wrote query.csv (12 B).".into())));
    assert!(user.sees().contains("Wrote query.csv"), "{}", user.sees());
}
