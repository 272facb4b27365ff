//! The tables that the tests of statements share.

#![allow(clippy::panic, reason = "a test that cannot go on should fail there")]

use std::fs;

use dropforge_shared::page::Cell;
use dropforge_shared::query::{QueryResult, TableRef};
use dropforge_tabular::{Error, QueryLimits, ReadOptions, Silent, ingest, query};
use tempfile::TempDir;

const ORDERS: &str = "id,customer,amount,qty,day,note,flag\n\
    1,1,10.5,3,2024-01-05,Ärger,true\n\
    2,2,-2.5,-7,2024-02-05,a_b,false\n\
    3,1,0.5,,2024-02-06,100%,\n\
    4,,4,2,,ab,true\n\
    5,9,,7,2024-03-01,,false\n";
const CUSTOMERS: &str = "id,name,city\n1,Ada,Bern\n2,Bob,\n3,Cleo,Rome\n";

/// Tables that statements are asked of, each with and without the ending of its file.
pub struct House {
    _dir: TempDir,
    pub tables: Vec<TableRef>,
}

/// Takes both in.
pub fn house() -> House {
    house_of(&[("orders.csv", ORDERS), ("customers.csv", CUSTOMERS)])
}

/// Takes tables in, by the names of their files.
pub fn house_of(files: &[(&str, &str)]) -> House {
    let dir = TempDir::new().unwrap();
    let mut tables = Vec::new();
    for (name, text) in files {
        let source = dir.path().join(name);
        let out = dir.path().join(format!("{name}.data"));
        fs::write(&source, text).unwrap();
        fs::create_dir(&out).unwrap();
        ingest(&source, &out, &ReadOptions::default(), &mut Silent).unwrap();
        for name in [name, name.trim_end_matches(".csv")] {
            tables.push(TableRef { name: name.into(), dataset: out.join("dataset.parquet") });
        }
    }
    House { _dir: dir, tables }
}

impl House {
    /// An answer; it must be the same, but for the order where there is none, with hardly any memory, which asks for passes
    /// wherever there is a way to do a statement so.
    pub fn ask(&self, sql: &str) -> Result<QueryResult, Error> {
        let whole = query(sql, &self.tables, &[], QueryLimits::default(), &mut Silent);
        let limits = QueryLimits { memory: Some(1), ..QueryLimits::default() };
        let passed = query(sql, &self.tables, &[], limits, &mut Silent);
        match (&whole, &passed) {
            (Ok(whole), Ok(passed)) => {
                assert_eq!(whole.columns, passed.columns, "{sql}");
                let ordered =
                    sql.to_uppercase().rsplit(')').next().is_some_and(|end| end.contains("ORDER BY"));
                let rows = |result: &QueryResult| {
                    let mut rows: Vec<String> = result.rows.iter().map(|row| format!("{row:?}")).collect();
                    if !ordered {
                        rows.sort();
                    }
                    rows
                };
                assert_eq!(rows(whole), rows(passed), "{sql}");
            }
            (Err(whole), Err(passed)) => assert_eq!(whole.to_string(), passed.to_string(), "{sql}"),
            _ => panic!("{sql}: {whole:?}, in passes {passed:?}"),
        }
        whole
    }

    /// The rows as text: missing as `-`.
    pub fn rows(&self, sql: &str) -> Vec<String> {
        let result = self.ask(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
        let cell = |cell: &Cell| match cell {
            Cell::Null => "-".to_owned(),
            Cell::Bool(b) => b.to_string(),
            Cell::Int(i) => i.to_string(),
            Cell::Float(f) => format!("{f:?}"),
            Cell::Text(t) => t.clone(),
        };
        result.rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join(" ")).collect()
    }

    /// What a statement that must not work says.
    pub fn error(&self, sql: &str) -> Error {
        match self.ask(sql) {
            Err(error) => error,
            Ok(result) => panic!("{sql} gave {:?}", result.rows),
        }
    }
}
