//! Statements: what they may not do, and that answers are bounded and end.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should fail there")]

mod common;

use common::house::house;
use dropforge_shared::page::Cell;
use dropforge_tabular::{Error, QueryLimits, Silent, query};

#[test]
fn nothing_but_reading_the_given_datasets_is_allowed() {
    let house = house();
    for sql in [
        "SELECT * FROM read_csv('/etc/hostname')",
        "SELECT * FROM read_parquet('orders')",
        "SELECT * FROM scan_csv('/etc/hostname') AS t",
        "SELECT * FROM READ_JSON('/x')",
        "SELECT * FROM '/etc/hostname'",
        "SELECT * FROM \"/etc/hostname\"",
        "SELECT * FROM \"../orders.csv.data/dataset.parquet\"",
        "SELECT * FROM nobody.orders",
        "SELECT * FROM orders.csv",
        "SELECT * FROM TABLE(read_csv('/etc/hostname'))",
        "SELECT * FROM LATERAL read_csv('/etc/hostname')",
        "SELECT * FROM UNNEST([1, 2]) AS t (x)",
        "SELECT * FROM orders, read_csv('/etc/hostname') AS t",
        "SELECT id FROM orders WHERE id IN (SELECT 1 FROM read_csv('/etc/hostname'))",
        "SELECT (SELECT 1 FROM read_csv('/etc/hostname'))",
        "WITH t AS (SELECT * FROM read_csv('/etc/hostname')) SELECT * FROM t",
        "SELECT 1 UNION SELECT * FROM read_csv('/etc/hostname')",
        "SELECT read_csv('/etc/hostname')",
        "SELECT version()",
        "SELECT id FROM orders ORDER BY read_csv('x')",
        "SELECT COUNT(*) FROM orders GROUP BY pg_sleep(10)",
        "SELECT * INTO x FROM orders",
        "VALUES (1)",
        "INSERT INTO orders VALUES (1)",
        "DELETE FROM orders",
        "UPDATE orders SET id = 1",
        "TRUNCATE TABLE orders",
        "CREATE TABLE x AS SELECT 1",
        "DROP TABLE orders",
        "EXPLAIN SELECT 1",
        "SHOW TABLES",
        "SET a = 1",
        "COPY orders TO '/tmp/x'",
        "SELECT 1; SELECT 2",
        "SELECT * FROM orders FOR UPDATE",
        "SELECT * REPLACE (1 AS id) FROM orders",
        "SELECT COLUMNS('.*') FROM orders",
        "SELECT * FROM orders TABLESAMPLE BERNOULLI (10)",
        "SELECT ? FROM orders",
    ] {
        let error = house.error(sql);
        assert!(error.is_refusal(), "{sql}: {error:?}");
    }
}

#[test]
fn answers_are_bounded_and_say_so() {
    let house = house();
    let limited = |max_rows, max_answer_bytes| {
        let limits = QueryLimits { max_rows, timeout_ms: 0, max_answer_bytes, memory: None };
        query("SELECT * FROM orders ORDER BY id", &house.tables, &[], limits, &mut Silent).unwrap()
    };
    let few = limited(2, 1 << 20);
    assert_eq!((few.rows.len(), few.truncated), (2, true));
    let exact = limited(5, 1 << 20);
    assert_eq!((exact.rows.len(), exact.truncated), (5, false));
    let small = limited(5, 700);
    assert!(small.truncated && (1..5).contains(&small.rows.len()), "{small:?}");
}

#[test]
fn hostile_lengths_end() {
    let house = house();
    let long = format!("SELECT {}", vec!["1"; 20_000].join("+"));
    assert!(house.error(&long).is_refusal());
    let deep = format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000));
    assert!(house.ask(&deep).is_err());
    // Each of these is said several times over inside.
    let nested = format!("SELECT {}qty{} FROM orders", "ROUND(".repeat(40), ", 1)".repeat(40));
    assert!(matches!(house.error(&nested), Error::Sql(_)));
    let rest = format!("SELECT {}qty{} FROM orders", "MOD(".repeat(45), ", 7)".repeat(45));
    assert!(matches!(house.error(&rest), Error::Sql(_)));
    assert!(house.error(&format!("SELECT '{}'", "x".repeat(100_000))).is_refusal());
}

/// All rows of a sorted table, as a pipe asks for them: memory is taken for the rows there are, not for those asked for.
#[test]
fn a_sorted_answer_may_have_any_number_of_rows() {
    let house = house();
    let limits = QueryLimits { max_rows: u64::MAX, ..QueryLimits::default() };
    let sql = "SELECT id FROM orders ORDER BY qty DESC NULLS LAST";
    let result = query(sql, &house.tables, &[], limits, &mut Silent).unwrap();
    let ids: Vec<Cell> = result.rows.into_iter().flatten().collect();
    assert_eq!(ids, [5, 1, 4, 2, 3].map(Cell::Int));
    assert!(!result.truncated);
}
