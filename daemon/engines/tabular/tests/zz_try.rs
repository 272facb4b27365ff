#![allow(missing_docs, clippy::unwrap_used)]
use dropforge_shared::query::TableRef;
use dropforge_tabular::*;
#[test]
fn tryit() {
    let dir = std::path::PathBuf::from(std::env::var("QDIR").unwrap());
    let sqls: Vec<String> =
        serde_json::from_str(&std::fs::read_to_string(dir.join("sql.json")).unwrap()).unwrap();
    let mut tables = vec![];
    for e in std::fs::read_dir(&dir).unwrap() {
        let p = e.unwrap().path();
        if p.is_file() && p.extension().is_some_and(|x| x == "csv") {
            let name = p.file_name().unwrap().to_string_lossy().to_string();
            let out = dir.join(format!("d_{name}"));
            if !out.join("dataset.parquet").exists() {
                std::fs::create_dir_all(&out).unwrap();
                ingest(&p, &out, &ReadOptions::default(), &mut Silent).unwrap();
            }
            tables.push(TableRef {
                name: p.file_stem().unwrap().to_string_lossy().to_string(),
                dataset: out.join("dataset.parquet"),
            });
            tables.push(TableRef { name, dataset: out.join("dataset.parquet") });
        }
    }
    let mut res = vec![];
    for s in &sqls {
        let r = query(
            s,
            &tables,
            &[],
            QueryLimits { max_rows: 5000, timeout_ms: 60000, max_answer_bytes: 4 << 20 },
            &mut Silent,
        );
        res.push(match r {
            Ok(r) => serde_json::json!({"ok": r}),
            Err(e) => {
                serde_json::json!({"err": e.to_string(), "refused": e.is_refusal(), "usage": e.is_usage()})
            }
        });
    }
    std::fs::write(dir.join("out.json"), serde_json::to_string(&res).unwrap()).unwrap();
}
