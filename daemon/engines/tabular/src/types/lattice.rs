//! The lattice of types: which types every cell of a column allows.
//!
//! Each cell allows a set of types; a column is the narrowest type that all its cells allow, so that the answer
//! depends on all rows and on no order. An ISO date is also a date and time; an integer is also a float; everything
//! is text. Of `D/M/Y` and `M/D/Y` both stay possible until some day is over 12: a column that never tells stays text.

use dropforge_shared::page::ColumnType;

use super::dates::{self, DateFormat};
use super::numbers::{self, Number};

/// A set of types that are still possible (text always is).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Candidates(u16);

const INTEGER: u16 = 1;
const FLOAT: u16 = 1 << 1;
const BOOLEAN: u16 = 1 << 2;
const DATE_ISO: u16 = 1 << 3;
const DATE_SLASHED: u16 = 1 << 4;
const DATE_DOTTED: u16 = 1 << 5;
const DATE_DMY: u16 = 1 << 6;
const DATE_MDY: u16 = 1 << 7;
const DATETIME: u16 = 1 << 8;
const DATETIME_UTC: u16 = 1 << 9;
const ALL: u16 = (1 << 10) - 1;

/// How the cells of a column are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Integer,
    Float,
    Boolean,
    Date(DateFormat),
    Datetime,
    DatetimeUtc,
    Text,
}

impl Kind {
    /// The type the column has for a user.
    pub(crate) fn column_type(self) -> ColumnType {
        match self {
            Self::Integer => ColumnType::Integer,
            Self::Float => ColumnType::Float,
            Self::Boolean => ColumnType::Boolean,
            Self::Date(_) => ColumnType::Date,
            Self::Datetime | Self::DatetimeUtc => ColumnType::Datetime,
            Self::Text => ColumnType::Text,
        }
    }
}

impl Candidates {
    /// Before any cell was seen.
    pub(crate) const ALL: Self = Self(ALL);
    /// Only text.
    pub(crate) const TEXT: Self = Self(0);

    /// What both allow.
    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether nothing but text is left, so that no further cell can tell anything.
    pub(crate) fn is_text(self) -> bool {
        self.0 == 0
    }

    /// Whether no cell has told anything yet.
    pub(crate) fn is_all(self) -> bool {
        self.0 == ALL
    }

    /// Whether slashed dates could be read in two ways in every row.
    pub(crate) fn is_ambiguous_date(self) -> bool {
        self.0 & DATE_DMY != 0 && self.0 & DATE_MDY != 0 && !self.is_all()
    }

    /// The narrowest type that is left.
    pub(crate) fn kind(self) -> Kind {
        let has = |bit: u16| self.0 & bit != 0;
        if self.is_all() || self.is_ambiguous_date() {
            Kind::Text
        } else if has(INTEGER) {
            Kind::Integer
        } else if has(FLOAT) {
            Kind::Float
        } else if has(BOOLEAN) {
            Kind::Boolean
        } else if has(DATE_ISO) {
            Kind::Date(DateFormat::Iso)
        } else if has(DATE_SLASHED) {
            Kind::Date(DateFormat::IsoSlashed)
        } else if has(DATE_DOTTED) {
            Kind::Date(DateFormat::Dotted)
        } else if has(DATE_DMY) {
            Kind::Date(DateFormat::DayFirst)
        } else if has(DATE_MDY) {
            Kind::Date(DateFormat::MonthFirst)
        } else if has(DATETIME) {
            Kind::Datetime
        } else if has(DATETIME_UTC) {
            Kind::DatetimeUtc
        } else {
            Kind::Text
        }
    }

    /// What a (trimmed, not missing) text cell allows.
    pub(crate) fn of(text: &str) -> Self {
        match numbers::number(text) {
            Some(Number::Integer(_)) => return Self(INTEGER | FLOAT),
            Some(Number::Float(_)) => return Self(FLOAT),
            None => {}
        }
        if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
            return Self(BOOLEAN);
        }
        Self::of_date(text)
    }

    /// What a text allows that can only be a date: a JSON string, where a number in quotes was meant as text.
    pub(crate) fn of_date(text: &str) -> Self {
        // Every format starts with a digit and none is longer; most text leaves here.
        if text.len() > 40 || !text.as_bytes().first().is_some_and(u8::is_ascii_digit) {
            return Self::TEXT;
        }
        let date = |format, bit: u16| if dates::date(text, format).is_some() { bit } else { 0 };
        let mut set = date(DateFormat::Iso, DATE_ISO)
            | date(DateFormat::IsoSlashed, DATE_SLASHED)
            | date(DateFormat::Dotted, DATE_DOTTED)
            | date(DateFormat::DayFirst, DATE_DMY)
            | date(DateFormat::MonthFirst, DATE_MDY);
        match dates::datetime(text) {
            Some((_, true)) => set |= DATETIME_UTC,
            Some((_, false)) => set |= DATETIME,
            None => {}
        }
        Self(set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(cells: &[&str]) -> Kind {
        cells.iter().fold(Candidates::ALL, |set, cell| set.and(Candidates::of(cell))).kind()
    }

    #[test]
    fn a_column_is_the_narrowest_type_that_holds_for_every_cell_in_any_order() {
        let cases: &[(&[&str], Kind)] = &[
            (&["1", "2"], Kind::Integer),
            (&["1", "2.5"], Kind::Float),
            (&["1", "2.5", "x"], Kind::Text),
            (&["00501", "10001"], Kind::Text),
            (&["true", "FALSE"], Kind::Boolean),
            (&["true", "1"], Kind::Text),
            (&["2024-01-01", "2024-02-30"], Kind::Text),
            (&["2024-01-01", "2024-02-29"], Kind::Date(DateFormat::Iso)),
            (&["2024-01-01", "2024-02-29 12:00:00"], Kind::Datetime),
            (&["2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"], Kind::DatetimeUtc),
            (&["2024-01-01T00:00:00Z", "2024-01-01T00:00:00"], Kind::Text),
            (&["01/02/2024", "03/04/2024"], Kind::Text),
            (&["01/02/2024", "13/04/2024"], Kind::Date(DateFormat::DayFirst)),
            (&["01/02/2024", "04/13/2024"], Kind::Date(DateFormat::MonthFirst)),
            (&["13/01/2024", "04/13/2024"], Kind::Text),
            (&["31.12.2024"], Kind::Date(DateFormat::Dotted)),
            (&["1", "2024-01-01"], Kind::Text),
            (&["12345678901234567891", "1"], Kind::Text),
            (&[], Kind::Text),
        ];
        for (cells, kind) in cases {
            assert_eq!(kind_of(cells), *kind, "{cells:?}");
            let reversed: Vec<&str> = cells.iter().rev().copied().collect();
            assert_eq!(kind_of(&reversed), *kind, "{reversed:?}");
        }
    }

    #[test]
    fn an_ambiguous_date_is_known_to_be_one() {
        let set = Candidates::of("01/02/2024");
        assert!(set.is_ambiguous_date());
        assert!(!set.and(Candidates::of("13/02/2024")).is_ambiguous_date());
        assert!(!Candidates::ALL.is_ambiguous_date());
    }
}
