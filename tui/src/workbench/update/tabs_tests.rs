//! Steps a person takes on the tabs of a dataset and in queries, and what is then asked of the daemon.

use dropforge_shared::fault::Fault;
use dropforge_shared::file::{FileKind, FileState, TypeGuess};
use dropforge_shared::job::JobState;
use dropforge_shared::page::{Cell, ColumnType, Page};
use dropforge_shared::query::{Filter, FilterOp, SortKey, View};
use dropforge_shared::reading::WantedType;
use dropforge_shared::suggest::{Recipe, StepChoice};

use super::super::action::{Action, Answer};
use super::super::effect::Effect;
use super::super::popups::Popup;
use super::super::screens::Screen;
use super::super::state::Tab;
use super::super::testkit::{User, file, file_id, job, job_id, page, said};

fn opened() -> User {
    let mut user = User::new(80, 24).with_files(vec![file(2, "my b.csv"), file(1, "a.csv")]);
    user.types("2<down><enter>");
    user.answers(Answer::Page { file: file_id(1), offset: 0, result: Ok(page(0, 63, 5_000)) });
    user
}

fn view(user: &User) -> View {
    user.state.data.as_ref().unwrap().view.clone()
}

fn filter(column: &str, op: FilterOp, value: &str) -> Filter {
    Filter { column: column.into(), op, value: value.into() }
}

#[test]
fn rows_are_filtered_by_the_value_at_the_cursor_and_sorted_by_several_columns() {
    let mut user = opened();
    let asked = user.types("<down>=");
    let wanted = View { filters: vec![filter("species", FilterOp::Eq, "Adelie 1")], sort: vec![] };
    assert!(matches!(&asked[..], [Effect::View { view, offset: 0, .. }] if *view == wanted), "{asked:?}");
    user.answers(Answer::View { file: file_id(1), view: wanted, offset: 0, result: Ok(page(0, 40, 40)) });
    assert!(
        user.sees().contains("40 of 5,000 rows") && user.sees().contains("species = Adelie 1"),
        "{}",
        user.sees()
    );
    user.types("<right><right>!");
    assert_eq!(view(&user).filters[1], filter("sex", FilterOp::NotNull, ""), "the cell is missing");
    let asked = user.types("s<left>++");
    let key = |column: &str, descending| SortKey { column: column.into(), descending };
    assert_eq!(view(&user).sort, [key("sex", false), key("body mass", true)]);
    assert_eq!(asked.len(), 3, "each view is asked for");
    user.types("xx");
    assert!(view(&user).filters.is_empty() && !view(&user).is_plain());
    assert!(
        matches!(user.types("X")[..], [Effect::Page { offset: 0, .. }]),
        "the table as it is goes by pages"
    );
}

#[test]
fn a_page_of_an_earlier_view_is_not_taken_for_one_of_this() {
    let mut user = opened();
    user.types("s");
    let first = view(&user);
    user.types("s");
    user.answers(Answer::View { file: file_id(1), view: first, offset: 0, result: Ok(page(0, 40, 99)) });
    assert_eq!(user.state.data.as_ref().unwrap().sheet.total, None);
}

#[test]
fn conditions_are_typed_and_a_wrong_one_is_told() {
    let mut user = opened();
    user.types("<right>/>= ten<enter>");
    assert!(user.sees().contains("'ten' is not a number"), "{}", user.sees());
    user.types("/<ctrl-u>is null<enter>");
    assert_eq!(view(&user).filters, [filter("body mass", FilterOp::IsNull, "")]);
    user.answers(Answer::View {
        file: file_id(1),
        view: view(&user),
        offset: 0,
        result: Err(Fault::failed("too slow")),
    });
    assert!(user.sees().contains("X shows all rows again"), "{}", user.sees());
    user.types("X");
    assert!(view(&user).is_plain());
}

#[test]
fn columns_are_frozen_widened_and_found_by_name() {
    let mut user = opened();
    user.types("csex<enter>");
    assert_eq!(user.state.data.as_ref().unwrap().sheet.column, 2);
    user.types("z..");
    let sheet = &user.state.data.as_ref().unwrap().sheet;
    assert_eq!((sheet.frozen, sheet.width(2)), (3, sheet.widths[2] + 4));
    user.types("z");
    assert_eq!(user.state.data.as_ref().unwrap().sheet.frozen, 0);
}

#[test]
fn cells_rows_and_names_are_copied() {
    let mut user = opened();
    assert_eq!(user.types("y"), [Effect::Copy("Adelie 0".into())]);
    assert_eq!(user.types("Y"), [Effect::Copy("Adelie 0\t3000\t".into())]);
    assert_eq!(user.types("<right><ctrl-y>"), [Effect::Copy("body mass".into())]);
}

#[test]
fn a_long_cell_is_read_in_a_popup_to_its_end_and_no_further() {
    let mut user = opened();
    let text: Vec<String> = (0..60).map(|i| format!("line {i}")).collect();
    let mut one = page(0, 1, 1);
    one.rows[0][0] = Cell::Text(text.join("\n"));
    let data = user.state.data.as_mut().unwrap();
    data.pages.clear();
    data.take(one, 20);
    user.types("<enter>");
    assert!(user.sees().contains("line 3") && !user.sees().contains("line 59"));
    user.types("G");
    assert!(user.sees().contains("line 59"), "{}", user.sees());
    user.types(&"<down>".repeat(30));
    user.types("<up>");
    assert!(!user.sees().contains("line 59"), "one line up is one line up");
}

#[test]
fn figures_of_a_column_read_the_profile_once() {
    let mut user = opened();
    assert_eq!(user.types("i"), [Effect::Profile { file: file_id(1), job: job_id(1) }]);
    assert!(user.types("ii").is_empty(), "it is on its way");
}

#[test]
fn accepted_steps_are_run_in_their_order_under_a_name() {
    let mut user = opened();
    assert_eq!(user.types("]]").pop(), Some(Effect::Suggest(file_id(1))));
    user.answers(Answer::Suggestions(file_id(1), Ok(said::suggestions())));
    assert!(user.types("r").is_empty());
    assert!(user.sees().contains("No step is accepted"), "{}", user.sees());
    user.types(" <down><down> K");
    let steps = vec!["impute", "clip", "encode"];
    let cards = |user: &User| -> Vec<String> {
        user.state.data.as_ref().unwrap().prepare.cards.iter().map(|c| c.step.op.clone()).collect()
    };
    assert_eq!(cards(&user), steps);
    user.types("<up>e<right><enter>");
    let asked = user.types("v");
    let [Effect::Steps { steps, ticket: 1, .. }] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!(steps.iter().map(|s| s.op.as_str()).collect::<Vec<_>>(), ["impute", "clip"]);
    assert_eq!(steps[0].settings["strategy"], "most_frequent", "as the form set it");
    user.answers(Answer::Steps { file: file_id(1), ticket: 1, result: Ok(said::effect()) });
    assert!(user.sees().contains("4050*"), "{}", user.sees());
    user.types("<esc>r");
    assert!(user.sees().contains("a-prepared.csv"));
    let asked = user.types("<enter>");
    let [Effect::Submit(submission)] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!(
        (submission.kind.as_str(), submission.settings["name"].as_str()),
        ("prepare", "a-prepared.csv")
    );
    let run: Vec<StepChoice> = serde_json::from_str(&submission.settings["steps"]).unwrap();
    assert_eq!(run.len(), 2);
    let mut prepare = job(10, "a.csv", JobState::Queued);
    prepare.kind = "prepare".into();
    prepare.produced = vec![file_id(77)];
    let asked = user.answers(Answer::Submitted(Ok(prepare)));
    assert!(matches!(asked[..], [Effect::FollowLog { .. }]), "the job is shown");
    assert!(user.types("o").contains(&Effect::File(file_id(77))), "o opens what it made");
}

#[test]
fn recipes_are_kept_asked_about_and_taken() {
    let mut user = opened();
    user.types("]]");
    user.answers(Answer::Suggestions(file_id(1), Ok(said::suggestions())));
    assert_eq!(user.types(" w"), [Effect::Recipes]);
    let recipe = Recipe {
        name: "clean".into(),
        description: "x".into(),
        steps: vec![StepChoice {
            op: "drop".into(),
            columns: vec!["sex".into()],
            settings: Default::default(),
        }],
    };
    user.answers(Answer::Recipes(Ok(vec![recipe])));
    assert!(user.types("clean<enter><enter>").is_empty(), "not to replace is the default");
    let asked = user.types("wmine<enter>");
    assert!(
        matches!(&asked[1..], [Effect::SaveRecipe { recipe, replace: false }] if recipe.steps.len() == 1),
        "{asked:?}"
    );
    assert_eq!(user.types("o"), [Effect::Recipes]);
    let recipes = user.state.data.as_ref().unwrap().prepare.recipes.clone();
    user.answers(Answer::Recipes(Ok(recipes)));
    user.types("<enter>");
    let accepted = user.state.data.as_ref().unwrap().prepare.accepted();
    assert_eq!(accepted.iter().map(|s| s.op.as_str()).collect::<Vec<_>>(), ["drop"]);
}

#[test]
fn a_step_is_added_by_name_with_columns_and_settings() {
    let mut user = opened();
    user.types("]]");
    user.answers(Answer::Suggestions(file_id(1), Ok(said::suggestions())));
    user.types("aimpute body mass, sex strategy=mean<enter><enter>");
    let step = user.state.data.as_ref().unwrap().prepare.accepted().pop().unwrap();
    assert_eq!((step.op.as_str(), step.columns), ("impute", vec!["body mass".to_owned(), "sex".into()]));
    assert_eq!(step.settings["strategy"], "mean");
    user.types("aclip weight<enter>");
    assert!(user.sees().contains("'weight' is not a column"), "{}", user.sees());
}

#[test]
fn a_statement_is_typed_run_and_stopped() {
    let mut user = opened();
    user.types("5");
    assert!(user.sees().contains("FROM \"my b.csv\""), "the newest file is offered: {}", user.sees());
    user.types("<ctrl-r>");
    let ticket = user.state.query.running.unwrap();
    assert_eq!(user.types("<esc>"), [Effect::StopQuery]);
    user.answers(Answer::Query { ticket, result: Ok(said::result()) });
    assert!(user.state.query.result.is_none(), "it was stopped");
    let asked = user.types("<alt-enter>");
    let [Effect::Query { ticket, sql }, Effect::Remember(_)] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!(sql, "SELECT *\nFROM \"my b.csv\"\nLIMIT 100");
    user.answers(Answer::Query { ticket: *ticket, result: Ok(said::result()) });
    user.types("<down>");
    assert_eq!(user.types("y"), [Effect::Copy("Adelie 1".into())]);
    let asked = user.types("w<ctrl-u>top.csv<enter>");
    let [Effect::Submit(s)] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!((s.kind.as_str(), s.settings["name"].as_str(), s.file.as_ref()), ("query", "top.csv", None));
}

#[test]
fn letters_that_are_keys_elsewhere_go_into_the_statement() {
    let mut user = opened();
    user.types("]]]e");
    let effects = user.types("<enter>q?1[]:pr");
    assert!(
        effects.is_empty() && user.state.query.sql().ends_with("\nq?1[]:pr"),
        "{}",
        user.state.query.sql()
    );
    user.happens(Action::Paste("\nLIMIT 5".into()));
    assert!(user.state.query.sql().ends_with("pr\nLIMIT 5"));
    user.types("<esc>]");
    assert_eq!(user.state.data.as_ref().unwrap().tab, Tab::Reading);
}

#[test]
fn names_columns_and_keywords_are_completed() {
    let mut user = opened();
    user.types("5<ctrl-u>");
    user.state.query.write("SELECT bo");
    let asked = user.types("<tab>");
    let [Effect::Complete { prefix, ticket, .. }] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!(prefix, "bo");
    user.answers(Answer::Completions { ticket: *ticket, names: vec![], columns: vec![] });
    assert_eq!(user.state.query.sql(), "SELECT \"body mass\"");
    user.types(" FROM \"m");
    let asked = user.types("<tab>");
    let [Effect::Complete { ticket, .. }] = &asked[..] else { panic!("{asked:?}") };
    user.answers(Answer::Completions { ticket: *ticket, names: vec!["my c.csv".into()], columns: vec![] });
    assert!(matches!(user.state.popup, Some(Popup::Pick(_))), "two names begin so");
    user.types("c.<enter>");
    assert_eq!(user.state.query.sql(), "SELECT \"body mass\" FROM \"my c.csv\"");
}

#[test]
fn an_error_shows_its_place() {
    let mut user = opened();
    user.types("5");
    user.types("<f5>");
    let ticket = user.state.query.running.unwrap();
    let fault = Fault::failed("no such table at line 2, column 6").hint("`dropforge files` lists them.");
    user.answers(Answer::Query { ticket, result: Err(fault) });
    assert!(user.sees().contains("line 2, column 6") && user.sees().contains("lists them"));
    assert_eq!(user.state.query.text.cursor(), (1, 5));
}

#[test]
fn a_reading_is_changed_and_read_again_only_when_told() {
    let mut user = opened();
    let reading = Effect::Reading { file: file_id(1), job: job_id(1) };
    assert_eq!(user.types("]]]]").pop(), Some(reading));
    user.answers(Answer::Reading(file_id(1), Ok(said::reading())));
    assert!(user.types("e;<tab>latin1<tab><right><enter>").is_empty());
    let at = user.sees().lines().position(|l| l.contains("body mass")).unwrap();
    let cursor = user.state.data.as_ref().unwrap().reading.at;
    user.types(&"<down>".repeat(at - 2 - cursor));
    user.types("<enter>flo<enter>");
    let asked = user.types("r");
    let [Effect::Submit(s)] = &asked[..] else { panic!("{asked:?}") };
    let set: Vec<(&str, &str)> = s.settings.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let wanted =
        [("delimiter", ";"), ("encoding", "latin1"), ("header", "true"), ("types", "body mass=float")];
    assert_eq!(
        (s.kind.as_str(), s.file.clone(), set),
        ("ingest", Some(file_id(1).to_string()), wanted.to_vec())
    );
    let mut again = job(5, "a.csv", JobState::Queued);
    again.file = Some(file_id(1));
    user.answers(Answer::Submitted(Ok(again)));
    assert!(user.state.data.as_ref().unwrap().reading.wanted.is_none());
}

#[test]
fn a_column_of_ambiguous_dates_is_settled_by_an_order() {
    let mut user = opened();
    user.types("]]]]");
    user.answers(Answer::Reading(file_id(1), Ok(said::reading())));
    user.types("G<up><up><enter>");
    assert!(user.sees().contains("date:mdy") && user.sees().contains("12/31/2024"), "{}", user.sees());
    let Some(Popup::Pick(pick)) = &user.state.popup else { panic!("{:?}", user.state.popup) };
    // Whatever is offered is taken by the reader, and every order is offered for both types.
    let types: Vec<_> = pick.items[1..].iter().map(|i| WantedType::parse(&i.label).unwrap()).collect();
    for kind in [ColumnType::Date, ColumnType::Datetime] {
        let orders = types.iter().filter(|t| t.kind == kind && t.order.is_some()).count();
        assert_eq!(orders, 4, "{kind:?}");
    }
    user.types("date:dmy<enter>");
    let asked = user.types("r");
    let [Effect::Submit(s)] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!(s.settings["types"], "body mass=date:dmy");
}

#[test]
fn what_is_set_can_be_left_to_what_is_found() {
    let mut set = file(1, "a.csv");
    set.settings.insert("delimiter".into(), ";".into());
    let mut user = User::new(80, 24).with_files(vec![set]);
    user.types("2<enter>]]]]u");
    let asked = user.types("r");
    assert!(matches!(&asked[..], [Effect::Submit(s)] if s.settings["delimiter"].is_empty()), "{asked:?}");
}

#[test]
fn a_file_of_an_unknown_kind_can_be_read_as_a_table() {
    let mut odd = file(1, "x.dat");
    odd.kind = FileKind::Unknown;
    odd.reading = Some("the lines have nothing in common".into());
    let mut user = User::new(80, 24).with_files(vec![odd]);
    user.types("2<enter>");
    assert!(user.sees().contains("the lines have nothing in common"), "{}", user.sees());
    let asked = user.types("e|<enter>r");
    assert!(matches!(&asked[..], [Effect::Submit(s)] if s.settings["delimiter"] == "|"), "{asked:?}");
}

#[test]
fn a_file_that_waits_leads_to_the_choice() {
    let mut asks = file(1, "a.csv");
    asks.state = FileState::NeedsInput;
    let mut user = User::new(80, 24).with_files(vec![asks.clone()]);
    assert!(user.sees().contains("Waiting for you to say what it is"), "{}", user.sees());
    let asked = user.types("<enter>");
    assert_eq!(user.state.screen, Screen::Data);
    assert_eq!(asked, [Effect::Detection { file: file_id(1), job: job_id(1) }]);
    user.answers(Answer::Detection(file_id(1), Ok(said::detection())));
    let choose = |name: Option<&str>| Effect::ChooseType { file: file_id(1), name: name.map(str::to_owned) };
    assert_eq!(user.types("<down><enter>"), [choose(Some("medical"))]);
    (asks.state, asks.type_guess) = (
        FileState::Ready,
        Some(TypeGuess {
            name: "medical".into(),
            confidence: 100.0,
            level: "high".into(),
            decided_by: "user".into(),
            evidence: vec![],
        }),
    );
    user.answers(Answer::TypeChosen(Ok(asks)));
    assert!(user.sees().contains("chosen by you"), "{}", user.sees());
    assert_eq!(user.types("u"), [choose(None)]);
}

#[test]
fn millions_of_filtered_rows_are_walked_with_one_request_at_a_time() {
    let mut user = opened();
    user.types("s");
    let view = view(&user);
    user.answers(Answer::View {
        file: file_id(1),
        view: view.clone(),
        offset: 0,
        result: Ok(page(0, 63, 4_000_000)),
    });
    let asked: Vec<Effect> = (0..40).flat_map(|_| user.types("<pgdn>")).collect();
    assert!(asked.len() <= 1, "{asked:?}");
    user.types("#3,999,999<enter>");
    let held: usize = user.state.data.as_ref().unwrap().pages.iter().map(|p: &Page| p.rows.len()).sum();
    assert!(held <= 200, "{held}");
}
