//! Reads text as dates, in one form that is said and not guessed.

use dropforge_shared::page::ColumnType;
use dropforge_shared::steps::StepError;

use super::{Misfits, Op, listed, short};
use crate::clean::block::{Block, Cells, Value, each_value};
use crate::clean::pattern::Pattern;
use crate::clean::settings::{Bound, Place};
use crate::error::Error;
use crate::types::dates::{self, DAY_US, DateFormat};
use crate::types::trim;

/// How dates are written.
pub(crate) enum Form {
    Named(DateFormat),
    /// ISO 8601 with a time.
    Datetime,
    Pattern(Pattern),
}

impl Form {
    /// From a setting; `Err` says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        Ok(match text {
            "iso" => Self::Named(DateFormat::Iso),
            "iso_slashed" => Self::Named(DateFormat::IsoSlashed),
            "dotted" => Self::Named(DateFormat::Dotted),
            "day_first" => Self::Named(DateFormat::DayFirst),
            "month_first" => Self::Named(DateFormat::MonthFirst),
            "datetime" => Self::Datetime,
            pattern => Self::Pattern(Pattern::parse(pattern)?),
        })
    }

    fn has_time(&self) -> bool {
        match self {
            Self::Named(_) => false,
            Self::Datetime => true,
            Self::Pattern(pattern) => pattern.has_time(),
        }
    }

    /// Microseconds since 1970-01-01.
    pub(crate) fn read(&self, text: &str) -> Option<i64> {
        match self {
            Self::Named(format) => dates::date(text, *format).map(|day| i64::from(day) * DAY_US),
            Self::Datetime => dates::datetime(text).map(|(us, _)| us),
            Self::Pattern(pattern) => pattern.read(text),
        }
    }
}

/// The operation `parse_dates`.
pub(super) struct ParseDates {
    place: Place,
    columns: Vec<String>,
    form: Form,
    named: String,
    fail: bool,
    misfits: Misfits,
}

impl ParseDates {
    pub(super) fn bind(bound: &Bound<'_>) -> Result<Self, StepError> {
        let named = bound.text("format").to_owned();
        let form = Form::parse(&named)
            .map_err(|why| bound.wrong(None, format!("format cannot be '{}': {why}", short(&named))))?;
        let columns = bound.columns(|k| k == ColumnType::Text, "text columns")?;
        Ok(Self {
            place: bound.place.clone(),
            columns: columns.into_iter().map(|c| c.name).collect(),
            form,
            named,
            fail: bound.text("on_misfit") == "fail",
            misfits: Misfits::default(),
        })
    }
}

impl Op for ParseDates {
    fn touches(&self) -> Vec<&str> {
        self.columns.iter().map(String::as_str).collect()
    }

    fn restart(&mut self) {
        self.misfits = Misfits::default();
    }

    fn apply(&mut self, block: &mut Block) -> Result<(), Error> {
        let timed = self.form.has_time();
        let kind = if timed { ColumnType::Datetime } else { ColumnType::Date };
        for name in &self.columns {
            let series = block.get(name)?.clone();
            let mut cells = Cells::new(name, kind, series.len());
            let mut refused = None;
            each_value(&series, |value| {
                let Some(Value::Text(text)) = value else { return cells.push(None) };
                match self.form.read(trim(text)) {
                    Some(us) if timed => cells.push(Some(Value::Datetime(us))),
                    // A day of a year with four digits fits.
                    Some(us) => cells.push(Some(Value::Date(us.div_euclid(DAY_US) as i32))),
                    None => {
                        self.misfits.add(name, text);
                        refused.get_or_insert_with(|| short(text));
                        cells.push(None);
                    }
                }
            })?;
            if let Some(text) = refused.filter(|_| self.fail) {
                let reason =
                    format!("'{text}' is no date as {}; on_misfit missing would let it pass", self.named);
                return Err(self.place.wrong(Some(name), reason).into());
            }
            block.replace(name, cells.finish())?;
        }
        Ok(())
    }

    fn story(&self) -> String {
        let columns = listed(self.columns.iter().map(String::as_str));
        format!("read {columns} as dates ({})", self.named)
    }

    fn notes(&self) -> Vec<String> {
        self.misfits.notes()
    }
}
