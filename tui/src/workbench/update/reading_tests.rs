//! Reading a file again: what is told while it goes on and after it, and lines that are longer than the window.

use dropforge_shared::event::Change;
use dropforge_shared::file::{FileKind, FileState};
use dropforge_shared::job::JobState;
use dropforge_shared::reading::Decision;

use super::super::action::Answer;
use super::super::effect::Effect;
use super::super::popups::Popup;
use super::super::testkit::{User, file, file_id, job, job_id, progress, said};

/// Two files; of `a.csv` it is shown how it was read.
fn on_tab() -> User {
    let mut user = User::new(80, 24).with_files(vec![file(2, "b.csv"), file(1, "a.csv")]);
    user.types("2<down><enter>]]]]");
    user.answers(Answer::Reading(file_id(1), Ok(said::reading())));
    user
}

/// It is being read again as job 5, with a bar between the fields.
fn reading_again() -> User {
    let mut user = on_tab();
    user.types("e|<enter>r");
    let mut again = job(5, "a.csv", JobState::Queued);
    again.file = Some(file_id(1));
    user.answers(Answer::Submitted(Ok(again)));
    user
}

fn ended(user: &mut User, state: JobState, error: Option<&str>) {
    let (job, error) = (job_id(5), error.map(str::to_owned));
    let job_kind = "ingest".to_owned();
    user.news(vec![Change::Job { job, job_kind, file: Some(file_id(1)), state, error }]);
}

fn wanted(user: &User) -> Option<String> {
    user.state.data.as_ref()?.reading.wanted.as_ref()?.get("delimiter").cloned()
}

#[test]
fn a_reading_that_goes_on_is_told_until_it_is_done() {
    let mut user = reading_again();
    let seen = user.sees();
    assert!(seen.contains("It is being read again as job j0000000005."), "{seen}");
    assert!(seen.contains("It is being read again · queued") && seen.contains("delimiter = |"), "{seen}");
    user.news(vec![Change::Progress { job: job_id(5), progress: progress(420) }]);
    assert!(user.sees().contains("It is being read again · profile  420 of 1,000 rows"), "{}", user.sees());
    ended(&mut user, JobState::Done, None);
    let seen = user.sees();
    assert!(seen.contains("Read again.") && !seen.contains("being read again"), "{seen}");
    assert_eq!(wanted(&user), None);
}

#[test]
fn a_reading_that_failed_says_why_and_what_was_set_waits_to_be_put_right() {
    let mut user = reading_again();
    ended(&mut user, JobState::Failed, Some("no line has a bar"));
    let seen = user.sees();
    assert!(seen.contains("Reading it again failed: no line has a bar"), "{seen}");
    assert!(seen.contains("Set, but not read with yet") && seen.contains("delimiter = |"), "{seen}");
    assert!(!seen.contains("being read again"), "{seen}");
    // The file says the same, which is not told twice.
    let mut as_before = file(1, "a.csv");
    as_before.error = Some("reading it again failed, so the data are as before: no line has a bar".into());
    user.answers(Answer::File(file_id(1), Ok(as_before)));
    assert_eq!(user.sees().matches("no line has a bar").count(), 1, "{}", user.sees());
    // The form goes on from it: the bar is there to be taken away.
    user.types("e<backspace>;<enter>");
    let asked = user.types("r");
    assert!(matches!(&asked[..], [Effect::Submit(s)] if s.settings["delimiter"] == ";"), "{asked:?}");
    let mut again = job(6, "a.csv", JobState::Queued);
    again.file = Some(file_id(1));
    user.answers(Answer::Submitted(Ok(again)));
    assert!(!user.sees().contains("no line has a bar"), "{}", user.sees());
    // A newer reading makes what was told of it untrue.
    let mut read = file(1, "a.csv");
    (read.job, read.settings) = (Some(job_id(6)), [("delimiter".to_owned(), ";".to_owned())].into());
    user.answers(Answer::File(file_id(1), Ok(read)));
    let done = Change::Job {
        job: job_id(6),
        job_kind: "ingest".into(),
        file: Some(file_id(1)),
        state: JobState::Done,
        error: None,
    };
    user.news(vec![done]);
    user.answers(Answer::Reading(file_id(1), Ok(said::reading())));
    let seen = user.sees();
    assert!(seen.contains("set by you") && !seen.contains("failed") && !seen.contains("Set, but"), "{seen}");
}

#[test]
fn what_failed_is_left_with_what_was_set() {
    let mut user = reading_again();
    ended(&mut user, JobState::Dead, Some("it took too much memory"));
    user.types("u");
    assert!(!user.sees().contains("too much memory") && wanted(&user).is_none(), "{}", user.sees());
}

#[test]
fn a_reading_that_was_cancelled_leaves_what_was_set() {
    let mut user = reading_again();
    ended(&mut user, JobState::Cancelled, None);
    assert!(user.sees().contains("Reading it again was cancelled"), "{}", user.sees());
    assert_eq!(wanted(&user).as_deref(), Some("|"));
}

#[test]
fn a_failure_is_told_wherever_one_is_and_waits_with_its_file() {
    let mut user = reading_again();
    user.types("2g<enter>");
    ended(&mut user, JobState::Failed, Some("no line has a bar"));
    assert!(user.sees().contains("a.csv: Reading it again failed: no line has a bar"), "{}", user.sees());
    user.types("2<down><enter>");
    user.answers(Answer::Reading(file_id(1), Ok(said::reading())));
    let seen = user.sees();
    assert!(seen.contains("Reading it again failed: no line has a bar"), "{seen}");
    assert_eq!(wanted(&user).as_deref(), Some("|"));
}

#[test]
fn a_failure_is_told_at_the_bottom_where_the_top_is_out_of_sight() {
    let mut user = User::new(60, 15).with_files(vec![file(1, "a.csv")]);
    user.types("2<enter>]]]]");
    let mut reading = said::reading();
    let one = reading.columns[0].clone();
    reading.columns = vec![one; 30];
    user.answers(Answer::Reading(file_id(1), Ok(reading)));
    user.types("e|<enter>rG");
    let mut again = job(5, "a.csv", JobState::Queued);
    again.file = Some(file_id(1));
    user.answers(Answer::Submitted(Ok(again)));
    ended(&mut user, JobState::Failed, Some("no line has a bar"));
    assert_eq!(user.sees().matches("no line has a bar").count(), 1, "{}", user.sees());
    user.types("<esc>g");
    assert_eq!(user.sees().matches("no line has a bar").count(), 1, "{}", user.sees());
}

#[test]
fn what_a_retry_has_read_with_waits_no_longer() {
    let mut user = reading_again();
    ended(&mut user, JobState::Failed, Some("no line has a bar"));
    // The failed job is queued again on another screen, and goes well.
    let mut read = file(1, "a.csv");
    (read.job, read.settings) = (Some(job_id(6)), [("delimiter".to_owned(), "|".to_owned())].into());
    user.answers(Answer::File(file_id(1), Ok(read)));
    assert!(wanted(&user).is_none() && !user.sees().contains("Set, but"), "{}", user.sees());
}

#[test]
fn what_is_set_while_it_is_read_goes_on_from_that() {
    let mut user = reading_again();
    user.types("e<tab>latin1<enter>");
    let seen = user.sees();
    assert!(seen.contains("encoding = latin1"), "{seen}");
    assert_eq!(seen.matches("delimiter = |").count(), 1, "that is being read with: {seen}");
    assert_eq!(wanted(&user).as_deref(), Some("|"));
    ended(&mut user, JobState::Failed, Some("no line has a bar"));
    let set = user.state.data.as_ref().unwrap().reading.wanted.clone().unwrap();
    assert_eq!(set.len(), 2, "neither is lost: {set:?}");
}

#[test]
fn a_failure_of_an_earlier_session_is_shown_too() {
    let mut odd = file(1, "x.dat");
    odd.kind = FileKind::Unknown;
    odd.reading = Some("the lines have nothing in common".into());
    odd.error = Some("reading it again failed, so the data are as before: no line has a bar".into());
    let mut table = file(2, "t.csv");
    table.error = odd.error.clone();
    let mut user = User::new(120, 40).with_files(vec![table, odd]);
    user.types("2<enter>]]]]");
    assert!(user.sees().contains("as before: no line has a bar"), "{}", user.sees());
    user.types("2<down><enter>");
    assert!(user.sees().contains("as before: no line has a bar"), "{}", user.sees());
}

#[test]
fn a_file_that_never_was_read_says_once_why_and_keeps_what_was_set() {
    let mut bad = file(1, "a.csv");
    (bad.state, bad.job, bad.error) = (FileState::Failed, None, Some("no line has a bar".into()));
    let mut user = User::new(80, 24).with_files(vec![bad]);
    user.types("2<enter>e|<enter>r");
    let mut again = job(5, "a.csv", JobState::Queued);
    again.file = Some(file_id(1));
    user.answers(Answer::Submitted(Ok(again)));
    ended(&mut user, JobState::Failed, Some("no line has a bar"));
    assert_eq!(user.sees().matches("no line has a bar").count(), 1, "{}", user.sees());
    assert_eq!(wanted(&user).as_deref(), Some("|"));
}

#[test]
fn a_line_that_is_cut_can_be_read_whole() {
    let mut user = User::new(120, 40).with_files(vec![file(1, "a.csv")]);
    user.types("2<enter>]]]]");
    let mut reading = said::reading();
    let long = |end: &str| format!("{}to {end}", "words ".repeat(40));
    (reading.decisions[0].why, reading.decisions[2].why) = (long("its end"), long("the type"));
    reading.notes = vec![long("the note")];
    user.answers(Answer::Reading(file_id(1), Ok(reading)));
    assert!(!user.sees().contains("to its end"), "{}", user.sees());
    for (line, key, end) in
        [(2, "<enter>", "its end"), (2, "v", "its end"), (4, "<enter>", "the note"), (7, "v", "the type")]
    {
        user.types("g");
        user.types(&"<down>".repeat(line));
        user.types(key);
        assert!(matches!(user.state.popup, Some(Popup::Message { .. })), "{key} on line {line}");
        assert!(user.sees().contains(&format!("to {end}")), "{}", user.sees());
        user.types("<esc>");
    }
    assert!(user.sees().contains("v whole line"), "{}", user.sees());
}

#[test]
fn what_the_user_set_is_told_once_and_one_is_not_called_many() {
    let mut set = file(1, "a.csv");
    set.settings = [("delimiter", ";"), ("types", "body mass=date:dmy")]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into();
    let mut user = User::new(120, 40).with_files(vec![set]);
    user.types("2<enter>]]]]");
    let mut reading = said::reading();
    reading.decisions[1].why = "set by the user".into();
    let (what, value) = ("type of body mass".into(), "date".into());
    reading.decisions[2] = Decision { what, value, why: "set by the user, dates written %d/%m/%Y".into() };
    (reading.preamble_lines, reading.footer_lines, reading.rejected_rows) = (1, 1, 1);
    user.answers(Answer::Reading(file_id(1), Ok(reading)));
    let seen = user.sees();
    assert!(!seen.contains("the user") && seen.matches("set by you").count() == 2, "{seen}");
    assert!(seen.contains("set by you to date:dmy · dates written %d/%m/%Y"), "{seen}");
    assert!(seen.contains("1 line before the table · 1 line after it"), "{seen}");
    assert!(seen.contains("Not placed · 1 record ·"), "{seen}");
    user.types("e");
    assert!(!user.sees().contains("which was"), "a delimiter that was set was not found: {}", user.sees());
    user.types("<tab><tab>");
    let seen = user.sees();
    assert!(seen.contains("← → choose. What was found: true.") && !seen.contains("Empty for"), "{seen}");
}
