//! Statements: what they give, and where they say that it went wrong. The figures were worked out by hand or with another
//! database; larger comparisons are made outside of the tests. What statements may not do is in `query_bounds.rs`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should fail there")]

mod common;

use common::house::house;
use dropforge_shared::page::ColumnType;
use dropforge_tabular::{Error, QueryLimits, Silent, query};

#[test]
fn ordinary_statements_give_what_sql_says() {
    let house = house();
    let cases: &[(&str, &[&str])] = &[
        ("SELECT id FROM orders ORDER BY qty DESC NULLS LAST LIMIT 2 OFFSET 1", &["1", "4"]),
        ("SELECT id FROM orders ORDER BY qty", &["2", "4", "1", "5", "3"]),
        (
            "SELECT customer, COUNT(*), SUM(amount) FROM orders GROUP BY customer ORDER BY COUNT(*) DESC, customer",
            &["1 2 11.0", "2 1 -2.5", "9 1 -", "- 1 4.0"],
        ),
        ("SELECT customer FROM orders GROUP BY customer HAVING COUNT(*) > 1 AND customer > 0", &["1"]),
        (
            "SELECT MIN(amount), MAX(amount), COUNT(amount), COUNT(DISTINCT customer) FROM orders",
            &["-2.5 10.5 4 3"],
        ),
        ("SELECT SUM(qty), COUNT(*) FROM orders WHERE id > 99", &["- 0"]),
        (
            "SELECT o.id, c.name, c.id FROM orders o LEFT JOIN customers c ON o.customer = c.id ORDER BY o.id",
            &["1 Ada 1", "2 Bob 2", "3 Ada 1", "4 - -", "5 - -"],
        ),
        (
            "SELECT c.name, o.id FROM orders o FULL JOIN customers c ON o.customer = c.id ORDER BY c.name, o.id",
            &["Ada 1", "Ada 3", "Bob 2", "Cleo -", "- 4", "- 5"],
        ),
        ("SELECT id FROM customers WHERE id NOT IN (SELECT customer FROM orders)", &[]),
        (
            "SELECT id FROM customers c WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.customer = c.id)",
            &["3"],
        ),
        ("SELECT id FROM orders WHERE amount > (SELECT AVG(amount) FROM orders) ORDER BY id", &["1", "4"]),
        ("SELECT id FROM orders WHERE customer NOT IN (1, NULL)", &[]),
        ("SELECT id FROM orders WHERE note LIKE 'a_b' ORDER BY id", &["2"]),
        ("SELECT id FROM orders WHERE note LIKE '1%' OR note ILIKE 'äRG__'", &["1", "3"]),
        (
            "SELECT id FROM orders WHERE day BETWEEN '2024-02-01' AND DATE '2024-02-28' ORDER BY id",
            &["2", "3"],
        ),
        (
            "SELECT 7 / 2, -7 % 3, MOD(-7, -3), 7 % -3, ROUND(2.5), ROUND(-1.25, 1), 1 / 4",
            &["3.5 -1 -1 1 3.0 -1.3 0.25"],
        ),
        (
            "SELECT flag IS TRUE, flag IS NOT TRUE, flag IS NOT FALSE FROM orders WHERE id = 3",
            &["false true true"],
        ),
        (
            "SELECT STRPOS(note, 'g'), POSITION('r' IN note), LENGTH(note), RIGHT(note, 9), LEFT(note, 1), SUBSTR(note, id + 1) \
          FROM orders WHERE id = 1",
            &["3 2 5 Ärger Ä rger"],
        ),
        (
            "SELECT id, RANK() OVER (ORDER BY customer) AS r FROM orders ORDER BY id",
            &["1 1", "2 3", "3 1", "4 5", "5 4"],
        ),
        (
            "SELECT id, SUM(qty) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS s FROM orders",
            &["1 3", "2 -4", "3 -4", "4 -2", "5 5"],
        ),
        ("WITH orders AS (SELECT * FROM orders WHERE qty > 2) SELECT COUNT(*) FROM orders", &["2"]),
        (
            "SELECT customer AS k FROM orders UNION SELECT id FROM \"customers.csv\" ORDER BY k",
            &["1", "2", "3", "9", "-"],
        ),
        (
            "(SELECT id FROM customers EXCEPT SELECT customer FROM orders) UNION ALL SELECT 99 ORDER BY 1",
            &["3", "99"],
        ),
        (
            "SELECT COALESCE(city, '?') AS city, COUNT(*) AS n FROM customers GROUP BY city ORDER BY city",
            &["? 1", "Bern 1", "Rome 1"],
        ),
        ("SELECT id FROM orders WHERE NULL = NULL", &[]),
        (
            "SELECT id FROM orders WHERE note LIKE '%!_%' ESCAPE '!' OR note LIKE '%!%' ESCAPE '#' ORDER BY id",
            &["2"],
        ),
        (
            "SELECT name, (SELECT COUNT(*) FROM orders o WHERE o.customer = c.id), (SELECT SUM(amount) FROM orders WHERE \
             customer = c.id) AS s FROM customers c ORDER BY name",
            &["Ada 2 11.0", "Bob 1 -2.5", "Cleo 0 -"],
        ),
        (
            "SELECT id FROM orders o WHERE amount >= (SELECT AVG(amount) FROM orders i WHERE i.customer = o.customer) ORDER BY id",
            &["1", "2"],
        ),
        (
            "SELECT id FROM customers c WHERE NOT EXISTS (SELECT 1 FROM orders WHERE customer = c.id AND qty > 0) ORDER BY id",
            &["2", "3"],
        ),
        (
            "SELECT id, customer FROM orders QUALIFY ROW_NUMBER() OVER (PARTITION BY customer ORDER BY id) = 1 ORDER BY qty, id",
            &["2 2", "4 -", "1 1", "5 9"],
        ),
        (
            "SELECT DATE_TRUNC('quarter', day) AS q, COUNT(*) FROM orders GROUP BY q ORDER BY q",
            &["2024-01-01 4", "- 1"],
        ),
        (
            "SELECT DATE_TRUNC('week', DATE '1969-12-31'), DATE_TRUNC('hour', TIMESTAMP '1969-12-31 23:45:10'), 1e3",
            &["1969-12-29 1969-12-31T23:00:00 1000.0"],
        ),
        ("SELECT ARRAY_AGG(id ORDER BY id) FROM customers", &["[1,2,3]"]),
    ];
    for (sql, want) in cases {
        assert_eq!(house.rows(sql), *want, "{sql}");
    }
}

#[test]
fn columns_have_names_and_types() {
    let house = house();
    let sql = "SELECT COUNT(*), MAX(day), a.id, b.id, amount * 2, note AS n FROM orders a JOIN customers b ON a.id = b.id \
               GROUP BY a.id, b.id, amount, note";
    let columns = house.ask(sql).unwrap().columns;
    let told: Vec<(&str, ColumnType)> = columns.iter().map(|c| (c.name.as_str(), c.kind)).collect();
    assert_eq!(
        told,
        [
            ("COUNT(*)", ColumnType::Integer),
            ("MAX(day)", ColumnType::Date),
            ("id", ColumnType::Integer),
            ("b.id", ColumnType::Integer),
            ("amount * 2", ColumnType::Float),
            ("n", ColumnType::Text),
        ]
    );
}

#[test]
fn a_key_that_tables_are_joined_by_is_one_column() {
    let house = house();
    let names =
        |sql: &str| -> Vec<String> { house.ask(sql).unwrap().columns.into_iter().map(|c| c.name).collect() };
    assert_eq!(
        names("SELECT * FROM customers a LEFT JOIN customers b USING (id, name)"),
        ["id", "name", "city", "city:b"]
    );
    assert_eq!(
        names("WITH w AS (SELECT id, qty FROM orders) SELECT * FROM customers JOIN w USING (id)"),
        ["id", "name", "city", "qty"]
    );
    assert_eq!(
        names(
            "SELECT * FROM customers a JOIN (SELECT id FROM orders) o USING (id) JOIN customers c USING (id)"
        ),
        ["id", "name", "city", "name:c", "city:c"]
    );
    assert_eq!(
        names("SELECT * EXCLUDE (name) FROM customers a JOIN orders o USING (id) WHERE o.id > 1")[..2],
        ["id", "city"]
    );
    assert_eq!(names("SELECT * FROM customers a SEMI JOIN orders USING (id)"), ["id", "name", "city"]);
}

#[test]
fn errors_point_at_the_place_and_name_what_is_near() {
    let house = house();
    let told = |sql: &str| house.error(sql).to_string();
    assert!(house.error("SELECT id\nFROM orders WHERE id = )").is_usage());
    assert!(
        told("SELECT id\nFROM orders WHERE id = )").starts_with("line 2, column "),
        "{}",
        told("SELECT id\nFROM orders WHERE id = )")
    );
    assert!(told("SELECT 'never ends").starts_with("line 1, column "));
    let table = told("SELECT *\n  FROM ordres");
    assert!(table.contains("line 2, column 8") && table.contains("did you mean \"orders\""), "{table}");
    let function = told("SELECT id,\n lenght(note) FROM orders");
    assert!(function.contains("line 2, column 2") && function.contains("length"), "{function}");
    let column = told("SELECT custmer FROM orders");
    assert!(column.contains("\"custmer\"") && column.contains("did you mean \"customer\""), "{column}");
    for (sql, place, words) in [
        ("SELECT id,\n  custmer FROM orders", "line 2, column 3: ", "did you mean \"customer\"?"),
        ("SELECT id FROM orders o WHERE o.qtty > 1", "line 1, column 33: ", "no column \"qtty\" in o"),
        (
            "SELECT id FROM orders o JOIN customers c ON o.customer = c.id",
            "line 1, column 8: ",
            "write o.id or c.id",
        ),
        ("SELECT id FROM orders WHERE note = 3", "line 1, column 29: ", "write it in quotes: '3'"),
        ("SELECT SUM(note) FROM orders", "line 1, column 12: ", "sum takes numbers, and note is text"),
        ("SELECT note + 1 FROM orders", "line 1, column 8: ", "TRY_CAST(note AS DOUBLE)"),
        (
            "SELECT qty * 2 AS twice FROM orders WHERE twice > 3",
            "line 1, column 43: ",
            "is not there yet here",
        ),
        ("SELECT CAST(note AS BIGINT) FROM orders", "line 1, column ", "TRY_CAST(note AS BIGINT)"),
        (
            "SELECT id FROM customers WHERE EXISTS (SELECT 1 FROM orders WHERE customr = 1)",
            "line 1, column 67: ",
            "customer",
        ),
        (
            "SELECT x.n FROM (SELECT id AS n FROM orders) AS x ORDER BY x.m",
            "line 1, column 62: ",
            "no column \"m\" in x",
        ),
        ("SELECT id FROM orders GROUP BY customer", "line 1, column 8: ", "put it into GROUP BY"),
    ] {
        let text = told(sql);
        assert!(text.starts_with(place) && text.contains(words), "{sql}: {text}");
    }
    let unquoted = told("SELECT * FROM orders.csv");
    assert!(unquoted.contains("\"orders.csv\" in double quotes"), "{unquoted}");
    let other = told("SELECT x.id FROM orders o");
    assert!(other.contains("line 1, column 8") && other.contains("no table in FROM is called x"), "{other}");
    let ambiguous = query(
        "SELECT * FROM both",
        &house.tables,
        &[unclear("both", true)],
        QueryLimits::default(),
        &mut Silent,
    );
    assert!(ambiguous.unwrap_err().to_string().ends_with("\"both\" is what it is"));
}

#[test]
fn what_would_come_out_wrong_is_an_error() {
    let house = house();
    for sql in [
        "SELECT note, COUNT(*) FROM orders",
        "SELECT customer, note FROM orders GROUP BY customer",
        "SELECT id, LAST_VALUE(qty) OVER (ORDER BY id) FROM orders",
        "SELECT SUM(qty) OVER () FROM orders",
        "SELECT id FROM orders WHERE qty > AVG(qty)",
        "SELECT id FROM orders a FULL JOIN customers b USING (id)",
        "SELECT id FROM customers EXCEPT SELECT 1 UNION SELECT 2",
        "SELECT id FROM customers c WHERE id > (SELECT MAX(id) FROM orders o WHERE o.qty > c.id)",
        "SELECT id FROM customers c WHERE id NOT IN (SELECT customer FROM orders o WHERE o.id = c.id)",
        "SELECT id * 2 AS id FROM orders QUALIFY id < 3 AND COUNT(*) OVER () > 1",
        "SELECT DATE_TRUNC('month', note) FROM orders",
        "SELECT \"^.*$\" FROM orders",
        "SELECT id FROM orders WHERE note = 3",
        "SELECT a.note FROM orders a JOIN customers b ON a.id = b.id ORDER BY a.id, b.id",
        "SELECT (SELECT id FROM orders)",
        "SELECT CAST('abc' AS INTEGER)",
    ] {
        let error = house.error(sql);
        assert!(matches!(error, Error::Sql(_)), "{sql}: {error:?}");
    }
}

fn unclear(name: &str, several: bool) -> dropforge_shared::query::Unclear {
    dropforge_shared::query::Unclear { name: name.into(), why: "is what it is".into(), several }
}
