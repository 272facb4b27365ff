//! Recipes: steps of preparation under a name, one TOML file each in the folder `recipes` beside the configuration, so that a
//! user can read, write and share them.
//!
//! Must not know: what a step does.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use dropforge_shared::clean;
use dropforge_shared::fault::Fault;
use dropforge_shared::paths;
use dropforge_shared::recipe::{self, is_name, recipe_from_toml, recipe_to_toml};
use dropforge_shared::steps;
use dropforge_shared::suggest::Recipe;
use rustix::fs::{CWD, RenameFlags};

/// The largest file in bytes.
const MAX_BYTES: u64 = recipe::MAX_BYTES as u64;
const ENDING: &str = "toml";

fn checked(name: &str) -> Result<(), Fault> {
    if is_name(name) {
        return Ok(());
    }
    Err(Fault::usage(format!("'{}' can't be a recipe's name", clean::fit(name, 60)))
        .hint("A name has 1 to 64 letters, digits, '-' and '_'."))
}

fn file_of(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.{ENDING}"))
}

fn failed(doing: &str, path: &Path, error: &io::Error) -> Fault {
    Fault::failed(format!("can't {doing} {}: {error}", path.display()))
}

/// Recipes by name: those that can be read, and of the others their names with what is wrong, file and line.
type Found = (Vec<Recipe>, Vec<(String, Fault)>);

/// The recipes that can be read, by name.
pub(super) fn list(dir: &Path) -> Result<Vec<Recipe>, Fault> {
    let (good, bad) = all(dir)?;
    for (_, fault) in bad {
        tracing::warn!("{fault}");
    }
    Ok(good)
}

/// The recipes that can't be read, by name, and why not.
pub(super) fn faults(dir: &Path) -> Result<Vec<(String, Fault)>, Fault> {
    all(dir).map(|(_, bad)| bad)
}

fn all(dir: &Path) -> Result<Found, Fault> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Found::default()),
        Err(e) => return Err(failed("read the folder", dir, &e)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| failed("read the folder", dir, &e))?.path();
        let name = path.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
        if path.extension().is_some_and(|e| e == ENDING) && is_name(name) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    let (mut good, mut bad) = Found::default();
    for name in names {
        match read(dir, &name) {
            Ok(recipe) => good.push(recipe),
            Err(fault) => bad.push((name, fault)),
        }
    }
    Ok((good, bad))
}

fn read(dir: &Path, name: &str) -> Result<Recipe, Fault> {
    let path = file_of(dir, name);
    let mut text = String::new();
    let file = fs::File::open(&path).map_err(|e| failed("read", &path, &e))?;
    file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(|e| failed("read", &path, &e))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(Fault::refused(format!("{} is larger than 1 MiB", path.display())));
    }
    parse(&text, name, &path)
}

fn parse(text: &str, name: &str, path: &Path) -> Result<Recipe, Fault> {
    const HINT: &str = "Mend the file or move it away; `dropforge recipe save` writes one as it should be.";
    let found = recipe_from_toml(text, name)
        .map_err(|e| Fault::usage(format!("{}, {e}", path.display())).hint(HINT))?;
    if found.name != name {
        let line = 1 + text.lines().position(|l| l.trim_start().starts_with("name")).unwrap_or(0);
        let inner = clean::fit(&found.name, 60);
        return Err(Fault::usage(format!(
            "{}, line {line}: the recipe calls itself '{inner}', its file '{name}'",
            path.display()
        ))
        .hint(HINT));
    }
    Ok(found)
}

/// Keeps a recipe: written beside, synced, renamed in.
pub(super) fn save(dir: &Path, recipe: &Recipe, replace: bool) -> Result<(), Fault> {
    checked(&recipe.name)?;
    if recipe.steps.is_empty() {
        return Err(Fault::usage(format!("the recipe '{}' has no steps", recipe.name)));
    }
    steps::check(&recipe.steps).map_err(|e| Fault::usage(format!("the recipe '{}': {e}", recipe.name)))?;
    let text = recipe_to_toml(recipe);
    if text.len() as u64 > MAX_BYTES {
        return Err(Fault::refused(format!("the recipe '{}' is larger than 1 MiB", recipe.name)));
    }
    paths::private_dir(dir)?;
    let path = file_of(dir, &recipe.name);
    let beside = dir.join(format!(".{}.{}", recipe.name, dropforge_shared::ids::FileId::random()));
    let taken = || {
        Fault::refused(format!("there is a recipe '{}' already", recipe.name))
            .hint("Choose another name, or replace it with --replace.")
    };
    let written =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
    let flags = if replace { RenameFlags::empty() } else { RenameFlags::NOREPLACE };
    let outcome = match written.map(|()| rustix::fs::renameat_with(CWD, &beside, CWD, &path, flags)) {
        Err(e) => Err(failed("write", &beside, &e)),
        Ok(Ok(())) => fs::File::open(dir).and_then(|d| d.sync_all()).map_err(|e| failed("sync", dir, &e)),
        Ok(Err(rustix::io::Errno::EXIST)) => Err(taken()),
        // A file system without that flag.
        Ok(Err(rustix::io::Errno::INVAL)) if !path.exists() => {
            fs::rename(&beside, &path).map_err(|e| failed("write", &path, &e))
        }
        Ok(Err(rustix::io::Errno::INVAL)) => Err(taken()),
        Ok(Err(e)) => Err(failed("write", &path, &e.into())),
    };
    if outcome.is_err() {
        let _ = fs::remove_file(&beside);
    }
    outcome
}

/// Removes a recipe.
pub(super) fn remove(dir: &Path, name: &str) -> Result<(), Fault> {
    checked(name)?;
    let path = file_of(dir, name);
    fs::remove_file(&path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => {
            Fault::not_found(format!("no recipe '{name}'")).hint("`dropforge recipe list` shows all.")
        }
        _ => failed("remove", &path, &e),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use dropforge_shared::suggest::StepChoice;

    use super::*;

    fn recipe(name: &str) -> Recipe {
        let settings = BTreeMap::from([("strategy".to_owned(), "median".to_owned())]);
        let steps = vec![
            StepChoice { op: "impute".into(), columns: vec!["a \"b\"".into()], settings },
            StepChoice { op: "deduplicate".into(), columns: vec![], settings: BTreeMap::new() },
        ];
        Recipe { name: name.into(), description: "for June\nand July".into(), steps }
    }

    #[test]
    fn what_is_saved_is_listed_and_only_replaced_when_meant() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("recipes");
        assert_eq!(list(&dir).unwrap(), []);
        save(&dir, &recipe("b"), false).unwrap();
        save(&dir, &recipe("a"), false).unwrap();
        assert_eq!(list(&dir).unwrap(), [recipe("a"), recipe("b")]);
        let changed = Recipe { description: String::new(), ..recipe("a") };
        assert_eq!(save(&dir, &changed, false).unwrap_err().code.exit_code(), 5);
        save(&dir, &changed, true).unwrap();
        assert_eq!(list(&dir).unwrap()[0], changed);
        remove(&dir, "a").unwrap();
        assert_eq!(remove(&dir, "a").unwrap_err().code.exit_code(), 3);
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1, "nothing is left beside");
    }

    #[test]
    fn a_name_stays_in_the_folder() {
        let home = tempfile::tempdir().unwrap();
        for bad in ["", "../x", "a/b", ".hidden", "ü", "a b"] {
            assert_eq!(save(home.path(), &recipe(bad), true).unwrap_err().code.exit_code(), 2, "{bad:?}");
            assert_eq!(remove(home.path(), bad).unwrap_err().code.exit_code(), 2, "{bad:?}");
        }
    }

    #[test]
    fn a_recipe_by_hand_is_read_and_a_mistake_is_named_with_its_line() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("mine.toml");
        fs::write(&path, "# mine\n[[steps]]\nop = \"drop\"\ncolumns = [\"id\"]\n").unwrap();
        let found = list(home.path()).unwrap();
        assert_eq!((found[0].name.as_str(), found[0].steps[0].op.as_str()), ("mine", "drop"));
        for (text, line) in [
            ("# mine\n[[steps]]\nop = drop\n", "line 3"),
            ("descriptoin = \"x\"\n[[steps]]\nop = \"drop\"\n", "line 1"),
            ("\nname = \"other\"\nsteps = []\n", "line 2"),
        ] {
            fs::write(&path, text).unwrap();
            let (name, fault) = faults(home.path()).unwrap().remove(0);
            assert!(name == "mine" && fault.message.contains("mine.toml"), "{fault}");
            assert!(fault.message.contains(line), "{fault}");
        }
        // The others are not kept from anybody by it.
        save(home.path(), &recipe("good"), false).unwrap();
        assert_eq!(list(home.path()).unwrap(), [recipe("good")]);
    }
}
