//! Windows as they look: sizes, no colour, hostile text.

use std::collections::BTreeMap;

use dropforge_shared::file::FileState;
use dropforge_shared::job::JobState;
use dropforge_shared::page::{Cell, Column, ColumnType, Page};
use dropforge_shared::profile::{
    ColumnProfile, Histogram, Issue, Profile, Quantiles, Scalar, Severity, TopValue,
};
use ratatui::style::Color;

use super::super::action::{Action, Answer};
use super::super::testkit::{User, file, file_id, inbox, job, log, page, progress};
use super::super::theme::Theme;

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

fn profile() -> Box<Profile> {
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
        correlations: None,
        spearman: None,
        cramers_v: None,
        association_rows: None,
        issues: vec![Issue {
            column: Some("body mass".into()),
            kind: "missing".into(),
            severity: Severity::Medium,
            detail: "2 values are missing".into(),
            rows: 2,
        }],
        target: None,
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
fn everything(size: (u16, u16)) -> Vec<User> {
    ["1", "2", "2<down><enter>", "2<down><enter>p", "4", "4<enter>", "?", ":", "4c", "2/x"]
        .into_iter()
        .map(|keys| {
            let mut user = at_work(size);
            user.types(keys);
            user.answers(Answer::Page { file: file_id(3), offset: 0, result: Ok(page(0, 60, 5_000)) });
            user.answers(Answer::Profile { file: file_id(3), result: Ok(profile()) });
            user
        })
        .collect()
}

#[test]
fn without_colour_nothing_is_coloured() {
    for user in everything((80, 24)) {
        for cell in user.screen(Theme::new(false)).backend().buffer().content() {
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
        }
    }
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

/// Names that try to drive the terminal, to reorder or to hide.
#[test]
fn hostile_text_does_not_reach_the_window() {
    let nasty = "a\u{1b}[31m\u{7}\u{202e}gpj\u{200b}\u{9b}2J\r\n.csv";
    for keys in ["1", "2", "2d", "2<enter>", "4", "4c", "4<enter>", "2/x\u{1b}"] {
        let mut bad = file(1, nasty);
        (bad.error, bad.format, bad.project) = (Some(nasty.into()), Some(nasty.into()), nasty.into());
        let mut user =
            User::new(120, 40).with_files(vec![bad]).with_jobs(vec![job(1, nasty, JobState::Running)]);
        user.answers(inbox(&[(nasty, "refused", nasty)]));
        user.types(keys);
        let rows = Page {
            columns: vec![Column { name: nasty.into(), kind: ColumnType::Text }],
            rows: vec![vec![Cell::Text(nasty.into())]],
            offset: 0,
            total_rows: 1,
            truncated_cells: 0,
        };
        user.answers(Answer::Page { file: file_id(1), offset: 0, result: Ok(rows) });
        let ticket = user.state.tickets;
        user.answers(log(ticket, &[nasty]));
        user.state.complain(nasty);
        for cell in user.screen(Theme::new(true)).backend().buffer().content() {
            let bad = |c: char| c.is_control() || matches!(c, '\u{202e}' | '\u{200b}' | '\u{9b}');
            assert!(!cell.symbol().chars().any(bad), "{keys}: {:?}", cell.symbol());
        }
    }
}
