//! What is measured on a whole table: how columns stand to each other and how rows follow. Knows nothing of types of
//! data but the roles that a rule found for columns.

use std::collections::BTreeMap;

use super::rules::{Measure, Test};
use super::shapes::{Look, Shape, decimals, number};

/// Numeric columns that are tried as prices side by side; files of prices are narrow.
const PRICE_COLUMNS: usize = 60;

/// Microseconds of a day.
const DAY: f64 = 86_400e6;
/// Labels from which on one can tell that they repeat.
const LABELS: u64 = 10;

/// A table, and which columns play which role of the type in question.
pub(crate) struct Table<'a> {
    pub(crate) looks: &'a [Look<'a>],
    pub(crate) rows: u64,
    /// Columns in the file, more than `looks` where it is very wide.
    pub(crate) width: usize,
    /// `None` where names say nothing.
    pub(crate) roles: Option<BTreeMap<&'a str, Vec<usize>>>,
    /// Columns that nobody named and that count the rows.
    pub(crate) counters: usize,
}

/// A measured value, and what was seen in words.
pub(crate) struct Found {
    pub(crate) value: f64,
    pub(crate) detail: String,
}

fn found(value: f64, detail: impl Into<String>) -> Option<Found> {
    Some(Found { value, detail: detail.into() })
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// A share as people read it, never rounded up to the whole.
pub(crate) fn percent(share: f64) -> String {
    let tenths = (share * 1000.0).floor() / 10.0;
    format!("{tenths} %")
}

impl Table<'_> {
    /// Measures what a test asks for. `None` where it cannot be measured, as names are missing.
    pub(crate) fn measure(&self, test: &Test) -> Option<Found> {
        let all = self.looks.len();
        match test.measure {
            Measure::Explained => {
                let claimed: usize = self.roles.as_ref()?.values().map(Vec::len).sum();
                let named = all.saturating_sub(self.counters);
                found(
                    share(claimed, named).min(1.0),
                    format!("{claimed} of {named} columns are usual for it"),
                )
            }
            Measure::Rows => found(self.rows as f64, format!("{} rows", self.rows)),
            Measure::Columns => found(self.width as f64, format!("{} columns", self.width)),
            Measure::Numeric => {
                let n = self.count(|l| l.is(Shape::Numeric));
                found(share(n, all), format!("{n} of {all} columns are numbers"))
            }
            Measure::Count => {
                let shape = test.shape?;
                let n = self.count(|l| l.is(shape));
                found(n as f64, format!("{n} columns of {}", spoken(test.of())))
            }
            Measure::Share => {
                let shape = test.shape?;
                let n = self.count(|l| l.is(shape));
                found(share(n, all), format!("{n} of {all} columns of {}", spoken(test.of())))
            }
            Measure::Unique | Measure::Repeats => self.unique(test),
            Measure::Ohlc => self.ohlc(),
            Measure::Coordinates => self.coordinates(),
            Measure::TimeOrdered => self.times("in order", ordered),
            Measure::RegularTime => self.times("at regular intervals", regular),
            Measure::Intraday => self.times("at regular intervals of less than a day", intraday),
            Measure::Smooth => self.smooth(),
            Measure::UserItem => self.user_item(),
            Measure::TextAndLabel => self.text_and_label(),
            Measure::SameScale => self.same_scale(),
        }
    }

    /// Whether what is measured is about columns that were found by name, so that it tells whether the names are right.
    pub(crate) fn is_about_named(&self, measure: Measure) -> bool {
        let has = |roles: &[&str]| roles.iter().all(|r| self.role(r).is_some());
        match measure {
            Measure::Ohlc => has(&["high", "low", "close"]),
            Measure::Coordinates => has(&["latitude", "longitude"]),
            _ => false,
        }
    }

    fn count(&self, test: impl Fn(&Look<'_>) -> bool) -> usize {
        self.looks.iter().filter(|l| test(l)).count()
    }

    fn role(&self, role: &str) -> Option<usize> {
        self.roles.as_ref()?.get(role)?.first().copied()
    }

    fn name(&self, index: usize) -> &str {
        self.looks.get(index).map_or("", |l| l.profile.name.as_str())
    }

    fn unique(&self, test: &Test) -> Option<Found> {
        self.roles.as_ref()?;
        let Some(look) = self.role(test.of()).and_then(|i| self.looks.get(i)) else {
            return found(0.0, format!("no column for {}", spoken(test.of())));
        };
        let (distinct, filled) = (look.profile.distinct, self.rows.saturating_sub(look.profile.nulls));
        let unique = distinct == filled && filled > 0;
        let detail = format!("{} has {distinct} different values in {filled}", look.profile.name);
        found(f64::from(u8::from(unique == (test.measure == Measure::Unique))), detail)
    }

    /// low ≤ open, close ≤ high. Named columns are taken at their word; others are tried side by side, in the two
    /// usual orders, and must differ within rows as little as prices of a day do.
    fn ohlc(&self) -> Option<Found> {
        let named = [self.role("open"), self.role("high"), self.role("low"), self.role("close")];
        if let [open, Some(high), Some(low), Some(close)] = named {
            let columns = [open.unwrap_or(close), high, low, close];
            let (good, all) = self.inside(columns);
            let inside =
                if open.is_some() { "low ≤ open, close ≤ high" } else { "low ≤ close ≤ high" };
            return found(share(good, all), format!("{inside} in {good} of {all} sampled rows"));
        }
        let numeric: Vec<usize> = (0..self.looks.len())
            .filter(|i| self.looks.get(*i).is_some_and(|l| l.is(Shape::Positive) && l.profile.distinct > 10))
            .take(PRICE_COLUMNS)
            .collect();
        let mut best =
            Found { value: 0.0, detail: "no four columns with low ≤ open, close ≤ high".to_owned() };
        for window in numeric.windows(4) {
            let [a, b, c, d] = *window else { continue };
            if d - a != 3 || !self.close_together(window) {
                continue;
            }
            // As open, high, low, close; files have them in this order, as open low high close, as close open high low
            // or as open close low high.
            for columns in [[a, b, c, d], [a, c, b, d], [b, c, d, a], [a, d, c, b]] {
                let (good, all) = self.inside(columns);
                let value = share(good, all);
                if all >= 20 && value > best.value {
                    let names: Vec<&str> = columns.iter().map(|i| self.name(*i)).collect();
                    best = Found {
                        value,
                        detail: format!(
                            "{} ≤ {}, {} ≤ {} in {good} of {all} sampled rows",
                            names[2], names[0], names[3], names[1]
                        ),
                    };
                }
            }
        }
        Some(best)
    }

    /// Rows with `low ≤ open, close ≤ high` and rows that have all four; columns as open, high, low, close.
    fn inside(&self, columns: [usize; 4]) -> (usize, usize) {
        let [Some(open), Some(high), Some(low), Some(close)] = columns.map(|i| self.looks.get(i)) else {
            return (0, 0);
        };
        let (mut good, mut all) = (0, 0);
        let rows = open.values.numbers.iter().zip(&high.values.numbers);
        for ((o, h), (l, c)) in rows.zip(low.values.numbers.iter().zip(&close.values.numbers)) {
            let (Some(o), Some(h), Some(l), Some(c)) = (o, h, l, c) else { continue };
            all += 1;
            // Adjusted prices are rounded each for itself.
            let slack = h.abs() * 1e-6;
            good += usize::from(l - slack <= o.min(*c) && o.max(*c) <= h + slack);
        }
        (good, all)
    }

    /// Whether the values of a row differ by less than a fifth in the median row, and not in none.
    fn close_together(&self, columns: &[usize]) -> bool {
        let looks: Vec<&Look<'_>> = columns.iter().filter_map(|i| self.looks.get(*i)).collect();
        let rows = looks.iter().map(|l| l.values.numbers.len()).min().unwrap_or(0);
        let mut spreads = Vec::new();
        for row in 0..rows {
            let values: Vec<f64> =
                looks.iter().filter_map(|l| l.values.numbers.get(row).copied().flatten()).collect();
            if values.len() == looks.len() {
                let (low, high) =
                    values.iter().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
                spreads.push(if high > 0.0 { (high - low) / high } else { 1.0 });
            }
        }
        spreads.sort_unstable_by(f64::total_cmp);
        spreads.get(spreads.len() / 2).is_some_and(|median| *median > 0.0 && *median < 0.2)
    }

    fn coordinates(&self) -> Option<Found> {
        let degrees = |i: usize, shape: Shape| self.looks.get(i).is_some_and(|l| l.is(shape));
        if let (Some(north), Some(east)) = (self.role("latitude"), self.role("longitude")) {
            let good = degrees(north, Shape::Latitude) && degrees(east, Shape::Longitude);
            let range = |i: usize| self.looks.get(i).and_then(Look::range).unwrap_or_default();
            let ((a, b), (c, d)) = (range(north), range(east));
            let detail = format!(
                "{} from {a} to {b} and {} from {c} to {d} are {}degrees",
                self.name(north),
                self.name(east),
                if good { "" } else { "no " }
            );
            return found(f64::from(u8::from(good)), detail);
        }
        // Without names: two columns side by side with three decimals and more, further from zero than a standardised
        // measure would be.
        let fine = |l: &Look<'_>, shape: Shape| {
            l.is(shape)
                && l.profile.distinct > 5
                && l.share(|v| decimals(v) >= 3) >= 0.6
                && l.range().is_some_and(|(min, max)| min.abs().max(max.abs()) > 10.0)
        };
        for pair in self.looks.windows(2) {
            let [a, b] = pair else { continue };
            if fine(a, Shape::Latitude) && fine(b, Shape::Longitude)
                || fine(a, Shape::Longitude) && fine(b, Shape::Latitude)
            {
                let detail = format!("{} and {} could be degrees", a.profile.name, b.profile.name);
                return found(1.0, detail);
            }
        }
        found(0.0, "no two columns of degrees")
    }

    fn times(&self, what: &str, test: fn(&[f64]) -> bool) -> Option<Found> {
        for look in self.looks.iter().filter(|l| l.is(Shape::Time)) {
            let values = look.values;
            let mut ends: Vec<usize> = values.starts.iter().skip(1).copied().collect();
            ends.push(values.numbers.len());
            let mut any = false;
            let good = values.starts.iter().zip(ends).all(|(start, end)| {
                let block = values.numbers.get(*start..end).unwrap_or_default();
                let times: Vec<f64> = block.iter().flatten().copied().collect();
                any |= times.len() > 2;
                times.len() <= 2 || test(&times)
            });
            if any && good {
                return found(1.0, format!("{} comes {what}", look.profile.name));
            }
        }
        found(0.0, format!("no times {what}"))
    }

    fn smooth(&self) -> Option<Found> {
        let (mut smooth, mut all) = (0, 0);
        for look in self.looks.iter().filter(|l| l.is(Shape::Numeric) && l.profile.distinct > 10) {
            let mut pairs = Vec::new();
            let numbers = &look.values.numbers;
            for (i, pair) in numbers.windows(2).enumerate() {
                if let ([Some(a), Some(b)], false) = (pair, look.values.starts.contains(&(i + 1))) {
                    pairs.push((*a, *b));
                }
            }
            // What only goes up counts rows; it does not measure anything.
            if pairs.len() < 20 || pairs.iter().all(|(a, b)| b >= a) || pairs.iter().all(|(a, b)| b <= a) {
                continue;
            }
            all += 1;
            smooth += usize::from(correlation(&pairs) >= 0.7);
        }
        found(share(smooth, all), format!("{smooth} of {all} measures change little from row to row"))
    }

    fn user_item(&self) -> Option<Found> {
        let stars = self.looks.iter().position(|l| l.is(Shape::Stars));
        let is_id = |l: &Look<'_>| {
            let repeats = l.profile.distinct > 10 && l.profile.distinct < self.rows;
            repeats && l.is(Shape::Code) && !l.is(Shape::Time) && !l.is(Shape::Stars) && !l.is(Shape::Year)
        };
        let ids: Vec<&str> =
            self.looks.iter().filter(|l| is_id(l)).map(|l| l.profile.name.as_str()).collect();
        match (stars, ids.as_slice()) {
            (Some(stars), [a, b, ..]) if self.width <= 8 => {
                found(1.0, format!("repeated codes in {a} and {b} beside stars in {}", self.name(stars)))
            }
            _ => found(0.0, "no two columns of repeated codes beside one of stars"),
        }
    }

    /// A label is said again and again, so a handful of rows shows none.
    fn text_and_label(&self) -> Option<Found> {
        let text = self.looks.iter().find(|l| l.is(Shape::Sentences));
        let label = self.looks.iter().find(|l| {
            let filled = self.rows.saturating_sub(l.profile.nulls);
            let repeats = filled >= LABELS && l.profile.distinct * 2 <= filled;
            repeats && (2..=50).contains(&l.profile.distinct) && !l.is(Shape::Sentences)
        });
        match (text, label) {
            (Some(text), Some(label)) => {
                let (text, n) = (&text.profile.name, label.profile.distinct);
                found(1.0, format!("sentences in {text} beside {n} categories in {}", label.profile.name))
            }
            _ => found(0.0, "no column of sentences beside one of categories"),
        }
    }

    fn same_scale(&self) -> Option<Found> {
        let mut scales: BTreeMap<(i64, i64), usize> = BTreeMap::new();
        for look in self.looks.iter().filter(|l| l.is(Shape::Scale)) {
            let bounds = (look.profile.min.as_ref(), look.profile.max.as_ref());
            if let (Some(min), Some(max)) = (bounds.0.and_then(number), bounds.1.and_then(number)) {
                *scales.entry((min as i64, max as i64)).or_default() += 1;
            }
        }
        match scales.iter().max_by_key(|(_, n)| **n) {
            Some(((min, max), n)) => {
                let all = self.looks.len();
                found(share(*n, all), format!("{n} of {all} columns hold answers from {min} to {max}"))
            }
            None => found(0.0, "no answers on a scale"),
        }
    }
}

fn spoken(word: &str) -> String {
    word.replace('_', " ")
}

fn ordered(times: &[f64]) -> bool {
    let up = times.windows(2).all(|w| w[0] <= w[1]);
    let down = times.windows(2).all(|w| w[0] >= w[1]);
    (up || down) && times.first() != times.last()
}

/// Whether nine of ten steps are within a tenth of the median step; a month has 28 to 31 days, and trading days leave
/// out weekends, so a step of up to four days counts where the median is one.
fn regular(times: &[f64]) -> bool {
    let steps: Vec<f64> = times.windows(2).map(|w| (w[1] - w[0]).abs()).filter(|s| *s > 0.0).collect();
    if steps.len() < 5 || !ordered(times) {
        return false;
    }
    let mut sorted = steps.clone();
    sorted.sort_unstable_by(f64::total_cmp);
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
    let near = |s: f64| (s - median).abs() <= median * 0.11 || (median == DAY && s <= 4.0 * DAY);
    steps.iter().filter(|s| near(**s)).count() * 10 >= steps.len() * 9
}

/// Whether times are regular, most steps shorter than a day.
fn intraday(times: &[f64]) -> bool {
    let steps = || times.windows(2).map(|w| (w[1] - w[0]).abs()).filter(|s| *s > 0.0);
    regular(times) && steps().filter(|s| *s < DAY).count() * 2 > steps().count()
}

/// Pearson's correlation; 0 where either side is constant.
fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let n = pairs.len() as f64;
    let (sum_a, sum_b) = pairs.iter().fold((0.0, 0.0), |(a, b), (x, y)| (a + x, b + y));
    let (mean_a, mean_b) = (sum_a / n, sum_b / n);
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in pairs {
        let (x, y) = (x - mean_a, y - mean_b);
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    let whole = (aa * bb).sqrt();
    if whole > 0.0 && whole.is_finite() { ab / whole } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_regular_by_hours_months_and_trading_days() {
        let hours: Vec<f64> = (0..50).map(|i| f64::from(i) * 3_600e6).collect();
        let months: Vec<f64> = [0.0, 31.0, 59.0, 90.0, 120.0, 151.0, 181.0].map(|d| d * DAY).to_vec();
        let trading: Vec<f64> = (0..40).filter(|d| d % 7 < 5).map(|d| f64::from(d) * DAY).collect();
        for times in [&hours, &months, &trading] {
            assert!(regular(times), "{times:?}");
        }
        let visits: Vec<f64> = [0.0, 3.0, 4.0, 19.0, 20.0, 51.0, 58.0].map(|d| d * DAY).to_vec();
        assert!(!regular(&visits) && ordered(&visits));
        assert!(intraday(&hours) && !intraday(&months) && !intraday(&trading));
        assert!(!ordered(&[1.0, 3.0, 2.0]) && !ordered(&[1.0, 1.0]));
    }

    #[test]
    fn a_share_is_never_rounded_up_to_the_whole() {
        assert_eq!(percent(0.9999), "99.9 %");
        assert_eq!(percent(1.0), "100 %");
    }
}
