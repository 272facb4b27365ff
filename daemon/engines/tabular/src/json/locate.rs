//! Finds the records of a document, or of the part of it that a user names.

use std::path::Path;

use super::{Fault, Place, Survey};
use crate::error::Error;
use crate::limits::Limits;
use crate::monitor::{Level, Monitor};
use crate::recognise::{Format, Sample};
use crate::source::Source;
use crate::told::Ingested;
use crate::wrapping::listed;

/// Bytes that are looked at before the monitor is asked again.
const PIECE_BYTES: usize = 1 << 20;

/// Where the records are.
#[derive(Debug)]
pub(crate) struct Located {
    pub(crate) place: Place,
    /// The key of their array.
    part: Option<String>,
    /// The keys of all arrays of records.
    parts: Vec<String>,
    /// How they lie, for people.
    how: &'static str,
    notes: Vec<String>,
}

impl Located {
    /// What was read, with where it was found.
    pub(crate) fn told(self, read: Ingested, monitor: &mut dyn Monitor) -> Ingested {
        for note in &self.notes {
            monitor.log(Level::Info, note);
        }
        Ingested {
            format: Format::Json,
            how: format!("{}; one level of nested objects is flattened to dotted names", self.how),
            notes: self.notes.into_iter().chain(read.notes).collect(),
            part: self.part,
            parts: self.parts,
            ..read
        }
    }
}

/// Looks through a document. An array is known by its first elements; an object is read to its end.
pub(crate) fn locate(
    path: &Path,
    sample: &Sample,
    part: Option<&str>,
    limits: &Limits,
    monitor: &mut dyn Monitor,
) -> Result<Located, Error> {
    let none = |reason: String| Error::NotATable { path: path.to_path_buf(), reason };
    let fault = |fault: Fault| Error::Damaged {
        path: path.to_path_buf(),
        form: "JSON",
        place: fault.place,
        reason: fault.reason,
    };
    let mut located = Located {
        place: Place::Array,
        part: None,
        parts: Vec::new(),
        how: "a JSON array of objects",
        notes: Vec::new(),
    };
    let mut survey = Survey::default();
    if sample.text.trim_start().starts_with('[') {
        // What is wrong later is found when the records are read.
        let _ = survey.feed(sample.text.as_bytes());
        if let Some(wanted) = part {
            return Err(no_part(wanted, &[]));
        }
        return survey.why_not().map_or(Ok(located), |reason| Err(none(reason.to_owned())));
    }
    let total = std::fs::metadata(path).map_err(Error::io("open", path))?.len();
    monitor.stage("recognise", Some(total), "bytes");
    let mut source = Source::open(path, sample.encoding, *limits)?;
    let mut text = Vec::new();
    loop {
        if monitor.cancelled() {
            return Err(Error::Cancelled);
        }
        text.clear();
        let ended = source.fill(&mut text, PIECE_BYTES)?;
        survey.feed(&text).map_err(fault)?;
        monitor.progress(source.consumed());
        if ended {
            break;
        }
    }
    survey.finish().map_err(fault)?;
    if let Some(reason) = survey.why_not() {
        return Err(none(reason.to_owned()));
    }
    let arrays = survey.arrays();
    let found = match part {
        Some(wanted) => {
            let found = arrays.iter().find(|a| a.name == wanted);
            let names: Vec<&str> = arrays.iter().map(|a| a.name.as_str()).collect();
            Some(found.ok_or_else(|| no_part(wanted, &names))?)
        }
        None => arrays.first(),
    };
    let Some(found) = found else {
        located.place = Place::Whole;
        located.how = "a JSON object, read as one record";
        return Ok(located);
    };
    located.place = found.place;
    located.part = Some(found.name.clone());
    located.parts = match part {
        Some(_) => vec![found.name.clone()],
        None => arrays.iter().map(|a| a.name.clone()).collect(),
    };
    located.how = "an array of objects within a JSON object";
    let others = survey.keys().saturating_sub(arrays.len());
    if others > 0 {
        located.notes.push(format!(
            "the table is what lies under “{}”; {others} other keys of the document are no part of it",
            found.name
        ));
    }
    Ok(located)
}

fn no_part(wanted: &str, names: &[&str]) -> Error {
    Error::Option {
        option: "the part",
        value: wanted.to_owned(),
        reason: format!("the document has arrays of records under {}", listed(names.iter().copied())),
    }
}
