//! How a file is to be read, as options of `add` and `reread`. Must not know what is done with them.

use std::collections::BTreeMap;

use dropforge_shared::fault::Fault;
use dropforge_shared::reading::{WantedType, settings};

/// The value that takes an option back: what it says is found again.
const AUTO: &str = "auto";

/// What is not given is found, or stays as it was set before. `auto` takes back what was set.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Reading (what is not given is found)")]
pub struct ReadingOptions {
    /// The delimiter: one or more characters, `tab` or `space`
    #[arg(long, value_name = "TEXT|auto")]
    delimiter: Option<String>,
    /// The encoding: utf-8, windows-1252, shift_jis, …
    #[arg(long, value_name = "NAME|auto")]
    encoding: Option<String>,
    /// Whether the first record names the columns
    #[arg(long, value_name = "true|false|auto", value_parser = ["true", "false", AUTO])]
    header: Option<String>,
    /// The sheet of a workbook or the member of an archive
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// A column's type (`auto` as a type takes it back, alone those of all columns): integer, float, boolean, date, datetime or text, date:dmy or date:mdy where the order of day and
    /// month is not plain (date:dmy2, date:mdy2 for years of two digits); again for each column
    #[arg(long = "type", value_name = "COLUMN=TYPE|auto")]
    types: Vec<String>,
}

impl ReadingOptions {
    /// Whether types are set one by one: then those of other columns stay as they were.
    pub(super) fn adds_types(&self) -> bool {
        !matches!(self.types.as_slice(), [] | [_]) || self.types.first().is_some_and(|t| t != AUTO)
    }

    /// The settings by name, as the daemon takes them; an empty value takes one back. `types` are those that are set already,
    /// a line each.
    pub(super) fn settings(&self, types: &str) -> Result<BTreeMap<String, String>, Fault> {
        let mut all = BTreeMap::new();
        for (name, value) in [
            (settings::DELIMITER, &self.delimiter),
            (settings::ENCODING, &self.encoding),
            (settings::HEADER, &self.header),
            (settings::SHEET, &self.sheet),
        ] {
            let Some(value) = value else { continue };
            if value.is_empty() {
                return Err(Fault::usage(format!("--{name} is empty")).hint("`auto` takes it back."));
            }
            // A sheet may have that name.
            let back = value == AUTO && name != settings::SHEET;
            all.insert(name.to_owned(), if back { String::new() } else { value.clone() });
        }
        match self.types.as_slice() {
            [] => {}
            [auto] if auto == AUTO => {
                all.insert(settings::TYPES.into(), String::new());
            }
            new => {
                let mut lines: Vec<&str> = types.lines().collect();
                for text in new {
                    let column = column_of(text)?;
                    lines.retain(|line| line.rsplit_once('=').is_none_or(|(name, _)| name != column));
                    if text.rsplit_once('=').is_some_and(|(_, kind)| kind != AUTO) {
                        lines.push(text);
                    }
                }
                all.insert(settings::TYPES.into(), lines.join("\n"));
            }
        }
        Ok(all)
    }
}

/// The column that a type is set for, or taken back.
fn column_of(text: &str) -> Result<&str, Fault> {
    // The last sign counts: a column's name may have one.
    match text.rsplit_once('=') {
        Some((column, kind))
            if !column.is_empty()
                && !text.contains('\n')
                && (kind == AUTO || WantedType::parse(kind).is_some()) =>
        {
            Ok(column)
        }
        _ => Err(Fault::usage(format!("'{}' is not COLUMN=TYPE", dropforge_shared::clean::fit(text, 60)))
            .hint(format!(
                "TYPE is one of: {}; or {AUTO}, which takes back what was set.",
                WantedType::NAMES
            ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> ReadingOptions {
        ReadingOptions::default()
    }

    #[test]
    fn what_is_given_is_set_and_auto_takes_it_back() {
        assert!(options().settings("").unwrap().is_empty());
        let given = ReadingOptions {
            delimiter: Some("tab".into()),
            encoding: Some("auto".into()),
            sheet: Some("auto".into()),
            types: vec!["zip=text".into(), "a=b=float".into(), "on=date:dmy".into()],
            ..options()
        };
        let wanted = [
            ("delimiter", "tab"),
            ("encoding", ""),
            ("sheet", "auto"),
            ("types", "zip=text\na=b=float\non=date:dmy"),
        ];
        assert_eq!(given.settings("").unwrap(), wanted.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
        let back = ReadingOptions { types: vec!["auto".into()], ..options() };
        assert_eq!(back.settings("a=text").unwrap()["types"], "");
        let one = ReadingOptions { types: vec!["b=auto".into(), "c=date".into()], ..options() };
        assert_eq!(one.settings("a=text\nb=float\nc=text").unwrap()["types"], "a=text\nc=date");
        assert!(one.adds_types() && !back.adds_types() && !options().adds_types());
    }

    #[test]
    fn a_type_that_there_is_not_is_refused_with_those_that_there_are() {
        for bad in ["zip", "on=date:ymd", "n=integer:dmy", "=text", "zip=string", "a\nb=text", "auto"] {
            let given = ReadingOptions { types: vec![bad.into(), "x=text".into()], ..options() };
            let fault = given.settings("").unwrap_err();
            assert!(fault.code.exit_code() == 2 && fault.hint.unwrap().contains("datetime"), "{bad}");
        }
    }
}
