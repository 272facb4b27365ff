//! Whether text is JSON Lines, a JSON document with records, or neither.

use super::Survey;
use crate::recognise::Format;

/// JSON Lines, or a document with records in it; otherwise why not.
pub(crate) fn tell(text: &str, whole: bool) -> Result<(Format, String), String> {
    let mut survey = Survey::default();
    let read = survey.feed(text.as_bytes()).and_then(|()| if whole { survey.finish() } else { Ok(()) });
    let lines = json_objects(text, whole);
    let filled = text.lines().filter(|l| !l.trim().is_empty()).take(2).count();
    if let Some((objects, lines)) = lines.filter(|(objects, lines)| objects * 2 >= *lines) {
        // One object on one line is a line of JSON Lines, unless the records lie within it.
        if read.is_err() || (filled == 1 && survey.arrays().is_empty()) {
            let detail = format!("{objects} of the first {lines} lines are JSON objects");
            return Ok((Format::JsonLines, detail));
        }
    }
    match (read, survey.why_not()) {
        (Ok(()), None) if survey.is_array() => Ok((Format::Json, "a JSON array of objects".to_owned())),
        (Ok(()), None) => Ok((Format::Json, "a JSON object".to_owned())),
        (Ok(()), Some(reason)) => Err(reason.to_owned()),
        // Records were there: it is JSON that is broken further on, and reading it tells where.
        (Err(_), None) if survey.began_well() && survey.is_array() => {
            Ok((Format::Json, "begins as a JSON array of objects".to_owned()))
        }
        (Err(fault), _) => Err(format!("it begins like JSON, but is not: {}, {}", fault.reason, fault.place)),
    }
}

/// How many of the first lines are JSON objects; `None` where the text does not look like JSON at all.
fn json_objects(text: &str, whole: bool) -> Option<(usize, usize)> {
    let text = text.trim_start();
    if !text.starts_with(['{', '[']) {
        return None;
    }
    let mut objects = 0;
    let mut lines = 0;
    let mut all = text.lines().filter(|l| !l.trim().is_empty()).peekable();
    while let Some(line) = all.next() {
        if lines >= 100 || (all.peek().is_none() && !whole && lines > 0) {
            break;
        }
        lines += 1;
        let object = line.trim_start().starts_with('{');
        objects += usize::from(object && serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok());
    }
    // A line of a table may start with a bracket: only where JSON does not parse at all is it left to the sniffer.
    let json =
        objects > 0 || serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() || text.starts_with('{');
    json.then_some((objects, lines))
}
