//! Functions of this crate's own that a checked statement may call, under names that no user can write: windows with an
//! order ([`super::running`]), arithmetic that stays exact ([`super::exact`]) and the share of a row ([`super::share`]). All that such a function is to know stands
//! in its name, so that what runs is still text. Must not know how a statement comes to call one.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use polars::lazy::dsl::UserDefinedFunction;
use polars::prelude::{PolarsResult, polars_bail};
use polars::sql::FunctionRegistry;

use super::{exact, running, share};

/// What all their names begin with. A statement is checked against the list of functions before these come into it.
pub(super) const PREFIX: &str = "own_";

/// A number for the text of an expression, by which its place is found again when it fails.
pub(super) fn number_of(text: &str) -> u64 {
    // FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Makes the functions as they are called for. One of the same name is the same, so that the engine sees that two
/// expressions are alike.
#[derive(Default)]
pub(super) struct Own {
    made: Mutex<BTreeMap<String, UserDefinedFunction>>,
}

fn made(name: &str) -> Option<UserDefinedFunction> {
    let rest = name.strip_prefix(PREFIX)?;
    match rest.strip_prefix("window_") {
        Some(window) => running::function(name, window),
        None => share::function(name, rest).or_else(|| exact::function(name, rest)),
    }
}

impl FunctionRegistry for Own {
    fn register(&mut self, name: &str, _: UserDefinedFunction) -> PolarsResult<()> {
        polars_bail!(ComputeError: "{name} can't be added")
    }

    fn get_udf(&self, name: &str) -> PolarsResult<Option<UserDefinedFunction>> {
        let mut known = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(function) = known.get(name) {
            return Ok(Some(function.clone()));
        }
        let function = made(name);
        known.extend(function.clone().map(|f| (name.to_owned(), f)));
        Ok(function)
    }

    fn contains(&self, name: &str) -> bool {
        made(name).is_some()
    }
}
