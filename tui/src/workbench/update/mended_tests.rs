//! What was once cut off, lost or told wrongly: dialogs, previews, correlations, conditions.

use dropforge_shared::fault::Fault;
use dropforge_shared::page::ColumnType;
use dropforge_shared::profile::{Correlations, Profile};
use dropforge_shared::query::{FilterOp, View};
use dropforge_shared::service::{RemovalItem, RemovalPlan};

use super::super::action::{Action, Answer};
use super::super::effect::Effect;
use super::super::screens::Screen;
use super::super::testkit::{User, file, file_id, page, said};

const SIZES: [(u16, u16); 4] = [(120, 40), (80, 24), (60, 15), (40, 10)];

/// A file's rows.
fn opened(size: (u16, u16)) -> User {
    let mut user = User::new(size.0, size.1).with_files(vec![file(1, "a.csv")]);
    user.types("2<enter>");
    user.answers(Answer::Page { file: file_id(1), offset: 0, result: Ok(page(0, 80, 5_000)) });
    user
}

fn view(user: &User) -> View {
    user.state.data.as_ref().unwrap().view.clone()
}

/// The question before many things are deleted.
fn asked_to_delete(size: (u16, u16)) -> User {
    let mut user = User::new(size.0, size.1).with_files(vec![file(1, "a.csv")]);
    user.types("2d");
    let item = |n: u32| RemovalItem {
        kind: "job".into(),
        id: format!("j{n}"),
        name: format!("number {n}."),
        bytes: 2_048,
    };
    let plan = RemovalPlan {
        id: file_id(1).to_string(),
        items: (0..50).map(item).collect(),
        bytes: 4_096,
        token: "t".into(),
        stays: vec![],
    };
    user.answers(Answer::Plan(Ok(plan)));
    user
}

#[test]
fn all_that_goes_is_seen_before_it_is_confirmed() {
    for size in SIZES {
        let mut user = asked_to_delete(size);
        let seen = user.sees();
        assert!(seen.contains("number 0.") && seen.contains("lines below"), "{seen}");
        assert!(!seen.contains("above"), "{seen}");
        let mut all = seen;
        for _ in 0..60 {
            user.types("<down>");
            all += &user.sees();
        }
        for n in 0..50 {
            assert!(all.contains(&format!("number {n}.")), "{n} at {size:?}");
        }
        let seen = user.sees();
        assert!(seen.contains("become free") && !seen.contains("below"), "{seen}");
        assert!(seen.contains("lines above") && seen.contains("Keep it"), "{seen}");
        user.types("<up>");
        assert!(user.sees().contains("1 line below"), "one up is one up: {}", user.sees());
        user.types("g");
        assert!(user.sees().contains("number 0."), "{}", user.sees());
        user.types("<end>k<pgup><pgdn>j");
        assert!(!user.sees().contains("below"), "{}", user.sees());
    }
}

#[test]
fn a_question_is_answered_by_the_letters_of_yes_and_no() {
    let mut user = asked_to_delete((60, 15));
    assert!(user.types("n").is_empty() && user.state.popup.is_none());
    let mut user = asked_to_delete((60, 15));
    let remove = Effect::Remove { id: file_id(1).to_string(), token: "t".into() };
    assert!(user.sees().contains("y do it"), "{}", user.sees());
    assert_eq!(user.types("y"), [remove]);
}

/// What three steps do is shown: six notes, and as many columns as letters.
fn previewed(size: (u16, u16)) -> User {
    let mut user = opened(size);
    user.types("]]");
    user.answers(Answer::Suggestions(file_id(1), Ok(said::suggestions())));
    user.types("Av");
    let mut effect = said::effect();
    let step = |n: u32| {
        let many =
            "values of a column with a long name become what is most frequent among the others, ".repeat(2);
        [format!("step {n}: {many} as far as there are others."), format!("step {n} said its last.")]
    };
    effect.notes = (1..=3).flat_map(step).collect();
    for page in [&mut effect.before, &mut effect.after] {
        for c in 'a'..='z' {
            let column = page.columns[0].clone();
            page.columns.push(dropforge_shared::page::Column { name: format!("letter {c}"), ..column });
        }
        page.rows.iter_mut().for_each(|r| r.resize(29, dropforge_shared::page::Cell::Null));
    }
    user.answers(Answer::Steps { file: file_id(1), ticket: 1, result: Ok(effect) });
    user
}

#[test]
fn every_note_of_a_preview_can_be_read() {
    for size in SIZES {
        let mut user = previewed(size);
        let seen = user.sees();
        let whole = (1..=3).all(|n| seen.contains(&format!("step {n} said its last.")));
        assert!(whole || seen.contains("n shows all notes"), "{seen}");
        assert!(seen.contains("n all notes"), "the footer names the key: {seen}");
        user.types("n");
        let mut all = user.sees();
        for _ in 0..40 {
            user.types("<down>");
            all += &user.sees();
        }
        for n in 1..=3 {
            assert!(all.contains(&format!("step {n} said its last.")), "{n} at {size:?}: {all}");
        }
        user.types("<esc>");
        assert!(user.sees().contains("before"), "back to the preview: {}", user.sees());
    }
}

#[test]
fn notes_are_offered_only_where_there_are_some() {
    let mut user = previewed((80, 24));
    user.types("v");
    assert!(!user.sees().contains("all notes"), "{}", user.sees());
    user.types("n");
    assert!(user.state.popup.is_none());
}

#[test]
fn a_preview_is_walked_by_the_keys_of_rows() {
    for size in SIZES {
        let mut user = previewed(size);
        let (first, last) = ("species", "letter z");
        assert!(user.sees().contains(first) && !user.sees().contains(last), "{}", user.sees());
        user.types("$");
        assert!(user.sees().contains(last) && !user.sees().contains(first), "{}", user.sees());
        user.types("0");
        assert!(user.sees().contains(first), "{}", user.sees());
        user.types(&"l".repeat(28));
        assert!(user.sees().contains(last), "{}", user.sees());
        user.types(&"h".repeat(28));
        assert!(user.sees().contains(first), "{}", user.sees());
        user.types("G");
        assert!(user.sees().contains("Adelie 4"), "{}", user.sees());
        user.types("g");
        assert!(user.sees().contains("Adelie 0"), "{}", user.sees());
        assert_eq!(user.state.data.as_ref().unwrap().prepare.at.index, 0, "the steps stay where they were");
    }
}

/// A profile of so many columns of numbers, whose correlations are those of the first few.
fn numbers(all: usize, compared: usize) -> Box<Profile> {
    let mut profile = super::super::screens::tests::profile();
    let one = profile.columns[1].clone();
    assert_eq!(one.kind, ColumnType::Integer);
    profile.columns = (0..all)
        .map(|i| dropforge_shared::profile::ColumnProfile { name: format!("n{i}"), ..one.clone() })
        .collect();
    let matrix =
        (0..compared).map(|i| (0..compared).map(|j| Some(if i == j { 1.0 } else { -1e-9 })).collect());
    profile.correlations = (compared > 0).then(|| Correlations {
        columns: (0..compared).map(|i| format!("n{i}")).collect(),
        matrix: matrix.collect(),
    });
    profile
}

fn heat(size: (u16, u16), profile: Box<Profile>) -> User {
    let mut user = opened(size);
    user.types("p");
    user.answers(Answer::Profile { file: file_id(1), result: Ok(profile) });
    user.types("m");
    user
}

#[test]
fn correlations_say_which_columns_they_leave_out() {
    for size in SIZES {
        let seen = heat(size, numbers(1_080, 50)).sees();
        assert!(seen.contains("the first 50 of 1,080 columns of numbers"), "{seen}");
        let seen = heat(size, numbers(50, 50)).sees();
        assert!(!seen.contains("the first"), "{seen}");
    }
    let seen = heat((60, 15), numbers(80, 0)).sees();
    assert!(seen.contains("This profile has no correlations."), "{seen}");
    let seen = heat((60, 15), numbers(1, 0)).sees();
    assert!(seen.contains("No two columns could be compared."), "{seen}");
}

#[test]
fn next_to_no_correlation_has_no_sign() {
    let mut user = heat((80, 24), numbers(3, 3));
    user.types("<right>");
    let seen = user.sees();
    assert!(seen.contains(" .00") && seen.contains("0.0000") && !seen.contains("-.00"), "{seen}");
    assert!(!seen.contains("-0.0000"), "{seen}");
}

#[test]
fn datasets_are_offered_where_one_is_due_and_blanks_typed_elsewhere() {
    let mut user = User::new(80, 24).with_files(vec![file(2, "my b.csv"), file(1, "a.csv")]);
    user.types("5");
    for before in ["SELECT *\nFROM ", "SELECT * FROM \"a.csv\" JOIN ", "SELECT * FROM \"a.csv\", "] {
        user.state.query.write(before);
        let asked = user.types("<tab>");
        let [Effect::Complete { prefix, ticket, .. }] = &asked[..] else { panic!("{asked:?}") };
        assert_eq!(prefix, "");
        user.answers(Answer::Completions { ticket: *ticket, names: vec!["c.csv".into()], columns: vec![] });
        let seen = user.sees();
        assert!(seen.contains("\"c.csv\"") && seen.contains("\"my b.csv\""), "{seen}");
        assert!(!seen.contains("GROUP BY"), "no keyword is due: {seen}");
        user.types("my<enter>");
        assert_eq!(user.state.query.sql(), format!("{before}\"my b.csv\""));
    }
    user.state.query.write("SELECT ");
    assert!(user.types("<tab>").is_empty());
    assert_eq!(user.state.query.sql(), "SELECT   ");
}

#[test]
fn rows_that_are_looked_for_long_tell_for_how_long_and_what_stops_it() {
    let mut user = opened((60, 15));
    assert_eq!(user.state.looking(), None, "nothing is drawn by itself while nothing is looked for");
    user.types("s");
    assert!(
        user.sees().contains("Looking through the rows…") && !user.sees().contains(" s ·"),
        "{}",
        user.sees()
    );
    user.state.now.0 += 3_400;
    assert!(user.happens(Action::Tick).is_empty());
    assert!(user.sees().contains("Looking through the rows… 3 s · X stops it"), "{}", user.sees());
    let asked = user.types("X");
    assert!(matches!(&asked[..], [Effect::StopView, Effect::Page { .. }]), "{asked:?}");
    assert_eq!(user.state.looking(), None);
    user.answers(Answer::Page { file: file_id(1), offset: 0, result: Ok(page(0, 80, 5_000)) });
    let asked = user.types("sX");
    assert!(!asked.contains(&Effect::StopView), "what began just now is let be: {asked:?}");
}

#[test]
fn nothing_is_counted_on_another_screen_without_a_daemon_or_after_the_answer() {
    let mut user = opened((80, 24));
    user.types("s");
    assert_eq!(user.state.looking(), Some(0));
    user.types("2");
    assert_eq!(user.state.looking(), None);
    user.types("3");
    assert_eq!(user.state.looking(), Some(0));
    let (result, view) = (Ok(page(0, 80, 5_000)), view(&user));
    user.answers(Answer::View { file: file_id(1), view, offset: 0, result });
    assert_eq!(user.state.looking(), None);
    user.types("s");
    user.happens(Action::Lost("gone".into()));
    assert_eq!(user.state.looking(), None);
}

#[test]
fn a_refused_condition_is_put_right_rather_than_typed_anew() {
    let mut user = opened((80, 24));
    user.types("<right>/>= ten<enter>");
    assert!(user.sees().contains("'ten' is not a number"), "{}", user.sees());
    user.types("/");
    assert!(user.sees().contains("Only rows where it is: >= ten"), "{}", user.sees());
    user.types("<ctrl-w>10<enter>");
    assert_eq!(view(&user).filters.len(), 1, "{:?}", view(&user));
    user.types("/>= ten<enter>/<esc>/");
    assert!(!user.sees().contains("where it is: >="), "Esc gives it up: {}", user.sees());
    user.types("<esc>/");
    assert!(!user.sees().contains("where it is: >="), "what was taken is not asked again: {}", user.sees());
}

#[test]
fn a_condition_that_the_daemon_refused_is_replaced_by_what_is_made_of_it() {
    let mut user = opened((80, 24));
    let refuse = |user: &mut User| {
        let result = Err(Fault::failed("'y' is no date"));
        let view = view(user);
        user.answers(Answer::View { file: file_id(1), view, offset: 0, result });
    };
    for (keys, typed) in [("/> y<enter>", "> y"), ("=", "= Adelie 0")] {
        user.types(keys);
        refuse(&mut user);
        user.types("/<esc>/");
        assert!(user.sees().contains(&format!("where it is: {typed}")), "{}", user.sees());
        let asked = user.types("<enter>");
        assert!(matches!(&asked[..], [Effect::View { .. }]), "as it was it is tried again: {asked:?}");
        refuse(&mut user);
        user.types("/<ctrl-u>>= z<enter>");
        let filters = view(&user).filters;
        assert_eq!(filters.len(), 1, "{filters:?}");
        assert_eq!((filters[0].op, filters[0].value.as_str()), (FilterOp::Ge, "z"));
        user.types("X");
        user.answers(Answer::Page { file: file_id(1), offset: 0, result: Ok(page(0, 80, 5_000)) });
    }
    user.types("/> y<enter>");
    refuse(&mut user);
    user.types("<right>/");
    assert!(!user.sees().contains("> y\""), "another column has its own: {}", user.sees());
}

#[test]
fn esc_closes_the_figures_and_then_the_dataset() {
    let mut user = opened((80, 24));
    user.types("i");
    let profile = super::super::screens::tests::profile();
    user.answers(Answer::Profile { file: file_id(1), result: Ok(profile) });
    assert!(user.sees().contains("Chinstrap"), "{}", user.sees());
    user.types("<esc>");
    assert_eq!(user.state.screen, Screen::Data);
    assert!(!user.sees().contains("Chinstrap"), "{}", user.sees());
    user.types("<esc>");
    assert_eq!(user.state.screen, Screen::Files);
}

#[test]
fn help_says_that_it_scrolls_and_cuts_nothing() {
    for size in SIZES {
        let mut user = opened(size);
        user.types("?");
        let mut all = String::new();
        let first = user.sees();
        for _ in 0..80 {
            all += &user.sees();
            user.types("<down>");
        }
        assert_eq!(first.contains("Keys here · ↑↓ scroll · Esc closes"), first != user.sees(), "{first}");
        for word in ["shell", "returns)", "contains", "number"] {
            assert!(all.contains(word), "{word} at {size:?}");
        }
        // What is cut would end in a dot of three.
        assert!(!all.lines().any(|l| l.contains("│") && l.contains('…')), "{size:?}: {all}");
    }
}

#[test]
fn a_message_says_that_it_scrolls_only_where_it_does() {
    for (text, scrolls) in [("short".to_owned(), false), ("line\n".repeat(60), true)] {
        let mut user = opened((60, 15));
        user.state.popup = Some(super::super::popups::Popup::message("Told", text));
        assert_eq!(user.sees().contains("Told · ↑↓ scroll"), scrolls, "{}", user.sees());
    }
}
