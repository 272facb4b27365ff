//! Shapes: what the values of one column look like, whatever its name. Each is a test on the column's figures over all
//! rows and on a sample of its values. Knows nothing of types of data.

use dropforge_shared::page::ColumnType;
use dropforge_shared::profile::{ColumnProfile, Scalar};
use serde::Deserialize;

use super::sample::Values;
use super::texts;

/// What a rule can ask of one column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shape {
    /// Whole or decimal numbers.
    Numeric,
    /// Whole numbers.
    Integer,
    /// Text of any kind.
    Text,
    /// Dates, or dates with a time, or seconds or milliseconds since 1970 between 2001 and 2065.
    Time,
    /// A whole number from 1500 to 2200.
    Year,
    /// Numbers, none below zero.
    NonNegative,
    /// Numbers, all above zero.
    Positive,
    /// Numbers with two decimals at most.
    Money,
    /// Numbers from 0 to 100.
    Percent,
    /// Whole or decimal numbers from 0 to 120 with more than two values.
    Age,
    /// Exactly two different values, of any type.
    Binary,
    /// 0 and 1, 1 and 2, or true and false.
    Flag,
    /// Repeated values: at most 50, or one in twenty rows, different.
    Category,
    /// A few states that rows share: ten at most, each in three rows or more on average.
    States,
    /// Whole numbers from 0 or 1 up to 4 to 10: answers on a scale.
    Scale,
    /// Numbers from 0 to 5 or 10 with at most 21 values, in steps of a half or of a tenth.
    Stars,
    /// A different value in each row, a whole number or a short word.
    Unique,
    /// A whole number or a short word without blanks.
    Code,
    /// Sentences.
    Sentences,
    /// Texts that hardly repeat and are no codes: sentences, and short messages or other scripts as well.
    FreeText,
    /// One to five words of letters, as names of persons, places and goods.
    Words,
    /// Mail addresses.
    Email,
    /// Web addresses.
    Url,
    /// Internet addresses.
    Ip,
    /// Telephone numbers.
    Phone,
    /// Names of image files.
    ImageFile,
    /// `INFO`, `warn`, `error`, …
    LogLevel,
    /// `GET`, `POST`, …
    HttpMethod,
    /// 200, 404, …
    HttpStatus,
    /// `EUR`, `USD`, …
    Currency,
    /// Male and female, in some spelling.
    Sex,
    /// Agreement or frequency in words: `agree`, `never`, …
    Agreement,
    /// Well-known text, GeoJSON or coordinates as text.
    Geometry,
    /// Degrees north, from −90 to 90.
    Latitude,
    /// Degrees east, from −180 to 180.
    Longitude,
}

/// One column: its name is left out on purpose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look<'a> {
    pub(crate) profile: &'a ColumnProfile,
    pub(crate) values: &'a Values,
    pub(crate) rows: u64,
}

impl Look<'_> {
    fn kind(&self) -> ColumnType {
        self.profile.kind
    }

    /// Smallest and largest number.
    pub(crate) fn range(&self) -> Option<(f64, f64)> {
        // 0 is added so that evidence says no -0.
        Some((number(self.profile.min.as_ref()?)? + 0.0, number(self.profile.max.as_ref()?)? + 0.0))
    }

    fn within(&self, low: f64, high: f64) -> bool {
        self.range().is_some_and(|(min, max)| min >= low && max <= high)
    }

    /// Rows with a value.
    pub(crate) fn filled(&self) -> u64 {
        self.rows.saturating_sub(self.profile.nulls)
    }

    /// The share of the sampled texts that pass, where there are any.
    fn texts(&self, test: impl Fn(&str) -> bool) -> f64 {
        let texts = &self.values.texts;
        if texts.is_empty() {
            return 0.0;
        }
        texts.iter().filter(|t| test(t.trim())).count() as f64 / texts.len() as f64
    }

    fn numbers(&self) -> impl Iterator<Item = f64> + '_ {
        self.values.numbers.iter().flatten().copied()
    }

    /// The share of the sampled numbers that pass.
    pub(crate) fn share(&self, test: impl Fn(f64) -> bool) -> f64 {
        let (mut all, mut good) = (0u64, 0u64);
        for number in self.numbers() {
            all += 1;
            good += u64::from(test(number));
        }
        if all == 0 { 0.0 } else { good as f64 / all as f64 }
    }

    /// Whether all frequent values of a text column with few of them are among the words.
    fn all_top(&self, words: &[&str]) -> bool {
        let mut any = false;
        self.profile.distinct <= self.profile.top.len() as u64
            && self.profile.top.iter().all(|top| {
                any = true;
                let text = top.value.display().trim().to_lowercase();
                words.contains(&text.as_str())
            })
            && any
    }

    /// Whether the column's values have the shape. A column without values has none.
    pub(crate) fn is(&self, shape: Shape) -> bool {
        if self.filled() == 0 {
            return false;
        }
        let kind = self.kind();
        let numeric = kind.is_numeric();
        let distinct = self.profile.distinct;
        match shape {
            Shape::Numeric => numeric,
            Shape::Integer => kind == ColumnType::Integer,
            Shape::Text => kind == ColumnType::Text,
            Shape::Time => self.is_time(),
            Shape::Year => kind == ColumnType::Integer && self.within(1500.0, 2200.0),
            Shape::NonNegative => numeric && self.within(0.0, f64::MAX),
            Shape::Positive => numeric && self.within(f64::MIN_POSITIVE, f64::MAX),
            Shape::Money => numeric && self.share(|v| decimals(v) <= 2) >= 0.95,
            Shape::Percent => numeric && self.within(0.0, 100.0),
            Shape::Age => numeric && distinct > 2 && self.within(0.0, 120.0),
            Shape::Binary => distinct == 2,
            Shape::Flag => distinct <= 2 && (kind == ColumnType::Boolean || self.is_zero_one()),
            Shape::Category => (distinct <= 50 || distinct * 20 <= self.filled()) && distinct < self.filled(),
            Shape::States => distinct <= 10 && distinct * 3 <= self.filled(),
            Shape::Scale => self.is_scale(),
            Shape::Stars => self.is_stars(),
            Shape::Unique => self.is_unique(),
            Shape::Code => kind == ColumnType::Integer || self.texts(texts::is_code) >= 0.9,
            Shape::Sentences => self.texts(texts::is_sentence) >= 0.5,
            Shape::FreeText => {
                kind == ColumnType::Text
                    && distinct * 2 > self.filled()
                    // Some scripts write no blanks between words.
                    && self.texts(|t| t.is_ascii() && texts::is_code(t)) < 0.5
                    && self.texts(texts::is_time) < 0.5
            }
            Shape::Words => self.texts(texts::is_words) >= 0.8,
            Shape::Email => self.texts(texts::is_email) >= 0.9,
            Shape::Url => self.texts(texts::is_url) >= 0.9,
            Shape::Ip => self.texts(texts::is_ip) >= 0.9,
            Shape::Phone => self.texts(texts::is_phone) >= 0.9,
            Shape::ImageFile => self.texts(texts::is_image_file) >= 0.9,
            Shape::LogLevel => self.all_top(&texts::LOG_LEVELS),
            Shape::HttpMethod => self.all_top(&texts::HTTP_METHODS),
            Shape::HttpStatus => {
                kind == ColumnType::Integer
                    && self.within(100.0, 599.0)
                    && distinct <= 60
                    && self.share(|v| texts::HTTP_STATUS.contains(&(v as u16))) >= 0.99
            }
            Shape::Currency => self.texts(texts::is_currency) >= 0.95,
            Shape::Sex => (2..=4).contains(&distinct) && self.all_top(&texts::SEXES) || self.is_zero_one(),
            Shape::Agreement => (2..=10).contains(&distinct) && self.texts(texts::is_agreement) >= 0.6,
            Shape::Geometry => self.texts(texts::is_geometry) >= 0.9,
            Shape::Latitude => numeric && self.within(-90.0, 90.0),
            Shape::Longitude => numeric && self.within(-180.0, 180.0),
        }
    }

    fn is_time(&self) -> bool {
        match self.kind() {
            ColumnType::Date | ColumnType::Datetime => true,
            // 2001 to 2065; smaller numbers are too often something else.
            ColumnType::Integer => {
                self.profile.distinct > 2 && (self.within(1e9, 3e9) || self.within(1e12, 3e12))
            }
            ColumnType::Text => self.texts(texts::is_time) >= 0.9,
            _ => false,
        }
    }

    fn is_zero_one(&self) -> bool {
        self.profile.distinct == 2
            && self.profile.kind.is_numeric()
            && matches!(self.range(), Some((0.0, 1.0) | (1.0, 2.0)))
    }

    fn is_scale(&self) -> bool {
        self.kind() == ColumnType::Integer
            && self.profile.distinct >= 3
            && self
                .range()
                .is_some_and(|(min, max)| (0.0..=1.0).contains(&min) && (4.0..=10.0).contains(&max))
            && self.filled() > self.profile.distinct * 3
    }

    fn is_stars(&self) -> bool {
        self.kind().is_numeric()
            && (3..=51).contains(&self.profile.distinct)
            && self.filled() > self.profile.distinct
            && self.range().is_some_and(|(min, max)| {
                (0.0..=2.0).contains(&min) && (max == 5.0 || max == 10.0 || (4.0..5.0).contains(&max))
            })
            && self.share(|v| decimals(v) <= 1) >= 0.99
    }

    fn is_unique(&self) -> bool {
        let whole = self.profile.nulls == 0 && self.rows > 1 && self.profile.distinct == self.rows;
        match self.kind() {
            ColumnType::Integer => whole,
            ColumnType::Text => {
                // An estimate may be off by its error.
                let near = self.profile.nulls == 0
                    && !self.profile.distinct_exact
                    && self.profile.distinct as f64
                        >= self.rows as f64 * (1.0 - 3.0 * self.profile.distinct_error);
                (whole || near) && self.texts(texts::is_code) >= 0.9
            }
            _ => false,
        }
    }
}

/// A scalar as a number, where it is one.
pub(crate) fn number(scalar: &Scalar) -> Option<f64> {
    match scalar {
        Scalar::Int(i) => Some(*i as f64),
        Scalar::Float(f) => Some(*f),
        Scalar::Bool(_) | Scalar::Text(_) => None,
    }
}

/// Decimals that a number was written with, seven at most. Decimal fractions are not exact in binary: a difference of
/// a few units in the last place is none.
pub(crate) fn decimals(value: f64) -> u32 {
    let mut scaled = value.abs();
    for places in 0..7 {
        if (scaled - scaled.round()).abs() <= scaled.max(1.0) * 1e-12 {
            return places;
        }
        scaled *= 10.0;
    }
    7
}

#[cfg(test)]
mod tests {
    use super::decimals;

    #[test]
    fn decimals_are_counted_as_written() {
        for (value, places) in
            [(3.0, 0), (0.5, 1), (19.99, 2), (-1234567.89, 2), (0.1 + 0.2, 1), (52.520008, 6), (1.0 / 3.0, 7)]
        {
            assert_eq!(decimals(value), places, "{value}");
        }
    }
}
