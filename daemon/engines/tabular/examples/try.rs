//! Throwaway.
#![allow(clippy::print_stdout, clippy::unwrap_used)]
use dropforge_tabular::*;
fn main() {
    for path in std::env::args().skip(1) {
        let dir = tempfile::TempDir::new().unwrap();
        let p = std::path::Path::new(&path);
        match ingest(p, dir.path(), &ReadOptions::default(), &mut Silent) {
            Ok(i) => {
                println!(
                    "{path}: {} {:?} {} rows {} rej {:?} hdr {} {:?}",
                    i.format.name(),
                    i.delimiter,
                    i.rows,
                    i.rejected_rows,
                    i.encoding,
                    i.header,
                    i.columns
                        .iter()
                        .take(12)
                        .map(|c| format!("{}:{}", c.name, c.kind.name()))
                        .collect::<Vec<_>>()
                );
                let q = page(&dir.path().join("dataset.parquet"), 0, 3).unwrap();
                for r in q.rows.iter().take(2) {
                    println!(
                        "    {:?}",
                        r.iter()
                            .take(8)
                            .map(|c| c.display().chars().take(40).collect::<String>())
                            .collect::<Vec<_>>()
                    );
                }
                let pr =
                    profile(&dir.path().join("dataset.parquet"), "f", &i.null_tokens, &mut Silent).unwrap();
                for s in pr.issues.iter().take(4) {
                    println!("    issue {:?} {} {}", s.column, s.kind, s.detail);
                }
                if let Some(t) = pr.target {
                    println!("    target {t:?}");
                }
            }
            Err(e) => println!("{path}: ERR {e}"),
        }
    }
}
