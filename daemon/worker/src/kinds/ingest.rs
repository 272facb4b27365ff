//! Takes a file in: reads it as a table, writes the typed dataset, profiles it. A file that is no table is not a
//! failure: the facts then say what it seems to be.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use dropforge_shared::fault::Fault;
use dropforge_shared::file::{FileFacts, FileKind};
use dropforge_shared::reading::settings as names;
use dropforge_shared::work::{JobClass, KindSpec};
use dropforge_tabular::{self as tabular, Ingested, ReadOptions};

use crate::Kind;
use crate::context::{Context, Delivery, WorkError};

/// The kind `ingest`. Settings: `delimiter` (one character) and `header` (`true` or `false`) and `sheet` (the sheet,
/// member or key to read); what is not set is found.
pub(super) const KIND: Kind = Kind {
    spec: KindSpec { name: "ingest", class: JobClass::Ingest, memory_bytes: 2 << 30, stages: &["profile"] },
    run: ingest,
};

/// The profile's name in the output folder.
const PROFILE: &str = "profile.json";
/// The dataset's name, as the engine writes it.
const DATASET: &str = "dataset.parquet";

fn ingest(ctx: &mut Context) -> Result<Delivery, WorkError> {
    let input = ctx.input()?.clone();
    let out_dir = ctx.out_dir().to_owned();
    let options = options(ctx)?;
    if fs::metadata(&input.path).map_err(|e| WorkError::io("looking at the file", &e))?.len() == 0 {
        return Ok(no_table("empty: 0 bytes"));
    }
    let ingested = match tabular::ingest(&input.path, &out_dir, &options, ctx) {
        Ok(ingested) => ingested,
        Err(tabular::Error::NotATable { reason, .. }) => {
            empty(&out_dir).map_err(|e| WorkError::io("clearing the output folder", &e))?;
            return Ok(no_table(&format!("not a table: {reason}")));
        }
        Err(e) => return Err(e.into()),
    };
    let dataset = out_dir.join(DATASET);
    let profile = tabular::profile(&dataset, input.file.as_str(), &ingested.null_tokens, ctx)?;
    write_json(&out_dir.join(PROFILE), &profile).map_err(|e| WorkError::io("writing the profile", &e))?;
    Ok(Delivery { facts: Some(facts(&ingested, options.part.is_some())), ..Delivery::default() })
}

fn options(ctx: &Context) -> Result<ReadOptions, WorkError> {
    let mut options = ReadOptions::default();
    let settings = &ctx.spec().settings;
    let bad = |name: &str, value: &str, want: &str| {
        WorkError::failed(Fault::usage(format!("the setting '{name}' can't be '{value}': it must be {want}")))
    };
    if let Some(value) = settings.get("delimiter") {
        let byte = match (value.as_str(), value.as_bytes()) {
            ("\\t" | "tab", _) => b'\t',
            (_, [byte]) => *byte,
            _ => return Err(bad("delimiter", value, "one ASCII character, or 'tab'")),
        };
        options.delimiter = Some(byte);
    }
    if let Some(value) = settings.get("header") {
        options.header = Some(value.parse().map_err(|_| bad("header", value, "'true' or 'false'"))?);
    }
    options.part = settings.get(names::SHEET).cloned();
    Ok(options)
}

fn facts(ingested: &Ingested, part_was_set: bool) -> FileFacts {
    // Of a content with one table there is nothing to tell apart.
    let several = part_was_set || ingested.parts.len() > 1;
    let part = ingested.part.clone().filter(|_| several);
    let others =
        ingested.parts.iter().filter(|other| !part_was_set && Some(*other) != ingested.part.as_ref());
    let reading = match ingested.compression {
        Some(compression) => format!("{compression}; {}", ingested.how),
        None => ingested.how.clone(),
    };
    FileFacts {
        kind: Some(FileKind::Dataset),
        format: Some(ingested.format.name().to_owned()),
        encoding: ingested.encoding.clone(),
        delimiter: ingested.delimiter.clone(),
        rows: Some(ingested.rows),
        columns: Some(ingested.columns.len() as u64),
        rejected_rows: Some(ingested.rejected_rows),
        pages: None,
        reading: Some(reading),
        part,
        other_parts: others.cloned().collect(),
        ..FileFacts::default()
    }
}

fn no_table(reading: &str) -> Delivery {
    let facts = FileFacts {
        kind: Some(FileKind::Unknown),
        reading: Some(reading.to_owned()),
        ..FileFacts::default()
    };
    Delivery { facts: Some(facts), ..Delivery::default() }
}

/// Removes what the engine had begun to write.
fn empty(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn write_json(path: &Path, value: &impl serde::Serialize) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    serde_json::to_writer(&mut out, value)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use dropforge_shared::ids::{AttemptId, FileId, JobId};
    use dropforge_shared::work::{Given, Input, JobSpec};

    use super::*;
    use crate::wire::Sender;

    fn take_in(bytes: &[u8], settings: &[(&str, &str)]) -> (tempfile::TempDir, Result<Delivery, WorkError>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("input");
        let out_dir = dir.path().join("out");
        fs::write(&path, bytes).unwrap();
        fs::create_dir(&out_dir).unwrap();
        let spec = JobSpec {
            attempt: AttemptId { job: JobId::random(), number: 1 },
            kind: "ingest".into(),
            input: Some(Input { file: FileId::random(), name: "x".into(), path, bytes: bytes.len() as u64 }),
            out_dir,
            settings: settings.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect::<BTreeMap<_, _>>(),
            memory_bytes: 1 << 30,
            cpu_seconds: 0,
            checkpoint: None,
            given: Given::default(),
        };
        let out = Sender::new(File::options().write(true).open("/dev/null").unwrap());
        let result = ingest(&mut Context::new(spec, out, Arc::default()));
        (dir, result)
    }

    #[test]
    fn a_table_becomes_a_dataset_and_a_profile() {
        let (dir, result) = take_in(b"name;age\nAda;36\nGrace;85\n", &[]);
        let facts = result.unwrap().facts.unwrap();
        assert_eq!(facts.kind, Some(FileKind::Dataset));
        assert_eq!(facts.format.as_deref(), Some("csv"));
        assert_eq!(facts.delimiter.as_deref(), Some(";"));
        assert_eq!((facts.rows, facts.columns, facts.rejected_rows), (Some(2), Some(2), Some(0)));
        let profile = fs::read(dir.path().join("out/profile.json")).unwrap();
        let profile: serde_json::Value = serde_json::from_slice(&profile).unwrap();
        assert_eq!(profile["rows"], 2);
        assert!(dir.path().join("out/dataset.parquet").exists());
    }

    #[test]
    fn a_content_with_several_tables_names_the_one_that_was_read_and_the_others() {
        let text = br#"{"users":[{"a":1}],"version":1,"roles":[{"b":2},{"b":3}]}"#;
        let (_dir, result) = take_in(text, &[]);
        let facts = result.unwrap().facts.unwrap();
        assert_eq!((facts.part.as_deref(), facts.rows), (Some("users"), Some(1)));
        assert_eq!(facts.other_parts, ["roles"]);
        let (_dir, result) = take_in(text, &[("sheet", "roles")]);
        let facts = result.unwrap().facts.unwrap();
        assert_eq!((facts.part.as_deref(), facts.rows), (Some("roles"), Some(2)));
        assert!(facts.other_parts.is_empty());
    }

    #[test]
    fn what_is_no_table_is_told_in_words_and_leaves_nothing() {
        for (bytes, words) in
            [(&b""[..], "empty: 0 bytes"), (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "not a table: it is a PDF")]
        {
            let (dir, result) = take_in(bytes, &[]);
            let facts = result.unwrap().facts.unwrap();
            assert_eq!((facts.kind, facts.format), (Some(FileKind::Unknown), None));
            assert_eq!(facts.reading.as_deref(), Some(words));
            assert_eq!(fs::read_dir(dir.path().join("out")).unwrap().count(), 0);
        }
    }

    #[test]
    fn a_setting_that_makes_no_sense_is_named() {
        let (_dir, result) = take_in(b"a,b\n1,2\n", &[("delimiter", "::")]);
        let error = result.unwrap_err().to_string();
        assert!(error.contains("delimiter") && error.contains("'::'"), "{error}");
    }
}
