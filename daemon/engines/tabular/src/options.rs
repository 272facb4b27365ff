//! What a user may set about reading a file: parsed from strings and checked in this one place.

use std::collections::BTreeMap;

use dropforge_shared::page::ColumnType;
use dropforge_shared::reading::{DateOrder, Decision, WantedType, settings};

use crate::columns::fits_forced;
use crate::csv::Dialect;
use crate::csv::rows::Sampled;
use crate::decode::Encoding;
use crate::error::Error;
use crate::limits::Limits;
use crate::recognise::Format;
use crate::told::Ingested;
use crate::types::lattice::Kind;

/// What a user may set, and the limits.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// The delimiter: one or more characters (16 bytes at most), `tab` or `space`; found where not set.
    pub delimiter: Option<String>,
    /// The encoding, by any label of the WHATWG Encoding Standard; found where not set.
    pub encoding: Option<String>,
    /// Whether the first record names the columns; found where not set.
    pub header: Option<bool>,
    /// Types by column name; found where not set. A record with a cell that cannot be read so is rejected.
    pub types: BTreeMap<String, ColumnType>,
    /// For columns that are set to be dates (with times or without), how day, month and year follow each other; found
    /// where not set, and refused where the cells do not tell.
    pub date_orders: BTreeMap<String, DateOrder>,
    /// The sheet of a workbook, the member of an archive (a sheet of a workbook in it: `MEMBER#SHEET`) or the key of a
    /// JSON object's array; the first that holds a table where not set.
    pub part: Option<String>,
    /// Whether the file was named as a table ([`crate::is_named_table`]): a hint where its text is of one column, and
    /// content alone can't tell a list from prose.
    pub named_table: bool,
    /// Threads that read and type; by the machine's cores (four at most) where not set.
    pub threads: Option<usize>,
    /// What is refused.
    pub limits: Limits,
}

fn refused(option: &'static str, value: &str, reason: impl Into<String>) -> Error {
    Error::Option { option, value: format!("'{value}'"), reason: reason.into() }
}

impl ReadOptions {
    /// From the settings of an `ingest` job, by the names in [`settings`]. Names that are not about reading are left
    /// alone.
    ///
    /// # Errors
    /// [`Error::Option`] names the setting, its value and what it may be.
    pub fn from_settings(given: &BTreeMap<String, String>) -> Result<Self, Error> {
        let mut options = Self {
            delimiter: given.get(settings::DELIMITER).cloned(),
            encoding: given.get(settings::ENCODING).cloned(),
            part: given.get(settings::SHEET).cloned(),
            ..Self::default()
        };
        if let Some(value) = given.get(settings::HEADER) {
            let parsed = value.trim().parse();
            options.header =
                Some(parsed.map_err(|_| refused("the header", value, "it must be 'true' or 'false'"))?);
        }
        for line in given.get(settings::TYPES).into_iter().flat_map(|v| v.lines()) {
            if line.trim().is_empty() {
                continue;
            }
            // A column's name may hold an equals sign; a type's does not.
            let Some((column, kind)) = line.rsplit_once('=') else {
                return Err(refused("the type", line, "it must be COLUMN=TYPE"));
            };
            let kind = kind.trim();
            let Some(found) = WantedType::parse(kind) else {
                return Err(refused("the type", kind, format!("it must be one of {}", WantedType::NAMES)));
            };
            let column = column.trim().to_owned();
            if let Some(order) = found.order {
                options.date_orders.insert(column.clone(), order);
            }
            options.types.insert(column, found.kind);
        }
        options.delimiter_text()?;
        options.encoding()?;
        Ok(options)
    }

    /// The delimiter as it stands in the file.
    pub(crate) fn delimiter_text(&self) -> Result<Option<String>, Error> {
        let Some(set) = &self.delimiter else { return Ok(None) };
        let text = match set.as_str() {
            "tab" | "\\t" => "\t",
            "space" => " ",
            other => other,
        };
        let bad = |reason: &str| Err(refused("the delimiter", set, reason));
        if Dialect::delimited(text).is_none() {
            return bad("it must have 1 to 16 bytes; 'tab' and 'space' are names for those");
        }
        if text.contains(['"', '\n', '\r', '\0']) {
            return bad("it must hold no quote, no line end and no zero byte");
        }
        Ok(Some(text.to_owned()))
    }

    /// The encoding that is set.
    pub(crate) fn encoding(&self) -> Result<Option<Encoding>, Error> {
        let Some(label) = &self.encoding else { return Ok(None) };
        Encoding::named(label).map(Some).ok_or_else(|| {
            refused(
                "the encoding",
                label,
                "it is no label of the WHATWG Encoding Standard, such as utf-8, utf-16le, windows-1252, iso-8859-2, \
                 shift_jis, gbk",
            )
        })
    }

    /// The answer where types are set for a form that carries its own.
    pub(crate) fn types_stand_in(&self, format: Format) -> Error {
        let set: Vec<&str> = self.types.keys().map(String::as_str).collect();
        Error::Option {
            option: "the type",
            value: format!("set for {}", crate::wrapping::listed(set.into_iter())),
            reason: format!(
                "the types of a file in {} stand in the file; read it without, and change a type by a cast in \
                 `dropforge prepare`",
                format.name()
            ),
        }
    }

    /// What is set and means nothing to a form, as decisions: files of several forms are taken in with one set of
    /// options, so that it is no fault. `left` is a part that was asked for and that no wrapper had.
    pub(crate) fn unused(&self, format: Format, left: Option<&str>) -> Vec<Decision> {
        use Format::{Csv, Json, JsonLines, Ods, Xls, Xlsb, Xlsx};
        let unused = |name: &str, value: Option<String>, used: bool| {
            let why =
                format!("not used: the file is {}; {} was set", format.name(), value.filter(|_| !used)?);
            Some(Decision { what: name.to_owned(), value: "not used".to_owned(), why })
        };
        let is_text = matches!(format, Csv | Json | JsonLines);
        let is_book = matches!(format, Xlsx | Xlsb | Xls | Ods);
        let delimiter = self.delimiter_text().ok().flatten().map(|d| crate::sniff::shown(&d));
        let has_parts = is_book || format == Json;
        [
            unused(settings::DELIMITER, delimiter, format == Csv),
            unused(settings::ENCODING, self.encoding.clone(), is_text),
            unused(settings::HEADER, self.header.map(|h| h.to_string()), format == Csv || is_book),
            unused(settings::SHEET, left.map(str::to_owned), has_parts),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Columns whose type is set, with the way to read them that fits most of the sampled cells.
    pub(crate) fn forced(&self, names: &[String], sampled: &Sampled) -> Result<Vec<(usize, Kind)>, Error> {
        let mut forced = Vec::new();
        for (column, kind) in &self.types {
            let Some(index) = names.iter().position(|n| n == column) else {
                let why = format!("{}; `--type {column}=auto` takes it back", unknown(column, names));
                return Err(refused("a column whose type is set", column, why));
            };
            let cells = sampled.cells.get(index).map_or(&[][..], Vec::as_slice);
            let fitting = |way: &Kind| cells.iter().filter(|c| fits_forced(c, *way)).count();
            let mut best: Option<(usize, Kind)> = None;
            let wanted = WantedType { kind: *kind, order: self.date_orders.get(column).copied() };
            for way in Kind::ways(wanted) {
                let fits = fitting(&way);
                if best.is_none_or(|(most, _)| fits > most) {
                    best = Some((fits, way));
                }
            }
            if let (None, Some((fits @ 1.., way))) = (wanted.order, best)
                && way.twin().is_some_and(|twin| fitting(&twin) == fits)
            {
                return Err(order_unknown(column, *kind, cells));
            }
            forced.extend(best.map(|(_, way)| (index, way)));
        }
        Ok(forced)
    }
}

impl Ingested {
    /// One of which nothing is known yet but its form.
    pub(crate) fn bare(format: Format) -> Self {
        Self {
            format,
            compression: None,
            encoding: None,
            delimiter: None,
            quote: None,
            escape: None,
            comment: None,
            header: false,
            preamble_lines: 0,
            footer_lines: 0,
            rows: 0,
            rejected_rows: 0,
            columns: Vec::new(),
            null_tokens: Vec::new(),
            how: String::new(),
            decisions: Vec::new(),
            notes: Vec::new(),
            part: None,
            parts: Vec::new(),
        }
    }
}

/// The answer where a column is set to hold dates and nothing tells day from month: either order would swap them in
/// silence where it is the wrong one.
fn order_unknown(column: &str, kind: ColumnType, cells: &[String]) -> Error {
    let name = kind.name();
    let example = cells.iter().find(|c| c.contains(['/', '-'])).map_or("01/02/2024", String::as_str);
    refused(
        "the type",
        &format!("{column}={name}"),
        format!(
            "dates there, such as {example}, could be day or month first; set {column}={name}:dmy where the day is \
             first, {column}={name}:mdy where the month is"
        ),
    )
}

fn unknown(column: &str, names: &[String]) -> String {
    let wanted = column.to_lowercase();
    let nearest = names.iter().min_by_key(|n| distance(&wanted, &n.to_lowercase()));
    match nearest {
        Some(name) => format!("there is no such column; the nearest is '{name}' of {}", names.len()),
        None => "the table has no columns".to_owned(),
    }
}

/// Single-character edits between two names (Levenshtein, 1966), of their first 64 characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(64).enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(&b) {
            let best = (diagonal + usize::from(x != *y)).min(left + 1).min(*cell + 1);
            diagonal = std::mem::replace(cell, best);
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(pairs: &[(&str, &str)]) -> Result<ReadOptions, Error> {
        ReadOptions::from_settings(&pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect())
    }

    #[test]
    fn settings_are_parsed_or_named() {
        let options = from(&[
            ("delimiter", "tab"),
            ("encoding", "latin1"),
            ("header", "false"),
            ("types", "zip=text\na=b=integer\n"),
        ])
        .unwrap();
        assert_eq!(options.delimiter_text().unwrap().as_deref(), Some("\t"));
        assert_eq!(options.header, Some(false));
        assert_eq!(options.types.get("zip"), Some(&ColumnType::Text));
        assert_eq!(options.types.get("a=b"), Some(&ColumnType::Integer));
        for (name, value, words) in [
            ("delimiter", "", "1 to 16 bytes"),
            ("delimiter", "\"", "no quote"),
            ("encoding", "klingon", "klingon"),
            ("header", "maybe", "'true' or 'false'"),
            ("types", "zip", "COLUMN=TYPE"),
            ("types", "zip=number", "one of integer"),
            ("types", "on=date:ymd", "date:mdy"),
            ("types", "on=text:dmy", "date:mdy"),
        ] {
            let error = from(&[(name, value)]).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn the_nearest_name_is_offered() {
        let names = ["price".to_owned(), "Quantity".to_owned()];
        assert!(unknown("quantty", &names).contains("'Quantity'"));
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
