//! Integers at the ends of 64 bits: what a statement gives is exact, or an error with its place. The figures were worked out
//! with DuckDB.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should fail there")]

mod common;

use common::house::{House, house_of};
use dropforge_tabular::Error;

const BIG: &str = "k,big,small\n\
    x,9223372036854775807,1\n\
    x,9223372036854775807,2\n\
    y,-5,3\n\
    y,7,4\n";

const DAYS: &str = "id,hired\n1,2020-05-01\n";

fn house() -> House {
    house_of(&[("numbers.csv", BIG), ("days.csv", DAYS)])
}

#[test]
fn integers_that_go_beyond_64_bits_are_told_with_their_place() {
    let house = house();
    for (sql, place, words) in [
        (
            "SELECT SUM(big) FROM numbers",
            "line 1, column 8: SUM(big) comes to 18446744073709551616,",
            "SUM(CAST(big AS DOUBLE))",
        ),
        (
            "SELECT k,\n big + 1 FROM numbers",
            "line 2, column 2: big + 1 comes to 9223372036854775808,",
            "CAST(big AS DOUBLE) + 1",
        ),
        ("SELECT big * 2 AS b FROM numbers", "line 1, column 8: ", "18446744073709551614"),
        ("SELECT -2 - big FROM numbers", "line 1, column ", "-9223372036854775809"),
        ("SELECT k FROM numbers GROUP BY k HAVING SUM(big) > 1 ORDER BY k", "line 1, column ", "SUM(big)"),
        (
            "SELECT k, SUM(big) OVER (PARTITION BY k) FROM numbers",
            "line 1, column 11: ",
            "18446744073709551614",
        ),
        (
            "SELECT k, SUM(big) OVER (ORDER BY small) FROM numbers",
            "line 1, column 11: ",
            "18446744073709551614",
        ),
        (
            "WITH w AS (SELECT big AS b FROM numbers) SELECT MAX(b) + 1 FROM w",
            "line 1, column 49: ",
            "MAX(b) + 1 comes to",
        ),
        ("SELECT (SELECT SUM(big) FROM numbers)", "line 1, column 16: ", "SUM(big)"),
        ("SELECT SUM(CASE WHEN small > 1 THEN big ELSE 9 END) * 3 FROM numbers", "line 1, column ", "3"),
        ("SELECT 9223372036854775807 + 1", "line 1, column 8: ", "9223372036854775808"),
        ("SELECT k FROM numbers WHERE big + 1 < 0", "line 1, column 29: ", "big + 1"),
        (
            "SELECT b FROM (SELECT big + 1 AS b FROM numbers) AS t WHERE b < 0",
            "line 1, column 23: ",
            "big + 1",
        ),
    ] {
        let error = house.error(sql);
        let text = error.to_string();
        assert!(matches!(error, Error::Sql(_)), "{sql}: {text}");
        assert!(text.starts_with(place) && text.contains(words), "{sql}: {text}");
    }
}

#[test]
fn integers_are_exact_up_to_the_last_that_64_bits_hold() {
    let house = house();
    for (sql, want) in [
        ("SELECT k, SUM(big), TOTAL(small) FROM numbers WHERE k = 'y' GROUP BY k", "y 2 7"),
        ("SELECT SUM(big) FROM numbers WHERE small IN (2, 3)", "9223372036854775802"),
        ("SELECT SUM(big) FILTER (WHERE small > 2) AS s, MAX(big) - 1 FROM numbers", "2 9223372036854775806"),
        ("SELECT SUM(big) FROM numbers WHERE small > 9", "-"),
        ("SELECT SUM(CAST(big AS DOUBLE)) > 1e19 FROM numbers", "true"),
        (
            "SELECT big + 0 AS b, COUNT(*) FROM numbers GROUP BY big + 0 ORDER BY big + 0 DESC LIMIT 1",
            "9223372036854775807 2",
        ),
        ("SELECT ABS(big) FROM numbers ORDER BY big LIMIT 1", "5"),
        ("SELECT COUNT(*) - 10, COUNT(*) * 2000000000, 0 - LENGTH('abc') FROM numbers", "-6 8000000000 -3"),
        ("SELECT EXTRACT(MONTH FROM hired) * 100, EXTRACT(DOY FROM hired) + 300 FROM days", "500 422"),
        (
            "SELECT SUM(big) OVER (ORDER BY small DESC) AS s FROM numbers WHERE k = 'y' ORDER BY s LIMIT 1",
            "2",
        ),
    ] {
        assert_eq!(house.rows(sql), [want], "{sql}");
    }
}
