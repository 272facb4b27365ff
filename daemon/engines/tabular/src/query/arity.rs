//! How many arguments a function takes, as its usage says: `substr(text, start [, length])` takes two or three.

/// The fewest and the most; `None` where the usage does not tell.
pub(super) fn of(usage: &str) -> Option<(usize, usize)> {
    let (_, rest) = usage.split_once('(')?;
    let (inside, _) = rest.split_once(')')?;
    if inside.contains('…') || inside.contains(" FROM ") {
        return None;
    }
    let (must, may) = inside.split_once('[').unwrap_or((inside, ""));
    let least =
        if must.trim().is_empty() { 0 } else { must.trim().trim_end_matches(',').matches(',').count() + 1 };
    Some((least, least + may.matches(',').count()))
}

#[cfg(test)]
mod tests {
    use dropforge_shared::sql;

    #[test]
    fn the_usage_of_a_function_says_how_many_arguments_it_takes() {
        let of = |name: &str| super::of(sql::function(name).unwrap().usage);
        assert_eq!(of("abs"), Some((1, 1)));
        assert_eq!(of("pi"), Some((0, 0)));
        assert_eq!(of("substr"), Some((2, 3)));
        assert_eq!(of("array_agg"), Some((1, 1)));
        assert_eq!(of("if"), Some((3, 3)));
        assert_eq!(of("coalesce"), None);
        assert_eq!(of("quantile_cont"), Some((2, 2)));
    }
}
