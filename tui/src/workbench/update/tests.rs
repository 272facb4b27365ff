//! Steps a person takes, and what they then see or what is asked of the daemon.

use dropforge_shared::event::Change;
use dropforge_shared::fault::Fault;
use dropforge_shared::file::FileState;
use dropforge_shared::job::JobState;
use dropforge_shared::service::{Listing, RemovalItem, RemovalPlan};

use super::super::action::{Action, Answer, Source};
use super::super::effect::Effect;
use super::super::popups::Popup;
use super::super::screens::Screen;
use super::super::state::Tab;
use super::super::testkit::{User, file, file_id, job, job_id, log, page, progress};

fn with_three_files() -> User {
    User::new(80, 24).with_files(vec![file(3, "c.csv"), file(2, "b.csv"), file(1, "a.csv")])
}

/// Opens `a.csv` with so many rows in sight of a daemon that answers every request.
fn reading(rows: u64) -> User {
    let mut user = User::new(80, 24).with_files(vec![file(1, "a.csv")]);
    let asked = user.types("2<enter>");
    serve(&mut user, asked, rows);
    user
}

fn serve(user: &mut User, mut asked: Vec<Effect>, total: u64) -> usize {
    let mut requests = 0;
    while let Some(Effect::Page { file, offset, rows }) =
        asked.iter().find(|e| matches!(e, Effect::Page { .. })).cloned()
    {
        requests += 1;
        assert!(requests < 20);
        asked = user.answers(Answer::Page { file, offset, result: Ok(page(offset, rows, total)) });
    }
    requests
}

#[test]
fn all_lists_are_read_when_the_daemon_is_there() {
    let mut user = User::new(80, 24);
    let effects = user.happens(Action::Connected);
    for source in [Source::Files, Source::Jobs, Source::Running, Source::Inbox, Source::Status] {
        assert!(effects.contains(&Effect::Load(source)), "{source:?}");
    }
}

#[test]
fn a_storm_of_events_asks_for_a_list_once_and_then_once_more() {
    let mut user = User::new(80, 24);
    user.happens(Action::Connected);
    let storm = || {
        (0..500)
            .map(|i| Change::File { file: file_id(i), name: "x".into(), state: FileState::Ingesting })
            .collect::<Vec<_>>()
    };
    assert!(user.news(storm()).is_empty(), "the list is being read already");
    user.news(storm());
    let list = Listing { items: vec![file(1, "a.csv")], next: None };
    let effects = user.answers(Answer::Files { more: false, result: Ok(list.clone()) });
    assert_eq!(effects, [Effect::Load(Source::Files)]);
    assert!(user.answers(Answer::Files { more: false, result: Ok(list) }).is_empty());
}

#[test]
fn a_reload_keeps_the_files_beyond_its_first_page() {
    let mut user = User::new(80, 24);
    let page = |from: u32, to: u32, next| {
        let items = (from..to).rev().map(|i| file(i, &format!("f{i}.csv"))).collect();
        Ok(Listing { items, next })
    };
    user.answers(Answer::Files { more: false, result: page(500, 1_000, Some(500)) });
    user.answers(Answer::Files { more: true, result: page(0, 500, None) });
    user.types("2/f7.csv<enter>");
    assert_eq!(user.state.shown_files().len(), 1);
    let asked = user.answers(Answer::Files { more: false, result: page(520, 1_020, Some(520)) });
    assert!(asked.is_empty(), "{asked:?}");
    assert_eq!((user.state.files.len(), user.state.shown_files().len()), (1_020, 1));
    // After a gap only what is read anew is believed, and the filter goes on to the end by itself.
    user.happens(Action::Connected);
    let asked = user.answers(Answer::Files { more: false, result: page(520, 1_020, Some(520)) });
    assert_eq!(asked, [Effect::MoreFiles(520)]);
    user.answers(Answer::Files { more: true, result: page(0, 520, None) });
    assert_eq!(user.state.shown_files().len(), 1);
}

#[test]
fn a_dropped_file_is_watched_until_it_can_be_read() {
    let mut user = User::new(80, 24);
    let mut new = file(1, "sales.csv");
    (new.state, new.rows, new.job) = (FileState::Ingesting, None, None);
    let effects = user.news(vec![Change::File {
        file: file_id(1),
        name: "sales.csv".into(),
        state: FileState::Ingesting,
    }]);
    assert_eq!(effects, [Effect::File(file_id(1))]);
    user.answers(Answer::File(file_id(1), Ok(new)));
    let mut user = user.with_jobs(vec![job(1, "sales.csv", JobState::Running)]);
    user.types("2<enter>");
    user.news(vec![Change::Progress { job: job_id(1), progress: progress(250) }]);
    assert!(user.sees().contains("250 of 1,000 rows"), "{}", user.sees());
    let effects = user.answers(Answer::File(file_id(1), Ok(file(1, "sales.csv"))));
    assert!(matches!(effects[..], [Effect::Page { offset: 0, .. }]), "{effects:?}");
    serve(&mut user, effects, 5_000);
    assert!(user.sees().contains("Adelie 0"));
}

#[test]
fn a_failed_file_says_why_and_can_be_tried_again() {
    let mut bad = file(1, "bad.csv");
    (bad.state, bad.error) = (FileState::Failed, Some("line 7 has an open quote".into()));
    let mut user =
        User::new(80, 24).with_files(vec![bad]).with_jobs(vec![job(1, "bad.csv", JobState::Failed)]);
    user.types("2<enter>");
    assert!(user.sees().contains("line 7 has an open quote"));
    assert_eq!(user.types("r"), [Effect::Retry(job_id(1))]);
    assert!(matches!(user.types("l")[..], [Effect::FollowLog { .. }]));
}

#[test]
fn rows_are_walked_by_keys_and_by_number() {
    let mut user = reading(5_000);
    user.types("<down><down>");
    assert_eq!(user.state.data.as_ref().unwrap().sheet.row, 2);
    let asked = user.types("G");
    serve(&mut user, asked, 5_000);
    assert!(user.sees().contains("Adelie 4999"), "{}", user.sees());
    let asked = user.types("#2,500<enter>");
    serve(&mut user, asked, 5_000);
    assert!(user.sees().contains("Adelie 2499"), "row 2,500 counts from 1");
    let asked = user.types(":1<enter>");
    serve(&mut user, asked, 5_000);
    assert!(user.sees().contains("Adelie 0"));
    user.types("#zero<enter>");
    assert!(user.sees().contains("not the number of a row"));
}

#[test]
fn a_page_down_keeps_the_selection_in_its_place() {
    let mut user = reading(5_000);
    user.types("<down><down><pgdn>");
    let data = user.state.data.as_ref().unwrap();
    let sheet = &data.sheet;
    assert_eq!((sheet.row - sheet.top, sheet.top), (2, user.state.rows_height()));
    user.types("<pgup>");
    assert_eq!(user.state.data.as_ref().unwrap().sheet.top, 0);
}

#[test]
fn a_held_key_never_has_two_requests_under_way() {
    let mut user = reading(1_000_000);
    let asked: Vec<Effect> = (0..50).flat_map(|_| user.types("<pgdn>")).collect();
    assert_eq!(asked.len(), 1, "{asked:?}");
}

#[test]
fn an_answer_for_another_file_changes_nothing() {
    let mut user = reading(10);
    user.answers(Answer::Page { file: file_id(9), offset: 0, result: Ok(page(0, 10, 99)) });
    assert_eq!(user.state.data.as_ref().unwrap().sheet.total, Some(10));
}

#[test]
fn deleting_lists_what_goes_and_enter_alone_keeps_it() {
    let mut user = with_three_files();
    assert_eq!(user.types("2<down>d"), [Effect::Plan(file_id(2).to_string())]);
    let item = |kind: &str, name: &str| RemovalItem {
        kind: kind.into(),
        id: file_id(2).to_string(),
        name: name.into(),
        bytes: 2_048,
    };
    let plan = RemovalPlan {
        id: file_id(2).to_string(),
        items: vec![item("file", "b.csv"), item("dataset", "b.csv rows")],
        bytes: 4_096,
        token: "t".into(),
        stays: vec![],
    };
    user.answers(Answer::Plan(Ok(plan.clone())));
    assert!(user.sees().contains("dataset b.csv rows") && user.sees().contains("4.0 KiB"), "{}", user.sees());
    assert!(user.types("<enter>").is_empty(), "to keep it is the default");
    user.answers(Answer::Plan(Ok(plan)));
    let remove = Effect::Remove { id: file_id(2).to_string(), token: "t".into() };
    assert_eq!(user.types("<tab><enter>"), [remove]);
    user.news(vec![Change::Removed { id: file_id(2).to_string() }]);
    assert!(!user.sees().contains("b.csv"));
}

#[test]
fn cancelling_asks_first() {
    let mut user = User::new(80, 24).with_jobs(vec![job(1, "a.csv", JobState::Running)]);
    assert!(user.types("4c<enter>").is_empty());
    assert_eq!(user.types("c<right><enter>"), [Effect::Cancel(job_id(1))]);
}

#[test]
fn what_can_not_be_done_now_is_not_offered() {
    let mut user = User::new(80, 24).with_jobs(vec![job(1, "a.csv", JobState::Done)]);
    user.types("4:");
    assert!(!user.sees().contains("Cancel the job"), "{}", user.sees());
    user.types("<esc>?");
    assert!(user.sees().contains("Keys here"), "{}", user.sees());
}

#[test]
fn the_palette_finds_a_command_by_its_words() {
    let mut user = with_three_files();
    user.types("2:filter<enter>b.c");
    assert_eq!(user.state.shown_files().len(), 1);
    user.types("<esc>");
    assert_eq!(user.state.shown_files().len(), 3, "Esc brings back what was");
}

#[test]
fn a_filter_takes_letters_that_are_keys_elsewhere() {
    let mut user = with_three_files();
    user.types("2/q?d<enter>");
    assert_eq!(user.state.filter, "q?d");
    user.types("<esc>");
    assert_eq!((user.state.filter.as_str(), user.state.screen), ("", Screen::Files));
}

#[test]
fn esc_leads_back_the_way_one_came() {
    let mut user = with_three_files();
    user.types("2<enter>L");
    assert_eq!(user.state.screen, Screen::Log);
    assert_eq!(user.types("<esc>"), [Effect::StopLog]);
    assert_eq!(user.state.screen, Screen::Data);
    user.types("<esc><esc>");
    assert_eq!(user.state.screen, Screen::Home);
    user.types("<esc>");
    assert!(!user.state.quit, "Esc never leaves");
    user.types("q");
    assert!(user.state.quit);
}

#[test]
fn the_log_pauses_searches_and_wraps() {
    let mut user = User::new(80, 24).with_jobs(vec![job(1, "a.csv", JobState::Running)]);
    user.types("4<enter>");
    let ticket = user.state.tickets;
    let lines: Vec<String> = (0..100).map(|i| format!("line {i}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    user.answers(log(ticket, &lines));
    assert!(user.sees().contains("line 99"));
    user.types(" ");
    user.answers(log(ticket, &["later"]));
    assert!(!user.sees().contains("later"), "paused");
    user.types("/line 7<enter>");
    assert!(user.sees().contains("line 7"), "{}", user.sees());
    user.types("f");
    assert!(user.sees().contains("later"), "following again");
    user.answers(log(ticket + 1, &["of another opening"]));
    assert!(!user.sees().contains("another opening"));
    user.types("w");
    assert!(user.state.log.as_ref().unwrap().wrap);
}

#[test]
fn a_daemon_that_goes_away_is_told_and_the_return_reads_all_anew() {
    let mut user = reading(100);
    user.happens(Action::Lost("the daemon is not running".into()));
    assert!(user.sees().contains("daemon gone: showing what was known at"), "{}", user.sees());
    assert!(user.sees().contains("Adelie 0"), "what was known stays");
    assert_eq!(user.types("S"), [Effect::StartDaemon]);
    let effects = user.happens(Action::Connected);
    assert!(effects.contains(&Effect::Load(Source::Files)) && effects.contains(&Effect::File(file_id(1))));
    assert!(!user.sees().contains("daemon gone"));
}

#[test]
fn data_written_anew_is_read_anew() {
    let mut user = reading(100);
    let mut again = file(1, "a.csv");
    again.job = Some(job_id(7));
    let effects = user.answers(Answer::File(file_id(1), Ok(again)));
    assert!(matches!(effects[..], [Effect::Page { offset: 0, .. }]), "{effects:?}");
    user.types("p");
    assert_eq!(user.state.data.as_ref().unwrap().tab, Tab::Profile);
}

#[test]
fn what_a_user_asked_for_and_failed_is_a_message_with_the_way_out() {
    let mut user = with_three_files();
    let fault = Fault::failed("the disk is full").hint("Make room and try again.");
    user.answers(Answer::Done(Err(fault)));
    assert!(matches!(user.state.popup, Some(Popup::Message { bad: true, .. })));
    assert!(user.sees().contains("the disk is full") && user.sees().contains("Make room"));
    user.types("<enter>");
    assert!(user.state.popup.is_none());
}

#[test]
fn a_sample_goes_into_the_inbox() {
    let mut user = User::new(80, 24).with_files(vec![]);
    assert_eq!(user.types("a"), [Effect::Sample(0)]);
}

#[test]
fn a_pasted_text_presses_no_keys() {
    let mut user = with_three_files();
    user.types("2/");
    user.happens(Action::Paste("a\n.csv\u{1b}".into()));
    assert_eq!(user.state.filter, "a.csv");
    assert!(user.state.prompt.is_some());
}

#[test]
fn ctrl_c_leaves_from_anywhere() {
    let mut user = with_three_files();
    user.types("2/abc<ctrl-c>");
    assert!(user.state.quit);
}
