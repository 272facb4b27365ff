//! Rules of SQL that the engine behind has otherwise, or not at all. The figures were worked out with DuckDB.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should fail there")]

mod common;

use common::house::{House, house_of};
use dropforge_tabular::Error;

const STAFF: &str = "id,dept,salary,hired,name\n\
    1,a,100,2020-01-01,Eve\n\
    2,a,,2021-01-01,Bob\n\
    3,b,100,2020-05-01,\n\
    4,b,300,,Ada\n\
    5,a,200,2020-01-01,Cid\n\
    6,b,,2022-01-01,Dan\n\
    7,,100,2023-01-01,Fay\n";
const DEPTS: &str = "dept,title,floor\na,Art,1\nb,Books,2\nc,Cars,3\n";

fn house() -> House {
    house_of(&[("staff.csv", STAFF), ("depts.csv", DEPTS)])
}

/// One window over the staff, by id.
fn over_staff(house: &House, window: &str) -> String {
    house.rows(&format!("SELECT {window} AS w FROM staff ORDER BY id")).join(" ")
}

#[test]
fn missing_keys_stand_in_over_where_order_by_has_them() {
    let house = house();
    for (window, want) in [
        ("ROW_NUMBER() OVER (ORDER BY salary, id)", "1 6 2 5 4 7 3"),
        ("ROW_NUMBER() OVER (ORDER BY salary DESC, id DESC)", "7 2 6 3 4 1 5"),
        ("ROW_NUMBER() OVER (ORDER BY salary DESC, id)", "5 1 6 3 4 2 7"),
        ("ROW_NUMBER() OVER (ORDER BY salary NULLS FIRST, name DESC NULLS LAST)", "4 2 5 7 6 1 3"),
        ("ROW_NUMBER() OVER (ORDER BY dept DESC, name)", "7 5 4 2 6 3 1"),
        ("RANK() OVER (ORDER BY salary)", "1 6 1 5 4 6 1"),
        ("DENSE_RANK() OVER (ORDER BY salary)", "1 4 1 3 2 4 1"),
        ("RANK() OVER (PARTITION BY dept ORDER BY salary DESC)", "3 1 3 2 2 1 1"),
        ("LAG(id) OVER (ORDER BY salary, id)", "- 4 1 5 7 2 3"),
        ("LEAD(name, 2) OVER (ORDER BY hired DESC, id)", "- Eve Cid Dan - - Bob"),
        ("FIRST_VALUE(id) OVER (PARTITION BY dept ORDER BY salary)", "1 1 3 3 1 3 7"),
        ("COUNT(salary) OVER (ORDER BY salary, id ROWS UNBOUNDED PRECEDING)", "1 5 2 5 4 5 3"),
    ] {
        assert_eq!(over_staff(&house, window), want, "{window}");
    }
    let both = house.rows(
        "SELECT id, ROW_NUMBER() OVER (ORDER BY salary DESC, id) AS n FROM staff ORDER BY salary DESC, id",
    );
    assert_eq!(both, ["2 1", "6 2", "4 3", "5 4", "1 5", "3 6", "7 7"]);
}

#[test]
fn rows_that_tie_share_a_running_value_unless_rows_are_asked_for() {
    let house = house();
    for (window, want) in [
        ("SUM(id) OVER (ORDER BY salary)", "11 28 11 20 16 28 11"),
        (
            "SUM(id) OVER (ORDER BY salary RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)",
            "11 28 11 20 16 28 11",
        ),
        ("COUNT(*) OVER (PARTITION BY dept ORDER BY hired)", "2 3 1 3 2 2 1"),
        ("MAX(name) OVER (ORDER BY salary)", "Fay Fay Fay Fay Fay Fay Fay"),
        ("MIN(name) OVER (ORDER BY salary)", "Eve Ada Eve Ada Cid Ada Eve"),
        ("AVG(salary) OVER (PARTITION BY dept ORDER BY id)", "100.0 100.0 100.0 200.0 150.0 200.0 100.0"),
        (
            "SUM(salary) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)",
            "100 100 100 400 500 200 100",
        ),
        ("AVG(salary) OVER (ORDER BY id ROWS 2 PRECEDING)", "100.0 100.0 100.0 200.0 200.0 250.0 150.0"),
        ("MAX(salary) OVER (PARTITION BY dept ORDER BY id ROWS 1 PRECEDING)", "100 100 100 300 200 300 100"),
        ("COUNT(salary) OVER (ORDER BY id ROWS 0 PRECEDING)", "1 0 1 1 1 0 1"),
        ("SUM(salary) OVER (ORDER BY id ROWS CURRENT ROW)", "100 - 100 300 200 - 100"),
        ("SUM(salary * 0.5) OVER (ORDER BY id DESC)", "400.0 350.0 350.0 300.0 150.0 50.0 50.0"),
    ] {
        assert_eq!(over_staff(&house, window), want, "{window}");
    }
    let share = "SELECT id, ROUND(100 * SUM(salary) OVER (ORDER BY id) / SUM(salary) OVER (), 1) AS p FROM staff \
                 QUALIFY SUM(salary) OVER (ORDER BY id) > 300 ORDER BY id LIMIT 2";
    assert_eq!(house.rows(share), ["4 62.5", "5 87.5"]);
    let with = "WITH w AS (SELECT id, dept, SUM(id) OVER (PARTITION BY dept ORDER BY id) AS s FROM staff), v (i, t) AS (SELECT id, \
                s FROM w WHERE s > 5) SELECT w.id, v.t, LAG(v.t) OVER (ORDER BY w.id) FROM w JOIN v ON w.id = v.i ORDER BY 1";
    assert_eq!(house.rows(with), ["4 7 -", "5 8 7", "6 13 8", "7 7 13"]);
    let union = "SELECT id, RANK() OVER (ORDER BY id DESC) AS r FROM staff WHERE id < 3 UNION ALL (SELECT id, SUM(id) OVER \
                 (ORDER BY id) FROM staff WHERE id > 5) ORDER BY id";
    assert_eq!(house.rows(union), ["1 2", "2 1", "6 6", "7 13"]);
    let inside = "SELECT name FROM staff WHERE id IN (SELECT ROW_NUMBER() OVER (ORDER BY dept) FROM depts) AND id < \
                  (SELECT MAX(n) FROM (SELECT ROW_NUMBER() OVER (ORDER BY floor) AS n FROM depts) AS t) ORDER BY id";
    assert_eq!(house.rows(inside), ["Eve", "Bob"]);
    // What stands around a window must not reach into it.
    let after = "SELECT id, r FROM (SELECT id, dept, RANK() OVER (ORDER BY id DESC) AS r FROM staff) AS t WHERE id < 4 AND \
                 dept = 'a' ORDER BY id";
    assert_eq!(house.rows(after), ["1 7", "2 6"]);
    let few = "SELECT id, SUM(id) OVER (ORDER BY id DESC) AS s FROM staff LIMIT 2";
    assert_eq!(house.rows(few), ["1 28", "2 27"]);
    let few = "SELECT r FROM (SELECT id, COUNT(*) OVER (ORDER BY id DESC) AS r FROM staff LIMIT 3 OFFSET 1) AS t LIMIT 1";
    assert_eq!(house.rows(few), ["6"]);
    let joined = "SELECT t.id, t.r, d.title FROM (SELECT id, dept, RANK() OVER (ORDER BY id DESC) AS r FROM staff) AS t JOIN depts \
                  d ON t.dept = d.dept WHERE d.floor = 2 AND t.id > 3 ORDER BY t.id";
    assert_eq!(house.rows(joined), ["4 4 Books", "6 2 Books"]);
    let grouped = "SELECT dept, MAX(r) FROM (SELECT dept, ROW_NUMBER() OVER (PARTITION BY dept ORDER BY id) AS r FROM staff) AS t \
                   WHERE dept <> 'b' GROUP BY dept HAVING MAX(r) > 1";
    assert_eq!(house.rows(grouped), ["a 3"]);
    let none = "SELECT SUM(id) OVER (ORDER BY id) AS s FROM staff WHERE id > 99";
    assert_eq!(house.rows(none), [""; 0]);
    let one = "SELECT SUM(id) OVER (ORDER BY id), LAG(id) OVER (ORDER BY id) FROM staff WHERE id = 3";
    assert_eq!(house.rows(one), ["3 -"]);
    for sql in [
        "SELECT id, SUM(salary) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM staff",
        "SELECT id, SUM(name) OVER (ORDER BY id) FROM staff",
        "SELECT id, MEDIAN(salary) OVER (ORDER BY id) FROM staff",
        "SELECT id, ROW_NUMBER(1) OVER (ORDER BY id) FROM staff",
    ] {
        let error = house.error(sql);
        assert!(
            matches!(&error, Error::Sql(text) if text.starts_with("line 1, column ")),
            "{sql}: {error:?}"
        );
    }
}

#[test]
fn what_does_not_begin_as_a_reading_statement_is_refused_with_its_place() {
    let house = house();
    for sql in [
        "ATTACH 'x'",
        "EXPORT DATABASE 'x'",
        "DO $$ begin end $$",
        "REINDEX emp",
        "CHECKPOINT",
        "TABLE staff",
        "SUMMARIZE staff",
        "UPSERT INTO staff VALUES (1)",
        "FROM read_csv('/etc/hostname')",
        "PRAGMA version",
        "INSTALL httpfs",
        "LOAD httpfs",
        "COPY staff TO '/tmp/x'",
        "SET a = 1",
        "VALUES (1)",
        "own_plus_0(1, 2)",
        "SELECT own_plus_0(1, 2)",
        "SELECT own_window_sum_peers_0_al_0(id, id) FROM staff",
    ] {
        let error = house.error(sql);
        assert!(error.is_refusal() && error.to_string().contains("line 1, column "), "{sql}: {error:?}");
    }
    let placed = house.error("-- what I had\n  /* before */ ATTACH 'x'").to_string();
    assert!(placed.contains("line 2, column 16: ATTACH is not allowed"), "{placed}");
    let typo = house.error("SELCT * FROM staff");
    assert!(typo.is_usage() && typo.to_string().contains("did you mean SELECT?"), "{typo:?}");
    assert!(house.error("-- nothing\n").is_usage());
    assert_eq!(house.rows("/* a */ (SELECT 1 AS n)"), ["1"]);
}

#[test]
fn a_join_may_have_further_conditions() {
    let house = house();
    for (sql, want) in [
        (
            "SELECT s.id, d.title FROM staff s LEFT JOIN depts d ON s.dept = d.dept AND d.floor > 1 ORDER BY s.id",
            "1 -|2 -|3 Books|4 Books|5 -|6 Books|7 -",
        ),
        (
            "SELECT s.id, depts.title FROM staff s LEFT JOIN depts ON (s.dept = depts.dept AND depts.title LIKE 'A%') WHERE s.id < 4 ORDER BY 1",
            "1 Art|2 Art|3 -",
        ),
        (
            "SELECT s.id, d.title FROM staff s JOIN depts d ON s.dept = d.dept AND s.salary > 150 ORDER BY s.id",
            "4 Books|5 Art",
        ),
        (
            "SELECT s.id FROM staff s JOIN depts d ON s.dept = d.dept AND (s.salary > 250 OR d.floor = 1) WHERE s.id > 1 ORDER BY s.id",
            "2|4|5",
        ),
        (
            "SELECT s.id FROM staff s SEMI JOIN depts d ON s.dept = d.dept AND d.floor = 1 ORDER BY id",
            "1|2|5",
        ),
        (
            "SELECT s.id FROM staff s ANTI JOIN depts d ON s.dept = d.dept AND d.floor = 1 ORDER BY id",
            "3|4|6|7",
        ),
        (
            "WITH w AS (SELECT * FROM depts) SELECT s.id, x.title FROM staff s LEFT JOIN w AS x ON s.dept = x.dept AND x.floor = 2 WHERE s.id IN (1, 3) ORDER BY s.id",
            "1 -|3 Books",
        ),
        (
            "SELECT s.id, d.t FROM staff s LEFT JOIN (SELECT dept, title AS t FROM depts) AS d ON s.dept = d.dept AND d.t <> 'Art' WHERE s.id < 4 ORDER BY s.id",
            "1 -|2 -|3 Books",
        ),
        (
            "SELECT s.id, d.title, e.title FROM staff s JOIN depts d ON s.dept = d.dept AND s.id > 4 LEFT JOIN depts e ON d.dept = e.dept AND e.floor = 2 ORDER BY s.id",
            "5 Art -|6 Books Books",
        ),
    ] {
        assert_eq!(house.rows(sql).join("|"), want, "{sql}");
    }
    for sql in [
        "SELECT s.id FROM staff s LEFT JOIN depts d ON s.dept = d.dept AND s.id > 3",
        "SELECT s.id FROM staff s LEFT JOIN depts d ON s.dept = d.dept AND floor > 3",
        "SELECT s.id FROM staff s RIGHT JOIN depts d ON s.dept = d.dept AND d.floor > 1",
        "SELECT s.id FROM staff s JOIN depts d ON s.dept = d.dept AND s.id > 4 FULL JOIN depts e ON e.dept = d.dept",
        "SELECT s.id FROM staff s JOIN depts d ON s.id > 4",
    ] {
        let error = house.error(sql);
        assert!(
            matches!(&error, Error::Sql(text) if text.starts_with("line 1, column ")),
            "{sql}: {error:?}"
        );
    }
}

#[test]
fn different_rows_are_sorted_by_what_they_give() {
    let house = house();
    for (sql, want) in [
        ("SELECT DISTINCT dept, salary FROM staff ORDER BY salary DESC, dept LIMIT 3", "a -|b -|b 300"),
        ("SELECT DISTINCT dept FROM staff ORDER BY 1", "a|b|-"),
        (
            "SELECT DISTINCT s.dept, s.salary > 100 AS more FROM staff s ORDER BY more, s.dept LIMIT 2 OFFSET 1",
            "b false|- false",
        ),
        ("SELECT DISTINCT * FROM depts ORDER BY floor DESC LIMIT 1", "c Cars 3"),
        (
            "SELECT DISTINCT salary AS dept, dept AS salary FROM staff WHERE id < 4 ORDER BY dept, salary",
            "100 a|100 b|- a",
        ),
        ("WITH w AS (SELECT DISTINCT dept FROM staff ORDER BY dept LIMIT 2) SELECT COUNT(*) FROM w", "2"),
    ] {
        assert_eq!(house.rows(sql).join("|"), want, "{sql}");
    }
}

#[test]
fn the_first_rows_of_a_sorted_dataset_are_whole_and_in_order() {
    let house = house();
    for (sql, want) in [
        (
            "SELECT * FROM staff ORDER BY salary DESC, dept LIMIT 3",
            "2 a - 2021-01-01 Bob|6 b - 2022-01-01 Dan|4 b 300 - Ada",
        ),
        (
            "SELECT * FROM staff ORDER BY salary LIMIT 2 OFFSET 1",
            "3 b 100 2020-05-01 -|7 - 100 2023-01-01 Fay",
        ),
        (
            "SELECT * EXCLUDE (hired, name) FROM staff s WHERE s.id > 1 AND dept = 'a' ORDER BY s.hired LIMIT 1",
            "5 a 200",
        ),
        ("SELECT name AS salary, id * 2 AS twice FROM staff ORDER BY salary LIMIT 2", "Ada 8|Bob 4"),
        ("SELECT id * 2 AS id, name FROM staff ORDER BY id DESC LIMIT 1", "14 Fay"),
        ("SELECT name, salary FROM staff ORDER BY 2 NULLS FIRST, 1 DESC LIMIT 3", "Dan -|Bob -|- 100"),
        ("SELECT name FROM staff WHERE id > 99 ORDER BY salary LIMIT 3", ""),
        ("SELECT COUNT(*) FROM staff WHERE id > (SELECT id FROM staff ORDER BY salary, id LIMIT 1)", "6"),
        ("SELECT name FROM staff ORDER BY hired, id", "Eve|Cid|-|Bob|Dan|Fay|Ada"),
    ] {
        assert_eq!(house.rows(sql).join("|"), want, "{sql}");
    }
}

/// Of several row groups, against the same statement in a form that is not taken apart.
#[test]
fn the_first_rows_of_a_long_dataset_are_those_that_sorting_all_gives() {
    let mut text = "id,k,v,t\n".to_owned();
    for id in 0u64..200_000 {
        let mixed = (id * 2_654_435_761) % 4_294_967_296;
        let v = if mixed % 97 == 0 { String::new() } else { (mixed % 5_003).to_string() };
        text.push_str(&format!("{id},{},{v},text {mixed}\n", mixed % 7));
    }
    let house = house_of(&[("long.csv", &text)]);
    for (order, limit) in [
        ("v DESC, k, id", "LIMIT 20"),
        ("k, v DESC NULLS LAST, id DESC", "LIMIT 7 OFFSET 900"),
        ("t DESC", "LIMIT 1000"),
    ] {
        let late = house.rows(&format!("SELECT * FROM long WHERE id % 3 <> 1 ORDER BY {order} {limit}"));
        let whole =
            format!("SELECT * FROM (SELECT * FROM long WHERE id % 3 <> 1) AS l ORDER BY {order} {limit}");
        assert!(!late.is_empty());
        assert_eq!(late, house.rows(&whole), "{order} {limit}");
    }
}

#[test]
fn errors_of_whole_clauses_have_a_place_too() {
    let house = house();
    for (sql, place) in [
        (
            "SELECT id, name FROM staff\nUNION SELECT dept FROM depts",
            "line 2, column 7: this side gives 1 columns",
        ),
        ("SELECT id FROM staff ORDER BY 7", "line 1, column 31: there is no column 7"),
        ("SELECT * FROM depts ORDER BY 4", "line 1, column 30: there is no column 4"),
        ("SELECT id FROM staff UNION SELECT floor FROM depts ORDER BY 2", "line 1, column 61: "),
        ("SELECT SUM(id) FROM staff HAVING SUM(id) > 1", "line 1, column 34: HAVING needs GROUP BY"),
        ("SELECT dept FROM staff EXCEPT ALL SELECT dept FROM depts", "line 1, column 35: EXCEPT ALL"),
        ("SELECT 99999999999999999999", "line 1, column 8: a whole number has 64 bits"),
        ("SELECT ABS(id, 2) FROM staff", "line 1, column 8: abs is called as abs(x)"),
        ("SELECT REPLACE(name, 'a') FROM staff", "line 1, column 8: replace is called as "),
        ("SELECT id FROM staff LIMIT 1 + 1", "line 1, column 28: LIMIT"),
        ("SELECT id FROM (WITH w AS (SELECT 1 AS id) SELECT * FROM w) AS t", "line 1, column 17: WITH"),
        ("SELECT id IN (SELECT 1) FROM staff", "line 1, column 8: IN (SELECT"),
    ] {
        let text = house.error(sql).to_string();
        assert!(text.starts_with(place), "{sql}: {text}");
    }
    assert_eq!(
        house.rows("SELECT -9223372036854775807, COUNT(*) FROM depts WHERE floor < 99999999999999.5"),
        ["-9223372036854775807 3"]
    );
}

#[test]
fn a_column_may_be_called_what_other_databases_know_as_the_user() {
    let house = house_of(&[("visits.csv", "id,user\n1,Ada\n2,Bob\n3,Ada\n")]);
    assert_eq!(
        house.rows("SELECT user, COUNT(*) AS n FROM visits GROUP BY user ORDER BY user"),
        ["Ada 2", "Bob 1"]
    );
    assert_eq!(house.rows("SELECT id FROM visits WHERE user = 'Bob'"), ["2"]);
    let result = house.ask("SELECT USER FROM visits");
    assert!(matches!(&result, Err(e) if e.to_string().contains("user")), "{result:?}");
}
