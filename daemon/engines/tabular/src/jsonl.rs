//! JSON Lines: one object a line, one level of nested objects flattened to dotted names.
//!
//! Literals are kept as they are written until they are typed, so that `12345678901234567890` loses no digit. Deeper
//! objects and arrays stay JSON text. A key that an object lacks is missing (`""` among the null tokens).

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use dropforge_shared::page::ColumnType;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::columns::{Origin, candidates, misfit_reason};
use crate::csv::rows::{SAMPLED_CELLS, Sampled};
use crate::csv::split::Splitter;
use crate::error::Error;
use crate::limits::Limits;
use crate::monitor::Monitor;
use crate::pass::{RowReader, Sink};
use crate::rejects::Reject;
use crate::sniff;
use crate::types::lattice::{Candidates, Kind};
use crate::types::{nulls, trim};

/// An object with its keys in the order of the file.
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> serde::Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Pairs<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry::<String, &'de RawValue>()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// Calls `cell` with name, text and origin of each cell of a line.
fn cells(line: &str, mut cell: impl FnMut(&str, &str, Origin)) -> Result<(), String> {
    let pairs: Pairs<'_> = serde_json::from_str(line).map_err(|e| format!("not a JSON object: {e}"))?;
    for (key, value) in pairs.0 {
        if value.get().starts_with('{') {
            let nested: Pairs<'_> =
                serde_json::from_str(value.get()).map_err(|e| format!("in {key}: {e}"))?;
            if !nested.0.is_empty() {
                for (inner, value) in nested.0 {
                    literal(&format!("{key}.{inner}"), value, &mut cell)?;
                }
                continue;
            }
        }
        literal(&key, value, &mut cell)?;
    }
    Ok(())
}

fn literal(name: &str, value: &RawValue, cell: &mut impl FnMut(&str, &str, Origin)) -> Result<(), String> {
    let raw = value.get();
    match raw.as_bytes().first() {
        Some(b'"') => {
            let text: String = serde_json::from_str(raw).map_err(|e| format!("in {name}: {e}"))?;
            cell(name, &text, Origin::JsonString);
        }
        Some(b'{' | b'[') => cell(name, raw, Origin::Nested),
        _ => cell(name, raw, Origin::Literal),
    }
    Ok(())
}

/// What all lines show: the columns and what their cells allow.
pub(crate) struct Survey {
    pub(crate) names: Vec<String>,
    /// The cells are of the columns whose type the user set.
    pub(crate) sampled: Sampled,
}

/// Reads all lines for the union of their keys and their types. `wanted` are the types that the user set.
pub(crate) fn survey(
    splitter: &mut Splitter,
    wanted: &BTreeMap<String, ColumnType>,
    limits: &Limits,
    monitor: &mut dyn Monitor,
) -> Result<Survey, Error> {
    let sampled = Sampled { seen: Vec::new(), cells: Vec::new() };
    let mut found = Survey { names: Vec::new(), sampled };
    let mut index: HashMap<String, usize> = HashMap::new();
    while let Some(block) = splitter.next()? {
        if monitor.cancelled() {
            return Err(Error::Cancelled);
        }
        let text = String::from_utf8_lossy(&block.bytes);
        for line in text.split('\n').filter(|l| !l.trim().is_empty()) {
            // A line that fails half-way is rejected as a whole later, so it must not leave keys or types here.
            if cells(line, |_, _, _| {}).is_err() {
                continue;
            }
            let _ = cells(line, |name, raw, origin| {
                let at = index.get(name).copied().unwrap_or_else(|| {
                    if found.names.len() <= limits.max_columns {
                        index.insert(name.to_owned(), found.names.len());
                        found.names.push(name.to_owned());
                        found.sampled.seen.push(Candidates::ALL);
                        found.sampled.cells.push(Vec::new());
                    }
                    found.names.len() - 1
                });
                let text = trim(raw);
                if let Some(cells) = found.sampled.cells.get_mut(at).filter(|c| c.len() < SAMPLED_CELLS)
                    && text.len() <= 80
                    && !nulls::is_null(text)
                    && wanted.contains_key(name)
                {
                    cells.push(text.to_owned());
                }
                if let Some(seen) =
                    found.sampled.seen.get_mut(at).filter(|s| !s.is_text() && !nulls::is_null(text))
                {
                    *seen = seen.and(candidates(text, origin));
                }
            });
            if found.names.len() > limits.max_columns {
                return Ok(found);
            }
        }
        monitor.progress(splitter.consumed());
    }
    // An empty key would be a column without a name.
    found.names = sniff::unique(found.names);
    Ok(found)
}

/// Reads rows whose columns are known.
pub(crate) struct JsonRows {
    index: HashMap<String, usize>,
    width: usize,
    /// Columns whose type the user set, with how to read them.
    forced: Vec<(usize, Kind)>,
    /// All columns whose type was found.
    free: Vec<bool>,
    names: Vec<String>,
}

impl JsonRows {
    /// For the columns of a survey.
    pub(crate) fn new(names: &[String], forced: Vec<(usize, Kind)>) -> Self {
        let index = names.iter().enumerate().map(|(i, name)| (name.clone(), i)).collect();
        let free = (0..names.len()).map(|at| forced.iter().all(|(set, _)| *set != at)).collect();
        Self { index, width: names.len(), forced, free, names: names.to_vec() }
    }
}

impl RowReader for JsonRows {
    fn forced(&self) -> &[(usize, Kind)] {
        &self.forced
    }

    fn read(&self, text: &str, _first: bool, _single_lines: bool, sink: &mut Sink) -> Result<(), Error> {
        let mut row: Vec<Option<(String, Origin)>> = vec![None; self.width];
        for line in text.split_inclusive('\n') {
            let number = sink.lines;
            sink.lines += 1;
            let line = line.trim();
            if line.is_empty() {
                continue;
            }
            row.iter_mut().for_each(|cell| *cell = None);
            let read = cells(line, |name, raw, origin| {
                if let Some(cell) = self.index.get(name).and_then(|i| row.get_mut(*i)) {
                    // Of a key that is there twice, the last value counts, as in most readers.
                    *cell = Some((raw.to_owned(), origin));
                }
            });
            if let Err(reason) = read {
                sink.rejects.push(Reject::new(number, reason, line));
                continue;
            }
            let misfit = self.forced.iter().find_map(|(at, kind)| {
                let (raw, _) = row.get(*at)?.as_ref()?;
                misfit_reason(raw, *kind, self.names.get(*at)?)
            });
            if let Some(reason) = misfit {
                sink.rejects.push(Reject::new(number, reason, line));
                continue;
            }
            for ((builder, cell), free) in sink.builders.iter_mut().zip(&row).zip(&self.free) {
                match cell {
                    Some((raw, origin)) if *free => builder.push_as(raw, *origin),
                    // What the user says of a column counts more than how its cells are quoted.
                    Some((raw, _)) => builder.push(raw),
                    None => builder.push_absent(),
                }
            }
            sink.end_row()?;
        }
        Ok(())
    }
}
