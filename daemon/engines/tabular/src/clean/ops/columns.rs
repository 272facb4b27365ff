//! Leaves columns out, and renames them.

use dropforge_shared::page::Column;
use dropforge_shared::steps::StepError;
use polars::prelude::PlSmallStr;

use super::{Op, listed};
use crate::clean::block::Block;
use crate::clean::settings::Bound;
use crate::error::Error;

/// Bytes that a column's name may have.
const MAX_NAME: usize = 1_024;

/// The operation `drop`.
pub(super) struct Drop {
    columns: Vec<Column>,
}

impl Drop {
    pub(super) fn bind(bound: &Bound<'_>) -> Result<Self, StepError> {
        let columns = bound.columns(|_| true, "any columns")?;
        if columns.len() == bound.schema.len() {
            return Err(bound.wrong(None, "no column would be left; keep at least one"));
        }
        Ok(Self { columns })
    }
}

impl Op for Drop {
    fn touches(&self) -> Vec<&str> {
        self.columns.iter().map(|c| c.name.as_str()).collect()
    }

    fn apply(&mut self, block: &mut Block) -> Result<(), Error> {
        let gone: std::collections::HashSet<&str> = self.columns.iter().map(|c| c.name.as_str()).collect();
        block.columns.retain(|s| !gone.contains(s.name().as_str()));
        Ok(())
    }

    fn story(&self) -> String {
        format!("left out {}", listed(self.columns.iter().map(|c| c.name.as_str())))
    }
}

/// The operation `rename`.
pub(super) struct Rename {
    from: String,
    to: String,
}

impl Rename {
    pub(super) fn bind(bound: &Bound<'_>) -> Result<Self, StepError> {
        let from = bound.column()?.name;
        let to = bound.text("to").trim().to_owned();
        if to.is_empty() || to.len() > MAX_NAME || to.chars().any(char::is_control) {
            let reason =
                format!("to must be the new name, of 1 to {MAX_NAME} bytes without control characters");
            return Err(bound.wrong(Some(&from), reason));
        }
        if to != from && bound.schema.iter().any(|c| c.name == to) {
            return Err(
                bound.wrong(Some(&from), format!("there is a column '{to}' already; take another name"))
            );
        }
        Ok(Self { from, to })
    }
}

impl Op for Rename {
    fn touches(&self) -> Vec<&str> {
        vec![&self.from]
    }

    fn apply(&mut self, block: &mut Block) -> Result<(), Error> {
        let mut series = block.get(&self.from)?.clone();
        series.rename(PlSmallStr::from_str(&self.to));
        block.replace(&self.from, series)
    }

    fn story(&self) -> String {
        format!("{} is now called {}", self.from, self.to)
    }
}
