//! Prints how each file named on the command line is read, one JSON document a line. For benchmarks of the reader.

use std::io::Write;
use std::path::Path;

use dropforge_tabular::{ReadOptions, Silent, ingest, page};

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for path in std::env::args_os().skip(1) {
        let path = Path::new(&path);
        writeln!(out, "{}", report(path)?)?;
    }
    Ok(())
}

fn report(path: &Path) -> std::io::Result<serde_json::Value> {
    let dir = std::env::temp_dir().join(format!("read_report_{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let shown = path.display().to_string();
    let result = ingest(path, &dir, &ReadOptions::default(), &mut Silent);
    let answer = match result {
        Ok(told) => {
            let first = page(&dir.join("dataset.parquet"), 0, 3).map(|p| p.rows).unwrap_or_default();
            serde_json::json!({ "path": shown, "reading": told.reading(), "how": told.how, "first_rows": first })
        }
        Err(error) => serde_json::json!({ "path": shown, "error": error.to_string() }),
    };
    std::fs::remove_dir_all(&dir)?;
    Ok(answer)
}
