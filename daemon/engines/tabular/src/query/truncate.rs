//! `date_trunc`, which the engine has not: said with parts of dates, by the type of what is cut, which it keeps.

use dropforge_shared::page::ColumnType;
use sqlparser::ast::{Expr, Function, Value};

use super::allow::unable;
use super::{kinds, rewrite};
use crate::error::Error;

/// The day that a year, quarter, month or week begins with, as the engine would be asked for it. `D` is a date.
fn day(unit: &str) -> Option<&'static str> {
    Some(match unit {
        "year" => "CAST(CAST(D AS BIGINT) - (EXTRACT(DOY FROM D) - 1) AS DATE)",
        "quarter" => {
            "CAST(strftime(D, '%Y-') || CASE WHEN EXTRACT(MONTH FROM D) < 4 THEN '01' WHEN EXTRACT(MONTH FROM D) < 7 \
             THEN '04' WHEN EXTRACT(MONTH FROM D) < 10 THEN '07' ELSE '10' END || '-01' AS DATE)"
        }
        "month" => "CAST(CAST(D AS BIGINT) - (EXTRACT(DAY FROM D) - 1) AS DATE)",
        "week" => "CAST(CAST(D AS BIGINT) - (EXTRACT(ISODOW FROM D) - 1) AS DATE)",
        "day" => "D",
        _ => return None,
    })
}

/// `date_trunc(unit, of)`, where `kind` is the type of what is cut.
///
/// # Errors
/// [`Error::Sql`] with the place, where the unit is none of those, or the type is not that of a date or not known.
pub(super) fn moment(function: &Function, kind: Option<ColumnType>) -> Result<Expr, Error> {
    let wrong = |text: &str| unable(&function.name, text);
    let arguments = kinds::arguments(function);
    let [unit, of] = arguments.as_slice() else {
        return Err(wrong("date_trunc is called as date_trunc('month', d)"));
    };
    let unit = match unit {
        Expr::Value(v) => match &v.value {
            Value::SingleQuotedString(unit) => unit.to_lowercase(),
            _ => String::new(),
        },
        _ => String::new(),
    };
    let micros = match unit.as_str() {
        "hour" => Some("3600000000"),
        "minute" => Some("60000000"),
        "second" => Some("1000000"),
        _ => None,
    };
    let (date, time) = match kind {
        Some(ColumnType::Date) => (true, false),
        Some(ColumnType::Datetime) => (false, true),
        _ => {
            return Err(wrong(
                "date_trunc takes a column of dates, or CAST(x AS DATE) or CAST(x AS TIMESTAMP)",
            ));
        }
    };
    match (day(&unit), micros) {
        (Some(words), _) if date => {
            let quarter = rewrite::said(words, &[("D", of)])?;
            // Where the date is missing there is none to put together.
            rewrite::said("CASE WHEN D IS NULL THEN NULL ELSE Q END", &[("D", of), ("Q", &quarter)])
        }
        (Some(words), _) => {
            let day = rewrite::said("CAST(T AS DATE)", &[("T", of)])?;
            let cut = rewrite::said(words, &[("D", &day)])?;
            rewrite::said(
                "CASE WHEN T IS NULL THEN NULL ELSE CAST(Q AS TIMESTAMP) END",
                &[("T", of), ("Q", &cut)],
            )
        }
        // The engine's remainder has the sign of the divisor, as it should have before 1970.
        (None, Some(micros)) if time => rewrite::said(
            "CAST(CAST(CAST(T AS TIMESTAMP) AS BIGINT) - (CAST(CAST(T AS TIMESTAMP) AS BIGINT) % M) AS TIMESTAMP)",
            &[("T", of), ("M", &rewrite::number(micros))],
        ),
        (None, Some(_)) => Err(wrong("a date has no hours; CAST(x AS TIMESTAMP) gives it some")),
        _ => Err(wrong(
            "date_trunc goes to year, quarter, month, week, day, hour, minute or second: date_trunc('month', d)",
        )),
    }
}
