//! Columns while they are read: one builder a column, which types, counts the missing and notices what does not fit.

use polars::prelude::{
    BooleanChunkedBuilder, ChunkedBuilder, Column, DataType, Field, Float64Type, Int32Type, Int64Type,
    IntoColumn, IntoSeries, PlSmallStr, PrimitiveChunkedBuilder, Schema, StringChunkedBuilder, TimeUnit,
};

use crate::types::dates::{self, DateFormat};
use crate::types::lattice::{Candidates, Kind};
use crate::types::nulls::{self, NullCounts};
use crate::types::separated::{self, Style};
use crate::types::{numbers, trim};

/// Where a user says that a column holds dates, those of this form are read whatever the form of the others: a workbook's
/// own dates come as such, and it has one meaning.
const ISO: DateFormat = DateFormat::Iso;

/// How the bytes of a cell were written, which decides what they may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A cell of a text format, or a bare literal of JSON: its spelling decides.
    Literal,
    /// A string of JSON: `"007"` was meant as text. Only dates are read out of it, as JSON has no other way for them.
    JsonString,
    /// An array or object of JSON, kept as it is written.
    Nested,
}

/// What is known of a column before a pass.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// How to read the cells.
    pub(crate) kind: Kind,
    /// Whether a text column may still turn out to be narrower, so that every cell must be looked at.
    pub(crate) tracking: bool,
    /// The user set the type: cells that do not fit are no reason to change it.
    pub(crate) forced: bool,
}

impl Plan {
    /// As the user set it.
    pub(crate) fn forced(kind: Kind) -> Self {
        Self { kind, tracking: false, forced: true }
    }

    /// From what a sample allows.
    pub(crate) fn from_sample(seen: Candidates) -> Self {
        let kind = seen.kind();
        Self { kind, tracking: kind == Kind::Text && !seen.is_text(), forced: false }
    }

    /// From what all rows allow: nothing is left to find out.
    pub(crate) fn settled(seen: Candidates) -> Self {
        Self { kind: seen.kind(), tracking: false, forced: false }
    }
}

enum Values {
    Integer(PrimitiveChunkedBuilder<Int64Type>),
    StyledInteger(PrimitiveChunkedBuilder<Int64Type>, Style),
    Float(PrimitiveChunkedBuilder<Float64Type>),
    StyledFloat(PrimitiveChunkedBuilder<Float64Type>, Style),
    Boolean(BooleanChunkedBuilder),
    Date(PrimitiveChunkedBuilder<Int32Type>, DateFormat),
    Datetime(PrimitiveChunkedBuilder<Int64Type>, DateFormat),
    DatetimeUtc(PrimitiveChunkedBuilder<Int64Type>),
    Text(StringChunkedBuilder),
}

/// Builds one column of one row group.
pub(crate) struct Builder {
    name: PlSmallStr,
    kind: Kind,
    values: Values,
    tracking: bool,
    forced: bool,
    /// What the cells that were looked at allow.
    pub(crate) seen: Candidates,
    /// Whether a cell did not fit the planned kind.
    pub(crate) misfit: bool,
    /// Missing cells.
    pub(crate) nulls: NullCounts,
}

fn values(name: &PlSmallStr, kind: Kind, capacity: usize) -> Values {
    let name = name.clone();
    match kind {
        Kind::Integer => Values::Integer(PrimitiveChunkedBuilder::new(name, capacity)),
        Kind::StyledInteger(style) => {
            Values::StyledInteger(PrimitiveChunkedBuilder::new(name, capacity), style)
        }
        Kind::Float => Values::Float(PrimitiveChunkedBuilder::new(name, capacity)),
        Kind::StyledFloat(style) => Values::StyledFloat(PrimitiveChunkedBuilder::new(name, capacity), style),
        Kind::Boolean => Values::Boolean(BooleanChunkedBuilder::new(name, capacity)),
        Kind::Date(format) => Values::Date(PrimitiveChunkedBuilder::new(name, capacity), format),
        Kind::Datetime(format) => Values::Datetime(PrimitiveChunkedBuilder::new(name, capacity), format),
        Kind::DatetimeUtc => Values::DatetimeUtc(PrimitiveChunkedBuilder::new(name, capacity)),
        Kind::Text => Values::Text(StringChunkedBuilder::new(name, capacity)),
    }
}

impl Builder {
    /// A builder for `capacity` rows or so.
    pub(crate) fn new(name: &str, plan: Plan, capacity: usize) -> Self {
        let name = PlSmallStr::from_str(name);
        Self {
            values: values(&name, plan.kind, capacity),
            name,
            kind: plan.kind,
            tracking: plan.tracking,
            forced: plan.forced,
            seen: Candidates::ALL,
            misfit: false,
            nulls: NullCounts::default(),
        }
    }

    /// Adds a cell of a text format.
    #[inline]
    pub(crate) fn push(&mut self, raw: &str) {
        self.push_as(raw, Origin::Literal);
    }

    /// Adds a cell whose spelling says how it was meant.
    pub(crate) fn push_as(&mut self, raw: &str, origin: Origin) {
        let text = trim(raw);
        if text.len() <= 4 && nulls::is_null(text) {
            self.nulls.count(raw, text);
            self.push_null();
            return;
        }
        if origin != Origin::Literal && self.is_literal() {
            self.refuse(text, origin);
            return;
        }
        let text = if self.forced { unpadded(text, self.kind) } else { text };
        let fits = match &mut self.values {
            Values::Integer(b) => numbers::integer(text).map(|v| b.append_value(v)).is_some(),
            Values::Float(b) => numbers::float(text).map(|v| b.append_value(v)).is_some(),
            Values::StyledInteger(b, style) => {
                separated::integer(text, *style).map(|v| b.append_value(v)).is_some()
            }
            Values::StyledFloat(b, style) => {
                separated::float(text, *style).map(|v| b.append_value(v)).is_some()
            }
            Values::Boolean(b) => {
                let value = if self.forced { spoken_truth(text) } else { truth(text) };
                value.map(|v| b.append_value(v)).is_some()
            }
            Values::Date(b, format) => {
                let value = dates::date(text, *format);
                let value = if self.forced { value.or_else(|| dates::date(text, ISO)) } else { value };
                value.map(|v| b.append_value(v)).is_some()
            }
            Values::Datetime(b, format) => {
                let value = dates::datetime_as(text, *format);
                let value = if self.forced { value.or_else(|| dates::datetime_as(text, ISO)) } else { value };
                value.map(|v| b.append_value(v)).is_some()
            }
            Values::DatetimeUtc(b) => match dates::datetime(text) {
                Some((v, true)) => {
                    b.append_value(v);
                    true
                }
                _ => false,
            },
            Values::Text(b) => {
                b.append_value(raw);
                if self.tracking {
                    self.look(text, origin);
                    self.tracking = !self.seen.is_text();
                }
                true
            }
        };
        if !fits {
            self.refuse(text, origin);
        }
    }

    /// Adds a cell that is not there at all (a key that a JSON object lacks).
    pub(crate) fn push_absent(&mut self) {
        self.nulls.count("", "");
        self.push_null();
    }

    /// Adds a cell that is missing for a reason that its form spells out (`#N/A` in a workbook).
    pub(crate) fn push_missing(&mut self, token: &str) {
        self.nulls.count(token, "");
        self.push_null();
    }

    fn refuse(&mut self, text: &str, origin: Origin) {
        self.misfit = true;
        self.look(text, origin);
        self.push_null();
    }

    fn look(&mut self, text: &str, origin: Origin) {
        self.seen = self.seen.and(candidates(text, origin));
    }

    /// Whether the values are numbers or truths, which a string of JSON is never taken for.
    fn is_literal(&self) -> bool {
        use Kind::{Boolean, Float, Integer, StyledFloat, StyledInteger};
        matches!(self.kind, Integer | Float | StyledInteger(_) | StyledFloat(_) | Boolean)
    }

    fn push_null(&mut self) {
        match &mut self.values {
            Values::Integer(b) | Values::StyledInteger(b, _) => b.append_null(),
            Values::Float(b) | Values::StyledFloat(b, _) => b.append_null(),
            Values::Boolean(b) => b.append_null(),
            Values::Date(b, _) => b.append_null(),
            Values::Datetime(b, _) | Values::DatetimeUtc(b) => b.append_null(),
            Values::Text(b) => b.append_null(),
        }
    }

    /// The column so far; the builder starts anew and keeps its counts.
    pub(crate) fn take(&mut self, next_capacity: usize) -> Column {
        let fresh = values(&self.name, self.kind, next_capacity);
        let series = match std::mem::replace(&mut self.values, fresh) {
            Values::Integer(b) | Values::StyledInteger(b, _) => b.finish().into_series(),
            Values::Float(b) | Values::StyledFloat(b, _) => b.finish().into_series(),
            Values::Boolean(b) => b.finish().into_series(),
            Values::Date(b, _) => b.finish().into_date().into_series(),
            Values::Datetime(b, _) | Values::DatetimeUtc(b) => {
                b.finish().into_datetime(TimeUnit::Microseconds, None).into_series()
            }
            Values::Text(b) => b.finish().into_series(),
        };
        series.into_column()
    }
}

/// What a cell that is not missing allows.
pub(crate) fn candidates(text: &str, origin: Origin) -> Candidates {
    match origin {
        Origin::Literal => Candidates::of(text),
        Origin::JsonString => Candidates::of_date(text),
        Origin::Nested => Candidates::TEXT,
    }
}

fn truth(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// What else says yes and no where a column is known to hold truths.
fn spoken_truth(text: &str) -> Option<bool> {
    let is = |words: &[&str]| words.iter().any(|w| text.eq_ignore_ascii_case(w));
    if is(&["yes", "y", "t", "1", "on"]) {
        Some(true)
    } else if is(&["no", "n", "f", "0", "off"]) {
        Some(false)
    } else {
        truth(text)
    }
}

/// A number without its leading zeros and plus, where the column is known to hold numbers.
fn unpadded(text: &str, kind: Kind) -> &str {
    use Kind::{Float, Integer, StyledFloat, StyledInteger};
    if !matches!(kind, Integer | Float | StyledInteger(_) | StyledFloat(_)) {
        return text;
    }
    let mut text = text.strip_prefix('+').unwrap_or(text);
    while let [b'0', b'0'..=b'9', ..] = text.as_bytes() {
        text = text.get(1..).unwrap_or_default();
    }
    text
}

/// Whether a cell of a column whose type the user set can be read so. Missing ones always can.
pub(crate) fn fits_forced(raw: &str, kind: Kind) -> bool {
    let text = trim(raw);
    if nulls::is_null(text) {
        return true;
    }
    let text = unpadded(text, kind);
    match kind {
        Kind::Integer => numbers::integer(text).is_some(),
        Kind::Float => numbers::float(text).is_some(),
        Kind::StyledInteger(style) => separated::integer(text, style).is_some(),
        Kind::StyledFloat(style) => separated::float(text, style).is_some(),
        Kind::Boolean => spoken_truth(text).is_some(),
        Kind::Date(format) => dates::date(text, format).or_else(|| dates::date(text, ISO)).is_some(),
        Kind::Datetime(format) => {
            dates::datetime_as(text, format).or_else(|| dates::datetime_as(text, ISO)).is_some()
        }
        Kind::DatetimeUtc => matches!(dates::datetime(text), Some((_, true))),
        Kind::Text => true,
    }
}

/// Why a cell cannot be read as the type that the user set for its column; nothing where it can.
#[inline]
pub(crate) fn misfit_reason(cell: &str, kind: Kind, column: &str) -> Option<String> {
    if fits_forced(cell, kind) {
        return None;
    }
    let shown: String = cell.chars().take(40).collect();
    let written = match kind {
        Kind::Date(format) | Kind::Datetime(format) if format != ISO => {
            format!(" (dates written {})", format.pattern())
        }
        _ => String::new(),
    };
    Some(format!("{shown:?} in column {column} cannot be read as {}{written}", kind.column_type().name()))
}

/// The Polars type that a kind is stored as.
pub(crate) fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Integer | Kind::StyledInteger(_) => DataType::Int64,
        Kind::Float | Kind::StyledFloat(_) => DataType::Float64,
        Kind::Boolean => DataType::Boolean,
        Kind::Date(_) => DataType::Date,
        Kind::Datetime(_) | Kind::DatetimeUtc => DataType::Datetime(TimeUnit::Microseconds, None),
        Kind::Text => DataType::String,
    }
}

/// The schema of the dataset.
pub(crate) fn schema(names: &[String], plans: &[Plan]) -> Schema {
    let field = |(name, plan): (&String, &Plan)| Field::new(PlSmallStr::from_str(name), data_type(plan.kind));
    names.iter().zip(plans).map(field).collect()
}
