//! The lattice of types: which types every cell of a column allows.
//!
//! Each cell allows a set of types; a column is the narrowest type that all its cells allow, so that the answer
//! depends on all rows and on no order. An ISO date is also a date and time; an integer is also a float; everything
//! is text. Of `D/M/Y` and `M/D/Y` both stay possible until some day is over 12: a column that never tells stays text.
//! The same holds for `1,234` throughout, which is a thousand to some and hardly more than one to others.

use dropforge_shared::page::ColumnType;
use dropforge_shared::reading::{DateOrder, WantedType};

use super::dates::{self, DateFormat};
use super::numbers::{self, Number};
use super::separated::{self, STYLES, Style};

/// A set of types that are still possible (text always is).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Candidates(u32);

const INTEGER: u32 = 1;
const FLOAT: u32 = 1 << 1;
const BOOLEAN: u32 = 1 << 2;
const DATETIME_UTC: u32 = 1 << 3;
/// The first of eight bits, one a format, in the order of [`dates::FORMATS`].
const DATE: u32 = 1 << 4;
/// The same with a time.
const DATETIME: u32 = 1 << 12;
/// The first of five bits, one a style, in the order of [`STYLES`]: integers.
const STYLED_INTEGER: u32 = 1 << 20;
/// The same: floats.
const STYLED_FLOAT: u32 = 1 << 25;
const ALL_STYLES: u32 = 0b11_1111_1111 << 20;
/// A date whose year has two digits, day first. No type comes of it unless a user sets one.
const SHORT_DAY_FIRST: u32 = 1 << 30;
/// The same, month first.
const SHORT_MONTH_FIRST: u32 = 1 << 31;
const ALL: u32 = u32::MAX;

fn date_bit(format: DateFormat) -> u32 {
    DATE << dates::FORMATS.iter().position(|f| *f == format).unwrap_or(0)
}

fn datetime_bit(format: DateFormat) -> u32 {
    DATETIME << dates::FORMATS.iter().position(|f| *f == format).unwrap_or(0)
}

/// The formats that read the same text in two ways.
const TWINS: [(DateFormat, DateFormat); 2] = [
    (DateFormat::DayFirst, DateFormat::MonthFirst),
    (DateFormat::DashedDayFirst, DateFormat::DashedMonthFirst),
];

/// How the cells of a column are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Integer,
    Float,
    /// Integers with separators of thousands.
    StyledInteger(Style),
    /// Numbers with separators of thousands or decimal commas.
    StyledFloat(Style),
    Boolean,
    Date(DateFormat),
    Datetime(DateFormat),
    /// With a zone, kept in UTC.
    DatetimeUtc,
    Text,
}

impl Kind {
    /// The type the column has for a user.
    pub(crate) fn column_type(self) -> ColumnType {
        match self {
            Self::Integer | Self::StyledInteger(_) => ColumnType::Integer,
            Self::Float | Self::StyledFloat(_) => ColumnType::Float,
            Self::Boolean => ColumnType::Boolean,
            Self::Date(_) => ColumnType::Date,
            Self::Datetime(_) | Self::DatetimeUtc => ColumnType::Datetime,
            Self::Text => ColumnType::Text,
        }
    }

    /// The other order of day and month, where a format has one.
    pub(crate) fn twin(self) -> Option<Self> {
        let twin = |format| {
            TWINS.iter().find_map(|(a, b)| match format {
                f if f == *a => Some(*b),
                f if f == *b => Some(*a),
                _ => None,
            })
        };
        match self {
            Self::Date(format) => twin(format).map(Self::Date),
            Self::Datetime(format) => twin(format).map(Self::Datetime),
            _ => None,
        }
    }

    /// The ways to read cells as a type that a user sets, the plainest first. An order excludes those of another.
    pub(crate) fn ways(wanted: WantedType) -> Vec<Self> {
        use DateFormat::{
            DashedDayFirst, DashedMonthFirst, DayFirst, Dotted, MonthFirst, Named, ShortDayFirst,
            ShortMonthFirst,
        };
        let Some(order) = wanted.order else { return Self::ways_of(wanted.kind) };
        let formats: &[DateFormat] = match order {
            DateOrder::DayFirst => &[DayFirst, DashedDayFirst, Dotted, Named],
            DateOrder::MonthFirst => &[MonthFirst, DashedMonthFirst, Named],
            DateOrder::DayFirstShort => &[ShortDayFirst],
            DateOrder::MonthFirstShort => &[ShortMonthFirst],
        };
        let of = if wanted.kind == ColumnType::Date { Self::Date } else { Self::Datetime };
        formats.iter().copied().map(of).collect()
    }

    fn ways_of(kind: ColumnType) -> Vec<Self> {
        let styled = |of: fn(Style) -> Self| STYLES.into_iter().map(of);
        match kind {
            ColumnType::Integer => {
                std::iter::once(Self::Integer).chain(styled(Self::StyledInteger)).collect()
            }
            // A comma alone was meant as a decimal one: a thousand would have been forced to be an integer.
            ColumnType::Float => [Self::Float, Self::StyledFloat(Style::European)]
                .into_iter()
                .chain(styled(Self::StyledFloat))
                .collect(),
            ColumnType::Boolean => vec![Self::Boolean],
            ColumnType::Date => dates::FORMATS.into_iter().map(Self::Date).collect(),
            ColumnType::Datetime => {
                let formats = dates::FORMATS.into_iter().map(Self::Datetime);
                std::iter::once(Self::DatetimeUtc).chain(formats).collect()
            }
            ColumnType::Text => vec![Self::Text],
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

    fn has(self, bit: u32) -> bool {
        self.0 & bit != 0
    }

    /// Whether dates could be read in two ways in every row.
    pub(crate) fn is_ambiguous_date(self) -> bool {
        self.orders().is_some() && !self.has_short_years()
    }

    /// The types of which one settles the order of day and month or the century, for people; nothing where no cell
    /// leaves them open.
    pub(crate) fn orders(self) -> Option<[&'static str; 2]> {
        if self.is_all() {
            return None;
        }
        let both =
            |bit: fn(DateFormat) -> u32| TWINS.iter().any(|(a, b)| self.has(bit(*a)) && self.has(bit(*b)));
        if both(date_bit) {
            return Some(["date:dmy", "date:mdy"]);
        }
        if both(datetime_bit) {
            return Some(["datetime:dmy", "datetime:mdy"]);
        }
        self.has(SHORT_DAY_FIRST | SHORT_MONTH_FIRST).then_some(["date:dmy2", "date:mdy2"])
    }

    /// Whether all cells are dates whose years have two digits.
    pub(crate) fn has_short_years(self) -> bool {
        !self.is_all() && self.has(SHORT_DAY_FIRST | SHORT_MONTH_FIRST)
    }

    /// Whether commas could part thousands or decimals in every row.
    pub(crate) fn is_ambiguous_number(self) -> bool {
        let style = |style: Style| STYLED_FLOAT << style as u32;
        !self.is_all()
            && !self.has(INTEGER | FLOAT)
            && self.has(style(Style::English))
            && self.has(style(Style::European) | style(Style::SpacedComma))
    }

    /// Whether every number could also be one with points between thousands (`1.234` throughout).
    pub(crate) fn may_have_points_between_thousands(self) -> bool {
        !self.is_all()
            && !self.has(INTEGER)
            && self.has(FLOAT)
            && self.has(STYLED_INTEGER << Style::European as u32)
    }

    /// The narrowest type that is left.
    pub(crate) fn kind(self) -> Kind {
        if self.is_all() || self.is_ambiguous_date() || self.is_ambiguous_number() {
            return Kind::Text;
        }
        if self.has(INTEGER) {
            return Kind::Integer;
        }
        if self.has(FLOAT) {
            return Kind::Float;
        }
        if let Some(style) = STYLES.into_iter().find(|s| self.has(STYLED_INTEGER << *s as u32)) {
            return Kind::StyledInteger(style);
        }
        if let Some(style) = STYLES.into_iter().find(|s| self.has(STYLED_FLOAT << *s as u32)) {
            return Kind::StyledFloat(style);
        }
        if self.has(BOOLEAN) {
            return Kind::Boolean;
        }
        if let Some(format) = dates::FORMATS.into_iter().find(|f| self.has(date_bit(*f))) {
            return Kind::Date(format);
        }
        if let Some(format) = dates::FORMATS.into_iter().find(|f| self.has(datetime_bit(*f))) {
            return Kind::Datetime(format);
        }
        if self.has(DATETIME_UTC) { Kind::DatetimeUtc } else { Kind::Text }
    }

    /// What a (trimmed, not missing) text cell allows.
    pub(crate) fn of(text: &str) -> Self {
        let plain = match numbers::number(text) {
            Some(Number::Integer(_)) => INTEGER | FLOAT,
            Some(Number::Float(_)) => FLOAT,
            None => 0,
        };
        let styled = styled(text);
        if plain | styled != 0 {
            return Self(plain | styled);
        }
        if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
            return Self(BOOLEAN);
        }
        Self::of_date(text)
    }

    /// What a text allows that can only be a date: a JSON string, where a number in quotes was meant as text.
    pub(crate) fn of_date(text: &str) -> Self {
        // Every format starts with a digit or a month and none is longer; most text leaves here.
        let bytes = text.as_bytes();
        if !(6..=40).contains(&bytes.len()) || !bytes.iter().any(u8::is_ascii_digit) {
            return Self::TEXT;
        }
        let mut set = 0;
        for format in formats_like(bytes).iter().copied() {
            if dates::date(text, format).is_some() {
                set |= date_bit(format) | datetime_bit(format);
            } else if dates::datetime_as(text, format).is_some() {
                set |= datetime_bit(format);
            }
        }
        if set == 0 && matches!(dates::datetime(text), Some((_, true))) {
            set = DATETIME_UTC;
        }
        if set == 0 && bytes.len() <= 16 {
            for (bit, format) in [
                (SHORT_DAY_FIRST, DateFormat::ShortDayFirst),
                (SHORT_MONTH_FIRST, DateFormat::ShortMonthFirst),
            ] {
                set |= if dates::date(text, format).is_some() { bit } else { 0 };
            }
        }
        Self(set)
    }
}

/// The formats that a text can be in, by the digits before its first other character, and that one.
fn formats_like(bytes: &[u8]) -> &'static [DateFormat] {
    use DateFormat::{
        DashedDayFirst, DashedMonthFirst, DayFirst, Dotted, Iso, IsoSlashed, MonthFirst, Named,
    };
    let digits = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    match (digits, bytes.get(digits)) {
        (4, Some(b'-')) => &[Iso],
        (4, Some(b'/')) => &[IsoSlashed],
        (1 | 2, Some(b'.')) => &[Dotted],
        (1 | 2, Some(b'/')) => &[DayFirst, MonthFirst],
        (1 | 2, Some(b'-')) => &[DashedDayFirst, DashedMonthFirst, Named],
        (1 | 2, Some(b' ')) => &[Named],
        (0, Some(b)) if b.is_ascii_alphabetic() => &[Named],
        _ => &[],
    }
}

/// The styles of separators that read a text.
fn styled(text: &str) -> u32 {
    let bytes = text.as_bytes();
    let starts = bytes.iter().find(|b| !matches!(b, b'-' | b'+')).is_some_and(u8::is_ascii_digit);
    if !starts || bytes.len() > 80 {
        return 0;
    }
    // Most text and most numbers have no separator that needs a closer look.
    let unsigned = text.trim_start_matches(['-', '+']).as_bytes();
    if unsigned.iter().any(u8::is_ascii_alphabetic) {
        return 0;
    }
    if (1..=15).contains(&unsigned.len()) && unsigned.iter().all(u8::is_ascii_digit) {
        // Each style reads plain digits as plain numbers are read.
        let plain = matches!(numbers::number(text), Some(Number::Integer(_)));
        return if plain { ALL_STYLES } else { 0 };
    }
    STYLES.into_iter().fold(0, |set, style| {
        let bits = match separated::number(text, style) {
            Some(Number::Integer(_)) => STYLED_INTEGER | STYLED_FLOAT,
            Some(Number::Float(_)) => STYLED_FLOAT,
            None => 0,
        };
        set | bits << style as u32
    })
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
            (&["2024-01-01", "2024-02-29 12:00:00"], Kind::Datetime(DateFormat::Iso)),
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
            (&["1,234", "567"], Kind::Text),
            (&["1,234", "12,5"], Kind::StyledFloat(Style::European)),
            (&["1,234", "0,5"], Kind::StyledFloat(Style::European)),
            (&["1,234", "1,234,567"], Kind::StyledInteger(Style::English)),
            (&["1,234", "567.25"], Kind::StyledFloat(Style::English)),
            (&["1.234", "1.234,50"], Kind::StyledFloat(Style::European)),
            (&["1.234", "567.5"], Kind::Float),
            (&["1 234", "1 234 567,89"], Kind::StyledFloat(Style::SpacedComma)),
            (&["1'234", "5"], Kind::StyledInteger(Style::Swiss)),
            (&["1,234", "12%"], Kind::Text),
            (&["$1,234"], Kind::Text),
            (&["+5", "-3"], Kind::Integer),
            (&["+4312345678", "5"], Kind::Text),
            (&["9 Mar 2024", "Apr 1, 2024"], Kind::Date(DateFormat::Named)),
            (&["01-02-2024", "25-02-2024"], Kind::Date(DateFormat::DashedDayFirst)),
            (&["25/12/2024", "25/12/2024 10:30"], Kind::Datetime(DateFormat::DayFirst)),
            (&["01/02/2024 10:30"], Kind::Text),
            (&["2024-01-01T00:00:00Z", "2024-01-01T00:00:00+02:00"], Kind::DatetimeUtc),
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
        assert!(Candidates::of("1,234").is_ambiguous_number());
        assert!(!Candidates::of("1,234").and(Candidates::of("0,2")).is_ambiguous_number());
        assert!(Candidates::of("1.234").may_have_points_between_thousands());
        assert!(!Candidates::of("0.234").may_have_points_between_thousands());
    }
}
