//! Statements that hold more than there is memory for: the same answers in passes and from disk as at once.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should fail there")]

mod common;

use std::fmt::Write as _;
use std::fs;

use common::house::{House, house_of};
use dropforge_shared::page::Cell;
use dropforge_shared::query::Form;
use dropforge_tabular::{QueryLimits, Saving, Silent, query, query_to};

const ROWS: u64 = 12_000;

/// Memory in which the users of `visits` need some twenty passes.
const LITTLE: Option<u64> = Some(1 << 18);

/// `visits`: users that come about twice, of ten cities; amounts with some missing; every fourth note missing.
fn visits() -> House {
    let mut text = "id,user,city,amount,note\n".to_owned();
    let mut random = 7u64;
    for id in 0..ROWS {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (a, b) = (random >> 33, random >> 13 & 0xffff);
        let amount = if b % 17 == 0 { String::new() } else { format!("{}.25", b % 500) };
        let note = if id % 4 == 0 { String::new() } else { format!("note {}", b % 900) };
        writeln!(text, "{id},user-{},city {},{amount},{note}", a % (ROWS / 2), b % 10).unwrap();
    }
    house_of(&[("visits.csv", &text)])
}

fn asked(house: &House, sql: &str, memory: Option<u64>, max_rows: u64) -> Vec<Vec<Cell>> {
    let limits = QueryLimits { memory, max_rows, timeout_ms: 0, max_answer_bytes: 64 << 20 };
    query(sql, &house.tables, &[], limits, &mut Silent).unwrap_or_else(|e| panic!("{sql}: {e}")).rows
}

fn sorted(rows: Vec<Vec<Cell>>) -> Vec<String> {
    let mut rows: Vec<String> = rows.iter().map(|row| format!("{row:?}")).collect();
    rows.sort();
    rows
}

#[test]
fn what_is_done_in_passes_is_the_same_as_at_once() {
    let house = visits();
    for sql in [
        "SELECT user, COUNT(*) AS n, SUM(amount) AS s FROM visits GROUP BY user",
        "SELECT upper(user) AS u, AVG(amount) AS mean FROM visits WHERE city <> 'city 3' GROUP BY u HAVING COUNT(*) > 1",
        "SELECT DISTINCT user, city FROM visits",
        "SELECT DISTINCT * FROM visits",
        "SELECT COUNT(DISTINCT user) AS users FROM visits",
        "SELECT city, COUNT(DISTINCT user) AS users, COUNT(*) AS n, AVG(amount) AS mean, MIN(note) AS least FROM visits GROUP BY city",
        "SELECT user, median(amount) AS m, MAX(note) AS last FROM visits GROUP BY user",
        "SELECT COUNT(*) AS n FROM (SELECT DISTINCT user, note FROM visits) AS d",
        "WITH per AS (SELECT user, COUNT(*) AS n FROM visits GROUP BY user) SELECT n, COUNT(*) AS users FROM per GROUP BY n",
        "SELECT user, id, ROW_NUMBER() OVER (PARTITION BY user ORDER BY id) AS k, SUM(amount) OVER (PARTITION BY user) AS s FROM visits",
        "SELECT id, user FROM visits QUALIFY ROW_NUMBER() OVER (PARTITION BY user ORDER BY amount DESC, id) = 1",
        "WITH r AS (SELECT *, LAG(amount) OVER (PARTITION BY user ORDER BY id) AS before FROM visits) SELECT id, amount - before AS d FROM r WHERE before IS NOT NULL",
        "SELECT note, COUNT(*) AS n FROM visits GROUP BY note",
        "SELECT d, COUNT(*) AS n FROM (SELECT user || note AS d FROM visits) AS u GROUP BY d",
        "SELECT (SELECT COUNT(DISTINCT user) FROM visits) AS users, COUNT(*) AS n FROM visits",
    ] {
        let whole = sorted(asked(&house, sql, None, 1_000_000));
        assert!(!whole.is_empty(), "{sql}");
        assert_eq!(sorted(asked(&house, sql, LITTLE, 1_000_000)), whole, "{sql}");
    }
}

#[test]
fn the_first_of_all_passes_are_the_first() {
    let house = visits();
    for sql in [
        "SELECT user, COUNT(*) AS n FROM visits GROUP BY user ORDER BY n DESC, user LIMIT 12 OFFSET 3",
        "SELECT user, SUM(amount) AS s FROM visits GROUP BY user ORDER BY s NULLS FIRST, 1 LIMIT 40",
        "SELECT DISTINCT user FROM visits ORDER BY user DESC LIMIT 5",
        "SELECT city, COUNT(DISTINCT user) AS users FROM visits GROUP BY city ORDER BY users DESC, city LIMIT 4 OFFSET 1",
        "SELECT id, user, amount FROM visits QUALIFY RANK() OVER (PARTITION BY user ORDER BY id) = 2 ORDER BY id DESC LIMIT 7",
        "WITH per AS (SELECT user, COUNT(*) AS n FROM visits GROUP BY user) SELECT n, COUNT(*) AS users FROM per GROUP BY n ORDER BY n",
    ] {
        let whole = asked(&house, sql, None, 1_000);
        assert!(!whole.is_empty(), "{sql}");
        assert_eq!(asked(&house, sql, LITTLE, 1_000), whole, "{sql}");
        assert_eq!(asked(&house, sql, LITTLE, 2), whole.get(..2).unwrap(), "{sql}, two rows");
    }
    let groups = "SELECT user, COUNT(*) AS n FROM visits GROUP BY user";
    let all = asked(&house, groups, LITTLE, 1_000_000).len();
    let left = asked(&house, &format!("{groups} LIMIT 1000000 OFFSET {}", all - 3), LITTLE, 1_000_000);
    assert_eq!(left.len(), 3);
    assert_eq!(asked(&house, &format!("{groups} LIMIT 7"), LITTLE, 1_000).len(), 7);
}

#[test]
fn what_fails_at_once_fails_in_passes_as_well() {
    let house = visits();
    for sql in [
        "SELECT CAST(note AS BIGINT) AS n, COUNT(*) AS c FROM visits GROUP BY CAST(note AS BIGINT)",
        "SELECT COUNT(DISTINCT CAST(user AS BIGINT)) AS n FROM visits",
    ] {
        let error = |memory| {
            let limits = QueryLimits { memory, timeout_ms: 0, ..QueryLimits::default() };
            query(sql, &house.tables, &[], limits, &mut Silent).unwrap_err().to_string()
        };
        // How many are told of goes by blocks, and so by memory.
        for memory in [None, LITTLE] {
            let told = error(memory);
            assert!(told.contains("conversion from `str` to `i64` failed in column"), "{told}");
        }
    }
}

#[test]
fn a_result_is_sorted_on_disk_and_nothing_of_that_is_left() {
    let house = visits();
    let dir = tempfile::tempdir().unwrap();
    let saved = |sql: &str, rows, memory| {
        let out = dir.path().join("result.csv");
        let saving = Saving { out: &out, form: Form::Csv, rows, memory };
        let saved =
            query_to(sql, &house.tables, &[], &saving, &mut Silent).unwrap_or_else(|e| panic!("{sql}: {e}"));
        let text = fs::read_to_string(&out).unwrap();
        fs::remove_file(out).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "{sql}");
        assert_eq!(saved.rows as usize + 1, text.lines().count(), "{sql}");
        text
    };
    for sql in [
        "SELECT * FROM visits ORDER BY amount DESC, user",
        "SELECT * FROM visits ORDER BY note NULLS FIRST, amount, id DESC",
        "SELECT id, upper(user) AS u FROM visits WHERE id % 3 = 0 ORDER BY 2 DESC, id",
        "SELECT user, COUNT(*) AS n FROM visits GROUP BY user ORDER BY n DESC, user",
        "SELECT DISTINCT city, note FROM visits ORDER BY note, city",
        "SELECT * FROM visits ORDER BY city, id LIMIT 11000 OFFSET 11",
    ] {
        let whole = saved(sql, None, None);
        assert!(whole.lines().count() > 500, "{sql}");
        // Half a megabyte in runs of forty kilobytes.
        let spilled = saved(sql, None, Some(400_000));
        for (at, (a, b)) in whole.lines().zip(spilled.lines()).enumerate() {
            assert_eq!(a, b, "line {at} of {sql}");
        }
        assert_eq!(spilled, whole, "{sql}");
        let first: Vec<&str> = whole.lines().take(11_001).collect();
        assert_eq!(saved(sql, Some(11_000), Some(400_000)).lines().collect::<Vec<_>>(), first, "{sql}");
    }
    // What ties comes as it stands in the file.
    let text = saved("SELECT city, id FROM visits ORDER BY city", None, Some(400_000));
    let rows: Vec<(&str, u64)> = text
        .lines()
        .skip(1)
        .map(|line| line.split_once(',').unwrap())
        .map(|(c, id)| (c, id.parse().unwrap()))
        .collect();
    assert_eq!(rows.len() as u64, ROWS);
    assert!(rows.is_sorted());
}
