//! Windows as they look, in every size.

use std::collections::BTreeMap;

use dropforge_shared::file::FileState;
use dropforge_shared::job::JobState;
use dropforge_shared::page::ColumnType;
use dropforge_shared::profile::{
    ColumnProfile, Correlations, Histogram, Issue, Profile, Quantiles, Scalar, Severity, TargetGuess,
    TopValue,
};

use super::super::action::{Action, Answer};
use super::super::testkit::{User, file, file_id, inbox, job, log, page, progress};

const SIZES: [(u16, u16); 3] = [(120, 40), (80, 24), (60, 15)];

fn at_work(size: (u16, u16)) -> User {
    let mut taken = file(4, "measurements-2026.csv");
    (taken.state, taken.rows, taken.columns) = (FileState::Ingesting, None, None);
    let mut bad = file(2, "broken.csv");
    (bad.state, bad.error) = (FileState::Failed, Some("no delimiter was found".into()));
    let mut running = job(4, "measurements-2026.csv", JobState::Running);
    running.progress = Some(progress(420));
    let mut dead = job(2, "broken.csv", JobState::Failed);
    dead.error = Some("no delimiter was found".into());
    let mut user = User::new(size.0, size.1)
        .with_files(vec![taken, file(3, "penguins.csv"), bad])
        .with_jobs(vec![running, job(3, "penguins.csv", JobState::Done), dead]);
    user.answers(inbox(&[
        ("big.csv", "settling", "still being written"),
        ("pipe", "refused", "not a regular file"),
    ]));
    user
}

pub(in super::super) fn profile() -> Box<Profile> {
    let blank = ColumnProfile {
        name: "species".into(),
        kind: ColumnType::Text,
        nulls: 0,
        null_tokens: BTreeMap::new(),
        distinct: 3,
        distinct_exact: true,
        distinct_error: 0.0,
        min: Some(Scalar::Text("Adelie".into())),
        max: Some(Scalar::Text("Gentoo".into())),
        mean: None,
        std: None,
        quantiles: None,
        zeros: 0,
        outliers: 0,
        skewness: None,
        histogram: None,
        top: [("Adelie", 152), ("Gentoo", 124), ("Chinstrap", 68)]
            .map(|(v, count)| TopValue { value: Scalar::Text(v.into()), count })
            .to_vec(),
    };
    let mass = ColumnProfile {
        name: "body mass".into(),
        kind: ColumnType::Integer,
        nulls: 2,
        null_tokens: BTreeMap::from([("NA".into(), 2)]),
        distinct: 94,
        distinct_exact: false,
        distinct_error: 0.01,
        min: Some(Scalar::Int(2_700)),
        max: Some(Scalar::Int(6_300)),
        mean: Some(4_201.754_386),
        std: Some(801.954_5),
        quantiles: Some(Quantiles { p05: 3_150.0, p25: 3_550.0, p50: 4_050.0, p75: 4_750.0, p95: 5_650.0 }),
        histogram: Some(Histogram {
            edges: vec![2_700.0, 3_900.0, 5_100.0, 6_300.0],
            counts: vec![150, 130, 62],
        }),
        top: vec![],
        ..blank.clone()
    };
    Box::new(Profile {
        file: file_id(3).to_string(),
        rows: 344,
        columns: vec![blank, mass],
        correlations: Some(Correlations {
            columns: vec!["body mass".into(), "flipper".into(), "bill depth".into(), "year".into()],
            matrix: vec![
                vec![Some(1.0), Some(0.8712), Some(-0.47), None],
                vec![Some(0.8712), Some(1.0), Some(-0.58), None],
                vec![Some(-0.47), Some(-0.58), Some(1.0), Some(0.05)],
                vec![None, None, Some(0.05), Some(1.0)],
            ],
        }),
        spearman: None,
        cramers_v: None,
        association_rows: None,
        association_error: None,
        issues: vec![Issue {
            column: Some("body mass".into()),
            kind: "missing".into(),
            severity: Severity::Medium,
            detail: "2 values are missing".into(),
            rows: 2,
        }],
        target: Some(TargetGuess {
            column: "species".into(),
            problem: "multiclass".into(),
            confidence: 0.74,
            rationale: "few values, named like a class".into(),
        }),
    })
}

fn opened(size: (u16, u16)) -> User {
    let mut user = at_work(size);
    user.types("2<down><enter>");
    user.answers(Answer::Page { file: file_id(3), offset: 0, result: Ok(page(0, 60, 5_000)) });
    user
}

/// Times of day depend on where the test runs.
fn timeless(seen: &str) -> String {
    let now = super::super::widgets::clock(dropforge_shared::time::Timestamp(super::super::testkit::NOW));
    seen.replace(&now, "12:34:56")
}

fn snapshot(name: &str, make: impl Fn((u16, u16)) -> User) {
    for size in SIZES {
        let user = make(size);
        insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("{name}-{}x{}", size.0, size.1), timeless(&user.sees()));
        });
    }
}

#[test]
fn home_at_work() {
    snapshot("home", at_work);
}

#[test]
fn home_of_a_new_user() {
    snapshot("home-new", |(w, h)| User::new(w, h).with_files(vec![]));
}

#[test]
fn files() {
    snapshot("files", |size| {
        let mut user = at_work(size);
        user.types("2");
        user
    });
}

#[test]
fn rows() {
    snapshot("rows", |size| {
        let mut user = opened(size);
        user.types("<down><right>");
        user
    });
}

#[test]
fn profile_and_details() {
    snapshot("profile", |size| {
        let mut user = opened(size);
        user.types("p");
        user.answers(Answer::Profile { file: file_id(3), result: Ok(profile()) });
        user
    });
    snapshot("details", |size| {
        let mut user = opened(size);
        user.types("p");
        user.answers(Answer::Profile { file: file_id(3), result: Ok(profile()) });
        user.types("<down><enter>");
        user
    });
}

/// The penguins opened on a tab, everything answered.
fn on_tab(size: (u16, u16), tab: usize, more: &str) -> User {
    let mut user = opened(size);
    user.types(&"]".repeat(tab));
    answer_all(&mut user);
    user.types(more);
    answer_all(&mut user);
    user
}

fn answer_all(user: &mut User) {
    use super::super::testkit::said;
    let id = || file_id(3);
    user.answers(Answer::Profile { file: id(), result: Ok(profile()) });
    if user.state.data.as_ref().is_some_and(|d| d.prepare.cards.is_empty()) {
        user.answers(Answer::Suggestions(id(), Ok(said::suggestions())));
    }
    user.answers(Answer::Steps { file: id(), ticket: 1, result: Ok(said::effect()) });
    user.answers(Answer::Reading(id(), Ok(said::reading())));
    user.answers(Answer::Rejected(id(), Ok(said::rejected())));
    user.answers(Answer::Detection(id(), Ok(said::detection())));
    if let Some(ticket) = user.state.query.running {
        user.answers(Answer::Query { ticket, result: Ok(said::result()) });
    }
}

#[test]
fn rows_filtered_sorted_and_with_figures() {
    snapshot("rows-view", |size| {
        let mut user = opened(size);
        user.types("<right>/>= 3,010<enter>s+i");
        user.answers(Answer::Profile { file: file_id(3), result: Ok(profile()) });
        let view = user.state.data.as_ref().unwrap().view.clone();
        let result = Ok(page(0, 60, 1_234));
        user.answers(Answer::View { file: file_id(3), view, offset: 0, result });
        user
    });
    snapshot("rows-cell", |size| {
        let mut user = opened(size);
        user.types("<enter>");
        user
    });
}

#[test]
fn correlations() {
    snapshot("heat", |size| on_tab(size, 1, "m<right>"));
}

#[test]
fn steps_of_preparation() {
    snapshot("prepare", |size| on_tab(size, 2, " <down>"));
    snapshot("prepare-settings", |size| on_tab(size, 2, "e<right>"));
    snapshot("prepare-preview", |size| on_tab(size, 2, " v"));
}

#[test]
fn queries() {
    snapshot("query-editor", |size| on_tab(size, 3, "e"));
    snapshot("query-result", |size| on_tab(size, 3, "r<down>"));
    snapshot("query-error", |size| {
        let mut user = User::new(size.0, size.1).with_files(vec![file(1, "a.csv")]);
        user.types("5<f5>");
        let fault = dropforge_shared::fault::Fault::failed("no such table 'a' at line 2, column 6");
        let ticket = user.state.query.running.unwrap();
        user.answers(Answer::Query { ticket, result: Err(fault.hint("`dropforge files` lists the names.")) });
        user
    });
}

#[test]
fn readings_and_types() {
    snapshot("reading", |size| on_tab(size, 4, "<down><down>"));
    snapshot("reading-change", |size| on_tab(size, 4, "e<down><down><right>"));
    snapshot("reading-changed", |size| on_tab(size, 4, "e|<enter>"));
    snapshot("type", |size| on_tab(size, 5, "<down>"));
    snapshot("unknown", |size| {
        let mut odd = file(1, "notes.dat");
        odd.kind = dropforge_shared::file::FileKind::Unknown;
        odd.reading = Some("no delimiter gives the lines the same number of fields".into());
        let mut user = User::new(size.0, size.1).with_files(vec![odd]);
        user.types("2<enter>e;<enter>");
        user
    });
}

#[test]
fn files_that_wait_for_a_choice() {
    let waiting = |size: (u16, u16)| {
        let mut asks = file(3, "survey.csv");
        asks.state = FileState::NeedsInput;
        User::new(size.0, size.1).with_files(vec![asks, file(2, "b.csv")])
    };
    snapshot("home-asks", waiting);
    snapshot("files-asks", |size| {
        let mut user = waiting(size);
        user.types("2");
        user
    });
}

#[test]
fn jobs_and_log() {
    snapshot("jobs", |size| {
        let mut user = at_work(size);
        user.types("4");
        user
    });
    snapshot("log", |size| {
        let mut user = at_work(size);
        user.types("4<enter>");
        let ticket = user.state.tickets;
        user.answers(log(ticket, &["reading 1,000 rows", "a column changed its type", "profile written"]));
        user
    });
}

#[test]
fn popups() {
    snapshot("help", |size| {
        let mut user = at_work(size);
        user.types("2?");
        user
    });
    snapshot("palette", |size| {
        let mut user = at_work(size);
        user.types("2:");
        user
    });
    snapshot("confirm", |size| {
        let mut user = at_work(size);
        user.types("4c");
        user
    });
}

#[test]
fn a_lost_daemon() {
    snapshot("lost", |size| {
        let mut user = at_work(size);
        user.happens(Action::Lost("the daemon is not running".into()));
        user
    });
}

/// Every screen and popup in turn.
pub(super) fn everything(size: (u16, u16)) -> Vec<User> {
    let tabs = [
        "]]", "]]e", "]] v", "]]a", "]]]", "]]]e", "]]]r", "]]]]", "]]]]e", "]]]]]", "pm", "i", "c",
        "<enter>", "s=z",
    ];
    let tabs = tabs.map(|keys| format!("2<down><enter>{keys}"));
    ["1", "2", "2<down><enter>", "2<down><enter>p", "4", "4<enter>", "?", ":", "4c", "2/x", "5", "5<esc>?"]
        .map(str::to_owned)
        .into_iter()
        .chain(tabs)
        .map(|keys| {
            let mut user = at_work(size);
            let (opens, rest) = keys.split_at(keys.find(']').unwrap_or(keys.len()));
            user.types(opens);
            user.answers(Answer::Page { file: file_id(3), offset: 0, result: Ok(page(0, 60, 5_000)) });
            user.types(rest);
            answer_all(&mut user);
            user
        })
        .collect()
}

#[test]
fn no_window_is_too_small_to_be_drawn_and_the_smallest_say_so() {
    for (w, h) in (1..=60).step_by(7).flat_map(|w| (1..=20).step_by(3).map(move |h| (w, h))) {
        for user in everything((w, h)) {
            let seen = user.sees();
            if (w < 40 || h < 10) && w >= 34 {
                assert!(seen.contains("window too small: at least 40×10"), "{w}×{h}: {seen}");
            }
        }
    }
}
