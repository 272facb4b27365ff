//! Columns out of a date's parts.

use dropforge_shared::page::{Column, ColumnType};
use dropforge_shared::steps::StepError;

use super::{Op, listed};
use crate::clean::block::{Block, Cells, Value, each_value};
use crate::clean::settings::Bound;
use crate::error::Error;
use crate::types::dates::{self, DAY_US};

/// Parts of a day, and of a time of day.
const PARTS: [&str; 8] = ["year", "quarter", "month", "day", "weekday", "day_of_year", "hour", "minute"];

/// The operation `date_parts`.
pub(super) struct DateParts {
    columns: Vec<Column>,
    parts: Vec<String>,
    keep: bool,
}

impl DateParts {
    pub(super) fn bind(bound: &Bound<'_>) -> Result<Self, StepError> {
        let dated = |k| matches!(k, ColumnType::Date | ColumnType::Datetime);
        let columns = bound.columns(dated, "date and datetime columns (parse_dates makes them of text)")?;
        let parts = bound.list("parts");
        if let Some(odd) = parts.iter().find(|p| !PARTS.contains(&p.as_str())) {
            return Err(
                bound.wrong(None, format!("parts cannot have '{odd}'; there are {}", PARTS.join(", ")))
            );
        }
        if parts.is_empty() {
            return Err(bound.wrong(None, format!("parts must name some of {}", PARTS.join(", "))));
        }
        let clock = parts.iter().find(|p| matches!(p.as_str(), "hour" | "minute"));
        if let (Some(part), Some(c)) = (clock, columns.iter().find(|c| c.kind == ColumnType::Date)) {
            return Err(bound.wrong(Some(&c.name), format!("a date has no {part}; leave that part out")));
        }
        let mut once: Vec<String> = Vec::new();
        for part in parts {
            if !once.contains(&part) {
                once.push(part);
            }
        }
        Ok(Self { columns, parts: once, keep: bound.switch("keep") })
    }
}

/// A part of a moment, given in days and microseconds of the day. 1970-01-01 was a Thursday.
fn part(name: &str, day: i64, us: i64) -> i64 {
    let (year, month, of_month) = dates::civil(day);
    match name {
        "year" => year,
        "quarter" => i64::from((month - 1) / 3 + 1),
        "month" => i64::from(month),
        "day" => i64::from(of_month),
        "weekday" => (day + 3).rem_euclid(7) + 1,
        "day_of_year" => {
            let first = i32::try_from(year).ok().and_then(|y| dates::days(y, 1, 1)).map_or(day, i64::from);
            day - first + 1
        }
        "hour" => us / 3_600_000_000,
        _ => us / 60_000_000 % 60,
    }
}

impl Op for DateParts {
    fn touches(&self) -> Vec<&str> {
        self.columns.iter().map(|c| c.name.as_str()).collect()
    }

    fn apply(&mut self, block: &mut Block) -> Result<(), Error> {
        for column in &self.columns {
            let series = block.get(&column.name)?.clone();
            let mut made = Vec::with_capacity(self.parts.len());
            for name in &self.parts {
                let title = format!("{}_{name}", column.name);
                let mut cells = Cells::new(&title, ColumnType::Integer, series.len());
                each_value(&series, |value| {
                    cells.push(match value {
                        Some(Value::Date(day)) => Some(Value::Int(part(name, i64::from(day), 0))),
                        Some(Value::Datetime(us)) => {
                            Some(Value::Int(part(name, us.div_euclid(DAY_US), us.rem_euclid(DAY_US))))
                        }
                        _ => None,
                    });
                })?;
                made.push(cells.finish());
            }
            block.expand(&column.name, self.keep, made)?;
        }
        Ok(())
    }

    fn story(&self) -> String {
        let columns = listed(self.columns.iter().map(|c| c.name.as_str()));
        format!("made {} of {columns}", self.parts.join(", "))
    }
}
