//! Steps of preparation: accept, edit, order, add, preview, run, keep as a recipe. Must not know what an operation does.

use std::collections::BTreeMap;

use dropforge_shared::fault::Fault;
use dropforge_shared::ids::FileId;
use dropforge_shared::service::Submission;
use dropforge_shared::steps;
use dropforge_shared::suggest::{self, Recipe, Step, StepChoice, Suggestions};
use tui_input::Input;

use super::super::actions::Cmd;
use super::super::effect::Effect;
use super::super::popups::{Confirm, Field, Form, Formed, Item, Pick, Picked, Popup};
use super::super::state::{Asking, Card, Loaded, Prepare, Prompt, State};
use super::preview;

/// The field of the form that holds a step's columns.
const COLUMNS: &str = "columns";

/// A command on the steps.
pub(super) fn command(state: &mut State, cmd: Cmd) -> Vec<Effect> {
    let height = state.list_height();
    let Some(data) = &mut state.data else { return Vec::new() };
    let file = data.file.clone();
    let it = &mut data.prepare;
    if it.preview.is_some() && preview::command(state, cmd) {
        return Vec::new();
    }
    let Some(data) = &mut state.data else { return Vec::new() };
    let it = &mut data.prepare;
    let keys = it.keys();
    let at = it.at.index;
    // A card takes two lines, so a window holds half as many.
    let cards = (height / 2).max(1);
    let page = isize::try_from(cards).unwrap_or(1);
    match cmd {
        Cmd::Up => it.at.step(-1, &keys, cards),
        Cmd::Down => it.at.step(1, &keys, cards),
        Cmd::PageUp => it.at.step(-page, &keys, cards),
        Cmd::PageDown => it.at.step(page, &keys, cards),
        Cmd::Top => it.at.go(0, &keys, cards),
        Cmd::Bottom => it.at.go(usize::MAX, &keys, cards),
        Cmd::Toggle => {
            if let Some(card) = it.cards.get_mut(at) {
                card.accepted = !card.accepted;
            }
        }
        Cmd::ToggleAll => {
            let all = !it.cards.iter().all(|c| c.accepted);
            it.cards.iter_mut().for_each(|c| c.accepted = all);
        }
        Cmd::Raise if at > 0 && at < it.cards.len() => swap(it, at, at - 1, cards),
        Cmd::Lower if at + 1 < it.cards.len() => swap(it, at, at + 1, cards),
        Cmd::EditStep => edit(state),
        Cmd::AddStep => add(state),
        Cmd::LoadRecipe => return vec![Effect::Recipes],
        Cmd::Preview | Cmd::RunSteps | Cmd::SaveRecipe => {
            let steps = it.accepted();
            if steps.is_empty() {
                state.complain("No step is accepted yet: space accepts the one that is selected.");
                return Vec::new();
            }
            if cmd == Cmd::Preview {
                it.ticket += 1;
                it.preview = Some(Loaded::Asked);
                (it.preview_top, it.preview_column) = (0, 0);
                return vec![Effect::Steps { file, steps, ticket: it.ticket }];
            }
            return ask_name(state, cmd == Cmd::RunSteps);
        }
        _ => {}
    }
    Vec::new()
}

fn swap(it: &mut Prepare, at: usize, with: usize, height: usize) {
    it.cards.swap(at, with);
    let keys = it.keys();
    it.at.go(with, &keys, height);
}

/// Suggestions came, or did not.
pub(super) fn suggested(state: &mut State, file: &FileId, result: Result<Box<Suggestions>, Fault>) {
    let Some(data) = state.data.as_mut().filter(|d| &d.file == file) else { return };
    let it = &mut data.prepare;
    match result {
        Ok(all) => {
            // What a recipe or the user brought before the answer came stays, after the suggestions; a suggestion that they
            // took or changed is not made again.
            let own = std::mem::take(&mut it.cards);
            let fresh = |step: &Step| !own.iter().any(|c| c.step.id == step.id);
            let cards = all.steps.into_iter().filter(fresh);
            it.cards = cards.map(|step| Card { step, accepted: false, changed: false }).collect();
            it.cards.extend(own);
            it.models = all.models;
            it.state = Loaded::Yes(());
        }
        Err(fault) => it.state = Loaded::answered(Err(fault)),
    }
}

fn edit(state: &mut State) {
    let Some(card) = state.data.as_ref().and_then(|d| d.prepare.cards.get(d.prepare.at.index)) else {
        return;
    };
    let step = &card.step;
    let listed = step.columns.join(", ");
    let mut fields =
        vec![Field::typed(COLUMNS, &listed, "Columns, commas between; empty for the whole table.")];
    for (name, value) in &step.settings {
        let choices = step.choices.get(name).map(String::as_str).unwrap_or_default();
        // A list of values has blanks around its bars; a bar alone may stand in a description.
        let options: Vec<String> = choices.split(" | ").map(|o| o.trim().to_owned()).collect();
        fields.push(if options.len() > 1 {
            Field::one_of(name, value, &format!("One of {}.", options.join(", ")), options)
        } else {
            Field::typed(name, value, choices)
        });
    }
    let at = usize::from(!step.settings.is_empty());
    let (title, then) = (format!("Settings of {}", step.op), Formed::Step(step.id.clone()));
    state.popup = Some(Popup::Form(Form { title, fields, at, then }));
}

/// The form of a step was filled in.
pub(super) fn formed(state: &mut State, id: &str, fields: &[Field]) {
    let known: Vec<String> = known_columns(state);
    let Some(data) = &mut state.data else { return };
    let Some(card) = data.prepare.cards.iter_mut().find(|c| c.step.id == id) else { return };
    let mut wrong = None;
    for field in fields {
        if field.name == COLUMNS {
            match columns(field.input.value(), &card.step.columns, &known) {
                Ok(columns) => card.step.columns = columns,
                Err(why) => wrong = Some(why),
            }
        } else {
            card.step.settings.insert(field.name.clone(), field.input.value().to_owned());
        }
    }
    card.changed = true;
    if let Some(why) = wrong {
        state.complain(why);
    }
}

fn known_columns(state: &State) -> Vec<String> {
    let Some(data) = &state.data else { return Vec::new() };
    let rows = data.sheet.columns.iter().map(|c| c.name.clone());
    let profile = data.profile.get().map(|p| p.columns.iter().map(|c| c.name.clone()).collect::<Vec<_>>());
    let known: Vec<String> = rows.collect();
    if known.is_empty() { profile.unwrap_or_default() } else { known }
}

/// Columns as typed. A name may have a comma in it: what is a column as a whole, or was, is taken as one.
fn columns(typed: &str, before: &[String], known: &[String]) -> Result<Vec<String>, String> {
    if typed == before.join(", ") {
        return Ok(before.to_vec());
    }
    let parts: Vec<&str> = typed.split(',').collect();
    let (mut out, mut from) = (Vec::new(), 0);
    while from < parts.len() {
        let joined = |to: usize| parts[from..to].join(",").trim().to_owned();
        let longest = (from + 1..=parts.len()).rev().find(|to| known.contains(&joined(*to)));
        let to = longest.unwrap_or(from + 1);
        let name = joined(to);
        if !name.is_empty() && longest.is_none() && !known.is_empty() {
            return Err(format!("'{name}' is not a column of this table; the columns stay as they were."));
        }
        if !name.is_empty() {
            out.push(name);
        }
        from = to;
    }
    Ok(out)
}

fn add(state: &mut State) {
    let Some(data) = &state.data else { return };
    let mut items: Vec<Item> = Vec::new();
    let mut offer = |label: &str, note: &str| {
        if !items.iter().any(|i| i.label == label) {
            items.push(Item { label: label.into(), note: note.into() });
        }
    };
    for card in &data.prepare.cards {
        let op = &card.step.op;
        offer(op, steps::op(op).map(|o| o.about).unwrap_or_default());
    }
    for operation in steps::OPS {
        offer(operation.op, operation.about);
    }
    let mut pick = Pick::new("Add a step: OPERATION [COLUMNS] [SETTING=VALUE …]", items, Picked::Step);
    pick.free = true;
    state.popup = Some(Popup::Pick(pick));
}

/// A step was named: `impute age strategy=median`.
pub(super) fn added(state: &mut State, typed: &str) {
    let known = known_columns(state);
    let height = state.list_height();
    let Some(data) = &mut state.data else { return };
    let (op, rest) = typed.split_once(' ').unwrap_or((typed, ""));
    if steps::op(op).is_none() {
        return state.complain(format!("'{op}' is no operation; a shows all there are."));
    }
    let (mut settings, mut names) = (BTreeMap::new(), Vec::new());
    for word in rest.split_whitespace() {
        match word.split_once('=') {
            Some((name, value)) if !known.iter().any(|c| c == word) => {
                settings.insert(name.to_owned(), value.to_owned());
            }
            _ => names.push(word),
        }
    }
    // Without columns it is meant for the one at the cursor of the rows, which the form shows and lets change.
    let columns = match columns(&names.join(" "), &[], &known) {
        Ok(columns) => columns,
        Err(why) => return state.complain(why),
    };
    let card = data.prepare.card(op, columns, settings);
    data.prepare.cards.push(card);
    let keys = data.prepare.keys();
    data.prepare.at.go(usize::MAX, &keys, (height / 2).max(1));
    let lacks = data.prepare.cards.last().is_some_and(|c| c.step.columns.is_empty());
    edit(state);
    if let Some(Popup::Form(form)) = state.popup.as_mut().filter(|_| lacks) {
        // It begins with the columns, which it mostly needs.
        form.at = 0;
    }
}

/// `sales.csv` gives `sales-prepared.csv`.
fn prepared_name(name: &str) -> String {
    let file = name.rsplit('/').next().unwrap_or(name);
    match file.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => format!("{stem}-prepared.{ending}"),
        _ => format!("{file}-prepared"),
    }
}

fn ask_name(state: &mut State, run: bool) -> Vec<Effect> {
    let name = state.open_file().map(|f| prepared_name(&f.name)).unwrap_or_default();
    let (asking, input, effects) = if run {
        (Asking::Prepared, Input::new(name), Vec::new())
    } else {
        // The names that are taken, so that nothing is replaced unasked.
        (Asking::Recipe, Input::default(), vec![Effect::Recipes])
    };
    state.prompt = Some(Prompt { asking, input, before: String::new() });
    effects
}

/// The new dataset has its name: the steps are run.
pub(super) fn run(state: &mut State, name: &str) -> Vec<Effect> {
    let Some(data) = &state.data else { return Vec::new() };
    let steps = match serde_json::to_string(&data.prepare.accepted()) {
        Ok(steps) => steps,
        Err(e) => {
            state.complain(format!("The steps can't be written down: {e}"));
            return Vec::new();
        }
    };
    let settings = BTreeMap::from([
        (suggest::settings::STEPS.to_owned(), steps),
        (suggest::settings::NAME.to_owned(), name.to_owned()),
    ]);
    let file = Some(data.file.to_string());
    vec![Effect::Submit(Submission {
        kind: "prepare".into(),
        file,
        settings,
        priority: 0,
        idempotency: None,
    })]
}

/// The recipe has its name.
pub(super) fn save(state: &mut State, name: &str) -> Vec<Effect> {
    let Some(data) = &state.data else { return Vec::new() };
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.chars().all(good) {
        state.complain("A recipe's name has letters, digits, - and _ only.");
        return Vec::new();
    }
    let from = state.open_file().map(|f| f.name.clone()).unwrap_or_default();
    let description = format!("Made for {}.", dropforge_shared::clean::line(&from));
    let recipe = Recipe { name: name.to_owned(), description, steps: data.prepare.accepted() };
    if data.prepare.recipes.iter().any(|r| r.name == name) {
        state.popup = Some(Popup::Confirm(Confirm {
            title: format!("Replace the recipe {name}?"),
            lines: vec!["One of that name is there; its steps go.".into()],
            yes: "Replace",
            chosen: false,
            top: 0,
            effect: Effect::SaveRecipe { recipe, replace: true },
        }));
        return Vec::new();
    }
    vec![Effect::SaveRecipe { recipe, replace: false }]
}

/// Recipes came: to choose from, unless they were asked for to save one.
pub(super) fn recipes(state: &mut State, recipes: Vec<Recipe>) {
    let asked = state.prompt.is_none() && state.popup.is_none();
    let Some(data) = &mut state.data else { return };
    let item = |r: &Recipe| Item {
        label: r.name.clone(),
        note: format!("{} steps · {}", r.steps.len(), r.description),
    };
    let items: Vec<Item> = recipes.iter().map(item).collect();
    data.prepare.recipes = recipes;
    if !asked {
        return;
    }
    if items.is_empty() {
        state.say("There is no recipe yet: w keeps the accepted steps as one.");
    } else {
        state.popup = Some(Popup::Pick(Pick::new("Take the steps of", items, Picked::Recipe)));
    }
}

/// A recipe was chosen: its steps are accepted, in its order, and no others.
pub(super) fn load(state: &mut State, name: &str) {
    let Some(data) = &mut state.data else { return };
    let it = &mut data.prepare;
    let Some(recipe) = it.recipes.iter().find(|r| r.name == name).cloned() else { return };
    it.cards.iter_mut().for_each(|c| c.accepted = false);
    let mut cards: Vec<Card> = Vec::new();
    for StepChoice { op, columns, settings } in recipe.steps {
        let mut card = it.card(&op, columns, settings);
        card.step.id = format!("{name} {}", cards.len() + 1);
        card.step.rationale = format!("From the recipe {name}.");
        cards.push(card);
    }
    it.cards.retain(|c| !c.step.id.starts_with(&format!("{name} ")));
    let count = cards.len();
    cards.append(&mut it.cards);
    it.cards = cards;
    it.preview = None;
    let keys = it.keys();
    it.at.go(0, &keys, 1);
    state.say(format!("{count} steps of {name} are accepted; v shows what they do."));
}
