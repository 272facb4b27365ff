//! The operations: one file each. Each is bound to the columns that it finds, learns what it needs in one or more passes,
//! and then changes block after block.

mod cast;
mod clip;
mod columns;
mod date_parts;
mod deduplicate;
mod encode;
mod filter_rows;
mod impute;
mod numbers;
mod parse_dates;
mod replace;
mod spelling;
mod split_list;
mod trim;

use std::collections::BTreeMap;

use dropforge_shared::page::Column;
use dropforge_shared::steps::StepError;
use dropforge_shared::suggest::StepChoice;

pub(crate) use cast::Written;
pub(crate) use parse_dates::Form;
pub(crate) use split_list::items;

use super::block::Block;
use super::settings::Bound;
use crate::error::Error;

/// Misfits that a note shows.
const SHOWN: usize = 3;
/// Characters of a value that a message or a column's name shows.
const SHOWN_CHARS: usize = 40;

/// A step at work.
pub(crate) trait Op {
    /// The columns of its input that it reads or changes.
    fn touches(&self) -> Vec<&str>;

    /// Whether it looks at all columns, whatever they are.
    fn takes_whole_rows(&self) -> bool {
        false
    }

    /// Whether it must see the whole table before it can change it.
    fn needs_fit(&self) -> bool {
        false
    }

    /// Whether rows or columns come or go in a way that is known only once it is fitted, so that no later step may be
    /// fitted together with it.
    fn settles_late(&self) -> bool {
        false
    }

    /// Learns from a block.
    fn fit(&mut self, _: &Block) -> Result<(), Error> {
        Ok(())
    }

    /// Ends a pass over the table; `true` where it has learned all.
    fn end_pass(&mut self) -> Result<bool, Error> {
        Ok(true)
    }

    /// Forgets what blocks before left behind, as the table begins anew. What was learned stays.
    fn restart(&mut self) {}

    /// Changes a block. What it makes of an empty block tells the new columns.
    fn apply(&mut self, block: &mut Block) -> Result<(), Error>;

    /// What it does, in words, with what it has learned.
    fn story(&self) -> String;

    /// What a user should know after a run: cells that did not fit, and the like.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Finds the step's columns in `schema` and reads its settings. `number` counts from 1.
pub(crate) fn bind(number: usize, choice: &StepChoice, schema: &[Column]) -> Result<Box<dyn Op>, StepError> {
    let bound = Bound::new(number, choice, schema);
    Ok(match choice.op.as_str() {
        "cast" => Box::new(cast::Cast::bind(&bound)?),
        "clip" => Box::new(clip::Clip::bind(&bound)?),
        "date_parts" => Box::new(date_parts::DateParts::bind(&bound)?),
        "deduplicate" => Box::new(deduplicate::Deduplicate::bind(&bound)?),
        "drop" => Box::new(columns::Drop::bind(&bound)?),
        "encode" => Box::new(encode::Encode::bind(&bound)?),
        "filter_rows" => Box::new(filter_rows::FilterRows::bind(&bound)?),
        "impute" => Box::new(impute::Impute::bind(&bound)?),
        "log_transform" => Box::new(numbers::LogTransform::bind(&bound)?),
        "merge_spelling" => Box::new(spelling::MergeSpelling::bind(&bound)?),
        "parse_dates" => Box::new(parse_dates::ParseDates::bind(&bound)?),
        "rename" => Box::new(columns::Rename::bind(&bound)?),
        "replace" => Box::new(replace::Replace::bind(&bound)?),
        "scale" => Box::new(numbers::Scale::bind(&bound)?),
        "split_list" => Box::new(split_list::SplitList::bind(&bound)?),
        "trim" => Box::new(trim::Trim::bind(&bound)?),
        _ => return Err(bound.wrong(None, "there is no such operation")),
    })
}

/// A text short enough to be shown.
fn short(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A number as a message shows it: six significant digits are enough to know it by.
fn figure(value: f64) -> String {
    let plain = value.to_string();
    if plain.len() <= 10 {
        return plain;
    }
    let digits = (5 - value.abs().log10().floor() as i64).clamp(0, 12) as usize;
    if value.abs() < 1e-6 || value.abs() >= 1e15 {
        return format!("{value:.5e}");
    }
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Some names, for a sentence.
fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let count = names.len();
    let mut some: Vec<String> = names.take(8).map(short).collect();
    if count > some.len() {
        some.push(format!("{} more", count - some.len()));
    }
    some.join(", ")
}

/// Cells that did not fit and became missing, by column.
#[derive(Debug, Default)]
struct Misfits(BTreeMap<String, (u64, Vec<String>)>);

impl Misfits {
    fn add(&mut self, column: &str, text: &str) {
        if !self.0.contains_key(column) {
            self.0.insert(column.to_owned(), (0, Vec::new()));
        }
        if let Some((count, some)) = self.0.get_mut(column) {
            *count += 1;
            if some.len() < SHOWN {
                some.push(format!("'{}'", short(text)));
            }
        }
    }

    fn notes(&self) -> Vec<String> {
        let note = |(column, (count, some)): (&String, &(u64, Vec<String>))| {
            format!("{column}: {count} cells did not fit and became missing, such as {}", some.join(", "))
        };
        self.0.iter().map(note).collect()
    }
}
