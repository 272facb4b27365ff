//! What kind of data files hold, with the issues and the target of their profiles, one JSON object a line: for measuring
//! the detection against labels, which `tests/benches/detection.py` does. Usage: `detect_report [--rules FOLDER] FILE…`

use std::error::Error;
use std::io::{self, Write as _};
use std::path::Path;

use dropforge_tabular::{ReadOptions, Rules, Silent, detect, ingest, profile};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let mut files: Vec<String> = std::env::args().skip(1).collect();
    let mut rules = Rules::builtin();
    let mut out = io::stdout().lock();
    if files.first().is_some_and(|first| first == "--rules") {
        let folder = files.get(1).ok_or("--rules needs a folder")?.clone();
        let (mine, bad) = Rules::with_user_folder(Path::new(&folder));
        for bad in bad {
            writeln!(io::stderr(), "{bad}")?;
        }
        rules = mine;
        files.drain(..2);
    }
    for file in files {
        let told = look(Path::new(&file), &rules).unwrap_or_else(|e| json!({"error": e.to_string()}));
        writeln!(out, "{}", json!({"file": file, "found": told}))?;
    }
    Ok(())
}

fn look(file: &Path, rules: &Rules) -> Result<Value, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let ingested = ingest(file, folder.path(), &ReadOptions::default(), &mut Silent)?;
    let dataset = folder.path().join("dataset.parquet");
    let profile = profile(&dataset, "", &ingested.null_tokens, &mut Silent)?;
    let detection = detect(&profile, &dataset, ingested.header, rules);
    Ok(json!({
        "type": detection.decided.name,
        "level": detection.decided.level,
        "confidence": detection.decided.confidence,
        "ask": detection.ask,
        "header": ingested.header,
        "rows": ingested.rows,
        "columns": ingested.columns.len(),
        "evidence": detection.decided.evidence,
        "issues": profile.issues,
        "target": profile.target,
        "scores": detection.candidates.iter().map(|c| (c.name.clone(), json!(c.score))).collect::<serde_json::Map<_, _>>(),
    }))
}
