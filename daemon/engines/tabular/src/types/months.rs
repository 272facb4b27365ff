//! The names of months that dates are read by. Must not know dates.

/// English names; three letters are enough to tell them apart.
pub(crate) const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// The number of an English month.
pub(crate) fn month(name: &str) -> Option<u32> {
    let is = |month: &str| {
        name.eq_ignore_ascii_case(month)
            || month.get(..3).is_some_and(|short| name.eq_ignore_ascii_case(short))
    };
    MONTHS.iter().position(|m| is(m)).map(|at| at as u32 + 1)
}
